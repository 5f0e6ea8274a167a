"""What would change a label, as tables: trials removed, a trial more, a bias, people needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.anchors import trial_link
from combined_care.decisions import label_words
from combined_care.markup import Safe, interval, join, number, scroll, table, text
from combined_care.results import Absent, is_present
from combined_care.scales import RATIO_NAMES, measure_name, natural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from combined_care.further_trial import FurtherTrials
    from combined_care.people_needed import PeopleNeeded
    from combined_care.removals import Removal, Removals
    from combined_care.tipping import Bias, TippingPoints


def tipping_tables(points: TippingPoints, caption: str) -> Safe:
    """Show the tipping points of one analysis; what is absent is told in its sentences only.

    Parameters
    ----------
    points : TippingPoints
        From :func:`combined_care.tipping.tipping_points`.
    caption : str
        Names the analysis; what each table shows is added.
    """
    shown: list[object] = []
    if not isinstance(points.removals, Absent):
        shown.append(_removals(points.removals, f"{caption}: trials whose removal changes it"))
    if not isinstance(points.further, Absent):
        shown.append(_further(points.further, f"{caption}: one more trial that changes it"))
    if not isinstance(points.bias, Absent):
        shown.append(_bias(points.bias, f"{caption}: a bias of all trials that changes it"))
    if not isinstance(points.people, Absent):
        shown.append(_people(points.people, f"{caption}: people needed"))
    return join(shown)


def _removals(found: Removals, caption: str) -> Safe:
    if not found.found:
        return text("")
    rows = [
        (_trials(removal), label_words(removal.label), removal.k, _effect(removal))
        for removal in found.found
    ]
    header = ("Without", "Label", "Trials left (k)", "Result")
    return scroll(table(header, rows, caption=caption), caption)


def _trials(removal: Removal) -> Safe:
    pairs = zip(removal.trial_ids, removal.names, strict=True)
    return Safe(", ".join(trial_link(trial_id, name) for trial_id, name in pairs))


def _effect(removal: Removal) -> str:
    if isinstance(removal.estimate, Absent):
        return removal.estimate.reason
    scale = natural(removal.measure)
    bounds = interval(scale(removal.ci_lb), scale(removal.ci_ub))
    return f"{measure_name(removal.measure)} {number(scale(removal.estimate))} ({bounds})"


def _further(found: FurtherTrials, caption: str) -> Safe:
    if not found.found:
        return text("")
    rows = [
        (f"{trial.n_per_arm:,}", trial.findings, label_words(trial.label)) for trial in found.found
    ]
    header = ("People per arm", f"Would have to find ({measure_name(found.measure)})", "New label")
    return scroll(table(header, rows, caption=caption), caption)


def _bias(found: Sequence[Bias], caption: str) -> Safe:
    rows = []
    for bias in found:
        way = "overestimate" if bias.overestimated else "underestimate"
        rows.append((f"All trials {way} the gain", _size(bias), _times(bias), _new_label(bias)))
    header = ("If", "By", "Times the smallest effect of interest", "New label")
    return scroll(table(header, rows, caption=caption), caption)


def _size(bias: Bias) -> str:
    if isinstance(bias.shift, Absent):
        return bias.shift.reason
    factor = "a factor of" if bias.measure in RATIO_NAMES else measure_name(bias.measure)
    return f"{factor} {number(natural(bias.measure)(bias.shift))}"


def _times(bias: Bias) -> str:
    return number(bias.relative) if is_present(bias.relative) else "none"


def _new_label(bias: Bias) -> str:
    return "stays" if isinstance(bias.label, Absent) else label_words(bias.label)


def _people(found: Sequence[PeopleNeeded], caption: str) -> Safe:
    rows = [
        (
            f"{number(100 * needed.power, 0)} %",
            f"{needed.new_trial:,}",
            needed.total.reason if isinstance(needed.total, Absent) else f"{needed.total:,}",
            f"{needed.existing:,}",
        )
        for needed in found
    ]
    header = (
        "Chance of an answer",
        "In one new trial",
        "In all trials together",
        "In the trials so far",
    )
    return scroll(table(header, rows, caption=caption), caption)
