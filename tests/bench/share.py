"""Sharing: runs that go to a bare repository and come back, beside plain git, DVC, and a long history."""

from __future__ import annotations

import importlib.util
import shutil
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.bench.dvc_repository import dvc_experiments
from tests.bench.generate import generate
from tests.bench.measure import Bench, Cost, Row, alternate, compared, median, missing, say
from tests.bench.scale import FEW, MANY

SHARED = 1_000
DVC_SHARED = 100
TURNS = 9
_REFS = ("refs/gxt/experiments", "refs/notes/gxt/*")
_REFSPECS = tuple(f"{ref}:{ref}" for ref in _REFS)


def bench_share(bench: Bench) -> list[Row]:
    """The first push and the first pull of 1,000 runs, against plain git with the same objects and DVC."""
    ours = bench.once(f"{SHARED:,} runs", partial(generate, runs=SHARED))
    pushed, plain_push, pulled, plain_fetch = alternate(
        5,
        partial(first_push, bench, ours, "gxt", "push"),
        partial(first_push, bench, ours, "git", "push", "-q", "origin", *_REFSPECS),
        partial(_first_pull, bench, ours, "gxt", "pull"),
        partial(_first_pull, bench, ours, "git", "fetch", "-q", "origin", *_REFSPECS),
    )
    push, pull = f"push, {SHARED:,}", f"pull, {SHARED:,}"
    rows = [
        compared(push, pushed, plain_push, bound=3, what="git push"),
        compared(pull, pulled, plain_fetch, bound=3, what="git fetch"),
    ]
    if importlib.util.find_spec("dvc") is None:
        return [*rows, missing(push, "dvc"), missing(pull, "dvc")]
    what = f"of {SHARED:,}, from 1 and {DVC_SHARED}"
    dvc_push, dvc_pull = _dvc(bench)
    return [
        *rows,
        compared(push, pushed, dvc_push, bound=1 / 10, what=f"dvc exp push {what}"),
        compared(pull, pulled, dvc_pull, bound=1 / 10, what=f"dvc exp pull {what}"),
    ]


def _dvc(bench: Bench) -> tuple[Cost, Cost]:
    """What DVC's push and pull of as many experiments cost, by what each one adds to the first."""
    one, several = (
        bench.once(f"dvc-shared-{count}", partial(_dvc_project, bench, count=count))
        for count in (1, DVC_SHARED)
    )
    words = ("-q", "-A", "origin")
    push_one, pull_one, push, pull = alternate(
        3,
        partial(first_push, bench, one, "dvc", "exp", "push", *words),
        partial(_first_pull, bench, one, "dvc", "exp", "pull", *words),
        partial(first_push, bench, several, "dvc", "exp", "push", *words),
        partial(_first_pull, bench, several, "dvc", "exp", "pull", *words),
    )
    return scaled(push_one, push), scaled(pull_one, pull)


def scaled(one: Cost, several: Cost) -> Cost:
    added, times = several - one, (SHARED - 1) / (DVC_SHARED - 1)
    return Cost(one.cpu_s + added.cpu_s * times, one.wall_s + added.wall_s * times)


def _dvc_project(bench: Bench, directory: Path, count: int) -> None:
    """Experiments, and a directory for what DVC keeps beside git: without one it shares the refs alone."""
    dvc_experiments(bench, directory, count)
    bench.run(directory, "dvc", "remote", "add", "-q", "-d", "store", f"{directory}-store")
    bench.run(directory, "git", "commit", "-q", "-a", "-m", "where the data is")


def first_push(bench: Bench, repository: Path, *command: str) -> Cost:
    """What a push costs to a new server that has the code alone."""
    server = bench.directory / "server.git"
    shutil.rmtree(server, ignore_errors=True)
    tracking = bench.run(repository, "git", "for-each-ref", "--format=%(refname)", "refs/gxt/remotes")
    for ref in tracking.split():
        bench.run(repository, "git", "update-ref", "-d", ref)
    _serve(bench, repository, server)
    return bench.cost(repository, *command)


def _first_pull(bench: Bench, repository: Path, *command: str) -> Cost:
    """What a pull costs in a new clone of the server that the last push has filled."""
    clone = bench.directory / "colleague"
    shutil.rmtree(clone, ignore_errors=True)
    _clone(bench, bench.run(repository, "git", "config", "remote.origin.url").strip(), clone)
    return bench.cost(clone, *command)


def _serve(bench: Bench, repository: Path, server: Path) -> None:
    """Make a bare repository with the branch of ours, which has it for its origin."""
    bench.run(bench.directory, "git", "init", "-q", "--bare", "-b", "main", str(server))
    bench.run(repository, "git", "config", "remote.origin.url", str(server))
    bench.run(repository, "git", "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    bench.run(repository, "git", "push", "-q", "origin", "main")


def _clone(bench: Bench, url: str, clone: Path) -> None:
    # --no-local: else all objects of the server are in the clone
    bench.run(bench.directory, "git", "clone", "-q", "--no-local", url, str(clone))


# --- one run of many -------------------------------------------------------------------------------------


class _Team(NamedTuple):
    """Ours, a colleague's clone, and both the server and the clone a second time, for plain git."""

    ours: Path
    colleague: Path
    plain_server: Path
    plain_colleague: Path


class _Turn(NamedTuple):
    push: Cost
    plain_push: Cost
    pull: Cost
    plain_fetch: Cost
    nothing: Cost


def bench_share_many(bench: Bench) -> list[Row]:
    """One run pushed, one pulled, and nothing to pull: with a history of 100,000 runs against one of 100.

    Plain git with the same objects takes turns: in the tree of the entry before, it marks everything as
    known, on either side. What is left without git's part is what gxt does.
    """
    many, few = (_medians(turns) for turns in _turns(bench))
    what = f"{FEW} runs"
    return [
        compared(f"push one, {MANY:,}", many.push, few.push, what=what),
        compared("push one, less git push", *_without_git("push", many, few), bound=1.5, what=what),
        compared("git push, the same", many.plain_push, few.plain_push, what=what),
        compared(f"pull one, {MANY:,}", many.pull, few.pull, what=what),
        compared("pull one, less git fetch", *_without_git("pull", many, few), bound=1.5, what=what),
        compared("git fetch, the same", many.plain_fetch, few.plain_fetch, what=what),
        compared(f"pull nothing, {MANY:,}", many.nothing, few.nothing, bound=1.5, what=what),
    ]


def _turns(bench: Bench) -> tuple[list[_Turn], list[_Turn]]:
    """The turns of a team with many runs and of one with few, side by side; the first does not count."""
    many, few = (_team(bench, runs) for runs in (MANY, FEW))
    turns = [(_turn(bench, many), _turn(bench, few)) for _ in range(TURNS + 1)][1:]
    return [turn for turn, _ in turns], [turn for _, turn in turns]


def _medians(turns: list[_Turn]) -> _Turn:
    return _Turn(*(median(costs) for costs in zip(*turns, strict=True)))


def _without_git(what: str, many: _Turn, few: _Turn) -> tuple[Cost, Cost]:
    if what == "push":
        return many.push - many.plain_push, few.push - few.plain_push
    return many.pull - many.plain_fetch, few.pull - few.plain_fetch


def _team(bench: Bench, runs: int) -> _Team:
    """People who have all the runs already."""
    ours = bench.once(f"{runs:,} runs", partial(generate, runs=runs))
    say(f"sharing {runs:,} runs …")
    place = bench.directory / f"team of {runs}"
    server, clone, plain, plain_clone = (
        place / name for name in ("server.git", "colleague", "plain.git", "plain")
    )
    _serve(bench, ours, server)
    bench.run(ours, "gxt", "push")
    _clone(bench, str(server), clone)
    bench.run(clone, "gxt", "pull")
    bench.run(clone, "gxt", "list", "--limit", "1")
    shutil.copytree(server, plain)
    shutil.copytree(clone, plain_clone)
    bench.run(plain_clone, "git", "config", "remote.origin.url", str(plain))
    return _Team(ours, clone, plain, plain_clone)


def _turn(bench: Bench, team: _Team) -> _Turn:
    """One more run goes from ours to the colleague."""
    bench.run(team.ours, "gxt", "run", "-q", "--", "true")
    return _Turn(
        push=bench.cost(team.ours, "gxt", "push"),
        plain_push=bench.cost(team.ours, "git", "push", "-q", str(team.plain_server), *_REFSPECS),
        pull=bench.cost(team.colleague, "gxt", "pull"),
        plain_fetch=bench.cost(team.plain_colleague, "git", "fetch", "-q", "origin", *_REFSPECS),
        nothing=bench.cost(team.colleague, "gxt", "pull"),
    )
