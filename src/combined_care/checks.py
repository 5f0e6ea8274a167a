"""Rules across cells, rows and tables: what a single cell cannot show."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care.intervals import RATIOS, half_unit, interval_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from combined_care.problems import Problem
    from combined_care.tabular import Table

#: A standardised difference beyond this suggests a standard error in place of a deviation.
LARGEST_SMD = 3.0
#: Labels this much alike (0 to 1, difflib) may name the same trial.
ALIKE = 0.8

#: Cautions that a row must carry as a flag when its own words mention them.
SPOKEN_FLAGS = ("factorial margin", "change score")

_ARMS = ("e", "c")
_STANDARDISED = ("g", "d", "smd")
#: What each tier needs, in words.
_TIERS = {
    "A": "means, standard deviations and n, or events and n, of both arms",
    "B": "an effect with its measure, direction, and interval or standard error",
    "C": "percentages of both arms",
}


def check(tables: Mapping[str, Table]) -> list[Problem]:
    """Check everything that needs more than one cell.

    Parameters
    ----------
    tables : mapping of str to Table
        The tables that could be read; a rule whose columns or tables are missing is not applied,
        and the missing part is a problem of its own.

    Returns
    -------
    list of Problem
        Errors and warnings, in no particular order.
    """
    complete = {name: table for name, table in tables.items() if not table.absent}
    problems: list[Problem] = []
    if "outcomes" in complete:
        problems += _outcome_problems(complete["outcomes"])
    if "published" in complete:
        problems += interval_problems(complete["published"])
    whole = {name: table for name, table in complete.items() if table.whole}
    if "trials" in whole and "outcomes" in whole:
        problems += _trial_problems(whole["trials"], whole["outcomes"])
    if "double_extraction" in complete and "outcomes" in whole:
        problems += _double_problems(complete["double_extraction"], whole["outcomes"])
    return problems


def _outcome_problems(table: Table) -> Iterator[Problem]:
    for rule in (
        _identity_problems,
        _flag_problems,
        _event_problems,
        _tier_problems,
        _size_problems,
        _direction_problems,
        interval_problems,
    ):
        yield from rule(table)


def _identity_problems(table: Table) -> Iterator[Problem]:
    cells = table.cells
    named = [
        row.startswith(f"{trial}-")
        for row, trial in zip(cells["row_id"], cells["trial_id"], strict=True)
    ]
    yield from table.problems(
        ~np.array(named, dtype=bool) & (cells["trial_id"] != ""),
        "row_id",
        lambda i: f"the trial_id of the row and a number: {cells['trial_id'].iloc[i]}-…",
    )
    yield from table.problems(
        cells["experimental"] == cells["comparator"],
        "experimental, comparator",
        "two kinds of arm (or a note that says how the arms differ)",
        "warning",
    )


def _flag_problems(table: Table) -> Iterator[Problem]:
    """Find cautions that stand in the words of a row that may be pooled, but not in its flags."""
    cells = table.cells
    words = cells["outcome_detail"].str.casefold()
    for flag in SPOKEN_FLAGS:
        spoken = words.str.contains(flag, regex=False) & (cells["tier"] != "D")
        yield from table.problems(
            spoken & ~cells["flags"].str.contains(flag, regex=False),
            "outcome_detail, flags",
            f"the flag '{flag}', or words that say why it does not apply",
            "warning",
        )


def _event_problems(table: Table) -> Iterator[Problem]:
    for arm in _ARMS:
        yield from _arm_event_problems(table, arm)
        yield from _percentage_problems(table, arm)


def _arm_event_problems(table: Table, arm: str) -> Iterator[Problem]:
    events, n = table.values[f"events_{arm}"], table.values[f"n_{arm}"]
    yield from table.problems(
        events > n,
        f"events_{arm}, n_{arm}",
        lambda i: f"no more events than participants ({n.iloc[i]:.0f})",
    )
    yield from table.problems(
        events.notna() & n.isna(),
        f"n_{arm}",
        "the number of participants that the events belong to",
        "warning",
    )


def _percentage_problems(table: Table, arm: str) -> Iterator[Problem]:
    """Hold percentages against events; events that were computed from them are whole numbers."""
    values = table.values
    events, n, pct = (values[f"{name}_{arm}"] for name in ("events", "n", "pct"))
    computed = 100 * events / n
    allowed = half_unit(table.cells[f"pct_{arm}"]) + np.where(values["derived"] == 1, 50 / n, 0)
    yield from table.problems(
        (computed - pct).abs() > allowed + 1e-9,
        f"pct_{arm}",
        lambda i: f"about {computed.iloc[i]:.1f} by the events and participants",
        "warning",
    )


def supported_tiers(values: pd.DataFrame) -> dict[str, pd.Series]:
    """Tell for each row of outcomes which tiers its numbers support.

    Parameters
    ----------
    values : pandas.DataFrame
        Typed outcomes.

    Returns
    -------
    dict of str to pandas.Series of bool
        For the tiers A, B and C, in this order; D needs no numbers.
    """
    present = values.notna()
    means = present[["mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c"]].all(axis=1)
    events = present[["events_e", "n_e", "events_c", "n_c"]].all(axis=1)
    named = (values["effect_measure"] != "") & (values["favours_experimental_when"] != "")
    spread = present[["ci_low", "ci_high"]].all(axis=1) | present["se"]
    return {
        "A": means | events,
        "B": present["effect"] & named & spread,
        "C": present[["pct_e", "pct_c"]].all(axis=1),
    }


def _tier_problems(table: Table) -> Iterator[Problem]:
    supported = supported_tiers(table.values)
    tier = table.values["tier"]
    for name, rows in supported.items():
        yield from table.problems((tier == name) & ~rows, "tier", f"{_TIERS[name]} for tier {name}")
        yield from table.problems(
            (tier > name) & tier.isin([*_TIERS, "D"]) & rows,
            "tier",
            f"tier {name}, which the numbers support, or a flag that says why not",
            "warning",
        )


def _size_problems(table: Table) -> Iterator[Problem]:
    """Find effects so large that a standard error may stand for a standard deviation."""
    v = table.values
    squares = (v["n_e"] - 1) * v["sd_e"] ** 2 + (v["n_c"] - 1) * v["sd_c"] ** 2
    pooled = (squares / (v["n_e"] + v["n_c"] - 2)).to_numpy(np.float64)
    difference = (v["mean_e"] - v["mean_c"]).to_numpy(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        smd = difference / np.sqrt(pooled)
    question = "was a standard error entered as a standard deviation?"
    yield from table.problems(
        np.isfinite(smd) & (np.abs(smd) > LARGEST_SMD),
        "sd_e, sd_c",
        lambda i: f"a standardised difference within {LARGEST_SMD:g}, not {smd[i]:.2f}: {question}",
        "warning",
    )
    yield from table.problems(
        v["effect_measure"].isin(_STANDARDISED) & (v["effect"].abs() > LARGEST_SMD),
        "effect",
        f"a standardised difference within {LARGEST_SMD:g}: {question}",
        "warning",
    )


def direction(values: pd.DataFrame) -> pd.Series[float]:
    """Return the sign of each row: 1 where its numbers favour the experimental arm, else -1.

    Parameters
    ----------
    values : pandas.DataFrame
        Typed outcomes.

    Returns
    -------
    pandas.Series of float
        0 where the arms are equal, nan where the numbers or their direction are missing.

    Notes
    -----
    The numbers that the tier of the row rests on come first: a row of tier B may show means that
    are changes, with an effect that is already in the right direction. For the rest means come
    before events, events before percentages, and those before a reported effect.
    """
    good = values["higher_is_better"].map({1.0: 1.0, 0.0: -1.0})
    rate_e, rate_c = (values[f"events_{arm}"] / values[f"n_{arm}"] for arm in _ARMS)
    arms = (
        (values["mean_e"] - values["mean_c"])
        .fillna(rate_e - rate_c)
        .fillna(values["pct_e"] - values["pct_c"])
    ) * good
    null = values["effect_measure"].isin(RATIOS).astype(float)
    towards = values["favours_experimental_when"].map({"higher": 1.0, "lower": -1.0})
    effect = (values["effect"] - null) * towards
    first = arms.where(values["tier"] != "B", effect)
    return pd.Series(np.sign(first.fillna(effect).fillna(arms)), index=values.index)


def _direction_problems(table: Table) -> Iterator[Problem]:
    """Compare what the text of the source favours with the sign of the numbers."""
    values = table.values
    arm = values["experimental"]
    says = (values["favours"] == arm).astype(float) - (values["favours"] == "comparator")
    against = says * direction(values) < 0
    yield from table.problems(
        against, "favours", "the side that the numbers of the row favour", "warning"
    )


def _trial_problems(trials: Table, outcomes: Table) -> Iterator[Problem]:
    used = set(outcomes.cells["trial_id"])
    unused = ~trials.cells["trial_id"].isin(used)
    yield from trials.problems(unused, "trial_id", "at least one row in outcomes.csv", "warning")
    size = trials.values.drop_duplicates("trial_id").set_index("trial_id")["n_randomised"]
    randomised = outcomes.values["trial_id"].map(size)
    analysed = outcomes.values["n_e"] + outcomes.values["n_c"]
    yield from outcomes.problems(
        analysed > randomised,
        "n_e, n_c",
        lambda i: f"no more than the {randomised.iloc[i]:.0f} randomised",
        "warning",
    )
    original = trials.cells["duplicate_of"]
    chained = (original != "") & original.isin(trials.cells["trial_id"][original != ""])
    yield from trials.problems(
        chained, "duplicate_of", "the entry to keep, not one that is a duplicate itself"
    )
    yield from _duplicate_problems(trials, outcomes)


def _duplicate_problems(trials: Table, outcomes: Table) -> Iterator[Problem]:
    """Find trials that may be one: alike in label, diagnosis and year, with identical arms."""
    cells = trials.cells.set_index("trial_id", drop=False)
    position = {trial: index for index, trial in enumerate(cells["trial_id"])}
    for first, second in sorted(_identical_arms(outcomes)):
        if first not in position or second not in position:
            continue
        one, two = cells.loc[first], cells.loc[second]
        known = two["trial_id"] == one["duplicate_of"] or one["trial_id"] == two["duplicate_of"]
        same = one["diagnosis"] == two["diagnosis"] and one["year"] == two["year"]
        if same and not known and _alike(str(one["label"]), str(two["label"])):
            yield from trials.problems(
                np.arange(len(cells)) == position[second],
                "trial_id",
                f"another trial than {first}, which has the same diagnosis, year and arms and a"
                " similar name (else fill duplicate_of or, for single rows, same_as_row)",
                "warning",
            )


def _identical_arms(outcomes: Table) -> set[tuple[str, str]]:
    """Return pairs of trial ids that have a row with the same two arms, in either order."""
    repeated = outcomes.values["same_as_row"] != ""
    usable = outcomes.values[supported_tiers(outcomes.values)["A"] & ~repeated]
    arms = [
        usable[[f"{name}_{arm}" for name in ("n", "mean", "sd", "events")]].fillna(-1.0)
        for arm in _ARMS
    ]
    sharing: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for trial, *both in zip(
        usable["trial_id"], *(arm.itertuples(index=False, name=None) for arm in arms), strict=True
    ):
        sharing[tuple(sorted(both))].add(trial)
    return {pair for trials in sharing.values() for pair in combinations(sorted(trials), 2)}


def _alike(one: str, two: str) -> bool:
    return difflib.SequenceMatcher(None, _plain(one), _plain(two)).ratio() >= ALIKE


def _plain(label: str) -> str:
    """Reduce a label to the letters of its names: no accents, digits, "et al." or brackets."""
    decomposed = unicodedata.normalize("NFKD", label.casefold())
    return re.sub(r"\(.*?\)|\bet al\b|[^a-z]", "", decomposed)


def _double_problems(double: Table, outcomes: Table) -> Iterator[Problem]:
    """Hold the second reading against the first, and the first against the table."""
    values = double.values
    same = (values["first"] == values["second"]).astype(float)
    yield from double.problems(
        values["agree"].notna() & (values["agree"] != same),
        "agree",
        "1 where first and second are the same number, else 0",
    )
    rows = outcomes.values.drop_duplicates("row_id").set_index("row_id")
    stands = [
        rows.at[row, cell] if row in rows.index and cell in rows.columns else np.nan
        for row, cell in zip(values["row_id"], values["cell"], strict=True)
    ]
    table = np.array([v if isinstance(v, float) else np.nan for v in stands])
    yield from double.problems(
        ~np.isnan(table) & (values["first"].to_numpy() != table),
        "first",
        lambda i: f"the number in outcomes.csv, {table[i]:g}",
        "warning",
    )
