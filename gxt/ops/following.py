"""Following the logs that other loggers write during a run: what they hold goes into its journal.

Loaded only where there is something that may be a logger's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

from gxt.capture.loggers.content import Aside, Point, joined
from gxt.capture.loggers.finding import Found, known, walk
from gxt.capture.loggers.naming import board_place, metric_name, training_name
from gxt.capture.loggers.sources import (
    Batch,
    DvcliveFolder,
    MlflowDatabase,
    MlflowFolder,
    ParamsFile,
    Source,
    TrainerStates,
    event_source,
    states_before,
    table_source,
    wandb_source,
)
from gxt.capture.loggers.tail import Stamp
from gxt.capture.loggers.trainer_state import reported_name
from gxt.errors import InvalidParams
from gxt.git.repository import Repository
from gxt.model.json_types import Json, JsonObject
from gxt.model.metrics import TABLES
from gxt.model.params import flatten, merge, normalise
from gxt.model.scalars import clean_text
from gxt.model.secrets import redact_params, redact_text
from gxt.named_tuple import NamedTuple
from gxt.ops.rivals import Rivals

# who comes first where several loggers give a metric of one name: exact numbers before single precision
_ORDER: Final = ("wandb", "mlflow", "dvclive", "csv", "trainer_state", "tensorboard")
_FILES: Final = frozenset(("csv", "tensorboard", "wandb"))  # each file is a source of its own
_WRITTEN_ON: Final = frozenset(("csv", "dvclive", "trainer_state"))  # by several runs, one after the other
_WITH_PARAMS: Final = frozenset(("csv", "tensorboard"))
_SLACK_NS: Final = 20_000_000  # the kernel writes times of files by a clock that ticks every 4 to 10 ms
_STEP_LIMIT: Final = 1 << 63
_MOST_TAGS: Final = 100
_MOST_STATES: Final = 50
_MOST_MARKED: Final = 2000  # tables that an earlier run has left


class Told(NamedTuple):
    """What a logger has given: its kind, where it writes, names of metrics, how many parameters, a remark."""

    kind: str
    path: str
    metrics: Sequence[str]
    params: int
    note: str | None = None


class _Training:
    """What has come of one place of a logger's: of a training, or of several."""

    def __init__(self, kind: str, path: str) -> None:
        self.kind = kind
        self.path = path
        self.metrics: dict[str, None] = {}
        self.params: JsonObject = {}
        self.tags: set[str] = set()
        self.left_out: set[str] = set()

    def told(self) -> Told:
        """What is to be said of it."""
        left = len(self.left_out)
        note = f"metrics left out that another logger has: {left}" if left else None
        return Told(self.kind, self.path, [*self.metrics], len(flatten(self.params)), note)


class _Journal(Protocol):
    def append(self, kind: str, fields: Mapping[str, Any], at_us: int | None = None) -> None: ...


class Followed(Protocol):
    """The run whose logs are read: a live one, or what is left of one."""

    @property
    def uid(self) -> str:
        """The uid of the run."""
        ...

    @property
    def path(self) -> Path:
        """Its directory."""
        ...

    @property
    def journal(self) -> _Journal:
        """What takes what is read."""
        ...


class Following:
    """The logs of one run.

    Args:
        repository: the work tree; paths are said relative to its top.
        live: the run; its journal takes what is read.
        pid: of its command; 0 where that is not known.
        roots: the folders to look into.
        databases: those of MLflow that have a name of their own.
        off: kinds of loggers that are not to be read.
        since_ns: when the run began: what was written before is not its own.
        until_ns: when gxt was killed beside the run; 0 where it goes on. What was begun later, and what
            MLflow was not told to mark, is not its own then.
    """

    def __init__(
        self,
        repository: Repository,
        live: Followed,
        *,
        pid: int,
        roots: Iterable[str],
        databases: Iterable[Path],
        off: Collection[str],
        since_ns: int,
        until_ns: int = 0,
    ) -> None:
        self._live = live
        self._top = repository.top
        self._rivals = Rivals(repository, live.path, pid)
        self._unsure: dict[Path, None] = {}
        self._broken: dict[Source, str] = {}
        self._roots = tuple(roots)
        self._databases = tuple(databases)
        self._off = off
        self._since_ns = since_ns - _SLACK_NS
        self._until_ns = until_ns
        self._before: dict[Path, Stamp] = {}
        self._knows_all = False
        self._states: dict[Path, list[Point]] = {}
        self._sources: dict[tuple[str, Path], Source] = {}
        self._trainings: dict[tuple[str, str], _Training] = {}
        self._streams: dict[tuple[str, str], tuple[_Training, str]] = {}
        self._artifacts: dict[tuple[str, Aside], None] = {}
        self._last: dict[str, float] = {}
        self._owners: dict[str, _Training] = {}
        self._said: dict[tuple[str, str], Told] = {}

    def remember_what_is_there(
        self, already: Mapping[Path, Stamp] = MappingProxyType({}), stops: Callable[[], bool] = lambda: False
    ) -> None:
        """Note how the logs look that earlier runs have left, and that may be written on.

        Args:
            already: what was noted before the run.
            stops: whether there is no time for more.
        """
        self._before |= already
        states: list[Found] = []
        for place, stat in walk(self._roots, self._since_ns, whole=True):
            if stops():
                return
            found = known(place, stat) if stat.st_mtime_ns < self._since_ns else None
            if found is not None and found.kind in _WRITTEN_ON and found.path not in already:
                is_table = found.path.suffix in TABLES and len(self._before) < _MOST_MARKED
                self._before[found.path] = found.stamp.marked(found.path) if is_table else found.stamp
                states += [found] if found.kind == "trainer_state" else []
        self._knows_all = True
        newest: dict[Path, Found] = {}
        for found in sorted(states, key=lambda one: one.stamp.written_ns)[-_MOST_STATES:]:
            newest[found.stream] = found
        # a checkpoint may be removed as soon as the training has made another
        self._states = {stream: states_before(found.path) for stream, found in newest.items()}

    def look(self, *, last: bool = False) -> None:
        """Read what is new.

        Raises:
            OSError: the journal takes nothing.
        """
        if not self._until_ns:
            self._rivals.look()
        for kind, source in self._find():
            for batch in self._readable(source, last=last):
                self._artifacts.update(dict.fromkeys((kind, one) for one in batch.artifacts))
                content = batch.content
                if content.points or content.params or content.tags or content.defined:
                    self._take(kind, batch)
            if isinstance(source, MlflowDatabase) and source.unsure:
                self._unsure[source.path] = None
        for key, training in self._trainings.items():
            told = training.told()
            if told != self._said.get(key):
                self._live.journal.append("source", told._asdict())
                self._said[key] = told

    def _readable(self, source: Source, *, last: bool) -> Iterator[Batch]:
        """What can be read now; a log that breaks its reader is left alone from then on."""
        batches = source.read(last=last)
        while True:
            try:
                batch = next(batches, None)
            except OSError:  # it is being written, or was removed: the next look may read on
                return
            except Exception as error:  # noqa: BLE001 nobody knows what a file may hold
                self._broken[source] = repr(error)
                return
            if batch is None:
                return
            yield batch

    def broken(self) -> list[str]:
        """What was wrong with logs that could not be read to their end."""
        return [*self._broken.values()]

    def told(self) -> list[Told]:
        """What has come of each."""
        return [*self._said.values()]

    def unsure(self) -> list[Path]:
        """Logs that may be of another run, and were not read."""
        return [*self._unsure]

    def last(self) -> dict[str, float]:
        """The last value of each metric."""
        return self._last

    def artifacts(self) -> list[tuple[str, Aside]]:
        """Files and folders that loggers have put aside as results, with the kind of the logger."""
        return [*self._artifacts]

    def _find(self) -> list[tuple[str, Source]]:
        """What there is to read by now, those with exact numbers first."""
        beside = []
        for found in sorted(self._written(), key=_age):
            if found.kind == "params":
                beside.append(found)
            elif found.kind not in self._off and not self._is_untouched(found):
                key = (found.kind, found.path if found.kind in _FILES else found.stream)
                source = self._sources.get(key)
                is_ours = source is not None or self._rivals.is_ours(found)
                self._unsure.pop(found.path, None)
                if not is_ours:
                    self._unsure |= {found.path: None} if is_ours is None else {}
                    continue
                if source is None:
                    source = self._sources[key] = self._open(found)
                if isinstance(source, TrainerStates):
                    source.changed(found)
                elif isinstance(source, MlflowDatabase):
                    source.untagged = not self._rivals.seen and not self._until_ns
        for found in beside:
            self._open_params(found)
        opened = [(kind, one) for (kind, _), one in self._sources.items() if one not in self._broken]
        return sorted(opened, key=lambda item: _ORDER.index(item[0]))

    def _written(self) -> Iterator[Found]:
        """Files of loggers that were written since the run began."""
        for place, stat in chain(walk(self._roots, self._since_ns), _looked_at(self._before)):
            found = known(place, stat) if stat.st_mtime_ns >= self._since_ns else None
            if found is not None and self._until_ns and _is_later(found, self._until_ns):
                continue
            if found is not None and (self._knows_all or not self._was_there(found)):
                yield found
        for path in self._databases:
            with suppress(OSError):
                yield Found("mlflow", path, path, Stamp.of(path.stat()))

    def _was_there(self, found: Found) -> bool:
        """Whether a log is older than the run, for its folder is, and nobody knows what it held."""
        if found.kind not in _WRITTEN_ON or found.path in self._before:
            return False
        try:
            return found.path.parent.stat().st_mtime_ns < self._since_ns
        except OSError:
            return False

    def _open_params(self, found: Found) -> None:
        """Parameters count with the log that they lie beside."""
        logs = (key for key in self._sources if key[0] in _WITH_PARAMS and key[1].parent == found.stream)
        kind, path = next(logs, ("", found.path))
        if kind and (kind, found.path) not in self._sources and not self._is_untouched(found):
            stream = path if kind == "csv" else found.stream
            self._sources[kind, found.path] = ParamsFile(found._replace(stream=stream))

    def _is_untouched(self, found: Found) -> bool:
        before = self._before.get(found.path)
        return before is not None and before._replace(mark=b"") == found.stamp

    def _open(self, found: Found) -> Source:
        before, since_ms = self._before.get(found.path), self._since_ns // 1_000_000
        if found.kind == "tensorboard":
            return event_source(found, before)
        if found.kind == "wandb":
            return wandb_source(found, before)
        if found.kind == "trainer_state":
            return TrainerStates(found.stream, self._states.get(found.stream, []))
        if found.kind == "dvclive":
            return DvcliveFolder(found.stream, self._before)
        if found.kind == "mlflow":
            if found.stream == found.path:
                return MlflowDatabase(found.path, since_ms, self._live.uid)
            return MlflowFolder(found.stream, since_ms)
        return table_source(found, before)

    def _take(self, kind: str, batch: Batch) -> None:
        """Write what is new of a training into the journal, under names that nobody else has."""
        stream = (kind, batch.stream)
        if stream not in self._streams:
            self._streams[stream] = self._training(kind, batch)
        training, prefix = self._streams[stream]
        for point in joined(self._own(training, prefix, batch.content.points)):
            at_us = time.time_ns() // 1000
            if point.time_us is not None:
                at_us = min(at_us, max(0, point.time_us))
            step = point.step if -_STEP_LIMIT <= point.step < _STEP_LIMIT else 0
            fields = {"s": step, "m": point.numbers, "source": kind}
            self._live.journal.append("metrics", fields, at_us)
            self._last.update(point.numbers)
        for name, said in batch.content.defined.items():
            own = clean_text(metric_name(kind, prefix, name))
            if own in training.metrics:
                self._live.journal.append("metric_defined", {"name": own, **said, "unit": None})
        self._take_params(training, prefix, batch.content.params)
        self._take_tags(training, batch.content.tags)

    def _training(self, kind: str, batch: Batch) -> tuple[_Training, str]:
        """The training that a stream belongs to, and what the names of its metrics begin with."""
        place = clean_text(os.path.relpath(batch.path, self._top))
        if kind == "tensorboard":
            place, prefix = board_place(place, [path for other, path in self._trainings if other == kind])
        else:
            number = 1 + sum(other == kind for other, _ in self._streams)
            prefix = f"{training_name(batch.path, batch.content.title, number)}/" if number > 1 else ""
        return self._trainings.setdefault((kind, place), _Training(kind, place)), prefix

    def _own(self, training: _Training, prefix: str, points: list[Point]) -> list[Point]:
        """The points by the names that they are recorded under; what another logger gave is left out."""
        owned = []
        for point in points:
            numbers = {}
            for tag, number in point.numbers.items():
                name = clean_text(metric_name(training.kind, prefix, tag))
                if self._is_free(name, training):
                    numbers[name] = number
                    training.metrics[name] = None
                else:
                    training.left_out.add(name)
            if numbers:
                owned.append(point._replace(numbers=numbers))
        return owned

    def _is_free(self, name: str, training: _Training) -> bool:
        if training.kind == "trainer_state" and reported_name(name) in self._owners:
            return False
        return self._owners.setdefault(name, training) is training

    def _take_params(self, training: _Training, prefix: str, params: JsonObject) -> None:
        """Those of another training than the first stand below its name."""
        try:
            plain = normalise(params)
            assert isinstance(plain, dict)
            redacted = redact_params(plain)
            below = bool(prefix) and training.kind != "tensorboard"
            merged = merge(training.params, {prefix[:-1]: redacted} if below else redacted)
        except InvalidParams:
            return  # too many of them, or too deep
        if merged != training.params:
            training.params = merged
            self._live.journal.append("params", {"params": merged, "source": training.kind})

    def _take_tags(self, training: _Training, said: Sequence[str]) -> None:
        plain = (redact_text(clean_text(tag)) for tag in said)
        tags = [tag for tag in plain if tag.strip() and tag not in training.tags][:_MOST_TAGS]
        if tags:
            training.tags.update(tags)
            id_ = f"{self._live.uid}-{time.time_ns()}"
            self._live.journal.append("tag", {"id": id_, "tags": list[Json](tags)})


def _looked_at(paths: Iterable[Path]) -> Iterator[tuple[str, os.stat_result]]:
    for path in paths:
        with suppress(OSError):
            yield str(path), path.stat()


def _is_later(found: Found, until_ns: int) -> bool:
    """Whether an event file of TensorBoard's was begun after that time, as its name says."""
    began_s = _age(found)[0]
    return began_s.isdecimal() and int(began_s) * 1_000_000_000 > until_ns


def _age(found: Found) -> tuple[str, int, Path]:
    """The order in which trainings come to be, as far as names tell: TensorBoard's hold a time."""
    _, _, began = found.path.name.partition(".tfevents.")
    return began.partition(".")[0], len(found.path.parts), found.path
