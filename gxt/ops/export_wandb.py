"""`gxt export wandb`: a folder for each run as W&B writes them offline, for `wandb sync` to upload.

A run has the same id in every export, so that W&B brings it up to date and has it once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, cast

from gxt.capture.loggers.wandb import COUNTERS
from gxt.data.putting import put_bytes, take_away
from gxt.model.codec import number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.metric_lines import Row, metric_rows
from gxt.model.run import evals_of, params_of, title
from gxt.ops import wandb_file
from gxt.ops.export_files import Exported
from gxt.ops.export_logs import Put, digest, export_logs, span_us
from gxt.ops.history import History
from gxt.ops.show import series_of
from gxt.ops.wandb_file import Said
from gxt.ops.workspace import Workspace

FORMAT: Final = 1
"""Of what is written here: another one is written again."""
INTERRUPTED: Final = 255  # W&B's own code where somebody has pressed Ctrl-C
_NO_PROJECT: Final = re.compile(r"[/\\#?%:\x00-\x1f]+")
_MOST_NAME: Final = 128


def export_wandb(
    workspace: Workspace, folder: Path, refs: Sequence[str] = (), where: str | None = None
) -> Exported:
    """Write runs as offline runs of W&B: metrics, parameters, evaluations, tags, notes.

    Args:
        workspace: whose runs.
        folder: for a folder a run; others may have theirs in it.
        refs: the runs; none for all.
        where: a condition that they meet.

    Raises:
        UsageError, UnknownRun, AmbiguousRun, RemovedRun, QueryError, GxtError: see `export_logs`.
    """
    top = workspace.repository.top
    project = _NO_PROJECT.sub("-", top.name)[:_MOST_NAME] or "gxt"

    def put(history: History, run: JsonObject) -> Put:
        id_ = wandb_id(str(run["uid"]))
        name = f"offline-run-{_compact(str(run['created']))}-{id_}"
        group = _group(history, run)
        said = _said(run, project, group)
        producer = f"gxt {digest(history, run, FORMAT, project, group)}"
        path = f"{name}/run-{id_}.wandb"
        if _is_as_before(folder / path, wandb_file.version(producer)):
            return Put(name, is_new=False)
        rows = list(metric_rows(series_of(history, run)))
        put_bytes(folder, path, wandb_file.log(_records(run, said, producer, rows)))
        take_away(folder, [f"{path}.synced"])  # which tells W&B that there is nothing to upload
        return Put(name, is_new=True)

    return export_logs(workspace, folder, refs, where, put)


def wandb_id(uid: str) -> str:
    """What a run is called there."""
    return uid.lower()


def _compact(at: str) -> str:
    """A time as W&B names folders: `20261120_235100`."""
    return f"{datetime.fromisoformat(at[:19]):%Y%m%d_%H%M%S}"


def _is_as_before(path: Path, first: bytes) -> bool:
    """Whether a file begins with a record."""
    try:
        with path.open("rb") as file:
            return first in file.read(len(first) + 64)
    except OSError:
        return False


def _records(run: JsonObject, said: Said, producer: str, rows: Sequence[Row]) -> Iterator[bytes]:
    yield wandb_file.version(producer)
    yield wandb_file.run(said)
    command = [str(word) for word in cast("list[Json]", run["command"])]
    if command:
        yield wandb_file.environment(command, said.host)
    names = dict.fromkeys(name for _, _, values in rows for name in values)
    counts = not names.keys().isdisjoint(COUNTERS) or not _ascends(rows)
    if counts:
        yield from wandb_file.own_steps(names)
    yield from wandb_file.history(rows, said.started_us, counts=counts)
    yield wandb_file.summary(_summary(run))
    yield wandb_file.ended(_exit_code(run), _duration_s(run))


def _ascends(rows: Sequence[Row]) -> bool:
    """Whether the steps can be W&B's: from zero on, each greater than the one before."""
    steps = [step for _, step, _ in rows]
    return all(a < b for a, b in pairwise([-1, *steps]))


def _said(run: JsonObject, project: str, group: str) -> Said:
    about: JsonObject = {
        "id": run["id"],
        "uid": run["uid"],
        "parent": run["parent_uid"],
        "status": run["status"],
        "duration_s": run["duration_s"],
    }
    began_us, _ = span_us(run)
    return Said(
        id=wandb_id(str(run["uid"])),
        project=project,
        name=title(run)[:_MOST_NAME],
        notes=_notes(run),
        group=group,
        tags=[str(tag) for tag in cast("list[Json]", run["tags"])],
        host=str(run["host"] or ""),
        config={"gxt": about, **params_of(run)},
        commit=str(run["commit"] or ""),
        started_us=began_us,
    )


def _notes(run: JsonObject) -> str:
    """What people have said of it: before it, of what came out, and since."""
    named = str(run["message"] or "") if run["message"] != title(run) else ""
    remarks = [one for key in ("conclusions", "comments") for one in cast("list[JsonObject]", run[key])]
    since = [str(one["text"]) for one in remarks]
    return "\n\n".join(filter(None, [named, str(run["hypothesis"] or ""), *since]))


def _group(history: History, run: JsonObject) -> str:
    """What repeats of one experiment share: the first one's name, and a part of their group's identity."""
    group = str(run["group"] or "")
    if not group:
        return ""
    members = history.group(group)
    return f"{title(members[0] if members else run)[:80]} {group[-6:].lower()}"


def _summary(run: JsonObject) -> dict[str, Json]:
    metrics = cast("JsonObject", run["metrics"])
    values: dict[str, Json] = {name: number_from_json(value) for name, value in metrics.items()}
    evals = evals_of(run)
    return {**values, **({"evals": evals} if evals else {}), "_runtime": run["duration_s"]}


def _exit_code(run: JsonObject) -> int:
    if run["status"] == "completed":
        return 0
    code = INTERRUPTED if run["status"] == "interrupted" else run["exit_code"]
    return code if isinstance(code, int) and code else 1


def _duration_s(run: JsonObject) -> float:
    duration_s = run["duration_s"]
    return duration_s if isinstance(duration_s, (int, float)) else 0.0
