"""Text from the data does no harm: every place of the tables and claims tries to break a page."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from combined_care import reports
from combined_care.reports import catalogue
from rendered import project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SCRIPT = "<script>alert('harm')</script>"
BREAKS = {
    "trials": {
        "label": SCRIPT,
        "medication": '"><img src=x onerror=harm()>',
        "psychotherapy": "<style>*{display:none}</style></table></main>",
        "summary": "<a href='javascript:harm()'>x</a>",
        "notes": '=HYPERLINK("http://harm.example","x")',
        "setting": "<iframe src=//harm.example>",
        "doi": '10.1000/"onmouseover="harm()',
        "notice": "<!-- harm",
    },
    "outcomes": {
        "treatment_e": '=HYPERLINK("http://harm.example","x")',
        "treatment_c": "&lt;script&gt;harm()",
        "outcome_detail": "</script><script>harm()</script>",
        "instrument": "<svg onload=harm()>",
        "source_url": "https://harm.example/\"onclick='harm()'",
        "source_note": "]]><script src=//harm.example></script>",
    },
}
PAGES = {"panic-combined", "diagnosis-panic", "trials-a-b", "data"}


def poison(root: Path) -> None:
    """Put the words into every trial of panic disorder, a claim and the names of things."""
    chosen: set[str] = set()
    for table, words in BREAKS.items():
        file = root / "data" / f"{table}.csv"
        with file.open(encoding="utf-8", newline="") as source:
            rows = list(csv.DictReader(source))
        for row in rows:
            if row.get("diagnosis") == "panic":
                chosen.add(row["trial_id"])
            if row["trial_id"] in chosen:
                row.update(words)
        with file.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    for name, old in (("claims.yaml", "In panic disorder, combined"), ("words.yaml", "panic: ")):
        file = root / "data" / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, old + "<script>harm()</script> "), encoding="utf-8")


class Harm(HTMLParser):
    """Lists what could do harm in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        data = tag == "script" and given == {"type": "application/ld+json"}
        if tag in {"script", "img", "iframe", "object", "embed", "base", "link"} and not data:
            self.found.append((tag, attrs))
        if any(name.startswith("on") or name in {"src", "style", "action"} for name in given):
            self.found.append((tag, attrs))
        target = given.get("href", "")
        if not re.match(r"https?://|#|[\w.-]+\.html(#|$)", target or "#"):
            self.found.append((tag, attrs))

    def handle_comment(self, data):
        self.found.append(("comment", data))


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory):
    root = project(tmp_path_factory.mktemp("poisoned"))
    poison(root)
    with pytest.MonkeyPatch.context() as patch:
        every = catalogue.pages
        patch.setattr(
            catalogue,
            "pages",
            lambda root, chosen=None: [p for p in every(root, chosen) if p.name in PAGES],
        )
        reports.render(root=root, keep=True, progress=False)
    return root


def test_no_text_of_the_data_becomes_part_of_a_page(poisoned):
    for name in PAGES:
        page = (poisoned / "reports" / f"{name}.html").read_text(encoding="utf-8")
        harm = Harm(page)
        assert harm.found == [], name
        assert harm.tags.count("style") == 1, name
        assert harm.tags.count("main") == 1, name
        data = page.split('<script type="application/ld+json">')[1].split("</script>")[0]
        assert json.loads(data)["@type"] == "Report"


def test_the_text_is_shown_as_it_stands(poisoned):
    page = (poisoned / "reports" / "trials-a-b.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(&#x27;harm&#x27;)&lt;/script&gt;" in page


def test_no_text_of_the_data_becomes_part_of_an_executed_notebook(poisoned):
    for name in PAGES:
        file = poisoned / "build" / "notebooks" / f"{name}.ipynb"
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        outputs = [o for cell in cells for o in cell.get("outputs", []) if "data" in o]
        shown = ["".join(o["data"].get("text/html", "")) for o in outputs]
        assert shown, name
        assert [harm for html in shown for harm in Harm(html).found] == [], name
