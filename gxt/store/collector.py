"""A `git gc --prune=now` beside us: it takes away what it saw no ref for, also when the ref came meanwhile.

A gc that starts after a ref is there spares what the ref names, and one that has ended takes nothing more. So
new objects get a ref first, and are looked at when the gc that ran then has ended; nothing is published
before. A gc with git's own grace of two weeks never takes a new object, and is not waited for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gxt.git import process
from gxt.git.objects import packs
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple

_GRACE = ("2.weeks.ago", "2 weeks ago", "never")
STALE_S = 12 * 3600.0  # after which git itself takes `gc.pid` for a left-over
_STALE_UNSEEN_S = 600.0  # what a container leaves behind must not slow down half a day
_PATIENCE_UNSEEN_S = 2.0


class Seen(NamedTuple):
    """The gc that ran at some time, if any, and the packs of that time."""

    gc: bytes
    packs: frozenset[str]


def look(repository: Repository) -> Seen:
    """What to compare with later: whether a gc may have been at work since."""
    return Seen(_running(repository), packs(repository))


def await_end(repository: Repository, *, patience_s: float) -> bool:
    """Return when the gc that runs now, if any, can take nothing more; False when patience ended first.

    For one on another host, which may be long dead, patience is short and no reason to put anything off.
    """
    running = _running(repository)
    if not running or not _takes_new_objects(repository, running):
        return True
    seen = pid_here(running) is not None
    gives_up_s = time.monotonic() + (patience_s if seen else min(patience_s, _PATIENCE_UNSEEN_S))
    while running == _running(repository):
        if time.monotonic() > gives_up_s:
            return not seen
        time.sleep(0.005)
    return True


def are_whole(repository: Repository, commits: Iterable[str], *, without: Iterable[str], since: Seen) -> bool:
    """Whether git still has new commits with all that they reach, as far as `without` does not reach it too.

    Only a gc that was at work `since` they were begun can have taken anything.
    """
    if look(repository) == since and not since.gc:
        return True
    excluded = [f"^{commit}" for commit in without]
    args = ("rev-list", "--objects", "--quiet", *commits, *excluded)
    return process.attempt(repository.top, args).returncode == 0


def pack(repository: Repository, ref: str, *, without: Iterable[str]) -> bytes:
    """A pack of what a ref reaches, as far as `without` does not reach it too.

    Raises:
        GitFailed: something of it is gone already.
    """
    revisions = "".join(f"{name}\n" for name in (ref, *(f"^{commit}" for commit in without)))
    args = ("pack-objects", "--quiet", "--revs", "--stdout")
    return process.run(repository.top, args, stdin=revisions.encode())


def unpack(repository: Repository, packed: Path) -> None:
    """Give git back what a gc may have taken; nothing where there is no such pack."""
    with suppress(FileNotFoundError):
        process.attempt(repository.top, ("unpack-objects", "-q"), stdin=packed.read_bytes())


def _running(repository: Repository) -> bytes:
    """What `gc.pid` says while a gc runs: its process id and its host."""
    path = repository.common_dir / "gc.pid"
    try:
        said = path.read_bytes()
        age_s = time.time() - path.stat().st_mtime
    except OSError:
        return b""
    pid = pid_here(said)
    if pid is None:
        return said if age_s < _STALE_UNSEEN_S else b""
    # one that was killed has left the file
    return said if lives(pid) and age_s < STALE_S else b""


def pid_here(said: bytes) -> int | None:
    """The process id, if it is one of this host."""
    pid, _, host = said.decode(errors="replace").partition(" ")
    return int(pid) if pid.isdigit() and host.strip() == os.uname().nodename else None


def lives(pid: int) -> bool:
    """Whether there is a process of this id."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _takes_new_objects(repository: Repository, said: bytes) -> bool:
    """Whether a running gc was told to take what is younger than two weeks, as far as can be seen."""
    pid = pid_here(said)
    words = _command_line(pid) if pid is not None else []
    if not words or any(word.startswith("--prune") for word in words):
        return True
    configured = process.attempt(repository.top, ("config", "gc.pruneExpire")).stdout.decode().strip()
    return bool(configured) and configured not in _GRACE


def _command_line(pid: int) -> list[str]:
    """The words of a process; empty when they cannot be seen."""
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
    except OSError:
        return []
