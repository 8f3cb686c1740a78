"""Reads what may be absent: a missing file or folder and a damaged document are as good as empty ones."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from gxt.model.json_types import Json

_END = 4096
_OF_PROCESSES = ("/dev/", "/proc/")  # what a path in there leads to depends on who opens it


def read_text(path: str) -> str:
    """The text of a file; empty when there is none. A byte that is no UTF-8 becomes a lone surrogate."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return ""


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a regular file, at most `size`; none of anything else.

    For paths that the command names: what it reads itself (a FIFO, `/dev/stdin`, `<(…)`) is not touched.
    """
    if os.path.normpath(path).startswith(_OF_PROCESSES):
        return b""
    try:
        # before opening: the writer of a FIFO would take us for the command, and go on when we are there
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # it may be another one by now
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return b""
    try:
        # on macOS a descriptor may share the command's own position in the file: `pread` leaves it
        return os.pread(file, size, 0) if stat.S_ISREG(os.fstat(file).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(file)


def read_ends(path: Path, size: int) -> bytes:
    """The first and the last bytes of what a regular file held when it had that size, 4 KiB each at most."""
    count = min(_END, size)
    try:
        with path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), count, 0) + os.pread(file.fileno(), count, size - count)
    except OSError:
        return b""


def read_json(path: str) -> Json:
    """The document in a file; None when there is none or it is damaged."""
    try:
        document: Json = json.loads(read_text(path))
    except (ValueError, RecursionError):  # RecursionError: "[[[[…"
        return None
    return document


def names_in(folder: str) -> list[str]:
    """The names in a folder, sorted; none where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)
    except (OSError, ValueError):
        return []
