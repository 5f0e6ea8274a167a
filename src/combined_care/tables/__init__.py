"""Tables of results as HTML: a result goes in, its numbers come out laid out. Nothing computes."""

from __future__ import annotations

from combined_care.anchors import (
    diagnosis_page,
    letters,
    page_link,
    question_place,
    row_link,
    row_links,
    row_place,
    trial_group,
    trial_groups,
    trial_link,
    trial_place,
    trials_page,
    trials_place,
)
from combined_care.decisions import label_words
from combined_care.tables.landscape import by_start, gap_table, map_table
from combined_care.tables.moderators import moderator_tables
from combined_care.tables.numbers import (
    checks_table,
    leave_one_out_table,
    numbers_table,
    sensitivity_table,
)
from combined_care.tables.trials import (
    favours_words,
    not_pooled_table,
    row_sources,
    sources,
    trial_name,
    trial_sources,
    trials_table,
)
from combined_care.tables.verdicts import decisive_table, verdict_box, verdict_table
from combined_care.tables.words import (
    count,
    effect_words,
    equals,
    finding_words,
    label_sign,
    label_tag,
    moderator_words,
    result_words,
    sentence,
    sure_words,
    title,
)

__all__ = [
    "by_start",
    "checks_table",
    "count",
    "decisive_table",
    "diagnosis_page",
    "effect_words",
    "equals",
    "favours_words",
    "finding_words",
    "gap_table",
    "label_sign",
    "label_tag",
    "label_words",
    "leave_one_out_table",
    "letters",
    "map_table",
    "moderator_tables",
    "moderator_words",
    "not_pooled_table",
    "numbers_table",
    "page_link",
    "question_place",
    "result_words",
    "row_link",
    "row_links",
    "row_place",
    "row_sources",
    "sensitivity_table",
    "sentence",
    "sources",
    "sure_words",
    "title",
    "trial_group",
    "trial_groups",
    "trial_link",
    "trial_name",
    "trial_place",
    "trial_sources",
    "trials_page",
    "trials_place",
    "trials_table",
    "verdict_box",
    "verdict_table",
]
