"""The options with which a command takes a question of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

_FILTERS = ("diagnosis", "design", "population", "phase", "comparator")
_MODEL = ("method", "test", "level")
#: All of them, by the name under which they are stored.
QUESTION = ("outcome", "comparator", "diagnosis", "design", "population", "phase", "tiers", *_MODEL)


def add_question(parser: argparse._ActionsContainer) -> None:
    """Add the options: what is asked, and how it is pooled."""
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


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was asked, as :meth:`combined_care.evidence.Evidence.effects` takes it."""
    filters = {name: value for name in _FILTERS if (value := getattr(options, name))}
    return {"outcome": options.outcome, "tiers": options.tiers, **filters}


def model(options: argparse.Namespace) -> dict[str, Any]:
    """Return how it is pooled, as :func:`combined_care.synthesis.synthesize` takes it."""
    return {name: getattr(options, name) for name in _MODEL}


def given(options: argparse.Namespace) -> list[str]:
    """Name the options that were given another value than their default."""
    return [n for n in QUESTION if getattr(options, n) != options.parser.get_default(n)]
