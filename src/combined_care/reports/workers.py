"""Processes that start warm: the imports are paid once, and each job runs in a fork of that state.

A server process (multiprocessing's ``forkserver``) imports :mod:`combined_care.reports.warm` and
then forks itself for every job. A job thus has a process to itself, as a notebook has a kernel:
what it changes, holds in memory or breaks ends with it. Where a system cannot fork, every process
imports for itself; the results are the same.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import pkgutil
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from combined_care.errors import CombinedCareError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WARM = "combined_care.reports.warm"
_PRELOADED = ["combined_care.reports.threads", WARM]  # in this order
_INTERRUPTED = 128 + 2


class ReportError(CombinedCareError):
    """A report could not be made; the message names it and says how it failed."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do in a process of its own.

    Attributes
    ----------
    name : str
        Shown while it runs.
    call : str
        The function, as ``module:name``: this process need not import what only that one needs.
    arguments : tuple
        What it is called with.
    needs : frozenset of str
        Names of jobs that must be done before, if they are to be done at all.
    """

    name: str
    call: str
    arguments: tuple[Any, ...]
    needs: frozenset[str] = field(default_factory=frozenset)


def warm_up() -> None:
    """Begin to import in the server, while this process plans what to do."""
    context = _context()
    if context.get_start_method() == "forkserver":
        from multiprocessing.forkserver import ensure_running  # noqa: PLC0415

        context.set_forkserver_preload(_PRELOADED)
        ensure_running()


def run(
    jobs: Sequence[Job],
    *,
    at_once: int,
    done: Callable[[Job, Any], None],
    running: Callable[[list[str]], None] = lambda names: None,
) -> None:
    """Run jobs in parallel, each in a process of its own.

    Parameters
    ----------
    jobs : sequence of Job
        What to do; begun in this order, as far as their needs allow.
    at_once : int
        Largest number of processes.
    done : callable
        Called with each job and what its function returned, as they end.
    running : callable, optional
        Called with the names of the running jobs whenever they change.

    Raises
    ------
    CombinedCareError, OSError
        What a job raised; the other jobs are stopped.
    ReportError
        If a process ended without a result.
    """
    waiting, missing = list(jobs), {job.name for job in jobs}
    at_work: dict[Any, tuple[Job, Any]] = {}  # by the pipe that the answer comes from
    try:
        while waiting or at_work:
            ready = [job for job in waiting if not job.needs & missing]
            for job in ready[: at_once - len(at_work)]:
                waiting.remove(job)
                at_work |= _start(job)
            running([job.name for job, _ in at_work.values()])
            for reader in connection.wait(list(at_work)):
                job, process = at_work[reader]
                result = _result(reader, job, process)
                del at_work[reader]
                missing.remove(job.name)
                done(job, result)
    finally:
        for _, process in at_work.values():
            process.terminate()
        for _, process in at_work.values():
            process.join()


def _context() -> Any:
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")


def _start(job: Job) -> dict[Any, tuple[Job, Any]]:
    context = _context()
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(writer, job.call, job.arguments))
    process.start()
    writer.close()
    return {reader: (job, process)}


def _result(reader: Any, job: Job, process: Any) -> Any:
    try:
        ok, value = reader.recv()
    except EOFError:
        process.join()
        message = f"{job.name}: its process ended with status {process.exitcode} and no result"
        raise ReportError(message) from None
    process.join()
    if not ok:
        raise value
    return value


def _work(writer: Any, call: str, arguments: tuple[Any, ...]) -> None:
    """Do the job and send what came of it; another error than these is printed where it happens."""
    try:
        try:
            answer = (True, pkgutil.resolve_name(call)(*arguments))
        except (CombinedCareError, OSError) as error:
            answer = (False, error)
        with contextlib.suppress(BrokenPipeError):  # nobody waits any more
            writer.send(answer)
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
