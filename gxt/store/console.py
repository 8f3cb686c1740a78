"""The console of a run: every line with its time and stream, bounded on disk while the run goes on.

`output.log` takes the first half, then `output.1`, `output.2` … as much each. Of those the last two stay: a
run that prints for a week keeps its head and its tail, and a killed one has them on disk. Whoever follows the
console shares a lock on the file it reads: that one stays, and all that come after it.

A line is `2026-11-20T23:51:00.123456Z 1 text`: the time in UTC, the stream (1 stdout, 2 stderr), the text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from gxt.model.codec import time_to_json
from gxt.store import locks

HEAD = "output.log"
HALF_BYTES = 512 << 10
FOLLOWED_FILES = 2048
"""How many files stay at most for somebody who does not read on (a pager that waits): 1 GiB."""

_READ_BYTES = 64 << 10
_LEFT_OUT = "output left out here: gxt keeps the first and the last 512 KiB, times included"


class ConsoleLog:
    """Writes the console of a live run into its directory; what came together is one write.

    Raises:
        OSError: the disk took nothing.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number = 0  # of the file that is being written; the head is 0
        self._oldest = 1
        self._size = 0
        self._file: IO[bytes] | None = None  # opened by the first line: a full disk must not stop a start

    def write(self, stream: int, lines: Sequence[bytes], at_us: int) -> None:
        """Record lines of the command's output (without their newlines) that were read at one time."""
        start = b"%b %d " % (time_to_json(at_us).encode(), stream)
        data = start + (b"\n" + start).join(lines) + b"\n"
        while data:
            room = HALF_BYTES - self._size
            fits = len(data) if len(data) <= room else data.rfind(b"\n", 0, max(0, room)) + 1
            if not fits and self._size:
                self._turn()
                continue
            fits = fits or data.find(b"\n") + 1  # longer than a file: it gets one of its own
            self._append(data[:fits])
            data = data[fits:]

    def close(self) -> None:
        """Give up the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, data: bytes) -> None:
        if self._file is None:
            self._file = (self._directory / _name(self._number)).open("ab", buffering=0)
        while data:  # a disk that is nearly full takes a part first, and only then refuses
            written = self._file.write(data) or 0
            self._size += written
            data = data[written:]

    def _turn(self) -> None:
        self.close()
        self._number += 1
        self._size = 0
        head_is_read = _is_read(self._directory / HEAD)
        while self._oldest < self._number - 1:
            path = self._directory / _name(self._oldest)
            if self._oldest > self._number - FOLLOWED_FILES and (head_is_read or _is_read(path)):
                break
            path.unlink(missing_ok=True)
            self._oldest += 1


class Follower:
    """Reads the console of a live run as it grows, every line of it; also what is still unread at its end.

    Attributes:
        rest: the beginning of a line that is not finished.

    Raises:
        FileNotFoundError: the run is not live any more, or has not printed yet and we may not write.
    """

    def __init__(self, directory: Path) -> None:
        self._number = 0
        self.rest = b""
        # by a descriptor, because the directory gets another name when the run is sealed
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._file = _open_shared(HEAD, self._directory)
        except OSError:
            os.close(self._directory)
            raise
        if not directory.exists():  # it was sealed before our lock was there, and its files go
            self.close()
            raise FileNotFoundError(directory)

    def read(self) -> bytes:
        """The next lines, whole ones; nothing when there are no more yet."""
        while True:
            # before the read: what is no longer the last file does not grow
            following = next((n for n in _numbers(self._directory) if n > self._number), None)
            data = os.read(self._file, _READ_BYTES)
            if not data and following is None:
                return b""
            lines, newline, self.rest = (self.rest + data).rpartition(b"\n")
            if newline:
                return lines + newline
            if not data and following is not None:
                self.rest = self._turn(following) if not self.rest else self.rest + b"\n"

    def close(self) -> None:
        """Let the files go."""
        os.close(self._file)
        os.close(self._directory)

    def _turn(self, number: int) -> bytes:
        """Go on with this file. Returns a line that tells when there are some between that are gone."""
        try:
            file = _open_shared(_name(number), self._directory)
        except FileNotFoundError:  # it was on its way out when we came: the one after it is not
            return b""
        os.close(self._file)
        missing = number - self._number > 1
        self._file, self._number = file, number
        return _left_out(os.pread(file, 27, 0)) if missing else b""


def collect(directory: Path) -> bytes:
    """The console as it is sealed: at most 1 MiB, with a line that says what was cut; may be empty."""
    head = _read(directory / HEAD)
    numbers = _numbers(directory)
    tail = b"".join(_read(directory / _name(number)) for number in numbers[-2:])
    if numbers in ([], [1]):
        return head + tail
    start = len(tail) + len(_left_out(tail[:27])) - HALF_BYTES
    kept = tail[tail.find(b"\n", start - 1) + 1 :] if start > 0 else tail
    return head + _left_out(kept[:27]) + kept


def still_read(directory: Path) -> list[Path]:
    """The files of a console that somebody who follows it has still to read."""
    with suppress(FileNotFoundError):
        paths = [directory / HEAD, *(directory / _name(number) for number in _numbers(directory))]
        return next((paths[at:] for at, path in enumerate(paths) if _is_read(path)), [])
    return []


def parse_lines(log: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Time, stream (0 for gxt's own remark) and text of each line."""
    for line in log.split(b"\n"):
        at, _, rest = line.partition(b" ")
        stream, _, text = rest.partition(b" ")
        if stream in (b"0", b"1", b"2"):
            yield at.decode(errors="replace"), int(stream), text


def _name(number: int) -> str:
    return f"output.{number}" if number else HEAD


def _numbers(directory: Path | int) -> list[int]:
    """The files after the head, ascending."""
    names = [name.removeprefix("output.") for name in os.listdir(directory)]  # noqa: PTH208 also a descriptor
    return sorted(int(name) for name in names if name.isdigit())


def _left_out(when: bytes) -> bytes:
    return b"%b 0 \xe2\x80\xa6 %b \xe2\x80\xa6\n" % (when, _LEFT_OUT.encode())


def _is_read(path: Path) -> bool:
    """Whether somebody shares the lock on a file."""
    alone = locks.hold(path)
    if alone is None:
        return path.exists()
    os.close(alone)
    return False


def _open_shared(name: str, directory: int) -> int:
    """Open a file and share its lock. A head that is not there is made, to be held before its first line.

    Not for another user's run (`sudo gxt output -f`): the run could not write to it.

    Raises:
        FileNotFoundError: it is not there, or is no longer.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC
    may_make = name == HEAD and os.fstat(directory).st_uid == os.geteuid()
    try:
        file = os.open(name, flags | (os.O_CREAT if may_make else 0), 0o666, dir_fd=directory)
    except OSError:  # a read-only file system, too
        file = os.open(name, flags, dir_fd=directory)
    locks.share(file)
    if os.fstat(file).st_nlink:
        return file
    os.close(file)
    raise FileNotFoundError(name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
