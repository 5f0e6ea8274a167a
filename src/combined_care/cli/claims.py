"""``combined-care claims``: judge the claims and print the verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from combined_care.cli.output import Style, paint, print_json, progress
from combined_care.cli.parsing import Commands, add_command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_EXAMPLES = """\
  combined-care claims                           all verdicts, one line a claim
  combined-care claims --claim ocd-combined      one of them
  combined-care claims --json > verdicts.json    with all numbers, for a program
"""

_STYLES: dict[str, Style] = {
    "supported_strongly": "green",
    "supported": "green",
    "fragile": "yellow",
    "contradicted": "red",
}


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "claims",
        run,
        about="judge the claims; print the verdict table",
        description="Judge the claims of data/claims.yaml on the project's data and print one line "
        "a claim: id, verdict, certainty and agreement of the multiverse where computed, sentence.",
        examples=_EXAMPLES,
    )
    parser.add_argument("--claim", action="append", metavar="ID", help="only this one (repeatable)")


def run(options: argparse.Namespace) -> int:
    """Judge the chosen claims and print them."""
    from combined_care.claims import choose_claims, load_claims  # noqa: PLC0415
    from combined_care.evidence import load_evidence  # noqa: PLC0415
    from combined_care.verdicts import judge  # noqa: PLC0415

    chosen = choose_claims(load_claims(), options.claim)
    evidence = load_evidence()
    bar = progress(chosen, "judging claims", quiet=options.quiet)
    verdicts = [judge(claim, evidence) for claim in bar]
    if options.json:
        print_json([verdict.to_dict() for verdict in verdicts])
    else:
        print(*_lines(verdicts), sep="\n")
    return 0


def _lines(verdicts: Sequence[Any]) -> list[str]:
    """One line a claim; a column that is empty for all of them is left out."""
    rows = [
        (v.claim.id, v.label.replace("_", " "), _certainty(v), _agreement(v), v.claim.text)
        for v in verdicts
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = 1  # the sentence needs no filling
    lines = []
    for verdict, row in zip(verdicts, rows, strict=True):
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        if style := _STYLES.get(verdict.label):
            cells[1] = paint(cells[1], style)
        lines.append("  ".join(cell for cell, width in zip(cells, widths, strict=True) if width))
    return lines


def _certainty(verdict: Any) -> str:
    from combined_care.results import Absent  # noqa: PLC0415

    found = verdict.certainty
    return "" if isinstance(found, Absent) else f"certainty {found.level.replace('_', ' ')}"


def _agreement(verdict: Any) -> str:
    from combined_care.results import Absent  # noqa: PLC0415

    found = verdict.robustness
    if isinstance(found, Absent):
        return ""
    return f"{100 * found.agree:.0f} % of {found.n:,} analyses agree"
