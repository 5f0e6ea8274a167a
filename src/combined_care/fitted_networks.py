"""The networks that questions ask for, fitted: relative effects, components, interaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from combined_care.claims import estimand_of
from combined_care.components import ComponentNetwork, component_network
from combined_care.errors import InputError
from combined_care.evidence_network import NetworkInput, network_of
from combined_care.network import NetworkMetaAnalysis, network_meta_analysis
from combined_care.network_claims import NetworkModel
from combined_care.network_data import read_network
from combined_care.network_effect import NetworkEffect, network_effect
from combined_care.results import Absent, Number, is_present
from combined_care.treatments import SEP, load_treatments

if TYPE_CHECKING:
    from combined_care.claims import Rules
    from combined_care.evidence import Evidence
    from combined_care.network_claims import NetworkQuestion
    from combined_care.network_fit import NetworkMethod, NetworkTest
    from combined_care.network_inconsistency import DirectIndirect
    from combined_care.treatments import Level

#: What an interaction is measured against, in words.
SUM = "the sum of its parts"
_NO_INTERACTION = Absent("asked at the level of kinds of treatment only")


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """One network with its fits.

    Attributes
    ----------
    input : NetworkInput or Absent
        Its contrasts: those of the largest part that trials connect.
    apart : tuple of str
        Trials of other parts, by name: they cannot be compared with the rest.
    network : NetworkMetaAnalysis or Absent
        Relative effects.
    components, interacting : ComponentNetwork or Absent
        Effects of components added up, and with an interaction of the two parts.
    parts : tuple of str
        The two parts of the experimental arm.
    """

    input: NetworkInput | Absent
    apart: tuple[str, ...]
    network: NetworkMetaAnalysis | Absent
    components: ComponentNetwork | Absent
    interacting: ComponentNetwork | Absent
    parts: tuple[str, ...] = ()

    @property
    def k(self) -> int:
        """Number of trials."""
        return 0 if isinstance(self.network, Absent) else self.network.k

    def direct(self, treatment: str, against: str) -> DirectIndirect | None:
        """Return the direct and indirect evidence of a pair; None where no trial compares it."""
        found = () if isinstance(self.network, Absent) else self.network.comparisons
        return next((c for c in found if {c.treat1, c.treat2} == {treatment, against}), None)

    def relative(self, treatment: str, against: str) -> NetworkEffect | Absent:
        """Return a relative effect, absent where the network lacks one of the two."""
        if isinstance(self.network, Absent):
            return self.network
        lacking = [t for t in (treatment, against) if t not in self.network.treatments]
        if lacking:
            return Absent(f"no trial of the network has an arm with {' or '.join(lacking)}")
        return self.network.relative(treatment, against)

    def beyond_the_sum(self, treatment: str, level: float) -> NetworkEffect | Absent:
        """Return the interaction: how far a combination is from the sum of its parts."""
        fit = self.interacting
        if isinstance(fit, Absent):
            return fit
        place = fit.components.index(" * ".join(treatment.split(SEP)))
        numbers = float(fit.estimate[place]), float(fit.vcov[place, place])
        return network_effect(treatment, SUM, *numbers, df=fit.df, level=level)

    @property
    def anchoring(self) -> int:
        """Number of trials that tell what one of the two parts does by itself.

        Notes
        -----
        Such a trial has an arm with neither of them, made of parts that stand beside one of them
        elsewhere, so that their own effects are known (a pill placebo). Usual care never does: it
        tells the two apart from each other only. Without such a trial an interaction cannot be
        told from the effects of its parts.
        """
        if isinstance(self.input, Absent):
            return 0
        table = self.input.contrasts
        names = {*table["treat1"], *table["treat2"]}
        active = [n for n in names if set(n.split(SEP)) & set(self.parts)]
        beside = {part for name in active for part in name.split(SEP)} - set(self.parts)
        bare = [n for n in names if set(n.split(SEP)) <= beside]
        held = table["treat1"].isin(bare) | table["treat2"].isin(bare)
        return int(table.loc[held, "study"].nunique())

    def inconsistency(self) -> Number:
        """Return p of the test that designs agree, with heterogeneity allowed for where it can."""
        if isinstance(self.network, Absent):
            return self.network
        found = self.network.inconsistency
        random = found.q_inc_random_pval
        return random if is_present(random) else found.q_inc_pval


class Networks:
    """Fits the networks of one evidence; what several claims ask for is built once.

    Parameters
    ----------
    evidence : Evidence
        The tables.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._inputs: dict[str, NetworkInput | Absent] = {}
        self._fits: dict[str, FittedNetwork] = {}

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The parts of the experimental arm, whose interaction is asked for."""
        return load_treatments().arms[self.evidence.review.experimental[0]]

    def fitted(
        self, question: NetworkQuestion, model: NetworkModel, level: Level = "broad"
    ) -> FittedNetwork:
        """Fit the network of a question.

        Raises
        ------
        InputError
            If the question names a column or value that the data do not know.
        """
        asked = f"{sorted(question.select.items())} {level}"
        if asked not in self._inputs:
            self._inputs[asked] = self._input(question, level)
        key = f"{asked} {model}"
        if key not in self._fits:
            self._fits[key] = _fit(self._inputs[asked], model, level, self.parts)
        return self._fits[key]

    def _input(self, question: NetworkQuestion, level: Level) -> NetworkInput | Absent:
        try:
            return network_of(self.evidence, level=level, **question.select)
        except InputError as error:
            self.evidence.select(estimand_of(question.select))  # a misspelt question raises here
            return Absent(str(error))


def model_of(rules: Rules) -> NetworkModel:
    """Return the model that all claims share, as networks take it."""
    return NetworkModel(
        method=cast("NetworkMethod", rules.method),
        test=cast("NetworkTest", rules.test),
        level=rules.level,
    )


def _fit(
    given: NetworkInput | Absent, model: NetworkModel, level: Level, parts: tuple[str, ...]
) -> FittedNetwork:
    if isinstance(given, Absent):
        return FittedNetwork(given, (), given, given, given, parts)
    found, apart = _largest_part(given)
    columns = found.columns()
    options: dict[str, Any] = {"method": model.method, "test": model.test, "level": model.level}
    network = network_meta_analysis(**columns, **options)
    options["inactive"] = model.inactive
    return FittedNetwork(
        input=found,
        apart=apart,
        network=network,
        components=_components(columns, options),
        interacting=_components({**columns, "interactions": [parts]}, options)
        if level == "broad"
        else _NO_INTERACTION,
        parts=parts,
    )


def _components(columns: dict[str, Any], options: dict[str, Any]) -> ComponentNetwork | Absent:
    """Fit components; absent where the comparisons do not determine them, or they are not there."""
    try:
        return component_network(**columns, **options)
    except InputError as error:
        return Absent(str(error))


def _largest_part(given: NetworkInput) -> tuple[NetworkInput, tuple[str, ...]]:
    """Return the part of a network that most trials are in, and the trials of other parts."""
    table = given.contrasts
    parts = read_network(**given.columns()).subnetworks
    sizes = [table.loc[table["treat1"].isin(part), "study"].nunique() for part in parts]
    inside = table["treat1"].isin(parts[sizes.index(max(sizes))])
    apart = tuple(sorted(set(table.loc[~inside, "study"])))
    return replace(given, contrasts=table[inside].reset_index(drop=True)), apart
