"""A box of widgets that the keyboard can use: JupyterLab's shortcuts stay out of it."""

from __future__ import annotations

from typing import Any

from IPython.display import Javascript, display
from ipywidgets import VBox

#: JupyterLab listens to keys in the output of a cell too: an arrow in a menu would go to another
#: cell, and the letter b would insert one. It leaves alone what bears this attribute while it has
#: the focus. An output comes into the page some time after its script ran.
_LEAVE_ALONE = """\
const place = element;
const mark = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
const listen = (tries) => {
  const area = place.closest(".jp-OutputArea");
  if (area) { area.addEventListener("focusin", mark); }
  else if (tries) { setTimeout(listen, 100, tries - 1); }
};
setTimeout(listen, 0, 50);
"""


class KeyboardBox(VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """Widgets one below the other, in the order in which the Tab key reaches them.

    While one of them has the focus, keys do in JupyterLab what they do on a web page: arrows and
    letters choose in a menu, Space and Enter press a button. Tab leaves it as usual.
    """

    def _repr_mimebundle_(self, **options: Any) -> Any:
        display(Javascript(_LEAVE_ALONE))  # type: ignore[no-untyped-call]
        return super()._repr_mimebundle_(**options)
