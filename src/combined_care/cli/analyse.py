"""``combined-care analyse``: pool the trials that answer a question of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.cli.output import complain, print_json
from combined_care.cli.parsing import Commands, add_command

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
  combined-care analyse --diagnosis panic --comparator psychotherapy_plus_placebo
  combined-care analyse --diagnosis mdd --comparator pharmacotherapy --design concurrent
  combined-care analyse --outcome relapse --phase continuation --phase followup
  combined-care analyse --diagnosis ocd --comparator pharmacotherapy --method PM --json
"""

_FILTERS = ("diagnosis", "design", "population", "phase", "comparator")


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
    parser.add_argument(
        "--outcome", default="efficacy", help="efficacy, severity, response, ... (default efficacy)"
    )
    parser.add_argument("--comparator", action="append", help="kind of comparator (repeatable)")
    parser.add_argument("--diagnosis", action="append", help="diagnosis (repeatable)")
    parser.add_argument("--design", action="append", help="trial design (repeatable)")
    parser.add_argument("--population", action="append", help="population (repeatable)")
    parser.add_argument("--phase", action="append", help="acute, continuation, followup")
    parser.add_argument("--tiers", default="AB", help="data tiers to pool (default: AB)")
    parser.add_argument("--method", default="REML", help="tau2 estimator (default: REML)")
    parser.add_argument("--test", default="knha", help="z, knha, knha-conservative")
    parser.add_argument("--level", type=float, default=0.95, help="confidence level")


def run(options: argparse.Namespace) -> int:
    """Select and pool the effects, and print both."""
    from combined_care.evidence import load_evidence  # noqa: PLC0415
    from combined_care.synthesis import synthesize  # noqa: PLC0415

    filters = {name: value for name in _FILTERS if (value := getattr(options, name))}
    effects = load_evidence().effects(outcome=options.outcome, tiers=options.tiers, **filters)
    if effects.empty:
        complain("no trial with usable numbers answers this question")
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
        print_json({"trials": list(effects["trial_id"]), **fit.to_dict()})
        return 0
    shown = effects[["label", "diagnosis", "comparator", "outcome", "measure", "yi", "vi", "tier"]]
    if not options.quiet:
        print(shown.to_string(index=False, float_format=lambda x: f"{x:.3f}"))
    print(fit)
    return 0
