"""The same picture in fewer bytes: short paths, shared attributes said once."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

SVG = "http://www.w3.org/2000/svg"
_PATH_PART = re.compile(r"[A-Za-z]|-?[\d.]+(?:e-?\d+)?")
_NUMBERS_OF = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}
#: Attributes that a group hands down to what it holds without changing how it looks.
_HANDED_DOWN = frozenset(
    {
        *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray"),
        *("stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "font-size", "font-weight"),
        "text-anchor",
    }
)
#: What the renderer assumes anyway.
_ASSUMED = {"text-anchor": "start", "stroke-linejoin": "miter", "stroke-dashoffset": "0"}


def compact(root: ET.Element) -> None:
    """Shrink a drawing in place; what is seen, and in which order it is painted, stays."""
    _collect_definitions(root)
    for element in root.iter():
        _shorten(element)
        element.tail = None
        if not (element.text or "").strip():
            element.text = None
    _say_once(root)
    _join_lines(root)
    _share(root)


def _collect_definitions(root: ET.Element) -> None:
    """Put all definitions in front, so that the shapes that use them stand side by side."""
    blocks = root.findall(f"{{{SVG}}}defs")
    for block in blocks:
        root.remove(block)
    found = [child for block in blocks for child in block]
    if found:
        front = ET.Element(f"{{{SVG}}}defs")
        front.extend(found)
        root.insert(0, front)


def _shorten(element: ET.Element) -> None:
    if "d" in element.attrib:
        element.set("d", short_path(element.attrib["d"]))
    for key, value in _ASSUMED.items():
        if element.get(key) == value:
            del element.attrib[key]
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if element.tag == f"{{{SVG}}}text":
        # The page's own font; the layout leaves room for a wide one.
        element.attrib.pop("font-family", None)
        _place(element)


def _place(text: ET.Element) -> None:
    """Write a plain shift of a text as its position."""
    shift = re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", text.get("transform", ""))
    if shift:
        del text.attrib["transform"]
        text.set("x", shift[1])
        text.set("y", shift[2])


def short_path(path: str) -> str:
    """Write a path with the fewest signs: no spare blanks, level and upright lines by one number.

    Examples
    --------
    >>> short_path("M 1.50 2.00 L 1.50 3.20 L 4.00 3.20 L 4.10 5 z ")
    'M1.5 2V3.2H4L4.1 5z'
    """
    said: list[str] = []
    at, heading = ("", ""), ""
    for command, numbers in _steps(path):
        end = (numbers[-2], numbers[-1]) if numbers else ("", "")
        word = command + " ".join(numbers)
        onward = ""
        if command == "L":
            if end == at:
                continue
            onward, word = _straight(at, end, word)
        if onward and onward == heading:
            said[-1] = word
        else:
            said.append(word)
        at, heading = end, onward
    return "".join(said)


def _straight(at: tuple[str, str], end: tuple[str, str], word: str) -> tuple[str, str]:
    """Name the direction of a level or upright line, and write it by one number."""
    if end[0] == at[0]:
        return ("down" if float(end[1]) > float(at[1]) else "up"), f"V{end[1]}"
    if end[1] == at[1]:
        return ("right" if float(end[0]) > float(at[0]) else "left"), f"H{end[0]}"
    return "", word


def _steps(path: str) -> Iterator[tuple[str, list[str]]]:
    parts = iter(_PATH_PART.findall(path))
    for command in parts:
        count = _NUMBERS_OF[command]
        yield command, [f"{float(next(parts)):.2f}".rstrip("0").rstrip(".") for _ in range(count)]


def _say_once(root: ET.Element) -> None:
    """Say the usual ink and size of the text once, for the whole drawing."""
    texts = [element for element in root.iter() if element.tag == f"{{{SVG}}}text"]
    root.set("fill", "currentColor")
    usual = Counter(element.get("font-size", "") for element in texts).most_common(1)
    if usual:
        root.set("font-size", usual[0][0])
    for element in texts:
        for key in ("fill", "font-size"):
            if element.get(key) == root.get(key):
                del element.attrib[key]


def _join_lines(parent: ET.Element) -> None:
    """Make one path of neighbours that are drawn alike and not filled."""
    kept: list[ET.Element] = []
    for child in parent:
        _join_lines(child)
        before = kept[-1] if kept else None
        if before is not None and _is_line(child) and _look(before) == _look(child):
            before.set("d", before.attrib["d"] + child.attrib["d"])
        else:
            kept.append(child)
    parent[:] = kept


def _is_line(element: ET.Element) -> bool:
    return element.get("fill") == "none" and "id" not in element.attrib and "d" in element.attrib


def _look(element: ET.Element) -> tuple[str, dict[str, str]]:
    return element.tag, {k: v for k, v in element.attrib.items() if k != "d"}


def _share(parent: ET.Element) -> None:
    """Wrap neighbours of one kind and look in a group that says the look once."""
    for child in parent:
        _share(child)
    kept: list[ET.Element] = []
    for (_, shared), run in groupby(list(parent), key=lambda e: (e.tag, _handed_down(e))):
        members = list(run)
        if len(members) < 2 or not shared or members[0].tag in {f"{{{SVG}}}g", f"{{{SVG}}}defs"}:
            kept += members
            continue
        group = ET.Element(f"{{{SVG}}}g", dict(shared))
        for member in members:
            for key, _ in shared:
                del member.attrib[key]
        group.extend(members)
        kept.append(group)
    parent[:] = kept


def _handed_down(element: ET.Element) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, v) for k, v in element.attrib.items() if k in _HANDED_DOWN))
