"""Something slow that is made once in a test run, however many processes share the run."""

from __future__ import annotations

import os
import pickle
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

#: Seconds after which a process that waits gives up: the one that makes has died.
PATIENCE = 1500


def once(folder: Path, make: Callable[[Path], T], patience: float = PATIENCE) -> T:
    """Let the first process of a run call `make`; all others get what it returned.

    Parameters
    ----------
    folder : pathlib.Path
        Where `make` may write; the processes that share the result name the same folder.
    make : callable
        Called with `folder`; returns something that can be pickled.
    patience : float
        Seconds to wait for another process.

    Raises
    ------
    RuntimeError
        If the process that made it failed, with its message, or did not finish in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock, result = folder / "once.lock", folder / "once.result"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return _wait(result, patience)
    try:
        value = make(folder)
    except BaseException as error:
        _write(result, (False, f"{type(error).__name__}: {error}"))
        raise
    _write(result, (True, value))
    return value


def shared(basetemp: Path) -> Path:
    """Return the folder that all processes of a run share, from pytest's folder for this one."""
    # Under xdist the folders of the workers stand side by side.
    return basetemp.parent if "PYTEST_XDIST_WORKER" in os.environ else basetemp


def _write(result: Path, outcome: tuple[bool, object]) -> None:
    """Write whole or not at all: the others look for the file."""
    draft = result.with_suffix(".draft")
    draft.write_bytes(pickle.dumps(outcome))
    draft.replace(result)


def _wait(result: Path, patience: float) -> T:
    end = time.monotonic() + patience
    while not result.exists():
        if time.monotonic() > end:
            message = f"no other process made {result.parent} within {patience:g} seconds"
            raise RuntimeError(message)
        time.sleep(0.1)
    well, value = pickle.loads(result.read_bytes())
    if not well:
        message = f"the process that made {result.parent} failed: {value}"
        raise RuntimeError(message)
    return value
