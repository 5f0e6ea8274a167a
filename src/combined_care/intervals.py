"""Does a reported interval fit its estimate, its standard error and its p-value?

Every comparison allows for the rounding of the printed digits: a printed 0.40 stands for anything
from 0.395 to 0.405.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from combined_care.problems import Problem, Severity
    from combined_care.results import FloatArray
    from combined_care.tabular import Table

#: Measures that are compared with 1 and are symmetric on the log scale.
RATIOS = ("or", "rr", "hr")
#: Quantile of a 95 % interval.
Z95 = float(-ndtri(0.025))
#: Distance of the estimate from the middle of its interval, in half-widths, beyond rounding.
#: Intervals by profile likelihood or bootstrap are a little lopsided, misprints are very.
LOPSIDED_WARNING, LOPSIDED_ERROR = 0.1, 0.25
#: Distance of two z-values, beyond rounding. Small samples (t for z) explain less than the first.
Z_WARNING, Z_ERROR = 0.5, 1.0
#: An interval from t with few degrees of freedom is wider than 1.96 standard errors on each side.
WIDTH_TOLERANCE = 0.15

_BoolArray = npt.NDArray[np.bool_]


class _Range(NamedTuple):
    """What a printed number may have been before it was rounded."""

    low: FloatArray
    high: FloatArray


def interval_problems(table: Table) -> Iterator[Problem]:
    """Check the columns effect, ci_low, ci_high, se and the p-value of a table.

    Parameters
    ----------
    table : Table
        Outcomes or published results: has the columns ``effect ci_low ci_high effect_measure
        p_operator p_value p_note`` and perhaps ``se``.

    Yields
    ------
    Problem
        Ratios that are not positive, limits in the wrong order or without an effect, intervals
        that leave out their estimate, are lopsided on their scale, or contradict the standard
        error or the p-value.
    """
    yield from _ratio_problems(table)
    yield from _limit_problems(table)
    reported = _Reported.of(table)
    yield from _position_problems(table, reported)
    yield from _width_problems(table, reported)
    yield from _p_problems(table, reported)


def half_unit(cells: pd.Series[str]) -> FloatArray:
    """Return half a unit of the last printed digit; nan for an empty cell.

    Examples
    --------
    >>> import pandas as pd
    >>> half_unit(pd.Series(["0.40", "12", "1e-3", ""])).tolist()
    [0.005, 0.5, 0.0005, nan]
    """
    return cells.map({text: _half_unit(text) for text in cells.unique()}).to_numpy(np.float64)


def _half_unit(text: str) -> float:
    mantissa, _, exponent = text.lower().partition("e")
    try:
        float(text)
        return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    except ValueError:
        return float("nan")


@dataclass(frozen=True, kw_only=True)
class _Reported:
    """Effects and limits on the scale on which they are symmetric: logarithms of ratios."""

    effect: _Range
    low: _Range
    high: _Range
    se: _Range

    @classmethod
    def of(cls, table: Table) -> _Reported:
        ratio = _is_ratio(table)
        effect, low, high = (
            _on_scale(_printed(table, name), ratio) for name in ("effect", "ci_low", "ci_high")
        )
        nothing = np.full(len(table.cells), np.nan)
        se = _printed(table, "se") if "se" in table.cells else _Range(nothing, nothing)
        return cls(effect=effect, low=low, high=high, se=se)

    @property
    def half_width(self) -> _Range:
        """Half the width of the interval; at least zero."""
        narrow = (self.high.low - self.low.high) / 2
        return _Range(np.maximum(narrow, 0.0), (self.high.high - self.low.low) / 2)


def _printed(table: Table, column: str) -> _Range:
    value = table.values[column].to_numpy(np.float64)
    half = half_unit(table.cells[column])
    return _Range(value - half, value + half)


def _is_ratio(table: Table) -> _BoolArray:
    return table.values["effect_measure"].isin(RATIOS).to_numpy(bool)


def _on_scale(printed: _Range, ratio: _BoolArray) -> _Range:
    """Take logarithms of ratios; what may be zero or less reaches down to minus infinity."""

    def scaled(values: FloatArray) -> FloatArray:
        logs = np.log(values, where=values > 0, out=np.full(len(values), -np.inf))
        return np.where(ratio, np.where(np.isnan(values), np.nan, logs), values)

    return _Range(scaled(printed.low), scaled(printed.high))


def _gap(a: _Range, b: _Range) -> FloatArray:
    """Return the distance between two ranges, zero where they overlap, nan where one is absent."""
    return np.maximum(np.maximum(a.low - b.high, b.low - a.high), 0.0)


def _ratio_problems(table: Table) -> Iterator[Problem]:
    ratio = _is_ratio(table)
    for column in ("effect", "ci_low", "ci_high"):
        wrong = ratio & (table.values[column] <= 0)
        yield from table.problems(wrong, column, "a ratio above 0")


def _limit_problems(table: Table) -> Iterator[Problem]:
    values = table.values
    yield from table.problems(
        values["ci_low"] > values["ci_high"], "ci_low, ci_high", "the lower limit first"
    )
    interval = values["ci_low"].notna() & values["ci_high"].notna()
    lost = values["effect"].isna() & (interval | values.get("se", values["effect"]).notna())
    yield from table.problems(
        lost, "effect", "the effect that the interval or error belongs to", "warning"
    )
    unnamed = values["effect"].notna() & (values["effect_measure"] == "")
    yield from table.problems(unnamed, "effect_measure", "the scale of the effect")
    alone = (values["p_operator"] == "") != values["p_value"].isna()
    yield from table.problems(alone, "p_operator, p_value", "both, or neither")


def _position_problems(table: Table, reported: _Reported) -> Iterator[Problem]:
    """Find estimates outside their interval, or far from its middle."""
    effect, low, high = reported.effect, reported.low, reported.high
    outside = (effect.high < low.low) | (effect.low > high.high)
    columns = "effect, ci_low, ci_high"
    yield from table.problems(outside, columns, "an interval that contains its estimate")
    middle = _Range((low.low + high.low) / 2, (low.high + high.high) / 2)
    width = np.maximum(reported.half_width.high, np.finfo(float).tiny)
    with np.errstate(invalid="ignore"):
        share = np.where(outside, 0.0, _gap(effect, middle) / width)
    scale = np.where(_is_ratio(table), "the log scale", "its scale")
    severities: tuple[tuple[Severity, _BoolArray], ...] = (
        ("error", share > LOPSIDED_ERROR),
        ("warning", (share > LOPSIDED_WARNING) & (share <= LOPSIDED_ERROR)),
    )
    for severity, rows in severities:
        yield from table.problems(
            rows,
            columns,
            lambda i: (
                f"an estimate in the middle of its interval on {scale[i]}"
                f" (it lies {share[i]:.0%} of the half-width away)"
            ),
            severity,
        )


def _width_problems(table: Table, reported: _Reported) -> Iterator[Problem]:
    """Find intervals that are not about 1.96 standard errors wide on each side."""
    implied = _Range(reported.half_width.low / Z95, reported.half_width.high / Z95)
    loose = _Range(implied.low * (1 - WIDTH_TOLERANCE), implied.high * (1 + WIDTH_TOLERANCE))
    yield from table.problems(
        _gap(loose, reported.se) > 0,
        "se, ci_low, ci_high",
        lambda i: (
            f"a standard error of about {(implied.low[i] + implied.high[i]) / 2:.3g}"
            " by the 95 % interval"
        ),
        "warning",
    )


def _p_problems(table: Table, reported: _Reported) -> Iterator[Problem]:
    """Compare the z-value of the estimate with that of the p-value.

    A p-value with a note belongs to another test (several groups, a range) and is left alone.
    """
    own = (table.values["p_note"] == "").to_numpy(bool)
    z, z_of_p = _z_of_estimate(reported), _z_of_p(table)
    gap = np.where(own, _gap(z, z_of_p), np.nan)
    sure, sure_p = _significant(z), _significant(z_of_p)
    contradicts = own & (sure * sure_p < 0)
    severities: tuple[tuple[Severity, _BoolArray], ...] = (
        ("error", gap > Z_ERROR),
        ("warning", (gap <= Z_ERROR) & ((gap > Z_WARNING) | contradicts)),
    )
    for severity, rows in severities:
        yield from table.problems(
            rows,
            "p_operator, p_value",
            lambda i: (
                "a p-value that agrees with the interval or standard error, which give"
                f" p {_about(z.low[i], z.high[i])}"
            ),
            severity,
        )


def _about(z_low: float, z_high: float) -> str:
    small, large = 2 * ndtr(-z_high), 2 * ndtr(-z_low)
    return f"from {small:.2g} to {large:.2g}"


def _z_of_estimate(reported: _Reported) -> _Range:
    """Return the |z| that the estimate and its interval, else its standard error, imply."""
    effect, half = reported.effect, reported.half_width
    spread = _Range(
        np.where(np.isnan(half.low), reported.se.low, half.low / Z95),
        np.where(np.isnan(half.high), reported.se.high, half.high / Z95),
    )
    straddles = (effect.low < 0) & (effect.high > 0)
    near = np.where(straddles, 0.0, np.minimum(np.abs(effect.low), np.abs(effect.high)))
    far = np.maximum(np.abs(effect.low), np.abs(effect.high))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _Range(near / spread.high, far / spread.low)


def _z_of_p(table: Table) -> _Range:
    """Return the |z| that a two-sided p-value stands for."""
    p = _printed(table, "p_value")
    value = table.values["p_value"].to_numpy(np.float64)
    operator = table.values["p_operator"].to_numpy(str)
    smallest = np.select([operator == "<", operator == ">"], [0.0, value], np.maximum(p.low, 0))
    largest = np.select([operator == "<", operator == ">"], [value, 1.0], np.minimum(p.high, 1))
    known = ~np.isnan(value)
    z_low, z_high = -ndtri(largest / 2), -ndtri(smallest / 2)
    return _Range(np.where(known, z_low, np.nan), np.where(known, z_high, np.nan))


def _significant(z: _Range) -> npt.NDArray[np.int64]:
    """Return 1 where p is surely below 0.05, -1 where surely above, 0 where rounding hides it."""
    return (z.low >= Z95).astype(np.int64) - (z.high <= Z95).astype(np.int64)
