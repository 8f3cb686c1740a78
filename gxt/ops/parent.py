"""The run that a new one derives from."""

from __future__ import annotations

from pathlib import Path

from gxt.errors import UsageError
from gxt.git.repository import discover
from gxt.model.json_types import JsonObject
from gxt.ops.base import descends, read_base
from gxt.ops.history import History
from gxt.ops.workspace import Workspace
from gxt.store.places import live_home
from gxt.store.settings import load_settings


def parent_of_new(history: History, ref: str | None) -> tuple[JsonObject | None, str | None, bool]:
    """The parent run, its uid, and whether it is a base that HEAD has left.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
    """
    if ref == "none":
        return None, None, False
    if ref is not None:
        run = history.resolve(ref)
        return run, str(run["uid"]), False
    repository = history.workspace.repository
    base = read_base(repository)
    if base is None:
        return None, None, False
    stood_on = history.by_uid(base.uid)
    head = history.index.reader.read("HEAD")
    return stood_on, base.uid, not descends(repository, base, head.oid if head else None)


def parent_of_live(cwd: Path, directory: Path, ref: str) -> str | None:
    """The uid of the run that a script names as the parent of the live run around it; None for `none`.

    Args:
        cwd: where the script stands.
        directory: that of the live run, which is not its own parent: `@` is the run before it.
        ref: what the script says.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        UsageError: the script stands in another repository.
    """
    if ref == "none":
        return None
    repository = discover(cwd)
    if not live_home(repository).exists() or not live_home(repository).samefile(directory.parent):
        raise UsageError(
            f"no parent can be looked up in {repository.top}: the run is another repository's",
            hint="name it on the command line: gxt run --parent ID -- COMMAND",
        )
    with History(Workspace(repository, load_settings(repository)), without=directory.name) as history:
        return str(history.resolve(ref)["uid"])
