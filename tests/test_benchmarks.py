"""The documented coverage of the intervals is what a fresh, smaller simulation gives."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(FOLDER))  # as for a script; one of them bears the name of a package
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(FOLDER))
    return module


def numbers(row):
    return [float(cell) for cell in row.strip("| \n").split("|")]


@pytest.mark.parametrize("condition", [(3, 20, 0.1), (5, 1, 0.0), (10, 20, 0.02), (20, 1, 0.1)])
def test_documented_coverage_is_met_within_three_standard_errors(condition):
    coverage = load("coverage")
    k, ratio, tau2 = condition
    start = f"| {k} | {ratio:g} | {tau2:g} |"
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    stored = np.array(numbers(next(line for line in lines if line.startswith(start)))[3:])
    n = 4000
    fresh = np.array(numbers(coverage.cell(k, ratio, tau2, n))[3:])
    error = 100 * np.sqrt(np.maximum(stored / 100 * (1 - stored / 100), 1e-3) * (1 / n + 1 / 20000))
    assert (np.abs(fresh - stored) <= 3 * error + 0.1).all()


def test_each_documented_condition_is_simulated_once():
    coverage = load("coverage")
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- coverage: begin -->")[1].split("<!-- coverage: end -->")[0]
    rows = [line for line in table.splitlines() if line[2:3].isdigit()]
    expected = len(coverage.SIZES) * len(coverage.RATIOS) * len(coverage.HETEROGENEITY)
    assert len(rows) == len(set(rows)) == expected


def test_each_script_has_a_part_of_the_page_that_is_filled():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in ("coverage", "speed", "multiverse", "network", "render"):
        _, _, rest = text.partition(f"<!-- {name}: begin -->\n")
        assert len(rest.partition(f"<!-- {name}: end -->")[0]) > 100, name


def test_generated_data_sets_of_the_speed_benchmark_have_the_sizes_asked_for():
    speed = load("fits_per_second")
    sizes = np.array([3, 7, 5])
    y, v, mask = speed.data_sets(3, sizes, seed=1)
    assert mask.sum(axis=1).tolist() == sizes.tolist()
    assert y.shape == v.shape == (3, 7)
    assert (v > 0).all()
