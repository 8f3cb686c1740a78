"""`gxt export mlflow`: read back by MLflow's client from its own server, and seen in its UI."""

from __future__ import annotations

import math
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxt.errors import GxtError, RemoteFailed, UsageError
from gxt.model.ids import run_path
from gxt.model.mlflow_form import label_tags, mlflow_names
from gxt.ops.export_mlflow import Sent, export_mlflow
from gxt.ops.mlflow_store import mlflow_place
from gxt.ops.workspace import open_workspace
from gxt.store import journal
from tests.conftest import data, git, gxt
from tests.integration.test_live_runs import UID, started
from tests.servers import WAIT_S
from tests.with_series import BEGAN_MS, Made, write_runs

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, of what it is built on

TRAIN = """
import math, sys
import gxt

rate = float(sys.argv[1])
gxt.init({"lr": rate, "model": {"type": "mlp", "b.c": None}, "long": "x" * 7000, "on": True, "sizes": [1, 2]})
for step in range(3):
    gxt.log({"train/loss": 1 / (step + 1), "acc (%)": rate * step}, step=step * 10)
gxt.log({"odd": math.nan}, step=1)
gxt.log({"odd": -math.inf}, step=2)
gxt.log({"odd": math.inf}, step=3)
open("model.pt", "w").write(f"weights {rate}")
gxt.log_model("model.pt")
"""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
REFUSED = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
LARGEST = 1.7976931348623157e308  # what a database of MLflow has for infinity


class Server(NamedTuple):
    """MLflow's, with a client for it."""

    url: str
    client: Any
    database: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, one from the other, and one that failed; nobody writes to it."""
    home = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        (home / ".gitconfig").write_text("[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n")
        repo = home / "my lab"
        git(home, "init", "-q", "-b", "main", str(repo))
        (repo / ".gitignore").write_text("*.pt\n")
        (repo / "train.py").write_text(TRAIN)
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", "first")
        labels = ("--tag", "good", "--tag", "team=a=b", "--tag", "mlflow.user=eve")
        train = ("--", sys.executable, "train.py")
        gxt(repo, "run", "-q", "--name", "MLP tiny", *labels, "-m", "A *first* one", *train, "0.1")
        gxt(repo, "run", "-q", "--hypothesis", "Faster is better", *train, "0.2")
        gxt(repo, "run", "-q", "--", "false", code=1)
        gxt(repo, "eval", "1", "--name", "final", "--step", "20", "elo=1500", "games.won=3", "by=Bob")
        gxt(repo, "note", "2", "Look again")
    return repo


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """MLflow's tracking server as its own application, in a thread: to start its command takes 7 s."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            patch.delenv(name)
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_TRACKING_URI", "")  # the server sets it, and nobody else may find it
        from mlflow import server as application
        from mlflow.tracking import MlflowClient
        from werkzeug.serving import make_server

        database = folder / "mlflow.db"
        patch.setenv(application.BACKEND_STORE_URI_ENV_VAR, f"sqlite:///{database}")
        patch.setenv(application.ARTIFACT_ROOT_ENV_VAR, "mlflow-artifacts:/")
        patch.setenv(application.ARTIFACTS_DESTINATION_ENV_VAR, str(folder / "artifacts"))
        patch.setenv(application.SERVE_ARTIFACTS_ENV_VAR, "true")
        served = make_server("127.0.0.1", 0, application.app, threaded=True)
        thread = threading.Thread(target=served.serve_forever, args=(0.02,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{served.server_port}"
            yield Server(url, MlflowClient(tracking_uri=url), database)
        finally:
            served.shutdown()
            thread.join(WAIT_S)
            served.server_close()


@pytest.fixture
def mine(lab: Path, tmp_path: Path) -> Path:
    """The lab to write to."""
    shutil.copytree(lab, tmp_path / "my lab", symlinks=True)
    return tmp_path / "my lab"


def export(repo: Path, where: str, *refs: str, picture: bool = False, **options: str) -> Sent:
    drawing = (lambda _series, _main, title: f"drawn for {title}".encode()) if picture else None
    return export_mlflow(open_workspace(repo), where, refs, picture=drawing, **options)


def there(server: Server, experiment: str = "my lab") -> dict[str, Any]:
    """The runs of an experiment, by what gxt calls them."""
    found = server.client.get_experiment_by_name(experiment)
    return {run.data.tags["gxt.id"]: run for run in server.client.search_runs([found.experiment_id])}


def points(server: Server, run: Any, name: str) -> list[tuple[int, float]]:  # noqa: ANN401 MLflow's run
    history = server.client.get_metric_history(run.info.run_id, name)
    return sorted((one.step, one.value) for one in history)


def ms(text: str) -> int:
    return (datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // timedelta(milliseconds=1)


@pytest.fixture(scope="module")
def sent(lab: Path, server: Server) -> Sent:
    """The lab is there."""
    return export(lab, server.url, picture=True)


def test_runs_are_there_as_they_were(lab: Path, server: Server, sent: Sent) -> None:
    assert sent == Sent(
        *(server.url, "my lab", ("exp-001", "exp-002", "exp-003")),
        notices=(
            "exp-001, exp-002: called otherwise there: acc (%)",
            "exp-001, exp-002: cut to 6000 characters: long",
        ),
    )
    known, runs = data(lab, "show", "1"), there(server)
    run, child, failed = (runs[f"exp-00{number}"] for number in (1, 2, 3))
    assert (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time) == (
        *("MLP tiny", "FINISHED", ms(known["created"])),
        ms(known["created"]) + round(known["duration_s"] * 1000),
    )
    assert (child.info.status, failed.info.status, failed.info.run_name) == ("FINISHED", "FAILED", "false")
    assert run.data.params == {
        "lr": "0.1",
        "model.type": "mlp",
        "model.b.c": "None",
        "on": "True",
        "sizes": "[1, 2]",
        "long": "x" * 5999 + "…",
    }
    assert {key: value for key, value in run.data.tags.items() if key != "gxt.sent"} == {
        "good": "true",
        "team": "a=b",
        "tag.mlflow.user": "eve",
        "mlflow.runName": "MLP tiny",
        "mlflow.user": "Ada Lovelace",
        "mlflow.source.name": f"{sys.executable} train.py 0.1",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": git(lab, "rev-parse", "HEAD"),
        "mlflow.source.git.branch": "main",
        "mlflow.note.content": "A *first* one",
        "gxt.uid": known["uid"],
        "gxt.id": "exp-001",
        "gxt.commit": known["commit"],
        "gxt.tags": '["good", "team=a=b", "mlflow.user=eve"]',
    }
    assert child.data.tags["mlflow.parentRunId"] == run.info.run_id
    note = child.data.tags["mlflow.note.content"]
    assert note.startswith("**Hypothesis:** Faster is better\n\n**Note** (Ada Lovelace, 20")
    assert note.endswith("): Look again")


def test_every_point_is_there_at_its_step_and_time(lab: Path, server: Server, sent: Sent) -> None:
    run, shown = there(server)["exp-001"], data(lab, "show", "1", "--series")
    columns = [shown["series"]["train/loss"][key] for key in ("step", "value", "time")]
    loss = server.client.get_metric_history(run.info.run_id, "train/loss")
    assert [(one.step, one.value, one.timestamp) for one in loss] == [
        (step, value, ms(at)) for step, value, at in zip(*columns, strict=True)
    ]
    assert points(server, run, "acc ___") == [(0, 0.0), (10, 0.1), (20, 0.2)]
    odd = points(server, run, "odd")
    assert (math.isnan(odd[0][1]), odd[1:]) == (True, [(2, -LARGEST), (3, LARGEST)])
    assert {name for name in run.data.metrics if not name.startswith("system/")} == {
        *("train/loss", "acc ___", "odd", "final/elo", "final/games/won"),
    }
    assert points(server, run, "final/elo") == [(20, 1500.0)]
    assert points(server, run, "final/games/won") == [(20, 3.0)]


def test_outputs_and_a_picture_are_its_artifacts(server: Server, sent: Sent, tmp_path: Path) -> None:
    run = there(server)["exp-002"]
    found = {one.path for one in server.client.list_artifacts(run.info.run_id)}
    assert found == {"learning_curve.png", "model_best.pt"}
    got = {
        name: Path(server.client.download_artifacts(run.info.run_id, name, str(tmp_path))) for name in found
    }
    assert got["model_best.pt"].read_text() == "weights 0.2"
    assert got["learning_curve.png"].read_text().startswith("drawn for ")


def test_what_is_there_is_not_sent_again(lab: Path, server: Server, sent: Sent) -> None:
    before = there(server)["exp-001"].to_dictionary()
    done = export(lab, server.url, picture=True)
    assert done == Sent(server.url, "my lab", unchanged=("exp-001", "exp-002", "exp-003"))
    assert there(server)["exp-001"].to_dictionary() == before
    assert server.client.get_experiment_by_name("my lab").experiment_id == "1"


def test_what_was_said_since_is_brought_up_to_date(mine: Path, server: Server) -> None:
    export(mine, server.url, "1", "2", experiment="said")
    gxt(mine, "tag", "1", "--remove", "good", "team=a=b")
    gxt(mine, "tag", "1", "fast")
    gxt(mine, "rename", "1", "Tiny")
    gxt(mine, "eval", "1", "--name", "final", "--step", "20", "elo=1600")
    done = export(mine, server.url, "1", "2", experiment="said")
    assert (done.new, done.updated, done.unchanged) == ((), ("exp-001",), ("exp-002",))
    run = there(server, "said")["exp-001"]
    assert run.info.run_name == "Tiny"
    assert {name: run.data.tags.get(name) for name in ("fast", "good", "team", "gxt.tags")} == {
        "fast": "true",
        "good": None,
        "team": None,
        "gxt.tags": '["mlflow.user=eve", "fast"]',
    }
    assert points(server, run, "final/elo") == [(20, 1500.0), (20, 1600.0)]
    assert run.data.metrics["final/elo"] == 1600
    assert len(points(server, run, "train/loss")) == 3


def test_an_export_that_was_cut_short_is_finished_and_nothing_is_there_twice(
    lab: Path, server: Server, sent: Sent
) -> None:
    from mlflow.entities import Metric, Param

    whole, client = there(server)["exp-001"], server.client
    cut = client.create_run(client.create_experiment("cut"), tags={"gxt.uid": whole.data.tags["gxt.uid"]})
    had = client.get_metric_history(whole.info.run_id, "train/loss")[:2]
    had += client.get_metric_history(whole.info.run_id, "odd")[:1]
    metrics = [Metric(one.key, one.value, one.timestamp, one.step) for one in had]
    client.log_batch(cut.info.run_id, metrics=metrics, params=[Param("lr", "0.1")])
    assert export(lab, server.url, "1", experiment="cut", picture=True).updated == ("exp-001",)
    run = there(server, "cut")["exp-001"]
    for name in whole.data.metrics:
        assert repr(points(server, run, name)) == repr(points(server, whole, name))
    assert (run.info.run_id, run.info.status, run.info.end_time) == (
        *(cut.info.run_id, "FINISHED", whole.info.end_time),
    )
    assert (run.data.params, run.data.tags) == (whole.data.params, whole.data.tags)
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == [
        "learning_curve.png",
        "model_best.pt",
    ]


def test_many_params_and_points_and_a_child_with_a_lower_number(repo: Path, server: Server) -> None:
    params = {f"p{number}": "ä" * 3000 for number in range(110)}
    losses = [1 / (step + 1) for step in range(1100)]
    write_runs(repo, [Made({"loss": losses}, "child", params, parent=1), *[Made(name="x")] * 10])
    assert len(export(repo, server.url).new) == 11  # more are looked for in another way
    runs = there(server, "repo")
    assert runs["exp-001"].data.tags["mlflow.parentRunId"] == runs["exp-002"].info.run_id
    assert runs["exp-001"].data.params == params
    history = server.client.get_metric_history(runs["exp-001"].info.run_id, "loss")
    assert [(one.step, one.value, one.timestamp) for one in history] == [
        (step, value, BEGAN_MS + 1000 * step) for step, value in enumerate(losses)
    ]
    done = export(repo, server.url)
    assert (done.new, done.updated, len(done.unchanged)) == ((), (), 11)


def test_a_run_that_cannot_be_read_is_left_out_and_leaves_nothing_there(repo: Path, server: Server) -> None:
    write_runs(repo, [Made({"loss": [1.0]}), Made({"loss": [2.0]})])
    head = "commit refs/gxt/experiments\ncommitter A <a@b.c> 1700000000 +0000\ndata 1\nd\n"
    broken = f"{head}from refs/gxt/experiments^0\nM 100644 inline {run_path(1)}/series\ndata 6\nbroken\n"
    git(repo, "fast-import", "--quiet", stdin=f"{broken}\ndone\n")
    done = export(repo, server.url, experiment="damaged")
    assert done.new == ("exp-002",)
    assert [one.partition(": ")[0] for one in done.notices] == ["exp-001 is left out"]
    assert list(there(server, "damaged")) == ["exp-002"]


def test_files_that_cannot_be_stored_are_said_and_sent_later(
    lab: Path, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file where a folder must be")
    server.client.create_experiment("elsewhere", artifact_location=(tmp_path / "taken").as_uri())
    done = export(lab, server.url, "2", experiment="elsewhere")
    assert done.new == ("exp-002",)
    assert done.notices[1].startswith("exp-002: files could not be stored there: ")
    assert there(server, "elsewhere")["exp-002"].info.status == "FINISHED"
    (tmp_path / "taken").unlink()
    assert export(lab, server.url, "2", experiment="elsewhere").updated == ("exp-002",)
    assert [path.name for path in tmp_path.rglob("*.pt")] == ["model_best.pt"]


def test_a_running_run_is_left_out(mine: Path, server: Server) -> None:
    path = mine / ".git/gxt/live" / UID
    path.mkdir(parents=True)
    (path / journal.NUMBER).write_text("7\n")
    (path / journal.JOURNAL).write_text(f"{started()}\n")
    done = export_mlflow(
        open_workspace(mine), server.url, (), "status in ('running', 'failed')", experiment="x"
    )
    assert (done.new, done.notices) == (("exp-003",), ("exp-007 is running, and left out",))


@given(st.lists(st.text(max_size=300), unique=True, max_size=5))
@settings(max_examples=50, deadline=None)
def test_whatever_a_name_is_mlflow_takes_what_becomes_of_it(names: list[str]) -> None:
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag_name

    given_names = mlflow_names(names)
    assert (list(given_names), len(set(given_names.values()))) == (names, len(names))
    for name in given_names.values():
        assert len(name) <= 250
        for validate in (_validate_metric_name, _validate_param_name, _validate_tag_name):
            validate(name)


def test_names_that_mlflow_takes_stay_as_they_are() -> None:
    strange = ["a//b", "../a", "/a", ".", "", "a?", "a_", "x" * 251, "x" * 252]
    assert list(mlflow_names(["train/loss", "größe", "a b:c-d.e_f", *strange]).values()) == [
        *("train/loss", "größe", "a b:c-d.e_f"),
        *("a/_/b", "_/a", "_/a.2", "_", "_.2", "a_", "a_.2", "x" * 250, "x" * 242 + ".2"),
    ]


def test_labels_become_tags_that_are_not_taken_for_others() -> None:
    assert label_tags(["good", "team=a=b", "=x", "mlflow.user=eve", "gxt.uid", "a (b)", "é/"]) == {
        "good": "true",
        "team": "a=b",
        "_x": "true",
        "tag.mlflow.user": "eve",
        "tag.gxt.uid": "true",
        "a _b_": "true",
        "é/_": "true",
    }


# --- local stores ----------------------------------------------------------------------------------------


def test_a_folder_becomes_a_local_store_whose_files_are_in_it(
    lab: Path, server: Server, sent: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a store").mkdir()
    shutil.copy(server.database, tmp_path / "a store/mlflow.db")  # to make one takes a second
    monkeypatch.delenv("_MLFLOW_SERVER_ARTIFACT_ROOT")  # of the server, which is in this process
    monkeypatch.chdir(lab)
    done = export(lab, str(tmp_path / "a store"), "1", experiment="local")
    assert (done.place, done.new) == (str(tmp_path / "a store"), ("exp-001",))
    from mlflow.tracking import MlflowClient

    local = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/a store/mlflow.db")
    found = local.get_experiment_by_name("local")
    (run,) = local.search_runs([found.experiment_id])
    assert (run.info.run_name, run.data.params["lr"]) == ("MLP tiny", "0.1")
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(files) == [
        "a store/mlflow.db",
        f"a store/mlruns/{found.experiment_id}/{run.info.run_id}/artifacts/model_best.pt",
    ]
    assert git(lab, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("where", "uri"),
    [
        ("http://ada:pw@host:5000/x", "http://ada:pw@host:5000/x"),
        ("sqlite:///runs.db", "sqlite:///<here>/runs.db"),
        ("sqlite:////a/b c.db", "sqlite:////a/b c.db"),
        ("sub/runs.db", "sqlite:///<here>/sub/runs.db"),
        ("sub", "sqlite:///<here>/sub/mlflow.db"),
        ("file:///a/b%20c", "sqlite:////a/b c/mlflow.db"),
        ("old", "file://<here>/old"),
    ],
)
def test_a_server_a_database_or_a_folder_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, uri: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old/0").mkdir(parents=True)
    (tmp_path / "old/0/meta.yaml").write_text("name: Default\n")
    place = mlflow_place(where)
    assert place.uri.replace(str(tmp_path), "<here>") == uri
    assert place.shown == where.replace("ada:pw@", "")


@pytest.mark.parametrize("where", ["exp-001", "12", "@", "localhost:5000", "s3://x", "postgresql://h/db", ""])
def test_what_is_no_place_is_refused_before_anything_is_made(where: str) -> None:
    with pytest.raises(UsageError, match="is no place that MLflow keeps runs in"):
        mlflow_place(where)
    with pytest.raises(UsageError, match=r"^http://\[redacted\]@\[ is no URL: Invalid IPv6 URL"):
        mlflow_place("http://ada:hunter2@[")


# --- what may be wrong -----------------------------------------------------------------------------------


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A server that says one thing only, never MLflow's; 0: nothing at all, until it is over."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
            pass

        def do_GET(self) -> None:
            if status == 0:
                over.wait(WAIT_S)
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{served.server_port}"
        finally:
            over.set()
            served.shutdown()
            thread.join(WAIT_S)


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [
        (401, "it refuses you", REFUSED),
        (403, "it refuses you", REFUSED),
        (404, "what answers there is no MLflow server", "look at the address"),
        (200, "what answers there is no MLflow server", "look at the address"),
        (0, "it does not answer in time", "look whether it is up, then try again"),
    ],
)
def test_a_server_that_is_not_as_it_should_be(
    lab: Path, monkeypatch: pytest.MonkeyPatch, status: int, said: str, hint: str
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with answering(status) as host, pytest.raises(RemoteFailed) as raised:
        export(lab, f"http://ada:secret@{host}")
    assert (raised.value.message, raised.value.hint) == (f"MLflow (http://{host}): {said}", hint)


def test_where_nobody_answers_is_said_in_a_line(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with pytest.raises(RemoteFailed) as raised:
        export(lab, f"http://127.0.0.1:{free}")
    assert raised.value.message == f"MLflow (http://127.0.0.1:{free}): nobody answers there"
    assert raised.value.hint == "start it: mlflow server; or look at the address"


def test_an_experiment_that_was_deleted_is_not_made_anew(lab: Path, server: Server) -> None:
    id_ = server.client.create_experiment("gone")
    server.client.delete_experiment(id_)
    with pytest.raises(GxtError, match=f"mlflow experiments restore -x {id_}"):
        export(lab, server.url, experiment="gone")


@pytest.mark.parametrize(
    ("version", "said", "hint"),
    [
        ("ffffffffffff", "it was made by a newer MLflow", "pip install -U mlflow-skinny"),
        ("451aebb31d03", "it was made by an older MLflow", "keep a copy, then: mlflow db upgrade sqlite:///"),
    ],
)
def test_a_database_of_another_mlflow_is_left_alone(
    lab: Path, server: Server, tmp_path: Path, version: str, said: str, hint: str
) -> None:
    server.client.search_experiments()  # which makes the database
    shutil.copy(server.database, tmp_path / "mlflow.db")
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.close()
    before = (tmp_path / "mlflow.db").read_bytes()
    with pytest.raises(RemoteFailed) as raised:
        export(lab, str(tmp_path))
    assert raised.value.message == f"MLflow ({tmp_path}): {said}"
    assert raised.value.hint.startswith(hint)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_files_that_are_no_store_are_left_alone(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are my notes")
    with pytest.raises(RemoteFailed, match="this file is no database"):
        export(lab, str(tmp_path / "notes.txt"))
    assert (tmp_path / "notes.txt").read_text() == "these are my notes"
    (tmp_path / "mlruns/0").mkdir(parents=True)
    (tmp_path / "mlruns/0/meta.yaml").write_text("name: Default\n")
    with pytest.raises(RemoteFailed, match=r"it holds files of an old MLflow.*mlflow migrate-filestore"):
        export(lab, str(tmp_path / "mlruns"))


@pytest.mark.parametrize("where", ["sqlite:////proc/self/new/mlflow.db", "/dev/null/x"])
def test_a_store_that_cannot_be_written_is_said(lab: Path, where: str) -> None:
    with pytest.raises(RemoteFailed, match=r"it cannot be written: .*name a folder of your own"):
        export(lab, where)


def test_without_mlflow_the_error_names_what_to_install(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as if it were not there
    with pytest.raises(GxtError, match=r"MLflow's client is not installed \(pip install 'gxt\[mlflow\]'\)"):
        export(lab, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mlflow"], "runs go to an MLflow server or store, and none is named"),
        (["mlflow", "x", "-o", "y"], "runs go to an MLflow server or store, and none is named"),
        (["csv", "--experiment", "x"], "--experiment is MLflow's, not of csv"),
    ],
)
def test_words_that_make_no_sense_are_said(
    lab: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    from gxt.cli import main

    monkeypatch.chdir(lab)
    assert main._run(["export", *words]) == 2
    assert said in capsys.readouterr().err


# --- with its own command and its UI ---------------------------------------------------------------------


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """`mlflow server` on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "files")]
    env = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, start_new_session=True
    )
    assert process.stdout is not None
    up, said = threading.Event(), []

    def listen(lines: Iterable[bytes]) -> None:
        for line in lines:
            said.append(line.decode())
            if b"Application startup complete" in line:
                up.set()
        up.set()

    reader = threading.Thread(target=listen, args=(process.stdout,))
    reader.start()
    try:
        assert up.wait(4 * WAIT_S), said
        assert process.poll() is None, said
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(WAIT_S)
        reader.join(WAIT_S)
        process.stdout.close()


def chromium() -> str:
    """The browser of this machine."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium")
    return found


@pytest.mark.long
def test_runs_are_seen_in_the_user_interface(lab: Path, tmp_path: Path) -> None:
    browser = chromium()
    from playwright.sync_api import sync_playwright

    with mlflow_server(tmp_path) as url:
        done = gxt(lab, "export", "mlflow", url)
        assert done.stdout == f"to {url}, experiment my lab: 3 runs (exp-001, exp-002, exp-003)\n"
        assert data(lab, "export", "mlflow", url, "1") == {
            "place": url,
            "experiment": "my lab",
            "new": [],
            "updated": [],
            "unchanged": ["exp-001"],
        }
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
            page.set_default_timeout(1000 * WAIT_S)
            page.goto(f"{url}/#/experiments/1/runs")
            page.get_by_text("MLP tiny").first.click()
            page.get_by_text("final/elo").first.wait_for()
            seen = page.inner_text("body").split("\n")
            page.get_by_text("Artifacts", exact=True).first.click()
            page.get_by_text("learning_curve.png").first.click()
            page.locator("img[src^=blob]").first.wait_for()
            page.screenshot(path=tmp_path / "seen.png")
    for name, value in (("lr", "0.1"), ("model.type", "mlp"), ("train/loss", "0.3333333333333333")):
        assert seen[seen.index(name) + 1] == value
    assert {"MLP tiny", "A first one", "Ada Lovelace", "Finished"} <= set(seen)
