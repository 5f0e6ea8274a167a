"""``combined-care import``: bring a new evidence release into ``data/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.cli.output import print_json
from combined_care.cli.parsing import Commands, add_command, add_folder

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
  combined-care import release --dry-run        say what would change, write nothing
  combined-care import release                  write it
  combined-care import release --data my/data   into another data folder
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "import",
        run,
        about="bring a new evidence release into data/",
        description="Bring a new evidence release into data/. The result is validated as a whole "
        "before anything is written.",
        examples=_EXAMPLES,
    )
    add_folder(parser, "release", "folder with trials.csv, outcomes.csv, ...")
    add_folder(parser, "--data", "data folder (default: the project's)")
    parser.add_argument("--dry-run", action="store_true", help="say what would change")


def run(options: argparse.Namespace) -> int:
    """Import the release and print what changed."""
    from combined_care.importer import import_release  # noqa: PLC0415
    from combined_care.paths import project_root  # noqa: PLC0415

    target = options.data or project_root() / "data"
    report = import_release(options.release, target, write=not options.dry_run)
    if options.json:
        print_json(report.to_dict())
    else:
        print(report)
    return 0
