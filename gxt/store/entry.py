"""The objects of one sealed run: its commit, the entry that adds it to the history, and the notes.

Everything is written by one fast-import onto temporary refs; nothing is published here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gxt.git.fast_import import FastImport, Person, Put
from gxt.git.objects import ObjectReader, commit_headers, trailers
from gxt.git.refs import RefUpdate
from gxt.git.repository import Repository
from gxt.model.events import Folded
from gxt.model.goals import main_metric
from gxt.model.ids import run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.model.run import metrics_of, run_json, title
from gxt.store.places import EXPERIMENTS, NOTED_FILES, NOTES, live_ref, temporary_ref
from gxt.store.tree import Tip, noted_objects

# The root of every history, the same id in every clone.
_ROOT_PERSON = Person("gxt", "gxt@localhost", 0, "+0000")
_ROOT_MESSAGE = "The experiments of this repository\n\ngxt format 1\n"


@dataclass(frozen=True)
class Written:
    """Objects that are in git but not published.

    Attributes:
        updates: the refs that have to move for the run to exist.
        notes: the refs that should move with them, and are made up for later when they cannot.
        run: the run as JSON.
    """

    updates: tuple[RefUpdate, ...]
    notes: tuple[RefUpdate, ...]
    run: JsonObject


@dataclass(frozen=True)
class _Made:
    """A commit of this stream: fast-import knows it by its mark alone until the stream ends."""

    mark: str
    oid: str


@dataclass
class _Writing:
    """What the steps below share: the stream, the present state, and what was written so far."""

    importer: FastImport
    reader: ObjectReader
    tip: Tip | None
    uid: str
    author: Person
    committer: Person
    temporary: list[str] = field(default_factory=list)

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
) -> Written:
    """Write the run commit, the entry and the notes for a run under a number.

    Args:
        repository: where.
        reader: reads the present notes.
        tip: the entry to build on; None for the first run of all.
        folded: what the journal says.
        documents: the files of the run's directory, by path.
        number: its number.
    """
    run = run_json(
        commit=None,
        config=folded.config,
        environment=folded.environment,
        metrics=folded.metrics,
        annotations=folded.annotations,
    )
    with FastImport(repository.top) as importer:
        author, committer = _person(folded, folded.started_us), _person(folded, folded.last_us)
        writing = _Writing(importer, reader, tip, folded.uid, author, committer)
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
        notes = [_write_notes(writing, what, entry.oid, commit.oid, marks) for what in NOTES]
    updates = (
        RefUpdate(EXPERIMENTS, entry.oid, tip.oid if tip else repository.zero),
        *(RefUpdate(ref, None) for ref in writing.temporary),
        RefUpdate(live_ref(folded.uid), None),
    )
    moves = tuple(RefUpdate(n.ref, n.new, n.old or repository.zero) for n in notes if n)
    return Written(updates, moves, {**run, "commit": commit.oid})


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
    if present is not None and parents and writing.tip is not None:
        current = trailers(commit_headers(present)[1]).get("Experiments") == writing.tip.oid
    file = NOTED_FILES[what]
    notes = [(commit, marks[file])] if file in marks else []
    if not current and writing.tip is not None:
        notes = [*noted_objects(writing.reader, writing.tip, file), *notes]
    if not old and not notes:
        return None
    new = writing.commit(
        what,
        message=f"{what} of every run\n\nExperiments: {entry}\n",
        parents=parents,
        puts=[Put("100644", target, f"{noted[:2]}/{noted[2:]}") for noted, target in notes],
        clear=not current,
    )
    return RefUpdate(NOTES[what], new.oid, old)


def _write_root(writing: _Writing) -> _Made:
    return writing.commit("root", message=_ROOT_MESSAGE, parents=[], puts=[])


def _entry_puts(writing: _Writing, marks: Mapping[str, str], commit: str, number: int) -> list[Put]:
    place = run_path(number)
    following = max(number + 1, writing.tip.next_number if writing.tip else 1)
    return [
        Put("100644", writing.importer.blob(b"1\n"), "format"),
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
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _run_message(folded: Folded, run: JsonObject) -> str:
    parent = folded.config.get("parent")
    trailer = [f"Run-Uid: {folded.uid}", *([f"Parent-Run: {parent}"] if parent else [])]
    return "\n".join([_one_line(title(run)) or "run", "", *trailer, f"Status: {folded.status}", ""])


def _entry_message(run: JsonObject, number: int) -> str:
    """What `git log --first-parent refs/gxt/experiments` shows: a line of a lab notebook."""
    metrics = metrics_of(run)
    main = main_metric(metrics, chosen=None, goals={})
    value = metrics[main.name] if main else None
    shown = f" — {main.name} {value:.4g}" if main and isinstance(value, (int, float)) else ""
    return f"{run_id(number)} {run['status']}: {_one_line(title(run))}{shown}\n\nRun-Uid: {run['uid']}\n"
