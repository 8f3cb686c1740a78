"""Whose a log is when several runs go on at once in one work tree, and write into the same folders.

Nothing is guessed then: a log is that of the run whose processes hold it open, or whose process id is in its
name.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.capture.loggers.finding import Found
from gxt.git.repository import Repository
from gxt.store import journal
from gxt.store.places import live_paths

_PID: Final = re.compile(r"\.(\d+)\.\d+(?:\.v2)?$", re.ASCII)
_PROCESSES: Final = Path("/proc")


class Rivals:
    """The other runs of a work tree, as long as this one goes on.

    Args:
        repository: the work tree.
        live: the directory of the run.
        pid: of its command; 0 where that is not known.
    """

    def __init__(self, repository: Repository, live: Path, pid: int) -> None:
        self._repository = repository
        self._live = live
        self._pids = {pid} - {0}
        self._open: set[Path] = set()
        self._seen = False

    def look(self) -> None:
        """See whether there are any, and if so which files our own processes hold open now."""
        others = (path for path in live_paths(self._repository) if path != self._live)
        if not self._seen:
            self._seen = any(
                journal.top(path) == self._repository.top and journal.is_alive(path) for path in others
            )
        if self._seen:
            self._look_at_processes()

    def may_be_theirs(self, found: Found) -> bool:
        """Whether a log is perhaps not our own."""
        if not self._seen or found.path in self._open:
            return False
        written_by = _PID.search(found.path.name)
        return written_by is None or int(written_by[1]) not in self._pids

    def _look_at_processes(self) -> None:
        mark = f"{journal.ENV_DIRECTORY}={self._live}".encode()
        with suppress(OSError):  # macOS has no such folder
            for process in os.scandir(_PROCESSES):
                if process.name.isdecimal() and mark in _environment(process.path).split(b"\0"):
                    self._pids.add(int(process.name))
                    self._open.update(_open_files(process.path))


def _environment(process: str) -> bytes:
    try:
        return Path(process, "environ").read_bytes()
    except OSError:  # another user's, or gone
        return b""


def _open_files(process: str) -> list[Path]:
    found = []
    with suppress(OSError):
        for number in Path(process, "fd").iterdir():
            with suppress(OSError):
                found.append(number.readlink())
    return found
