"""The content of a run in a work tree: what it has put out, and the data that DVC keeps for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gxt.data.bringing import bring, holds, is_inside, is_kept
from gxt.data.cache import Cache
from gxt.data.named import Named
from gxt.data.place import find_cache
from gxt.errors import DamagedData, DamagedRecord, GxtError, MissingData, RemoteFailed, UnknownRemote
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.ops.carrying import Carrying
from gxt.ops.pull_data import bring as fetch


class PlacedData(NamedTuple):
    """What was put into a work tree: the paths that changed, and what is not there, in words."""

    written: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def would_be_lost(repository: Repository, wanted: Sequence[Named]) -> list[str]:
    """The paths whose present content is in no cache, so that it could not be brought back; reads it."""
    cache = find_cache(repository)
    there = ((one, repository.top / one.path) for one in wanted if is_inside(one.path))
    return [
        one.path
        for one, path in there
        if path.exists() and not is_kept(cache, path) and not holds(path, one.md5)
    ]


class Fetched(NamedTuple):
    """Content for a work tree: the cache that has it, what goes where, what could not be had, in words."""

    cache: Cache
    wanted: tuple[Named, ...]
    notices: tuple[str, ...] = ()


NOTHING = Fetched(Cache(Path()), ())


def fetch_data(repository: Repository, top: Path, wanted: Sequence[Named], carrying: Carrying) -> Fetched:
    """Bring content into the cache that a work tree lacks, from DVC's remote; what cannot be had is told.

    Args:
        repository: whose cache and remote.
        top: of the work tree, this one's or another.
        wanted: which content, where.
        carrying: how it travels.
    """
    notices: list[str] = []
    lacking = tuple(one for one in wanted if not is_inside(one.path) or not holds(top / one.path, one.md5))
    try:
        notices += fetch(repository, lacking, carrying).notices
    except (MissingData, DamagedData, UnknownRemote, RemoteFailed) as error:
        notices.append(f"{error.message}. {error.hint}".rstrip(". "))
    except GxtError as error:  # a remote that nobody has agreed to
        notices.append(error.message)
    return Fetched(find_cache(repository), lacking, tuple(notices))


def place_data(top: Path, fetched: Fetched) -> PlacedData:
    """Put content at its paths.

    Raises:
        OSError: something cannot be written.
    """
    notices, written = list(fetched.notices), []
    for one in fetched.wanted:
        try:
            if bring(fetched.cache, one.md5, top, one.path):
                written.append(one.path)
        except MissingData:
            if not fetched.notices:
                notices.append(f"{one.path} is not here ({one.md5})")
        except DamagedRecord as error:
            notices.append(error.message)
        except (FileExistsError, NotADirectoryError):
            notices.append(f"{one.path} is not brought: a file stands where its folder must be")
    return PlacedData(tuple(written), tuple(notices))


def use_cache_of(repository: Repository, top: Path) -> None:
    """Let plain DVC in a new linked work tree use the cache of the main one: else it makes one of its own."""
    config = top / ".dvc" / "config.local"
    if config.parent.is_dir() and not config.parent.is_symlink() and not os.path.lexists(config):
        config.write_text(f"[cache]\n    dir = {find_cache(repository).root}\n", encoding="utf-8")
