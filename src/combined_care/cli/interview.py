"""Ask for the cells of a new trial, one after the other, on a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from combined_care.addition import same_trial
from combined_care.drafts import KINDS, columns_asked, propose_trial_id
from combined_care.schema import Field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

KEYS = (
    "Enter takes what stands in [brackets] or leaves the cell empty, - empties it, < goes back, "
    "? tells more, Ctrl-C ends without writing."
)
#: Columns that are made, or filled from the annotations.
_NOT_ASKED = {
    "trials": frozenset({"duplicate_of", "notice"}),
    "outcomes": frozenset({"row_id", "trial_id", "same_as_row"}),
}
#: The name comes first, because the identifier is proposed from it.
_FIRST = ("label", "year", "doi", "pmid", "trial_id")
#: Columns in which a further row mostly repeats the row before it.
_REPEATED = frozenset(
    {
        *("experimental", "comparator", "treatment_e", "treatment_c", "weeks", "phase", "derived"),
        *("analysis_set", "tier", "source_url", "source_note", "source_kind"),
    }
)
_KIND = Field(
    name="numbers",
    type="string",
    description="What the row reports of both arms (only a question, no column)",
    unit="",
    constraints={"required": True},
    meanings={"means": "means, standard deviations and n", "events": "events and n"},
    separator="",
)
_BACK, _WIDTH = "<<", 100


class Interview:
    """Questions and answers; every answer is checked at once.

    Parameters
    ----------
    fields : mapping of str to sequence of Field
        From :func:`combined_care.schema.declared_fields`.
    trials : pandas.DataFrame of str
        The trials that are there.
    ask : callable
        Takes a prompt and returns what was typed.
    say : callable
        Shows a line.
    """

    def __init__(
        self,
        fields: Mapping[str, Sequence[Field]],
        trials: pd.DataFrame,
        ask: Callable[[str], str],
        say: Callable[[str], None],
    ) -> None:
        self.fields, self.trials = fields, trials
        self.ask, self.say = ask, say
        self._said: set[str] = set()

    def trial(self) -> dict[str, str]:
        """Ask for the trial."""
        by_name = {field.name: field for field in self.fields["trials"]}
        asked = [name for name in by_name if name not in (*_FIRST, *_NOT_ASKED["trials"])]
        steps = [by_name[name] for name in (*_FIRST, *asked) if name in by_name]
        return self._walk(lambda _: steps, {})

    def outcome(self, before: Mapping[str, str]) -> dict[str, str]:
        """Ask for a row of outcomes; what `before` repeats is proposed."""
        proposed = {name: cell for name, cell in before.items() if name in _REPEATED}
        row = self._walk(self._outcome_steps, {}, proposed)
        row.pop(_KIND.name, None)
        return row

    def again(self, table: str, row: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
        """Ask again for some columns of a row."""
        steps = [field for field in self.fields[table] if field.name in columns]
        return {**row, **self._walk(lambda _: steps, {}, row)}

    def agreed(self, question: str, *, default: bool) -> bool:
        """Ask a question for yes or no."""
        while True:
            answer = self.ask(f"{question} [{'Y/n' if default else 'y/N'}] ").strip().casefold()
            if answer in {"", "y", "yes", "n", "no"}:
                return default if answer == "" else answer.startswith("y")
            self.say("Please answer y or n.")

    def _walk(
        self,
        steps: Callable[[Mapping[str, str]], Sequence[Field]],
        answers: dict[str, str],
        proposed: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Ask one field after the other; what was answered is proposed again on the way back."""
        position, remembered = 0, dict(proposed or {})
        while position < len(asked := steps(answers)):
            field = asked[position]
            answer = self._one(field, remembered.get(field.name) or self._default(field, answers))
            if answer == _BACK:
                if position == 0:
                    self.say("This is the first question.")
                position = max(0, position - 1)
                continue
            answers[field.name] = remembered[field.name] = answer
            self._warn(answers)
            position += 1
        wanted = {field.name for field in asked}
        return {name: cell for name, cell in answers.items() if name in wanted}

    def _outcome_steps(self, answers: Mapping[str, str]) -> list[Field]:
        """Return the columns of a row, as far as the tier and the kind of numbers need them."""
        kinds = KINDS.get(answers.get("tier", ""), ())
        kind = answers.get(_KIND.name, "")
        kind = kind if kind in kinds else (*kinds, "")[0]
        steps: list[Field] = []
        for field in columns_asked(self.fields["outcomes"], kind):
            if field.name not in _NOT_ASKED["outcomes"]:
                steps.append(field)
            if field.name == "tier" and len(kinds) > 1:
                steps.append(_KIND)
        return steps

    def _default(self, field: Field, answers: Mapping[str, str]) -> str:
        if field.name != "trial_id":
            return ""
        taken = self.trials["trial_id"]
        return propose_trial_id(answers.get("label", ""), answers.get("year", ""), taken)

    def _warn(self, answers: Mapping[str, str]) -> None:
        """Say at once, and once, when an entry may be the same trial."""
        for problem in same_trial(answers, self.trials):
            if problem.expected not in self._said:
                self._said.add(problem.expected)
                self.say(f"  Look first: expected {problem.expected}")

    def _one(self, field: Field, default: str) -> str:
        """Ask until the answer fits."""
        self.say("")
        self.say(_headline(field))
        for word, meaning in field.meanings.items():
            self.say(f"    {word:<26} {meaning}")
        prompt = f"{field.name}{f' [{default}]' if default else ''}: "
        while True:
            typed = self.ask(prompt).strip()
            if typed == "?":
                self._help(field)
                continue
            if typed == _BACK or (typed == "<" and "<" not in field.meanings):
                return _BACK
            answer = "" if typed == "-" else typed or default
            expected = field.expected(answer)
            if expected is None:
                return answer
            self.say(f"  '{answer}' does not fit, expected {expected}" if answer else
                     f"  This may not stay empty, expected {expected}")  # fmt: skip

    def _help(self, field: Field) -> None:
        """Tell all that the data package says of a column, and the keys."""
        rules = [f"{name} {value}" for name, value in field.constraints.items() if name != "enum"]
        told = [
            _headline(field),
            f"Kind: {field.type}{f', {field.unit}' if field.unit else ''}.",
            f"Rules: {'; '.join(rules)}." if rules else "",
            f"Several words are joined by '{field.separator}'." if field.separator else "",
            "Go back with <<, because < is a word here." if "<" in field.meanings else "",
            KEYS,
        ]
        for text in filter(None, told):
            for line in textwrap.wrap(text, _WIDTH):
                self.say(f"  {line}")


def _headline(field: Field) -> str:
    unit = f" In {field.unit}." if field.unit else ""
    needed = "" if field.required else " May stay empty."
    return f"{field.description.rstrip('.')}.{unit}{needed}"
