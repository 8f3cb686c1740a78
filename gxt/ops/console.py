"""`gxt output`: what a run printed, while it runs too."""

from __future__ import annotations

import time
from collections.abc import Iterator

from gxt.model.json_types import JsonObject
from gxt.ops.history import History
from gxt.ops.show import folder_of
from gxt.ops.workspace import Workspace
from gxt.store import journal
from gxt.store.console import collect, parse_lines

ConsoleLine = tuple[str, int, bytes]
_POLL_S = 0.2


def console(workspace: Workspace, ref: str) -> tuple[JsonObject, list[ConsoleLine]]:
    """The run, and its console: time, stream and text of each line.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
    """
    with History(workspace) as history:
        run = history.resolve(ref)
        return run, list(parse_lines(_log(history, run)))


def follow(workspace: Workspace, ref: str) -> Iterator[ConsoleLine]:
    """The console of a run, line by line as it comes, until the run ends."""
    with History(workspace) as history:
        run = history.resolve(ref)
        live = history.live_of(run)
        if live is None:
            yield from parse_lines(_log(history, run))
            return
        path = live.path
    seen = 0
    while True:
        alive = journal.is_alive(path)
        if not path.exists():
            break
        lines = list(parse_lines(collect(path)))
        yield from lines[seen:]
        seen = max(seen, len(lines))
        if not alive:
            return
        time.sleep(_POLL_S)
    with History(workspace) as history:
        sealed = history.by_uid(str(run["uid"]))
        yield from list(parse_lines(_log(history, sealed)))[seen:] if sealed else ()


def _log(history: History, run: JsonObject) -> bytes:
    live = history.live_of(run)
    if live is not None:
        return collect(live.path)
    entry = folder_of(history, run).entries.get("output.log")
    blob = history.index.reader.read(entry.oid) if entry else None
    return blob.data if blob else b""
