"""Measure pooled data sets per second: this package, PyMARE and metafor, side by side in one run.

Run ``python benchmarks/fits_per_second.py``. Times are processor times, so that other work on the
machine counts little. metafor is left out, with a message, where there is no Rscript with metafor.
statsmodels is not listed: it has no REML.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pymare.estimators import VarianceBasedLikelihoodEstimator
from section import write

from combined_care.synthesis import synthesize, synthesize_many

if TYPE_CHECKING:
    from collections.abc import Callable


METAFOR_LOOP = """
suppressMessages(library(metafor))
args <- commandArgs(TRUE)
y <- as.matrix(read.csv(args[1], header = FALSE)); v <- as.matrix(read.csv(args[2], header = FALSE))
failed <- 0
start <- sum(proc.time()[1:2])
for (i in seq_len(nrow(y))) {
  here <- !is.na(y[i, ])
  fit <- suppressWarnings(try(
    rma(y[i, here], v[i, here], method = "REML", test = "knha"), silent = TRUE))
  failed <- failed + inherits(fit, "try-error")
}
cat(sum(proc.time()[1:2]) - start, failed)
"""


def data_sets(n: int, sizes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw effects with variance ratios up to 100; shapes (n, largest size), and their mask."""
    rng = np.random.default_rng(seed)
    mask = np.arange(sizes.max()) < sizes[:, None]
    v = 10.0 ** rng.uniform(-2.0, 0.0, mask.shape)
    y = rng.normal(0.3, np.sqrt(v + 0.1 * rng.random((n, 1))))
    return y, v, mask


def best_of(task: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest of several processor times, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        task()
        times.append(time.process_time() - start)
    return min(times)


def pymare_loop(y: np.ndarray, v: np.ndarray, mask: np.ndarray) -> None:
    """Fit one data set after the other, with standard errors and intervals."""
    for row_y, row_v, here in zip(y, v, mask, strict=True):
        pymare_fit(row_y[here][:, None], row_v[here][:, None])


def pymare_fit(y: np.ndarray, v: np.ndarray) -> None:
    """Fit data sets given as columns, REML with Knapp-Hartung."""
    estimator = VarianceBasedLikelihoodEstimator(method="reml")
    estimator.fit(y=y, v=v, X=np.ones((len(y), 1))).summary().get_fe_stats()


def metafor_rate(y: np.ndarray, v: np.ndarray, mask: np.ndarray) -> tuple[float, float] | None:
    """Return metafor's fits per second and its share of failures; None where it is missing."""
    program = shutil.which("Rscript")
    if (
        program is None
        or subprocess.run(
            [program, "-e", "library(metafor)"], capture_output=True, check=False
        ).returncode
    ):
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("y.csv", "v.csv", "loop.R")]
        for path, values in zip(paths, (y, v), strict=False):
            lines = np.where(mask, values, np.nan).astype(str)
            text = "\n".join(",".join(line) for line in lines).replace("nan", "NA")
            path.write_text(text + "\n", encoding="utf-8")
        paths[2].write_text(METAFOR_LOOP, encoding="utf-8")
        run = subprocess.run(
            [program, str(paths[2]), str(paths[0]), str(paths[1])],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    seconds, failed = map(float, run.stdout.split())
    return len(y) / seconds, failed / len(y)


def compare(title: str, sizes: np.ndarray, looped: int, *, equal: bool) -> None:
    """Print the rates for one kind of data sets; the loops run on the first `looped` of them."""
    n = sizes.size
    y, v, mask = data_sets(n, sizes, seed=20261124)
    some = slice(0, looped)
    rates = {
        "synthesize_many": n / best_of(lambda: synthesize_many(y, v, mask=mask)),
        "... and tau2 CI": n / best_of(lambda: synthesize_many(y, v, mask=mask, tau2_ci=True)),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if equal:
            rates["PyMARE, one call"] = n / best_of(lambda: pymare_fit(y.T, v.T), 1)
        loop = best_of(lambda: pymare_loop(y[some], v[some], mask[some]), 1)
    rates["PyMARE, loop"] = looped / loop
    found = metafor_rate(y[some], v[some], mask[some])
    print(f"\n{title}: {n} data sets, REML + Knapp-Hartung (loops: the first {looped})")
    if found is None:
        print("  metafor skipped: no Rscript with metafor found")
    else:
        rates["metafor, loop"] = found[0]
        ours = synthesize_many(y[some], v[some], mask=mask[some])["estimate"].isna().mean()
        print(
            f"  no result from metafor: {100 * found[1]:.1f} %, synthesize_many: {100 * ours:.1f} %"
        )
    reference = rates.get("metafor, loop")
    for name, rate in rates.items():
        ratio = f"{rate / reference:8.0f} x metafor" if reference else ""
        print(f"  {name:18s}{rate:12.0f} fits/s {ratio}")


def growth() -> None:
    """Print the time a fit takes as data sets become more, and larger."""
    print("\nCost per data set (microseconds)")
    for label, cases in (
        ("k = 12, n =", [(n, 12) for n in (1_000, 4_000, 16_000, 64_000)]),
        ("n = 4000, k =", [(4_000, k) for k in (6, 12, 24, 48, 96)]),
    ):
        for n, k in cases:
            y, v, _ = data_sets(n, np.full(n, k), seed=k)
            micro = 1e6 * best_of(lambda y=y, v=v: synthesize_many(y, v)) / n  # type: ignore[misc]
            shown = n if label.startswith("k") else k
            print(f"  {label} {shown:<6d}{micro:8.2f}   per study {micro / k:.3f}")
    y, v, _ = data_sets(1, np.array([12]), seed=1)
    single = best_of(lambda: [synthesize(y[0], v[0]) for _ in range(100)]) / 100
    print(f"  one call of synthesize, k = 12: {1e3 * single:.2f} ms")


def measure(n: int, looped: int) -> None:
    """Print all comparisons."""
    compare("Equal sizes, k = 12", np.full(n, 12), looped, equal=True)
    compare("Ragged, k = 3 to 60", np.random.default_rng(1).integers(3, 61, n), looped, equal=False)
    growth()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=10_000, help="data sets per comparison")
    parser.add_argument("--looped", type=int, default=500, help="data sets for the loops")
    parser.add_argument("--write", action="store_true", help="put the result into README.md")
    options = parser.parse_args()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        measure(options.sets, min(options.looped, options.sets))
    print(printed.getvalue())
    if options.write:
        write("speed", printed.getvalue())


if __name__ == "__main__":
    main()
