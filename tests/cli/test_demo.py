"""`gxt demo`: the whole story once, for real, and what it refuses."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gxt.cli.demo import command_lines, shell_word
from gxt.demo import tour
from gxt.demo.story import NEXT
from gxt.errors import UsageError
from tests.conftest import LEAKY_PREFIXES, data, git, gxt

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "gxt" / "demo" / "project"


@dataclass(frozen=True)
class Told:
    """A demo that was told: where it left its repository, and all that it printed."""

    place: Path
    transcript: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The demo, once for all processes of this test run, for a user whose git makes things hard."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo"
    shared.mkdir(exist_ok=True)
    transcript = shared / "transcript"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not transcript.exists():
            done = subprocess.run(
                [sys.executable, "-m", "gxt", "demo", "digits"],
                cwd=shared,
                env=_hard_environment(shared),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout
            transcript.write_text(done.stdout)
    return Told(shared / "digits", transcript.read_text())


def _hard_environment(shared: Path) -> dict[str, str]:
    """No identity, signed commits, a hook that refuses, and variables that point to another repository."""
    hooks = shared / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    (shared / ".gitconfig").write_text(
        f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = false\n[core]\n\thooksPath = {hooks}\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEAKY_PREFIXES)}
    subprocess.run(["git", "init", "-q", "--bare", "elsewhere.git"], cwd=shared, env=kept, check=True)
    return {
        **kept,
        "HOME": str(shared),
        "XDG_CONFIG_HOME": str(shared / ".config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TEST_FSYNC": "0",
        "GIT_DIR": str(shared / "elsewhere.git"),
        "LC_ALL": "C.UTF-8",
    }


def _shape(nodes: list[dict[str, Any]]) -> list[Any]:
    return [[node["id"], node["verdict"], _shape(node["children"])] for node in nodes]


def test_the_story_makes_seven_runs_and_one_of_them_fails(told: Told) -> None:
    runs = data(told.place, "list")
    assert [(run["id"], run["status"], run["parent"]) for run in reversed(runs)] == [
        ("exp-001", "completed", None),
        ("exp-002", "completed", "exp-001"),
        ("exp-003", "completed", "exp-002"),
        ("exp-004", "completed", "exp-002"),
        ("exp-005", "failed", "exp-004"),
        ("exp-006", "completed", "exp-004"),
        ("exp-007", "completed", "exp-002"),
    ]
    assert {run["exit_code"] for run in runs if run["status"] == "failed"} == {1}


def test_the_tree_branches_and_says_what_got_better_and_worse(told: Told) -> None:
    best = ["exp-006", "better", []]
    assert _shape(data(told.place, "tree")) == [
        [
            "exp-001",
            None,
            [
                [
                    "exp-002",
                    "better",
                    [
                        ["exp-003", "worse", []],
                        ["exp-004", "better", [["exp-005", None, []], best]],
                        ["exp-007", "better", []],
                    ],
                ]
            ],
        ]
    ]


def test_the_accuracies_are_those_of_a_real_training(told: Told) -> None:
    accuracies = {run["id"]: run["metrics"].get("val/acc") for run in data(told.place, "list")}
    assert 0.88 < accuracies["exp-001"] < accuracies["exp-002"] < accuracies["exp-004"] < 1
    assert accuracies["exp-003"] < 0.3
    assert accuracies["exp-005"] is None
    assert data(told.place, "show", "best")["id"] == "exp-006"


def test_changed_code_is_recorded_without_a_commit(told: Told) -> None:
    code = {run["id"]: run["code"]["dirty"] for run in data(told.place, "list")}
    assert code == {"exp-001": False, **dict.fromkeys([f"exp-00{n}" for n in range(2, 8)], True)}
    assert git(told.place, "log", "--format=%s") == "A small classifier of digits"
    assert data(told.place, "diff", "exp-002", "exp-004")["code"]["files"] == [
        {"path": "train.py", "added": 4, "removed": 3}
    ]


def test_parameters_messages_and_hypotheses_are_those_of_the_commands(told: Told) -> None:
    run = data(told.place, "show", "exp-002")
    assert run["message"] == "twice the rate"
    assert run["hypothesis"] == "the loss is still falling at the end"
    assert run["command"] == ["python", "train.py"]
    assert data(told.place, "diff", "exp-001", "exp-002")["params"] == {"train.lr": [0.05, 0.1]}


def test_every_command_is_told_before_it_runs(told: Told) -> None:
    text = told.transcript.replace(" \\\n    ", " ")
    assert [line for line in text.splitlines() if line.startswith("$ ")] == [
        "$ git init --quiet",
        "$ git add .",
        '$ git commit --quiet -m "A small classifier of digits"',
        '$ gxt run -m "one hidden layer" -- python train.py',
        (
            '$ gxt run -m "twice the rate" --hypothesis "the loss is still falling at the end"'
            " --set train.lr=0.1 -- python train.py"
        ),
        '$ gxt run -m "a far larger rate" --parent exp-002 --set train.lr=3 -- python train.py',
        (
            '$ gxt run -m "a convolution" --hypothesis "a stroke is a stroke wherever it is"'
            " --parent exp-002 --set train.lr=0.1 -- python train.py"
        ),
        '$ gxt run -m "plus batch norm" -- python train.py',
        '$ gxt run -m "plus batch norm, 2D" -- python train.py',
        "$ git restore train.py",
        '$ gxt run -m "only batch norm" --parent exp-002 -- python train.py',
        "$ gxt list",
        "$ gxt tree",
        "$ gxt diff exp-001 best",
        "$ gxt diff exp-002 best --code",
    ]
    assert text.index("$ gxt run") < text.index("\nepoch  1 ") < text.index("\nexp-001 completed")


def test_the_edits_are_told_as_patches(told: Told) -> None:
    assert (
        "A bug. Failed runs are kept too, and nothing derives from them unasked.\n"
        "  (edit train.py)\n"
        "    nn.Conv2d(1, width, kernel_size=3, padding=1),\n"
        "  + nn.BatchNorm1d(width),\n"
        '$ gxt run -m "plus batch norm" -- python train.py\n'
    ) in told.transcript


def test_it_ends_with_where_the_repository_is_and_with_commands_that_work(told: Told) -> None:
    assert told.transcript.splitlines()[-5:] == [
        "",
        "The repository is yours to play with: cd digits",
        "  gxt show best                         everything about the best run",
        "  gxt compare exp-002 exp-004 exp-006   runs side by side",
        "  gxt output exp-005                    what the failed run printed",
    ]
    for command, _ in NEXT:
        gxt(told.place, *command.split()[1:])


def test_without_a_git_identity_the_repository_gets_one_of_its_own(told: Told) -> None:
    assert git(told.place, "log", "--format=%an <%ae>") == "gxt demo <demo@localhost>"
    assert git(told.place, "config", "--local", "user.name") == "gxt demo"
    assert "user" not in (told.place.parent / ".gitconfig").read_text()


def test_nothing_but_the_directory_is_touched(told: Told) -> None:
    left = {path.name for path in told.place.parent.iterdir()}
    assert left == {".gitconfig", "digits", "elsewhere.git", "hooks", "lock", "transcript"}
    assert git(told.place.parent / "elsewhere.git", "for-each-ref") == ""


def test_the_repository_begins_with_the_files_of_the_project(tmp_path: Path) -> None:
    place = tour.prepare(tmp_path / "new" / "place")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {
        name: (PROJECT / name).read_bytes()
        for name in (".gitignore", "README.md", "digits.csv.gz", "params.yaml", "train.py")
    }


def test_an_empty_directory_will_do_and_a_full_one_will_not(tmp_path: Path) -> None:
    assert tour.prepare(tmp_path) == tmp_path.resolve()
    with pytest.raises(UsageError):
        tour.prepare(tmp_path)


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "gxt-demo").mkdir()
    (tmp_path / "gxt-demo" / "thesis.tex").write_text("mine")
    done = gxt(tmp_path, "demo", code=2)
    assert done.stdout == ""
    assert done.stderr == (
        "gxt: gxt-demo exists and is not an empty directory\n     name another one: gxt demo DIR\n"
    )
    assert [path.name for path in (tmp_path / "gxt-demo").iterdir()] == ["thesis.tex"]


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "digits").write_text("mine")
    done = gxt(tmp_path, "demo", "digits", code=2)
    assert done.stderr.splitlines()[0] == "gxt: digits exists and is not an empty directory"
    assert (tmp_path / "digits").read_text() == "mine"


def test_a_directory_that_cannot_be_made_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = gxt(tmp_path, "demo", "file/digits", code=1)
    assert done.stderr == (
        "gxt: cannot make file/digits: Not a directory\n     name another directory: gxt demo DIR\n"
    )


def test_missing_packages_are_named_before_anything_happens(tmp_path: Path) -> None:
    installed = Path(pytest.__file__).parents[1]
    farm = tmp_path / "packages"
    farm.mkdir()
    for one in installed.iterdir():
        if not one.name.startswith(("torch", "numpy")) and one.suffix != ".pth":
            (farm / one.name).symlink_to(one)
    done = subprocess.run(
        [sys.executable, "-S", "-m", "gxt", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{farm}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"gxt: gxt demo needs torch and numpy: {sys.executable} has no torch and no numpy\n"
        "     pip install 'gxt[demo]', or in a checkout of gxt: pip install -e '.[demo]'\n"
    )
    assert not (tmp_path / "gxt-demo").exists()


def test_without_git_nothing_is_made(tmp_path: Path) -> None:
    done = gxt(tmp_path, "demo", code=1, PATH=str(tmp_path))
    assert done.stderr == ("gxt: git is not installed\n     install git 2.34 or newer: https://git-scm.com\n")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that goes on in a session of its own, so that a signal reaches all of it, as from a terminal."""
    with subprocess.Popen(
        [sys.executable, "-m", "gxt", "demo", "digits"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_ctrl_c_ends_the_story_and_its_run_is_recorded(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    assert running.stdout is not None
    live = tmp_path / "digits/.git/gxt/live"
    deadline = time.monotonic() + 60
    while not any(b'"e":"metrics"' in journal.read_bytes() for journal in live.glob("*/journal.jsonl")):
        assert time.monotonic() < deadline, "nothing was logged"
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    running.stdout.read()
    assert running.wait() == 130
    assert [(run["id"], run["status"]) for run in data(tmp_path / "digits", "list")] == [
        ("exp-001", "interrupted")
    ]


def test_wide_commands_go_on_below_and_options_keep_their_values() -> None:
    command = ["gxt", "run", "-m", "x" * 40, "--hypothesis", "two words", "--set", "a=1", "--", "true"]
    assert command_lines(command) == [
        f'gxt run -m {"x" * 40} --hypothesis "two words" \\',
        "--set a=1 -- true",
    ]


@pytest.mark.parametrize(
    ("word", "typed"),
    [("plain", "plain"), ("two words", '"two words"'), ("costs $5 now", "'costs $5 now'"), ("", "''")],
)
def test_words_are_quoted_as_one_types_them(word: str, typed: str) -> None:
    assert shell_word(word) == typed
