"""What networks say, in plain sentences; their wording follows labels and numbers of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.markup import interval, number, p_value
from combined_care.results import Absent, is_present
from combined_care.scales import natural
from combined_care.tables import count, equals, sentence
from combined_care.tables.network import effect_phrase
from combined_care.treatments import load_treatments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from combined_care.decisions import Label
    from combined_care.fitted_networks import FittedNetwork
    from combined_care.network_effect import NetworkEffect
    from combined_care.network_verdicts import NetworkVerdict

#: What a label means for each kind of claim about a network.
MEANINGS: dict[str, dict[Label, str]] = {
    "adds": {
        "supported": "the interval of the network's estimate lies above no effect",
        "fragile": "it does, but designs disagree, or too few sensitivity analyses say the same",
        "not_demonstrated_informative": (
            "the interval includes no effect and excludes a gain large enough to matter"
        ),
        "not_demonstrated_imprecise": "the interval leaves open whether there is a gain",
        "contradicted": "the interval lies below no effect",
        "insufficient": "too few trials compare the two directly",
    },
    "additive": {
        "supported": (
            "two one-sided tests exclude a departure from the sum that is large enough to matter"
        ),
        "fragile": "they do, but designs disagree, or too few sensitivity analyses say the same",
        "not_demonstrated_imprecise": (
            "the interval leaves open whether the two together give the sum, more or less"
        ),
        "contradicted": "the interval of the departure from the sum excludes 0",
        "insufficient": "too few trials for an interaction, or none that determine it",
    },
}
_ADDS: dict[Label, str] = {
    "supported": "{part} adds to {base}",
    "fragile": "{part} adds to {base}, but that hangs on how one counts",
    "not_demonstrated_informative": "{part} is unlikely to add to {base} by enough to matter",
    "not_demonstrated_imprecise": "whether {part} adds to {base} is left open",
    "contradicted": "{part} on top of {base} makes the result worse",
}


def answer(verdict: NetworkVerdict) -> str:
    """Say in one or two sentences what a network answers to a claim."""
    return _adds(verdict) if verdict.claim.kind == "adds" else _additive(verdict)


def _adds(verdict: NetworkVerdict) -> str:
    claim = verdict.claim
    base = claim.against
    part = " + ".join(p for p in claim.treatment.split(" + ") if p not in base.split(" + "))
    if verdict.label == "insufficient":
        direct = f"{count(verdict.counted)} {'compare' if verdict.counted > 1 else 'compares'}"
        return f"Too little to say what {part} adds to {base}: {direct} the two directly."
    said = sentence(_ADDS[verdict.label].format(part=part, base=base))
    said = f"{said}: {effect_phrase(verdict.effect, verdict.measure)}.{_careful(verdict)}"
    beside = [effect for effect in verdict.context if not isinstance(effect, Absent)]
    return " ".join([said, *(_against(effect, verdict.measure) for effect in beside)])


def _against(effect: NetworkEffect, measure: str) -> str:
    """Tell what the same treatment does against a comparator that hides what is missing."""
    seen = "a gain is shown too"
    if effect.ci_lb <= 0:
        seen = "no gain is shown"
    added = effect.against.split(" + ")[-1]
    why = load_treatments().controls.get(added, "")
    hidden = f", {why}" if why else ""
    return f"Against {effect.against}{hidden}, {seen}: {effect_phrase(effect, measure)}."


def _additive(verdict: NetworkVerdict) -> str:
    effect, label = verdict.effect, verdict.label
    if label == "insufficient" or isinstance(effect, Absent):
        return (
            "Too little to say whether both together give more or less than the sum: "
            f"{count(verdict.counted)}."
        )
    shown = effect_phrase(effect, verdict.measure)
    if label in {"supported", "fragile"}:
        hangs = ", but that hangs on how one counts" if label == "fragile" else ""
        start = f"Both together give about the sum of what each gives{hangs}"
        return f"{start}: the difference from it is {shown}.{_careful(verdict)}"
    if label == "contradicted":
        way = "more" if effect.estimate > 0 else "less"
        return (
            f"Both together seem to give {way} than the sum of what each gives: the difference "
            f"from it is {shown}.{_careful(verdict)}{_hanging(verdict)}"
        )
    scale = natural(verdict.measure)
    bounds = interval(scale(effect.ci_lb), scale(effect.ci_ub))
    return (
        "Whether both together give more or less than the sum of what each gives is left open: "
        f"anything from {bounds} beyond the sum is compatible with the trials."
    )


def _careful(verdict: NetworkVerdict) -> str:
    """Give the normal interval where it is the wider one."""
    if isinstance(verdict.careful, Absent):
        return ""
    scale = natural(verdict.measure)
    bounds = interval(scale(verdict.careful.ci_lb), scale(verdict.careful.ci_ub))
    return f" The trials agree so closely that this interval is narrow; the normal one: {bounds}."


def _hanging(verdict: NetworkVerdict) -> str:
    """Name the sensitivity analyses that say something else."""
    others = [
        item.title
        for item in verdict.sensitivities
        if item.label not in {verdict.label, "insufficient"}
    ]
    return f" That is not so with another choice: {'; '.join(others)}." if others else ""


def sureness(fitted: FittedNetwork) -> str:
    """Say how far a network can be leaned on, from its trials and what identifies a sum."""
    k, anchoring = fitted.k, fitted.anchoring
    if k < 3:
        return f"{sentence(count(k))}: nothing can be concluded."
    start = f"{sentence(count(k))} in the network"
    if k < 10:
        start = f"Only {count(k)} in the network, so that the next one may change the result"
    if not anchoring:
        return (
            f"{start}. None of them tells what each part does by itself, and so what their sum is."
        )
    return (
        f"{start}. What each part does by itself, and so their sum, is seen only through the "
        f"{_number(anchoring)} that had an arm with a control and neither treatment."
    )


def disagreement(fitted: FittedNetwork, alpha: float) -> str:
    """Say where direct and indirect evidence disagree, and how often chance alone would do that."""
    p = fitted.inconsistency()
    if isinstance(p, Absent):
        return f"Whether direct and indirect evidence agree cannot be tested ({p.reason})."
    found = () if isinstance(fitted.network, Absent) else fitted.network.comparisons
    tested = [c for c in found if is_present(c.pval)]
    apart = [c for c in tested if is_present(c.pval) and c.pval < alpha]
    overall = f"p {equals(p_value(p))} that designs agree"
    word = "disagree" if p < alpha else "do not clearly disagree"
    start = f"Over the whole network, direct and indirect evidence {word} ({overall})"
    if not apart:
        return f"{start}; none of {len(tested)} comparisons that can be tested stands out."
    names = "; ".join(f"{c.treat1} and {c.treat2}" for c in apart)
    return (
        f"{start}; of {len(tested)} comparisons that can be tested, {_standing(len(apart))} out: "
        f"{names}. By chance alone, about {number(alpha * len(tested), 1)} would."
    )


def _number(n: int) -> str:
    return "one" if n == 1 else f"{n}"


def _standing(n: int) -> str:
    return f"{n} {'stands' if n == 1 else 'stand'}"


def headline(verdicts: Sequence[NetworkVerdict]) -> str:
    """Count the answers in one sentence, over all networks."""
    adds = [v for v in verdicts if v.claim.kind == "adds"]
    sums = [v for v in verdicts if v.claim.kind == "additive"]
    shown = sum(v.label == "supported" for v in adds)
    fragile = sum(v.label == "fragile" for v in adds)
    answers = [v for v in sums if v.label in {"supported", "fragile", "contradicted"}]
    firm = sum(v.agree == 1.0 for v in answers)
    hangs = f", and for {fragile} more it hangs on how one counts" if fragile else ""
    return (
        f"That one treatment adds to the other is shown for {shown} of {len(adds)} questions"
        f"{hangs}. Whether both together give the sum of what each gives, or more or less, is "
        f"answered the same way by every analysis for {firm} of {len(sums)} networks; "
        f"for {len(answers) - firm} the answer changes with the analysis, and for "
        f"{len(sums) - len(answers)} there is none."
    )
