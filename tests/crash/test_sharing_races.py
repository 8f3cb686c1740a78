"""Clones that record, say, push and pull at random, while they and the server are killed.

Nothing is lost, nothing is there twice, and all see the same in the end.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

EXPERIMENTS = "refs/gxt/experiments"

# One run by the API; it says in a file which one, when it is in git.
RECORD = """
import os, sys
import gxt
from gxt.ops.history import History
from gxt.ops.workspace import open_workspace

run = gxt.init(config={"who": sys.argv[1]})
run.log({"loss": 1.0})
run.finish()
"""


class Person(threading.Thread):
    """Somebody with a clone of his own who is never careful."""

    def __init__(self, hub: Path, index: int, runs: int) -> None:
        super().__init__()
        self.hub = hub
        self.index = index
        self.runs = runs
        self.chance = random.Random(index)
        self.clone = hub.parent / f"clone-{index}"
        self.tagged = 0
        self.failed: list[str] = []
        git(hub.parent, "clone", "-q", str(hub), str(self.clone))
        git(self.clone, "config", "user.name", f"Person {index}")

    def run(self) -> None:
        for _ in range(self.runs):
            self.do(sys.executable, "-c", RECORD, str(self.index))
            for _ in range(self.chance.randrange(3)):
                self.exchange()
            if self.chance.random() < 0.3:
                runs = data(self.clone, "list", "--limit", "5")
                chosen = self.chance.choice(runs)["uid"]
                self.do(sys.executable, "-m", "gxt", "tag", chosen, f"tag-{self.index}-{self.tagged}")
                self.tagged += 1

    def do(self, *words: str) -> None:
        """Something that is not killed, and must not fail."""
        done = subprocess.run(words, cwd=self.clone, capture_output=True, text=True, check=False)
        if done.returncode:
            self.failed.append(f"{words}: {done.stderr}")

    def exchange(self) -> None:
        """Push or pull; once in three times it is killed, or the server is."""
        words = [sys.executable, "-m", "gxt", self.chance.choice(["push", "pull"])]
        with subprocess.Popen(
            words, cwd=self.clone, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            fate = self.chance.random()
            if fate < 1 / 3:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(self.chance.uniform(0.02, 0.4))
                process.send_signal(signal.SIGKILL) if fate < 1 / 6 else kill_servers(self.hub)
            _, said = process.communicate()
        if "a bug in gxt" in said:
            self.failed.append(said)


def kill_servers(hub: Path) -> None:
    """Kill whatever serves pushes to the repository."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if b"receive-pack" in words and os.fsencode(hub) in words:
                os.kill(int(entry.name), signal.SIGKILL)


def settle(people: list[Person]) -> None:
    """Everybody pushes, then everybody pulls; what a killed server has left is out of the way first."""
    for lock in people[0].hub.rglob("*.lock"):
        lock.unlink()
    for person in people:
        gxt(person.clone, "push")
    for person in people:
        gxt(person.clone, "pull")


def check(people: list[Person], runs: int) -> None:
    hub = people[0].hub
    assert [failure for person in people for failure in person.failed] == []
    settle(people)
    assert {git(person.clone, "rev-parse", EXPERIMENTS) for person in people} == {
        git(hub, "rev-parse", EXPERIMENTS)
    }
    listed = data(people[0].clone, "list")
    assert [run["id"] for run in reversed(listed)] == [f"exp-{n:03d}" for n in range(1, len(listed) + 1)]
    recorded = [run["params"]["who"] for run in listed]
    assert sorted(recorded) == sorted(str(person.index) for person in people for _ in range(runs))
    assert len({run["uid"] for run in listed}) == len(listed)
    said = sorted(tag for run in listed for tag in run["tags"])
    assert said == sorted(f"tag-{person.index}-{n}" for person in people for n in range(person.tagged))
    git(hub, "fsck", "--strict")
    for person in people:
        assert data(person.clone, "list") == listed
        git(person.clone, "fsck", "--strict")
        assert data(person.clone, "doctor")["findings"] == []


def exchange(tmp_path: Path, *, people: int, runs: int) -> None:
    hub = tmp_path / "hub.git"
    git(tmp_path, "init", "-q", "--bare", str(hub))
    git(tmp_path, "clone", "-q", str(hub), "seed")
    git(tmp_path / "seed", "commit", "-q", "--allow-empty", "-m", "first")
    git(tmp_path / "seed", "push", "-q", "origin", "HEAD")
    team = [Person(hub, index, runs) for index in range(people)]
    for person in team:
        person.start()
    for person in team:
        person.join()
    check(team, runs)


def test_three_people_for_a_moment(tmp_path: Path) -> None:
    exchange(tmp_path, people=3, runs=5)


@pytest.mark.long
def test_eight_people(tmp_path: Path) -> None:
    exchange(tmp_path, people=8, runs=25)
