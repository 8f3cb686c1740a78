"""DVC's cache: content by its hash, at `files/md5/<2 hex>/<30 hex>`; made without DVC, readable by it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.data.digest import Digest, Member, md5_of
from gxt.model.pointers import FOLDER
from gxt.named_tuple import NamedTuple

_READ_ONLY: Final = 0o444  # DVC hashes again whatever has another mode
_PIECE_BYTES: Final = 64 << 10  # ext4 takes larger ones in large folios, at four times the cost
_MUCH_BYTES: Final = 256 << 20
_FICLONE: Final = 0x40049409  # Linux: share the blocks of another file, where the file system can


class Cache(NamedTuple):
    """A folder with content by hash.

    Attributes:
        root: the folder that holds `files/md5`.
        beside: another one, where content may lie that is not in it: from before there was DVC, or held
            there because `dvc gc` knows no runs.
    """

    root: Path
    beside: Path | None = None

    def path_of(self, md5: str) -> Path:
        """Where content with a hash lies, or would lie."""
        place = _place(self.root, md5)
        if self.beside is not None and not place.is_file():
            other = _place(self.beside, md5)
            return other if other.is_file() else place
        return place

    def places_of(self, md5: str) -> list[Path]:
        """Every name that content with a hash may have."""
        return [_place(root, md5) for root in (self.root, self.beside) if root is not None]

    def has(self, md5: str) -> bool:
        """Whether the content is there; a folder's list only, not its files."""
        return self.path_of(md5).is_file()

    def keep_file(self, content: Path, md5: str, *, move: bool = False, share: bool = False) -> None:
        """Store a file's content under its hash; what is there already stays.

        Args:
            content: the file.
            md5: its hash, which nobody checks again here.
            move: it may be taken away.
            share: it never changes again and may be the same file, where both are on one file system.

        Raises:
            OSError: it cannot be stored.
        """
        place = self.path_of(md5)
        if _is_of_size(place, content.stat().st_size):
            if move and not place.samefile(content):
                content.unlink()
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        if (move and _moved(content, place)) or (share and _linked(content, place)):
            return
        with _new_file(place) as temporary:
            copy_content(content, Path(temporary.name))
            _put(Path(temporary.name), place)

    def keep_bytes(self, content: bytes, md5: str) -> None:
        """Store content under its hash, such as the list of a folder. Raises OSError."""
        place = self.path_of(md5)
        if _is_of_size(place, len(content)):
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        with _new_file(place) as temporary:
            Path(temporary.name).write_bytes(content)
            _put(Path(temporary.name), place)

    def take_in(self, content: Path) -> Member:
        """Store a file as it is at this moment, which may change the next: hashed while it is copied, once.

        Raises:
            OSError: it cannot be read or stored.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with _new_file(self.root / "new") as temporary:
            copy = Path(temporary.name)
            found = _copied(content, copy)
            place = self.path_of(found.md5)
            if not _is_of_size(place, found.size_bytes):
                place.parent.mkdir(parents=True, exist_ok=True)
                _put(copy, place)
        return found

    def keep(self, path: Path, found: Digest, *, move: bool = False, share: bool = False) -> None:
        """Store a file or a folder: its files, then their list, so that a list never lacks any.

        Raises:
            OSError: it cannot be stored.
        """
        if found.members is None:
            self.keep_file(path, found.md5, move=move, share=share)
            return
        for member in found.members:
            self.keep_file(path / member.path, member.md5, move=move, share=share)
        self.keep_bytes(found.listing(), found.md5)

    def hold(self, found: Digest) -> None:
        """Give content a second name beside, as far as the file system can: no byte is stored twice."""
        if self.beside is None:
            return
        for md5 in (*(one.md5 for one in found.members or ()), found.md5):
            place, second = _place(self.root, md5), _place(self.beside, md5)
            with suppress(OSError):  # another file system, or there already
                second.parent.mkdir(parents=True, exist_ok=True)
                second.hardlink_to(place)

    def is_sound(self, md5: str) -> bool:
        """Whether what lies under a hash has it; reads all of it. Raises OSError."""
        return md5_of(self.path_of(md5)).md5 == md5.removesuffix(FOLDER)


def _place(root: Path, md5: str) -> Path:
    return Path(f"{root}/files/md5/{md5[:2]}/{md5[2:]}")


def _is_of_size(place: Path, size_bytes: int) -> bool:
    """Whether content is there and whole: a crash of the machine may leave an empty file."""
    try:
        found = place.stat()
    except OSError:
        return False
    return found.st_size == size_bytes


def copy_content(source: Path, target: Path) -> None:
    """Copy a file's content, sharing its blocks where the file system can. Raises OSError."""
    with source.open("rb", buffering=0) as read, target.open("wb", buffering=0) as write:
        if _cloned(read.fileno(), write.fileno()):
            return
        _copied_by_kernel(read.fileno(), write.fileno())
        buffer = memoryview(bytearray(_PIECE_BYTES))
        while count := read.readinto(buffer):  # what is left, all of it where the kernel does not copy
            _write_all(write.fileno(), buffer[:count])


def _copied_by_kernel(source: int, target: int) -> None:
    """Copy as much as the kernel does by itself, which keeps the rest for the caller."""
    if not hasattr(os, "copy_file_range"):
        return
    with suppress(OSError):
        while os.copy_file_range(source, target, _MUCH_BYTES):
            pass


def _copied(source: Path, target: Path) -> Member:
    """Copy a file, and hash what was copied."""
    import hashlib

    with source.open("rb", buffering=0) as read, target.open("wb", buffering=0) as write:
        if not _cloned(read.fileno(), write.fileno()):
            seen = hashlib.md5(usedforsecurity=False)
            size = 0
            buffer = memoryview(bytearray(_PIECE_BYTES))
            while count := read.readinto(buffer):
                seen.update(buffer[:count])
                _write_all(write.fileno(), buffer[:count])
                size += count
            return Member(source.name, seen.hexdigest(), size)
    return md5_of(target)._replace(path=source.name)


def _write_all(file: int, data: memoryview) -> None:
    while data:
        data = data[os.write(file, data) :]


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
    path = _beside(place)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return _Temporary(str(path))


def _beside(place: Path) -> Path:
    """A name that nobody has, in the same folder."""
    return place.parent / f".gxt-{os.getpid()}-{os.urandom(8).hex()}"


def _moved(content: Path, place: Path) -> bool:
    """Move a file into place where both are on one file system."""
    if content.stat().st_dev != place.parent.stat().st_dev:
        return False
    _put(content, place)
    return True


def _linked(content: Path, place: Path) -> bool:
    """Give a file its place as a second name, where the file system can."""
    temporary = _beside(place)
    try:
        temporary.hardlink_to(content)
    except OSError:
        return False
    with _Temporary(str(temporary)):
        _put(temporary, place)
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
