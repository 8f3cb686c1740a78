"""All that MLflow's local stores hold of runs that are over: a database in SQLite, or a folder `mlruns`.

Unlike what follows a run while it is logged, this reads each run once and whole. Nothing is ever written.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from errno import EIO
from functools import partial
from math import inf, nan
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from gxt.capture.loggers.mlflow_files import META, MetricReader, is_own_folder, texts
from gxt.capture.loggers.sources import yaml_params
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple

ACTIVE: Final = "active"
_PATIENCE_S: Final = 5.0  # somebody may be logging into it
_ID: Final = re.compile(r"(m-)?[0-9a-f]{32}", re.ASCII)
_LARGEST: Final = 1.79e308
_STATUS: Final = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
_RUNS: Final = (
    "SELECT r.run_uuid, r.name, r.status, r.start_time, r.end_time, r.user_id, r.artifact_uri, e.name "
    "FROM runs r JOIN experiments e USING (experiment_id) "
    "WHERE r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' ORDER BY r.start_time, r.rowid"
)
_METRICS: Final = (
    "SELECT key, value, is_nan, timestamp, step FROM metrics WHERE run_uuid = ? ORDER BY timestamp, rowid"
)
_PARAMS: Final = "SELECT key, value FROM params WHERE run_uuid = ?"
_TAGS: Final = "SELECT key, value FROM tags WHERE run_uuid = ?"
_MODELS: Final = (
    "SELECT name, artifact_location, model_id FROM logged_models "
    "WHERE source_run_id = ? AND lifecycle_stage = 'active' ORDER BY creation_timestamp_ms"
)


class Value(NamedTuple):
    """A value of a metric: its time is in microseconds since 1970."""

    name: str
    step: int
    at_us: int
    value: float


class Recorded(NamedTuple):
    """A run as MLflow holds it.

    Attributes:
        id: 32 hexadecimal digits.
        name: what people call it.
        experiment: the name of its experiment.
        status: `FINISHED`, `FAILED`, `KILLED`, `RUNNING` or `SCHEDULED`.
        start_ms: when it began, in milliseconds since 1970.
        end_ms: when it ended; None while it runs.
        user: a login.
        params: texts by name.
        tags: texts by name, MLflow's own among them.
        values: those of its metrics, those of one in the order of their times.
        artifacts: names and places of what it has put out, as far as that is on this machine.
        elsewhere: where it has put out what is not.
    """

    id: str
    name: str
    experiment: str
    status: str
    start_ms: int
    end_ms: int | None
    user: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    values: Callable[[], Iterable[Value]]
    artifacts: tuple[tuple[str, Path], ...] = ()
    elsewhere: str = ""


def unbounded(value: object) -> float:
    """A value as it was logged, NaN for no number: MLflow stores infinities as the largest doubles."""
    if not isinstance(value, (int, float)):
        return nan
    return inf if value > _LARGEST else -inf if value < -_LARGEST else float(value)


def whole(value: object) -> int:
    """A whole number that may be written as a text; 0 for anything else: SQLite takes any value anywhere."""
    try:
        return int(value) if isinstance(value, (int, float, str)) else 0
    except (ValueError, OverflowError):
        return 0


def local_path(uri: str, id_: str) -> Path | None:
    """The folder on this machine that an artifact URI names; None where it is elsewhere.

    MLflow calls all of them `…/ID/artifacts`. Other folders of this machine are not for a store to name.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme not in ("", "file") or not _ID.fullmatch(id_):
        return None
    path = Path(unquote(parts.path)) if parts.scheme else Path(uri)
    return path if path.parts[-2:] == (id_, "artifacts") else None


# --- a database ------------------------------------------------------------------------------------------


def database_experiments(path: Path) -> list[str]:
    """The names of the experiments of a database. Raises OSError: it is locked, or not MLflow's."""
    asked = "SELECT name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY experiment_id"
    return [str(name) for (name,) in _rows(path, asked)]


def database_runs(path: Path) -> Iterator[Recorded]:
    """The runs of a database that nobody has deleted.

    Raises:
        OSError: it is locked, or no database of MLflow's that this can read.
    """
    for id_, name, status, start, end, user, uri, experiment in _rows(path, _RUNS):
        folder = _artifact_folder(path, str(uri or ""), str(id_))
        yield Recorded(
            str(id_),
            str(name or ""),
            str(experiment),
            str(status),
            whole(start),
            None if end is None else whole(end),
            str(user or ""),
            {str(key): str(value) for key, value in _rows(path, _PARAMS, id_)},
            {str(key): str(value) for key, value in _rows(path, _TAGS, id_)},
            partial(_database_values, path, str(id_)),
            (*named_in(folder), *_database_models(path, str(id_))),
            "" if folder is not None else str(uri),
        )


def _database_values(path: Path, run: str) -> Iterator[Value]:
    for key, value, is_nan, at_ms, step in _rows(path, _METRICS, run):
        yield Value(str(key), whole(step), whole(at_ms) * 1000, nan if is_nan else unbounded(value))


def _database_models(path: Path, run: str) -> Iterator[tuple[str, Path]]:
    """The models that a run has logged; databases of before 2025 have no table of them."""
    with suppress(OSError):
        for name, uri, model in _rows(path, _MODELS, run):
            folder = _artifact_folder(path, str(uri or ""), str(model))
            if folder is not None and is_own_folder(folder):
                yield str(name or "model"), folder


def _artifact_folder(path: Path, uri: str, id_: str) -> Path | None:
    """Where artifacts are: where the database says, or beside it, if it was moved with them."""
    named = local_path(uri, id_)
    if named is None:
        return None
    folder = path.parent / named
    if folder.is_dir():
        return folder
    parts = folder.parts
    found = next((at for at, part in enumerate(parts) if part in ("mlruns", "mlartifacts")), None)
    return path.parent.joinpath(*parts[found:]) if found is not None else folder


def _rows(path: Path, asked: str, *values: str) -> Iterator[tuple[Any, ...]]:
    place = f"file:{quote(str(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=_PATIENCE_S)) as connection:
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            yield from connection.execute(asked, values)
    except sqlite3.Error as error:
        raise OSError(EIO, str(error)) from error


# --- a folder --------------------------------------------------------------------------------------------


def is_folder_store(folder: Path) -> bool:
    """Whether a folder is one `mlruns`: it has experiments in it."""
    return any(True for _ in folder.glob(f"*/{META}"))


def folder_experiments(store: Path) -> list[str]:
    """The names of the experiments of a folder `mlruns`."""
    return [name for name, _ in _experiments(store)]


def folder_runs(store: Path) -> Iterator[Recorded]:
    """The runs of a folder `mlruns` that nobody has deleted. Raises OSError: it cannot be read."""
    for experiment, folder in _experiments(store):
        models = list(_folder_models(folder))
        for run, meta in _described(folder):
            end = str(meta.get("end_time"))
            said = meta.get("run_id")
            id_ = said if isinstance(said, str) else run.name  # to YAML 32 digits are a number
            tags = texts(run / "tags")
            yield Recorded(
                id_,
                str(meta.get("run_name") or tags.get("mlflow.runName", "")),
                experiment,
                _STATUS.get(str(meta.get("status")), "RUNNING"),
                whole(meta.get("start_time")),
                whole(end) if end.isdecimal() else None,
                str(meta.get("user_id") or ""),
                texts(run / "params"),
                tags,
                partial(_folder_values, run / "metrics"),
                (
                    *named_in(run / "artifacts"),
                    *((name, place) for source, name, place in models if source == id_),
                ),
            )


def _experiments(store: Path) -> Iterator[tuple[str, Path]]:
    for folder, meta in _described(store):
        yield str(meta.get("name") or folder.name), folder


def _described(folder: Path) -> Iterator[tuple[Path, JsonObject]]:
    """The folders in a folder that say what they are, and were not deleted."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink() or not (path / META).is_file():
            continue
        meta = yaml_params(path / META)
        if meta.get("lifecycle_stage", ACTIVE) == ACTIVE:
            yield path, meta


def _folder_models(experiment: Path) -> Iterator[tuple[str, str, Path]]:
    """The models of an experiment: the run that each is from, its name, where it is."""
    models = experiment / "models"
    for folder, meta in _described(models) if is_own_folder(models) else ():
        if is_own_folder(folder / "artifacts"):
            yield str(meta.get("source_run_id")), str(meta.get("name") or "model"), folder / "artifacts"


def _folder_values(metrics: Path) -> Iterator[Value]:
    for path in sorted(metrics.rglob("*")) if is_own_folder(metrics) else ():
        if path.is_symlink() or not path.is_file():
            continue
        name = path.relative_to(metrics).as_posix()
        with path.open("rb") as file:
            reader = MetricReader(name)
            for line in file:
                for step, at_us, numbers in reader.feed(line).points:
                    yield Value(name, step, at_us or 0, unbounded(numbers[name]))


def named_in(folder: Path | None) -> Iterator[tuple[str, Path]]:
    """What lies in a folder of artifacts, by name; links could lead to any file of this machine."""
    if folder is not None and is_own_folder(folder):
        for path in sorted(folder.iterdir()):
            if is_own_folder(path) or (path.is_file() and not path.is_symlink()):
                yield path.name, path
