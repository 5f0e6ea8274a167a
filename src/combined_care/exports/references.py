"""References of trials as BibTeX and RIS: what the table of trials holds, nothing looked up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import pandas as pd

from combined_care.errors import InputError
from combined_care.exports.cells import cell

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the entry of every trial says, because the table of trials holds no title and no author.
_TO_COMPLETE = "Title and authors are not in the data; the title here is the label of the trial."
#: Signs that BibTeX or TeX would read as commands; braces stay balanced, which BibTeX counts.
_TEX = {
    "\\": r"{\textbackslash}",
    "{": r"{\textbraceleft}",
    "}": r"{\textbraceright}",
    "~": r"{\textasciitilde}",
    "^": r"{\textasciicircum}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
}
_NOT_IN_KEY = re.compile(r"[^A-Za-z0-9_.:-]+")


class _Reference(NamedTuple):
    key: str
    is_article: bool
    label: str
    year: str
    doi: str
    pmid: str
    url: str
    summary: str


def to_bibtex(trials: pd.DataFrame) -> str:
    r"""Write the references of trials as BibTeX.

    Parameters
    ----------
    trials : pandas.DataFrame
        One row a trial with ``trial_id`` and ``label``; ``year``, ``doi``, ``pmid``, ``url`` and
        ``summary`` are used where they are.

    Returns
    -------
    str
        One entry a trial, in the order of the rows. Keys are the identifiers of the trials. A
        trial with a PubMed identifier is an ``article``, every other one ``misc``: what else kind
        of report it has is not recorded. Reference managers complete an entry by its DOI or PMID.

    Raises
    ------
    InputError
        If there is no trial, if a column is missing, or if two trials have one identifier.

    Examples
    --------
    >>> import pandas as pd
    >>> trials = pd.DataFrame([{"trial_id": "elm1999", "label": "Elm & Oak 1999", "year": 1999,
    ...                         "doi": "10.1000/a_b", "pmid": "123"}])
    >>> print(to_bibtex(trials))
    @article{elm1999,
      title = {Elm \& Oak 1999},
      year = {1999},
      doi = {10.1000/a_b},
      url = {https://doi.org/10.1000/a_b},
      eprint = {123},
      eprinttype = {pubmed},
      note = {Title and authors are not in the data; the title here is the label of the trial.}
    }
    """
    return "\n".join(_bibtex_entry(found) for found in _references(trials))


def to_ris(trials: pd.DataFrame) -> str:
    """Write the references of trials as RIS.

    Parameters
    ----------
    trials : pandas.DataFrame
        As for :func:`to_bibtex`.

    Returns
    -------
    str
        One record a trial, in the order of the rows, lines ended by CR LF. A trial with a PubMed
        identifier is of type ``JOUR``, every other one ``GEN``.

    Raises
    ------
    InputError
        As :func:`to_bibtex`.

    Notes
    -----
    The references of studies have to be in RevMan before their data are imported, or RevMan makes
    every study twice (https://documentation.cochrane.org/revman-kb/populate-study-data-260702462.html).

    Examples
    --------
    >>> import pandas as pd
    >>> trials = pd.DataFrame([{"trial_id": "elm1999", "label": "Elm 1999", "pmid": "123"}])
    >>> to_ris(trials).splitlines()[:5]
    ['TY  - JOUR', 'ID  - elm1999', 'TI  - Elm 1999', 'AN  - 123', 'DB  - PubMed']
    """
    return "".join(f"{line}\r\n" for found in _references(trials) for line in _ris_lines(found))


def without_identifier(trials: pd.DataFrame) -> list[str]:
    """Return the keys of the trials that have neither a DOI nor a PubMed identifier."""
    return [found.key for found in _references(trials) if not (found.doi or found.pmid)]


def _references(trials: pd.DataFrame) -> Iterator[_Reference]:
    _check(trials)
    for row in trials.to_dict("records"):
        yield _reference({str(name): _line(cell(value)) for name, value in row.items()})


def _reference(row: dict[str, str]) -> _Reference:
    doi, pmid = row.get("doi", ""), row.get("pmid", "")
    return _Reference(
        key=_NOT_IN_KEY.sub("-", row["trial_id"]),
        is_article=bool(pmid),
        label=row["label"],
        year=row.get("year", ""),
        doi=doi,
        pmid=pmid,
        url=_address(doi, pmid, row.get("url", "")),
        summary=row.get("summary", ""),
    )


def _address(doi: str, pmid: str, url: str) -> str:
    """Return the most lasting address: of the DOI, else of PubMed, else the one that is given."""
    if doi:
        return f"https://doi.org/{quote(doi, safe='/:;()<>.,_-')}"
    if pmid:
        return f"https://pubmed.ncbi.nlm.nih.gov/{quote(pmid)}/"
    return url if url.startswith(("https://", "http://")) else ""


def _bibtex_entry(found: _Reference) -> str:
    fields = {
        "title": _tex(found.label),
        "year": _tex(found.year),
        "doi": _verbatim(found.doi),
        "url": _verbatim(found.url),
        "eprint": _tex(found.pmid),
        "eprinttype": "pubmed" if found.pmid else "",
        "abstract": _tex(found.summary),
        "note": _TO_COMPLETE,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{'article' if found.is_article else 'misc'}{{{found.key},\n{lines}\n}}"


def _ris_lines(found: _Reference) -> Iterator[str]:
    tags = {
        "TY": "JOUR" if found.is_article else "GEN",
        "ID": found.key,
        "TI": found.label,
        "PY": found.year,
        "DO": found.doi,
        "AN": found.pmid,
        "DB": "PubMed" if found.pmid else "",
        "UR": found.url,
        "AB": found.summary,
        "N1": _TO_COMPLETE,
    }
    yield from (f"{tag}  - {value}" for tag, value in tags.items() if value)
    yield "ER  - "


def _tex(value: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in value)


def _verbatim(value: str) -> str:
    """Keep an address as it is, but for the signs that would end the field."""
    return value.replace("\\", "%5C").replace("{", "%7B").replace("}", "%7D")


def _line(value: str) -> str:
    """Put text on one line, so that it can begin no field of its own."""
    return " ".join(value.split())


def _check(trials: pd.DataFrame) -> None:
    missing = [name for name in ("trial_id", "label") if name not in trials]
    if missing or trials.empty:
        message = f"references need trials with {' and '.join(missing) or 'at least one row'}"
        raise InputError(message)
    keys = pd.Series([_NOT_IN_KEY.sub("-", str(name)) for name in trials["trial_id"]])
    if twice := sorted(set(keys[keys.duplicated()])):
        message = f"several trials would have the key {', '.join(twice)}; keys have to be unique"
        raise InputError(message)
