"""``combined-care add-trial``: ask for a trial, check it, show what it changes, append it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from combined_care.cli.output import complain, paint, print_json
from combined_care.cli.parsing import Commands, add_command, add_folder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from combined_care.addition import Addition
    from combined_care.cli.interview import Interview
    from combined_care.drafts import Draft
    from combined_care.new_trial import AddedTrial
    from combined_care.preview_records import TrialPreview
    from combined_care.problems import Problem

_EXAMPLES = """\
  combined-care add-trial                               ask for each column, then append
  combined-care add-trial --print-template > new.yaml   a file to fill in instead
  combined-care add-trial --from new.yaml --dry-run     check it, show what it would change
  combined-care add-trial --from new.yaml --yes         append it without asking
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "add-trial",
        run,
        about="add a trial: asks, checks, shows what changes, appends",
        description="Add a trial and its results to the data folder. Every answer is checked at "
        "once; before anything is written you see the effects and the verdicts that would change. "
        "Lines are appended to trials.csv and outcomes.csv, to both or to none; no other line is "
        "touched. Warnings do not stop it.",
        examples=_EXAMPLES,
    )
    parser.add_argument("--from", dest="draft", type=Path, metavar="FILE", help="a filled template")
    parser.add_argument("--print-template", action="store_true", help="print a file to fill in")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    parser.add_argument("--yes", action="store_true", help="append without asking (with --from)")
    add_folder(parser, "--data", "data folder (default: the project's)")


def run(options: argparse.Namespace) -> int:
    """Get the draft from a file or from the user, and append it."""
    from combined_care import drafts, schema  # noqa: PLC0415
    from combined_care.addition import Addition, data_folder  # noqa: PLC0415

    folder = data_folder(options.data)
    if options.print_template:
        print(drafts.template(schema.declared_fields(folder)), end="")
        return 0
    _check_options(options)
    if options.draft is None:
        return _by_asking(options, folder)
    addition = Addition(drafts.load_draft(options.draft), folder)
    addition.require_valid()
    return _finish(addition, options)


def _check_options(options: argparse.Namespace) -> None:
    """Refuse what cannot work, before anything is asked."""
    asks = options.draft is None or not (options.yes or options.dry_run)
    if options.draft is None and (options.json or options.yes):
        options.parser.error("--json and --yes need --from FILE: a dialogue needs your answers")
    if options.json and asks:
        options.parser.error("--json needs --yes or --dry-run")
    if asks and not sys.stdin.isatty():
        more = "--from FILE" if options.draft is None else "--yes or --dry-run"
        options.parser.error(f"there is no terminal to ask on: give {more}")


def _by_asking(options: argparse.Namespace, folder: Path) -> int:
    """Ask for everything; what was typed is shown as a file when it cannot be written."""
    from combined_care.addition import Addition  # noqa: PLC0415
    from combined_care.cli.interview import KEYS, Interview  # noqa: PLC0415
    from combined_care.drafts import read_draft  # noqa: PLC0415
    from combined_care.errors import CombinedCareError  # noqa: PLC0415

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415  # line editing where there is any
    empty = Addition({}, folder)
    interview = Interview(empty.fields, empty.trials, _ask, print)
    print(f"A new trial for {folder}. {KEYS}")
    draft: dict[str, Any] = {"trial": interview.trial(), "outcomes": []}
    rows: list[dict[str, str]] = draft["outcomes"]
    try:
        while interview.agreed("Add a result of the trial?", default=True):
            rows.append(interview.outcome(rows[-1] if rows else {}))
        return _finish(_mended(draft, folder, interview), options)
    except (CombinedCareError, OSError, KeyboardInterrupt):
        _show_draft(read_draft(draft, empty.fields)[0])
        raise


def _ask(prompt: str) -> str:
    from combined_care.errors import InputError  # noqa: PLC0415

    try:
        return input(prompt)
    except EOFError:
        message = "the answers ended before the trial was complete; nothing was written"
        raise InputError(message) from None


def _mended(draft: dict[str, Any], folder: Path, interview: Interview) -> Addition:
    """Ask again for what is wrong, until there is no error."""
    from combined_care.addition import Addition  # noqa: PLC0415

    while True:
        addition = Addition(draft, folder)
        errors = addition.report.errors
        if not errors:
            return addition
        print("\nThis does not fit yet:", *map(str, errors), sep="\n  ")
        places = _places(addition.draft)
        if not all(error.file in places and error.column for error in errors):
            addition.require_valid()  # what no answer can mend
        draft.update(_asked_again(addition.draft, errors, interview))


def _places(draft: Draft) -> list[str]:
    from combined_care.drafts import outcome_place  # noqa: PLC0415

    return ["trial", *(outcome_place(n) for n, _ in enumerate(draft.outcomes, start=1))]


def _asked_again(draft: Draft, errors: tuple[Problem, ...], interview: Interview) -> dict[str, Any]:
    rows: list[Mapping[str, str]] = [draft.trial, *draft.outcomes]
    for index, place in enumerate(_places(draft)):
        named = [error.column.split(", ") for error in errors if error.file == place]
        columns = [column for names in named for column in names]
        if columns:
            print(f"\n{place}:")
            rows[index] = interview.again(
                "trials" if index == 0 else "outcomes", rows[index], columns
            )
    return {"trial": rows[0], "outcomes": rows[1:]}


def _finish(addition: Addition, options: argparse.Namespace) -> int:
    """Show what a valid draft changes, ask, append and say what is left to do."""
    from combined_care.new_trial import append_trial  # noqa: PLC0415

    preview = None if options.quiet and options.yes else _previewed(addition)
    if not (options.json or options.quiet):
        for warning in addition.report.warnings:
            print(paint(str(warning), "yellow"))
    if preview is not None and not options.json:
        print(preview if options.quiet else preview.report)
    added = None
    if not options.dry_run and (options.yes or _agreed(addition)):
        added = append_trial(addition.draft, addition.folder)
    if options.json:
        print_json(_record(addition, preview, added))
    elif added is not None:
        print(added, *([] if options.quiet else [added.advice]), sep="\n")
    elif options.draft is None or not options.dry_run:
        _show_draft(addition.draft)
    return 0


def _previewed(addition: Addition) -> TrialPreview | None:
    """Compute what changes; an analysis that fails is said and keeps nobody from appending."""
    from combined_care.errors import CombinedCareError  # noqa: PLC0415
    from combined_care.trial_preview import preview_trial  # noqa: PLC0415

    try:
        return preview_trial(addition.draft, addition.folder)
    except CombinedCareError as error:
        complain(f"what the trial would change could not be computed: {error}")
        return None


def _agreed(addition: Addition) -> bool:
    from combined_care.cli.interview import Interview  # noqa: PLC0415

    question = f"Append {addition.draft.trial['trial_id']} to the tables in {addition.folder}?"
    return Interview(addition.fields, addition.trials, _ask, print).agreed(question, default=False)


def _show_draft(draft: Draft) -> None:
    """Show a draft that was not written, so that nobody types it twice."""
    from combined_care.drafts import draft_text  # noqa: PLC0415

    print("Nothing was written. The draft, for combined-care add-trial --from FILE:\n")
    print(draft_text(draft))


def _record(
    addition: Addition, preview: TrialPreview | None, added: AddedTrial | None
) -> dict[str, Any]:
    return {
        "draft": addition.draft.to_dict(),
        "problems": [problem.to_dict() for problem in addition.report.problems],
        "preview": None if preview is None else preview.to_dict(),
        "added": None if added is None else added.to_dict(),
    }
