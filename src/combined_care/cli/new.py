"""``combined-care new``: make a project for another question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from combined_care.cli.output import print_json
from combined_care.cli.parsing import Commands, add_command, add_folder

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
  combined-care new my-review                         a project on invented example data
  combined-care new my-review --title "Who sleeps better?"
  cd my-review && make reports                        its reports
  combined-care new my-review --from trials.csv --format metapsy
                                                      a project on the trials of a file
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "new",
        run,
        about="make a project for another question",
        description="Make a folder with the same structure for another question: its own "
        "diagnoses, arms, outcomes and claims, on invented example data, so that 'make reports' "
        "works at once. Its README.md says what to change.",
        examples=_EXAMPLES,
    )
    add_folder(parser, "folder", "the new project's folder; it must not exist, or be empty")
    parser.add_argument("--title", help="heading of its first page")
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE",
                        help="take the trials of this file instead of the example")  # fmt: skip
    parser.add_argument("--format", help="metapsy, revman or arms (default: told from the header)")
    parser.add_argument("--map", type=Path, metavar="FILE", help="YAML map of its columns (arms)")


def run(options: argparse.Namespace) -> int:
    """Make the project and say what to do next."""
    from combined_care.new_review import new_review  # noqa: PLC0415

    source = None
    if options.source is not None:
        from combined_care.foreign.opening import read_foreign  # noqa: PLC0415

        source = read_foreign(options.source, options.format, columns=options.map)
    made = new_review(options.folder, title=options.title, source=source)
    if options.json:
        brought = None if made.brought is None else made.brought.to_dict()
        print_json({"folder": str(made.folder), "title": made.title, "brought": brought})
    else:
        print(made)
    return 0
