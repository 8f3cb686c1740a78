"""`gxt export`: folders of files, CSV, XLSX."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from gxt.errors import GxtError, UsageError
from gxt.model.json_types import JsonObject
from gxt.ops.annotate import rename, tag
from gxt.ops.evaluate import evaluate
from gxt.ops.export_files import Drawing, Exported, _yaml, export_files
from gxt.ops.import_files import import_files
from gxt.ops.workspace import open_workspace
from gxt.render import curve, run_page
from gxt.store import journal
from tests.cli.scratch import normal
from tests.conftest import gxt
from tests.integration.test_live_runs import UID, started

FOLDERS = [
    "exp-001-baseline",
    "exp-002-higher-rate",
    "exp-003-lower-rate",
    "exp-004-fails",
    "exp-005-wider",
    "exp-006-baseline",
]

README = """\
# exp-002 higher rate

completed · 2001-02-03 04:05 UTC · 0.0 s · Ada Lovelace

Derives from exp-001 baseline.

## What changed from exp-001

| parameter | exp-001 | here |
| --- | --- | --- |
| lr | 0.1 | 0.3 |
| seed | 3 |  |

## Parameters

| parameter | value |
| --- | --- |
| lr | 0.3 |
| model.type | mlp |
| model.width | 64 |

## Results

| metric | last | min | max | from the parent | verdict |
| --- | --- | --- | --- | --- | --- |
| val/acc | 0.65 | 0.5 | 0.65 | +0.1 | better |
| train\\_loss | 1.1111 | 1.1111 | 3.3333 | −2.22 | better |
| odd | -Infinity | -Infinity | -Infinity |  |  |

## Where it comes from

|  |  |
| --- | --- |
| uid | <uid> |
| commit of the run | <oid> |
| code | <oid> with uncommitted changes |
| command | python train.py |
"""


def export(repo: Path, folder: Path, *refs: str, where: str | None = None) -> Exported:
    drawing = Drawing(run_page.page, curve.picture, draws=False)
    return export_files(open_workspace(repo), folder, refs, where, drawing=drawing)


@pytest.fixture
def lab(history: Path, tmp_path: Path) -> Path:
    """The history to write to."""
    shutil.copytree(history, tmp_path / "lab", symlinks=True)
    return tmp_path / "lab"


def test_a_folder_for_each_run_holds_what_one_would_keep_by_hand(history: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    assert export(history, out) == Exported(out, tuple(FOLDERS))
    assert sorted(path.name for path in out.iterdir()) == [*FOLDERS, "index.json"]
    assert sorted(
        path.relative_to(out / FOLDERS[1]).as_posix() for path in (out / FOLDERS[1]).rglob("*")
    ) == [
        *("README.md", "config.yaml", "eval.json", "metrics.jsonl", "record", "record/commit"),
        *("record/config.json", "record/environment.json", "record/metrics.json", "record/output.log"),
        *("record/series", "run.json"),
    ]
    assert normal((out / FOLDERS[1] / "README.md").read_text()) == README
    assert yaml.safe_load((out / FOLDERS[4] / "config.yaml").read_text()) == {
        "lr": 0.05,
        "model": {"type": "mlp", "width": 128},
    }
    lines = [json.loads(one) for one in (out / FOLDERS[0] / "metrics.jsonl").read_text().splitlines()]
    assert [{k: v for k, v in one.items() if k != "time"} for one in lines] == [
        {"step": 0, "train_loss": 10.0, "val/acc": 0.5},
        {"step": 1, "train_loss": 5.0, "val/acc": 0.525},
        {"step": 2, "train_loss": 1 / 3 / 0.1, "val/acc": 0.55},
        {"step": 7, "odd": "NaN"},
        {"step": 5, "odd": "-Infinity"},
    ]
    assert (out / FOLDERS[0] / "eval.json").read_text() == "{}\n"


def test_the_index_has_a_line_for_each_run(history: Path, tmp_path: Path) -> None:
    export(history, tmp_path / "out")
    index = json.loads((tmp_path / "out/index.json").read_text())
    assert (index["gxt"], index["kind"]) == (1, "export")
    assert [one["directory"] for one in index["runs"]] == FOLDERS
    shown = {key: index["runs"][4][key] for key in ("id", "name", "status", "parent", "tags", "main_metric")}
    assert shown == {
        "id": "exp-005",
        "name": "wider",
        "status": "completed",
        "parent": "exp-001",
        "tags": [],
        "main_metric": ["val/acc", "max"],
    }


def test_runs_can_be_named_or_chosen_by_a_condition(history: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert export(history, out, "5", "exp-002", "5").written == (FOLDERS[1], FOLDERS[4])
    assert export(history, out, where="status == 'failed'").written == (FOLDERS[3],)
    runs = json.loads((out / "index.json").read_text())["runs"]
    assert [one["directory"] for one in runs] == [FOLDERS[1], FOLDERS[3], FOLDERS[4]]  # all that is there
    with pytest.raises(UsageError, match="--where as well"):
        export(history, out, "5", where="status == 'failed'")


def test_an_export_goes_on_where_it_was(lab: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(lab, out)
    assert export(lab, out) == Exported(out, (), tuple(FOLDERS))
    (out / FOLDERS[2] / "run.json").unlink()  # a kill, before a folder was whole
    (out / ".new-exp-004-fails").mkdir()
    shutil.rmtree(out / FOLDERS[3])
    done = export(lab, out)
    assert done.written == (FOLDERS[2], FOLDERS[3])
    assert sorted(path.name for path in out.iterdir()) == [*FOLDERS, "index.json"]


def test_what_was_said_since_is_brought_up_to_date_and_files_of_others_stay(
    lab: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(lab, out)
    (out / FOLDERS[4] / "my notes.txt").write_text("mine")
    tag(open_workspace(lab), "exp-002", ["good"])
    evaluate(open_workspace(lab), "exp-002", {"elo": 1523}, name="match")
    rename(open_workspace(lab), "exp-005", "Größer & breiter/../!")
    renamed = "exp-005-grosser-breiter"
    done = export(lab, out)
    assert done.written == (FOLDERS[1], renamed)
    assert not (out / FOLDERS[4]).exists()
    assert (out / renamed / "my notes.txt").read_text() == "mine"
    page = (out / FOLDERS[1] / "README.md").read_text()
    assert "#good" in page
    assert "| elo | 1523 |  |  |" in page
    assert export(lab, out).written == ()


def test_a_folder_follows_its_run_when_numbers_have_moved(history: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(history, out, "2", "3", "5")
    for name in (FOLDERS[1], FOLDERS[2], FOLDERS[4]):
        (out / name / "mine.txt").write_text(name)
    (out / FOLDERS[1]).rename(out / "first")  # as if they had had other numbers: 2 was 3, 3 was 5, 5 was 2
    (out / FOLDERS[4]).rename(out / FOLDERS[1])
    (out / FOLDERS[2]).rename(out / FOLDERS[4])
    (out / "first").rename(out / FOLDERS[2])
    assert export(history, out, "2", "3").written == (FOLDERS[1], FOLDERS[2])
    fifth = next(path.name for path in out.iterdir() if path.name.startswith("exp-005"))
    assert sorted(path.name for path in out.iterdir()) == [FOLDERS[1], FOLDERS[2], fifth, "index.json"]
    assert {path.name: (path / "mine.txt").read_text() for path in out.iterdir() if path.is_dir()} == {
        FOLDERS[1]: FOLDERS[1],
        FOLDERS[2]: FOLDERS[2],
        fifth: FOLDERS[4],
    }
    assert export(history, out, "5").written == (FOLDERS[4],)
    assert sorted(path.name for path in out.iterdir()) == [FOLDERS[1], FOLDERS[2], FOLDERS[4], "index.json"]


@pytest.mark.parametrize("what", ["file", "other", "index"])
def test_a_folder_that_holds_something_else_is_refused(history: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out"
    if what == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / ("mine.txt" if what == "other" else "index.json")).write_text('{"gxt": 2, "kind": "export"}')
    with pytest.raises(UsageError):
        export(history, out)
    assert [path.name for path in out.rglob("*")] in ([], ["mine.txt"], ["index.json"])


def test_nothing_is_written_or_removed_through_a_link(lab: Path, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    export(lab, out, "2")
    elsewhere.mkdir()
    (elsewhere / "series").write_text("mine")
    shutil.rmtree(out / FOLDERS[1] / "record")
    (out / FOLDERS[1] / "record").symlink_to(elsewhere)
    facts = json.loads((out / FOLDERS[1] / "run.json").read_text())
    facts["files"] += ["../../elsewhere/series", "record/series", str(elsewhere / "series")]
    (out / FOLDERS[1] / "run.json").write_text(json.dumps({**facts, "tree": "older"}))
    with pytest.raises(GxtError, match="is a link"):
        export(lab, out, "2")
    (out / ".gxt-new").symlink_to(elsewhere / "series")
    export(lab, out, "3")
    shutil.rmtree(out / FOLDERS[1])
    (out / FOLDERS[1]).symlink_to(elsewhere)
    with pytest.raises(GxtError, match="is a link"):
        export(lab, out, "2")
    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == {"series": "mine"}


def test_a_picture_is_drawn_with_whatever_was_logged(history: Path, tmp_path: Path) -> None:
    assert curve.can_draw()
    done = gxt(history, "export", "files", str(tmp_path / "out"), "1", "6", "--json")
    assert json.loads(done.stdout)["data"] == {
        "directory": str(tmp_path / "out"),
        "written": [FOLDERS[0], FOLDERS[5]],
        "unchanged": [],
    }
    png = (tmp_path / "out" / FOLDERS[0] / "learning_curve.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n")
    assert (
        "![Learning curve](learning_curve.png)" in (tmp_path / "out" / FOLDERS[0] / "README.md").read_text()
    )
    assert not (tmp_path / "out" / FOLDERS[5] / "learning_curve.png").exists()  # nothing was logged


def test_nothing_of_a_run_acts_in_its_page(lab: Path, tmp_path: Path) -> None:
    rename(open_workspace(lab), "exp-001", "<script>alert(1)</script> [x](javascript:1) `|` end")
    out = tmp_path / "out"
    (name,) = export(lab, out, "1").written
    assert name == "exp-001-script-alert-1-script-x-javascript-1-end"
    assert (out / name / "README.md").read_text().splitlines()[0] == (
        r"# exp-001 \<script>alert(1)\</script> \[x](javascript:1) \`\|\` end"
    )


@pytest.mark.parametrize(
    "params",
    [
        {},
        {
            "a": "NaN",
            "b": "yes",
            "c": "1e5",
            "d": "\x1b\0\x85\u2028",
            "e": "😀",
            "f": None,
            "g": [1, [{"x": 1}]],
        },
        {"huge": 10**300, "small": 1e-300, "": "", "exact": 0.1, "1": "1", "text": "a: b\n# c"},
        {"half a character": "\ud800"},
    ],
)
def test_parameters_are_the_same_when_yaml_is_read(params: JsonObject) -> None:
    text = _yaml(params).decode()
    assert (json.loads(text) if "half a character" in params else yaml.safe_load(text)) == params


def test_a_running_run_is_left_out_and_keeps_its_number(lab: Path, tmp_path: Path) -> None:
    path = lab / ".git/gxt/live" / UID
    path.mkdir(parents=True)
    (path / journal.NUMBER).write_text("7\n")
    (path / journal.JOURNAL).write_text(f"{started()}\n")
    done = export(lab, tmp_path / "out", where="status in ('running', 'failed')")
    assert (done.written, done.notices) == ((FOLDERS[3],), ("exp-007 is running, and left out",))
    (tmp_path / "hand").mkdir()
    (tmp_path / "hand/config.yaml").write_text("lr: 1")
    assert import_files(open_workspace(lab), tmp_path / "hand").new == ("exp-008",)


# --- spreadsheets ----------------------------------------------------------------------------------------

HEAD = ["id", "name", "parent", "change", "val/acc", "train_loss", "odd"]
HEAD += ["verdict", "status", "tags", "created", "duration_s"]
NAUGHTY = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1"]


def test_csv_has_parents_changes_metrics_and_verdicts(history: Path, tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    done = gxt(history, "export", "csv", "-o", str(file))
    assert (done.stdout, done.stderr) == ("", f"6 runs in {file}\n")
    assert gxt(history, "export", "csv").stdout == file.read_text()
    rows = list(csv.reader(io.StringIO(file.read_text())))
    assert rows[0] == HEAD
    assert [row[:10] for row in rows[1:]] == [
        [
            "exp-001",
            "baseline",
            "",
            "",
            "0.55",
            repr(1 / 3 / 0.1),
            "-Infinity",
            "",
            "completed",
            "first, two words",
        ],
        [
            *("exp-002", "higher rate", "exp-001", "lr: 0.1 → 0.3; seed: 3 → none", "0.65"),
            *(repr(1 / 3 / 0.3), "-Infinity", "better", "completed", ""),
        ],
        [
            *("exp-003", "lower rate", "exp-002", "lr: 0.3 → 0.05", "0.525", repr(1 / 3 / 0.05)),
            *("-Infinity", "worse", "completed", ""),
        ],
        [
            *("exp-004", "fails", "exp-001", "lr: 0.1 → 0.05; seed: 3 → none", "", "", "", ""),
            *("failed", ""),
        ],
        [
            *("exp-005", "wider", "exp-001", "lr: 0.1 → 0.05; model.width: 64 → 128; seed: 3 → none"),
            *("0.525", repr(1 / 3 / 0.05), "-Infinity", "worse", "completed", ""),
        ],
        ["exp-006", "baseline", "", "", "", "", "", "", "completed", ""],
    ]


def test_xlsx_has_a_frozen_head_colours_by_verdict_and_numbers(lab: Path, tmp_path: Path) -> None:
    rename(open_workspace(lab), "exp-001", "=HYPERLINK(1)")
    gxt(lab, "export", "xlsx", "1", "2", "3", "-o", str(tmp_path / "runs.xlsx"))
    page: Any = openpyxl.load_workbook(tmp_path / "runs.xlsx").active
    assert [cell.value for cell in page[1]] == HEAD
    assert (page.freeze_panes, page.auto_filter.ref) == ("C2", "A1:L4")
    assert [cell.value for cell in page[3]][:10] == [
        *(
            "exp-002",
            "higher rate",
            "exp-001",
            "lr: 0.1 → 0.3; seed: 3 → none",
            0.65,
            pytest.approx(1 / 3 / 0.3),
        ),
        *("-Infinity", "better", "completed", None),
    ]
    fills = [[page.cell(row, at).fill.start_color.rgb[2:] for at in (4, 5, 8)] for row in (2, 3, 4)]
    assert fills == [["000000"] * 3, ["000000", "C6EFCE", "C6EFCE"], ["000000", "FFC7CE", "FFC7CE"]]
    naughty = page.cell(2, 2)
    assert (naughty.value, naughty.data_type, naughty.quotePrefix) == ("=HYPERLINK(1)", "s", True)
    assert page.cell(2, 11).is_date


@pytest.mark.parametrize("text", NAUGHTY)
def test_a_text_that_begins_a_formula_stays_a_text(lab: Path, tmp_path: Path, text: str) -> None:
    from gxt.ops.export_table import sheet
    from gxt.render.spreadsheet import csv_text, xlsx_bytes

    found = sheet(open_workspace(lab), ["1"])
    naughty = found._replace(rows=tuple(one._replace(parent=text) for one in found.rows))
    rows = list(csv.reader(io.StringIO(csv_text(naughty))))
    assert rows[1][2] == f"'{text}"
    page: Any = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(naughty))).active
    assert (page.cell(2, 3).data_type, page.cell(2, 3).quotePrefix) == ("s", True)


def test_a_file_appears_whole_or_not_at_all(history: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "runs.csv"
    done = gxt(history, "export", "csv", "-o", str(missing), code=1)
    assert done.stderr.startswith(f"gxt: {missing} could not be written: No such file or directory\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["parquet"], "no such kind: parquet"),
        (["files"], "gxt export files writes into a folder, and none is named"),
        (["files", "out", "-o", "x"], "gxt export files writes into a folder, not into -o"),
        (["xlsx"], "a workbook goes into a file"),
        (["csv", "runs.csv"], "into a file: gxt export csv -o runs.csv"),
        (["csv", "--json"], "CSV on stdout leaves no room for --json"),
        (["csv", "--where", "nonsense ="], "nonsense ="),
    ],
)
def test_what_makes_no_sense_is_said(
    history: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    from gxt.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(history)
        code = main._run(["export", *words])
    captured = capsys.readouterr()
    assert (code, said in captured.err + captured.out) == (2, True)
