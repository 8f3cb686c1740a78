"""What is told of work that may take long. Nothing here shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is; the last call has both equal."""


def untold(what: str, done: int, total: int) -> None:
    """Tell nobody."""
