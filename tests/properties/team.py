"""Clones of a bare repository, worked in by the operations themselves: no step costs a process of gxt."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gxt.ops.doctor import doctor
from gxt.ops.finish import finish
from gxt.ops.listing import ListRequest, list_runs
from gxt.ops.pull import Pulled, pull
from gxt.ops.push import Pushed, push
from gxt.ops.start import StartRequest, start
from gxt.ops.workspace import open_workspace
from gxt.store.journal import LiveRun
from tests.conftest import git
from tests.crash.conftest import check_notes

EXPERIMENTS = "refs/gxt/experiments"


class Team(NamedTuple):
    """A bare repository and its clones."""

    hub: Path
    clones: tuple[Path, ...]


class Stored(NamedTuple):
    """What a tree holds of a run; no config of a removed one."""

    number: int
    config: str | None


def found(folder: Path, people: int) -> Team:
    """A hub with one commit of code, and clones of it by people of different names."""
    folder.mkdir()
    hub = folder / "hub.git"
    git(folder, "init", "-q", "--bare", str(hub))
    git(folder, "clone", "-q", str(hub), "seed")
    git(folder / "seed", "commit", "-q", "--allow-empty", "-m", "first")
    git(folder / "seed", "push", "-q", "origin", "HEAD")
    clones = tuple(folder / f"clone-{i}" for i in range(people))
    for clone in clones:
        git(folder, "clone", "-q", str(hub), str(clone))
        git(clone, "config", "user.name", clone.name)
    return Team(hub, clones)


def copied(team: Team, folder: Path) -> Team:
    """The same team elsewhere."""
    old = team.hub.parent
    shutil.copytree(old, folder, symlinks=True)
    clones = tuple(folder / clone.name for clone in team.clones)
    for clone in clones:
        config = clone / ".git" / "config"
        config.write_text(config.read_text().replace(str(old), str(folder)))
    return Team(folder / team.hub.name, clones)


def begin(clone: Path, name: str, tags: Sequence[str] = (), parent: str | None = None) -> LiveRun:
    """A run that goes on."""
    request = StartRequest(command=["true"], name=name, tags=tags, parent=parent)
    return start(open_workspace(clone), request)[1]


def end(clone: Path, live: LiveRun) -> str:
    """The uid of a run that has ended and is in git."""
    live.journal.append("metrics", {"s": 0, "m": {"loss": 0.5}})
    ended = finish(open_workspace(clone), live, status="completed", exit_code=0, duration_s=1.0)
    assert ended is not None
    assert [text for text in ended.notices if "not in git yet" in text] == []
    return str(ended.run["uid"])


def record(clone: Path, name: str, tags: Sequence[str] = ()) -> str:
    """The uid of a new run."""
    return end(clone, begin(clone, name, tags))


def pushed(clone: Path, *runs: str) -> Pushed:
    return push(open_workspace(clone), runs=runs)


def pulled(clone: Path) -> Pulled:
    return pull(open_workspace(clone))


def listed(clone: Path) -> list[dict[str, Any]]:
    """All that `gxt list` knows, oldest first."""
    seen = list_runs(open_workspace(clone), ListRequest())
    assert seen.notices == ()
    return list(reversed(seen.runs))


def stored(repository: Path) -> dict[str, Stored]:
    """The runs in a repository by their commits, removed ones too; as git tells it."""
    if not git(repository, "for-each-ref", EXPERIMENTS):
        return {}
    lines = git(repository, "ls-tree", "-r", EXPERIMENTS).splitlines()
    oids = {line.partition("\t")[2]: line.split()[2] for line in lines}
    places = [path.removesuffix("/run") for path in oids if path.endswith("/run")]
    runs = {
        oids[f"{place}/run"]: Stored(int(place[-3:]), oids.get(f"{place}/config.json")) for place in places
    }
    assert len(runs) == len({run.number for run in runs.values()}) == len(places)
    return runs


def lacks(repository: Path, oids: Iterable[str]) -> bool:
    """Whether a repository has none of these objects."""
    wanted = "".join(f"{oid}\n" for oid in oids)
    seen = git(repository, "cat-file", "--batch-check", stdin=wanted).splitlines() if wanted else []
    return all(line.endswith(" missing") for line in seen)


def check_whole(clone: Path) -> None:
    """Neither git nor gxt finds anything wrong, and the notes show the runs."""
    assert doctor(clone).findings == ()
    git(clone, "fsck", "--strict", "--no-dangling", "--no-progress")
    if git(clone, "for-each-ref", EXPERIMENTS):
        check_notes(clone)


def settle(team: Team) -> None:
    """Everybody pushes, then everybody pulls."""
    for clone in team.clones:
        pushed(clone)
    for clone in team.clones:
        pulled(clone)
