"""Small, safe HTML: escaped text, accessible tables and readable numbers. Knows no statistics."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MINUS = "\N{MINUS SIGN}"


class Safe(str):
    """Text that is HTML already and must not be escaped again; shows as HTML in Jupyter."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def join(parts: Iterable[object]) -> Safe:
    """Put parts after one another, each escaped unless it is :class:`Safe`."""
    return Safe("".join(text(part) for part in parts))


def scroll(content: object, label: str) -> Safe:
    """Let wide content scroll by itself, also by keyboard, so that the page does not."""
    return Safe(
        f'<div class="scroll" role="region" aria-label="{text(label)}" tabindex="0">'
        f"{text(content)}</div>"
    )


def details(summary: object, content: object, *, is_open: bool = False) -> Safe:
    """Fold content behind a summary that is always visible; `is_open` shows it at first."""
    state = " open" if is_open else ""
    return Safe(f"<details{state}><summary>{text(summary)}</summary>{text(content)}</details>")


def text(value: object) -> Safe:
    """Escape `value` for HTML unless it is :class:`Safe` already."""
    return value if isinstance(value, Safe) else Safe(escape(str(value), quote=True))


def number(value: object, digits: int = 2) -> str:
    """Write a number for readers: fixed digits, a true minus sign, words for what is absent.

    Examples
    --------
    >>> number(-0.126)
    '−0.13'
    >>> number(12)
    '12'
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        try:
            if isinstance(value, bool) or not hasattr(value, "__float__"):
                return str(value)
            value = float(value)
        except TypeError:
            return str(value)
    if isinstance(value, int):
        return str(value).replace("-", MINUS)
    if math.isnan(value):
        return "not available"
    if math.isinf(value):
        return "∞" if value > 0 else MINUS + "∞"
    shown = f"{value:.{digits}f}"
    if float(shown) == 0:
        shown = shown.lstrip("-")
    return shown.replace("-", MINUS)


def interval(lower: object, upper: object, digits: int = 2) -> str:
    """Write an interval as ``a to b``, or the one reason when it is absent.

    Examples
    --------
    >>> interval(-0.1, 0.25)
    '−0.10 to 0.25'
    """
    if not hasattr(lower, "__float__"):
        return str(lower)
    return f"{number(lower, digits)} to {number(upper, digits)}"


def p_value(value: object) -> str:
    """Write a p-value: three digits, or ``< 0.001``.

    Examples
    --------
    >>> p_value(0.00004), p_value(0.0321)
    ('< 0.001', '0.032')
    """
    if not hasattr(value, "__float__"):
        return str(value)
    p = float(value)
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def table(
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    caption: object,
    css: str = "",
    row_ids: Sequence[str] | None = None,
    row_classes: Sequence[str] | None = None,
    anchor: str = "",
) -> Safe:
    """Lay out an accessible table: caption, column headers, and the first cell heads its row.

    Parameters
    ----------
    header : sequence
        Column names.
    rows : iterable of sequence
        Cells; everything that is not :class:`Safe` is escaped.
    caption : object
        Says what the table shows; never empty.
    css : str
        Class names for the table element.
    row_ids : sequence of str, optional
        An anchor for each row.
    row_classes : sequence of str, optional
        Class names for each row.
    anchor : str
        An anchor for the table itself.

    Returns
    -------
    Safe
        The table as HTML.
    """
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in header)
    body = []
    for index, row in enumerate(rows):
        first, *rest = row
        own = _attribute("id", row_ids, index) + _attribute("class", row_classes, index)
        cells = "".join(f"<td>{text(cell)}</td>" for cell in rest)
        body.append(f'<tr{own}><th scope="row">{text(first)}</th>{cells}</tr>')
    name = _attribute("id", [anchor], 0) + _attribute("class", [css], 0)
    return Safe(
        f"<table{name}><caption>{text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    )


def _attribute(name: str, values: Sequence[str] | None, index: int) -> str:
    value = values[index] if values else ""
    return f' {name}="{text(value)}"' if value else ""


def jump(target: str, label: object) -> Safe:
    """Link to a page of the reports (``page.html``), a place in one (``page.html#id``) or here."""
    return Safe(f'<a href="{text(target)}">{text(label)}</a>')


def bullets(items: Iterable[object], css: str = "") -> Safe:
    """List items, each escaped unless it is :class:`Safe`; nothing at all without an item."""
    shown = "".join(f"<li>{text(item)}</li>" for item in items)
    return Safe(f"<ul{_attribute('class', [css], 0)}>{shown}</ul>" if shown else "")


def link(url: str, label: object) -> Safe:
    """Link to a web page; anything that is not http(s) is shown as plain text."""
    if not url.startswith(("https://", "http://")):
        return text(label)
    return Safe(f'<a href="{text(url)}" rel="noreferrer">{text(label)}</a>')


def paragraph(*parts: Any) -> Safe:
    """Join parts into one paragraph, each escaped unless it is :class:`Safe`."""
    return Safe("<p>" + "".join(text(part) for part in parts) + "</p>")
