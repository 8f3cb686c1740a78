"""`gxt compare`: runs side by side."""

from __future__ import annotations

from pathlib import Path

from tests.cli.scratch import Terminal
from tests.conftest import data, gxt

WHOLE = """\
                      exp-001      exp-002     exp-003    exp-005
name                 baseline  higher rate  lower rate      wider
status              completed    completed   completed  completed
parent                             exp-001     exp-002    exp-001
params.lr                 0.1          0.3        0.05       0.05
params.model.width         64           64          64        128
params.seed                 3
train_loss           3.3333       1.1111 *    6.6667     6.6667
val/acc                0.55         0.65 *     0.525      0.525
odd                 -Infinity    -Infinity   -Infinity  -Infinity
"""


def test_what_differs_and_every_metric_with_the_best_marked(history: Path) -> None:
    done = gxt(history, "compare", "1", "2", "3", "wider")
    assert (done.stdout, done.stderr) == (WHOLE, "")


def test_no_star_where_all_are_equal(history: Path) -> None:
    assert (
        gxt(history, "compare", "3", "5").stdout
        == """\
                       exp-003    exp-005
name                lower rate      wider
status               completed  completed
parent                 exp-002    exp-001
params.model.width          64        128
train_loss              6.6667     6.6667
val/acc                  0.525      0.525
odd                  -Infinity  -Infinity
"""
    )


def test_csv_is_exact_and_unmarked(history: Path) -> None:
    assert (
        gxt(history, "compare", "1", "5", "3", "--csv").stdout
        == """\
,exp-001,exp-005,exp-003
name,baseline,wider,lower rate
status,completed,completed,completed
parent,,exp-001,exp-002
params.lr,0.1,0.05,0.05
params.model.width,64,128,64
params.seed,3,,
train_loss,3.333333333333333,6.666666666666666,6.666666666666666
val/acc,0.55,0.525,0.525
odd,-Infinity,-Infinity,-Infinity
"""
    )


def test_markdown(history: Path) -> None:
    assert (
        gxt(history, "compare", "5", "4", "--md").stdout
        == """\
|  | exp-005 | exp-004 |
| --- | ---: | ---: |
| name | wider | fails |
| status | completed | failed |
| parent | exp-001 | exp-001 |
| params.model.width | 128 | 64 |
| train\\_loss | 6.6667 |  |
| val/acc | 0.525 |  |
| odd | -Infinity |  |
"""
    )


def test_json_is_the_runs_in_the_order_asked_for_each_once(history: Path) -> None:
    runs = data(history, "compare", "5", "1", "wider", "@~5")
    assert [run["id"] for run in runs] == ["exp-005", "exp-001"]


def test_one_run_is_no_comparison(history: Path) -> None:
    done = gxt(history, "compare", "1", "exp-001", code=2)
    assert done.stderr == "gxt: a comparison needs two runs or more\n     gxt compare exp-001 exp-002\n"


def test_a_narrow_terminal_gets_as_many_runs_side_by_side_as_fit(history: Path) -> None:
    assert (
        Terminal(history, 56).show("compare", "1", "2", "3", "5", NO_COLOR="1")
        == """\
                      exp-001      exp-002     exp-003
name                 baseline  higher rate  lower rate
status              completed    completed   completed
parent                             exp-001     exp-002
params.lr                 0.1          0.3        0.05
params.model.width         64           64          64
params.seed                 3
train_loss           3.3333       1.1111 *    6.6667
val/acc                0.55         0.65 *     0.525
odd                 -Infinity    -Infinity   -Infinity

                      exp-005
name                    wider
status              completed
parent                exp-001
params.lr                0.05
params.model.width        128
params.seed
train_loss           6.6667
val/acc               0.525
odd                 -Infinity
"""
    )
