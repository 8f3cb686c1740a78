"""Removed runs that nobody else has: the part of the history that no remote has is written anew without them.

What a remote has, or may have, stays as it is. Nobody is asked: what counts is what was seen there.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress

from gxt.errors import DamagedRecord
from gxt.git import process
from gxt.git.collecting import size_on_disk
from gxt.git.fast_import import FastImport
from gxt.git.objects import ObjectReader, commit_headers
from gxt.git.refs import list_refs
from gxt.git.repository import Repository
from gxt.named_tuple import NamedTuple
from gxt.store.amend import recorded
from gxt.store.chain import Chain, Over, Written, shows, user
from gxt.store.places import NOTES, REMOTE_REFS
from gxt.store.publish import publish
from gxt.store.sync.exchange import unpublished
from gxt.store.sync.merge import Merged, Pending, common_entry, since, steps, write_left_out, write_pending
from gxt.store.sync.tracking import goes_on
from gxt.store.tree import REMOVED, Tip, first_parents, tip_at

_NOTED = "|".join(NOTES)
_OF_A_REMOTE = re.compile(
    rf"{REMOTE_REFS}/(.+?)/(experiments|incoming|notes/(?:{_NOTED})|"
    rf"outgoing/(?:gxt/experiments|notes/gxt/(?:{_NOTED})))"
)
_TIPS = frozenset(("experiments", "incoming"))
_SENT = "outgoing/gxt/experiments"
_WITH_A_RUN = 3  # words: an entry, the one before it, the run that it brings


class Seen(NamedTuple):
    """What was seen of the remotes: the refs of each, by what they are, each with its object.

    Attributes:
        refs: `experiments`, `incoming`, `notes/…`, `outgoing/…` by the names of the remotes.
        unsettled: the remotes to which a push was begun of which nobody here has seen the end.
    """

    refs: Mapping[str, Mapping[str, str]]
    unsettled: tuple[str, ...]

    def settled(self) -> list[str]:
        """The histories that there are elsewhere."""
        return [oid for of in self.refs.values() for what, oid in of.items() if what in _TIPS]

    def sent(self) -> list[str]:
        """The histories that there may be elsewhere."""
        return [self.refs[remote][_SENT] for remote in self.unsettled]


def look_at_remotes(repository: Repository, reader: ObjectReader) -> Seen:
    """What is known here of the remotes, also of those that git's config no longer names."""
    refs: dict[str, dict[str, str]] = {}
    for ref, oid in list_refs(repository.top, REMOTE_REFS).items():
        if (match := _OF_A_REMOTE.fullmatch(ref)) and reader.read(oid) is not None:
            refs.setdefault(match[1], {})[match[2]] = oid
    unsettled = [remote for remote, of in refs.items() if not _is_settled(reader, of)]
    return Seen(refs, tuple(unsettled))


def _is_settled(reader: ObjectReader, refs: Mapping[str, str]) -> bool:
    sent, seen = refs.get(_SENT), refs.get("experiments")
    return sent is None or (seen is not None and goes_on(reader, seen, sent))


class Freeable(NamedTuple):
    """Removed runs that need not be kept.

    Attributes:
        runs: those that no remote has.
        doubtful: those that a remote may have; a push tells.
        base: the newest entry that a remote has, or may have.
        merged: what we have beyond it.
    """

    runs: tuple[Pending, ...] = ()
    doubtful: tuple[Pending, ...] = ()
    base: str | None = None
    merged: Merged = Merged(())


def freeable(repository: Repository, reader: ObjectReader, ours: Tip | None) -> Freeable:
    """The removed runs that need not be kept.

    Raises:
        DamagedRecord: a run of ours cannot be read, and would be missing in a new history.
    """
    if ours is None:
        return Freeable()
    seen = look_at_remotes(repository, reader)
    settled, sent = seen.settled(), seen.sent()
    base = _newest(reader, ours.oid, settled)
    merged = unpublished(repository, reader, ours, base)
    known, maybe = _brought(repository, settled), _brought(repository, sent)
    removed = [one for one in merged.pending if one.is_new and REMOVED in one.folder.entries]
    secret = [one for one in removed if _commit(one) not in known]
    runs = tuple(one for one in secret if _commit(one) not in maybe)
    if runs and sent:
        base = _newest(reader, ours.oid, [*settled, *sent])
        merged = unpublished(repository, reader, ours, base)
    return Freeable(runs, tuple(one for one in secret if _commit(one) in maybe), base, merged)


def _commit(one: Pending) -> str:
    return one.folder.entries["run"].oid


def _newest(reader: ObjectReader, ours: str, tips: Sequence[str]) -> str | None:
    """The newest entry of ours that one of the others has."""
    common = {common_entry(reader, ours, tip) for tip in tips}
    return next((entry.oid for entry in first_parents(reader, ours) if entry.oid in common), None)


def _brought(repository: Repository, tips: Sequence[str]) -> frozenset[str]:
    """The commits of the runs that histories bring."""
    if not tips:
        return frozenset()
    words = ("rev-list", "--first-parent", "--parents", *tips, "--")
    entries = [line.split() for line in process.run(repository.top, words).decode().splitlines()]
    return frozenset(entry[2] for entry in entries if len(entry) == _WITH_A_RUN)


def _before(reader: ObjectReader, ours: str, base: str | None, commits: Container[str]) -> str | None:
    """The newest entry of ours that knows nothing yet of the runs with these commits."""
    found = base
    for entry in since(reader, ours, base):
        parents = commit_headers(entry)[0].get("parent", [])
        if len(parents) > 1 and parents[1] in commits:
            found = parents[0]
    return found


def freed_bytes(
    repository: Repository, reader: ObjectReader, ours: Tip | None, found: Freeable
) -> int | None:
    """What the runs take on disk that nothing else needs; None where git cannot tell."""
    gone = {one.uid for one in found.runs}
    wanted = [_commit(one) for one in found.runs]
    with suppress(DamagedRecord):
        wanted += [recorded(repository, reader, ours, one.uid)[0] for one in found.runs]
    kept = [one.folder for one in found.merged.pending if one.uid not in gone]
    without = [oid for folder in kept for oid in (folder.oid, folder.entries["run"].oid)]
    return size_on_disk(repository, wanted, [*without, *([found.base] if found.base else [])])


def free(repository: Repository, uids: Container[str]) -> tuple[str, ...]:
    """Write our part of the history anew without runs; the uids of those that were freed.

    What a remote has by now, or may have, is passed over. Their numbers stay used. Call it with the store's
    lock.

    Raises:
        StoreBusy, GitFailed: nothing could be written now, and nothing has changed.
        DamagedRecord: a run of ours cannot be read, and would be missing.
    """
    freeing = _Freeing(repository, uids)
    publish(
        repository,
        freeing.write,
        name="gc",
        what="the removed runs could not be freed",
        reason="gxt: gc",
        hint="nothing was changed: try again",
    )
    return tuple(freeing.freed)


class _Freeing:
    """One attempt after the other; each looks at ours as it is by then."""

    def __init__(self, repository: Repository, uids: Container[str]) -> None:
        self._repository = repository
        self._uids = uids
        self.freed: list[str] = []

    def write(self, reader: ObjectReader, tip: Tip | None, *, rebuild_notes: bool) -> Written | None:  # noqa: ARG002 they are always
        """Ours without the runs, on top of what came before them; None when there is none to free."""
        found = freeable(self._repository, reader, tip)
        gone = [one for one in found.runs if one.uid in self._uids]
        self.freed = [one.uid for one in gone]
        if not gone or tip is None:
            return None
        start = _before(reader, tip.oid, found.base, {_commit(one) for one in gone})
        merged = unpublished(self._repository, reader, tip, start)
        base = tip_at(reader, start) if start else None
        over = Over(tip.oid, self._notes_at(reader, found.base), anew=True)
        with FastImport(self._repository.top) as importer:
            chain = Chain(self._repository, importer, reader, base, "gc", over=over)
            if merged.kept_out:
                write_left_out(chain, reader, user(self._repository), tip.oid, start, merged.kept_out)
            for one in merged.pending:
                for step in steps(self._repository, reader, tip, one) if one.uid not in self.freed else ():
                    write_pending(chain, importer, step)
            chain.keep_used(tip.next_number)
            chain.write_notes(rebuild=True)
        return chain.written()

    def _notes_at(self, reader: ObjectReader, base: str | None) -> dict[str, str]:
        """The notes to build on: those of a remote that show what it has, else none."""
        remotes = look_at_remotes(self._repository, reader).refs if base else {}
        found = dict.fromkeys(NOTES, self._repository.zero)
        for refs in remotes.values():
            for what in NOTES:
                notes = reader.read(refs.get(f"notes/{what}", self._repository.zero))
                if notes is not None and notes.kind == "commit" and base and shows(notes, base):
                    found[what] = notes.oid
        return found
