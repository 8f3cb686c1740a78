"""Files of ours in a folder that anybody may have changed: each appears whole, and never through a link."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from gxt.data.bringing import is_inside
from gxt.data.cache import copy_content
from gxt.errors import GxtError

UNDER_WAY: Final = ".gxt-new"
"""What a file is called until it is whole: a name that the next one takes which is written there."""


def put_bytes(folder: Path, name: str, data: bytes) -> None:
    """Let a file of the folder hold these bytes, whole or not at all.

    Args:
        folder: where.
        name: relative to it, with `/`.
        data: what it is to hold.

    Raises:
        GxtError: the name leads out of the folder, or through a link.
        OSError: it cannot be written.
    """
    _put(folder, name, lambda new: new.write_bytes(data))


def put_copy(folder: Path, name: str, content: Path) -> None:
    """The same with the content of a file, whose blocks are shared where the file system can."""

    def copy(new: Path) -> None:
        copy_content(content, new)

    _put(folder, name, copy)


def put_file(path: Path, data: bytes) -> None:
    """Let a file that the user has named hold these bytes, whole or not at all; a link stays one.

    Raises:
        GxtError: it cannot be written.
    """
    try:
        real = path.resolve()
        if real.exists() and not real.is_file():  # /dev/stdout, a FIFO
            real.write_bytes(data)
            return
        new = real.with_name(f".gxt-{os.urandom(8).hex()}")
        try:
            new.write_bytes(data)
            new.replace(real)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        what = f"{path} could not be written: {error.strerror}"
        raise GxtError(what, hint="name a file in a folder that can be written") from error


def take_away(folder: Path, names: Iterable[str]) -> None:
    """Remove files of the folder, and the folders in it that are empty then; what leads out of it stays."""
    for name in names:
        with suppress(GxtError, OSError):
            path = _inside(folder, name)
            path.unlink(missing_ok=True)
            for parent in path.relative_to(folder).parents:
                if parent != Path():
                    (folder / parent).rmdir()


def _put(folder: Path, name: str, write: Callable[[Path], object]) -> None:
    path = _inside(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(UNDER_WAY)
    try:
        new.unlink(missing_ok=True)  # of one that was killed
        new.open("xb").close()  # never what a link leads to
        write(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _inside(folder: Path, name: str) -> Path:
    if not is_inside(name):
        raise GxtError(f"{name!r} leads out of {folder}")
    path = folder.joinpath(*PurePosixPath(name).parts)
    for parent in path.relative_to(folder).parents:
        if (folder / parent).is_symlink():
            raise GxtError(f"{folder / parent} is a link", hint="nothing is written through it: remove it")
    return path
