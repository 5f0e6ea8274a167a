"""From pairwise comparisons to a checked network: who was compared in each trial, how surely."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from combined_care.errors import InputError
from combined_care.inputs import Labels, as_floats, check_labels, effect_problems, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from combined_care.results import FloatArray

#: Smallest eigenvalue of a trial's arm covariances, beside the largest, that is not rounding.
_SINGULAR = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What one trial says about its m arms.

    Attributes
    ----------
    name : str
        The trial.
    arms : tuple of int
        Places of its treatments in the network's list, ascending.
    level : numpy.ndarray of shape (m,)
        Effect of each arm against the mean of the trial's arms: arm i against arm j is
        ``level[i] - level[j]``.
    vi : numpy.ndarray of shape (m, m)
        Sampling variances of all pairs, 0 on the diagonal.
    """

    name: str
    arms: tuple[int, ...]
    level: FloatArray
    vi: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Trials that compare treatments.

    Attributes
    ----------
    treatments : tuple of str
        All treatments, sorted.
    trials : tuple of Trial
        Sorted by name, so that the order of the input decides nothing.
    """

    treatments: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def subnetworks(self) -> tuple[tuple[str, ...], ...]:
        """The parts that no trial connects with each other, each with its treatments."""
        leader = list(range(len(self.treatments)))

        def find(place: int) -> int:
            while leader[place] != place:
                leader[place] = leader[leader[place]]
                place = leader[place]
            return place

        for trial in self.trials:
            for arm in trial.arms[1:]:
                low, high = sorted((find(trial.arms[0]), find(arm)))
                leader[high] = low
        parts: dict[int, list[str]] = defaultdict(list)
        for place, treatment in enumerate(self.treatments):
            parts[find(place)].append(treatment)
        return tuple(tuple(part) for part in parts.values())

    def check_connected(self) -> None:
        """Raise :class:`InputError`, naming every part, unless all treatments are connected."""
        parts = self.subnetworks
        if len(parts) > 1:
            named = "; ".join(f"({i}) {', '.join(part)}" for i, part in enumerate(parts, start=1))
            message = (
                f"the network falls into {len(parts)} parts that no trial connects: {named}. "
                "Analyse them one by one, or join them by shared components (component_network)"
            )
            raise InputError(message)


def read_network(
    treat1: Labels,
    treat2: Labels,
    yi: npt.ArrayLike,
    vi: npt.ArrayLike,
    study: Labels,
    *,
    tolerance: float = 1e-3,
) -> Network:
    r"""Check pairwise comparisons and put them together, trial by trial.

    Parameters
    ----------
    treat1, treat2 : sequence of str of length m
        The two treatments of each comparison.
    yi, vi : array_like of shape (m,)
        Effect of treat1 against treat2, and its sampling variance.
    study : sequence of str of length m
        Trial of each comparison. A trial with more than two arms must give all pairs of them:
        their variances determine the covariances, :math:`(v_{ab} + v_{ac} - v_{bc}) / 2`.
    tolerance : float
        How far the effects of a trial with several arms may be from adding up (rounding); what
        is left is spread evenly over its pairs.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If lengths differ or labels are missing; or if a comparison is of a treatment with itself,
        comes twice in a trial, is missing from a trial with several arms, has an unusable effect
        or variance, or if effects or variances of a trial contradict each other. Every trial
        concerned is named with its reason.

    References
    ----------
    Rücker & Schwarzer (2014), doi:10.1002/sim.6236, section 2.3, for the covariances from the
    variances of all pairs; Franchini et al. (2012), doi:10.1002/jrsm.1049.
    """
    effects, variances = as_floats("yi", yi), as_floats("vi", vi)
    if effects.ndim != 1 or effects.shape != variances.shape or effects.size == 0:
        message = (
            "yi and vi must be one-dimensional, equally long and not empty; "
            f"got shapes {effects.shape} and {variances.shape}"
        )
        raise InputError(message)
    places = [f"comparison {i}" for i in range(1, effects.size + 1)]
    columns = (("treat1", treat1), ("treat2", treat2), ("study", study))
    first, second, trials = (check_labels(name, values, places) for name, values in columns)
    pairs = [f"{t} ({a} against {b})" for t, a, b in zip(trials, first, second, strict=True)]
    refuse([*_repeated(first, second, trials), *effect_problems(effects, variances, pairs)])
    treatments = tuple(sorted({*first, *second}))
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(trials):
        rows[name].append(row)
    index = {treatment: place for place, treatment in enumerate(treatments)}
    ends = np.array([[index[a] for a in first], [index[b] for b in second]])
    made = [
        _trial(name, ends[:, rows[name]], effects[rows[name]], variances[rows[name]])
        for name in sorted(rows)
    ]
    problems = (text for t in made for text in _contradictions(t, treatments, tolerance))
    refuse(list(problems))
    return Network(treatments, tuple(found for found, _ in made))


def _repeated(
    first: tuple[str, ...], second: tuple[str, ...], trials: tuple[str, ...]
) -> Iterator[str]:
    """Yield a complaint for every comparison of a treatment with itself, or that comes twice."""
    seen = set()
    for trial, a, b in zip(trials, first, second, strict=True):
        key = (trial, frozenset((a, b)))
        if a == b:
            yield f"{trial} compares {a} with itself"
        elif key in seen:
            yield f"{trial} compares {a} with {b} more than once: choose one result, or pool them"
        seen.add(key)


def _trial(
    name: str, ends: npt.NDArray[np.int_], yi: FloatArray, vi: FloatArray
) -> tuple[Trial, FloatArray]:
    """Put the pairs of one trial into matrices; nan where a pair is not given."""
    arms = sorted(set(ends.ravel().tolist()))
    i, j = np.searchsorted(arms, ends)
    y, v = (np.full((len(arms), len(arms)), np.nan) for _ in range(2))
    np.fill_diagonal(y, 0.0)
    np.fill_diagonal(v, 0.0)
    y[i, j], y[j, i] = yi, -yi
    v[i, j] = v[j, i] = vi
    return Trial(name, tuple(arms), y.mean(axis=1), v), y


def _contradictions(
    made: tuple[Trial, FloatArray], treatments: tuple[str, ...], tolerance: float
) -> Iterator[str]:
    """Yield why a trial with several arms cannot be: pairs missing, or at odds with each other."""
    trial, y = made
    if len(trial.arms) == 2:
        return
    names = [treatments[arm] for arm in trial.arms]
    lacking = [
        f"{names[i]} against {names[j]}"
        for i, j in combinations(range(len(names)), 2)
        if np.isnan(y[i, j])
    ]
    if lacking:
        yield (
            f"{trial.name} has {len(names)} arms but lacks {', '.join(lacking)}: all pairs are "
            "needed, because their variances determine the covariances"
        )
        return
    gap = np.abs(y - (trial.level[:, None] - trial.level))
    if gap.max() > tolerance:
        i, j = np.unravel_index(gap.argmax(), gap.shape)
        yield (
            f"the effects of {trial.name} do not add up: {names[i]} against {names[j]} is "
            f"{y[i, j]:.4g}, its other comparisons give a fit of "
            f"{trial.level[i] - trial.level[j]:.4g}"
        )
    spread = np.linalg.eigvalsh(arm_covariance(trial.vi))
    if spread[1] <= _SINGULAR * spread[-1]:
        yield (
            f"the variances of {trial.name} contradict each other: no covariances of its "
            f"{len(names)} arms give them ({', '.join(names)})"
        )


def arm_covariance(vi: FloatArray) -> FloatArray:
    r"""Return the covariances of arm effects against their trial's mean.

    :math:`-\frac12 C D C` with D the variances of all pairs and C the centring matrix: squared
    distances to inner products. `vi` has shape (..., m, m), and so has the result; its smallest
    eigenvalue is 0, because centred effects add up to 0.
    """
    centred = vi - vi.mean(axis=-1, keepdims=True)
    return np.asarray(-0.5 * (centred - centred.mean(axis=-2, keepdims=True)))


def design_names(network: Network) -> Mapping[tuple[int, ...], list[int]]:
    """Return the designs (sets of arms) of a network with the places of their trials."""
    found: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, trial in enumerate(network.trials):
        found[trial.arms].append(place)
    return dict(sorted(found.items()))
