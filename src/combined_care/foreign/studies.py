"""Names of studies: one identifier a study, made from its name by the rule of our own data."""

from __future__ import annotations

import re
import unicodedata
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def trial_id_of(study: str, year: str = "") -> str:
    """Make the identifier of a trial: first author and year in small letters.

    Parameters
    ----------
    study : str
        The study's name in the file, e.g. ``"Van-Balkom, 1998"``.
    year : str
        Its year; added where the name has none.

    Returns
    -------
    str
        Letters a to z and digits only. A name without any such letter gets a digest of it in
        place of the author, so that the identifier is the same in every run.

    Examples
    --------
    >>> trial_id_of("Van-Balkom, 1998"), trial_id_of("Öst", "2011")
    ('vanbalkom1998', 'ost2011')
    """
    name = study if _YEAR.search(study) or not year else f"{study} {year}"
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = re.sub(r"[^a-z0-9]", "", decomposed)
    if re.search(r"[a-z]", plain):
        return plain
    return f"study{zlib.crc32(name.encode()):08x}"


def identify(studies: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Give each study an identifier of its own.

    Parameters
    ----------
    studies : iterable of (str, str)
        Name and year, in the order of the file; the first year of a name counts.

    Returns
    -------
    ids : dict of str to str
        Name -> identifier. A second name that gives the same identifier gets a letter after it.
    remarks : list of str
        One sentence for each such pair of names: a person should look whether they are one study.
    """
    ids: dict[str, str] = {}
    owner: dict[str, str] = {}
    remarks: list[str] = []
    for study, year in studies:
        if study in ids:
            continue
        base = trial_id_of(study, year)
        given = base if base not in owner else _free(base, owner)
        if given != base:
            remarks.append(
                f"{study!r} and {owner[base]!r} are kept as two studies ({given}, {base}): "
                "look whether they are one"
            )
        ids[study], owner[given] = given, study
    return ids, remarks


def _free(base: str, taken: dict[str, str]) -> str:
    letters = (f"{base}{chr(code)}" for code in range(ord("b"), ord("z") + 1))
    numbers = (f"{base}n{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*letters, *numbers) if name not in taken)
