"""The command ``combined-care``: it reads arguments, calls the package and prints.

One module a command, each with ``add(commands)`` (its arguments and examples) and
``run(options)`` (returns the exit status). Heavy libraries are imported inside ``run``, so that
help answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from combined_care import __version__
from combined_care.cli import (
    add_trial,
    analyse,
    claims,
    diff,
    export,
    import_,
    new,
    output,
    render,
    validate,
    verify,
)
from combined_care.cli.parsing import Completion, Parser, add_globals
from combined_care.errors import CombinedCareError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The commands, in the order of the help.
COMMANDS = (validate, add_trial, import_, claims, analyse, export, render, diff, verify, new)

INTERRUPTED = 128 + 2  # as a shell reports a process that SIGINT ended
NOBODY_READS = 128 + 13  # and one that SIGPIPE ended: `combined-care claims | head -1`

_EPILOG = """examples:
  combined-care validate                       every problem of the data, or "ok" with counts
  combined-care add-trial                      asks, checks, shows what changes, appends
  combined-care import trials.csv --format metapsy   data of other people
  combined-care claims                         all verdicts
  combined-care analyse --diagnosis panic --comparator psychotherapy_plus_placebo
  combined-care export --claim ocd-combined --to ocd   for RevMan, R, BibTeX, PRISMA, archives
  combined-care render                         bring all reports up to date
  combined-care render --claim panic-combined  one report
  combined-care diff old/data data             what a new data release changes
  combined-care new my-review                  a project for another question
  combined-care COMMAND --help                 the options of a command, with examples

exit status: 0 done, 1 the data or a report have a problem, 2 the command was not understood,
130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process by default.

    Returns
    -------
    int
        0 done, 1 a problem that the user can mend (said in one message), 130 interrupted.
        Wrong usage ends the process with 2.
    """
    options = None
    try:
        try:
            options = _parser().parse_args(arguments)
            command: Callable[..., int] = options.run
            return command(options)
        finally:
            sys.stdout.flush()  # here, where a reader that left is no error
    except BrokenPipeError:
        _stop_writing()
        return NOBODY_READS
    except KeyboardInterrupt:
        print("combined-care: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (CombinedCareError, OSError) as error:
        if options is None or options.debug:
            raise
        output.complain(str(error))
        return 1


def _parser() -> Parser:
    parser = Parser(
        prog="combined-care",
        description="From trial tables to verdicts: evidence, pre-specified claims, reports.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"combined-care {__version__}")
    parser.add_argument("--print-completion", action=Completion)
    add_globals(parser, default=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser


def _stop_writing() -> None:
    """Leave nothing for the interpreter to flush into the closed pipe when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
