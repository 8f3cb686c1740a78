"""Puts a new content in the place of a file of the user's, whole or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

# What a folder without write permission says, and a file that a container mounts by itself.
_ONLY_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EBUSY)


def replace_content(path: Path, content: bytes) -> None:
    """Write a draft beside the file and put it in its place; mode, owner and links to the file stay.

    Where no other file can stand there, or the file has other names (hard links), the content is written into
    the file itself; only a process killed while it writes leaves a part of it.

    Raises:
        OSError: it cannot be written. The file is as it was.
    """
    target = Path(os.path.realpath(path))
    with target.open("r+b"):  # one that may not be written must not be replaced either
        pass
    if target.stat().st_nlink > 1:
        _write_in_place(target, content)
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}.gxt-draft")
    try:
        _write_like(draft, content, target.stat())
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        if error.errno not in _ONLY_IN_PLACE:
            raise
        _write_in_place(target, content)


def _write_in_place(target: Path, content: bytes) -> None:
    before = target.read_bytes()
    try:
        target.write_bytes(content)
    except OSError:
        with suppress(OSError):
            target.write_bytes(before)
        raise


def _write_like(draft: Path, content: bytes, stat: os.stat_result) -> None:
    with draft.open("wb") as file:
        if (stat.st_uid, stat.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(PermissionError):  # only root gives files away
                os.fchown(file.fileno(), stat.st_uid, stat.st_gid)
        os.fchmod(file.fileno(), stat.st_mode & 0o7777)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
