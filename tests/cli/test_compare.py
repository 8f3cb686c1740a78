"""`gxt compare`: runs side by side."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pyarrow import parquet
from scipy import stats

from gxt import ExperimentRegistry
from tests.cli.scratch import Terminal, normal
from tests.conftest import data, git, gxt
from tests.with_series import Made, write_runs

WHOLE = """\
                     exp-001      exp-002     exp-003   exp-005
name                baseline  higher rate  lower rate     wider
parent                            exp-001     exp-002   exp-001
params.lr                0.1          0.3        0.05      0.05
params.model.width        64           64          64       128
params.seed                3
train_loss          3.3333       1.1111 *    6.6667    6.6667
val/acc               0.55         0.65 *     0.525     0.525
"""


def test_what_differs_with_the_best_marked(history: Path) -> None:
    done = gxt(history, "compare", "1", "2", "3", "wider")
    same = "the same in all: status, 1 parameter, 1 metric; --all shows them\n"
    assert (done.stdout, done.stderr) == (WHOLE, same)


def test_all_shows_what_is_the_same_too(history: Path) -> None:
    done = gxt(history, "compare", "3", "5", "--all")
    assert (normal(done.stdout), done.stderr) == (
        """\
                                           exp-003                         exp-005
name                                    lower rate                           wider
status                                   completed                       completed
parent                                     exp-002                         exp-001
created                           2001-02-03 04:05                2001-02-03 04:05
duration_s                                   0.0 s                           0.0 s
seed
author              Ada Lovelace <ada@example.org>  Ada Lovelace <ada@example.org>
tags
command                            python train.py                 python train.py
params.lr                                     0.05                            0.05
params.model.type                              mlp                             mlp
params.model.width                              64                             128
train_loss                                  6.6667                          6.6667
val/acc                                      0.525                           0.525
odd                                      -Infinity                       -Infinity
""",
        "",
    )


def test_only_what_differs_remains_of_two_much_alike(history: Path) -> None:
    assert (
        gxt(history, "compare", "3", "5").stdout
        == """\
                       exp-003  exp-005
name                lower rate    wider
parent                 exp-002  exp-001
params.model.width          64      128
"""
    )


def test_csv_is_exact_and_unmarked(history: Path) -> None:
    assert (
        gxt(history, "compare", "1", "5", "3", "--csv").stdout
        == """\
,exp-001,exp-005,exp-003
name,baseline,wider,lower rate
parent,,exp-001,exp-002
params.lr,0.1,0.05,0.05
params.model.width,64,128,64
params.seed,3,,
train_loss,3.333333333333333,6.666666666666666,6.666666666666666
val/acc,0.55,0.525,0.525
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
name                baseline  higher rate  lower rate
parent                            exp-001     exp-002
params.lr                0.1          0.3        0.05
params.model.width        64           64          64
params.seed                3
train_loss          3.3333       1.1111 *    6.6667
val/acc               0.55         0.65 *     0.525

                     exp-005
name                   wider
parent               exp-001
params.lr               0.05
params.model.width       128
params.seed
train_loss          6.6667
val/acc              0.525
the same in all: status, 1 parameter, 1 metric; --all shows them
"""
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grid of two models and three rates, each with two seeds; then runs of which each is odd in a way.

    cnn is better by 0.1 than mlp, 0.01 the best rate; the width follows the model. Nobody writes to it.
    """
    root = tmp_path_factory.mktemp("lab")
    git(root, "init", "-q")
    git(root, *_WHO, "commit", "-q", "--allow-empty", "-m", "first")
    runs = [
        Made(
            {"val/acc": [0.5 + 0.1 * (model == "cnn") - at * 0.05 + seed * 0.02]},
            name=f"{model} {lr}",
            params={"model": {"type": model}, "lr": lr, "seed": seed, "width": width, "epochs": 3},
            group=f"{model}{lr}",
        )
        for model, width in (("mlp", 64), ("cnn", 32))
        for at, lr in enumerate((0.01, 0.1, 1))
        for seed in range(2)
    ]
    runs += [
        Made({"val/acc": [math.nan]}, name="=1+1", params={"model": {"type": "mlp"}, "lr": 10}),
        Made(
            {"val/acc": [0.9], "f1": [0.6]},
            evals=_evals(0.8, 0.6, "a"),
            name="failed",
            status="failed",
            params={"lr": 0.1},
        ),
        Made({"loss": [1e300]}, name="<b>50% of a_b & c\\d", params={"lr": "--"}),
        Made(
            {"val/acc": [math.inf], "name": [1], "status": [2], "f1": [0.7]},
            evals=_evals(0.9, 0.7, "b"),
            name="infinite",
            params={"model": None, "lr": [1, 2]},
        ),
    ]
    write_runs(root, runs)
    return root


def _evals(acc: float, f1: float, said: str) -> list[dict[str, object]]:
    return [{"name": "test", "step": None, "values": {"acc": acc, "f1": f1, "said": said}}]


_WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def test_repeats_are_their_mean_and_conditions_choose_whole_groups(lab: Path) -> None:
    shown = gxt(lab, "compare", "--where", "params.seed == 1 and params.lr < 1", "--all")
    assert shown.stdout.splitlines()[0].split() == ["exp-001+1", "exp-003+1", "exp-007+1", "exp-009+1"]
    assert (
        gxt(lab, "compare", "1+", "7+", "11").stdout
        == """\
                           exp-001+1          exp-007+1  exp-011
name                        mlp 0.01           cnn 0.01    cnn 1
params.model.type                mlp                cnn      cnn
params.lr                       0.01               0.01        1
params.seed                   [0, 1]             [0, 1]        0
params.width                      64                 32       32
val/acc            0.51 ± 0.01 (2)    0.61 ± 0.01 (2) *    0.5
"""
    )


def test_every_equally_good_value_is_marked_and_what_has_diverged_never(lab: Path) -> None:
    shown = gxt(lab, "compare", "5", "1", "11", "13", "16").stdout.splitlines()
    (values,) = [line.split() for line in shown if line.startswith("val/acc")]
    assert values == "val/acc 0.4 0.5 * 0.5 * NaN Infinity".split()


def test_what_has_diverged_is_not_the_best_run_either(lab: Path) -> None:
    assert gxt(lab, "show", "best").stdout.startswith("exp-008 ")


def test_a_metric_may_be_called_as_a_fact_is(lab: Path) -> None:
    shown = gxt(lab, "compare", "1", "16", "--csv").stdout.splitlines()
    assert [line for line in shown if line.endswith((",1", ",2"))] == ["name,,1", "status,,2"]


def test_what_evaluations_found_is_there_unless_it_is_a_metric_already(lab: Path) -> None:
    shown = gxt(lab, "compare", "14", "16", "--csv").stdout.splitlines()
    assert [line for line in shown if "f1" in line or "evals" in line] == [
        "f1,0.6,0.7",
        "evals.test.acc,0.8,0.9",
    ]


LATEX = r"""
\begin{tabular}{lrr}
\toprule
 & exp-013 & exp-015 \\
\midrule
name & =1+1 & \textless{}b\textgreater{}50\% of a\_b \& c\textbackslash{}d \\
params.model.type & mlp &  \\
params.lr & 10 & -{}- \\
val/acc & NaN &  \\
loss &  & 1e+300 \\
\bottomrule
\end{tabular}
"""


def test_latex_is_escaped(lab: Path) -> None:
    assert gxt(lab, "compare", "13", "15", "--latex").stdout == LATEX.lstrip()


def test_html_is_escaped_and_the_best_is_strong(lab: Path) -> None:
    found = gxt(lab, "compare", "1", "15", "7", "--html").stdout
    assert '<td style="text-align: right">&lt;b&gt;50% of a_b &amp; c\\d</td>' in found
    assert '<td style="text-align: right"><strong>0.6</strong></td>' in found
    assert found.isascii()


def test_whole_numbers_beyond_a_double_have_diverged(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, *_WHO, "commit", "-q", "--allow-empty", "-m", "first")
    acc = [10**400, 1, -(10**400)]
    write_runs(tmp_path, [Made(params={"n": one}, evals=_evals(one, 0.5, "a")) for one in acc])
    shown = gxt(tmp_path, "compare", "1", "2", "3").stdout.splitlines()
    assert shown[-1].split() == ["evals.test.acc", "Infinity", "1", "-Infinity"]
    assert (
        gxt(tmp_path, "compare", "1", "2", "--csv").stdout.splitlines()[-1] == f"evals.test.acc,{10**400},1"
    )
    assert (
        gxt(tmp_path, "compare", "--pivot", "n", "--metric", "evals.test.acc").stdout.count("Infinity") == 2
    )


def test_a_name_that_a_spreadsheet_would_run_is_text_in_csv(lab: Path) -> None:
    assert gxt(lab, "compare", "1", "13", "--csv").stdout.splitlines()[1] == "name,mlp 0.01,'=1+1"


def test_parquet_has_a_row_for_each_run_and_types(lab: Path, tmp_path: Path) -> None:
    file = tmp_path / "runs.parquet"
    assert gxt(lab, "compare", "1+", "13", "7", "-o", str(file)).stderr == f"wrote {file}\n"
    table = parquet.read_table(file)
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "string",
        "name": "string",
        "params.model.type": "string",
        "params.lr": "double",
        "params.seed": "string",
        "params.width": "int64",
        "params.epochs": "int64",
        "metrics.val/acc": "double",
        "se.val/acc": "double",
        "n.val/acc": "int64",
    }
    assert table["metrics.val/acc"].to_pylist()[::2] == [0.51, 0.6]
    assert math.isnan(table["metrics.val/acc"][1].as_py())
    assert table["n.val/acc"].to_pylist() == [2, 1, 1]
    gxt(lab, "compare", "1+", "15", "-o", str(file))
    assert parquet.read_table(file)["n.val/acc"].to_pylist() == [2, None]


def test_a_metric_against_parameters(lab: Path) -> None:
    assert (
        gxt(lab, "compare", "--metric", "val/acc").stdout
        == """\
val/acc against parameters, 13 runs of 7 experiments, higher is better
  left out: exp-014 (failed), exp-015 (no number in val/acc), exp-013 (val/acc is NaN)
  warning: 7 experiments are few: only large effects can show
  warning: model.type and width always change together: what one does may be the other's doing

parameter   n  values  importance alone     beyond the others  correlation            p
model.type  6       2  0.53 (0.00 to 0.92)                                            0.2
width       6       2  0.53 (0.00 to 0.92)                     −0.79 (−0.98 to 0.22)  0.2
lr          7       4  0.22 (0.00 to 0.84)                                            0.4
no telling: epochs, model (the same in all runs that have it)
"""
    )


def test_a_metric_against_parameters_for_programs(lab: Path) -> None:
    found = data(lab, "compare", "--metric", "val/acc", "--where", "params.epochs == 3")
    assert list(found) == [
        *("metric", "goal", "runs", "experiments", "parameters", "together", "left_out", "warnings"),
    ]
    assert (found["goal"], found["runs"], found["experiments"]) == ("max", 12, 6)
    assert [one["name"] for one in found["parameters"]] == ["lr", "model.type", "width"]
    lr = found["parameters"][0]
    expected = stats.spearmanr([0.01, 0.1, 1] * 2, [0.5, 0.45, 0.4, 0.6, 0.55, 0.5])
    assert lr["correlation"] == pytest.approx(expected.statistic)
    assert found["together"] == [{"first": "model.type", "second": "width", "share": 1.0, "always": True}]


def test_the_same_as_data_frames(lab: Path) -> None:
    registry = ExperimentRegistry(lab)
    frame = registry.compare(["1+", "7+", "11"])
    assert [name for name in frame.columns if "." in name] == [
        *("params.model.type", "params.lr", "params.seed", "params.width"),
        *("metrics.val/acc", "se.val/acc", "n.val/acc"),
    ]
    assert frame["n.val/acc"].fillna(1).tolist() == [2, 2, 1]
    assert "params.epochs" in registry.compare(["1", "2"], all=True)
    assert "params.epochs" in registry.compare(["1"])
    named = registry.compare(registry.list(where="params.lr == 1 and params.seed == 0"))
    assert list(named.index) == list(registry.compare(["11", "5"]).index) == ["exp-011", "exp-005"]
    assert list(registry.compare("11").index) == ["exp-011"]
    assert list(registry.compare([11, 5]).index) == ["exp-011", "exp-005"]  # type: ignore[list-item]
    important = registry.importance("val/acc", where="params.epochs == 3")
    assert list(important.index) == ["lr", "model.type", "width"]
    kinds = {name: str(important[name].dtype) for name in ("n", "importance", "beyond")}
    assert kinds == {"n": "int64", "importance": "float64", "beyond": "float64"}
    assert important["importance_low"].tolist() == pytest.approx([0, 0, 0])
    assert important.attrs["warnings"][0] == "6 experiments are few: only large effects can show"


def test_data_frames_of_names_and_texts_that_are_odd(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, *_WHO, "commit", "-q", "--allow-empty", "-m", "first")
    odd: list[dict[str, object]] = [{"a b": 1, "c.d": at, "\udcff": f"{at}\udcff"} for at in range(2)]
    write_runs(tmp_path, [Made({"loss": [1.0]}, name="\ud800", params=one) for one in odd])
    registry = ExperimentRegistry(tmp_path)
    frame = registry.compare(["1", "2"])
    names = ['params["c.d"]', 'params["\\udcff"]']
    assert [name for name in frame.columns if name.startswith("params")] == names
    assert frame[names[1]].tolist() == ["0\\udcff", "1\\udcff"]
    assert 'params["a b"]' in registry.to_frame()
    assert registry.pivot('params["\udcff"]').index.tolist() == frame[names[1]].tolist()
    gxt(tmp_path, "compare", "1", "2", "-o", "odd.parquet")
    assert parquet.read_table(tmp_path / "odd.parquet")[names[1]].to_pylist() == frame[names[1]].tolist()


def test_pivot_tables_as_data_frames(lab: Path) -> None:
    registry = ExperimentRegistry(lab)
    grid = registry.pivot("model.type", "lr", where="params.epochs == 3")
    assert grid["mean"].loc["cnn"].tolist() == pytest.approx([0.61, 0.56, 0.51])
    assert grid["n"][0.01].tolist() == [2, 2]
    assert grid["mean"].columns.tolist() == [0.01, 0.1, 1]
    assert registry.pivot("lr", "model.type", ids=["1", "3"])["se"].dtypes.astype(str).tolist() == ["float64"]
    single = registry.pivot("lr", metric="val/acc", ids=["1+", "13", "16"])
    assert single["n"].tolist() == [2, 1, 1]
    assert single.index.tolist() == [0.01, 10, "[1, 2]"]
    assert math.isnan(single["mean"][10])


def test_few_runs_say_that_they_are_too_few(lab: Path) -> None:
    assert (
        gxt(lab, "compare", "1+", "3+", "13", "14", "--metric", "val/acc").stdout
        == """\
val/acc against parameters, 4 runs of 2 experiments, higher is better
  left out: exp-014 (failed), exp-013 (val/acc is NaN)
  warning: 2 experiments cannot tell what matters: it takes 5 or more
no telling: lr (2 runs are too few: it takes 5)
"""
    )


PIVOT = """\
val/acc, mean ± standard error (runs), higher is better
  left out: exp-014 (failed), exp-015 (no number in val/acc)

model.type \\ lr               0.01                0.1                  1         10          [1, 2]
cnn              0.61 ± 0.01 (2) *  0.56 ± 0.01 (2)    0.51 ± 0.01 (2)
mlp              0.51 ± 0.01 (2)    0.46 ± 0.01 (2)    0.41 ± 0.01 (2)    NaN (1)
not set                                                                              Infinity (1)
"""


def test_a_pivot_table(lab: Path) -> None:
    assert gxt(lab, "compare", "--pivot", "model.type", "lr").stdout == PIVOT


def test_a_pivot_table_for_programs_is_exact_with_a_row_for_each_cell(lab: Path, tmp_path: Path) -> None:
    where = ("compare", "--where", "params.epochs == 3", "--pivot", "params.lr")
    assert (
        gxt(lab, *where, "--csv").stdout
        == """\
params.lr,mean,se,n
0.01,0.56,0.02943920288775948,4
0.1,0.51,0.029439202887759468,4
1,0.46,0.02943920288775948,4
"""
    )
    gxt(lab, *where, "-o", str(tmp_path / "cells.parquet"))
    table = parquet.read_table(tmp_path / "cells.parquet")
    assert [str(field.type) for field in table.schema] == ["double", "double", "double", "int64"]
    gxt(lab, "compare", "1", "3", "--pivot", "lr", "-o", str(tmp_path / "cells.parquet"))
    table = parquet.read_table(tmp_path / "cells.parquet")
    assert (str(table["se"].type), table["se"].to_pylist()) == ("double", [None, None])
    cell = data(lab, *where)["cells"][0]
    assert cell == {
        "values": [0.01],
        "mean": 0.56,
        "se": pytest.approx(0.0294392),
        "n": 4,
        "best": True,
        "runs": ["exp-001", "exp-002", "exp-007", "exp-008"],
    }


def test_what_is_null_stands_before_what_is_not_set(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, *_WHO, "commit", "-q", "--allow-empty", "-m", "first")
    params: list[dict[str, object]] = [{}, {"x": None}, {"x": True}, {"x": 2}]
    write_runs(tmp_path, [Made({"loss": [1.0]}, params=one) for one in params])
    shown = gxt(tmp_path, "compare", "--pivot", "x").stdout.splitlines()[3:]
    assert [line.split("  ")[0] for line in shown] == ["2", "true", "null", "not set"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["1", "--where", "params.lr > 0"],
            "gxt: runs are named, and conditions given as well\n     leave out one of them\n",
        ),
        (
            ["--where", "params.lr == 5"],
            "gxt: a comparison needs two runs or more; none matches\n     gxt list shows what there is\n",
        ),
        (["--metric", "acc"], "gxt: no run has acc\n  acc\n  ^\n     did you mean val/acc?\n"),
        (
            ["--where", "params.lr == 5", "--metric", "val/acc"],
            "gxt: no run matches\n     gxt list shows all\n",
        ),
        (
            ["--pivot", "lr", "1", "2"],
            (
                "gxt: a table has rows and columns, and 3 names are given\n"
                "     runs stand before --pivot: gxt compare 1 2 3 --pivot model.type lr\n"
            ),
        ),
        (
            ["1", "2", "--csv", "--html"],
            "gxt: --csv and --html are two formats\n     leave out one of them\n",
        ),
        (
            ["14", "--metric", "val/acc"],
            "gxt: no completed run has a number in val/acc\n     left out: exp-014 (failed)\n",
        ),
        (
            ["--pivot", "lr", "lr"],
            "gxt: lr is named for rows and columns\n     name two, or one for rows alone\n",
        ),
        (
            ["--metric", "val/acc", "--all"],
            "gxt: --all is not an option of --metric\n     leave out one of them\n",
        ),
        (["1", "2", "--parquet"], "gxt: Parquet goes into a file\n     gxt compare … -o runs.parquet\n"),
        (
            ["1", "2", "-o", "x.doc"],
            "gxt: x.doc has no ending that tells a format\n     use .csv, .md, .tex, .html, .parquet\n",
        ),
        (["1", "w4+9"], "gxt: no run 'w4'\n     the latest is exp-016; gxt list shows all\n"),
        (["1", "16+"], "gxt: exp-016 has no repeats\n     leave out the +: 16\n"),
    ],
)
def test_mistakes(lab: Path, words: list[str], said: str) -> None:
    assert gxt(lab, "compare", *words, code=2).stderr == said
