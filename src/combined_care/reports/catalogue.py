"""The catalogue of pages: which reports there are, and from which notebook each is made."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from combined_care import anchors
from combined_care.claims import choose_claims, load_claims
from combined_care.network_claims import NETWORK_FILE
from combined_care.published_map import MAP_FILE
from combined_care.reports import parameters
from combined_care.reports.inputs import Uses
from combined_care.reports.settings import WhatIf, changes
from combined_care.review import FILE as REVIEW_FILE
from combined_care.review import load_review

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from combined_care.claims import Claim


@dataclass(frozen=True, slots=True)
class Page:
    """One report.

    Attributes
    ----------
    name : str
        File name without ending.
    title : str
        Heading.
    notebook, parameters
        What it is made by.
    uses : Uses, optional
        The part of the evidence that it shows; by default all of it, and every claim.
    status : str
        Whether what it shows was fixed before its result was seen.
    """

    name: str
    title: str
    notebook: Path
    parameters: Mapping[str, Any]
    uses: Uses | None = None
    status: str = "Pre-specified"


def pages(root: Path, chosen: Sequence[str] | None = None) -> list[Page]:
    """List the pages of the project, or those of some claims.

    Raises
    ------
    InputError
        If a claim does not exist or cannot have a page, or if a notebook does not declare one of
        the parameters it is given.
    """
    claims = load_claims(root / "data" / "claims.yaml")
    testable = {name: claim for name, claim in claims.items() if claim.testable}
    notebook = root / "notebooks" / "claim.ipynb"
    found = [
        Page(claim.id, _title(claim), notebook, {"claim": claim.id}, Uses(claims=(claim.id,)))
        for claim in choose_claims(testable, chosen)
    ]
    if not chosen:
        trials = _trials(root)
        found += _diagnosis_pages(root, trials, claims)
        found += [*_single_pages(root), *_trials_pages(root, trials)]
    if not load_review(root / "data" / REVIEW_FILE).pre_specified:
        found = [replace(page, status="Not pre-specified") for page in found]
    for page in found:
        parameters.check(page.notebook, page.parameters, {"claim": testable})
    return found


def what_if_pages(
    root: Path, chosen: Sequence[str], settings: Mapping[str, Any]
) -> list[tuple[Page, WhatIf]]:
    """List the what-if pages of some claims, each with what it changes.

    Raises
    ------
    InputError
        As :func:`pages`, and if a setting is unknown or not allowed, or if nothing changes.
    """
    claims = load_claims(root / "data" / "claims.yaml")
    found = []
    for page in pages(root, chosen):
        words = [page.name, *(f"{name}-{value}" for name, value in settings.items())]
        given = {**page.parameters, "settings": dict(settings)}
        parameters.check(page.notebook, given)
        changed = WhatIf(page.name, changes(claims[page.name], settings))
        found.append((replace(page, name=".".join(words), parameters=given), changed))
    return found


def _title(claim: Claim) -> str:
    return claim.text.rstrip(".")


#: Name and title of the pages that there is one of, beside the index.
SINGLE = {
    "robustness": "How much the verdicts depend on our choices",
    "published": "Our results beside those that reviews have published",
    "network": "Do the parts add up?",
    "design": "How the design of a trial goes along with its result",
    "data": "Where the data come from",
    "methods": "How the numbers are made",
}
#: Those that show no verdict; the others wait for all of them.
WITHOUT_VERDICTS = frozenset({"data", "methods", "network", "published"})


#: Pages whose analyses were made after their results had been seen.
EXPLORATORY = {"network": "Exploratory, not pre-specified"}


def single_pages(root: Path) -> dict[str, str]:
    """Return name and title of the pages that there is one of and that a project has data for."""
    data, review = root / "data", load_review(root / "data" / REVIEW_FILE)
    needed = {
        "robustness": (data / "multiverse.yaml").is_file(),
        "published": (data / MAP_FILE).is_file(),
        "network": (data / NETWORK_FILE).is_file(),
        "design": bool(review.design_page),
    }
    pages = {"index": review.title, **SINGLE}
    return {name: title for name, title in pages.items() if needed.get(name, True)}


def _single_pages(root: Path) -> Iterator[Page]:
    for name, title in single_pages(root).items():
        uses = Uses(everything=True) if name in WITHOUT_VERDICTS else None
        status = EXPLORATORY.get(name, "Pre-specified")
        yield Page(name, title, root / "notebooks" / f"{name}.ipynb", {}, uses, status)


def _trials(root: Path) -> list[dict[str, str]]:
    with (root / "data" / "trials.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _diagnosis_pages(
    root: Path, trials: list[dict[str, str]], claims: Mapping[str, Claim]
) -> Iterator[Page]:
    words = yaml.safe_load((root / "data" / "words.yaml").read_text(encoding="utf-8"))
    for diagnosis in sorted({row["diagnosis"] for row in trials}):
        name = str(words.get(diagnosis, diagnosis.replace("_", " ")))
        title = f"{name[:1].upper()}{name[1:]}: what the trials show"
        given = {"diagnosis": diagnosis}
        notebook = root / "notebooks" / "diagnosis.ipynb"
        named = tuple(claim.id for claim in claims.values() if _names(claim, diagnosis))
        uses = Uses(claims=named, trials={"diagnosis": (diagnosis,)}, registry=True)
        yield Page(anchors.diagnosis_page(diagnosis), title, notebook, given, uses)


def _names(claim: Claim, diagnosis: str) -> bool:
    asked = (analysis.estimand.trials for analysis in claim.analyses)
    return any(diagnosis in trials.get("diagnosis", ()) for trials in asked)


def _trials_pages(root: Path, trials: list[dict[str, str]]) -> Iterator[Page]:
    notebook = root / "notebooks" / "trials.ipynb"
    for group in anchors.trial_groups():
        title = f"The trials, {anchors.letters(group)}"
        listed = tuple(t["trial_id"] for t in trials if anchors.trial_group(t["trial_id"]) == group)
        if not listed:
            continue
        uses = Uses(trials={"trial_id": listed}, registry=True)
        yield Page(anchors.trials_page(group), title, notebook, {"group": group}, uses)
