"""`gxt reproduce`: the command of a run once more, in a work tree of its own with the run's files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, cast

from gxt.capture.environment import environment_document
from gxt.data.bringing import is_inside
from gxt.data.cache import copy_content
from gxt.data.digest import digest
from gxt.data.named import Named
from gxt.errors import GitFailed, GxtError
from gxt.git.repository import Repository, discover
from gxt.git.work_tree import add_work_tree, remove_work_tree
from gxt.model.json_types import Json, JsonObject
from gxt.model.reproduction import TOLERANCE, Comparison, compare, fill
from gxt.model.run import with_packages
from gxt.named_tuple import NamedTuple
from gxt.ops.carrying import Carrying
from gxt.ops.checkout import commit_of
from gxt.ops.diff import Changes, environment_changes
from gxt.ops.history import History
from gxt.ops.placing_data import fetch_data, place_data, use_cache_of
from gxt.ops.run import RunResult, Started, run
from gxt.ops.show import whole
from gxt.ops.start import StartRequest
from gxt.ops.workspace import Workspace
from gxt.store.places import cache_home, recorded_here

_HOME: Final = "gxt-again-"  # begins the name of the folder in which a work tree lives for the time of a run


class ReproducePlan(NamedTuple):
    """What would be executed.

    Attributes:
        run: the original, whole.
        command: what is executed; what was redacted is filled in.
        missing: names of what was redacted and is not known.
        environment: how the environment here differs from the recorded one.
        is_ours: this clone has recorded it.
        repeats: what stands for its group, if it is one of several repeats.
    """

    run: JsonObject
    command: tuple[str, ...]
    missing: tuple[str, ...]
    environment: Changes
    is_ours: bool
    repeats: JsonObject | None = None


class Reproduced(NamedTuple):
    """A reproduction: what it was to be, how it ran, and how it compares."""

    plan: ReproducePlan
    result: RunResult
    comparison: Comparison | None


def plan_reproduction(workspace: Workspace, ref: str, answers: Mapping[str, str]) -> ReproducePlan:
    """Look at a run that is to be executed again. Executes nothing.

    Args:
        workspace: where.
        ref: which run.
        answers: what was redacted, by name, see `gxt.model.reproduction.fill`.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        GxtError: it is running, or git has lost its code.
    """
    repository = workspace.repository
    with History(workspace) as history:
        found = history.resolve(ref)
        commit_of(history, found)
        original = whole(history, found)
        group = history.whole_group(found)
    recorded = tuple(map(str, cast("list[Json]", original["command"])))
    if not recorded:
        raise GxtError(f"{original['id']} has no command", hint="it cannot be run again")
    filled = fill(recorded, answers)
    now = environment_document(
        filled.command, cwd=repository.cwd, env=os.environ, cache_dir=cache_home(repository) / "environment"
    )
    return ReproducePlan(
        run=original,
        command=filled.command,
        missing=filled.missing,
        environment=environment_changes(original, with_packages(original, now)),
        is_ours=_is_ours(repository, str(original["uid"])),
        repeats=group if "repeats" in group else None,
    )


def reproduce(
    workspace: Workspace,
    plan: ReproducePlan,
    *,
    tolerance: float = TOLERANCE,
    ignored: Collection[str] = (),
    folder: str | None = None,
    carrying: Carrying,
    on_start: Callable[[Started], None],
) -> Reproduced:
    """Execute the command of a run again, in a clean work tree with its code; recorded as a child of it.

    Args:
        workspace: where.
        plan: what to execute.
        tolerance: see `gxt.model.reproduction.compare`.
        ignored: the same.
        folder: where the work tree is made, and stays; by default somewhere for the time of the run.
        carrying: how data comes that is not here.
        on_start: see `gxt.ops.run.run`.

    Raises:
        GxtError: the work tree cannot be made, or data of the run cannot be had; nothing was executed.
        CannotRecord: nothing can be written down; nothing was executed.
    """
    original = plan.run
    with _work_tree(workspace.repository, original, folder) as top:
        inside = top / str(original["cwd"])
        if not inside.is_dir() or not inside.resolve().is_relative_to(top.resolve()):
            what = f"{original['id']} ran in {original['cwd']}, a folder that its code does not have"
            raise GxtError(what, hint=f"see it: gxt checkout {original['id']} --worktree DIR")
        _bring_data(workspace.repository, original, top, carrying)
        _make_folders(original, top)
        repository = discover(inside)
        named = partial(_named, workspace.repository, repository, original)
        params = named(cast("list[Json]", original["param_files"]))
        request = StartRequest(
            command=_found(workspace.repository, repository, plan.command),
            message=f"reproduces {original['id']}",
            parent=str(original["uid"]),
            params=[name for name in params if (inside / name).is_file()],
            reproduces=str(original["uid"]),
            metrics=named(cast("list[Json]", original["metrics_files"])),
            outs=named(cast("list[Json]", original["outs"])),
            data=named(one["path"] for one in cast("list[JsonObject]", original["data"]) if _is_named(one)),
            seed=cast("int | None", original.get("seed")),
        )
        result = run(workspace._replace(repository=repository), request, on_start=on_start, cwd=inside)
    again = result.finished.run if result.finished else None
    if again is None:
        return Reproduced(plan, result, None)
    compared = compare(original, again, tolerance=tolerance, ignored=ignored, repeats=plan.repeats)
    return Reproduced(plan, result, compared)


def _is_ours(repository: Repository, uid: str) -> bool:
    """Whether this clone has recorded a run; what its author says of himself proves nothing."""
    try:
        return uid in recorded_here(repository).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return False


@contextmanager
def _work_tree(repository: Repository, run: JsonObject, folder: str | None) -> Iterator[Path]:
    """A clean work tree with the run's files; gone afterwards unless the user has named the place."""
    if folder is not None:
        place = Path(os.path.normpath(repository.cwd / folder))
        _add(repository, place, run)
        yield place
        return
    home = Path(tempfile.mkdtemp(prefix=f"{_HOME}{run['id']}-"))
    place = home / repository.top.name
    try:
        _add(repository, place, run)
        yield place
    finally:
        with suppress(GitFailed):
            remove_work_tree(repository, place)
        shutil.rmtree(home, ignore_errors=True)


def _add(repository: Repository, place: Path, run: JsonObject) -> None:
    try:
        add_work_tree(repository, place, str(run["commit"]))
    except GitFailed as error:
        said = (error.stderr.strip().splitlines() or [str(error)])[-1].removeprefix("fatal: ")
        raise GxtError(f"no work tree at {place}: {said}", hint="name another folder") from error


def _bring_data(repository: Repository, run: JsonObject, top: Path, carrying: Carrying) -> None:
    """Put the data that the run had beside its code: from DVC, else from our work tree where it is the same.

    What a stage of the pipeline makes is left to the stage, unless the run was given it as its data.

    Raises:
        GxtError: some of it cannot be had.
    """
    use_cache_of(repository, top)
    entries = [
        one
        for one in cast("list[JsonObject]", run["data"])
        if one.get("md5")
        and one.get("missing") is not True
        and (one.get("kind") == "input" or _is_named(one))
    ]
    lacking = [one for one in entries if _is_outside(one) or not (top / str(one["path"])).exists()]
    kept = [
        Named(str(one["md5"]), None, str(run["id"]), str(one["path"])) for one in lacking if one["tracked"]
    ]
    try:
        placed = place_data(top, fetch_data(repository, top, kept, carrying))
    except OSError as error:
        raise GxtError(f"the data of {run['id']} could not be written: {error}") from error
    for one in lacking:
        here, there = repository.top / str(one["path"]), top / str(one["path"])
        if there.exists() and not _is_outside(one):
            continue
        if not here.exists() or digest(here).md5 != one["md5"]:
            said = "; ".join(placed.notices) or f"{one['path']} ({one['md5']}) is not here"
            hint = f"bring it first: gxt pull --data {run['id']}"
            raise GxtError(f"{run['id']} cannot have its data: {said}", hint=hint)
        if _is_beside(there, top):  # elsewhere it is the very file that the run has read
            there.parent.mkdir(parents=True, exist_ok=True)
            _copy(here, there)


def _is_named(entry: JsonObject) -> bool:
    return entry.get("named") is True


def _is_outside(entry: JsonObject) -> bool:
    return not is_inside(str(entry["path"]))


def _is_beside(place: Path, top: Path) -> bool:
    """Whether a path lies in a work tree, or beside it in the folder that was made for it."""
    home = top.parent if top.parent.name.startswith(_HOME) else top
    return is_inside(os.path.relpath(place, home))


def _copy(here: Path, there: Path) -> None:
    if here.is_dir():
        shutil.copytree(here, there, symlinks=False)
    else:
        copy_content(here, there)


def _make_folders(run: JsonObject, top: Path) -> None:
    """The folders that the run has put something into: git has none that is empty, or ignored."""
    for one in cast("list[JsonObject]", run["artifacts"]):
        if is_inside(str(one["path"])):
            (top / str(one["path"])).parent.mkdir(parents=True, exist_ok=True)


def _found(ours: Repository, theirs: Repository, command: Sequence[str]) -> list[str]:
    """The command; of a program that git does not have (`.venv/bin/python`) the one in our work tree."""
    program = command[0]
    if "/" in program and not Path(program).is_absolute():
        here, there = ours.top / theirs.prefix / program, theirs.cwd / program
        if here.exists() and not there.exists():
            return [str(here), *command[1:]]
    return list(command)


def _named(ours: Repository, theirs: Repository, run: JsonObject, names: Iterable[object]) -> list[str]:
    """Paths that a run was told of, relative to where it runs again.

    One outside the work tree is where the command says, or beside the new one; else it is left out.
    """
    words = "\0".join(map(str, cast("list[Json]", run["command"])))
    found = []
    for name in map(str, names):
        old, new = Path(os.path.normpath(ours.top / name)), Path(os.path.normpath(theirs.top / name))
        if not old.is_relative_to(ours.top) and str(old) in words:
            found.append(str(old))
        elif _is_beside(new, theirs.top):
            found.append(os.path.relpath(new, theirs.cwd))
    return found
