"""Jobs for worker processes: what they do must stand in a module that can be imported."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import papermill
from papermill.exceptions import PapermillExecutionError

from combined_care.errors import DataError
from combined_care.reports import kernel


def double(number: int) -> int:
    """Answer at once."""
    return 2 * number


def mark(folder: str, name: str, seconds: float = 0.0) -> list[str]:
    """Leave a mark, wait, and tell which marks were there."""
    found = sorted(file.name for file in Path(folder).iterdir())
    Path(folder, name).touch()
    time.sleep(seconds)
    return found


def fail() -> None:
    """Fail as a job may."""
    message = "row 7 is upside down"
    raise DataError(message)


def die() -> None:
    """End without an answer."""
    os.kill(os.getpid(), signal.SIGKILL)


def state() -> tuple[bool, int]:
    """Tell whether the imports were there before the job, and how many threads there are."""
    return "combined_care.reports.warm" in sys.modules, len(list(Path("/proc/self/task").iterdir()))


def execute(notebook: str, folder: str, engine: str | None) -> dict[str, Any]:
    """Execute a notebook; return its cells, or the error that papermill raises."""
    if engine:
        kernel.prepare(Path(folder, "ipython"))
    try:
        document = papermill.execute_notebook(
            notebook,
            str(Path(folder, "executed.ipynb")),
            parameters={"given": "a 'word'"},
            engine_name=engine,
            kernel_name="python3",
            progress_bar=False,
        )
    except PapermillExecutionError as error:
        return {"error": (error.cell_index, error.ename, error.evalue, error.exec_count)}
    return {"cells": [_content(cell) for cell in document.cells]}


def _content(cell: Any) -> dict[str, Any]:
    names = ("cell_type", "source", "outputs", "execution_count")
    return {name: cell[name] for name in names if name in cell} | {
        "status": cell.metadata.papermill["status"],
        "tags": cell.metadata.get("tags"),
    }
