"""Entries on top of the history, and the notes that show them: written in one stream, onto temporary refs.

Nothing is published here: who has looked whether git has it all moves the refs (`gxt.store.seal`).
"""

from __future__ import annotations

import time
from collections.abc import Container, Mapping, Sequence

from gxt.git.fast_import import Drop, FastImport, Person, Put
from gxt.git.objects import GitObject, ObjectReader, commit_headers, trailers
from gxt.git.refs import RefUpdate
from gxt.git.repository import Repository, configured_identity, guessed_identity, user_settings
from gxt.model.codec import FORMAT
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.store.places import EXPERIMENTS, NOTED_FILES, NOTES, temporary_ref
from gxt.store.tree import Tip, noted_objects

# The root of every history, the same id in every clone.
_ROOT_PERSON = Person("gxt", "gxt@localhost", 0, "+0000")
ROOT_MESSAGE = "The experiments of this repository\n\ngxt format 1\n"


class Note(NamedTuple):
    """A note that an entry brings: on which commit, and which object; none takes it away.

    Attributes:
        what: `config`, `metrics` or `annotations`.
        commit: the run commit's id.
        target: the id or the mark of the document.
    """

    what: str
    commit: str
    target: str | None


class Entry(NamedTuple):
    """A step of the history: what `git log --first-parent refs/gxt/experiments` shows, and what it changes.

    Attributes:
        message: as `git log` shows it.
        author, committer: who and when.
        puts: what changes in the tree, besides `format` and `next`.
        following: a number that is free after it; `next` never goes back.
        run: the id or the mark of the run commit that it brings.
        notes: what changes in the notes.
    """

    message: str
    author: Person
    committer: Person
    puts: tuple[Put | Drop, ...]
    following: int = 1
    run: str = ""
    notes: tuple[Note, ...] = ()


class Made(NamedTuple):
    """A commit of this stream: fast-import knows it by its mark alone until the stream ends."""

    mark: str
    oid: str


class Over(NamedTuple):
    """What another history replaces: ours, when a remote's has come.

    Attributes:
        old: what the experiments ref names; empty where there is none.
        notes: where the notes are that show the tip to build on, as refs.
        replaced: where the notes are that are to be replaced.
        anew: these, and what they have shown before, are to be left behind.
    """

    old: str
    notes: Mapping[str, str]
    replaced: Mapping[str, str] = NOTES
    anew: bool = False


class Written(NamedTuple):
    """Objects that are in git but not published.

    Attributes:
        entry: the move of the experiments ref, with which they count.
        notes: the refs that should move with it, and are made up for later when they cannot.
        protecting: the end of the refs that keep the objects from gc until then.
        known: commits that were there before, on which the new ones build.
        run: the run as JSON, where one was sealed.
    """

    entry: RefUpdate
    notes: tuple[RefUpdate, ...]
    protecting: tuple[RefUpdate, ...]
    known: tuple[str, ...]
    run: JsonObject

    def commits(self) -> tuple[str, ...]:
        """The new commits that lead to everything that was written."""
        return tuple(str(move.new) for move in (self.entry, *self.notes))


class Chain:
    """Entries on top of a tip, in one fast-import stream.

    Args:
        repository: where.
        importer: the stream.
        reader: reads what is there.
        tip: the entry to build on; None where nothing was ever recorded.
        name: of the temporary refs; who writes at the same time has another one.
        over: what our own refs name, where the chain is not built on that.
    """

    def __init__(
        self,
        repository: Repository,
        importer: FastImport,
        reader: ObjectReader,
        tip: Tip | None,
        name: str,
        *,
        over: Over | None = None,
    ) -> None:
        self._repository = repository
        self._importer = importer
        self._reader = reader
        self._tip = tip
        self._over = over or Over(tip.oid if tip else "", NOTES)
        self._name = name
        self._last = Made(tip.oid, tip.oid) if tip else None
        self._next = tip.next_number if tip else 1
        self._entries: list[Entry] = []
        self._notes: list[RefUpdate] = []
        self._temporary: dict[str, None] = {}

    def commit(
        self,
        what: str,
        *,
        author: Person,
        committer: Person,
        message: str,
        parents: Sequence[str],
        puts: Sequence[Put | Drop],
        clear: bool = False,
    ) -> Made:
        """Write a commit on a temporary ref."""
        ref = temporary_ref(self._name, what)
        mark = self._importer.commit(
            ref,
            author=author,
            committer=committer,
            message=message,
            parents=parents,
            puts=puts,
            clear=clear,
        )
        self._temporary[ref] = None
        return Made(mark, self._importer.oid(mark))

    def add(self, entry: Entry) -> str:
        """Write an entry on top of the last one; its id."""
        if self._last is None:
            self._last = self.commit(
                "root",
                author=_ROOT_PERSON,
                committer=_ROOT_PERSON,
                message=ROOT_MESSAGE,
                parents=[],
                puts=[],
            )
        self._next = max(self._next, entry.following)
        beside = [
            Put("100644", self._importer.blob(b"%d\n" % FORMAT), "format"),
            Put("100644", self._importer.blob(b"%d\n" % self._next), "next"),
        ]
        self._last = self.commit(
            "entry",
            author=entry.author,
            committer=entry.committer,
            message=entry.message,
            parents=[self._last.mark, *([entry.run] if entry.run else [])],
            puts=[*beside, *entry.puts],
        )
        self._entries.append(entry)
        return self._last.oid

    def keep_used(self, following: int) -> None:
        """Write an entry that says which number is free, where numbers were used that no run has now."""
        if self._next < following:
            person = user(self._repository)
            self.add(Entry(f"the next free number is {following}\n", person, person, (), following))

    def write_notes(self, *, rebuild: bool = False, without: Container[int] = ()) -> None:
        """Write the notes of what was added; those of every run where the present ones lag, or `rebuild`.

        Args:
            rebuild: write them all, whatever is there.
            without: the numbers of runs at the tip that have none.
        """
        for what in NOTES:
            move = self._write_notes(what, rebuild=rebuild, without=without)
            if move is not None:
                self._notes.append(move)

    def _write_notes(self, what: str, *, rebuild: bool, without: Container[int]) -> RefUpdate | None:
        """The move of one notes ref; None when there is nothing to say.

        A tip that does not show the present entry (it lags, is damaged, or somebody else wrote it) is rebuilt
        whole as a child of itself, so that a note edited by hand stays in its history.
        """
        assert self._last is not None
        ours = self._reader.read(self._over.replaced[what])
        old = ours.oid if ours is not None else ""
        present = self._reader.read(self._over.notes[what]) or (None if self._over.anew else ours)
        tip = self._tip.oid if self._tip else ""
        is_commit = present is not None and present.kind == "commit"
        current = present is not None and is_commit and not rebuild and shows(present, tip)
        notes = {
            note.commit: note.target for entry in self._entries for note in entry.notes if note.what == what
        }
        if present is not None and current and not self._entries:
            return RefUpdate(NOTES[what], present.oid, old)
        # else every run would walk the whole history; every run has the other two notes
        looks_back = bool(present or notes or rebuild or not (self._entries or what == "annotations"))
        if not current and looks_back and self._tip is not None:
            found = noted_objects(self._reader, self._tip, NOTED_FILES[what], without=without)
            notes = {**dict(found), **notes}
        if not present and not any(notes.values()) and not (ours and self._over.anew):
            return None
        new = self.commit(
            what,
            author=self._people()[0],
            committer=self._people()[1],
            message=notes_message(what, self._last.oid),
            parents=[present.oid] if present is not None and is_commit else [],
            puts=[_note(commit, target) for commit, target in notes.items() if current or target],
            clear=not current,
        )
        return RefUpdate(NOTES[what], new.oid, old)

    def _people(self) -> tuple[Person, Person]:
        """Author and committer of the last entry."""
        if self._entries:
            return self._entries[-1].author, self._entries[-1].committer
        found = self._reader.read(self._tip.oid) if self._tip else None
        return people(found) if found else (_ROOT_PERSON, _ROOT_PERSON)

    def written(
        self, *, known: Sequence[str] = (), letting_go: Sequence[str] = (), run: JsonObject | None = None
    ) -> Written:
        """What is to be published, when the stream has ended.

        Args:
            known: commits that were there before, besides those that the refs name.
            letting_go: refs that are to be deleted with the temporary ones.
            run: for who published it.
        """
        assert self._last is not None
        zero = self._repository.zero
        old = self._over.old
        base = self._tip.oid if self._tip else ""
        notes = [move._replace(old=move.old or zero) for move in self._notes if move.new != move.old]
        return Written(
            entry=RefUpdate(EXPERIMENTS, self._last.oid, old or zero),
            notes=tuple(notes),
            protecting=tuple(RefUpdate(ref, None) for ref in (*self._temporary, *letting_go)),
            known=tuple(filter(None, (old, base, *known, *(move.old for move in self._notes)))),
            run=run or {},
        )


def people(commit: GitObject) -> tuple[Person, Person]:
    """Author and committer of a commit, with their times."""
    headers, _ = commit_headers(commit)
    return _person(headers.get("author", [""])[0]), _person(headers.get("committer", [""])[0])


def _person(line: str) -> Person:
    """A person from a commit's header: `Name <email> seconds offset`."""
    name, _, rest = line.partition(" <")
    email, _, when = rest.rpartition("> ")
    at_s, _, offset = when.partition(" ")
    return Person(name, email, int(at_s) if at_s.isdigit() else 0, offset or "+0000")


def user(repository: Repository) -> Person:
    """Who works here, now."""
    name, email = configured_identity(user_settings(repository)) or guessed_identity(repository)
    return Person(name, email, int(time.time()), time.strftime("%z"))


def notes_message(what: str, entry: str) -> str:
    """The message of a notes commit that shows an entry."""
    return f"{what} of every run\n\nExperiments: {entry}\n"


def shows(notes: GitObject, entry: str) -> bool:
    """Whether notes, by their own word, are those of an entry."""
    return trailers(commit_headers(notes)[1]).get("Experiments") == entry


def noted_path(commit: str) -> str:
    """Where the note on a commit is in the tree of a notes ref."""
    return f"{commit[:2]}/{commit[2:]}"


def _note(commit: str, target: str | None) -> Put | Drop:
    path = noted_path(commit)
    return Drop(path) if target is None else Put("100644", target, path)
