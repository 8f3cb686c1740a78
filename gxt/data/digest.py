"""Hashes of files and folders as DVC computes them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

from gxt.model.pointers import FOLDER
from gxt.named_tuple import NamedTuple

_PIECE_BYTES: Final = 1 << 20
NEVER: Final = frozenset((".git", ".hg", ".dvc"))
"""Folders that DVC does not look into."""
Ignored: TypeAlias = Callable[[Path, bool], bool]
"""Whether a path in a folder does not count, by its path and whether it is a folder."""


class Member(NamedTuple):
    """A file of a folder: its path in it, with `/`, its md5 and its size."""

    path: str
    md5: str
    size_bytes: int


class Digest(NamedTuple):
    """What a path holds.

    Attributes:
        md5: of the file, or of the folder's list with the ending `.dir`.
        size_bytes: of all files together.
        members: the files of a folder, sorted by path; None for a file.
    """

    md5: str
    size_bytes: int
    members: tuple[Member, ...] | None = None

    def listing(self) -> bytes:
        """What DVC's cache holds for a folder: the list of its files."""
        return _listing(self.members or ())


def md5_of(path: Path, *, tick: Callable[[], None] | None = None) -> Member:
    """A file's hash. Raises OSError where it cannot be read; what `tick`, called for each MiB, raises too."""
    seen = hashlib.md5(usedforsecurity=False)
    size = 0
    with path.open("rb", buffering=0) as file:
        # most objects are small, and a new mebibyte costs more than to hash them
        size_bytes = os.fstat(file.fileno()).st_size
        buffer = memoryview(bytearray(min(_PIECE_BYTES, max(4096, size_bytes))))
        while count := file.readinto(buffer):
            seen.update(buffer[:count])
            size += count
            if tick is not None:
                tick()
    return Member(path.name, seen.hexdigest(), size)


def digest(
    path: Path, *, hash_file: Callable[[Path], Member] = md5_of, ignored: Ignored | None = None
) -> Digest:
    """The hash of a file or a folder.

    Args:
        path: of what.
        hash_file: hashes one file; one that remembers saves reading what has not changed.
        ignored: what of a folder does not count.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    if not path.is_dir():
        one = hash_file(path)
        return Digest(one.md5, one.size_bytes)
    members = tuple(
        sorted(
            hash_file(file)._replace(path=file.relative_to(path).as_posix())
            for file in files_in(path, ignored)
        )
    )
    md5 = hashlib.md5(_listing(members), usedforsecurity=False).hexdigest()
    return Digest(md5 + FOLDER, sum(one.size_bytes for one in members), members)


def files_in(folder: Path, ignored: Ignored | None = None) -> Iterator[Path]:
    """Every file that DVC would take: also links to files, nothing behind links to folders.

    Raises:
        OSError: a folder cannot be read.
    """

    def stop(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if name not in NEVER]
        paths = [Path(place, name) for name in names if name != ".git"]
        if ignored is not None:
            folders[:] = [name for name in folders if not ignored(Path(place, name), True)]
            paths = [path for path in paths if not ignored(path, False)]
        yield from (path for path in paths if path.is_file())


def _listing(members: tuple[Member, ...]) -> bytes:
    listed = [{"md5": one.md5, "relpath": one.path} for one in members]
    return json.dumps(listed, sort_keys=True).encode()
