"""DVC's cache: content by its hash, at `files/md5/<2 hex>/<30 hex>`; made without DVC, readable by it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from gxt.data.digest import Digest, md5_of
from gxt.model.pointers import FOLDER

_READ_ONLY: Final = 0o444  # DVC hashes again whatever has another mode
_PIECE_BYTES: Final = 1 << 20
_FICLONE: Final = 0x40049409  # Linux: share the blocks of another file, where the file system can


class Cache(NamedTuple):
    """A folder with content by hash.

    Attributes:
        root: the folder that holds `files/md5`.
    """

    root: Path

    def path_of(self, md5: str) -> Path:
        """Where content with a hash lies, or would lie."""
        return self.root / "files" / "md5" / md5[:2] / md5[2:]

    def has(self, md5: str) -> bool:
        """Whether the content is there; a folder's list only, not its files."""
        return self.path_of(md5).is_file()

    def keep_file(self, content: Path, md5: str, *, move: bool = False) -> None:
        """Store a file's content under its hash; what is there already stays.

        Args:
            content: the file.
            md5: its hash, which nobody checks again here.
            move: it may be taken away.

        Raises:
            OSError: it cannot be stored.
        """
        place = self.path_of(md5)
        if place.is_file():
            if move:
                content.unlink()
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        if move and _moved(content, place):
            return
        with _new_file(place) as temporary:
            copy_content(content, Path(temporary.name))
            _put(Path(temporary.name), place)

    def keep_bytes(self, content: bytes, md5: str) -> None:
        """Store content under its hash, such as the list of a folder. Raises OSError."""
        place = self.path_of(md5)
        if place.is_file():
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with _new_file(place) as temporary:
            Path(temporary.name).write_bytes(content)
            _put(Path(temporary.name), place)

    def keep(self, path: Path, found: Digest, *, move: bool = False) -> None:
        """Store a file or a folder: its files, then their list, so that a list never lacks any.

        Raises:
            OSError: it cannot be stored.
        """
        if found.members is None:
            self.keep_file(path, found.md5, move=move)
            return
        for member in found.members:
            self.keep_file(path / member.path, member.md5, move=move)
        self.keep_bytes(found.listing(), found.md5)

    def is_sound(self, md5: str) -> bool:
        """Whether what lies under a hash has it; reads all of it. Raises OSError."""
        return md5_of(self.path_of(md5)).md5 == md5.removesuffix(FOLDER)


def copy_content(source: Path, target: Path) -> None:
    """Copy a file's content, sharing its blocks where the file system can. Raises OSError."""
    with source.open("rb") as read, target.open("wb") as write:
        if _cloned(read.fileno(), write.fileno()):
            return
        while piece := read.read(_PIECE_BYTES):
            write.write(piece)


def _cloned(source: int, target: int) -> bool:
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


class _Temporary(NamedTuple):
    name: str

    def __enter__(self) -> _Temporary:
        return self

    def __exit__(self, *_: object) -> None:
        Path(self.name).unlink(missing_ok=True)


def _new_file(place: Path) -> _Temporary:
    handle, name = tempfile.mkstemp(prefix=".gxt-", dir=place.parent)
    os.close(handle)
    return _Temporary(name)


def _moved(content: Path, place: Path) -> bool:
    """Move a file into place where both are on one file system."""
    if content.stat().st_dev != place.parent.stat().st_dev:
        return False
    _put(content, place)
    return True


def _put(content: Path, place: Path) -> None:
    """Let a whole file appear at its place, on the disk before it counts."""
    handle = os.open(content, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    content.chmod(_READ_ONLY)
    content.replace(place)
