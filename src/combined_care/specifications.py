"""The specifications of a claim: which combinations of choices, and what they mean for the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from combined_care.choices import Choices, load_choices
from combined_care.claim_labels import decisive
from combined_care.errors import InputError
from combined_care.spec_data import Data, Settings
from combined_care.spec_design import design
from combined_care.spec_fits import fit_specifications
from combined_care.spec_labels import analysis_codes
from combined_care.variants import Variants, variants

if TYPE_CHECKING:
    import numpy.typing as npt

    from combined_care.claims import Claim, Rules
    from combined_care.evidence import Evidence
    from combined_care.spec_data import SpecFits


@dataclass(frozen=True, eq=False)
class Part:
    """One decisive analysis with its data sets and settings; what a fit needs and no more."""

    variants: Variants
    data: Data
    settings: Settings
    rules: Rules

    def fit(self) -> tuple[SpecFits, np.ndarray]:
        """Return the fit of every specification, and the code of its label."""
        fits = fit_specifications(self.variants, self.data, self.settings, self.rules)
        return fits, analysis_codes(self.variants.analysis, fits, self.rules)


@dataclass(frozen=True, eq=False)
class Specifications:
    """The specifications of one claim.

    Attributes
    ----------
    claim : Claim
        The claim.
    choices : Choices
        The choices, with the primary options of the claim.
    codes : numpy.ndarray of shape (n, D)
        Options by position, one column a choice; the primary specification comes first.
    left_out : numpy.ndarray of shape (n,)
        Trial that is left out, "" for none.
    is_sample : bool
        Whether combinations were left out.
    parts : tuple of Part
        The decisive analyses.
    """

    claim: Claim
    choices: Choices
    codes: npt.NDArray[np.int8]
    left_out: npt.NDArray[np.object_]
    is_sample: bool
    parts: tuple[Part, ...]


def specify(
    claim: Claim, evidence: Evidence, choices: Choices | None = None, *, seed: int
) -> Specifications:
    """Lay out the specifications of a claim.

    Parameters
    ----------
    claim : Claim
        A claim that trials can test.
    evidence : Evidence
        The evidence.
    choices : Choices, optional
        By default those of the claim, or of ``data/multiverse.yaml``.
    seed : int
        Seed of the sample, where there is one.

    Raises
    ------
    InputError
        If the claim has no decisive analysis, or its analyses cannot share specifications.

    Notes
    -----
    Choices that make no difference to any decisive analysis stay at their primary option. The
    trials of the primary data sets are left out in turn, under every combination of the choices
    that the declaration names for that.
    """
    analyses = decisive(claim)
    if not analyses:
        message = f"claim {claim.id!r} has no decisive analysis, so that nothing can be varied"
        raise InputError(message)
    rules = claim.rules
    declared = choices or rules.choices or load_choices()
    own = declared.of_claim(analyses, evidence.rule, method=rules.method, test=rules.test)
    found = [variants(analysis, own, evidence) for analysis in analyses]
    binding = [at for at, d in enumerate(own) if any(v.makes_a_difference(d) for v in found)]
    drawn, is_sample = _drawn(own, binding, seed)
    trials = _primary_trials(found, drawn[:1])
    codes, left_out = _with_left_out(own, binding, drawn, trials)
    parts = tuple(
        Part(
            v.without_table(),
            Data.of(v, v.positions(codes, left_out)),
            Settings.of(v, codes, rules),
            rules,
        )
        for v in found
    )
    return Specifications(claim, own, codes, left_out, is_sample, parts)


def _drawn(choices: Choices, binding: list[int], seed: int) -> tuple[npt.NDArray[np.int8], bool]:
    """Return options of all choices, those that make no difference at their primary option."""
    dimensions = [choices.dimensions[at] for at in binding]
    names = [d.id for d in dimensions]
    some, is_sample = design(
        [len(d.options) for d in dimensions],
        [d.primary for d in dimensions],
        [names.index(name) for name in choices.leave_one_out if name in names],
        names=names,
        cap=choices.cap,
        seed=seed,
    )
    codes = np.repeat(_origin(choices)[None], len(some), axis=0)
    codes[:, binding] = some
    return codes, is_sample


def _origin(choices: Choices) -> npt.NDArray[np.int8]:
    return np.array([d.primary for d in choices], dtype=np.int8)


def _primary_trials(found: list[Variants], origin: npt.NDArray[np.int8]) -> list[str]:
    """Return the trials of the primary data sets of all analyses, each once."""
    trials: dict[str, None] = {}
    for v in found:
        present = v.positions(origin, [""])[0] >= 0
        trials |= dict.fromkeys(t for t, here in zip(v.trial, present, strict=True) if here)
    return list(trials)


def _with_left_out(
    choices: Choices, binding: list[int], drawn: npt.NDArray[np.int8], trials: list[str]
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.object_]]:
    """Add the primary data without each trial, under every combination of the named choices."""
    crossed = [at for at in binding if choices.dimensions[at].id in choices.leave_one_out]
    rest = [at for at in range(drawn.shape[1]) if at not in crossed]
    origin = _origin(choices)
    is_model = (drawn[:, rest] == origin[rest]).all(axis=1)
    models = drawn[is_model]
    codes = np.concatenate([drawn, np.tile(models, (len(trials), 1))])
    left_out = np.array([""] * len(drawn) + [t for t in trials for _ in models], dtype=object)
    return codes, left_out
