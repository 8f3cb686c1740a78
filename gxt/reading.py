"""Runs that are recorded, as objects: what notebooks and scripts read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gxt.errors import UsageError
from gxt.model.codec import number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple
from gxt.recording import labels, say

if TYPE_CHECKING:
    from gxt.ops.checkout import CheckedOut
    from gxt.ops.workspace import Workspace


class Series(NamedTuple):
    """A metric over time, in the order it was logged.

    Attributes:
        step: of the training; may repeat or go back.
        time_s: when it was logged, in seconds since 1970.
        value: NaN and infinities as such.
    """

    step: list[int]
    time_s: list[float]
    value: list[float]


class Artifact(NamedTuple):
    """Something that a run has put out: a checkpoint, a picture, a file.

    Attributes:
        name, path: what it is called, and where it belongs, relative to the top of the repository.
        kind: `model`, `file`, `folder`, `image`, `figure`, `table`, `text`, `histogram`, `code` or `part`.
        step: of the training, or None.
        md5, size: of its content, None while it is not stored yet; bytes.
        facts: all that the run says of it, as `gxt show --json` has it.
        top: of the repository.
    """

    name: str
    path: str
    kind: str
    step: int | None
    md5: str | None
    size: int | None
    facts: JsonObject
    top: Path

    def fetch(self, folder: str | os.PathLike[str] | None = None) -> Path:
        """Where its content is.

        Args:
            folder: where to put a copy of one's own; without one it is the file in the cache, only to read.

        Raises:
            GxtError: it is not stored yet, or not here (`gxt pull --data`); something else is in the folder.
        """
        from gxt.git.repository import discover
        from gxt.ops.content import content

        place = None if folder is None else Path(folder)
        return content(discover(self.top), md5=self.md5, path=self.path, folder=place)


class RecordedRun:
    """A run of the history, as it was when it was read. Every key of `gxt show --json` is an attribute.

    Attributes:
        id, uid: `exp-012`, and the identity that never changes.
        name, message, status: as `gxt show` has them; `status` is running, completed, failed or interrupted.
        params: nested, as they were recorded; `config` is another name of it.
        metrics: the value of each that stands for the run; NaN and infinities as such.
        tags: labels.
        parent: the id of the run that it derives from, or None.
        artifacts: what it has put out, in its order.
        created, duration_s: when it began, in ISO 8601, and how long it took.
    """

    id: str
    uid: str
    name: str | None
    message: str | None
    hypothesis: str | None
    status: str
    exit_code: int | None
    parent: str | None
    parent_uid: str | None
    group: str | None
    seed: int | None
    repeat: JsonObject | None
    tags: list[str]
    comments: list[JsonObject]
    conclusions: list[JsonObject]
    created: str
    duration_s: float | None
    author: str
    host: str | None
    command: list[str]
    cwd: str
    commit: str | None
    code: JsonObject
    params: dict[str, Any]
    param_files: list[str]
    metrics_files: list[str]
    outs: list[str]
    reproduces: str | None
    metrics: dict[str, float]
    metric_stats: dict[str, JsonObject]
    defined: JsonObject
    evals: list[JsonObject]
    sources: list[JsonObject]
    data: list[JsonObject]
    artifacts: list[Artifact]
    environment: JsonObject
    notices: list[str]

    def __init__(self, run: JsonObject, workspace: Workspace) -> None:
        self._run = run
        self._workspace = workspace
        self._series: Mapping[str, Series] | None = None
        vars(self).update(run)
        self.metrics = dict(_numbers(run["metrics"]))
        self.artifacts = [_artifact(one, workspace.repository.top) for one in _objects(run["artifacts"])]

    def __repr__(self) -> str:
        return f"<gxt run {self.id}, {self.status}{f', {self.name}' if self.name else ''}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedRun) and self.uid == other.uid

    def __hash__(self) -> int:
        return hash(self.uid)

    @property
    def config(self) -> dict[str, Any]:
        """The parameters, by the name that experiment code knows."""
        return self.params

    @property
    def eval_result(self) -> dict[str, Any]:
        """The values of the last evaluation, nested, NaN and infinities as such; {} where there is none."""
        return cast("dict[str, Any]", _with_numbers(self.evals[-1]["values"])) if self.evals else {}

    def to_dict(self) -> dict[str, Any]:
        """The run as `gxt show --json` has it."""
        return dict(self._run)

    def series(self, name: str) -> Series:
        """A metric over time.

        Raises:
            UsageError: the run has no such metric.
            GxtError: git has lost it.
        """
        found = self._all_series()
        if name not in found:
            there = f"there are {', '.join(list(found)[:8])}" if found else "it has none"
            raise UsageError(f"{self.id} has no metric {name!r} over time", hint=there)
        return found[name]

    def checkout(
        self, folder: str | os.PathLike[str] | None = None, only: Sequence[str] = (), *, data: bool = True
    ) -> CheckedOut:
        """Bring the files of the run back, as `gxt checkout` does; nothing unrecorded is overwritten.

        Args:
            folder: make a linked work tree there; by default the files change here, and the run is the base.
            only: files or folders, relative to the working directory.
            data: its data and outputs too, from the remote where they are not here.

        Raises:
            GxtError: unsaved changes would be overwritten, or the run has no code. Nothing was changed.
        """
        from gxt.ops.carrying import Carrying
        from gxt.ops.checkout import checkout, checkout_beside

        if folder is not None and only:
            raise UsageError("a new work tree holds all of the run", hint="leave out only, or folder")
        carrying = Carrying() if data else None
        if folder is not None:
            return checkout_beside(self._workspace, self.uid, os.fspath(folder), carrying=carrying)
        return checkout(self._workspace, self.uid, only, carrying=carrying)

    def _all_series(self) -> Mapping[str, Series]:
        """Read once; of a run that goes on each time."""
        if self._series is not None:
            return self._series
        from gxt.ops.show import show

        shown = show(self._workspace, self.uid, series=True)
        found = {
            name: Series(list(one.step), [at / 1e6 for at in one.time_us], list(one.value))
            for name, one in shown.series.items()
        }
        if shown.run["status"] != "running":
            self._series = found
        return found


def runs(
    where: str | None = None,
    *,
    sort: str | None = None,
    limit: int | None = None,
    tags: str | Sequence[str] = (),
    path: str | os.PathLike[str] | None = None,
) -> list[RecordedRun]:
    """The runs of a repository, the running ones first, then newest first.

    Args:
        where: a condition, as `gxt list --where` takes it: `metrics.acc > 0.9 and params.lr < 0.1`.
        sort: by what, as `gxt list --sort`: `metrics.acc desc`, `-acc`.
        limit: at most so many.
        tags: labels that they all have; a single text is one.
        path: in the repository; the working directory by default.

    Raises:
        QueryError: `where` or `sort` cannot be understood, or no run has what they name.
        UsageError: `limit` is no number of runs.
        GxtError: there is no repository.
    """
    from gxt.ops.listing import ListRequest, list_runs

    workspace = opened(path)
    _check_limit(limit)
    where, sort = (None if one is None else str(one) for one in (where, sort))
    request = ListRequest(where=where, sort=sort, limit=limit, tags=tuple(labels(tags)))
    found = list_runs(workspace, request)
    for notice in found.notices:
        say(notice)
    return [RecordedRun(run, workspace) for run in found.runs]


def _check_limit(limit: object) -> None:
    if limit is not None and not (isinstance(limit, int) and limit >= 0):
        raise UsageError(
            f"limit is how many runs there may be, not {limit!r}", hint="write for example limit=20"
        )


def get(run: str, path: str | os.PathLike[str] | None = None) -> RecordedRun:
    """One run of a repository.

    Args:
        run: `exp-012`, `12`, a unique name, a prefix of its uid or commit, `@` for the latest, `best`.
        path: in the repository; the working directory by default.

    Raises:
        UnknownRun, AmbiguousRun, RemovedRun: that is no single run.
        GxtError: there is no repository, or the run cannot be read.
    """
    from gxt.ops.show import show

    workspace = opened(path)
    return RecordedRun(show(workspace, str(run)).run, workspace)


def opened(path: str | os.PathLike[str] | None = None) -> Workspace:
    """The repository that holds a path; what the user should know of it is said."""
    from gxt.ops.workspace import open_workspace

    workspace = open_workspace(None if path is None else Path(path))
    for notice in workspace.notices:
        say(notice)
    return workspace


def _numbers(metrics: Json) -> Iterator[tuple[str, float]]:
    for name, value in cast("JsonObject", metrics).items():
        number = number_from_json(value)
        if number is not None:
            yield name, number


def _with_numbers(value: Json) -> Any:  # noqa: ANN401 as deep as an evaluation is
    """The value with NaN and infinities as such."""
    if isinstance(value, dict):
        return {name: _with_numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_numbers(one) for one in value]
    number = number_from_json(value) if isinstance(value, str) else None
    return value if number is None else number


def _objects(value: Json) -> list[JsonObject]:
    return cast("list[JsonObject]", value or [])


def _artifact(one: JsonObject, top: Path) -> Artifact:
    return Artifact(
        name=str(one["name"]),
        path=str(one["path"]),
        kind=str(one["kind"]),
        step=cast("int | None", one["step"]),
        md5=cast("str | None", one["md5"]),
        size=cast("int | None", one["size"]),
        facts=one,
        top=top,
    )
