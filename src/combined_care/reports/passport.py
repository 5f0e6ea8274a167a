"""The method passport of a page: what it was made from and by which settings, for all readers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from combined_care import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from combined_care.claims import Rules
    from combined_care.evidence import Evidence
    from combined_care.reports.settings import WhatIf
    from combined_care.selection import SelectionRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """What a page was made from. Nothing in it depends on the machine or the time.

    Attributes
    ----------
    title : str
        Heading of the page.
    notebook : str
        File name of its notebook.
    release : str
        Version of the data package.
    data : str
        Digest of the rows that the page uses.
    trials, rows : int
        Numbers of these trials, and of their outcome rows.
    inputs : str
        Digest of data, claims, notebook and parameters. Package and libraries stand with their
        versions: a page whose content stays the same stays the same file.
    licence : tuple of str
        Name and address of the licence of data and reports.
    settings : mapping
        Setting in words -> value.
    versions : mapping
        Library -> version.
    status : str
        Whether what the page shows was fixed before its result was seen.
    what_if : WhatIf, optional
        Settings that were not pre-specified; None on the signed-off pages.
    site : str
        Short name of the review, at the head of the page.
    dataset, authors : str
        Title of the data package, and its contributors.
    """

    title: str
    notebook: str
    release: str
    data: str
    trials: int
    rows: int
    inputs: str
    licence: tuple[str, str]
    settings: Mapping[str, str]
    versions: Mapping[str, str]
    status: str = "Pre-specified"
    what_if: WhatIf | None = None
    site: str = "Combined Care"
    dataset: str = "Trials"
    authors: str = ""

    @property
    def version(self) -> str:
        """Version of this package."""
        return __version__

    def entries(self) -> list[tuple[str, str]]:
        """Return name and value of each entry, for readers."""
        changed = self.what_if.changes if self.what_if else ()
        return [
            *(("Not pre-specified", str(change)) for change in changed),
            ("Data", f"evidence release {self.release}, {self.licence[0]}"),
            ("Rows of this page", f"{self.rows:,} outcome rows of {self.trials:,} trials"),
            ("Digest of these rows", self.data),
            *self.settings.items(),
            ("Program", f"combined-care {self.version}, notebook {self.notebook}"),
            ("Libraries", ", ".join(f"{name} {v}" for name, v in self.versions.items())),
            ("Digest of data, claims and notebook", self.inputs),
        ]

    def json_ld(self) -> str:
        """Return the passport as JSON-LD in the words of schema.org, safe inside a script element.

        Notes
        -----
        ``<``, ``>`` and ``&`` are written as escapes of JSON, so that no text of the data can end
        the element.
        """
        text = json.dumps(self._linked(), ensure_ascii=False, indent=1)
        for sign in "<>&":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        return text

    def _linked(self) -> dict[str, Any]:
        name, address = self.licence
        changed = [_value(c.meaning, c.now) for c in (self.what_if.changes if self.what_if else ())]
        return {
            "@context": "https://schema.org",
            "@type": "Report",
            "name": self.title,
            "inLanguage": "en",
            "author": {"@type": "Organization", "name": self.authors},
            "license": address,
            "identifier": f"sha256:{self.inputs}",
            "creativeWorkStatus": "What if, not pre-specified" if changed else self.status,
            "isBasedOn": [
                {
                    "@type": "Dataset",
                    "name": self.dataset,
                    "description": f"{self.rows} outcome rows of {self.trials} randomised trials",
                    "version": self.release,
                    "license": address,
                    "creditText": f"{self.authors}, {name}",
                    "identifier": f"sha256:{self.data}",
                },
                {
                    "@type": "SoftwareApplication",
                    "name": "combined-care",
                    "softwareVersion": self.version,
                    "softwareRequirements": [f"{k} {v}" for k, v in self.versions.items()],
                },
            ],
            "additionalProperty": [_value(k, v) for k, v in self.settings.items()] + changed,
        }


def settings_in_words(rules: Rules, evidence: Evidence) -> dict[str, str]:
    """Return what all analyses share: the model, the thresholds, and how effects are chosen."""
    chosen = evidence.rule
    return {
        "Model": f"random effects, tau² by {rules.method}",
        "Test and interval": f"{rules.test}, level {rules.level:g}",
        "Variance of g": rules.smd_variance,
        "Smallest effect of interest": f"g = {rules.smallest_effect:g} "
        f"({rules.smallest_effect_source})",
        "Trials that a verdict needs": str(rules.min_trials),
        "Moderators": f"alpha {rules.alpha:g}, levels with at least "
        f"{rules.min_trials_per_level} trials",
        "Correlation of results on the same people": f"{chosen.correlation:g} (assumed)",
        "Left out by flag": ", ".join(chosen.left_out_flags),
        "Left out by kind of treatment": _kinds(chosen),
    }


def _kinds(rule: SelectionRule) -> str:
    kinds = [kind for words in rule.left_out_kinds.values() for kind in words]
    return ", ".join(kinds).replace("_", " ") or "none"


def authors_of(package: Mapping[str, Any]) -> str:
    """Return the contributors that a data package names."""
    return ", ".join(str(person["title"]) for person in package.get("contributors", ()))


def licence_of(package: Mapping[str, Any]) -> tuple[str, str]:
    """Return name and address of the licence that a data package declares."""
    first = package["licenses"][0]
    return str(first["name"]), str(first["path"])


def _value(name: str, value: str) -> dict[str, str]:
    return {"@type": "PropertyValue", "name": name, "value": value}
