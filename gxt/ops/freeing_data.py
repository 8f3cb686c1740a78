"""Content in the cache that only freed runs have put out: nothing else may name it before it goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.data.bringing import listed
from gxt.data.cache import Cache
from gxt.data.named import named_by
from gxt.data.place import find_cache, main_top, own_cache
from gxt.errors import DamagedRecord, GxtError
from gxt.git import process
from gxt.git.objects import ObjectReader
from gxt.git.refs import list_refs
from gxt.git.repository import Repository
from gxt.model.codec import load_document
from gxt.model.pointers import FOLDER, is_md5
from gxt.ops.carrying import names_of
from gxt.store.amend import recorded
from gxt.store.places import home, live_paths
from gxt.store.tree import REMOVED, RunFolder, Tip, changed_folders, open_folders, uid_of

_FILES: Final = ("*.dvc", "**/*.dvc", "dvc.lock", "**/dvc.lock")
_MD5: Final = r"[0-9a-f]{32}(\.dir)?"
_REFS_AT_A_TIME: Final = 200


def is_shared(repository: Repository) -> bool:
    """Whether the cache lies outside the repository, where others may have content of their own."""
    root = find_cache(repository).root.resolve()
    own = (main_top(repository), repository.top, own_cache(repository))
    return not any(root.is_relative_to(folder.resolve()) for folder in own)


def put_out_by(
    repository: Repository, reader: ObjectReader, ours: Tip | None, uids: Iterable[str]
) -> tuple[str, ...]:
    """The hashes of what removed runs have put out and the cache has, files of folders included."""
    cache, found = find_cache(repository), dict[str, None]()
    for uid in uids:
        with suppress(DamagedRecord):
            _, entries = recorded(repository, reader, ours, uid)
            blob = reader.read(entries["metrics.json"].oid)
            metrics = load_document(blob.data, uid) if blob else {}
            found |= dict.fromkeys(_with_members(cache, (one.md5 for one in named_by("", {}, metrics))))
    return tuple(md5 for md5 in found if cache.has(md5))


def size_of(repository: Repository, md5s: Iterable[str]) -> int:
    """How many bytes the cache has under hashes."""
    cache = find_cache(repository)
    return sum(cache.path_of(md5).stat().st_size for md5 in md5s if cache.has(md5))


def unneeded(
    repository: Repository, reader: ObjectReader, ours: Tip | None, wanted: Sequence[str]
) -> list[str]:
    """Those of the hashes that no run which stays names, and no `.dvc` file or `dvc.lock` of the project.

    These are looked for in every branch, tag and stash, in the index and in the work tree.

    Args:
        repository: whose cache.
        reader: reads the runs.
        ours: the history, without the runs that are freed.
        wanted: the hashes.
    """
    if not wanted:
        return []
    cache = find_cache(repository)
    kept = set(_with_members(cache, [*_of_runs(repository, reader, ours), *_of_project(repository)]))
    return [md5 for md5 in wanted if md5 not in kept]


def remember(repository: Repository, md5s: Sequence[str]) -> None:
    """Write down what is to be freed, so that a gc which is killed does not forget it. Raises OSError."""
    _mark(repository).write_text(json.dumps(sorted({*md5s, *remembered(repository)})))


def remembered(repository: Repository) -> tuple[str, ...]:
    """What a gc before wanted to free and has not."""
    with suppress(OSError, ValueError):
        found = json.loads(_mark(repository).read_bytes())
        return tuple(md5 for md5 in found if is_md5(md5)) if isinstance(found, list) else ()
    return ()


def free(repository: Repository, reader: ObjectReader, ours: Tip | None) -> int:
    """Delete from the cache what was remembered and nothing needs. Call it with the store's lock.

    Where a run goes on it waits for the next gc: the run may be storing the same content.

    Returns:
        How many bytes that were.
    """
    if live_paths(repository) or is_shared(repository):
        return 0
    cache, freed_bytes = find_cache(repository), 0
    for md5 in unneeded(repository, reader, ours, remembered(repository)):
        with suppress(OSError):
            place = cache.path_of(md5)
            size_bytes = place.stat().st_size
            place.unlink()
            freed_bytes += size_bytes
            place.parent.rmdir()  # unless there is more in it
    _mark(repository).unlink(missing_ok=True)
    return freed_bytes


def _of_runs(repository: Repository, reader: ObjectReader, ours: Tip | None) -> list[str]:
    """What the runs of a history name, those included that are removed and stay."""
    folders = [(n, oid) for n, oid in changed_folders(reader, None, ours.oid) if oid] if ours else []
    opened = list(open_folders(reader, folders))
    for at, folder in enumerate(opened):
        if REMOVED in folder.entries:
            uid = uid_of(reader, folder)
            if uid is None:
                raise GxtError("a removed run cannot be read", hint="gxt doctor tells more")
            tree, entries = recorded(repository, reader, ours, uid)
            opened[at] = RunFolder(folder.number, tree, entries)
    return [one.md5 for named in names_of(reader, opened) for one in named]


def _of_project(repository: Repository) -> list[str]:
    """Every hash in a `.dvc` file or `dvc.lock`, of the work tree or of a ref that is not gxt's."""
    refs = [
        ref for ref in list_refs(repository.top, "refs") if not ref.startswith(("refs/gxt/", "refs/notes/"))
    ]
    found: list[str] = []
    for at in range(0, len(refs), _REFS_AT_A_TIME):
        found += _grep(repository, *refs[at : at + _REFS_AT_A_TIME])
    return [
        *found,
        *_grep(repository, "--untracked", "--no-exclude-standard"),
        *_grep(repository, "--cached"),
    ]


def _grep(repository: Repository, *where: str) -> list[str]:
    words = ("grep", "-I", "-h", "-o", "-E", "-e", _MD5, *where, "--", *_FILES)
    said = process.attempt(repository.top, words)
    if said.returncode > 1:
        raise GxtError(f"git grep: {said.stderr.decode(errors='replace').strip()}")
    return re.findall(rf"^{_MD5.replace('(', '(?:')}$", said.stdout.decode(errors="replace"), re.MULTILINE)


def _with_members(cache: Cache, md5s: Iterable[str]) -> list[str]:
    """The hashes, and those of the files of folders whose lists are here."""
    found: list[str] = []
    for md5 in md5s:
        found.append(md5)
        if md5.endswith(FOLDER) and cache.has(md5):
            found += [one.md5 for one in listed(cache, md5)]
    return found


def _mark(repository: Repository) -> Path:
    return home(repository) / "freeing-data.json"
