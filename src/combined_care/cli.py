"""The command ``combined-care``: it reads arguments, calls the package and prints."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from combined_care import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = Callable[[argparse.Namespace], int]

_EPILOG = """examples:
  combined-care validate                       every problem of the data, or "ok" with counts
  combined-care claims                         all verdicts
  combined-care analyse --diagnosis panic --comparator psychotherapy_plus_placebo
  combined-care render                         bring all reports up to date
  combined-care render --claim panic-combined  one report

exit status: 0 done, 1 the data or a report have a problem, 2 the command was not understood
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
        0 done, 1 a problem that the user can mend (said in one message), 2 wrong usage.
    """
    options = _parser().parse_args(arguments)
    from combined_care.errors import CombinedCareError  # noqa: PLC0415

    try:
        command: Command = options.command
        return command(options)
    except (CombinedCareError, OSError) as error:
        if options.debug:
            raise
        print(f"combined-care: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="combined-care",
        description="When should psychotherapy and medication be combined, and how sure can we be?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"combined-care {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    validate = commands.add_parser("validate", help="check the data; list every problem")
    validate.add_argument("path", nargs="?", type=Path, help="data folder (default: the project's)")
    validate.add_argument("--json", action="store_true", help="print the problems as JSON")
    validate.set_defaults(command=_validate)

    bring_in = commands.add_parser("import", help="bring a new evidence release into data/")
    bring_in.add_argument("release", type=Path, help="folder with trials.csv, outcomes.csv, ...")
    bring_in.add_argument("--data", type=Path, help="data folder (default: the project's)")
    bring_in.add_argument("--dry-run", action="store_true", help="say what would change")
    bring_in.set_defaults(command=_import)

    claims = commands.add_parser("claims", help="judge the claims; print the verdict table")
    claims.add_argument("--claim", action="append", metavar="ID", help="only this one (repeatable)")
    claims.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    claims.set_defaults(command=_claims)

    analyse = commands.add_parser("analyse", help="pool the trials that answer a question")
    analyse.add_argument("--outcome", default="efficacy")
    analyse.add_argument("--comparator", action="append", help="kind of comparator (repeatable)")
    analyse.add_argument("--diagnosis", action="append", help="diagnosis (repeatable)")
    analyse.add_argument("--design", action="append", help="trial design (repeatable)")
    analyse.add_argument("--population", action="append", help="population (repeatable)")
    analyse.add_argument("--phase", action="append", help="acute, continuation, followup")
    analyse.add_argument("--tiers", default="AB", help="data tiers to pool (default: AB)")
    analyse.add_argument("--method", default="REML", help="tau2 estimator (default: REML)")
    analyse.add_argument("--test", default="knha", help="z, knha, knha-conservative")
    analyse.add_argument("--level", type=float, default=0.95, help="confidence level")
    analyse.add_argument("--json", action="store_true", help="print the result as JSON")
    analyse.set_defaults(command=_analyse)

    render = commands.add_parser("render", help="bring the reports up to date")
    render.add_argument("--claim", action="append", metavar="ID", help="only this one (repeatable)")
    render.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    render.add_argument("--force", action="store_true", help="also where nothing changed")
    render.add_argument("--keep", action="store_true", help="keep the executed notebooks")
    render.add_argument("--quiet", action="store_true", help="no progress bar")
    render.set_defaults(command=_render)
    return parser


def _validate(options: argparse.Namespace) -> int:
    from combined_care import schema  # noqa: PLC0415
    from combined_care.paths import project_root  # noqa: PLC0415

    report = schema.validate(options.path or project_root() / "data")
    if options.json:
        print(report.to_json())
    else:
        print(*report.problems, report, sep="\n")
    return 0 if report.ok else 1


def _import(options: argparse.Namespace) -> int:
    from combined_care.importer import import_release  # noqa: PLC0415
    from combined_care.paths import project_root  # noqa: PLC0415

    target = options.data or project_root() / "data"
    print(import_release(options.release, target, write=not options.dry_run))
    return 0


def _claims(options: argparse.Namespace) -> int:
    from combined_care.claims import choose_claims, load_claims  # noqa: PLC0415
    from combined_care.evidence import load_evidence  # noqa: PLC0415
    from combined_care.verdicts import judge  # noqa: PLC0415

    chosen = choose_claims(load_claims(), options.claim)
    evidence = load_evidence()
    verdicts = [judge(claim, evidence) for claim in chosen]
    if options.json:
        _print_json([verdict.to_dict() for verdict in verdicts])
        return 0
    width = max(len(v.claim.id) for v in verdicts)
    label_width = max(len(v.label) for v in verdicts)
    for v in verdicts:
        label = v.label.replace("_", " ")
        print(f"{v.claim.id:<{width}}  {label:<{label_width}}  {v.claim.text}")
    return 0


def _analyse(options: argparse.Namespace) -> int:
    from combined_care.evidence import load_evidence  # noqa: PLC0415
    from combined_care.synthesis import synthesize  # noqa: PLC0415

    filters = {
        name: value
        for name in ("diagnosis", "design", "population", "phase", "comparator")
        if (value := getattr(options, name))
    }
    effects = load_evidence().effects(outcome=options.outcome, tiers=options.tiers, **filters)
    if effects.empty:
        print("no trial with usable numbers answers this question", file=sys.stderr)
        return 1
    fit = synthesize(
        effects["yi"].to_numpy(),
        effects["vi"].to_numpy(),
        method=options.method,
        test=options.test,
        level=options.level,
        slab=tuple(effects["label"]),
    )
    if options.json:
        _print_json({"trials": list(effects["trial_id"]), **fit.to_dict()})
        return 0
    shown = effects[["label", "diagnosis", "comparator", "outcome", "measure", "yi", "vi", "tier"]]
    print(shown.to_string(index=False, float_format=lambda x: f"{x:.3f}"))
    print(fit)
    return 0


def _render(options: argparse.Namespace) -> int:
    from combined_care import reports  # noqa: PLC0415
    from combined_care.paths import project_root  # noqa: PLC0415

    summary = reports.render(
        options.claim,
        root=project_root(),
        jobs=options.jobs,
        force=options.force,
        keep=options.keep,
        progress=not options.quiet,
    )
    print(summary)
    return 0


def _print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    sys.exit(main())
