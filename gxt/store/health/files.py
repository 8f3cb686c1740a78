"""Files that killed processes leave in git's directory: locks and temporary files, ours and others'.

Others' are named with path and age, and are never removed by gxt.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gxt.git.repository import Repository
from gxt.store import debris, locks
from gxt.store.health.finding import REPAIR, Finding

_FRESH_S = 5.0  # git holds most locks for milliseconds
_WRITING_S = 3600.0  # a fetch may write to its pack for long
_PATIENCE_S = 1.0
_SINGLE = ("index.lock", "HEAD.lock", "packed-refs.lock", "config.lock", "shallow.lock")


def check_store_lock(repository: Repository) -> Iterator[Finding]:
    """Whether gxt's own lock comes free within a second."""
    gives_up_s = time.monotonic() + _PATIENCE_S
    while locks.store_lock_is_held(repository):
        if time.monotonic() > gives_up_s:
            path = locks.store_lock_path(repository)
            who = locks.holders(path)
            by = f" by the process {', '.join(map(str, who))}" if who else ""
            yield Finding(
                "store-locked",
                f"{path} is held{by}: nothing can be recorded meanwhile",
                "it is free when that process ends; never delete the file",
            )
            return
        time.sleep(0.02)


def check_locks(repository: Repository) -> Iterator[Finding]:
    """Lock files that nobody can be holding any more."""
    ours = set(debris.lock_files(repository))
    for path in sorted({*ours, *_foreign_locks(repository)}):
        age_s = _age_s(path)
        if age_s < _FRESH_S:
            continue
        if path in ours:
            what = f"{path} is {debris.age(age_s)} old: a killed git has left it"
            yield Finding("lock-left", what, f"the next run removes it, or {REPAIR}", True)
        else:
            hint = f"if no git is running, remove it: {debris.command('rm', path)}"
            yield Finding("lock-foreign", f"{path} is {debris.age(age_s)} old: git may wait for it", hint)


def check_temporary(repository: Repository) -> Iterator[Finding]:
    """What a killed git has left among the objects: one finding for all."""
    found = [path for path in _temporary(repository.common_dir / "objects") if _age_s(path) > _WRITING_S]
    if found:
        oldest, size = debris.age(max(map(_age_s, found))), sum(map(_size, found))
        files = "1 temporary file" if len(found) == 1 else f"{len(found)} temporary files"
        what = f"{files} of git, {size >> 10} KiB, up to {oldest} old: {found[0]}"
        yield Finding("objects-left", what, "git gc removes those that are older than two weeks: git gc")
    keeps = [
        path
        for path in sorted((repository.common_dir / "objects/pack").glob("*.keep"))
        if b"fast-import" in _content(path) and _age_s(path) > _WRITING_S
    ]
    for path in keeps:
        what = f"{path} keeps a pack from being repacked: a killed fast-import has left it"
        yield Finding("keep-left", what, f"if no git is running, remove it: {debris.command('rm', path)}")


def _foreign_locks(repository: Repository) -> Iterator[Path]:
    for home in {repository.common_dir, repository.git_dir}:
        yield from (home / name for name in _SINGLE if (home / name).exists())
    for folder, _, names in os.walk(repository.common_dir / "refs"):
        yield from (Path(folder, name) for name in names if name.endswith(".lock"))


def _temporary(objects: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(objects):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names) if name.startswith(("tmp_", ".tmp-")))


def _age_s(path: Path) -> float:
    try:
        return debris.age_s(path)
    except OSError:  # gone meanwhile, or another user's
        return 0.0


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _content(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
