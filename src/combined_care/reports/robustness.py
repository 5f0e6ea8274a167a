"""How far verdicts depend on our choices: for one claim, and for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from combined_care import figure_tables, figures
from combined_care import tables as shown
from combined_care.choices import LEFT_OUT
from combined_care.markup import Safe, bullets, details, join, number, paragraph
from combined_care.reports import parts
from combined_care.results import Absent, is_present
from combined_care.tables import robustness as tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from combined_care.choices import Choices
    from combined_care.findings import AnalysisResult
    from combined_care.robustness import Robustness
    from combined_care.verdicts import Verdict

#: Place of the section within a claim's page, to link to.
PLACE = "robustness"
_MOST, _DRAWN = 5, 3
_WHAT = (
    "A specification is the same question, answered with other defensible choices: another model, "
    "other rows, other trials. The choices and why each has more than one option stand in "
    "data/multiverse.yaml; only options that make a difference to the data of a claim are "
    "combined. Supported strongly, supported and fragile count as the same answer; the labels "
    "here are those that the interval or the test alone gives."
)
_NOT_MEANT = (
    "The specifications are no vote and no sample of other studies: they share most of their data. "
    "Agreement says that a result does not hang on our choices; it does not say that it is true."
)
_SAMPLE = (
    "There are more combinations than are computed: a sample is shown in which every option "
    "appears about equally often, with the primary one and every single departure from it."
)
_P_SCALE = (
    "A comparison of levels has no single estimate. What is sorted is the p value of the test that "
    "the levels do not differ: the curve says how often a difference shows, not how large it is."
)


def robustness(verdict: Verdict) -> Safe:
    """Say how many specifications agree, what moves the result most, and draw all of them.

    Parameters
    ----------
    verdict : Verdict
        A claim that trials can test.
    """
    found = verdict.robustness
    if isinstance(found, Absent):
        return paragraph(f"Other specifications were not computed: {found.reason}.")
    said = [f"{tables.agreement_words(found)}."]
    if found.is_sample:
        said.append(_SAMPLE)
    return join(
        [
            paragraph(Safe("<strong>"), said[0], Safe("</strong> "), " ".join(said[1:])),
            paragraph(_WHAT),
            *(_analysis(result, verdict) for result in verdict.decisive),
            paragraph(_NOT_MEANT),
        ]
    )


def _analysis(result: AnalysisResult, verdict: Verdict) -> Safe:
    found, table, choices = result.robustness, verdict.specifications, verdict.claim.rules.choices
    title, place = f"Other choices: {result.analysis.title}", f"robustness-{result.analysis.id}"
    if isinstance(found, Absent) or isinstance(table, Absent) or choices is None:
        said = found.reason if isinstance(found, Absent) else "no choices are declared"
        return parts.section(place, title, paragraph(f"Not computed: {said}."), level=3)
    own = table[table["analysis"] == result.analysis.id]
    caption = f"{shown.title(result)}: labels of all specifications"
    return parts.section(
        place, title,
        paragraph(f"{tables.agreement_words(found)}."),
        _moves(found, result),
        _curve(result, found, own, choices),
        details("How often each label is found", tables.labels_table(found, caption)),
        level=3,
    )  # fmt: skip


def _moves(found: Robustness, result: AnalysisResult) -> Safe:
    if not found.moves:
        return paragraph("No single choice changes the result or its label.")
    trials = dict(zip(result.effects["trial_id"], result.effects["label"], strict=True))
    measure = result.analysis.estimand.wanted_measure
    first = found.moves[0]
    moved = tables.shift_words(first, measure) if is_present(first.shift) else ""
    share = f"the label changes in {number(100 * first.changed, 0)} % of the pairs"
    said = join(["The single choice that moves the result most: ",
                 tables.move_words(first, trials),
                 f" ({'; '.join(filter(None, [moved, share]))})."])  # fmt: skip
    caption = (
        f"{shown.title(result)}: what single choices do, compared with the primary option and all "
        "else equal"
    )
    return join(
        [paragraph(said), tables.moves_table(found.moves[:_MOST], measure, trials, caption)]
    )


def _curve(result: AnalysisResult, found: Robustness, own: pd.DataFrame, choices: Choices) -> Safe:
    """Draw the specifications with all their trials and enough of them, as the shares count."""
    whole = own[own[LEFT_OUT] == ""]
    rows = whole[whole["verdict"] != "insufficient"].reset_index(drop=True)
    if rows.empty:
        return paragraph("No specification has enough trials for a curve.")
    varied = _varied(rows, choices)
    given: dict[str, Any] = {
        "measure": result.analysis.estimand.wanted_measure,
        "shown": "estimate" if result.moderator is None else "pval",
    }
    is_drawn = result.moderator is None and is_present(result.smallest_effect)
    line = float(result.smallest_effect) if is_drawn else None  # type: ignore[arg-type]
    drawn = _strongest(varied, found)
    said = figures.describe_specification_curve(rows, drawn, **given)
    notes = [*_notes(result, len(whole) - len(rows))]
    if len(drawn) < len(varied):
        notes.append(
            f"Of {len(varied)} choices the {len(drawn)} that move the result most are drawn."
        )
    picture = parts.figure(
        lambda narrow: figures.specification_curve(
            rows, drawn, smallest=line, narrow=narrow, **given
        ),
        name=f"specifications-{result.analysis.id}",
        title=f"Specification curve: {result.analysis.title}",
        description=said,
        caption=" ".join([said, figures.SPECIFICATION_KEY, *notes]),
    )
    caption = f"{shown.title(result)}: specifications by option"
    table = figure_tables.specification_table(rows, drawn, caption=caption, **given)
    return join([picture, details("The same as a table, option by option", table)])


def _strongest(varied: Sequence[figures.Choice], found: Robustness) -> list[figures.Choice]:
    """Keep the choices that move the result most: a page must not grow with what changes little."""
    order = list(dict.fromkeys(move.choice for move in found.moves))
    moving = [choice for choice in varied if choice.column in order[:_DRAWN]]
    return moving or list(varied[:_DRAWN])


def _notes(result: AnalysisResult, missing: int) -> Iterator[str]:
    if result.moderator is not None:
        yield _P_SCALE
    if missing:
        yield f"{missing:,} more have too few trials for a label and are not drawn."


def _varied(rows: pd.DataFrame, choices: Choices) -> list[figures.Choice]:
    """Name the choices with more than one option among the specifications, and their options."""
    found = []
    for choice in choices:
        here = set(rows[choice.id].astype(str))
        options = {o.id: o.title for o in choice.options if o.id in here}
        if len(options) > 1:
            found.append(figures.Choice(choice.id, choice.title, options))
    return found


# the page about all claims


def summary(verdicts: Sequence[Verdict]) -> Safe:
    """Say of how many claims the verdict does not depend on our choices."""
    judged = [verdict for verdict in verdicts if is_judged(verdict)]
    groups = _groups(judged)
    counted = ", ".join(f"{words}: {len(found)}" for words, found in groups.items())
    return join(
        [
            parts.lead(
                f"Of {len(judged)} claims with specifications, by the share of them that agree "
                f"with the verdict: {counted}."
            ),
            paragraph(_WHAT),
            paragraph(_NOT_MEANT),
        ]
    )


def is_judged(verdict: Verdict) -> bool:
    """Tell whether a claim has specifications."""
    return verdict.claim.testable and not isinstance(verdict.robustness, Absent)


def _groups(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """Sort claims by the two thresholds of the shared rules."""
    if not verdicts:
        return {}
    rules = verdicts[0].claim.rules
    high, low = (
        f"{number(100 * share, 0)} %" for share in (rules.agree_strongly, rules.agree_fragile)
    )
    names = (f"at least {high} agree", f"{low} to less than {high}", f"less than {low} agree")
    groups: dict[str, list[Verdict]] = {name: [] for name in names}
    for verdict in verdicts:
        share = verdict.robustness.agree  # type: ignore[union-attr]
        below = (share < rules.agree_strongly) + (share < rules.agree_fragile)
        groups[names[below]].append(verdict)
    return groups


def stable(verdicts: Sequence[Verdict]) -> Safe:
    """List the claims by how far their verdicts depend on our choices."""
    shown_groups: list[Safe] = []
    for words, found in _groups([v for v in verdicts if is_judged(v)]).items():
        links = (
            join([shown.label_sign(v.label), shown.page_link(v.claim.id, v.claim.text, PLACE)])
            for v in found
        )
        place = f"agree-{len(shown_groups)}"
        title = f"{shown.sentence(words)}: {len(found)}"
        shown_groups.append(parts.section(place, title, bullets(links, css="plain"), level=3))
    said = (
        "A claim with too few trials can be stable too: no defensible choice finds enough of them. "
        "Being stable is no quality of a treatment."
    )
    return join([paragraph(said), *shown_groups])


def choices(verdicts: Sequence[Verdict]) -> Safe:
    """Show which choices change labels, over all claims."""
    caption = "Choices, by the number of claims whose label they change"
    rows = sorted(_by_choice(verdicts), key=lambda row: (-row[2], -row[1], row[0]))
    return tables.choices_table(rows, caption, PLACE)


def _by_choice(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, int, int, Verdict, float]]:
    """Take, of each claim and choice, the option that changes the label in most pairs."""
    held: dict[str, list[tuple[Verdict, float]]] = {}
    titles: Mapping[str, str] = {LEFT_OUT: "leaving out one trial"}
    for verdict in filter(is_judged, verdicts):
        titles = {**titles, **{c.id: c.title for c in verdict.claim.rules.choices or ()}}
        most: dict[str, float] = {}
        for move in verdict.robustness.moves:  # type: ignore[union-attr]
            most[move.choice] = max(move.changed, most.get(move.choice, 0.0))
        for choice, changed in most.items():
            held.setdefault(choice, []).append((verdict, changed))
    for choice, found in held.items():
        verdict, changed = max(found, key=lambda item: item[1])
        yield titles[choice], len(found), sum(c > 0 for _, c in found), verdict, changed


def all_claims(verdicts: Sequence[Verdict]) -> Safe:
    """Show the agreement of every claim that trials can test."""
    tested = [verdict for verdict in verdicts if verdict.claim.testable]
    caption = "Agreement of other specifications with the primary one, by claim"
    return tables.all_claims_table(tested, caption, PLACE)
