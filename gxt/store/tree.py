"""Reading the tree of the experiments ref: its tip, its runs, what changed between two tips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gxt.errors import DamagedRecord, NewerFormat
from gxt.git import process
from gxt.git.objects import ObjectReader, TreeEntry, commit_headers, parse_tree, trailers
from gxt.model.codec import FORMAT
from gxt.model.ids import parse_run_id
from gxt.store.places import EXPERIMENTS


class Tip(NamedTuple):
    """The newest entry of the experiments ref."""

    oid: str
    next_number: int


class RunFolder(NamedTuple):
    """One run's directory: its number, the id of its tree, and its entries by name."""

    number: int
    oid: str
    entries: dict[str, TreeEntry]


def read_tip(reader: ObjectReader) -> Tip | None:
    """The tip, or None where nothing was ever recorded.

    Raises:
        NewerFormat: a newer gxt wrote it.
        DamagedRecord: the ref is there and names nothing.
    """
    commit = reader.read(EXPERIMENTS)
    if commit is None:
        _check_absent(reader)
        return None
    version, following = reader.read_many([f"{commit.oid}:format", f"{commit.oid}:next"])
    if version is not None and version.data.strip() != b"%d" % FORMAT:
        raise NewerFormat(EXPERIMENTS, version.data[:20].decode(errors="replace").strip())
    if following is not None and following.data.strip().isdigit():
        return Tip(commit.oid, int(following.data))
    numbers = [number for number, _ in changed_folders(reader, None, commit.oid)]
    return Tip(commit.oid, max(numbers, default=0) + 1)


def _check_absent(reader: ObjectReader) -> None:
    """An empty ref, or one to a missing commit, must not look like a repository without runs."""
    done = process.attempt(reader.directory, ("for-each-ref", EXPERIMENTS))
    if done.returncode != 0 or done.stdout or done.stderr:
        raise DamagedRecord(
            f"{EXPERIMENTS} names no commit",
            hint=f"git reflog show {EXPERIMENTS} tells the last ones: git update-ref {EXPERIMENTS} ID",
        )


def changed_folders(reader: ObjectReader, old: str | None, new: str) -> Iterator[tuple[int, str | None]]:
    """Runs whose directory differs between two tips: number and tree id, None for one that is gone.

    Costs what changed: equal shards are not opened.
    """
    before = reader.tree(old) if old else []
    yield from _compare(reader, before, reader.tree(new))


def _compare(
    reader: ObjectReader, before: list[TreeEntry], after: list[TreeEntry]
) -> Iterator[tuple[int, str | None]]:
    known = {entry.name: entry.oid for entry in before}
    for entry in after:
        if entry.mode != "40000" or known.get(entry.name) == entry.oid:
            continue
        number = parse_run_id(entry.name)
        if number is not None:
            yield number, entry.oid
        elif entry.name.startswith("exp-"):
            old = known.get(entry.name)
            yield from _compare(reader, reader.tree(old) if old else [], reader.tree(entry.oid))
    left = {entry.name for entry in after}
    for name, oid in known.items():
        number = parse_run_id(name)
        if name not in left and number is not None:
            yield number, None
        elif name not in left and name.startswith("exp-"):
            yield from _compare(reader, reader.tree(oid), [])


def open_folders(reader: ObjectReader, folders: list[tuple[int, str]]) -> Iterator[RunFolder]:
    """The directories of runs, opened in one stream."""
    for (number, oid), tree in zip(folders, reader.read_many([oid for _, oid in folders]), strict=True):
        if tree is not None and tree.kind == "tree":
            yield RunFolder(number, oid, {entry.name: entry for entry in parse_tree(tree)})


def uid_of(reader: ObjectReader, folder: RunFolder) -> str | None:
    """The identity of a run as its commit tells it, whatever became of its documents."""
    entry = folder.entries.get("run")
    commit = reader.read(entry.oid) if entry else None
    return trailers(commit_headers(commit)[1]).get("Run-Uid") if commit else None


def noted_objects(reader: ObjectReader, tip: Tip, file: str) -> list[tuple[str, str]]:
    """Every run commit with the id of one of its files, where the run has that file."""
    folders = [(number, oid) for number, oid in changed_folders(reader, None, tip.oid) if oid]
    return [
        (folder.entries["run"].oid, folder.entries[file].oid)
        for folder in open_folders(reader, folders)
        if "run" in folder.entries and file in folder.entries
    ]
