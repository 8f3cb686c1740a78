"""The chain of entries that somebody else wrote: where it begins, which run commits it brings, and when."""

from __future__ import annotations

from collections.abc import Mapping

from gxt.errors import DamagedRecord
from gxt.git import process
from gxt.git.objects import ObjectReader, commit_headers
from gxt.git.repository import Repository
from gxt.model.ids import run_path
from gxt.store.chain import ROOT_MESSAGE
from gxt.store.places import EXPERIMENTS
from gxt.store.sync.differing import Opened, open_trees

THEIRS = f"the remote's {EXPERIMENTS}"
MOST_ENTRY_BYTES = 1 << 20
_WORDS = 3  # an entry, the one before it, the run that it brings


def brought(reader: ObjectReader, repository: Repository, base: str | None, theirs: str) -> frozenset[str]:
    """The run commits that their entries since `base` bring.

    Raises:
        DamagedRecord: the entries are no chain that goes on from it.
    """
    entries = _chain(repository, theirs, *([f"^{base}"] if base else []))
    for entry in entries:
        if len(entry) > _WORDS:
            raise DamagedRecord(f"{THEIRS}: {entry[0][:10]} is no entry: it has {len(entry) - 1} parents")
    if entries:
        _check_beginning(reader, base, entries[-1])
    return frozenset(entry[2] for entry in entries if len(entry) == _WORDS)


def as_recorded(
    reader: ObjectReader, repository: Repository, base: str, commits: Mapping[str, int]
) -> dict[int, Opened]:
    """The directories of runs as the newest entry that brought them left them; costs the history of `base`.

    Args:
        reader: reads the objects.
        repository: where they are.
        base: an entry of ours.
        commits: the runs' numbers by their commits.
    """
    found: dict[int, str] = {}
    if not commits:
        return {}
    for entry in _chain(repository, base):
        number = commits.get(entry[2]) if len(entry) == _WORDS else None
        if number is not None:
            found.setdefault(number, f"{entry[0]}:{run_path(number)}")
    return dict(zip(found, open_trees(reader, list(found.values())), strict=True))


def _chain(repository: Repository, *revisions: str) -> list[list[str]]:
    """Entries, the newest first, each with its parents."""
    done = process.attempt(repository.top, ("rev-list", "--first-parent", "--parents", *revisions, "--"))
    if done.returncode != 0:
        raise DamagedRecord(f"the history of {THEIRS} is not whole: {done.stderr.decode(errors='replace')}")
    return [line.split() for line in done.stdout.decode().splitlines()]


def _check_beginning(reader: ObjectReader, base: str | None, oldest: list[str]) -> None:
    if base is not None:
        if oldest[1:2] != [base]:
            raise DamagedRecord(f"{THEIRS} does not go on from {base[:10]}, though it has that entry")
        return
    (size,) = reader.sizes([oldest[0]])
    root = reader.read(oldest[0]) if size and size.size_bytes <= MOST_ENTRY_BYTES else None
    (tree,) = open_trees(reader, [f"{oldest[0]}^{{tree}}"])
    is_root = root is not None and len(oldest) == 1 and commit_headers(root)[1] == ROOT_MESSAGE
    if not is_root or tree != Opened({}):
        raise DamagedRecord(
            f"{THEIRS} begins with {oldest[0][:10]}, which is not how a history of gxt begins"
        )
