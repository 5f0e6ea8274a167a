"""Opening a file by its format, or by a header that only one format has."""

from __future__ import annotations

import pytest
import yaml

from combined_care.cli import import_
from combined_care.errors import DataError, InputError
from combined_care.foreign.opening import FORMATS, read_foreign
from foreign_files import COMMA, ROWS, write
from test_foreign_arm_table import MAP
from test_foreign_arm_table import ROWS as ARMS
from test_foreign_revman import ROWS as REVMAN


@pytest.mark.parametrize(("rows", "name"), [(ROWS, "metapsy"), (REVMAN, "revman")])
def test_a_header_of_one_format_is_recognised(tmp_path, rows, name):
    path = write(tmp_path / "file.csv", rows, COMMA)
    assert read_foreign(path).format == name
    assert read_foreign(path, name).rows.equals(read_foreign(path).rows)


def test_a_header_that_tells_nothing_names_the_formats(tmp_path):
    path = write(tmp_path / "arms.csv", ARMS)
    with pytest.raises(InputError, match="--format with one of metapsy, revman, arms"):
        read_foreign(path)


def test_a_table_of_arms_needs_its_map(tmp_path):
    path = write(tmp_path / "arms.csv", ARMS)
    with pytest.raises(InputError, match="needs a map of its columns"):
        read_foreign(path, "arms")
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(MAP), encoding="utf-8")
    assert len(read_foreign(path, "arms", columns=tmp_path / "map.yaml").rows) == 3


def test_directions_can_be_said_for_every_format(tmp_path):
    path = write(tmp_path / "file.csv", REVMAN)
    assert len(read_foreign(path, columns={"higher_is_better": 1}).effects()) == 3
    with pytest.raises(InputError, match="did you mean 'higher_is_better'"):
        read_foreign(path, columns={"higher_is_beter": 1})


def test_an_unknown_format_or_a_file_of_another_format_is_an_error(tmp_path):
    path = write(tmp_path / "file.csv", REVMAN)
    with pytest.raises(InputError, match="did you mean 'metapsy'"):
        read_foreign(path, "metapsi")
    with pytest.raises(DataError, match="Metapsy data standard needs the columns 'condition_arm1'"):
        read_foreign(path, "metapsy")


def test_the_command_knows_every_format():
    assert tuple(FORMATS) == import_.FORMATS
