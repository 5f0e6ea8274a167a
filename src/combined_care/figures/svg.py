"""From a figure to SVG that belongs in a page: themed, described, without style or script."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import matplotlib as mpl

from combined_care.figures.compact import SVG as _SVG
from combined_care.figures.compact import compact
from combined_care.figures.style import PAGE_COLOUR
from combined_care.markup import Safe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_XLINK = "http://www.w3.org/1999/xlink"
_FONT = re.compile(r"(?:(?P<weight>bold|[1-9]00) )?(?P<size>[\d.]+px) .*")
_REFERENCE = re.compile(r"(?:^|url\()#([^)]+)")
#: Attributes that hold lengths in points; a hundredth of one is finer than any screen or print.
_GEOMETRY = frozenset({"d", "x", "y", "width", "height", "transform"})
_LONG = re.compile(r"\d+\.\d{3,}")
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def to_svg(figure: Figure, *, name: str, title: str, description: str) -> Safe:
    """Write a figure as an inline SVG element with a text alternative.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure; it is not changed.
    name : str
        Unique in the page; begins every id of the element.
    title, description : str
        Short name and full text alternative; read out in place of the picture.

    Returns
    -------
    Safe
        The element. The same figure and name give the same bytes. It holds no style attribute
        (a strict content security policy forbids them), its inks follow the page's theme, and its
        text is text, drawn in the page's font.
    """
    root = ET.fromstring(_drawn(figure, name))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                parent.remove(child)
    names = _short_names(root, name)
    for element in root.iter():
        _restyle(element)
        _rename(element, names)
    _unwrap(root)
    compact(root)
    _describe(root, name, title, description)
    ET.register_namespace("", _SVG)
    return Safe(_without_namespaces(ET.tostring(root, encoding="unicode")))


def _drawn(figure: Figure, name: str) -> str:
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "svg.id": None}):
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    return buffer.getvalue()


def _restyle(element: ET.Element) -> None:
    """Turn the style attribute into presentation attributes, with the page's colours."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            font = _FONT.fullmatch(value)
            if font is None:
                message = f"cannot read the font of a figure's text: {value!r}"
                raise ValueError(message)
            element.set("font-size", font["size"])
            if font["weight"]:
                element.set("font-weight", font["weight"])
        elif key:
            element.set(key, value)
    for key in ("fill", "stroke"):
        colour = element.get(key)
        if colour in PAGE_COLOUR:
            element.set(key, PAGE_COLOUR[colour])


def _short_names(root: ET.Element, name: str) -> dict[str, str]:
    """Give each id that something points to a number; others only cost bytes and go."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    targets = dict.fromkeys(target for value in values for target in _REFERENCE.findall(value))
    return {target: f"{name}-{place}" for place, target in enumerate(targets)}


def _rename(element: ET.Element, names: dict[str, str]) -> None:
    """Begin ids with the figure's name, so that several figures live in one page."""
    identifier = element.attrib.pop("id", None)
    if identifier in names:
        element.set("id", names[identifier])
    target = element.attrib.pop(f"{{{_XLINK}}}href", None)
    if target is not None:
        element.set("href", f"#{names[target.removeprefix('#')]}")
    for key, value in element.attrib.items():
        if "url(#" in value:
            element.set(key, _REFERENCE.sub(lambda found: f"url(#{names[found[1]]})", value))
        elif key in _GEOMETRY:
            element.set(key, _LONG.sub(lambda found: f"{float(found[0]):.2f}", value))


def _unwrap(parent: ET.Element) -> None:
    """Put the children of groups that say nothing in their place, and drop what draws nothing."""
    kept: list[ET.Element] = []
    for child in parent:
        _unwrap(child)
        bare = child.tag == f"{{{_SVG}}}g" and not child.attrib
        empty = child.tag == f"{{{_SVG}}}defs" and not len(child)
        unseen = child.get("fill") == "none" and set(child.attrib) <= {"d", "fill"}
        kept += list(child) if bare else [] if empty or unseen else [child]
    parent[:] = kept


def _describe(root: ET.Element, name: str, title: str, description: str) -> None:
    root.attrib.pop("version", None)
    for key in ("width", "height"):
        # Points are written without their unit: the page scales the picture by its view box.
        root.set(key, root.get(key, "").removesuffix("pt"))
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for position, (tag, words) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(f"{{{_SVG}}}{tag}", id=f"{name}-{tag}")
        element.text = words
        root.insert(position, element)


def _without_namespaces(document: str) -> str:
    """HTML knows what an svg element is; a prefix or a declaration only adds bytes."""
    document = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", document)
    return re.sub(r"(</?)\w+:", r"\1", document).replace("\n", " ").replace("  ", " ")
