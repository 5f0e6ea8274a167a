"""Simulate how often the intervals hold what they promise, and write the table into README.md.

Run ``python benchmarks/coverage.py``; ``--check`` only compares with the README and fails if the
table there is not what this run gives. Same seed, same table.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from section import README, replaced

from combined_care.inference import TESTS
from combined_care.synthesis import synthesize_many

SEED, EFFECT, VARIANCE = 20261124, 0.3, 0.05
SIZES, RATIOS, HETEROGENEITY = (3, 5, 10, 20), (1, 20), (0.0, 0.02, 0.1)
HEADER = (
    "| k | variance ratio | tau² | z | knha | knha-conservative | PI (k-1) | PI (k-2) |",
    "|---|---|---|---|---|---|---|---|",
)


def variances(k: int, ratio: float) -> np.ndarray:
    """Return variances spaced evenly on the log scale, of geometric mean 0.05."""
    return VARIANCE * ratio ** np.linspace(-0.5, 0.5, k)


def share_covering(lower: np.ndarray, upper: np.ndarray, truth: np.ndarray | float) -> float:
    """Return the percentage of intervals that hold the truth."""
    return float(100.0 * np.mean((lower <= truth) & (truth <= upper)))


def cell(k: int, ratio: float, tau2: float, n: int) -> str:
    """Simulate one condition and return its row of the table."""
    rng = np.random.default_rng([SEED, k, int(ratio), round(1000 * tau2)])
    v = variances(k, ratio)
    y = rng.normal(EFFECT, np.sqrt(v + tau2), (n, k))
    new = rng.normal(EFFECT, np.sqrt(tau2), n)
    found = []
    for test in TESTS:
        table = synthesize_many(y, np.tile(v, (n, 1)), test=test)
        found.append(share_covering(table["ci_lb"], table["ci_ub"], EFFECT))
    for pi_df in ("k-1", "k-2"):
        table = synthesize_many(y, np.tile(v, (n, 1)), pi_df=pi_df)
        found.append(share_covering(table["pi_lb"], table["pi_ub"], new))
    numbers = " | ".join(f"{value:.1f}" for value in found)
    return f"| {k} | {ratio:g} | {tau2:g} | {numbers} |"


def coverage_table(n: int) -> str:
    """Return the table of all conditions as Markdown."""
    rows = [cell(k, r, t, n) for k in SIZES for r in RATIOS for t in HETEROGENEITY]
    return "\n".join([*HEADER, *rows])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=20_000, help="data sets per condition")
    parser.add_argument("--check", action="store_true", help="compare with the README only")
    options = parser.parse_args()
    new = replaced("coverage", coverage_table(options.sets))
    if options.check:
        text = README.read_text(encoding="utf-8")
        print("the table is current" if new == text else "the table of README.md is not current")
        return int(new != text)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
