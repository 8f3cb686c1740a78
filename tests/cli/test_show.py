"""`gxt show`: everything about one run, and every way to name it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.cli.scratch import Terminal, new_repository, normal, tagged
from tests.conftest import data, gxt

WIDER = """\
exp-005  wider  completed
  uid      <uid>
  commit   <oid>
  parent   exp-001  baseline
  created  2001-02-03 04:05 by Ada Lovelace <ada@example.org> on <host>
  took     0.0 s
  command  python train.py
  code     <head> on main with uncommitted changes
  python   <version>
  machine  <machine>

Hypothesis
  Wider learns more.
  It is slower, too.

Parameters
  lr           0.05
  model.type   mlp
  model.width  128

Metrics
  metric           last        from parent        min  at        max  at  points
  train_loss     6.6667   +3.33 worse, n=1     6.6667   2         20   0       3
  val/acc         0.525  −0.025 worse, n=1        0.5   0      0.525   2       3
  odd         -Infinity                     -Infinity   5  -Infinity   5       2
"""

FAILS = """\
exp-004  fails  failed
  uid      <uid>
  commit   <oid>
  parent   exp-001  baseline
  created  2001-02-03 04:05 by Ada Lovelace <ada@example.org> on <host>
  took     0.0 s, exit code 3
  command  sh -c 'printf '"'"'one\\ttwo\\n'"'"'; echo bad >&2; exit 3'
  code     <head> on main with uncommitted changes
  python   <version> (assumed: the first on PATH)
  machine  <machine>

Parameters
  lr           0.05
  model.type   mlp
  model.width  64
"""


def test_hypothesis_inputs_and_outputs_stand_apart(history: Path) -> None:
    done = gxt(history, "show", "5")
    assert normal(done.stdout) == WIDER
    assert done.stderr == ""


def test_a_failed_run_without_metrics(history: Path) -> None:
    assert normal(gxt(history, "show", "fails").stdout) == FAILS


def test_children_tags_and_flags(history: Path) -> None:
    lines = normal(gxt(history, "show", "1").stdout).splitlines()
    assert lines[3:5] == ["  children  exp-002 exp-004 exp-005", "  tags      first 'two words'"]
    assert lines[12:17] == [
        "Parameters",
        "  lr           0.1",
        "  model.type   mlp",
        "  model.width  64",
        "  seed         3",
    ]


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("exp-002", "exp-002"),
        ("2", "exp-002"),
        ("002", "exp-002"),
        ("exp-2", "exp-002"),
        ("exp-0002", "exp-002"),
        ("EXP-002", "exp-002"),
        ("wider", "exp-005"),
        ("@", "exp-006"),
        ("@~0", "exp-006"),
        ("@~2", "exp-004"),
        ("best", "exp-002"),
    ],
)
def test_every_way_to_name_a_run(history: Path, ref: str, found: str) -> None:
    assert data(history, "show", ref)["id"] == found


def test_prefixes_of_uid_and_commit(history: Path) -> None:
    run = data(history, "show", "exp-003")
    for ref in (run["uid"], run["uid"][:22], run["uid"][:22].lower(), run["commit"], run["commit"][:9]):
        assert data(history, "show", ref)["id"] == "exp-003"


def test_without_a_name_the_latest(history: Path) -> None:
    assert data(history, "show")["id"] == "exp-006"


def test_best_follows_the_metric_and_the_goal_of_the_settings(history: Path) -> None:
    shown = gxt(
        *(history, "show", "best"),
        GIT_CONFIG_COUNT="2",
        GIT_CONFIG_KEY_0="gxt.metric",
        GIT_CONFIG_VALUE_0="train_loss",
        GIT_CONFIG_KEY_1="gxt.goal",
        GIT_CONFIG_VALUE_1="max",
    )
    assert shown.stdout.splitlines()[0] == "exp-005  wider  completed"


def test_series_as_a_table_and_as_csv(history: Path) -> None:
    text = normal(gxt(history, "show", "1", "--series").stdout)
    assert text == (
        "metric      step  time                                     value\n"
        "odd            7  <time>                NaN\n"
        "odd            5  <time>          -Infinity\n"
        "train_loss     0  <time>               10.0\n"
        "train_loss     1  <time>                5.0\n"
        "train_loss     2  <time>  3.333333333333333\n"
        "val/acc        0  <time>                0.5\n"
        "val/acc        1  <time>              0.525\n"
        "val/acc        2  <time>               0.55\n"
    )
    rows = list(csv.reader(io.StringIO(gxt(history, "show", "1", "--csv").stdout)))
    assert [[row[0], row[1], row[3]] for row in rows] == [
        ["metric", "step", "value"],
        *([line.split()[0], line.split()[1], line.split()[3]] for line in text.splitlines()[1:]),
    ]


def test_a_terminal_wraps_long_values_below_themselves(tmp_path: Path) -> None:
    repo = new_repository(tmp_path / "repo")
    message = "the learning rate is lower than it was in the last run because that one diverged after a while"
    gxt(repo, "run", "-q", "-m", message, "--", "true")
    shown = normal(Terminal(repo, 60).show("show", NO_COLOR="1"))
    assert shown.splitlines()[:11] == [
        "exp-001  the learning rate is lower than it was …  completed",
        "  uid      <uid>",
        "  commit   <oid>",
        "  message  the learning rate is lower than it was in the",
        "           last run because that one diverged after a while",
        "  created  2001-02-03 04:05 by Ada Lovelace",
        "           <ada@example.org> on " + shown.splitlines()[6].split()[-1],
        "  took     0.0 s",
        "  command  true",
        "  code     <head> on main",
        "  python   <version> (assumed: the first on PATH)",
    ]


def test_colours_of_a_run(history: Path) -> None:
    shown = tagged(normal(Terminal(history, 100).show("show", "2"))).splitlines()
    assert shown[0] == "<cyan>exp-002</>  <bold>higher rate</>  <green>completed</>"
    assert [line.replace("<dim>", "").replace("<bold>", "") for line in shown[-3:]] == [
        "  train_loss     1.1111  <green>−2.22 better, n=1</>     1.1111   2</>     3.3333   0</>       3</>",
        "  val/acc</>          0.65   <green>+0.1 better, n=1</>        0.5   0</>       0.65   2</>       3</>",  # noqa: E501
        "  odd         -Infinity                     -Infinity   5</>  -Infinity   5</>       2</>",
    ]
    assert shown[-2].startswith("  <bold>val/acc</>")


def test_variables_that_change_results_are_told(repo: Path) -> None:
    gxt(repo, "run", "-q", "--", "true", OMP_NUM_THREADS="4", XLA_FLAGS="--a --b")
    gxt(repo, "run", "-q", "--", "true", OMP_NUM_THREADS="8")
    (told,) = [line for line in gxt(repo, "show", "1").stdout.splitlines() if line.startswith("  variables ")]
    assert {"OMP_NUM_THREADS=4", "XLA_FLAGS='--a"} <= set(told.split())
    assert data(repo, "show", "1")["environment"]["variables"]["XLA_FLAGS"] == "--a --b"
    assert data(repo, "list")[0]["environment"]["variables"]["OMP_NUM_THREADS"] == "8"
    assert data(repo, "diff", "1", "2")["environment"] == {
        "variables.OMP_NUM_THREADS": ["4", "8"],
        "variables.XLA_FLAGS": ["--a --b", None],
    }
    assert gxt(repo, "diff", "1", "2").stdout.splitlines()[2:] == [
        "Environment",
        "  variables.OMP_NUM_THREADS  4 → 8",
        "  variables.XLA_FLAGS        --a --b → absent",
    ]


def test_a_message_of_several_lines_keeps_them(repo: Path) -> None:
    gxt(repo, "run", "-q", "-m", "Warm up longer\n\n- 500 steps\n  instead of 100\n", "--", "true")
    text = gxt(repo, "show").stdout
    assert text.splitlines()[0] == "exp-001  Warm up longer - 500 steps instead of 100  completed"
    assert "\n\nMessage\n  Warm up longer\n\n  - 500 steps\n    instead of 100\n\nParameters\n" in text
    assert "  message " not in text
