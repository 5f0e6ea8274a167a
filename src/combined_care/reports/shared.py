"""Expensive results that several pages show, computed once: notebooks call these functions.

They return what the functions of the package return. Within a build, or where the environment
variable ``COMBINED_CARE_CACHE`` names a folder, a result is kept there under the digest of all that
it was computed from (the code and its libraries, the claim, the rows of the trials it uses, and
the rules and words of ``data/``), so that a result of other code or data is never taken for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from combined_care import evidence as evidence_module
from combined_care.paths import project_root
from combined_care.reports import inputs
from combined_care.reports.store import Store
from combined_care.verdicts import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from combined_care.claims import Claim
    from combined_care.evidence import Evidence

CACHE_VARIABLE = "COMBINED_CARE_CACHE"


def load_evidence(path: str | Path | None = None) -> Evidence:
    """Load the evidence, as :func:`combined_care.load_evidence` does.

    Parameters
    ----------
    path : str or pathlib.Path, optional
        Folder with the data package; by default ``data/`` of the project.

    Returns
    -------
    Evidence
        The validated tables; validated once for each content of the folder.
    """
    folder = Path(path) if path is not None else project_root() / "data"
    store = _store()
    if store is None:
        return evidence_module.load_evidence(folder)
    key = inputs.digest("evidence", inputs.machinery_digest(), inputs.folder_digest(folder))
    found = store.get(key, evidence_module.Evidence)
    if found is None:
        found = evidence_module.load_evidence(folder)
        store.put(key, found)
    return found


def judged(claim: Claim, evidence: Evidence) -> Verdict:
    """Judge a claim, as :func:`combined_care.judge` does.

    Parameters
    ----------
    claim : Claim
        The claim.
    evidence : Evidence
        The evidence.

    Returns
    -------
    Verdict
        Equal to the one that ``judge`` returns.
    """
    return judged_all([claim], evidence)[0]


def judged_all(claims: Iterable[Claim], evidence: Evidence) -> list[Verdict]:
    """Judge several claims, as :func:`combined_care.judge` does one after the other."""
    store = _store()
    if store is None:
        return [judge(claim, evidence) for claim in claims]
    rows = inputs.Rows(evidence)
    return [_judged(claim, rows, store) for claim in claims]


def _judged(claim: Claim, rows: inputs.Rows, store: Store) -> Verdict:
    key = _key(claim, rows)
    found = store.get(key, Verdict)
    if found is None or found.claim != claim:
        found = judge(claim, rows.evidence)
        store.put(key, found)
    return found


def _key(claim: Claim, rows: inputs.Rows) -> str:
    """Return the digest of all that a verdict is computed from."""
    evidence = rows.evidence
    parts = (evidence.release, evidence.rule, evidence.vocabulary, evidence.words, claim)
    published = evidence.published.to_csv(index=False)
    used = rows.digest(rows.used([claim]))
    common = [inputs.machinery_digest(), inputs.shared_data_digest(project_root())]
    return inputs.digest("verdict", common, [repr(part) for part in parts], published, used)


def _store() -> Store | None:
    folder = os.environ.get(CACHE_VARIABLE)
    return Store(Path(folder)) if folder else None
