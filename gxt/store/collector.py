"""A `git gc --prune=now` beside us: it takes away what it saw no ref for, also when the ref came meanwhile.

A gc that starts after our refs are there spares what they name, and one that has ended takes nothing more. So
what matters is checked, and written again where it is gone, when the gc that runs now has ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository


def await_end(repository: Repository, *, patience_s: float) -> None:
    """Return when the gc that runs now, if any, has ended; at the latest when patience has."""
    running = _running(repository)
    gives_up_s = time.monotonic() + patience_s
    while running and running == _running(repository) and time.monotonic() < gives_up_s:
        time.sleep(0.005)


def are_there(reader: ObjectReader, names: Iterable[str]) -> bool:
    """Whether git has every object that is named (an id, or `ID:path`)."""
    return None not in list(reader.read_many(names))


def _running(repository: Repository) -> bytes:
    """What `gc.pid` says while a gc runs: its process id and its host."""
    try:
        said = (repository.common_dir / "gc.pid").read_bytes()
    except OSError:
        return b""
    pid, _, host = said.decode(errors="replace").partition(" ")
    if pid.isdigit() and host.strip() == os.uname().nodename:
        try:
            os.kill(int(pid), 0)
        except (ProcessLookupError, OverflowError):  # it was killed, and left the file
            return b""
        except PermissionError:
            return said
    return said
