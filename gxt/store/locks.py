"""Locks that the kernel frees when their process dies: `flock`, never a file that must be deleted."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gxt.git.repository import Repository
from gxt.store.places import home


@contextmanager
def store_lock(repository: Repository) -> Iterator[None]:
    """Held by whoever writes refs, hands out numbers, or makes and removes journals. Waits for its turn."""
    home(repository).mkdir(parents=True, exist_ok=True)
    fd = os.open(store_lock_path(repository), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextmanager
def store_lock_if_free(repository: Repository) -> Iterator[bool]:
    """The store's lock without waiting: False when somebody else has it, or nobody ever had."""
    fd = hold(store_lock_path(repository))
    try:
        yield fd is not None
    finally:
        if fd is not None:
            os.close(fd)


def store_lock_is_held(repository: Repository) -> bool:
    """Whether somebody writes to the store this moment."""
    return is_held(store_lock_path(repository))


def hold(path: Path) -> int | None:
    """A descriptor that holds the path (a directory or a file) alone, or None when somebody else has it.

    Raises:
        OSError: the file system gives no locks.
    """
    return _lock(path, fcntl.LOCK_EX)


def is_held(path: Path) -> bool:
    """Whether a living process holds the path. A path that is gone is not held."""
    return _is_locked(path, fcntl.LOCK_SH)


def is_shared(path: Path) -> bool:
    """Whether a living process holds the path, alone or together with others."""
    return _is_locked(path, fcntl.LOCK_EX)


def holders(path: Path) -> list[int]:
    """The processes that hold a lock on the path, as far as the kernel tells: on Linux."""
    try:
        found = path.stat()
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    # 1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF
    words = [line.split() for line in lines]
    return sorted({int(line[4]) for line in words if device in line and line[4].isdigit()})


def share(fd: int) -> None:
    """Say on an open file that its process still writes to it; several may say so."""
    fcntl.flock(fd, fcntl.LOCK_SH)


def store_lock_path(repository: Repository) -> Path:
    """The file on which the store's lock is held; whether it is there says nothing."""
    return home(repository) / "lock"


def _is_locked(path: Path, how: int) -> bool:
    try:
        fd = _lock(path, how)
    except OSError:  # a file system without locks: what may live is never taken for dead
        fd = None
    if fd is None:
        return path.exists()
    os.close(fd)
    return False


def _lock(path: Path, how: int) -> int | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # gone, or another user's: then it is not ours to judge
        return None
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if not isinstance(error, BlockingIOError):
            raise
        return None
    return fd
