"""What the arguments of all commands share: global options, suggestions, shell completion."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

#: What a shell completes a folder with (the words that shtab puts into its scripts).
_FOLDER = {"bash": "_shtab_compgen_dirs", "zsh": "_files -/"}


class Parser(argparse.ArgumentParser):
    """Argument parser that names the nearest valid command or option, and keeps examples as set."""

    def __init__(self, **given: Any) -> None:
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(**{"formatter_class": layout, "allow_abbrev": False, **given})

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse all arguments; what is left over is an error that names the nearest option."""
        options, extra = self.parse_known_args(args, namespace)
        if extra:
            asked: Parser = getattr(options, "parser", self)
            asked.error(" ".join(f"unknown argument {x}{asked.hint(x)};" for x in extra)[:-1])
        return options

    def hint(self, given: str) -> str:
        """Return ``(did you mean ...?)`` for the option nearest to `given`, if one is near."""
        return hint(given.partition("=")[0], self._option_string_actions)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = "command" if isinstance(action, argparse._SubParsersAction) else "value"
            choices = [str(choice) for choice in action.choices]
            message = (
                f"unknown {name} {value!r}{hint(str(value), choices)}; "
                f"known are {', '.join(choices)}"
            )
            raise argparse.ArgumentError(None if name == "command" else action, message)


class Completion(argparse.Action):
    """``--print-completion SHELL``: print the shell's script and end."""

    def __init__(self, option_strings: Sequence[str], dest: str, **_: Any) -> None:
        about = 'print a completion script: eval "$(combined-care --print-completion bash)"'
        shells = ("bash", "zsh")
        super().__init__(option_strings, argparse.SUPPRESS, choices=shells, help=about)

    def __call__(self, parser: argparse.ArgumentParser, *values: Any) -> NoReturn:
        """Print the script; shtab is loaded only now, because help should answer at once."""
        import shtab  # noqa: PLC0415

        print(shtab.complete(parser, shell=values[1]))
        parser.exit(0)


def hint(given: str, valid: Iterable[str]) -> str:
    """Return ``" (did you mean ...?)"``, or nothing when no valid word is near.

    Examples
    --------
    >>> hint("rendr", ["render", "validate"])
    " (did you mean 'render'?)"
    """
    near = difflib.get_close_matches(given, list(valid), n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def add_globals(parser: argparse.ArgumentParser, default: object) -> None:
    """Add the options that work before and after the command.

    A command adds them with ``argparse.SUPPRESS``, so that its silence does not undo what stood
    before it.
    """
    group = parser.add_argument_group("options of all commands")
    for name, about in (
        ("--json", "print the result as JSON"),
        ("--quiet", "no progress bar and no remarks: only results and errors"),
        ("--debug", "show the traceback of an error"),
    ):
        group.add_argument(name, action="store_true", default=default, help=about)


def add_folder(parser: argparse.ArgumentParser, name: str, about: str, **more: Any) -> None:
    """Add an argument that takes a folder, which the shell then completes."""
    action = parser.add_argument(name, type=Path, help=about, **more)
    action.complete = _FOLDER  # type: ignore[attr-defined]  # read by shtab


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    about: str,
    description: str,
    examples: str,
) -> Parser:
    """Add one command.

    Parameters
    ----------
    commands
        Where it is added.
    name : str
        What the user types.
    run : callable
        Takes the parsed options and returns the exit status.
    about : str
        A few words for the list of commands.
    description : str
        What the command does, for its own help.
    examples : str
        Lines of examples, each a command that works.

    Returns
    -------
    Parser
        For the command's own arguments; the global options are there already.
    """
    parser = commands.add_parser(
        name, help=about, description=description, epilog=f"examples:\n{examples}"
    )
    add_globals(parser, default=argparse.SUPPRESS)
    parser.set_defaults(run=run, parser=parser)
    return parser
