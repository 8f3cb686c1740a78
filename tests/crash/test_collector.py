"""A `git gc --prune=now` that has looked at the refs at the worst time: the test is the collector.

A process stands in for gc in `gc.pid`; what it would take away, the test takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gxt.git.objects import ObjectReader
from gxt.git.repository import discover
from gxt.store import collector, journal
from gxt.store.documents import documents
from gxt.store.locks import store_lock
from gxt.store.recovery import recover
from gxt.store.seal import Sealed, seal
from tests.conftest import data, git, gxt
from tests.crash.conftest import EXPERIMENTS, check_sound, fake_git, live_directory

SERIES_BYTES = 64 << 20


@contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process with these words on its command line, until the end of the block."""
    started = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()", *words], stdin=subprocess.PIPE
    )
    try:
        yield started
    finally:
        started.communicate()


def say_gc(repo: Path, pid: int, host: str = os.uname().nodename) -> Path:
    """Write `gc.pid` as git does."""
    path = repo / ".git/gc.pid"
    path.write_text(f"{pid} {host}")
    return path


def take_all_but(repo: Path, *spared: str) -> int:
    """Delete every loose object that none of the revisions reaches; how many that were."""
    kept = {line.split()[0] for line in git(repo, "rev-list", "--objects", *spared).splitlines()}
    loose = [
        path for path in (repo / ".git/objects").glob("??/*") if path.parent.name + path.name not in kept
    ]
    for path in loose:
        path.unlink()
    return len(loose)


def refs(repo: Path, *below: str) -> list[str]:
    return git(repo, "for-each-ref", "--format=%(refname)", *below).splitlines()


def await_that(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@contextmanager
def recovering(repo: Path) -> Iterator[None]:
    """The recovery of the dead run in a thread of its own; it has ended without a word after the block."""
    said: list[tuple[str, ...]] = []
    thread = threading.Thread(
        target=lambda: said.append(recover(discover(repo), series_bytes=SERIES_BYTES).notices)
    )
    thread.start()
    yield
    thread.join()
    assert said == [()]


@contextmanager
def sealing(repo: Path) -> Iterator[None]:
    """The dead run on its way into git, in a thread of its own; it is there after the block."""
    repository, path = discover(repo), live_directory(repo)
    folded = journal.read(path, unfinished="interrupted")
    files = documents(folded, b"", series_bytes=SERIES_BYTES)
    sealed: list[Sealed] = []
    thread = threading.Thread(target=lambda: sealed.append(seal(repository, folded, files, number=2)))
    with store_lock(repository):
        thread.start()
        yield
        thread.join()
    assert [one.number for one in sealed] == [2]


def test_nothing_is_published_that_a_collector_at_work_may_take(dead: Path) -> None:
    """It looked before the objects were written, and takes them after."""
    with process("--prune=now") as gc:
        pid_file = say_gc(dead, gc.pid)
        looked_at = git(dead, "for-each-ref", "--format=%(objectname)").splitlines()
        with sealing(dead):
            await_that(lambda: any(ref.endswith("/config") for ref in refs(dead, "refs/gxt/tmp")))
            await_that(lambda: take_all_but(dead, *looked_at))
            for _ in range(40):  # as long as it lasts
                assert git(dead, "rev-parse", EXPERIMENTS) in looked_at
            pid_file.unlink()
    assert [run["status"] for run in data(dead, "list")] == ["interrupted", "completed"]
    check_sound(dead)


# The collector starts, and has read the experiments ref, just before it moves.
STARTS_BEFORE_THE_MOVE = """#!/bin/sh
case "$*" in *" update-ref "*) ;; *) exec "$GXT_TEST_GIT" "$@" ;; esac
while IFS= read -r line; do
    case "$line" in *refs/gxt/experiments*) printf '%s' "$GXT_TEST_GC" >"$GXT_TEST_GC_PID" ;; esac
    printf '%s\\n' "$line"
done | "$GXT_TEST_GIT" "$@"
"""


def test_what_protects_a_run_stays_until_a_collector_has_ended(
    dead: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read the experiments ref before that moved, and reads the other refs after."""
    before = git(dead, "rev-parse", EXPERIMENTS)
    uid = live_directory(dead).name
    pid_file = dead / ".git/gc.pid"
    with process("--prune=now") as gc:
        for name, value in {
            **fake_git(tmp_path / "bin", STARTS_BEFORE_THE_MOVE),
            "GXT_TEST_GC": f"{gc.pid} {os.uname().nodename}",
            "GXT_TEST_GC_PID": str(pid_file),
        }.items():
            monkeypatch.setenv(name, value)
        with recovering(dead):
            await_that(lambda: git(dead, "rev-parse", EXPERIMENTS) != before)
            others = refs(dead, "refs/gxt/live", "refs/gxt/tmp")
            assert [ref for ref in others if ref.startswith("refs/gxt/live")] == [f"refs/gxt/live/{uid}"]
            assert take_all_but(dead, "HEAD", before, *others, "--glob=refs/notes") == 0
            pid_file.unlink()
    assert refs(dead, "refs/gxt/live", "refs/gxt/tmp") == []
    assert [run["status"] for run in data(dead, "list")] == ["interrupted", "completed"]
    check_sound(dead)


def test_what_a_collector_has_taken_is_found_missing(repo: Path) -> None:
    """Also by who was reading from a pack that is gone by now."""
    git(repo, "gc", "--quiet")
    head = git(repo, "rev-parse", "HEAD")
    repository = discover(repo)
    seen = collector.look(repository)
    with ObjectReader(repository) as reader:
        assert reader.read(head) is not None
        assert collector.are_whole(repository, [head], without=[], since=seen)
        for path in (repo / ".git/objects/pack").iterdir():
            path.unlink()
        assert reader.read(head) is not None
        assert not collector.are_whole(repository, [head], without=[], since=seen)


def test_a_blob_deep_below_is_missed(repo: Path) -> None:
    (repo / "pkg").mkdir()
    (repo / "pkg/model.py").write_text("width = 1\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "second")
    head, blob = git(repo, "rev-parse", "HEAD"), git(repo, "rev-parse", "HEAD:pkg/model.py")
    repository = discover(repo)
    before = collector.Seen(b"1 host", frozenset())
    assert collector.are_whole(repository, [head], without=["HEAD~1"], since=before)
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert not collector.are_whole(repository, [head], without=["HEAD~1"], since=before)


def test_only_a_gc_that_takes_new_objects_is_waited_for(repo: Path) -> None:
    repository = discover(repo)

    def may_go_on() -> bool:
        return collector.await_end(repository, patience_s=0)

    assert may_go_on()
    with process() as plain, process("--prune=now") as pruning:
        say_gc(repo, plain.pid)
        assert may_go_on()
        git(repo, "config", "gc.pruneExpire", "now")
        assert not may_go_on()
        git(repo, "config", "--unset", "gc.pruneExpire")
        say_gc(repo, pruning.pid)
        assert not may_go_on()
    assert may_go_on(), "it was killed and has left its file"


def test_a_gc_of_another_host_puts_nothing_off(repo: Path) -> None:
    """It may be what a container left: nobody here can tell."""
    repository = discover(repo)
    path = say_gc(repo, 1, "another-host")
    assert collector.look(repository).gc == b"1 another-host"
    assert collector.await_end(repository, patience_s=0.01)
    (repo / "train.py").write_text("print(2)\n")
    gxt(repo, "run", "-q", "--", "true")
    assert [run["status"] for run in data(repo, "list")] == ["completed"]
    eleven_minutes_ago = time.time() - 11 * 60
    os.utime(path, (eleven_minutes_ago, eleven_minutes_ago))
    assert collector.look(repository).gc == b""


def test_reading_does_not_wait_for_a_collector(dead: Path) -> None:
    with process("--prune=now") as gc:
        pid_file = say_gc(dead, gc.pid)
        done = gxt(dead, "list")
        assert done.stderr == "gxt: interrupted runs are recorded when git gc --prune has ended\n"
        pid_file.unlink()
    assert [run["status"] for run in data(dead, "list")] == ["interrupted", "completed"]
    check_sound(dead)


def test_no_pack_is_written_that_a_collector_could_take_half_made(repo: Path) -> None:
    """It would leave a `.keep` behind, of which every later attempt to write the same objects dies."""
    git(repo, "config", "transfer.unpackLimit", "1")
    git(repo, "config", "fastimport.unpackLimit", "1")
    (repo / "train.py").write_text("print('edited')\n")
    gxt(repo, "run", "-q", "--", "true")
    assert list((repo / ".git/objects/pack").iterdir()) == []
    check_sound(repo)


# A collector takes an object directory away while it is written to, twice; the first time also the pack that
# is then made in its place.
TAKES_LOOSE_OBJECTS = """#!/bin/sh
case "$1$(cat "$GXT_TEST_TAKEN")" in
unpack-objects) rm -f "$GXT_TEST_PACKS"/tmp_pack_* ;;
unpack-objects.) ;;
*) exec "$GXT_TEST_CORE/git" "$@" ;;
esac
printf . >>"$GXT_TEST_TAKEN"
exit 1
"""


def test_a_pack_taken_half_made_is_in_nobodys_way(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, taken, program = git(repo, "--exec-path"), tmp_path / "taken", tmp_path / "core/git"
    program.parent.mkdir()
    program.write_text(TAKES_LOOSE_OBJECTS)
    program.chmod(0o755)
    taken.touch()
    packs = repo / ".git/objects/pack"
    others = packs / "pack-1.keep"
    others.write_text("mine\n")
    for name, value in {
        "GIT_EXEC_PATH": str(program.parent),
        "GXT_TEST_CORE": core,
        "GXT_TEST_TAKEN": str(taken),
        "GXT_TEST_PACKS": str(packs),
    }.items():
        monkeypatch.setenv(name, value)
    gxt(repo, "run", "-q", "--", "true")
    assert taken.read_text() == ".."
    assert list(packs.glob("*.keep")) == [others]
    assert [run["status"] for run in data(repo, "list")] == ["completed"]
    check_sound(repo)


@pytest.mark.parametrize("ends", ["in the middle", "after the run"])
def test_a_run_does_not_wait_for_a_collector_and_keeps_its_code(
    repo: Path, tmp_path: Path, ends: str
) -> None:
    """It has read the refs before the run had one, and takes the code away while the training goes on."""
    (repo / "train.py").write_text("print('edited')\n")
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    with process("--prune=now") as gc:
        pid_file = say_gc(repo, gc.pid)
        looked_at = git(repo, "for-each-ref", "--format=%(objectname)").splitlines()
        command = [sys.executable, "-m", "gxt", "run", "-q", "--", "cat", str(fifo)]
        with subprocess.Popen(command, cwd=repo, stderr=subprocess.DEVNULL) as run, fifo.open("w"):
            (ref,) = refs(repo, "refs/gxt/live")
            assert take_all_but(repo, *looked_at)
            if ends == "in the middle":
                pid_file.unlink()
                await_that(lambda: Path(repo, ".git/objects", git(repo, "rev-parse", ref)[:2]).exists())
                await_that(lambda: fsck(repo) == "")
        assert run.returncode == 0
        pid_file.unlink(missing_ok=True)
    (recorded,) = data(repo, "list")
    assert recorded["status"] == "completed"
    assert git(repo, "show", f"{recorded['commit']}:train.py") == "print('edited')"
    check_sound(repo)


def fsck(repo: Path) -> str:
    done = subprocess.run(
        ["git", "fsck", "--no-dangling"], cwd=repo, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr
