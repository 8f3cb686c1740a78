"""`gxt output`: what a run printed, while it runs too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from gxt.model.json_types import JsonObject
from gxt.ops.history import History
from gxt.ops.show import folder_of
from gxt.ops.workspace import Workspace
from gxt.store import journal
from gxt.store.console import Follower, collect, parse_lines
from gxt.store.reading import lost

ConsoleLine = tuple[str, int, bytes]
_POLL_S = 0.2


def console(workspace: Workspace, ref: str) -> tuple[JsonObject, list[ConsoleLine]]:
    """The run, and its console: time, stream and text of each line.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        DamagedRecord: git has lost it.
    """
    with History(workspace) as history:
        run = history.resolve(ref)
        return run, list(parse_lines(_log(history, run)))


def follow(workspace: Workspace, ref: str) -> Iterator[list[ConsoleLine]]:
    """The console of a run as it comes, some lines at a time, until the run has ended.

    Every line that is printed from now on, however fast; of those before as much as is kept.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
    """
    with History(workspace) as history:
        run = history.resolve(ref)
        live = history.live_of(run)
    follower = _follower(live.path) if live else None
    if live is None or follower is None:
        yield console(workspace, str(run["uid"]))[1]
        return
    try:
        goes_on = True
        while goes_on:
            goes_on = journal.goes_on(live.path)  # before the read: then all is written that is to come
            while lines := follower.read():
                yield list(parse_lines(lines))
            if goes_on:
                time.sleep(_POLL_S)
        yield list(parse_lines(follower.rest))
    finally:
        follower.close()
        journal.forget_console(live.path)


def _follower(path: Path) -> Follower | None:
    """A follower of a live run; None when it has ended meanwhile."""
    while journal.goes_on(path):
        try:
            return Follower(path)
        except FileNotFoundError:  # nothing printed yet
            time.sleep(_POLL_S)
    return None


def _log(history: History, run: JsonObject) -> bytes:
    live = history.live_of(run)
    if live is not None:
        return collect(live.path)
    entry = folder_of(history, run).entries.get("output.log")
    blob = history.index.reader.read(entry.oid) if entry else None
    if entry is not None and blob is None:
        raise lost(f"output.log of {run['id']}", entry.oid)
    return blob.data if blob else b""
