"""``combined-care render``: bring the reports up to date, or ask what if."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from combined_care.cli.output import print_json
from combined_care.cli.parsing import Commands, add_command

if TYPE_CHECKING:
    from combined_care.reports import RenderSummary

_EXAMPLES = """\
  combined-care render                          all reports that are out of date
  combined-care render --claim panic-combined   one report
  combined-care render --force --jobs 2         all of them, two at a time
  combined-care render --claim panic-combined --set level=0.9 --set method=PM
                                                a what-if page, in build/what-if
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "render",
        run,
        about="bring the reports up to date",
        description="Run the notebook of every report that is out of date and write reports/. If a "
        "report fails, all stay as they were. With --set, render the claim under other settings "
        "than those fixed for it, as a page that says so and lies apart.",
        examples=_EXAMPLES,
    )
    parser.add_argument("--claim", action="append", metavar="ID", help="only this one (repeatable)")
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        default=[],
        help="a what-if setting, such as level=0.9 (repeatable; needs --claim)",
    )
    parser.add_argument(
        "--jobs", type=_processes, metavar="N", help="processes (default: one a core)"
    )
    parser.add_argument("--force", action="store_true", help="also where nothing changed")
    parser.add_argument("--keep", action="store_true", help="keep the executed notebooks")


def run(options: argparse.Namespace) -> int:
    """Render and say what was built."""
    summary = _what_if(options) if options.set else _reports(options)
    if options.json:
        print_json({"built": summary.built, "unchanged": summary.unchanged})
    else:
        print(summary)
    return 0


def _reports(options: argparse.Namespace) -> RenderSummary:
    from combined_care import reports  # noqa: PLC0415
    from combined_care.paths import project_root  # noqa: PLC0415

    return reports.render(
        options.claim,
        root=project_root(),
        jobs=options.jobs,
        force=options.force,
        keep=options.keep,
        progress=not options.quiet,
    )


def _what_if(options: argparse.Namespace) -> RenderSummary:
    from combined_care import reports  # noqa: PLC0415
    from combined_care.paths import project_root  # noqa: PLC0415
    from combined_care.reports.settings import read_settings  # noqa: PLC0415

    return reports.render_what_if(
        options.claim or [],
        read_settings(options.set),
        root=project_root(),
        jobs=options.jobs,
        keep=options.keep,
        progress=not options.quiet,
    )


def _processes(given: str) -> int:
    """Read a number of processes."""
    number = int(given)
    if number < 1:
        message = f"expected at least 1 process; got {given}"
        raise argparse.ArgumentTypeError(message)
    return number
