"""Whose a log is when several runs go on at once in one work tree, and write into the same folders.

Nothing is guessed then: a log is that of the run whose processes hold it open, whose process id is in its
name, or whose uid MLflow was given as a tag.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.capture.loggers.finding import Found
from gxt.capture.loggers.mlflow_files import marked_run
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.store import journal
from gxt.store.places import live_paths

_PID: Final = re.compile(r"\.(\d+)\.\d+(?:\.v2)?$", re.ASCII)
_PROCESSES: Final = Path("/proc")


class _Processes(NamedTuple):
    """The processes of a run, by their ids, and the files that they were seen to hold open."""

    pids: set[int]
    files: set[Path]


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
        self._ours = _Processes({pid} - {0}, set())
        self._theirs = _Processes(set(), set())
        self._seen = False

    @property
    def seen(self) -> bool:
        """Whether there are any, or were."""
        return self._seen

    def look(self) -> None:
        """See whether there are any, and if so which files our own processes hold open now."""
        others = (path for path in live_paths(self._repository) if path != self._live)
        if not self._seen:
            self._seen = any(
                journal.top(path) == self._repository.top and journal.is_alive(path) for path in others
            )
        if self._seen:
            self._look_at_processes()

    def is_ours(self, found: Found) -> bool | None:
        """Whether a log is our own; None where nobody can tell."""
        if found.kind == "mlflow":
            if found.stream == found.path:  # a database: its reader tells the runs in it apart
                return True
            if (marked := marked_run(found.stream)) is not None:
                return marked == self._live.name
        if not self._seen or found.path in self._ours.files:
            return True
        written_by = _PID.search(found.path.name)
        pid = int(written_by[1]) if written_by else 0
        if pid in self._ours.pids:
            return True
        return False if found.path in self._theirs.files or pid in self._theirs.pids else None

    def _look_at_processes(self) -> None:
        mark = f"{journal.ENV_DIRECTORY}=".encode()
        with suppress(OSError):  # macOS has no such folder
            for process in os.scandir(_PROCESSES):
                said = _environment(process.path).split(b"\0") if process.name.isdecimal() else []
                runs = [os.fsdecode(one.removeprefix(mark)) for one in said if one.startswith(mark)]
                if runs:
                    whose = self._ours if runs[0] == str(self._live) else self._theirs
                    whose.pids.add(int(process.name))
                    whose.files.update(_open_files(process.path))


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
