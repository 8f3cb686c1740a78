"""The refs of gxt as they are, those included that git passes over because their file is damaged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gxt.git import process
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.store import debris, locks
from gxt.store.health.finding import REPAIR, Finding
from gxt.store.places import EXPERIMENTS, LIVE_REFS, NOTES, TEMPORARY_REFS, live_home

_PREFIXES = ("refs/gxt", "refs/notes/gxt")


class Refs(NamedTuple):
    """The refs of gxt.

    Attributes:
        named: the object that each names, whether it is there or not.
        symbolic: the ref that each stands for.
        broken: the files of refs that name nothing, with what they hold.
    """

    named: dict[str, str]
    symbolic: dict[str, str]
    broken: dict[str, str]


def read_refs(repository: Repository) -> Refs:
    """All refs below `refs/gxt` and `refs/notes/gxt`. One git process."""
    format_ = "--format=%(objectname) %(refname) %(symref)"
    refs = Refs({}, {}, {})
    said = process.attempt(repository.top, ("for-each-ref", format_, *_PREFIXES)).stdout
    for line in said.decode(errors="replace").splitlines():
        oid, _, rest = line.partition(" ")
        ref, _, target = rest.partition(" ")
        refs.named[ref] = oid
        if target:
            refs.symbolic[ref] = target
    for ref in _files(repository.common_dir):
        if ref not in refs.named:
            path = repository.common_dir / ref
            refs.broken[ref] = path.read_text(errors="replace")[:200] if path.is_file() else ""
    return refs


def _files(common: Path) -> Iterator[str]:
    for prefix in _PREFIXES:
        for folder, _, names in os.walk(common / prefix):
            below = Path(folder).relative_to(common).as_posix()
            yield from (f"{below}/{name}" for name in names if not name.endswith(".lock"))


def check_refs(repository: Repository, refs: Refs) -> Iterator[Finding]:
    """Refs that are damaged, and those that a killed process has left."""
    own = {EXPERIMENTS, *NOTES.values()}  # checked with what they hold
    for ref in refs.broken:
        if ref not in own:
            yield Finding("ref-broken", f"{ref} names nothing", f"{REPAIR} sets its file aside", True)
    if locks.store_lock_is_held(repository):
        return  # somebody records this moment, and these are his
    left = ownerless(repository, refs)
    if left:
        what = f"a killed process has left {left[0]}"
        if len(left) > 1:
            what = f"a killed process has left {len(left)} refs, such as {left[0]}"
        able = debris.may_delete_refs(repository)
        hint = f"the next run removes them, or {REPAIR}" if able else _IN_THE_WAY
        yield Finding("refs-left", what, hint, able)


_IN_THE_WAY = "the next gxt command removes them when no packed-refs.lock and no git gc is in the way"


def ownerless(repository: Repository, refs: Refs) -> list[str]:
    """Refs of no run that is live."""
    live = live_home(repository)
    return [
        ref
        for ref in refs.named
        if ref.startswith(f"{TEMPORARY_REFS}/")
        or (ref.startswith(f"{LIVE_REFS}/") and not (live / ref.rpartition("/")[2]).is_dir())
    ]
