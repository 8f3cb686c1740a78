"""gxt whose starter has closed some of its descriptors 0, 1, 2, as `>&-` in a shell or a bare daemon does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data, gxt


def closed(repo: Path, words: str, *descriptors: int) -> tuple[int, str, str]:
    """`gxt WORDS` from a shell that closes descriptors: exit code, stdout, stderr."""
    done = subprocess.run(
        [
            "bash",
            "-c",
            " ".join(['"$0" -m gxt', words, *(f"{each}>&-" for each in descriptors)]),
            sys.executable,
        ],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("descriptors", [(0,), (1,), (2,), (1, 2), (0, 1, 2)])
def test_the_command_writes_as_ever_and_is_recorded(repo: Path, descriptors: tuple[int, ...]) -> None:
    command = "sh -c 'echo out; echo err >&2; exit 3'"
    assert closed(repo, f"run -q -- {command}", *descriptors) == (
        3,
        "" if 1 in descriptors else "out\n",
        "" if 2 in descriptors else "err\n",
    )
    assert sorted(gxt(repo, "output", "exp-001").stdout.splitlines()) == ["err", "out"]
    run = data(repo, "show", "exp-001")
    assert (run["status"], run["exit_code"]) == ("failed", 3)


def test_the_command_finds_stdin_closed_too(repo: Path) -> None:
    command = f"{sys.executable} -c 'import sys; print(sys.stdin)'"
    assert closed(repo, f"run -q -- {command}", 0) == (0, "None\n", "")


@pytest.mark.parametrize(("words", "code"), [("list", 0), ("--help", 0), ("show exp-999", 2)])
def test_other_commands_end_as_ever(repo: Path, words: str, code: int) -> None:
    assert closed(repo, words, 1)[:2] == (code, "")
    assert closed(repo, words, 1, 2) == (code, "", "")


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2> >(:)"])
def test_a_stderr_that_takes_nothing_changes_nothing_else(repo: Path, stderr: str) -> None:
    """A full disk, and a reader that goes at once."""
    if sys.platform != "linux":
        pytest.skip("no /dev/full here")
    words = f'{stderr} "$0" -m gxt run --metrics none.json -- sh -c "echo out; echo err >&2; exit 3"'
    done = subprocess.run(["bash", "-c", words, sys.executable], cwd=repo, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (3, b"out\n")
    run = data(repo, "show", "exp-001")
    assert (run["status"], run["exit_code"]) == ("failed", 3)
    assert gxt(repo, "output").stdout.splitlines().count("out") == 1
    words = f'{stderr} "$0" -m gxt show exp-999'
    assert subprocess.run(["bash", "-c", words, sys.executable], cwd=repo, check=False).returncode == 2
