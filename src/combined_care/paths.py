"""Where the project keeps things: every path is built here, from one root."""

from __future__ import annotations

import os
from pathlib import Path

ROOT_VARIABLE = "COMBINED_CARE_ROOT"


def project_root(start: Path | None = None) -> Path:
    """Find the project folder: the nearest one that holds ``data/datapackage.json``.

    Parameters
    ----------
    start : pathlib.Path, optional
        Folder to search upwards from; the working directory by default.

    Returns
    -------
    pathlib.Path
        The folder named by ``COMBINED_CARE_ROOT`` when it is set, else the nearest parent of
        `start` that holds a data package, else the checkout that this package was installed from.

    Raises
    ------
    FileNotFoundError
        If none of these exists.
    """
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    checkout = Path(__file__).resolve().parents[2]
    for folder in (here, *here.parents, checkout):
        if (folder / "data" / "datapackage.json").is_file():
            return folder
    message = (
        f"no project found: neither {here} nor a folder above it has data/datapackage.json; "
        f"go to the project or set {ROOT_VARIABLE}"
    )
    raise FileNotFoundError(message)
