"""Open a foreign file by the name of its format, or by a header that only one format has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from combined_care.errors import InputError, known
from combined_care.foreign import arm_table, metapsy, revman
from combined_care.foreign.delimited import read_delimited
from combined_care.foreign.statements import read_yaml_map

if TYPE_CHECKING:
    from pathlib import Path

    from combined_care.foreign.foreign_table import ForeignData

#: Format -> the columns by which a header is known; a table of arms has none of its own.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "metapsy": metapsy.REQUIRED,
    "revman": revman.REQUIRED,
    "arms": (),
}


def read_foreign(
    path: str | Path,
    format_name: str | None = None,
    *,
    columns: Mapping[str, Any] | str | Path | None = None,
    settings: str | Path | None = None,
) -> ForeignData:
    """Read a file in one of the known formats.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    format_name : {"metapsy", "revman", "arms"}, optional
        Its format; by default the one whose required columns its header has.
    columns : mapping, str or pathlib.Path, optional
        The statement about its columns (see :func:`read_arm_table`), or a YAML file of it; for
        the other two formats only the key ``higher_is_better``.
    settings : str or pathlib.Path, optional
        RevMan's file of settings (see :func:`read_revman`).

    Returns
    -------
    ForeignData
        What its reader gives.

    Raises
    ------
    DataError
        If the file cannot be read, or lacks a column of its format.
    InputError
        If the format is unknown or cannot be told from the header, or the statement has an
        unknown key.

    Examples
    --------
    The header of this file is that of the Metapsy standard:

    >>> import tempfile
    >>> from pathlib import Path
    >>> text = '''study,condition_arm1,condition_arm2,outcome_type,precalc_g,precalc_g_se
    ... "Alder, 2001",cbt + ssri,ssri,other stat,0.66,0.25
    ... "Birch, 2003",cbt + ssri,ssri,other stat,0.41,0.31
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "trials.csv"
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     print(read_foreign(file, columns={"higher_is_better": 1}))
    trials.csv (metapsy): 2 rows give 2 usable contrasts of 2 trials; 0 rows not used
    """
    if format_name is None:
        format_name = guessed_format(path)
    known("format", [format_name], FORMATS)
    said = {} if columns is None else columns
    said = said if isinstance(said, Mapping) else read_yaml_map(said)
    if format_name == "arms":
        if not said:
            message = "a table of arms needs a map of its columns (--map): our name -> its column"
            raise InputError(message)
        return arm_table.read_arm_table(path, said)
    known(f"key in the map of a {format_name} file", said, ("higher_is_better",))
    better = said.get("higher_is_better")
    if format_name == "revman":
        return revman.read_revman(path, settings, higher_is_better=better)
    return metapsy.read_metapsy(path, higher_is_better=better)


def guessed_format(path: str | Path) -> str:
    """Return the one format whose columns a file has; :class:`InputError` names the formats."""
    header = {str(name).casefold() for name in read_delimited(path).cells.columns}
    fitting = [
        name
        for name, columns in FORMATS.items()
        if columns and {column.casefold() for column in columns} <= header
    ]
    if len(fitting) != 1:
        message = (
            f"the header of {path} does not tell which format it has: "
            f"say --format with one of {', '.join(FORMATS)}"
        )
        raise InputError(message)
    return fitting[0]
