"""`gxt import mlflow`: what MLflow itself has written, into a database, into files, behind its server."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from gxt.ops.foreign import foreign_uid
from tests.conftest import data, git, gxt

WAIT_S = 60.0
UID = "01JGXT0000000000000000000A"

WRITER = """
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient

Path("weights.pt").write_text("weights")
for uri in sys.argv[1:]:
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("resnet")
    with mlflow.start_run(run_name="sweep", description="all of them") as outer:
        mlflow.log_params({"lr": 0.1, "model": "mlp", "sizes": [1, 2], "api_token": "hunter2hunter2"})
        mlflow.log_params({"opt.name": "sgd", "model.width": 4})
        mlflow.set_tag("team", "blue")
        for step in (0, 5):
            mlflow.log_metric("val/acc", step / 10, step=step, timestamp=1_700_000_000_000 + step)
        mlflow.log_metric("odd", float("nan"))
        mlflow.log_metric("most", float("inf"))
        mlflow.log_artifact("weights.pt")
        mlflow.log_text("text", "notes/a.txt")
        with mlflow.start_run(run_name="inner", nested=True):
            mlflow.log_metric("val/acc", 1.0, step=3)
    client = MlflowClient()
    experiment = outer.info.experiment_id
    model = client.create_logged_model(experiment, "net", source_run_id=outer.info.run_id)
    client.log_model_artifact(model.model_id, "weights.pt")
    client.finalize_logged_model(model.model_id, "READY")
    other = client.create_experiment("other")
    for name, status in (("killed", "KILLED"), ("failed", "FAILED"), ("deleted", "FINISHED")):
        run = client.create_run(other, run_name=name).info.run_id
        client.set_terminated(run, status)
        if name == "deleted":
            client.delete_run(run)
    client.create_run(other, run_name="going on")
"""


class Written(NamedTuple):
    """A repository whose script has logged to MLflow, and where."""

    repo: Path
    database: Path
    folder: Path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    repo = tmp_path_factory.mktemp("written") / "repo"
    repo.mkdir()
    (repo / "train.py").write_text(WRITER)
    (repo / ".gitignore").write_text("ml*\nweights.pt\n")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        who = ("-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, *words], cwd=repo, check=True)
    subprocess.run(
        [sys.executable, "train.py", "sqlite:///mlflow.db", "mlruns-files"],
        cwd=repo,
        check=True,
        capture_output=True,
        env={**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "LOGNAME": "grace"},
    )
    return Written(repo, repo / "mlflow.db", repo / "mlruns-files")


@pytest.fixture
def here(written: Written, tmp_path: Path) -> Path:
    """A clone of the repository that has no run yet."""
    git(tmp_path, "clone", "-q", str(written.repo), "here")
    return tmp_path / "here"


def by_name(repo: Path) -> dict[str, Any]:
    ids = [one["id"] for one in data(repo, "list")]
    return {run["name"]: run for run in (data(repo, "show", id_, "--series") for id_ in ids)}


@pytest.mark.parametrize("store", ["database", "folder"])
def test_runs_come_as_mlflow_has_them(written: Written, here: Path, store: str) -> None:
    place = str(getattr(written, store))
    done = gxt(here, "import", "mlflow", place)
    assert done.stdout == f"from {place}: 4 runs (exp-001, exp-002, exp-003, exp-004)\n"
    assert done.stderr == "gxt: left out: going on has not ended: import it again when it has\n"
    runs = by_name(here)
    sweep, inner = runs["sweep"], runs["inner"]
    facts = {
        "status": "completed",
        "parent": None,
        "params": {
            "lr": 0.1,
            "model": "mlp",
            "model.width": 4,  # in a mapping it would hide the model
            "opt": {"name": "sgd"},
            "sizes": [1, 2],
            "api_token": "[redacted]",
        },
        "metrics": {"val/acc": 0.5, "odd": "NaN", "most": "Infinity"},
        "tags": ["team=blue", "experiment=resnet"],
        "author": "grace",
        "command": ["train.py"],
    }
    assert {key: sweep[key] for key in facts} == facts
    assert sweep["code"]["head"] == git(here, "rev-parse", "HEAD")
    assert [one["text"] for one in sweep["comments"]] == ["all of them"]
    assert sweep["series"]["val/acc"] == {
        "step": [0, 5],
        "time": ["2023-11-14T22:13:20.000000Z", "2023-11-14T22:13:20.005000Z"],
        "value": [0.0, 0.5],
    }
    assert [(one["name"], one["size"], one["files"]) for one in sweep["artifacts"]] == [
        ("notes", 4, 1),
        ("weights.pt", 7, None),
        ("net", 7, 1),
    ]
    assert (inner["parent"], inner["series"]["val/acc"]["step"]) == (sweep["id"], [3])
    assert (runs["killed"]["status"], runs["failed"]["status"]) == ("interrupted", "failed")
    before = git(here, "for-each-ref")
    assert gxt(here, "import", "mlflow", place).stdout == f"from {place}: 4 runs here already\n"
    assert git(here, "for-each-ref") == before


def test_one_experiment_of_the_store_that_is_here(written: Written, tmp_path: Path) -> None:
    root = tmp_path / "moved"
    shutil.copytree(written.repo, root)
    moved = sqlite3.connect(root / "mlflow.db")
    moved.execute("UPDATE runs SET artifact_uri = replace(artifact_uri, ?, '/gone')", (str(written.repo),))
    moved.commit()
    moved.close()
    done = gxt(root, "import", "mlflow", "--experiment", "resnet")
    assert done.stdout == "from mlflow.db: 2 runs (exp-001, exp-002)\n"
    assert [one["name"] for one in data(root, "show", "exp-001")["artifacts"]] == [
        "notes",
        "weights.pt",
        "net",
    ]


# --- a server --------------------------------------------------------------------------------------------


@pytest.fixture
def real_server(written: Written) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--backend-store-uri", f"sqlite:///{written.database}", "--port", str(port), "--workers", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + WAIT_S
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=WAIT_S).close()
                break
            except OSError:
                assert time.monotonic() < until, "the server does not answer"
                assert server.poll() is None, "the server has ended"
                time.sleep(0.05)
        try:
            yield url
        finally:
            server.terminate()


@pytest.mark.long
def test_a_server_has_the_very_runs_of_its_database(
    written: Written, here: Path, real_server: str, tmp_path: Path
) -> None:
    gxt(here, "import", "mlflow", str(written.database))
    git(tmp_path, "clone", "-q", str(written.repo), "again")
    done = gxt(tmp_path / "again", "import", "mlflow", MLFLOW_TRACKING_URI=real_server)
    assert done.stdout == f"from {real_server}: 4 runs (exp-001, exp-002, exp-003, exp-004)\n"
    assert by_name(tmp_path / "again") == by_name(here)
    told = gxt(here, "import", "mlflow", real_server, "--experiment", "x", code=2).stderr
    assert told.startswith(f"gxt: there is no experiment x in {real_server}\n")


class _Small(BaseHTTPRequestHandler):
    """The pages of a server with one run, whose metric has two pages; its login is `ada:word`."""

    PAGES: ClassVar[dict[str, Any]] = {
        "experiments/search": [{"experiments": [{"name": "e", "experiment_id": "7"}]}],
        "runs/search": [
            {
                "runs": [
                    {
                        "info": {
                            "run_id": "0" * 32,
                            "run_name": "far",
                            "experiment_id": "7",
                            "status": "RUNNING",
                            "start_time": 1_700_000_000_000,
                            "artifact_uri": "mlflow-artifacts:/7/0/artifacts",
                        },
                        "data": {"metrics": [{"key": "loss"}], "params": [{"key": "lr", "value": "0.5"}]},
                    },
                    {
                        "info": {
                            "run_id": "1" * 32,
                            "run_name": "exported",
                            "experiment_id": "7",
                            "status": "FAILED",
                            "start_time": 1_700_000_002_000,
                            "end_time": 1_700_000_003_000,
                        },
                        "data": {
                            "tags": [
                                {"key": "gxt.uid", "value": UID},
                                {"key": "gxt.group", "value": "01JGXT0000000000000000000B"},
                                {"key": "gxt.tags", "value": '["a=b", "c"]'},
                                {"key": "a", "value": "b"},
                                {"key": "mlflow.parentRunId", "value": "0" * 32},
                                {"key": "mlflow.source.name", "value": "python 'my train.py'"},
                            ]
                        },
                    },
                ]
            }
        ],
        "metrics/get-history": [
            {"metrics": [{"value": "NaN", "step": "1", "timestamp": 1}], "next_page_token": "1"},
            {"metrics": [{"value": -1.7976931348623157e308, "step": 2, "timestamp": "1700000001000"}]},
        ],
        "artifacts/list": [{"files": [{"path": "model.pt"}]}],
    }

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        pages = self.PAGES.get(path.removeprefix("/api/2.0/mlflow/"))
        wanted = "Basic " + base64.b64encode(b"ada:word").decode()
        if self.headers.get("Authorization") != wanted:
            self.send_error(401)
            return
        content = json.dumps(pages["page_token" in query]).encode() if pages else b"<html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def test_an_export_does_not_come_beside_its_own_run(
    repo: Path, small_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gxt(repo, "run", "-q", "--", "true")
    uid = data(repo, "show", "exp-001")["uid"]
    pages = json.loads(json.dumps(_Small.PAGES).replace(UID, uid))
    monkeypatch.setattr(_Small, "PAGES", pages)
    done = gxt(repo, "import", "mlflow", f"http://ada:word@{small_server}")
    assert done.stdout == f"from http://{small_server}: 1 run (exp-002)\n"
    assert done.stderr == "gxt: left out: exported: the run that it comes from is here\n"


def test_what_was_logged_in_a_run_that_is_here_does_not_come_beside_it(
    repo: Path, small_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gxt(repo, "run", "-q", "--", "true")
    uid = data(repo, "show", "exp-001")["uid"]
    pages = json.dumps(_Small.PAGES).replace('"gxt.uid"', '"gxt.run"').replace(UID, uid)
    monkeypatch.setattr(_Small, "PAGES", json.loads(pages))
    done = gxt(repo, "import", "mlflow", f"http://ada:word@{small_server}")
    assert done.stdout == f"from http://{small_server}: 1 run (exp-002)\n"
    assert done.stderr == "gxt: left out: exported: the run that it comes from is here\n"


@pytest.fixture
def small_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Small) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_server_with_a_login_and_long_answers(repo: Path, small_server: str) -> None:
    done = gxt(repo, "import", "mlflow", f"http://ada:word@{small_server}/")
    assert (done.stdout, done.stderr) == (f"from http://{small_server}: 2 runs (exp-001, exp-002)\n", "")
    run = data(repo, "show", "exp-001", "--series")
    assert run["series"]["loss"] == {
        "step": [1, 2],
        "time": ["1970-01-01T00:00:00.001000Z", "2023-11-14T22:13:21.000000Z"],
        "value": ["NaN", "-Infinity"],
    }
    # nobody has logged for a day: it was killed
    assert (run["status"], run["duration_s"]) == ("interrupted", 1.0)
    assert (run["params"], run["artifacts"]) == ({"lr": 0.5}, [])
    assert run["notices"] == [
        f"imported from mlflow, where it is {'0' * 32}",
        "its artifacts stay at mlflow-artifacts:/7/0/artifacts",
    ]
    exported = data(repo, "show", "exp-002")
    assert exported["group"] == foreign_uid("mlflow", "group 01JGXT0000000000000000000B")
    facts = {"tags": ["a=b", "c"], "parent": "exp-001", "command": ["python", "my train.py"]}
    assert {key: exported[key] for key in facts} == facts
    told = gxt(repo, "import", "mlflow", f"http://{small_server}", code=1).stderr
    assert told == (
        f"gxt: http://{small_server} wants a login\n"
        "     set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN\n"
    )
    told = gxt(repo, "import", "mlflow", f"http://ada:word@{small_server}/x", code=1).stderr
    assert told.startswith(f"gxt: http://{small_server}/x is no MLflow tracking server\n")


def test_a_server_that_says_anything_comes_to_an_end(
    repo: Path, small_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = {"info": [1], "data": "x"}
    run = {**_Small.PAGES["runs/search"][0]["runs"][0]["info"], "artifact_uri": "http://["}
    page = {"runs": [odd, {"info": run}, 7], "next_page_token": "again"}
    pages = {
        **_Small.PAGES,
        "runs/search": [page, {**page, "next_page_token": "again"}],
        "artifacts/list": [{}],
    }
    monkeypatch.setattr(_Small, "PAGES", pages)
    done = gxt(repo, "import", "mlflow", f"http://{small_server.replace('127', 'ada:w%6Frd@127')}")
    assert done.stdout == f"from http://{small_server}: 2 runs (exp-001, exp-002)\n"
    assert f"gxt: left out: far: {'0' * 32} is there twice\n" in done.stderr


# --- what cannot be read ---------------------------------------------------------------------------------


def test_a_place_that_is_no_store_is_told(repo: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    (repo / "empty").mkdir()
    sqlite3.connect(repo / "other.db").execute("CREATE TABLE runs (run_uuid)").connection.close()
    told = {
        (): (2, "there is no mlflow.db and no mlruns here, and MLFLOW_TRACKING_URI is not set"),
        ("a", "b"): (2, "one store is imported at a time"),
        ("gone.db",): (2, "there is no gone.db"),
        ("empty",): (2, "empty is no store of MLflow's: it has no experiments"),
        ("postgresql://u:p@host/db",): (2, "a store postgresql:// is read through its server"),
        ("http://[",): (2, "http://[ is no URL: Invalid IPv6 URL"),
        ("http://127.0.0.1:x",): (1, "http://127.0.0.1:x cannot be reached: nonnumeric port: 'x'"),
        ("a" * 5000,): (2, "a name is too long for a file"),
        ("train.py",): (1, "train.py cannot be read as MLflow's database: file is not a database"),
        ("other.db",): (1, "other.db cannot be read as MLflow's database: no such table: experiments"),
        (nobody,): (1, f"{nobody} cannot be reached: Connection refused"),
    }
    for words, (code, what) in told.items():
        lines = gxt(repo, "import", "mlflow", *words, code=code).stderr.splitlines()
        assert lines[0] == f"gxt: {what}"
        assert lines[1].strip()
        assert len(lines) == 2
    assert gxt(repo, "import", "files", "x", "--experiment", "e", code=2).stderr.startswith(
        "gxt: files has no experiments\n"
    )


def test_links_of_a_store_lead_nowhere_and_pipes_are_no_files(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "own" / "inner").mkdir(parents=True)
    (tmp_path / "own" / "id_rsa").write_text("SECRET 1 2\n")
    experiment = repo / "mlruns" / "0"
    id_ = "0123456789abcdef" * 2
    run = experiment / id_
    (run / "artifacts" / "kept").mkdir(parents=True)
    (experiment / "models" / "m-1").mkdir(parents=True)
    (experiment / "meta.yaml").write_text("name: e\n")
    (run / "meta.yaml").write_text(f"run_id: {id_}\nstatus: 3\nstart_time: 1\nend_time: 2\n")
    (experiment / "models" / "m-1" / "meta.yaml").write_text(f"source_run_id: {id_}\nname: net\n")
    for folder in ("params", "tags", "metrics"):
        (run / folder).symlink_to(tmp_path / "own")
    (experiment / "models" / "m-1" / "artifacts").symlink_to(tmp_path / "own" / "id_rsa")
    (run / "artifacts" / "linked").symlink_to(tmp_path / "own")
    (run / "artifacts" / "kept" / "link").symlink_to(tmp_path / "own" / "id_rsa")
    (run / "artifacts" / "kept" / "a").write_text("a")
    os.mkfifo(run / "artifacts" / "pipe")
    assert gxt(repo, "import", "mlflow").stdout == "from mlruns: 1 run (exp-001)\n"
    shown = data(repo, "show", "exp-001")
    assert [shown[key] for key in ("params", "metrics", "tags")] == [{}, {}, ["experiment=e"]]
    assert [(one["name"], one["files"], one["size"]) for one in shown["artifacts"]] == [("kept", 1, 1)]
    (run / "artifacts").rename(run / "else")
    (run / "artifacts").symlink_to(tmp_path / "own")
    (run / "meta.yaml").write_text("status: 3\nstart_time: 1\nend_time: 2\n")
    run.rename(run.with_name("f" * 32))
    gxt(repo, "import", "mlflow")
    assert data(repo, "show", "exp-002")["artifacts"] == []


def test_a_database_with_what_mlflow_never_writes_is_read_all_the_same(repo: Path) -> None:
    database = sqlite3.connect(repo / "odd.db")
    database.executescript(
        """
        CREATE TABLE experiments (experiment_id, name, lifecycle_stage);
        CREATE TABLE runs (run_uuid, name, status, start_time, end_time, user_id, artifact_uri,
            experiment_id, lifecycle_stage);
        CREATE TABLE metrics (run_uuid, key, value, is_nan, timestamp, step);
        CREATE TABLE params (run_uuid, key, value);
        CREATE TABLE tags (run_uuid, key, value);
        INSERT INTO experiments VALUES (1, x'ff', 'active');
        INSERT INTO runs VALUES ('../..', NULL, 'FAILED', 'soon', 1e300, x'ff0a', 'file:///etc', 1, 'active');
        INSERT INTO runs VALUES (7, char(27) || '[31m', 'ODD', 4000000000000, 2, '', '', 1, 'active');
        INSERT INTO metrics VALUES ('../..', 'loss', 'much', 0, -1, 9e18), ('../..', 'acc', 0.5, 0, 5, 'x');
        INSERT INTO params VALUES ('../..', 'a..b', x'00'), ('../..', '"', '[[');
        INSERT INTO tags VALUES ('../..', 'mlflow.parentRunId', '../..'), ('../..', '', '');
        """
    )
    database.close()
    done = gxt(repo, "import", "mlflow", "odd.db")
    assert done.stdout == "from odd.db: 1 run (exp-001)\n"
    assert done.stderr == "gxt: left out: \\u{1b}[31m has not ended: import it again when it has\n"
    run = data(repo, "show", "exp-001")
    facts: dict[str, object] = {
        "name": None,
        "status": "failed",
        "artifacts": [],
        "metrics": {"loss": "NaN", "acc": 0.5},
    }
    assert {key: run[key] for key in facts} == facts
    assert gxt(repo, "doctor").stdout.endswith("all is well\n")
