"""`gxt run`: a command as it would run without gxt, recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gxt.capture.process import Ended, run_command
from gxt.git.repository import Repository
from gxt.model.ids import run_id
from gxt.model.json_types import Json
from gxt.ops.declared import metrics_files, read_metrics
from gxt.ops.environment import EnvironmentThread
from gxt.ops.finish import Finished, finish
from gxt.ops.start import Plan, StartRequest, begin, plan
from gxt.ops.workspace import Workspace
from gxt.store.console import ConsoleLog
from gxt.store.journal import ENV_DIRECTORY, ENV_UID, LiveRun


@dataclass(frozen=True)
class Started:
    """A run that is about to begin: its id, and the plan it follows."""

    id: str
    plan: Plan


@dataclass(frozen=True)
class RunResult:
    """A run that has ended: how the command ended, and what was recorded (None when nothing could be)."""

    id: str
    plan: Plan
    ended: Ended
    finished: Finished | None


def run(
    workspace: Workspace,
    request: StartRequest,
    *,
    metrics: Sequence[str] = (),
    on_start: Callable[[Started], None],
) -> RunResult:
    """Run the command in place and record it.

    Args:
        workspace: where.
        request: the command, and what the user says about it.
        metrics: metrics files besides those that `dvc.yaml` declares, relative to the working directory.
        on_start: told when everything is written down, just before the command begins.

    Raises:
        UsageError: the request makes no sense; nothing was recorded and the command did not start.
    """
    planned = plan(workspace, request)
    live = begin(workspace, planned)
    on_start(Started(run_id(live.number), planned))
    files = _MetricsFiles.watch(workspace.repository, metrics)
    console = ConsoleLog(live.path)
    environment = EnvironmentThread(workspace.repository, live, request.command)
    ended = run_command(
        request.command,
        extra_env={ENV_UID: live.uid, ENV_DIRECTORY: str(live.path)},
        on_line=console.write,
        on_started=lambda _pid: environment.start(),
    )
    environment.finish()
    console.close()
    _record_end(live, ended, files)
    finished = finish(
        workspace,
        live,
        status=_status(ended),
        exit_code=ended.returncode,
        duration_s=(ended.ended_us - ended.started_us) / 1e6,
    )
    return RunResult(run_id(live.number), planned, ended, finished)


def _status(ended: Ended) -> str:
    if ended.interrupted:
        return "interrupted"
    return "completed" if ended.returncode == 0 else "failed"


def _record_end(live: LiveRun, ended: Ended, files: _MetricsFiles) -> None:
    """What is known only now. The journal may be on a full disk: the run has ended all the same."""
    try:
        for name, numbers in files.written():
            live.journal.append("metrics", {"s": None, "m": numbers, "file": name})
        notices = [*files.notices(), ended.error, ended.log_error and f"console cut: {ended.log_error}"]
        for text in filter(None, notices):
            live.journal.append("notice", {"text": text})
    except OSError:
        return


@dataclass(frozen=True)
class _MetricsFiles:
    """Metrics files and how they looked before the run: only what the run wrote counts.

    A file that is written again with the same content has the same bytes but another change time.
    """

    top: Path
    before: dict[Path, tuple[int, ...] | None]
    named: tuple[Path, ...]

    @classmethod
    def watch(cls, repository: Repository, named: Sequence[str]) -> _MetricsFiles:
        asked = tuple(repository.cwd / name for name in named)
        folders = dict.fromkeys((repository.cwd, repository.top))
        paths = [*asked, *(path for folder in folders for path in metrics_files(folder))]
        return cls(repository.top, {path: _stamp(path) for path in dict.fromkeys(paths)}, asked)

    def written(self) -> list[tuple[str, dict[str, float]]]:
        """The numbers in each file that changed."""
        changed = [path for path, stamp in self.before.items() if _stamp(path) not in {None, stamp}]
        found = [(os.path.relpath(path, self.top), read_metrics(path)) for path in changed]
        return [(name, numbers) for name, numbers in found if numbers]

    def notices(self) -> list[Json]:
        """Files that the user named and the run did not write, or wrote without a number."""
        notices: list[Json] = []
        for path in self.named:
            stamp = _stamp(path)
            name = os.path.relpath(path, self.top)
            if stamp is None or stamp == self.before[path]:
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
