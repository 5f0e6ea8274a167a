"""The rows that an analysis used, as a Frictionless data package of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care.errors import InputError
from combined_care.exports.cells import exact_csv
from combined_care.exports.folders import digest, write_folder
from combined_care.paths import project_root
from combined_care.schema import PACKAGE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from combined_care.evidence import Evidence

#: Parts of the project's package that its parts keep.
_KEPT = ("contributors", "licenses", "sources", "keywords")
_RESOURCE_KEPT = ("type", "scheme", "format", "mediatype", "encoding", "dialect")
#: Column of the effects -> type and meaning, in the order of the file.
_FIELDS: dict[str, tuple[str, str]] = {
    "analysis": ("string", "Identifier of the analysis that pooled the effect."),
    "trial_id": ("string", "The trial, as in trials.csv."),
    "label": ("string", "How reports name the trial; trials of one name are told apart."),
    "year": ("integer", "Year of the main publication."),
    "comparator": ("string", "Kind of the comparator arm."),
    "outcome": ("string", "Kind of outcome."),
    "measure": ("string", "SMD (Hedges' g), MD, OR, RR, RD or HR; ratios are logarithms."),
    "yi": ("number", "Effect; positive favours the experimental arm."),
    "vi": ("number", "Sampling variance of the effect."),
    "ci_lb": ("number", "Lower limit of its 95 % confidence interval (normal)."),
    "ci_ub": ("number", "Upper limit of its 95 % confidence interval (normal)."),
    "n_e": ("number", "People in the experimental arm."),
    "n_c": ("number", "People in the comparator arm."),
    "converted": ("integer", "1 where an odds ratio was brought to the scale of g."),
    "derived": ("integer", "1 where numbers were computed from other reported numbers."),
    "how": ("string", "One row, several arms merged, or several results averaged."),
    "derivation": ("string", "How the effect was computed, with its numbers."),
    "row_ids": ("string", 'The rows of outcomes.csv that it rests on, joined by "; ".'),
}
_KEY = ["analysis", "trial_id", "comparator"]


def to_data_package(
    effects: pd.DataFrame | Mapping[str, pd.DataFrame],
    evidence: Evidence,
    folder: str | Path,
    *,
    title: str = "",
    data: Path | None = None,
    force: bool = False,
) -> Path:
    """Write the rows behind some effects as a Frictionless data package.

    Parameters
    ----------
    effects : pandas.DataFrame, or mapping of str to pandas.DataFrame
        Effects from :meth:`combined_care.evidence.Evidence.effects`, perhaps of several analyses
        by their identifier.
    evidence : Evidence
        Where they come from.
    folder : str or pathlib.Path
        Where ``datapackage.json``, ``trials.csv``, ``outcomes.csv`` and ``effects.csv`` are
        written.
    title : str
        What was analysed.
    data : pathlib.Path, optional
        Folder whose ``datapackage.json`` describes the columns and names sources and licences;
        by default that of the project.
    force : bool
        Replace an earlier export.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InputError
        If there is no effect, if a row is not in the evidence, or if the folder is in use.
    OSError
        If the files cannot be written; nothing is left behind then.

    Notes
    -----
    Cells are exactly those of the tables, for programs to read: text that a spreadsheet would
    take for a formula is not altered here.

    Examples
    --------
    >>> import tempfile
    >>> import combined_care as cc
    >>> evidence = cc.load_evidence()
    >>> effects = evidence.effects("efficacy", "pharmacotherapy", "ocd")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = to_data_package(effects, evidence, folder, title="Symptoms")
    ...     print(*sorted(file.name for file in written.iterdir()))
    MANIFEST.sha256 datapackage.json effects.csv outcomes.csv trials.csv
    """
    files = package_files(effects, evidence, title=title, data=data)
    return write_folder(files, folder, force=force)


def package_files(
    effects: pd.DataFrame | Mapping[str, pd.DataFrame],
    evidence: Evidence,
    *,
    title: str = "",
    data: Path | None = None,
) -> dict[str, str]:
    """Return the files of :func:`to_data_package` by name, without writing them.

    Raises
    ------
    InputError
        As :func:`to_data_package`.
    """
    parts = {"analysis": effects} if isinstance(effects, pd.DataFrame) else effects
    together = _together(parts)
    rows = _used(evidence.outcomes, "row_id", (i for ids in together["row_ids"] for i in ids))
    trials = _used(evidence.trials, "trial_id", together["trial_id"])
    described = _described((data or project_root() / "data") / PACKAGE_FILE)
    resources, files = [], {}
    for name, table in (("trials", trials), ("outcomes", rows)):
        resource = described["resources"][name]
        files[resource["path"]] = exact_csv(_only(table, resource))
        resources.append(_resource(resource, table, files[resource["path"]]))
    files["effects.csv"] = exact_csv(together[[c for c in _FIELDS if c in together]])
    resources.append(_effects_resource(described["resources"]["trials"], files["effects.csv"]))
    package = _package(described["package"], resources, title, evidence.release)
    files[PACKAGE_FILE] = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
    return files


def _together(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    filled = [frame.assign(analysis=name) for name, frame in parts.items() if not frame.empty]
    if not filled:
        message = "there is no effect, so there are no rows to export"
        raise InputError(message)
    return pd.concat(filled, ignore_index=True)


def _used(table: pd.DataFrame, key: str, wanted: Iterable[str]) -> pd.DataFrame:
    """Return the rows of a table that were used, in the table's own order."""
    names = set(wanted)
    if lost := sorted(names - set(table[key])):
        message = f"the evidence has no {key} {', '.join(lost[:5])}; is it that of these effects?"
        raise InputError(message)
    return table[table[key].isin(names)]


def _described(file: Path) -> dict[str, Any]:
    package = json.loads(file.read_text(encoding="utf-8"))
    return {"package": package, "resources": {r["name"]: r for r in package["resources"]}}


def _only(table: pd.DataFrame, resource: Mapping[str, Any]) -> pd.DataFrame:
    """Leave out the columns that are computed, which the package does not describe."""
    names = [field["name"] for field in resource["schema"]["fields"]]
    return table[[name for name in names if name in table]]


def _resource(resource: Mapping[str, Any], table: pd.DataFrame, content: str) -> dict[str, Any]:
    kept = {k: v for k, v in resource.items() if k != "schema"}
    schema = {k: v for k, v in resource["schema"].items() if k != "foreignKeys"}
    schema["fields"] = [f for f in resource["schema"]["fields"] if f["name"] in table]
    if resource["name"] == "outcomes":
        schema["foreignKeys"] = [_to_trials()]
    said = f"{resource['description']} Only the rows that were used."
    return {**kept, "description": said, **_fingerprint(content), "schema": schema}


def _effects_resource(like: Mapping[str, Any], content: str) -> dict[str, Any]:
    fields = [{"name": n, "type": t, "description": d} for n, (t, d) in _FIELDS.items()]
    return {
        **{name: like[name] for name in _RESOURCE_KEPT if name in like},
        "name": "effects",
        "path": "effects.csv",
        "title": "Effects",
        "description": "One row is one effect that an analysis pooled.",
        **_fingerprint(content),
        "schema": {
            "fields": fields,
            "missingValues": [""],
            "primaryKey": _KEY,
            "foreignKeys": [_to_trials()],
        },
    }


def _to_trials() -> dict[str, Any]:
    return {
        "fields": ["trial_id"],
        "reference": {"resource": "trials", "fields": ["trial_id"]},
    }


def _fingerprint(content: str) -> dict[str, Any]:
    return {"bytes": len(content.encode("utf-8")), "hash": f"sha256:{digest(content)}"}


def _package(
    whole: Mapping[str, Any], resources: list[dict[str, Any]], title: str, release: str
) -> dict[str, Any]:
    about = " ".join(title.split()) or "An analysis"
    return {
        "$schema": whole["$schema"],
        "name": f"{whole['name']}-analysis",
        "title": about,
        "description": f"The rows that this analysis used, of {whole['title']}, release {release}.",
        "version": release,
        **{name: whole[name] for name in _KEPT if name in whole},
        "resources": resources,
    }
