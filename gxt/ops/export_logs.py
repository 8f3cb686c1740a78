"""What the exports to other loggers share: a log for each run, in a folder that others may use too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gxt.errors import DamagedRecord, GxtError, NewerFormat, UsageError
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple
from gxt.ops.choosing import chosen
from gxt.ops.export_files import Exported
from gxt.ops.history import History
from gxt.ops.show import folder_of
from gxt.ops.workspace import Workspace


class Put(NamedTuple):
    """What became of a run: the name of its folder, whether it had to be written, what it lacks, in words."""

    name: str
    is_new: bool
    notices: tuple[str, ...] = ()


def export_logs(
    workspace: Workspace,
    folder: Path,
    refs: Sequence[str],
    where: str | None,
    put: Callable[[History, JsonObject], Put],
) -> Exported:
    """Put runs into a folder one by one; live ones and damaged ones are left out, with a notice.

    Raises:
        UsageError: the folder is a file.
        UnknownRun, AmbiguousRun, RemovedRun, QueryError: see `chosen`.
        GxtError: it cannot be written.
    """
    written: list[str] = []
    unchanged: list[str] = []
    notices: list[str] = []
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="name a folder")
    with History(workspace) as history:
        runs = chosen(history, refs, where)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for done, run in enumerate(runs, 1):
                try:
                    if history.live_of(run) is not None:
                        notices.append(f"{run['id']} is running, and left out")
                        continue
                    one = put(history, run)
                    (written if one.is_new else unchanged).append(one.name)
                    notices += [f"{run['id']}: {text}" for text in one.notices]
                except (DamagedRecord, NewerFormat) as error:
                    notices.append(f"{run['id']} is left out: {error.message}")
                workspace.progress("exporting runs", done, len(runs))
        except OSError as error:
            what = f"{folder} could not be written: {error.strerror or error}"
            raise GxtError(
                what, hint="see why, then the same command goes on where this one ended"
            ) from error
        told = (*workspace.notices, *history.damage(), *notices)
    return Exported(folder, tuple(written), tuple(unchanged), told)


def digest(history: History, run: JsonObject, *facts: Json) -> str:
    """Tells whether a run was exported as it is: its record in git, what is called otherwise, and facts."""
    said = [folder_of(history, run).oid, run["id"], run["parent"], *facts]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]


def span_us(run: JsonObject) -> tuple[int, int]:
    """When a run began and ended, in microseconds since 1970."""
    at = datetime.fromisoformat(str(run["created"]).replace("Z", "+00:00"))
    epoch = datetime.fromtimestamp(0, at.tzinfo)
    began = (at - epoch) // timedelta(microseconds=1)
    duration_s = run["duration_s"]
    return began, began + (round(duration_s * 1e6) if isinstance(duration_s, (int, float)) else 0)
