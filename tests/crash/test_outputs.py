"""What `gxt.log_model` has returned for is kept, whoever is killed and whatever the disk says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gxt.data.place import find_cache
from gxt.data.staging import keep_staged
from gxt.git.repository import discover
from gxt.model.events import Folded
from gxt.ops.outputs import read_end
from gxt.store.journal import JOURNAL, JournalWriter
from gxt.store.locks import store_lock_if_free
from gxt.store.recovery import recover
from gxt.store.settings import load_settings
from tests.conftest import data, git, gxt
from tests.crash.conftest import check_sound, kill, live_directory, read_line
from tests.crash.faults import FULL_DISK, KILL, Fault, Outcome
from tests.crash.test_faults import fault_by_fault
from tests.crash.test_full_disk import needs_mounts

# Says on a pipe which checkpoint is kept, each written over the one before.
TRAINING = """
import os, sys
import gxt

def say(text):
    os.writev(int(sys.argv[1]), [text.encode() + b"\\n"])

for step in range(2):
    gxt.log({"acc": step / 2}, step=step)
    file = os.open("model.bin", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.writev(file, [f"weights {step}".encode()])
    os.close(file)
    gxt.log_model("model.bin", step=step)
    say(f"kept {step}")
if len(sys.argv) > 2:
    say(f"pid {os.getpid()}")
    os.read(int(sys.argv[2]), 1)
"""
ALONE = [sys.executable, "training.py", "{fd}"]
WRAPPED = [sys.executable, "-m", "gxt", "run", "--", *ALONE]
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="no strace here")


@pytest.fixture
def lab(repo: Path) -> Path:
    """A repository with a training that keeps two checkpoints."""
    (repo / "training.py").write_text(TRAINING)
    (repo / ".git/info/exclude").write_text("*.bin\n")
    return repo


def kept(repo: Path) -> dict[int, str]:
    """The checkpoints of the one run by step, with their content."""
    cache = find_cache(discover(repo))
    found = data(repo, "show")["artifacts"]
    commit = data(repo, "show")["commit"]
    names = git(repo, "ls-tree", "-r", "--name-only", commit, ".gxt/").splitlines()
    assert len(names) == len(found)
    assert all(cache.is_sound(one["md5"]) for one in found)
    return {one["step"]: cache.path_of(one["md5"]).read_text() for one in found}


@pytest.mark.parametrize("who", ["script", "wrapper", "both", "script alone"])
def test_a_kill_loses_no_checkpoint(lab: Path, who: str) -> None:
    read, write = os.pipe()
    waits, _goes_on = os.pipe()
    before = [] if who == "script alone" else WRAPPED[:-3]
    words = [*before, sys.executable, "training.py", str(write), str(waits)]
    process = subprocess.Popen(words, cwd=lab, pass_fds=(write, waits), stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        assert [read_line(read) for _ in range(2)] == ["kept 0", "kept 1"]
        pid = int(read_line(read).removeprefix("pid "))
        kill(*{"wrapper": (process.pid,), "both": (process.pid, pid)}.get(who, (pid,)))
        with os.fdopen(read) as rest:
            rest.read()  # until all of them are gone
        process.wait()
    finally:
        process.kill()
        os.close(waits)
        os.close(_goes_on)
    assert data(lab, "list")[0]["status"] == "interrupted"
    assert kept(lab) == {0: "weights 0", 1: "weights 1"}
    assert data(lab, "show")["notices"] == []
    check_sound(lab)


@pytest.fixture
def dead_lab(lab: Path) -> Path:
    """The same with a run that was killed when both checkpoints were copied aside."""
    code = TRAINING.replace(
        "if len(sys.argv) > 2:", "import signal; os.kill(os.getpid(), signal.SIGKILL)\nif 0:"
    )
    (lab / "training.py").write_text(code)
    subprocess.run([sys.executable, "training.py", "1"], cwd=lab, check=False, stdout=subprocess.DEVNULL)
    assert len(list((live_directory(lab) / "files").iterdir())) == 2
    return lab


@pytest.mark.parametrize(
    "point", ["half copied", "in the cache", "said", "half forgotten", "emptied", "forgotten"]
)
def test_killed_at_any_point_of_storing_it_is_stored_again(dead_lab: Path, point: str) -> None:
    live = live_directory(dead_lab)
    first = min((live / "files").iterdir())
    if point == "half copied":  # its event was never written
        shutil.copytree(first, first.with_name(".1-2-3"))
    else:
        facts = keep_staged(find_cache(discover(dead_lab)), first)
    if point in {"said", "half forgotten", "emptied", "forgotten"}:
        writer = JournalWriter(live / JOURNAL)
        writer.append("stored", {"id": first.name, **facts})
        writer.close()
    if point == "half forgotten":
        first.rename(first.with_name(f".done-{first.name}"))
    if point == "emptied":
        next(first.iterdir()).unlink()
    if point == "forgotten":
        shutil.rmtree(first)
    gxt(dead_lab, "list")
    assert kept(dead_lab) == {0: "weights 0", 1: "weights 1"}
    assert data(dead_lab, "show")["notices"] == []
    check_sound(dead_lab)


def test_what_may_be_large_is_stored_before_anybody_waits_for_the_lock(dead_lab: Path) -> None:
    repository = discover(dead_lab)
    seen: list[tuple[int, bool]] = []

    def look(path: Path) -> Folded:
        with store_lock_if_free(repository) as is_free:
            seen.append((len(list((path / "files").iterdir())), is_free))
        return read_end(repository, load_settings(repository), path, unfinished="interrupted")

    recover(repository, series_bytes=1 << 20, read_end=look)

    assert seen == [(2, True), (0, False)]


def test_content_that_somebody_deleted_is_told(dead_lab: Path) -> None:
    shutil.rmtree(live_directory(dead_lab) / "files")
    gxt(dead_lab, "list")
    assert kept(dead_lab) == {}
    assert data(dead_lab, "show")["notices"] == [
        "model.bin (step 0) is not kept: its content is gone",
        "model.bin (step 1) is not kept: its content is gone",
    ]


@needs_mounts
@pytest.mark.parametrize("full", ["gxt/data", "gxt/live"])
def test_a_full_disk_costs_the_checkpoint_and_no_more(lab: Path, full: str) -> None:
    """Where the cache is, which may be another disk; where the run is, of which the training is told."""
    (lab / "training.py").write_text(
        "import gxt\n"
        "open('model.bin', 'wb').write(b'1' * 3_000_000)\n"
        "gxt.log_model('model.bin')\n"
        "gxt.log({'loss': 1})\n"
    )
    place = lab / ".git" / full
    place.mkdir(parents=True)
    mounted = f'mount -t tmpfs -o size=1m none "{place}" && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mounted, "sh", *WRAPPED[:-1]],
        cwd=lab, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    run = data(lab, "show")
    assert (run["status"], run["metrics"], run["artifacts"]) == ("completed", {"loss": 1.0}, [])
    reason = {
        "gxt/data": "model.bin is not kept: No space left on device",
        "gxt/live": "log_model: OSError: [Errno 28] No space left on device",
    }[full]
    assert run["notices"] == [reason]
    assert reason in done.stderr
    check_sound(lab)


def checks(fault: Fault) -> Callable[[Path, Outcome], None]:
    """Each checkpoint that the training was told is kept is there, unless the run says why not."""

    def check(repo: Path, outcome: Outcome) -> None:
        assert "Traceback" not in outcome.stderr
        gxt(repo, "list")
        said = [int(line.removeprefix("kept ")) for line in outcome.said if line.startswith("kept ")]
        if said and data(repo, "list"):
            found = kept(repo)
            assert all(content == f"weights {step}" for step, content in found.items())
            is_told = fault is FULL_DISK and ("gxt: " in outcome.stderr or data(repo, "show")["notices"])
            assert is_told or set(found) >= set(said)
        check_sound(repo)

    return check


@needs_strace
@pytest.mark.parametrize("fault", [KILL, FULL_DISK], ids=lambda fault: fault.name)
def test_a_fault_at_some_calls_loses_no_checkpoint(lab: Path, tmp_path: Path, fault: Fault) -> None:
    fault_by_fault(lab, tmp_path / "faults", fault, ALONE, checks(fault), slice(7, None, 17))


@needs_strace
@pytest.mark.long
@pytest.mark.parametrize("words", [ALONE, WRAPPED], ids=["alone", "wrapped"])
@pytest.mark.parametrize("fault", [KILL, FULL_DISK], ids=lambda fault: fault.name)
def test_a_fault_at_any_call_loses_no_checkpoint(
    lab: Path, tmp_path: Path, fault: Fault, words: list[str]
) -> None:
    fault_by_fault(lab, tmp_path / "faults", fault, words, checks(fault), slice(None))
