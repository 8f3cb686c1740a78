"""`gxt import tensorboard` and `wandb`: what these libraries have written, and what gxt has exported."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from array import array
from collections.abc import Mapping
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from gxt.model.series import Series
from gxt.ops import wandb_file
from gxt.ops.event_file import scalars
from gxt.ops.export_tensorboard import export_tensorboard
from gxt.ops.export_wandb import export_wandb
from gxt.ops.import_tensorboard import import_tensorboard
from gxt.ops.import_wandb import import_wandb
from gxt.ops.imported import Imported
from gxt.ops.show import show
from gxt.ops.wandb_file import Said
from gxt.ops.workspace import open_workspace
from gxt.render.run_page import page
from tests.cli.scratch import new_repository
from tests.conftest import data, gxt
from tests.with_series import Made, write_runs

PARAMS: Mapping[str, object] = {
    "lr": 0.1,
    "model": {"type": "mlp", "width": 64, "a.b": True},
    "sizes": [1, 2.5, {"x": None}],
    "texts": {"one": "1", "none": "null", "plain": "adam", "empty": ""},
    "nothing": None,
    "huge": 1 << 70,
    "bare": {},
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c6360000000020001488249560000000049454e44ae426082"
)
RUNS = [
    Made(
        {"train/loss": [0.1, 1 / 3, 1e-40], "val/acc": [nan, inf, -inf], "late": [7.25]},
        name="Many, of them",
        params=PARAMS,
        steps={"val/acc": [2, 1, 5], "late": [3]},
    ),
    Made({"step": [5.0, 4.0], "epoch": [0.0, 1.0]}, name="odd names", status="failed", parent=0),
    Made({"loss": [float(i) / 7 for i in range(3000)]}, name="long", status="interrupted"),
]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with runs."""
    repo = new_repository(tmp_path / "study")
    write_runs(repo, RUNS)
    return repo


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A repository without any."""
    return new_repository(tmp_path / "other")


def known(repo: Path, ref: str) -> tuple[dict[str, Any], dict[str, Series]]:
    """What any tracker knows of a run, and its metrics over time."""
    shown = show(open_workspace(repo), ref, series=True)
    return {key: shown.run[key] for key in ("params", "created", "duration_s", "status")}, dict(shown.series)


def as_single(series: Mapping[str, Series]) -> dict[str, Series]:
    """The series as single precision has them."""
    return {
        name: Series(one.step, one.time_us, array("d", map(single, one.value)))
        for name, one in series.items()
    }


def single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def brought(done: Imported) -> tuple[tuple[str, ...], int]:
    return done.new, done.known


# --- what gxt has exported -------------------------------------------------------------------------------


def test_runs_come_back_from_tensorboard_as_they_were(repo: Path, other: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    export_tensorboard(open_workspace(repo), logs, page=page)
    assert brought(import_tensorboard(open_workspace(other), logs)) == (("exp-001", "exp-002", "exp-003"), 0)
    for number in (1, 2, 3):
        (run, series), (there, there_series) = known(repo, str(number)), known(other, str(number))
        assert there == run
        assert as_single(there_series) == as_single(series)
    assert show(open_workspace(other), "2").run["name"] == "exp-002-odd-names"
    (logs / "exp-002-odd-names").rename(logs / "moved")
    assert brought(import_tensorboard(open_workspace(other), logs)) == ((), 3)


def test_runs_come_back_from_wandb_as_they_were(repo: Path, other: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wandb"
    export_wandb(open_workspace(repo), folder)
    done = import_wandb(open_workspace(other), folder)
    assert brought(done) == (("exp-001", "exp-002", "exp-003"), 0)
    for number in (1, 2, 3):
        assert known(other, str(number)) == known(repo, str(number))
    facts = [show(open_workspace(other), str(number)).run for number in (1, 2, 3)]
    assert [(run["name"], run["parent"], run["exit_code"], run["command"]) for run in facts] == [
        ("Many, of them", None, 0, ["train"]),
        ("odd names", "exp-001", 1, ["train"]),
        ("long", None, 255, ["train"]),
    ]
    assert brought(import_wandb(open_workspace(other), folder)) == ((), 3)


def test_an_export_is_not_imported_beside_the_runs_that_it_is_of(repo: Path, tmp_path: Path) -> None:
    gxt(repo, "export", "tensorboard", str(tmp_path / "logs"), "exp-001")
    gxt(repo, "export", "wandb", str(tmp_path / "wandb"), "exp-001")
    for kind, name in (("logs", "exp-001-many-of-them"), ("wandb", "Many, of them")):
        done = gxt(repo, "import", "tensorboard" if kind == "logs" else kind, str(tmp_path / kind))
        assert done.stdout == f"from {tmp_path / kind}: no run\n"
        assert done.stderr == f"gxt: left out: {name}: the run that it comes from is here\n"


# --- what the libraries have written ---------------------------------------------------------------------

WRITES_BOARDS = """
from tensorboardX import SummaryWriter
for place, at in (("", 0), ("a/train", 1), ("a/val", 2)):
    writer = SummaryWriter(f"logs/{place}")
    for step in range(3):
        writer.add_scalar("loss", 0.1 * step + at, step * 10, walltime=1_700_000_000 + step + at / 8)
    if place == "a/train":
        writer.add_hparams({"lr": 0.1, "optimizer.name": "adam", "a b": True}, {"best": 0.5})
    writer.close()
"""
WRITES_WANDB = """
import wandb
for seed in (0, 1):
    with wandb.init(
        project="p", id=f"run{seed}", name=f"try {seed}", group="try", notes="why not", tags=["a", "b c"],
        config={"lr": 0.1, "seed": seed, "model": {"type": "mlp"}, "_target_": "x.Y"}, mode="offline",
    ) as run:
        for step in range(3):
            run.log({"loss": 0.1 * step, "val/acc": float("nan"), "n": {"deep": step}}, step=step * 10)
        run.summary["best"] = 0.75
        run.log({"sample": wandb.Image("i.png")})
try:
    with wandb.init(project="p", id="broken", name="broken", group="other", job_type="eval", mode="offline"):
        raise ValueError
except ValueError:
    pass
"""


def wrote(folder: Path, script: str, home: Path) -> Path:
    """What a script has left behind."""
    env = {**os.environ, "HOME": str(home), "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
    subprocess.run([sys.executable, "-c", script], cwd=folder, env=env, check=True, capture_output=True)
    return folder


def test_folders_with_event_files_are_runs(other: Path, tmp_path: Path) -> None:
    logs = wrote(tmp_path, WRITES_BOARDS, tmp_path) / "logs"
    shutil.copytree(logs / "a" / "val", logs / "copy" / "val")
    (logs / "empty").mkdir()
    (logs / "empty" / "events.out.tfevents.1.h").write_bytes(b"")
    done = gxt(other, "import", "tensorboard", str(logs))
    assert done.stdout == f"from {logs}: 3 runs (exp-001, exp-002, exp-003)\n"
    told = ("copy/val: it is a copy of a/val", "empty: it has no scalars")
    assert sorted(done.stderr.splitlines()) == [f"gxt: left out: {text}" for text in told]
    found = {run["name"]: run for run in data(other, "list")}
    assert {name: (run["params"], run["metrics"], run["status"]) for name, run in found.items()} == {
        "logs": ({}, {"loss": 0.2}, "completed"),
        "a/train": (
            {"lr": 0.1, "optimizer": {"name": "adam"}, "a b": True},
            {"loss": 1.2, "best": 0.5},
            "completed",
        ),
        "a/val": ({}, {"loss": 2.2}, "completed"),
    }
    series = show(open_workspace(other), found["a/val"]["id"], series=True).series["loss"]
    assert (list(series.step), list(series.value)) == ([0, 10, 20], [2.0, 2.1, 2.2])
    assert list(series.time_us) == [1_700_000_000_250_000 + step * 1_000_000 for step in range(3)]
    again = gxt(other, "import", "tensorboard", str(logs / "a"))
    assert again.stdout == f"from {logs / 'a'}: 2 runs here already\n"
    (file,) = (logs / "a" / "val").iterdir()
    file.write_bytes(file.read_bytes() + b"".join(scalars([(1_700_000_009_000_000, 30, {"loss": 0.5})])))
    again = gxt(other, "import", "tensorboard", str(logs / "a" / "val"))
    id_ = found["a/val"]["id"]
    assert again.stderr == f"gxt: {id_} has gone on there since it came: it stays here as it came\n"


def test_a_pipe_among_event_files_is_none(other: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events.out.tfevents.1.host")
    (tmp_path / "events.out.tfevents.2.host").write_bytes(b"".join(scalars([(1_000_000, -3, {"loss": 0.5})])))
    assert brought(import_tensorboard(open_workspace(other), tmp_path)) == (("exp-001",), 0)
    assert known(other, "1")[1]["loss"].step.tolist() == [-3]


def test_folders_too_deep_to_walk_through_are_told(
    other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "deep"
    top.mkdir()
    monkeypatch.chdir(top)
    for _ in range(1100):
        Path("a").mkdir()
        os.chdir("a")
    monkeypatch.chdir(tmp_path)
    # since 3.12 `os.walk` needs no stack, and macOS has no paths of that length
    needs_stack = sys.version_info < (3, 12) and sys.platform == "linux"
    told = gxt(other, "import", "tensorboard", str(top), code=1 if needs_stack else 2).stderr
    deep, none = (
        "folders lie too deep in each other there",
        f"{top} has no event files, nor has a folder in it",
    )
    assert told.startswith(f"gxt: {deep if needs_stack else none}\n")
    subprocess.run(["rm", "-rf", str(top)], check=True)


def test_a_folder_of_wandb_holds_runs(other: Path, tmp_path: Path) -> None:
    (tmp_path / "i.png").write_bytes(PNG)
    wrote(tmp_path, WRITES_WANDB, tmp_path)
    done = gxt(other, "import", "wandb", str(tmp_path))
    assert done.stdout == f"from {tmp_path}: 3 runs (exp-001, exp-002, exp-003)\n"
    assert done.stderr == ""
    runs = {run["name"]: run for run in data(other, "list")}
    first, broken = data(other, "show", "exp-001"), data(other, "show", "exp-003")
    assert first["params"] == {"lr": 0.1, "seed": 0, "model": {"type": "mlp"}, "_target_": "x.Y"}
    assert first["metrics"] == {"loss": 0.2, "val/acc": "NaN", "n/deep": 2, "best": 0.75}
    assert first["metric_stats"]["loss"]["max_step"] == 20
    assert (first["name"], first["tags"], first["status"], first["exit_code"]) == (
        *("try 0", ["a", "b c"], "completed", 0),
    )
    assert [one["text"] for one in first["comments"]] == ["why not"]
    assert [(one["kind"], one["name"].split("_")[0]) for one in first["artifacts"]] == [
        ("image", "media/images/sample")
    ]
    assert 0 < first["duration_s"] < 60
    assert (broken["status"], broken["exit_code"], broken["tags"], broken["group"]) == (
        *("failed", 1, ["group=other", "job_type=eval"], None),
    )
    assert runs["try 0"]["group"] == runs["try 1"]["group"] != None  # noqa: E711
    again = gxt(other, "import", "wandb", str(tmp_path / "wandb"))
    assert again.stdout == f"from {tmp_path / 'wandb'}: 3 runs here already\n"


def test_a_run_of_wandb_that_may_be_running_is_left_for_later(other: Path, tmp_path: Path) -> None:
    log = tmp_path / "wandb" / "run-20260101_000000-abc" / "run-abc.wandb"
    log.parent.mkdir(parents=True)
    said = Said("abc", "p", "alive", "", "", (), "", {}, "", 1_700_000_000_000_000)
    rows = [(1_700_000_001_000_000, 3, {"loss": 0.5})]
    records = [wandb_file.run(said), *wandb_file.history(rows, said.started_us, counts=False)]
    log.write_bytes(wandb_file.log(records))
    done = gxt(other, "import", "wandb", str(log.parent))
    assert done.stderr == "gxt: left out: alive may be running: import it again when it has ended\n"
    os.utime(log, (1_700_000_000, 1_700_000_000))
    gxt(other, "import", "wandb", str(log))
    run = data(other, "show", "exp-001")
    assert (run["status"], run["exit_code"], run["metrics"], run["duration_s"]) == (
        *("interrupted", None, {"loss": 0.5}, 1.0),
    )


def test_odd_values_of_one_run_cost_the_others_nothing(other: Path, tmp_path: Path) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"a": deep}
    for id_, config, summary in (
        ("one", {"lr": inf}, {"_runtime": nan}),
        ("two", deep, {"_runtime": inf}),
        ("three", deep, {"_runtime": 10**400}),
    ):
        log = tmp_path / f"run-1-{id_}" / f"run-{id_}.wandb"
        log.parent.mkdir()
        said = Said(id_, "p", id_, "", "repeats", (), "", config, "", 1_700_000_000_000_000)
        records = [wandb_file.run(said), wandb_file.summary(summary), wandb_file.ended(0, 1.0)]
        log.write_bytes(wandb_file.log(records))
    done = gxt(other, "import", "wandb", str(tmp_path))
    deeper = "the parameters are nested too deep: more than 64 levels, or in a circle"
    assert done.stderr == f"gxt: left out: three: {deeper}\ngxt: left out: two: {deeper}\n"
    (run,) = data(other, "list")
    assert (run["name"], run["params"], run["duration_s"]) == ("one", {"lr": "Infinity"}, 0.0)


def test_a_run_that_wandb_has_resumed_is_one(other: Path, tmp_path: Path) -> None:
    for at, step in ((1_700_000_000, 0), (1_700_000_100, 1)):
        log = tmp_path / f"run-{at}-abc" / "run-abc.wandb"
        log.parent.mkdir()
        said = Said("abc", "p", f"from {at}", "", "", (), "", {"step": step}, "", at * 1_000_000)
        rows = [(at * 1_000_000 + 5, step, {"loss": 0.5 + step})]
        records = [wandb_file.run(said), *wandb_file.history(rows, said.started_us, counts=False)]
        log.write_bytes(wandb_file.log([*records, wandb_file.ended(0, 1.0)]))
    shutil.copytree(log.parent, tmp_path / "saved")
    done = gxt(other, "import", "wandb", str(tmp_path))
    assert done.stderr == "gxt: left out: saved: it is a copy of run-1700000100-abc\n"
    (run,) = data(other, "list")
    assert (run["name"], run["params"], run["duration_s"]) == ("from 1700000100", {"step": 1}, 100.000005)
    series = show(open_workspace(other), "1", series=True).series["loss"]
    assert (list(series.step), list(series.value)) == ([0, 1], [0.5, 1.5])


@pytest.mark.parametrize("kind", ["tensorboard", "wandb"])
def test_a_folder_without_runs_is_refused(other: Path, tmp_path: Path, kind: str) -> None:
    for words in ([str(tmp_path / "none")], [str(other)], [], ["a", "b"]):
        done = gxt(other, "import", kind, *words, code=2)
        assert f"gxt import {kind} " in done.stderr or "name the folder above them" in done.stderr


def test_a_file_that_is_no_run_of_wandb_is_refused(other: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    done = gxt(other, "import", "wandb", str(tmp_path / "notes.txt"), code=2)
    assert f"{tmp_path / 'notes.txt'} holds no run of W&B's" in done.stderr
