"""A folder that somebody else has made: nothing outside of it is read, whatever its links and names say.

Each name is opened below the folder that was opened before, never through a link: between a look and the
opening nobody can put another path in its place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, ENXIO
from pathlib import Path
from typing import Final

from gxt.errors import DamagedRecord
from gxt.named_tuple import NamedTuple

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_INSIDE: Final = os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO would have us wait for its writer
_NOT_THERE: Final = frozenset((ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO))


class Content(NamedTuple):
    """The content of a file, and when it was written last, in microseconds since 1970."""

    data: bytes
    at_us: int


class Received(NamedTuple):
    """An open folder.

    Attributes:
        handle: its descriptor.
        path: for messages, and for what reads large files by their paths.
    """

    handle: int
    path: Path

    def names(self) -> list[str]:
        """What is in it, sorted."""
        return sorted(entry.name for entry in os.scandir(self.handle))

    def has_folder(self, name: str) -> bool:
        """Whether a folder of that name is in it, no link to one."""
        return stat.S_ISDIR(self._mode(name))

    def has_file(self, name: str) -> bool:
        """Whether a regular file of that name is in it, no link to one."""
        return stat.S_ISREG(self._mode(name))

    def _mode(self, name: str) -> int:
        try:
            return os.stat(name, dir_fd=self.handle, follow_symlinks=False).st_mode
        except OSError:
            return 0

    @contextmanager
    def folder(self, name: str) -> Iterator[Received | None]:
        """A folder in it; None where there is none of that name."""
        try:
            handle = os.open(_plain(name), _FOLDER | os.O_NOFOLLOW, dir_fd=self.handle)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
            yield None
            return
        try:
            yield Received(handle, self.path / name)
        finally:
            os.close(handle)

    @contextmanager
    def file(self, name: str) -> Iterator[int | None]:
        """A descriptor of a regular file in it; None where there is none of that name."""
        try:
            handle = os.open(_plain(name), os.O_RDONLY | os.O_CLOEXEC | _INSIDE, dir_fd=self.handle)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                raise
            yield None
            return
        try:
            yield handle if stat.S_ISREG(os.fstat(handle).st_mode) else None
        finally:
            os.close(handle)

    def read(self, name: str, most_bytes: int) -> Content | None:
        """What a regular file in it holds; None where there is none of that name.

        Raises:
            DamagedRecord: it has more bytes than that.
        """
        with self.file(name) as handle:
            if handle is None:
                return None
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read(most_bytes + 1)
            at_us = os.fstat(handle).st_mtime_ns // 1000
        if len(data) > most_bytes:
            raise DamagedRecord(f"{name} has more than {most_bytes} bytes: more than gxt reads")
        return Content(data, at_us)


@contextmanager
def below(folder: Received, path: str) -> Iterator[int | None]:
    """A descriptor of a regular file at a path below a folder, with `/`; None where there is none."""
    first, _, rest = path.partition("/")
    if not rest:
        with folder.file(first) as handle:
            yield handle
        return
    with folder.folder(first) as inner:
        if inner is None:
            yield None
            return
        with below(inner, rest) as handle:
            yield handle


@contextmanager
def received(path: Path) -> Iterator[Received]:
    """A folder that the user has named; that may be a link. Raises OSError."""
    handle = os.open(path, _FOLDER)
    try:
        yield Received(handle, path)
    finally:
        os.close(handle)


def _plain(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise DamagedRecord(f"{name!r} is no name of a file")
    return name
