"""The build: whole or not at all, only what changed, the same bytes everywhere."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import small_project
from combined_care.errors import InputError
from combined_care.network_claims import load_network_claims
from combined_care.reports import inputs
from combined_care.reports.workers import ReportError
from small_project import change, notebook, render

pytestmark = pytest.mark.slow

ALL = ("panic", "ocd", "index")
PARAMETERS = "claim = 'ocd'\nsettings = {}"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project whose reports are built; tests that change something copy it."""
    root = small_project.make(tmp_path_factory.mktemp("finished") / "project")
    assert render(root).built == ALL
    return root


@pytest.fixture
def root(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "project"))


def test_a_missing_kernel_is_no_obstacle(root):
    """Notebooks run in processes of the engine; no kernel need be installed."""
    file = root / "notebooks" / "index.ipynb"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["metadata"]["kernelspec"]["name"] = "nowhere"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert render(root).built == ("index",)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def listed(reports: Path) -> bool:
    """Whether the manifest is right, by the rules of sha256sum."""
    lines = (reports / "MANIFEST.sha256").read_text(encoding="utf-8").splitlines()
    found = {line[66:]: line[:64] for line in lines}
    fresh = {
        name: hashlib.sha256(data).hexdigest()
        for name, data in content(reports).items()
        if name != "MANIFEST.sha256"
    }
    return found == fresh


def run(root: Path, *, jobs: int = 2, **environment: str) -> subprocess.Popen[str]:
    """Build in a process of its own, with a process group to kill."""
    here = Path(__file__).parent
    path = os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, here / "small_project.py", root, str(jobs)],
        env=os.environ | {"PYTHONPATH": path} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whatever runs in the background of a shell is born deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # one thread
    )


def test_a_build_writes_pages_verdicts_and_their_manifest(finished):
    reports = finished / "reports"
    assert set(content(reports)) == {f"{name}.html" for name in ALL} | {
        "verdicts.json", "MANIFEST.sha256"
    }  # fmt: skip
    assert listed(reports)
    verdicts = json.loads((reports / "verdicts.json").read_text(encoding="utf-8"))
    assert [claim["id"] for claim in verdicts["claims"]] == ["panic", "ocd", *load_network_claims()]


def test_nothing_of_the_machine_is_in_the_reports(finished):
    for name, data in content(finished / "reports").items():
        text = data.decode()
        assert str(finished) not in text, name
        assert str(Path.home()) not in text, name
        assert "python 3" not in text.lower(), name


def test_a_second_build_does_nothing_and_loads_no_data_library(root):
    before = content(root / "reports")
    code = (
        "import sys; from pathlib import Path; from combined_care import reports;"
        f"print(reports.render(root=Path({str(root)!r})));"
        "print(sorted({'numpy', 'pandas', 'yaml', 'papermill', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["nothing changed: all 3 reports are up to date", "[]"]
    assert content(root / "reports") == before


def test_one_changed_trial_rebuilds_only_the_pages_that_use_it(root):
    change(root, trial=3, label="Dogwood 2009")
    summary = render(root)
    assert summary.built == ("ocd", "index")
    assert summary.unchanged == ("panic",)
    assert listed(root / "reports")
    change(root, trial=3, label="Dogwood 2009", diagnosis="panic")
    assert render(root).built == ALL, "a trial that comes in or goes out counts as well"


def test_a_changed_claim_notebook_or_word_rebuilds_the_pages_that_show_it(root):
    file = root / "data" / "claims.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("So does OCD", "So will OCD"), encoding="utf-8")
    assert render(root).built == ("ocd", "index")
    notebook(root, "index", small_project.INDEX + "\n")
    assert render(root).built == ()
    notebook(root, "index", small_project.INDEX.replace("str(verdict)", "repr(verdict.label)"))
    assert render(root).built == ("index",)
    with (root / "data" / "words.yaml").open("a", encoding="utf-8") as words:
        words.write("dogwood: a tree\n")
    assert render(root).built == ALL


def test_the_time_of_a_file_does_not_matter_its_content_does(root):
    for file in root.rglob("*.csv"):
        os.utime(file, (0, 0))
    assert render(root).built == ()
    (root / "reports" / "ocd.html").write_text("spoilt", encoding="utf-8")
    assert render(root).built == ("ocd",)
    assert listed(root / "reports")


def test_a_lost_manifest_is_written_again_without_building(root):
    (root / "reports" / "MANIFEST.sha256").unlink()
    assert render(root).built == ()
    assert listed(root / "reports")


def test_one_page_can_be_asked_for(root):
    change(root, trial=3, label="Dogwood 2009")
    assert render(root, ["panic"]).built == ()
    assert render(root, ["ocd"]).built == ("ocd",)
    assert render(root).built == ("index",)
    assert render(root, ["ocd"], force=True).built == ("ocd",)


def test_a_page_that_left_the_catalogue_leaves_the_reports(root):
    (root / "reports" / "own.html").write_text("<p>not ours", encoding="utf-8")
    every = small_project.pages
    try:
        small_project.pages = lambda root, chosen=None: every(root, chosen)[1:]
        change(root, trial=3, label="Dogwood 2009")
        render(root)
    finally:
        small_project.pages = every
    assert "panic.html" not in content(root / "reports")
    assert "own.html" in content(root / "reports"), "what the build did not make is left alone"


def test_a_spoilt_state_or_cache_only_means_that_it_is_built_anew(root):
    before = content(root / "reports")
    for file in (root / "build" / "cache").glob("*.pickle"):
        file.write_bytes(file.read_bytes()[:100])
    (root / "build" / "reports.json").write_text('{"pages": [1]', encoding="utf-8")
    assert render(root).built == ALL
    assert content(root / "reports") == before


def test_other_code_means_a_new_build_and_where_nothing_else_changed_the_same_bytes(
    root, monkeypatch
):
    before = content(root / "reports")
    monkeypatch.setattr(inputs, "machinery_digest", lambda: "other code")
    assert render(root).built == ALL
    assert content(root / "reports") == before


def test_the_cache_changes_no_byte(root):
    before = content(root / "reports")
    shutil.rmtree(root / "build")
    render(root, jobs=1)
    assert content(root / "reports") == before
    render(root, force=True)
    assert content(root / "reports") == before


def test_the_same_bytes_in_another_folder_process_hash_seed_zone_locale_and_number_of_jobs(
    finished, tmp_path
):
    other = small_project.make(tmp_path / "another name")
    settings = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C"}
    process = run(other, jobs=1, **settings)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert content(other / "reports") == content(finished / "reports")


def test_a_failing_notebook_leaves_all_reports_and_the_next_build_makes_the_rest(root):
    before = content(root / "reports")
    change(root, trial=0, label="Alder")
    notebook(root, "index", "raise RuntimeError('upside down')")
    with pytest.raises(ReportError, match=r"report index failed in cell 0 .*upside down"):
        render(root, jobs=1)
    assert content(root / "reports") == before
    notebook(root, "index", small_project.INDEX)
    assert set(render(root).built) == {"index"}, "the page of the panic claim waited"
    assert listed(root / "reports")
    after = content(root / "reports")
    assert {name for name in after if after[name] != before[name]} >= {"panic.html", "index.html"}


@pytest.mark.parametrize("finished_pages", [0, 2])
def test_a_killed_build_leaves_the_reports_and_the_next_one_finishes(root, finished_pages):
    shutil.rmtree(root / "build" / "notebooks")
    before = content(root / "reports")
    notebook(root, "claim", small_project.CLAIM + "\n# new", PARAMETERS)
    notebook(root, "index", small_project.INDEX + "\n# new")
    process = run(root, jobs=1)
    staged = root / "build" / "staged"
    wait_for(
        lambda: (
            len(list(staged.glob("*.html"))) >= finished_pages
            and (root / "build" / "notebooks").exists()
        ),
        process,
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert content(root / "reports") == before
    assert listed(root / "reports")
    assert len(render(root).built) <= 3 - finished_pages, "what was finished is not made again"
    after = content(root / "reports")
    assert {name for name in after if after[name] == before[name]} == {"verdicts.json"}
    assert listed(root / "reports")


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_killed_while_it_publishes_a_build_is_finished_by_the_next(root, monkeypatch, moves):
    """Each rename is one step; the process may end after any of them."""
    before = content(root / "reports")
    notebook(root, "claim", small_project.CLAIM + "\n# new", PARAMETERS)
    move, left = Path.replace, [moves]

    def killed(self, target):
        if Path(target).parent.name == "reports":
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        return move(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            render(root)
    assert content(root / "reports").keys() == before.keys()
    assert listed(root / "reports") == (moves == 0), "the manifest tells that it is not finished"
    assert render(root).built == (), "nothing is made twice"
    assert listed(root / "reports")
    assert content(root / "reports")["ocd.html"] != before["ocd.html"]


def test_an_interrupt_stops_the_build_and_its_processes(root):
    source = "import pathlib, time; pathlib.Path('begun').touch(); time.sleep(600)"
    notebook(root, "claim", source, PARAMETERS)
    before = content(root / "reports")
    process = run(root)
    wait_for((root / "begun").exists, process)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert content(root / "reports") == before
    wait_for(lambda: not alive(process.pid), None)


def wait_for(condition, process, patience=120):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.1)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_what_if_page_says_so_and_stays_apart(root):
    before = content(root / "reports")
    summary = render(root, ["panic"], settings={"level": 0.9, "method": "PM"})
    assert summary.built == ("panic.level-0.9.method-PM",)
    page = (root / "build" / "what-if" / f"{summary.built[0]}.html").read_text(encoding="utf-8")
    assert "<title>What if: About panic" in page
    assert "Not pre-specified" in page
    assert "level of the intervals (level): 0.9 instead of 0.95" in page
    assert "estimator of tau² (method): PM instead of REML" in page
    assert 'href="../../reports/panic.html"' in page
    assert 'href="../../reports/index.html"' in page
    assert content(root / "reports") == before
    assert render(root).built == ()


def test_a_what_if_that_cannot_be_is_refused_before_anything_runs(root):
    shutil.rmtree(root / "build" / "cache")
    with pytest.raises(InputError, match="has these settings already"):
        render(root, ["panic"], settings={"level": 0.95})
    with pytest.raises(InputError, match="needs a claim"):
        render(root, settings={"level": 0.9})
    with pytest.raises(InputError, match=r"unknown setting: 'levl' \(did you mean 'level'\?\)"):
        render(root, ["panic"], settings={"levl": 0.9})
    notebook(root, "claim", small_project.CLAIM, "claim = 'ocd'")
    with pytest.raises(InputError, match=r"unknown parameter of claim\.ipynb: 'settings'"):
        render(root, ["panic"], settings={"level": 0.9})
    assert not (root / "build" / "cache").exists()
