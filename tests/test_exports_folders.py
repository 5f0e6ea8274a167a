"""An exported folder is there whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from combined_care.errors import InputError
from combined_care.exports.folders import MANIFEST, write_folder

FILES = {"a.txt": "one\n", "deep/b.csv": "x,y\n1,ü\n"}


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_are_written_with_their_digests(tmp_path):
    folder = write_folder(FILES, tmp_path / "new" / "out")
    found = tree(folder)
    listed = dict(reversed(line.split("  ")) for line in found.pop(MANIFEST).splitlines())
    assert found == FILES
    assert listed == {
        name: hashlib.sha256(text.encode()).hexdigest() for name, text in FILES.items()
    }
    assert list(folder.parent.iterdir()) == [folder]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    assert write_folder(FILES, tmp_path / "out") == tmp_path / "out"


def test_a_folder_in_use_is_refused(tmp_path):
    write_folder(FILES, tmp_path / "out")
    with pytest.raises(InputError, match="not empty"):
        write_folder({"c.txt": ""}, tmp_path / "out")
    assert set(tree(tmp_path / "out")) == {*FILES, MANIFEST}


def test_an_earlier_export_is_replaced_whole_when_asked_to(tmp_path):
    write_folder(FILES, tmp_path / "out")
    write_folder({"c.txt": "new"}, tmp_path / "out", force=True)
    assert set(tree(tmp_path / "out")) == {"c.txt", MANIFEST}
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_what_no_export_has_written_is_never_replaced(tmp_path):
    folder = write_folder(FILES, tmp_path / "out")
    (folder / "thesis.docx").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match=r"not replaced: thesis\.docx"):
        write_folder(FILES, folder, force=True)
    assert (folder / "thesis.docx").is_file()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="is a file"):
        write_folder(FILES, tmp_path / "out", force=True)


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (OSError(28, "No space left on device"), OSError, "nothing was exported.*No space left"),
        (PermissionError(13, "Permission denied"), OSError, "nothing was exported.*Permission"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
@pytest.mark.parametrize("earlier", [False, True])
def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch, error, expected, said, earlier):
    if earlier:
        write_folder({"old.txt": "old"}, tmp_path / "out")
    before = tree(tmp_path)
    whole = Path.write_bytes

    def failing(path: Path, content: bytes) -> int:
        if path.name == "b.csv":
            raise error
        return whole(path, content)

    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises(expected, match=said):
        write_folder(FILES, tmp_path / "out", force=True)
    assert tree(tmp_path) == before


def test_the_earlier_export_comes_back_when_the_last_step_fails(tmp_path, monkeypatch):
    write_folder({"old.txt": "old"}, tmp_path / "out")
    before, whole = tree(tmp_path), Path.replace

    def failing(path: Path, target: Path) -> Path:
        if path.name.endswith(".part"):
            raise PermissionError(13, "Permission denied")
        return whole(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="unchanged"):
        write_folder(FILES, tmp_path / "out", force=True)
    assert tree(tmp_path) == before
