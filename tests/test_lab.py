"""``make lab`` serves the start page of the workbench."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def command() -> list[str]:
    """The last line of the target, with the server as a test wants it: no browser, any port."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = re.search(r"^lab:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    line = target.strip().splitlines()[-1].replace("$(ARGS)", "").replace("$(CURDIR)", str(ROOT))
    _, *arguments = shlex.split(line)
    quiet = ["--no-browser", "--allow-root", "--ServerApp.port=0", "--IdentityProvider.token=test"]
    return [sys.executable, "-m", "jupyter", *arguments, *quiet]


def fetched(page: str, patience: float = 60) -> bytes:
    """Ask until the server answers: it names its address a little before it listens."""
    end = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(page, timeout=patience) as answer:
                return answer.read()
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@pytest.mark.slow
def test_the_lab_opens_at_the_start_page(tmp_path):
    environment = os.environ | {
        "JUPYTER_DATA_DIR": str(tmp_path),
        "JUPYTER_RUNTIME_DIR": str(tmp_path),
        "PYTHONWARNINGS": "ignore",
    }
    server = subprocess.Popen(
        command(), cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        address = next(
            found for line in server.stderr if (found := re.search(r"http://127\S+", line))
        )
        base = address[0].split("/lab")[0]
        assert "notebooks/workbench/start.ipynb" in command()
        page = f"{base}/api/contents/notebooks/workbench/start.ipynb?content=0&token=test"
        assert json.loads(fetched(page))["name"] == "start.ipynb"
    finally:
        server.terminate()
        server.communicate(timeout=60)
