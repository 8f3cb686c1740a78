"""`gxt diff`: what differs between two runs, or between a run and the work tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, cast

from gxt.capture.params_files import parse_params
from gxt.capture.remembered_params import load_remembered
from gxt.errors import GitFailed, GxtError, InvalidParams
from gxt.git import process
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.git.snapshot import take
from gxt.model.datasets import DataChange, data_changes, data_of
from gxt.model.evidence import Evidence
from gxt.model.goals import Goal, Verdict, goal_of, goals_of
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import Missing, difference, flatten, merge
from gxt.model.repeats import evidence_of
from gxt.model.run import metrics_of, params_of
from gxt.model.secrets import redact_params
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.inputs import look_at_inputs
from gxt.ops.show import whole
from gxt.ops.start import limits, params_paths
from gxt.ops.workspace import Workspace
from gxt.store.places import cache_home

_PATIENCE_S = 10.0  # for hashing data of the work tree; what has no hash by then counts as the same
Changes: TypeAlias = "dict[str, tuple[Json | Missing, Json | Missing]]"


class MetricChange(NamedTuple):
    """A metric on both sides, of repeats its mean; `evidence` of b against a, None when one side lacks it."""

    a: Json
    b: Json
    evidence: Evidence | None
    goal: Goal | None

    @property
    def delta(self) -> float | None:
        """The difference, b minus a."""
        return self.evidence.difference if self.evidence else None

    @property
    def verdict(self) -> Verdict | None:
        """What the difference is worth."""
        return self.evidence.verdict if self.evidence else None


class FileChange(NamedTuple):
    """A changed file with the number of its lines; None for a binary file."""

    path: str
    added: int | None
    removed: int | None


class Diff(NamedTuple):
    """Everything that differs. `b` is None for the work tree; `notices` tell what could not be compared."""

    a: JsonObject
    b: JsonObject | None
    params: Changes
    metrics: dict[str, MetricChange]
    data: dict[str, DataChange]
    environment: Changes
    files: tuple[FileChange, ...]
    patch: bytes | None
    notices: tuple[str, ...]


def diff(workspace: Workspace, a: str, b: str | None, *, patch: bool = False) -> Diff:
    """Compare run `a` with run `b`, or with the work tree as it is now.

    Raises:
        UnknownRun, AmbiguousRun: a reference names no single run.
    """
    repository, goals = workspace.repository, workspace.settings.goals
    with History(workspace) as history:
        first = whole(history, history.resolve_many(a))
        second = whole(history, history.resolve_many(b)) if b is not None else None
        if second is None:
            params = _params_since(workspace, first, history.index.reader)
            tree = take(repository, history.index.reader, limits(workspace.settings)).tree
        else:
            params, tree = difference(params_of(first), params_of(second)), _tree(second)
        lacking = _lacking(history.index.reader, first, *([second] if second else []))
    trees = (_tree(first), _tree(first) if lacking else tree)
    return Diff(
        a=first,
        b=second,
        params=params,
        metrics=metric_changes(first, second, goals) if second else {},
        data=data_changes(first, second or _data_now(repository, first)),
        environment=environment_changes(first, second) if second else {},
        files=_files(repository, *trees),
        patch=_patch(repository, *trees) if patch else None,
        notices=lacking,
    )


def _lacking(reader: ObjectReader, *runs: JsonObject) -> tuple[str, ...]:
    """Whose code is not here to be compared, in words; of equal code nothing differs, wherever it is.

    A run that was imported may have come without it.
    """
    if len({_tree(run) for run in runs}) < len(runs):
        return ()
    found = reader.read_many(_tree(run) or "-" for run in runs)
    ids = [str(run["id"]) for run, tree in zip(runs, found, strict=True) if tree is None]
    return (f"this repository does not have the code of {' and '.join(ids)}",) if ids else ()


def _data_now(repository: Repository, run: JsonObject) -> JsonObject:
    """The data as it is now of a run's paths, and of what DVC's files declare."""
    known = data_of(run)
    named = [os.path.relpath(repository.top / path, repository.cwd) for path in known]
    here = [name for name in named if (repository.cwd / name).exists()]
    inputs = look_at_inputs(repository, here, patience_s=_PATIENCE_S)
    entries = {str(one["path"]): one for one in inputs.entries} if inputs else {}
    # what a stage makes, and has not made here, is no difference
    gone = {path for path, one in known.items() if path not in entries and one.get("kind") == "input"}
    kept = [one for path, one in entries.items() if path in known or one["kind"] == "input"]
    untold = [one for path, one in known.items() if path not in entries and path not in gone]
    return {"data": [*kept, *untold]}


def metric_changes(a: JsonObject, b: JsonObject, goals: Mapping[str, Goal]) -> dict[str, MetricChange]:
    """Every metric that either run has, in the order of the first, then of the second."""
    before, after = metrics_of(a), metrics_of(b)
    known = {**goals_of(a, b), **goals}
    changes = {}
    for name in dict.fromkeys((*before, *after)):
        goal = goal_of(name, known)
        changes[name] = MetricChange(before.get(name), after.get(name), evidence_of(a, b, name, goal), goal)
    return changes


def _params_since(workspace: Workspace, run: JsonObject, reader: ObjectReader) -> Changes:
    """How the run's parameters files differ now from its parameters.

    What only its command line or its script gave does not count as gone: the work tree has no command.
    """
    top = workspace.repository.top
    names = [str(name) for name in cast("list[Json]", run["param_files"])]
    paths = [top / name for name in names] or params_paths(workspace, ())
    cache_dir = cache_home(workspace.repository) / "params"
    now = redact_params(merge(*(load_remembered(path, cache_dir) for path in paths if path.is_file())))
    inside = [name for name in names if not name.startswith("..") and "\n" not in name]
    blobs = list(reader.read_many(f"{_tree(run)}:{name}" for name in inside))
    then = [_parsed(blob.data, Path(name)) for name, blob in zip(inside, blobs, strict=True) if blob]
    in_files = flatten(merge(*then))
    changes = difference(params_of(run), now)
    return {key: (a, b) for key, (a, b) in changes.items() if not isinstance(b, Missing) or key in in_files}


def _parsed(data: bytes, path: Path) -> JsonObject:
    try:
        return parse_params(data.decode(), path)
    except (InvalidParams, UnicodeDecodeError):
        return {}


def _tree(run: JsonObject) -> str:
    code = run.get("code")
    return str(code.get("tree", "")) if isinstance(code, dict) else ""


def environment_changes(a: JsonObject, b: JsonObject) -> Changes:
    """How the environments of two runs differ, packages included where both are whole."""
    first, second = (run["environment"] for run in (a, b))
    if not isinstance(first, dict) or not isinstance(second, dict):
        return {}
    return difference(_compared(first), _compared(second))


def _compared(environment: JsonObject) -> JsonObject:
    """What two are compared by: how one was found out is no difference, and nothing is no value."""
    return {name: value for name, value in environment.items() if name != "python_assumed" and value != {}}


def _files(repository: Repository, a: str, b: str) -> tuple[FileChange, ...]:
    """`git diff --numstat -z`: added, removed, path; `-` for binary files."""
    if a == b:
        return ()
    said = _git_diff(repository, "--numstat", "-z", "--no-renames", a, b)
    changes = []
    for record in said.decode(errors="surrogateescape").split("\0"):
        added, _, rest = record.partition("\t")
        removed, tab, path = rest.partition("\t")
        if tab:
            counts = [int(count) if count.isdigit() else None for count in (added, removed)]
            changes.append(FileChange(path, *counts))
    return tuple(changes)


def _patch(repository: Repository, a: str, b: str) -> bytes:
    if a == b:
        return b""
    return _git_diff(repository, "--no-color", "--patch", a, b)


def _git_diff(repository: Repository, *words: str) -> bytes:
    """What `git diff` says of two trees.

    Raises:
        GxtError: this is a partial clone without some of the files, and none is fetched behind one's back.
        GitFailed: git cannot compare them.
    """
    try:
        return process.run(repository.top, ("diff", "--no-ext-diff", "--no-textconv", *words, "--"))
    except GitFailed as error:
        if "promisor remote" not in error.stderr:
            raise
        a, b = words[-2:]
        raise GxtError(
            "this is a partial clone, and some of the files have not been fetched",
            hint=f"fetch them, and try again: git diff --stat {a[:12]} {b[:12]}",
        ) from error
