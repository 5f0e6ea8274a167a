"""The network of treatments that the evidence holds for a diagnosis and an outcome."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from combined_care import markup
from combined_care.contrasts import Oriented, Unusable
from combined_care.errors import InputError
from combined_care.estimands import Estimand
from combined_care.selection import Candidate
from combined_care.treatments import Level, Treatments, load_treatments
from combined_care.trial_arms import NamedRow, trial_result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from combined_care.effects import Measure
    from combined_care.evidence import Evidence
    from combined_care.trial_arms import ArmNumbers, Pair, TrialResult

_MEANS = ("mean_e", "sd_e", "n_e", "mean_c", "sd_c", "n_c")
_EVENTS = ("events_e", "n_e", "events_c", "n_c")
_CONTRASTS = (
    *("trial_id", "study", "year", "treat1", "treat2", "yi", "vi", "n1", "n2"),
    *("measure", "outcome", "instrument", "rating", "converted", "how", "row_ids"),
)
_LEFT_OUT = (
    "row_id",
    "trial_id",
    "label",
    "year",
    "outcome",
    "experimental",
    "comparator",
    "reason",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkInput:
    """The contrasts of a network, and every row of the question that is not in it.

    Attributes
    ----------
    level : {"broad", "classes"}
        How finely treatments are told apart.
    outcome, measure : str
        What is compared.
    contrasts : pandas.DataFrame
        One row a trial and pair of its treatments: ``trial_id, study, treat1, treat2, yi, vi``
        (positive favours treat1), people on both sides and where the numbers stand.
    left_out : pandas.DataFrame
        Rows of the question that gave nothing, each with the reason.
    """

    level: Level
    outcome: str
    measure: Measure
    contrasts: pd.DataFrame
    left_out: pd.DataFrame

    def __str__(self) -> str:
        trials, treatments = self.contrasts["study"].nunique(), len(self.nodes())
        return (
            f"{treatments} treatments in {trials} trials ({self.outcome}, {self.level}); "
            f"{len(self.left_out)} rows left out, each with its reason"
        )

    def _repr_html_(self) -> str:
        nodes = self.nodes()
        rows = nodes.itertuples(index=False, name=None)
        return markup.table(list(nodes.columns), rows, caption=str(self))

    def to_frame(self) -> pd.DataFrame:
        """Return the contrasts."""
        return self.contrasts.copy()

    def columns(self) -> dict[str, Any]:
        """Return what :func:`~combined_care.network.network_meta_analysis` takes, by name."""
        names = ("treat1", "treat2", "yi", "vi", "study")
        return {name: self.contrasts[name].tolist() for name in names}

    def nodes(self) -> pd.DataFrame:
        """Return one row a treatment: its name, trials (k) and people (n, where reported)."""
        sides = [
            self.contrasts[["study", f"treat{i}", f"n{i}"]].set_axis(
                ["study", "treatment", "n"], axis=1
            )
            for i in (1, 2)
        ]
        arms = pd.concat(sides).drop_duplicates(["study", "treatment"])
        table = arms.groupby("treatment").agg(k=("study", "size"), n=("n", "sum"))
        return table.reset_index().astype({"n": int})


def network_of(
    evidence: Evidence,
    *,
    diagnosis: str | Iterable[str],
    outcome: str = "efficacy",
    level: Level = "broad",
    phase: str | Iterable[str] = "acute",
    tiers: str = "AB",
    left_out_flags: Iterable[str] | None = None,
    treatments: Treatments | None = None,
    **trials: str | Iterable[str],
) -> NetworkInput:
    """Build the network of treatments for a diagnosis and an outcome.

    Parameters
    ----------
    evidence : Evidence
        The tables.
    diagnosis : str or iterable of str
        One diagnosis or several, such as ``("mdd", "persistent_depression")``.
    outcome : str
        ``efficacy``, ``severity`` (standardised mean differences), ``response``, ``remission`` or
        ``dropout`` (log odds ratios).
    level : {"broad", "classes"}
        Treatments by kind (psychotherapy, medication, placebo ...) or by class (cbt, ssri ...).
    phase : str or iterable of str
        When the outcome was measured.
    tiers : str
        Data tiers to use.
    left_out_flags : iterable of str, optional
        Flags whose rows stay out; by default those of the selection rule.
    treatments : Treatments, optional
        The vocabulary; by default ``data/treatments.yaml`` of the project.
    **trials
        Further columns of trials and their allowed values, e.g. ``design="concurrent"``.

    Returns
    -------
    NetworkInput

    Raises
    ------
    InputError
        If a value or a column is not in the data, the outcome is not compared by SMD or OR, or no
        trial is left.

    Examples
    --------
    >>> import combined_care as cc
    >>> found = network_of(cc.load_evidence(), diagnosis="ocd")
    >>> print("Network:", found)
    Network: ... treatments in ... trials (efficacy, broad); ... rows left out, each with its reason

    It goes into the network meta-analysis as it is:

    >>> fit = cc.network_meta_analysis(**found.columns(), reference="medication")
    >>> print(fit.relative("psychotherapy + medication"))
    psychotherapy + medication against medication: ..., 95 % CI ... to ....
    """
    flags = None if left_out_flags is None else tuple(left_out_flags)
    estimand = Estimand(
        outcome=outcome,
        experimental=(),
        phase=_tuple(phase),
        tiers=tiers,
        left_out_flags=flags,
        trials={name: _tuple(v) for name, v in {"diagnosis": diagnosis, **trials}.items()},
    )
    measure = estimand.wanted_measure
    if measure not in {"SMD", "OR"}:
        message = f"a network of {outcome} would compare by {measure}; it can by SMD or OR only"
        raise InputError(message)
    vocabulary = load_treatments() if treatments is None else treatments
    contrasts, left_out = _Walk(evidence, estimand, vocabulary, level).run()
    if contrasts.empty:
        rows = "1 row is" if len(left_out) == 1 else f"{len(left_out)} rows are"
        message = f"no trial compares different treatments: {rows} left out"
        raise InputError(message)
    return NetworkInput(
        level=level, outcome=outcome, measure=measure, contrasts=contrasts, left_out=left_out
    )


class _Walk:
    """The walk through the rows of one question, trial by trial."""

    def __init__(
        self, evidence: Evidence, estimand: Estimand, vocabulary: Treatments, level: Level
    ) -> None:
        self.evidence, self.estimand = evidence, estimand
        self.vocabulary, self.level = vocabulary, level
        self.reasons: dict[str, str] = {}

    def run(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the contrasts, and the rows that gave none."""
        found = self.evidence.select(self.estimand)
        self.reasons = dict(zip(found.left_out["row_id"], found.left_out["reason"], strict=True))
        usable = {*found.effects["row_ids"].explode(), *found.alternatives["row_id"]}
        rows = [
            row
            for row in self.evidence.rows.matching({}, {})
            if row.row_id in usable or row.row_id in self.reasons
        ]
        trials: dict[str, list[NamedRow]] = defaultdict(list)
        for row in rows:
            named = self._named(row) if row.row_id in usable else None
            if named is not None:
                trials[str(row.trial_id)].append(named)
        contrasts = [pair for trial in trials.values() for pair in self._of_trial(trial)]
        left = [_described(r, self.reasons[r.row_id]) for r in rows if r.row_id in self.reasons]
        return (
            pd.DataFrame(contrasts, columns=list(_CONTRASTS)),
            pd.DataFrame(left, columns=list(_LEFT_OUT)),
        )

    def _named(self, row: Any) -> NamedRow | None:
        """Return a usable row with the treatments of its arms; without a place, note why."""
        asked = self.estimand
        effect = self.evidence.rows.effect(row, asked.wanted_measure, asked.variance)
        e, c = (
            self.vocabulary.name(row, "e", self.level),
            self.vocabulary.name(row, "c", self.level),
        )
        if isinstance(effect, Unusable):
            self.reasons[row.row_id] = effect.reason
        elif e is None or c is None:
            self.reasons[row.row_id] = "the class of a treatment is not recorded"
        elif e == c:
            self.reasons[row.row_id] = f"both arms are {e} at this level"
        else:
            return NamedRow(Candidate(row, effect), e, c, _source(effect))
        return None

    def _of_trial(self, rows: list[NamedRow]) -> list[dict[str, Any]]:
        """Return the contrasts of a trial, noting why its other rows are not used."""
        rule, measure = self.evidence.rule, self.estimand.wanted_measure
        found = trial_result(rows, rule, rule.family(self.estimand.outcome), measure)
        inside = {name for pair in found.pairs for name in (pair.treat1, pair.treat2)}
        for one in rows:
            if one.row.row_id not in found.row_ids:
                beyond = sorted(one.treatments - inside)
                self.reasons[one.row.row_id] = (
                    f"no measurement shared with the treatments used: {', '.join(beyond)}"
                    if beyond
                    else "another result of the same treatments is used"
                )
        return [_contrast(pair, found, measure) for pair in found.pairs]


def _source(effect: Oriented) -> ArmNumbers | None:
    """Tell which arm results an effect was computed from; None when it is a reported one."""
    if effect.measure == "SMD" and effect.numbers.has(*_MEANS):
        return "means"
    from_odds = effect.measure == "OR" or effect.converted
    return "events" if from_odds and effect.numbers.has(*_EVENTS) else None


def _contrast(pair: Pair, found: TrialResult, measure: Measure) -> dict[str, Any]:
    row = found.lead
    return {
        **pair._asdict(),
        **{name: getattr(row, name) for name in ("trial_id", "year", "outcome", "instrument")},
        "rating": row.rating,
        "study": row.label,
        "measure": measure,
        "converted": found.converted,
        "how": found.how,
        "row_ids": found.row_ids,
    }


def _described(row: Any, reason: str) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in _LEFT_OUT[:-1]}, "reason": reason}


def _tuple(values: str | Iterable[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)
