"""The table of all claims, with filters that need no script: the style sheet hides rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care import tables
from combined_care.markup import Safe, join, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from combined_care.decisions import Label
    from combined_care.verdicts import Verdict

#: Class of a row -> name of the filter, and the labels it shows. The style sheet knows the classes.
VERDICTS: Mapping[str, tuple[str, tuple[Label, ...]]] = {
    "holds": ("supported", ("supported_strongly", "supported")),
    "fragile": ("fragile", ("fragile",)),
    "left-open": ("too imprecise to tell", ("not_demonstrated_imprecise",)),
    "unlikely": ("a worthwhile gain is unlikely", ("not_demonstrated_informative",)),
    "contradicted": ("contradicted", ("contradicted",)),
    "thin-evidence": ("insufficient evidence", ("insufficient",)),
    "beyond": ("not testable", ("not_testable",)),
}
#: Class of a row -> name of the filter. The classes are the sets of claims.
SETS = {
    "primary": "primary: where the evidence is said to be strongest",
    "secondary": "secondary: the rest",
    "not_testable": "beyond trials of this kind",
}


def filtered_table(verdicts: Sequence[Verdict]) -> Safe:
    """List all claims, with a choice of verdict and of set above them."""
    classes = [(_kind(verdict.label), verdict.claim.set) for verdict in verdicts]
    by_verdict = _counted((kind for kind, _ in classes), {k: v[0] for k, v in VERDICTS.items()})
    by_set = _counted((name for _, name in classes), SETS)
    choices = [_choice("verdict", "Show verdicts", by_verdict, len(verdicts)),
               _choice("set", "Show claims", by_set, len(verdicts))]  # fmt: skip
    shown = tables.verdict_table(
        verdicts, caption="All claims", row_classes=[" ".join(pair) for pair in classes]
    )
    return join([
        Safe('<div class="filters">'), *choices, Safe("</div>"), Safe('<div class="filtered">'),
        shown, Safe('<p class="shown"></p></div>'),
    ])  # fmt: skip


def _kind(label: Label) -> str:
    return next(kind for kind, (_, labels) in VERDICTS.items() if label in labels)


def _counted(found: Iterable[str], names: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    every = list(found)
    return {kind: (name, every.count(kind)) for kind, name in names.items() if kind in every}


def _choice(name: str, legend: str, options: Mapping[str, tuple[str, int]], total: int) -> Safe:
    """One group of radio buttons; the first shows all."""
    buttons = [_button(name, "all", "all", total, checked=True)]
    buttons += [_button(name, kind, words, n) for kind, (words, n) in options.items()]
    return Safe(f"<fieldset><legend>{text(legend)}</legend>{join(buttons)}</fieldset>")


def _button(name: str, value: str, words: str, count: int, *, checked: bool = False) -> Safe:
    place = f"{name}-{value}"
    state = " checked" if checked else ""
    return Safe(
        f'<label for="{text(place)}"><input type="radio" name="{text(name)}" '
        f'id="{text(place)}"{state}> {text(words)} ({count})</label>'
    )
