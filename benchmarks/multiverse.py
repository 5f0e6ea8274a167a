"""Measure the multiverse of all claims together, beside a loop of single fits, in one run.

Run ``python benchmarks/multiverse.py``. Times are processor times, so that other work on the
machine counts little. The loop fits a part of the same specifications one by one and is
extrapolated; it gets the effects for nothing, while the multiverse has to find them.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from section import write

from combined_care.claims import load_claims
from combined_care.draws import permutation
from combined_care.evidence import load_evidence
from combined_care.multiverse_table import multiverse
from combined_care.small_study import pet_peese
from combined_care.spec_resampling import SEED
from combined_care.specifications import specify
from combined_care.step_selection import selection_model
from combined_care.synthesis import synthesize
from combined_care.trim_fill import trim_and_fill

if TYPE_CHECKING:
    from combined_care.claims import Claim
    from combined_care.evidence import Evidence
    from combined_care.specifications import Part

#: Upper limits that the project sets itself: seconds on two cores, and megabytes.
SECONDS, MEGABYTES = 60.0, 1000.0


class Cost(NamedTuple):
    """What one claim costs: rows of its table, seconds, and fits and seconds of the loop."""

    rows: int
    seconds: float
    looped: int
    loop_seconds: float


def measure(claim: Claim, evidence: Evidence, looped: int) -> Cost:
    """Time the multiverse of one claim, and single fits of some of its specifications."""
    start = time.process_time()
    rows = len(multiverse(claim, evidence))
    seconds = time.process_time() - start
    pooled = [
        part
        for part in specify(claim, evidence, seed=SEED).parts
        if part.variants.analysis.kind != "moderator"
    ]
    count, loop_seconds = 0, 0.0
    for part in pooled:
        start = time.process_time()
        count += loop(part, looped)
        loop_seconds += time.process_time() - start
    return Cost(rows, seconds, count, loop_seconds)


def loop(part: Part, looped: int) -> int:
    """Fit some specifications of an analysis one after the other; return how many."""
    data, settings = part.data, part.settings
    fewest = part.variants.choices.min_trials_for_adjustment
    chosen = permutation("loop", data.place.size)[:looped]
    for row in chosen.tolist():
        at = data.place[row]
        if data.k[at] == 0 or data.repeated[at]:
            continue
        here = data.positions[at] >= 0
        yi, vi = data.yi[at][here], data.vi[at][here]
        method, test = settings.method[row], settings.test[row]
        adjustment = settings.adjustment[row] if data.k[at] >= fewest else ""
        match adjustment:
            case "trim-fill":
                trim_and_fill(yi, vi, method=method, test=test)
            case "pet-peese":
                pet_peese(yi, vi)
            case "selection":
                selection_model(yi, vi)
            case _:
                synthesize(yi, vi, method=method, test=test)
    return len(chosen)


def report(looped: int) -> str:
    """Measure all claims that trials can test, and put the result into words."""
    evidence, claims = load_evidence(), load_claims()
    start = time.perf_counter()
    costs = {c.id: measure(c, evidence, looped) for c in claims.values() if c.testable}
    wall = time.perf_counter() - start
    rows, seconds = sum(c.rows for c in costs.values()), sum(c.seconds for c in costs.values())
    fits = sum(c.looped for c in costs.values())
    rate = fits / sum(c.loop_seconds for c in costs.values())
    unit = 1e6 if sys.platform == "darwin" else 1e3  # macOS counts bytes, Linux kilobytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    lines = [
        f"{len(costs)} claims, {rows:,} specifications of their decisive analyses",
        f"  multiverse, one core    {rows / seconds:10,.0f} specifications/s   {seconds:8.1f} s",
        f"  loop of single fits     {rate:10,.0f} specifications/s   {rows / rate:8.1f} s "
        f"(extrapolated from {fits:,} fits)",
        f"  ratio {rows / seconds / rate:.0f}; peak memory {peak:.0f} MB, loop included; "
        f"{wall:.0f} s by the clock in all",
        "  the five that take longest:",
        *(
            f"    {name:24s}{cost.rows:8,} specifications {cost.seconds:6.2f} s"
            for name, cost in sorted(costs.items(), key=lambda item: -item[1].seconds)[:5]
        ),
    ]
    failed = [f"{seconds:.0f} s exceed {SECONDS:.0f} s"] if seconds > SECONDS else []
    failed += [f"{peak:.0f} MB exceed {MEGABYTES:.0f} MB"] if peak > MEGABYTES else []
    if failed:
        raise SystemExit("\n".join([*lines, *failed]))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looped", type=int, default=60, help="single fits an analysis")
    parser.add_argument("--write", action="store_true", help="put the result into README.md")
    options = parser.parse_args()
    text = report(options.looped)
    print(text)
    if options.write:
        write("multiverse", text)


if __name__ == "__main__":
    main()
