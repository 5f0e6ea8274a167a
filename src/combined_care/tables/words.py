"""Results in words: what a label is called, and a pooled effect in one phrase. Nothing computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.decisions import label_words
from combined_care.markup import Safe, interval, number, p_value, text
from combined_care.results import Absent
from combined_care.scales import measure_name, natural
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from combined_care.decisions import Label
    from combined_care.findings import AnalysisResult, ModeratorResult
    from combined_care.verdicts import Verdict

#: Shape and class of each label: never told by colour alone.
SIGNS: dict[Label, tuple[str, str]] = {
    "supported_strongly": ("✔✔", "good"),
    "supported": ("✔", "good"),
    "fragile": ("◐", "open"),
    "not_demonstrated_informative": ("○", "open"),
    "not_demonstrated_imprecise": ("?", "open"),
    "contradicted": ("✘", "bad"),
    "insufficient": ("…", "thin"),
    "not_testable": ("–", "thin"),
}
_SMALL = ("no", "a single", "two", "three", "four")


def label_tag(label: Label) -> Safe:
    """Show a label with its sign; the sign is hidden from screen readers, the words are not."""
    sign, css = SIGNS[label]
    words = text(label_words(label))
    return Safe(f'<span class="tag {css}"><span aria-hidden="true">{sign}</span> {words}</span>')


def label_sign(label: Label) -> Safe:
    """Show only the sign of a label; its words are for those who do not see the sign."""
    sign, css = SIGNS[label]
    return Safe(
        f'<span class="sign {css}"><span aria-hidden="true">{sign}</span>'
        f'<span class="unseen">{text(label_words(label))}: </span></span> '
    )


def sure_words(found: Verdict | AnalysisResult) -> str:
    """Say how sure a verdict is: certainty, and how many other analyses agree; empty if unknown."""
    said = []
    if not isinstance(found.certainty, Absent):
        said.append(f"certainty of the evidence: {found.certainty.level}")
    if not isinstance(found.robustness, Absent):
        agree, others = found.robustness.agree, found.robustness.compared
        said.append(f"{100 * agree:.0f} % of {others:,} defensible analyses agree")
    return "; ".join(said)


def sentence(words: str) -> str:
    """Begin with a capital letter."""
    return words[:1].upper() + words[1:]


def count(k: int, one: str = "trial", many: str = "") -> str:
    """Count for readers: small numbers as words, the plural where it belongs.

    Examples
    --------
    >>> count(0), count(1), count(4), count(12), count(2, "analysis", "analyses")
    ('no trial', 'a single trial', 'four trials', '12 trials', 'two analyses')
    """
    shown = _SMALL[k] if k < len(_SMALL) else f"{k:,}"
    return f"{shown} {one if k < 2 else many or f'{one}s'}"


def title(result: AnalysisResult) -> str:
    """Return the title of an analysis as the beginning of a sentence."""
    return sentence(result.analysis.title)


def equals(shown: str) -> str:
    """Put the sign before a number that may already have one: ``= 0.03`` but ``< 0.001``."""
    return shown if shown.startswith("<") else f"= {shown}"


def effect_words(fit: Synthesis, measure: str) -> str:
    """Write the pooled effect with its confidence interval."""
    scale = natural(measure)
    bounds = interval(scale(fit.ci_lb), scale(fit.ci_ub))
    level = f"{100 * fit.level:g} %"
    return f"{measure_name(measure)} {number(scale(fit.estimate))} ({level} CI {bounds})"


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


def moderator_words(moderator: ModeratorResult) -> str:
    """Write the test of a moderator."""
    if isinstance(moderator.fit, Absent):
        return moderator.fit.reason
    levels = len(moderator.fit.levels)
    return f"{levels} levels tested, p {equals(p_value(moderator.fit.f_pval))}"


def finding_words(result: AnalysisResult) -> str:
    """Write what an analysis found, whatever its kind."""
    if result.moderator is not None:
        return moderator_words(result.moderator)
    return result_words(result)
