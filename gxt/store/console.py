"""The console of a run: every line with its time and stream, bounded on disk while the run goes on.

`output.log` takes the first half; the rest goes round through two files of the second half's size, so that a
run that prints for a week keeps its head and its tail, and a killed one has them on disk.

A line is `2026-11-20T23:51:00.123456Z 1 text`: the time in UTC, the stream (1 stdout, 2 stderr), the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gxt.model.codec import time_to_json

HEAD = "output.log"
_TAIL, _OLDER = "output.tail", "output.tail.1"
HALF_BYTES = (512 << 10) - 128  # with the line about what was cut, 1 MiB together


class ConsoleLog:
    """Writes the console of a live run into its directory; one write a line.

    Raises:
        OSError: the disk took nothing.
    """

    def __init__(self, directory: Path, half_bytes: int = HALF_BYTES) -> None:
        self._directory = directory
        self._half = half_bytes
        self._in_head = True
        self._size = 0
        self._file: IO[bytes] | None = None  # opened by the first line: a full disk must not stop a start

    def write(self, stream: int, line: bytes, at_us: int) -> None:
        """Record a line of the command's output (without its newline)."""
        data = b"%b %d %b\n" % (time_to_json(at_us).encode(), stream, line)
        if self._size and self._size + len(data) > self._half:
            self._turn()
        if self._file is None:
            self._file = (self._directory / (HEAD if self._in_head else _TAIL)).open("ab", buffering=0)
        self._file.write(data)
        self._size += len(data)

    def close(self) -> None:
        """Give up the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _turn(self) -> None:
        self.close()
        if not self._in_head:
            (self._directory / _TAIL).replace(self._directory / _OLDER)
        self._in_head = False
        self._size = 0


def collect(directory: Path, half_bytes: int = HALF_BYTES) -> bytes:
    """The console as it is sealed: at most 1 MiB, with a line that says what was cut; may be empty."""
    head = _read(directory / HEAD)
    tail = _read(directory / _OLDER) + _read(directory / _TAIL)
    if len(tail) <= half_bytes and not (directory / _OLDER).exists():
        return head + tail
    kept = tail[-half_bytes:]
    if len(kept) < len(tail):
        kept = kept[kept.find(b"\n") + 1 :]
    when = kept[:27].decode(errors="replace")
    return (
        head
        + f"{when} 0 … output left out here: gxt keeps the first and the last 512 KiB …\n".encode()
        + kept
    )


def parse_lines(log: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Time, stream (0 for gxt's own remark) and text of each line."""
    for line in log.split(b"\n"):
        at, _, rest = line.partition(b" ")
        stream, _, text = rest.partition(b" ")
        if stream.isdigit():
            yield at.decode(errors="replace"), int(stream), text


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
