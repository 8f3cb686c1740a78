"""Where the tree of a history that somebody else wrote differs from one that is ours.

Stricter than `gxt.store.tree.changes`, which reads what this clone has accepted: here every name and mode
counts, nothing is opened before its size is known, and no tree can make the walk endless.
"""

from __future__ import annotations

from collections.abc import Sequence

from gxt.errors import DamagedRecord
from gxt.git.objects import ObjectReader, TreeEntry, parse_tree
from gxt.model.ids import parse_run_id, run_path
from gxt.named_tuple import NamedTuple
from gxt.store.tree import SHARD

MOST_TREE_BYTES = 4 << 20  # the tree of a billion runs is as large
MOST_STRAYS = 1000  # few objects can make a tree of any number of paths
FOLDER, FILE = "40000", "100644"
_BESIDE = frozenset(("format", "next"))


class Opened(NamedTuple):
    """A tree: its entries by name, the names that it has more than once, and why it cannot be read."""

    entries: dict[str, TreeEntry]
    twice: frozenset[str] = frozenset()
    damage: str = ""


class Place(NamedTuple):
    """The directory of a run that differs: what our tree has there and what theirs has; None for nothing."""

    number: int
    old: TreeEntry | None
    new: TreeEntry | None


class Stray(NamedTuple):
    """A path where no run can be, and what is wrong with it."""

    path: str
    why: str


class Differing(NamedTuple):
    """What differs between two trees, the runs by number."""

    places: tuple[Place, ...]
    strays: tuple[Stray, ...]


class _Shard(NamedTuple):
    path: str
    before: Opened
    after: Opened


_NOTHING = Opened({})
_LOST = "git does not have it"


def open_trees(reader: ObjectReader, oids: Sequence[str | None]) -> list[Opened]:
    """Trees, each looked at before it is read; an empty one for None."""
    wanted = list(dict.fromkeys(filter(None, oids)))
    sizes = dict(zip(wanted, reader.sizes(wanted), strict=True))
    opened: dict[str | None, Opened] = {None: _NOTHING}
    readable = []
    for oid, size in sizes.items():
        if size is None:
            opened[oid] = Opened({}, damage=_LOST)
        elif size.kind != "tree":
            opened[oid] = Opened({}, damage=f"it is a {size.kind}, no directory")
        elif size.size_bytes > MOST_TREE_BYTES:
            opened[oid] = Opened({}, damage=f"it has {size.size_bytes} bytes: more than gxt reads")
        else:
            readable.append(oid)
    for oid, tree in zip(readable, reader.read_many(readable), strict=True):
        opened[oid] = _opened(parse_tree(tree), tree.data) if tree else Opened({}, damage=_LOST)
    return [opened[oid] for oid in oids]


def _opened(found: list[TreeEntry], data: bytes) -> Opened:
    entries = {entry.name: entry for entry in found}
    if sum(
        len(e.mode) + len(e.name.encode("utf-8", "surrogateescape")) + len(e.oid) // 2 + 2 for e in found
    ) != len(data):
        return Opened({}, damage="it is no tree of git's")
    if len(entries) == len(found):
        return Opened(entries)
    seen, twice = set[str](), set[str]()
    for entry in found:
        (twice if entry.name in seen else seen).add(entry.name)
    return Opened(entries, frozenset(twice))


def differing(reader: ObjectReader, base: str | None, theirs: str) -> Differing:
    """What differs between the tree of an entry of ours and that of one of theirs.

    Costs what differs: equal shards are not opened.

    Raises:
        DamagedRecord: their tree cannot be opened, or hardly anything in it is a run.
    """
    roots = [f"{base}^{{tree}}" if base else None, f"{theirs}^{{tree}}"]
    before, after = open_trees(reader, roots)
    if after.damage:
        raise DamagedRecord(f"the tree of {theirs}: {after.damage}")
    level, places, strays = [_Shard("", before, after)], list[Place](), list[Stray]()
    while level:
        shards = list[tuple[str, TreeEntry | None, TreeEntry | None]]()
        for shard in level:
            _compare(shard, places, strays, shards)
            if len(strays) > MOST_STRAYS:
                what = f"more than {MOST_STRAYS} paths are no runs, {strays[0].path} for one"
                raise DamagedRecord(what)
        olds = open_trees(reader, [old.oid if old else None for _, old, _ in shards])
        news = open_trees(reader, [new.oid if new else None for _, _, new in shards])
        paths = [path for path, _, _ in shards]
        strays += [Stray(path, new.damage) for path, new in zip(paths, news, strict=True) if new.damage]
        level = [
            _Shard(f"{path}/", old, new)
            for path, old, new in zip(paths, olds, news, strict=True)
            if not new.damage
        ]
    places.sort(key=lambda place: place.number)
    return Differing(tuple(places), tuple(strays))


def _compare(
    shard: _Shard,
    places: list[Place],
    strays: list[Stray],
    shards: list[tuple[str, TreeEntry | None, TreeEntry | None]],
) -> None:
    before, after = shard.before.entries, shard.after.entries
    for name in dict.fromkeys((*after, *before)):
        old, new = before.get(name), after.get(name)
        is_twice = name in shard.after.twice
        if old == new and not is_twice:
            continue
        path = f"{shard.path}{name}"
        number = parse_run_id(name)
        is_run = number is not None and run_path(number) == path
        is_shard = not is_run and "/" not in name and SHARD.fullmatch(path) is not None
        if is_twice:
            strays.append(Stray(path, "it is there twice"))
        elif new is not None and not (shard.path or name not in _BESIDE):
            if new.mode != FILE:
                strays.append(Stray(path, f"its mode is {new.mode}, not {FILE}"))
        elif new is not None and not is_run and not is_shard:
            strays.append(Stray(path, "no run belongs here"))
        elif new is not None and new.mode != FOLDER:
            strays.append(Stray(path, f"its mode is {new.mode}: it is no directory"))
        elif is_run and number is not None:
            places.append(Place(number, old, new))
        elif is_shard:
            shards.append((path, old, new))
