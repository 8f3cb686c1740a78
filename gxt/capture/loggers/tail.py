"""The end of a file that another process writes: what has come since the last look, never a byte twice."""

from __future__ import annotations

import os
from pathlib import Path

from gxt.named_tuple import NamedTuple

_PIECE = 4 << 20  # bytes at a time: a log with images may have gigabytes


class Stamp(NamedTuple):
    """How a file looked: which one it is, its size in bytes, when it was written (nanoseconds since 1970)."""

    inode: int
    size: int
    written_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """From what the system says."""
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


class Tail:
    """Follows a file that grows, and notices when it is another one or begins anew.

    Args:
        path: the file.
        start: how it looked before the run: what it held then is not read, unless it is another file now.
    """

    def __init__(self, path: Path, start: Stamp | None = None) -> None:
        self.path = path
        self._inode = start.inode if start else 0
        self._offset = start.size if start else 0
        self._head = _head(path, self._offset) if start else b""

    def read(self) -> tuple[bytes, bool]:
        """The next bytes, some MiB at most, and whether they are the first ones of a file.

        Raises:
            OSError: it cannot be read.
        """
        with self.path.open("rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            begins = self._begins_anew(file.fileno(), found)
            if begins:
                self._inode, self._offset = found.st_ino, 0
            data = os.pread(file.fileno(), _PIECE, self._offset) if found.st_size > self._offset else b""
            self._offset += len(data)
            if len(self._head) < _HEAD:
                self._head = os.pread(file.fileno(), min(_HEAD, self._offset), 0)
        return data, begins

    def _begins_anew(self, number: int, found: os.stat_result) -> bool:
        """A file of the same name may be another, be cut, or be written again from its start."""
        if found.st_ino != self._inode or found.st_size < self._offset:
            self._head = b""
            return True
        if self._head and os.pread(number, len(self._head), 0) != self._head:
            self._head = b""
            return True
        return False


_HEAD = 256  # bytes; the header of a table changes when it gets another column


def _head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(min(_HEAD, size))
    except OSError:
        return b""
