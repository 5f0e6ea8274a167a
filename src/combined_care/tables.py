"""Tables of results as HTML: a result goes in, its numbers come out laid out. Nothing computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import decisions, markup
from combined_care.markup import Safe, interval, link, number, p_value, scroll, table, text
from combined_care.results import Absent, is_present
from combined_care.scales import RATIO_NAMES, measure_name, natural
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    import pandas as pd

    from combined_care.decisions import Label
    from combined_care.findings import AnalysisResult, ModeratorResult
    from combined_care.landscape import EvidenceMap
    from combined_care.verdicts import Verdict

#: Shape and class of each label: never told by colour alone.
_SIGNS: dict[Label, tuple[str, str]] = {
    "supported_strongly": ("✔✔", "good"),
    "supported": ("✔", "good"),
    "fragile": ("◐", "open"),
    "not_demonstrated_informative": ("○", "open"),
    "not_demonstrated_imprecise": ("?", "open"),
    "contradicted": ("✘", "bad"),
    "insufficient": ("…", "thin"),
    "not_testable": ("–", "thin"),
}
_TITLES: dict[Label, str] = {
    "supported_strongly": "supported strongly",
    "not_demonstrated_informative": "not demonstrated (a worthwhile gain is unlikely)",
    "not_demonstrated_imprecise": "not demonstrated (too imprecise to tell)",
    "insufficient": "insufficient evidence",
    "not_testable": "not testable",
}


def label_words(label: Label) -> str:
    """Name a label for readers."""
    return _TITLES.get(label, label)


def label_tag(label: Label) -> Safe:
    """Show a label with its sign; the sign is hidden from screen readers, the words are not."""
    sign, css = _SIGNS[label]
    words = text(label_words(label))
    return Safe(f'<span class="tag {css}"><span aria-hidden="true">{sign}</span> {words}</span>')


def verdict_box(verdict: Verdict) -> Safe:
    """Show a verdict first: the claim, the label in words, and what the label means."""
    sign, css = _SIGNS[verdict.label]
    meaning = decisions.meaning(verdict.label, verdict.claim.kind)
    return Safe(
        f'<div class="verdict {css}"><p class="label"><span aria-hidden="true">{sign}</span> '
        f"{text(label_words(verdict.label).capitalize())}</p>"
        f"<p>{text(verdict.claim.text)}</p>"
        f'<p class="note">This means: {text(meaning)}.</p></div>'
    )


def decisive_table(verdict: Verdict) -> Safe:
    """Show what a verdict rests on: one row a decisive analysis."""
    rows = []
    for result in verdict.decisive:
        fit, measure = result.fit, result.analysis.estimand.wanted_measure
        if result.moderator is not None:
            found: object = _moderator_words(result.moderator)
            new: object = "not asked: the claim is about differences"
        elif isinstance(fit, Synthesis):
            found, new = result_words(result), _prediction(fit, measure)
        else:
            found, new = fit.reason, "nothing pooled"
        rows.append((_title(result), label_tag(result.label), result.k, result.people, found, new))
    header = ("Question", "Answer", "Trials (k)", "People (n)", "Result", "Prediction interval")
    caption = "What the verdict rests on"
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def _prediction(fit: Synthesis, measure: str) -> str:
    scale = natural(measure)
    return interval(scale(fit.pi_lb), scale(fit.pi_ub))


def verdict_table(verdicts: Sequence[Verdict], *, caption: str) -> Safe:
    """List claims with their labels and what they rest on."""
    rows = []
    for verdict in verdicts:
        claim: object = verdict.claim.text
        if verdict.claim.testable:
            claim = Safe(f'<a href="{text(verdict.claim.id)}.html">{text(claim)}</a>')
        basis = markup.join(Safe(f"<li>{text(line)}</li>") for line in _basis_lines(verdict))
        rests = Safe(f"<ul>{basis}</ul>") if basis else text(verdict.claim.reason)
        rows.append((claim, label_tag(verdict.label), rests))
    header = ("Claim", "Verdict", "Rests on")
    return scroll(table(header, rows, caption=caption, css="verdicts"), caption)


def _basis_lines(verdict: Verdict) -> list[str]:
    """One line a decisive analysis; for claims about several disorders, one a disorder."""
    groups = [reason for reason in verdict.reasons if reason.code == "group"]
    return [str(reason) for reason in groups] or [_basis(r) for r in verdict.decisive]


def _basis(result: AnalysisResult) -> str:
    title = result.analysis.title
    if result.moderator is not None:
        return f"{title}: {_moderator_words(result.moderator)}"
    if not isinstance(result.fit, Synthesis):
        return f"{title}: {result.fit.reason}"
    return f"{title}: {result_words(result)}; k = {result.k}"


def result_words(result: AnalysisResult) -> str:
    """Write the pooled effect; where its interval is too narrow, the conservative one as well."""
    if not isinstance(result.fit, Synthesis):
        return result.fit.reason
    measure = result.analysis.estimand.wanted_measure
    words = effect_words(result.fit, measure)
    if not result.interval_is_narrow:
        return words
    scale, careful = natural(measure), result.fit.inference("knha-conservative")
    bounds = interval(scale(careful.ci_lb), scale(careful.ci_ub))
    return f"{words}, narrower than the normal interval; conservative: {bounds}"


def _moderator_words(moderator: ModeratorResult) -> str:
    if isinstance(moderator.fit, Absent):
        return moderator.fit.reason
    levels = len(moderator.fit.levels)
    return f"{levels} levels tested, p {_equals(p_value(moderator.fit.f_pval))}"


def _equals(shown: str) -> str:
    return shown if shown.startswith("<") else f"= {shown}"


def effect_words(fit: Synthesis, measure: str) -> str:
    """Write the pooled effect with its confidence interval."""
    scale = natural(measure)
    bounds = interval(scale(fit.ci_lb), scale(fit.ci_ub))
    level = f"{100 * fit.level:g} %"
    return f"{measure_name(measure)} {number(scale(fit.estimate))} ({level} CI {bounds})"


def _title(result: AnalysisResult) -> str:
    title = result.analysis.title
    return title[0].upper() + title[1:]


def numbers_table(result: AnalysisResult) -> Safe:
    """Show every number of a fit: estimate, intervals, heterogeneity, results of other tests."""
    fit, measure = result.fit, result.analysis.estimand.wanted_measure
    if isinstance(fit, Absent):
        return markup.paragraph(f"Nothing is pooled: {fit.reason}.")
    scale = natural(measure)
    level = f"{100 * fit.level:g} %"
    name = measure_name(measure)
    rows: list[tuple[object, object]] = [
        ("Trials (k)", fit.k),
        ("People analysed (n)", result.people),
        (f"Pooled {name}", number(scale(fit.estimate))),
        (f"{level} confidence interval", interval(scale(fit.ci_lb), scale(fit.ci_ub))),
        ("p of no effect", p_value(fit.pval)),
        (f"{level} prediction interval", interval(scale(fit.pi_lb), scale(fit.pi_ub))),
        ("Smallest effect of interest", number(scale(result.smallest_effect))),
        (
            "Chance that a new trial's true effect exceeds it",
            _chance(fit, result.smallest_effect),
        ),
        ("tau² (Q-profile interval)", _with_interval(fit.tau2, fit.tau2_ci_lb, fit.tau2_ci_ub, 3)),
        ("I² from tau², in %", _with_interval(fit.i2, fit.i2_ci_lb, fit.i2_ci_ub, 0)),
        ("Q (degrees of freedom, p)", _q(fit)),
    ]
    rows += [
        (f"Interval by {found.test}", interval(scale(found.ci_lb), scale(found.ci_ub)))
        for found in fit.inferences
        if found.test != fit.test
    ]
    rows.append(("Second opinion", str(result.second_opinion)))
    rows += [("Note", note) for note in fit.notes]
    return scroll(
        table(("Quantity", "Value"), rows, caption=f"{_title(result)}: the numbers"),
        "The numbers",
    )


def _chance(fit: Synthesis, threshold: object) -> str:
    if not isinstance(threshold, float):
        return str(threshold)
    found = fit.probability_above(threshold)
    return f"{100 * found:.0f} %" if is_present(found) else str(found)


def _with_interval(value: object, lower: object, upper: object, digits: int) -> str:
    shown = number(value, digits)
    return f"{shown} ({interval(lower, upper, digits)})" if isinstance(value, float) else shown


def _q(fit: Synthesis) -> str:
    if not is_present(fit.q):
        return str(fit.q)
    return f"{number(fit.q)} ({number(fit.q_df, 0)}, p {_equals(p_value(fit.q_pval))})"


def trials_table(result: AnalysisResult) -> Safe:
    """List the pooled trials: effect, weight, rating, tier, source, rows and derivation."""
    effects, fit = result.effects, result.fit
    scale = natural(result.analysis.estimand.wanted_measure)
    weights = list(fit.weights) if isinstance(fit, Synthesis) and fit.k > 1 else None
    rows = []
    for position, row in enumerate(_rows(effects)):
        alone = "only trial" if result.k == 1 else "not pooled"
        weight = f"{weights[position]:.1f} %" if weights else alone
        shown = f"{number(scale(row.yi))} ({interval(scale(row.ci_lb), scale(row.ci_ub))})"
        rows.append(
            (
                trial_name(row),
                shown,
                weight,
                "not reported" if row.n != row.n else f"{row.n:,.0f}",
                _outcome(row),
                _quality(row),
                sources(row),
                Safe(
                    f'<span class="derivation">{text(row.derivation)} '
                    f"[{text(', '.join(row.row_ids))}]</span>"
                ),
            )
        )
    measure = measure_name(result.analysis.estimand.wanted_measure)
    header = ("Trial", f"{measure} (95 % CI)", "Weight", "n", "Outcome", "Data", "Source",
              "How the effect was derived [rows of data/outcomes.csv]")  # fmt: skip
    caption = f"{_title(result)}: the pooled trials"
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def trial_name(row: Any) -> Safe:
    """Name a trial, with its notice where it has one."""
    notice = getattr(row, "notice", "")
    more = f'<br><span class="note">Notice: {text(notice)}</span>' if notice else ""
    return Safe(f"{text(row.label)}{more}")


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def _outcome(row: Any) -> str:
    parts = [row.outcome, row.instrument, row.rating and f"{row.rating}-rated"]
    if row.weeks == row.weeks:
        parts.append(f"week {row.weeks:g}")
    if row.converted:
        parts.append("odds ratio converted to g")
    return ", ".join(part for part in parts if part)


def _quality(row: Any) -> str:
    parts = [f"tier {row.tier}", "derived" if row.derived else "", row.flags]
    if row.low_risk_items == row.low_risk_items:
        parts.append(f"{row.low_risk_items:g} of 4 risk-of-bias items low")
    if row.how != "row":
        parts.append(row.how)
    return "; ".join(part for part in parts if part)


def sources(row: Any) -> Safe:
    """Link to the trial first (DOI, PubMed), then to the page where its numbers were read."""
    links = []
    if row.doi:
        links.append(link(f"https://doi.org/{row.doi}", "DOI"))
    if row.pmid:
        links.append(link(f"https://pubmed.ncbi.nlm.nih.gov/{row.pmid}/", "PubMed"))
    kind = row.source_kind.replace("_", " ")
    if row.source_url:
        links.append(link(row.source_url, f"numbers read here ({kind})"))
    if row.source_note:
        links.append(text(row.source_note))
    return Safe(", ".join(links))


def not_pooled_table(frame: pd.DataFrame, caption: str) -> Safe:
    """List rows that are shown and never pooled, with what their text says and why."""
    rows = [
        (
            row.label,
            row.outcome_detail or row.outcome,
            {"combined": "combined", "comparator": "the comparator", "none": "neither"}.get(
                row.favours, "not stated"
            ),
            row.reason,
            sources(row),
            row.row_id,
        )
        for row in _rows(frame)
    ]
    header = ("Trial", "Result", "Text favours", "Why it is not pooled", "Source", "Row")
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def sensitivity_table(result: AnalysisResult) -> Safe:
    """Show the primary result and the same analysis with one choice changed."""
    measure = result.analysis.estimand.wanted_measure

    def row(title: str, k: int, fit: Synthesis | Absent, label: Label) -> tuple[object, ...]:
        words = effect_words(fit, measure) if isinstance(fit, Synthesis) else fit.reason
        return title, k, words, label_tag(label)

    rows = [row("primary analysis", result.k, result.fit, result.label)]
    rows += [row(s.title, s.k, s.fit, s.label) for s in result.sensitivities]
    caption = f"{_title(result)}: the same with one choice changed"
    return scroll(table(("Choice", "k", "Result", "Label"), rows, caption=caption), caption)


def leave_one_out_table(result: AnalysisResult) -> Safe:
    """Show the pooled effect without each trial in turn."""
    scale = natural(result.analysis.estimand.wanted_measure)
    rows = [
        (
            row.label,
            f"{number(scale(row.estimate))} ({interval(scale(row.ci_lb), scale(row.ci_ub))})",
            label_words(row.verdict),
        )
        for row in _rows(result.leave_one_out)
    ]
    caption = f"{_title(result)}: without each trial in turn"
    header = ("Left out", f"{measure_name(result.analysis.estimand.wanted_measure)} (CI)", "Label")
    return scroll(table(header, rows, caption=caption), caption)


def checks_table(result: AnalysisResult) -> Safe:
    """Show the pre-specified conditions beside what was found."""
    words = {True: "✔ yes", False: "✘ no", None: "– not computed"}
    rows = [(c.name.capitalize(), words[c.passed], c.detail) for c in result.checks]
    caption = f"{_title(result)}: the rule, condition by condition"
    return scroll(table(("Condition", "Met", "Found"), rows, caption=caption), caption)


def moderator_tables(moderator: ModeratorResult, measure: str) -> Safe:
    """Show the levels, their test, and the trials by level and diagnosis."""
    name = moderator.name.replace("_", " ")
    parts: list[object] = [
        scroll(
            table(
                ("Level", "Trials", "Tested"),
                [
                    (_words(r.level), r.k, "yes" if r.tested else "no")
                    for r in moderator.counts.itertuples()
                ],
                caption=f"Trials by {name}",
            ),
            f"Trials by {name}",
        )
    ]
    if not isinstance(moderator.fit, Absent):
        parts += [
            _levels_table(moderator, name, measure),
            _differences_table(moderator, name, measure),
        ]
    cross = moderator.confounding
    header = (name.capitalize(), *(str(c).replace("_", " ") for c in cross.columns))
    rows = [(_words(index), *values) for index, *values in cross.itertuples()]
    caption = f"Trials by {name} and diagnosis: where the two go together, so may their effects"
    parts.append(scroll(table(header, rows, caption=caption), caption))
    return markup.join(parts)


def _words(level: object) -> str:
    """Write a level of a moderator for readers."""
    return str(level).replace("_", " ") or "not recorded"


def _levels_table(moderator: ModeratorResult, name: str, measure: str) -> Safe:
    if isinstance(moderator.fit, Absent):
        return text("")
    scale = natural(measure)
    rows = [
        (
            _words(r.name),
            r.k,
            number(scale(r.estimate)),
            interval(scale(r.ci_lb), scale(r.ci_ub)),
            number(r.tau2, 3),
        )
        for r in moderator.fit.groups
    ]
    fit = moderator.fit
    test = (
        f"F({number(fit.f_df1, 0)}, {number(fit.f_df2, 0)}) = {number(fit.f)}, "
        f"p {_equals(p_value(fit.f_pval))}"
    )
    caption = f"Effect by {name}, one common tau²; test of equal effects: {test}"
    header = ("Level", "k", measure_name(measure), "Confidence interval", "tau²")
    return scroll(table(header, rows, caption=caption), caption)


def _differences_table(moderator: ModeratorResult, name: str, measure: str) -> Safe:
    if isinstance(moderator.fit, Absent):
        return text("")
    names = moderator.fit.levels
    found = [moderator.fit.difference(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    scale = natural(measure)
    rows = [
        (_words(d.label), number(scale(d.estimate)), interval(scale(d.ci_lb), scale(d.ci_ub)))
        for d in found
    ]
    kind = "Quotient" if measure in RATIO_NAMES else "Difference"
    caption = f"{kind}s between levels of {name}"
    return scroll(table(("Levels", kind, "Interval"), rows, caption=caption), caption)


def map_table(found: EvidenceMap, name: Callable[[str], str]) -> Safe:
    """Show the evidence map as a table; every gap is said to be one."""
    rows = []
    for diagnosis in found.diagnoses:
        cells: list[object] = [name(diagnosis)]
        for comparator in found.comparators:
            cell = found.cell(diagnosis, comparator)
            if cell.empty:
                cells.append("no trial")
                continue
            words = f"k = {cell.k}, n = {cell.size}"
            if isinstance(cell.fit, Synthesis):
                words += f": {effect_words(cell.fit, 'SMD')}"
            if cell.unpooled:
                words += f"; {cell.unpooled} more without usable numbers"
            cells.append(words)
        rows.append(cells)
    header = ("Diagnosis", *(name(c) for c in found.comparators))
    caption = "Evidence map: combined treatment by diagnosis and comparator"
    return scroll(table(header, rows, caption=caption, css="wide"), caption)
