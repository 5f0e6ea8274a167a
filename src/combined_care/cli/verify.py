"""``combined-care verify``: recompute the verdicts and compare them with the committed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from combined_care.cli.output import paint, print_json, progress
from combined_care.cli.parsing import Commands, add_command

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
  combined-care verify            exit status 1 if a verdict, a count or a number differs
  combined-care verify --json     the differences for a program
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    add_command(
        commands,
        "verify",
        run,
        about="recompute reports/verdicts.json and compare",
        description="Judge every claim anew and compare with the committed reports/verdicts.json. "
        "Verdicts, counts and trials must be equal, numbers within their tolerance.",
        examples=_EXAMPLES,
    )


def run(options: argparse.Namespace) -> int:
    """Compare the computed with the committed document."""
    from combined_care.claims import load_claims  # noqa: PLC0415
    from combined_care.evidence import load_evidence  # noqa: PLC0415
    from combined_care.network_verdicts import judge_registered  # noqa: PLC0415
    from combined_care.paths import project_root  # noqa: PLC0415
    from combined_care.reports.plan import verdict_document  # noqa: PLC0415
    from combined_care.verdicts import judge  # noqa: PLC0415
    from combined_care.verification import read_verdicts, verify  # noqa: PLC0415

    root = project_root()
    committed = read_verdicts(root / "reports" / "verdicts.json")
    evidence = load_evidence(root / "data")
    claims = list(load_claims(root / "data" / "claims.yaml").values())
    bar = progress(claims, "judging claims", quiet=options.quiet)
    records = [judge(claim, evidence).to_dict() for claim in bar]
    registry = root / "data" / "network_claims.yaml"
    networks = judge_registered(evidence, claims[0].rules, registry)
    records += [verdict.to_dict() for verdict in networks]
    document = verdict_document(root, records)
    differences = verify(document, committed)
    if options.json:
        print_json([difference.to_dict() for difference in differences])
    elif differences:
        print(*differences, sep="\n")
        print(paint(f"reports/verdicts.json differs in {len(differences)} places", "red"))
    elif not options.quiet:
        print(f"ok: reports/verdicts.json is what the data give ({len(records)} claims)")
    return 1 if differences else 0
