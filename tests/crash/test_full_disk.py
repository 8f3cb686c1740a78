"""A full or read-only disk: the training ends as it would have, what was written is kept, lists work."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data, gxt
from tests.crash.conftest import check_sound, live_directory

# Names of 3 KB, so that a few hundred steps fill a megabyte.
WORDY = """
import sys
import gxt

run = gxt.init(config={"lr": 0.5})
for step in range(1000):
    run.log({"loss/" + "x" * 3000: step / 8}, step=step)
print("finished", flush=True)
"""
NAME = "loss/" + "x" * 3000


def can_mount() -> bool:
    """Whether this user may mount a tmpfs in a name space of his own."""
    if sys.platform != "linux":
        return False
    try:
        return subprocess.run(["unshare", "-Urm", "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


needs_mounts = pytest.mark.skipif(not can_mount(), reason="no mount name spaces here")


def check_kept(repo: Path, *, reason: str) -> None:
    """The run ended with its training, and holds every step up to the full disk, without a gap."""
    run = data(repo, "show", "1")
    assert (run["status"], run["exit_code"]) == ("completed", 0)
    steps = data(repo, "show", "1", "--series")["series"][NAME]["step"]
    assert steps == list(range(len(steps)))
    assert 1 < len(steps) < 1000
    assert run["notices"][-2:] == [
        f"the journal took no more lines: {reason}",
        "1 damaged line(s) of the journal left out",
    ]


@needs_mounts
def test_a_training_outlives_a_full_disk_beneath_its_journal(repo: Path) -> None:
    live = repo / ".git" / "gxt" / "live"
    live.mkdir(parents=True)
    mounted = f'mount -t tmpfs -o size=1m none "{live}" && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mounted, "sh", sys.executable, "-c", WORDY],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "finished\n")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("gxt: log: OSError: ")
    assert done.stderr.endswith("; the training goes on\n")
    check_kept(repo, reason="[Errno 28] No space left on device")
    check_sound(repo)


def test_a_training_outlives_a_limit_on_the_size_of_files(repo: Path) -> None:
    """`ulimit -f`, as some clusters set it; git has its place below the limit, the journal has not."""
    done = subprocess.run(
        [sys.executable, "-c", WORDY],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    assert (done.returncode, done.stdout) == (0, "finished\n")
    assert len(done.stderr.splitlines()) == 1
    check_kept(repo, reason="[Errno 27] File too large")
    check_sound(repo)


@needs_mounts
def test_a_full_disk_beneath_a_wrapped_training(repo: Path) -> None:
    live = repo / ".git" / "gxt" / "live"
    live.mkdir(parents=True)
    (repo / "wordy.py").write_text(WORDY)
    mounted = f'mount -t tmpfs -o size=1m none "{live}" && exec "$@"'
    command = [sys.executable, "-m", "gxt", "run", "--", sys.executable, "wordy.py"]
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mounted, "sh", *command],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "finished\n")
    assert done.stderr.splitlines()[-1].startswith("exp-001 completed in ")
    run = data(repo, "show", "1")
    assert (run["status"], run["exit_code"]) == ("completed", 0)
    steps = data(repo, "show", "1", "--series")["series"][NAME]["step"]
    assert steps == list(range(len(steps)))
    assert 1 < len(steps) < 1000
    check_sound(repo)


def read_only(repo: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """gxt with a `.git` that nobody can write to, not even root."""
    bound = 'mount --bind .git .git && mount -o remount,bind,ro .git && exec "$@"'
    return subprocess.run(
        ["unshare", "-Urm", "sh", "-c", bound, "sh", sys.executable, "-m", "gxt", *words],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_mounts
@pytest.mark.parametrize("with_index", [True, False])
def test_a_read_only_repository_can_be_read(repo: Path, with_index: bool) -> None:
    gxt(repo, "run", "-q", "--name", "first", "--", "true")
    if with_index:
        gxt(repo, "list")
    else:
        for index in (repo / ".git" / "gxt").glob("index-*"):
            index.unlink()
    for words in (["show", "first", "--json"], ["list"], ["tree"], ["diff", "1"], ["status"]):
        (repo / ".git/gxt/left-refs").touch()  # something to sweep
        done = read_only(repo, *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == gxt(repo, *words).stdout


@needs_mounts
def test_a_dead_run_in_a_read_only_repository_is_listed(dead: Path) -> None:
    path = live_directory(dead)
    done = read_only(dead, "list", "--columns", "id,status", "--csv")
    assert done.returncode == 0
    assert done.stdout.split() == ["id,status", "exp-002,interrupted", "exp-001,completed"]
    assert done.stderr == "gxt: interrupted runs could not be recorded: Read-only file system\n"
    assert path.exists()
    assert [run["status"] for run in data(dead, "list")] == ["interrupted", "completed"]
    check_sound(dead)


@needs_mounts
@pytest.mark.parametrize("quiet", [True, False])
def test_in_a_read_only_repository_the_command_runs_unrecorded(repo: Path, quiet: bool) -> None:
    """Its place in the queue may have been waited for; its end is its own."""
    done = read_only(repo, "run", *(["-q"] if quiet else []), "--", "sh", "-c", "touch started; exit 7")
    assert done.returncode == 7
    assert done.stderr.splitlines() == [
        f"gxt: the run cannot be recorded: Read-only file system: {repo}/.git/gxt",
        "     what is mounted there can only be read: mount tells how",
        "     the command runs without gxt: nothing of it is recorded",
    ]
    assert (repo / "started").exists()
    assert not os.path.lexists(repo / ".git" / "gxt" / "live")


@needs_mounts
def test_a_command_that_is_not_there_is_told_as_by_a_shell_also_when_unrecorded(repo: Path) -> None:
    done = read_only(repo, "run", "--", "no-such-command")
    assert done.returncode == 127
    assert done.stderr.splitlines()[-1] == "gxt: command not found: no-such-command"


@needs_mounts
def test_a_script_in_a_read_only_repository_goes_on(repo: Path) -> None:
    script = "import gxt; gxt.init(); gxt.log({'loss': 1}); gxt.finish(); print('trained')"
    bound = 'mount --bind .git .git && mount -o remount,bind,ro .git && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", bound, "sh", sys.executable, "-c", script],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "trained\n")
    assert done.stderr == (
        f"gxt: init: the run cannot be recorded: Read-only file system: {repo}/.git/gxt "
        "(what is mounted there can only be read: mount tells how); the training goes on\n"
    )


def test_a_run_that_git_can_take_no_snapshot_of_runs_unrecorded(repo: Path) -> None:
    (repo / ".git/index").write_text("no index")
    done = gxt(repo, "run", "--", "echo", "trained")
    assert done.stdout == "trained\n"
    assert done.stderr.splitlines()[0].startswith("gxt: the run cannot be recorded: git status failed: ")


STUCK = """
import os, gxt
gxt.init()
for step in range(400):
    gxt.log({"loss/" + "x" * 3000: step / 8}, step=step)
os.makedirs(".git/refs/gxt/experiments.lock/a directory cannot be removed as a lock")
"""


def test_an_end_that_nothing_could_be_written_of_is_told_as_it_will_be_recorded(repo: Path) -> None:
    """The journal has no room left, and git cannot be written to either."""
    (repo / "stuck.py").write_text(STUCK)
    done = subprocess.run(
        [sys.executable, "-m", "gxt", "run", "--", sys.executable, "stuck.py"],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    assert done.returncode == 0
    *_, notice, end = done.stderr.splitlines()
    assert notice.startswith("gxt: not in git yet: ")
    assert notice.endswith(". The next gxt command tries again, and takes it for interrupted")
    assert end.startswith("exp-001 interrupted in ")
    shutil.rmtree(repo / ".git/refs/gxt/experiments.lock")
    assert data(repo, "show", "1")["status"] == "interrupted"
    check_sound(repo)


def test_a_run_whose_journal_was_removed_is_not_promised(repo: Path) -> None:
    remove = "import shutil; shutil.rmtree('.git/gxt/live')"
    done = gxt(repo, "run", "--", sys.executable, "-c", remove)
    assert done.stderr.splitlines()[-1] == "exp-001 ended, and is not recorded: somebody removed its journal"
    assert data(repo, "list") == []


@needs_mounts
def test_a_lost_run_cannot_be_sealed_in_a_read_only_repository(dead: Path) -> None:
    path = live_directory(dead)
    first, *rest = (path / "journal.jsonl").read_text().splitlines(keepends=True)
    first = json.dumps({**json.loads(first), "host": "node7", "boot": "its own"})
    (path / "journal.jsonl").write_text("".join([f"{first}\n", *rest]))
    for file in path.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    done = read_only(dead, "status", "--seal", "exp-002")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-2:] == [
        "gxt: the run cannot be recorded: Read-only file system: " + f"{dead}/.git/gxt/lock",
        "     do it where the repository can be written to",
    ]
