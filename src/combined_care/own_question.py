"""A question of one's own: asked in one call, judged by the rules of the claims, never one of them.

What was asked with the data at hand is no test: every answer says so, and carries the call that
gives it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from combined_care import markup
from combined_care.analyses import Analysis
from combined_care.claims import Claim, estimand_of, load_claims
from combined_care.errors import known
from combined_care.evidence import load_evidence
from combined_care.inference import TESTS
from combined_care.inputs import check_choice, check_level
from combined_care.paths import project_root
from combined_care.results import Absent
from combined_care.tau2 import METHODS
from combined_care.verdicts import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from combined_care.analyses import Kind
    from combined_care.certainty import Certainty
    from combined_care.claims import Rules
    from combined_care.decisions import Label
    from combined_care.estimands import Estimand
    from combined_care.evidence import Evidence
    from combined_care.findings import AnalysisResult
    from combined_care.inference import Test
    from combined_care.robustness import Robustness
    from combined_care.synthesis import Synthesis
    from combined_care.tau2 import Method
    from combined_care.verdicts import Verdict

#: Kinds of question that one pooled effect answers.
KINDS: tuple[Kind, ...] = ("superiority", "meaningful", "equivalence")
#: What stands beside every answer.
NOT_PRE_SPECIFIED = (
    "The question was asked with the data at hand. The more questions one asks, the more of them "
    "seem to be answered by chance."
)
_NOT_EXPLORED = Absent("not asked for; robustness=True computes it")
#: Parts of an estimand that are one value, not a list of allowed ones.
_ALONE = ("outcome", "tiers", "measure", "variance")
#: Columns of trials whose words say by themselves what they are about.
_NAMED = ("population", "design")
_ASKED: dict[Kind, str] = {
    "superiority": "Is {own} better than {other}?",
    "meaningful": "Is {own} better than {other} by enough to matter?",
    "equivalence": "Does {other} do as well as {own}?",
}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the evidence says to a question that nobody fixed in advance.

    Attributes
    ----------
    question : mapping
        The arguments of :func:`ask`, without the evidence.
    verdict : Verdict
        The question as a claim with one analysis: every display of a claim's verdict takes it.
    evidence : Evidence
        What was asked.
    code : str
        Python that gives this answer again; where the evidence was given, it is called `evidence`.
    """

    question: Mapping[str, Any]
    verdict: Verdict
    evidence: Evidence
    code: str

    @property
    def result(self) -> AnalysisResult:
        """The one analysis, with its checks, reasons and what was left out."""
        return self.verdict.results[0]

    @property
    def fit(self) -> Synthesis | Absent:
        """The pooled effect; absent, with the reason, where nothing can be pooled."""
        return self.result.fit

    @property
    def effects(self) -> pd.DataFrame:
        """The pooled effects, one row a trial; positive favours combined treatment."""
        return self.result.effects

    @property
    def label(self) -> Label:
        """The label by the rules of the claims."""
        return self.result.label

    @property
    def certainty(self) -> Certainty | Absent:
        """The certainty of the evidence by the rules of the claims."""
        return self.result.certainty

    @property
    def robustness(self) -> Robustness | Absent:
        """How many other defensible analyses say the same; absent unless it was asked for."""
        return self.result.robustness

    @property
    def k(self) -> int:
        """Number of trials with a pooled effect."""
        return self.result.k

    @property
    def n(self) -> int:
        """Number of people in the trials that report arm sizes."""
        return self.result.n

    def __str__(self) -> str:
        why = " ".join(map(str, self.result.reasons))
        agree = "" if isinstance(self.robustness, Absent) else f" {self.robustness}"
        label = self.label.replace("_", " ").capitalize()
        said = f"{self.verdict.claim.text} {label}. {why}{agree}"
        return f"{said} Not pre-specified: {NOT_PRE_SPECIFIED[0].lower()}{NOT_PRE_SPECIFIED[1:]}"

    def to_dict(self) -> dict[str, Any]:
        """Return question, verdict and numbers as plain JSON types; what is absent is left out."""
        return {
            "question": dict(self.question),
            "text": self.verdict.claim.text,
            "pre_specified": False,
            **self.result.to_dict(),
            "reasons": [str(reason) for reason in self.result.reasons],
            "code": self.code,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row: question, verdict, k, n, estimate and intervals (ratios as logs)."""
        return self.verdict.to_frame().drop(columns="role").rename(columns={"analysis": "question"})

    def _repr_html_(self) -> str:
        (row,) = self.to_frame().to_dict("records")
        cells = [(name, markup.number(value)) for name, value in row.items()]
        table = markup.table(("Quantity", "Value"), cells, caption="A question of one's own")
        code = markup.Safe(f"<pre><code>{markup.text(self.code)}</code></pre>")
        again = markup.details("The call that gives this answer again", code)
        return markup.join([markup.paragraph(str(self)), table, again])


def ask(
    evidence: Evidence | None = None,
    *,
    diagnosis: str | Iterable[str] | None = None,
    comparator: str | Iterable[str] | None = None,
    outcome: str = "efficacy",
    design: str | Iterable[str] | None = None,
    population: str | Iterable[str] | None = None,
    phase: str | Iterable[str] | None = "default",
    tiers: str = "AB",
    method: Method = "REML",
    test: Test = "knha",
    level: float = 0.95,
    kind: Kind = "superiority",
    robustness: bool = False,
    **columns: Any,
) -> Answer:
    """Ask the evidence a question of your own: the trials, their pooled effect, and a verdict.

    Parameters
    ----------
    evidence : Evidence, optional
        From :func:`combined_care.load_evidence`, which is called by default; give it to ask
        several questions, or to ask evidence of your own.
    diagnosis, comparator, design, population : str or iterable of str, optional
        Words of the tables (``ask`` names the nearest known one); any by default. A trial that
        several of the comparators take counts its people twice, so that nothing is pooled then.
    outcome : str
        ``efficacy`` (severity where usable, else response, else remission), ``severity``,
        ``response``, ``remission``, ``relapse``, ``dropout`` or ``other``.
    phase : str, iterable of str or None
        By default what ``data/review.yaml`` says (``acute``; relapse: any); ``None`` allows any.
    tiers : str
        Data tiers that are pooled.
    method, test, level
        The model, as for :func:`combined_care.synthesize`.
    kind : {"superiority", "meaningful", "equivalence"}
        Whether combined treatment is better, better by enough to matter, or the comparator does
        as well.
    robustness : bool
        Also compute every other defensible analysis (some seconds). Only then can the verdict say
        that the result hangs on our choices.
    **columns
        Further columns of ``trials.csv`` and their values, e.g. ``chronic="yes"``, and further
        parts of :class:`~combined_care.estimands.Estimand`, e.g. ``weeks=(0, 8)``.

    Returns
    -------
    Answer
        The verdict by the rules of the claims. The question was not fixed before its result was
        seen: the answer says so wherever it is shown.

    Raises
    ------
    InputError
        If a word, a column, or an option of the model is not known.

    Notes
    -----
    Thresholds, the multiverse and the rules of certainty are those in ``data/`` of the project.

    Examples
    --------
    >>> answer = ask(diagnosis="ocd", comparator="pharmacotherapy", population="adult")
    >>> print(answer)
    Is combined treatment better than medication alone? Efficacy in obsessive-compulsive disorder,
    ... Not pre-specified: the question was asked with the data at hand. ...
    >>> answer.k == len(answer.effects)
    True
    >>> print(answer.code)
    import combined_care as cc
    <BLANKLINE>
    answer = cc.ask(
        diagnosis="ocd",
        comparator="pharmacotherapy",
        outcome="efficacy",
        population="adult",
        phase="acute",
        tiers="AB",
        method="REML",
        test="knha",
        level=0.95,
        kind="superiority",
    )
    """
    known("kind of question", (kind,), KINDS)
    model = _model(method, test, level)
    found = load_evidence() if evidence is None else evidence
    if phase == "default":
        phase = found.review.phases(outcome)
    given = {"diagnosis": diagnosis, "comparator": comparator, "outcome": outcome,
             "design": design, "population": population, **columns}  # fmt: skip
    select = {name: _plain(value) for name, value in given.items() if value is not None}
    select |= {"phase": _one(phase), "tiers": tiers}
    asked = {**select, **model, "kind": kind} | ({"robustness": True} if robustness else {})
    rules = replace(shared_rules(), **model, sensitivity=())
    claim = _claim(select, kind, found, rules if robustness else replace(rules, choices=None))
    verdict = judge(claim, found)
    return Answer(
        question=asked,
        verdict=verdict if robustness else _unexplored(verdict),
        evidence=found,
        code=code_of(asked, "" if evidence is None else "evidence"),
    )


def code_of(question: Mapping[str, Any], given: str = "") -> str:
    """Write the call that asks a question.

    Parameters
    ----------
    question : mapping
        The arguments of :func:`ask`.
    given : str
        What the evidence is called; empty for that of the project.

    Examples
    --------
    >>> print(code_of({"diagnosis": ["ocd", "panic"], "level": 0.9}))
    import combined_care as cc
    <BLANKLINE>
    answer = cc.ask(
        diagnosis=["ocd", "panic"],
        level=0.9,
    )
    """
    settings = [f"{name}={_literal(value)}" for name, value in question.items()]
    lines = "".join(f"    {line},\n" for line in ([given] if given else []) + settings)
    return f"import combined_care as cc\n\nanswer = cc.ask(\n{lines})"


def shared_rules() -> Rules:
    """Return the rules that all claims of the project share; read anew when a file changes."""
    folder = project_root() / "data"
    files = sorted(folder.glob("*.yaml"))
    return _shared_rules(folder, tuple(file.stat().st_mtime_ns for file in files))


@lru_cache(maxsize=4)
def _shared_rules(folder: Path, _modified: tuple[int, ...]) -> Rules:
    return next(iter(load_claims(folder / "claims.yaml").values())).rules


def as_claim(
    analyses: Iterable[Analysis], rules: Rules, *, text: str, kind: Kind = "superiority"
) -> Claim:
    """Put analyses that no claim names into the form that :func:`combined_care.judge` takes."""
    return Claim(
        id="own-question",
        set="secondary",
        section="",
        text=text,
        kind=kind,
        analyses=tuple(analyses),
        rules=rules,
    )


def _claim(select: Mapping[str, Any], kind: Kind, evidence: Evidence, rules: Rules) -> Claim:
    lists = {name: value if name in _ALONE else _listed(value) for name, value in select.items()}
    estimand = estimand_of(lists, variance=rules.smd_variance)
    other = _named(estimand.comparator, evidence) or "any comparator"
    about = _about(estimand, evidence)
    analysis = Analysis(
        id="question",
        title=f"against {other}",
        kind=kind,
        role="decisive",
        estimand=estimand,
    )
    question = _ASKED[kind].format(own=evidence.review.treatment, other=other)
    text = f"{question} {about[:1].upper()}{about[1:]}."
    return as_claim([analysis], rules, text=text, kind=kind)


def _about(estimand: Estimand, evidence: Evidence) -> str:
    """Say which trials and results are meant, but for the comparator."""
    diagnoses = estimand.trials.get("diagnosis", ())
    said = [
        f"{evidence.name(estimand.outcome)} in {_named(diagnoses, evidence) or 'any diagnosis'}"
    ]
    for column, values in estimand.trials.items():
        if column in _NAMED:
            said.append(_named(values, evidence))
        elif column != "diagnosis":
            name = evidence.review.columns.get(column, column.replace("_", " "))
            said.append(f"{name}: {_named(values, evidence)}")
    said.append(_named(estimand.phase, evidence) or "any time")
    if estimand.weeks:
        said.append("weeks {:g} to {:g}".format(*estimand.weeks))
    return ", ".join(said)


def _named(words: Iterable[str], evidence: Evidence) -> str:
    return " or ".join(evidence.name(word) for word in words)


def _unexplored(verdict: Verdict) -> Verdict:
    """Say that robustness was not asked for; :func:`judge` can only say that it had no choices."""
    (result,) = verdict.results
    before, now = str(result.robustness), str(_NOT_EXPLORED)
    checks = (replace(c, detail=now) if c.detail == before else c for c in result.checks)
    changed = replace(result, robustness=_NOT_EXPLORED, checks=tuple(checks))
    return replace(
        verdict, results=(changed,), robustness=_NOT_EXPLORED, specifications=_NOT_EXPLORED
    )


def _model(method: Method, test: Test, level: float) -> dict[str, Any]:
    """Check the options of the model even where there is nothing to pool."""
    check_choice("method", method, METHODS)
    check_choice("test", test, TESTS)
    return {"method": method, "test": test, "level": check_level(level)}


def _plain(value: Any) -> Any:
    """Return a word, a number or None as it is, and everything else as a list."""
    value = value.tolist() if hasattr(value, "tolist") else value  # numpy and pandas
    return value if value is None or isinstance(value, (str, int, float)) else list(value)


def _one(words: Any) -> Any:
    """Return a list of one as its word, and an empty one as None, which allows any."""
    listed = _listed(_plain(words))
    return listed[0] if len(listed) == 1 else listed or None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _literal(value: Any) -> str:
    """Write plain data as Python, in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
