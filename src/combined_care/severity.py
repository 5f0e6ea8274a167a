"""Severity at entry: the coded class, else the class of a mean on a scale before treatment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from combined_care.errors import DataError
from combined_care.paths import project_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Classes from the least to the most severe; words of the column ``severity``.
CLASSES = ("mild_moderate", "moderate", "moderate_severe", "severe")
UNCLEAR = "unclear"
RATINGS = ("clinician", "self")


@dataclass(frozen=True, slots=True)
class Instrument:
    """A scale with the scores at which its classes begin.

    Attributes
    ----------
    id : str
        Name for readers.
    names : tuple of str
        How the data write it, in small letters.
    rating : {"clinician", "self"}
        Who rates.
    diagnoses : tuple of str
        Diagnoses whose severity it measures.
    classes : mapping of str to float
        Class -> its first score, rising with severity.
    source, doi : str
        Where the cut-offs come from.
    """

    id: str
    names: tuple[str, ...]
    rating: str
    diagnoses: tuple[str, ...]
    classes: Mapping[str, float]
    source: str
    doi: str = ""

    def classify(self, mean: float) -> str:
        """Return the class that holds `mean`; ``unclear`` below the lowest.

        Examples
        --------
        >>> classes = {"moderate": 17, "severe": 24}
        >>> scale = Instrument("X", ("x",), "clinician", ("mdd",), classes, "a source")
        >>> scale.classify(23.9), scale.classify(24), scale.classify(5)
        ('moderate', 'severe', 'unclear')
        """
        below = [name for name, first in self.classes.items() if mean >= first]
        return below[-1] if below else UNCLEAR


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """The rule of ``data/severity.yaml``: instruments in the order in which they decide."""

    populations: tuple[str, ...]
    ratings: tuple[str, ...]
    instruments: tuple[Instrument, ...]


def load_severity_rule(path: Path | None = None) -> SeverityRule:
    """Read the rule.

    Parameters
    ----------
    path : pathlib.Path, optional
        The file; by default ``data/severity.yaml`` of the project.

    Returns
    -------
    SeverityRule

    Raises
    ------
    DataError
        If a part is missing or unknown, a name stands for two instruments, a class is unknown, or
        first scores do not rise; all problems are listed.
    """
    file = path or project_root() / "data" / "severity.yaml"
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    parts = {"schema_version", *(f.name for f in fields(SeverityRule))}
    problems = _differences("the file", given, parts, parts)
    if not problems:
        problems = _problems(given)
    if problems:
        listed = "\n  ".join(problems)
        message = f"{file.name} has {len(problems)} problem(s):\n  {listed}"
        raise DataError(message)
    return SeverityRule(
        populations=tuple(given["populations"]),
        ratings=tuple(given["ratings"]),
        instruments=tuple(_instrument(item) for item in given["instruments"]),
    )


def _differences(where: str, given: Any, known: set[str], needed: set[str]) -> list[str]:
    found = set(given) if isinstance(given, dict) else set()
    missing, odd = sorted(needed - found), sorted(found - known)
    return [f"{where}: missing {name}" for name in missing] + [
        f"{where}: unknown {name}; known are {', '.join(sorted(known))}" for name in odd
    ]


def _problems(given: Mapping[str, Any]) -> list[str]:
    known = {f.name for f in fields(Instrument)}
    problems = [f"ratings: unknown {word!r}" for word in given["ratings"] if word not in RATINGS]
    owners: dict[str, str] = {}
    for position, item in enumerate(given["instruments"], start=1):
        where = f"instrument {position} ({item.get('id', 'without id')})"
        broken = _differences(where, item, known, known - {"doi"})
        problems += broken or _instrument_problems(where, item)
        for name in item.get("names", ()):
            if name in owners:
                problems.append(f"{where}: {name!r} is a name of {owners[name]} as well")
            owners[name] = where
    return problems


def _instrument_problems(where: str, item: Mapping[str, Any]) -> list[str]:
    problems = []
    if item["rating"] not in RATINGS:
        problems.append(f"{where}: rating {item['rating']!r} is not one of {', '.join(RATINGS)}")
    problems += [
        f"{where}: class {name!r} is not one of {', '.join(CLASSES)}"
        for name in item["classes"]
        if name not in CLASSES
    ]
    names, scores = list(item["classes"]), list(item["classes"].values())
    if names != [name for name in CLASSES if name in names] or scores != sorted(set(scores)):
        problems.append(f"{where}: classes must rise with their first scores, got {scores}")
    return problems


def _instrument(item: Mapping[str, Any]) -> Instrument:
    words = {name: tuple(item[name]) for name in ("names", "diagnoses")}
    return Instrument(**{**item, **words, "source": item["source"].strip()})


def baseline_means(
    trials: pd.DataFrame, outcomes: pd.DataFrame, rule: SeverityRule
) -> pd.DataFrame:
    """Compute the mean before treatment of each trial on each instrument with cut-offs.

    Parameters
    ----------
    trials, outcomes : pandas.DataFrame
        Tables of the data package.
    rule : SeverityRule
        Instruments and populations; ratings are not looked at here.

    Returns
    -------
    pandas.DataFrame
        One row a trial and instrument that fits its diagnosis and population, in the order of the
        rule: ``trial_id, instrument, rating, mean, n, arms, severity``. The mean is weighted by
        the people of each arm, and an arm that stands in several rows counts once.
    """
    arms = _arms(outcomes, rule).merge(trials[["trial_id", "diagnosis", "population"]])
    columns = (arms[name] for name in ("place", "diagnosis", "population"))
    fits = [
        diagnosis in rule.instruments[place].diagnoses and population in rule.populations
        for place, diagnosis, population in zip(*columns, strict=True)
    ]
    arms = arms[np.array(fits, dtype=bool)].assign(total=lambda a: a["mean"] * a["n"])
    sums = arms.groupby(["trial_id", "place"], as_index=False).agg(
        total=("total", "sum"), n=("n", "sum"), arms=("n", "size")
    )
    scales = [rule.instruments[place] for place in sums["place"]]
    means = sums.assign(
        mean=sums["total"] / sums["n"],
        n=sums["n"].astype(int),
        instrument=[scale.id for scale in scales],
        rating=[scale.rating for scale in scales],
    )
    means["severity"] = [
        scale.classify(mean) for scale, mean in zip(scales, means["mean"], strict=True)
    ]
    shown = ["trial_id", "instrument", "rating", "mean", "n", "arms", "severity"]
    return means.sort_values(["trial_id", "place"], ignore_index=True)[shown]


def _arms(outcomes: pd.DataFrame, rule: SeverityRule) -> pd.DataFrame:
    """Return one row an arm and instrument; of several sizes of one arm the largest."""
    place = {name: i for i, scale in enumerate(rule.instruments) for name in scale.names}
    rows = outcomes.assign(place=outcomes["instrument"].astype(str).str.lower().map(place))
    rows = rows[rows["place"].notna()]
    sides = [_side(rows, "e", "experimental"), _side(rows, "c", "comparator")]
    arms = pd.concat(sides, ignore_index=True).dropna(subset=["mean", "n"])
    # An arm is told by its kind, treatment and baseline values: its name is not in the data.
    identity = ["trial_id", "place", "kind", "treatment", "mean", "sd"]
    once = arms.groupby(identity, as_index=False, dropna=False).agg(n=("n", "max"))
    return once.assign(place=once["place"].astype(int))


def _side(rows: pd.DataFrame, arm: str, kind: str) -> pd.DataFrame:
    repeated = (rows[f"baseline_mean_{arm}"] == rows[f"mean_{arm}"]) & (
        rows[f"baseline_sd_{arm}"] == rows[f"sd_{arm}"]
    )
    side = pd.DataFrame(
        {
            "trial_id": rows["trial_id"],
            "place": rows["place"],
            "kind": rows[kind].astype(str),
            "treatment": rows[f"treatment_{arm}"].astype(str),
            "mean": rows[f"baseline_mean_{arm}"].astype(float),
            "sd": rows[f"baseline_sd_{arm}"].astype(float),
            "n": rows[f"n_{arm}"].astype(float),
        }
    )
    return side[~repeated.fillna(value=False).astype(bool)]


def derive_severity(
    trials: pd.DataFrame, outcomes: pd.DataFrame, rule: SeverityRule
) -> pd.DataFrame:
    """Give every trial its severity at entry, and say what that rests on.

    Parameters
    ----------
    trials, outcomes : pandas.DataFrame
        Tables of the data package.
    rule : SeverityRule
        From :func:`load_severity_rule`.

    Returns
    -------
    pandas.DataFrame
        One row a trial, in the order and with the index of `trials`: ``trial_id``, ``severity``
        (the code where it is not ``unclear``, else the derived class) and ``severity_basis``
        (``coded``, ``derived: ...`` with the numbers, or ``unclear: ...`` with the reason).

    Examples
    --------
    >>> import pandas as pd
    >>> trials = pd.DataFrame({
    ...     "trial_id": ["alder2001", "birch2003"], "diagnosis": "mdd", "population": "adult",
    ...     "severity": ["unclear", "severe"]})
    >>> arms = {"n_e": 20, "baseline_mean_e": 26.0, "baseline_sd_e": 4.0, "mean_e": 11.0,
    ...         "sd_e": 5.0, "n_c": 20, "baseline_mean_c": 28.0, "baseline_sd_c": 4.0,
    ...         "mean_c": 14.0, "sd_c": 5.0}
    >>> outcomes = pd.DataFrame([{
    ...     "trial_id": "alder2001", "instrument": "MADRS", "experimental": "combined",
    ...     "comparator": "pharmacotherapy", "treatment_e": "", "treatment_c": "", **arms}])
    >>> found = derive_severity(trials, outcomes, load_severity_rule())
    >>> found["severity"].tolist()
    ['moderate', 'severe']
    >>> print(found["severity_basis"][0])
    derived: MADRS mean before treatment 27.0 (n = 40, 2 arms), 20 or above and below 31
    """
    means = baseline_means(trials, outcomes, rule)
    deciding = means[means["rating"].isin(rule.ratings)].drop_duplicates("trial_id")
    first = {row.trial_id: row for row in deciding.itertuples(index=False)}
    scales = {scale.id: scale for scale in rule.instruments}
    found = [
        (str(coded), "coded") if coded != UNCLEAR else _derived(first.get(trial), scales)
        for trial, coded in zip(trials["trial_id"], trials["severity"].astype(str), strict=True)
    ]
    return pd.DataFrame(
        {
            "trial_id": trials["trial_id"],
            "severity": [severity for severity, _ in found],
            "severity_basis": [basis for _, basis in found],
        },
        index=trials.index,
    )


def _derived(row: Any, scales: Mapping[str, Instrument]) -> tuple[str, str]:
    if row is None:
        return UNCLEAR, "unclear: no usable mean before treatment on a scale with cut-offs"
    scale = scales[row.instrument]
    seen = f"{scale.id} mean before treatment {row.mean:.1f} (n = {row.n}, {row.arms} arms)"
    if row.severity == UNCLEAR:
        return UNCLEAR, f"unclear: {seen}, below {min(scale.classes.values()):g}"
    later = [first for first in scale.classes.values() if first > scale.classes[row.severity]]
    ends = f"{scale.classes[row.severity]:g} or above"
    bounds = f"{ends} and below {later[0]:g}" if later else ends
    return row.severity, f"derived: {seen}, {bounds}"


def moved_by_diagnosis(trials: pd.DataFrame, derived: pd.DataFrame) -> pd.DataFrame:
    """Count the trials of each diagnosis by what their severity rests on.

    Returns
    -------
    pandas.DataFrame
        ``diagnosis, trials, coded, derived, unclear`` and one column a class of the derived ones.
    """
    basis = derived["severity_basis"].str.partition(":")[0]
    classes = derived["severity"].where(basis == "derived", "")
    table = pd.DataFrame({"diagnosis": trials["diagnosis"].astype(str), "trials": 1})
    for word in ("coded", "derived", "unclear"):
        table[word] = (basis == word).astype(int)
    for name in CLASSES:
        table[f"derived_{name}"] = (classes == name).astype(int)
    return table.groupby("diagnosis", as_index=False).sum()


def compare_with_codes(
    trials: pd.DataFrame, outcomes: pd.DataFrame, rule: SeverityRule
) -> pd.DataFrame:
    """List the trials that are coded and have a mean as well: what the rule would have said.

    Returns
    -------
    pandas.DataFrame
        ``trial_id, coded, derived, severity_basis``, one row a trial with both.
    """
    blank = trials.assign(severity=UNCLEAR)
    derived = derive_severity(blank, outcomes, rule).rename(columns={"severity": "derived"})
    derived.insert(1, "coded", trials["severity"].astype(str))
    both = (derived["coded"] != UNCLEAR) & (derived["derived"] != UNCLEAR)
    return derived[both].reset_index(drop=True)


def compare_ratings(
    trials: pd.DataFrame, outcomes: pd.DataFrame, rule: SeverityRule
) -> pd.DataFrame:
    """Compare clinicians' scales with questionnaires in the trials that report both.

    Returns
    -------
    pandas.DataFrame
        ``trial_id, clinician, self``: the class by the first instrument of each kind that gives
        one, one row a trial with both.
    """
    means = baseline_means(trials, outcomes, rule)
    means = means[means["severity"] != UNCLEAR].drop_duplicates(["trial_id", "rating"])
    wide = means.pivot(index="trial_id", columns="rating", values="severity")
    return wide.reindex(columns=list(RATINGS)).dropna().reset_index().rename_axis(columns=None)
