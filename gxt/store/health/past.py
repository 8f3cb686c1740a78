"""The chain of entries behind the experiments ref, and what else remembers an entry: notes, index, reflog,
packed refs.

An entry is proven when its chain leads down to the root that every history begins with.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress

from gxt.git.objects import ObjectReader, commit_headers, trailers
from gxt.git.repository import Repository
from gxt.model.ids import parse_run_id, run_id
from gxt.named_tuple import NamedTuple
from gxt.store.chain import ROOT_MESSAGE
from gxt.store.health.finding import REPAIR, Finding
from gxt.store.health.index_file import open_index
from gxt.store.health.refs import Refs
from gxt.store.places import EXPERIMENTS, NOTES


class Entry(NamedTuple):
    """An entry that adds a run: its id, the run's number and uid, the run commit."""

    oid: str
    number: int
    uid: str
    commit: str


class Chain(NamedTuple):
    """What lies behind an entry.

    Attributes:
        tip: the entry.
        oids: of all commits of the chain, newest first.
        entries: those that add a run, newest first.
        end: why the chain ends: empty at the root, else in words.
        formatted: whether the tip says which format it has, as every entry does.
    """

    tip: str
    oids: tuple[str, ...]
    entries: tuple[Entry, ...]
    end: str
    formatted: bool


class Past(NamedTuple):
    """What is known of the history.

    Attributes:
        refs: as they are.
        chain: what the experiments ref names; None when it names no commit, or is not there.
        newest: the longest proven chain that something remembers; None when there is none.
        others: every other proven chain that holds runs which `chain` lacks.
    """

    refs: Refs
    chain: Chain | None
    newest: Chain | None
    others: tuple[Chain, ...]


def read_past(repository: Repository, reader: ObjectReader, refs: Refs) -> Past:
    """What the experiments ref names, and what else remembers an entry."""
    named = refs.named.get(EXPERIMENTS)
    chain = read_chain(reader, named) if named else None
    seen = set(chain.oids) if chain and not chain.end else set[str]()
    newest, others = (chain if chain and not chain.end else None), list[Chain]()
    for oid in _remembered(repository, reader, refs):
        if oid in seen:
            continue
        other = read_chain(reader, oid)
        if other is None or other.end:
            continue
        seen.update(other.oids)
        others.append(other)
        if newest is None or len(other.oids) > len(newest.oids):
            newest = other
    return Past(refs, chain, newest, _lacking(chain, others))


def _lacking(chain: Chain | None, others: Iterable[Chain]) -> tuple[Chain, ...]:
    """The chains that have added runs which one has not."""
    known = {entry.uid for entry in chain.entries} if chain else set()
    return tuple(other for other in others if any(entry.uid not in known for entry in other.entries))


def is_wrong(past: Past) -> bool:
    """Whether a better entry is known than what the experiments ref names: none, or one before it."""
    if past.newest is None:
        return False
    if past.chain is None or not is_entry(past.chain):
        return True
    return past.newest is not past.chain and past.chain.tip in past.newest.oids


def believed(past: Past) -> Past:
    """The past as it is with the experiments ref repaired: what follows from its damage is not told twice."""
    if not is_wrong(past):
        return past
    return past._replace(chain=past.newest, others=_lacking(past.newest, past.others))


def read_chain(reader: ObjectReader, oid: str) -> Chain | None:
    """What lies behind a commit; None when it is none."""
    oids, entries, end = list[str](), list[Entry](), ""
    following: str | None = oid
    while following:
        commit = reader.read(following)
        if commit is None or commit.kind != "commit":
            end = f"{following} is missing"
            break
        headers, message = commit_headers(commit)
        oids.append(commit.oid)
        parents = headers.get("parent", [])
        number, uid = parse_run_id(message.partition(" ")[0]), trailers(message).get("Run-Uid")
        if number is not None and uid and len(parents) > 1:
            entries.append(Entry(commit.oid, number, uid, parents[1]))
        following = parents[0] if parents else None
        if following is None and message != ROOT_MESSAGE:
            end = f"{commit.oid} is not the entry that every history begins with"
    formatted = bool(oids) and reader.read(f"{oid}:format") is not None
    return Chain(oid, tuple(oids), tuple(entries), end, formatted) if oids else None


def is_entry(chain: Chain) -> bool:
    """Whether the tip of a chain is an entry of gxt, whatever became of those before it."""
    return chain.formatted or not chain.end


def _remembered(repository: Repository, reader: ObjectReader, refs: Refs) -> Iterator[str]:
    """Entries that the experiments ref may have named, likely ones first."""
    for ref in NOTES.values():
        yield from _noted(reader, refs.named.get(ref))
    with suppress(OSError):  # a damaged file hides what git had packed before
        for line in (repository.common_dir / "packed-refs").read_text(errors="replace").splitlines():
            oid, _, ref = line.partition(" ")
            if ref == EXPERIMENTS:
                yield oid
    with suppress(sqlite3.Error), closing(open_index(repository)) as index:
        yield from (row[0] for row in index.execute("SELECT value FROM state WHERE key = 'tip'"))
    zero = repository.zero
    with suppress(OSError):
        log = (repository.common_dir / "logs" / EXPERIMENTS).read_text(errors="replace")
        for line in reversed(log.splitlines()):
            yield from (oid for oid in reversed(line.split(" ")[:2]) if oid != zero and _is_id(oid, zero))


def _noted(reader: ObjectReader, following: str | None) -> Iterator[str]:
    """The entries that a notes ref has ever shown; commits by other hands tell none."""
    while following:
        note = reader.read(following)
        if note is None or note.kind != "commit":
            return
        headers, message = commit_headers(note)
        oid = trailers(message).get("Experiments")
        if oid:
            yield oid
        following = headers["parent"][0] if headers.get("parent") else None


def _is_id(text: str, zero: str) -> bool:
    return len(text) == len(zero) and set(text) <= set("0123456789abcdef")


def check_past(past: Past) -> Iterator[Finding]:
    """Whether the experiments ref names the newest entry of a whole history."""
    refs, chain, newest = past.refs, past.chain, past.newest
    if EXPERIMENTS in refs.symbolic:
        yield Finding(
            "experiments-symbolic",
            f"{EXPERIMENTS} stands for {refs.symbolic[EXPERIMENTS]}: the next run would move that",
            f"{REPAIR} makes it a ref of its own",
            True,
        )
    if chain is None or not is_entry(chain):
        yield from _lost(past)
    elif chain.end:
        yield Finding(
            "history-cut",
            f"the history of the runs is not whole: {chain.end}",
            "if another clone has it: git fetch --unshallow, or fetch its refs/gxt/*",
        )
    elif newest is not None and is_wrong(past):
        yield Finding(
            "experiments-behind",
            f"{EXPERIMENTS} was moved back from {_named(newest)} to {_named(chain)}",
            f"{REPAIR} moves it forward again",
            True,
        )


def _lost(past: Past) -> Iterator[Finding]:
    """The experiments ref names no entry, though it should."""
    refs, newest = past.refs, past.newest
    if EXPERIMENTS in refs.broken:
        said = refs.broken[EXPERIMENTS].strip("\0\n ")
        what = f"{EXPERIMENTS} is damaged: its file {f'says {said[:60]!r}' if said else 'is empty'}"
    elif past.chain is not None:
        what = f"{EXPERIMENTS} names {past.chain.tip}, which is no entry of gxt"
    elif EXPERIMENTS in refs.named:
        what = f"{EXPERIMENTS} names {refs.named[EXPERIMENTS]}, which is no commit or is missing"
    elif newest is not None:
        what = f"{EXPERIMENTS} is gone"
    else:
        return  # nothing was ever recorded
    if newest is None:
        hint = "nothing here remembers an entry: fetch refs/gxt/* from a clone, or git fsck --lost-found"
        if EXPERIMENTS in refs.named:
            hint = "copy .git/objects of a clone or a backup that has it over these"
        yield Finding("experiments-lost", what, hint)
    else:
        yield Finding("experiments-lost", what, f"{REPAIR} puts it back to {_named(newest)}", True)


def _named(chain: Chain) -> str:
    last = f" ({run_id(chain.entries[0].number)})" if chain.entries else ""
    return f"{chain.tip[:10]}{last}"
