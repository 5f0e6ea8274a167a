"""Worker processes: warm, one for each job, bounded in number, and gone when something fails."""

from __future__ import annotations

import sys

import pytest

from combined_care.errors import DataError
from combined_care.reports import workers
from combined_care.reports.workers import Job, ReportError

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _server():
    workers.warm_up()


def run(*jobs: Job, at_once: int = 2):
    answers = {}
    workers.run(jobs, at_once=at_once, done=lambda job, answer: answers.update({job.name: answer}))
    return answers


def test_every_job_is_answered():
    jobs = [Job(str(i), "small_jobs:double", (i,)) for i in range(5)]
    assert run(*jobs) == {str(i): 2 * i for i in range(5)}
    assert run() == {}


def test_a_job_begins_when_what_it_needs_is_done(tmp_path):
    first = Job("first", "small_jobs:mark", (str(tmp_path), "first"))
    needs = frozenset({"first", "done long ago"})
    second = Job("second", "small_jobs:mark", (str(tmp_path), "second"), needs)
    third = Job("third", "small_jobs:mark", (str(tmp_path), "third"), frozenset({"second"}))
    answers = run(third, second, first, at_once=3)
    assert answers == {"first": [], "second": ["first"], "third": ["first", "second"]}


def test_no_more_jobs_run_at_once_than_asked(tmp_path):
    seen = []
    jobs = [Job(str(i), "small_jobs:mark", (str(tmp_path), str(i), 0.05)) for i in range(5)]
    workers.run(jobs, at_once=2, done=lambda *_: None, running=seen.append)
    assert max(map(len, seen)) == 2
    assert {name for names in seen for name in names} == {job.name for job in jobs}


def test_what_a_job_raises_is_raised_and_the_others_are_stopped(tmp_path):
    slow = Job("slow", "small_jobs:mark", (str(tmp_path), "slow", 600.0))
    with pytest.raises(DataError, match="row 7 is upside down"):
        run(slow, Job("bad", "small_jobs:fail", ()))


def test_a_job_that_dies_is_named():
    with pytest.raises(ReportError, match="dead: its process ended with status -9 and no result"):
        run(Job("dead", "small_jobs:die", ()))


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_processes_start_with_their_imports_and_one_thread():
    assert run(Job("state", "small_jobs:state", ())) == {"state": (True, 1)}
