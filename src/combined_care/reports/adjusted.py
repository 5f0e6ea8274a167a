"""What is left of differences between kinds of trials when the diagnosis is held constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import tables as shown
from combined_care.markup import Safe, join, paragraph
from combined_care.results import Absent
from combined_care.tables.adjusted import adjusted_table

if TYPE_CHECKING:
    from combined_care.findings import AnalysisResult

_NOT_MEANT = (
    "Holding the diagnosis constant removes what the kind of trial shares with the diagnosis, and "
    "nothing else: people were not assigned to kinds of trials, so that a difference that stays "
    "may still have another cause."
)


def adjusted(result: AnalysisResult) -> Safe:
    """Show the differences between levels alone and adjusted; nothing for other analyses.

    Parameters
    ----------
    result : AnalysisResult
        To be shown beside the trials by level and diagnosis, as
        :func:`combined_care.tables.moderator_tables` gives them.
    """
    moderator = result.moderator
    if moderator is None:
        return Safe("")
    name = moderator.name.replace("_", " ")
    found = moderator.adjusted
    if isinstance(found, Absent):
        return paragraph(
            f"{shown.sentence(name)} with the diagnosis held constant: {found.reason}."
        )
    caption = f"Differences by {name}, alone and with the {found.adjusted_for} held constant"
    said = f"With the {found.adjusted_for} held constant: {found}"
    measure = result.analysis.estimand.wanted_measure
    return join(
        [paragraph(said), adjusted_table(moderator, measure, caption), paragraph(_NOT_MEANT)]
    )
