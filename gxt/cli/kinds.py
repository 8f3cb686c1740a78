"""The kinds of what `export` and `import` know."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from errno import ENAMETOOLONG
from typing import TypeAlias

from gxt.errors import GxtError, UsageError

Ways: TypeAlias = Mapping[str, Callable[[Namespace], None]]


def listed(ways: Ways) -> str:
    """Their names."""
    return ", ".join(ways)


def go(ways: Ways, words: Namespace) -> None:
    """Go the way of the kind that the words name.

    Raises:
        UsageError: there is no such kind, or a word can be no path.
        GxtError: folders are nested too deep.
    """
    if words.kind not in ways:
        raise UsageError(f"no such kind: {words.kind}", hint=f"there are {listed(ways)}")
    try:
        ways[words.kind](words)
    except OSError as error:
        if error.errno != ENAMETOOLONG:
            raise
        raise UsageError("a name is too long for a file", hint="look at the words of the command") from error
    except RecursionError as error:  # a thousand folders: nobody's own, but an archive may hold them
        raise GxtError(
            "folders lie too deep in each other there", hint="name a folder inside them"
        ) from error
