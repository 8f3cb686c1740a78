"""Takes command lines and shell texts apart: options, assignments, simple commands.

Text only: which programs the words name, and what those do, is the matter of `interpreter`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

_SHELL_KEYWORDS = frozenset({"!", "{", "builtin", "command", "do", "exec", "if", "then", "while"})

Options = list[tuple[str, str]]
"""Options as (name with its dashes, value); the value of a flag is ""."""


def split_options(words: Sequence[str], values: frozenset[str]) -> tuple[Options, list[str]]:
    """The leading options, and the words from the first that is none.

    Args:
        words: the words after a command or subcommand.
        values: the options that take a value, with their dashes; all others are flags.
    """
    options: Options = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if word.startswith("--") and equals:
            options.append((name, value))
        elif word in values and rest:
            options.append((word, rest.pop(0)))
        elif word[:2] in values:
            options.append((word[:2], word[2:]))
        else:
            options.append((word, ""))
    return options, rest


def option(options: Options, *names: str) -> str | None:
    """The value of the last option that has one of the names."""
    return next((value for name, value in reversed(options) if name in names), None)


def assignments(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The leading NAME=VALUE words, and the rest. Values that only a shell can work out are dropped."""
    pairs: dict[str, str] = {}
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            return pairs, words[at:]
        if "$" not in value and "`" not in value:
            pairs[name] = value
    return pairs, []


def shell_arguments(arguments: Sequence[str]) -> tuple[str | None, str | None]:
    """The TEXT and the script in the arguments of a shell, of which there is one at most.

    `-c TEXT`, `-lc TEXT`, `-euo pipefail -c TEXT`; `-x train.sh`, `-o pipefail train.sh`.
    """
    takes_value = False
    for at, word in enumerate(arguments):
        if word.startswith(("-", "+")):
            if "c" in word and not word.startswith("--"):
                return next(iter(arguments[at + 1 :]), None), None
            takes_value = word.endswith(("o", "O"))
        elif not takes_value:
            return None, word
        else:
            takes_value = False
    return None, None


def script_text(text: str) -> str:
    """A shell script as one text for `simple_commands`: continued lines joined, lines of comment left out."""
    lines = text.replace("\\\n", " ").split("\n")
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def simple_commands(text: str) -> list[list[str]]:
    """A shell text cut at its operators and line ends; each part as words, without the keywords before it.

    Raises:
        ValueError: a quote is not closed.
    """
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    commands: list[list[str]] = [[]]
    for word in lexer:
        if word.strip("();<>|&") == "" and word:
            commands.append([])
        elif commands[-1] or word not in _SHELL_KEYWORDS:
            commands[-1].append(word)
    return [command for command in commands if command]
