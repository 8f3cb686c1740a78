"""From the cache into a work tree: content goes to its path, and never through a link or out of the tree."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from gxt.data.cache import Cache, copy_content
from gxt.data.digest import Member, digest, files_in, md5_of
from gxt.errors import DamagedRecord, MissingData
from gxt.model.pointers import FOLDER, MD5
from gxt.named_tuple import NamedTuple

_MOST_LISTED_BYTES: Final = 256 << 20
_FORBIDDEN: Final = frozenset((".git", ".dvc"))


class Listed(NamedTuple):
    """A file of a folder in the cache: its path in it, and its md5."""

    path: str
    md5: str


def listed(cache: Cache, md5: str) -> list[Listed]:
    """The files of a folder, by its list in the cache.

    Raises:
        MissingData: the list is not there.
        DamagedRecord: it is none, or has a path that leads elsewhere.
    """
    place = cache.path_of(md5)
    try:
        if place.stat().st_size > _MOST_LISTED_BYTES:
            raise DamagedRecord(f"the list of files {md5} is larger than gxt reads")
        found = json.loads(place.read_bytes())
    except FileNotFoundError:
        raise _missing(md5) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedRecord(f"the list of files {md5} cannot be read: {error}") from error
    if not isinstance(found, list):
        raise DamagedRecord(f"the list of files {md5} is none")
    return [_listed(one, md5) for one in found]


def _missing(md5: str, path: str = "content") -> MissingData:
    hint = "gxt pull --data RUN fetches what a run needs"
    return MissingData((("", path, md5),), "here", hint=hint)


def _listed(one: object, md5: str) -> Listed:
    path, content = (one.get("relpath"), one.get("md5")) if isinstance(one, dict) else (None, None)
    if not isinstance(path, str) or not is_inside(path):
        raise DamagedRecord(f"the list of files {md5} has a path that leads elsewhere: {path!r}")
    if not isinstance(content, str) or not MD5.fullmatch(content) or content.endswith(FOLDER):
        raise DamagedRecord(f"the list of files {md5} has no md5 for {path}")
    return Listed(path, content)


def is_inside(path: str) -> bool:
    """Whether a relative path stays where it begins, and is none of git's or DVC's own."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\0" in path or "\\" in path:
        return False
    return not any(part == ".." or part.lower() in _FORBIDDEN for part in parts)


def lacking(cache: Cache, md5: str) -> list[str]:
    """The hashes of what a file or folder needs and the cache does not have. Raises DamagedRecord."""
    if not cache.has(md5):
        return [md5]
    if not md5.endswith(FOLDER):
        return []
    return [one.md5 for one in listed(cache, md5) if not cache.has(one.md5)]


def holds(path: Path, md5: str) -> bool:
    """Whether a path holds the content of a hash already; reads it."""
    with suppress(OSError):
        return not path.is_symlink() and digest(path).md5 == md5
    return False


def is_kept(cache: Cache, path: Path) -> bool:
    """Whether all that a path holds is in the cache, so that it can be replaced; reads it."""
    if path.is_symlink():  # DVC links into its cache where it is told to
        return path.resolve().is_relative_to((cache.root / "files" / "md5").resolve())
    try:
        found = digest(path)
        if found.members and not cache.has(found.md5):  # the names of its files would be lost
            return False
        files = [Member("", found.md5, found.size_bytes)] if found.members is None else found.members
        return all(cache.path_of(one.md5).stat().st_size == one.size_bytes for one in files)
    except OSError:
        return False


def bring(cache: Cache, md5: str, top: Path, path: str) -> bool:
    """Let a path hold the content of a hash, as a copy that may be written to.

    What stands there is replaced: ask `is_kept` first. A folder gets the files that it lacks and loses those
    that are not its own.

    Args:
        cache: has the content.
        md5: its hash.
        top: the work tree.
        path: relative to it, with `/`.

    Returns:
        Whether anything was written.

    Raises:
        MissingData: the cache lacks some of it; nothing was written.
        DamagedRecord: the path leads out of the work tree or through a link, or the content has another hash.
        OSError: it could not be written.
    """
    if missing := lacking(cache, md5):
        raise _missing(missing[0], path)
    target = _target(top, path)
    if not md5.endswith(FOLDER):
        return _bring_file(cache, md5, target)
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        target.unlink()
    wanted = {one.path: one.md5 for one in listed(cache, md5)}
    written = _remove_others(target, wanted)
    for name, content in wanted.items():
        written |= _bring_file(cache, content, _target(target, name))
    target.mkdir(parents=True, exist_ok=True)
    return written


def _target(top: Path, path: str) -> Path:
    """Where a path leads, when no link is on the way."""
    if not is_inside(path):
        raise DamagedRecord(f"{path!r} leads out of the work tree")
    target = top.joinpath(*PurePosixPath(path).parts)
    for parent in target.relative_to(top).parents:
        if (top / parent).is_symlink():
            raise DamagedRecord(f"{path} leads through the link {parent}", hint="remove the link first")
    return target


def _bring_file(cache: Cache, md5: str, target: Path) -> bool:
    if target.is_file() and not target.is_symlink() and md5_of(target).md5 == md5:
        return False
    if target.is_dir() and not target.is_symlink():
        _clear(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".gxt-", dir=target.parent)
    os.close(handle)
    new = Path(name)
    try:
        copy_content(cache.path_of(md5), new)
        if md5_of(new).md5 != md5:
            what = f"the content of {target.name} in the cache is damaged: it is not {md5}"
            raise DamagedRecord(what, hint=f"remove {cache.path_of(md5)} and fetch it again")
        new.chmod(0o666 & ~_umask())
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    return True


def _clear(folder: Path) -> None:
    """Remove a folder of files that are in the cache.

    Raises:
        DamagedRecord: there is something else in it, and it stays.
    """
    for path in list(files_in(folder)):
        path.unlink()
    for place, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(place).rmdir()
    if folder.exists():
        what = f"{folder.name} is a folder here, and holds what gxt does not know"
        raise DamagedRecord(what, hint="move it away")


def _remove_others(folder: Path, wanted: dict[str, str]) -> bool:
    """Remove the files of a folder that are not to be in it."""
    removed = False
    # what a hash of the folder passes over (`.git`, say), nobody has looked at
    for path in list(files_in(folder)) if folder.is_dir() else ():
        if path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
            removed = True
    return removed


def _umask() -> int:
    present = os.umask(0)
    os.umask(present)
    return present
