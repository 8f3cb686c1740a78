"""The start of a run: everything that must be known before the command begins, written down safely."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gxt.capture.params_files import edit_params, holds, parse_assignment, parse_params
from gxt.capture.programs import find_executable
from gxt.capture.remembered_params import load_remembered
from gxt.capture.replacing import replace_content
from gxt.errors import (
    CannotRecord,
    GitFailed,
    GxtError,
    InvalidParams,
    MachineFailed,
    StoreBusy,
    UsageError,
    machine_failure,
)
from gxt.git.fast_import import FastImport, Person, Put
from gxt.git.objects import ObjectReader
from gxt.git.refs import RefUpdate, move_refs
from gxt.git.repository import Repository, guessed_identity
from gxt.git.snapshot import Limits, Snapshot, take
from gxt.model.codec import FORMAT, time_to_json
from gxt.model.flags import from_command
from gxt.model.ids import new_uid, no_reference
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import merge
from gxt.model.run import is_recorded
from gxt.model.scalars import clean_text
from gxt.model.secrets import redact_command, redact_params
from gxt.named_tuple import NamedTuple
from gxt.ops.history import Absent, History
from gxt.ops.inputs import look_at_inputs
from gxt.ops.parent import parent_of_new
from gxt.ops.workspace import Workspace
from gxt.store import collector, debris, journal
from gxt.store.locks import store_lock
from gxt.store.places import CODE, cache_home, live_paths, live_ref, recorded_here
from gxt.store.settings import Settings
from gxt.store.tree import read_tip, reserve

if TYPE_CHECKING:
    from gxt.ops.datasets import DataThread, Inputs

DEFAULT_PARAMS = "params.yaml"
_ATTEMPTS = 5
_PATIENCE_S = 1.0  # that a training waits for hashes; the others are computed beside it
_PATIENCE_DRY_S = 10.0


class StartRequest(NamedTuple):
    """What the user says about a run before it starts.

    Attributes:
        command: the wrapped command, or the script's own command line.
        name: a short name. message: what is different. hypothesis: what is expected, and why.
        parent: a run, `none`, or None for the base of the work tree.
        tags: labels.
        params: parameters files besides `params.yaml`, relative to the working directory.
        assignments: `KEY=VALUE` edits of the parameters file.
        config: parameters given by the script itself; they win over all others.
        metrics: metrics files besides those that `dvc.yaml` declares, relative to the working directory.
        outs: files and folders that are kept when the command has ended, relative to the same.
        reproduces: the uid of the run that is executed again.
        data: paths of data besides what DVC's files declare, relative to the working directory.
        sources_off: kinds of other loggers whose logs are not to be read; `all` for every one.
        scrape: metrics may be read from its console if it has no others.
        system: the machine is looked at while it runs.
        group: the identity that repeats of one experiment share.
        seed: what the command finds in `GXT_SEED`.
        repeat: which of how many repeats it is, from 1.
    """

    command: Sequence[str]
    name: str | None = None
    message: str | None = None
    hypothesis: str | None = None
    parent: str | None = None
    tags: Sequence[str] = ()
    params: Sequence[str] = ()
    assignments: Sequence[str] = ()
    config: JsonObject | None = None
    metrics: Sequence[str] = ()
    outs: Sequence[str] = ()
    reproduces: str | None = None
    data: Sequence[str] = ()
    sources_off: Sequence[str] = ()
    scrape: bool = True
    system: bool = True
    group: str | None = None
    seed: int | None = None
    repeat: tuple[int, int] | None = None


class Plan(NamedTuple):
    """A run that could start now.

    Attributes:
        config: the document that will be recorded.
        snapshot: the code.
        parent: the parent run as JSON, if it is here.
        base_left: the parent is the base, and HEAD no longer descends from its commit.
        notices: what the user should know before it starts.
        request: what was asked for.
        uid: the identity of the run.
        at_us: when it starts, in microseconds since the epoch.
        absent: what to call a parent that cannot be shown.
        inputs: the data that it uses; None where there is none that can be told.
    """

    config: JsonObject
    snapshot: Snapshot
    parent: JsonObject | None
    base_left: bool
    notices: tuple[str, ...]
    request: StartRequest
    uid: str
    at_us: int
    absent: str = ""
    inputs: Inputs | None = None


def plan(workspace: Workspace, request: StartRequest, reader: ObjectReader, *, write: bool = True) -> Plan:
    """Look at everything a run depends on; with `write`, apply the assignments and store the snapshot.

    Raises:
        InvalidParams: a parameters file or an assignment that cannot be used. Nothing was changed.
        UsageError: there are assignments, but no file to edit or no command to run. Nothing was changed.
        UsageError: there is no data where the request says so. Nothing was changed.
        UsageError: it does not keep to the conventions that the team enforces. Nothing was changed.
        UnknownRun, AmbiguousRun: the parent is not one run.
    """
    repository, settings = workspace.repository, workspace.settings
    unusual = _unconventional(settings, request)
    paths = params_paths(workspace, request.params)
    edits = _edits(repository, paths, request)
    contents = _contents(repository, paths, edits)
    with History(workspace, reader) as history:
        parent, parent_uid, base_left = parent_of_new(history, request.parent)
        absent = history.absent(parent_uid) if parent_uid and parent is None else Absent("", ())
    inputs = look_at_inputs(repository, request.data, patience_s=_PATIENCE_S if write else _PATIENCE_DRY_S)
    data = list[Json](inputs.entries) if inputs else []
    for path, content in edits.items() if write else ():
        _put_in_place(path, content)
    bounds = limits(settings)
    snapshot = _take(workspace, reader) if write else take(repository, reader, bounds, write=False)
    at_us = journal.now_us()
    uid = new_uid(at_us // 1000, os.urandom(10))
    name, email = settings.author or guessed_identity(repository)
    command = redact_command(request.command)
    params = redact_params(merge(*contents, from_command(request.command), request.config or {}))
    config: JsonObject = {
        "gxt": FORMAT,
        "uid": uid,
        "name": _said(request.name),
        "message": _said(request.message),
        "hypothesis": _said(request.hypothesis),
        "command": list[Json](command),
        "cwd": repository.prefix,
        "parent": parent_uid,
        **_repeat_of(request),
        "created": time_to_json(at_us),
        "author": {"name": name, "email": email},
        "host": os.uname().nodename,
        "code": _code(snapshot),
        "params": params,
        "param_files": [os.path.relpath(path, repository.top) for path in paths],
        "metrics_files": _from_top(repository, request.metrics),
        "outs": _from_top(repository, request.outs),
        "reproduces": request.reproduces,
        "data": data,
    }
    notices = [*unusual, *absent.notices, *_snapshot_notices(snapshot), *_data_notices(parent, inputs)]
    if clash := no_reference(request.name):
        notices.insert(0, clash)
    return Plan(
        config, snapshot, parent, base_left, tuple(notices), request, uid, at_us, absent.label, inputs
    )


def _contents(repository: Repository, paths: Sequence[Path], edits: Mapping[Path, bytes]) -> list[JsonObject]:
    """What the parameters files say, with their edits."""
    return [
        parse_params(edits[path].decode(), path)
        if path in edits
        else load_remembered(path, cache_home(repository) / "params")
        for path in paths
    ]


def _unconventional(settings: Settings, request: StartRequest) -> list[str]:
    """What to say of a run that does not keep to the conventions; one that runs another again need not."""
    if settings.runs is None or request.reproduces:
        return []
    from gxt.ops.conventions import check_conventions

    return check_conventions(settings.runs.conventions, request.name, request.tags)


def _repeat_of(request: StartRequest) -> JsonObject:
    place = request.repeat
    found: JsonObject | None = {"index": place[0], "of": place[1]} if place else None
    return {"group": request.group, "seed": request.seed, "repeat": found}


def dry_run(workspace: Workspace, request: StartRequest) -> Plan:
    """What `plan` would find, with nothing written."""
    with ObjectReader(workspace.repository) as reader:
        return plan(workspace, request, reader, write=False)


def start(workspace: Workspace, request: StartRequest) -> tuple[Plan, journal.LiveRun]:
    """Plan a run and make it live.

    Raises:
        UsageError: the request makes no sense; see `plan`.
        CannotRecord: the repository or the machine is not up to it.
    """
    try:
        with ObjectReader(workspace.repository) as reader:
            since = collector.look(workspace.repository)
            planned = plan(workspace, request, reader)
            return planned, _begin(workspace, planned, reader, since)
    except (GitFailed, StoreBusy, MachineFailed) as error:
        raise CannotRecord(f"the run cannot be recorded: {error.message}", hint=error.hint) from error
    except OSError as error:
        known = machine_failure(error)
        said, hint = (known.message, known.hint) if known else (str(error), "")
        raise CannotRecord(f"the run cannot be recorded: {said}", hint=hint) from error


def _begin(
    workspace: Workspace, planned: Plan, reader: ObjectReader, since: collector.Seen
) -> journal.LiveRun:
    """Make the planned run live: snapshot safe from gc, journal on disk, number reserved."""
    repository = workspace.repository
    offset = time.strftime("%z", time.localtime(planned.at_us / 1e6))
    with store_lock(repository):
        # under the lock, so that a ref of a live run without a directory is known to be debris
        planned, code = _protect(workspace, planned, reader, since)
        started: JsonObject = {
            "config": planned.config,
            "offset": offset or "+0000",
            "parent_asked": planned.request.parent is not None,
            "top": str(repository.top),
            "scrape": planned.request.scrape,
        }
        taken = [journal.reserved_number(path) for path in live_paths(repository)]
        number = reserve(reader, read_tip(reader), taken)
        live = journal.create(
            repository, uid=planned.uid, number=number, started=started, at_us=planned.at_us, code=code
        )
    with suppress(OSError), recorded_here(repository).open("a", encoding="ascii") as mine:
        mine.write(f"{planned.uid}\n")
    said = [clean_text(tag) for tag in planned.request.tags if tag.strip()]
    if said:
        tags: JsonObject = {"id": planned.uid, "tags": list[Json](said)}
        live.journal.append("tag", tags)
    return live


def watch_data(workspace: Workspace, planned: Plan, live: journal.LiveRun) -> DataThread | None:
    """What looks at the data of a run beside it; None where it uses none. To be started."""
    if planned.inputs is None:
        return None
    from gxt.ops.datasets import DataThread

    return DataThread(workspace.repository, live, planned, planned.inputs)


def watch_code(repository: Repository, live: journal.LiveRun) -> None:
    """Where a gc may take the code of a run, give it back beside the training when that gc has ended."""
    packed = live.path / CODE
    if not packed.exists():
        return
    from threading import Thread

    def give_back() -> None:
        while packed.exists() and not collector.await_end(repository, patience_s=1.0):
            pass
        with suppress(OSError, GxtError):  # the end of the run does it again
            collector.unpack(repository, packed)

    with suppress(RuntimeError):  # no thread left
        Thread(target=give_back, name="gxt-code", daemon=True).start()


def limits(settings: Settings) -> Limits:
    """How much of what git does not track goes into a snapshot."""
    return Limits(settings.untracked_file_bytes, settings.untracked_total_bytes)


def params_paths(workspace: Workspace, named: Sequence[str]) -> list[Path]:
    """`params.yaml` beside the user, else at the top, if there is one; then the files that were named."""
    repository = workspace.repository
    defaults = [repository.cwd / DEFAULT_PARAMS, repository.top / DEFAULT_PARAMS]
    found = [path for path in defaults if path.is_file()][:1]
    paths = [*found, *(repository.cwd / name for name in named)]
    return list(dict.fromkeys(Path(os.path.normpath(path)) for path in paths))


def _edits(repository: Repository, paths: list[Path], request: StartRequest) -> dict[Path, bytes]:
    """The parameters files that assignments change, with their new content."""
    if not request.assignments:
        return {}
    if not paths:
        raise UsageError(
            "--set edits the parameters file, and there is none",
            hint=f"write {DEFAULT_PARAMS}, or name a file: --params FILE",
        )
    by_path: dict[Path, list[tuple[str, str]]] = {}
    for name, value in map(parse_assignment, request.assignments):
        path = next((path for path in reversed(paths) if holds(path, name)), paths[-1])
        by_path.setdefault(path, []).append((name, value))
    edits = {path: edit_params(path, assignments) for path, assignments in by_path.items()}
    program = request.command[0]
    if find_executable(program, cwd=repository.cwd, env=os.environ) is None:
        names = ", ".join(path.name for path in edits)
        raise UsageError(
            f"there is no command {clean_text(program)} to run",
            hint=f"{names} is as it was: nothing is edited for a command that cannot start",
        )
    return edits


def _put_in_place(path: Path, content: bytes) -> None:
    try:
        replace_content(path, content)
    except OSError as error:
        raise InvalidParams(
            f"{path} cannot be written: {error.strerror or error}",
            hint="run without --set, or make it writable",
        ) from error


def _from_top(repository: Repository, names: Sequence[str]) -> list[Json]:
    """Files named in the working directory, relative to the top."""
    places = (os.path.normpath(repository.cwd / name) for name in names)
    return [os.path.relpath(place, repository.top) for place in places]


def _said(text: str | None) -> str | None:
    """Words of the user as UTF-8 can hold them; None for nothing but white space."""
    return clean_text(text) if text and text.strip() else None


def _code(snapshot: Snapshot) -> JsonObject:
    return {
        "head": snapshot.head,
        "branch": snapshot.branch,
        "dirty": snapshot.dirty,
        "tree": snapshot.tree,
        "skipped": [{"path": s.path, "reason": s.reason, "size": s.size} for s in snapshot.skipped],
    }


def _snapshot_notices(snapshot: Snapshot) -> list[str]:
    notices = []
    named = [path for path, kind in snapshot.secrets.items() if not kind]
    held = [f"{path} ({kind})" for path, kind in snapshot.secrets.items() if kind]
    for what, paths in (("looks like", named), ("holds what looks like", held)):
        if paths:
            notices.append(f"recorded although it {what} a secret, since git tracks it: {', '.join(paths)}")
    for what, recorded in (("not in the snapshot", False), ("in the snapshot, but", True)):
        paths = [
            f"{one.path} ({one.reason})" for one in snapshot.skipped if is_recorded(one.reason) == recorded
        ]
        if paths:
            more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
            notices.append(f"{what}: {', '.join(paths[:5])}{more}")
    return notices


def _data_notices(parent: JsonObject | None, inputs: Inputs | None) -> list[str]:
    """What could not be read of the data, and what of it has changed since the parent run."""
    if inputs is None:
        return []
    from gxt.model.datasets import change_notices

    changed = change_notices(parent, list(inputs.entries)) if parent else []
    return [*inputs.notices, *changed]


def _take(workspace: Workspace, reader: ObjectReader) -> Snapshot:
    """The snapshot, stored; again when a `git gc --prune=now` beside us took its objects halfway."""
    for _ in range(_ATTEMPTS):
        try:
            return take(workspace.repository, reader, limits(workspace.settings))
        except GitFailed as error:
            failed = error
    raise failed


def _protect(
    workspace: Workspace, planned: Plan, reader: ObjectReader, since: collector.Seen
) -> tuple[Plan, bytes]:
    """Point a ref at the snapshot, so that no gc takes it while the run goes on.

    What a `git gc --prune=now` beside us took before the ref was there is written again; what it may still
    take is given back as a pack.
    """
    for _ in range(_ATTEMPTS):
        try:
            code = _keep(workspace.repository, planned, since)
        except GitFailed as error:
            failed = error
            debris.remove_left_of(workspace.repository, planned.uid)
            snapshot = _take(workspace, reader)
            planned = planned._replace(snapshot=snapshot, config={**planned.config, "code": _code(snapshot)})
        else:
            return planned, code
    raise failed


def _keep(repository: Repository, planned: Plan, since: collector.Seen) -> bytes:
    snapshot, ref = planned.snapshot, live_ref(planned.uid)
    if not snapshot.dirty and snapshot.head:
        move_refs(repository, [RefUpdate(ref, snapshot.head, repository.zero)], reason="gxt: start")
        return b""
    person = Person("gxt", "gxt@localhost", planned.at_us // 1_000_000, "+0000")
    with FastImport(repository.top) as importer:
        importer.commit(
            ref,
            author=person,
            committer=person,
            message=f"snapshot of {planned.uid}\n",
            parents=[snapshot.head] if snapshot.head else [],
            puts=[Put("040000", snapshot.tree, "")],
        )
    known = [snapshot.head] if snapshot.head else []
    if not collector.await_end(repository, patience_s=0):
        return collector.pack(repository, ref, without=known)  # a training does not wait for a gc
    # fast-import looks no deeper than the tree itself
    if not collector.are_whole(repository, [ref], without=known, since=since):
        raise GitFailed(("gc",), 0, "it took a part of the snapshot while that was written")
    return b""
