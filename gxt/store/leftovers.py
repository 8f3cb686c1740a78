"""What nobody needs any more, and what would keep freed runs: old refs, reflogs, files of other versions.

What killed processes leave is swept by the next command (`gxt.store.debris`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from gxt.git.collecting import forget_unreachable
from gxt.git.objects import ObjectReader
from gxt.git.refs import RefUpdate, list_refs, move_refs
from gxt.git.repository import Repository
from gxt.store.index import VERSION
from gxt.store.places import REMOTE_REFS, cache_home, home
from gxt.store.sync.freeing import Seen
from gxt.store.sync.tracking import goes_on

_LOGGED = ("refs/gxt", "refs/notes/gxt")
_HISTORIES = ("experiments", "incoming")


def old_refs(reader: ObjectReader, seen: Seen, names: Collection[str]) -> list[str]:
    """Refs about remotes that are done with.

    What was pushed is in the tracking refs when it was accepted. Of a remote that git's config no longer
    names a history stays as long as no other remote has it: it tells that these runs are known elsewhere.

    Args:
        reader: reads the objects.
        seen: what there is of the remotes.
        names: the remotes of git's config.
    """
    kept = {
        refs["experiments"] for name, refs in seen.refs.items() if name in names and "experiments" in refs
    }
    found = []
    for name, refs in sorted(seen.refs.items()):
        for what, oid in sorted(refs.items()):
            if what.startswith("outgoing/"):
                is_done = name not in seen.unsettled
            elif name in names:
                is_done = False
            elif what in _HISTORIES:
                is_done = any(goes_on(reader, other, oid) for other in kept)
                kept |= set() if is_done else {oid}
            else:
                is_done = True
            if is_done:
                found.append(f"{REMOTE_REFS}/{name}/{what}")
    return found


def delete_refs(repository: Repository, refs: Sequence[str]) -> None:
    """Delete refs, and their logs with them."""
    if refs:
        move_refs(repository, [RefUpdate(ref, None) for ref in refs], reason="gxt: gc")


def old_indexes(repository: Repository) -> list[Path]:
    """The files of indexes that other versions of gxt have made; each makes its own again."""
    ours = f"index-{VERSION}.sqlite"
    return [
        path for path in sorted(home(repository).glob("index-*.sqlite*")) if not path.name.startswith(ours)
    ]


def delete_files(paths: Sequence[Path]) -> None:
    """Delete files, whoever is faster."""
    for path in paths:
        path.unlink(missing_ok=True)


def begin_forgetting(repository: Repository) -> None:
    """Leave word that freed runs are to be forgotten: who is killed in between leaves it to the next."""
    home(repository).mkdir(parents=True, exist_ok=True)
    _word(repository).touch()


def must_forget(repository: Repository) -> bool:
    """Whether somebody has freed runs, and was killed before they were forgotten."""
    return _word(repository).exists()


def forget(repository: Repository) -> None:
    """Let no reflog, index or cache of ours remember freed runs. Call it with the store's lock."""
    refs = list_refs(repository.top, *_LOGGED)
    forget_unreachable(repository, [ref for ref in refs if ref in _logged(repository)])
    (home(repository) / f"index-{VERSION}.sqlite").unlink(missing_ok=True)
    shutil.rmtree(cache_home(repository) / "params", ignore_errors=True)
    with suppress(FileNotFoundError):
        _word(repository).unlink()


def _logged(repository: Repository) -> set[str]:
    logs, found = repository.common_dir / "logs", set[str]()
    for below in _LOGGED:
        for folder, _, names in os.walk(logs / below):
            found.update(Path(folder, name).relative_to(logs).as_posix() for name in names)
    return found


def _word(repository: Repository) -> Path:
    return home(repository) / "freeing"
