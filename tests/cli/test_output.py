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


def test_following_a_run_ends_with_it(repo: Path) -> None:
    (repo / "go").mkdir()
    script = "echo first; until [ -e go/on ]; do sleep 0.05; done; echo last"
    run = subprocess.Popen([sys.executable, "-m", "gxt", "run", "-q", "--", "sh", "-c", script], cwd=repo,
                           stdout=subprocess.PIPE)  # fmt: skip
    assert run.stdout
    assert run.stdout.readline() == b"first\n"
    follow = subprocess.Popen([sys.executable, "-m", "gxt", "output", "--follow"], cwd=repo, text=True,
                              stdout=subprocess.PIPE)  # fmt: skip
    assert follow.stdout
    assert follow.stdout.readline() == "first\n"
    assert gxt(repo, "output").stdout == "first\n"
    (repo / "go" / "on").touch()
    assert follow.stdout.read() == "last\n"
    assert (run.wait(), follow.wait()) == (0, 0)
    run.stdout.close()
    follow.stdout.close()


def test_following_a_run_that_has_ended_shows_it(history: Path) -> None:
    assert gxt(history, "output", "4", "--follow").stdout == "one\ttwo\nbad\n"
