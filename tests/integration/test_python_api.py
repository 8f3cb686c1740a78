"""What `import gxt` does with what scripts give it, under `gxt run` and alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

WRAPPED = pytest.mark.parametrize("wrapped", [True, False])


def script(repo: Path, code: str, *, wrapped: bool = False) -> tuple[str, str]:
    """Run a script that imports gxt, under `gxt run` or alone; what it printed and what it was told."""
    (repo / "t.py").write_text(f"import gxt\n{code}\n")
    before = [sys.executable, "-m", "gxt", "run", "-q", "--"] if wrapped else []
    command = [*before, sys.executable, "t.py"]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@WRAPPED
@pytest.mark.parametrize("end", ["gxt.finish()", "run.finish()", "with run: pass"])
def test_what_is_logged_after_the_end_is_ignored_with_one_warning(
    repo: Path, wrapped: bool, end: str
) -> None:
    code = f"run = gxt.init()\ngxt.log({{'a': 1}})\n{end}\nfor x in (2, 3): gxt.log({{'a': x}}); gxt.tag('t')"
    _, told = script(repo, code, wrapped=wrapped)
    assert told == "gxt: log after finish is ignored: gxt.init() begins another run\n"
    runs = data(repo, "list")
    assert [(run["metrics"], run["tags"], run["notices"]) for run in runs] == [({"a": 1}, [], [])]


def test_an_init_after_the_end_begins_another_run(repo: Path) -> None:
    code = (
        "gxt.init(); gxt.finish(); gxt.log({'a': 1})\nwith gxt.init() as run: run.log({'a': 2})\nprint(run)"
    )
    assert script(repo, code)[0] == "<gxt run exp-002, ended>\n"
    assert [(run["id"], run["metrics"]) for run in data(repo, "list")] == [
        ("exp-002", {"a": 2}),
        ("exp-001", {}),
    ]


def test_an_exit_that_a_script_caught_is_not_its_next_run_s(repo: Path) -> None:
    code = "import sys\ngxt.init()\ntry: sys.exit(3)\nexcept SystemExit: pass\ngxt.init()"
    script(repo, code)
    assert [run["status"] for run in data(repo, "list")] == ["completed", "completed"]


@WRAPPED
def test_config_is_as_it_was_given_and_secrets_are_not_written(repo: Path, wrapped: bool) -> None:
    code = """
import argparse, math
given = {"api_key": "hunter2hunter2", "clip": math.inf, "layers": (64, 64)}
assert gxt.init(given).config == given
assert gxt.init(argparse.Namespace(**given)).config == given
assert gxt.init("big").config == {"config": "big"}
assert gxt.init().config == {}
gxt.init(given)
"""
    script(repo, code, wrapped=wrapped)
    params = data(repo, "show")["params"]
    assert {key: params[key] for key in ("api_key", "clip", "layers")} == {
        "api_key": "[redacted]",
        "clip": "Infinity",
        "layers": [64, 64],
    }


@WRAPPED
def test_tags_may_be_one_text_or_lists_of_them(repo: Path, wrapped: bool) -> None:
    code = "gxt.init(tags='abc'); gxt.tag(['x', 'y'], 'z'); gxt.tag(' ', ()); gxt.tag(7)"
    script(repo, code, wrapped=wrapped)
    assert data(repo, "show")["tags"] == ["abc", "x", "y", "z", "7"]


def test_a_name_that_is_no_text_becomes_one(repo: Path) -> None:
    script(repo, "gxt.init(name=7.5, message=None, tags=None)")
    run = data(repo, "show")
    assert (run["name"], run["message"], run["tags"]) == ("7.5", None, [])


@WRAPPED
def test_logging_what_has_no_names_says_what_to_write(repo: Path, wrapped: bool) -> None:
    _, told = script(repo, "gxt.init(); gxt.log([1]); gxt.log({'a': 1})", wrapped=wrapped)
    reason = 'log: metrics are numbers by name, not a list (write for example gxt.log({"loss": 0.5}))'
    assert told == f"gxt: {reason}; the training goes on\n"
    run = data(repo, "show")
    assert (run["metrics"], run["notices"]) == ({"a": 1}, [reason])


def test_a_failure_hides_none_of_another_function(repo: Path) -> None:
    code = (
        "gxt.log({'a': 'text'}); gxt.log({'b': 'text'}); gxt.log_model('none.pt'); gxt.log_artifact('none')"
    )
    _, told = script(repo, code)
    assert [line.split(" (")[0] for line in told.splitlines()] == [
        "gxt: log: not a number: a",
        "gxt: log_model: there is no file or folder none.pt",
        "gxt: log_artifact: there is no file or folder none",
    ]
    assert len(data(repo, "show")["notices"]) == 3


def test_the_parts_of_a_tuple_are_joined_like_nested_names(repo: Path) -> None:
    code = "gxt.log({('val', 'acc'): 0.5, 'a': 1, 2: 3.5})\ngxt.log({('val', 1): 'text', 'b': 2})"
    _, told = script(repo, code)
    others = "gxt.log_text keeps texts, gxt.log_params settings"
    assert told == f"gxt: log: not a number: ('val', 1) ({others}); the training goes on\n"
    assert data(repo, "show")["metrics"] == {"val/acc": 0.5, "a": 1, "2": 3.5, "b": 2}


def test_a_run_says_which_it_is_and_whether_it_records(repo: Path) -> None:
    code = """
import os
run = gxt.init()
print(run)
gxt.finish()
print(run)
os.environ["RANK"] = "1"
print(gxt.init())
"""
    assert script(repo, code)[0].splitlines() == [
        "<gxt run exp-001, live>",
        "<gxt run exp-001, ended>",
        "<gxt run, not recorded>",
    ]


def test_without_the_directory_of_the_run_around_it_nothing_is_recorded(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GXT_LIVE", str(repo / ".git" / "gxt" / "live" / "01JD0000000000000000000000"))
    printed, told = script(repo, "print(gxt.init({'lr': 1}))\ngxt.log({'a': 1}); gxt.tag('t')")
    assert printed == "<gxt run, not recorded>\n"
    assert told == (
        "gxt: init: nothing is recorded, for the run around this process has ended or was deleted "
        "(unset GXT_LIVE to record without it); the training goes on\n"
    )
    assert data(repo, "list") == []


def test_a_second_init_after_the_directory_was_deleted_starts_no_run(repo: Path) -> None:
    code = (
        "import os, shutil\ngxt.init()\nshutil.rmtree(os.environ['GXT_LIVE'])\ngxt.init(); gxt.log({'a': 1})"
    )
    script(repo, code, wrapped=True)
    assert data(repo, "list") == []


@pytest.fixture
def three(repo: Path) -> Path:
    """A repository with exp-001, exp-002 from it, and exp-003 from that, the base."""
    for name in ("one", "two", "three"):
        gxt(repo, "run", "-q", "--name", name, "--", "true")
    return repo


@WRAPPED
@pytest.mark.parametrize(
    ("said", "parent"),
    [("1", "exp-001"), ("two", "exp-002"), ("none", None), ("@", "exp-003"), ("@~1", "exp-002")],
)
def test_the_parent_that_a_script_names_is_recorded(
    three: Path, wrapped: bool, said: str, parent: str | None
) -> None:
    script(three, f"gxt.init(parent={said!r})", wrapped=wrapped)
    assert data(three, "show")["parent"] == parent


@WRAPPED
@pytest.mark.parametrize("said", ["9", "4", "nobody"])
def test_a_parent_that_is_no_run_is_an_error_of_init(three: Path, wrapped: bool, said: str) -> None:
    code = f"try: gxt.init(parent={said!r})\nexcept gxt.GxtError as error: print(error.code, error.message)"
    printed, told = script(three, code, wrapped=wrapped)
    assert (printed, told) == (f"unknown-run no run {said!r}\n", "")
    parents = [run["parent"] for run in data(three, "list")]
    assert parents == ["exp-003"] * wrapped + ["exp-002", "exp-001", None]


def test_the_parent_on_the_command_line_wins(three: Path) -> None:
    (three / "t.py").write_text("import gxt\ngxt.init(parent='2')\n")
    gxt(three, "run", "-q", "--parent", "1", "--", sys.executable, "t.py")
    assert data(three, "show")["parent"] == "exp-001"


def test_the_first_parent_that_is_named_stays(three: Path) -> None:
    script(three, "gxt.init(parent='2'); gxt.init(parent='1')", wrapped=True)
    assert data(three, "show")["parent"] == "exp-002"


def test_the_last_line_compares_with_the_parent_that_the_script_named(repo: Path) -> None:
    code = "import gxt, sys\ngxt.init(parent=sys.argv[1]); gxt.log({'acc': float(sys.argv[2])})\n"
    (repo / "t.py").write_text(code)
    for parent, acc in (("none", "0.5"), ("@", "0.8")):
        gxt(repo, "run", "-q", "--", sys.executable, "t.py", parent, acc)
    done = gxt(repo, "run", "--", sys.executable, "t.py", "1", "0.6")
    first, last = done.stderr.splitlines()
    assert first.startswith("exp-003 ← exp-002")
    assert last.endswith("acc 0.6 (+0.1 better, n=1)  → gxt diff exp-001 exp-003")


def test_a_parent_is_not_looked_up_in_another_repository(three: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    code = f"""
import os
os.chdir({str(other)!r})
try: gxt.init(parent="1")
except gxt.GxtError as error: print(error.message)
"""
    printed, _ = script(three, code, wrapped=True)
    assert printed == f"no parent can be looked up in {other}: the run is another repository's\n"


@pytest.mark.parametrize(
    ("cell", "session", "command"),
    [
        ("__vsc_ipynb_file__ = '/home/ada/lab/deep nets.ipynb'", "", "deep nets.ipynb"),
        ("", "/home/ada/lab/train.ipynb", "train.ipynb"),
        ("", "console-1-5f1c", "notebook"),
        ("", "", "notebook"),
    ],
)
def test_a_notebook_s_run_has_the_notebook_s_name(
    repo: Path, monkeypatch: pytest.MonkeyPatch, cell: str, session: str, command: str
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", session)
    (repo / "ipykernel_launcher.py").write_text(f"import gxt\n{cell}\ngxt.init()\n")
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "/run/user/1000/kernel-1.json"]
    subprocess.run(launch, cwd=repo, check=True)
    run = data(repo, "show")
    assert (run["command"], run["name"]) == ([command], None)
    assert "f" not in run["params"]


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("12", "exp-012"),
        ("exp-012", "exp-012"),
        ("best", "the best run"),
        ("@", "the latest run, or one before it"),
        ("none", "no run"),
        ("exp-30", "exp-030"),
        ("12b", ""),
    ],
)
def test_a_name_that_means_another_run_is_told(repo: Path, name: str, means: str) -> None:
    warning = f"gxt: a run cannot be referred to by the name {name}, which means {means}: use its id\n"
    told = [
        script(repo, f"gxt.init(name={name!r})")[1],
        script(repo, f"gxt.init(name={name!r})", wrapped=True)[1],
        gxt(repo, "run", "--name", name, "--", "true").stderr.partition("exp-003")[0],
    ]
    assert told == [warning if means else ""] * 3
    assert [run["name"] for run in data(repo, "list")] == [name] * 3


@WRAPPED
def test_what_has_a_count_of_its_own_does_not_move_the_script_s(repo: Path, wrapped: bool) -> None:
    script(
        repo,
        "for loss in (3, 2): gxt.log({'loss': loss}); gxt.log({'norm': 1}, step=500, counted=False)",
        wrapped=wrapped,
    )
    series = data(repo, "show", "--series")["series"]
    assert {name: one["step"] for name, one in series.items()} == {"loss": [0, 1], "norm": [500, 500]}


@WRAPPED
def test_a_warning_is_told_and_kept_once(repo: Path, wrapped: bool) -> None:
    _, told = script(repo, "for _ in range(2): gxt.warn('the data\\udcff is small')", wrapped=wrapped)
    assert told == "gxt: the data\\udcff is small\n"
    assert data(repo, "show")["notices"] == ["the data\\udcff is small"]
