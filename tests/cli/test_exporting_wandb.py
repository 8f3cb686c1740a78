"""`gxt export wandb`: W&B's own tools find what was logged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf, nan
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from gxt.capture.loggers.protobuf import fields, inner, text
from gxt.capture.loggers.wandb import RUN, WandbReader
from gxt.model.ids import new_uid
from gxt.ops.export_tensorboard import export_tensorboard
from gxt.ops.export_wandb import export_wandb
from gxt.ops.workspace import open_workspace
from gxt.render.run_page import page
from gxt.store import journal
from tests.cli.scratch import new_repository
from tests.conftest import gxt
from tests.integration.test_live_runs import UID, started
from tests.with_series import BEGAN_MS, Made, write_runs

ID = new_uid(BEGAN_MS, bytes(10)).lower()
LOG = Path(f"offline-run-20231114_221320-{ID}", f"run-{ID}.wandb")
BEGAN = BEGAN_MS / 1000


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "study")


def records(path: Path) -> list[dict[str, Any]]:
    """What W&B itself reads from a log."""
    words = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
    env = {**os.environ, "WANDB_ERROR_REPORTING": "false"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
    return [json.loads(line) for line in done.stdout.splitlines()]


def records_of(log: Path) -> list[tuple[int, int | bytes]]:
    """The records of a log, by kind."""
    reader = WandbReader()
    reader.feed(log.read_bytes())
    return list(reader.told)


def of_kind(found: list[dict[str, Any]], kind: str) -> list[Any]:
    return [one[kind] for one in found if one["type"] == kind]


def row(position: int, step: int, values: dict[str, object]) -> dict[str, Any]:
    """A row of the history; its step as W&B counts it, and second by second the time."""
    own = {"_step": position, "_runtime": step, "_timestamp": BEGAN + step}
    return {"item": {**values, **own}, "step": {"num": position}}


def test_a_run_is_an_offline_run_of_wandb(repo: Path, tmp_path: Path) -> None:
    params = {"lr": 0.1, "model": {"type": "mlp", "sizes": [1, 2]}, "long": "x" * 100_000, "none": None}
    run = Made(
        {"train/loss": [0.1, 1 / 3, nan], "val/acc": [inf, -inf, 1e-300]},
        name="Many, of them",
        params=params,
        group="01HF7YAT00000000000000GRUP",
        evals=[{"name": "test", "values": {"acc": 0.75}}],
        steps={"val/acc": [0, 2, 4], "train/loss": [0, 2, 4]},
    )
    write_runs(repo, [run])
    assert gxt(repo, "export", "wandb", str(tmp_path / "wandb")).stdout == f"1 run in {tmp_path / 'wandb'}\n"
    found = records(tmp_path / "wandb" / LOG)
    assert [one["num"] for one in found] == list(range(1, len(found) + 1))
    (said,) = of_kind(found, "run")
    about = {"id": "exp-001", "uid": ID.upper(), "parent": None, "status": "completed", "duration_s": 1.0}
    assert said == {
        "config": {"update": {"gxt": about, **params}},
        "display_name": "Many, of them",
        "git": said["git"],
        "host": "h",
        "project": "study",
        "run_group": "Many, of them 00grup",
        "run_id": ID,
        "start_time": "2023-11-14T22:13:20Z",
    }
    assert of_kind(found, "history") == [
        row(0, 0, {"train/loss": 0.1, "val/acc": "Infinity"}),
        row(2, 2, {"train/loss": 1 / 3, "val/acc": "-Infinity"}),
        row(4, 4, {"train/loss": "NaN", "val/acc": 1e-300}),
    ]
    summary = {"train/loss": "NaN", "val/acc": 1e-300, "evals": {"test": {"acc": 0.75}}, "_runtime": 1}
    assert of_kind(found, "summary") == [{"update": summary}]
    assert of_kind(found, "exit") == [{"exit_code": 0, "runtime": 1}]
    assert of_kind(found, "metric") == []


def test_steps_that_wandb_cannot_have_are_a_metric_that_the_charts_count_by(
    repo: Path, tmp_path: Path
) -> None:
    write_runs(repo, [Made({"a": [1.0, 2.0], "b": [3.0]}, steps={"a": [5, 3]}, status="interrupted")])
    gxt(repo, "export", "wandb", str(tmp_path / "wandb"))
    found = records(tmp_path / "wandb" / LOG)
    options = {"options": {"defined": True}}
    assert of_kind(found, "metric") == [
        {"name": "gxt/step", **options},
        *({"name": name, "step_metric": "gxt/step", **options} for name in ("b", "a")),
    ]
    assert of_kind(found, "history") == [
        row(0, 0, {"b": 3, "gxt/step": 0}),
        row(1, 5, {"a": 1, "gxt/step": 5}),
        row(2, 3, {"a": 2, "gxt/step": 3}),
    ]
    assert of_kind(found, "exit") == [{"exit_code": 255, "runtime": 1}]


def test_again_brings_it_up_to_date(repo: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        gxt(repo, "run", "-q", "--parent", "none", "--name", name, "--", "true")
    folder = tmp_path / "wandb"

    def export() -> tuple[int, int]:
        done = export_wandb(open_workspace(repo), folder)
        return len(done.written), len(done.unchanged)

    assert export() == (2, 0)
    assert export() == (0, 2)
    names = sorted(path.name for path in folder.iterdir())
    logs = sorted(folder.glob("*/run-*.wandb"))
    for log in logs:  # as `wandb sync` leaves them
        log.with_name(f"{log.name}.synced").touch()
    gxt(repo, "tag", "exp-001", "kept")
    gxt(repo, "note", "exp-001", "said since")
    assert export() == (1, 1)
    (run,) = (inner(one) for log in logs[:1] for number, one in records_of(log) if number == RUN)
    assert [text(one) for number, one in fields(run) if number in (8, 9, 10)] == ["one", "said since", "kept"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert [log.with_name(f"{log.name}.synced").exists() for log in logs] == [False, True]


class Uploads(BaseHTTPRequestHandler):
    """Stands in for W&B's server, as far as `wandb sync` asks it; keeps what it is told."""

    told: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.told.append(said)
        name = said.get("variables", {}).get("name")
        project = {"id": "p", "name": "study", "entity": {"id": "e", "name": "ada"}}
        bucket = {"id": "b", "name": name, "config": "{}", "project": project, "historyLineCount": 0}
        found = {"upsertBucket": {"bucket": bucket, "inserted": True}} if name else {}
        answer = json.dumps({"data": found}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 its name there
        """Say nothing."""


@pytest.fixture
def uploads() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The server's URL, and what it will have been told."""
    Uploads.told.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Uploads) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", Uploads.told
        server.shutdown()
        thread.join()


def test_wandb_sync_uploads_it(repo: Path, tmp_path: Path, uploads: tuple[str, list[dict[str, Any]]]) -> None:
    write_runs(repo, [Made({"loss": [0.5, nan, 0.1]}, name="one", params={"lr": 0.1}, status="failed")])
    gxt(repo, "export", "wandb", str(tmp_path / "wandb"))
    url, told = uploads
    env = {**os.environ, "WANDB_BASE_URL": url, "WANDB_API_KEY": "a" * 40, "WANDB_ERROR_REPORTING": "false"}
    words = [sys.executable, "-m", "wandb", "sync", str((tmp_path / "wandb" / LOG).parent)]
    done = subprocess.run(words, capture_output=True, text=True, env=env, check=True, cwd=tmp_path)
    assert "Finished syncing" in done.stderr, done.stderr
    assert (tmp_path / "wandb" / f"{LOG}.synced").exists()
    first = next(one["variables"] for one in told if "variables" in one)
    about = {"id": "exp-001", "uid": ID.upper(), "parent": None, "status": "failed", "duration_s": 1.0}
    config = json.loads(first["config"])
    assert {key: config[key]["value"] for key in ("gxt", "lr")} == {"gxt": about, "lr": 0.1}
    assert (first["name"], first["project"], first["displayName"]) == (ID, "study", "one")
    streams = [one for one in told if "files" in one]
    lines = [
        line for one in streams for line in one["files"].get("wandb-history.jsonl", {}).get("content", [])
    ]
    rows = [json.loads(line) for line in lines]
    assert [(one["_step"], one["_timestamp"], repr(one["loss"])) for one in rows] == [
        *((0, BEGAN, "0.5"), (1, BEGAN + 1, "nan"), (2, BEGAN + 2, "0.1")),
    ]
    assert [one["exitcode"] for one in told if one.get("complete")] == [1]


def test_a_running_run_is_left_out(repo: Path, tmp_path: Path) -> None:
    gxt(repo, "run", "-q", "--", "true")
    path = repo / ".git/gxt/live" / UID
    path.mkdir(parents=True)
    (path / journal.NUMBER).write_text("7\n")
    (path / journal.JOURNAL).write_text(f"{started()}\n")
    for export in (export_wandb, partial(export_tensorboard, page=page)):
        done = export(open_workspace(repo), tmp_path / "out")
        assert (len(done.written), done.notices) == (1, ("exp-007 is running, and left out",))


@pytest.mark.parametrize(
    ("words", "message"), [([], "and none is named"), (["out", "-o", "x"], "not into -o")]
)
def test_it_wants_a_folder(repo: Path, words: list[str], message: str) -> None:
    done = gxt(repo, "export", "wandb", *words, code=2)
    assert done.stderr.startswith(f"gxt: gxt export wandb writes into a folder, {message}")
    (repo / "file").touch()
    done = gxt(repo, "export", "wandb", "file", code=2)
    assert done.stderr == "gxt: file is a file\n     name a folder\n"
