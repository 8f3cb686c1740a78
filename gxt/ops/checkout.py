"""`gxt checkout`: the files of a run come back, and it is the base of the next one."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping, Sequence
from itertools import islice
from pathlib import Path

from gxt.data.named import Named
from gxt.errors import GitFailed, GxtError, UsageError
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository, discover
from gxt.git.snapshot import take
from gxt.git.work_tree import (
    Difference,
    add_branch,
    add_work_tree,
    differences,
    hashes,
    in_the_way,
    objects_at,
    objects_below,
    remove_files,
    write_files,
)
from gxt.model.json_types import JsonObject
from gxt.model.run import is_recorded
from gxt.named_tuple import NamedTuple
from gxt.ops.base import Base, read_base, write_base
from gxt.ops.carrying import Carrying
from gxt.ops.history import History
from gxt.ops.placing_data import NOTHING, fetch_data, place_data, use_cache_of, would_be_lost
from gxt.ops.pull_data import names_in
from gxt.ops.start import limits
from gxt.ops.workspace import Workspace

_OURS = ".gxt/"  # pointers to what runs have put out: each run has its own
_MOST_NAMED = 5
_LATEST = 20  # runs in which edits may be recorded that neither HEAD nor the base has


class CheckedOut(NamedTuple):
    """A run whose files are here.

    Attributes:
        run: which.
        written, removed: paths of files that changed, relative to the top.
        place: the work tree.
        is_base: the next run there derives from it.
        notices: what could not be brought.
    """

    run: JsonObject
    written: tuple[str, ...]
    removed: tuple[str, ...]
    place: Path
    is_base: bool
    notices: tuple[str, ...] = ()


class _Plan(NamedTuple):
    written: tuple[str, ...]
    removed: tuple[str, ...]
    notices: tuple[str, ...]
    head: str | None


def checkout(
    workspace: Workspace, ref: str, only: Sequence[str] = (), *, carrying: Carrying | None
) -> CheckedOut:
    """Let the work tree hold the files of a run as they were when it ran. HEAD, branch and index stay.

    Files that no run and no commit of the code has ever had are left alone.

    Args:
        workspace: where.
        ref: which run.
        only: files or folders, relative to the working directory. Then nothing is removed, the base stays.
        carrying: how data and outputs come that are not here; None leaves all of them out.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        UsageError: a path that the run does not have.
        GxtError: unsaved changes would be overwritten, or the run has no code. Nothing was changed.
    """
    repository = workspace.repository
    with History(workspace) as history:
        run = history.resolve(ref)
        commit = commit_of(history, run)
        wanted = [] if carrying is None else _content(repository, run, commit, only)
        plan = _planned(workspace, history, commit, only, wanted)
    # by the remote of the files as they are: those of the run may name another
    fetched = fetch_data(repository, repository.top, wanted, carrying) if carrying else NOTHING
    try:
        remove_files(repository, plan.removed)
        write_files(repository, commit, plan.written)
        placed = place_data(repository.top, fetched)
    except (GitFailed, OSError) as error:
        raise GxtError(
            f"some files of {run['id']} could not be written: {error}",
            hint=f"nothing is lost: see why, then gxt checkout {run['id']} goes on",
        ) from error
    if not only:
        _stand_on(repository, run, plan.head)
    written, notices = (*plan.written, *placed.written), (*plan.notices, *placed.notices)
    return CheckedOut(run, written, plan.removed, repository.top, not only, notices)


def checkout_beside(workspace: Workspace, ref: str, folder: str, *, carrying: Carrying | None) -> CheckedOut:
    """The same in a new linked work tree.

    Args:
        workspace: where.
        ref: which run.
        folder: where it is made, relative to the working directory; there must be nothing in it.
        carrying: how data and outputs come that are not here; None leaves all of them out.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        GxtError: it cannot be made there, or the run has no code.
    """
    repository = workspace.repository
    place = Path(os.path.normpath(repository.cwd / folder))
    with History(workspace) as history:
        run = history.resolve(ref)
        commit = commit_of(history, run)
    try:
        add_work_tree(repository, place, commit)
    except GitFailed as error:
        raise GxtError(f"no work tree at {folder}: {_said(error)}", hint="name another folder") from error
    _stand_on(discover(place), run, commit)
    wanted = [] if carrying is None else _content(repository, run, commit, ())
    try:
        use_cache_of(repository, place)
        placed = place_data(place, fetch_data(repository, place, wanted, carrying) if carrying else NOTHING)
    except OSError as error:
        raise GxtError(f"some data of {run['id']} could not be written: {error}") from error
    return CheckedOut(run, placed.written, (), place, is_base=True, notices=placed.notices)


def branch(workspace: Workspace, ref: str, name: str) -> JsonObject:
    """A branch of git's that begins at a run: its code with the pointers to its outputs; the run.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        GxtError: there is a branch of that name, or no branch can have it; or the run has no code.
    """
    with History(workspace) as history:
        run = history.resolve(ref)
        commit = commit_of(history, run)
    try:
        add_branch(workspace.repository, name, commit)
    except GitFailed as error:
        raise GxtError(f"no branch {name}: {_said(error)}", hint="choose another name") from error
    return run


def commit_of(history: History, run: JsonObject) -> str:
    """The commit of a run that has ended.

    Raises:
        GxtError: it is running, or git has lost it.
    """
    if run["status"] == "running":
        raise GxtError(f"{run['id']} is running", hint="its code is here when it has ended")
    commit = history.index.reader.read(str(run["commit"]))
    if commit is None:
        raise GxtError(f"git has lost the commit of {run['id']}", hint="gxt doctor tells more")
    return commit.oid


def _content(repository: Repository, run: JsonObject, commit: str, only: Sequence[str]) -> list[Named]:
    """What belongs into the work tree besides the code; of the chosen paths alone, where some are chosen."""
    code = objects_below(repository, commit)
    chosen = [_from_top(repository, name) for name in only]
    return [
        one
        for one in names_in(run)
        if one.path not in code and (not only or any(_is_below(one.path, path) for path in chosen))
    ]


def _from_top(repository: Repository, name: str) -> str:
    path = os.path.relpath(os.path.normpath(repository.cwd / name), repository.top)
    return path.replace(os.sep, "/")


def _is_below(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(f"{folder}/")


def _planned(
    workspace: Workspace, history: History, commit: str, only: Sequence[str], wanted: Sequence[Named]
) -> _Plan:
    """What is to be done, after a look that it costs nobody anything."""
    repository, reader = workspace.repository, history.index.reader
    snapshot = take(repository, reader, limits(workspace.settings))
    changes = differences(repository, snapshot.tree, f"{commit}^{{tree}}")
    if only:
        changes = _chosen(repository, changes, commit, only, wanted)
    notices = [f"{one.path} is a submodule: git submodule update" for one in changes if one.is_submodule]
    changes = [one for one in changes if not one.is_submodule]
    saved = _saved(workspace, history, snapshot.head, snapshot.tree, [one.path for one in changes])
    known = {one.path for one in changes if one.path in saved}
    # what git does not track and no run has had is left alone, unless it stands in the way
    removed = [one for one in changes if not one.new and not only and one.path in known]
    # DVC's folder stays with its cache, whose files git would list without it
    removed = [one for one in removed if not f"/{one.path}".endswith("/.dvc/.gitignore")]
    written = _not_there(repository, [one for one in changes if one.new])
    unsaved = [one.path for one in (*removed, *written) if one.old and one.old not in saved.get(one.path, ())]
    hidden = {one.path for one in snapshot.skipped if not is_recorded(one.reason)}
    unsaved += [one.path for one in (*removed, *written) if one.old and one.path in hidden]
    unsaved += _hidden(repository, written, frozenset(one.path for one in removed), saved)
    _refuse(unsaved, "record them (gxt run -- true) or put them aside (git stash -u), then try again")
    _refuse(would_be_lost(repository, wanted), "keep them (dvc add PATH) or move them away; or say --no-data")
    left = (
        []
        if only
        else _left_pointers(workspace, history, snapshot.head, objects_below(repository, commit, _OURS))
    )
    gone = dict.fromkeys([*(one.path for one in removed), *left])
    return _Plan(tuple(one.path for one in written), tuple(gone), tuple(notices), snapshot.head)


def _refuse(unsaved: Sequence[str], hint: str) -> None:
    if unsaved:
        shown = ", ".join(unsaved[:_MOST_NAMED]) + (" …" if len(unsaved) > _MOST_NAMED else "")
        raise GxtError(f"unsaved changes would be overwritten: {shown}", hint=hint)


def _saved(
    workspace: Workspace, history: History, head: str | None, tree: str, paths: Sequence[str]
) -> dict[str, set[str]]:
    """The content that HEAD, the base and a run of just this code have recorded at each path."""
    base = read_base(workspace.repository)
    stood_on = history.by_uid(base.uid) if base else None
    trees = [head, str(stood_on["commit"]) if stood_on and stood_on["commit"] else None]
    if any(_tree_of(run) == tree for run in islice(history.runs(), _LATEST)):
        trees.append(tree)
    saved: dict[str, set[str]] = {}
    for one in filter(None, trees):
        if history.index.reader.read(one) is not None:
            for path, oid in objects_at(workspace.repository, one, paths).items():
                saved.setdefault(path, set()).add(oid)
    return saved


def _tree_of(run: JsonObject) -> object:
    code = run.get("code")
    return code.get("tree") if isinstance(code, dict) else None


def _not_there(repository: Repository, written: Sequence[Difference]) -> list[Difference]:
    """The changes without the pointers that stand there already: no snapshot has those."""
    pointers = hashes(repository, [one.path for one in written if one.path.startswith(_OURS) and not one.old])
    return [one for one in written if pointers.get(one.path) != one.new]


def _hidden(
    repository: Repository,
    written: Sequence[Difference],
    going: frozenset[str],
    saved: Mapping[str, set[str]],
) -> list[str]:
    """What git does not show, ignored files say, that stands where something else is to come."""
    new = [one for one in written if not one.old]
    blocking = [place for one in new if (place := in_the_way(repository, one.path, going))]
    there = [one for one in new if os.path.lexists(repository.top / one.path) and one.path not in going]
    found = hashes(repository, [one.path for one in there])
    known = {one.path: {one.new, *saved.get(one.path, ())} for one in there}
    return [*blocking, *(one.path for one in there if found.get(one.path) not in known[one.path])]


def _chosen(
    repository: Repository,
    changes: list[Difference],
    commit: str,
    only: Sequence[str],
    wanted: Sequence[Named],
) -> list[Difference]:
    """The changes of chosen files and folders."""
    chosen: list[Difference] = []
    with ObjectReader(repository) as reader:
        for name in only:
            path = _from_top(repository, name)
            is_data = any(_is_below(one.path, path) for one in wanted)
            if (
                not is_data
                and path != "."
                and (path.startswith("../") or not reader.read(f"{commit}:{path}"))
            ):
                hint = f"git ls-tree -r --name-only {commit[:10]}, and gxt show for its outputs"
                raise UsageError(f"the run has no file {name}", hint=hint)
            chosen += [one for one in changes if _is_below(one.path, path)]
    return list(dict.fromkeys(one for one in chosen if one.new))


def _stand_on(repository: Repository, run: JsonObject, head: str | None) -> None:
    """The next run here derives from this one, whichever commit of the code it was made on."""
    write_base(repository, Base(str(run["uid"]), head))


def _left_pointers(
    workspace: Workspace, history: History, head: str | None, kept: Container[str]
) -> list[str]:
    """The pointers that an earlier checkout of another run has left here, as that run has them."""
    repository = workspace.repository
    folder = repository.top / _OURS
    if (repository.top / _OURS.rstrip("/")).is_symlink():
        return []
    paths = [path.relative_to(repository.top).as_posix() for path in folder.rglob("*.dvc") if path.is_file()]
    paths = [path for path in paths if path not in kept]
    saved = _saved(workspace, history, head, "", paths)
    return [path for path, oid in hashes(repository, paths).items() if oid in saved.get(path, ())]


def _said(error: GitFailed) -> str:
    lines = error.stderr.strip().splitlines() or [str(error)]
    return lines[-1].removeprefix("fatal: ")
