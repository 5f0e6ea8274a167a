"""What is slow and shared is made by one process of a test run."""

from __future__ import annotations

import multiprocessing
import time

import pytest

from once import once


def make(folder):
    with (folder / "calls.txt").open("a", encoding="utf-8") as file:
        file.write("called\n")
    time.sleep(0.3)
    return "made"


def ask(folder, answers):
    answers.put(once(folder, make))


def test_of_several_processes_one_makes_it_and_all_get_it(tmp_path):
    start = multiprocessing.get_context("spawn")
    answers = start.Queue()
    processes = [start.Process(target=ask, args=(tmp_path, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == ["made"] * 3
    for process in processes:
        process.join(60)
    assert (tmp_path / "calls.txt").read_text(encoding="utf-8") == "called\n"


def test_a_failure_reaches_those_who_wait(tmp_path):
    def fail(folder):
        message = "no disk"
        raise OSError(message)

    with pytest.raises(OSError, match="no disk"):
        once(tmp_path, fail)
    with pytest.raises(RuntimeError, match="failed: OSError: no disk"):
        once(tmp_path, make)


def test_waiting_has_an_end(tmp_path):
    (tmp_path / "once.lock").touch()
    with pytest.raises(RuntimeError, match="no other process"):
        once(tmp_path, make, patience=0.2)
