"""`gxt import wandb`: the runs in a folder `wandb`, those that were offline and those that were not."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final, cast

from gxt.capture.loggers.wandb_history import Logged, files_of, read_log, wandb_logs
from gxt.errors import InvalidParams, UsageError
from gxt.model.ids import is_uid
from gxt.model.json_types import Json, JsonObject
from gxt.model.metric_lines import metric_rows
from gxt.model.params import flatten, split_keys
from gxt.ops.export_wandb import INTERRUPTED
from gxt.ops.foreign import LAST_US, Artifact, Foreign, Points, import_foreign
from gxt.ops.imported import Imported
from gxt.ops.workspace import Workspace
from gxt.store.sync.from_files import uids_here

_SOURCE: Final = "wandb"
_HINT: Final = "gxt import wandb DIR, the folder wandb that a script leaves behind"
_ABOUT: Final = "gxt"  # the key in the config of an export
_QUIET_S: Final = 600  # a run that W&B watches writes every 15 s
_SEEDS: Final = frozenset(("seed", "random_seed", "manual_seed", "rng_seed"))
_IMAGES: Final = frozenset((".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"))


def import_wandb(workspace: Workspace, place: Path) -> Imported:
    """Put the runs of a folder into the history. Those that are here already stay as they are.

    Args:
        workspace: where to.
        place: a folder `wandb`, the one above it, the folder of a run, or its log.

    Raises:
        UsageError: there is no log of a run.
        StoreBusy, GitFailed: nothing could be written now.
        GxtError: their outputs cannot be stored.
    """
    logs = wandb_logs(place)
    if not logs:
        what = (
            f"there is no log of a run (run-….wandb) in {place}" if place.exists() else f"there is no {place}"
        )
        raise UsageError(what, hint=_HINT)
    left_out: list[str] = []
    runs: dict[str, list[Logged]] = {}
    for path in logs:
        try:
            logged = read_log(path)
        except OSError as error:
            left_out.append(f"{path}: {error.strerror}")
            continue
        parts = runs.setdefault(_key(logged), [])
        copied = [one for one in parts if one.started_us == logged.started_us]
        if copied:
            left_out.append(f"{path.parent.name}: it is a copy of {copied[0].path.parent.name}")
        else:
            parts.append(logged)
    kept = _kept(workspace, runs, left_out)
    if place.is_file() and not any(one.said or one.series for parts in runs.values() for one in parts):
        raise UsageError(f"{place} holds no run of W&B's", hint=_HINT)
    groups = _repeats(kept)
    foreign = [_foreign(key, parts, group=groups.get(key, "")) for key, parts in kept.items()]
    return import_foreign(workspace, str(place), foreign, left_out)


def _kept(
    workspace: Workspace, runs: Mapping[str, list[Logged]], left_out: list[str]
) -> dict[str, list[Logged]]:
    """The runs that are to come, the logs of each in the order of their times."""
    exported = {key: uid for key, parts in runs.items() if (uid := _about(parts[0]).get("uid"))}
    here = uids_here(workspace.repository, [str(uid) for uid in exported.values()])
    kept: dict[str, list[Logged]] = {}
    for key, parts in runs.items():
        parts.sort(key=lambda one: one.started_us)
        last = parts[-1]
        name = last.said.get("name") or key
        if exported.get(key) in here:
            left_out.append(f"{name}: the run that it comes from is here")
        elif not last.said and not last.series:
            left_out.append(f"{last.path.name}: it holds no run of W&B's")
        elif last.exit_code is None and time.time() - last.path.stat().st_mtime < _QUIET_S:
            left_out.append(f"{name} may be running: import it again when it has ended")
        else:
            kept[key] = parts
    return kept


def _key(logged: Logged) -> str:
    """What identifies the run on every machine: W&B's id is unique in a project, gxt's everywhere."""
    if uid := _about(logged).get("uid"):
        return _own_key(str(uid))
    id_ = logged.said.get("id") or logged.path.stem.removeprefix("run-")
    return f"{logged.said.get('project', '')}/{id_}"


def _own_key(uid: str) -> str:
    return f"gxt {uid}"


def _about(logged: Logged) -> JsonObject:
    """What an export of gxt's tells of the run; empty for the runs of others."""
    about = logged.params.get(_ABOUT)
    return about if isinstance(about, dict) and is_uid(str(about.get("uid"))) else {}


def _foreign(key: str, parts: Sequence[Logged], group: str) -> Foreign:
    first, last = parts[0], parts[-1]
    said = {name: value for one in parts for name, value in one.said.items() if value}
    about = _about(first)
    evals = last.summary.get("evals") if about else None
    marks = [f"{name}={said[name]}" for name in ("group", "job_type") if said.get(name) and not group]
    return Foreign(
        _SOURCE,
        key,
        said.get("name", ""),
        first.started_us,
        _ended_us(parts, about),
        _status(last.exit_code),
        last.exit_code,
        params=_params(parts),
        metrics=_metrics(parts, about),
        tags=[*dict.fromkeys(tag for one in parts for tag in one.tags), *marks],
        note=said.get("notes", ""),
        parent=_parent(said, about),
        author=(said["user"], said.get("mail", "")) if said.get("user") else None,
        command=_command(said, last.args),
        commit=said.get("commit") or None,
        artifacts=[Artifact(name, path, _kind(name)) for one in parts for name, path in files_of(one.path)],
        evaluation=evals if isinstance(evals, dict) else None,
        group=group,
    )


def _parent(said: Mapping[str, str], about: JsonObject) -> str | None:
    """The key of the run that it derives from: gxt's parent, or what W&B has forked it from."""
    if about:
        return _own_key(str(about["parent"])) if about.get("parent") else None
    return f"{said.get('project', '')}/{said['parent']}" if said.get("parent") else None


def _status(exit_code: int | None) -> str:
    if exit_code is None or exit_code == INTERRUPTED:
        return "interrupted"
    return "failed" if exit_code else "completed"


def _ended_us(parts: Sequence[Logged], about: JsonObject) -> int:
    """When it ended: as the export says, else by its last point and how long W&B says that it took."""
    began_us = parts[0].started_us
    duration_us = _microseconds(about.get("duration_s"))
    if duration_us is not None:
        return began_us + duration_us
    times = [_last_us(one) for one in parts]
    runtime_us = _microseconds(parts[-1].summary.get("_runtime"))
    if runtime_us is not None and len(parts) == 1:
        times.append(began_us + runtime_us)
    return max([*times, began_us])


def _microseconds(seconds: Json) -> int | None:
    """How long something took; None where that is no time at all."""
    is_time = isinstance(seconds, (int, float)) and 0 <= seconds < LAST_US / 1e6
    return round(cast("float", seconds) * 1e6) if is_time else None


def _last_us(logged: Logged) -> int:
    return max((max(one.time_us) for one in logged.series.values()), default=0)


def _params(parts: Sequence[Logged]) -> JsonObject:
    params: JsonObject = {}
    for one in parts:
        about = _about(one)
        params.update({key: value for key, value in one.params.items() if key != _ABOUT or not about})
    return params


def _metrics(parts: Sequence[Logged], about: JsonObject) -> Points:
    """The history, and what only the summary has, at its end; an export's evaluations are none of it."""
    began_us, step = parts[0].started_us, 0
    for one in parts:
        for at_us, step, values in metric_rows(one.series):
            yield at_us or began_us, step, values
    alone = parts[-1].alone
    known = {name for one in parts for name in one.series}
    left = {
        name: value
        for name, value in alone.items()
        if name not in known and not (about and name.startswith("evals/"))
    }
    if left:
        yield max(began_us, _last_us(parts[-1])), step, left


def _command(said: Mapping[str, str], args: Sequence[str]) -> list[str]:
    """The command as one would type it: W&B tells the interpreter and the script apart."""
    program = said.get("code_path") or said.get("program", "")
    if not program:
        return []
    executable = said.get("executable", "")
    return [*([PurePath(executable).name] if executable else []), program, *args]


def _kind(name: str) -> str:
    return "image" if PurePath(name).suffix.lower() in _IMAGES else ""


def _repeats(runs: Mapping[str, Sequence[Logged]]) -> dict[str, str]:
    """The groups, by the keys of their runs, whose runs differ in nothing but the seed: repeats.

    W&B's groups are whatever somebody has put together, sweeps too.
    """
    groups: dict[str, list[str]] = {}
    for key, parts in runs.items():
        if name := parts[-1].said.get("group"):
            groups.setdefault(f"{parts[-1].said.get('project', '')}/{name}", []).append(key)
    found: dict[str, str] = {}
    for group, keys in groups.items():
        with suppress(InvalidParams):  # those of a run are nested too deep, which is left out
            kept = [_without_seed(_params(runs[key])) for key in keys]
            if len(keys) > 1 and all(one == kept[0] for one in kept):
                found |= dict.fromkeys(keys, group)
    return found


def _without_seed(params: JsonObject) -> dict[str, Json]:
    return {name: value for name, value in flatten(params).items() if split_keys(name)[-1] not in _SEEDS}
