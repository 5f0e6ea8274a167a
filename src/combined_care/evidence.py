"""The evidence: load and validate the tables, and select the effects that answer a question."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from combined_care import markup, schema
from combined_care.effects import check_measure
from combined_care.errors import DataError, known
from combined_care.estimands import Estimand, Selection
from combined_care.paths import project_root
from combined_care.query import Query
from combined_care.review import FILE, MAIN, Review, current_review, load_review
from combined_care.rows import Rows
from combined_care.selection import SelectionRule, load_rule
from combined_care.severity import derive_severity, load_severity_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from combined_care.effects import Measure, SmdVariance

#: Columns of trials that name a trial, or hold free text.
_PROSE = (
    *("trial_id", "label", "year", "summary", "diagnosis_detail", "country", "setting", "notes"),
    "duplicate_of",
)


@dataclass(frozen=True, eq=False)
class Evidence:
    """The validated tables of one data release.

    Attributes
    ----------
    trials, outcomes, published : pandas.DataFrame
        The tables of the data package; see ``data/README.md`` for a description of each column.
        Where there is a ``data/severity.yaml``, ``trials`` has two more: ``severity_at_entry`` (the
        coded severity, else the class of a mean before treatment by that file) and
        ``severity_basis`` (which of the two).
    rule : SelectionRule
        How one effect per trial is chosen.
    release : str
        Version of the data package.
    vocabulary : mapping
        Column -> the values that the data package allows; other columns take any value.
    words : mapping
        Word of the tables -> name for readers.
    review : Review
        What the review is about; by default that of the project one works in.
    """

    trials: pd.DataFrame
    outcomes: pd.DataFrame
    published: pd.DataFrame
    rule: SelectionRule
    release: str
    vocabulary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    review: Review = field(default_factory=current_review)

    def __str__(self) -> str:
        return (
            f"Evidence release {self.release}: {len(self.trials)} trials, "
            f"{len(self.outcomes)} outcome rows, {len(self.published)} published pooled results"
        )

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        tables = {"trials": self.trials, "outcomes": self.outcomes, "published": self.published}
        rows = [(name, f"{len(table):,}", len(table.columns)) for name, table in tables.items()]
        header = ("Table", "Rows", "Columns")
        return markup.table(header, rows, caption=f"Evidence release {self.release}")

    def name(self, word: str) -> str:
        """Return the name for readers of a word that the tables use."""
        return self.words.get(word, word.replace("_", " "))

    def treatment(self, estimand: Estimand) -> str:
        """Name the experimental arm of a question in a sentence."""
        if estimand.experimental in ((), self.review.experimental):
            return self.review.treatment
        return " or ".join(map(self.name, estimand.experimental))

    def effects(
        self,
        outcome: str = MAIN,
        comparator: str | Iterable[str] | None = None,
        diagnosis: str | Iterable[str] | None = None,
        *,
        phase: str | Iterable[str] | None = "default",
        tiers: str = "AB",
        measure: Measure | None = None,
        experimental: str | Iterable[str] = "default",
        weeks: tuple[float, float] | None = None,
        variance: SmdVariance = "LS",
        left_out_flags: Iterable[str] | None = None,
        left_out_medication: Iterable[str] | None = None,
        **trials: str | Iterable[str],
    ) -> pd.DataFrame:
        """Select the effects that answer a question: one row a trial and comparator.

        Parameters
        ----------
        outcome : str
            ``efficacy`` (outcomes that stand in for each other; here severity where usable, else
            response, else remission), or one outcome of the data.
        comparator, experimental : str or iterable of str, optional
            Kind of arm; by default any comparator, and the experimental arm of the review.
        diagnosis : str or iterable of str, optional
            Diagnosis; any by default.
        phase : str, iterable of str or None
            Phase of measurement; by default what ``data/review.yaml`` says of the outcome
            (``acute``, for relapse any); ``None`` allows any.
        tiers : str
            Data tiers to pool.
        measure : str, optional
            ``SMD``, ``MD``, ``OR``, ``RR``, ``RD`` or ``HR``; by default what suits the outcome.
        weeks : tuple of two numbers, optional
            First and last week of measurement.
        variance : str
            Formula of the variance of g.
        left_out_flags, left_out_medication : iterable of str, optional
            Flags and kinds of treatment that stay out; by default as ``data/selection.yaml`` says.
            Pass ``()`` to keep all.
        **trials
            Further trial columns and their allowed values, e.g. ``design="concurrent"``.

        Returns
        -------
        pandas.DataFrame
            At least ``trial_id, label, year, diagnosis, design, comparator, measure, yi, vi,
            tier``. ``yi > 0`` favours the experimental arm; ratios are logs.

        Raises
        ------
        InputError
            If a value or a column is not in the data; the nearest valid one is named.
        """
        if phase == "default":
            phase = self.review.phases(outcome)
        if experimental == "default":
            experimental = self.review.experimental
        if diagnosis is not None:
            trials = {"diagnosis": diagnosis, **trials}
        estimand = Estimand(
            outcome=outcome,
            comparator=_tuple(comparator),
            experimental=_tuple(experimental),
            phase=_tuple(phase),
            weeks=weeks,
            measure=measure,
            tiers=tiers,
            trials={column: _tuple(values) for column, values in trials.items()},
            variance=variance,
            left_out_flags=None if left_out_flags is None else tuple(left_out_flags),
            left_out_kinds=None if left_out_medication is None else tuple(left_out_medication),
        )
        return self.select(estimand).effects

    def select(self, estimand: Estimand) -> Selection:
        """Select the effects of `estimand`, and say what was left out and why.

        Raises
        ------
        InputError
            If the estimand names a column or a value that the data do not know.
        """
        self._check(estimand)
        return Query(self.rows, self.rule, estimand).run()

    @cached_property
    def rows(self) -> Rows:
        """The rows of :attr:`contrasts`, with what every question asks of them computed once."""
        prose = {*_PROSE, *self.review.parts}
        carried = (str(name) for name in self.trials.columns if name not in prose)
        return Rows(self.contrasts, self.arms_of_trial, carried)

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """Outcome rows joined with their trials; labels that two trials share tell them apart."""
        shared = self.trials["label"].duplicated(keep=False)
        longer = self.trials["label"] + " (" + self.trials["trial_id"] + ")"
        trials = self.trials.assign(label=self.trials["label"].where(~shared, longer))
        return self.outcomes.merge(trials, on="trial_id", how="left", validate="m:1")

    @cached_property
    def arms_of_trial(self) -> dict[str, int]:
        """Number of kinds of arm that a trial's rows name, at least 2."""
        kinds: dict[str, set[str]] = defaultdict(set)
        columns = (self.outcomes[name] for name in ("trial_id", "experimental", "comparator"))
        for trial, experimental, comparator in zip(*columns, strict=True):
            kinds[trial] |= {experimental, comparator}
        return {trial: max(2, len(names)) for trial, names in kinds.items()}

    def _check(self, estimand: Estimand) -> None:
        check_measure(estimand.wanted_measure)
        known("outcome", (estimand.outcome,), [*self._values("outcome"), *self.rule.outcomes])
        for column in ("comparator", "experimental", "phase"):
            known(column, getattr(estimand, column), self._values(column))
        known("tiers", tuple(estimand.tiers), ["A", "B", "C", "D"])
        for column, values in (*estimand.trials.items(), *estimand.any_of.items()):
            known("trial column", (column,), self.trials.columns)
            known(column, values, self._values(column))

    def _values(self, column: str) -> Iterable[Any]:
        """Values that a column may have: its vocabulary, else what the rows hold."""
        table = self.trials if column in self.trials else self.outcomes
        return self.vocabulary.get(column) or table[column].unique()


def load_evidence(path: str | Path | None = None) -> Evidence:
    """Load and validate the evidence.

    Parameters
    ----------
    path : str or pathlib.Path, optional
        Folder with the data package; by default ``data/`` of the project.

    Returns
    -------
    Evidence
        The validated tables.

    Raises
    ------
    DataError
        If the data break their schema, or ``review.yaml`` names words or columns that they do not
        have; the message lists every problem.

    Examples
    --------
    >>> evidence = load_evidence()
    >>> print(evidence)
    Evidence release ...: ... trials, ... outcome rows, ... published pooled results
    >>> effects = evidence.effects("efficacy", comparator="pharmacotherapy", diagnosis="ocd")
    >>> effects["measure"].unique().tolist(), bool((effects["vi"] > 0).all())
    (['SMD'], True)
    """
    folder = Path(path) if path is not None else project_root() / "data"
    tables = schema.read_tables(folder)
    package = json.loads((folder / schema.PACKAGE_FILE).read_text(encoding="utf-8"))
    found = Evidence(
        trials=_with_severity(tables["trials"], tables["outcomes"], folder / "severity.yaml"),
        outcomes=tables["outcomes"],
        published=tables["published"],
        rule=load_rule(folder / "selection.yaml"),
        release=str(package["version"]),
        vocabulary=vocabulary_of(package),
        words=yaml.safe_load((folder / "words.yaml").read_text(encoding="utf-8")),
        review=load_review(folder / FILE),
    )
    problems = list(_unknown_words(found))
    if problems:
        listed = "\n  ".join(problems)
        message = f"{FILE} names what the tables do not have:\n  {listed}"
        raise DataError(message)
    return found


def _unknown_words(found: Evidence) -> Iterator[str]:
    """Say which words of the review are no words of the tables."""
    review = found.review
    designs = tuple(design for start in review.starts.values() for design in start.designs)
    own = tuple(name for name in review.outcomes if name not in found.rule.outcomes)
    asked = {
        "experimental": review.experimental,
        "comparator": review.every_comparator,
        "phase": review.phase,
        "design": designs,
        "outcome": own,
    }
    for column, words in asked.items():
        known = found.vocabulary.get(column, ())
        for word in words:
            if word not in known:
                yield f"{word!r} is no word of the column {column}; known are {', '.join(known)}"
    parts = (name for part in review.parts for name in (part, f"{part}_class"))
    for name in (*review.columns, *parts):
        if name not in found.trials.columns:
            yield f"trials.csv has no column {name}"


def _with_severity(trials: pd.DataFrame, outcomes: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Add severity at entry, coded or derived by the rule of `file`, and what it rests on."""
    if not file.is_file():
        return trials
    derived = derive_severity(trials, outcomes, load_severity_rule(file))
    return trials.assign(
        severity_at_entry=derived["severity"], severity_basis=derived["severity_basis"]
    )


def vocabulary_of(package: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the vocabularies that a data package declares for trials and outcomes.

    ``severity_at_entry`` is computed, with the words of ``severity``, where trials have that.
    """
    found = {
        column["name"]: tuple(column["constraints"]["enum"])
        for resource in package["resources"]
        if resource["name"] in ("trials", "outcomes")
        for column in resource["schema"]["fields"]
        if "enum" in column.get("constraints", {})
    }
    return found | ({"severity_at_entry": found["severity"]} if "severity" in found else {})


def _tuple(values: str | Iterable[str] | None) -> tuple[str, ...]:
    if values is None:
        return ()
    return (values,) if isinstance(values, str) else tuple(values)
