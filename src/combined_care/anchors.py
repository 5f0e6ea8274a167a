"""Where things stand in the reports: the name of each page and place, and links to them.

A page is found from an identifier alone, so that a link can be written without the data at hand.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from combined_care import markup
from combined_care.markup import Safe

if TYPE_CHECKING:
    from collections.abc import Iterable

#: First letters of the pages that list trials. Fixed, so that a new trial moves no other one.
_GROUPS = ("a-b", "c-d", "e-g", "h-k", "l", "m", "n-r", "s-t", "u-z")
_STARTS = [group[0] for group in _GROUPS]


def trial_groups() -> tuple[str, ...]:
    """Name the groups of first letters by which trials are listed, one page each."""
    return _GROUPS


def trial_group(trial_id: str) -> str:
    """Name the group that a trial, or one of its rows, is listed in.

    Examples
    --------
    >>> trial_group("foa2005"), trial_group("foa2005-02"), trial_group("9lives2001")
    ('e-g', 'e-g', 'a-b')
    """
    return _GROUPS[max(0, bisect_right(_STARTS, trial_id[0]) - 1)]


def trials_page(group: str) -> str:
    """Name the page that lists the trials of a group.

    Examples
    --------
    >>> trials_page("a-b")
    'trials-a-b'
    """
    return f"trials-{group}"


def letters(group: str) -> str:
    """Write a group of first letters for readers.

    Examples
    --------
    >>> letters("a-b"), letters("m")
    ('A to B', 'M')
    """
    return group.upper().replace("-", " to ")


def diagnosis_page(diagnosis: str) -> str:
    """Name the page of a diagnosis.

    Examples
    --------
    >>> diagnosis_page("persistent_depression")
    'diagnosis-persistent-depression'
    """
    return f"diagnosis-{diagnosis.replace('_', '-')}"


def page_link(name: str, words: object, place: str = "") -> Safe:
    """Link to a page, or to a place in it.

    Examples
    --------
    >>> print(page_link("design", "Trial design", "blinding"))
    <a href="design.html#blinding">Trial design</a>
    """
    return markup.jump(f"{name}.html{f'#{place}' if place else ''}", words)


def trial_link(trial_id: str, words: object) -> Safe:
    """Link to all that the data hold on a trial."""
    return page_link(trials_page(trial_group(trial_id)), words, trial_place(trial_id))


def row_link(row_id: str) -> Safe:
    """Link to one row of the outcome table, under its trial."""
    return page_link(trials_page(trial_group(row_id)), row_id, row_place(row_id))


def row_links(row_ids: Iterable[str]) -> Safe:
    """Link to several rows."""
    return Safe(", ".join(row_link(row_id) for row_id in row_ids))


def trial_place(trial_id: str) -> str:
    """Name the place of a trial within its page."""
    return f"trial-{trial_id}"


def row_place(row_id: str) -> str:
    """Name the place of a row within the page of its trial."""
    return f"row-{row_id}"


def question_place(comparator: str, start: str) -> str:
    """Name the place of a question within the page of a diagnosis.

    Parameters
    ----------
    comparator : str
        What combined treatment is compared with.
    start : str
        When the second treatment comes in: ``concurrent``, ``added`` or ``after-remission``.
    """
    return f"{comparator.replace('_', '-')}-{start}"


def trials_place(analysis_id: str) -> str:
    """Name the place of the table of trials that an analysis pools."""
    return f"{analysis_id}-trials"
