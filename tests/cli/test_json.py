"""`--json`: the envelope is all there is on stdout, its keys are stable, and it is strict JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.conftest import data, gxt

READING = [
    ["list"], ["show", "1"], ["show", "1", "--series"], ["output", "4"], ["diff", "1", "5"], ["diff", "1"],
    ["diff", "1", "5", "--code"], ["compare", "1", "2"], ["tree"], ["status"], ["base"],
]  # fmt: skip

# A type, or types of which one is that of null.
CODE = {"head": str | None, "branch": str | None, "dirty": bool, "tree": str, "skipped": list}
ENVIRONMENT = {
    "python": str, "python_assumed": bool, "platform": str, "cpu": str | None, "cpu_count": int,
    "memory_bytes": int, "gpus": list, "variables": dict,
}  # fmt: skip
STAT = {
    "last": float,
    "last_step": int,
    "min": float,
    "min_step": int,
    "max": float,
    "max_step": int,
    "count": int,
}
RUN = {
    "id": str, "uid": str, "commit": str, "name": str | None, "message": str | None,
    "hypothesis": str | None, "status": str, "exit_code": int, "parent": str | None,
    "parent_uid": str | None, "group": type(None), "seed": type(None), "repeat": type(None),
    "tags": list, "comments": list, "conclusions": list,
    "created": str, "duration_s": float,
    "author": str, "host": str, "command": list, "cwd": str, "code": CODE,
    "params": dict, "param_files": list, "metrics_files": list, "outs": list, "reproduces": str | None,
    "metrics": dict, "metric_stats": dict, "defined": dict, "evals": list, "data": list,
    "sources": list, "artifacts": list, "environment": ENVIRONMENT, "notices": list,
}  # fmt: skip

SINGLE = {
    "kind": "single", "n": [1, 1], "low": None, "high": None, "t": None, "df": None, "p": None, "more": None,
}  # fmt: skip


def strict(text: str) -> Any:  # noqa: ANN401 whatever the text holds
    """The JSON, which must not hold the NaN and Infinity that Python's reader would take."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def check(value: Mapping[str, Any], shape: Mapping[str, Any]) -> None:
    """Every key of the shape and no other, each of its type."""
    assert set(value) == set(shape)
    for key, kind in shape.items():
        if isinstance(kind, dict):
            check(value[key], kind)
        else:
            assert type(value[key]) in (get_args(kind) or (kind,)), f"{key}: {value[key]!r}"


@pytest.mark.parametrize("words", READING)
def test_the_envelope_is_all_there_is(history: Path, words: list[str]) -> None:
    done = gxt(history, *words, "--json")
    envelope = strict(done.stdout)
    assert list(envelope) == ["gxt", "data", "notices", "error"]
    assert (envelope["gxt"], envelope["notices"], envelope["error"], done.stderr) == (1, [], None, "")


@pytest.mark.parametrize(
    "words",
    [
        *(["show", "99"], ["output", "99"], ["diff", "99"], ["diff", "1", "99"], ["compare", "1", "99"]),
        *(
            ["compare", "1"],
            ["tree", "99"],
            ["tree", "--metric", "none"],
            ["base", "99"],
            ["show", "baseline"],
        ),
        *(
            ["list", "--where", "("],
            ["list", "--sort", "params"],
            ["list", "--limit", "x"],
            ["list", "--bogus"],
        ),
        *(["status", "1"], ["lisst"]),
    ],
)
def test_the_envelope_of_a_misuse(history: Path, words: list[str]) -> None:
    done = gxt(history, *words, "--json", code=2)
    envelope = strict(done.stdout)
    assert list(envelope) == ["gxt", "data", "notices", "error"]
    assert (envelope["gxt"], envelope["data"], envelope["notices"], done.stderr) == (1, None, [], "")
    assert {key: type(value) for key, value in envelope["error"].items() if key != "position"} == {
        "code": str, "message": str, "hint": str,
    }  # fmt: skip


@pytest.mark.parametrize("words", READING)
def test_the_envelope_outside_a_repository(tmp_path: Path, words: list[str]) -> None:
    done = gxt(tmp_path, *words, "--json", code=1)
    assert (strict(done.stdout)["error"], done.stderr) == (
        {
            "code": "not-a-repository",
            "message": f"{tmp_path.resolve()} is not in a git repository",
            "hint": "make one here with: git init",
        },
        "",
    )


def test_an_error_in_a_condition_has_its_position(history: Path) -> None:
    done = gxt(history, "list", "--where", "status == (", "--json", code=2)
    error = strict(done.stdout)["error"]
    assert (error["code"], error["position"]) == ("bad-query", 11)


def test_an_ambiguous_name(history: Path) -> None:
    error = strict(gxt(history, "show", "baseline", "--json", code=2).stdout)["error"]
    assert error == {
        "code": "ambiguous-run",
        "message": "'baseline' could be 2 runs: exp-001, exp-006",
        "hint": "name one of them by its id",
    }


def test_a_run_in_lists(history: Path) -> None:
    for run in [*data(history, "list"), *data(history, "compare", "1", "2"), data(history, "base")]:
        check(run, RUN)
        for stat in run["metric_stats"].values():
            check({**stat, **{k: 0.0 for k in ("last", "min", "max") if isinstance(stat[k], str)}}, STAT)


def test_a_run_alone_has_its_packages(history: Path) -> None:
    check(data(history, "show", "2"), {**RUN, "environment": {**ENVIRONMENT, "packages": dict}})
    packages = data(history, "show", "2")["environment"]["packages"]
    assert packages["gxt"].startswith("0.1.0")


def test_the_facts_of_a_run(history: Path) -> None:
    run = data(history, "list")[-1]
    kept = "name message hypothesis status exit_code parent tags author command cwd params metrics".split()
    assert {key: run[key] for key in kept} == {
        "name": "baseline", "message": None, "hypothesis": None, "status": "completed", "exit_code": 0,
        "parent": None, "tags": ["first", "two words"], "author": "Ada Lovelace <ada@example.org>",
        "command": ["python", "train.py", "--seed", "3"], "cwd": ".",
        "params": {"lr": 0.1, "model": {"type": "mlp", "width": 64}, "seed": 3},
        "metrics": {"train_loss": 1 / 3 / 0.1, "val/acc": 0.55, "odd": "-Infinity"},
    }  # fmt: skip
    assert run["metric_stats"]["odd"] == {
        "last": "-Infinity", "last_step": 5, "min": "-Infinity", "min_step": 5, "max": "-Infinity",
        "max_step": 5, "count": 2,
    }  # fmt: skip


def test_the_series_of_a_run(history: Path) -> None:
    run = data(history, "show", "1", "--series")
    check(run, {**RUN, "environment": {**ENVIRONMENT, "packages": dict}, "series": {
        name: {"step": list, "time": list, "value": list} for name in ("train_loss", "val/acc", "odd")
    }})  # fmt: skip
    assert run["series"]["odd"]["step"] == [7, 5]
    assert run["series"]["odd"]["value"] == ["NaN", "-Infinity"]
    assert run["series"]["val/acc"]["value"] == [0.5, 0.525, 0.55]
    times = run["series"]["odd"]["time"]
    assert times == sorted(times)
    assert all(len(time) == 27 and time.endswith("Z") for time in times)


def test_a_node_of_the_tree(history: Path) -> None:
    shape = {
        "id": str, "uid": str, "name": str | None, "status": str, "metric": float | None,
        "change": float | None, "verdict": str | None, "evidence": dict | None, "repeats": type(None),
        "children": list,
    }  # fmt: skip
    for root in data(history, "tree"):
        check(root, shape)
        for child in root["children"]:
            check(child, shape)


def test_a_difference(history: Path) -> None:
    assert data(history, "diff", "1", "5") == {
        "a": "exp-001",
        "b": "exp-005",
        "params": {"lr": [0.1, 0.05], "model.width": [64, 128], "seed": [3, None]},
        "metrics": {
            "train_loss": {
                "a": 1 / 3 / 0.1, "b": 1 / 3 / 0.05, "delta": 1 / 3 / 0.05 - 1 / 3 / 0.1, "verdict": "worse",
                "evidence": SINGLE,
            },
            "val/acc": {
                "a": 0.55, "b": 0.525, "delta": 0.525 - 0.55, "verdict": "worse", "evidence": SINGLE,
            },
            "odd": {
                "a": "-Infinity", "b": "-Infinity", "delta": "NaN", "verdict": None, "evidence": SINGLE,
            },
        },
        "data": {},
        "environment": {},
        "code": {
            "files": [
                {"path": "notes.bin", "added": None, "removed": None},
                {"path": "params.yaml", "added": 2, "removed": 2},
                {"path": "train.py", "added": 2, "removed": 1},
            ]
        },
    }  # fmt: skip
    assert set(data(history, "diff", "1", "5", "--code")["code"]) == {"files", "patch"}
    assert data(history, "diff", "1")["b"] is None


def test_the_status(history: Path) -> None:
    shape = {"running": list, "base": str, "base_left": bool, "latest": str}
    code = {"head": str, "branch": str, "dirty": bool, "changed": list, "skipped": list}
    status = data(history, "status")
    check(status, {**shape, "code": code, "sharing": type(None)})
    assert {**status, "code": None} == {
        "running": [], "base": "exp-006", "base_left": False, "latest": "exp-006", "code": None,
        "sharing": None,
    }  # fmt: skip


def test_a_running_run_is_in_the_status_as_lists_show_it(repo: Path) -> None:
    done = gxt(repo, "run", "-q", "--", "python", "-m", "gxt", "status", "--json")
    (run,) = strict(done.stdout)["data"]["running"]
    uncaptured = {key: kind if kind in (list, dict) else kind | None for key, kind in ENVIRONMENT.items()}
    check(run, {**RUN, "commit": None | str, "exit_code": None | int, "environment": uncaptured})
    assert (run["id"], run["status"], run["commit"], run["exit_code"]) == ("exp-001", "running", None, None)


def test_notices_are_in_the_envelope_and_not_on_stderr(repo: Path) -> None:
    script = "import os, signal; os.kill(os.getppid(), signal.SIGKILL); signal.pause()"
    command = [sys.executable, "-m", "gxt", "run", "-q", "--", "python", "-c", script]
    subprocess.run(command, cwd=repo, capture_output=True, check=False)
    done = gxt(repo, "list", "--json")
    envelope = strict(done.stdout)
    assert [run["status"] for run in envelope["data"]] == ["interrupted"]
    assert envelope["notices"] == ["exp-001 was interrupted: everything it had logged is kept"]
    assert done.stderr == ""


def test_json_is_ascii_whatever_the_repository_holds(repo: Path) -> None:
    gxt(repo, "run", "-q", "--name", "ünïcode 中", "-m", "\x1b[31m", "--", "true")
    done = gxt(repo, "list", "--json")
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert (strict(done.stdout)["data"][0]["name"], strict(done.stdout)["data"][0]["message"]) == (
        "ünïcode 中",
        "\x1b[31m",
    )
