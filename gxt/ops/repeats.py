"""`gxt run --repeats`: one experiment several times with different seeds, as runs of one group."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gxt.capture.side_by_side import run_side_by_side
from gxt.errors import UsageError
from gxt.model.goals import Metric
from gxt.model.ids import is_uid, new_uid
from gxt.model.json_types import JsonObject
from gxt.model.run import metrics_of
from gxt.named_tuple import NamedTuple
from gxt.ops.base import Base, write_base
from gxt.ops.history import History
from gxt.ops.parent import parent_of_new
from gxt.ops.run import RunResult, Started, run
from gxt.ops.start import StartRequest
from gxt.ops.workspace import Workspace
from gxt.store import journal

SEED = "{seed}"
_LAST_SEED = 2**32 - 1  # of numpy's generators


class Repeats(NamedTuple):
    """Runs that are to be made.

    Attributes:
        group: what they share.
        requests: one for each, with its seed.
        parent: the run that they derive from, as one refers to it; `none` for none.
    """

    group: str
    requests: tuple[StartRequest, ...]
    parent: str


class Repeated(NamedTuple):
    """What came of it.

    Attributes:
        runs: the runs of the group that are recorded, those of earlier commands too, oldest first.
        parent: the run that they derive from, its repeats summed up, if it is here.
        exit_code: the first that is not 0, as `subprocess` has it: -N when signal N killed the command.
        main: the metric that stands for them, if they have any.
        unstarted: how many were not begun, for somebody stopped it.
    """

    runs: tuple[JsonObject, ...]
    parent: JsonObject | None
    exit_code: int
    main: Metric | None
    unstarted: int


def seeded(request: StartRequest, seed: int | None) -> StartRequest:
    """The request with the seed in place of each `{seed}` in what depends on it."""
    if seed is None:
        return request

    def put(words: Sequence[str]) -> list[str]:
        return [word.replace(SEED, str(seed)) for word in words]

    return request._replace(
        seed=seed,
        command=put(request.command),
        assignments=put(request.assignments),
        metrics=put(request.metrics),
        outs=put(request.outs),
    )


def placed(
    workspace: Workspace,
    request: StartRequest,
    group: str | None,
    place: tuple[int, int] | None,
    seed: int | None,
) -> StartRequest:
    """One run with its seed, and its place among the repeats of a group.

    Raises:
        UsageError: there is a place and no group, or the run that is to tell the group has none.
        UnknownRun, AmbiguousRun: that is no single run.
    """
    if place is not None:
        if group is None:
            raise UsageError("--repeat tells a place in a group", hint="name it as well: --group UID")
        if not is_uid(group):
            with History(workspace) as history:
                group = str(_members(history, group)[0]["group"])
    return seeded(request._replace(group=group, repeat=place), seed)


def plan_repeats(
    workspace: Workspace,
    request: StartRequest,
    count: int,
    *,
    seed: int | None,
    at_once: int,
    join: str | None,
) -> Repeats:
    """Give each repeat its seed, its place in the group and the same parent.

    Args:
        workspace: where.
        request: what all of them do.
        count: how many.
        seed: the first; the others follow it. By default 0, or what follows the seeds of the group.
        at_once: how many run at a time.
        join: a run whose group they are to join, or the identity of a group.

    Raises:
        UnknownRun, AmbiguousRun: the parent, or what is to be joined, is no single run.
        UsageError: what is to be joined is no repeat, or `--set` would change a file under a running repeat.
    """
    if at_once > 1 and any(SEED in one for one in request.assignments):
        raise UsageError(
            f"--set with {SEED} edits one file, which repeats that run at once would share",
            hint=f"give the seed to the command: -j {at_once} -- COMMAND --seed {SEED}",
        )
    group, first, parent, known = new_uid(journal.now_us() // 1000, os.urandom(10)), 0, request.parent, 0
    with History(workspace) as history:
        if join is not None and not (is_uid(join) and not history.group(join)):
            members = _members(history, join)
            group, known = str(members[0]["group"]), len(members)
            first = 1 + max((one["seed"] for one in members if isinstance(one["seed"], int)), default=-1)
            parent = parent or str(members[0]["parent_uid"] or "none")
        elif join is not None:
            group = join
        if parent is None or not is_uid(parent):
            parent = parent_of_new(history, parent)[1] or "none"
    first = first if seed is None else seed
    if first + count - 1 > _LAST_SEED:
        raise UsageError(f"seeds end at {_LAST_SEED}", hint="begin with a smaller one: --seed 0")
    requests = [
        seeded(
            request._replace(group=group, parent=parent, repeat=(known + index + 1, known + count)),
            first + index,
        )
        for index in range(count)
    ]
    return Repeats(group, tuple(requests), parent)


def _members(history: History, ref: str) -> list[JsonObject]:
    members = history.group(ref) if is_uid(ref) else []
    if members:
        return members
    found = history.resolve(ref)
    if not found["group"]:
        raise UsageError(
            f"{found['id']} is no repeat: it has no group that others could join",
            hint="make one: gxt run --repeats 5 -- COMMAND",
        )
    return history.group(str(found["group"]))


def in_sequence(
    workspace: Workspace,
    planned: Repeats,
    *,
    on_start: Callable[[Started], None],
    on_end: Callable[[RunResult], None],
) -> Repeated:
    """Make the runs one after the other, as `gxt.ops.run.run` makes each; stops when one was told to stop.

    Raises:
        UsageError, CannotRecord: as that does; the runs before are recorded.
    """
    codes: list[int] = []
    try:
        for request in planned.requests:
            result = run(workspace, request, on_start=on_start)
            codes.append(result.ended.returncode)
            on_end(result)
            if result.ended.interrupted or result.ended.stopped or result.ended.error:
                break
    except KeyboardInterrupt:  # between two of them
        return _summed_up(workspace, planned, codes)._replace(exit_code=next(filter(None, codes), 130))
    return _summed_up(workspace, planned, codes)


def at_once(
    workspace: Workspace,
    planned: Repeats,
    jobs: int,
    *,
    quiet: bool,
    on_lines: Callable[[int, int, bytes], None],
) -> Repeated:
    """Make the runs at once, so many at a time, each by a `gxt run` of its own without a terminal.

    A signal that asks us to stop goes on to all of them, and no other is begun.

    Args:
        workspace: where.
        planned: the runs.
        jobs: how many at a time.
        quiet: each says nothing of its own.
        on_lines: takes whole lines of a repeat, by its place from 0, with the descriptor that they are for.
    """
    commands = [
        [*_ourselves(), *_words(one), *(["-q"] if quiet else []), "--", *one.command]
        for one in planned.requests
    ]
    ended = run_side_by_side(commands, jobs=jobs, on_lines=on_lines, cwd=workspace.repository.cwd)
    return _summed_up(workspace, planned, [code for code in ended if code is not None])


def _ourselves() -> list[str]:
    """This very gxt as a command, which finds no module of the user's in the working directory."""
    path = f"sys.path[:] = [*filter(None, sys.path), {str(Path(__file__).parents[2])!r}]"
    return [sys.executable, "-c", f"import sys; {path}; from gxt.cli.main import main; main()", "run"]


def _words(request: StartRequest) -> list[str]:
    """What one says to `gxt run` to make this one of the repeats."""
    said = {
        "group": request.group,
        "seed": request.seed,
        "repeat": f"{request.repeat[0]}/{request.repeat[1]}" if request.repeat else None,
        "parent": request.parent,
        "name": request.name,
        "message": request.message,
        "hypothesis": request.hypothesis,
    }
    lists = {
        "tag": request.tags,
        "set": request.assignments,
        "params": request.params,
        "metrics": request.metrics,
        "out": request.outs,
        "data": request.data,
    }
    words = [f"--{option}={value}" for option, value in said.items() if value is not None]
    return words + [f"--{option}={value}" for option, values in lists.items() for value in values]


def _summed_up(workspace: Workspace, planned: Repeats, codes: Sequence[int]) -> Repeated:
    """The runs of the group as they are now; the first that completed becomes the base."""
    with History(workspace) as history:
        runs = history.group(planned.group)
        parent = history.by_uid(planned.parent) if planned.parent != "none" else None
        parent = history.whole_group(parent) if parent else None
        main = history.main_metric([metrics_of(one) for one in reversed(runs)])
    completed = [one for one in runs if one["status"] == "completed"]
    if completed:
        code = completed[0]["code"]
        head = code.get("head") if isinstance(code, dict) else None
        write_base(workspace.repository, Base(str(completed[0]["uid"]), str(head) if head else None))
    failed = next((code for code in codes if code), 0)
    return Repeated(tuple(runs), parent, failed, main, len(planned.requests) - len(codes))
