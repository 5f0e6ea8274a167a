"""A new project for another question, with the structure of this one and data to begin with."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from combined_care import __version__
from combined_care.errors import InputError

if TYPE_CHECKING:
    from combined_care.foreign.brought import BroughtData
    from combined_care.foreign.foreign_table import ForeignData

#: Title of a project whose user gave none: it is that of the example.
EXAMPLE_TITLE = "Does exercise add to coaching? Example data, no real trials"
_NOTICE = "All trials in data/ are invented; they show what a review looks like."
#: Ending of the files of the template that are filled in; others are copied.
_FILLED = ".in"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class NewReview:
    """A project that was made.

    Attributes
    ----------
    folder : pathlib.Path
        Where it is.
    title : str
        Its title.
    brought : BroughtData or None
        What a file brought into it, and what could not be used; None on the example data.
    """

    folder: Path
    title: str
    brought: BroughtData | None = None

    def __str__(self) -> str:
        told = f"{self.brought}\n" if self.brought is not None else ""
        return f"{told}made {self.folder}; next: cd {self.folder} && make reports"


def new_review(
    folder: Path, *, title: str | None = None, source: ForeignData | None = None
) -> NewReview:
    """Make a project for another question.

    Parameters
    ----------
    folder : pathlib.Path
        The project's folder; it must not exist, or be empty.
    title : str, optional
        Heading of its first page; by default that of the example.
    source : ForeignData, optional
        A file that was read (:func:`combined_care.foreign.opening.read_foreign`): its trials take
        the place of the example's, vocabularies are its words, and one claim is made for each pair
        of conditions with enough trials, which says that it was not pre-specified.

    Returns
    -------
    NewReview

    Raises
    ------
    InputError
        If the name is not usable, the folder is there and not empty, its parent is not there, or
        no row of the file can be used. Nothing has been written then.

    Notes
    -----
    The project is made in a temporary folder beside its own and gets its name last: when that is
    interrupted or fails, there is no half project.
    """
    _check(folder)
    usual = EXAMPLE_TITLE if source is None else f"The trials of {source.file}"
    heading = " ".join((title or usual).split())
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _copy_template(half, folder.name, heading, source)
        _copy_notebooks(half / "notebooks")
        (half / "reports").mkdir()
        _remember_program(half)
        brought = None if source is None else _brought(half / "data", source)
        half.chmod(0o755)
        half.replace(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return NewReview(folder, heading, brought)


def _check(folder: Path) -> None:
    if _NAME.fullmatch(folder.name) is None:
        message = (
            f"{folder.name!r} cannot be the name of a review: expected letters, digits, '.', '_' "
            "and '-', beginning with a letter or digit, such as my-review"
        )
        raise InputError(message)
    if not folder.parent.is_dir():
        message = f"the folder {folder.parent} does not exist; make it first"
        raise InputError(message)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        message = f"{folder} exists and is not empty; choose another name. Nothing was changed"
        raise InputError(message)


def _brought(data: Path, source: ForeignData) -> BroughtData:
    from combined_care.review_from_file import fill_from  # noqa: PLC0415  # loads pandas

    return fill_from(data, source)


def _copy_template(half: Path, name: str, title: str, source: ForeignData | None) -> None:
    values = {
        "name": name,
        "heading": title,
        "title": json.dumps(title, ensure_ascii=False),  # quoted as YAML wants it
        "called": json.dumps(called(name)),
        "version": __version__,
        "notice": _NOTICE if source is None else f"Its trials are those of {source.file}.",
    }
    with as_file(files(__package__) / "template") as template:
        for given in sorted(path for path in template.rglob("*") if path.is_file()):
            target = half / given.relative_to(template)
            if "__pycache__" in target.parts:
                continue
            if target.name == "gitignore":
                target = target.with_name(".gitignore")
            target.parent.mkdir(parents=True, exist_ok=True)
            if given.suffix == _FILLED:
                text = Template(given.read_text(encoding="utf-8")).substitute(values)
                target.with_suffix("").write_text(text, encoding="utf-8")
            else:
                shutil.copyfile(given, target)


def called(name: str) -> str:
    """Make the short name of a review from that of its folder.

    Examples
    --------
    >>> called("my-review")
    'My review'
    """
    words = re.sub(r"[-_.]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def _copy_notebooks(folder: Path) -> None:
    """Copy the notebooks of reports: in a wheel they lie in the package, else beside ``src``."""
    inside = Path(__file__).parent / "notebooks"
    source = inside if inside.is_dir() else Path(__file__).parents[2] / "notebooks"
    folder.mkdir()
    for notebook in sorted(source.glob("*.ipynb")):
        shutil.copyfile(notebook, folder / notebook.name)


def _remember_program(half: Path) -> None:
    """Write down which Python made the project, in a file that is not under version control."""
    python = Path(sys.executable).as_posix().replace("$", "$$").replace(" ", "\\ ")
    (half / "local.mk").write_text(
        "# The program that made this folder; not under version control, and yours to delete.\n"
        f"MADE_WITH := {python}\n"
        "ifneq ($(wildcard $(MADE_WITH)),)\n"
        "PYTHON ?= $(MADE_WITH)\n"
        "COMBINED_CARE ?= $(PYTHON) -m combined_care.cli\n"
        "endif\n",
        encoding="utf-8",
    )
