"""Sampling covariances of effects that come from the same trial: shared arms, several outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from combined_care.errors import InputError
from combined_care.inputs import (
    Labels,
    as_floats,
    check_choice,
    check_effects,
    check_labels,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from combined_care.results import FloatArray

ArmMeasure = Literal["SMD", "OR", "RR", "RD"]

#: Smallest eigenvalue of a correlation matrix that can still be inverted with some digits left.
_SINGULAR = 1e-10


def covariance_matrix(
    vi: npt.ArrayLike,
    cluster: Labels,
    *,
    rho: float = 0.6,
    measure: ArmMeasure | None = None,
    arm_e: Labels = None,
    arm_c: Labels = None,
    n_e: npt.ArrayLike | None = None,
    n_c: npt.ArrayLike | None = None,
    events_e: npt.ArrayLike | None = None,
    events_c: npt.ArrayLike | None = None,
    yi: npt.ArrayLike | None = None,
    outcome: Labels = None,
) -> FloatArray:
    r"""Return the sampling covariance matrix of effects, some of which share a trial.

    Parameters
    ----------
    vi : array_like of shape (k,)
        Sampling variances: the diagonal.
    cluster : sequence of str of length k
        Trial of each effect; effects of different trials are independent.
    rho : float
        Assumed correlation between outcomes (instruments, time points) of the same people, at
        least 0 and below 1.
    measure : {"SMD", "OR", "RR", "RD"}, optional
        What the effects are, for an exact covariance of shared arms; ``"OR"`` and ``"RR"`` are
        logarithms. Without it the correlation follows from the sizes of the arms.
    arm_e, arm_c : sequence of str of length k, optional
        Names of the arms that each effect compares, experimental and comparator. An arm shared
        by two effects of a trial is recognised by its name on either side.
    n_e, n_c : array_like of shape (k,), optional
        Their sizes; needed with arms.
    events_e, events_c : array_like of shape (k,), optional
        Their events; needed for ``"OR"``, ``"RR"`` and ``"RD"``.
    yi : array_like of shape (k,), optional
        Effects; needed for ``"SMD"``.
    outcome : sequence of str of length k, optional
        Which outcome each effect is about; one and the same by default. Only with arms.

    Returns
    -------
    numpy.ndarray of shape (k, k)

    Raises
    ------
    InputError
        If arguments do not fit together, two rows are the same comparison of the same outcome, or
        the matrix of a trial is not positive definite (its variances then contradict its arms).

    Notes
    -----
    Without arms :math:`v_{ij} = \rho \sqrt{v_i v_j}` within a trial. With arms,

    .. math:: v_{ij} = \rho_{ij} \sum_a s_{ia} s_{ja} \sqrt{u_{ia} u_{ja}}
        + \rho_{ij}^2 \frac{g_i g_j}{2N},

    where a runs over shared arms, s is +1 on the experimental side and -1 on the other,
    :math:`\rho_{ij}` is 1 for the same outcome and `rho` otherwise, and :math:`u_{ia}` is the
    variance of the arm's own part: 1/n for SMD; 1/x + 1/(n - x), 1/x - 1/n and x(n - x)/n³ for the
    logarithms of OR and RR, and for RD, with x events (1/2 is added to all cells of a comparison
    that has an empty one). The last term, for SMD only, comes from the common standard deviation
    of comparisons that share an arm; N counts every arm of the trial once. These are the
    covariances of multiple-treatment studies and, for SMD with two outcomes of the same two arms,
    of multiple-endpoint studies [1]_, extended to comparisons that differ in both.

    Without `measure` the sum, with u = 1/n, is divided by :math:`\sqrt{u_{ie} + u_{ic}}` of both
    effects and multiplied by :math:`\sqrt{v_i v_j}`: the correlation that arms of these sizes
    give to differences of means, as metafor's ``vcalc`` has it. Serves "MD" and "HR".

    References
    ----------
    .. [1] Gleser & Olkin (2009), Stochastically dependent effect sizes, in The Handbook of
       Research Synthesis and Meta-Analysis, 2nd ed., pp. 359-367 and 368-371.

    Examples
    --------
    Combined treatment against medication (g = 0.5) and against psychotherapy (g = 0.3), 30 a
    group; the combined arm serves twice:

    >>> V = covariance_matrix([0.0687, 0.0674], ["t1", "t1"], measure="SMD", yi=[0.5, 0.3],
    ...                       arm_e=["both", "both"], arm_c=["drug", "therapy"],
    ...                       n_e=[30, 30], n_c=[30, 30])
    >>> V.round(5).tolist()
    [[0.0687, 0.03417], [0.03417, 0.0674]]
    """
    variances = as_floats("vi", vi)
    studies = [f"effect {i}" for i in range(1, variances.size + 1)]
    check_effects(np.zeros(variances.shape), variances, studies)
    trials = np.array(check_labels("cluster", cluster, studies))
    check_rho(rho)
    spread = np.sqrt(np.outer(variances, variances))
    if arm_e is None and arm_c is None:
        _refuse_without_arms(measure=measure, outcome=outcome, n_e=n_e, n_c=n_c)
        values = rho * spread
    else:
        columns = {"n_e": n_e, "n_c": n_c}
        columns |= {"events_e": events_e, "events_c": events_c, "yi": yi}
        arms = _read_arms(measure, arm_e, arm_c, columns, trials, studies)
        outcomes = _outcomes(outcome, arms, trials, studies)
        alike = np.where(outcomes[:, None] == outcomes, 1.0, rho)
        arm_part, sd_part = _shared(arms, trials, measure, spread)
        values = alike * arm_part + alike**2 * sd_part
    values = np.where(trials[:, None] == trials, values, 0.0)
    np.fill_diagonal(values, variances)
    refuse(list(indefinite(values, trials)))
    return np.asarray(values)


def check_rho(rho: float) -> None:
    """Raise :class:`InputError` unless `rho` is a correlation from 0 to just below 1."""
    if isinstance(rho, bool) or not isinstance(rho, (int, float)) or not 0.0 <= rho < 1.0:
        message = f"rho must be at least 0 and below 1, such as 0.6; got {rho!r}"
        raise InputError(message)


def indefinite(matrix: FloatArray, trials: npt.NDArray[np.str_]) -> Iterator[str]:
    """Yield a complaint for every trial whose block of `matrix` is not positive definite."""
    for name in dict.fromkeys(trials.tolist()):
        block = matrix[np.ix_(trials == name, trials == name)]
        scale = np.sqrt(block.diagonal())
        smallest = float(np.linalg.eigvalsh(block / np.outer(scale, scale)).min())
        if not smallest > _SINGULAR:
            yield (
                f"covariances of {name} are not positive definite (smallest eigenvalue of the "
                f"correlations {smallest:.2g}): its variances do not fit its arms and correlations"
            )


class _Arms(NamedTuple):
    """Both arms of each effect: name, size and the variance of the arm's own part; and effects."""

    e: npt.NDArray[np.str_]
    c: npt.NDArray[np.str_]
    n_e: FloatArray
    n_c: FloatArray
    u_e: FloatArray
    u_c: FloatArray
    yi: FloatArray | None


def _refuse_without_arms(**given: object) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        message = f"{', '.join(names)} say something only together with arm_e and arm_c"
        raise InputError(message)


def _read_arms(
    measure: str | None,
    arm_e: Labels,
    arm_c: Labels,
    columns: dict[str, npt.ArrayLike | None],
    trials: npt.NDArray[np.str_],
    studies: Sequence[str],
) -> _Arms:
    if measure is not None:
        check_choice("measure", measure, get_args(ArmMeasure))
    e, c = (check_labels(n, a, studies) for n, a in (("arm_e", arm_e), ("arm_c", arm_c)))
    same = [study for study, a, b in zip(studies, e, c, strict=True) if a == b]
    refuse([f"{study} compares an arm with itself" for study in same])
    needed = ["n_e", "n_c"]
    needed += ["events_e", "events_c"] if measure in {"OR", "RR", "RD"} else []
    needed += ["yi"] if measure == "SMD" else []
    found = {name: _column(name, columns[name], studies) for name in needed}
    refuse(list(_bad_cells(found, studies)))
    return _Arms(
        np.array(e),
        np.array(c),
        found["n_e"],
        found["n_c"],
        *_own_parts(measure, found),
        found.get("yi"),
    )


def _column(name: str, values: npt.ArrayLike | None, studies: Sequence[str]) -> FloatArray:
    if values is None:
        message = f"{name} is needed with these arms and this measure"
        raise InputError(message)
    column = as_floats(name, values)
    if column.shape != (len(studies),):
        message = f"{name} must hold one number per effect; got shape {column.shape}"
        raise InputError(message)
    return column


def _bad_cells(found: dict[str, FloatArray], studies: Sequence[str]) -> Iterator[str]:
    """Yield a complaint for every impossible size, event count or effect."""
    for name, column in found.items():
        low, high = np.zeros(column.size), np.full(column.size, np.inf)
        if name.startswith("events"):
            high = found[name.replace("events", "n")]
            bad = ~((column >= low) & (column <= high))
        else:
            bad = ~np.isfinite(column) | ((column <= 0.0) & (name != "yi"))
        for i in np.flatnonzero(bad):
            yield f"{name} of {studies[int(i)]} is {column[i]:g}, which is not possible"


def _own_parts(measure: str | None, found: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return what each arm adds to the sampling variance of its comparison."""
    n_e, n_c = found["n_e"], found["n_c"]
    if "events_e" not in found:
        return 1.0 / n_e, 1.0 / n_c
    cells = np.array(
        [found["events_e"], n_e - found["events_e"], found["events_c"], n_c - found["events_c"]]
    )
    if measure != "RD":
        cells = cells + 0.5 * (cells == 0.0).any(axis=0)
    e, c = cells[:2], cells[2:]
    parts = {"OR": _log_odds, "RR": _log_risk, "RD": _risk}
    return parts[str(measure)](*e), parts[str(measure)](*c)


def _log_odds(events: FloatArray, others: FloatArray) -> FloatArray:
    return 1.0 / events + 1.0 / others


def _log_risk(events: FloatArray, others: FloatArray) -> FloatArray:
    return 1.0 / events - 1.0 / (events + others)


def _risk(events: FloatArray, others: FloatArray) -> FloatArray:
    return events * others / (events + others) ** 3


def _outcomes(
    outcome: Labels, arms: _Arms, trials: npt.NDArray[np.str_], studies: Sequence[str]
) -> npt.NDArray[np.str_]:
    """Return the outcome of each effect; refuse a comparison that comes twice for one outcome."""
    names = [""] * len(studies) if outcome is None else outcome
    found = check_labels("outcome", names, studies)
    seen: dict[tuple[str, frozenset[str], str], str] = {}
    problems = []
    for study, trial, e, c, name in zip(studies, trials, arms.e, arms.c, found, strict=True):
        key = (str(trial), frozenset((str(e), str(c))), name)
        if key in seen:
            problems.append(f"{study} repeats {seen[key]} of {trial}: name their outcomes")
        seen.setdefault(key, study)
    refuse(problems)
    return np.array(found)


def _shared(
    arms: _Arms, trials: npt.NDArray[np.str_], measure: str | None, spread: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the parts of the covariances that shared arms and their common SD bring.

    As if all effects were of one trial and outcome.
    """
    sides = ((arms.e, arms.u_e, 1.0), (arms.c, arms.u_c, -1.0))
    total, is_shared = np.zeros(spread.shape), np.zeros(spread.shape, dtype=bool)
    for name, u, sign in sides:
        for other_name, other_u, other_sign in sides:
            same = name[:, None] == other_name
            total += np.where(same, sign * other_sign * np.sqrt(np.outer(u, other_u)), 0.0)
            is_shared |= same
    if measure is None:
        own = np.sqrt(arms.u_e + arms.u_c)
        total *= spread / np.outer(own, own)
    if arms.yi is None:
        return total, np.zeros(spread.shape)
    common_sd = np.outer(arms.yi, arms.yi) / (2.0 * _people(arms, trials))
    return total, np.where(is_shared, common_sd, 0.0)


def _people(arms: _Arms, trials: npt.NDArray[np.str_]) -> FloatArray:
    """Return for each effect the size of its trial, every arm counted once (at its largest)."""
    sizes: dict[str, dict[str, float]] = {name: {} for name in trials.tolist()}
    for names, n in ((arms.e, arms.n_e), (arms.c, arms.n_c)):
        for trial, arm, size in zip(trials.tolist(), names.tolist(), n.tolist(), strict=True):
            sizes[trial][arm] = max(size, sizes[trial].get(arm, 0.0))
    return np.array([sum(sizes[trial].values()) for trial in trials.tolist()])
