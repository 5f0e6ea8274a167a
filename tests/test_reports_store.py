"""The store of results: what is whole comes back, anything else is as if it were not there."""

from __future__ import annotations

import hashlib
import os
import pickle

import pytest

from combined_care.reports import store as module
from combined_care.reports.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


def test_what_was_put_comes_back(store):
    assert store.get("key", dict) is None
    store.put("key", {"a": 1})
    assert store.get("key", dict) == {"a": 1}
    assert store.get("other", dict) is None
    store.put("key", {"a": 2})
    assert store.get("key", dict) == {"a": 2}
    assert [file.name for file in store.folder.iterdir()] == ["key.pickle"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
        lambda content: pickle.dumps({"a": 1}),
    ],
    ids=["emptied", "cut off", "one bit", "written by another"],
)
def test_a_damaged_or_foreign_file_is_absent_and_can_be_replaced(store, spoil):
    store.put("key", {"a": 1})
    file = store.folder / "key.pickle"
    file.write_bytes(spoil(file.read_bytes()))
    assert store.get("key", dict) is None
    store.put("key", {"a": 1})
    assert store.get("key", dict) == {"a": 1}


class Gone:
    """A class that a later version no longer has."""


def test_a_result_of_another_kind_or_of_a_class_that_is_gone_is_absent(store, monkeypatch):
    store.put("key", [1])
    assert store.get("key", dict) is None
    monkeypatch.setattr(Gone, "__module__", "combined_care.nowhere")
    with pytest.raises(pickle.PicklingError):
        store.put("gone", Gone())
    content = b"cno_such_module\nThing\n."
    file = store.folder / "gone.pickle"
    file.write_bytes(hashlib.sha256(content).digest() + content)
    assert store.get("gone", object) is None


def test_the_folder_keeps_the_newest_results_only(store, monkeypatch):
    monkeypatch.setattr(module, "_KEPT", 3)
    store.tidy()
    for number in range(5):
        store.put(str(number), number)
        file = store.folder / f"{number}.pickle"
        os.utime(file, (number, number))
    store.tidy()
    assert sorted(file.stem for file in store.folder.iterdir()) == ["2", "3", "4"]
