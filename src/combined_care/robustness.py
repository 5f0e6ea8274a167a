"""How much a verdict depends on our choices: the specifications of a claim summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from combined_care import decisions
from combined_care.choices import LEFT_OUT, Choices, load_choices
from combined_care.results import Absent, Number, Result, is_present

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from combined_care.claims import Claim
    from combined_care.results import FloatArray

#: A shift this small is rounding.
_ROUNDING = 1e-9
_NO_ESTIMATE = Absent("a test of a moderator has no single estimate")
_SEVERAL = Absent("the claim rests on several analyses, each with its own estimate")
_NONE_ESTIMABLE = Absent("no specification is estimable")


@dataclass(frozen=True, eq=False, kw_only=True)
class Move(Result):
    """What one option does to the result, with all other choices equal.

    Attributes
    ----------
    choice, option, title : str
        Ids of the choice and of its option (for ``left_out`` a trial), and words for readers.
    pairs : int
        Specifications that were compared with their twin under the primary option.
    shift : float or Absent
        Median change of the estimate against the primary option; pairs of estimable
        specifications only.
    changed : float
        Share of the pairs whose label says something else.
    """

    caption = "Effect of one choice"

    choice: str
    option: str
    title: str
    pairs: int
    shift: Number
    changed: float

    def __str__(self) -> str:
        moved = f"the estimate moves by {self.shift:+.2f} and " if is_present(self.shift) else ""
        return (
            f"{self.title}: {moved}the label changes in {100 * self.changed:.0f} % of "
            f"{self.pairs} specifications."
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Robustness(Result):
    """The specifications of one analysis, or of a claim as a whole.

    Attributes
    ----------
    id : str
        Of the analysis or of the claim.
    verdict : str
        Label of the primary specification, without the conditions that compare analyses.
    n, n_estimable, n_datasets : int
        Specifications with all their trials; those with enough trials and a result; distinct
        data sets.
    agree : float
        Share of the estimable specifications whose label says the same as `verdict`
        (``supported_strongly``, ``supported`` and ``fragile`` say the same). For the verdict
        ``insufficient`` the share of all specifications that are insufficient too.
    labels : tuple of (str, int)
        Every label with its number of specifications, the most frequent first.
    lowest, median, highest : float or Absent
        Estimates of the estimable specifications.
    is_sample : bool
        Whether the specifications are a sample of all combinations.
    moves : tuple of Move
        What each option does by itself, without those that change nothing; the first one moves
        the result most.
    """

    caption = "Robustness to our choices"

    id: str
    verdict: str
    n: int
    n_estimable: int
    n_datasets: int
    agree: float
    labels: tuple[tuple[str, int], ...]
    lowest: Number
    median: Number
    highest: Number
    is_sample: bool
    moves: tuple[Move, ...]

    @property
    def compared(self) -> int:
        """Number of specifications that `agree` is a share of."""
        return self.n if self.verdict == "insufficient" else self.n_estimable

    def __str__(self) -> str:
        kind = "sampled specifications" if self.is_sample else "specifications"
        start = (
            f"{100 * self.agree:.0f} % of {self.compared} {kind} of {self.id} say "
            f"{self.verdict.replace('_', ' ')}"
        )
        if not (is_present(self.lowest) and is_present(self.highest)):
            return f"{start}."
        return f"{start}; estimates from {self.lowest:.2f} to {self.highest:.2f}."


def says_the_same(label: str, other: str) -> bool:
    """Tell whether two labels give the reader the same answer.

    Examples
    --------
    >>> says_the_same("fragile", "supported"), says_the_same("insufficient", "supported")
    (True, False)
    """
    return decisions.without_grade(label) == decisions.without_grade(other)


def summarise(
    table: pd.DataFrame, claim: Claim, choices: Choices | None = None
) -> dict[str, Robustness]:
    """Sum up the specifications of a claim.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`combined_care.multiverse_table.multiverse`.
    claim : Claim
        The same claim.
    choices : Choices, optional
        The same choices.

    Returns
    -------
    dict of str to Robustness
        One for each decisive analysis by its id, and one for the claim by its own.

    Notes
    -----
    Options are compared pair by pair: two specifications that differ in this choice only, one of
    them with the primary option. In a sample many such pairs are drawn on purpose. Options are
    sorted by the size of the median shift where there are estimates, and else by the share of
    labels that change. Leaving out a trial is compared within the primary data and counts among the
    moves only: the shares and the spread are those of specifications with all their trials, so that
    they do not depend on how many trials there are to leave out. What one trial's removal does to
    the verdict is a condition of its own.

    Examples
    --------
    >>> import combined_care as cc
    >>> claim = cc.load_claims()["ocd-combined"]
    >>> found = summarise(cc.multiverse(claim, cc.load_evidence()), claim)
    >>> list(found)
    ['pharmacotherapy', 'ocd-combined']
    >>> robustness = found["ocd-combined"]
    >>> robustness.n == sum(times for _, times in robustness.labels)
    True
    """
    own = choices or claim.rules.choices or load_choices()
    analyses = {a.id: a for a in claim.analyses}
    found = {}
    for name, rows in table.groupby("analysis", observed=True, sort=False):
        part = rows.reset_index(drop=True)
        missing = _NO_ESTIMATE if analyses[str(name)].kind == "moderator" else None
        found[str(name)] = _summary(str(name), part, "verdict", own, missing)
    first = table[table["analysis"] == table["analysis"].iloc[0]].reset_index(drop=True)
    missing = _SEVERAL if len(found) > 1 else _NO_ESTIMATE if claim.kind == "moderator" else None
    datasets = sum(summary.n_datasets for summary in found.values())
    whole = _summary(claim.id, first, "claim_verdict", own, missing, datasets)
    return found | {claim.id: whole}


def _summary(
    name: str,
    rows: pd.DataFrame,
    column: str,
    choices: Choices,
    missing: Absent | None,
    datasets: int | None = None,
) -> Robustness:
    labels = rows[column].astype(str).to_numpy(object)
    primary = str(labels[rows["is_primary"].to_numpy(bool)][0])
    moves = _moves(rows, labels, choices, missing)
    whole = (rows[LEFT_OUT] == "").to_numpy(bool)
    rows, labels = rows[whole], labels[whole]
    estimable = labels != "insufficient"
    agrees = np.array([says_the_same(label, primary) for label in labels])
    among = agrees if primary == "insufficient" else agrees[estimable]
    counts = pd.Series(labels).value_counts(sort=False)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    if missing is None and not estimable.any():
        missing = _NONE_ESTIMABLE
    lowest, median, highest = _spread(rows, estimable, missing)
    return Robustness(
        id=name,
        verdict=primary,
        n=len(rows),
        n_estimable=int(estimable.sum()),
        n_datasets=int(rows["dataset"].nunique()) if datasets is None else datasets,
        agree=float(among.mean()),
        labels=tuple((str(label), int(count)) for label, count in ordered),
        lowest=lowest,
        median=median,
        highest=highest,
        is_sample=_is_sample(rows, choices),
        moves=moves,
    )


def _spread(
    rows: pd.DataFrame, estimable: npt.NDArray[np.bool_], missing: Absent | None
) -> tuple[Number, Number, Number]:
    if missing is not None:
        return missing, missing, missing
    estimates = rows["estimate"].to_numpy(float)[estimable]
    return float(estimates.min()), float(np.median(estimates)), float(estimates.max())


def _is_sample(rows: pd.DataFrame, choices: Choices) -> bool:
    """Tell whether combinations of the options in use are missing."""
    combinations = np.prod([float(rows[d.id].nunique()) for d in choices])
    return bool(len(rows) < combinations)


def _moves(
    rows: pd.DataFrame, labels: npt.NDArray[np.object_], choices: Choices, missing: Absent | None
) -> tuple[Move, ...]:
    """Compare every option with the primary one, and put the strongest first."""
    estimates = np.where(labels == "insufficient", np.nan, rows["estimate"].to_numpy(float))
    found = []
    for choice, option, title, own, twin in _pairs(rows, choices):
        shift = estimates[own] - estimates[twin]
        changed = [not says_the_same(*p) for p in zip(labels[own], labels[twin], strict=True)]
        found.append(
            Move(
                choice=choice,
                option=option,
                title=title,
                pairs=own.size,
                shift=missing or _median(shift),
                changed=float(np.mean(changed)),
            )
        )
    moving = [move for move in found if _strength(move) > (0.0, 0.0)]
    return tuple(sorted(moving, key=_strength, reverse=True))


def _median(shift: FloatArray) -> Number:
    known = shift[~np.isnan(shift)]
    return float(np.median(known)) if known.size else Absent("no pair of estimable specifications")


def _strength(move: Move) -> tuple[float, float]:
    size = abs(move.shift) if is_present(move.shift) else 0.0
    return (size if size > _ROUNDING else 0.0), move.changed


def _pairs(
    rows: pd.DataFrame, choices: Choices
) -> Iterator[tuple[str, str, str, npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Yield every option that differs from the primary one, with its specifications and twins."""
    names = [*(d.id for d in choices), LEFT_OUT]
    titles = {(d.id, o.id): f"{d.title}: {o.title}" for d in choices for o in d.options}
    codes = np.stack([rows[name].cat.codes.to_numpy(np.int64) for name in names], axis=1)
    sizes = [len(rows[name].cat.categories) for name in names]
    steps = np.cumprod([1, *sizes[:-1]], dtype=np.int64)
    keys = codes @ steps
    index = pd.Index(keys)
    origin = codes[rows["is_primary"].to_numpy(bool)][0]
    for at, name in enumerate(names):
        within = (codes[:, -1] == origin[-1]) | (name == LEFT_OUT)
        for code in np.unique(codes[:, at]).tolist():
            own = np.flatnonzero((codes[:, at] == code) & within)
            twin = index.get_indexer(keys[own] + (origin[at] - code) * steps[at])
            own, twin = own[twin >= 0], twin[twin >= 0]
            if code != origin[at] and own.size:
                option = str(rows[name].cat.categories[code])
                words = titles.get((name, option), f"{name.replace('_', ' ')}: {option}")
                yield name, option, words, own, twin
