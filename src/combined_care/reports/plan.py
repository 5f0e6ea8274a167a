"""What each page depends on: the verdicts it needs, and the digest and passport of its inputs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from combined_care import __version__
from combined_care.claims import load_claims
from combined_care.evidence import load_evidence
from combined_care.reports import inputs
from combined_care.reports.passport import Passport, authors_of, licence_of, settings_in_words
from combined_care.reports.settings import with_settings
from combined_care.schema import PACKAGE_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from combined_care.reports.catalogue import Page
    from combined_care.reports.settings import WhatIf


class Plan:
    """The inputs of the pages of one project, read once.

    Parameters
    ----------
    root : pathlib.Path
        The project.

    Raises
    ------
    DataError
        If the data or the claims are not valid.
    """

    def __init__(self, root: Path) -> None:
        self.evidence = load_evidence(root / "data")
        self.claims = load_claims(root / "data" / "claims.yaml")
        self._rows = inputs.Rows(self.evidence)
        self._shared = inputs.shared_data_digest(root)
        self._documents = inputs.documents_digest(root)
        self._package = package_of(root)

    def verdicts(self, page: Page) -> tuple[str, ...]:
        """Return the ids of the claims whose verdicts the page shows."""
        if page.uses is not None:
            return page.uses.claims
        return tuple(name for name, claim in self.claims.items() if claim.testable)

    def passport(self, page: Page, what_if: WhatIf | None = None) -> Passport:
        """Return what a page is made from."""
        trials, *others = self._used(page)
        settings = page.parameters.get("settings") or {}
        rules = with_settings(next(iter(self.claims.values())), **settings).rules
        data = self._rows.digest(trials)
        return Passport(
            title=page.title,
            notebook=page.notebook.name,
            release=self.evidence.release,
            data=data,
            trials=len(trials),
            rows=self._rows.count(trials),
            inputs=inputs.digest(
                [page.title, dict(page.parameters), inputs.file_digest(page.notebook)],
                [self._shared, data],
                others,
            ),
            licence=licence_of(self._package),
            site=self.evidence.review.name,
            dataset=str(self._package["title"]),
            authors=authors_of(self._package),
            settings=settings_in_words(rules, self.evidence),
            versions=inputs.versions(),
            status=page.status,
            what_if=what_if,
        )

    def _used(self, page: Page) -> tuple[tuple[str, ...], list[str], str]:
        """Return the trials, the definitions of claims and the documents that a page uses."""
        uses = page.uses
        registry = [repr(claim) for claim in self.claims.values()]
        if uses is None or uses.everything:
            return self._rows.all(), registry, self._documents
        claims = [self.claims[name] for name in uses.claims]
        trials = self._rows.used(claims, uses.trials)
        return trials, registry if uses.registry else [repr(claim) for claim in claims], ""


def package_of(root: Path) -> dict[str, Any]:
    """Return the description of the data package."""
    package: dict[str, Any] = json.loads((root / "data" / PACKAGE_FILE).read_text(encoding="utf-8"))
    return package


def verdict_document(root: Path, verdicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of ``verdicts.json``."""
    return {
        "schema_version": 1,
        "data_release": str(package_of(root)["version"]),
        "package_version": __version__,
        "claims": list(verdicts),
    }
