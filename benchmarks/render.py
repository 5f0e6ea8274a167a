"""Measure how fast the reports are built, beside a plain loop of papermill and nbconvert.

Run ``python benchmarks/render.py``; the loop over all pages takes minutes, ``--pages 4`` takes the
pages of the first four claims only. Everything is measured in one run, on a copy of the project,
as commands that start a new Python; times are wall times, so let the machine be idle.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from section import write

from combined_care.reports import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from combined_care.reports.catalogue import Page

PROJECT = Path(__file__).parents[1]
DIAGNOSIS = "ocd"
REPEATS = 5


@dataclass(frozen=True)
class Bench:
    """A copy of the project, and the claims whose pages are measured; without any, all pages."""

    root: Path
    claims: tuple[str, ...]

    @property
    def pages(self) -> list[Page]:
        """The pages that are measured."""
        return catalogue.pages(self.root, self.claims)

    def run(self, *command: str) -> tuple[float, str]:
        """Run a Python command; return seconds and what it printed."""
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=os.environ | {"COMBINED_CARE_ROOT": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            message = f"{' '.join(command)} failed:\n{done.stderr}"
            raise SystemExit(message)
        return time.perf_counter() - start, done.stdout

    def build(self) -> tuple[float, list[str]]:
        """Bring the reports up to date; return seconds and the pages that were built."""
        chosen = [word for claim in self.claims for word in ("--claim", claim)]
        command = ("-m", "combined_care.cli", "render", "--quiet", "--json", *chosen)
        seconds, printed = self.run(*command)
        return seconds, json.loads(printed)["built"]

    def loop(self, looped: int | None) -> tuple[float, int]:
        """Run papermill and nbconvert one page after the other; return seconds and how many.

        Of `looped` pages, spread evenly, the time of all is extrapolated.
        """
        pages = self.pages
        step = -(-len(pages) // looped) if looped else 1
        taken = [self._plain(page) for page in pages[::step]]
        return sum(taken) * len(pages) / len(taken), len(taken)

    def _plain(self, page: Page) -> float:
        made = self.root / "plain" / f"{page.name}.ipynb"
        made.parent.mkdir(exist_ok=True)
        given = ["--parameters_yaml", json.dumps(dict(page.parameters))]
        options = ["--kernel", "python3", "--no-progress-bar", *given]
        first, _ = self.run("-m", "papermill", str(page.notebook), str(made), *options)
        second, _ = self.run("-m", "nbconvert", "--to", "html", str(made))
        return first + second

    def change_a_trial(self) -> str:
        """Correct the notes of one trial; return its id."""
        file = self.root / "data" / "trials.csv"
        with file.open(encoding="utf-8", newline="") as source:
            rows = list(csv.DictReader(source))
        trial = next(row for row in rows if row["diagnosis"] == DIAGNOSIS)
        trial["notes"] += " Read again."
        with file.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return trial["trial_id"]


def measure(bench: Bench, looped: int | None = None) -> str:
    """Measure everything and return the report."""
    count = len(bench.pages)
    cold, built = bench.build()
    quick = [(bench.build()[0], bench.run("-c", "import pandas")[0]) for _ in range(REPEATS)]
    nothing, pandas = (min(times) for times in zip(*quick, strict=True))
    trial = bench.change_a_trial()
    changed, again = bench.build()
    loop, timed = bench.loop(looped)
    extrapolated = "" if timed == count else f" (extrapolated from {timed} pages)"
    rebuilt = ", ".join(again) or "none"
    lines = [
        f"{count} pages ({len(built)} built), {os.cpu_count()} cores, "
        f"load average at the end {os.getloadavg()[0]:.1f}",
        f"  papermill + nbconvert, one page after the other  {loop:8.1f} s{extrapolated}",
        f"  cold build                                       {cold:8.1f} s   "
        f"1/{loop / cold:.1f} of the loop",
        f"  one changed trial ({trial}): {len(again)} pages".ljust(51) + f"{changed:8.1f} s",
        f"  nothing changed                                  {nothing:8.2f} s   "
        f"{nothing / pandas:.2f} x import pandas",
        f'  python -c "import pandas"                        {pandas:8.2f} s',
        f"  pages of the changed trial: {rebuilt}",
    ]
    return "\n".join(lines)


def copy_of_project(folder: Path, pages: int | None) -> Bench:
    """Copy what reports are made from."""
    for name in ("data", "notebooks"):
        shutil.copytree(PROJECT / name, folder / name)
    claims = [page.name for page in catalogue.pages(folder) if "claim" in page.parameters]
    return Bench(folder, tuple(claims[:pages]) if pages else ())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, help="only the pages of so many claims")
    parser.add_argument("--looped", type=int, help="pages of the plain loop (default: all)")
    parser.add_argument("--write", action="store_true", help="write the result into README.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        report = measure(copy_of_project(Path(folder), options.pages), options.looped)
    print(report)
    if options.write:
        write("render", report)


if __name__ == "__main__":
    main()
