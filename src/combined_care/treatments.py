"""What an arm of a trial is in a network: the parts it holds, by kind or by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import yaml

from combined_care.errors import DataError
from combined_care.inputs import check_choice
from combined_care.paths import project_root

if TYPE_CHECKING:
    from pathlib import Path

Level = Literal["broad", "classes"]
LEVELS: tuple[Level, ...] = get_args(Level)
#: Joins the parts of a treatment's name.
SEP = " + "

_FILE = "treatments.yaml"


@dataclass(frozen=True, slots=True)
class Treatments:
    """The vocabulary of ``data/treatments.yaml``; see that file for the meaning of each part."""

    arms: dict[str, tuple[str, ...]]
    classes: dict[str, dict[str, str]]
    words: dict[str, tuple[str, ...]]
    controls: dict[str, str]

    def name(self, row: Any, side: Literal["e", "c"], level: Level) -> str | None:
        """Name the treatment of one arm of an outcome row joined with its trial.

        Parameters
        ----------
        row : named tuple
            Needs ``experimental``, ``comparator``, ``treatment_e``, ``treatment_c``,
            ``psychotherapy_class`` and ``medication_class``.
        side : {"e", "c"}
            The experimental or the comparator arm.
        level : {"broad", "classes"}
            How finely treatments are told apart.

        Returns
        -------
        str or None
            Parts joined by ``" + "``; None where a class is needed and not recorded.

        Raises
        ------
        InputError
            If `level` is unknown.
        DataError
            If a word of the row is not in the vocabulary.
        """
        check_choice("level", level, LEVELS)
        own = {kind: str(getattr(row, f"{kind}_class")) for kind in self.classes}
        parts = []
        for kind, word in sorted(self._parts(row, side, own), key=self._place):
            if level == "broad" or kind not in self.classes:
                parts.append(kind)
            elif not word:
                return None
            else:
                parts.append(self.classes[kind][word])
        return SEP.join(dict.fromkeys(parts))

    def _parts(self, row: Any, side: str, own: dict[str, str]) -> list[tuple[str, str]]:
        """Return kind and class of each part: by the row's words when they fit the kind of arm."""
        arm = str(row.experimental if side == "e" else row.comparator)
        if arm not in self.arms:
            message = f"{_FILE} does not know the kind of arm {arm!r} of row {row.row_id}"
            raise DataError(message)
        kinds = self.arms[arm]
        text = str(getattr(row, f"treatment_{side}"))
        named = [self._part(word.strip(), own, row) for word in text.split("+")] if text else []
        # Words that lack a part of the kind of arm say less than the kind does.
        if set(kinds) <= {kind for kind, _ in named}:
            return named
        return [(kind, own.get(kind, "")) for kind in kinds]

    def _place(self, part: tuple[str, str]) -> int:
        """Return where a kind stands in the file, so that a combination has one name."""
        return list(dict.fromkeys(kind for kinds in self.arms.values() for kind in kinds)).index(
            part[0]
        )

    def _part(self, word: str, own: dict[str, str], row: Any) -> tuple[str, str]:
        if word not in self.words:
            message = f"{_FILE} does not know the word {word!r} of row {row.row_id}"
            raise DataError(message)
        kind, *found = self.words[word]
        if found == ["other"] and own[kind] and (kind, own[kind]) not in self.words.values():
            return kind, own[kind]
        return kind, found[0] if found else ""


def load_treatments(path: Path | None = None) -> Treatments:
    """Read the vocabulary of treatments, by default from ``data/`` of the project.

    Raises
    ------
    DataError
        If the file lacks a part or has one too many, or names a kind or class that it does not
        describe.
    """
    file = project_root() / "data" / _FILE if path is None else path
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    if set(given) != set(Treatments.__slots__):
        odd = sorted(set(given) ^ set(Treatments.__slots__))
        message = f"{file.name}: parts missing or unknown: {', '.join(odd)}"
        raise DataError(message)
    arms, words = (
        {str(key): tuple(parts) for key, parts in given[name].items()} for name in ("arms", "words")
    )
    kinds = {kind for parts in arms.values() for kind in parts}
    wrong = [
        word
        for word, (kind, *found) in words.items()
        if kind not in kinds or any(name not in given["classes"].get(kind, {}) for name in found)
    ]
    if wrong:
        message = f"{file.name}: words with a kind or class it does not describe: {wrong}"
        raise DataError(message)
    return Treatments(arms, given["classes"], words, given["controls"])
