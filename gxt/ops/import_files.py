"""`gxt import files`: runs come from a folder, one of `gxt export files` or one that is kept by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from gxt.data.place import find_cache
from gxt.data.received import Received, received
from gxt.errors import DamagedRecord, GxtError, NewerFormat, UsageError
from gxt.model.codec import MAX_DOCUMENT_BYTES, load_document
from gxt.model.layout import COMMIT, DOCUMENTS, RECORD, RUN, SERIES
from gxt.named_tuple import NamedTuple
from gxt.ops.hand_kept import by_hand, is_by_hand
from gxt.ops.import_outputs import keep_outputs
from gxt.ops.imported import Imported, told_without_code
from gxt.ops.workspace import Workspace
from gxt.store.sync.from_files import Files, FromFiles, parse_commit, take_files, uids_here

_MOST_BYTES: Final = {"output.log": 2 << 20, SERIES: 64 << 20}
_MOST_COMMIT_BYTES: Final = 1 << 20
_MOST_SERIES_BYTES: Final = 1 << 30
_PIECE: Final = re.compile(r"\d{4}", re.ASCII)


class _Where(NamedTuple):
    """Where a run is: in a folder that the user has named, under a name; the empty one is that folder."""

    folder: Path
    name: str

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.folder.resolve().name

    @contextmanager
    def open(self) -> Iterator[Received]:
        """The run's folder. Raises DamagedRecord where it is gone, and OSError."""
        with received(self.folder) as place:
            if not self.name:
                yield place
                return
            with place.folder(self.name) as folder:
                if folder is None:
                    raise DamagedRecord("it is gone")
                yield folder


class _Found(NamedTuple):
    """A run of the folder; when it was made tells its number among the others."""

    created: str
    where: _Where
    run: FromFiles
    is_by_hand: bool


def import_files(workspace: Workspace, folder: Path) -> Imported:
    """Put the runs of a folder into the history. Those that are here already stay as they are.

    Raises:
        UsageError: there is no such folder, or nothing in it is a run.
        StoreBusy, GitFailed: nothing could be written now.
    """
    refused: list[str] = []
    try:
        with received(folder) as place:
            found = sorted(_found(workspace, place, refused), key=lambda one: (one.created, one.run.label))
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}", hint="name a folder") from error
    if not found and not refused:
        hint = "a run is a folder with record/, or with config.yaml, metrics.jsonl or eval.json"
        raise UsageError(f"there are no runs in {folder}", hint=hint)
    runs, twice = _each_once(found)
    cache = find_cache(workspace.repository)
    try:
        here = uids_here(workspace.repository, [one.run.uid for one in runs])
        # those kept by hand tell their times by their files, and a copy has others
        wanted = [one.run for one in runs if not (one.is_by_hand and one.run.uid in here)]
        taken = take_files(workspace.repository, wanted, workspace.progress)
        for one in runs:
            with suppress(DamagedRecord), one.where.open() as place:
                keep_outputs(cache, place)
    except OSError as error:
        raise GxtError(
            f"{folder} cannot be read: {error.strerror}", hint="see why, then try again"
        ) from error
    notices = [
        *(f"left out: {text}" for text in (*refused, *twice, *taken.refused)),
        *(f"{label} was removed here: gxt rm --undo {id_} brings it back" for label, id_ in taken.removed),
        *told_without_code(taken.without_code),
    ]
    came = {*taken.new, *taken.updated, *(id_ for _, id_ in taken.removed)}
    known = len(runs) - len(came) - len(taken.refused)
    return Imported(str(folder), taken.new, taken.updated, known, tuple(notices))


def _each_once(found: Sequence[_Found]) -> tuple[list[_Found], list[str]]:
    """The runs, each once, and what to say of those that are there twice."""
    runs: dict[str, _Found] = {}
    twice = []
    for one in found:
        first = runs.setdefault(one.run.uid, one)
        if first is not one:
            twice.append(f"{one.run.label} is the run of {first.run.label}")
    return list(runs.values()), twice


def _found(workspace: Workspace, place: Received, refused: list[str]) -> Iterator[_Found]:
    """The runs of the folder, or the folder itself where it is one; why others are none is told."""
    if _is_exported(place) or is_by_hand(place):
        yield from _run(workspace, place, _Where(place.path, ""), refused)
        return
    for name in place.names():
        if name.startswith("."):  # what an export that was killed had begun
            continue
        with place.folder(name) as folder:
            if folder is not None:
                yield from _run(workspace, folder, _Where(place.path, name), refused)


def _is_exported(folder: Received) -> bool:
    """Whether a folder is that of a run which gxt has exported, though it may not be whole any more."""
    return folder.has_folder(RECORD) or folder.has_file(RUN)


def _run(workspace: Workspace, folder: Received, where: _Where, refused: list[str]) -> Iterator[_Found]:
    """The run in a folder, if there is one."""
    try:
        if _is_exported(folder):
            yield _recorded(workspace, folder, where)
        elif is_by_hand(folder):
            created, run = by_hand(workspace, folder, where.label)
            yield _Found(created, where, run, is_by_hand=True)
    except (DamagedRecord, NewerFormat) as error:
        refused.append(f"{where.label}: {error.message}")


def _recorded(workspace: Workspace, folder: Received, where: _Where) -> _Found:
    """A run of an export: its commit and its time; the rest is read when it is wanted."""
    with folder.folder(RECORD) as record:
        if record is None:
            raise DamagedRecord(f"it has no folder {RECORD}; without {RUN} it is one that is kept by hand")
        commit = record.read(COMMIT, _MOST_COMMIT_BYTES)
        config = record.read("config.json", MAX_DOCUMENT_BYTES)
    if commit is None or config is None:
        raise DamagedRecord(f"{RECORD} has no {'commit' if commit is None else 'config.json'}")
    uid, facts = parse_commit(commit.data, workspace.repository)
    created = str(load_document(config.data, "config.json").get("created"))
    run = FromFiles(where.label, uid, facts, partial(_read, where))
    return _Found(created, where, run, is_by_hand=False)


def _read(where: _Where) -> Files:
    """The files of a run's directory in git."""
    files: dict[str, bytes] = {}
    with where.open() as folder, folder.folder(RECORD) as record:
        if record is None:
            raise DamagedRecord(f"{RECORD} is gone")
        for name in DOCUMENTS:
            if name == SERIES and record.has_folder(SERIES):
                files |= _pieces(record)
            elif found := record.read(name, _MOST_BYTES.get(name, MAX_DOCUMENT_BYTES)):
                files[name] = found.data
    return files


def _pieces(record: Received) -> Files:
    """A long series, which is a folder."""
    files: dict[str, bytes] = {}
    size = 0
    with record.folder(SERIES) as pieces:
        for name in pieces.names() if pieces else ():
            if not _PIECE.fullmatch(name):
                raise DamagedRecord(f"its {SERIES} is not in pieces that are named 0001, 0002 …")
            found = pieces.read(name, _MOST_BYTES[SERIES]) if pieces else None
            size += len(found.data) if found else 0
            if size > _MOST_SERIES_BYTES:
                raise DamagedRecord(f"its {SERIES} has more than {_MOST_SERIES_BYTES} bytes")
            files[f"{SERIES}/{name}"] = found.data if found else b""
    return files
