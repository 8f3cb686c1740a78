"""The content of what a run has put out, for whoever reads it: in the cache, or in a folder."""

from __future__ import annotations

import posixpath
from pathlib import Path

from gxt.data.bringing import bring, holds, lacking
from gxt.data.place import find_cache
from gxt.errors import GxtError, MissingData
from gxt.git.repository import Repository
from gxt.model.artifacts import file_name
from gxt.model.pointers import FOLDER


def content(repository: Repository, *, md5: str | None, path: str, folder: Path | None) -> Path:
    """Where the content of an output is.

    Args:
        repository: whose cache has it.
        md5: its hash; None while it is not stored yet.
        path: where it belongs, whose last part names it.
        folder: where to put it; without one it stays in the cache, and may only be read.

    Raises:
        MissingData: the cache does not have it.
        GxtError: it is not stored yet; a folder of files is to stay in the cache; something else of its name
            is in the folder; or it cannot be written.
    """
    name = posixpath.basename(path)
    if md5 is None:
        raise GxtError(f"{name} is not stored yet", hint="wait a moment: the run goes on")
    cache = find_cache(repository)
    if lacking(cache, md5):
        raise MissingData((("", path, md5),), "here", hint="gxt pull --data RUN fetches what a run needs")
    if folder is None:
        if md5.endswith(FOLDER):
            raise GxtError(f"{name} is a folder", hint="say where to put it: fetch('copy')")
        return cache.path_of(md5)
    target = folder / file_name(name)
    if target.exists() and not holds(target, md5):
        raise GxtError(f"there is another {target} already", hint="name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        bring(cache, md5, folder.resolve(), file_name(name))
    except OSError as error:
        raise GxtError(f"{name} cannot be written to {folder}: {error.strerror or error}") from error
    return target
