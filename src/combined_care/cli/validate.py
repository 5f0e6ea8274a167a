"""``combined-care validate``: check a data folder and list every problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.cli.output import paint, print_json
from combined_care.cli.parsing import Commands, add_command, add_folder

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
  combined-care validate                 the project's data
  combined-care validate other/data      another data folder
  combined-care validate --json          the problems for a program
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "validate",
        run,
        about="check the data; list every problem",
        description="Check every table of a data folder against its data package and the rules "
        "across cells. Errors make the exit status 1; warnings do not.",
        examples=_EXAMPLES,
    )
    add_folder(parser, "path", "data folder (default: the project's)", nargs="?")


def run(options: argparse.Namespace) -> int:
    """Print the problems, or "ok" with the numbers of rows."""
    from combined_care import schema  # noqa: PLC0415
    from combined_care.paths import project_root  # noqa: PLC0415

    report = schema.validate(options.path or project_root() / "data")
    if options.json:
        print_json(report.to_dict())
        return 0 if report.ok else 1
    print(*report.problems, sep="\n", end="\n" if report.problems else "")
    if not (options.quiet and report.ok):
        print(paint(str(report), "green" if report.ok else "red"))
    return 0 if report.ok else 1
