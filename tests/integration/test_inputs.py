"""The data of a run: found as DVC declares it, hashed as DVC hashes it, once, and beside the training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from gxt.data.remembered import Remembered
from gxt.git.repository import discover
from gxt.model.json_types import JsonObject
from gxt.ops.datasets import find, look
from gxt.ops.start import StartRequest, start, watch_data
from gxt.ops.workspace import open_workspace
from gxt.store import journal
from tests.conftest import data, git, gxt
from tests.integration.test_as_dvc import dvc

LONG_AGO = 1_700_000_000  # what changed just now is not remembered
LATER = 4_000_000_000
PREPARE = "open('prepared.csv', 'w').write(open('data/raw/train.csv').read())\n"
TRAIN = "open('model.bin', 'w').write('m')\n"
PIPELINE = """\
stages:
  prepare:
    cmd: python prepare.py
    deps: [prepare.py, lib, '${raw}', seed.json]
    outs: [prepared.csv]
  train:
    cmd: python train.py
    wdir: .
    deps: [train.py, prepared.csv, data/images, later.csv]
    outs: [model.bin]
"""


@pytest.fixture
def project(repo: Path) -> Path:
    """A repository with DVC: two datasets, what `.dvcignore` leaves out, and a pipeline that has not run."""
    dvc(repo, "init", "-q")
    dvc(repo, "remote", "add", "-q", "-d", "storage", "s3://key:secret@bucket/dvc")
    (repo / ".dvcignore").write_text("*.tmp\n/data/images/skip/\n!keep.tmp\n")
    (repo / "data" / ".dvcignore").parent.mkdir()
    (repo / "data" / ".dvcignore").write_text("# of this folder\nimages/*/hidden*\n")
    for name in ("cat/0", "cat/1", "dog/0", "dog/hidden", "x.tmp", "keep.tmp", "skip/0", "cat/.git/x"):
        (repo / "data" / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / "data" / "images" / name).write_text(name)
    (repo / "data" / "raw").mkdir()
    (repo / "data" / "raw" / "train.csv").write_text("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(10)))
    dvc(repo, "add", "-q", "data/images", "data/raw")
    (repo / "lib").mkdir()
    for name, content in {
        "seed.json": "{}",
        "prepare.py": PREPARE,
        "train.py": TRAIN,
        "lib/x.py": "",
        "params.yaml": "raw: data/raw\n",
        "dvc.yaml": PIPELINE,
    }.items():
        (repo / name).write_text(content)
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "data")
    return repo


def recorded(repo: Path, *words: str) -> dict[str, Any]:
    return {one["path"]: one for one in data(repo, "show", *words)["data"]}


def hashes(repo: Path, name: str, part: str = "outs") -> dict[str, str]:
    document = yaml.safe_load((repo / name).read_text())
    return {out["path"]: out["md5"] for out in document[part]}


def test_what_dvc_declares_is_recorded_with_the_hashes_of_dvc(project: Path) -> None:
    (project / "later.csv").write_text("a\n1\n")
    gxt(project, "run", "-q", "--", sys.executable, "-m", "dvc", "repro", "-q", DVC_NO_ANALYTICS="1")
    found = recorded(project)
    told = {path: (one["kind"], one["tracked"], one["source"], one["missing"]) for path, one in found.items()}
    remote = "storage s3://[redacted]@bucket/dvc"
    assert told == {
        "data/images": ("input", "dvc", remote, False),
        "data/raw": ("input", "dvc", remote, False),
        "later.csv": ("input", None, None, False),
        "model.bin": ("intermediate", "dvc", remote, False),
        "prepared.csv": ("intermediate", "dvc", remote, False),
        "seed.json": ("input", "git", "git", False),
    }
    assert found["data/images"]["md5"] == hashes(project, "data/images.dvc")["images"]
    assert found["data/images"]["files"] == 4
    assert found["data/raw"]["md5"] == hashes(project, "data/raw.dvc")["raw"]
    stages = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    locked = {
        one["path"]: one["md5"] for stage in stages.values() for one in (*stage["deps"], *stage["outs"])
    }
    assert {path: one["md5"] for path, one in found.items()} == {path: locked[path] for path in found}
    assert found["prepared.csv"]["description"] == {
        "format": "csv",
        "rows": 10,
        "columns": [{"name": "a", "type": "int"}, {"name": "y", "type": "int"}],
        "classes": {"y": {"0": 5, "1": 5}},
    }


def test_data_that_is_not_here_has_the_hash_that_dvc_has_recorded(project: Path) -> None:
    expected = hashes(project, "data/raw.dvc")["raw"]
    (project / "data" / "raw" / "train.csv").unlink()
    (project / "data" / "raw").rmdir()
    gxt(project, "run", "-q", "--", "true")
    one = recorded(project)["data/raw"]
    assert (one["md5"], one["size"], one["files"], one["missing"]) == (expected, 44, 1, True)


def test_imported_data_comes_from_its_url(project: Path, tmp_path: Path) -> None:
    (tmp_path / "source.csv").write_text("a\n1\n")
    dvc(project, "import-url", "-q", str(tmp_path / "source.csv"), "copy.csv")
    pointer = project / "copy.csv.dvc"
    pointer.write_text(pointer.read_text().replace(str(tmp_path), "https://ada:token@host"))
    gxt(project, "run", "-q", "--", "true")
    one = recorded(project)["copy.csv"]
    assert (one["source"], one["tracked"]) == ("https://[redacted]@host/source.csv", "dvc")


@pytest.mark.parametrize(
    ("name", "content", "notice"),
    [
        (
            "bad.dvc",
            "outs:\n- md5: 1234\n  path: x\n",
            "bad.dvc: bad.dvc has no md5 of DVC's but 1234 (an md5 must be quoted in YAML)",
        ),
        (
            "bad.dvc",
            "a: [",
            "bad.dvc: not valid YAML: bad.dvc, line 2, column 1: did not find expected node content",
        ),
        (
            "dvc.lock",
            "a: [",
            "dvc.yaml: not valid YAML: dvc.lock, line 2, column 1: did not find expected node content",
        ),
    ],
)
def test_a_damaged_file_of_dvc_is_said_and_the_run_goes_on(
    project: Path, name: str, content: str, notice: str
) -> None:
    (project / name).write_text(content)
    done = gxt(project, "run", "--", "true")
    assert done.stderr.splitlines()[0] == f"gxt: no data from {notice}"
    assert "data/raw" in recorded(project)


def test_a_pointer_to_elsewhere_is_no_data_of_the_repository(repo: Path) -> None:
    md5 = "d41d8cd98f00b204e9800998ecf8427e"
    paths = ("/etc/passwd", "../outside", "s3://bucket/x", "inside")
    outs = "".join(f'- md5: "{md5}"\n  path: "{path}"\n' for path in paths)
    (repo / "x.dvc").write_text(f"outs:\n{outs}")
    gxt(repo, "run", "-q", "--", "true")
    assert list(recorded(repo)) == ["inside"]


def test_what_has_not_changed_is_not_read_again(repo: Path) -> None:
    folder = repo / "big"
    folder.mkdir()
    for name in ("a.csv", "b"):
        (folder / name).write_text("x,y\n1,2\n")
        os.utime(folder / name, (LONG_AGO, LONG_AGO))
    repository = discover(repo)
    found = find(repository, ["big"])
    known = look(repository, found, patience_s=60).entries
    read = _reads(folder, lambda: look(repository, found, patience_s=60).entries)
    assert read == (known, [])
    os.utime(folder / "b", (LONG_AGO + 1, LONG_AGO))
    assert _reads(folder, lambda: look(repository, found, patience_s=60).entries) == (known, ["b"])


def test_what_dvc_has_linked_out_of_its_cache_is_not_read_at_all(project: Path) -> None:
    dvc(project, "config", "cache.type", "symlink")
    dvc(project, "checkout", "-q", "--relink", "data/raw.dvc")
    assert (project / "data" / "raw" / "train.csv").is_symlink()
    repository = discover(project)
    found = find(repository, [])
    cached = project / ".dvc" / "cache"
    with Remembered(project / "memory.sqlite") as memory:
        one = memory.hash_file(project / "data" / "raw" / "train.csv")
        assert _reads(cached, lambda: memory.hash_file(project / "data" / "raw" / "train.csv")) == (one, [])
    md5 = {str(one["path"]): one["md5"] for one in look(repository, found, patience_s=60).entries}
    assert md5["data/raw"] == hashes(project, "data/raw.dvc")["raw"]
    target = (project / "data" / "raw" / "train.csv").resolve()
    target.chmod(0o644)
    target.write_text("written through the link\n")
    md5 = {str(one["path"]): one["md5"] for one in look(repository, found, patience_s=60).entries}
    assert md5["data/raw"] != hashes(project, "data/raw.dvc")["raw"]


def _reads(folder: Path, call: Any) -> tuple[Any, list[str]]:  # noqa: ANN401 whatever it returns
    """What a call returns, and which files of a folder it opens."""
    opened: list[str] = []
    watching = [True]

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and str(arguments[0]).startswith(f"{folder}{os.sep}"):
            opened.append(os.path.relpath(str(arguments[0]), folder))

    sys.addaudithook(audit)
    try:
        return call(), opened
    finally:
        watching.clear()


def _live(repo: Path, monkeypatch: pytest.MonkeyPatch, *named: str) -> tuple[Any, Any, Any]:
    monkeypatch.chdir(repo)
    workspace = open_workspace()
    planned, live = start(workspace, StartRequest(command=["true"], data=named))
    return workspace, planned, live


def test_what_is_not_hashed_in_time_is_hashed_beside_the_training(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "x.csv").write_text("a\n1\n")
    workspace, planned, live = _live(repo, monkeypatch, "x.csv")
    (complete,) = planned.inputs.entries
    late = look(workspace.repository, planned.inputs.found, patience_s=-1)
    assert (late.is_complete, [one["md5"] for one in late.entries]) == (False, [None])
    config: JsonObject = {**planned.config, "data": list(late.entries)}
    thread = watch_data(workspace, planned._replace(inputs=late, config=config), live)
    assert thread is not None
    thread.start()
    assert thread.finish() == ()
    folded = journal.read(live.path, unfinished="running")
    assert folded.config["data"] == [complete]
    events = [json.loads(line) for line in journal.read_lines(live.path)]
    assert [event["items"] for event in events if event["e"] == "data"] == [[complete]]
    live.release()


def test_ctrl_c_while_the_end_of_the_run_waits_for_a_hash_leaves_the_hash_out(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "x.bin").touch()
    os.truncate(repo / "x.bin", 1 << 40)  # bytes that take half an hour to read, and no place
    workspace, planned, live = _live(repo, monkeypatch, "x.bin")
    thread = watch_data(workspace, planned, live)
    assert thread is not None
    thread.start()

    def ctrl_c(_signum: int, _frame: object) -> None:
        raise KeyboardInterrupt

    found = signal.signal(signal.SIGALRM, ctrl_c)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        assert thread.finish() == ("not hashed when the run had ended: x.bin",)
    finally:
        signal.signal(signal.SIGALRM, found)
    entry: Any = cast("list[Any]", journal.read(live.path, unfinished="running").config["data"])[0]
    assert (entry["path"], entry["md5"], entry["size"]) == ("x.bin", None, 1 << 40)
    live.release()


def test_data_that_changes_while_the_run_starts_is_said(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "x.csv").write_text("a\n1\n")
    workspace, planned, live = _live(repo, monkeypatch, "x.csv")
    late = look(workspace.repository, planned.inputs.found, patience_s=-1)
    (repo / "x.csv").write_text("a\n1\n2\n")
    os.utime(repo / "x.csv", (LATER, LATER))
    thread = watch_data(workspace, planned._replace(inputs=late), live)
    assert thread is not None
    thread.start()
    assert thread.finish() == ("x.csv changed after the run had started: recorded as it was read then",)
    live.release()


def test_a_damaged_memory_costs_only_itself(repo: Path) -> None:
    (repo / "x.csv").write_text("a\n1\n")
    repository = discover(repo)
    found = find(repository, ["x.csv"])
    expected = look(repository, found, patience_s=60)
    memory = repository.common_dir / "gxt" / "cache" / "data-1.sqlite"
    memory.write_bytes(b"no database" * 1000)
    assert look(repository, found, patience_s=60) == expected
    memory.unlink()
    memory.mkdir()
    assert look(repository, found, patience_s=60) == expected


def test_a_script_alone_records_what_dvc_declares(project: Path) -> None:
    (project / "alone.py").write_text("import gxt\n\ngxt.init()\ngxt.log({'acc': 1})\n")
    git(project, "add", ".")
    subprocess.run([sys.executable, "alone.py"], cwd=project, check=True)
    assert recorded(project)["data/raw"]["md5"] == hashes(project, "data/raw.dvc")["raw"]
