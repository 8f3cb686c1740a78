"""`gxt run`: a command as it would run without gxt, recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gxt.capture.process import Ended, run_command
from gxt.git.repository import Repository
from gxt.model.goals import Metric, goals_of, main_metric
from gxt.model.ids import run_id
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import CONSOLE, metrics_of, sources_of
from gxt.named_tuple import NamedTuple
from gxt.ops.declared import declared_metric, metrics_files, read_metrics
from gxt.ops.environment import EnvironmentThread, SystemThread
from gxt.ops.finish import Finished, finish
from gxt.ops.history import History
from gxt.ops.outputs import Keeper, put_out_at_end
from gxt.ops.sources import SourcesThread
from gxt.ops.start import Plan, StartRequest, start, watch_code, watch_data
from gxt.ops.workspace import Workspace
from gxt.store.console import ConsoleLog
from gxt.store.journal import ENV_DIRECTORY, ENV_UID, LiveRun
from gxt.store.settings import SYSTEM_EVERY_S

if TYPE_CHECKING:
    from gxt.capture.loggers.content import Aside

_NAMED = 5  # metrics that are named at the end of a run

ENV_SEED = "GXT_SEED"


class Started(NamedTuple):
    """A run that is about to begin: its id, and the plan it follows."""

    id: str
    plan: Plan


class RunResult(NamedTuple):
    """A run that has ended.

    Attributes:
        id: the number it went by; `finished` may hold another.
        plan: what it followed.
        ended: how the command ended.
        finished: what was recorded; None when nothing could be.
        parent: the parent run, if it is here; the script may have named another one than the plan has.
        kept: whether the directory of the run is still there, from which it can be recorded later.
        main: the metric that stands for it, if it has any.
        notices: what the user should know about its metrics and its console.
    """

    id: str
    plan: Plan
    ended: Ended
    finished: Finished | None
    parent: JsonObject | None
    kept: bool
    main: Metric | None
    notices: tuple[str, ...]


def run(
    workspace: Workspace,
    request: StartRequest,
    *,
    on_start: Callable[[Started], None],
    cwd: Path | None = None,
) -> RunResult:
    """Run the command in place and record it.

    Args:
        workspace: where.
        request: the command, and what the user says about it.
        on_start: told when everything is written down, just before the command begins.
        cwd: where the command runs; by default here.

    Raises:
        UsageError, CannotRecord: the request makes no sense, or nothing can be written down; nothing started.
    """
    planned, live = start(workspace, request)
    on_start(Started(run_id(live.number), planned))
    files = _MetricsFiles.watch(workspace.repository, planned)
    console = ConsoleLog(live.path)
    environment = EnvironmentThread(workspace.repository, live, request.command)
    keeper = Keeper(workspace.repository, live)
    data = watch_data(workspace, planned, live)
    sources = _watch_sources(workspace, request, live)
    system = SystemThread(live, _looks_every_s(workspace, request))

    def on_started(pid: int) -> None:
        environment.start()
        system.begin(pid)
        keeper.start()
        sources.watch(pid)
        if data is not None:
            data.start()
        watch_code(workspace.repository, live)

    ended = run_command(
        request.command,
        extra_env=_variables(request, live, sources),
        on_lines=console.write,
        on_started=on_started,
        cwd=cwd,
    )
    system.finish()
    untold = (*environment.finish(), *(data.finish() if data is not None else ()))
    console.close()
    notices = _record_found(live, ended, files, sources, untold)
    finished = finish(
        workspace,
        live,
        status=_status(ended),
        exit_code=ended.returncode,
        duration_s=ended.duration_s,
        keep=lambda: _keep_outputs(workspace.repository, live, keeper, request.outs, sources.artifacts()),
    )
    notices += _scraped(finished)
    parent, kept = _parent(workspace, planned, finished), live.path.exists()
    main = _main(workspace, parent, finished)
    return RunResult(run_id(live.number), planned, ended, finished, parent, kept, main, notices)


def _variables(request: StartRequest, live: LiveRun, sources: SourcesThread) -> dict[str, str]:
    own = {ENV_UID: live.uid, ENV_DIRECTORY: str(live.path)}
    return {**own, **_seed(request), **sources.environment()}


def _watch_sources(workspace: Workspace, request: StartRequest, live: LiveRun) -> SourcesThread:
    off = (*request.sources_off, *workspace.settings.sources_off)
    return SourcesThread(workspace.repository, live, request.command, off)


def _record_found(
    live: LiveRun, ended: Ended, files: _MetricsFiles, sources: SourcesThread, untold: Sequence[str]
) -> tuple[str, ...]:
    """Write down what other loggers and metrics files have, and what there is to say of it all."""
    said = sources.finish()
    written = [(name, sources.without_known(name, numbers)) for name, numbers in files.written()]
    return (*_record_end(live, ended, written, (*untold, *files.notices())), *said)


def _looks_every_s(workspace: Workspace, request: StartRequest) -> float:
    """Seconds between two looks at the machine; 0 for none."""
    settings = workspace.settings.runs
    usual = SYSTEM_EVERY_S if settings is None else settings.system_every_s
    return usual if request.system else 0


def _seed(request: StartRequest) -> dict[str, str]:
    return {} if request.seed is None else {ENV_SEED: str(request.seed)}


def _keep_outputs(
    repository: Repository,
    live: LiveRun,
    keeper: Keeper,
    outs: Sequence[str],
    asides: Sequence[tuple[str, Aside]],
) -> Sequence[str]:
    keeper.finish()
    notices = put_out_at_end(repository, live, dict.fromkeys(outs))
    for kind in dict.fromkeys(kind for kind, _ in asides):
        names = {str(one.path): one.name for of, one in asides if of == kind}
        notices += put_out_at_end(repository, live, names, who=kind)
    return notices


def _parent(workspace: Workspace, planned: Plan, finished: Finished | None) -> JsonObject | None:
    """The parent run; of repeats what stands for all of them."""
    uid = finished.run["parent_uid"] if finished else planned.config["parent"]
    is_known = uid == planned.config["parent"]
    if is_known and not (planned.parent and planned.parent["group"]):
        return planned.parent
    with History(workspace) as history:
        parent = planned.parent if is_known else history.by_uid(str(uid)) if uid else None
        return history.whole_group(parent) if parent else None


def _main(workspace: Workspace, parent: JsonObject | None, finished: Finished | None) -> Metric | None:
    """Of the run's metrics the one that stands for it; those of its parent come first, for they are older."""
    settings, own = workspace.settings, metrics_of(finished.run) if finished else {}
    names = [*(name for name in metrics_of(parent or {}) if name in own), *own]
    chosen = settings.metric or declared_metric(workspace.repository)
    goals = {**goals_of(parent, finished.run if finished else None), **settings.goals}
    return main_metric(names, chosen=chosen, goals=goals)


def _scraped(finished: Finished | None) -> tuple[str, ...]:
    """One line of the metrics that the run has only printed."""
    said = sources_of(finished.run).get(CONSOLE) if finished else None
    if said is None:
        return ()
    names = [str(name) for name in cast("list[Json]", said.get("metrics") or [])]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    told = [f"read from what it printed: {', '.join(names[:_NAMED])}{more}"] if names else []
    return (*told, *filter(None, [cast("str | None", said.get("note"))]))


def _status(ended: Ended) -> str:
    if ended.interrupted:
        return "interrupted"
    return "completed" if ended.returncode == 0 else "failed"


def _record_end(
    live: LiveRun, ended: Ended, written: Sequence[tuple[str, dict[str, float]]], untold: Sequence[str]
) -> tuple[str, ...]:
    """Write down what is known only now, and return what the user should know of it.

    The journal may be on a full disk: the run has ended all the same.
    """
    notices = [*untold]
    if ended.log_error:
        notices.append(f"console cut: {ended.log_error}")
    try:
        for name, numbers in written:
            live.journal.append("metrics", {"s": None, "m": numbers, "file": name})
        for text in (*notices, *filter(None, [ended.error])):
            live.journal.append("notice", {"text": text})
    except OSError as error:
        notices.append(f"its end could not be written down: {error.strerror or error}")
    return tuple(notices)


class _MetricsFiles(NamedTuple):
    """Metrics files and how they looked before the run: only what the run wrote counts.

    A file that is written again with the same content has the same bytes but another change time.
    """

    top: Path
    before: dict[Path, tuple[int, ...] | None]
    named: tuple[Path, ...]
    undeclared: tuple[str, ...]

    @classmethod
    def watch(cls, repository: Repository, planned: Plan) -> _MetricsFiles:
        asked = tuple(repository.cwd / name for name in planned.request.metrics)
        declared = metrics_files(repository, planned.inputs.found.files if planned.inputs else None)
        before = {path: _stamp(path) for path in dict.fromkeys((*asked, *declared.paths))}
        return cls(repository.top, before, asked, declared.notices)

    def written(self) -> list[tuple[str, dict[str, float]]]:
        """The numbers in each file that changed."""
        changed = [path for path, stamp in self.before.items() if _stamp(path) not in {None, stamp}]
        found = [(os.path.relpath(path, self.top), read_metrics(path)) for path in changed]
        return [(name, numbers) for name, numbers in found if numbers]

    def notices(self) -> list[str]:
        """What `dvc.yaml` does not tell, files named by the user but not written, files without a number."""
        notices = [*self.undeclared]
        for path, before in self.before.items():
            stamp = _stamp(path)
            name = os.path.relpath(path, self.top)
            if stamp is None or stamp == before:
                if path in self.named:
                    notices.append(f"{name} was not written by the run: no metrics taken from it")
            elif not read_metrics(path):
                notices.append(f"{name} holds no numbers that can be read as JSON or YAML")
        return notices


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size
