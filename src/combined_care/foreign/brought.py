"""What bringing a foreign file into a project added, and what it could not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from combined_care import markup
from combined_care.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class BroughtData(Result):
    """What bringing a file into a project added.

    Attributes
    ----------
    file : str
        Name of the file.
    trials, rows : tuple of str
        Identifiers of the trials and of the outcome rows that are new.
    known_trials : tuple of str
        Trials of the file whose identifier the project had: new rows are added to them. A person
        should look whether they are the same trials.
    known : pandas.DataFrame
        Contrasts that the project had already: ``lines`` in the file and ``row_id``.
    unused : pandas.DataFrame
        ``lines``, ``study``, ``reason`` of every row that was not brought in, with all reasons:
        those of the file's reader, of the project's vocabulary, and of its validation.
    added_words : dict of str to list of str
        Words added to the vocabulary, by column.
    notes : tuple of str
        Values that do not fit their column and stand in the notes of their rows, with how often.
    kept_as : str
        Where the file is kept byte for byte, seen from the data folder.
    written : bool
        Whether the data folder was changed; False on a trial run and when nothing is new.
    """

    caption: ClassVar[str] = "Rows of the file that were not brought in"

    file: str
    trials: tuple[str, ...]
    rows: tuple[str, ...]
    known_trials: tuple[str, ...]
    known: pd.DataFrame
    unused: pd.DataFrame
    added_words: dict[str, list[str]]
    notes: tuple[str, ...]
    kept_as: str
    written: bool

    @property
    def changed(self) -> bool:
        """Whether anything is new to the project."""
        return bool(self.rows)

    def __str__(self) -> str:
        done = "added" if self.written else "new, not written" if self.changed else "new"
        head = (
            f"{self.file}: {len(self.rows)} rows and {len(self.trials)} trials {done}; "
            f"{len(self.known)} rows were there; {len(self.unused)} rows cannot be used"
        )
        there = [f"  trials that were there: {', '.join(self.known_trials)}"]
        words = [f"  new words of {c}: {', '.join(w)}" for c, w in self.added_words.items()]
        notes = [f"  in the notes: {note}" for note in self.notes]
        more = [*(there if self.known_trials else []), *words, *notes]
        return "\n".join([head, *more, *(f"  {text}" for text in self._reasons())])

    def _reasons(self) -> Iterator[str]:
        """Yield each reason once, with the lines to which it applies."""
        lines: dict[str, list[str]] = {}
        for row in self.unused.itertuples(index=False):
            for reason in str(row.reason).split("; "):
                lines.setdefault(reason, []).append(str(row.lines))
        yield from (f"{reason}: {_listed(where)}" for reason, where in lines.items())

    def to_frame(self) -> pd.DataFrame:
        """Return the rows that were not brought in: ``lines``, ``study``, ``reason``."""
        return self.unused.copy()

    def _repr_html_(self) -> str:
        cells = self.unused.itertuples(index=False, name=None)
        listed = markup.table(tuple(self.unused.columns), cells, caption=self.caption)
        head = markup.paragraph(str(self).partition("\n")[0])
        return head + (listed if len(self.unused) else "")


def _listed(lines: list[str]) -> str:
    """Write lines for readers, those that follow one another as ``3 to 7``.

    Examples
    --------
    >>> _listed(["2", "4", "5", "6"]), _listed(["9"]), _listed(["2, 3"])
    ('lines 2, 4 to 6', 'line 9', 'lines 2, 3')
    """
    numbers = sorted({int(part) for text in lines for part in text.split(", ")})
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return f"line{'' if len(numbers) == 1 else 's'} {', '.join(shown)}"
