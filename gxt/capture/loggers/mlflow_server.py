"""MLflow's tracking server, by its REST API (https://mlflow.org/docs/latest/api_reference/rest-api.html).

Its client would do the same, but takes 2 s to import and brings a hundred packages.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from gxt.capture.loggers.mlflow_files import is_own_folder
from gxt.capture.loggers.mlflow_history import Recorded, Value, local_path, named_in, unbounded, whole
from gxt.errors import GxtError
from gxt.model.codec import number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple

_PATIENCE_S: Final = 60.0
_RUNS_AT_A_TIME: Final = 200
_EXPERIMENTS_AT_A_TIME: Final = 1000
_MODELS_AT_A_TIME: Final = 50  # what servers allow at most
_VALUES_AT_A_TIME: Final = 25_000  # what servers allow at most
_MOST_BYTES: Final = 256 << 20
_MOST_PAGES: Final = 10_000  # two million runs, 250 million values of a metric
_LOGIN: Final = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


class Server(NamedTuple):
    """A tracking server: its address without a login, and what is sent to log in, or nothing."""

    url: str
    authorization: str


def server(url: str) -> Server:
    """The server at an address, with the login in it or in the environment, as MLflow's client takes it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    name = unquote(parts.username or "") or os.environ.get("MLFLOW_TRACKING_USERNAME")
    word = unquote(parts.password or "") or os.environ.get("MLFLOW_TRACKING_PASSWORD") or ""
    if name and (word or not token):
        return Server(plain, f"Basic {base64.b64encode(f'{name}:{word}'.encode()).decode()}")
    return Server(plain, f"Bearer {token}" if token else "")


def server_experiments(place: Server) -> dict[str, str]:
    """The ids of the experiments by their names.

    Raises:
        GxtError: it cannot be reached, or is no tracking server.
    """
    asked: JsonObject = {"max_results": _EXPERIMENTS_AT_A_TIME, "view_type": "ACTIVE_ONLY"}
    found = _pages(place, "experiments/search", "experiments", asked)
    return {str(one.get("name")): str(one.get("experiment_id")) for one in found}


def server_runs(place: Server, experiments: dict[str, str]) -> Iterator[Recorded]:
    """The runs of experiments, whose ids are given by name.

    Raises:
        GxtError: it cannot be reached any more.
    """
    names = {id_: name for name, id_ in experiments.items()}
    asked: JsonObject = {
        "experiment_ids": list[Json](names),
        "max_results": _RUNS_AT_A_TIME,
        "run_view_type": "ACTIVE_ONLY",
        "order_by": ["attributes.start_time ASC"],
    }
    models = _models(place, list(names))
    for run in _pages(place, "runs/search", "runs", asked) if names else ():
        info, data = (_object(run.get(key)) for key in ("info", "data"))
        params, tags, metrics = (
            {str(one.get("key")): str(one.get("value", "")) for one in _objects(data.get(key))}
            for key in ("params", "tags", "metrics")
        )
        id_, uri, end = str(info.get("run_id")), str(info.get("artifact_uri") or ""), info.get("end_time")
        folder = _folder_here(uri, id_)
        is_here = folder is not None
        yield Recorded(
            id_,
            str(info.get("run_name") or tags.get("mlflow.runName", "")),
            names.get(str(info.get("experiment_id")), ""),
            str(info.get("status")),
            whole(info.get("start_time")),
            whole(end) if end else None,
            str(info.get("user_id") or tags.get("mlflow.user", "")),
            params,
            tags,
            partial(_values, place, id_, tuple(metrics)),
            (*(named_in(folder) if is_here else ()), *models.get(id_, ())),
            uri if not is_here and _has_artifacts(place, id_) else "",
        )


def _folder_here(uri: str, id_: str) -> Path | None:
    folder = local_path(uri, id_)
    return folder if folder is not None and folder.is_absolute() and is_own_folder(folder) else None


def _models(place: Server, experiments: list[str]) -> dict[str, list[tuple[str, Path]]]:
    """The models that are on this machine: names and places by the run that logged them."""
    found: dict[str, list[tuple[str, Path]]] = {}
    asked: JsonObject = {"experiment_ids": list[Json](experiments), "max_results": _MODELS_AT_A_TIME}
    with suppress(GxtError):  # servers of before 2025 know of none
        for model in _pages(place, "logged-models/search", "models", asked) if experiments else ():
            info = _object(model.get("info"))
            folder = _folder_here(str(info.get("artifact_uri") or ""), str(info.get("model_id")))
            if folder is not None:
                found.setdefault(str(info.get("source_run_id")), []).append((str(info.get("name")), folder))
    return found


def _values(place: Server, run: str, names: tuple[str, ...]) -> Iterator[Value]:
    """All values of the metrics of a run."""
    for name in names:
        asked: JsonObject = {"run_id": run, "metric_key": name, "max_results": _VALUES_AT_A_TIME}
        for one in _pages(place, "metrics/get-history", "metrics", asked, is_post=False):
            value = number_from_json(one.get("value"))
            if value is not None:
                at_us = whole(one.get("timestamp")) * 1000
                yield Value(name, whole(one.get("step")), at_us, unbounded(value))


def _has_artifacts(place: Server, run: str) -> bool:
    return bool(_answer(place, "artifacts/list", {"run_id": run}, is_post=False).get("files"))


# --- requests --------------------------------------------------------------------------------------------


def _pages(
    place: Server, path: str, what: str, asked: JsonObject, *, is_post: bool = True
) -> Iterator[JsonObject]:
    """The things that a list of several pages has under a name."""
    token = ""
    seen: set[str] = set()
    while token not in seen and len(seen) < _MOST_PAGES:
        seen.add(token)
        page = _answer(place, path, {**asked, **({"page_token": token} if token else {})}, is_post=is_post)
        yield from _objects(page.get(what))
        token = str(page.get("next_page_token") or "")


def _answer(place: Server, path: str, asked: JsonObject, *, is_post: bool) -> JsonObject:
    url = f"{place.url}/api/2.0/mlflow/{path}"
    if is_post:
        request = Request(url, json.dumps(asked).encode(), {"Content-Type": "application/json"})  # noqa: S310 the caller takes http and https alone
    else:
        request = Request(f"{url}?{urlencode(asked)}")  # noqa: S310 likewise
    if place.authorization:  # not for a server that this one may send us to
        request.add_unredirected_header("Authorization", place.authorization)
    try:
        with urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310 likewise
            said: Json = json.loads(answer.read(_MOST_BYTES))
    except HTTPError as error:
        raise _refused(place, error) from error
    except (URLError, OSError, HTTPException) as error:
        why = getattr(error, "reason", None) or error
        hint = "start it, or name another: gxt import mlflow URL"
        raise GxtError(f"{place.url} cannot be reached: {_why(why)}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise _no_server(place) from error
    if not isinstance(said, dict):
        raise _no_server(place)
    return said


def _refused(place: Server, error: HTTPError) -> GxtError:
    with error:
        if error.code in (401, 403):
            return GxtError(f"{place.url} wants a login", hint=f"set {_LOGIN}")
        try:
            said = json.loads(error.read(1 << 16))
            why = str(said["message"]).split("\n", 1)[0][:200]
        except (ValueError, LookupError, TypeError, OSError, RecursionError):
            return _no_server(place)
    return GxtError(f"{place.url} refused: {why}", hint="see its log")


def _no_server(place: Server) -> GxtError:
    hint = "name the address that MLflow's own pages have, without #/…"
    return GxtError(f"{place.url} is no MLflow tracking server", hint=hint)


def _why(reason: object) -> str:
    return str(getattr(reason, "strerror", None) or reason)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> Iterator[JsonObject]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))
