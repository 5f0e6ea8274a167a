"""References as BibTeX and RIS, read back by small parsers of our own."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from combined_care.errors import InputError
from combined_care.exports.references import to_bibtex, to_ris, without_identifier

HOSTILE = (
    "}, note = {taken over",
    "100 % of $x_1$ & #2 ~ \\input{secret} ^ {{{",
    "line one\r\nER  - \r\nTY  - JOUR",
    "Wölwer & O'Malley 2001 \u2028 <script>",
    "@article{stolen,",
)
_UNTEX = {
    r"{\textbackslash}": "\\",
    r"{\textbraceleft}": "{",
    r"{\textbraceright}": "}",
    r"{\textasciitilde}": "~",
    r"{\textasciicircum}": "^",
    **{f"\\{sign}": sign for sign in "&%$#_"},
}


def parse_bibtex(text: str) -> list[tuple[str, str, dict[str, str]]]:
    """Read entries as BibTeX does: every brace counts, escaped or not."""
    found, at = [], 0
    while (start := text.find("@", at)) >= 0:
        kind, _, rest = text[start + 1 :].partition("{")
        key, _, _ = rest.partition(",")
        at = text.index(",", start) + 1
        fields = {}
        while match := re.compile(r"\s*(\w+) = \{").match(text, at):
            end = closing(text, match.end())
            fields[match[1]] = text[match.end() : end]
            at = end + 2
        found.append((kind, key, fields))
        at = text.index("}", at - 1) + 1
    return found


def closing(text: str, at: int) -> int:
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at - 1


def untex(value: str) -> str:
    return re.sub("|".join(map(re.escape, _UNTEX)), lambda m: _UNTEX[m[0]], value)


def parse_ris(text: str) -> list[dict[str, str]]:
    records: list[dict[str, str]] = [{}]
    for line in text.split("\r\n")[:-1]:
        match = re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line)
        assert match, line
        if match[1] == "ER":
            records.append({})
        else:
            assert match[1] not in records[-1]
            records[-1][match[1]] = match[2]
    assert records.pop() == {}
    return records


def trials(*labels: str, **more: object) -> pd.DataFrame:
    rows = [{"trial_id": f"t{i}", "label": label, **more} for i, label in enumerate(labels)]
    return pd.DataFrame(rows)


def test_hostile_labels_come_back_from_bibtex():
    entries = parse_bibtex(to_bibtex(trials(*HOSTILE)))
    assert [key for _, key, _ in entries] == [f"t{i}" for i in range(len(HOSTILE))]
    assert [untex(fields["title"]) for *_, fields in entries] == [
        " ".join(label.split()) for label in HOSTILE
    ]
    assert all(set(fields) == {"title", "note"} for *_, fields in entries)


def test_hostile_labels_come_back_from_ris():
    records = parse_ris(to_ris(trials(*HOSTILE)))
    assert [record["TI"] for record in records] == [" ".join(label.split()) for label in HOSTILE]
    assert [record["ID"] for record in records] == [f"t{i}" for i in range(len(HOSTILE))]


@given(st.lists(st.text(min_size=1, max_size=30).filter(str.strip), min_size=1, max_size=4))
def test_any_text_comes_back(labels):
    expected = [" ".join(label.split()) for label in labels]
    table = trials(*labels, summary=labels[0])
    entries = parse_bibtex(to_bibtex(table))
    assert [untex(fields["title"]) for *_, fields in entries] == expected
    assert [record["TI"] for record in parse_ris(to_ris(table))] == expected


def test_only_what_pubmed_lists_is_called_an_article():
    table = pd.concat([trials("A", pmid="1"), trials("B", doi="10.1000/x").assign(trial_id="u")])
    assert [kind for kind, *_ in parse_bibtex(to_bibtex(table))] == ["article", "misc"]
    assert [record["TY"] for record in parse_ris(to_ris(table))] == ["JOUR", "GEN"]


def test_facts_stand_as_in_the_table_and_nothing_else():
    doi = "10.1002/(SICI)1097-0258(19960115)15:1<1::AID-SIM1>3.0.CO;2-B_x"
    table = trials("Oak 1996", year=1996.0, doi=doi, pmid="123", summary="a & b")
    ((_, _, fields),) = parse_bibtex(to_bibtex(table))
    assert fields["doi"] == doi
    assert fields["year"] == "1996"
    (record,) = parse_ris(to_ris(table))
    assert (record["DO"], record["PY"], record["AN"], record["AB"]) == (doi, "1996", "123", "a & b")
    assert "journal" not in fields
    assert "author" not in fields


@pytest.mark.parametrize(
    ("given_ids", "url"),
    [
        ({"doi": "10.1/a", "pmid": "9", "url": "https://x.example"}, "https://doi.org/10.1/a"),
        ({"pmid": "9", "url": "https://x.example"}, "https://pubmed.ncbi.nlm.nih.gov/9/"),
        ({"url": "https://x.example/{a}"}, "https://x.example/%7Ba%7D"),
        ({"url": "javascript:alert(1)"}, None),
        ({"year": float("nan")}, None),
    ],
)
def test_the_most_lasting_address_is_given(given_ids, url):
    ((_, _, fields),) = parse_bibtex(to_bibtex(trials("Oak", **given_ids)))
    assert fields.get("url") == url


def test_keys_have_to_be_unique():
    table = trials("A", "B").assign(trial_id=["oak 1", "oak/1"])
    with pytest.raises(InputError, match="oak-1"):
        to_bibtex(table)


def test_no_trial_is_an_error():
    with pytest.raises(InputError, match="at least one row"):
        to_ris(trials("A").iloc[:0])
    with pytest.raises(InputError, match="label"):
        to_ris(trials("A").drop(columns="label"))


def test_trials_that_nobody_can_look_up_are_named():
    table = trials("A", "B", "C").assign(doi=["10.1/a", "", ""], pmid=["", "2", ""])
    assert without_identifier(table) == ["t2"]
