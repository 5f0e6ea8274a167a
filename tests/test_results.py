"""What every result shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from combined_care.results import Absent, FloatArray, Number, Result, frozen_array, is_present


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample(Result):
    name: str
    value: Number
    missing: Number
    far: float
    items: FloatArray
    inner: Result | None
    pairs: tuple[tuple[str, float], ...]
    table: pd.DataFrame

    def __str__(self) -> str:
        return f"{self.name}: {self.value:.1f}, {self.missing:.1f}."


def sample(**changes) -> Sample:
    given = {
        "name": "x",
        "value": 1.5,
        "missing": Absent("k < 3"),
        "far": float("-inf"),
        "items": frozen_array([0.1, 0.2]),
        "inner": None,
        "pairs": (("a", 1.0),),
        "table": pd.DataFrame({"k": [1, 2], "why": [Absent("no"), 2.0]}),
    }
    return Sample(**given | changes)


def test_json_round_trip_keeps_everything_also_what_is_absent():
    first = sample(inner=sample())
    again = Sample.from_json(first.to_json())
    assert again == first
    assert again.missing == Absent("k < 3")
    assert again.far == float("-inf")
    assert isinstance(again.inner, Sample)
    assert again.pairs == (("a", 1.0),)


def test_equality_is_by_content():
    assert sample() == sample()
    assert hash(sample()) == hash(sample())
    assert sample() != sample(value=2.0)
    assert sample() != "x"


def test_a_nan_never_leaves_in_a_result():
    with pytest.raises(ValueError, match="use Absent with the reason"):
        sample(value=float("nan")).to_json()


def test_arrays_are_copied_and_read_only():
    source = np.array([1.0])
    array = frozen_array(source)
    source[0] = 9
    assert array[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 9


def test_an_absence_writes_its_reason_wherever_a_number_was_expected():
    assert str(sample()) == "x: 1.5, not available (k < 3)."
    assert not is_present(Absent("x"))
    assert is_present(0.0)


def test_a_result_shows_as_a_table_with_its_sentence():
    html = sample()._repr_html_()
    assert html.startswith("<p>x: 1.5")
    assert "<caption>Result</caption>" in html
    assert "not available (k &lt; 3)" in html


def test_to_frame_has_the_scalar_fields():
    frame = sample().to_frame()
    assert list(frame.columns) == ["name", "value", "missing", "far", "inner"]


def test_two_results_of_one_name_are_refused_since_json_could_not_tell_them_apart():
    type("Absentee", (Result,), {"__module__": "one"})
    with pytest.raises(TypeError, match="two results are named Absentee: in one and other"):
        type("Absentee", (Result,), {"__module__": "other"})
