"""The evidence map: every diagnosis against every comparator, gaps included."""

from __future__ import annotations

import pytest

from combined_care.claims import load_claims
from combined_care.landscape import map_evidence
from combined_care.results import Absent
from combined_care.review import current_review
from combined_care.synthesis import synthesize
from small_evidence import evidence, means, trial

RULES = load_claims()["mdd-combined"].rules


@pytest.fixture(scope="module")
def found():
    trials = [trial(f"t{i}") for i in range(3)] + [trial("p", diagnosis="panic")]
    trials.append(trial("s", design="sequential_addition"))
    rows = [means(f"t{i}", 0.2 + 0.1 * i) for i in range(3)]
    rows += [means("p", 0.5, tier="D", favours="combined"), means("s", 0.9)]
    return map_evidence(evidence(trials, rows), RULES)


def test_every_pair_has_a_cell(found):
    assert found.diagnoses == ("mdd", "panic")
    every = current_review().every_comparator
    assert set(found.cells) == {(d, c) for d in found.diagnoses for c in every}


def test_a_cell_pools_concurrent_trials_and_counts_people(found):
    cell = found.cell("mdd", "pharmacotherapy")
    assert (cell.k, cell.n, cell.unpooled) == (3, 3 * 80, 0)
    assert cell.fit == synthesize(cell.fit.yi, cell.fit.vi, slab=cell.fit.slab)


def test_a_trial_without_usable_numbers_is_no_gap(found):
    cell = found.cell("panic", "pharmacotherapy")
    assert (cell.k, cell.unpooled, cell.empty) == (0, 1, False)
    assert isinstance(cell.fit, Absent)


def test_unreported_arm_sizes_are_not_shown_as_nobody():
    row = means("t", 0.4, n=float("nan"), tier="B", effect=-0.4, se=0.2, effect_measure="smd",
                favours_experimental_when="lower")  # fmt: skip
    cell = map_evidence(evidence([trial("t")], [row]), RULES).cell("mdd", "pharmacotherapy")
    assert (cell.k, cell.size) == (1, "unknown")


def test_gaps_are_counted(found):
    assert found.cell("panic", "psychotherapy").empty
    assert found.gaps == len(found.cells) - 2
