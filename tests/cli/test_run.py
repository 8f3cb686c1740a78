"""`gxt run`: the command as it would run without gxt, two lines of talk, and what is recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, new_repository, normal, tagged
from tests.conftest import data, git, gxt

ELO = '{"final": {"elo": 1512.5, "wins": 3}, "note": "x", "ok": true}'


def write(path: str, text: str) -> list[str]:
    """A command that writes a file."""
    return ["--", "python", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", path, text]


def test_one_line_before_and_one_after(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    first = gxt(repo, "run", "--name", "baseline", "-m", "not shown", "--", "python", "train.py")
    assert first.stdout == "trained\n"
    assert normal(first.stderr) == (
        "exp-001  baseline\n"
        "exp-001 completed in 0.0 s  val/acc 0.55  train_loss 3.3333  odd -Infinity  → gxt show exp-001\n"
    )
    second = gxt(
        repo, "run", "--set", "lr=0.3", "-m", "higher rate", "--", "python", "train.py", "--seed", "4"
    )
    assert second.stdout == "trained\n"
    assert normal(second.stderr) == (
        "exp-002 ← exp-001  higher rate  lr 0.1 → 0.3  seed absent → 4\n"
        "exp-002 completed in 0.0 s  val/acc 0.65 (+0.1 better, n=1)  train_loss 1.1111 (−2.22 better, n=1)"
        "  odd -Infinity  → gxt diff exp-001 exp-002\n"
    )
    third = gxt(repo, "run", "--parent", "1", "--set", "lr=0.1", "--", "sh", "-c", "exit 3", code=3)
    assert normal(third.stderr) == (
        "exp-003 ← exp-001\nexp-003 failed in 0.0 s  exit code 3  → gxt output exp-003\n"
    )


def test_more_changes_than_a_line_holds(repo: Path) -> None:
    gxt(repo, "run", "-q", "--", "true", "--a", "1", "--b", "2")
    done = gxt(repo, "run", "--set", "lr=1", "--", "true", "--c", "3", "--d", "4", "--e", "5")
    assert done.stderr.splitlines()[0] == (
        "exp-002 ← exp-001  lr 0.1 → 1  c absent → 3  d absent → 4  and 1 more"
    )


def test_quiet_says_nothing_of_its_own(repo: Path) -> None:
    done = gxt(repo, "run", "-q", "--", "sh", "-c", "echo out; echo err >&2; exit 3", code=3)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert gxt(repo, "run", "--quiet", "--metrics", "none.json", "--", "true").stderr == ""


def test_stdout_and_stderr_stay_apart_byte_for_byte(repo: Path) -> None:
    script = (
        r"import os; os.write(1, bytes(range(256)) * 9); os.write(2, b'\xff\0' * 9); os.write(1, b'\r\n\r')"
    )
    command = [sys.executable, "-m", "gxt", "run", "-q", "--", "python", "-c", script]
    done = subprocess.run(command, cwd=repo, capture_output=True, check=True)
    assert done.stdout == bytes(range(256)) * 9 + b"\r\n\r"
    assert done.stderr == b"\xff\0" * 9


def test_stdin_is_the_commands(repo: Path) -> None:
    command = [sys.executable, "-m", "gxt", "run", "-q", "--", "cat"]
    done = subprocess.run(command, cwd=repo, input=b"a\0b", capture_output=True, check=True)
    assert done.stdout == b"a\0b"


@pytest.mark.parametrize(
    ("command", "code", "said", "following"),
    [
        (["sh", "-c", "exit 255"], 255, "exit code 255", "output"),
        (["no-such-command"], 127, "command not found: no-such-command", "show"),
        (["./no-such-file"], 127, "command not found: ./no-such-file", "show"),
        (["./params.yaml"], 126, "permission denied: ./params.yaml", "show"),
        (["."], 126, "permission denied: .", "show"),
    ],
)
def test_exit_codes_are_the_commands_and_recorded(
    repo: Path, command: list[str], code: int, said: str, following: str
) -> None:
    done = gxt(repo, "run", "--", *command, code=code)
    assert normal(done.stderr).splitlines()[-1] == (
        f"exp-001 failed in 0.0 s  {said}  → gxt {following} exp-001"
    )
    run = data(repo, "show")
    assert (run["status"], run["exit_code"]) == ("failed", code)


@pytest.mark.parametrize(
    ("name", "status"),
    [("TERM", "interrupted"), ("KILL", "interrupted"), ("ABRT", "failed"), ("SEGV", "failed")],
)
def test_death_by_a_signal_looks_the_same_from_outside(repo: Path, name: str, status: str) -> None:
    number = signal.Signals[f"SIG{name}"].value
    done = gxt(repo, "run", "--", "sh", "-c", f"kill -{name} $$", code=-number)
    following = "output" if status == "failed" else "show"
    assert normal(done.stderr).splitlines()[-1] == (
        f"exp-001 {status} in 0.0 s  killed by SIG{name}  → gxt {following} exp-001"
    )
    run = data(repo, "show")
    assert (run["status"], run["exit_code"]) == (status, -number)


def test_the_command_needs_no_dashes_and_keeps_its_options(repo: Path) -> None:
    done = gxt(repo, "run", "-q", "echo", "-q", "--name", "x", "--", "--json")
    assert done.stdout == "-q --name x -- --json\n"
    assert data(repo, "show")["command"] == ["echo", "-q", "--name", "x", "--", "--json"]
    assert data(repo, "show")["name"] is None


def test_from_a_directory_below(repo: Path) -> None:
    below = repo / "a dir" / "b"
    below.mkdir(parents=True)
    assert gxt(below, "run", "-q", "--", "pwd").stdout == f"{below.resolve()}\n"
    run = data(repo, "show")
    assert (run["cwd"], run["params"]["lr"], run["param_files"]) == ("a dir/b", 0.1, ["params.yaml"])
    (below / "params.yaml").write_text("own: 1\n")
    gxt(below, "run", "-q", "--set", "own=2", "--", "true")
    run = data(repo, "show")
    assert (run["params"], run["param_files"]) == ({"own": 2}, ["a dir/b/params.yaml"])
    assert (below / "params.yaml").read_text() == "own: 2\n"


def test_everything_the_user_says_is_recorded(repo: Path) -> None:
    words = [
        "--name",
        "n",
        "-m",
        "what",
        "--hypothesis",
        "why",
        "--tag",
        "a",
        "--tag",
        "b c",
        "--parent",
        "none",
    ]
    gxt(repo, "run", "-q", *words, "--", "true")
    run = data(repo, "show")
    said = {key: run[key] for key in ("name", "message", "hypothesis", "tags", "parent")}
    assert said == {"name": "n", "message": "what", "hypothesis": "why", "tags": ["a", "b c"], "parent": None}


def test_empty_words_say_nothing(repo: Path) -> None:
    gxt(repo, "run", "-q", "--name", "", "-m", " ", "--hypothesis", "", "--tag", "", "--", "true")
    run = data(repo, "show")
    assert [run[key] for key in ("name", "message", "hypothesis", "tags")] == [None, None, None, []]
    assert gxt(repo, "base").stdout == "exp-001  true\n"


def test_set_edits_the_file_and_keeps_its_comments(repo: Path) -> None:
    (repo / "params.yaml").write_text("# all of them\nlr: 0.1  # rate\nmodel: {type: mlp}  # kind\n")
    gxt(repo, "run", "-q", "--set", "lr=1e-3", "--set", "model.type=cnn", "--", "true")
    assert (repo / "params.yaml").read_text() == (
        "# all of them\nlr: 0.001  # rate\nmodel: {type: cnn}  # kind\n"
    )
    assert data(repo, "show")["params"] == {"lr": 0.001, "model": {"type": "cnn"}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.yaml", "depth: 3\n"),
        ("p.yml", "depth: 3\n"),
        ("p.json", '{"depth": 3}'),
        ("p.toml", "depth = 3\n"),
    ],
)
def test_parameters_files_of_every_format(repo: Path, name: str, text: str) -> None:
    (repo / name).write_text(text)
    gxt(repo, "run", "-q", "--params", name, "--set", "depth=4", "--", "true")
    run = data(repo, "show")
    assert run["params"] == {"lr": 0.1, "model": {"type": "mlp", "width": 64}, "depth": 4}
    assert run["param_files"] == ["params.yaml", name]
    assert (repo / name).read_text() == text.replace("3", "4")


def test_a_dry_run_shows_everything_and_changes_nothing(repo: Path) -> None:
    gxt(repo, "run", "-q", "--name", "one", "--", "true")
    (repo / "new.py").write_text("x\n")
    (repo / "id_rsa").write_text("x\n")
    before = git(repo, "for-each-ref"), (repo / "params.yaml").read_text()
    words = ["--name", "two", "-m", "more", "--hypothesis", "better\nmaybe", "--tag", "t", "--set", "lr=0.2"]
    done = gxt(repo, "run", "--dry-run", *words, "--", "touch", "a b", "--seed", "1")
    assert done.stderr == ""
    assert (
        normal(done.stdout)
        == """\
would be recorded; nothing was run
  name        two
  message     more
  hypothesis  better maybe
  tags        t
  command     touch 'a b' --seed 1
  directory   .
  parent      exp-001  one
  code        <head> on main
              changed: new.py
              left out: id_rsa (looks like a secret)
  params      lr = 0.2
              model.type = mlp
              model.width = 64
              seed = 1
"""
    )
    assert (git(repo, "for-each-ref"), (repo / "params.yaml").read_text()) == before
    assert not (repo / "a b").exists()
    assert data(repo, "list")[0]["id"] == "exp-001"


def test_metrics_files_in_json_and_yaml(repo: Path) -> None:
    done = gxt(repo, "run", "--metrics", "m.json", *write("m.json", ELO))
    assert normal(done.stderr).splitlines()[-1] == (
        "exp-001 completed in 0.0 s  final/elo 1512.5  final/wins 3  ok 1  → gxt show exp-001"
    )
    assert data(repo, "show")["metrics"] == {"final/elo": 1512.5, "final/wins": 3, "ok": 1}
    gxt(repo, "run", "-q", "--metrics", "m.yaml", *write("m.yaml", "a: {b: 2, c: [1]}\nd: .nan\ne: -.inf\n"))
    assert data(repo, "show")["metrics"] == {"a/b": 2, "d": "NaN", "e": "-Infinity"}


def test_a_metrics_file_written_again_with_the_same_content_counts(repo: Path) -> None:
    for _ in range(2):
        gxt(repo, "run", "-q", "--metrics", "m.json", *write("m.json", ELO))
        assert data(repo, "show")["metrics"]["final/elo"] == 1512.5


def test_a_metrics_file_that_was_not_written_is_said(repo: Path) -> None:
    (repo / "m.json").write_text(ELO)
    for name in ("m.json", "none.json"):
        done = gxt(repo, "run", "--metrics", name, "--", "true")
        notice = f"{name} was not written by the run: no metrics taken from it"
        assert done.stderr.splitlines()[1] == f"gxt: {notice}"
        run = data(repo, "show")
        assert (run["metrics"], run["notices"]) == ({}, [notice])


def test_a_metrics_file_that_cannot_be_read_is_said(repo: Path) -> None:
    done = gxt(repo, "run", "--metrics", "m.json", *write("m.json", "broken"))
    assert done.stderr.splitlines()[1] == "gxt: m.json holds no numbers that can be read as JSON or YAML"
    assert data(repo, "show")["metrics"] == {}


def test_metrics_files_that_dvc_yaml_declares(repo: Path) -> None:
    (repo / "dvc.yaml").write_text(
        "metrics:\n- top.yaml\nstages:\n  train:\n    cmd: x\n    wdir: sub\n    metrics:\n"
        "    - out.json:\n        cache: false\n"
    )
    (repo / "sub").mkdir()
    script = "echo 'rate: 0.5' > top.yaml; echo '{\"loss\": 1}' > sub/out.json"
    done = gxt(repo, "run", "--", "sh", "-c", script)
    assert data(repo, "show")["metrics"] == {"rate": 0.5, "loss": 1}
    # the first that dvc.yaml declares is the main metric, though nobody knows its goal
    assert normal(done.stderr).splitlines()[-1] == (
        "exp-001 completed in 0.0 s  rate 0.5  loss 1  → gxt show exp-001"
    )


TEMPLATED = """\
vars:
- more.json:out
- name: eval
metrics:
- ${out.folder}/${name}.json
stages:
  train:
    foreach: ${seeds}
    do:
      cmd: python train.py ${item}
      metrics:
      - m${item}.json
  grid:
    matrix:
      a: [x, y]
      b: [1, 2]
    cmd: python grid.py
    wdir: grid
    metrics:
      - ${item.a}${item.b}.json:
          cache: false
  named:
    foreach:
      one: {file: first}
    do:
      metrics:
      - ${key}-${item.file}.json
"""


def test_the_templates_of_dvc_yaml_are_worked_out(repo: Path) -> None:
    (repo / "dvc.yaml").write_text(TEMPLATED)
    (repo / "params.yaml").write_text("seeds: [1, 2]\n")
    (repo / "more.json").write_text('{"out": {"folder": "res"}, "name": "hidden"}')
    (repo / "res").mkdir()
    (repo / "grid").mkdir()
    names = ["res/eval", "m1", "m2", "grid/x1", "grid/x2", "grid/y1", "grid/y2", "one-first"]
    script = "; ".join(f"echo '{{\"{name}\": {at}}}' > {name}.json" for at, name in enumerate(names))
    done = gxt(repo, "run", "--", "sh", "-c", script)
    assert data(repo, "show")["metrics"] == {name: at for at, name in enumerate(names)}
    assert "gxt:" not in done.stderr


@pytest.mark.parametrize(
    ("pipeline", "notice"),
    [
        ("metrics: [", ("no metrics from dvc.yaml: not valid YAML: <here>/dvc.yaml, line 2, column 1: "
         "did not find expected node content; name them with --metrics FILE")),
        ("- x", ("no metrics from dvc.yaml: <here>/dvc.yaml is not a mapping at the top; "
         "name them with --metrics FILE")),
        ("metrics: ['${none.x}.json', m.json]",
         ("metrics of dvc.yaml that cannot be worked out: ${none.x}.json (there is no none.x); "
         "name their files with --metrics FILE")),
        ("vars: [none.yaml]\nstages: {train: {foreach: '${all}', do: {metrics: [a.json]}}}",
         ("metrics of dvc.yaml that cannot be worked out: vars (there is no none.yaml), "
         "stage train (there is no all); name their files with --metrics FILE")),
        ("metrics: ['${model}.json', '\\${x}.json', '${lr']",
         ("metrics of dvc.yaml that cannot be worked out: ${model}.json (model is no text or number), "
         "${lr (lr is no text or number); name their files with --metrics FILE")),
    ],
)  # fmt: skip
def test_what_dvc_yaml_does_not_tell_is_said_and_the_run_goes_on(
    repo: Path, pipeline: str, notice: str
) -> None:
    (repo / "dvc.yaml").write_text(pipeline)
    done = gxt(repo, "run", "--", "touch", "ran")
    notice = notice.replace("<here>", str(repo))
    assert done.stderr.splitlines()[1] == f"gxt: {notice}"
    assert (data(repo, "show")["notices"], (repo / "ran").exists()) == ([notice], True)
    gxt(repo, "list")


def test_a_broken_metrics_file_that_dvc_yaml_declares_is_said(repo: Path) -> None:
    (repo / "dvc.yaml").write_text("metrics: [m.json, unwritten.json]\n")
    done = gxt(repo, "run", *write("m.json", '{"acc": 1'))
    assert done.stderr.splitlines()[1] == "gxt: m.json holds no numbers that can be read as JSON or YAML"
    assert len(done.stderr.splitlines()) == 3


def test_the_dvc_yaml_files_that_are_read(repo: Path) -> None:
    """Those from here up to the top; where DVC is set up, all that git tracks."""
    for folder in ("a/b", "c"):
        (repo / folder).mkdir(parents=True)
    for folder in (".", "a", "a/b", "c"):
        (repo / folder / "dvc.yaml").write_text("metrics: [m.json]\n")
    every = {"m.json": "top", "a/m.json": "a", "a/b/m.json": "b", "c/m.json": "c"}
    script = "; ".join(f'echo \'{{"{name}": 1}}\' > "{repo}/{path}"' for path, name in every.items())

    def found(cwd: Path) -> set[str]:
        gxt(cwd, "run", "-q", "--", "sh", "-c", script)
        return set(data(repo, "show")["metrics"])

    assert found(repo) == {"top"}
    assert found(repo / "a" / "b") == {"b", "a", "top"}
    (repo / ".dvc").mkdir()
    git(repo, "add", "a", "c/dvc.yaml", "dvc.yaml")
    assert found(repo) == found(repo / "a") == {"top", "a", "b", "c"}


def test_what_is_left_out_is_one_warning(repo: Path) -> None:
    (repo / ".env").write_text("KEY=1\n")
    (repo / "big.bin").write_bytes(bytes((5 << 20) + 1))
    (repo / "fine.py").write_text("x\n")
    done = gxt(repo, "run", "--", "true")
    assert normal(done.stderr) == (
        "gxt: not in the snapshot: .env (looks like a secret), big.bin (untracked and over 5 MiB)\n"
        "exp-001\n"
        "exp-001 completed in 0.0 s  → gxt show exp-001\n"
    )
    run = data(repo, "show")
    assert run["code"]["skipped"] == [
        {"path": ".env", "reason": "looks like a secret", "size": 6},
        {"path": "big.bin", "reason": "untracked and over 5 MiB", "size": (5 << 20) + 1},
    ]
    assert git(repo, "ls-tree", "--name-only", run["commit"]).splitlines() == [
        "fine.py", "params.yaml", "train.py",
    ]  # fmt: skip
    assert gxt(repo, "show").stdout.splitlines()[-4:] == [
        "",
        "Notices",
        "  left out: .env (looks like a secret)",
        "  left out: big.bin (untracked and over 5 MiB)",
    ]


LONG = (
    "a message that is much longer than a terminal of eighty columns can hold beside everything else there is"
)
START = "exp-002 ← exp-001  a message that is much longer than a terminal of eighty col…"
END = "exp-002 completed in 0.0 s  val/acc 0.65 (+0.1 better, n=1)"


@pytest.mark.parametrize(
    ("width", "start", "end"),
    [
        (
            160,
            f"{START}  lr 0.1 → 0.3  model.type mlp → cnn  model.width 64 → 128",
            f"{END}  train_loss 1.1111 (−2.22 better, n=1)  odd -Infinity  → gxt diff exp-001 exp-002",
        ),
        (
            116,
            f"{START}  lr 0.1 → 0.3  and 2 more",
            f"{END}  train_loss 1.1111 (−2.22 better, n=1)  → gxt diff 1 2",
        ),
        (104, f"{START}  3 parameters differ", f"{END}  → gxt diff exp-001 exp-002"),
        (80, START, f"{END}  → gxt diff 1 2"),
        (40, "exp-002 ← exp-001  a message that is mu…", "exp-002 completed in 0.0 s"),
    ],
)
def test_one_line_is_one_line_on_a_terminal(tmp_path: Path, width: int, start: str, end: str) -> None:
    repo = new_repository(tmp_path / "repo")
    train = ("--", "python", "train.py")
    gxt(repo, "run", "-q", *train)
    settings = ("--set", "lr=0.3", "--set", "model.type=cnn", "--set", "model.width=128")
    shown = normal(Terminal(repo, width).show("run", "-m", LONG, *settings, *train, NO_COLOR="1"))
    assert shown.splitlines() == [start, "trained", end]


def test_the_end_line_begins_a_line_of_its_own_and_is_coloured(repo: Path) -> None:
    for command, colour, end in (
        ("printf open", "green", "exp-001 completed in 0.0 s  → gxt show exp-001"),
        ("printf 'closed\\n'; exit 2", "red", "exp-002 failed in 0.0 s  exit code 2  → gxt output exp-002"),
        ("kill -TERM $$", "yellow", "exp-003 interrupted in 0.0 s  killed by SIGTERM  → gxt show exp-003"),
    ):
        lines = tagged(normal(Terminal(repo, 100).show("run", "--parent", "none", "--", "sh", "-c", command)))
        assert lines.splitlines()[-1] == f"<{colour}>{end}</>"
        assert "" not in lines.splitlines()


def test_an_interrupt_reaches_the_command_and_is_recorded(repo: Path) -> None:
    script = "import gxt, time; gxt.log({'loss': 1.0}); print('ready', flush=True); time.sleep(60)"
    command = [sys.executable, "-m", "gxt", "run", "--", "python", "-c", script]
    run = subprocess.Popen(command, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout
    assert run.stdout.readline() == "ready\n"
    os.kill(run.pid, signal.SIGINT)
    _, said = run.communicate()
    assert run.returncode == -signal.SIGINT
    assert normal(said).splitlines()[-1] == (
        "exp-001 interrupted in 0.0 s  killed by SIGINT  loss 1  → gxt show exp-001"
    )
    recorded = data(repo, "show")
    assert (recorded["status"], recorded["metrics"]) == ("interrupted", {"loss": 1})
    assert gxt(repo, "base").stdout == "no base: the next run starts a new tree\n"


def test_a_pipeline_is_one_run_that_ends_as_its_shell_says(repo: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "gxt",
        "run",
        "-q",
        "--",
        "sh",
        "-c",
        "tr a-z A-Z | sed s/A/-/ | (cat; exit 5)",
    ]
    done = subprocess.run(command, cwd=repo, input=b"ab\nac\n", capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (5, b"-B\n-C\n", b"")
    assert gxt(repo, "output").stdout == "-B\n-C\n"
    assert (data(repo, "show")["status"], data(repo, "show")["exit_code"]) == ("failed", 5)


DAEMON = """
import os, sys
wait = int(sys.argv[1])
print("begun", flush=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.read(wait, 1)
        print("from afar", flush=True)
    os._exit(0)
"""


def test_a_command_that_makes_itself_a_daemon_has_ended_and_the_daemon_goes_on(repo: Path) -> None:
    (repo / "daemon.py").write_text(DAEMON)
    wait, go = os.pipe()
    command = [sys.executable, "-m", "gxt", "run", "-q", "--", "python", "daemon.py", str(wait)]
    with subprocess.Popen(command, cwd=repo, stdout=subprocess.PIPE, pass_fds=[wait]) as process:
        os.close(wait)
        assert process.wait(30) == 0
        assert (data(repo, "show")["status"], gxt(repo, "output").stdout) == ("completed", "begun\n")
        os.close(go)
        assert process.stdout
        assert process.stdout.read() == b"begun\nfrom afar\n"


def test_head_may_move_during_a_run(repo: Path) -> None:
    before = git(repo, "rev-parse", "HEAD")
    gxt(repo, "run", "-q", "--", "sh", "-c", "git commit -q --allow-empty -m moved")
    run = data(repo, "show")
    assert run["code"]["head"] == before
    assert git(repo, "rev-parse", f"{run['commit']}^") == before
    assert gxt(repo, "run", "--", "true").stderr.splitlines()[0] == "exp-002 ← exp-001"


def test_set_edits_the_file_that_has_the_key(repo: Path) -> None:
    (repo / "more.toml").write_text("seed = 1\n[optimizer]\nname = 'sgd'\n")
    gxt(repo, "run", "-q", "--params", "more.toml", "--set", "lr=0.5", "--set", "seed=2", "--", "true")
    assert data(repo, "show")["params"] == {
        "lr": 0.5,
        "model": {"type": "mlp", "width": 64},
        "seed": 2,
        "optimizer": {"name": "sgd"},
    }
    assert (repo / "params.yaml").read_text().splitlines()[0] == "lr: 0.5"
    assert (repo / "more.toml").read_text().splitlines()[0] == "seed = 2"
    said = gxt(repo, "run", "--params", "more.toml", "--set", "sed=2", "--", "true", code=2).stderr
    assert said.splitlines()[0] == f"gxt: there is no parameter sed in {repo}/more.toml"


def test_vars_of_a_stage_add_to_the_parameters(repo: Path) -> None:
    (repo / "dvc.yaml").write_text(
        "stages:\n  t:\n    vars: [{model: {file: out}}]\n    metrics: ['${model.file}-${model.type}.json']\n"
    )
    gxt(repo, "run", "-q", *write("out-mlp.json", '{"acc": 0.5}'))
    assert data(repo, "show")["metrics"] == {"acc": 0.5}


@pytest.mark.parametrize(
    "words",
    [
        "bash <(echo 'echo read; exit 7')",
        "bash fifo",
        "bash /dev/stdin < script.sh",
        "bash < script.sh",
    ],
)
def test_a_script_that_can_be_read_once_is_read_by_its_shell(repo: Path, words: str) -> None:
    os.mkfifo(repo / "fifo")
    (repo / "script.sh").write_text("echo read; exit 7\n")
    writer = "cat script.sh > fifo & " if "fifo" in words else ""
    done = subprocess.run(
        ["bash", "-c", f'{writer}"$0" -m gxt run -q -- {words}', sys.executable],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "read\n", "")
    assert data(repo, "show")["exit_code"] == 7


def test_a_metrics_file_that_is_none_does_not_keep_the_command_from_anything(repo: Path) -> None:
    os.mkfifo(repo / "fifo")
    (repo / "dvc.yaml").write_text('metrics: ["a\\0b.json"]\n')
    done = gxt(repo, "run", "--metrics", "fifo", "--", "sh", "-c", "echo 1 > fifo & cat fifo")
    assert done.stdout == "1\n"
    assert [line for line in done.stderr.splitlines() if line.startswith("gxt: ")] == [
        (
            "gxt: metrics of dvc.yaml that cannot be worked out: a\\u{0}b.json; "
            "name their files with --metrics FILE"
        ),
        "gxt: fifo holds no numbers that can be read as JSON or YAML",
    ]
    assert data(repo, "show")["status"] == "completed"
