"""Which side is good: what the caller says about the instruments and outcomes of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from combined_care.errors import InputError, known

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class Directions:
    """Answers to "is a higher value, or the event, better?", by a word of the file.

    Attributes
    ----------
    by_word : mapping of str to float
        1.0 (yes) or 0.0 (no) for a word, compared without case.
    otherwise : float
        For all other words; nan when nothing was said.
    """

    by_word: Mapping[str, float] = field(default_factory=dict)
    otherwise: float = float("nan")

    @classmethod
    def of(cls, said: Mapping[str, int] | int | None) -> Directions:
        """Take what a caller says; :class:`InputError` unless every answer is 0 or 1."""
        if said is None:
            return cls()
        answers = said if isinstance(said, Mapping) else {"all rows": said}
        wrong = [f"{word}: {value!r}" for word, value in answers.items() if value not in (0, 1)]
        if wrong:
            message = f"higher_is_better must be 1 (yes) or 0 (no); got {', '.join(wrong)}"
            raise InputError(message)
        if isinstance(said, Mapping):
            return cls(by_word={str(word).casefold(): float(x) for word, x in said.items()})
        return cls(otherwise=float(said))

    def check(self, columns: Iterable[Iterable[str]]) -> None:
        """Raise :class:`InputError` for a word that stands in none of the columns of the file."""
        if self.by_word:
            words = {str(cell).strip().casefold() for column in columns for cell in column}
            known("word in higher_is_better", self.by_word, words)

    def answer(self, *words: str) -> float:
        """Return the answer for the first of `words` about which something was said, or nan."""
        for word in words:
            if word.casefold() in self.by_word:
                return self.by_word[word.casefold()]
        return self.otherwise


def directed(cells: Mapping[str, float | str], better: float) -> dict[str, float | str]:
    """Return the cells that say which side is good: for arm results or for a reported effect."""
    if "effect" not in cells:
        return {"higher_is_better": better}
    if np.isnan(better):
        return {}
    towards = "higher" if better == 1 else "lower"
    return {"higher_is_better": better, "favours_experimental_when": towards}
