"""What a page is made from, and digests of it: files, code, library versions, rows of the data.

Digests are of content, never of times, and hold nothing of the machine: the same checkout gives
the same digest in another folder. Importing this module loads no data library, so that a build
with nothing to do ends at once.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, field
from functools import cache, reduce
from importlib.metadata import version
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

    from combined_care.claims import Claim
    from combined_care.evidence import Evidence

#: Files that can change a page; not caches.
_WANTED = frozenset({".py", ".csv", ".json", ".yaml", ".md", ".ipynb", ".j2", ".css", ".js"})
#: Of these pages use parts, row by row and claim by claim; other files of data/ as a whole.
_IN_PARTS = frozenset({"trials.csv", "outcomes.csv", "claims.yaml"})
#: Libraries that compute or draw what a page shows.
LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels", "pymare", "matplotlib")
#: Libraries that only carry it there, whose version may change a page all the same.
_CARRIERS = ("ipython", "papermill", "nbconvert", "mistune", "jinja2", "pyyaml")


@dataclass(frozen=True, slots=True)
class Uses:
    """The part of ``data/`` that a page shows; a change elsewhere does not rebuild it.

    A page without this declaration depends on everything and waits for the verdicts of all claims.

    Attributes
    ----------
    claims : tuple of str
        Ids of the claims whose verdicts the page shows. It depends on their definitions and on
        every row of the trials that pass their filters of trials.
    trials : mapping
        Trial column -> values: the page also depends on every row of the trials that have one of
        the values in each of the columns.
    registry : bool
        Whether the definitions of all claims matter, as on a page that says which claims use a
        trial.
    everything : bool
        Whether all rows, all definitions of claims and the documents of ``data/`` matter, as on a
        page that counts the trials. Such a page may still show the verdicts of few claims or none.
    """

    claims: tuple[str, ...] = ()
    trials: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    registry: bool = False
    everything: bool = False


def digest(*parts: object) -> str:
    """Return the SHA-256 of plain JSON values."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def folder_digest(folder: Path, wanted: Callable[[Path], bool] = lambda file: True) -> str:
    """Return a digest of the names and contents of the files below a folder that matter."""
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix in _WANTED and not _hidden(file, folder) and wanted(file)
    )
    return digest([(f.relative_to(folder).as_posix(), file_digest(f)) for f in files])


def _hidden(file: Path, folder: Path) -> bool:
    """Whether a file lies in a cache or a checkpoint, or is one."""
    return any(part.startswith((".", "__py")) for part in file.relative_to(folder).parts)


@cache
def code_digest() -> str:
    """Return the digest of this package: of its code as this process met it first."""
    return folder_digest(Path(__file__).resolve().parents[1])


@cache
def versions() -> dict[str, str]:
    """Return the version of each library that computes or draws."""
    return {name: version(name) for name in LIBRARIES}


@cache
def machinery_digest() -> str:
    """Return the digest of all that is not data: the package, its libraries and Python."""
    carriers = {name: version(name) for name in _CARRIERS}
    return digest(code_digest(), versions(), carriers, list(sys.version_info[:2]))


def everything(root: Path) -> str:
    """Return one digest of all inputs of all pages: the same as last time means nothing to do."""
    folders = [folder_digest(root / name) for name in ("data", "notebooks")]
    return digest(machinery_digest(), folders)


def shared_data_digest(root: Path) -> str:
    """Return the digest of what all pages share in ``data/``: vocabularies, rules, words."""
    return folder_digest(root / "data", lambda f: f.suffix != ".md" and f.name not in _IN_PARTS)


def documents_digest(root: Path) -> str:
    """Return the digest of the documents in ``data/``."""
    return folder_digest(root / "data", lambda file: file.suffix == ".md")


class Rows:
    """The rows of one evidence, by trial: which of them a page uses, and their digest.

    Parameters
    ----------
    evidence : Evidence
        The evidence; it is read once.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        digests: dict[str, Any] = {}
        for table in (evidence.trials, evidence.outcomes):
            columns = "\x1f".join(map(str, table.columns))
            trials = table["trial_id"].astype(str)
            for trial, row in zip(trials, table.itertuples(index=False, name=None), strict=True):
                sha = digests.setdefault(trial, hashlib.sha256(columns.encode()))
                sha.update(("\x1e" + "\x1f".join(map(str, row))).encode())
        self._digests = {trial: sha.hexdigest() for trial, sha in digests.items()}

    def used(
        self, claims: Sequence[Claim], trials: Mapping[str, tuple[str, ...]] | None = None
    ) -> tuple[str, ...]:
        """Return the ids of the trials that claims, or a filter of trials, use; sorted.

        Notes
        -----
        A claim uses all rows of every trial that passes its filters of trials. What it asks of
        the rows (outcome, comparator, phase, weeks, data tier) does not count, because sensitivity
        analyses and the multiverse change that. Trials that share a label with a used one count
        as used, because labels then tell them apart.
        """
        table = self.evidence.trials
        keep = table["trial_id"].isna()
        for estimand in (a.estimand for claim in claims for a in claim.analyses):
            keep |= _all_hold(table, estimand.trials) & _one_holds(table, estimand.any_of)
        if trials:
            keep |= _all_hold(table, trials)
        keep = table["label"].isin(set(table.loc[keep, "label"]))
        return tuple(sorted(table.loc[keep, "trial_id"]))

    def all(self) -> tuple[str, ...]:
        """Return the ids of all trials, sorted."""
        return tuple(sorted(self._digests))

    def digest(self, trials: Iterable[str]) -> str:
        """Return the digest of all rows of some trials."""
        return digest([(trial, self._digests[trial]) for trial in trials])

    def count(self, trials: Iterable[str]) -> int:
        """Return the number of outcome rows of some trials."""
        return int(self.evidence.outcomes["trial_id"].isin(set(trials)).sum())


def _all_hold(table: pd.DataFrame, asked: Mapping[str, tuple[str, ...]]) -> pd.Series:
    keep = table["trial_id"].notna()
    for column, values in asked.items():
        keep &= table[column].isin(values)
    return keep


def _one_holds(table: pd.DataFrame, asked: Mapping[str, tuple[str, ...]]) -> pd.Series:
    """Whether one condition holds; where none is asked, all rows pass."""
    if not asked:
        return table["trial_id"].notna()
    return reduce(or_, [table[column].isin(values) for column, values in asked.items()])
