"""``combined-care export``: write a synthesis for other programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from combined_care.cli.output import complain, print_json
from combined_care.cli.parsing import Commands, add_command, add_folder
from combined_care.cli.question_options import add_question, asked, given, model
from combined_care.exports.formats import FORMATS

if TYPE_CHECKING:
    import argparse

    from combined_care.evidence import Evidence
    from combined_care.own_question import Answer
    from combined_care.verdicts import Verdict

_EXAMPLES = """\
  combined-care export --claim ocd-combined --to ocd
  combined-care export --claim ocd-combined --to ocd --only r --only bibtex --force
  combined-care export --diagnosis panic --comparator psychotherapy_plus_placebo --to panic
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "export",
        run,
        about="write a synthesis for RevMan, R, reference managers and PRISMA",
        description="Write the analyses of a claim, or of a question of your own, for other "
        "programs: study data for RevMan, a script for metafor in R with its data, references as "
        "BibTeX and RIS, a Frictionless data package, and items 13 to 22 and 27 of PRISMA 2020. "
        "The folder is written whole or not at all; what cannot be expressed is listed.",
        examples=_EXAMPLES,
    )
    parser.add_argument("--claim", metavar="ID", help="export the analyses of this claim")
    add_folder(parser, "--to", "new folder for the files", required=True, metavar="FOLDER")
    parser.add_argument(
        "--only",
        action="append",
        choices=FORMATS,
        metavar="FORMAT",
        help=f"only this format (repeatable): {', '.join(FORMATS)}",
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier export")
    add_question(parser.add_argument_group("a question of your own"))


def run(options: argparse.Namespace) -> int:
    """Judge the claim or answer the question, and write the files."""
    if options.claim and (more := given(options)):
        options.parser.error(f"--claim has its own analyses; leave out --{', --'.join(more)}")
    if not (options.claim or given(options)):
        options.parser.error("name a claim (--claim ID), or ask a question (--diagnosis ...)")
    from combined_care.evidence import load_evidence  # noqa: PLC0415
    from combined_care.exports.bundle import export  # noqa: PLC0415
    from combined_care.exports.folders import check_target  # noqa: PLC0415

    formats = options.only or FORMATS
    check_target(options.to.absolute(), force=options.force)
    evidence = load_evidence()
    question = _judged(options, evidence) if options.claim else _answered(options, evidence)
    if question is None:
        complain("no trial with usable numbers answers this question")
        return 1
    report = export(question, evidence, options.to, formats=formats, force=options.force)
    if options.json:
        print_json(report.record())
        return 0
    if not options.quiet:
        print(*(f"not expressed: {text}" for text in report.limits), sep="\n")
    print(report)
    return 0


def _judged(options: argparse.Namespace, evidence: Evidence) -> Verdict:
    """Judge the claim; the multiverse, which takes longest, only where it is reported."""
    from combined_care.claims import choose_claims, load_claims  # noqa: PLC0415
    from combined_care.verdicts import judge  # noqa: PLC0415

    (claim,) = choose_claims(load_claims(), [options.claim])
    if options.only and "prisma" not in options.only:
        claim = replace(claim, rules=replace(claim.rules, choices=None))
    return judge(claim, evidence)


def _answered(options: argparse.Namespace, evidence: Evidence) -> Answer | None:
    from combined_care.own_question import ask  # noqa: PLC0415

    answer = ask(evidence, **asked(options), **model(options))
    return None if answer.effects.empty else answer
