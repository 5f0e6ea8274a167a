"""A new project for another question: made whole or not at all, and its reports work at once."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from combined_care import reports
from combined_care.claims import load_claims
from combined_care.cli import main, new
from combined_care.errors import InputError
from combined_care.evidence import load_evidence
from combined_care.foreign.opening import read_foreign
from combined_care.new_review import NewReview, new_review
from combined_care.paths import ROOT_VARIABLE
from combined_care.schema import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
#: Words of the first review, of which nothing may be left in another one.
OF_THE_FIRST = re.compile(
    r"medicat|pharmac|psychother|depress|psychosis|anxiety|antidepress|ssri|\bpill\b|placebo"
    r"|remission|relapse|\bresponse\b|severity|usual care|combined treatment|combined care"
    r"|both treatments|second treatment|health article|metapsy|disorder",
    re.IGNORECASE,
)
METAPSY = """study,year,condition_arm1,condition_arm2,outcome_type,instrument,rating,time,\
mean_arm1,sd_arm1,n_arm1,mean_arm2,sd_arm2,n_arm2,diagnosis,age_group
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Iterator[Path]:
    """A rendered review on the example data; one build for all tests."""
    folder = tmp_path_factory.mktemp("new") / "my-review"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOT_VARIABLE, str(folder))
        new_review(folder, title='Who sleeps "better": A & B?')
        reports.render(root=folder, jobs=1, progress=False)
        yield folder


def visible(page: Path) -> str:
    """Return what readers see of a page, without its code, and without the titles of papers."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"(?s)<(style|script|pre|title)\b.*?</\1>", "", text)
    text = re.sub(r"(?s)<h2[^>]*>References.*?</table>", "", text)
    text = re.sub(r"combined[-_]care", "", text)
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def test_the_reports_of_a_new_review_hold_nothing_of_the_first(made):
    pages = sorted((made / "reports").glob("*.html"))
    assert len(pages) > 10
    found = {page.name: OF_THE_FIRST.findall(visible(page)) for page in pages}
    assert {name: words for name, words in found.items() if words} == {}


def test_the_words_that_must_not_be_there_would_be_seen(made):
    page = made / "reports" / "odd.html"
    page.write_text("<p>More <b>medication</b></p><pre>severity</pre>", encoding="utf-8")
    assert OF_THE_FIRST.findall(visible(page)) == ["medicat"]
    page.unlink()


def test_every_verdict_has_its_page_and_one_is_for_want_of_trials(made):
    document = json.loads((made / "reports" / "verdicts.json").read_text(encoding="utf-8"))
    assert {c["id"]: c["verdict"] for c in document["claims"]}["pain-both"] == "insufficient"
    for claim in document["claims"]:
        assert (made / "reports" / f"{claim['id']}.html").is_file()


def test_pages_without_data_are_left_out_and_named(made):
    names = {page.name for page in (made / "reports").glob("*.html")}
    assert {"network.html", "published.html"} & names == set()
    index = visible(made / "reports" / "index.html")
    assert "Not in this review, for want of its data: Published results, Networks." in index
    links = re.findall(r'href="([\w.-]+\.html)', (made / "reports" / "index.html").read_text())
    assert set(links) <= names


def test_readers_are_told_that_the_trials_are_invented(made):
    assert "The trials are invented" in visible(made / "reports" / "data.html")
    assert "(invented)" in visible(made / "reports" / "insomnia-both.html")


def test_the_title_stands_on_the_first_page_as_it_was_given(made):
    assert 'Who sleeps "better": A & B?' in visible(made / "reports" / "index.html")
    assert "My review: all verdicts" in visible(made / "reports" / "index.html")


def test_its_own_test_finds_a_changed_verdict(made):
    run = [sys.executable, "-m", "unittest", "discover", "--start-directory", "tests"]
    done = subprocess.run(run, cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file = made / "reports" / "verdicts.json"
    right = file.read_text(encoding="utf-8")
    file.write_text(right.replace('"insufficient"', '"supported"', 1), encoding="utf-8")
    done = subprocess.run(run, cwd=made, capture_output=True, text=True, check=False)
    file.write_text(right, encoding="utf-8")
    assert done.returncode == 1
    assert re.findall(r"FAIL: (\w+)", done.stderr) == ["test_the_verdicts_are_those_committed"]


def test_make_uses_the_program_that_made_the_folder(made):
    run = ["make", "--no-print-directory", "validate"]
    done = subprocess.run(run, cwd=made, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:3]) == (0, "ok:"), done.stderr
    assert "/local.mk" in (made / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_make_says_what_is_missing_where_the_program_is_not_there(made):
    run = ["make", "--no-print-directory", "reports", "COMBINED_CARE=no-such-program"]
    done = subprocess.run(run, cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "'no-such-program'" in done.stderr
    assert "README.md" in done.stderr


def test_the_example_data_are_valid_and_every_claim_can_be_read(tmp_path, monkeypatch):
    folder = new_review(tmp_path / "review").folder
    monkeypatch.setenv(ROOT_VARIABLE, str(folder))
    assert validate(folder / "data").problems == ()
    assert {claim.kind for claim in load_claims().values()} == {"superiority", "moderator"}
    assert "invented" in load_evidence().trials["label"].str.cat()


def test_no_committed_file_of_a_new_review_names_a_place_on_this_machine(tmp_path):
    folder = new_review(tmp_path / "review").folder
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "local.mk":
            text = path.read_text(encoding="utf-8")
            assert str(Path(sys.executable).parent) not in text
            assert str(tmp_path) not in text


@pytest.mark.parametrize("name", ["my review", ".hidden", "-x", "é"])
def test_a_name_that_cannot_be_one_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot be the name of a review"):
        new_review(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="exists and is not empty"):
        new_review(tmp_path / "mine")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "empty").mkdir()
    assert (new_review(tmp_path / "empty").folder / "Makefile").is_file()


def test_a_folder_in_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        new_review(tmp_path / "no" / "review")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_interrupted_on_the_way_nothing_is_left(tmp_path, monkeypatch, error):
    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr("combined_care.new_review._copy_notebooks", stop)
    with pytest.raises(error):
        new_review(tmp_path / "review")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_to_do_next(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("combined_care.cli.COMMANDS", (new,))
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my-review", "--title", "Mine"]) == 0
    assert capsys.readouterr().out == "made my-review; next: cd my-review && make reports\n"
    assert main(["new", "my-review"]) == 1
    assert "my-review exists and is not empty" in capsys.readouterr().err
    assert main(["new", "other", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"] == "other"


# ---- from a file ------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path) -> Path:
    """Four trials of one comparison and two of another, in the Metapsy standard."""
    rows = []
    for index in range(6):
        arms = "CBT + sleep,Waiting <b>list" if index < 4 else "CBT + sleep,other"
        rows.append(
            f"Alder {index},200{index},{arms},msd,scale,self,post,"
            f"{10 - index / 10},4,30,12,4.{index},31,Insomnia!,adul"
        )
    path = tmp_path / "file.csv"
    path.write_text(METAPSY + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def from_file(file: Path, folder: Path) -> NewReview:
    return new_review(folder, source=read_foreign(file, "metapsy"))


def test_the_trials_of_a_file_take_the_place_of_the_example(file, tmp_path, monkeypatch):
    made = from_file(file, tmp_path / "review")
    monkeypatch.setenv(ROOT_VARIABLE, str(made.folder))
    assert made.brought is not None
    assert len(made.brought.rows) == 6
    assert "6 rows and 6 trials added" in str(made)
    assert validate(made.folder / "data").ok
    evidence = load_evidence()
    assert len(evidence.trials) == 6
    assert not set(evidence.trials.columns) & {"exercise", "coaching_class", "supervised"}
    assert evidence.name("waiting_b_list") == "Waiting <b>list"


def test_each_comparison_with_enough_trials_is_a_claim_that_was_not_pre_specified(
    file, tmp_path, monkeypatch
):
    made = from_file(file, tmp_path / "review")
    monkeypatch.setenv(ROOT_VARIABLE, str(made.folder))
    claims, evidence = load_claims(), load_evidence()
    assert list(claims) == ["cbt-sleep-against-waiting-b-list"]
    (claim,) = claims.values()
    assert claim.section == "generated from the file, not pre-specified"
    assert len(evidence.select(claim.analyses[0].estimand).effects) == 4
    assert not evidence.review.pre_specified
    assert {page.status for page in reports.catalogue.pages(made.folder)} == {"Not pre-specified"}


def test_a_file_that_gives_nothing_leaves_no_folder(file, tmp_path):
    broken = re.sub(r",4,30,12,4\.\d,31,", ",,,,,,", file.read_text(encoding="utf-8"))
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(InputError, match=r"no row of file\.csv can be used"):
        from_file(file, tmp_path / "review")
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]
