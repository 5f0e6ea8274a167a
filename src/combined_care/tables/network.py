"""Networks of treatments as tables: claims, comparisons, league, components, designs, ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from combined_care.anchors import trial_link
from combined_care.markup import Safe, interval, join, number, p_value, scroll, table
from combined_care.results import Absent, is_present
from combined_care.scales import measure_name, natural
from combined_care.tables.words import label_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from combined_care.components import ComponentNetwork
    from combined_care.evidence_network import NetworkInput
    from combined_care.network import NetworkMetaAnalysis
    from combined_care.network_effect import NetworkEffect
    from combined_care.network_inconsistency import DirectIndirect
    from combined_care.network_verdicts import NetworkVerdict
    from combined_care.ranking import Ranking


def effect_phrase(effect: NetworkEffect | Absent, measure: str) -> str:
    """Write an effect with its interval, or why there is none."""
    if isinstance(effect, Absent):
        return effect.reason
    scale = natural(measure)
    bounds = interval(scale(effect.ci_lb), scale(effect.ci_ub))
    shown = number(scale(effect.estimate))
    return f"{measure_name(measure)} {shown} ({100 * effect.level:g} % CI {bounds})"


def network_verdicts_table(verdicts: Sequence[NetworkVerdict], caption: str) -> Safe:
    """List claims about networks with what their verdicts rest on."""
    rows = [
        (
            verdict.claim.text,
            label_tag(verdict.label),
            effect_phrase(verdict.effect, verdict.measure),
            f"{verdict.fitted.k} in the network"
            + (f", {verdict.counted} direct" if verdict.claim.kind == "adds" else ""),
            agreement(verdict),
            p_value(verdict.inconsistency),
        )
        for verdict in verdicts
    ]
    header = ("Claim", "Verdict", "Result", "Trials (k)", "Sensitivity analyses that agree",
              "p that designs agree")  # fmt: skip
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def agreement(verdict: NetworkVerdict) -> str:
    """Write the share of sensitivity analyses with a verdict that give the same one."""
    if isinstance(verdict.agree, Absent):
        return verdict.agree.reason
    n = sum(item.label != "insufficient" for item in verdict.sensitivities)
    return f"{100 * verdict.agree:.0f} % of {n}"


def network_sensitivity_table(verdict: NetworkVerdict) -> Safe:
    """Show a claim with one choice changed."""
    primary = ("primary analysis", verdict.fitted.k, verdict.effect, verdict.label)
    others = [(s.title, s.k, s.effect, s.label) for s in verdict.sensitivities]
    rows = [
        (title, k, effect_phrase(effect, verdict.measure), label_tag(label))
        for title, k, effect, label in (primary, *others)
    ]
    caption = f"{verdict.claim.text} With one choice changed:"
    header = ("Choice", "Trials (k)", "Result", "Label")
    return scroll(table(header, rows, caption=caption), caption)


def nodes_table(given: NetworkInput, caption: str) -> Safe:
    """Show the treatments of a network with their trials and people."""
    rows = [
        (row.treatment, row.k, f"{row.n:,}" if row.n else "not reported")
        for row in _rows(given.nodes())
    ]
    return table(("Treatment", "Trials", "People, where reported"), rows, caption=caption)


def comparisons_table(comparisons: Sequence[DirectIndirect], measure: str, caption: str) -> Safe:
    """Show direct, indirect and joint evidence of every pair that trials compare."""
    rows = [_comparison(c, measure) for c in comparisons]
    name = measure_name(measure)
    header = ("DirectIndirect", "Trials", f"Direct {name}", f"Indirect {name}", f"Both: {name}",
              "Share of direct evidence", "p that both agree")  # fmt: skip
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def _comparison(found: DirectIndirect, measure: str) -> tuple[object, ...]:
    """Show the treatment with more parts first; positive favours the first one."""
    turned = found.treat2.count(" + ") > found.treat1.count(" + ")
    names = (found.treat2, found.treat1) if turned else (found.treat1, found.treat2)

    def shown(part: str) -> str:
        ends = [getattr(found, f"{part}{end}") for end in ("", "_ci_lb", "_ci_ub")]
        if any(isinstance(end, Absent) for end in ends):
            return "none"
        value, low, high = ends if not turned else (-ends[0], -ends[2], -ends[1])
        scale = natural(measure)
        return f"{number(scale(value))} ({interval(scale(low), scale(high))})"

    p = p_value(found.pval) if is_present(found.pval) else "not testable"
    cells = (shown("direct"), shown("indirect"), shown("network"))
    return f"{names[0]} against {names[1]}", found.k, *cells, f"{found.direct_share:.0f} %", p


def league_table(
    network: NetworkMetaAnalysis, measure: str, caption: str, *, half: bool = False
) -> Safe:
    """Show every treatment (row) against every other one (column).

    Parameters
    ----------
    half : bool
        Leave out what stands mirrored below the diagonal.
    """
    scale, names = natural(measure), network.treatments
    parts = ("estimate", "ci_lb", "ci_ub")
    values, low, high = (network.league(name).to_numpy() for name in parts)

    def cell(i: int, j: int) -> str:
        if i == j:
            return "–"
        if half and i > j:
            return ""
        bounds = interval(scale(float(low[i, j])), scale(float(high[i, j])))
        return f"{number(scale(float(values[i, j])))} ({bounds})"

    size = range(len(names))
    rows = [(names[i], *(cell(i, j) for j in size)) for i in size]
    shown = table(("Row against column", *names), rows, caption=caption, css="wide")
    return scroll(shown, caption)


def components_table(fit: ComponentNetwork, measure: str, caption: str) -> Safe:
    """Show what adding each component does, and what an interaction takes away or adds."""
    scale = natural(measure)
    rows = [
        (row.component.replace(" * ", " with "), row.k, number(scale(row.estimate)),
         interval(scale(row.ci_lb), scale(row.ci_ub)), p_value(row.pval))
        for row in _rows(fit.to_frame())
    ]  # fmt: skip
    header = ("Component", "Trials", measure_name(measure), f"{100 * fit.level:g} % interval",
              "p of no effect")  # fmt: skip
    return scroll(table(header, rows, caption=caption), caption)


def decomposition_table(frame: pd.DataFrame, caption: str) -> Safe:
    """Show parts of Q, from a design decomposition or tests of additivity."""
    rows = [
        (row[0], number(row[1]) if is_present(row[1]) else row[1].reason, row[2],
         p_value(row[3]) if is_present(row[3]) else row[3].reason)
        for row in _rows(frame)
    ]  # fmt: skip
    header = ("Source", "Q", "Degrees of freedom", "p")
    return scroll(table(header, rows, caption=caption), caption)


def designs_table(network: NetworkMetaAnalysis, given: NetworkInput, caption: str) -> Safe:
    """Show each design (set of treatments that trials compare) with its trials, all linked."""
    held: dict[tuple[str, ...], list[Safe]] = {}
    for study, pairs in given.contrasts.groupby("study", sort=True):
        arms = tuple(sorted({*pairs["treat1"], *pairs["treat2"]}))
        link = trial_link(str(pairs["trial_id"].iloc[0]), str(study))
        held.setdefault(arms, []).append(link)
    rows = []
    for design in network.inconsistency.designs:
        links = held[tuple(sorted(design.treatments))]
        p = p_value(design.q_pval) if is_present(design.q_pval) else "not testable"
        rows.append((" : ".join(design.treatments), design.k, p, _listed(links)))
    header = ("Design", "Trials (k)", "p that its trials agree", "The trials")
    return scroll(table(header, rows, caption=caption, css="wide"), caption)


def ranking_table(ranking: Ranking, caption: str) -> Safe:
    """Show P-scores with the uncertainty of the ranks."""
    rows = [
        (row.treatment, number(row.p_score), f"{row.rank_lb} to {row.rank_ub}",
         f"{100 * row.best:.0f} %")
        for row in _rows(ranking.to_frame())
    ]  # fmt: skip
    header = ("Treatment", "P-score", f"Rank ({100 * ranking.level:g} % interval)",
              "Chance of being the best")  # fmt: skip
    return scroll(table(header, rows, caption=caption), caption)


def left_out_table(given: NetworkInput, caption: str) -> Safe:
    """Count the results that are not in a network, by reason."""
    groups = given.left_out.groupby("reason")
    counted = [(str(reason), len(rows), rows["trial_id"].nunique()) for reason, rows in groups]
    counted.sort(key=lambda row: (-row[1], row[0]))
    return scroll(table(("Why", "Results", "Trials"), counted, caption=caption), caption)


def outside_list(given: NetworkInput) -> tuple[int, Safe]:
    """Return how many trials have results on the question and none in the network, and links."""
    inside = set(given.contrasts["trial_id"])
    rows = given.left_out[~given.left_out["trial_id"].isin(inside)]
    trials = rows.drop_duplicates("trial_id").sort_values(["label", "trial_id"])
    pairs = zip(trials["trial_id"], trials["label"], strict=True)
    return len(trials), _listed([trial_link(str(name), label) for name, label in pairs])


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def _listed(links: Iterable[Safe]) -> Safe:
    return join([Safe(", ".join(links))])
