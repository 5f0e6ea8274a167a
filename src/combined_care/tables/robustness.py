"""How far results depend on our choices: agreement, labels, and what each option does."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from combined_care.anchors import page_link, trial_link
from combined_care.choices import LEFT_OUT
from combined_care.decisions import label_words
from combined_care.markup import MINUS, Safe, join, number, scroll, table
from combined_care.results import Absent, is_present
from combined_care.scales import RATIO_NAMES, measure_name, natural
from combined_care.tables.words import label_tag, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from combined_care.decisions import Label
    from combined_care.robustness import Move, Robustness
    from combined_care.verdicts import Verdict


def agreement_words(found: Robustness) -> str:
    """Say how many specifications agree with the primary one, and whether they are a sample.

    Returns
    -------
    str
        A sentence without its full stop.
    """
    kind = "sampled specifications" if found.is_sample else "specifications"
    return (
        f"{number(100 * found.agree, 0)} % of {found.compared:,} {kind} say, as the primary one "
        f"does, '{label_words(cast('Label', found.verdict))}'"
    )


def labels_table(found: Robustness, caption: str) -> Safe:
    """Show how many specifications end in each label."""
    rows = [
        (label_tag(cast("Label", label)), f"{size:,}", _percent(size / found.n))
        for label, size in found.labels
    ]
    return scroll(table(("Label", "Specifications", "Share"), rows, caption=caption), caption)


def moves_table(
    moves: Sequence[Move], measure: str, trials: Mapping[str, str], caption: str
) -> Safe:
    """Show what single options do, all other choices being equal.

    Parameters
    ----------
    moves : sequence of Move
        The options to show.
    measure : str
        Scale of the estimates; shifts of ratios are shown as factors.
    trials : mapping
        Trial id -> label, for moves that leave out a trial.
    caption : str
        Says what the table shows.
    """
    shifts = any(is_present(move.shift) for move in moves)
    rows = [
        (
            move_words(move, trials),
            *([shift_words(move, measure)] if shifts else []),
            _percent(move.changed),
            f"{move.pairs:,}",
        )
        for move in moves
    ]
    more = ("Typical change of the result",) if shifts else ()
    header = ("Choice: option", *more, "Label changes in", "Pairs compared")
    return scroll(table(header, rows, caption=caption), caption)


def move_words(move: Move, trials: Mapping[str, str]) -> Safe:
    """Name an option; a trial that is left out is linked to its entry."""
    if move.choice != LEFT_OUT:
        return join([sentence(move.title)])
    return join(["Left out: ", trial_link(move.option, trials.get(move.option, move.option))])


def shift_words(move: Move, measure: str) -> str:
    """Write the median change of the estimate; a factor for ratios."""
    if isinstance(move.shift, Absent):
        return move.shift.reason
    shown = number(natural(measure)(move.shift))
    if measure in RATIO_NAMES:
        return f"{measure_name(measure)} times {shown}"
    plus = "" if shown.startswith(MINUS) else "+"
    return f"{measure_name(measure)} {plus}{shown}"


def all_claims_table(verdicts: Iterable[Verdict], caption: str, place: str) -> Safe:
    """Show the agreement of every claim, with a link to its section.

    Parameters
    ----------
    verdicts : iterable of Verdict
        Claims that can be tested.
    caption : str
        Says what the table shows.
    place : str
        Name of the section within each claim's page.
    """
    rows = []
    for verdict in verdicts:
        claim = page_link(verdict.claim.id, verdict.claim.text, place)
        rows.append((claim, label_tag(verdict.label), *_claim_cells(verdict)))
    header = ("Claim", "Verdict", "Specifications that agree", "Specifications", "Estimates",
              "What moves the label most")  # fmt: skip
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def _claim_cells(verdict: Verdict) -> tuple[object, ...]:
    found = verdict.robustness
    if isinstance(found, Absent):
        return found.reason, "none", "none", "none"
    kind = "sampled" if found.is_sample else "all combinations"
    measure = verdict.decisive[0].analysis.estimand.wanted_measure
    return (
        _percent(found.agree),
        f"{found.n:,}, {kind}",
        _range(found, measure),
        _strongest(verdict, found),
    )


def _range(found: Robustness, measure: str) -> str:
    if not (is_present(found.lowest) and is_present(found.highest)):
        return str(getattr(found.lowest, "reason", found.lowest))
    scale = natural(measure)
    ends = (number(scale(end)) for end in (found.lowest, found.highest))
    return f"{measure_name(measure)} {' to '.join(ends)}"


def _strongest(verdict: Verdict, found: Robustness) -> object:
    changing = [move for move in found.moves if move.changed > 0]
    if not changing:
        return "no single choice changes it"
    move = max(changing, key=lambda move: move.changed)
    trials = trial_names(verdict)
    return join([move_words(move, trials), f" ({_percent(move.changed)} of pairs)"])


def trial_names(verdict: Verdict) -> dict[str, str]:
    """Return trial id -> label for all trials that the decisive analyses pool."""
    found: dict[str, str] = {}
    for result in verdict.decisive:
        found |= dict(zip(result.effects["trial_id"], result.effects["label"], strict=True))
    return found


def choices_table(
    rows: Iterable[tuple[str, int, int, Verdict, float]], caption: str, place: str
) -> Safe:
    """Show which choices change labels, over all claims.

    Parameters
    ----------
    rows : iterable of tuple
        Title of the choice, claims in which it was varied and moved anything, claims in which it
        changes a label, the claim whose label it changes most often, and in what share of pairs.
    caption, place : str
        As for :func:`all_claims_table`.
    """
    shown = [
        (sentence(title), moved, changed,
         join([page_link(verdict.claim.id, verdict.claim.text, place), f" ({_percent(most)})"]))
        for title, moved, changed, verdict, most in rows
    ]  # fmt: skip
    header = ("Choice", "Claims that it moves", "Claims whose label it changes in some pairs",
              "Changes most often the label of")  # fmt: skip
    return scroll(table(header, shown, caption=caption, css="wide"), caption)


def _percent(share: float) -> str:
    return f"{number(100 * share, 0)} %"
