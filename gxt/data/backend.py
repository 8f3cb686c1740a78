"""What every kind of remote can do with content, by its hash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

Moved: TypeAlias = Callable[[int], None]
"""Is told of each piece that has travelled, in bytes; what it raises ends the journey."""


class WrongContent(Exception):
    """Content has not the hash that it should have.

    Attributes:
        is_ours: it was so before it travelled.
    """

    def __init__(self, *, is_ours: bool) -> None:
        super().__init__(is_ours)
        self.is_ours = is_ours


class Backend(Protocol):
    """A place for content. Several threads use it at a time.

    Attributes:
        failures: what it raises when a machine or a network fails.
    """

    failures: tuple[type[Exception], ...]

    def size_of(self, md5: str) -> int | None:
        """How many bytes are there under a hash; None where there is nothing."""

    def put(self, md5: str, source: Path, moved: Moved) -> None:
        """Bring a file there. Nobody sees a part of it, and what is there afterwards was checked.

        Raises:
            WrongContent: the file has not this hash, or has it no more there.
        """

    def get(self, md5: str, target: Path, moved: Moved) -> None:
        """Write what is there into a file, unchecked.

        Raises:
            FileNotFoundError: there is nothing.
        """


def place_of(root: str, md5: str) -> str:
    """Where DVC keeps content below a root."""
    return f"{root.rstrip('/')}/files/md5/{md5[:2]}/{md5[2:]}"
