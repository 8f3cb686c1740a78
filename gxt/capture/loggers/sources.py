"""Sources: what a logger writes, as a thing that is read again and again for what is new in it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from gxt.capture.loggers import mlflow_files
from gxt.capture.loggers.content import NOTHING, Aside, Content, Point
from gxt.capture.loggers.finding import Found
from gxt.capture.loggers.tables import TableReader
from gxt.capture.loggers.tail import Stamp, Tail
from gxt.capture.loggers.tensorboard import EventReader
from gxt.capture.loggers.trainer_state import read_state
from gxt.capture.loggers.wandb import WandbReader
from gxt.errors import InvalidParams
from gxt.model.json_types import JsonObject
from gxt.model.metrics import flatten_numbers
from gxt.model.scalars import parse_scalar
from gxt.named_tuple import NamedTuple

_LARGEST_DOCUMENT: Final = 64 << 20
_FEW: Final = 1 << 16


class Batch(NamedTuple):
    """What was new of one training.

    Attributes:
        stream: the folder or the run that stands for it.
        path: where that is shown.
        content: what was new.
        artifacts: files and folders that it has put aside as results, once it is over.
    """

    stream: str
    path: Path
    content: Content
    artifacts: tuple[Aside, ...] = ()


class Source(Protocol):
    """What one logger writes about one training, or several."""

    def read(self, *, last: bool) -> Iterator[Batch]:
        """What is new; at the end of the run also what nobody will complete.

        Raises:
            OSError: it cannot be read now.
        """
        ...


class _Reader(Protocol):
    def feed(self, data: bytes) -> Content: ...


class Fresh:
    """Tells what is new from what a file tells again: loggers write some of their files anew, and longer."""

    def __init__(self) -> None:
        self._told = array("q")
        self._at = 0

    def again(self) -> None:
        """What comes next is the beginning."""
        self._at = 0

    def of(self, points: list[Point]) -> list[Point]:
        """Those that were not told before."""
        fresh = []
        for point in points:
            values = array("d", point.numbers.values()).tobytes()  # NaN has no hash of its own
            mark = hash((point.step, *point.numbers, values))
            if self._at < len(self._told) and self._told[self._at] == mark:
                self._at += 1
                continue
            del self._told[self._at :]
            self._told.append(mark)
            self._at += 1
            fresh.append(point)
        return fresh


class FileSource:
    """A file that grows."""

    def __init__(self, found: Found, before: Stamp | None, make: Callable[[bytes], _Reader]) -> None:
        self._found = found
        self._tail = Tail(found.path, before)
        self._make = make
        self._reader = make(_first_bytes(found.path) if before else b"")
        self._is_log = True  # a table may turn out to be one of something else
        self._fresh = Fresh()
        self._shown = found.path if found.kind == "csv" else found.stream

    def read(self, *, last: bool) -> Iterator[Batch]:
        """See `Source`."""
        while True:
            data, begins = self._tail.read()
            if begins:
                self._reader, self._is_log = self._make(b""), True
                self._fresh.again()
            if not data or not self._is_log:
                break
            yield self._batch(self._reader.feed(data))
            self._is_log = not isinstance(self._reader, TableReader) or self._reader.is_log
        if last and isinstance(self._reader, (TableReader, WandbReader)):
            yield self._batch(self._reader.at_end())
        if last and isinstance(self._reader, WandbReader):
            given = tuple(self._reader.artifacts.found(self._found.stream))
            yield self._batch(NOTHING)._replace(artifacts=given)

    def _batch(self, content: Content) -> Batch:
        fresh = content._replace(points=self._fresh.of(content.points))
        return Batch(str(self._found.stream), self._shown, fresh)


class TrainerStates:
    """The `trainer_state.json` of one training: one in each checkpoint, each with all that is in the last.

    Args:
        stream: the folder of the checkpoints.
        before: the points that were there before the run: a training that goes on from them tells them again.
    """

    def __init__(self, stream: Path, before: list[Point]) -> None:
        self._stream = stream
        self._fresh = Fresh()
        self._fresh.of(before)
        self._waiting: dict[Path, Stamp] = {}
        self._read: dict[Path, Stamp] = {}

    def changed(self, found: Found) -> None:
        """One of the files is new, or was written again."""
        if self._read.get(found.path) != found.stamp:
            self._waiting[found.path] = found.stamp

    def read(self, *, last: bool) -> Iterator[Batch]:  # noqa: ARG002 nothing is left half told
        """See `Source`."""
        for path, stamp in sorted(self._waiting.items(), key=lambda item: item[1].written_ns):
            content = read_state(_document(path))
            self._fresh.again()
            self._read[path] = self._waiting.pop(path, stamp)
            fresh = content._replace(points=self._fresh.of(content.points))
            yield Batch(str(self._stream), self._stream, fresh)


class MlflowFolder:
    """A run in MLflow's store of files."""

    def __init__(self, folder: Path, since_ms: int) -> None:
        self._folder = folder
        self._since_ms = since_ms
        self._files: dict[Path, FileSource] = {}

    def read(self, *, last: bool) -> Iterator[Batch]:
        """See `Source`."""
        meta = (self._folder / mlflow_files.META).read_text(encoding="utf-8", errors="replace")
        began = mlflow_files.started_ms(meta)
        if began is None or began < self._since_ms:
            return
        params = mlflow_files.texts(self._folder / "params")
        tags = mlflow_files.texts(self._folder / "tags")
        content = Content(
            [],
            {name: parse_scalar(value) for name, value in params.items()},
            tuple(f"{k}={v}" for k, v in tags.items() if not k.startswith(mlflow_files.NO_LABELS)),
            mlflow_files.field(meta, "run_name"),
        )
        kept = _inside(self._folder / "artifacts") if last else ()
        yield Batch(str(self._folder), self._folder, content, kept)
        metrics = self._folder / "metrics"
        for path in sorted(metrics.rglob("*")):
            if path.is_file() and path not in self._files:
                name = path.relative_to(metrics).as_posix()
                found = Found("mlflow", path, self._folder, Stamp.of(path.stat()))
                self._files[path] = FileSource(found, None, partial(_metric_reader, name=name))
        for source in self._files.values():
            yield from source.read(last=last)


class MlflowDatabase:
    """MLflow's store in SQLite.

    Attributes:
        path: of the database.
        untagged: whether runs are read that no run of ours has marked.
    """

    def __init__(self, path: Path, since_ms: int, uid: str) -> None:
        from gxt.capture.loggers.mlflow_database import DatabaseReader

        self.path = path
        self.untagged = True
        self._reader = DatabaseReader(path, since_ms, uid)

    @property
    def unsure(self) -> bool:
        """Whether runs without a mark were left out."""
        return self._reader.unsure

    def read(self, *, last: bool) -> Iterator[Batch]:
        """See `Source`."""
        while True:
            for run in self._reader.read(untagged=self.untagged):
                kept = _inside(Path(run.artifacts.removeprefix("file://"))) if last else ()
                yield Batch(run.id, self.path, run.content, kept)
            if not self._reader.more:
                return


class DvcliveFolder:
    """What DVCLive writes: a table for each metric, `metrics.json` with the last values, `params.yaml`."""

    def __init__(self, folder: Path, before: dict[Path, Stamp]) -> None:
        self._folder = folder
        self._before = before
        self._files: dict[Path, FileSource] = {}
        self._params: Stamp | None = before.get(folder / "params.yaml")
        self._told: set[str] = set()

    def read(self, *, last: bool) -> Iterator[Batch]:
        """See `Source`."""
        metrics = self._folder / "plots" / "metrics"
        for path in sorted(metrics.rglob("*.tsv")):
            if path not in self._files:
                name = path.relative_to(metrics).as_posix().removesuffix(".tsv")
                found = Found("dvclive", path, self._folder, Stamp.of(path.stat()))
                self._files[path] = FileSource(found, self._before.get(path), partial(TableReader, one=name))
        for source in self._files.values():
            for batch in source.read(last=last):
                self._told.update(name for point in batch.content.points for name in point.numbers)
                yield batch
        yield Batch(str(self._folder), self._folder, Content([], self._new_params()))
        if last:
            yield Batch(str(self._folder), self._folder, self._summary())

    def _new_params(self) -> JsonObject:
        path = self._folder / "params.yaml"
        try:
            stamp = Stamp.of(path.stat())
        except OSError:
            return {}
        if stamp == self._params:
            return {}
        self._params = stamp
        return yaml_params(path)

    def _summary(self) -> Content:
        """Numbers that have no table: those that were logged once."""
        import json

        path = self._folder / "metrics.json"
        try:
            if Stamp.of(path.stat()) == self._before.get(path):
                return NOTHING
            said = json.loads(_document(path))
        except (OSError, ValueError, RecursionError):
            return NOTHING
        numbers = flatten_numbers(said)
        step = int(numbers.pop("step", 0))
        left = {name: value for name, value in numbers.items() if name not in self._told}
        return Content([Point(step, None, left)]) if left else NOTHING


class ParamsFile:
    """Parameters in YAML, which lie beside a log."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._stamp: Stamp | None = None

    def read(self, *, last: bool) -> Iterator[Batch]:  # noqa: ARG002 nothing is left half told
        """See `Source`."""
        stamp = Stamp.of(self._found.path.stat())
        if stamp != self._stamp:
            self._stamp = stamp
            stream = self._found.stream
            yield Batch(str(stream), stream, Content([], yaml_params(self._found.path)))


def states_before(path: Path) -> list[Point]:
    """The points of a `trainer_state.json` that an earlier training has left."""
    try:
        return read_state(_document(path)).points
    except OSError:
        return []


def table_source(found: Found, before: Stamp | None) -> FileSource:
    """A table of metrics, as far as its first line has come."""
    return FileSource(found, before, TableReader)


def event_source(found: Found, before: Stamp | None) -> FileSource:
    """An event file of TensorBoard's."""
    return FileSource(found, before, lambda _: EventReader())


def wandb_source(found: Found, before: Stamp | None) -> FileSource:
    """A file of W&B's."""
    return FileSource(found, before, lambda _: WandbReader())


def _metric_reader(_known: bytes, name: str) -> mlflow_files.MetricReader:
    return mlflow_files.MetricReader(name)


def yaml_params(path: Path) -> JsonObject:
    """Parameters in a YAML file; none where it cannot be read, or holds objects of Python's."""
    from gxt.capture.params_files import load_params

    try:
        return load_params(path)
    except (OSError, InvalidParams):
        return {}


def _inside(folder: Path) -> tuple[Aside, ...]:
    """What lies in a folder of artifacts; nothing where they are on another machine."""
    try:
        return tuple(map(Aside, sorted(folder.iterdir()))) if folder.is_absolute() else ()
    except OSError:
        return ()


def _document(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST_DOCUMENT)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_FEW)
