"""The words of the command line, read with argparse: it loads in 5 ms where typer and click need 40."""

from __future__ import annotations

import argparse
import sys
from argparse import Action, ArgumentTypeError, Namespace
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from gxt.cli import output
from gxt.errors import UsageError

_HELP_WIDTH = 96


class Parser(argparse.ArgumentParser):
    """The options and words of one command.

    Attributes:
        words: what `add_argument` was told, in order; the reference page is made from it.
    """

    def __init__(self, name: str, about: str) -> None:
        super().__init__(
            prog=f"gxt {name}",
            allow_abbrev=False,
            add_help=False,
            # a fixed width: argparse makes a formatter for every option, and each would ask the terminal
            formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=_HELP_WIDTH),
        )
        self.about = about
        self.words: list[Action] = []

    def add(self, *names: str, **settings: Any) -> None:  # noqa: ANN401 argparse's own settings
        """Add an option or a word."""
        self.words.append(self.add_argument(*names, **settings))

    def add_repeated(self, name: str, **settings: Any) -> None:  # noqa: ANN401 argparse's own settings
        """Add an option that may be given several times."""
        self.add(name, action="append", default=[], **settings)

    def add_json(self) -> None:
        """`--json`, which every reading command takes."""
        self.add("--json", action="store_true", help="Print the JSON envelope.")

    def add_table_formats(self) -> None:
        """`--csv` and `--md`, which tables also take."""
        self.add("--csv", action="store_true", help="Print CSV with exact values.")
        self.add("--md", action="store_true", help="Print a Markdown table.")

    def read(self, argv: list[str]) -> Namespace:
        """The words of a command line.

        Raises:
            UsageError: they make no sense.
        """
        self.add_argument("-h", "--help", action="help", help="Show this message and exit.")
        takes_rest = any(one.nargs == argparse.REMAINDER for one in self.words)
        words = self._with_values(argv, takes_rest=takes_rest)
        # intermixed, so that an option may stand between two words
        return self.parse_args(words) if takes_rest else self.parse_intermixed_args(words)

    def _with_values(self, argv: list[str], *, takes_rest: bool) -> list[str]:
        """The words with each value joined to its option: argparse takes `--sort -loss` for two options."""
        options = {spelling: one for one in self.words for spelling in one.option_strings}
        joined: list[str] = []
        waiting = ""
        for at, word in enumerate(argv):
            if waiting and word not in options:
                joined[-1] = f"{waiting}={word}"
                waiting = ""
                continue
            if word == "--" or (takes_rest and not word.startswith("-")):
                return [*joined, *argv[at:]]
            option = options.get(word)
            waiting = option.option_strings[-1] if option and option.nargs is None else ""
            joined.append(word)
        return joined

    def print_help(self, file: object = None) -> None:
        """The help, on stdout."""
        from textwrap import dedent

        del file
        head, _, rest = self.about.partition("\n")
        self.description = f"{head}\n{dedent(rest)}".rstrip()
        output.write(self.format_help(), flush=True)

    def error(self, message: str) -> NoReturn:
        """What argparse refuses, in the shape of our own errors."""
        raise UsageError(message.replace("argument ", "", 1), hint=f"{self.prog} --help tells how")


def count_from(least: int) -> Callable[[str], int]:
    """A type for whole numbers that are not below the least."""

    def count(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is not a whole number") from None
        if number < least:
            raise ArgumentTypeError(f"{number} is less than {least}")
        return min(number, sys.maxsize)  # more can be neither counted nor asked of the index

    return count
