"""The base: the run that this work tree stands on, the default parent of the next one."""

from __future__ import annotations

import json
from pathlib import Path

from gxt.git import process
from gxt.git.repository import Repository
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.workspace import Workspace
from gxt.store.locks import store_lock


class Base(NamedTuple):
    """The base of a work tree: the run's identity and the commit its code was based on, if any."""

    uid: str
    head: str | None


def read_base(repository: Repository) -> Base | None:
    """The base, or None where no run has completed in this work tree."""
    try:
        stored = json.loads(_path(repository).read_bytes())
        uid, head = stored["uid"], stored.get("head")
        return Base(str(uid), str(head) if head is not None else None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_base(repository: Repository, base: Base | None) -> None:
    """Set the base of this work tree, whole or not at all."""
    path = _path(repository)
    if base is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with store_lock(repository):  # one at a time, so that the next one takes what a kill has left
        temporary = path.with_name(".base-new")
        temporary.write_text(json.dumps({"uid": base.uid, "head": base.head}))
        temporary.replace(path)


def descends(repository: Repository, base: Base, head: str | None) -> bool:
    """Whether HEAD still stands on the commit that the base was made from."""
    if base.head is None or base.head == head:
        return True
    if head is None:
        return False
    done = process.attempt(repository.top, ("merge-base", "--is-ancestor", base.head, head))
    return done.returncode == 0


class BaseResult(NamedTuple):
    """The base after the operation.

    Attributes:
        run: the run, or None.
        absent: what to call a base that cannot be shown.
        notices: why it cannot.
    """

    run: JsonObject | None
    absent: str = ""
    notices: tuple[str, ...] = ()


def base(workspace: Workspace, ref: str | None) -> BaseResult:
    """Show the base, or move it to a run (`none`: to nothing).

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
    """
    with History(workspace) as history:
        if ref == "none":
            write_base(workspace.repository, None)
            return BaseResult(None)
        if ref is not None:
            run = history.resolve(ref)
            code = run.get("code")
            head = code.get("head") if isinstance(code, dict) else None
            write_base(workspace.repository, Base(str(run["uid"]), str(head) if head else None))
            return BaseResult(run)
        present = read_base(workspace.repository)
        if present is None:
            return BaseResult(None)
        stood_on = history.by_uid(present.uid)
        return BaseResult(stood_on) if stood_on else BaseResult(None, *history.absent(present.uid))


def _path(repository: Repository) -> Path:
    return repository.git_dir / "gxt" / "base.json"
