"""What every import of another tracker's runs has in common."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path

from gxt.ops.annotate import remove
from gxt.ops.foreign import Artifact, Foreign, import_foreign
from gxt.ops.imported import Imported
from gxt.ops.workspace import open_workspace
from tests.conftest import data, git, gxt

START_US = 1_700_000_000_000_000
CHILD = Foreign(
    "other",
    "run/2",
    "child",
    START_US + 10_000_000,
    START_US + 12_500_000,
    status="failed",
    exit_code=1,
    params={"lr": 0.1, "model": {"type": "mlp"}, "api_token": "hunter2hunter2"},
    metrics=[
        (START_US + 11_000_000, 1, {"loss": 0.5, "acc": nan}),
        (START_US + 12_000_000, 2, {"loss": 0.25}),
    ],
    tags=("fast", " two  words ", "fast"),
    note="looks odd",
    parent="run/1",
    author=("Grace", "grace@example.org"),
    command=("train.py", "--password", "hunter2"),
    notices=("half of it is gone",),
    message="try it",
)
PARENT = Foreign("other", "run/1", "parent", START_US, START_US + 1_000_000)


def bring(repo: Path, *runs: Foreign) -> Imported:
    return import_foreign(open_workspace(repo), "there", runs)


def test_a_run_comes_with_all_that_is_told_of_it(repo: Path, tmp_path: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    (tmp_path / "weights.pt").write_text("weights")
    artifacts = (Artifact("ckpt/weights.pt", tmp_path / "weights.pt"), Artifact("far", None))
    child = CHILD._replace(commit=head, artifacts=artifacts)
    assert bring(repo, child, PARENT) == Imported("there", ("exp-001", "exp-002"))
    run = data(repo, "show", "exp-002", "--series")
    facts = {
        "name": "child",
        "message": "try it",
        "status": "failed",
        "exit_code": 1,
        "created": "2023-11-14T22:13:30.000000Z",
        "duration_s": 2.5,
        "parent": "exp-001",
        "params": {"lr": 0.1, "model": {"type": "mlp"}, "api_token": "[redacted]"},
        "metrics": {"acc": "NaN", "loss": 0.25},
        "tags": ["fast", "two words"],
        "author": "Grace <grace@example.org>",
        "command": ["train.py", "--password", "[redacted]"],
        "code": {"head": head, "tree": git(repo, "rev-parse", "HEAD^{tree}")},
        "notices": [
            "imported from other, where it is run/2",
            "half of it is gone",
            "far did not come: its content is not here",
        ],
    }
    assert {key: run[key] for key in facts} == facts
    assert [one["text"] for one in run["comments"]] == ["looks odd"]
    assert run["series"]["loss"] == {
        "step": [1, 2],
        "time": ["2023-11-14T22:13:31.000000Z", "2023-11-14T22:13:32.000000Z"],
        "value": [0.5, 0.25],
    }
    assert [(one["name"], one["path"], one["size"]) for one in run["artifacts"]] == [
        ("ckpt/weights.pt", ".gxt/out/ckpt/weights.pt", 7)
    ]
    assert gxt(repo, "doctor").stdout.endswith("all is well\n")


def test_again_brings_only_what_is_new_and_tells_what_has_gone_on(repo: Path) -> None:
    bring(repo, PARENT)
    gone_on = PARENT._replace(ended_us=START_US + 2_000_000)
    notice = "exp-001 has gone on there since it came: it stays here as it came"
    assert bring(repo, CHILD, gone_on) == Imported("there", ("exp-002",), known=1, notices=(notice,))
    assert data(repo, "show", "exp-002")["parent"] == "exp-001"
    before = git(repo, "for-each-ref")
    assert bring(repo, CHILD, PARENT) == Imported("there", known=2)
    assert git(repo, "for-each-ref") == before


def test_what_is_odd_is_told(repo: Path) -> None:
    unknown = PARENT._replace(commit="0123456789" * 4)
    notice = "parent came without its code: git does not have 0123456789"
    assert bring(repo, unknown) == Imported("there", ("exp-001",), notices=(notice,))
    many = [unknown._replace(key=f"{number}", commit=f"{number}" * 40) for number in range(1, 6)]
    names, absent = "parent, parent, parent and 2 more", "1111111111, 2222222222, 3333333333 …"
    notice = f"{names} came without their code: git does not have {absent}"
    assert bring(repo, *many).notices == (notice,)
    remove(open_workspace(repo), ["exp-001"])
    notice = "parent was removed here: gxt rm --undo exp-001 brings it back"
    assert bring(repo, PARENT) == Imported("there", known=1, notices=(notice,))
    odd = CHILD._replace(created_us=-5, ended_us=1 << 62, tags=("", "\ud800"), name="", params={})
    assert bring(repo, odd).new == ("exp-007",)
    assert data(repo, "show", "exp-007")["tags"] == ["\\ud800"]


def test_what_two_clones_have_imported_becomes_one_run(repo: Path, tmp_path: Path) -> None:
    git(repo, "clone", "-q", "--bare", ".", str(tmp_path / "server"))
    git(repo, "remote", "add", "origin", str(tmp_path / "server"))
    git(tmp_path, "clone", "-q", "server", "bob")
    bob = tmp_path / "bob"
    git(bob, "config", "user.name", "Bob")
    bring(repo, PARENT, CHILD._replace(author=None))
    bring(bob, PARENT._replace(key="own", name="Bob's own"))
    bring(bob, PARENT, CHILD._replace(author=None))
    gxt(bob, "tag", "exp-003", "seen")
    assert gxt(repo, "push").stdout == "to origin: 2 runs (exp-001, exp-002)\n"
    gxt(bob, "push")
    pulled = gxt(repo, "pull")
    assert pulled.stderr == ""
    assert git(repo, "rev-parse", "refs/gxt/experiments") == git(bob, "rev-parse", "refs/gxt/experiments")
    told = [(one["name"], one["author"], one["tags"]) for one in data(repo, "list")]
    assert sorted(told) == [
        ("Bob's own", "Bob <ada@example.org>", []),
        ("child", "Ada Lovelace <ada@example.org>", ["fast", "two words", "seen"]),
        ("parent", "Ada Lovelace <ada@example.org>", []),
    ]
    for clone in (repo, bob):
        assert gxt(clone, "doctor").stdout.endswith("all is well\n")


def test_credentials_stay_where_they_are_in_whatever_they_are_told(repo: Path) -> None:
    url = "https://me:hunter2hunter2@example.org/x"
    told = PARENT._replace(
        name=f"of {url}", message=url, note=f"see {url}", tags=(f"from={url}", "api_key=hunter2hunter2")
    )
    bring(repo, told._replace(notices=(f"its artifacts stay at {url}",)))
    run = data(repo, "show", "exp-001")
    hidden = "https://[redacted]@example.org/x"
    assert (run["name"], run["message"], run["comments"][0]["text"]) == (
        f"of {hidden}",
        hidden,
        f"see {hidden}",
    )
    assert run["tags"] == [f"from={hidden}", "api_key=[redacted]"]
    assert run["notices"] == ["imported from other, where it is run/1", f"its artifacts stay at {hidden}"]


def test_odd_values_and_names_cost_no_run(repo: Path) -> None:
    odd = PARENT._replace(
        params={"nan": nan, "least": -inf, "half \ud800": "\udfff"},
        metrics=[(START_US, 1 << 70, {"\ud800": 1.0}), (START_US, -5, {"\ud800": inf})],
    )
    notice = "left out: parent: run/1 is there twice"
    assert bring(repo, odd, PARENT._replace(created_us=START_US + 1)).notices == (notice,)
    run = data(repo, "show", "exp-001", "--series")
    assert run["params"] == {"nan": "NaN", "least": "-Infinity", "half \\ud800": "\\udfff"}
    series = run["series"]["\\ud800"]
    assert (series["step"], series["value"]) == ([0, -5], [1.0, "Infinity"])
