"""What is wrong, where, and what to do next; the exit code; and that nothing was recorded."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, tagged
from tests.conftest import data, git, gxt


def said(where: Path, *words: str, code: int) -> str:
    """What the command says on stderr, its own directory as `<here>`; stdout is empty."""
    done = gxt(where, *words, code=code)
    assert done.stdout == ""
    return done.stderr.replace(str(where.resolve()), "<here>")


@pytest.mark.parametrize("words", [["list"], ["run", "--", "true"], ["show"], ["tree"], ["status"], ["base"]])
def test_not_a_repository(tmp_path: Path, words: list[str]) -> None:
    assert said(tmp_path, *words, code=1) == (
        "gxt: <here> is not in a git repository\n     make one here with: git init\n"
    )


def test_a_repository_that_only_a_variable_names(repo: Path, tmp_path: Path) -> None:
    place = tmp_path / "a place"
    place.mkdir()
    done = gxt(place, "list", code=1, GIT_DIR=f"{repo}/.git", GIT_WORK_TREE=str(place))
    assert (
        done.stderr.splitlines()[1] == f"     gxt does not follow GIT_DIR: echo 'gitdir: {repo}/.git' > .git"
    )
    subprocess.run(done.stderr.splitlines()[1].partition(": ")[2], shell=True, cwd=place, check=True)
    assert gxt(place, "run", "--", "true").stderr.splitlines()[0] == "exp-001"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
@pytest.mark.parametrize("below", [".", "below"])
def test_a_repository_of_another_user_is_refused_with_the_command_that_allows_it(
    tmp_path: Path, below: str
) -> None:
    top = tmp_path / "a 'place'"
    (top / "below").mkdir(parents=True)
    git(top, "init", "-q")
    for path in (top, top / ".git"):
        os.chown(path, 12345, 12345)
    done = gxt(top / below, "run", "--", "true", code=1, SUDO_UID="0")
    message, hint = done.stderr.splitlines()
    assert message == f"gxt: git refuses {Path(top, below)}: it belongs to another user"
    assert hint.startswith("     if you trust it: git config --global --add safe.directory ")
    subprocess.run(hint.partition(": ")[2], shell=True, check=True)
    assert gxt(top / below, "run", "--", "true").stderr.splitlines()[0] == "exp-001"


def test_a_bare_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare")
    expected = (
        "gxt: <here> is a bare repository: it has no work tree\n     work in a clone: git clone <url>\n"
    )
    assert said(tmp_path, "list", code=1) == expected
    assert said(tmp_path / "objects", "run", "--", "true", code=1) == expected


@pytest.mark.parametrize("below", [".git", ".git/objects/info"])
def test_inside_gits_own_directory(repo: Path, below: str) -> None:
    assert said(repo / below, "run", "--", "true", code=1) == (
        "gxt: <here> is inside git's own directory\n     go to the work tree and try again\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "99"], "gxt: no run '99'\n     the latest is exp-006; gxt list shows all\n"),
        (["show", "exp-0x2"], "gxt: no run 'exp-0x2'\n     the latest is exp-006; gxt list shows all\n"),
        (["show", "%%%%"], "gxt: no run '%%%%'\n     the latest is exp-006; gxt list shows all\n"),
        (["show", ""], "gxt: no run ''\n     the latest is exp-006; gxt list shows all\n"),
        (["show", "@~6"], "gxt: no run '@~6'\n     the latest is exp-006; gxt list shows all\n"),
        (["show", "@~x"], "gxt: no run '@~x'\n     the latest is exp-006; gxt list shows all\n"),
        (["diff", "1", "77"], "gxt: no run '77'\n     the latest is exp-006; gxt list shows all\n"),
        (["run", "--parent", "77", "--", "true"],
         "gxt: no run '77'\n     the latest is exp-006; gxt list shows all\n"),
        (["show", "baseline"],
         "gxt: 'baseline' could be 2 runs: exp-001, exp-006\n     name one of them by its id\n"),
        (["compare", "1"], "gxt: a comparison needs two runs or more\n     gxt compare exp-001 exp-002\n"),
        (["list", "--columns", ""],
         "gxt: --columns names no column\n     write for example --columns id,params.lr,val_acc\n"),
        (["lisst"], "gxt: no such command: lisst; did you mean list?\n     gxt --help tells how\n"),
        (["show", "1", "2"],
         "gxt: unrecognized arguments: 2\n     gxt show --help tells how\n"),
        (["diff"], "gxt: the following arguments are required: A\n     gxt diff --help tells how\n"),
        (["run"], "gxt: no command to run\n     write it last: gxt run -- python train.py\n"),
        (["list", "--limit", "0"],
         "gxt: --limit: 0 is less than 1\n     gxt list --help tells how\n"),
        (["list", "--limit", "-1"],
         "gxt: --limit: -1 is less than 1\n     gxt list --help tells how\n"),
    ],
)  # fmt: skip
def test_usage(history: Path, words: list[str], message: str) -> None:
    assert said(history, *words, code=2) == message


def test_an_empty_history_has_no_latest(repo: Path) -> None:
    for words in (["show"], ["output"], ["show", "7"], ["base", "best"]):
        hint = said(repo, *words, code=2).splitlines()[1]
        assert hint == "     there are no runs yet: gxt run -- python train.py"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("metrics.acc >> 0.5", """\
gxt: '>>' is not expected here
  metrics.acc >> 0.5
              ^
     compare with == != < <= > >= in; there is no arithmetic
"""),
        ("ünder = 1", """\
gxt: unknown name ünder
  ünder = 1
  ^
     write metrics.ünder or params.ünder
"""),
        ("metrics.acc >", """\
gxt: a value is missing at the end
  metrics.acc >
               ^
     write for example metrics.val_acc > 0.9
"""),
        ("status == 'running", """\
gxt: the quote is never closed
  status == 'running
            ^
     add ' after the text
"""),
        ("statsu == 'failed'", """\
gxt: unknown name statsu
  statsu == 'failed'
  ^
     write status
"""),
        ("__import__('os')", """\
gxt: there are no functions here
  __import__('os')
  ^
     compare with == != < <= > >= in
"""),
    ],
)  # fmt: skip
def test_a_condition_is_wrong_at_a_place(history: Path, where: str, message: str) -> None:
    assert said(history, "list", "--where", where, code=2) == message


def test_sort_and_columns_are_wrong_at_a_place(history: Path) -> None:
    assert said(history, "list", "--sort", "params", code=2) == (
        "gxt: params needs a key\n  params\n        ^\n     write for example params.lr\n"
    )
    assert said(history, "list", "--columns", "id,metrics", code=2) == (
        "gxt: metrics needs a key\n  metrics\n         ^\n     write for example metrics.val_acc\n"
    )


@pytest.mark.parametrize(
    ("words", "name", "at", "hint"),
    [
        (["--sort", "-val/ac"], "val/ac", 1, "did you mean val/acc?"),
        (["--sort", "acc desc"], "acc", 0, "did you mean val/acc?"),
        (["--sort", "params.width"], "params.width", 0, "did you mean params.model.width?"),
        (["--columns", "id,width"], "width", 0, "did you mean model.width?"),
        (["--columns", "id,tok"], "tok", 0, "did you mean took?"),
        (["--columns", "id,xyzzy"], "xyzzy", 0,
         "there are train_loss, val/acc, odd, lr, model.type, model.width, seed, author"),
        (["--columns", "environment.pyton"], "environment.pyton", 0, "did you mean environment.python?"),
        (["--where", "status == 'x' and metrics.lr > 1"], "metrics.lr", 18, "did you mean params.lr?"),
        (["--where", "metrics.valacc > 1"], "metrics.valacc", 0, 'did you mean metrics["val/acc"]?'),
        (["--where", "params.xyzzy > 1 and params.y > 2"], "params.xyzzy", 0,
         "there are params.lr, params.model.type, params.model.width, params.seed"),
    ],
)  # fmt: skip
def test_a_name_that_no_run_has(history: Path, words: list[str], name: str, at: int, hint: str) -> None:
    text = words[1].split(",")[-1]
    expected = f"gxt: no run has {name}\n  {text}\n  {' ' * at}^\n     {hint}\n"
    for more in ([], ["--limit", "1"], ["--csv"]):
        assert said(history, "list", *words, *more, code=2) == expected


def test_without_runs_every_name_may_be_right(repo: Path) -> None:
    words = ["list", "--columns", "id,acc", "--sort", "-acc", "--where", "metrics.acc > 0.5"]
    assert gxt(repo, *words).stderr == "no run matches\n"


MEND = "     mend the file, or name another with --params\n"


YAML, JSON = "not valid YAML: <here>/params.yaml", "not valid JSON: <here>/p.json"
TAB = "found a tab character that violates indentation"
UNKNOWN = "could not determine a constructor for the tag 'tag:yaml.org,2002:python/object/apply:os.system'"
FORMATS = "     the formats are .yaml, .yml, .json and .toml\n"


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        ("params.yaml", "lr: [1\n", f"{YAML}, line 2, column 1: did not find expected ',' or ']'", MEND),
        ("params.yaml", "- 1\n", "<here>/params.yaml is not a mapping at the top", MEND),
        ("params.yaml", "lr: 1\n\tx: 2\n", f"{YAML}, line 2, column 1: {TAB}", MEND),
        ("params.yaml", "!!python/object/apply:os.system [exit]\n",
         f"{YAML}, line 1, column 1: {UNKNOWN}", MEND),
        ("p.json", '{"a" 1}', f"{JSON}, line 1, column 6: Expecting ':' delimiter", MEND),
        ("p.toml", "a = = 1\n", "not valid TOML: <here>/p.toml: Invalid value (at line 1, column 5)", MEND),
        ("p.ini", "a = 1\n", "<here>/p.ini is not a parameters file", FORMATS),
        ("none.yaml", None, "there is no <here>/none.yaml", "     name a file with --params\n"),
        (".", None, "<here> is not a parameters file", FORMATS),
    ],
)  # fmt: skip
def test_a_parameters_file_that_cannot_be_used(
    repo: Path, name: str, text: str | None, message: str, hint: str
) -> None:
    if text is not None:
        (repo / name).write_text(text)
    assert said(repo, "run", "--params", name, "--", "touch", "ran", code=2) == f"gxt: {message}\n{hint}"
    assert not (repo / "ran").exists()
    assert _untouched(repo)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["lr"], "gxt: --set 'lr' has no =\n     write KEY=VALUE, for example --set lr=0.1\n"),
        (["=3"], "gxt: --set '=3' has no key\n     write KEY=VALUE, for example --set lr=0.1\n"),
        (["rl=3"], "gxt: there is no parameter rl in <here>/params.yaml\n     did you mean lr?\n"),
        (["width=3"],
         "gxt: there is no parameter width in <here>/params.yaml\n     did you mean model.width?\n"),
        (["lr=3", "model.depth=3"],
         "gxt: there is no parameter model.depth in <here>/params.yaml\n     did you mean model.width?\n"),
        (["model=3"],
         "gxt: model is a group of parameters\n     set one of model.type, model.width\n"),
        (["lr="],
         "gxt: --set 'lr=' has no value\n     write lr=null, or for an empty text 'lr=\"\"'\n"),
        (["lr=[1"],
         "gxt: lr cannot be set to [1: no valid YAML\n     in quotes it is text: 'lr=\"…\"'\n"),
        (["lr=2026-13-45"],
         "gxt: lr cannot be set to 2026-13-45: no valid YAML\n     in quotes it is text: 'lr=\"…\"'\n"),
    ],
)  # fmt: skip
def test_an_assignment_that_cannot_be_made(repo: Path, assignments: list[str], message: str) -> None:
    before = (repo / "params.yaml").read_bytes()
    words = [word for text in assignments for word in ("--set", text)]
    found = said(repo, "run", *words, "--", "touch", "ran", code=2)
    assert found == message
    assert (repo / "params.yaml").read_bytes() == before
    assert not (repo / "ran").exists()
    assert _untouched(repo)


def _untouched(repo: Path) -> bool:
    """Whether nothing was recorded and the next run has the first number."""
    assert git(repo, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    (repo / "params.yaml").write_text("lr: 0.1\n")
    gxt(repo, "run", "-q", "--", "true")
    return bool(data(repo, "list")[0]["id"] == "exp-001")


def test_set_without_a_parameters_file(repo: Path) -> None:
    (repo / "params.yaml").unlink()
    assert said(repo, "run", "--set", "lr=1", "--", "true", code=2) == (
        "gxt: --set edits the parameters file, and there is none\n"
        "     write params.yaml, or name a file: --params FILE\n"
    )


@pytest.mark.parametrize("command", ["no-such-command", "./params.yaml"])
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_nothing_is_edited_for_a_command_that_cannot_start(repo: Path, command: str, more: list[str]) -> None:
    before = (repo / "params.yaml").read_bytes()
    assert said(repo, "run", "--set", "lr=3", *more, "--", command, code=2) == (
        f"gxt: there is no command {command} to run\n"
        "     params.yaml is as it was: nothing is edited for a command that cannot start\n"
    )
    assert (repo / "params.yaml").read_bytes() == before
    assert _untouched(repo)


def test_an_empty_parameters_file_has_none(repo: Path) -> None:
    (repo / "params.yaml").write_text("")
    gxt(repo, "run", "-q", "--", "true")
    assert data(repo, "show")["params"] == {}


def test_settings_that_make_no_sense(repo: Path) -> None:
    (repo / ".gxt.toml").write_text("[metric]\nmain = 'acc'\ngoal = 'up'\n")
    assert said(repo, "list", code=2).splitlines()[0].startswith("gxt: ")
    (repo / ".gxt.toml").write_text("[metric\n")
    assert said(repo, "list", code=2).splitlines()[1] == f"     mend {repo.resolve()}/.gxt.toml".replace(
        str(repo.resolve()), "<here>"
    )


def test_errors_are_red_on_a_terminal(repo: Path) -> None:
    assert tagged(Terminal(repo, 100).show("show", "7")) == (
        "<red>gxt: no run '7'</>\n     there are no runs yet: gxt run -- python train.py\n"
    )
    assert Terminal(repo, 100).show("show", "7", NO_COLOR="1") == (
        "gxt: no run '7'\n     there are no runs yet: gxt run -- python train.py\n"
    )


@pytest.mark.parametrize("word", ["\x1b[31m", "a\nb", "\u202e", "x\x00y".replace("\x00", "\x07")])
def test_what_acts_on_a_terminal_is_never_echoed(history: Path, word: str) -> None:
    for words in (["show", word], ["list", "--where", word], ["list", "--sort", f"params{word}."], [word]):
        done = subprocess.run(
            [sys.executable, "-m", "gxt", *words], cwd=history, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout + done.stderr)


def test_output_that_cannot_be_written(history: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gxt", "list"],
            cwd=history,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "gxt: the output could not be written: No space left on device\n"
        "     nothing else went wrong; try another place for it\n"
    )


def test_help_and_version(tmp_path: Path) -> None:
    lines = gxt(tmp_path, "run", "--help").stdout.splitlines()
    assert lines[:3] == [
        "usage: gxt run [options] -- COMMAND...",
        "",
        "Run a command as it would run without gxt, and record it.",
    ]
    assert gxt(tmp_path, "--version").stdout == "gxt 0.1.0\n"
    assert gxt(tmp_path, "--help").stdout == gxt(tmp_path).stdout


def test_a_run_has_no_json_of_its_own(repo: Path) -> None:
    assert said(repo, "run", "--json", "--", "true", code=2) == (
        "gxt: unrecognized arguments: --json\n     gxt run --help tells how\n"
    )
    assert json.loads(gxt(repo, "show", "--json", code=2).stdout)["error"]["code"] == "unknown-run"


GONE = (
    "gxt: the working directory cannot be used: No such file or directory\n"
    "     somebody may have deleted it: go to one that is there, and try again\n"
)


@pytest.mark.parametrize("words", [["list"], ["run", "--", "true"], ["base"]])
def test_a_working_directory_that_was_deleted(repo: Path, words: list[str]) -> None:
    (repo / "gone").mkdir()
    command = [sys.executable, "-m", "gxt", *words]
    script = f"cd gone && rmdir ../gone && {shlex.join(command)}"
    done = subprocess.run(["sh", "-c", script], cwd=repo, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", GONE)


def test_a_git_that_may_not_be_executed(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text("")
    done = gxt(repo, "list", code=1, PATH=str(tmp_path / "bin"))
    assert done.stderr == (
        f"gxt: git cannot be started: Permission denied\n     see why: git -C {repo} --version\n"
    )


def test_a_git_that_the_system_has_no_room_for(repo: Path) -> None:
    script = (
        "import os; os.environ['LARGE'] = 'x' * (1 << 22)\n"
        "import sys; sys.argv = ['gxt', 'list']; from gxt.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repo, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        1,
        f"gxt: git cannot be started: Argument list too long\n     see why: git -C {repo} --version\n",
    )
