"""What the tests of this room share: trainings that wait for each step, real kills, and what must hold after.

Nothing here knows how gxt records: what was recorded is read back with `gxt` and with plain git.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

EXPERIMENTS = "refs/gxt/experiments"

# A training that does one step for each byte it reads, and answers with a line when `gxt.log` has returned.
PACED = """
import os, signal, sys
import gxt

go, answer = (int(fd) for fd in sys.argv[1:3])

def say(text):
    os.write(answer, (text + "\\n").encode())

def on_term(signum, frame):
    say("SIGTERM")
    sys.exit(1)

signal.signal(signal.SIGTERM, on_term)
run = gxt.init(config={"lr": 0.5}, tags=["paced"])
gxt.log_params({"seed": 7})
print("began", flush=True)
say(str(os.getpid()))
step = 0
while os.read(go, 1):
    gxt.log({"loss": 1 / (step + 1), "val": {"acc": step / 8}}, step=step)
    say(str(step))
    step += 1
"""


# Says on a pipe what gxt has acknowledged, by a call that no fault hits; goes on whatever happens to gxt.
TRAINING = """
import os, sys
import gxt

def say(text):
    os.writev(int(sys.argv[1]), [text.encode() + b"\\n"])

run = gxt.init(config={"lr": 0.5})
say("began")
for step in range(3):
    gxt.log({"loss": 1 / (step + 1)}, step=step)
    say(f"step {step}")
gxt.finish()
say("finished")
"""


@dataclass(frozen=True)
class Paced:
    """A running `PACED`: the process that was started, the training itself, and the two pipes to it."""

    process: subprocess.Popen[bytes]
    pid: int
    go: int
    answers: int

    def steps(self, count: int) -> None:
        """Let it log so often, and wait until it says that each call has returned."""
        os.write(self.go, b"." * count)
        for _ in range(count):
            read_line(self.answers)

    def end(self) -> None:
        """Let it come to its end."""
        os.close(self.go)

    def last_words(self) -> str:
        """What it says until every process that could is gone."""
        with os.fdopen(self.answers) as answers:
            return answers.read()


@contextmanager
def paced(repo: Path, *, wrapped: bool) -> Iterator[Paced]:
    """The paced training, under `gxt run` or by itself; it has begun when this returns."""
    script = repo / "paced.py"
    script.write_text(PACED)
    go_read, go_write = os.pipe()
    answer_read, answer_write = os.pipe()
    before = [sys.executable, "-m", "gxt", "run", "--"] if wrapped else []
    process = subprocess.Popen(
        [*before, sys.executable, "paced.py", str(go_read), str(answer_write)],
        cwd=repo,
        pass_fds=(go_read, answer_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(go_read)
    os.close(answer_write)
    try:
        training = Paced(process, int(read_line(answer_read)), go_write, answer_read)
        if wrapped:
            await_console(repo, b" began\n")
        yield training
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def lab(repo: Path) -> Path:
    """A repository with an edit, and a training that says what gxt has acknowledged."""
    (repo / "training.py").write_text(TRAINING)
    (repo / "train.py").write_text("print('edited')\n")
    return repo


@pytest.fixture
def dead(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A repository with a sealed run, exp-001, and the directory of a killed one that no command has seen.

    The killed one logged two steps. Made once, then copied.
    """
    made = tmp_path_factory.getbasetemp() / "dead"
    if not made.exists():
        made.mkdir()
        git(made, "init", "-q")
        (made / "params.yaml").write_text("lr: 0.1\n")
        git(made, "add", ".")
        git(made, "commit", "-q", "-m", "first")
        gxt(made, "run", "-q", "--", "true")
        with paced(made, wrapped=False) as training:
            training.steps(2)
            kill(training.pid)
            training.last_words()
    root = tmp_path / "dead"
    shutil.copytree(made, root)
    return root


def await_console(repo: Path, text: bytes) -> None:
    """Return when the wrapper has written down what the training printed before it was asked anything."""
    deadline = time.monotonic() + 30
    while not any(text in log.read_bytes() for log in (repo / ".git/gxt/live").glob("*/output.log")):
        assert time.monotonic() < deadline, "the console was never written down"
        time.sleep(0.01)


def read_line(fd: int) -> str:
    """The next line of a pipe, byte by byte so that nothing is read ahead."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(fd, 1)
        assert byte, f"the other side is gone after {line!r}"
        line += byte
    return line.decode().rstrip("\n")


def await_death(pid: int) -> None:
    """Return when a process that is not our child has ended."""
    if sys.platform == "linux":
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        with os.fdopen(handle, "rb"):
            import select

            select.select([handle], [], [], 10)
    else:
        deadline = time.monotonic() + 10
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.kill(pid, 0)
                time.sleep(0.01)


def await_state(pid: int, state: bytes) -> None:
    """Return when a process that is not our child is in this state of ps(1): S sleeps, T has stopped."""
    deadline_s = time.monotonic() + 30
    while not _state(pid).startswith(state):
        assert time.monotonic() < deadline_s, f"never {state!r}"
        time.sleep(0.001)


def _state(pid: int) -> bytes:
    if sys.platform == "linux":
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2]
    else:
        ask = ("ps", "-o", "stat=", "-p", str(pid))
        state = subprocess.run(ask, capture_output=True, check=True).stdout
    return state


def kill(*pids: int) -> None:
    """SIGKILL for all at once: none can see another one die."""
    for signum in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, signum)


def run_uids(repo: Path) -> list[str]:
    """The `Run-Uid` of every entry that adds a run, newest first."""
    if not git(repo, "for-each-ref", EXPERIMENTS):
        return []
    format_ = "--format=%(trailers:key=Run-Uid,valueonly,separator=)"
    adding = ("--first-parent", "--min-parents=2")  # others say something of a run
    return [uid for uid in git(repo, "log", *adding, format_, EXPERIMENTS).splitlines() if uid]


def sealed_numbers(repo: Path) -> list[int]:
    """The numbers in the tip's tree, ascending."""
    if not git(repo, "for-each-ref", EXPERIMENTS):
        return []
    paths = git(repo, "ls-tree", "-r", "--name-only", EXPERIMENTS).splitlines()
    return sorted(int(path.split("/")[-2].removeprefix("exp-")) for path in paths if path.endswith("/run"))


def check_sound(repo: Path) -> None:
    """What must hold whenever a gxt command has ended and no run is live.

    Git finds nothing to complain about, every run has one entry and one number, the notes show the tip, and
    no debris is left.
    """
    assert git(repo, "fsck", "--strict", "--no-dangling", "--no-progress") == ""
    uids = run_uids(repo)
    assert len(uids) == len(set(uids))
    assert len(sealed_numbers(repo)) == len(uids)
    data(repo, "list")
    assert git(repo, "for-each-ref", "--format=%(refname)", "refs/gxt/live", "refs/gxt/tmp") == ""
    common = Path(git(repo, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    live = common / "gxt" / "live"
    assert (sorted(live.iterdir()) if live.exists() else []) == []
    assert sorted(common.rglob("*.lock")) == []
    if uids:
        check_notes(repo)


def check_notes(repo: Path) -> None:
    """`git notes` shows for every run what the experiments ref holds."""
    tree = git(repo, "ls-tree", "-r", EXPERIMENTS).splitlines()
    oids = {line.partition("\t")[2]: line.split()[2] for line in tree}
    for note, file in (("config", "config.json"), ("metrics", "metrics.json")):
        noted = git(repo, "notes", f"--ref=gxt/{note}", "list").splitlines()
        runs = [path.removesuffix("run") for path in oids if path.endswith("/run")]
        runs = [run for run in runs if f"{run}removed.json" not in oids]
        assert sorted(noted) == sorted(f"{oids[f'{run}{file}']} {oids[f'{run}run']}" for run in runs)


def fake_git(folder: Path, script: str) -> dict[str, str]:
    """Put a shell script in the place of git; returns the environment in which it is found.

    It finds the real one as `$GXT_TEST_GIT`.
    """
    real = shutil.which("git")
    assert real
    folder.mkdir()
    program = folder / "git"
    program.write_text(script)
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "GXT_TEST_GIT": real}


def notices(repo: Path, *words: str) -> list[str]:
    """The notices in the envelope of `gxt WORDS --json`."""
    done = subprocess.run(
        [sys.executable, "-m", "gxt", *words, "--json"], cwd=repo, capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)["notices"]
    assert isinstance(said, list)
    return said


def live_directory(repo: Path) -> Path:
    """The directory of the only live run."""
    (path,) = (repo / ".git" / "gxt" / "live").iterdir()
    return path
