"""From a claim about a network to its verdict: effect, sensitivity analyses and reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from combined_care import decisions
from combined_care.findings import Reason
from combined_care.fitted_networks import SUM, FittedNetwork, Networks, model_of
from combined_care.labels import smallest_effect_on
from combined_care.markup import interval, number, p_value
from combined_care.network_claims import NETWORK_FILE, load_network_claims
from combined_care.paths import project_root
from combined_care.results import Absent, Number, is_present, rounded
from combined_care.scales import measure_name, natural
from combined_care.treatments import SEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from combined_care.claims import Rules
    from combined_care.decisions import Label
    from combined_care.evidence import Evidence
    from combined_care.network_claims import NetworkClaim, NetworkModel, NetworkSensitivity
    from combined_care.network_effect import NetworkEffect


@dataclass(frozen=True, slots=True)
class NetworkSensitivityResult:
    """A claim with one choice changed."""

    id: str
    title: str
    k: int
    effect: NetworkEffect | Absent
    label: Label


@dataclass(frozen=True, slots=True)
class NetworkVerdict:
    """What a network says about one claim.

    Attributes
    ----------
    effect : NetworkEffect or Absent
        The relative effect, or the interaction (against the sum of the parts).
    fitted : FittedNetwork
        The network it rests on.
    counted : int
        Trials that the minimum is about: those that compare the two treatments directly; for an
        interaction, all of the network.
    inconsistency : float or Absent
        p of the test that designs agree.
    careful : NetworkEffect or Absent
        The same with a normal interval, where that is wider: the Knapp-Hartung one is too narrow
        when few trials agree by chance.
    smallest_effect : float or Absent
        Smallest effect of interest on the scale of the effect.
    agree : float or Absent
        Share of the sensitivity analyses with a verdict that give the same one.
    context : tuple of NetworkEffect or Absent
        Further comparisons of the same treatment.
    reasons : tuple of Reason
        Why the label was given.
    """

    claim: NetworkClaim
    label: Label
    effect: NetworkEffect | Absent
    fitted: FittedNetwork
    counted: int
    inconsistency: Number
    careful: NetworkEffect | Absent
    smallest_effect: Number
    agree: Number
    sensitivities: tuple[NetworkSensitivityResult, ...]
    context: tuple[NetworkEffect | Absent, ...]
    reasons: tuple[Reason, ...]

    @property
    def measure(self) -> str:
        """Measure of the effect."""
        return "" if isinstance(self.fitted.input, Absent) else self.fitted.input.measure

    @property
    def trials(self) -> tuple[str, ...]:
        """Ids of the trials of the network, sorted."""
        found = self.fitted.input
        return () if isinstance(found, Absent) else tuple(sorted({*found.contrasts["trial_id"]}))

    def __str__(self) -> str:
        why = " ".join(str(reason) for reason in self.reasons)
        return f"{self.claim.id}: {self.label.replace('_', ' ')}. {why}"

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain JSON types, in a stable order; what is absent is left out."""
        primary = {
            "analysis": "network",
            "title": f"{self.claim.treatment} against {self.claim.against or SUM}",
            "role": "decisive",
            "verdict": self.label,
            "k": self.fitted.k,
            "k_counted": self.counted,
            "measure": self.measure,
            "k_anchoring": self.fitted.anchoring,
            **_numbers(self.effect),
            **({"agree": rounded(self.agree)} if is_present(self.agree) else {}),
            "trials": list(self.trials),
        }
        context = [
            {
                "analysis": f"against-{effect.against.replace(SEP, '-').replace(' ', '-')}",
                "title": f"{effect.treatment} against {effect.against}",
                "role": "context",
                **_numbers(effect),
            }
            for effect in self.context
            if not isinstance(effect, Absent)
        ]
        return {
            "id": self.claim.id,
            "set": "beyond",
            "text": self.claim.text,
            "verdict": self.label,
            "estimates": [primary, *context],
            "reasons": [
                {"code": r.code, **dict(r.values), "text": r.sentence} for r in self.reasons
            ],
        }


def judge_network(claim: NetworkClaim, evidence: Evidence, rules: Rules) -> NetworkVerdict:
    """Judge a claim about a network; see :func:`judge_networks`."""
    return judge_networks([claim], Networks(evidence), rules)[0]


def judge_networks(
    claims: Iterable[NetworkClaim], networks: Networks, rules: Rules
) -> tuple[NetworkVerdict, ...]:
    """Judge claims about networks.

    Parameters
    ----------
    claims : iterable of NetworkClaim
        From :func:`combined_care.network_claims.load_network_claims`.
    networks : Networks
        Fits what they ask for.
    rules : Rules
        Model and thresholds that all claims share.

    Returns
    -------
    tuple of NetworkVerdict
        One a claim.

    Raises
    ------
    InputError
        If a claim names a column or value that the data do not know, or the model is none that
        networks have.

    Notes
    -----
    A claim that a part adds is judged by :func:`combined_care.decisions.superiority` when enough
    trials make the comparison directly. Parts add up when both one-sided tests at the smallest
    effect of interest hold for their interaction, and do not when its interval excludes 0. A
    supported claim is fragile when designs disagree or too few sensitivity analyses agree; none is
    supported strongly, because no prediction interval is computed.
    """
    return tuple(_judge(claim, networks, rules) for claim in claims)


def _judge(claim: NetworkClaim, networks: Networks, rules: Rules) -> NetworkVerdict:
    model = model_of(rules)
    fitted = networks.fitted(claim.question, model)
    effect, smallest, label = _answer(claim, fitted, model, rules)
    tried = (_sensitivity(item, claim, networks, rules) for item in claim.shared.sensitivity)
    sensitivities = tuple(result for result in tried if result is not None)
    agree, inconsistency = _agreement(label, sensitivities), fitted.inconsistency()
    consistent = not (
        is_present(inconsistency) and inconsistency < claim.shared.inconsistency_alpha
    )
    graded = decisions.graded(
        label,
        survives=consistent,
        agree=agree if is_present(agree) else None,
        predicted=False,
        certain=False,
        thresholds=(rules.agree_fragile, rules.agree_strongly),
    )
    verdict = NetworkVerdict(
        claim=claim,
        label=graded,
        effect=effect,
        fitted=fitted,
        counted=_counted(claim, fitted),
        inconsistency=inconsistency,
        careful=_careful(claim, effect, networks, rules),
        smallest_effect=smallest,
        agree=agree,
        sensitivities=sensitivities,
        context=tuple(fitted.relative(claim.treatment, other) for other in claim.context),
        reasons=(),
    )
    return replace(verdict, reasons=tuple(_reasons(verdict, label, rules)))


def _answer(
    claim: NetworkClaim, fitted: FittedNetwork, model: NetworkModel, rules: Rules
) -> tuple[NetworkEffect | Absent, Number, Label]:
    """Return the effect, the smallest effect of interest on its scale, and the label by itself."""
    if isinstance(fitted.input, Absent):
        return fitted.input, fitted.input, "insufficient"
    smallest = smallest_effect_on(fitted.input.measure, fitted.input.contrasts, rules)
    if claim.kind == "adds":
        effect = fitted.relative(claim.treatment, claim.against)
    else:
        effect = fitted.beyond_the_sum(claim.treatment, model.level)
    few = _counted(claim, fitted) < _needed(claim, rules)
    if few or isinstance(effect, Absent) or not is_present(smallest):
        return effect, smallest, "insufficient"
    if claim.kind == "adds":
        return effect, smallest, decisions.superiority(effect.ci_lb, effect.ci_ub, smallest)
    inner = fitted.beyond_the_sum(claim.treatment, 2 * model.level - 1)
    return effect, smallest, additivity(inner, effect, smallest)


def _careful(
    claim: NetworkClaim, effect: NetworkEffect | Absent, networks: Networks, rules: Rules
) -> NetworkEffect | Absent:
    """Return the effect with its normal interval where that is wider."""
    model = replace(model_of(rules), test="z")
    normal, _, _ = _answer(claim, networks.fitted(claim.question, model), model, rules)
    if isinstance(effect, Absent) or isinstance(normal, Absent):
        return Absent("there is no effect")
    if normal.ci_ub - normal.ci_lb <= effect.ci_ub - effect.ci_lb:
        return Absent("the normal interval is not wider")
    return normal


def _counted(claim: NetworkClaim, fitted: FittedNetwork) -> int:
    """Count the trials that the minimum is about: direct ones, or all for an interaction."""
    if claim.kind == "additive":
        return fitted.k
    direct = fitted.direct(claim.treatment, claim.against)
    return 0 if direct is None else direct.k


def _needed(claim: NetworkClaim, rules: Rules) -> int:
    return rules.min_trials if claim.kind == "adds" else claim.shared.min_trials_interaction


def additivity(
    inner: NetworkEffect | Absent, outer: NetworkEffect | Absent, smallest: float
) -> Label:
    """Judge "the parts add up" from the interval of their interaction.

    Parameters
    ----------
    inner : NetworkEffect
        With the interval of level ``1 - 2 * alpha``: both one-sided tests are significant when it
        lies within plus and minus the smallest effect.
    outer : NetworkEffect
        With the interval of level ``1 - alpha``: contradicted when it excludes 0.
    smallest : float
        Smallest effect of interest.
    """
    if isinstance(inner, Absent) or isinstance(outer, Absent):
        return "insufficient"
    if -smallest < inner.ci_lb and inner.ci_ub < smallest:
        return "supported"
    if outer.ci_lb > 0 or outer.ci_ub < 0:
        return "contradicted"
    return "not_demonstrated_imprecise"


def _sensitivity(
    item: NetworkSensitivity, claim: NetworkClaim, networks: Networks, rules: Rules
) -> NetworkSensitivityResult | None:
    """Repeat a claim with one choice changed; None where that changes nothing."""
    asked = item.of(claim, model_of(rules))
    if asked is None:
        return None
    question, model = asked
    fitted = networks.fitted(question, model)
    effect, _, label = _answer(claim, fitted, model, rules)
    return NetworkSensitivityResult(item.id, item.title, fitted.k, effect, label)


def _agreement(label: Label, others: Iterable[NetworkSensitivityResult]) -> Number:
    """Return the share of sensitivity analyses with a verdict that give the same one."""
    answers = [other.label for other in others if other.label != "insufficient"]
    if label == "insufficient" or not answers:
        return Absent("no verdicts to compare")
    return answers.count(label) / len(answers)


def _reasons(verdict: NetworkVerdict, by_itself: Label, rules: Rules) -> Iterator[Reason]:
    """Say why: what was found, then what makes it fragile, then when the rule was written."""
    claim, shared = verdict.claim, verdict.claim.shared
    yield _found(verdict, rules)
    if not isinstance(verdict.careful, Absent):
        limits = {name: rounded(getattr(verdict.careful, name)) for name in ("ci_lb", "ci_ub")}
        yield Reason("narrow", "The normal interval is wider than the one used.", limits)
    p = verdict.inconsistency
    if is_present(p) and p < shared.inconsistency_alpha:
        said = f"Trials of different designs disagree (p {_equals(p)})."
        yield Reason("inconsistency", said, {"pval": rounded(p)})
    if is_present(verdict.agree) and verdict.agree < 1.0:
        answers = [s for s in verdict.sensitivities if s.label != "insufficient"]
        same = sum(s.label == by_itself for s in answers)
        said = f"{same} of {len(answers)} sensitivity analyses give the same label."
        values = {"agree": rounded(verdict.agree), "same": same, "n": len(answers)}
        yield Reason("sensitivities", said, values)
    said = f"Claim and rule were written {shared.fixed}: exploratory."
    yield Reason("exploratory", said, {"fixed": shared.fixed, "network": claim.question.id})


def _found(verdict: NetworkVerdict, rules: Rules) -> Reason:
    claim, effect = verdict.claim, verdict.effect
    name = f"{claim.treatment} against {claim.against or SUM}"
    needed = _needed(claim, rules)
    if verdict.counted < needed:
        scope = "compare them directly" if claim.kind == "adds" else "are in the network"
        said = f"{name}: {verdict.counted} trials {scope}, {needed} are needed."
        return Reason("trials", said, {"k": verdict.counted, "needed": needed})
    if isinstance(effect, Absent):
        return Reason("absent", f"{name}: {effect.reason}.", {"k": verdict.counted})
    scale = natural(verdict.measure)
    said = (
        f"{name}: {measure_name(verdict.measure)} {number(scale(effect.estimate))} "
        f"({100 * effect.level:g} % confidence interval "
        f"{interval(scale(effect.ci_lb), scale(effect.ci_ub))}, network of {verdict.fitted.k} "
        "trials)."
    )
    return Reason("interval", said, {"k": verdict.fitted.k, **_limits(effect)})


def _limits(effect: NetworkEffect) -> dict[str, Any]:
    return {name: rounded(getattr(effect, name)) for name in ("estimate", "ci_lb", "ci_ub")}


def _numbers(effect: NetworkEffect | Absent) -> dict[str, Any]:
    """Return the numbers of an effect for machines; nothing where it is absent."""
    if isinstance(effect, Absent):
        return {}
    names = ("estimate", "se", "ci_lb", "ci_ub", "pval")
    return {name: rounded(getattr(effect, name)) for name in names}


def _equals(p: float) -> str:
    shown = p_value(p)
    return shown if shown.startswith("<") else f"= {shown}"


def judge_registered(
    evidence: Evidence, rules: Rules, path: Path | None = None
) -> tuple[NetworkVerdict, ...]:
    """Judge all network claims of a registry.

    Parameters
    ----------
    evidence : Evidence
        From :func:`combined_care.evidence.load_evidence`.
    rules : Rules
        The model and thresholds that all claims share.
    path : pathlib.Path, optional
        The registry; by default ``data/network_claims.yaml`` of the project.

    Returns
    -------
    tuple of NetworkVerdict
        In the order of the registry; none where a project has none.
    """
    file = path or project_root() / "data" / NETWORK_FILE
    if not file.is_file():
        return ()
    claims = load_network_claims(file)
    return judge_networks(claims.values(), Networks(evidence), rules)
