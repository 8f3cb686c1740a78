"""A remote that is a directory: without DVC, and never by hard links, which would share damage."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.data.appearing import appearing
from gxt.data.backend import Moved, WrongContent
from gxt.data.cache import Cache
from gxt.data.digest import md5_of
from gxt.model.pointers import FOLDER

_PIECE_BYTES: Final = 64 << 20
_READ_BYTES: Final = 1 << 20


class LocalRemote:
    """A directory as a `Backend`.

    Args:
        root: the directory that holds `files/md5`; it is made when something first goes there.
    """

    failures: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, root: Path) -> None:
        self._content = Cache(root)

    def size_of(self, md5: str) -> int | None:
        """As `Backend` says."""
        try:
            return self._content.path_of(md5).stat().st_size
        except FileNotFoundError:
            return None

    def put(self, md5: str, source: Path, moved: Moved) -> None:
        """As `Backend` says; what has arrived is read again."""
        place = self._content.path_of(md5)
        with appearing(place) as arrived:
            _copied(source, arrived, moved)
            if not has_hash(arrived, md5):
                raise WrongContent(is_ours=not has_hash(source, md5))

    def get(self, md5: str, target: Path, moved: Moved) -> None:
        """As `Backend` says."""
        _copied(self._content.path_of(md5), target, moved)


def _copied(source: Path, target: Path, moved: Moved) -> None:
    """Copy a file's content piece by piece; the kernel shares its blocks where the file system can."""
    with source.open("rb", buffering=0) as read, target.open("wb", buffering=0) as write:
        while count := _piece(read.fileno(), write.fileno()):
            moved(count)


def _piece(source: int, target: int) -> int:
    if hasattr(os, "copy_file_range"):
        # some file systems refuse, and some copy nothing of what is made while it is read
        with suppress(OSError):
            if count := os.copy_file_range(source, target, _PIECE_BYTES):
                return count
    content = os.read(source, _READ_BYTES)
    left = memoryview(content)
    while left:
        left = left[os.write(target, left) :]
    return len(content)


def has_hash(path: Path, md5: str) -> bool:
    """Whether a file has a hash, be it as the list of a folder. Raises OSError."""
    return md5_of(path).md5 == md5.removesuffix(FOLDER)
