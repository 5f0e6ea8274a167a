"""Time network meta-analyses: the project's own network and a large simulated one.

Run ``python benchmarks/network.py``. Times are processor times. metafor's ``rma.mv`` fits the same
REML model, without the tests that come along here; it is left out, with a message, where there is
no Rscript with metafor.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from section import write

from combined_care.components import component_network
from combined_care.evidence import load_evidence
from combined_care.evidence_network import network_of
from combined_care.network import network_meta_analysis

if TYPE_CHECKING:
    from collections.abc import Callable

RMA_MV = """
suppressMessages(library(metafor))
args <- commandArgs(TRUE)
d <- read.csv(args[1])
names <- sort(unique(c(d$treat1, d$treat2)))
blocks <- lapply(split(d, d$study), function(x) {
  arms <- sort(unique(c(x$treat1, x$treat2)))
  y <- v <- matrix(0, length(arms), length(arms), dimnames = list(arms, arms))
  for (i in seq_len(nrow(x))) {
    a <- x$treat1[i]; b <- x$treat2[i]
    y[a, b] <- x$yi[i]; y[b, a] <- -x$yi[i]; v[a, b] <- v[b, a] <- x$vi[i]
  }
  rest <- arms[-1]
  B <- matrix(0, length(rest), length(names), dimnames = list(NULL, names))
  B[cbind(seq_along(rest), match(rest, names))] <- 1
  B[, arms[1]] <- -1
  V <- outer(rest, rest, Vectorize(function(p, q) (v[arms[1], p] + v[arms[1], q] - v[p, q]) / 2))
  list(y = y[rest, arms[1]], B = B, V = V, study = rep(x$study[1], length(rest)),
       row = seq_along(rest))
})
pick <- function(name) unlist(lapply(blocks, `[[`, name))
dat <- data.frame(y = pick("y"), study = pick("study"), row = pick("row"))
X <- do.call(rbind, lapply(blocks, `[[`, "B"))[, -1]
start <- sum(proc.time()[1:2])
fit <- rma.mv(y, lapply(blocks, `[[`, "V"), mods = X, intercept = FALSE, data = dat,
              random = ~ row | study, struct = "CS", rho = 1 / 2, sparse = TRUE)
cat(sum(proc.time()[1:2]) - start, fit$tau2)
"""


def simulated(treatments: int, trials: int, seed: int) -> dict[str, list[object]]:
    """Draw a connected network: four trials in five have two arms, the others three or four."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(0.0, 0.3, treatments)
    columns: dict[str, list[object]] = {n: [] for n in ("treat1", "treat2", "yi", "vi", "study")}
    for trial in range(trials):
        m = int(rng.choice([2, 2, 2, 2, 2, 2, 2, 2, 3, 4]))
        # A first ring of trials connects everything.
        first = [trial % treatments, (trial + 1) % treatments]
        others = rng.permutation(treatments)
        arms = first if trial < treatments else others[:m].tolist()
        own = 1.0 / rng.integers(20, 200, len(arms))
        level = effect[arms] + rng.normal(0.0, np.sqrt(own + 0.02))
        for i in range(len(arms)):
            for j in range(i + 1, len(arms)):
                row = (f"t{arms[i]:03d}", f"t{arms[j]:03d}", level[i] - level[j], own[i] + own[j])
                for name, value in zip(columns, (*row, f"trial {trial:04d}"), strict=True):
                    columns[name].append(value)
    return columns


def seconds(task: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest of several processor times."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        task()
        times.append(time.process_time() - start)
    return min(times)


def metafor(columns: dict[str, list[object]]) -> tuple[float, float] | None:
    """Return the processor time and tau² of rma.mv; None where it is missing."""
    program = shutil.which("Rscript")
    look = [program or "", "-e", "library(metafor)"]
    if program is None or subprocess.run(look, capture_output=True, check=False).returncode:
        return None
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "d.csv"), Path(folder, "fit.R")
        pd.DataFrame(columns).to_csv(data, index=False)
        script.write_text(RMA_MV, encoding="utf-8")
        run = subprocess.run(
            [program, str(script), str(data)], capture_output=True, text=True, check=True
        )
    taken, tau2 = map(float, run.stdout.split())
    return taken, tau2


def compare(title: str, columns: dict[str, list[object]]) -> None:
    """Print the times for one network."""
    fit = network_meta_analysis(**columns)
    print(f"\n{title}: {len(fit.treatments)} treatments, {fit.k} trials, {fit.pairs} pairs")
    for method in ("REML", "DL"):
        taken = seconds(lambda m=method: network_meta_analysis(**columns, method=m))  # type: ignore[misc]
        print(f"  network_meta_analysis, {method:4s} {1e3 * taken:9.1f} ms")
    print(f"  ranking                     {1e3 * seconds(fit.ranking):9.1f} ms")
    print(f"  league table                {1e3 * seconds(fit.league):9.1f} ms")
    found = metafor(columns)
    if found is None:
        print("  metafor skipped: no Rscript with metafor found")
    else:
        print(f"  metafor, rma.mv REML        {1e3 * found[0]:9.1f} ms")
        print(f"  tau²: {fit.tau2:.8f}, metafor {found[1]:.8f}")


def measure() -> None:
    """Print all comparisons."""
    evidence = load_evidence()
    depression = ("mdd", "persistent_depression")
    build = seconds(lambda: network_of(evidence, diagnosis=depression), 1)
    own = network_of(evidence, diagnosis=depression)
    print(f"Build the network of depression from the evidence: {build:.2f} s")
    compare("Depression, efficacy", own.columns())
    taken = seconds(lambda: component_network(**own.columns()))
    print(f"  component_network, REML     {1e3 * taken:9.1f} ms")
    compare("Simulated", simulated(100, 1000, seed=7))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the result into README.md")
    options = parser.parse_args()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        measure()
    print(printed.getvalue())
    if options.write:
        write("network", printed.getvalue())


if __name__ == "__main__":
    main()
