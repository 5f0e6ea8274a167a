"""The files around the package agree with each other: environment, lock, Makefile, citation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import combined_care

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("linux", "darwin", "win32")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def project() -> dict[str, object]:
    return tomllib.loads(text("pyproject.toml"))["project"]


def declared() -> dict[str, SpecifierSet]:
    """Return the direct dependencies of pyproject.toml with their bounds, development included."""
    lines = [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(item.name): item.specifier for item in requirements}


def test_a_dependency_is_declared_once():
    lines = [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]
    assert len(declared()) == len(lines)
    assert all(any(clause.operator == ">=" for clause in bound) for bound in declared().values())


# environment.yml


@cache
def environment() -> dict[str, object]:
    return yaml.safe_load(text("environment.yml"))


def conda_lines() -> list[str]:
    return [line for line in environment()["dependencies"] if isinstance(line, str)]


def pip_lines() -> list[str]:
    (section,) = (entry for entry in environment()["dependencies"] if isinstance(entry, dict))
    return section["pip"]


def test_environment_has_the_packages_and_bounds_of_pyproject():
    lines = [*conda_lines(), *(line for line in pip_lines() if not line.startswith("-"))]
    requirements = [Requirement(line) for line in lines]
    offered = {item.name: item.specifier for item in requirements}
    assert len(offered) == len(lines)
    assert offered.pop("python") == SpecifierSet(project()["requires-python"])
    assert offered.pop("pip") == SpecifierSet()
    assert offered == declared()


def test_environment_takes_only_conda_forge_and_installs_the_package_itself():
    assert environment()["channels"] == ["conda-forge", "nodefaults"]
    assert pip_lines()[-1] == "--editable ."


# requirements.lock


@cache
def lock_entries() -> tuple[tuple[Requirement, tuple[str, ...]], ...]:
    """Return each pinned package with its hashes."""
    body = "\n".join(line for line in text("requirements.lock").splitlines() if line[:1] != "#")
    entries = []
    for entry in body.replace("\\\n", " ").splitlines():
        pin, *hashes = re.split(r"\s+--hash=", entry.strip())
        entries.append((Requirement(pin), tuple(hashes)))
    return tuple(entries)


def pinned(python: str, platform: str) -> dict[str, str]:
    """Return name -> version of what the lock installs in one place."""
    place = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": platform,
        "os_name": "nt" if platform == "win32" else "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    chosen = [pin for pin, _ in lock_entries() if not pin.marker or pin.marker.evaluate(place)]
    versions = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in chosen}
    assert len(versions) == len(chosen), "the lock pins a package twice for one place"
    return versions


def test_every_pin_is_exact_and_has_sha256_hashes():
    for pin, hashes in lock_entries():
        assert re.fullmatch(r"==[\w.+!]+", str(pin.specifier)), pin
        assert pin.url is None
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", item) for item in hashes), pin


def test_lock_names_no_address_and_no_path():
    assert (
        re.findall(
            r"https?:|file:|--(?:index|extra|find|trusted)|^-", text("requirements.lock"), re.M
        )
        == []
    )
    assert not re.search(r"(?<!\w)/\w", text("requirements.lock"))


def test_lock_says_how_it_was_made():
    head = [line for line in text("requirements.lock").splitlines() if line.startswith("#")]
    assert any("make lock" in line for line in head)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_lock_satisfies_every_bound_of_pyproject(python, platform):
    versions = pinned(python, platform)
    wrong = {
        name: versions.get(name)
        for name, bound in declared().items()
        if name not in versions or not bound.contains(versions[name])
    }
    assert wrong == {}


def test_the_pythons_of_the_workflow_are_the_ends_of_what_the_lock_serves():
    workflow = yaml.safe_load(text(".github/workflows/ci.yml"))
    matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["python"]
    assert matrix == [PYTHONS[0], PYTHONS[-1]]
    assert SpecifierSet(project()["requires-python"]) == SpecifierSet(f">={PYTHONS[0]}")


def test_the_workflow_runs_the_whole_build_with_actions_pinned_by_hash():
    (job,) = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"].values()
    assert "bash .ci/run" in [step.get("run") for step in job["steps"]]
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert actions
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in actions)


# Makefile


def targets() -> set[str]:
    """Return the public targets: those that are declared phony outright."""
    (line,) = re.findall(r"^\.PHONY: (help .*)$", text("Makefile"), re.M)
    return set(line.split())


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def run_make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    inherited = {"PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in inherited},
        capture_output=True,
        text=True,
        check=False,
    )


@needs_make
@pytest.mark.parametrize("arguments", [(), ("help",)])
def test_make_lists_every_public_target_with_a_sentence(arguments):
    lines = run_make(*arguments).stdout.splitlines()
    listed = dict(re.fullmatch(r"make (\w+) +(\S.*)", line).groups() for line in lines)
    assert set(listed) == targets()


@needs_make
def test_a_python_that_is_missing_or_too_old_is_refused_by_name(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    old = tmp_path / "python-of-old"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    for given in (f"PYTHON={old}", "PYTHON=no-such-python", "CANDIDATES=no-such-python"):
        result = run_make("test", given, folder=tmp_path)
        assert result.returncode != 0
        assert "Python 3.11 or newer" in result.stderr
        assert f"Not suitable: {given.partition('=')[2]}." in result.stderr
        assert not (tmp_path / ".venv").exists()


@pytest.fixture
def made(tmp_path):
    """Return a folder whose environment the Makefile takes for complete."""
    folder = tmp_path / "a folder (with 'signs')"
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    lock = subprocess.run(
        ["cksum"], input=text("requirements.lock"), capture_output=True, text=True, check=True
    )
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    stamp = folder / ".venv" / ".packages"
    stamp.write_text(f"{folder.resolve()}\n{python}\n{lock.stdout}", encoding="utf-8")
    (folder / ".venv" / ".installed").touch()
    return folder


MAKES_IT_ANEW = "Making .venv with"
INSTALLS_THE_PACKAGE = "-e ."


@needs_make
def test_an_environment_that_is_there_is_used_as_it_is(made):
    (command,) = run_make("-n", "test", folder=made).stdout.splitlines()
    assert "pytest" in command
    (made / "requirements.lock").touch()
    assert MAKES_IT_ANEW not in run_make("-n", "test", folder=made).stdout


@needs_make
def test_a_change_of_pyproject_installs_the_package_again_and_nothing_else(made):
    later = (made / ".venv" / ".installed").stat().st_mtime + 5
    os.utime(made / "pyproject.toml", (later, later))
    commands = run_make("-n", "test", folder=made).stdout
    assert INSTALLS_THE_PACKAGE in commands
    assert MAKES_IT_ANEW not in commands


def change_the_lock(folder):
    with (folder / "requirements.lock").open("a", encoding="utf-8") as lock:
        lock.write("# another\n")


def lose_the_python(folder):
    (folder / ".venv" / "bin" / "python").unlink()


def interrupt_the_installation(folder):
    (folder / ".venv" / ".packages").unlink()


@needs_make
@pytest.mark.parametrize("event", [change_the_lock, lose_the_python, interrupt_the_installation])
def test_an_environment_that_no_longer_fits_is_made_anew(made, event):
    event(made)
    commands = run_make("-n", "test", folder=made).stdout
    assert MAKES_IT_ANEW in commands
    assert INSTALLS_THE_PACKAGE in commands


@needs_make
def test_a_folder_that_was_moved_gets_an_environment_of_its_own(made):
    moved = made.rename(made.parent / "elsewhere")
    assert MAKES_IT_ANEW in run_make("-n", "test", folder=moved).stdout


@needs_make
def test_an_installation_that_fails_leaves_no_stamp(made):
    change_the_lock(made)
    python = made / "python-without-packages"
    python.write_text('#!/bin/sh\ncase "$*" in *"-m venv"*) exit 1; esac\n', encoding="utf-8")
    python.chmod(0o755)
    assert run_make("test", f"PYTHON={python}", folder=made).returncode != 0
    assert not (made / ".venv").exists()


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_every_make_command_that_a_document_names_exists(document):
    named = set(re.findall(r"(?:`|^ *)make ([a-z]+)", text(document), re.M))
    assert named
    assert named <= targets()


def test_contributing_has_one_row_for_every_target():
    rows = re.findall(r"^\| `make (\w+)` \|", text("CONTRIBUTING.md"), re.M)
    assert sorted(rows) == sorted(targets())


# version and licence


def test_the_version_is_the_same_everywhere():
    version = project()["version"]
    assert combined_care.__version__ == version
    assert yaml.safe_load(text("CITATION.cff"))["version"] == version


def test_the_licence_is_the_same_everywhere():
    assert project()["license"] == "MIT"
    assert text("LICENSE").startswith("MIT License\n")
    assert yaml.safe_load(text("CITATION.cff"))["license"] == "MIT"


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-DATA.md"]
)
def test_every_file_that_a_document_links_to_exists(document):
    links = re.findall(r"\]\((?!https?:|#|reports/)([^)#\s]+)", text(document))
    assert [link for link in links if not (ROOT / link).exists()] == []
