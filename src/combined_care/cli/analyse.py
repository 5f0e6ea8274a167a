"""``combined-care analyse``: pool the trials that answer a question of one's own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from combined_care.cli.output import complain, print_json
from combined_care.cli.parsing import Commands, add_command
from combined_care.cli.question_options import add_question, asked, model

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
  combined-care analyse --diagnosis panic --comparator psychotherapy_plus_placebo
  combined-care analyse --diagnosis mdd --comparator pharmacotherapy --design concurrent
  combined-care analyse --outcome relapse --phase continuation --phase followup
  combined-care analyse --diagnosis ocd --comparator pharmacotherapy --method PM --json
  combined-care analyse --diagnosis ocd --comparator pharmacotherapy --html ocd.html
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "analyse",
        run,
        about="pool the trials that answer a question",
        description="Pool the trials that answer a question of your own. Positive effects favour "
        "combined treatment; ratios are shown as logs. An unknown word names the nearest known.",
        examples=_EXAMPLES,
    )
    add_question(parser)
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="also write a page with verdict, figures, sources and all other defensible analyses",
    )


def run(options: argparse.Namespace) -> int:
    """Select and pool the effects, and print both."""
    from combined_care.evidence import load_evidence  # noqa: PLC0415
    from combined_care.synthesis import synthesize  # noqa: PLC0415

    effects = load_evidence().effects(**asked(options))
    if effects.empty:
        complain("no trial with usable numbers answers this question")
        return 1
    fit = synthesize(
        effects["yi"].to_numpy(),
        effects["vi"].to_numpy(),
        **model(options),
        slab=tuple(effects["label"]),
    )
    if options.html:
        _write_page(options)
    if options.json:
        print_json({"trials": list(effects["trial_id"]), **fit.to_dict()})
        return 0
    shown = effects[["label", "diagnosis", "comparator", "outcome", "measure", "yi", "vi", "tier"]]
    if not options.quiet:
        print(shown.to_string(index=False, float_format=lambda x: f"{x:.3f}"))
    print(fit)
    return 0


def _write_page(options: argparse.Namespace) -> None:
    """Write the answer as a page; it says that the question was not pre-specified."""
    from combined_care.own_question import ask  # noqa: PLC0415
    from combined_care.reports.answers import save_answer  # noqa: PLC0415

    answer = ask(**asked(options), **model(options), robustness=True)
    path = save_answer(answer, options.html)
    if not (options.quiet or options.json):
        print(f"wrote {path}", file=sys.stderr)
