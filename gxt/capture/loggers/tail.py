"""The end of a file that another process writes: what has come since the last look, never a byte twice."""

from __future__ import annotations

import os
from pathlib import Path

from gxt.capture.files import read_ends
from gxt.named_tuple import NamedTuple

_PIECE = 4 << 20  # bytes at a time: a log with images may have gigabytes
_HEAD = 256  # bytes; the header of a table changes when it gets another column


class Stamp(NamedTuple):
    """How a file looked.

    Attributes:
        inode: which one it is.
        size: in bytes.
        written_ns: when it was written, in nanoseconds since 1970.
        mark: its first and last bytes, where they were looked at.
    """

    inode: int
    size: int
    written_ns: int
    mark: bytes = b""

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """From what the system says."""
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)

    def marked(self, path: Path) -> Stamp:
        """With what tells a file that grows from one that is written again from its start."""
        return self._replace(mark=read_ends(path, self.size))


class Tail:
    """Follows a file that grows, and notices when it is another one or begins anew.

    Args:
        path: the file.
        start: how it looked before the run: what it held then is not read, unless it is another file now.
    """

    def __init__(self, path: Path, start: Stamp | None = None) -> None:
        self.path = path
        self._start = start
        self._inode = 0
        self._offset = 0
        self._head = b""

    def read(self) -> tuple[bytes, bool]:
        """The next bytes, some MiB at most, and whether they are the first ones of a file.

        Raises:
            OSError: it cannot be read.
        """
        with self.path.open("rb", buffering=0) as file:
            number, found = file.fileno(), os.fstat(file.fileno())
            start, self._start = self._start, None
            begins = False
            if start is not None and _grew(self.path, found, start):
                self._inode, self._offset = found.st_ino, start.size
            elif self._begins_anew(number, found):
                self._inode, self._offset, self._head, begins = found.st_ino, 0, b"", True
            data = os.pread(number, _PIECE, self._offset) if found.st_size > self._offset else b""
            self._offset += len(data)
            if len(self._head) < _HEAD:
                self._head = os.pread(number, min(_HEAD, self._offset), 0)
        return data, begins

    def _begins_anew(self, number: int, found: os.stat_result) -> bool:
        """A file of the same name may be another, be cut, or be written again from its start."""
        if found.st_ino != self._inode or found.st_size < self._offset:
            return True
        return os.pread(number, len(self._head), 0) != self._head


def _grew(path: Path, found: os.stat_result, start: Stamp) -> bool:
    """Whether a file holds what it held before, and more."""
    if found.st_ino != start.inode or found.st_size <= start.size:
        return False
    return not start.mark or read_ends(path, start.size) == start.mark
