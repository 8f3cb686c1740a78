"""What is said of a run that is in git: an entry on top of the history that changes its annotations.

A removed run keeps its number, its commit and its annotations; all else of its directory stays in the past
of the experiments ref, from where a restoration takes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

from gxt.errors import DOCTOR, DamagedRecord, GxtError
from gxt.git import process
from gxt.git.fast_import import Drop, FastImport, Person, Put
from gxt.git.objects import ObjectReader, TreeEntry, commit_headers, trailers
from gxt.git.repository import Repository
from gxt.model.annotations import dump_events, fold, merge, next_at
from gxt.model.codec import FORMAT, dump_document, time_to_json
from gxt.model.ids import new_uid, parse_run_id, run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.store.chain import Chain, Entry, Note, Written, user
from gxt.store.entry import one_line
from gxt.store.journal import now_us
from gxt.store.locks import store_lock
from gxt.store.places import NOTED_FILES
from gxt.store.publish import publish
from gxt.store.reading import ANNOTATIONS, read_annotations
from gxt.store.tree import REMOVED, RunFolder, Tip, open_folders, uid_of


class Saying(NamedTuple):
    """What is to be said of a run: events that have an op and what belongs to it, and all of it in words.

    No events: it is so already, and nothing is written.
    """

    events: Sequence[JsonObject]
    words: str = ""


MakeEvents: TypeAlias = "Callable[[list[JsonObject], int], Saying]"


def amend(
    repository: Repository,
    number: int,
    uid: str,
    make_events: MakeEvents,
) -> bool:
    """Say something of a run that is in git, be it removed or not, by one entry of the history.

    Args:
        repository: where.
        number: the run's.
        uid: its identity.
        make_events: is given what was said so far and the time of the first new event, in microseconds since
            1970; another attempt asks again. The words end the entry's first line, `exp-012 tagged baseline`.

    Returns:
        Whether anything was written.

    Raises:
        StoreBusy: another git process held a lock, moved the refs again and again, or collects garbage.
        GitFailed: git could not write.
        GxtError: the run is not there any more, or what is to come back of it is lost.
    """
    name = new_uid(now_us() // 1000, os.urandom(10))
    amending = _Amending(repository, name, number, uid, make_events, user(repository))
    with store_lock(repository):
        written = publish(
            repository,
            amending.write,
            name=name,
            what=f"{run_id(number)} could not be changed",
            reason=f"gxt: about {run_id(number)}",
            hint="nothing was changed: try again",
        )
    return written is not None


class _Amending(NamedTuple):
    repository: Repository
    name: str
    number: int
    uid: str
    make_events: MakeEvents
    person: Person

    def write(self, reader: ObjectReader, tip: Tip | None, *, rebuild_notes: bool) -> Written | None:
        """The entry, on temporary refs; None when there is nothing to say."""
        folder = _folder(reader, tip, self.number, self.uid)
        present = read_annotations(reader, folder)
        at_us = next_at(present, now_us())
        said = self.make_events(present, at_us)
        if not said.events:
            return None
        events = merge(present, stamped(said.events, at_us, self.person))
        with FastImport(self.repository.top) as importer:
            chain = Chain(self.repository, importer, reader, tip, self.name)
            chain.add(self._entry(importer, reader, tip, folder, events, said.words))
            chain.write_notes(rebuild=rebuild_notes)
        return chain.written()

    def _entry(
        self,
        importer: FastImport,
        reader: ObjectReader,
        tip: Tip | None,
        folder: RunFolder,
        events: Sequence[JsonObject],
        words: str,
    ) -> Entry:
        said, place = importer.blob(dump_events(events)), run_path(self.number)
        commit, removed = folder.entries["run"].oid, fold(events).removed
        puts: tuple[Put | Drop, ...] = ()
        documents: dict[str, str | None] = {ANNOTATIONS: said}
        if removed:
            mark = importer.blob(removed_document(self.uid, removed[-1]))
            puts = removed_puts(place, commit, mark)
            documents = dict.fromkeys(NOTED_FILES.values())
        elif REMOVED in folder.entries:
            tree, entries = recorded(self.repository, reader, tip, self.uid)
            puts = (Drop(place), Put("040000", tree, place))
            documents = {name: entries[name].oid for name in NOTED_FILES.values() if name in entries}
            documents[ANNOTATIONS] = said
        return Entry(
            message=f"{run_id(self.number)} {one_line(words)}\n\nRun-Uid: {self.uid}\n",
            author=self.person,
            committer=self.person,
            puts=(*puts, Put("100644", said, f"{place}/{ANNOTATIONS}")),
            notes=tuple(
                Note(what, commit, documents[file]) for what, file in NOTED_FILES.items() if file in documents
            ),
        )


def stamped(events: Sequence[JsonObject], at_us: int, person: Person) -> list[JsonObject]:
    """The events with ids, times and author; a millisecond apart, which keeps their order."""
    by: JsonObject = {"name": person.name, "email": person.email}
    return [
        {
            "id": new_uid(at_us // 1000 + i, os.urandom(10)),
            "at": time_to_json(at_us + 1000 * i),
            "by": by,
            **event,
        }
        for i, event in enumerate(events)
    ]


def removed_document(uid: str, event: JsonObject) -> bytes:
    """What `removed.json` holds of a run that an event has removed."""
    return dump_document({"gxt": FORMAT, "uid": uid, "at": event["at"], "by": event["by"]})


def removed_puts(place: str, commit: str, document: str) -> tuple[Put | Drop, ...]:
    """Leave of a run's directory what stays of one that was removed, but for its annotations.

    Args:
        place: the directory.
        commit: the id of the run commit.
        document: the id or the mark of `removed.json`.
    """
    return (
        Drop(place),
        Put("160000", commit, f"{place}/run"),
        Put("100644", document, f"{place}/{REMOVED}"),
    )


def recorded(
    repository: Repository, reader: ObjectReader, tip: Tip | None, uid: str
) -> tuple[str, dict[str, TreeEntry]]:
    """The directory of a run as it was recorded: the id of its tree, and its entries by name.

    What its annotations were then may be less than what was said since.

    Raises:
        DamagedRecord: no entry of the history has it, or git has lost it.
    """
    assert tip is not None
    words = ("--first-parent", "--min-parents=2", "--fixed-strings", f"--grep=Run-Uid: {uid}", tip.oid)
    for oid in process.run(repository.top, ("rev-list", *words)).decode().split():
        entry = reader.read(oid)
        message = commit_headers(entry)[1] if entry else ""
        if trailers(message).get("Run-Uid") != uid:
            continue
        number = parse_run_id(message.partition(" ")[0])
        tree = reader.read(f"{oid}:{run_path(number)}") if number is not None else None
        entries = {one.name: one for one in reader.tree(tree.oid)} if tree else {}
        if tree and "config.json" in entries and "run" in entries:
            return tree.oid, entries
    raise DamagedRecord("git cannot read what was removed: its entry is lost", hint=DOCTOR)


def _folder(reader: ObjectReader, tip: Tip | None, number: int, uid: str) -> RunFolder:
    """The directory of the run as it is at the tip."""
    found = reader.read(f"{tip.oid}:{run_path(number)}") if tip else None
    folder = next(open_folders(reader, [(number, found.oid)])) if found else None
    if folder is None or uid_of(reader, folder) != uid:
        raise GxtError(f"{run_id(number)} is another run by now", hint="see gxt list, and try again")
    return folder
