"""Writers, a garbage collector, kills and recovery at once: no finished run and no logged line is lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import check_sound

# Says in a file what gxt has acknowledged: a step when `log` has returned, a run when `finish` has.
WRITER = """
import os, sys
import gxt

writer, first, said = int(sys.argv[1]), int(sys.argv[2]), os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND)
for number in range(first, first + 1000):
    os.write(said, b"begun %d\\n" % number)
    run = gxt.init(config={"writer": writer, "number": number})
    for step in range(4):
        run.log({"loss": writer + number / 8 + step / 64}, step=step)
        os.write(said, b"step %d %d\\n" % (number, step))
    run.finish()
    os.write(said, b"done %d\\n" % number)
    if os.path.exists(sys.argv[4]):
        break
"""


LIST = """
from gxt.cli.main import main
main()
"""
KILL_EVERY_S = 0.25

# Bugs that stores of this kind have had; each is put into every process of the torture.
BUGS = {
    "a run is sealed while it is written to": """
from gxt.store import journal
journal.is_alive = journal.is_alive_beside = lambda path: False
from gxt.store import locks
locks.hold = lambda path: __import__("os").open(path, 0)
""",
    "one bad run stops the recovery of the others": """
from gxt.store import recovery
seal_dead, attempts = recovery._seal_dead, []
def stumble(*args, **more):
    attempts.append(args)
    return seal_dead(*args, **more) if len(attempts) == 1 else 1 / 0
recovery._seal_dead = stumble
""",
    "the ref is moved whatever it was": """
from gxt.git import refs
from gxt.store import locks, publish
class Careless(refs.RefMover):
    def move(self, updates):
        super().move([update._replace(old=None) for update in updates])
publish.RefMover = Careless
from contextlib import nullcontext
publish.collector.await_end = lambda *args, **more: True
locks.store_lock = lambda repository: nullcontext()
from gxt.ops import finish, start
finish.store_lock = start.store_lock = locks.store_lock
""",
    "the journal is removed before the run is in git": """
from gxt.store import journal
from gxt.ops import finish
sealing = finish.seal
def seal_later(repository, folded, *args, **more):
    for path in (repository.common_dir / "gxt/live" / folded.uid).iterdir():
        path.unlink()
    return sealing(repository, folded, *args, **more)
finish.seal = seal_later
""",
    "what gc has taken is not looked for": """
from gxt.store import collector
collector.await_end = lambda *args, **more: True
collector.are_whole = lambda *args, **more: True
""",
}


@dataclass
class Writer:
    """One of the writers, started again whenever it was killed."""

    index: int
    folder: Path
    stop: Path
    planted: str
    process: subprocess.Popen[str] | None = None
    ended: list[tuple[int, str]] = field(default_factory=list)

    @property
    def said(self) -> Path:
        return self.stop.with_name(f"said-{self.index}")

    def lines(self, word: str) -> list[tuple[int, ...]]:
        lines = [line.split() for line in self.said.read_text().splitlines()]
        return [tuple(map(int, line[1:])) for line in lines if line[0] == word]

    def start(self) -> None:
        self.said.touch()
        begun = [number for (number,) in self.lines("begun")]
        words = [str(self.index), str(max(begun, default=-1) + 1), str(self.said), str(self.stop)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.planted + WRITER, *words],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
        )

    def reap(self) -> None:
        """Note how it ended."""
        assert self.process
        _, stderr = self.process.communicate()
        self.ended.append((self.process.returncode, stderr))

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.reap()
        self.start()


def collecting(repo: Path, stop: threading.Event) -> None:
    """Collect garbage, commit and pack refs, over and over.

    A gc may find a ref to what the gc before it took; what counts is what is there in the end.
    """
    number = 0
    while not stop.is_set():
        number += 1
        for words in (
            ("gc", "--quiet", "--prune=now"),
            ("commit", "--quiet", "--allow-empty", "-m", f"commit {number}"),
            ("pack-refs", "--all"),
        ):
            subprocess.run(["git", *words], cwd=repo, capture_output=True, check=False)


def recovering(repo: Path, stop: threading.Event, planted: str, failures: list[str]) -> None:
    """Recover what was killed, over and over."""
    while not stop.is_set():
        done = subprocess.run(
            [sys.executable, "-c", planted + LIST, "list", "--json"],
            cwd=repo,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or done.stderr:
            failures.append(f"gxt list: {done.returncode} {done.stderr} {done.stdout[-300:]}")
        else:
            notices = json.loads(done.stdout)["notices"]
            failures += [notice for notice in notices if "could not be recovered" in notice]


def torture(repo: Path, folder: Path, *, writers: int, seconds: float, planted: str = "") -> list[Writer]:
    """Run it all for so long; the writers as they ended."""
    trees = [repo]
    for number in range(2):
        tree = repo.parent / f"tree-{number}"
        git(repo, "worktree", "add", "-q", "-b", f"tree-{number}", str(tree))
        (tree / "new.py").write_text(f"tree = {number}\n")
        trees.append(tree)
    over, failures = threading.Event(), list[str]()
    threads = [
        threading.Thread(target=collecting, args=(repo, over)),
        threading.Thread(target=recovering, args=(repo, over, planted, failures)),
    ]
    team = [Writer(index, trees[index % 3], folder / "stop", planted) for index in range(writers)]
    chance = random.Random(1)
    for writer in team:
        writer.start()
    for thread in threads:
        thread.start()
    end_s = time.monotonic() + seconds
    try:
        while time.monotonic() < end_s:
            time.sleep(KILL_EVERY_S)
            chance.choice(team).kill()
    finally:
        (folder / "stop").touch()
        for writer in team:
            writer.reap()
        over.set()
        for thread in threads:
            thread.join()
    assert failures == []
    return team


def check(repo: Path, team: list[Writer]) -> None:
    gxt(repo, "list")
    runs = data(repo, "list")
    found = {(run["params"]["writer"], run["params"]["number"]): run for run in runs}
    ends = Counter(end for writer in team for end in writer.ended)
    assert ends.keys() <= {(0, ""), (-signal.SIGKILL, "")}
    assert len(found) == len(runs)
    for writer in team:
        for (number,) in writer.lines("done"):
            assert found[writer.index, number]["status"] == "completed"
        for number, step in writer.lines("step"):
            assert found[writer.index, number]["metrics"]["loss"] >= writer.index + number / 8 + step / 64
    gxt(repo, "run", "-q", "--", "true")  # notes that a kill has left behind come with the next run
    check_sound(repo)
    assert data(repo, "doctor")["findings"] == []


def test_torture_for_a_moment(repo: Path, tmp_path: Path) -> None:
    check(repo, torture(repo, tmp_path, writers=4, seconds=4))


@pytest.mark.long
def test_torture(repo: Path, tmp_path: Path) -> None:
    check(repo, torture(repo, tmp_path, writers=16, seconds=30))


@pytest.mark.long
@pytest.mark.parametrize("bug", BUGS)
def test_the_torture_finds_a_planted_bug(repo: Path, tmp_path: Path, bug: str) -> None:
    with pytest.raises((AssertionError, KeyError, subprocess.SubprocessError)):
        check(repo, torture(repo, tmp_path, writers=8, seconds=15, planted=BUGS[bug]))
