"""The kinds of what `export` and `import` know."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import TypeAlias

from gxt.errors import UsageError

Ways: TypeAlias = Mapping[str, Callable[[Namespace], None]]


def listed(ways: Ways) -> str:
    """Their names."""
    return ", ".join(ways)


def go(ways: Ways, words: Namespace) -> None:
    """Go the way of the kind that the words name.

    Raises:
        UsageError: there is no such kind.
    """
    if words.kind not in ways:
        raise UsageError(f"no such kind: {words.kind}", hint=f"there are {listed(ways)}")
    ways[words.kind](words)
