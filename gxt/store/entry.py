"""The objects of one sealed run: its commit, the entry that adds it to the history, and the notes.

Everything is written by one fast-import onto temporary refs; nothing is published here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gxt.git.fast_import import FastImport, Person, Put
from gxt.git.objects import ObjectReader, commit_headers, trailers
from gxt.git.refs import RefUpdate
from gxt.git.repository import Repository
from gxt.model.codec import FORMAT
from gxt.model.events import Folded
from gxt.model.goals import main_metric
from gxt.model.ids import run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.model.run import metrics_of, title
from gxt.store.places import EXPERIMENTS, NOTED_FILES, NOTES, live_ref, temporary_ref
from gxt.store.tree import Tip, noted_objects

# The root of every history, the same id in every clone.
_ROOT_PERSON = Person("gxt", "gxt@localhost", 0, "+0000")
ROOT_MESSAGE = "The experiments of this repository\n\ngxt format 1\n"


class Written(NamedTuple):
    """Objects that are in git but not published.

    Attributes:
        entry: the move of the experiments ref, with which the run exists.
        notes: the refs that should move with it, and are made up for later when they cannot.
        protecting: the end of the refs that keep the objects from gc until then.
        run: the run as JSON.
        known: commits that were there before, on which the new ones build.
    """

    entry: RefUpdate
    notes: tuple[RefUpdate, ...]
    protecting: tuple[RefUpdate, ...]
    run: JsonObject
    known: tuple[str, ...]

    def commits(self) -> tuple[str, ...]:
        """The new commits that lead to everything that was written."""
        return tuple(str(move.new) for move in (self.entry, *self.notes))


class _Made(NamedTuple):
    """A commit of this stream: fast-import knows it by its mark alone until the stream ends."""

    mark: str
    oid: str


class _Writing:
    """What the steps below share: the stream, the present state, and what was written so far."""

    def __init__(
        self,
        importer: FastImport,
        reader: ObjectReader,
        tip: Tip | None,
        uid: str,
        author: Person,
        committer: Person,
    ) -> None:
        self.importer = importer
        self.reader = reader
        self.tip = tip
        self.uid = uid
        self.author = author
        self.committer = committer
        self.temporary: list[str] = []
        self.rebuild_notes = False

    def commit(
        self, what: str, *, message: str, parents: list[str], puts: list[Put], clear: bool = False
    ) -> _Made:
        """Write a commit on a temporary ref."""
        ref = temporary_ref(self.uid, what)
        root = what == "root"
        mark = self.importer.commit(
            ref,
            author=_ROOT_PERSON if root else self.author,
            committer=_ROOT_PERSON if root else self.committer,
            message=message,
            parents=parents,
            puts=puts,
            clear=clear,
        )
        self.temporary.append(ref)
        return _Made(mark, self.importer.oid(mark))


def write(
    repository: Repository,
    reader: ObjectReader,
    tip: Tip | None,
    folded: Folded,
    *,
    documents: Mapping[str, bytes],
    number: int,
    rebuild_notes: bool = False,
) -> Written:
    """Write the run commit, the entry and the notes for a run under a number.

    Args:
        repository: where.
        reader: reads the present notes.
        tip: the entry to build on; None for the first run of all.
        folded: what the journal says.
        documents: the files of the run's directory, by path.
        number: its number.
        rebuild_notes: write the notes of every run, whatever is there.
    """
    run = folded.run()
    with FastImport(repository.top) as importer:
        author, committer = _person(folded, folded.started_us), _person(folded, folded.last_us)
        writing = _Writing(importer, reader, tip, folded.uid, author, committer)
        writing.rebuild_notes = rebuild_notes
        marks = {path: importer.blob(data) for path, data in documents.items()}
        tree, head = (_if_present(reader, _code(folded, key)) for key in ("tree", "head"))
        commit = writing.commit(
            "run",
            message=_run_message(folded, run),
            parents=[head] if head else [],
            puts=[Put("040000", tree, "")] if tree else [],
        )
        previous = tip.oid if tip else _write_root(writing).mark
        entry = writing.commit(
            "entry",
            message=_entry_message(run, number),
            parents=[previous, commit.mark],
            puts=_entry_puts(writing, marks, commit.mark, number),
        )
        notes = {what: _write_notes(writing, what, entry.oid, commit.oid, marks) for what in NOTES}
    protecting = [RefUpdate(ref, None) for ref in (*writing.temporary, live_ref(folded.uid))]
    moves = {what: move._replace(old=move.old or repository.zero) for what, move in notes.items() if move}
    known = [tip.oid if tip else "", head, *(move.old for move in notes.values() if move)]
    return Written(
        entry=RefUpdate(EXPERIMENTS, entry.oid, tip.oid if tip else repository.zero),
        notes=tuple(moves.values()),
        protecting=tuple(protecting),
        run={**run, "commit": commit.oid},
        known=tuple(filter(None, known)),
    )


def _write_notes(
    writing: _Writing, what: str, entry: str, commit: str, marks: Mapping[str, str]
) -> RefUpdate | None:
    """The move of one notes ref; None when there is nothing to say.

    A tip that does not show the present entry (it lags, is damaged, or somebody else wrote it) is rebuilt
    whole as a child of itself, so that a note edited by hand stays in its history.
    """
    present = writing.reader.read(NOTES[what])
    old = present.oid if present is not None else ""
    parents = [old] if present is not None and present.kind == "commit" else []
    current = False
    if present is not None and parents and writing.tip is not None and not writing.rebuild_notes:
        current = trailers(commit_headers(present)[1]).get("Experiments") == writing.tip.oid
    file = NOTED_FILES[what]
    notes = [(commit, marks[file])] if file in marks else []
    looks_back = bool(old or notes or writing.rebuild_notes)  # else every run would walk the whole history
    if not current and looks_back and writing.tip is not None:
        notes = [*noted_objects(writing.reader, writing.tip, file), *notes]
    if not old and not notes:
        return None
    new = writing.commit(
        what,
        message=notes_message(what, entry),
        parents=parents,
        puts=[Put("100644", target, noted_path(noted)) for noted, target in notes],
        clear=not current,
    )
    return RefUpdate(NOTES[what], new.oid, old)


def notes_message(what: str, entry: str) -> str:
    """The message of a notes commit that shows an entry."""
    return f"{what} of every run\n\nExperiments: {entry}\n"


def noted_path(commit: str) -> str:
    """Where the note on a commit is in the tree of a notes ref."""
    return f"{commit[:2]}/{commit[2:]}"


def _write_root(writing: _Writing) -> _Made:
    return writing.commit("root", message=ROOT_MESSAGE, parents=[], puts=[])


def _entry_puts(writing: _Writing, marks: Mapping[str, str], commit: str, number: int) -> list[Put]:
    place = run_path(number)
    following = max(number + 1, writing.tip.next_number if writing.tip else 1)
    return [
        Put("100644", writing.importer.blob(b"%d\n" % FORMAT), "format"),
        Put("100644", writing.importer.blob(b"%d\n" % following), "next"),
        Put("160000", commit, f"{place}/run"),
        *(Put("100644", mark, f"{place}/{path}") for path, mark in marks.items()),
    ]


def _code(folded: Folded, key: str) -> str:
    code = folded.config.get("code")
    return str(code[key]) if isinstance(code, dict) and code.get(key) else ""


def _if_present(reader: ObjectReader, oid: str) -> str:
    """The id, or nothing when git does not have the object: somebody deleted the ref that kept it.

    A run without its code is better than one that can never be recorded.
    """
    return oid if oid and reader.read(oid) is not None else ""


def _person(folded: Folded, at_us: int) -> Person:
    author = folded.config["author"]
    assert isinstance(author, dict)
    return Person(str(author["name"]), str(author["email"]), at_us // 1_000_000, folded.offset)


def _one_line(text: str, width: int = 72) -> str:
    line = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"


def _run_message(folded: Folded, run: JsonObject) -> str:
    parent = folded.config.get("parent")
    trailer = [f"Run-Uid: {folded.uid}", *([f"Parent-Run: {_one_line(str(parent))}"] if parent else [])]
    return "\n".join([_one_line(title(run)) or "run", "", *trailer, f"Status: {folded.status}", ""])


def _entry_message(run: JsonObject, number: int) -> str:
    """What `git log --first-parent refs/gxt/experiments` shows: a line of a lab notebook."""
    metrics = metrics_of(run)
    main = main_metric(metrics, chosen=None, goals={})
    value = metrics[main.name] if main else None
    shown = f" — {_one_line(main.name)} {value:.4g}" if main and isinstance(value, (int, float)) else ""
    return f"{run_id(number)} {run['status']}: {_one_line(title(run))}{shown}\n\nRun-Uid: {run['uid']}\n"
