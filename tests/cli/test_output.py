"""`gxt output`: what a run printed, also while it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.scratch import normal
from tests.conftest import data, gxt


def test_the_console_of_a_run(history: Path) -> None:
    done = gxt(history, "output", "4")
    assert (done.stdout, done.stderr) == ("one\ttwo\nbad\n", "")


def test_with_the_time_of_each_line(history: Path) -> None:
    assert normal(gxt(history, "output", "fails", "--times").stdout) == "<time>  one\ttwo\n<time>  bad\n"


def test_json_has_times_and_streams(history: Path) -> None:
    console = data(history, "output", "4")
    assert json.loads(normal(json.dumps(console))) == {
        "id": "exp-004",
        "lines": [
            {"time": "<time>", "stream": 1, "text": "one\ttwo"},
            {"time": "<time>", "stream": 2, "text": "bad"},
        ],
    }


def test_a_run_that_printed_nothing(history: Path) -> None:
    done = gxt(history, "output", "6")
    assert (done.stdout, done.stderr) == ("", "exp-006 printed nothing\n")


def test_without_a_name_the_latest(history: Path) -> None:
    assert data(history, "output") == {"id": "exp-006", "lines": []}


def test_what_acts_on_a_terminal_is_shown_and_colours_are_left_out(repo: Path) -> None:
    script = (
        r"""printf '\033[31mred\033[0m plain\n\033]0;title\a\033[2J\n50%%\r100%%\n\377\342\200\256abc\n'"""
    )
    command = [sys.executable, "-m", "gxt", "run", "-q", "--", "sh", "-c", script]
    subprocess.run(command, cwd=repo, stdout=subprocess.DEVNULL, check=True)
    assert gxt(repo, "output").stdout == (
        "red plain\n\\u{1b}]0;title\\u{7}\\u{1b}[2J\n100%\n\N{REPLACEMENT CHARACTER}\\u{202e}abc\n"
    )


def test_of_a_long_console_the_first_and_the_last_512_kib_are_kept(repo: Path) -> None:
    """A line is 31 bytes and its text: these have 64, so that the halves can be exact."""
    (repo / "train.py").write_text("for i in range(40_000): print(f'{i:033}')")
    gxt(repo, "run", "-q", "--", sys.executable, "train.py")
    log = git_bytes(repo, "refs/gxt/experiments:exp-0xx/exp-001/output.log").splitlines(keepends=True)
    remark = next(at for at, line in enumerate(log) if line[28:29] == b"0")
    assert log[remark][:27] == log[remark + 1][:27]
    assert log[remark][27:].decode() == (
        " 0 … output left out here: gxt keeps the first and the last 512 KiB, times included …\n"
    )
    head, tail = log[:remark], log[remark + 1 :]
    assert len(b"".join(head)) == 512 << 10
    assert len(b"".join(log)) == (1 << 20) - ((512 << 10) - len(log[remark])) % 64
    assert [int(line[30:]) for line in head] == list(range(8192))
    assert [int(line[30:]) for line in tail] == list(range(40_000 - len(tail), 40_000))


def test_a_console_of_one_mebibyte_is_kept_whole(repo: Path) -> None:
    (repo / "train.py").write_text("for i in range(16_384): print(f'{i:033}')")
    gxt(repo, "run", "-q", "--", sys.executable, "train.py")
    log = git_bytes(repo, "refs/gxt/experiments:exp-0xx/exp-001/output.log")
    assert len(log) == 1 << 20
    assert [int(line[30:]) for line in log.splitlines()] == list(range(16_384))


def git_bytes(repo: Path, name: str) -> bytes:
    return subprocess.run(["git", "show", name], cwd=repo, capture_output=True, check=True).stdout
