"""Runs whose documents are damaged or of a newer gxt: named with the way out, and the others go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gxt.model.ids import run_path
from tests.cli.scratch import add_runs, new_repository
from tests.conftest import data, git, gxt

PLACE = run_path(2)
WAY_OUT = "gxt doctor tells what can be done"
TORN = "Unterminated string starting at: line 1 column 12 (char 11)"
EMPTY = "Expecting value: line 1 column 1 (char 0)"
HUGE = '{"uid": "x", "status": "completed", "exit_code": 0, "metrics": {}, "duration_s": 1' + "0" * 400 + "}"
UPGRADE = "upgrade gxt: pip install -U gxt"


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A repository with three runs, each the parent of the next."""
    repo = new_repository(tmp_path / "repo")
    add_runs(repo, [None, 0, 1], [0.1, 0.2, 0.3])
    return repo


def plant(repo: Path, name: str, text: str | None, *, number: int = 2) -> None:
    """Put another document, or none, in the place of one of a run, the second unless told."""
    place = run_path(number)
    change = (
        f"D {place}/{name}\n"
        if text is None
        else f"M 100644 inline {place}/{name}\ndata {len(text)}\n{text}\n"
    )
    ref = "refs/gxt/experiments"
    head = f"commit {ref}\ncommitter A <a@b.c> 1700000000 +0000\ndata 2\nx\nfrom {ref}^0\n"
    git(repo, "fast-import", "--quiet", stdin=head + change + "done\n")


def document(repo: Path, name: str) -> str:
    return git(repo, "show", f"refs/gxt/experiments:{PLACE}/{name}")


def newer(repo: Path, name: str) -> str:
    return json.dumps({**json.loads(document(repo, name)), "gxt": 2})


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "environment.json"])
@pytest.mark.parametrize(
    "words", [["show", "2"], ["show", "exp-002"], ["diff", "2"], ["output", "2"], ["base", "2"]]
)
def test_a_run_of_a_newer_gxt(three: Path, name: str, words: list[str]) -> None:
    plant(three, name, newer(three, name))
    done = gxt(three, *words, code=1)
    message = f"exp-002/{name} has format 2; this gxt reads format 1"
    assert done.stderr == f"gxt: {message}\n     {UPGRADE}\n"
    error = json.loads(gxt(three, *words, "--json", code=1).stdout)["error"]
    assert error == {"code": "newer-format", "message": message, "hint": UPGRADE}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("config.json", '{"gxt": 1, "uid', "exp-002/config.json is not valid JSON: " + TORN),
        ("metrics.json", "", "exp-002/metrics.json is not valid JSON: " + EMPTY),
        ("metrics.json", "[]", "exp-002/metrics.json is not a JSON object"),
        ("metrics.json", "{}", "exp-002 lacks a field: 'status'"),
        ("metrics.json", HUGE, "exp-002/metrics.json: duration_s is not of the right kind"),
        ("metrics.json", None, "exp-002 has no metrics.json"),
        ("environment.json", None, "exp-002 has no environment.json"),
    ],
)  # fmt: skip
def test_a_damaged_run(three: Path, name: str, text: str | None, message: str) -> None:
    plant(three, name, text)
    done = gxt(three, "show", "2", code=1)
    assert done.stderr == f"gxt: {message}\n     {WAY_OUT}\n"
    error = json.loads(gxt(three, "show", "2", "--json", code=1).stdout)["error"]
    assert error == {"code": "damaged-record", "message": message, "hint": WAY_OUT}
    listed = gxt(three, "list", "--columns", "id,parent,acc")
    assert listed.stdout == "id       parent  acc\nexp-003          0.3\nexp-001          0.1\n"
    assert listed.stderr == f"gxt: exp-002 cannot be read: {message}; gxt show exp-002 tells what to do\n"


NO_JSON = " is not valid JSON: {} is no number that JSON can hold"
DEEP = '{"gxt": 1, "uid": "u", "params": ' + '{"a":' * 2000 + "1" + "}" * 2001


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("config.json", {"code": {"tree": "--output=/tmp/x"}}, ": code is not of the right kind"),
        ("config.json", {"code": {"head": "HEAD"}}, ": code is not of the right kind"),
        ("config.json", {"created": "yesterday"}, ": created is not of the right kind"),
        ("config.json", {"created": "0001-01-01T00:00:00Z"}, ": created is not of the right kind"),
        ("config.json", {"name": {"a": 1}}, ": name is not of the right kind"),
        ("config.json", {"uid": 7}, ": uid is not of the right kind"),
        ("config.json", {"command": "train"}, ": command is not of the right kind"),
        ("config.json", {"params": [1]}, ": params is not of the right kind"),
        ("metrics.json", {"duration_s": 10**400}, ": duration_s is not of the right kind"),
        ("metrics.json", {"metrics": {"a": 1}}, ": metrics.a is not of the right kind"),
        ("metrics.json", {"status": None}, ": status is not of the right kind"),
        ("environment.json", {"gpus": ["a"]}, ": gpus is not of the right kind"),
        ("config.json", {"params": {"a": float("nan")}}, NO_JSON.format("NaN")),
        ("config.json", DEEP, " is nested too deep"),
        ("config.json", '{"gxt": 1, "uid": "u", "a": 1e999}', NO_JSON.format("1e999")),
    ],
)  # fmt: skip
def test_a_document_with_fields_of_another_kind(
    three: Path, name: str, change: dict[str, object] | str, message: str
) -> None:
    text = change if isinstance(change, str) else json.dumps({**json.loads(document(three, name)), **change})
    plant(three, name, text)
    for words in (["show", "2"], ["diff", "1", "2"], ["compare", "1", "2"]):
        assert gxt(three, *words, code=1).stderr == f"gxt: exp-002/{name}{message}\n     {WAY_OUT}\n"
    assert [run["id"] for run in data(three, "list")] == ["exp-003", "exp-001"]


def test_a_link_in_the_place_of_a_document_is_not_followed(three: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text(document(three, "config.json"))
    ref, target = "refs/gxt/experiments", str(tmp_path / "outside.json")
    head = f"commit {ref}\ncommitter A <a@b.c> 1700000000 +0000\ndata 2\nx\nfrom {ref}^0\n"
    change = f"M 120000 inline {PLACE}/config.json\ndata {len(target)}\n{target}\n"
    git(three, "fast-import", "--quiet", stdin=f"{head}{change}done\n")
    assert gxt(three, "show", "2", code=1).stderr.startswith("gxt: exp-002/config.json is not valid JSON: ")


@pytest.mark.parametrize("entry", ["D {}/run", "M 100644 inline {}/run\ndata 2\nx\n"])
def test_a_run_that_is_no_commit(three: Path, entry: str) -> None:
    ref = "refs/gxt/experiments"
    head = f"commit {ref}\ncommitter A <a@b.c> 1700000000 +0000\ndata 2\nx\nfrom {ref}^0\n"
    git(three, "fast-import", "--quiet", stdin=f"{head}{entry.format(PLACE)}\ndone\n")
    message = "exp-002 lacks a field: 'run'" if entry.startswith("D") else "exp-002/run is no commit"
    assert gxt(three, "show", "2", code=1).stderr == f"gxt: {message}\n     {WAY_OUT}\n"
    gxt(three, "run", "-q", "--", "true")
    assert [run["id"] for run in data(three, "list")] == ["exp-004", "exp-003", "exp-001"]


def test_a_damaged_run_by_its_uid_and_its_commit(repo: Path) -> None:
    for _ in range(2):
        gxt(repo, "run", "-q", "--", "true")
    run = data(repo, "show", "2")
    plant(repo, "config.json", "{}")
    for ref in (run["uid"], run["uid"][:-2].lower(), run["commit"], run["commit"][:9]):
        assert gxt(repo, "show", ref, code=1).stderr.startswith("gxt: exp-002 lacks a field: 'uid'\n")


@pytest.fixture
def torn(repo: Path) -> Path:
    """A repository with two runs; the second, which is the base, is damaged."""
    for _ in range(2):
        gxt(repo, "run", "-q", "--", "true")
    plant(repo, "metrics.json", "[]")
    return repo


LOST = "exp-002 cannot be read: exp-002/metrics.json is not a JSON object; gxt show exp-002 tells what to do"


def test_the_latest_run_says_that_a_later_one_cannot_be_read(torn: Path) -> None:
    done = gxt(torn, "show")
    assert done.stdout.startswith("exp-001")
    assert done.stderr == f"gxt: {LOST}\n"
    assert json.loads(gxt(torn, "show", "--json").stdout)["notices"] == [LOST]
    assert gxt(torn, "show", "1").stderr == ""
    gxt(torn, "run", "-q", "--", "true")
    assert gxt(torn, "show").stderr == ""


def test_a_history_of_which_nothing_can_be_read_is_not_called_empty(torn: Path) -> None:
    plant(torn, "metrics.json", "[]", number=1)
    hint = "there are runs, and none can be read: gxt doctor tells why"
    assert gxt(torn, "show", code=2).stderr == f"gxt: no run '@'\n     {hint}\n"


def test_a_base_that_cannot_be_read(torn: Path) -> None:
    done = gxt(torn, "base")
    assert (done.stdout, done.stderr) == ("exp-002 (cannot be read)\n", f"gxt: {LOST}\n")
    envelope = json.loads(gxt(torn, "base", "--json").stdout)
    assert (envelope["data"], envelope["notices"]) == (None, [LOST])
    assert "base     exp-002 (cannot be read)\n" in gxt(torn, "status").stdout
    assert "parent     exp-002 (cannot be read)\n" in gxt(torn, "run", "--dry-run", "--", "true").stdout
    assert gxt(torn, "run", "--", "true").stderr.splitlines()[:2] == [
        f"gxt: {LOST}",
        "exp-003 ← exp-002 (cannot be read)",
    ]


def test_a_base_that_is_not_here(torn: Path) -> None:
    base = torn / ".git/gxt/base.json"
    uid = "01M7XSPP2K3FWYY6W1P10DCSCG"
    base.write_text(json.dumps({"uid": uid, "head": None}))
    assert gxt(torn, "base").stdout == f"{uid} (not here)\n"
    assert f"base     {uid} (not here)\n" in gxt(torn, "status").stdout
    assert gxt(torn, "run", "--", "true").stderr.splitlines()[0] == f"exp-003 ← {uid} (not here)"


def test_many_damaged_runs_are_counted_and_all_of_them_are_in_the_json(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    add_runs(repo, [None] * 13)
    for number in range(2, 14):
        plant(repo, "metrics.json", "[]", number=number)
    told = [LOST.replace("exp-002", f"exp-{number:03d}") for number in range(2, 14)]
    for words in (["list"], ["tree"], ["status"]):
        lines = gxt(repo, *words).stderr.splitlines()
        assert lines == [
            *(f"gxt: {one}" for one in told[:10]),
            "gxt: and 2 more; --json tells all",
        ]
        assert json.loads(gxt(repo, *words, "--json").stdout)["notices"] == told
