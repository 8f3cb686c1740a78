"""An experiment of MLflow, on a server or in a local store, by MLflow's own client.

It is loaded only here, in a second or two: it must neither talk, nor report home, nor try for minutes.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from gxt.errors import GxtError, RemoteFailed, UsageError
from gxt.model.ids import parse_run_id
from gxt.model.mlflow_form import NAME, UID, MlflowForm, MlflowPoint
from gxt.model.secrets import redact_text
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

DATABASE: Final = "mlflow.db"
_WHERE: Final = "name http://HOST:PORT, sqlite:///FILE or a folder; then runs"
_EXTRA: Final = "pip install 'gxt[mlflow]'"
_AGAIN: Final = "what has arrived stays; when it is mended, the same command goes on"
_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
# MLflow's own 7 times with a growing pause are four minutes before an address with a typo is told
_FIRST: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
_LATER: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5"}
_AT_ONCE: Final = 20_000  # points; they go over in requests of 1000
_REQUEST: Final = 300_000  # characters of parameters: MLflow takes a million bytes at once
_MOST_ASKED: Final = 10  # runs are looked for one by one; more of them with all that gxt has sent
_HUGE: Final = 1.7e308  # a database has no infinity: MLflow keeps the largest number


class Place(NamedTuple):
    """Where runs go: MLflow's URI, the folder of a local store, and what to call it without credentials."""

    uri: str
    folder: Path | None
    shown: str


class There(NamedTuple):
    """A run that is there.

    Attributes:
        id: MLflow's.
        status, ended_ms: None while it goes on there, which an export does that was not finished.
        params, tags: as they are there.
        metrics: names.
    """

    id: str
    status: str | None
    ended_ms: int | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: frozenset[str]


def mlflow_place(where: str) -> Place:
    """What the user named: a server, a database, or a folder, which gets a database.

    Raises:
        UsageError: it is none of them.
    """
    try:
        parts = urlsplit(where)
    except ValueError as error:
        raise UsageError(f"{redact_text(where)} is no URL: {error}", hint=_WHERE) from error
    if parts.scheme in {"http", "https"}:
        host = parts.netloc.rpartition("@")[2]
        return Place(where, None, f"{parts.scheme}://{host}{parts.path}")
    is_run = parse_run_id(where) is not None or where.isdigit() or where.startswith("@")
    if parts.scheme not in {"", "file", "sqlite"} or is_run or not where:
        raise UsageError(f"{redact_text(where)} is no place that MLflow keeps runs in", hint=_WHERE)
    named = where.removeprefix("sqlite:///").partition("?")[0] if parts.scheme == "sqlite" else parts.path
    path = Path(unquote(named) if parts.scheme else where).absolute()
    if parts.scheme != "sqlite" and next(path.glob("*/meta.yaml"), None):
        return Place(path.as_uri(), path, where)
    is_database = path.is_file() or path.suffix in {".db", ".sqlite", ".sqlite3"}
    if parts.scheme != "sqlite" and not is_database:
        path /= DATABASE
    return Place(f"sqlite:///{path}", path.parent, where)


@contextmanager
def mlflow_store(place: Place, experiment: str) -> Iterator[MlflowStore]:
    """The experiment, made where there is none.

    Raises:
        GxtError: MLflow is not installed, or the experiment was deleted.
        RemoteFailed: it cannot be reached, read or written; also of what is done with it.
    """
    needed = ["mlflow"] if place.folder is None else ["mlflow", "sqlalchemy", "alembic"]
    if any(find_spec(one) is None for one in needed):
        raise GxtError("MLflow's client is not installed", hint=_EXTRA)
    _check_file(place)
    with _environment(_QUIET, override=True), _translated(place):
        with _environment(_FIRST), _inside(place.folder):
            import logging

            from mlflow.tracking import MlflowClient

            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.ERROR)
            client = MlflowClient(tracking_uri=place.uri)
            found = client.get_experiment_by_name(experiment)
            if found is not None and found.lifecycle_stage == "deleted":
                hint = f"restore it: mlflow experiments restore -x {found.experiment_id}; or use --experiment"
                raise GxtError(f"the experiment {experiment} was deleted in {place.shown}", hint=hint)
            id_ = found.experiment_id if found is not None else client.create_experiment(experiment)
        with _environment(_LATER):
            yield MlflowStore(client, id_)


class MlflowStore:
    """An experiment that is open."""

    def __init__(self, client: MlflowClient, experiment_id: str) -> None:
        self._client = client
        self._experiment_id = experiment_id

    def known(self, uids: Sequence[str]) -> dict[str, There]:
        """The runs of these uids that are there."""
        few = len(uids) <= _MOST_ASKED
        wanted = [f"tags.`{UID}` = '{uid}'" for uid in uids] if few else [f"tags.`{UID}` LIKE '%'"]
        found = [_there(run) for condition in wanted for run in self._search(condition)]
        return {one.tags[UID]: one for one in found}

    def _search(self, condition: str) -> Iterator[Run]:
        token = None
        while True:
            page = self._client.search_runs([self._experiment_id], condition, page_token=token)
            yield from page
            if not (token := page.token):
                return

    def create(self, form: MlflowForm, tags: Mapping[str, str]) -> There:
        """A run that goes on until `end`."""
        name = tags[NAME]
        return _there(self._client.create_run(self._experiment_id, form.began_ms, dict(tags), name))

    def send(self, id_: str, params: Mapping[str, str], points: Iterable[MlflowPoint]) -> None:
        """Add parameters and points."""
        from mlflow.entities import Metric, Param

        for batch in _batches(params):
            self._client.log_batch(id_, params=[Param(*one) for one in batch])
        waiting = iter(points)
        while some := [Metric(*one) for one in islice(waiting, _AT_ONCE)]:
            self._client.log_batch(id_, metrics=some)

    def lacking(self, there: There, points: Iterable[MlflowPoint]) -> list[MlflowPoint]:
        """The points that are not there yet: of an export that was not finished."""
        by_name: dict[str, list[MlflowPoint]] = {}
        for point in points:
            by_name.setdefault(point.name, []).append(point)
        found = []
        for name, some in by_name.items():
            history = self._client.get_metric_history(there.id, name) if name in there.metrics else []
            had = Counter((one.timestamp, one.step, _kept(one.value)) for one in history)
            for point in some:
                key = (point.at_ms, point.step, _kept(point.value))
                had[key] -= 1
                if had[key] < 0:
                    found.append(point)
        return found

    def tag(self, id_: str, tags: Mapping[str, str], gone: Iterable[str] = ()) -> None:
        """Set tags, and take away others."""
        from mlflow.entities import RunTag

        self._client.log_batch(id_, tags=[RunTag(*one) for one in tags.items()])
        for name in gone:
            self._client.delete_tag(id_, name)

    def put(self, id_: str, folder: Path) -> str:
        """Store the files of a folder as the run's artifacts; why not, where their store is out of reach."""
        try:
            self._client.log_artifacts(id_, str(folder))
        except _failures() as error:
            return _first_line(str(error))
        return ""

    def end(self, id_: str, form: MlflowForm) -> None:
        """The run is over, and was at its own time."""
        self._client.set_terminated(id_, form.status, form.ended_ms)


def _there(run: Run) -> There:
    """Of a run that has no end yet nothing is known to be whole."""
    return There(
        id=run.info.run_id,
        status=run.info.status,
        ended_ms=run.info.end_time,
        params=run.data.params,
        tags=run.data.tags,
        metrics=frozenset(run.data.metrics),
    )


def _kept(value: float) -> str:
    """A value as a store keeps it, NaN equal to itself."""
    return repr(float(value)) if isnan(value) or abs(value) < _HUGE else str(value > 0)


def _batches(params: Mapping[str, str]) -> Iterator[list[tuple[str, str]]]:
    """Parameters in parts that MLflow takes at once: 100 of them, and not too long."""
    batch: list[tuple[str, str]] = []
    size = 0
    for name, value in params.items():
        length = 6 * (len(name) + len(value)) + 40  # \u00e4 of each letter, at most
        if batch and (len(batch) == 100 or size + length > _REQUEST):
            yield batch
            batch, size = [], 0
        batch.append((name, value))
        size += length
    if batch:
        yield batch


# --- what the client needs, and what it says ---------------------------------------------------------------


def _check_file(place: Place) -> None:
    """Refuse at once what MLflow would try ten times: a database that cannot be written, or is none."""
    if place.folder is None or not place.uri.startswith("sqlite:"):
        return
    path = Path(place.uri.removeprefix("sqlite:///"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.seek(0)
            head = file.read(16)
    except OSError as error:
        what = f"it cannot be written: {error.strerror or error}"
        raise _failed(place, what, "name a folder of your own, or make it writable") from error
    if head and not head.startswith(b"SQLite format 3"):
        raise _failed(place, "this file is no database", "name another file, or a folder")


@contextmanager
def _environment(wanted: Mapping[str, str], *, override: bool = False) -> Iterator[None]:
    """These variables, where the user has not chosen."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if override or before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _inside(folder: Path | None) -> Iterator[None]:
    """A new database takes `mlruns` in the working directory for where files go, for ever."""
    if folder is None:
        yield
        return
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _translated(place: Place) -> Iterator[None]:
    """Failures of MLflow, of the network and of databases in our words."""
    try:
        yield
    except GxtError:
        raise
    except _failures() as error:
        code = str(getattr(error, "error_code", ""))
        said = str(error)
        raise _failed(place, *_why(place, code, said)) from error


def _failures() -> tuple[type[Exception], ...]:
    """What the client raises; also for want of a cloud's own, which its server has."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    found: list[type[Exception]] = [MlflowException, RequestException, OSError, ImportError]
    if find_spec("sqlalchemy"):
        from sqlalchemy.exc import SQLAlchemyError

        found.append(SQLAlchemyError)
    return tuple(found)


def _first_line(said: str) -> str:
    """What a failure says, in a line, without the login of an address."""
    return redact_text((said.strip().splitlines() or ["no reason given"])[0][:300])


def _failed(place: Place, what: str, hint: str) -> RemoteFailed:
    return RemoteFailed(what, remote="MLflow", url=place.shown, said=what, hint=hint)


def _why(place: Place, code: str, said: str) -> tuple[str, str]:
    """What is wrong, and what to do."""
    if code in {"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"} or " 401 " in said:
        hint = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        return "it refuses you", hint
    schema = re.search(r"found version (\w+), but expected", said)
    if schema or "Can't locate revision" in said:
        return _schema(place, schema[1] if schema else "")
    if "readonly database" in said:
        return "it is read-only", "name a folder of your own, or make it writable"
    if "database is locked" in said:
        return "somebody else writes to it", "try again when they have ended"
    if "maintenance mode" in said:
        hint = "MLflow has given up such folders: mlflow migrate-filestore; or name a new folder"
        return "it holds files of an old MLflow", hint
    if place.folder is not None:
        return _first_line(said), _AGAIN
    if "timeout exception" in said or "timed out" in said:
        return "it does not answer in time", "look whether it is up, then try again"
    if "failed with exception" in said or "InvalidURL" in said:
        return "nobody answers there", "start it: mlflow server; or look at the address"
    if "error code 404" in said or "valid JSON format" in said:
        return "what answers there is no MLflow server", "look at the address"
    return _first_line(said), _AGAIN


def _schema(place: Place, found: str) -> tuple[str, str]:
    """Whether the database is older or newer than the MLflow that is installed."""
    from mlflow.store import db_migrations

    if any(True for where in db_migrations.__path__ for _ in Path(where).glob(f"versions/{found}_*.py")):
        return "it was made by an older MLflow", f"keep a copy, then: mlflow db upgrade {place.uri}"
    return "it was made by a newer MLflow", "pip install -U mlflow-skinny"
