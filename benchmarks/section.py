"""The parts of README.md that the scripts write, each between two markers of its name."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).with_name("README.md")


def replaced(name: str, content: str) -> str:
    """Return the page with other content in one of its parts."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = README.read_text(encoding="utf-8").partition(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


def write(name: str, printed: str) -> None:
    """Put what a script printed into its part."""
    page = replaced(name, f"```text\n{printed.strip()}\n```")
    README.write_text(page, encoding="utf-8")
