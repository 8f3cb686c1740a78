"""The data of a run on the command line: `--data`, what `show` and `diff` tell of it, what has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import data, git, gxt

CSV = "id,label\n1,cat\n2,dog\n3,cat\n4,dog\n"
PIPELINE = "stages:\n  prepare:\n    cmd: 'true'\n    deps: [raw/x.jsonl]\n    outs: [made.csv]\n"


@pytest.fixture
def lab(repo: Path) -> Path:
    """Data that git does not track, some of it made by a stage, and a run that has used it."""
    (repo / ".gitignore").write_text("raw/\nmade.csv\n")
    (repo / "dvc.yaml").write_text(PIPELINE)
    (repo / "raw").mkdir()
    (repo / "raw" / "train.csv").write_text(CSV)
    (repo / "raw" / "x.jsonl").write_text('{"a": 1}\n')
    (repo / "made.csv").write_text("a,b\n1,0.5\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "data")
    gxt(repo, "run", "-q", "--name", "one", "--data", "raw/train.csv", "--", "true")
    return repo


def test_show_tells_inputs_from_what_a_stage_has_made(lab: Path) -> None:
    page = gxt(lab, "show").stdout
    assert (
        page[page.index("Data\n") :]
        == """\
Data
  raw/train.csv  4 rows, 2 columns, label: cat 2, dog 2; 33 B  c4371854
  raw/x.jsonl    1 row, 1 column; 9 B                          a0163786

Intermediate data
  made.csv  1 row, 2 columns; 10 B  ca78d30c
"""
    )


def test_a_dataset_that_has_changed_is_said_at_the_start_and_shown_by_diff(lab: Path) -> None:
    (lab / "raw" / "train.csv").write_text(CSV + "5,cat\n6,cow\n")
    done = gxt(lab, "run", "--name", "two", "--data", "raw/train.csv", "--", "true")
    assert done.stderr.splitlines()[:2] == [
        "gxt: raw/train.csv has changed since exp-001: 4 → 6 rows",
        "exp-002 ← exp-001  two",
    ]
    assert (
        gxt(lab, "diff", "1", "2").stdout
        == """\
exp-001  one  →  exp-002  two

Data
  raw/train.csv  rows               4 → 6
                 classes.label.cat  2 → 3
                 classes.label.cow  absent → 1
                 size               33 B → 45 B
                 md5                c4371854 → 88b760b0
"""
    )


def test_diff_in_other_forms(lab: Path) -> None:
    (lab / "made.csv").write_text("a,b\n2,0.5\n")
    gxt(lab, "run", "-q", "--name", "two", "--", "true")
    assert (
        gxt(lab, "diff", "1", "2", "--csv").stdout
        == """\
kind,name,exp-001,exp-002,change,verdict
data,made.csv md5,ca78d30c3b691d25857a51b20e894fbc,cdd7de3f49a3d4f477e0fc13a3fcd1ed,,
data,raw/train.csv md5,c4371854db11fa6ff6054f809bf6de8b,,,
"""
    )
    found = data(lab, "diff", "1", "2")["data"]
    before, after = ({one["path"]: one for one in data(lab, "show", run)["data"]} for run in ("1", "2"))
    assert found == {
        "made.csv": {"a": before["made.csv"], "b": after["made.csv"]},
        "raw/train.csv": {"a": before["raw/train.csv"], "b": None},
    }


def test_diff_with_the_work_tree_looks_at_the_data_of_the_run(lab: Path) -> None:
    assert gxt(lab, "diff", "1").stdout == "exp-001  one  →  the work tree\nno difference\n"
    (lab / "raw" / "train.csv").unlink()
    (lab / "raw" / "x.jsonl").write_text('{"a": 2}\n')
    (lab / "made.csv").unlink()
    assert (
        gxt(lab, "diff", "1").stdout
        == """\
exp-001  one  →  the work tree

Data
  raw/train.csv       4 rows, 2 columns, label: cat 2, dog 2; 33 B → absent
  raw/x.jsonl    md5  a0163786 → 4b323cd4
"""
    )


def test_a_dry_run_shows_the_data(lab: Path) -> None:
    page = gxt(lab, "run", "--dry-run", "--data", "raw", "--", "true").stdout
    assert (
        page[page.index("  data ") : page.index("  params ")]
        == """\
  data       made.csv  1 row, 2 columns; 10 B
             raw  train.csv: 4 rows, x.jsonl: 1 row; 42 B, 2 files
             raw/x.jsonl  1 row, 1 column; 9 B
"""
    )


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (
            "nope.csv",
            "gxt: there is no data at 'nope.csv'\n     --data takes a file or a folder that is here\n",
        ),
        (
            "x" * 300,
            f"gxt: there is no data at '{'x' * 300}'\n     --data takes a file or a folder that is here\n",
        ),
        ("", "gxt: there is no data at ''\n     --data takes a file or a folder that is here\n"),
        (
            ".",
            "gxt: the whole repository is no data\n     name the folder in it that holds the data\n",
        ),
        (
            "/dev/null",
            "gxt: '/dev/null' is neither a file nor a folder\n     --data takes what can be read twice\n",
        ),
    ],
)
def test_what_is_no_data_is_refused_before_the_command_starts(repo: Path, path: str, error: str) -> None:
    done = gxt(repo, "run", "--data", path, "--", "touch", "started", code=2)
    assert (done.stderr, (repo / "started").exists()) == (error, False)
    assert data(repo, "list") == []


def test_paths_start_where_the_user_stands(repo: Path, tmp_path: Path) -> None:
    (repo / "sub").mkdir()
    (repo / "sub" / "x.npy").write_bytes(b"no array")
    (tmp_path / "outside.bin").write_bytes(b"1")
    named = ("x.npy", "../train.py", str(repo / "params.yaml"), str(tmp_path / "outside.bin"))
    words = [word for name in named for word in ("--data", name)]
    gxt(repo / "sub", "run", "-q", *words, "--", "true")
    found = {one["path"]: (one["tracked"], one["source"]) for one in data(repo, "show")["data"]}
    assert found == {
        "../outside.bin": (None, None),
        "params.yaml": ("git", "git"),
        "sub/x.npy": (None, None),
        "train.py": ("git", "git"),
    }


def test_odd_names_and_contents_reach_the_terminal_clean(repo: Path) -> None:
    name = "a\x1b[31m\n[b]b.csv"
    (repo / name).write_text("x\x1b[2J,label\n1,a\x07\n2,b\n3,a\x07\n4,b\n")
    gxt(repo, "run", "-q", "--data", name, "--", "true")
    (repo / name).write_text("x\x1b[2J,label\n1,a\x07\n2,c\n")
    for words in (
        ["show"],
        ["diff", "1"],
        ["diff", "1", "--csv"],
        ["run", "--dry-run", "--data", name, "--", "true"],
    ):
        said = gxt(repo, *words).stdout
        assert not {"\x1b", "\x07"} & set(said)
    assert json.loads(gxt(repo, "show", "--json").stdout)["data"]["data"][0]["path"] == name
