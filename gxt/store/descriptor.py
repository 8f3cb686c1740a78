"""A descriptor inside somebody else's process, which may close all of them and open its own files there."""

from __future__ import annotations

import os

from gxt.named_tuple import NamedTuple


class Descriptor(NamedTuple):
    """A number, and the file that we opened under it.

    A script that closes every descriptor (a daemon does) gives our number to the next file it opens.
    """

    number: int
    opened: os.stat_result

    @classmethod
    def of(cls, number: int) -> Descriptor:
        """Remember what was just opened."""
        return cls(number, os.fstat(number))

    def stat(self) -> os.stat_result | None:
        """Our file as it is now; None when the number is closed, or another file's."""
        try:
            found = os.fstat(self.number)
        except OSError:
            return None
        return found if os.path.samestat(found, self.opened) else None

    def close(self) -> None:
        """Close it, if it still is ours; its lock goes with it."""
        if self.stat() is not None:
            os.close(self.number)
