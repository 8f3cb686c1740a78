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
from gxt.errors import DOCTOR, DamagedRecord, GxtError
from gxt.git import process
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.model.codec import load_document
from gxt.model.pointers import FOLDER, is_md5
from gxt.store.amend import recorded
from gxt.store.places import home, live_paths
from gxt.store.tree import REMOVED, Tip, changed_folders, open_folders, uid_of

_DOCUMENTS: Final = ("config.json", "metrics.json")
_FILES: Final = (":(glob)**/*.dvc", ":(glob)**/dvc.lock")
_HASH: Final = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")


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
    kept = set(_with_members(cache, [*_of_runs(repository, reader, ours), *_of_project(repository, reader)]))
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

    Where a run goes on it waits for the next gc: the run may be storing the same content. In a cache that
    others use only what is held beside it goes.

    Returns:
        How many bytes that were.
    """
    if live_paths(repository):
        return 0
    cache, freed_bytes = find_cache(repository), 0
    ours_alone = slice(1, None) if is_shared(repository) else slice(None)
    for md5 in unneeded(repository, reader, ours, remembered(repository)):
        size_bytes = 0
        for place in cache.places_of(md5)[ours_alone]:
            with suppress(OSError):
                size_bytes = place.stat().st_size
                place.unlink()
                place.parent.rmdir()  # unless there is more in it
        freed_bytes += size_bytes
    _mark(repository).unlink(missing_ok=True)
    return freed_bytes


def _of_runs(repository: Repository, reader: ObjectReader, ours: Tip | None) -> list[str]:
    """What the runs of a history name, those included that are removed and stay."""
    folders = [(n, oid) for n, oid in changed_folders(reader, None, ours.oid) if oid] if ours else []
    oids: list[str] = []
    for folder in list(open_folders(reader, folders)):
        entries = folder.entries
        if REMOVED in entries:
            uid = uid_of(reader, folder)
            if uid is None:
                raise GxtError("a removed run cannot be read", hint=DOCTOR)
            _, entries = recorded(repository, reader, ours, uid)
        oids += [entries[name].oid for name in _DOCUMENTS if name in entries]
    return _named_in(reader, oids, "a document of a run")


def _of_project(repository: Repository, reader: ObjectReader) -> list[str]:
    """Every hash that a `.dvc` file or `dvc.lock` has in a work tree, or had in a branch, tag or stash."""
    ours = ("--exclude=refs/gxt/*", "--exclude=refs/notes/*")
    how = ("--full-history", "-m", "--raw", "--no-abbrev", "--no-renames", "--format=", "--diff-filter=AM")
    # `--reflog` would take those of our own refs too
    stashes = process.attempt(repository.top, ("rev-list", "-g", "refs/stash", "--")).stdout.decode().split()
    words = ("log", *how, *ours, "--all", *stashes, "--", *_FILES)
    has_commits = process.attempt(repository.top, ("rev-parse", "--verify", "-q", "HEAD")).returncode == 0
    said = process.run(repository.top, words).decode(errors="replace") if has_commits else ""
    oids = list(dict.fromkeys(line.split()[3] for line in said.splitlines() if line.startswith(":")))
    found = _named_in(reader, oids, "a .dvc file of the past")
    listed = process.run(repository.top, ("worktree", "list", "--porcelain", "-z")).decode(errors="replace")
    tops = [
        Path(item.removeprefix("worktree ")) for item in listed.split("\0") if item.startswith("worktree ")
    ]
    for top in filter(Path.is_dir, tops):
        found += [*_grep(top, "--untracked", "--no-exclude-standard"), *_grep(top, "--cached")]
    return found


def _named_in(reader: ObjectReader, oids: Sequence[str], what: str) -> list[str]:
    """Every hash in blobs, whatever it stands for there."""
    found: list[str] = []
    for blob in reader.read_many(oids):
        if blob is None:
            raise GxtError(f"git cannot read {what}", hint=DOCTOR)
        found += [match.decode() for match in _HASH.findall(blob.data)]
    return found


def _grep(top: Path, *where: str) -> list[str]:
    said = process.attempt(top, ("grep", "-I", "-h", *where, "-E", "-e", "[0-9a-f]{32}", "--", *_FILES))
    if said.returncode > 1:
        raise GxtError(f"git grep: {said.stderr.decode(errors='replace').strip()}")
    return [match.decode() for match in _HASH.findall(said.stdout)]


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
