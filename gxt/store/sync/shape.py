"""What the directory of a run may hold: names and modes, and what of it may never change."""

from __future__ import annotations

from gxt.errors import DamagedRecord
from gxt.store.sync.differing import FILE, FOLDER, Opened

_LINK = "160000"
_MODES = {
    "run": (_LINK,),
    "config.json": (FILE,),
    "environment.json": (FILE,),
    "metrics.json": (FILE,),
    "annotations.jsonl": (FILE,),
    "output.log": (FILE,),
    "removed.json": (FILE,),
    "series": (FILE, FOLDER),
}
_NEEDED = ("run", "config.json", "environment.json", "metrics.json")
_REMOVED = frozenset(("run", "removed.json", "annotations.jsonl"))
_ONCE = ("run", "config.json", "environment.json", "metrics.json", "series", "output.log")


def check_shape(new: Opened, brought: frozenset[str], old: Opened) -> None:
    """Raise unless the directory holds what one of a run holds.

    Args:
        new: the directory as it arrives.
        brought: the run commits that come with it.
        old: what was there before.

    Raises:
        DamagedRecord: it does not.
    """
    if new.damage:
        raise DamagedRecord(f"its directory cannot be opened: {new.damage}")
    for name in new.twice:
        raise DamagedRecord(f"{name} is there twice")
    is_removed = "removed.json" in new.entries
    for name, entry in new.entries.items():
        if name not in _MODES or (is_removed and name not in _REMOVED):
            raise DamagedRecord(f"{name!r} does not belong to {'a removed' if is_removed else 'a'} run")
        if entry.mode not in _MODES[name]:
            raise DamagedRecord(f"{name} has the mode {entry.mode}")
    for name in ("run",) if is_removed else _NEEDED:
        if name not in new.entries:
            raise DamagedRecord(f"it has no {name}")
    commit, before = new.entries["run"], old.entries.get("run")
    if commit != before and commit.oid not in brought:
        raise DamagedRecord(f"no entry brings its commit {commit.oid[:10]}")


def check_same(old: Opened, new: Opened) -> None:
    """Raise where what is written once differs from what was there; a removed run needs its commit alone.

    Raises:
        DamagedRecord: it does.
    """
    if "run" not in old.entries:
        return
    is_removed = "removed.json" in old.entries or "removed.json" in new.entries
    for name in _ONCE[:1] if is_removed else _ONCE:
        if old.entries.get(name) != new.entries.get(name):
            raise DamagedRecord(f"its {name} is not the one that was recorded")
