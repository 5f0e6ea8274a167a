"""``combined-care diff``: what a new data release changes, down to the verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.cli.output import print_json
from combined_care.cli.parsing import Commands, add_command, add_folder

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
  combined-care diff old/data data           trials, effects, estimates and verdicts that changed
  combined-care diff old/data data --json    the same for a program
  combined-care diff old/data data --quiet   one sentence
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "diff",
        run,
        about="compare two data releases: rows, effects, estimates, verdicts",
        description="Compare two data folders, each a data package with claims.yaml and "
        "selection.yaml as data/ has them. Only analyses whose numbers changed are listed, each "
        "with the cells that are behind the change.",
        examples=_EXAMPLES,
    )
    for name in ("old", "new"):
        add_folder(parser, name, f"data folder of the {name} release")


def run(options: argparse.Namespace) -> int:
    """Compare the folders and print the changes."""
    from combined_care.releases import compare_releases  # noqa: PLC0415

    found = compare_releases(options.old, options.new)
    if options.json:
        print_json(found.to_dict())
    else:
        print(found if options.quiet else found.report)
    return 0
