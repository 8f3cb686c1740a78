"""Runs that come as files are written as a history of their own, which is taken over like a remote's.

Who reads the files is not known here. What they hold is checked as everything that arrives.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast

from gxt.errors import DamagedRecord, NewerFormat
from gxt.git import process
from gxt.git.fast_import import FastImport, Person, Put
from gxt.git.objects import GitObject, ObjectReader, commit_headers, trailers
from gxt.git.refs import RefMover
from gxt.git.repository import Repository
from gxt.model.annotations import parse_events
from gxt.model.codec import load_document
from gxt.model.events import Folded
from gxt.model.ids import is_uid, run_id
from gxt.model.json_types import JsonObject
from gxt.model.run import run_json
from gxt.model.shapes import check_config, check_environment, check_metrics
from gxt.named_tuple import NamedTuple
from gxt.store.chain import Chain, Made, Written, people
from gxt.store.entry import person, pointers, run_entry, run_message
from gxt.store.index import Index
from gxt.store.locks import store_lock
from gxt.store.progress import Progress, untold
from gxt.store.publish import unprotect
from gxt.store.reading import ANNOTATIONS
from gxt.store.sync.imports import folder_here
from gxt.store.sync.taking import Taken, take_written
from gxt.store.tree import REMOVED, RunFolder

_SOURCE: Final = ".files"  # a part of a ref never begins with a dot: no remote is called so
_PERSON: Final = re.compile(r"[^<>\n]* <[^<>\n]*> \d{1,11} [+-](0\d|1[0-4])[0-5]\d", re.ASCII)
_TEMPORARY: Final = "import"  # in the names of its refs

_CHECKS: Final[Mapping[str, Callable[[JsonObject, str], None]]] = {
    "config.json": check_config,
    "environment.json": check_environment,
    "metrics.json": check_metrics,
}

Files: TypeAlias = Mapping[str, bytes]


class CommitFacts(NamedTuple):
    """What the commit of a run says of itself: its id where it was recorded, or empty, who, when and what."""

    oid: str
    author: Person
    committer: Person
    message: str


class FromFiles(NamedTuple):
    """A run that comes as files.

    Attributes:
        label: what people call it: the name of its folder.
        uid: its identity, as its commit tells it.
        commit: its commit.
        read: the files of its directory, by path, read when they are wanted. Raises DamagedRecord.
    """

    label: str
    uid: str
    commit: CommitFacts
    read: Callable[[], Files]


class Import(NamedTuple):
    """What came of it.

    Attributes:
        new: ids of the runs that came, in the order of their numbers.
        updated: ids of runs of which more was said.
        refused: what was left out, in words.
        without_code: ids of runs that came without their code: git does not have it.
        removed: labels and ids of runs that were removed here.
    """

    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    without_code: tuple[str, ...] = ()
    removed: tuple[tuple[str, str], ...] = ()


def parse_commit(raw: bytes, repository: Repository) -> tuple[str, CommitFacts]:
    """The uid of a run and what its commit says, from the commit as git stores it.

    Raises:
        DamagedRecord: it is the commit of no run.
    """
    hasher = hashlib.sha1 if len(repository.zero) == 40 else hashlib.sha256
    oid = hasher(b"commit %d\0%b" % (len(raw), raw), usedforsecurity=False).hexdigest()
    commit = GitObject(oid, "commit", raw)
    headers, message = commit_headers(commit)
    uid = trailers(message).get("Run-Uid", "")
    said = [headers.get(who, [""])[0] for who in ("author", "committer")]
    if not is_uid(uid) or not all(map(_PERSON.fullmatch, said)):
        raise DamagedRecord("its commit is that of no run")
    return uid, CommitFacts(oid, *people(commit), message)


def commit_of(folded: Folded) -> CommitFacts:
    """What the commit of a run says that was never recorded."""
    author, committer = person(folded, folded.started_us), person(folded, folded.last_us)
    return CommitFacts("", author, committer, run_message(folded, folded.run()))


def uids_here(repository: Repository, uids: Sequence[str]) -> frozenset[str]:
    """Those of the runs that are here, be they removed or not."""
    with Index(repository) as index:
        return frozenset(uid for uid in uids if folder_here(index, uid) is not None)


def take_files(repository: Repository, runs: Sequence[FromFiles], progress: Progress = untold) -> Import:
    """Put runs into the history; those that are here already stay as they are.

    Args:
        repository: where.
        runs: in the order of the numbers that they are to get; each uid once.
        progress: is told how far the check is.

    Raises:
        StoreBusy, GitFailed: nothing could be written now.
    """
    if not runs:
        return Import()
    with store_lock(repository):
        writing = _Writing(repository)
        written = writing.write(runs)
        if written is None:
            return Import(refused=tuple(writing.refused))
        try:
            what, tip = "the runs could not be imported", str(written.entry.new)
            taken = take_written(repository, _SOURCE, tip, what=what, progress=progress)
        finally:
            with RefMover(repository, reason="gxt: imported") as refs:
                unprotect(repository, refs, written)
        return writing.came(taken)


class _Code(NamedTuple):
    """The parents of a run commit, and what its tree begins with."""

    parents: list[str]
    puts: list[Put]


class _Writing:
    """The runs as a history of their own, on temporary refs."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._whole: frozenset[str] = frozenset()
        self._without_code: set[str] = set()
        self._removed: list[tuple[str, str]] = []
        self.labels: dict[int, str] = {}
        self.refused: list[str] = []

    def write(self, runs: Sequence[FromFiles]) -> Written | None:
        """Write what can be read, under numbers from one on; None where that is nothing."""
        with ObjectReader(self._repository) as reader:
            with Index(self._repository, reader) as index:
                here = {one.uid: folder for one in runs if (folder := folder_here(index, one.uid))}
            new = [one.commit.oid for one in runs if one.uid not in here]
            self._whole = _whole(self._repository, reader, new)
            with FastImport(self._repository.top) as importer:
                chain = Chain(self._repository, importer, reader, None, _TEMPORARY)
                for one in runs:
                    try:
                        self._add(chain, importer, reader, one, here.get(one.uid))
                    except (DamagedRecord, NewerFormat) as error:
                        self.refused.append(f"{one.label}: {error.message}")
            return chain.written() if self.labels else None

    def _add(
        self,
        chain: Chain,
        importer: FastImport,
        reader: ObjectReader,
        one: FromFiles,
        here: RunFolder | None,
    ) -> None:
        files = one.read()
        run = _read(files)
        if run["uid"] != one.uid:
            raise DamagedRecord(f"its commit is that of the run {one.uid}, its config.json another's")
        number = len(self.labels) + 1
        commit = self._here(one, here) if here else self._known(one)
        if commit is None:
            code = self._code(reader, one, run)
            commit = chain.commit(
                f"run-{number}",
                author=one.commit.author,
                committer=one.commit.committer,
                message=one.commit.message,
                parents=code.parents,
                puts=[*code.puts, *pointers(importer, run)],
            )
        marks = {path: importer.blob(data) for path, data in files.items()}
        author, committer = one.commit.author, one.commit.committer
        chain.add(run_entry(run, commit, marks, number=number, author=author, committer=committer))
        self.labels[number] = one.label

    def _here(self, one: FromFiles, here: RunFolder) -> Made:
        """The commit of a run that is here: it may have come without its code once."""
        if REMOVED in here.entries:
            self._removed.append((one.label, run_id(here.number)))
        oid = here.entries["run"].oid
        return Made(oid, oid)

    def _known(self, one: FromFiles) -> Made | None:
        """The commit as it was recorded, where git has it."""
        oid = one.commit.oid
        return Made(oid, oid) if oid in self._whole else None

    def _code(self, reader: ObjectReader, one: FromFiles, run: JsonObject) -> _Code:
        """What the run began with, as far as git has all of it."""
        said = cast("JsonObject", run.get("code") or {})
        head, tree = (str(said.get(key) or "") for key in ("head", "tree"))
        has_tree, has_head = _is(reader, tree, "tree"), _is(reader, head, "commit")
        if has_tree and has_head and _is_whole(self._repository, [head, tree]):  # one process, not two
            return _Code([head], [Put("040000", tree, "")])
        if not has_tree or not _is_whole(self._repository, [tree]):
            if tree:  # a run that was kept by hand tells of none
                self._without_code.add(one.uid)
            return _Code([], [])
        is_there = has_head and _is_whole(self._repository, [head])
        return _Code([head] if is_there else [], [Put("040000", tree, "")])

    def came(self, taken: Taken) -> Import:
        """What became of it, with the names of folders in place of numbers that nobody knows."""
        refused = [self._named(text) for text in taken.refused()]
        with Index(self._repository) as index:
            numbers = sorted(filter(None, map(index.number_of, self._without_code)))
        return Import(
            new=tuple(map(run_id, taken.new)),
            updated=tuple(map(run_id, taken.updated)),
            refused=(*self.refused, *refused),
            without_code=tuple(map(run_id, sorted(set(numbers).intersection(taken.new)))),
            removed=tuple(self._removed),
        )

    def _named(self, text: str) -> str:
        """What was refused, by the name of its folder."""
        for number, label in self.labels.items():
            for mark in (":", ","):
                if text.startswith(f"{run_id(number)}{mark}"):
                    return f"{label}{text.removeprefix(run_id(number))}"
        return text


def _read(files: Files) -> JsonObject:
    """The run as JSON.

    Raises:
        DamagedRecord, NewerFormat: a document is missing, or not what it should be.
    """
    found = []
    for name, check in _CHECKS.items():
        if name not in files:
            raise DamagedRecord(f"it has no {name}")
        document = load_document(files[name], name)
        try:
            check(document, name)
        except KeyError as error:
            raise DamagedRecord(f"{name} lacks a field: {error}") from error
        found.append(document)
    config, environment, metrics = found
    events = parse_events(files.get(ANNOTATIONS, b""), ANNOTATIONS)
    return run_json(commit=None, config=config, environment=environment, metrics=metrics, annotations=events)


def _is(reader: ObjectReader, oid: str, kind: str) -> bool:
    (size,) = reader.sizes([oid]) if oid else (None,)
    return size is not None and size.kind == kind


def _whole(repository: Repository, reader: ObjectReader, oids: Sequence[str]) -> frozenset[str]:
    """Those of the commits that git has with all that is behind them."""
    there = [oid for oid in dict.fromkeys(filter(None, oids)) if _is(reader, oid, "commit")]
    if _is_whole(repository, there):
        return frozenset(there)
    return frozenset(oid for oid in there if _is_whole(repository, [oid]))


def _is_whole(repository: Repository, oids: Sequence[str]) -> bool:
    """Whether git has everything that the objects lead to: a collector may have left half of it."""
    if not oids:
        return True
    words = ("rev-list", "--objects", "--quiet", "--stdin", "--not", "--all")
    done = process.attempt(repository.top, words, stdin="".join(f"{oid}\n" for oid in oids).encode())
    return done.returncode == 0
