"""Runs recorded from what other loggers write: the real libraries, and files as others write them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gxt.ops.following import Following
from gxt.ops.late_logs import late_lines
from gxt.ops.sources import SourcesThread
from gxt.ops.start import StartRequest, start
from gxt.ops.workspace import Workspace, open_workspace
from gxt.store import journal
from tests.conftest import data, git, gxt
from tests.unit.test_loggers import event, row, scalar, wandb_file

FOUR_LIBRARIES = """
import os, tensorboardX, wandb
from dvclive import Live
from torch.utils.tensorboard import SummaryWriter

torch_writer, other_writer = SummaryWriter(), tensorboardX.SummaryWriter("tb/b")
run = wandb.init(project="p", config={"optimizer": {"name": "sgd"}, "auth_token": "x"}, tags=["baseline"])
run.define_metric("w/loss", step_metric="w/step", summary="max")
with Live(save_dvc_exp=False) as live:
    live.log_params({"seed": 7})
    for step in range(3):
        torch_writer.add_scalar("torch/loss", 1 / (step + 1), step * 10)
        torch_writer.add_scalars("lines", {"a": step}, step)
        other_writer.add_scalar("x/loss", 0.1, step)
        other_writer.add_scalars("pairs", {"a": step}, step)
        run.log({"w/loss": 0.2 * step, "w/step": 10 * step, "w": {"deep": step}, "h": wandb.Histogram([1])})
        live.log_metric("live/loss", 0.3)
        live.next_step()
    live.log_metric("live/final", 0.4, plot=False)
torch_writer.add_hparams({"depth": 3}, {"hparam/acc": 0.9})
other_writer.add_hparams({"amp": True}, {"x/acc": 0.8})
torch_writer.close()
other_writer.close()
run.summary["w/best"] = 0.5
for name, files in (("model.pt", ["model.pt"]), ("two", ["parts/a", "parts/b"])):
    artifact = wandb.Artifact(name, type="model")
    for file in files:
        os.makedirs("parts", exist_ok=True)
        open(file, "w").write(file)
        artifact.add_file(file)
    run.log_artifact(artifact)
run.save("parts/a", policy="now")
run.save("model.pt", policy="now")
run.finish()
"""
MLFLOW = """
import os, mlflow

for uri in ("sqlite:///mlflow.db", "file:./mlruns"):
    kind = uri[:4]
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("e")
    with mlflow.start_run(run_name=kind, tags={"team": kind}):
        mlflow.log_params({f"{kind}_rate": 0.5, f"{kind}_name": "adam"})
        for step in range(3):
            mlflow.log_metric(f"{kind}/loss", 0.5, step=step * 5)
        mlflow.log_metric(f"{kind}/odd", float("nan"))
        mlflow.log_text("weights", f"{kind}.txt")
    os.environ["MLFLOW_RUN_CONTEXT"] = '{"gxt.run": "of another run"}'
    with mlflow.start_run():
        mlflow.log_metric(f"{kind}/theirs", 1)
    del os.environ["MLFLOW_RUN_CONTEXT"]
"""


def recorded(repo: Path, code: str, *options: str) -> Any:  # noqa: ANN401 a run as JSON
    """A script that knows nothing of gxt, run by it."""
    (repo / "script.py").write_text(code)
    with (repo / ".git/info/exclude").open("a") as exclude:
        exclude.write("script.py\n")
    gxt(repo, "run", "--no-system", *options, "--", sys.executable, "script.py", PYTHONWARNINGS="ignore")
    return data(repo, "show", "--series")


def points(run: Any) -> dict[str, tuple[list[int], list[float]]]:  # noqa: ANN401
    """All but those of the machine, which a slow one has."""
    series = {name: one for name, one in run["series"].items() if not name.startswith("system/")}
    return {name: (one["step"], one["value"]) for name, one in series.items()}


def sources(run: Any) -> list[tuple[str, int, int]]:  # noqa: ANN401
    return sorted((one["kind"], len(one["metrics"]), one["params"]) for one in run["sources"])


def test_four_libraries_write_as_they_do_and_wandb_offline_without_an_account(repo: Path) -> None:
    run = recorded(repo, FOUR_LIBRARIES)
    steps = [0, 1, 2]
    assert points(run) == {
        "torch/loss": ([0, 10, 20], [1.0, 0.5, 0.33333334]),
        "lines/a": (steps, [0.0, 1.0, 2.0]),
        "hparam/acc": ([0], [0.9]),
        "b/x/loss": (steps, [0.1, 0.1, 0.1]),
        "b/pairs/a": (steps, [0.0, 1.0, 2.0]),
        "b/x/acc": ([0], [0.8]),
        "w/loss": ([0, 10, 20], [0.0, 0.2, 0.4]),
        "w/step": (steps, [0.0, 10.0, 20.0]),
        "w/deep": (steps, [0.0, 1.0, 2.0]),
        "w/best": ([2], [0.5]),
        "live/loss": (steps, [0.3, 0.3, 0.3]),
        "live/final": ([2], [0.4]),
    }
    assert run["params"] == {
        "lr": 0.1, "model": {"type": "mlp", "width": 64},
        "optimizer": {"name": "sgd"}, "auth_token": "[redacted]", "seed": 7, "depth": 3, "amp": True,
    }  # fmt: skip
    assert run["tags"] == ["baseline"]
    assert sources(run) == [
        ("dvclive", 2, 1), ("tensorboard", 3, 1), ("tensorboard", 3, 1), ("wandb", 4, 2),
    ]  # fmt: skip
    assert [(one["name"], one["path"], one["size"]) for one in run["artifacts"]] == [
        ("model.pt", "model.pt", 8), ("two/a", ".gxt/out/two-a", 7), ("two/b", ".gxt/out/two-b", 7),
        ("parts/a", "parts/a", 7),
    ]  # fmt: skip
    assert run["defined"] == {"w/loss": {"goal": None, "summary": "max", "unit": None}}


def test_mlflow_writes_into_a_database_and_into_files(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    run = recorded(repo, MLFLOW)
    assert points(run) == {
        "sqli/loss": ([0, 5, 10], [0.5] * 3), "sqli/odd": ([0], ["NaN"]),
        "file/file/loss": ([0, 5, 10], [0.5] * 3), "file/file/odd": ([0], ["NaN"]),
    }  # fmt: skip
    assert run["params"] == {
        "lr": 0.1, "model": {"type": "mlp", "width": 64},
        "sqli_rate": 0.5, "sqli_name": "adam", "file": {"file_rate": 0.5, "file_name": "adam"},
    }  # fmt: skip
    assert run["tags"] == ["team=sqli", "team=file"]
    assert [(one["name"], one["size"]) for one in run["artifacts"]] == [("sqli.txt", 7), ("file.txt", 7)]
    again = recorded(repo, "print('no logger')")  # what the last run has left is not this one's
    assert (again["metrics"], again["sources"], again["artifacts"]) == ({}, [], [])


TABLES = """
import json, os

with open("training.log", "w") as file:
    file.write("epoch,accuracy,loss\\n0,0.5,1.5\\n1,0.75,NA\\n")
os.makedirs("lightning_logs/version_0")
with open("lightning_logs/version_0/metrics.csv", "w") as file:
    file.write("epoch,step,train_loss,val_loss\\n0,9,0.5,\\n0,9,,0.25\\n")
with open("lightning_logs/version_0/hparams.yaml", "w") as file:
    file.write("hidden: 32\\napi_token: abcdefg\\n")
history = []
for step, row in ((10, {"loss": 2.0, "epoch": 0.5, "step": 10}), (20, {"eval_loss": 1.0, "step": 20})):
    history.append(row)
    os.makedirs(f"out/checkpoint-{step}")
    with open(f"out/checkpoint-{step}/trainer_state.json", "w") as file:
        json.dump({"log_history": history, "global_step": step}, file)
with open("predictions.csv", "w") as file:
    file.write("id,label\\n1,2\\n")
"""


def test_tables_and_states_of_trainers(repo: Path) -> None:
    run = recorded(repo, TABLES)
    assert points(run) == {
        "accuracy": ([0, 1], [0.5, 0.75]),
        "loss": ([0], [1.5]),
        "version_0/epoch": ([9], [0.0]),
        "version_0/train_loss": ([9], [0.5]),
        "version_0/val_loss": ([9], [0.25]),
        "epoch": ([10], [0.5]),
        "eval_loss": ([20], [1.0]),
    }
    assert run["params"]["version_0"] == {"hidden": 32, "api_token": "[redacted]"}
    assert run["sources"] == [
        {"kind": "csv", "path": "training.log", "metrics": ["accuracy", "loss"], "params": 0, "note": None},
        {
            "kind": "csv", "path": "lightning_logs/version_0/metrics.csv", "params": 2, "note": None,
            "metrics": ["version_0/epoch", "version_0/train_loss", "version_0/val_loss"],
        },
        {
            "kind": "trainer_state", "path": "out", "metrics": ["epoch", "eval_loss"], "params": 0,
            "note": "metrics left out that another logger has: 1",
        },
    ]  # fmt: skip


TABLE = "with open('log.csv', 'w') as file: file.write('epoch,loss,acc\\n0,1.5,0.5\\n1,1,0.5\\n')\n"


def test_what_the_script_logs_with_gxt_counts(repo: Path) -> None:
    run = recorded(repo, f"import gxt\n{TABLE}gxt.log({{'loss': 9}}, step=7)\ngxt.log({{'loss': 8}})")
    assert points(run) == {"loss": ([7, 8], [9.0, 8.0]), "acc": ([0, 1], [0.5, 0.5])}


def test_the_end_says_what_was_read_and_show_does(repo: Path) -> None:
    (repo / "script.py").write_text(TABLE)
    said = gxt(repo, "run", "--", sys.executable, "script.py").stderr
    assert "gxt: read from csv log.csv (loss, acc)\n" in said
    assert "\nRead from\n  csv  log.csv  2 metrics\n" in gxt(repo, "show").stdout


@pytest.mark.parametrize("options", [("--no-source", "csv"), ("--no-source", "all")])
def test_a_logger_that_is_switched_off_is_not_read(repo: Path, options: tuple[str, ...]) -> None:
    run = recorded(repo, TABLE, *options)
    assert (run["metrics"], run["sources"]) == ({}, [])


def test_the_settings_switch_loggers_off_and_name_those_there_are(repo: Path) -> None:
    (repo / ".gxt.toml").write_text("[sources]\ncsv = false\n")
    assert recorded(repo, TABLE)["metrics"] == {}
    git(repo, "config", "gxt.sources.csv", "true")
    assert recorded(repo, TABLE)["metrics"] == {"loss": 1.0, "acc": 0.5}
    git(repo, "config", "gxt.sources.trainerState", "false")
    assert [one["kind"] for one in recorded(repo, TABLES)["sources"]] == ["csv", "csv"]
    git(repo, "config", "gxt.sources.excel", "false")
    known = "tensorboard, mlflow, wandb, dvclive, csv, trainer_state, point, all"
    assert (
        gxt(repo, "list", code=2).stderr == f"gxt: no logger is called 'excel'\n     write one of {known}\n"
    )
    git(repo, "config", "--unset", "gxt.sources.excel")
    refused = gxt(repo, "run", "--no-source", "excel", "--", "true", code=2).stderr
    assert refused == f"gxt: no logger is called 'excel'\n     --no-source takes {known}\n"


def test_rows_that_are_added_to_an_old_table_are_read_alone(repo: Path) -> None:
    recorded(repo, TABLE)
    os.utime(repo / "log.csv", (1, 1))
    run = recorded(repo, "with open('log.csv', 'a') as file: file.write('2,0.5,0.75\\n')")
    assert points(run) == {"loss": ([2], [0.5]), "acc": ([2], [0.75])}
    run = recorded(repo, TABLE)  # and one that is written again from its start is read as a whole
    assert points(run) == {"loss": ([0, 1], [1.5, 1.0]), "acc": ([0, 1], [0.5, 0.5])}


def test_a_folder_that_the_command_names_is_looked_into(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (repo / "script.py").write_text(f"import os, sys; os.chdir(sys.argv[1].split('=')[1])\n{TABLE}")
    gxt(repo, "run", "-q", "--", sys.executable, "script.py", f"--out={tmp_path}/far")
    (source,) = data(repo, "show")["sources"]
    assert (source["path"], source["metrics"]) == ("../far/log.csv", ["loss", "acc"])


def test_a_metrics_file_does_not_hide_the_series_of_dvclive(repo: Path) -> None:
    (repo / "dvc.yaml").write_text("metrics:\n- dvclive/metrics.json\n")
    code = (
        "import os; os.makedirs('dvclive/plots/metrics')\n"
        "open('dvclive/plots/metrics/acc.tsv', 'w').write('step\\tacc\\n0\\t0.5\\n1\\t0.75\\n')\n"
        "open('dvclive/metrics.json', 'w').write('{\"acc\": 0.75, \"once\": 3, \"step\": 1}')\n"
    )
    assert points(recorded(repo, code)) == {"acc": ([0, 1], [0.5, 0.75]), "once": ([1], [3.0])}


# --- while a run goes on -----------------------------------------------------------------------------------


@pytest.fixture
def live(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Workspace, journal.LiveRun]]:
    monkeypatch.chdir(repo)
    workspace = open_workspace()
    _, run = start(workspace, StartRequest(["train"]))
    yield workspace, run
    run.release()


def follow(live: tuple[Workspace, journal.LiveRun]) -> Following:
    repository = live[0].repository
    roots = [str(repository.top)]
    return Following(repository, live[1], pid=0, roots=roots, databases=[], off=(), since_ns=1_000_000_000)


def so_far(live: tuple[Workspace, journal.LiveRun]) -> dict[str, tuple[list[int], list[float]]]:
    series = journal.read(live[1].path, unfinished="running").series
    return {name: (list(one.step), list(one.value)) for name, one in series.items()}


def test_no_point_is_read_twice_however_a_table_is_written(
    repo: Path, live: tuple[Workspace, journal.LiveRun]
) -> None:
    following, path = follow(live), repo / "metrics.csv"
    for text, steps in (
        ("step,loss\n0,0.5\n1,0.", [0]),
        ("step,loss\n0,0.5\n1,0.5\n", [0, 1]),
        ("step,loss,acc\n0,0.5,\n1,0.5,\n2,0.5,1\n", [0, 1, 2]),  # another column: the file is written anew
        ("step,loss\n0,0.25\n", [0, 1, 2, 0]),  # another training
    ):
        path.write_text(text)
        following.look()
        assert so_far(live)["loss"][0] == steps
    following.look(last=True)
    assert so_far(live) == {"loss": ([0, 1, 2, 0], [0.5, 0.5, 0.5, 0.25]), "acc": ([2], [1.0])}


def test_a_training_that_goes_on_from_a_checkpoint_tells_only_what_is_new(
    repo: Path, live: tuple[Workspace, journal.LiveRun]
) -> None:
    def save(step: int) -> None:
        history = [{"loss": 10.0 - at, "step": at} for at in range(1, step + 1)]
        folder = repo / f"out/checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))

    save(2)
    for path in (repo / "out").rglob("*"):
        os.utime(path, (0, 0))
    following = follow(live)
    following.remember_what_is_there()
    save(3)
    following.look()
    save(4)
    following.look(last=True)
    assert so_far(live) == {"loss": ([3, 4], [7.0, 6.0])}


@pytest.mark.parametrize(("remembered", "steps"), [(True, [2]), (False, [])])
def test_an_old_table_deep_inside_is_read_from_where_it_ended_if_that_is_known(
    repo: Path, live: tuple[Workspace, journal.LiveRun], remembered: bool, steps: list[int]
) -> None:
    folder = repo / "runs" / "old"
    folder.mkdir(parents=True)
    (folder / "log.csv").write_text("step,loss\n1,2\n")
    for path in (folder / "log.csv", folder):
        os.utime(path, (0, 0))
    following = follow(live)
    following.remember_what_is_there(stops=lambda: not remembered)
    with (folder / "log.csv").open("a") as file:
        file.write("2,1\n")
    following.look(last=True)
    assert so_far(live).get("loss", ([], []))[0] == steps


@pytest.mark.skipif(sys.platform != "linux", reason="who holds a file open is told by /proc")
def test_of_two_runs_at_once_each_has_what_its_own_processes_write(
    repo: Path, live: tuple[Workspace, journal.LiveRun]
) -> None:
    write = "file = open(sys.argv[1], 'w'); file.write('step,loss\\n1,2\\n'); file.flush()"
    code = f"import sys; {write}; print(flush=True); input()"
    (repo / "nobody.csv").write_text("step,loss\n1,9\n")
    workspace, first = live
    _, second = start(workspace, StartRequest(["train"]))
    trainings = []
    for name, run in (("a.csv", first), ("b.csv", second)):
        env = {**os.environ, journal.ENV_DIRECTORY: str(run.path)}
        words = [sys.executable, "-c", code, name]
        trainings.append(
            subprocess.Popen(words, cwd=repo, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
    for training in trainings:
        assert training.stdout is not None
        training.stdout.readline()
    followers = [follow((workspace, run)) for run in (first, second)]
    for following in followers:
        following.look()
    for training in trainings:
        training.communicate(b"\n")
    for following in followers:
        following.look(last=True)
    assert [[one.path for one in following.told()] for following in followers] == [["a.csv"], ["b.csv"]]
    assert {path.name for path in followers[0].unsure()} == {"nobody.csv"}
    second.release()


MLFLOW_TABLES = """
CREATE TABLE runs (run_uuid, name, start_time, artifact_uri);
CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan);
CREATE TABLE params (key, value, run_uuid);
CREATE TABLE tags (key, value, run_uuid);
"""


def test_of_two_runs_with_one_database_of_mlflow_each_takes_its_own(
    repo: Path, live: tuple[Workspace, journal.LiveRun]
) -> None:
    workspace, first = live
    _, second = start(workspace, StartRequest(["train"]))
    with closing(sqlite3.connect(repo / "mlflow.db")) as db, db:
        db.executescript(MLFLOW_TABLES)
        for name, uid in (("a", first.uid), ("b", second.uid), ("nobody", None)):
            db.execute("INSERT INTO runs VALUES (?, ?, ?, '')", (name, name, 2_000_000_000_000))
            db.execute("INSERT INTO metrics VALUES (?, 0.5, 2000000000000, ?, 1, 0)", (name, name))
            if uid:
                db.execute("INSERT INTO tags VALUES ('gxt.run', ?, ?)", (uid, name))
    followers = [follow((workspace, run)) for run in (first, second)]
    for following in followers:
        following.look(last=True)
    assert [[one.metrics for one in following.told()] for following in followers] == [[["a"]], [["b"]]]
    assert [following.unsure() for following in followers] == [[repo / "mlflow.db"]] * 2
    second.release()


def test_of_a_run_whose_gxt_was_killed_the_logs_are_read_on(
    repo: Path, live: tuple[Workspace, journal.LiveRun]
) -> None:
    workspace, run = live
    now = int(time.time())
    board, folder = repo / "runs" / "a", repo / "wandb" / "run-1"
    folder.mkdir(parents=True)
    board.mkdir(parents=True)
    events = [event(step, float(now), scalar("acc", step / 2)) for step in range(4)]
    rows = [row(step, loss=step / 4) for step in range(4)]
    (board / f"events.out.tfevents.{now}.host.1.0").write_bytes(events[0])
    (folder / "run-1.wandb").write_bytes(wandb_file(*rows[:2]))
    (repo / "log.csv").write_text("step,f1\n0,1\n")
    Following(
        workspace.repository, run, pid=0, roots=[str(repo)], databases=[], off=(), since_ns=1_000_000_000
    ).look()
    assert late_lines(workspace.repository, run.path, ()) == []
    (board / f"events.out.tfevents.{now}.host.1.0").write_bytes(b"".join(events))
    (board / f"events.out.tfevents.{now + 1000}.host.2.0").write_bytes(events[3])
    (folder / "run-1.wandb").write_bytes(wandb_file(*rows))
    (repo / "log.csv").write_text("step,f1\n0,1\n1,1\n")
    late = late_lines(workspace.repository, run.path, ())
    series = journal.read(run.path, unfinished="interrupted", also=late).series
    assert {name: (list(one.step), list(one.value)) for name, one in series.items()} == {
        "loss": ([0, 1, 2, 3], [0.0, 0.25, 0.5, 0.75]),
        "acc": ([0, 1, 2, 3], [0.0, 0.5, 1.0, 1.5]),
        "f1": ([0], [1.0]),
    }
    assert late_lines(workspace.repository, run.path, ()) == late
    assert b"wandb" not in b"".join(late_lines(workspace.repository, run.path, ("wandb",)))
    (folder / "run-1.wandb").write_bytes(wandb_file(row(0, loss=7), *rows))
    assert late_lines(workspace.repository, run.path, ("tensorboard",)) == []


def test_a_command_is_given_variables_where_nothing_is_configured(
    repo: Path, live: tuple[Workspace, journal.LiveRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(*off: str) -> dict[str, str]:
        return SourcesThread(live[0].repository, live[1], [sys.executable, "script.py"], off).environment()

    (repo / "script.py").write_text("import wandb")
    offline = {"WANDB_MODE": "offline"}
    context = {"MLFLOW_RUN_CONTEXT": f'{{"gxt.run": "{live[1].uid}"}}'}
    assert given() == {**context, **offline}
    assert [given(kind) for kind in ("mlflow", "wandb", "point", "all")] == [offline, context, {}, {}]
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"gxt.run": "that which this one runs in"}')
    assert given() == {**context, **offline}
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", "{}")
    assert given() == offline
    monkeypatch.setenv("WANDB_PROJECT", "p")
    assert given() == {}


def test_the_end_says_what_wandb_has_kept_here(repo: Path, live: tuple[Workspace, journal.LiveRun]) -> None:
    (repo / "script.py").write_text("import wandb")
    thread = SourcesThread(live[0].repository, live[1], [sys.executable, "script.py"], ())
    thread.environment()
    place = "wandb/offline-run-20260101_000000-abc"
    run = repo / place
    run.mkdir(parents=True)
    (run / "run-abc.wandb").write_bytes(wandb_file(row(0, loss=0.5)))
    assert thread.finish() == (
        f"read from wandb {place} (loss)",
        f"W&B knows no account here and wrote offline: wandb login, then wandb sync {place}",
    )
