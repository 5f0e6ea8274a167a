"""The data folder of a new review from a file in another format: words, tables and claims of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from combined_care.errors import InputError
from combined_care.foreign.into_project import bring
from combined_care.foreign.project_tables import package_text
from combined_care.review import MAIN
from combined_care.schema import PACKAGE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from combined_care.foreign.brought import BroughtData
    from combined_care.foreign.foreign_table import ForeignData

#: What a claim that is made from a file says of itself.
GENERATED = "generated from the file, not pre-specified"
#: Trials that a comparison needs to become a claim.
MIN_TRIALS = 3
_DESIGN = "parallel"
_OWN_CHOICE = "that of the example, from no source"
#: Columns of the tables whose words the file brings, by table.
_OF_FILE = {
    "trials": ("diagnosis", "population"),
    "outcomes": ("experimental", "comparator", "outcome", "phase"),
}
#: Columns of the example's trials that a file knows nothing of.
_OF_EXAMPLE = ("exercise_class", "exercise", "coaching_class", "coaching", "supervised")


def slug(words: str) -> str:
    """Make a word that can stand in a table and in the name of a page.

    Examples
    --------
    >>> slug("CBT + sleep (new)"), slug("")
    ('cbt_sleep_new', 'unclear')
    """
    return re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_") or "unclear"


def fill_from(data: Path, foreign: ForeignData) -> BroughtData:
    """Put the trials of a file in place of the example in a new review's data folder.

    Parameters
    ----------
    data : pathlib.Path
        The folder, with the files of the example; the names in its ``review.yaml`` stay.
    foreign : ForeignData
        What was read from the file.

    Returns
    -------
    BroughtData
        What was brought in, and every row that cannot be used with its reasons.

    Raises
    ------
    InputError
        If no row of the file can be used.

    Notes
    -----
    Vocabularies are the words of the file; every word becomes one that can name a page
    (:func:`slug`), and readers see the file's own. One claim is made for each pair of conditions
    that at least :data:`MIN_TRIALS` trials compare on the most frequent outcome.
    """
    slugs = _slugs(foreign)
    words = {column: _named(found) for column, found in slugs.items()}
    package = _package(data, foreign, words)
    _write_package(data, package, may_be_empty=True)
    for table in ("trials", "outcomes"):
        header = ",".join(field["name"] for field in _resource(package, table)["schema"]["fields"])
        (data / f"{table}.csv").write_text(f"{header}\n", encoding="utf-8")
    translation = {"words": slugs, "set": {"design": _DESIGN, "source_kind": "other"}}
    brought = bring(foreign, data, translation=translation)
    if not brought.changed:
        message = f"no row of {foreign.file} can be used:\n{brought}"
        raise InputError(message)
    _write_package(data, package, may_be_empty=False)
    _write_words(data, foreign, words)
    (data / "PROTOCOL.md").write_text(_protocol(foreign, brought), encoding="utf-8")
    return brought


def _slugs(foreign: ForeignData) -> dict[str, dict[str, str]]:
    """Return the file's word -> our word of each column, the most frequent first."""
    frames = {"trials": foreign.trials, "outcomes": foreign.rows}
    found: dict[str, dict[str, str]] = {}
    for table, columns in _OF_FILE.items():
        for column in columns:
            there = frames[table].get(column, pd.Series([""], dtype=str)).astype(str)
            found[column] = {word: slug(word) for word in there.value_counts().index}
    arms = found["experimental"] | found["comparator"]  # a condition has one word on both sides
    return found | {"experimental": arms, "comparator": arms}


def _named(slugs: Mapping[str, str]) -> dict[str, str]:
    """Return our word -> the file's; the most frequent where the file writes it in several ways."""
    found: dict[str, str] = {}
    for theirs, ours in slugs.items():
        found.setdefault(ours, theirs)
    return found


def _resource(package: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = (entry for entry in package["resources"] if entry["name"] == name)
    return dict(found)


def _package(
    data: Path, foreign: ForeignData, words: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Describe the tables with the words of the file."""
    package: dict[str, Any] = json.loads((data / PACKAGE_FILE).read_text(encoding="utf-8"))
    known = {column: _meanings(found) for column, found in words.items()}
    known |= {"design": {_DESIGN: "groups side by side; what was added to what is not told"}}
    known["favours"] = {**known["experimental"], "comparator": "the comparator", "none": "neither"}
    for entry in package["resources"]:
        fields = [one for one in entry["schema"]["fields"] if one["name"] not in _OF_EXAMPLE]
        for one in fields:
            if one["name"] in known and (entry["name"] != "published" or "enum" in str(one)):
                one["meanings"] = known[one["name"]]
                one["constraints"]["enum"] = list(known[one["name"]])
        entry["schema"]["fields"] = fields
    package["title"] = f"Trials of {foreign.file}"
    package["description"] = f"Read from {foreign.file} ({foreign.format} format), not checked."
    package["sources"] = [{"title": f"{foreign.file}, kept in data/imported"}]
    return package


def _meanings(found: Mapping[str, str]) -> dict[str, str]:
    return {ours: f"{theirs or 'not told'} (as the file has it)" for ours, theirs in found.items()}


def _write_package(data: Path, package: dict[str, Any], *, may_be_empty: bool) -> None:
    for entry in package["resources"]:
        if entry["name"] != "published":
            entry["mayBeEmpty"] = may_be_empty
    (data / PACKAGE_FILE).write_bytes(package_text(package))


def _write_words(data: Path, foreign: ForeignData, words: Mapping[str, Mapping[str, str]]) -> None:
    """Write what the review is about, its names, its rule of selection and its claims."""
    rows = pd.read_csv(data / "outcomes.csv", dtype=str, keep_default_na=False)
    outcomes = list(rows["outcome"].value_counts().index)
    before = yaml.safe_load((data / "review.yaml").read_text(encoding="utf-8"))
    _dump(data / "review.yaml", _review(foreign, rows, words, before["name"], before["title"]))
    named = {ours: theirs for found in words.values() for ours, theirs in found.items() if theirs}
    main = named.get(outcomes[0], outcomes[0])
    more = {MAIN: main, "low_risk_items": "items judged low", _DESIGN: "side by side"}
    _dump(data / "words.yaml", named | more)
    selection = yaml.safe_load((data / "selection.yaml").read_text(encoding="utf-8"))
    selection |= {"outcomes": {MAIN: [outcomes[0]]}, "instruments": [], "details": []}
    _dump(data / "selection.yaml", selection)
    choices = yaml.safe_load((data / "multiverse.yaml").read_text(encoding="utf-8"))
    kept = [c for c in choices["choices"] if c["id"] not in ("outcome_family", "risk_of_bias")]
    _dump(data / "multiverse.yaml", choices | {"choices": kept})
    claims = yaml.safe_load((data / "claims.yaml").read_text(encoding="utf-8"))
    made = list(_claims(rows, outcomes[0], named, foreign))
    claims |= {"claims": made, "sensitivity": [], "smallest_effect_source": _OWN_CHOICE}
    _dump(data / "claims.yaml", claims)


def _review(
    foreign: ForeignData,
    rows: pd.DataFrame,
    words: Mapping[str, Mapping[str, str]],
    name: str,
    title: str,
) -> dict[str, Any]:
    outcomes = list(rows["outcome"].value_counts().index)
    described = {name: _outcome(name, rows, words["outcome"]) for name in outcomes}
    events = [name for name, one in described.items() if one.get("event") == "good"]
    first = list(rows["experimental"].value_counts().index)
    others = list(rows["comparator"].value_counts().index)
    return {
        "schema_version": 1,
        "name": name,
        "title": title,
        "subject": f"the conditions of {foreign.file}",
        "source": "a list made from the file, not pre-specified,",
        "source_again": "the list",
        "pre_specified": False,
        "arms": {"experimental": first, "name": "the first condition", "main": others},
        **({"told_as": events[0]} if events else {}),
        "phase": [rows["phase"].value_counts().index[0]],
        "outcomes": {MAIN: {"measure": described[outcomes[0]]["measure"]}, **described},
        "starts": {
            _DESIGN: {"name": "groups are compared side by side", "designs": [_DESIGN],
                      "outcome": MAIN},
        },
        "columns": {"population": "people", "design": "design"},
        "design_page": [],
    }  # fmt: skip


def _outcome(name: str, rows: pd.DataFrame, words: Mapping[str, str]) -> dict[str, Any]:
    """Describe an outcome by its rows: a difference on a scale, or an event and its direction."""
    own = rows[rows["outcome"] == name]
    if (own["events_e"] != "").mean() < 0.5:
        return {"measure": "SMD"}
    wanted = (own["higher_is_better"] == "1").mean() >= 0.5
    called = words.get(name) or name
    event = "good" if wanted else "bad"
    return {"measure": "OR", "event": event, "verb": f"have {called}", "noun": called}


def _claims(
    rows: pd.DataFrame, outcome: str, named: Mapping[str, str], foreign: ForeignData
) -> Iterable[dict[str, Any]]:
    """Make one claim for each pair of conditions with enough trials, the most frequent first."""
    phase = rows["phase"].value_counts().index[0]
    usable = rows[(rows["outcome"] == outcome) & (rows["phase"] == phase)]
    usable = usable[usable["tier"].isin(["A", "B"])]
    usable = usable[usable["experimental"] != usable["comparator"]]
    pairs = usable.groupby(["experimental", "comparator"])["trial_id"].nunique()
    enough = pairs[pairs >= MIN_TRIALS].sort_values(ascending=False, kind="stable")
    for (first, second), _ in enough.items():
        yield {
            "id": f"{first}-against-{second}".replace("_", "-"),
            "set": "primary",
            "section": GENERATED,
            "text": f"{named.get(first, first)} does better than {named.get(second, second)}.",
            "limits": f"This claim was {GENERATED} ({foreign.file}).",
            "analyses": [{
                "id": "main",
                "title": f"against {named.get(second, second)}",
                "select": {"outcome": MAIN, "experimental": [first], "comparator": [second]},
            }],
        }  # fmt: skip


def _dump(path: Path, document: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(f"# Made from a file; yours to change.\n{text}", encoding="utf-8")


def _protocol(foreign: ForeignData, brought: BroughtData) -> str:
    held = f"{len(brought.rows)} results of {len(brought.trials)} trials"
    lines = (
        "# Protocol",
        "",
        f"The tables were read from `{foreign.file}` ({foreign.format} format, SHA-256",
        f"{foreign.sha256}), which is kept in `{brought.kept_as}`.",
        f"Claims and rules were {GENERATED}.",
        "",
        "## Known limits",
        "",
        f"The {held} stand as the file has them; nobody has held them against the",
        f"reports of the trials. {len(brought.unused)} rows of the file could not be used. Which",
        f"trials are missing is not known. The claims were {GENERATED}:",
        "they are descriptions, and the more of them there are, the more will stand out by chance.",
    )
    return "\n".join(lines) + "\n"
