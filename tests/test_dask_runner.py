"""Tasks give the same answers here and on a cluster, even when a worker is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

import combined_care.dask_runner as runner
from combined_care.dask_runner import run
from combined_care.errors import InputError
from combined_care.multiverse_table import multiverse
from combined_care.spec_resampling import multiverse_inference
from test_multiverse_table import CHOICES, claim, few

pytestmark = pytest.mark.filterwarnings(
    # Sockets and event loops that distributed leaves to the garbage collector.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


@contextmanager
def cluster():
    """Two worker processes on this machine, and a client."""
    distributed = pytest.importorskip("distributed")
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            host="127.0.0.1",
        ) as local,
        distributed.Client(local) as client,
    ):  # fmt: skip
        yield local, client


def times(shared, task):
    return shared * task


def slow(shared, task):
    time.sleep(0.05)
    return float(np.sqrt(shared[task]))


def test_without_a_scheduler_tasks_run_here_in_order():
    assert run(times, 3, [1, 2, 5]) == [3, 6, 15]
    assert run(times, 3, []) == []


def test_a_scheduler_that_is_no_scheduler_is_refused():
    with pytest.raises(InputError, match="address of a Dask scheduler"):
        run(times, 3, [1], scheduler=12)


def test_without_dask_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install combined-care\[dask\]"):
        run(times, 3, [1], scheduler="tcp://127.0.0.1:1")


def test_dask_is_not_loaded_until_it_is_asked_for():
    source = runner.__file__
    with open(source, encoding="utf-8") as file:  # noqa: PTH123
        top = [line for line in file if line.startswith(("import", "from"))]
    assert not any("distributed" in line for line in top)


@pytest.mark.slow
def test_a_cluster_gives_the_same_result_and_a_lost_worker_changes_nothing():
    found = few([0.5, 0.2, 0.6, 0.3])
    given = {"choices": replace(CHOICES, cap=60), "resamples": 24, "seed": 3}
    here = multiverse(claim(), found, **given)
    permuted = multiverse_inference(claim(), found, kind="permutation", **given)
    numbers = np.arange(40.0)
    with cluster() as (local, client):
        address = local.scheduler_address
        there = multiverse(claim(), found, scheduler=address, **given)
        assert there.equals(here)
        again = multiverse_inference(claim(), found, kind="permutation", scheduler=client, **given)
        assert again == permuted
        pids = sorted(client.run(os.getpid).values())
        with _killed_soon(client, pids[0]):
            answers = run(slow, numbers, range(40), scheduler=client)
    assert answers == np.sqrt(numbers).tolist()


@contextmanager
def _killed_soon(client, pid):
    """Kill a worker while others work; it is the one that holds the shared data, or it is not."""
    timer = threading.Timer(0.4, os.kill, (pid, signal.SIGKILL))
    timer.start()
    try:
        yield
    finally:
        timer.join()
    assert pid not in client.run(os.getpid).values()
