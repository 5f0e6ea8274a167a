"""Run notebooks in one kernel, as JupyterLab does: ``python notebook_runner.py OUT NOTEBOOK ...``.

A process of its own, because Jupyter's client leaves sockets that pytest would complain about.
Each notebook begins with an empty namespace; cells that raise are recorded like all others.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient


def run(notebooks: list[Path], out: Path) -> None:
    """Execute `notebooks` where they lie, and write them with their outputs to `out`."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(notebooks[0].parent))
    try:
        for path in notebooks:
            document = nbformat.read(path, as_version=4)
            document.cells.insert(0, nbformat.v4.new_code_cell("%reset -f", id="reset"))
            NotebookClient(document, km=manager, timeout=300, allow_errors=True).execute()
            document.cells.pop(0)
            nbformat.write(document, out / path.name)
    finally:
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    run([Path(name) for name in sys.argv[2:]], Path(sys.argv[1]))
