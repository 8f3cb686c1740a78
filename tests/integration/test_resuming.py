"""`gxt.resume`: a run goes on as a child of the one that was interrupted; and data that a script names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.integration.test_python_api import WRAPPED, script


def killed(repo: Path) -> None:
    """A run with steps 0 to 4 whose process was killed."""
    code = """
import gxt, os
gxt.init({"lr": 0.5, "epochs": 10, "nested": {"a": 1}})
for epoch in range(5): gxt.log({"loss": 1 / (epoch + 1)})
gxt.log({"system/cpu": 3}, step=9000)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=repo, check=False)


@WRAPPED
@pytest.mark.parametrize("ref", ["exp-001", "@"])
def test_an_interrupted_run_goes_on_in_a_child(repo: Path, wrapped: bool, ref: str) -> None:
    killed(repo)
    code = f"""
run = gxt.resume({ref!r}, {{"epochs": 20}})
print(run.config)
for epoch in range(2): gxt.log({{"loss": 0.1}})
"""
    printed, told = script(repo, code, wrapped=wrapped)
    interrupted = "gxt: exp-001 was interrupted: everything it had logged is kept\n"
    assert told == ("" if wrapped else interrupted)  # of `gxt run`, which is quiet here
    config = {"lr": 0.5, "model": {"type": "mlp", "width": 64}, "epochs": 20, "nested": {"a": 1}}
    assert eval(printed) == {**config, "lr": 0.1}
    first, run = data(repo, "show", "1"), data(repo, "show", "2", "--series")
    assert first["status"] == "interrupted"
    assert (run["parent"], run["status"], run["message"]) == ("exp-001", "completed", "goes on with exp-001")
    assert run["series"]["loss"]["step"] == [5, 6]
    assert run["params"] == {**config, "lr": 0.1}  # of params.yaml, which is here


def test_the_parameters_of_the_run_before_count_where_nobody_says_any(repo: Path) -> None:
    killed(repo)
    git(repo, "rm", "-q", "params.yaml")
    script(repo, "gxt.resume('1', message='on')")
    run = data(repo, "show")
    assert run["params"] == {
        "lr": 0.5, "model": {"type": "mlp", "width": 64}, "epochs": 10, "nested": {"a": 1}
    }  # fmt: skip
    assert run["message"] == "on"


def test_a_rank_that_does_not_record_has_the_parameters_too(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(repo)
    code = """
import os
first = gxt.init()
os.environ["RANK"] = "1"
print(gxt.resume("@").config["epochs"])
"""
    (repo / "params.yaml").unlink()
    assert script(repo, code)[0] == "10\n"
    runs = [(run["id"], run["parent"], run["status"]) for run in data(repo, "list")]
    assert runs == [("exp-002", None, "completed"), ("exp-001", None, "interrupted")]


def test_what_cannot_be_gone_on_with_is_an_error(repo: Path) -> None:
    code = """
for ref in ("7", gxt.init().id):
    try: gxt.resume(ref)
    except gxt.GxtError as error: print(error.message)
"""
    printed, _ = script(repo, code)
    assert printed.splitlines() == ["no run '7'", "exp-001 is still running"]


@WRAPPED
def test_data_that_a_script_names_is_recorded_as_by_the_command(repo: Path, wrapped: bool) -> None:
    (repo / "set.csv").write_text("a,b\n1,2\n")
    (repo / "images").mkdir()
    (repo / "images/one.bin").write_bytes(b"one")
    (repo / "other.csv").write_text("a\n1\n")
    code = "from pathlib import Path\ngxt.init(data=['set.csv', Path('images')]); gxt.log({'a': 1})"
    (repo / "t.py").write_text(f"import gxt\n{code}\n")
    gxt(repo, "run", "-q", "--data", "set.csv", "--data", "images", "--", "true")
    if wrapped:
        gxt(repo, "run", "-q", "--data", "other.csv", "--data", "set.csv", "--", sys.executable, "t.py")
    else:
        script(repo, code)
    expected, found = data(repo, "show", "1")["data"], data(repo, "show", "2")["data"]
    assert [one for one in found if one["path"] != "other.csv"] == expected
    assert [one["path"] for one in found] == ["images", *(["other.csv"] if wrapped else []), "set.csv"]
    assert all(one["md5"] for one in found)


@WRAPPED
def test_data_that_is_not_there_is_an_error_of_init(repo: Path, wrapped: bool) -> None:
    code = "try: gxt.init(data='nowhere')\nexcept gxt.GxtError as error: print(error.message)"
    assert script(repo, code, wrapped=wrapped)[0] == "there is no data at 'nowhere'\n"
