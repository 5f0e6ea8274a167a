"""The verdict in two plain sentences; their wording follows the numbers of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import tables
from combined_care.markup import interval, number
from combined_care.results import is_present
from combined_care.scales import natural
from combined_care.synthesis import Synthesis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from combined_care.claims import Kind
    from combined_care.decisions import Label
    from combined_care.findings import AnalysisResult
    from combined_care.verdicts import Verdict

#: What the trials say to a question, by its label; in the order in which it is told.
_FOUND: dict[Label, str] = {
    "supported_strongly": "A gain is shown",
    "supported": "A gain is shown",
    "fragile": "A gain is shown, but it hangs on one trial or on how one counts",
    "contradicted": "A loss is shown",
    "not_demonstrated_informative": "A gain worth having is unlikely",
    "not_demonstrated_imprecise": "Left open",
    "insufficient": "Too few trials to say",
}
#: The same where the question is another one than whether combined treatment is better.
_FOUND_OF_KIND: dict[Kind, dict[Label, str]] = {
    "meaningful": {
        "supported_strongly": "A gain worth having is shown",
        "supported": "A gain worth having is shown",
    },
    "equivalence": {
        "supported_strongly": "One treatment does as well",
        "supported": "One treatment does as well",
        "fragile": "One treatment does as well, but that hangs on one trial or on how one counts",
        "contradicted": "One treatment does not do as well",
    },
    "moderator": {
        "supported_strongly": "A difference is shown",
        "supported": "A difference is shown",
        "fragile": "A difference is shown, but it hangs on one trial or on how one counts",
        "contradicted": "A difference is excluded",
        "not_demonstrated_informative": "A difference that matters is unlikely",
        "not_demonstrated_imprecise": "Whether there is a difference is left open",
        "insufficient": "Too few trials to compare",
    },
}


def two_sentences(verdict: Verdict) -> tuple[str, str]:
    """Say what the trials found, and how sure that is.

    Parameters
    ----------
    verdict : Verdict
        A claim that trials can test.

    Returns
    -------
    tuple of str
        Each ends with a full stop.
    """
    return f"{_found(verdict)}.", f"{_sure(verdict)}."


def _found(verdict: Verdict) -> str:
    """Put what has the same answer together: ``A gain is shown: A; B. Left open: C``."""
    answers: dict[str, list[str]] = {}
    for answer, words in _answers(verdict):
        answers.setdefault(answer, []).append(words)
    return ". ".join(f"{answer}: {'; '.join(found)}" for answer, found in answers.items())


def _answers(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Give each answer with what it is about; for claims about disorders, by disorder."""
    groups = [reason.values for reason in verdict.reasons if reason.code == "group"]
    for group in sorted(groups, key=lambda group: list(_FOUND).index(group["verdict"])):
        yield _FOUND[group["verdict"]], str(group["group"])
    if groups:
        return
    for result in sorted(verdict.decisive, key=lambda result: list(_FOUND).index(result.label)):
        found = _FOUND | _FOUND_OF_KIND.get(result.analysis.kind, {})
        words = f"{result.analysis.title.rstrip('?')} ({tables.count(result.k)})"
        yield found[result.label], words


def _sure(verdict: Verdict) -> str:
    """Speak about the part that the verdict hangs on."""
    weakest = [r for r in verdict.decisive if r.label == verdict.label] or verdict.decisive
    said = _reliance(weakest)
    labels = {result.label for result in verdict.decisive}
    if len(labels) > 1 and verdict.claim.kind != "uncertainty":
        said = f"A claim stands as far as its weakest part; there, {said}"
    return tables.sentence(said)


def _reliance(results: Sequence[AnalysisResult]) -> str:
    """Say how far the results can be leaned on, from the number of trials and their spread."""
    narrow = [result for result in results if result.interval_is_narrow]
    if narrow:
        bounds = _careful(narrow[0])
        return (
            "few trials agree so closely that the interval is too narrow to be trusted; a more "
            f"careful one runs from {bounds}"
        )
    fewest = min(results, key=lambda result: result.k)
    if fewest.moderator is not None:
        return (
            "trials were not assigned to what is compared here, so that a difference may come "
            "from something else that goes along with it"
        )
    return _by_number(fewest)


def _by_number(result: AnalysisResult) -> str:
    k, trials = result.k, tables.count(result.k)
    if k == 0:
        return "no trial gives numbers that could be pooled"
    if k < 3:
        return f"{trials} cannot settle a question"
    if k < 5:
        return f"with {trials}, the next one may change the result"
    if k < 10:
        return f"with {trials}, the average is rough, and whether small trials differ is unknown"
    return _spread(result)


def _spread(result: AnalysisResult) -> str:
    fit = result.fit
    if not isinstance(fit, Synthesis) or not is_present(fit.pi_lb):
        return f"{result.k} trials are summed up by their average only"
    scale = natural(result.analysis.estimand.wanted_measure)
    bounds = interval(scale(fit.pi_lb), scale(fit.pi_ub))
    none = number(scale(0.0), 0)
    return (
        f"{result.k} trials differ among themselves: the true effect of the next one may lie "
        f"anywhere from {bounds} ({none} means no difference)"
    )


def _careful(result: AnalysisResult) -> str:
    fit, scale = result.fit, natural(result.analysis.estimand.wanted_measure)
    if not isinstance(fit, Synthesis):
        return str(fit)
    found = fit.inference("knha-conservative")
    return interval(scale(found.ci_lb), scale(found.ci_ub))


def reading(result: AnalysisResult) -> str:
    """Put one result into words that fit the number of trials."""
    fit, k = result.fit, result.k
    if result.moderator is not None:
        return f"{tables.sentence(tables.count(k))}: {tables.moderator_words(result.moderator)}."
    if not isinstance(fit, Synthesis):
        return f"Nothing can be pooled: {fit.reason}."
    words = tables.result_words(result)
    if k == 1:
        return f"A single trial, shown as it is: {words}."
    if k == 2:
        return f"Two trials, too few for a verdict or a prediction interval: {words}."
    if k < 5:
        return f"Few trials ({k}), so the intervals are wide or unstable: {words}."
    if k < 10:
        return f"{k} trials; tests of small-study effects would say little: {words}."
    return f"{k} trials: {words}."
