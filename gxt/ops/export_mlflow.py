"""`gxt export mlflow`: runs for MLflow's UI, on a tracking server or in a local store.

A run that is there, by its tag `gxt.uid`, is brought up to date. What has arrived of it is told by a tag with
fingerprints, which is set at the end; metrics without one are looked through point by point.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from gxt.data.place import find_cache, main_top
from gxt.errors import DamagedRecord, NewerFormat
from gxt.model.goals import Metric
from gxt.model.json_types import Json, JsonObject
from gxt.model.layout import PICTURE
from gxt.model.mlflow_form import (
    LABELS,
    PARENT,
    MlflowPoint,
    evaluated_points,
    label_tags,
    mlflow_form,
    mlflow_names,
    points_of,
    told,
)
from gxt.model.run import metrics_of, title
from gxt.named_tuple import NamedTuple
from gxt.ops.choosing import chosen
from gxt.ops.export_outputs import Copy, outputs_of
from gxt.ops.history import History
from gxt.ops.mlflow_store import MlflowStore, There, mlflow_place, mlflow_store
from gxt.ops.show import folder_of, series_of
from gxt.ops.workspace import Workspace

if TYPE_CHECKING:
    from gxt.model.series import SeriesByName

Picture = Callable[["SeriesByName", "Metric | None", str], "bytes | None"]
_SENT: Final = "gxt.sent"


class Sent(NamedTuple):
    """What an export to MLflow did.

    Attributes:
        place: where, without credentials.
        experiment: its name there.
        new, updated, unchanged: ids of runs.
        notices: what is not there, in words.
    """

    place: str
    experiment: str
    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def export_mlflow(
    workspace: Workspace,
    where: str,
    refs: Sequence[str] = (),
    condition: str | None = None,
    *,
    experiment: str | None = None,
    picture: Picture | None = None,
) -> Sent:
    """Bring runs into an experiment of MLflow.

    Args:
        workspace: whose runs.
        where: `http://…`, `sqlite:///FILE`, or a folder.
        refs: runs; without, all.
        condition: of those that are meant.
        experiment: its name there; the repository's by default.
        picture: draws a learning curve, None: without.

    Raises:
        UsageError: that is no such place.
        UnknownRun, AmbiguousRun, RemovedRun, QueryError: see `chosen`.
        GxtError: MLflow is not installed.
        RemoteFailed: the place cannot be reached, read or written.
    """
    place = mlflow_place(where)
    name = experiment or main_top(workspace.repository).name
    with History(workspace) as history:
        runs = chosen(history, refs, condition)
        with mlflow_store(place, name) as store:
            wanted = dict.fromkeys(str(run[key]) for run in runs for key in ("uid", "parent_uid") if run[key])
            sending = _Sending(history, store, store.known(list(wanted)), picture)
            for done, run in enumerate(runs, 1):
                sending.add(run)
                workspace.progress("exporting runs", done, len(runs))
            sending.set_parents(runs)
        return sending.sent(place.shown, name, (*workspace.notices, *history.damage()))


class _Sending:
    """An export under way."""

    def __init__(
        self, history: History, store: MlflowStore, there: Mapping[str, There], picture: Picture | None
    ) -> None:
        self._history = history
        self._store = store
        self._there = dict(there)
        self._picture = picture
        self._cache = find_cache(history.workspace.repository)
        self._new: list[str] = []
        self._updated: list[str] = []
        self._unchanged: list[str] = []
        self._notices: list[str] = []
        self._lacking: list[str] = []
        self._early: set[str] = set()  # were sent before their parents
        self._told: dict[str, list[str]] = {}  # of which runs there is what to say

    def sent(self, place: str, experiment: str, notices: Sequence[str]) -> Sent:
        """What was done."""
        said = [*notices, *self._notices]
        said += [f"{_listed(ids)}: {what}" for what, ids in self._told.items()]
        if self._lacking:
            what = f"outputs of {_listed(self._lacking)} are not here"
            said.append(f"{what}: gxt pull --data brings them, then export again")
        counts = (tuple(self._new), tuple(self._updated), tuple(self._unchanged))
        return Sent(place, experiment, *counts, tuple(said))

    def add(self, run: JsonObject) -> None:
        """Send a run, or what is new of it."""
        id_ = str(run["id"])
        if self._history.live_of(run) is not None:
            self._notices.append(f"{id_} is running, and left out")
            return
        try:
            self._add(run, id_)
        except (DamagedRecord, NewerFormat) as error:
            self._notices.append(f"{id_} is left out: {error.message}")

    def _add(self, run: JsonObject, id_: str) -> None:
        form = mlflow_form(run)
        series = cache(partial(series_of, self._history, run))
        parent = self._there.get(str(run["parent_uid"]))
        tags = {**form.tags, **({PARENT: parent.id} if parent else {})}
        before = self._there.get(str(run["uid"]))
        if before is None:
            series()  # a run that cannot be read must not begin there
        there = before or self._store.create(form, tags)
        self._there[str(run["uid"])] = there
        if parent is None and run["parent_uid"]:
            self._early.add(there.id)
        params = {name: value for name, value in form.params.items() if name not in there.params}
        if params:
            self._store.send(there.id, params, ())
        tags |= self._send_parts(run, there, series, is_new=before is None)
        changed = {name: value for name, value in tags.items() if there.tags.get(name) != value}
        gone = _stale(there.tags, tags)
        if changed or gone:
            self._store.tag(there.id, changed, gone)
        ended = (there.status, there.ended_ms) == (form.status, form.ended_ms)
        if not ended:
            self._store.end(there.id, form)
        if before and ended and not (params or changed or gone):
            self._unchanged.append(id_)
            return
        (self._updated if before else self._new).append(id_)
        self._tell(id_, *form.cut)

    def _tell(self, id_: str, *what: str) -> None:
        for one in what:
            self._told.setdefault(one, []).append(id_)

    def _send_parts(
        self, run: JsonObject, there: There, series: Callable[[], SeriesByName], *, is_new: bool
    ) -> dict[str, str]:
        """Send metrics, evaluations and files as far as they are not there; the tag that says so."""
        id_, main = str(run["id"]), self._history.main_metric([metrics_of(run)])
        entry = folder_of(self._history, run).entries.get("series")
        _, copies, is_whole = outputs_of(run, self._cache, main)
        if not is_whole:
            self._lacking.append(id_)
        parts: dict[str, tuple[Json, Callable[[], str]]] = {
            "series": (entry and entry.oid, lambda: self._send_series(id_, there, series(), is_new=is_new)),
            "evals": (run["evals"], lambda: self._send(there, evaluated_points(run), is_new=is_new)),
            "outputs": ([list[Json](one[:2]) for one in copies], lambda: self._put(there, copies)),
        }
        if (draw := self._picture) and metrics_of(run):
            shown: Json = [entry and entry.oid, title(run), list[Json](main) if main else None]
            parts["picture"] = shown, lambda: self._put_picture(there, draw(series(), main, title(run)))
        sent = _sent(there)
        for name, (content, send) in parts.items():
            fingerprint = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
            if sent.get(name) == fingerprint:
                continue
            if failed := send():
                self._tell(id_, f"files could not be stored there: {failed}")
            else:
                sent[name] = fingerprint
        return {_SENT: json.dumps(sent, sort_keys=True)}

    def _send_series(self, id_: str, there: There, series: SeriesByName, *, is_new: bool) -> str:
        renamed = [name for name, given in mlflow_names(series).items() if name != given]
        self._tell(id_, *told("called otherwise there", renamed))
        return self._send(there, points_of(series), is_new=is_new)

    def _send(self, there: There, points: Iterable[MlflowPoint], *, is_new: bool) -> str:
        self._store.send(there.id, {}, points if is_new else self._store.lacking(there, points))
        return ""

    def _put(self, there: There, copies: Sequence[Copy]) -> str:
        """Store outputs by their names, which the cache does not know."""
        if not copies:
            return ""
        with TemporaryDirectory(prefix="gxt-") as folder:
            for one in copies:
                place = Path(folder, one.name)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(one.path)
            return self._store.put(there.id, Path(folder))

    def _put_picture(self, there: There, drawn: bytes | None) -> str:
        if drawn is None:
            return ""
        with TemporaryDirectory(prefix="gxt-") as folder:
            Path(folder, PICTURE).write_bytes(drawn)
            return self._store.put(there.id, Path(folder))

    def set_parents(self, runs: Sequence[JsonObject]) -> None:
        """Name the parents that came after their children: a pull may have given them higher numbers."""
        for run in runs:
            there, parent = (self._there.get(str(run[key])) for key in ("uid", "parent_uid"))
            if there is not None and parent is not None and there.id in self._early:
                self._store.tag(there.id, {PARENT: parent.id})


def _sent(there: There) -> JsonObject:
    """Fingerprints of what has arrived of a run."""
    try:
        found = json.loads(there.tags.get(_SENT, "{}"))
    except ValueError:  # somebody has edited it
        return {}
    return found if isinstance(found, dict) else {}


def _stale(there: Mapping[str, str], tags: Mapping[str, str]) -> list[str]:
    """The tags by which a run was labelled when it was sent, and is no more."""
    try:
        labels = json.loads(there.get(LABELS, "[]"))
    except ValueError:  # somebody has edited it
        return []
    known = [*label_tags([str(one) for one in labels]), LABELS] if isinstance(labels, list) else []
    return [name for name in known if name in there and name not in tags]


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (" …" if len(ids) > 5 else "")
