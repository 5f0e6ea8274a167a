"""Several files replaced: all or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from combined_care.errors import DataError
from combined_care.replacing import replace_together


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / name for name in ("one.csv", "two.csv")]
    for path in paths:
        path.write_bytes(b"old " + path.name.encode())
    return paths


def before(files):
    return {path: path.read_bytes() for path in files}


def after(files):
    return {path: b"new " + path.name.encode() for path in files}


def test_all_files_are_replaced_and_nothing_is_left_beside_them(files):
    files[0].chmod(0o640)
    replace_together(before(files), after(files))
    assert before(files) == after(files)
    assert sorted(files[0].parent.iterdir()) == files
    assert files[0].stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [OSError("locked"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", [0, 1])
def test_when_one_cannot_be_replaced_all_are_as_they_were(files, error, failing, monkeypatch):
    held, real = before(files), Path.replace

    def replace(self, target):
        if self.name.endswith("new.part") and target == files[failing].resolve():
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(type(error)):
        replace_together(held, after(files))
    assert before(files) == held
    assert sorted(files[0].parent.iterdir()) == files


def test_a_full_disk_stops_it_before_anything_is_replaced(files, monkeypatch):
    held, real = before(files), Path.write_bytes

    def write(self, content):
        if self.name.startswith(".two.csv"):
            real(self, content[:3])
            raise OSError(28, "No space left on device")
        return real(self, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError, match="No space"):
        replace_together(held, after(files))
    assert before(files) == held
    assert sorted(files[0].parent.iterdir()) == files


def test_what_another_program_wrote_meanwhile_stays(files):
    held = before(files)
    files[1].write_bytes(b"of another program")
    with pytest.raises(DataError, match=r"two\.csv changed in the meantime"):
        replace_together(held, after(files))
    assert files[0].read_bytes() == held[files[0]]
    assert files[1].read_bytes() == b"of another program"


def test_a_link_stays_a_link(files, tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to(files[0])
    replace_together({link: files[0].read_bytes()}, {link: b"new"})
    assert link.is_symlink()
    assert files[0].read_bytes() == b"new"
