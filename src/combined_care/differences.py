"""Why our pooled result and a published one may differ: what can be computed from the trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from combined_care.markup import interval, number
from combined_care.results import Absent, Number, Result, is_present
from combined_care.scales import natural
from combined_care.synthesis import Synthesis
from combined_care.verdicts import pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from combined_care.claims import Rules
    from combined_care.estimands import Selection
    from combined_care.published_map import Match, Model

_METHODS = {"DL": "DerSimonian and Laird", "EE": "equal effects", "REML": "REML"}
_TESTS = {"z": "a normal interval", "knha": "the Knapp-Hartung interval"}


@dataclass(frozen=True, eq=False, kw_only=True)
class LikelyReason(Result):
    """One thing that may set two pooled results apart.

    Attributes
    ----------
    code : str
        ``trials``, ``newer``, ``unpooled``, ``model``, ``converted``, ``synthesis``, ``rows`` or
        ``definition``.
    sentence : str
        The reason for readers.
    values : dict of str to float
        The numbers of the sentence, effects on the scale of the analysis.
    """

    caption: ClassVar[str] = "Likely reason"

    code: str
    sentence: str
    values: Mapping[str, float]

    def __str__(self) -> str:
        return self.sentence


def likely_reasons(
    match: Match,
    selection: Selection,
    ours: Synthesis | Absent,
    as_theirs: Synthesis | Absent,
    *,
    their_k: Number,
    year: Number,
    rules: Rules,
) -> tuple[LikelyReason, ...]:
    """Find what may set our result apart from a published one.

    Parameters
    ----------
    match : Match
        How the row was matched.
    selection : Selection
        Our trials on its question.
    ours, as_theirs : Synthesis or Absent
        These trials under the project's model, and pooled as the review did.
    their_k, year : int or Absent
        Number of trials that the review pooled, and the year it was published.
    rules : Rules
        The project's model.

    Returns
    -------
    tuple of LikelyReason
        Only what applies; differences in the trials come before those in method and question.
    """
    found = [
        *_trials(len(selection.effects), their_k),
        *_unpooled(selection),
        *_question(match),
    ]
    if isinstance(ours, Synthesis):
        found += _newer(selection, ours, year, rules)
        found += _model(match.model, ours, as_theirs, selection)
        found += _converted(selection)
    order = ["trials", "newer", "unpooled", "model", "converted", "synthesis", "rows", "definition"]
    return tuple(sorted(found, key=lambda reason: order.index(reason.code)))


def method_words(model: Model | None) -> str:
    """Say how a review pooled.

    Examples
    --------
    >>> method_words(None)
    'not known'
    """
    if model is None:
        return "not known"
    return f"{_METHODS.get(model.method, model.method)}, {_TESTS.get(model.test, model.test)}"


def _trials(ours: int, theirs: Number) -> Iterator[LikelyReason]:
    if not is_present(theirs) or theirs == ours:
        return
    more = "fewer" if ours < theirs else "more"
    sentence = f"They pooled {theirs:g}, we pool {ours}: {abs(theirs - ours):g} {more}."
    yield LikelyReason(code="trials", sentence=sentence, values={"theirs": theirs, "ours": ours})


def _unpooled(selection: Selection) -> Iterator[LikelyReason]:
    rest = selection.left_out[~selection.left_out["trial_id"].isin(selection.effects["trial_id"])]
    if rest.empty:
        return
    everyone = set(rest["trial_id"])
    only_direction = everyone - set(rest.loc[rest["tier"] != "D", "trial_id"])
    sentence = (
        f"{_count(len(everyone))} of ours on this question cannot be pooled; those of which the"
        f" sources give a direction only: {len(only_direction)}."
    )
    values = {"unpooled": len(everyone), "direction_only": len(only_direction)}
    yield LikelyReason(code="unpooled", sentence=sentence, values=values)


def _newer(
    selection: Selection, ours: Synthesis, year: Number, rules: Rules
) -> Iterator[LikelyReason]:
    """Refit without the trials that the review cannot have seen."""
    if not is_present(year):
        return
    late = (selection.effects["year"] > year).fillna(False)
    if not late.any():
        return
    newer = int(late.sum())
    verb = "is" if newer == 1 else "are"
    sentence = f"{newer} of our {_count(ours.k)} {verb} newer than the review"
    values: dict[str, float] = {"newer": newer}
    earlier = pool(selection.effects[~late], rules)
    if isinstance(earlier, Synthesis):
        sentence += f"; without them our estimate is {_effect(earlier, selection)}"
        values |= {"estimate_without": earlier.estimate}
    yield LikelyReason(code="newer", sentence=f"{sentence}.", values=values)


def _model(
    model: Model | None, ours: Synthesis, as_theirs: Synthesis | Absent, selection: Selection
) -> Iterator[LikelyReason]:
    if model is None:
        yield LikelyReason(code="model", sentence="How they pooled is not known to us.", values={})
    elif isinstance(as_theirs, Synthesis) and ours.k > 1:
        sentence = (
            f"Pooled as they did ({method_words(model)}), our estimate is "
            f"{_effect(as_theirs, selection)} instead of {_effect(ours, selection)}."
        )
        moved = {"moved": as_theirs.estimate - ours.estimate}
        yield LikelyReason(code="model", sentence=sentence, values=moved)


def _converted(selection: Selection) -> Iterator[LikelyReason]:
    converted = int(selection.effects["converted"].sum())
    if converted:
        sentence = f"The effects of {_count(converted)} of ours were converted from odds ratios."
        yield LikelyReason(code="converted", sentence=sentence, values={"converted": converted})


def _question(match: Match) -> Iterator[LikelyReason]:
    kinds = {
        "network": "Theirs is from a network and also rests on indirect comparisons.",
        "individual patients": "Theirs was computed from the data of individual patients.",
    }
    if sentence := kinds.get(match.synthesis):
        yield LikelyReason(code="synthesis", sentence=sentence, values={})
    if match.instrument or match.rating:
        sentence = "Only our rows on the same scale or rating count."
        yield LikelyReason(code="rows", sentence=sentence, values={})
    if match.note:
        yield LikelyReason(code="definition", sentence=match.note.strip(), values={})


def _count(number: int) -> str:
    return "1 trial" if number == 1 else f"{number} trials"


def _effect(fit: Synthesis, selection: Selection) -> str:
    show = natural(selection.estimand.wanted_measure)
    return f"{number(show(fit.estimate))} ({interval(show(fit.ci_lb), show(fit.ci_ub))})"
