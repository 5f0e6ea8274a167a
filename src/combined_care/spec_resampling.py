"""Inference over a whole multiverse: signs of trials drawn anew, or trials drawn with replacement.

Every resample is drawn once for all specifications, trial by trial, from numbers that depend on the
seed, the resample and the trial alone. Whoever computes which part changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from combined_care.dask_runner import run
from combined_care.draws import draws
from combined_care.errors import InputError
from combined_care.inputs import check_choice
from combined_care.results import Result
from combined_care.spec_labels import CODE
from combined_care.specifications import Part, specify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from combined_care.choices import Choices
    from combined_care.claims import Claim
    from combined_care.evidence import Evidence
    from combined_care.results import FloatArray
    from combined_care.spec_data import SpecFits

Kind = Literal["permutation", "bootstrap"]
SEED = 20261128
#: Resamples of one task.
_CHUNK = 8
_SUPPORTED = CODE["supported"]
#: p values this close count as equal.
_EQUAL = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class MultiverseInference(Result):
    """What resampling says about the specifications of a claim taken together.

    Attributes
    ----------
    claim : str
        Id of the claim.
    kind : str
        ``"permutation"`` or ``"bootstrap"``.
    resamples, seed : int
        Number of resamples and their seed.
    level : float
        Level of the bootstrap intervals.
    table : pandas.DataFrame
        One row a decisive analysis that pools effects and has an estimable specification:
        ``analysis``, ``median`` (median estimate of the estimable specifications) and
        ``supported`` (share of them that support the claim). ``"permutation"`` adds
        ``median_pval`` (two-sided) and ``supported_pval`` (one-sided, in the direction of the
        claim); ``"bootstrap"`` adds percentile intervals ``median_lb``, ``median_ub``,
        ``supported_lb``, ``supported_ub``.
    """

    caption = "Inference over all specifications"

    claim: str
    kind: str
    resamples: int
    seed: int
    level: float
    table: pd.DataFrame

    def __str__(self) -> str:
        how = (
            "sign flips of trials" if self.kind == "permutation" else "bootstrap samples of trials"
        )
        analyses = "1 analysis" if len(self.table) == 1 else f"{len(self.table)} analyses"
        return (
            f"All specifications of {self.claim} together, {analyses}, by "
            f"{self.resamples} {how} (seed {self.seed})."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the table, one row an analysis."""
        return self.table.copy()


def multiverse_inference(
    claim: Claim,
    evidence: Evidence,
    *,
    resamples: int,
    kind: Kind = "permutation",
    choices: Choices | None = None,
    seed: int = SEED,
    scheduler: Any = None,
) -> MultiverseInference:
    """Test, or give intervals for, the specifications of a claim as a whole.

    Parameters
    ----------
    claim : Claim
        A claim with at least one decisive analysis that pools effects.
    evidence : Evidence
        The evidence.
    resamples : int
        Number of resamples, at least 1.
    kind : {"permutation", "bootstrap"}
        Flip the signs of whole trials, which leaves the distribution as it is when no treatment is
        better and effects scatter symmetrically; or draw trials with replacement.
    choices : Choices, optional
        By default those of the claim, or of ``data/multiverse.yaml``.
    seed : int
        Seed of the sample of specifications and of the resamples.
    scheduler : str or distributed.Client, optional
        Address of a Dask scheduler, or a client; the result is the same.

    Returns
    -------
    MultiverseInference

    Raises
    ------
    InputError
        If `resamples` is below 1, `kind` is unknown, or no decisive analysis pools effects.

    Notes
    -----
    Moderator analyses are left out: sign flips make no hypothesis of theirs. p values count the
    observed data as one of the resamples.

    References
    ----------
    Simonsohn, Simmons & Nelson (2020), doi:10.1038/s41562-020-0912-z.

    Examples
    --------
    >>> import combined_care as cc
    >>> claim = cc.load_claims()["ocd-combined"]
    >>> found = multiverse_inference(claim, cc.load_evidence(), resamples=19)
    >>> print(found)
    All specifications of ocd-combined together, 1 analysis, by 19 sign flips of trials (seed ...).

    The observed data count as one of the resamples, so that no p value is below 1/20:

    >>> bool(found.table["median_pval"].min() >= 1 / 20)
    True
    """
    check_choice("kind", kind, get_args(Kind))
    _check_resamples(resamples)
    found = specify(claim, evidence, choices, seed=seed)
    parts = tuple(p for p in found.parts if p.variants.analysis.kind != "moderator")
    if not parts:
        message = f"claim {claim.id!r} has no decisive analysis that pools effects"
        raise InputError(message)
    observed = np.array([_curve(*part.fit()) for part in parts])
    chunks = run(_curves, (parts, kind, seed), _chunks(resamples), scheduler)
    drawn = np.concatenate(chunks)
    level = claim.rules.level
    summary = _p_values(observed, drawn) if kind == "permutation" else _limits(drawn, level)
    table = pd.DataFrame({"analysis": [part.variants.analysis.id for part in parts]})
    table = table.assign(median=observed[:, 0], supported=observed[:, 1], **summary)
    table = table[table["median"].notna()].reset_index(drop=True)
    return MultiverseInference(
        claim=claim.id, kind=kind, resamples=resamples, seed=seed, level=level, table=table
    )


def permuted_pvals(
    parts: tuple[Part, ...],
    fits: Sequence[SpecFits],
    resamples: int,
    *,
    seed: int,
    scheduler: Any = None,
) -> list[FloatArray]:
    """Return the p value of every specification by sign flips of whole trials.

    Parameters
    ----------
    parts : tuple of Part
        The decisive analyses.
    fits : sequence of SpecFits
        Their fits to the observed data.
    resamples : int
        Number of sign flips, at least 1.

    Returns
    -------
    list of numpy.ndarray of shape (n,)
        Share of the data sets, the observed one among them, whose p value is at most that of the
        observed data; nan for moderator analyses and where there is no estimate.
    """
    _check_resamples(resamples)
    pvals = [fit.pval for fit in fits]
    counts = run(_exceedances, (parts, pvals, seed), _chunks(resamples), scheduler)
    found = []
    for at, (part, fit) in enumerate(zip(parts, fits, strict=True)):
        count = np.sum([chunk[at] for chunk in counts], axis=0)
        missing = np.isnan(fit.pval) | (part.variants.analysis.kind == "moderator")
        found.append(np.where(missing, np.nan, (1.0 + count) / (1.0 + resamples)))
    return found


def _check_resamples(resamples: int) -> None:
    if resamples < 1:
        message = f"resamples must be at least 1; got {resamples!r}"
        raise InputError(message)


def _chunks(resamples: int) -> list[range]:
    return [range(i, min(i + _CHUNK, resamples)) for i in range(0, resamples, _CHUNK)]


def _curves(shared: tuple[tuple[Part, ...], Kind, int], chunk: range) -> FloatArray:
    """Return median and supported share of each resample and analysis, shape (r, parts, 2)."""
    parts, kind, seed = shared
    resample = _flipped if kind == "permutation" else _redrawn
    return np.array(
        [[_curve(*part.fit()) for part in resample(parts, seed, number)] for number in chunk]
    )


def _exceedances(
    shared: tuple[tuple[Part, ...], list[FloatArray], int], chunk: range
) -> list[np.ndarray]:
    """Count the resamples whose p value is at most that of the observed data."""
    parts, observed, seed = shared
    counts = [np.zeros(pval.size, dtype=np.int64) for pval in observed]
    pooled = [at for at, part in enumerate(parts) if part.variants.analysis.kind != "moderator"]
    for number in chunk:
        flipped = _flipped(tuple(parts[at] for at in pooled), seed, number)
        for at, part in zip(pooled, flipped, strict=True):
            counts[at] += part.fit()[0].pval <= observed[at] * (1.0 + _EQUAL)
    return counts


def _curve(fits: SpecFits, labels: np.ndarray) -> tuple[float, float]:
    """Return the median estimate and the supported share of the estimable specifications."""
    estimable = labels != CODE["insufficient"]
    if not estimable.any():
        return float("nan"), float("nan")
    return float(np.median(fits.estimate[estimable])), float(
        (labels == _SUPPORTED)[estimable].mean()
    )


def _flipped(parts: tuple[Part, ...], seed: int, number: int) -> list[Part]:
    """Turn the effects of about half of the trials round."""
    flipped = []
    for part in parts:
        signs = np.array([_bit(f"{seed}/flip/{number}/{t}") for t in part.variants.trial])
        signed = part.data.yi * (1.0 - 2.0 * signs)
        flipped.append(replace(part, data=replace(part.data, yi=signed)))
    return flipped


def _bit(key: str) -> float:
    return float(draws(key, 1)[0] >> np.uint64(63))


def _redrawn(parts: tuple[Part, ...], seed: int, number: int) -> list[Part]:
    """Draw as many trials as there are, with replacement, the same ones for all analyses."""
    trials = sorted({trial for part in parts for trial in part.variants.trial})
    drawn = draws(f"{seed}/draw/{number}", len(trials)) % np.uint64(max(len(trials), 1))
    times = dict.fromkeys(trials, 0)
    for at in drawn.tolist():
        times[trials[at]] += 1
    return [_repeated(part, times) for part in parts]


def _repeated(part: Part, times: dict[str, int]) -> Part:
    """Let every trial stand so many times in each data set."""
    data, trial = part.data, part.variants.trial
    cells = np.repeat(np.arange(len(trial)), [times[name] for name in trial])
    k = np.zeros(len(data.positions), dtype=np.intp)
    for name in dict.fromkeys(trial):
        own = [at for at, other in enumerate(trial) if other == name]
        k += times[name] * (data.positions[:, own] >= 0).any(axis=1)
    columns = {name: getattr(data, name)[:, cells] for name in ("positions", "yi", "vi")}
    return replace(part, data=replace(data, k=k, **columns))


def _p_values(observed: FloatArray, drawn: FloatArray) -> dict[str, FloatArray]:
    n = 1.0 + len(drawn)
    far = np.abs(drawn[..., 0]) >= np.abs(observed[:, 0]) * (1.0 - _EQUAL)
    more = drawn[..., 1] >= observed[:, 1] * (1.0 - _EQUAL)
    return {
        "median_pval": (1.0 + far.sum(axis=0)) / n,
        "supported_pval": (1.0 + more.sum(axis=0)) / n,
    }


def _limits(drawn: FloatArray, level: float) -> dict[str, FloatArray]:
    """Return percentile intervals over the resamples with an estimable specification."""
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    ends = np.full((2, *drawn.shape[1:]), np.nan)
    for at in range(drawn.shape[1]):
        seen = drawn[~np.isnan(drawn[:, at, 0]), at]
        if len(seen):
            ends[:, at] = np.quantile(seen, tails, axis=0)
    return {
        f"{name}_{end}": ends[i, :, j]
        for j, name in enumerate(("median", "supported"))
        for i, end in enumerate(("lb", "ub"))
    }
