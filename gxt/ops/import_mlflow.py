"""`gxt import mlflow`: the runs of a tracking server, of a database `mlflow.db`, or of a folder `mlruns`."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, cast
from urllib.parse import unquote, urlsplit

from gxt.capture.log_places import RUN_TAG
from gxt.capture.loggers.mlflow_files import NO_LABELS, OWN_TAGS
from gxt.capture.loggers.mlflow_history import (
    Recorded,
    Value,
    database_experiments,
    database_runs,
    folder_experiments,
    folder_runs,
    is_folder_store,
)
from gxt.errors import GxtError, InvalidParams, UsageError
from gxt.model.ids import is_uid
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import merge, split_keys
from gxt.model.scalars import parse_scalar
from gxt.named_tuple import NamedTuple
from gxt.ops.foreign import Artifact, Foreign, Points, import_foreign
from gxt.ops.imported import Imported
from gxt.ops.workspace import Workspace
from gxt.store.sync.from_files import uids_here

_DATABASE: Final = "mlflow.db"
_FOLDER: Final = "mlruns"
_NAME_ONE: Final = "name it: gxt import mlflow URL, or sqlite:///FILE, or a folder mlruns"
_KILLED: Final = "KILLED"
_STATUS: Final = {"FINISHED": "completed", "FAILED": "failed", _KILLED: "interrupted"}
_QUIET_MS: Final = 24 * 3600 * 1000  # who trains logs something in a day
_DEFAULT: Final = "Default"
_MOST_NAMED: Final = 8
_DEEPEST: Final = 16
_UID: Final = "gxt.uid"
_GROUP: Final = "gxt.group"
_LABELS: Final = "gxt.tags"


class _Store(NamedTuple):
    """Where runs are: a URL, a file or a folder, and what people call it."""

    place: str | Path
    label: str


def import_mlflow(workspace: Workspace, place: str | None, experiment: str | None = None) -> Imported:
    """Put the runs of MLflow into the history. Those that are here already stay as they are.

    Args:
        workspace: where to.
        place: a server's URL, `sqlite:///FILE`, a file or a folder, relative to where the user stands; None
            for what `MLFLOW_TRACKING_URI` says, else `mlflow.db` or `mlruns` where the user stands.
        experiment: only the runs of this one.

    Raises:
        UsageError: there is no such store or experiment.
        GxtError: it cannot be read or reached.
        StoreBusy, GitFailed: nothing could be written now.
    """
    store = _store(place, workspace.repository.cwd)
    try:
        over, left_out = [], []
        for one in _runs(store, experiment):
            known = one if one.status in _STATUS and one.end_ms is not None else _given_up(one)
            if known is not None:
                over.append(known)
            else:
                left_out.append(f"{one.name or one.id} has not ended: import it again when it has")
        here = uids_here(workspace.repository, list(filter(None, map(_ours, over))))
        left_out += [
            f"{one.name or one.id}: the run that it comes from is here" for one in over if _ours(one) in here
        ]
        keys = {one.id: _key(one) for one in over}
        runs = [_foreign(one, keys) for one in over if _ours(one) not in here]
        return import_foreign(workspace, store.label, runs, left_out)
    except OSError as error:
        raise _unreadable(store, error) from error


def _given_up(run: Recorded) -> Recorded | None:
    """A run that nobody will end any more: what was killed is RUNNING in MLflow for ever. None for others."""
    last_ms = max((one.at_us // 1000 for one in run.values()), default=run.start_ms)
    if time.time() * 1000 - last_ms < _QUIET_MS:
        return None
    return run._replace(status=_KILLED, end_ms=max(last_ms, run.start_ms))


def _exported(run: Recorded) -> str:
    """The uid of the run of gxt that it is an export of; empty for others."""
    uid = run.tags.get(_UID, "")
    return uid if is_uid(uid) else ""


def _ours(run: Recorded) -> str:
    """The uid of the run of gxt that has it all: it is an export of that, or was logged in it."""
    uid = _exported(run) or run.tags.get(RUN_TAG, "")
    return uid if is_uid(uid) else ""


def _key(run: Recorded) -> str:
    uid = _exported(run)
    return f"gxt {uid}" if uid else run.id


def _foreign(run: Recorded, keys: Mapping[str, str]) -> Foreign:
    own = {
        name.removeprefix(OWN_TAGS): value for name, value in run.tags.items() if name.startswith(OWN_TAGS)
    }
    user, command, parent = own.get("user") or run.user, own.get("source.name", ""), own.get("parentRunId")
    return Foreign(
        "mlflow",
        _key(run),
        run.name or own.get("runName", ""),
        run.start_ms * 1000,
        (run.end_ms or run.start_ms) * 1000,
        _STATUS[run.status],
        params=_params(run),
        metrics=_points(run.values()),
        tags=_tags(run),
        note=own.get("note.content", ""),
        parent=keys.get(parent, parent) if parent else None,
        author=(user, "") if user else None,
        command=_words(command) if _exported(run) else [command] if command else [],
        commit=own.get("source.git.commit") or None,
        artifacts=[Artifact(name, path) for name, path in run.artifacts],
        notices=[f"its artifacts stay at {run.elsewhere}"] if run.elsewhere else [],
        group=run.tags.get(_GROUP, "") if _exported(run) else "",
    )


def _words(command: str) -> list[str]:
    """The words of a command as a shell reads them."""
    try:
        return shlex.split(command)
    except ValueError:
        return [command]


def _tags(run: Recorded) -> list[str]:
    """Its labels: an export tells them in one place, and is an experiment of its repository's name."""
    if _exported(run):
        try:
            told: Json = json.loads(run.tags.get(_LABELS, "[]"))
        except (ValueError, RecursionError):
            told = []
        return [one for one in told if isinstance(one, str)] if isinstance(told, list) else []
    tags = [f"{name}={value}" for name, value in run.tags.items() if not name.startswith(NO_LABELS)]
    return tags if run.experiment in ("", _DEFAULT) else [*tags, f"experiment={run.experiment}"]


def _params(run: Recorded) -> JsonObject:
    """The parameters, nested by the dots in their names where that hides none of them."""
    nested: list[JsonObject] = []
    for name, text in run.params.items():
        value = parse_scalar(text)
        try:
            keys = split_keys(name)
        except InvalidParams:
            keys = (name,)
        above = {".".join(keys[:depth]) for depth in range(1, len(keys))}
        if len(keys) > _DEEPEST or not above.isdisjoint(run.params):
            nested.append({name: value})
            continue
        for key in reversed(keys):
            value = {key: value}
        nested.append(cast("JsonObject", value))
    return merge(*nested) if nested else {}


def _points(values: Iterable[Value]) -> Points:
    return ((one.at_us, one.step, {one.name: one.value}) for one in values)


# --- where they are --------------------------------------------------------------------------------------


def _store(place: str | None, cwd: Path) -> _Store:
    """What the user means, or what there is.

    Raises:
        UsageError: there is nothing of that kind.
    """
    said = place or os.environ.get("MLFLOW_TRACKING_URI") or ""
    if not said:
        found = next((name for name in (_DATABASE, _FOLDER) if (cwd / name).exists()), None)
        if found is None:
            what = f"there is no {_DATABASE} and no {_FOLDER} here, and MLFLOW_TRACKING_URI is not set"
            raise UsageError(what, hint=_NAME_ONE)
        said = found
    try:
        scheme = urlsplit(said).scheme
    except ValueError as error:
        raise UsageError(f"{said} is no URL: {error}", hint=_NAME_ONE) from error
    if scheme in ("http", "https"):
        from gxt.capture.loggers.mlflow_server import server

        return _Store(said, server(said).url)
    if "://" in said and scheme not in ("sqlite", "file"):
        hint = f"mlflow server --backend-store-uri {scheme}://…, then gxt import mlflow http://127.0.0.1:5000"
        raise UsageError(f"a store {scheme}:// is read through its server", hint=hint)
    return _Store(_local(said, cwd), said)


def _local(said: str, cwd: Path) -> Path:
    """A file or a folder that the user means."""
    path = said.removeprefix("sqlite:///")
    if path.startswith("file:"):
        path = unquote(urlsplit(path).path)
    found = cwd / path
    inside = [found / name for name in (_DATABASE, _FOLDER) if (found / name).exists()]
    if found.is_dir() and inside and not is_folder_store(found):
        return inside[0]
    if not found.exists():
        raise UsageError(f"there is no {said}", hint=_NAME_ONE)
    if found.is_dir() and not is_folder_store(found):
        raise UsageError(f"{said} is no store of MLflow's: it has no experiments", hint=_NAME_ONE)
    return found


def _runs(store: _Store, experiment: str | None) -> Iterator[Recorded]:
    """The runs of a store, or of one experiment in it. Raises OSError."""
    if isinstance(store.place, str):
        from gxt.capture.loggers.mlflow_server import server, server_experiments, server_runs

        there = server(store.place)
        known = server_experiments(there)
        _check_experiment(store, experiment, known)
        yield from server_runs(there, {experiment: known[experiment]} if experiment else known)
        return
    path = store.place
    runs, names = (
        (folder_runs, folder_experiments) if path.is_dir() else (database_runs, database_experiments)
    )
    _check_experiment(store, experiment, dict.fromkeys(names(path), ""))
    yield from (run for run in runs(path) if experiment in (None, run.experiment))


def _check_experiment(store: _Store, experiment: str | None, known: Mapping[str, str]) -> None:
    if experiment is None or experiment in known:
        return
    names = [*list(known)[:_MOST_NAMED], *(["…"] if len(known) > _MOST_NAMED else [])]
    hint = f"there is {', '.join(names)}" if known else "there is none at all"
    raise UsageError(f"there is no experiment {experiment} in {store.label}", hint=hint)


def _unreadable(store: _Store, error: OSError) -> GxtError:
    if isinstance(store.place, Path) and store.place.is_file():
        hint = f"mlflow server --backend-store-uri sqlite:///{store.place.resolve()}, then gxt import mlflow http://127.0.0.1:5000"
        return GxtError(f"{store.label} cannot be read as MLflow's database: {error.strerror}", hint=hint)
    return GxtError(f"{store.label} cannot be read: {error.strerror}", hint="see why, then try again")
