"""The page of networks: what each treatment adds to the other, and whether the parts add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from combined_care import figures, tables
from combined_care.claims import load_claims
from combined_care.fitted_networks import Networks, model_of
from combined_care.markup import Safe, bullets, details, join, paragraph, scroll, table
from combined_care.network_claims import load_network_registry
from combined_care.network_verdicts import judge_networks
from combined_care.reports import network_words as words
from combined_care.reports import parts
from combined_care.results import Absent
from combined_care.tables import network as laid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from combined_care.claims import Rules
    from combined_care.evidence import Evidence
    from combined_care.evidence_network import NetworkInput
    from combined_care.fitted_networks import FittedNetwork
    from combined_care.network import NetworkMetaAnalysis
    from combined_care.network_claims import NetworkQuestion, NetworkRegistry
    from combined_care.network_verdicts import NetworkVerdict
    from combined_care.ranking import Ranking


@dataclass(frozen=True, slots=True)
class Findings:
    """The networks of the registry, fitted and judged.

    Attributes
    ----------
    registry : NetworkRegistry
        Claims, networks and rules.
    rules : Rules
        What all claims of the project share.
    verdicts : tuple of NetworkVerdict
        In the order of the registry.
    fitted : mapping
        Id of a network -> its fits.
    classes : mapping
        The same by classes of treatment, for the networks that ask for it.
    rankings : mapping
        Id of a network with claims -> the order of its treatments.
    """

    registry: NetworkRegistry
    rules: Rules
    verdicts: tuple[NetworkVerdict, ...]
    fitted: Mapping[str, FittedNetwork]
    classes: Mapping[str, FittedNetwork]
    rankings: Mapping[str, Ranking]

    def of(self, question: NetworkQuestion) -> tuple[NetworkVerdict, ...]:
        """Return the verdicts about a network."""
        return tuple(v for v in self.verdicts if v.claim.question.id == question.id)

    @property
    def judged(self) -> tuple[NetworkQuestion, ...]:
        """The networks that a claim is about."""
        return tuple(q for q in self.registry.questions.values() if self.of(q))

    @property
    def watched(self) -> tuple[NetworkQuestion, ...]:
        """The networks without a claim."""
        return tuple(q for q in self.registry.questions.values() if not self.of(q))


def look_at(evidence: Evidence) -> Findings:
    """Fit and judge the networks of the registry."""
    registry = load_network_registry()
    rules = next(iter(load_claims().values())).rules
    networks, model = Networks(evidence), model_of(rules)
    verdicts = judge_networks(registry.claims.values(), networks, rules)
    fitted = {q.id: networks.fitted(q, model) for q in registry.questions.values()}
    about = {v.claim.question.id for v in verdicts}
    return Findings(
        registry=registry,
        rules=rules,
        verdicts=verdicts,
        fitted=fitted,
        classes={
            q.id: networks.fitted(q, model, "classes")
            for q in registry.questions.values()
            if q.classes
        },
        rankings={
            name: one.network.ranking()
            for name, one in fitted.items()
            if name in about and not isinstance(one.network, Absent)
        },
    )


def summary(found: Findings) -> Safe:
    """Say in plain words what the networks answer, one by one."""
    return join(
        [
            parts.lead(words.headline(found.verdicts)),
            _warning(found),
            parts.heading("in-short", "In short, by network"),
            *(_in_words(question, found) for question in found.judged),
        ]
    )


def _warning(found: Findings) -> Safe:
    asked = len(found.verdicts)
    return Safe(
        '<p class="notice">'
        + join([
            f"Exploratory: these {asked} claims and their rules were written "
            f"{found.registry.rules.fixed}. Many networks and models were looked at, and nothing "
            "is corrected for that. They are no part of the article, and no advice for anybody's "
            "treatment."
        ])
        + "</p>"
    )  # fmt: skip


def _in_words(question: NetworkQuestion, found: Findings) -> Safe:
    fitted, alpha = found.fitted[question.id], found.registry.rules.inconsistency_alpha
    said = [
        *(
            join([tables.label_sign(verdict.label), words.answer(verdict)])
            for verdict in found.of(question)
        ),
        f"How sure: {words.sureness(fitted)}",
        f"Agreement: {words.disagreement(fitted, alpha)}",
    ]
    return parts.section(
        f"{question.id}-in-words",
        f"{tables.sentence(question.title)} in words",
        bullets(said),
        level=3,
    )


def claims(found: Findings) -> Safe:
    """List the claims with their verdicts; fold how each fares with one choice changed."""
    shown = laid.network_verdicts_table(found.verdicts, "Claims beyond the article")
    changed = join(laid.network_sensitivity_table(verdict) for verdict in found.verdicts)
    note = paragraph(
        "Positive numbers favour combined treatment; for a sum, positive means more than it."
    )
    return join([note, shown, details("Every claim with one choice changed", changed)])


def networks(found: Findings) -> Safe:
    """Show every network that is judged, with all its numbers."""
    return join(_network(question, found) for question in found.judged)


def _network(question: NetworkQuestion, found: Findings) -> Safe:
    fitted = found.fitted[question.id]
    title = tables.sentence(question.title)
    given, network = fitted.input, fitted.network
    if isinstance(given, Absent) or isinstance(network, Absent):
        reason = given.reason if isinstance(given, Absent) else str(network)
        return parts.section(question.id, title, paragraph(f"No network: {reason}."), level=3)
    name, measure = question.title, given.measure
    split = f"Direct and indirect evidence, {name}"
    return parts.section(
        question.id,
        title,
        paragraph(words.sureness(fitted), *_apart(fitted)),
        _graph(question, given, network),
        laid.nodes_table(given, f"Treatments, {name}"),
        _note(
            "Positive favours the treatment named first. Intervals of this table are normal ones, "
            "so that they can differ a little from those of the verdicts."
        ),
        laid.comparisons_table(network.comparisons, measure, split),
        paragraph(words.disagreement(fitted, found.registry.rules.inconsistency_alpha)),
        laid.decomposition_table(
            network.inconsistency.to_frame(), f"Where trials and designs differ, {name}"
        ),
        details(
            "The designs and their trials",
            laid.designs_table(network, given, f"Designs, {name}"),
        ),
        laid.league_table(network, measure, f"League table, {name}: positive favours the row"),
        _components(fitted, measure, name),
        details("Rankings, and why not to lean on them", _ranking(question, found)),
        _left_out(given, name),
        level=3,
    )


def _note(text: str) -> Safe:
    return paragraph(Safe('<span class="note">'), text, Safe("</span>"))


def _apart(fitted: FittedNetwork) -> tuple[str, ...]:
    if not fitted.apart:
        return ()
    return (
        f" Nothing connects {tables.count(len(fitted.apart))} with the rest, left out here: "
        f"{', '.join(fitted.apart)}.",
    )


def _graph(question: NetworkQuestion, given: NetworkInput, network: NetworkMetaAnalysis) -> Safe:
    """Draw the network; trials give the size of a disc, since people are not always reported."""
    nodes = network.nodes().rename(columns={"treatment": "name", "k": "n"})
    edges = pd.DataFrame(
        [(c.treat1, c.treat2, c.k) for c in network.comparisons], columns=["a", "b", "k"]
    )
    said = figures.describe_network_graph(nodes, edges, counted="trials")
    return parts.figure(
        lambda narrow: figures.network_graph(nodes, edges, narrow=narrow),
        name=f"{question.id}-graph",
        title=f"Network of treatments: {question.title}",
        description=said,
        caption=(
            f"Network of treatments, {question.title}: {given.contrasts['study'].nunique()} "
            "trials. Discs: treatments, with their trials in brackets. Lines: pairs that trials "
            "compare, with their number. The same numbers are in the tables below."
        ),
    )


def _components(fitted: FittedNetwork, measure: str, name: str) -> Safe:
    shown: list[object] = [
        paragraph(
            "What each part does when the parts are taken to add up, and when "
            f"{' and '.join(fitted.parts)} may do more or less together than the sum. A control "
            "counts as a part of its own."
        )
    ]
    for fit, title in ((fitted.components, "added up"), (fitted.interacting, "with interaction")):
        if isinstance(fit, Absent):
            shown.append(paragraph(f"Components {title}: {fit.reason}."))
        else:
            caption = f"Effects of components, {title}, {name}"
            shown.append(laid.components_table(fit, measure, caption))
    if not isinstance(fitted.components, Absent):
        caption = f"Tests that effects add up, {name}"
        tests = fitted.components.additivity()
        shown.append(details(caption, laid.decomposition_table(tests, caption)))
    return join(shown)


def _ranking(question: NetworkQuestion, found: Findings) -> Safe:
    ranking = found.rankings[question.id]
    wide = max(ranking.rank_ub - ranking.rank_lb)
    return join(
        [
            paragraph(
                "A P-score is the mean certainty that a treatment does better than another one. It "
                "says nothing about how much better, and treatments with few trials can stand high "
                f"by chance: here the rank of one of {len(ranking.treatments)} treatments is "
                f"uncertain by {wide:.0f} places. The order is no recommendation."
            ),
            laid.ranking_table(ranking, f"Rankings, {question.title}"),
        ]
    )


def _left_out(given: NetworkInput, name: str) -> Safe:
    rows = given.left_out
    if rows.empty:
        return paragraph("Every result on this question that the data hold is in the network.")
    outside, links = laid.outside_list(given)
    title = (
        f"Not in the network: {tables.count(len(rows), 'result')} "
        f"({tables.count(outside)} with no result in it)"
    )
    caption = f"Results that are not in the network, {name}"
    listed = paragraph("Trials with no result in the network: ", links, ".") if outside else ""
    return details(title, join([laid.left_out_table(given, caption), listed]))


def classes(found: Findings) -> Safe:
    """Show the networks of classes of treatment: context, too thin for claims."""
    return join(
        _classes(found.registry.questions[name], fitted) for name, fitted in found.classes.items()
    )


def _classes(question: NetworkQuestion, fitted: FittedNetwork) -> Safe:
    place, title = f"{question.id}-classes", f"{tables.sentence(question.title)}, by class"
    given, network, fit = fitted.input, fitted.network, fitted.components
    if isinstance(given, Absent) or isinstance(network, Absent):
        return parts.section(place, title, paragraph(f"No network: {given}."), level=3)
    single = sum(k == 1 for k in network.trials_of)
    name = f"{question.title}, by class"
    shown: list[object] = [
        paragraph(
            f"{len(network.treatments)} treatments in {network.k} trials; {single} of them in a "
            "single trial. Differences between classes are mostly differences between few trials.",
            *_apart(fitted),
        )
    ]
    if isinstance(fit, Absent):
        shown.append(paragraph(f"Components: {fit.reason}."))
    else:
        caption = f"Effects of components added up, {name}"
        shown.append(laid.components_table(fit, given.measure, caption))
    caption = f"League table, {name}: positive favours the row"
    league = laid.league_table(network, given.measure, caption, half=True)
    return parts.section(place, title, *shown, details("League table of classes", league), level=3)


def thin(found: Findings) -> Safe:
    """Show the networks that no claim is about: too few trials to conclude anything."""
    return join(_thin(question, found.fitted[question.id]) for question in found.watched)


def _thin(question: NetworkQuestion, fitted: FittedNetwork) -> Safe:
    title, given, network = tables.sentence(question.title), fitted.input, fitted.network
    if isinstance(given, Absent) or isinstance(network, Absent):
        return parts.section(question.id, title, paragraph(f"No network: {given}."), level=3)
    said = paragraph(
        f"{tables.sentence(tables.count(fitted.k))} on {len(network.treatments)} treatments: too "
        "thin for a verdict. What there is is listed, without effects.",
        *_apart(fitted),
    )
    designs = laid.designs_table(network, given, f"Designs, {question.title}")
    nodes = laid.nodes_table(given, f"Treatments, {question.title}")
    left = _left_out(given, question.title)
    return parts.section(question.id, title, said, nodes, designs, left, level=3)


def rule(found: Findings) -> Safe:
    """Print the rule of the claims, with when it was written."""
    own, shared = found.registry.rules, found.rules
    parts_of = next(iter(found.fitted.values())).parts
    test = {"knha": "Knapp-Hartung", "z": "normal"}[model_of(shared).test]
    rows = [
        ("Written", own.fixed),
        ("Model", f"random effects, {shared.method}, one variance for all pairs; {test} intervals"),
        ("Smallest effect of interest", f"g = {shared.smallest_effect:g}"),
        ("A part adds", f"{100 * shared.level:g} % interval of the network's estimate above 0"),
        ("Trials that must compare the two directly", shared.min_trials),
        (
            "The parts add up",
            f"{100 * (2 * shared.level - 1):g} % interval of the interaction of "
            f"{' and '.join(parts_of)} within plus and minus {shared.smallest_effect:g}",
        ),
        ("They do not add up", f"{100 * shared.level:g} % interval of it excludes 0"),
        ("Trials that a network needs for that", own.min_trials_interaction),
        (
            "Supported becomes fragile",
            f"p that designs agree below {own.inconsistency_alpha:g}, or fewer than "
            f"{100 * shared.agree_fragile:.0f} % of sensitivity analyses with a verdict agree",
        ),
        ("Supported strongly", "never: no prediction interval is computed"),
    ]  # fmt: skip
    labels = [
        (kind, tables.label_tag(label), meaning)
        for kind, meanings in words.MEANINGS.items()
        for label, meaning in meanings.items()
    ]
    named = [(question.title, _selected(question)) for question in _questions(found)]
    asked = table(("Network", "Trials and results"), named, caption="What each network takes")
    shown = table(("Claim", "Label", "Meaning"), labels, caption="What each label means here")
    return join(
        [
            paragraph(own.seen),
            table(("Rule", "Value"), rows, caption="The rule of data/network_claims.yaml"),
            scroll(asked, "What each network takes"),
            details("What each label means here", scroll(shown, "What each label means here")),
        ]
    )


def _questions(found: Findings) -> Iterable[NetworkQuestion]:
    return found.registry.questions.values()


def _selected(question: NetworkQuestion) -> str:
    said = [
        f"{name.replace('_', ' ')}: {value if isinstance(value, str) else ', '.join(value)}"
        for name, value in question.select.items()
    ]
    return "; ".join(said).replace("_", " ")


def limits() -> Safe:
    """Say what the verdicts do not mean."""
    return bullets(
        [
            "A sum of effects has no meaning of its own: symptoms cannot fall below none, so that "
            "two good treatments may give less than their sum without working against each other.",
            "Trials are compared as if people, settings and doses were exchangeable between them. "
            "Nothing in the numbers shows that they are.",
            "Where people know what they are given, because nothing can hide it or no control was "
            "there to do so, part of what is added may be expectation.",
            "That designs do not clearly disagree is no proof that they agree: the test sees "
            "little where comparisons are made by few trials.",
            "Left open is not the same as no effect, and too few trials not the same as no use.",
            "The numbers are means over groups of trials. They are no advice for one person.",
        ]
    )
