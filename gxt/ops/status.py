"""`gxt status`: what is running, what the work tree stands on, and what the next run would record."""

from __future__ import annotations

import time

from gxt.errors import DamagedRecord, GxtError, RemoteFailed, UnknownRemote, UsageError
from gxt.git.objects import ObjectReader
from gxt.git.remotes import resolve
from gxt.git.repository import Repository
from gxt.git.snapshot import Snapshot, take
from gxt.model.ids import run_id
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.ops.base import descends, read_base
from gxt.ops.history import History
from gxt.ops.start import limits
from gxt.ops.workspace import Workspace
from gxt.store import journal
from gxt.store.places import incoming_ref, tracking_ref
from gxt.store.sync.exchange import unpublished
from gxt.store.sync.tracking import goes_on
from gxt.store.tree import REMOVED, RunFolder, read_tip

_PULSE_S = 60.0  # the clock of a shared file system need not be ours, and its news may take a while


class Sharing(NamedTuple):
    """What there is to exchange with the remote that gives the numbers, as far as is known without asking it.

    Attributes:
        remote: its name.
        new: ids of runs that it does not have.
        updated: ids of runs of which it does not have the newest.
        waits: it had more, when it was asked last, than was taken over.
        data_bytes: of the content of the new runs that DVC's remote has not got yet.
    """

    remote: str
    new: tuple[str, ...]
    updated: tuple[str, ...]
    waits: bool
    data_bytes: int = 0


class Status(NamedTuple):
    """Where the user stands.

    Attributes:
        running: the live runs, oldest first.
        base: the run that the work tree stands on, if it is here.
        base_left: HEAD no longer descends from the base's commit.
        latest: the newest run.
        snapshot: the code as the next run would record it (`tree` is empty when it is dirty).
        notices: runs that cannot be read.
        absent: what to call a base that cannot be shown.
        sharing: what there is to exchange; None where there is no remote.
    """

    running: tuple[JsonObject, ...]
    base: JsonObject | None
    base_left: bool
    latest: JsonObject | None
    snapshot: Snapshot
    notices: tuple[str, ...]
    absent: str = ""
    sharing: Sharing | None = None


def status(workspace: Workspace) -> Status:
    """Where the user stands. Nothing is written."""
    repository = workspace.repository
    base = read_base(repository)
    with History(workspace) as history:
        snapshot = take(repository, history.index.reader, limits(workspace.settings), write=False)
        run = history.by_uid(base.uid) if base else None
        return Status(
            running=tuple(live.run for live in history.live),
            base=run,
            base_left=base is not None and not descends(repository, base, snapshot.head),
            latest=next(history.runs(), None),
            snapshot=snapshot,
            notices=history.damage(),
            absent=history.absent(base.uid).label if base and run is None else "",
            sharing=_sharing(repository, history.index.reader),
        )


def _sharing(repository: Repository, reader: ObjectReader) -> Sharing | None:
    try:
        remote = resolve(repository)
    except (UnknownRemote, RemoteFailed):
        return None
    ours = read_tip(reader)
    taken, seen = (reader.read(ref) for ref in (tracking_ref(remote.name), incoming_ref(remote.name)))
    try:
        pending = unpublished(repository, reader, ours, taken.oid if taken else None).pending if ours else ()
    except DamagedRecord:  # lists say which run it is
        return None
    new = [one for one in pending if one.is_new and REMOVED not in one.folder.entries]
    waits = seen is not None and not (ours and goes_on(reader, ours.oid, seen.oid))
    return Sharing(
        remote=remote.name,
        new=tuple(run_id(one.number) for one in new),
        updated=tuple(run_id(one.number) for one in pending if not one.is_new),
        waits=waits,
        data_bytes=_data_bytes(repository, reader, [one.folder for one in new]),
    )


def _data_bytes(repository: Repository, reader: ObjectReader, folders: list[RunFolder]) -> int:
    if not folders:
        return 0
    from gxt.ops.push_data import waiting_bytes  # what carries content is loaded only where there may be any

    try:
        return waiting_bytes(repository, reader, folders)
    except GxtError:  # the push itself tells what is wrong with DVC's configuration
        return 0


def seal_lost(workspace: Workspace, ref: str) -> str:
    """Record a run as interrupted that another machine has left. Returns what to tell.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        UsageError: the run is in git, or it goes on.
    """
    from functools import partial

    from gxt.ops.outputs import read_end
    from gxt.store.recovery import seal_elsewhere

    with History(workspace) as history:
        run = history.resolve(ref)
        live = history.live_of(run)
    if live is None:
        raise UsageError(
            f"{run['id']} is in git already: it is {run['status']}",
            hint=f"there is nothing to seal: gxt show {run['id']}",
        )
    if journal.is_alive(live.path):
        raise UsageError(f"{run['id']} is running", hint="end its processes: then it is sealed by itself")
    silent_s = time.time() - journal.last_write_s(live.path)
    if silent_s < _PULSE_S:
        host = journal.runs_elsewhere(live.path) or run["host"]
        raise UsageError(
            f"{run['id']} has written something {silent_s:.0f} s ago: it runs on {host}",
            hint="end it there; when it has been silent for a minute it can be sealed here",
        )
    repository, settings = workspace.repository, workspace.settings
    dead = partial(read_end, repository, settings, unfinished="interrupted")
    sealed = seal_elsewhere(repository, live.path, series_bytes=settings.series_bytes, read_end=dead)
    if sealed is None:
        raise GxtError(f"{run['id']} has come to life again, or has ended", hint="see: gxt status")
    return f"{sealed.run['id']} is recorded as interrupted: everything it had logged is kept"
