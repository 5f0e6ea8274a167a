"""``combined-care import``: bring a new evidence release, or a file of others, into ``data/``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from combined_care.cli.output import paint, print_json
from combined_care.cli.parsing import Commands, add_command, add_folder

if TYPE_CHECKING:
    import argparse

#: Named here too, because help must not load the readers; a test holds them together.
FORMATS = ("metapsy", "revman", "arms")

_EXAMPLES = """\
  combined-care import release --dry-run        say what a release would change, write nothing
  combined-care import release                  write it
  combined-care import trials.csv --format metapsy --dry-run
  combined-care import trials.csv --format metapsy --words words.yaml
  combined-care import CD1-data-rows.csv --format revman --settings CD1-settings.csv --extend
  combined-care import arms.csv --format arms --map map.yaml --data my/data

map.yaml for a table with one row an arm (for the other formats only higher_is_better):

  columns: {study: Study, arm: Group, n: N, mean: Mean, sd: SD, outcome: Outcome}
  experimental: [CBT + SSRI]
  comparator: [SSRI, Placebo]
  higher_is_better: {PDSS: 0}

words.yaml, from the words of the file to those of the project:

  words: {experimental: {cbt: psychotherapy}, comparator: {ssri: pharmacotherapy}}
  set: {diagnosis: panic, design: concurrent}
"""
_FILE = {"bash": "_shtab_compgen_files", "zsh": "_files"}


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "import",
        run,
        about="bring a new evidence release, or a Metapsy or RevMan file, into data/",
        description="Bring a new evidence release (a folder) into data/, or append the trials of a "
        "file in another format (Metapsy data standard, RevMan data rows, one row an arm). The "
        "result is validated as a whole before anything is written; each row of a file that "
        "cannot be used is listed with its reason.",
        examples=_EXAMPLES,
    )
    source = parser.add_argument(
        "source", type=Path, help="folder with trials.csv, outcomes.csv, ...; or a file"
    )
    source.complete = _FILE  # type: ignore[attr-defined]  # read by shtab
    add_folder(parser, "--data", "data folder (default: the project's)")
    parser.add_argument("--dry-run", action="store_true", help="say what would change")
    group = parser.add_argument_group("a file in another format")
    group.add_argument("--format", choices=FORMATS, help="format (default: by its header)")
    for name, about in (
        ("--map", "YAML: what the columns of a table of arms are"),
        ("--settings", "RevMan's file of overall estimates and settings"),
        ("--words", "YAML: words of the file -> words of the project"),
    ):
        option = group.add_argument(name, type=Path, metavar="FILE", help=about)
        option.complete = _FILE  # type: ignore[attr-defined]
    about = "add words that the project does not know to its vocabulary"
    group.add_argument("--extend", action="store_true", help=about)


def run(options: argparse.Namespace) -> int:
    """Import a release or a file, and print what changed."""
    from combined_care.paths import project_root  # noqa: PLC0415

    target = options.data or project_root() / "data"
    of_a_file = options.format or options.map or options.settings or options.words
    if options.source.is_file() or of_a_file or options.extend:
        return _bring_file(options, target)
    return _import_release(options, target)


def _import_release(options: argparse.Namespace, target: Path) -> int:
    from combined_care.importer import import_release  # noqa: PLC0415

    report = import_release(options.source, target, write=not options.dry_run)
    if options.json:
        print_json(report.to_dict())
    else:
        print(report)
    return 0


def _bring_file(options: argparse.Namespace, target: Path) -> int:
    """Append a file; status 1 when nothing of it could be used."""
    from combined_care.foreign.into_project import bring  # noqa: PLC0415
    from combined_care.foreign.opening import read_foreign  # noqa: PLC0415

    foreign = read_foreign(
        options.source, options.format, columns=options.map, settings=options.settings
    )
    report = bring(
        foreign,
        target,
        translation=options.words,
        extend=options.extend,
        write=not options.dry_run,
    )
    if options.json:
        print_json({"read": str(foreign), "remarks": list(foreign.remarks), **report.to_dict()})
    else:
        remarks = () if options.quiet else foreign.remarks
        print("\n".join([str(foreign), *(paint(f"  {text}", "dim") for text in remarks)]))
        print(report)
    return 0 if report.rows or len(report.known) else 1
