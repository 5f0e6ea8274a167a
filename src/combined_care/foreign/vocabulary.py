"""Words of a foreign file in the words of a project: translated, added, or not usable."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from combined_care.errors import InputError, known
from combined_care.foreign.assembly import SEVERAL
from combined_care.foreign.delimited import as_numbers
from combined_care.foreign.statements import read_yaml_map

if TYPE_CHECKING:
    from pathlib import Path

#: What a required column says when a file is silent, where the vocabulary has the word.
SILENT = "unclear"
#: Columns of which another word says that.
SILENT_IN = {"source_kind": "other"}
_TABLES = ("trials", "outcomes")


@dataclass(frozen=True, kw_only=True)
class WordMap:
    """How words of a file become words of a project.

    Attributes
    ----------
    words : mapping of str to mapping
        Column -> word in the file -> word in the project.
    constants : mapping of str to str
        Column -> value for all rows, whatever the file has.
    """

    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> WordMap:
        """Take ``{"words": {column: {theirs: ours}}, "set": {column: value}}``."""
        known("key in the map of words", said, ("words", "set"))
        words, constants = said.get("words") or {}, said.get("set") or {}
        if not (
            isinstance(words, Mapping)
            and all(isinstance(one, Mapping) for one in words.values())
            and isinstance(constants, Mapping)
        ):
            message = (
                "a map of words needs words: column -> their word -> our word, "
                "and set: column -> value"
            )
            raise InputError(message)
        return cls(
            words={
                str(column): {str(theirs): str(ours) for theirs, ours in one.items()}
                for column, one in words.items()
            },
            constants={str(column): str(value) for column, value in constants.items()},
        )

    @classmethod
    def read(cls, path: str | Path) -> WordMap:
        """Read such a mapping from a YAML file."""
        return cls.of(read_yaml_map(path))

    def value(self, column: str, given: str) -> str:
        """Return the constant of a column, or the translation of `given`, or `given`."""
        if column in self.constants:
            return self.constants[column]
        return self.words.get(column, {}).get(given, given)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A value as it may stand in a column.

    Attributes
    ----------
    value : str
        What is written; empty when nothing fits.
    reason : str
        Why the row cannot be used; empty when it can.
    note : str
        What the file had, where it is not written as it was.
    """

    value: str = ""
    reason: str = ""
    note: str = ""


class Vocabulary:
    """The columns of trials and outcomes as a data package declares them, and words to add.

    Parameters
    ----------
    package : mapping
        Content of ``datapackage.json``; it is not changed.
    lists : mapping of str to mapping
        Column whose values another table lists -> each value, or spelling, that the table has ->
        the value.
    words : WordMap
        How words are translated.
    source : str
        Name of the file, for the meaning of added words; empty: no word is added.
    """

    def __init__(
        self,
        package: Mapping[str, Any],
        lists: Mapping[str, Mapping[str, str]],
        words: WordMap,
        source: str,
    ) -> None:
        self.package: dict[str, Any] = copy.deepcopy(dict(package))
        self._lists = {column: dict(values) for column, values in lists.items()}
        self._words = words
        self._source = source
        self._fields = {
            (entry["name"], one["name"]): one
            for entry in self.package["resources"]
            if entry["name"] in _TABLES
            for one in entry["schema"]["fields"]
        }
        columns = {column for _, column in self._fields}
        known("column in the map of words", {*words.words, *words.constants}, columns)
        #: Words that were added, by column.
        self.added: dict[str, list[str]] = {}

    def fit(self, table: str, column: str, given: str) -> Fitted:
        """Translate one value and hold it against the column's declaration.

        Parameters
        ----------
        table, column : str
            Where it shall stand.
        given : str
            The value of the file; empty where it has none.

        Returns
        -------
        Fitted
            A word that the project does not know is a reason in a column that must be filled;
            elsewhere the cell stays empty and the note has the word.
        """
        declared = self._fields[table, column]
        value = self._words.value(column, given)
        must = bool(declared.get("constraints", {}).get("required"))
        meanings = declared.get("meanings", {})
        if value == "":
            return self._silent(column, meanings) if must else Fitted()
        if declared["type"] in {"integer", "number"}:
            return _number(column, value, whole=declared["type"] == "integer", must=must)
        pattern = declared.get("constraints", {}).get("pattern")
        if pattern is not None and re.fullmatch(pattern, value) is None:
            return _unfit(column, value, f"text of the form {pattern}", must=must)
        allowed = meanings or dict.fromkeys(self._lists.get(column, {}), "")
        if not allowed or (meanings and value in meanings):
            return Fitted(value=value)
        if value in self._lists.get(column, {}):
            return Fitted(value=self._lists[column][value])
        if self._source and SEVERAL not in value:
            return self._add(column, value)
        return _unknown(column, value, list(allowed), must=must)

    def _silent(self, column: str, meanings: Mapping[str, str]) -> Fitted:
        word = SILENT_IN.get(column, SILENT)
        if word in meanings:
            return Fitted(value=word)
        return Fitted(reason=f"the file has no {column} (set: {column} can give one)")

    def _add(self, column: str, value: str) -> Fitted:
        self.added.setdefault(column, []).append(value)
        if column in self._lists:
            self._lists[column][value] = value
        for (_, name), declared in self._fields.items():
            if name == column and "meanings" in declared:
                declared["meanings"][value] = f"as coded in {self._source}"
                declared["constraints"]["enum"] = list(declared["meanings"])
        return Fitted(value=value)


def _number(column: str, value: str, *, whole: bool, must: bool) -> Fitted:
    """Keep a number; where only whole ones belong, round it and note what it was."""
    number = float(as_numbers([value]).values[0])
    if np.isnan(number):
        return _unfit(column, value, "a number", must=must)
    if number.is_integer():
        return Fitted(value=str(int(number)))
    if whole:
        return Fitted(value=str(round(number)), note=f"{column} {value}")
    return Fitted(value=repr(number))


def _unfit(column: str, value: str, expected: str, *, must: bool) -> Fitted:
    if must:
        return Fitted(reason=f"{column} is {value!r}, expected {expected}")
    return Fitted(note=f"{column} {value!r}")


def _unknown(column: str, value: str, allowed: list[str], *, must: bool) -> Fitted:
    if not must:
        return Fitted(note=f"{column} {value!r}")
    near = difflib.get_close_matches(value, allowed, n=1, cutoff=0.4)
    hint = f" (nearest: {near[0]!r})" if near else ""
    return Fitted(reason=f"{column} {value!r} is no word of the project{hint}")
