"""A papermill engine that runs a notebook inside this process, which has its imports already.

papermill's own engine starts a Jupyter kernel for each notebook: a new Python that imports every
library again. Here the cells run in the same IPython shell that such a kernel is made of, in a
process that :mod:`combined_care.reports.workers` forked for one notebook and ends after it.
"""

from __future__ import annotations

import base64
import io
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from nbformat.v4 import new_output
from papermill.engines import Engine, papermill_engines
from traitlets import Type
from traitlets.config import Config

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode
    from papermill.engines import NotebookExecutionManager

ENGINE = "combined-care"


class _Hook(DisplayHook):
    """Puts the value of a cell's last line among its outputs."""

    def write_output_prompt(self) -> None:
        """Print nothing: the number of the cell is recorded with the output."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        """Record the value in all its formats."""
        output = _rich("execute_result", format_dict, md_dict)
        output.execution_count = self.prompt_count
        _outputs().append(output)

    def finish_displayhook(self) -> None:
        """Print nothing."""
        self._is_active = False


class _Publisher(DisplayPublisher):
    """Puts what a cell displays among its outputs."""

    def publish(  # type: ignore[override]  # without a parameter that is deprecated
        self, data: Any, metadata: Any = None, *, update: bool = False, **_: Any
    ) -> None:
        """Record what ``display`` shows."""
        if update:
            message = "a report is written once: it cannot update what it displayed"
            raise NotImplementedError(message)
        _outputs().append(_rich("display_data", data, metadata))

    def clear_output(self, wait: bool = False) -> None:
        """Forget the outputs of this cell."""
        _outputs().clear()


class _Shell(InteractiveShell):
    """The shell of a kernel; outputs go to ``outputs`` instead of a front end."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    outputs: list[NotebookNode]

    def _showtraceback(self, etype: type[BaseException], evalue: object, stb: list[str]) -> None:
        error = _output("error", ename=etype.__name__, evalue=str(evalue), traceback=stb)
        self.outputs.append(error)


class _Stream(io.TextIOBase):
    """Puts printed text among the outputs of a cell, in the order in which it is written."""

    def __init__(self, name: str, outputs: list[NotebookNode]) -> None:
        self.stream = name
        self.outputs = outputs

    def write(self, text: str) -> int:
        """Record `text`, in the last output where that is of the same stream."""
        last = self.outputs[-1] if self.outputs else {}
        if last.get("name") == self.stream:
            last["text"] += text
        else:
            self.outputs.append(_output("stream", name=self.stream, text=text))
        return len(text)


class WarmEngine(Engine):  # type: ignore[misc]
    """Runs the cells in a shell of this process; papermill does the rest as ever."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **_: Any
    ) -> None:
        """Run the cells in order, up to the first that raises."""
        del kernel_name  # papermill names one; there is only this process
        shell = _Shell.instance()
        for index, cell in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cell, index)
            failed = cell.cell_type == "code" and not _run(shell, cell)
            if failed:
                nb_man.cell_exception(cell, index)
            nb_man.cell_complete(cell, index)
            if failed:
                return


def prepare(folder: Path) -> None:
    """Make the shell of this process and tell papermill about the engine.

    Parameters
    ----------
    folder : pathlib.Path
        For the profile that IPython wants; the user's own is neither read nor written.
    """
    profile = ProfileDir.create_profile_dir(str(folder))  # type: ignore[no-untyped-call]
    _Shell.instance(
        ipython_dir=str(folder),
        profile_dir=profile,
        config=Config(HistoryManager={"enabled": False}),
    )
    papermill_engines.register(ENGINE, WarmEngine)


def _run(shell: Any, cell: NotebookNode) -> bool:
    """Run one cell and record what it shows; tell whether it came to its end."""
    shell.outputs = cell.outputs = []
    out, err = (_Stream(name, cell.outputs) for name in ("stdout", "stderr"))
    with redirect_stdout(out), redirect_stderr(err):
        result = shell.run_cell(cell.source, store_history=True)
    cell.execution_count = result.execution_count
    if isinstance(result.error_in_exec, KeyboardInterrupt):
        raise result.error_in_exec
    return bool(result.success)


def _rich(kind: str, data: dict[str, Any], metadata: Any) -> NotebookNode:
    """Return an output; bytes (pictures) as base64, as notebooks keep them."""
    plain = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in data.items()
    }
    return _output(kind, data=plain, metadata=metadata or {})


def _output(kind: str, **parts: Any) -> NotebookNode:
    return new_output(kind, **parts)  # type: ignore[no-untyped-call,no-any-return]


def _outputs() -> list[NotebookNode]:
    """Return the outputs of the cell that is running."""
    return _Shell.instance().outputs
