"""`gxt diff`: two runs, or a run and the work tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, new_repository, tagged
from tests.conftest import data, git, gxt


@pytest.fixture
def lone(tmp_path: Path) -> Path:
    """A repository with one run, to edit."""
    repo = new_repository(tmp_path / "repo")
    gxt(repo, "run", "-q", "--", "true", "--depth", "3")
    return repo


def test_everything_that_differs(history: Path) -> None:
    assert (
        gxt(history, "diff", "1", "5").stdout
        == """\
exp-001  baseline  →  exp-005  wider

Metrics
  metric        exp-001    exp-005  change
  train_loss     3.3333     6.6667   +3.33  worse, n=1
  val/acc          0.55      0.525  −0.025  worse, n=1
  odd         -Infinity  -Infinity

Parameters
  lr           0.1 → 0.05
  model.width  64 → 128
  seed         3 → absent

Code
  notes.bin    binary
  params.yaml      +2  −2
  train.py         +2  −1
"""
    )


def test_equal_metrics_are_the_same(history: Path) -> None:
    assert (
        gxt(history, "diff", "3", "5").stdout
        == """\
exp-003  lower rate  →  exp-005  wider

Metrics
  metric        exp-003    exp-005  change
  train_loss     6.6667     6.6667      ±0  same
  val/acc         0.525      0.525      ±0  same
  odd         -Infinity  -Infinity

Parameters
  model.width  64 → 128

Code
  notes.bin    binary
  params.yaml      +1  −1
  train.py         +2  −1
"""
    )


def test_nothing_differs(history: Path) -> None:
    assert gxt(history, "diff", "6", "6").stdout == "exp-006  baseline  →  exp-006  baseline\nno difference\n"


def test_csv_and_markdown(history: Path) -> None:
    assert (
        gxt(history, "diff", "1", "5", "--csv").stdout
        == """\
kind,name,exp-001,exp-005,change,verdict
metric,train_loss,3.333333333333333,6.666666666666666,3.333333333333333,worse
metric,val/acc,0.55,0.525,-0.025000000000000022,worse
metric,odd,-Infinity,-Infinity,NaN,
param,lr,0.1,0.05,,
param,model.width,64,128,,
param,seed,3,,,
file,notes.bin,,,binary,
file,params.yaml,,,"2 added, 2 removed",
file,train.py,,,"2 added, 1 removed",
"""
    )
    assert (
        gxt(history, "diff", "1", "5", "--md").stdout
        == """\
| kind | name | exp-001 | exp-005 | change | verdict |
| --- | --- | --- | --- | --- | --- |
| metric | train\\_loss | 3.3333 | 6.6667 | +3.33 | worse |
| metric | val/acc | 0.55 | 0.525 | −0.025 | worse |
| metric | odd | -Infinity | -Infinity |  |  |
| param | lr | 0.1 | 0.05 |  |  |
| param | model.width | 64 | 128 |  |  |
| param | seed | 3 | absent |  |  |
| file | notes.bin |  |  | binary |  |
| file | params.yaml |  |  | 2 added, 2 removed |  |
| file | train.py |  |  | 2 added, 1 removed |  |
"""
    )


def test_the_patch_of_the_code(history: Path) -> None:
    assert (
        gxt(history, "diff", "1", "5", "--code").stdout
        == """\
diff --git a/notes.bin b/notes.bin
new file mode 100644
index 0000000..8352675
Binary files /dev/null and b/notes.bin differ
diff --git a/params.yaml b/params.yaml
index b710e0d..cc0fd96 100644
--- a/params.yaml
+++ b/params.yaml
@@ -1,4 +1,4 @@
-lr: 0.1  # the rate
+lr: 0.05  # the rate
 model:
   type: mlp
-  width: 64
+  width: 128
diff --git a/train.py b/train.py
index d4ad3a4..01badae 100644
--- a/train.py
+++ b/train.py
@@ -7,4 +7,5 @@ for step in range(3):
     gxt.log({"train_loss": 1 / (1 + step) / rate, "val/acc": 0.5 + rate * step / 4}, step=step)
 gxt.log({"odd": math.nan}, step=7)
 gxt.log({"odd": -math.inf}, step=5)
-print("trained")
+print("trained wide")
+# more
"""
    )
    assert gxt(history, "diff", "6", "6", "--code").stdout == ""


def test_the_patch_in_a_pipe_can_be_applied(lone: Path) -> None:
    make, base = lone / "Makefile", "all:\n\techo 'tab'\n\techo same  \n"
    make.write_text(base)
    gxt(lone, "run", "-q", "--", "true")
    make.write_text(f"{base}\techo more \n")
    patch = gxt(lone, "diff", "@", "--code").stdout
    make.write_text(base)
    subprocess.run(["git", "apply"], cwd=lone, input=patch, text=True, check=True)
    assert make.read_text() == f"{base}\techo more \n"


def test_the_patch_is_coloured_on_a_terminal(history: Path) -> None:
    shown = tagged(Terminal(history, 80).show("diff", "2", "3", "--code")).splitlines()
    assert shown[-6:] == [
        "<cyan>@@ -1,4 +1,4 @@</>",
        "<red>-lr: 0.3  # the rate</>",
        "<green>+lr: 0.05  # the rate</>",
        " model:",
        "   type: mlp",
        "   width: 64",
    ]


def test_better_is_green_and_worse_is_red_on_a_terminal(history: Path) -> None:
    assert tagged(Terminal(history, 80).show("diff", "2", "3")).splitlines() == [
        "<cyan>exp-002</>  <cyan>higher rate</>  →  <cyan>exp-003</>  <cyan>lower rate</>",
        "",
        "<head>Metrics</>",
        "  <dim>metric</>        <dim>exp-002</>    <dim>exp-003</>  <dim>change</>",
        "  train_loss     1.1111     6.6667   <red>+5.56</>  <red>worse, n=1</>",
        "  val/acc          0.65      0.525  <red>−0.125</>  <red>worse, n=1</>",
        "  odd         -Infinity  -Infinity",
        "",
        "<head>Parameters</>",
        "  <dim>lr</>  0.3 → 0.05",
        "",
        "<head>Code</>",
        "  params.yaml  <green>+1</>  <red>−1</>",
    ]


def test_against_the_work_tree_as_it_was(lone: Path) -> None:
    assert gxt(lone, "diff", "1").stdout == "exp-001  true --depth 3  →  the work tree\nno difference\n"


def test_against_the_edited_work_tree(lone: Path) -> None:
    (lone / "params.yaml").write_text("lr: 0.2\nmodel:\n  width: 64\nnew: [1, x]\n")
    (lone / "train.py").rename(lone / "moved name.py")
    (lone / "blob").write_bytes(b"\0")
    assert (
        gxt(lone, "diff", "1").stdout
        == """\
exp-001  true --depth 3  →  the work tree

Parameters
  lr          0.1 → 0.2
  model.type  mlp → absent
  new         absent → [1, "x"]

Code
  blob           binary
  moved name.py     +10   −0
  params.yaml        +2   −2
  train.py           +0  −10
"""
    )


def test_a_parameter_of_the_command_line_is_not_gone_from_the_work_tree(lone: Path) -> None:
    assert data(lone, "show", "1")["params"]["depth"] == 3
    assert data(lone, "diff", "1")["params"] == {}


def test_the_files_of_the_run_count_wherever_the_user_stands(lone: Path) -> None:
    (lone / "sub").mkdir()
    (lone / "sub" / "params.yaml").write_text("other: 1\n")
    assert data(lone / "sub", "diff", "1")["params"] == {}


def test_the_work_tree_lost_its_parameters_file(lone: Path) -> None:
    (lone / "params.yaml").unlink()
    assert data(lone, "diff", "1")["params"] == {
        "lr": [0.1, None], "model.type": ["mlp", None], "model.width": [64, None],
    }  # fmt: skip


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems refuse names that are no UTF-8")
def test_a_parameters_file_with_a_name_that_is_no_utf8(lone: Path) -> None:
    path = lone / os.fsdecode(b"p\xff.yaml")
    path.write_text("depth: 4\n")
    gxt(lone, "run", "-q", "--params", path.name, "--", "true")
    assert data(lone, "diff", "2")["params"] == {}
    path.unlink()
    assert data(lone, "diff", "2")["params"] == {"depth": [4, None]}


def test_an_invalid_parameters_file_in_the_work_tree_is_an_error(lone: Path) -> None:
    (lone / "params.yaml").write_text("lr: [1\n")
    done = gxt(lone, "diff", "1", "--json", code=2)
    assert json.loads(done.stdout)["error"]["code"] == "invalid-params"


def test_diff_writes_no_object_into_the_history(lone: Path) -> None:
    (lone / "new.py").write_text("x\n")
    before = git(lone, "for-each-ref"), (lone / ".git" / "index").read_bytes()
    gxt(lone, "diff", "1")
    assert (git(lone, "for-each-ref"), (lone / ".git" / "index").read_bytes()) == before


def test_long_values_are_told_whole(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    old, new = "/data/" + "a" * 80 + "/1", "/data/" + "a" * 80 + "/2"
    for value in (old, new):
        gxt(repo, "run", "-q", "--", "true", "--data", value)
    assert f"  data  {old} → {new}\n" in gxt(repo, "diff", "1", "2").stdout
    assert f"param,data,{old},{new},,\n" in gxt(repo, "diff", "1", "2", "--csv").stdout
