"""Small tables for the teaching notebooks: one comparison each, made by calls of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care.results import Number, is_present
from combined_care.sensitivity import cumulative

if TYPE_CHECKING:
    from combined_care.synthesis import Synthesis

_TESTS = {
    "z": "normal distribution (Wald)",
    "knha": "Knapp-Hartung",
    "knha-conservative": "Knapp-Hartung, never narrower than normal",
}
#: Numbers of trials at which :func:`as_evidence_grew` looks, besides all of them.
_LOOKS = (3, 5, 10, 20, 40, 80)


def by_test(fit: Synthesis) -> pd.DataFrame:
    """Show one estimate with its interval made in each way.

    Parameters
    ----------
    fit : Synthesis
        From :func:`combined_care.synthesize`, of at least two trials.

    Returns
    -------
    pandas.DataFrame
        One row a way: ``interval``, ``from``, ``to``, ``width``, ``p``.

    Examples
    --------
    >>> from combined_care.synthesis import synthesize
    >>> by_test(synthesize([0.2, 0.5, 0.4], [0.1, 0.1, 0.1]))["width"].tolist()
    [0.716, 0.759, 1.571]
    """
    rows = [
        {
            "interval": _TESTS[found.test],
            "from": _rounded(found.ci_lb),
            "to": _rounded(found.ci_ub),
            "width": _width(found.ci_lb, found.ci_ub),
            "p": _rounded(found.pval, 4),
        }
        for found in fit.inferences
    ]
    return pd.DataFrame(rows)


def repeated_trials(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the effects whose trial stands in more than one row, with the sizes of the arms.

    Parameters
    ----------
    effects : pandas.DataFrame
        As :meth:`combined_care.evidence.Evidence.effects` gives it.

    Returns
    -------
    pandas.DataFrame
        ``label, comparator, n_e, n_c, yi``: equal ``n_e`` within a trial are the same people.
    """
    again = effects[effects["trial_id"].duplicated(keep=False)]
    columns = ["label", "comparator", "n_e", "n_c", "yi"]
    return again[columns].round({"yi": 2}).reset_index(drop=True)


def as_evidence_grew(effects: pd.DataFrame) -> pd.DataFrame:
    """Show how wide both intervals were when there were so many trials, in the order of years.

    Parameters
    ----------
    effects : pandas.DataFrame
        As :meth:`combined_care.evidence.Evidence.effects` gives it, one row a trial.

    Returns
    -------
    pandas.DataFrame
        ``trials, estimate, confidence interval, prediction interval``: the last two are widths.
    """
    grown = cumulative(
        effects["yi"].to_numpy(), effects["vi"].to_numpy(), order=effects["year"].to_numpy()
    ).to_frame()
    rows: list[dict[Any, Any]] = grown.to_dict("records")
    return pd.DataFrame(
        {
            "trials": row["k"],
            "estimate": _rounded(row["estimate"]),
            "confidence interval": _width(row["ci_lb"], row["ci_ub"]),
            "prediction interval": _width(row["pi_lb"], row["pi_ub"]),
        }
        for row in rows
        if row["k"] in {*_LOOKS, len(effects)}
    )


def _width(lower: Any, upper: Any) -> Any:
    return _rounded(upper - lower) if is_present(lower) and is_present(upper) else str(lower)


def _rounded(value: Number, digits: int = 3) -> Any:
    """Round what is there; what is absent is said with its reason."""
    return round(float(value), digits) if is_present(value) else str(value)
