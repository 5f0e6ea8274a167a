"""Every defensible analysis of a claim at once: one row a specification, with choices and result.

The choices are declared in ``data/multiverse.yaml``. How far the results hang together is summed up
by :func:`combined_care.robustness.summarise`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from combined_care.choices import LEFT_OUT
from combined_care.dask_runner import run
from combined_care.spec_labels import LABELS, claim_codes
from combined_care.spec_resampling import SEED, permuted_pvals
from combined_care.specifications import specify

if TYPE_CHECKING:
    from combined_care.choices import Choices
    from combined_care.claims import Claim
    from combined_care.evidence import Evidence
    from combined_care.spec_data import SpecFits
    from combined_care.specifications import Part, Specifications

_NUMBERS = ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub", "tau2", "pval")


def multiverse(
    claim: Claim,
    evidence: Evidence,
    *,
    choices: Choices | None = None,
    resamples: int = 0,
    seed: int = SEED,
    scheduler: Any = None,
) -> pd.DataFrame:
    """Compute the decisive analyses of a claim under every defensible choice.

    Parameters
    ----------
    claim : Claim
        A claim that trials can test.
    evidence : Evidence
        The evidence.
    choices : Choices, optional
        By default those of the claim, or of ``data/multiverse.yaml``.
    resamples : int
        With more than 0, the column ``pval_permuted`` is added: the p value of each specification
        by so many data sets in which the signs of whole trials were drawn anew.
    seed : int
        Seed of the sample of specifications and of the resamples.
    scheduler : str or distributed.Client, optional
        Address of a Dask scheduler, or a client, that shares out the work; the result is the same.

    Returns
    -------
    pandas.DataFrame
        One row a specification of an analysis: ``analysis`` (id), ``specification`` (the same
        number means the same choices in all analyses of the claim), one categorical column a
        choice and ``left_out`` (a trial, or ""), ``is_primary``, ``dataset`` (number of the
        distinct data set within the analysis), ``k``, ``adjusted`` (for small-study effects),
        ``estimate``, ``ci_lb``, ``ci_ub``, ``pi_lb``, ``pi_ub``, ``tau2``, ``pval``, ``verdict``
        of the analysis and ``claim_verdict``. Numbers are nan where the specification is not
        estimable; moderator analyses have only the common ``tau2`` and the p value of the omnibus
        test.

    Raises
    ------
    InputError
        If the claim has no decisive analysis or the analyses cannot share specifications.

    Notes
    -----
    Labels follow the rules of the primary analysis, without the further conditions of
    ``supported_strongly`` and ``fragile``, which compare analyses with each other. Choices that
    make no difference to the claim stay at their primary option. Trial and comparator enter as
    the evidence selects them; a trial with several comparators that count as medication alone
    keeps the first.

    References
    ----------
    Steegen, Tuerlinckx, Gelman & Vanpaemel (2016), doi:10.1177/1745691616658637; Simonsohn,
    Simmons & Nelson (2020), doi:10.1038/s41562-020-0912-z.

    Examples
    --------
    >>> import combined_care as cc
    >>> table = multiverse(cc.load_claims()["ocd-combined"], cc.load_evidence())
    >>> int(table["is_primary"].sum())
    1

    One choice is the interval; the specifications of each option can be set side by side:

    >>> medians = table.groupby("interval", observed=True)["estimate"].median()
    >>> medians.index.tolist()
    ['knha', 'knha-conservative', 'z']
    """
    found = specify(claim, evidence, choices, seed=seed)
    fits = run(_fit, found.parts, range(len(found.parts)), scheduler)
    ids = [part.variants.analysis.id for part in found.parts]
    codes = np.stack([labels for _, labels in fits], axis=1)
    together = claim_codes(claim, ids, codes)
    more: list[dict[str, Any]] = [{} for _ in ids]
    if resamples:
        pvals = permuted_pvals(
            found.parts, [fit for fit, _ in fits], resamples, seed=seed, scheduler=scheduler
        )
        more = [{"pval_permuted": values} for values in pvals]
    tables = [
        _table(found, name, fit, labels, extra).assign(claim_verdict=_labels(together))
        for name, (fit, labels), extra in zip(ids, fits, more, strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(analysis=pd.Categorical(table["analysis"], categories=ids))


def _fit(parts: tuple[Part, ...], at: int) -> tuple[SpecFits, np.ndarray]:
    return parts[at].fit()


def _table(
    found: Specifications, name: str, fits: SpecFits, labels: np.ndarray, more: dict[str, Any]
) -> pd.DataFrame:
    n = len(found.codes)
    trials = list(dict.fromkeys(found.left_out.tolist()))
    columns: dict[str, Any] = {"analysis": name, "specification": np.arange(n, dtype=np.int32)}
    for at, dimension in enumerate(found.choices):
        ids = [option.id for option in dimension.options]
        columns[dimension.id] = _categories(found.codes[:, at], ids)
    columns[LEFT_OUT] = pd.Categorical(found.left_out, categories=trials)
    columns |= {
        "is_primary": np.arange(n) == 0,
        "dataset": fits.dataset.astype(np.int32),
        "k": fits.k.astype(np.int32),
        "adjusted": fits.adjusted,
        **{number: getattr(fits, number) for number in _NUMBERS},
        **more,
        "verdict": _labels(labels),
    }
    return pd.DataFrame(columns)


def _labels(codes: np.ndarray) -> pd.Categorical[str]:
    return _categories(codes, list(LABELS))


def _categories(codes: np.ndarray, names: list[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(codes.astype(np.int8), pd.Index(names))
