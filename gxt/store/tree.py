"""Reading the tree of the experiments ref: its tip, its runs, what changed between two tips."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from gxt.errors import DOCTOR, DamagedRecord, NewerFormat
from gxt.git import process
from gxt.git.objects import GitObject, ObjectReader, TreeEntry, commit_headers, parse_tree, trailers
from gxt.model.codec import FORMAT
from gxt.model.ids import LAST_NUMBER, free_number, parse_run_id, run_id, run_path
from gxt.named_tuple import NamedTuple
from gxt.store.places import EXPERIMENTS

REMOVED = "removed.json"  # in the directory of a run that was removed
TIP_FILES = ("^{tree}", ":format", ":next")
SHARD = re.compile(r"exp-\d{1,7}xx(xx)?|exp-\d{1,5}xxxx/exp-\d{1,7}xx", re.ASCII)


class Tip(NamedTuple):
    """The newest entry of the experiments ref."""

    oid: str
    next_number: int


class RunFolder(NamedTuple):
    """One run's directory: its number, the id of its tree, and its entries by name; none if git lost it."""

    number: int
    oid: str
    entries: dict[str, TreeEntry]


def read_tip(reader: ObjectReader) -> Tip | None:
    """The tip, or None where nothing was ever recorded.

    Raises:
        NewerFormat: a newer gxt wrote it.
        DamagedRecord: the ref is there and names nothing, or something that is no history of runs.
    """
    commit = reader.read(EXPERIMENTS)
    if commit is None:
        damage = _damaged_ref(reader)
        if damage is None:
            return None
        commit = reader.read(EXPERIMENTS)  # the first run of all may have come meanwhile
        if commit is None:
            raise damage
    return _tip(reader, commit)


def tip_at(reader: ObjectReader, oid: str) -> Tip:
    """The history that ends with an entry.

    Raises:
        NewerFormat, DamagedRecord: as `check_tip` does, and where there is no such entry.
    """
    commit = reader.read(oid)
    if commit is None:
        raise DamagedRecord(f"git cannot read the entry {oid}", hint=DOCTOR)
    return _tip(reader, commit)


def _tip(reader: ObjectReader, commit: GitObject) -> Tip:
    number = check_tip(reader, commit, EXPERIMENTS, hint=DOCTOR)
    if number is None:
        number = free_number(number for number, _ in changed_folders(reader, None, commit.oid))
    return Tip(commit.oid, number)


def check_tip(reader: ObjectReader, commit: GitObject, what: str, *, hint: str) -> int | None:
    """The next number as an entry tells it; None where it tells none that a run can have.

    Args:
        reader: reads the objects.
        commit: what is taken for the newest entry.
        what: what names it: a ref.
        hint: what to do when it is none.

    Raises:
        NewerFormat: a newer gxt wrote it.
        DamagedRecord: it is no entry of a history of runs.
    """
    if commit.kind != "commit":
        raise DamagedRecord(f"{what} names a {commit.kind}, no commit", hint=hint)
    tree, version, following = reader.read_many([f"{commit.oid}{file}" for file in TIP_FILES])
    _check_tree(commit, tree, what, hint)
    if version is not None and version.data.strip() != b"%d" % FORMAT:
        raise NewerFormat(what, version.data[:20].decode(errors="replace").strip())
    return _number(following)


def _damaged_ref(reader: ObjectReader) -> DamagedRecord | None:
    """An empty ref, or one to a missing commit, must not look like a repository without runs."""
    done = process.attempt(reader.directory, ("for-each-ref", EXPERIMENTS))
    if done.returncode != 0 or done.stdout or done.stderr:
        return DamagedRecord(f"{EXPERIMENTS} names no commit", hint=DOCTOR)
    # git says nothing of one that leads nowhere, and the next run would make a branch of what it names
    if (reader.common_dir / EXPERIMENTS).is_file():
        way_out = f"git symbolic-ref -d {EXPERIMENTS} removes it"
        return DamagedRecord(f"{EXPERIMENTS} is a symbolic ref to nothing", hint=way_out)
    return None


def _check_tree(commit: GitObject, tree: GitObject | None, what: str, hint: str) -> None:
    """The tip must hold runs, or be the root: a commit of the code would look like a history without any.

    Raises:
        DamagedRecord: its tree is lost, or is another's.
    """
    if tree is None:
        raise DamagedRecord(f"git cannot read the tree of {what}, {commit.oid}", hint=hint)
    names = [entry.name for entry in parse_tree(tree)]
    is_root = not names and b"\n\ngxt format " in commit.data
    if not is_root and not any(name == "format" or name.startswith("exp-") for name in names):
        subject = commit_headers(commit)[1].partition("\n")[0]
        raise DamagedRecord(
            f"{what} names a commit that is not gxt's: {commit.oid[:10]} {subject}", hint=hint
        )


def _number(following: GitObject | None) -> int | None:
    """The number in the file `next`; None where it tells none that a run can have."""
    text = following.data.strip() if following is not None else b""
    return int(text) if text.isdigit() and len(text) <= 9 and int(text) else None


def first_parents(reader: ObjectReader, tip: str) -> Iterator[GitObject]:
    """An entry and those before it, newest first, as far as git has them.

    `git rev-list A ^B` goes back through all that is dated later than A: through everything, when somebody's
    clock was wrong.
    """
    oid = tip
    while oid:
        commit = reader.read(oid)
        if commit is None or commit.kind != "commit":
            return
        yield commit
        oid = next(iter(commit_headers(commit)[0].get("parent", [])), "")


class Change(NamedTuple):
    """A directory that differs between two tips.

    Attributes:
        path: where it is in the tree.
        number: the run's; None for what is no run: it lies where none belongs, or cannot be opened.
        oid: the id of its tree; None for one that is gone.
        lost: git cannot open this directory of many runs.
    """

    path: str
    number: int | None
    oid: str | None
    lost: bool = False


def changed_folders(reader: ObjectReader, old: str | None, new: str) -> Iterator[tuple[int, str | None]]:
    """Runs whose directory differs between two tips: number and tree id, None for one that is gone."""
    return ((one.number, one.oid) for one in changes(reader, old, new) if one.number is not None)


def changes(reader: ObjectReader, old: str | None, new: str) -> Iterator[Change]:
    """What differs between two tips. Costs what changed: equal shards are not opened."""
    before = reader.tree(old) if old else []
    yield from _compare(reader, "", before, reader.tree(new))


def _compare(
    reader: ObjectReader, folder: str, before: list[TreeEntry], after: list[TreeEntry]
) -> Iterator[Change]:
    known = {entry.name: entry for entry in before}
    present = {entry.name: entry for entry in after}
    for name in dict.fromkeys((*present, *known)):
        old, new = known.get(name), present.get(name)
        if old == new or not name.startswith("exp-"):
            continue
        path = f"{folder}{name}"
        number, oid = parse_run_id(name), new.oid if new else None
        if number is not None and run_path(number) == path:
            yield Change(path, number, oid)
        elif "/" not in name and SHARD.fullmatch(path):  # git takes any name from a fetch
            yield from _compare_shards(reader, path, old, new)
        else:
            yield Change(path, None, oid)


def _compare_shards(
    reader: ObjectReader, path: str, old: TreeEntry | None, new: TreeEntry | None
) -> Iterator[Change]:
    before = reader.tree(old.oid) if old else []
    found = reader.read(new.oid) if new else None
    is_tree = found is not None and found.kind == "tree"
    yield Change(path, None, new.oid if new and not is_tree else None, lost=bool(new and not is_tree))
    yield from _compare(reader, f"{path}/", before, parse_tree(found) if found and is_tree else [])


def open_folders(reader: ObjectReader, folders: list[tuple[int, str]]) -> Iterator[RunFolder]:
    """The directories of runs, opened in one stream."""
    for (number, oid), tree in zip(folders, reader.read_many([oid for _, oid in folders]), strict=True):
        entries = parse_tree(tree) if tree is not None and tree.kind == "tree" else []
        yield RunFolder(number, oid, {entry.name: entry for entry in entries})


def taken_among(reader: ObjectReader, tip: str | None, numbers: Iterable[int]) -> set[int]:
    """Those of the numbers under which an entry has something; each shard is read once."""
    shards: dict[str, list[int]] = {}
    for number in numbers:
        shards.setdefault(run_path(number).rpartition("/")[0], []).append(number)
    found = set[int]()
    for shard, inside in shards.items() if tip else ():
        names = {entry.name for entry in reader.tree(f"{tip}:{shard}")}
        found.update(number for number in inside if run_id(number) in names)
    return found


def is_taken(reader: ObjectReader, tip: Tip, number: int) -> bool:
    """Whether the tip has something under a number, be it readable or not."""
    return bool(taken_among(reader, tip.oid, [number]))


def reserve(reader: ObjectReader, tip: Tip | None, live: Iterable[int]) -> int:
    """The number for a new run: the next one that neither git nor a live run has.

    A tip that was edited by hand may name a next one that is taken: no run is ever written over another.
    """
    taken = set(live)
    number = max([tip.next_number if tip else 1, *(one + 1 for one in taken)])
    if number <= LAST_NUMBER and not (tip and is_taken(reader, tip, number)):
        return number
    return free_number(taken | {one for one, _ in changed_folders(reader, None, tip.oid)} if tip else taken)


def uid_of(reader: ObjectReader, folder: RunFolder) -> str | None:
    """The identity of a run as its commit tells it, whatever became of its documents."""
    entry = folder.entries.get("run")
    commit = reader.read(entry.oid) if entry else None
    return trailers(commit_headers(commit)[1]).get("Run-Uid") if commit else None


def noted_objects(
    reader: ObjectReader, tip: Tip, file: str, *, without: Container[int] = ()
) -> list[tuple[str, str]]:
    """Every run commit with the id of one of its files, where git has that file; of no removed run.

    Args:
        reader: reads the objects.
        tip: the history.
        file: the name of the file.
        without: the numbers of runs that are passed over.
    """
    found = changed_folders(reader, None, tip.oid)
    folders = [(number, oid) for number, oid in found if oid and number not in without]
    noted = [
        (folder.entries["run"].oid, folder.entries[file].oid)
        for folder in open_folders(reader, folders)
        if "run" in folder.entries and file in folder.entries and REMOVED not in folder.entries
    ]
    # git takes no tree that names a blob which is gone: one damaged run must not cost all others their notes
    sizes = reader.sizes(oid for _, oid in noted)
    return [one for one, size in zip(noted, sizes, strict=True) if size is not None]
