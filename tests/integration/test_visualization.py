"""Pictures of runs: what their artists hold, whatever was logged."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gxt.errors import UsageError
from gxt.visualization import (
    PlotWarning,
    plot_architecture_comparison,
    plot_compare,
    plot_gradients,
    plot_learning_curve,
    plot_tree,
    refs_of,
)
from gxt.visualization.looks import rendered
from tests.conftest import git
from tests.with_series import Made, write_runs

NAN, INF = math.nan, math.inf
SPIKED = [1.0] * 9_999
SPIKED[4_321] = 50.0
NORMS = {f"watch/grad_norm/layer.{i}": [10.0**-i, 0.0, NAN, 5.0] for i in range(3)}
RUNS = [
    Made({"train/loss": [4.0, 3.0, 2.0], "val/loss": [5.0, 4.0], "val/acc": [0.1, 0.4], "epoch": [0, 1, 2]},
         name="base", params={"model": {"type": "mlp"}},
         evals=[{"name": "val", "step": 1, "values": {"loss": 4.5, "loss_low": 4, "loss_high": 6}}]),
    Made({"train/loss": [4.0, 1.0, 0.5], "val/loss": [5.0, 2.0], "val/acc": [0.2, 0.6]}, name="better",
         parent=0, params={"model": {"type": "cnn"}}, steps={"train/loss": [0, 10, 20], "val/loss": [0, 20]}),
    Made({"train/loss": SPIKED, "val/loss": [3.0]}, name="$\\frac{$ \x1b[31m<b>\nx", parent=1,
         params={"model": {"type": "cnn"}}),
    Made({"loss": [1.0, NAN, 2.0, INF, -INF], "odd": [NAN, NAN]}, name="_diverged", parent=1),
    *[Made({"loss": [3.0 + i, 1.0 + i]}, name="repeat", group="01GROUP") for i in (0, 2, 4)],
    Made({"train/loss": [-1.0, 0.0, 2.0, 1e308]}, name="negative"),
    Made({}, name="empty"),
    Made({**NORMS, "watch/grad_norm": [1.0, 2.0, 3.0, 4.0]}, name="watched"),
    Made({"elo": [1500.0], "elo/low": [1450.0], "elo/high": [1575.0]}, name="rated", status="failed"),
    Made({"loss": [2.0], "neg": [-1.0]}, name="one+1 point"),
    Made({"train/loss": [2.0], "val/acc": [0.5]}, name="apart"),
    Made({"elo": [1900.0], "elo/low": [1800.0], "elo/high": [INF]}, name="unbeaten"),
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lab")
    git(root, "init", "-q")
    git(root, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "first")
    write_runs(root, RUNS)
    return root


@pytest.fixture(autouse=True)
def in_lab(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lab)


def drawn(figure: Figure) -> list[dict[str, tuple[list[float], list[float]]]]:
    """The lines of each panel by label: x and y."""
    return [{str(one.get_label()): _points(one) for one in _lines(ax)} for ax in figure.axes if ax.axison]


def _lines(ax: Axes) -> Iterator[Line2D]:
    return (one for one in ax.lines if not str(one.get_label()).startswith("_"))


def _points(one: Line2D) -> tuple[list[float], list[float]]:
    return np.asarray(one.get_xdata()).tolist(), np.asarray(one.get_ydata()).tolist()


def interval(ax: Axes) -> list[list[float]]:
    """Both ends of the one error bar."""
    (bar,) = (one for one in ax.collections if isinstance(one, LineCollection))
    (segment,) = bar.get_segments()
    return [[float(place) for place in end] for end in np.asarray(segment)]


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    return [text.get_text() for text in found.get_texts()] if found else []


# --- learning curves -------------------------------------------------------------------------------------


def test_training_is_drawn_beside_validation_with_a_title() -> None:
    figure = plot_learning_curve("base")
    assert drawn(figure) == [
        {"exp-001 base: train/loss": ([0, 1, 2], [4, 3, 2]), "exp-001 base: val/loss": ([0, 1], [5, 4])}
    ]
    (ax,) = figure.axes
    train, val = _lines(ax)
    assert (train.get_linestyle(), val.get_linestyle()) == ("--", "-")
    assert train.get_color() == val.get_color()
    assert legend(ax) == ["train/loss", "val/loss"]
    assert (ax.get_title("left"), ax.get_xlabel()) == ("loss, exp-001 base", "step")
    assert ax.get_ylabel() == "loss (lower is better)"


def test_the_interval_of_an_evaluation_is_an_error_bar_at_its_step() -> None:
    (ax,) = plot_learning_curve("base", "val/loss").axes
    assert interval(ax) == [[1, 4], [1, 6]]


def test_several_runs_have_colours_and_markers_of_their_own() -> None:
    figure = plot_learning_curve([1, "better", "exp-007"], ["val/loss", "loss"])
    (ax,) = figure.axes
    lines = [one for one in _lines(ax) if not str(one.get_label()).endswith("train/loss")]
    assert len({one.get_color() for one in lines}) == len({str(one.get_marker()) for one in lines}) == 3
    assert legend(ax)[:3] == ["exp-001 base", "exp-002 better", "exp-007 repeat"]


def test_each_quantity_has_a_panel() -> None:
    figure = plot_learning_curve(1, ["val/acc", "loss"], title="Both")
    assert [list(one) for one in drawn(figure)] == [
        ["exp-001 base: val/acc"],
        ["exp-001 base: train/loss", "exp-001 base: val/loss"],
    ]
    assert figure.get_suptitle() == "Both"


@pytest.mark.parametrize(
    ("x", "places", "label"),
    [("step", [0, 10, 20], "step"), ("time", [0, 10, 20], "time (s)")],
)
def test_x_is_the_step_or_the_time(x: str, places: list[float], label: str) -> None:
    figure = plot_learning_curve(2, "train/loss", x=x)
    assert drawn(figure) == [{"exp-002 better: train/loss": (places, [4, 1, 0.5])}]
    assert figure.axes[0].get_xlabel() == label


def test_x_is_another_metric_and_a_run_without_it_is_told() -> None:
    with pytest.warns(PlotWarning) as told:
        figure = plot_learning_curve([1, 2], "train/loss", x="epoch")
    assert drawn(figure) == [{"exp-001 base: train/loss": ([0, 1, 2], [4, 3, 2])}]
    assert [str(one.message) for one in told] == ["exp-002 is left out: it has no metric epoch"]


def test_between_the_points_of_x_lie_steps_or_times_where_steps_are_counted_apart() -> None:
    from array import array

    from gxt.model.points import Series
    from gxt.visualization.lines import _places

    def series(steps: list[int], seconds: list[float], values: list[float]) -> Series:
        times = [int(second * 1e6) for second in seconds]
        return Series(array("q", steps), array("q", times), array("d", values))

    loss = series([0, 1, 2, 3, 4], [0, 9, 9.1, 9.2, 10], [5, 4, 3, 2, 1])
    assert _places(series([0, 4], [0, 10], [0, 1]), loss).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert _places(series([0, 1], [0, 10], [0, 1]), loss).tolist() == pytest.approx([0, 0.9, 0.91, 0.92, 1])


def test_a_metric_that_no_run_has_as_x_is_refused() -> None:
    with pytest.raises(UsageError, match="no point has both tokens and loss"):
        plot_learning_curve([1, 2], x="tokens")


def test_smoothing_keeps_the_raw_line() -> None:
    (ax,) = plot_learning_curve(2, "train/loss", smooth=0.5).axes
    assert [str(one.get_label()) for one in ax.lines] == ["_raw", "exp-002 better: train/loss"]
    raw, calm = (_points(one)[1] for one in ax.lines)
    assert raw == [4, 1, 0.5]
    assert calm == pytest.approx([4, 3 / 1.5, (0.25 * 4 + 0.5 + 0.5) / 1.75])
    assert ax.texts[0].get_text() == "smoothed 0.5"


def test_validation_that_is_logged_less_often_is_smoothed_less() -> None:
    (ax,) = plot_learning_curve(2, smooth=0.5).axes
    val = next(one for one in _lines(ax) if str(one.get_label()).endswith("val/loss"))
    assert _points(val)[1] == pytest.approx([5, (0.25 * 5 + 2) / 1.25])  # two steps of training apart


@pytest.mark.parametrize("ref", ["exp-005+", "repeat", ["exp-005", "exp-006", "exp-007"]])
def test_repeats_are_their_mean_with_a_band(ref: object) -> None:
    figure = plot_learning_curve(ref)
    assert drawn(figure) == [{"exp-005 repeat (n=3): loss": ([0, 1], [5, 3])}]
    (ax,) = figure.axes
    ((low0, low1), (high0, high1)) = _band(ax)
    assert (low0, high0) == pytest.approx((5 - 2 / math.sqrt(3), 5 + 2 / math.sqrt(3)))
    assert (low1, high1) == pytest.approx((3 - 2 / math.sqrt(3), 3 + 2 / math.sqrt(3)))
    assert ax.texts[0].get_text() == "mean ± standard error"


def _band(ax: Axes) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ends of the band at x = 0 and x = 1: the lower ones, the upper ones."""
    corners = np.asarray(ax.collections[0].get_paths()[0].vertices)
    ends = {x: sorted(set(corners[corners[:, 0] == x, 1].tolist())) for x in (0, 1)}
    return (ends[0][0], ends[1][0]), (ends[0][-1], ends[1][-1])


def test_the_band_is_the_range_or_none_on_request() -> None:
    assert _band(plot_learning_curve("repeat", spread="range").axes[0]) == ((3, 1), (7, 5))
    assert not [text.get_text() for text in plot_learning_curve("repeat", spread="none").axes[0].texts]


def test_the_numbers_of_a_picture_have_its_bands_intervals_and_maps() -> None:
    from gxt.visualization.as_json import panels

    (panel,) = panels(plot_learning_curve("repeat", spread="range"))
    label = "exp-005 repeat (n=3): loss"
    assert panel["lines"] == [  # type: ignore[index,call-overload]
        {"label": f"{label} low", "x": [0, 1], "y": [3, 1]},
        {"label": f"{label} high", "x": [0, 1], "y": [7, 5]},
        {"label": label, "x": [0, 1], "y": [5, 3]},
    ]
    (rated,) = panels(plot_compare([11, 1], "elo"))
    assert rated["bars"] == [{"x": [1450, 1575], "y": [0, 0]}]  # type: ignore[index,call-overload]
    (norms,) = panels(plot_gradients(10))
    assert norms["map"] == {  # type: ignore[index,call-overload]
        "x": [-0.5, 0.5, 1.5, 2.5, 3.5],
        "rows": ["layer.0", "layer.1", "layer.2"],
        "values": [[1, 0, "NaN", 5], [0.1, 0, "NaN", 5], [0.01, 0, "NaN", 5]],
    }


def test_a_logarithmic_comparison_of_what_is_not_above_0_stays_linear_and_says_so() -> None:
    assert plot_compare([1, 2], "val/acc", log="x").axes[0].get_xscale() == "log"
    with pytest.warns(PlotWarning, match="neg is not above 0 everywhere: its axis is not logarithmic"):
        (ax,) = plot_compare([1, 12], "neg", log="x").axes
    assert ax.get_xscale() == "linear"


def test_one_repeat_by_itself_is_a_run() -> None:
    assert drawn(plot_learning_curve(6)) == [{"exp-006 repeat: loss": ([0, 1], [5, 3])}]


def test_a_long_curve_keeps_its_spike() -> None:
    ((x, y),) = drawn(plot_learning_curve(3, "train/loss"))[0].values()
    assert len(y) <= 3000
    assert (x[y.index(50)], max(y), min(y)) == (4321, 50, 1)


def test_a_hostile_name_is_shown_and_not_obeyed() -> None:
    figure = plot_learning_curve([3, 4], ["train/loss", "loss"])
    assert legend(figure.axes[0])[:2] == [r"exp-003 $\frac{$ \u{1b}[31m<b> x", "exp-004 _diverged"]
    assert rendered(figure, "png")[:4] == b"\x89PNG"
    assert b"<b>" not in rendered(figure, "svg")


def test_a_crash_of_a_metric_is_marked_where_it_was_last_finite() -> None:
    (ax,) = plot_learning_curve(4, "loss").axes
    crosses = next(one for one in ax.lines if one.get_label() == "_not finite")
    assert _points(crosses) == ([0, 2], [1, 2])
    alone = next(one for one in ax.lines if one.get_label() == "_alone")
    assert _points(alone) == ([0, 2], [1, 2])
    assert legend(ax) == ["not finite after this"]
    line = next(_lines(ax))
    assert str(_points(line)[1]) == "[1.0, nan, 2.0, nan, nan]"


def test_a_metric_without_any_finite_value_still_makes_a_picture() -> None:
    assert str(list(drawn(plot_learning_curve(4, "odd"))[0].values())) == "[([0.0, 1.0], [nan, nan])]"


def test_log_axes_leave_out_what_they_have_no_place_for_and_say_so() -> None:
    with pytest.warns(PlotWarning) as told:
        figure = plot_learning_curve([8, 2], "train/loss", log="xy")
    assert str(drawn(figure)) == str(
        [
            {
                "exp-008 negative: train/loss": ([2.0, 3.0], [2.0, NAN]),  # 1e308 is not drawn
                "exp-002 better: train/loss": ([10.0, 20.0], [1.0, 0.5]),  # step 0 is no news
            }
        ]
    )
    assert [str(one.message) for one in told] == [
        "exp-008 negative: 1 point of train/loss left out: not above 0 on a log axis"
    ]
    assert [figure.axes[0].get_xscale(), figure.axes[0].get_yscale()] == ["log", "log"]


def test_a_single_point_is_visible() -> None:
    (ax,) = plot_learning_curve(3, "val/loss").axes
    (line,) = _lines(ax)
    assert (_points(line), line.get_marker()) == (([0], [3]), "o")


def test_an_axis_tells_the_unit_that_a_run_has_defined() -> None:
    from gxt.ops.plotted import unit_of
    from gxt.visualization.looks import measured_label

    unit = unit_of([{"defined": None}, {"defined": {"loss": {"unit": "nats"}}}], "loss")
    assert measured_label("loss", unit, "min") == "loss (nats) (lower is better)"


def test_a_hundred_runs_have_a_short_legend() -> None:
    from gxt.visualization.curves import _run_entries

    entries = _run_entries([f"r{i}" for i in range(100)], ["black"] * 100)
    assert [label for _, label in entries] == [
        "r0",
        "r1",
        "r2",
        "r3",
        "… 92 more",
        "r96",
        "r97",
        "r98",
        "r99",
    ]


def test_a_run_without_metrics_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to draw: exp-009 has no metrics over time"):
        plot_learning_curve(9)


def test_an_unknown_metric_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no run has a metric 'los' \(there are elo, elo/high, elo/low\)"):
        plot_learning_curve(11, "los")


@pytest.mark.parametrize(
    "words", [{"smooth": 1.0}, {"smooth": -0.1}, {"smooth": NAN}, {"log": "z"}, {"spread": "ci"}]
)
def test_settings_that_make_no_sense_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        plot_learning_curve(1, **words)


def test_a_picture_is_drawn_into_axes_that_are_given() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot_learning_curve(1, ax=left) is figure
    assert plot_compare([1, 2], "val/loss", ax=right) is figure
    left.set_xscale("log")
    assert plot_learning_curve(2, ax=left) is figure
    assert (left.get_xlabel(), right.get_xlabel()) == ("step", "val/loss (lower is better)")
    assert list(drawn(plot_learning_curve(13, ax=Figure().subplots()))[0]) == ["exp-013 apart: val/acc"]
    assert [list(panel) for panel in drawn(plot_learning_curve(13))] == [
        ["exp-013 apart: val/acc"],
        ["exp-013 apart: train/loss"],
    ]
    with pytest.raises(UsageError, match="need 2 axes"):
        plot_learning_curve(1, ["loss", "val/acc"], ax=left)


def test_a_notebook_shows_the_figure_and_pyplot_is_not_needed() -> None:
    figure = plot_learning_curve(1)
    assert figure._repr_png_()[:4] == b"\x89PNG"  # type: ignore[attr-defined]


def test_equal_pictures_are_equal_files() -> None:
    first, second = (rendered(plot_learning_curve([1, 2]), "svg") for _ in range(2))
    assert first == second


@pytest.mark.long
def test_a_hundred_runs_of_10_000_points_are_one_picture(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.exp(-np.arange(10_000.0) / 2_000)
    values[7_777] = 42.0
    write_runs(repo, [Made({"loss": (values + run).tolist()}) for run in range(100)])
    monkeypatch.chdir(repo)
    (panel,) = drawn(plot_learning_curve(range(1, 101), smooth=0.9))
    assert len(panel) == 100
    (ax,) = plot_learning_curve(range(1, 101), smooth=0.9).axes
    raw = [_points(one)[1] for one in ax.lines if one.get_label() == "_raw"]
    assert [max(line) for line in raw] == [42.0 + run for run in range(100)]
    assert max(map(len, raw)) <= 3000


# --- side by side ----------------------------------------------------------------------------------------


def test_runs_side_by_side_with_the_best_marked() -> None:
    figure = plot_compare([1, 2])
    panels = {ax.get_xlabel(): ax for ax in figure.axes}
    assert list(panels) == [
        "val/loss (lower is better)",
        "train/loss (lower is better)",
        "val/acc (higher is better)",
    ]
    ax = panels["val/loss (lower is better)"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["exp-001 base", "exp-002 better"]
    assert drawn(figure)[0] == {"exp-001 base": ([4], [0]), "exp-002 better": ([2], [1])}
    assert [one.get_marker() for one in _lines(ax)] == ["o", "*"]


def test_repeats_are_a_mean_with_its_standard_error_and_their_values() -> None:
    (ax,) = plot_compare([12, "repeat"], "loss").axes
    runs = next(one for one in ax.lines if one.get_label() == "_runs")
    assert _points(runs)[0] == [1, 3, 5]
    (low, _), (high, _) = interval(ax)
    assert (low, high) == pytest.approx((3 - 2 / math.sqrt(3), 3 + 2 / math.sqrt(3)))


def test_the_interval_of_a_metric_is_its_error_bar() -> None:
    (ax,) = plot_compare([11, 1], "elo").axes
    assert interval(ax) == [[1450, 0], [1575, 0]]


def test_the_intervals_of_evaluations_in_every_shape() -> None:
    from gxt.ops.plotted import Measured, evaluations, measured

    run: Any = {
        "metrics": {"val/acc": 0.5},
        "evals": [
            {"name": "a", "step": 3, "values": {"val/acc": 0.5, "val/acc_low": 0.4, "val/acc_high": 0.6}},
            {"name": "b", "step": None, "values": {"elo": {"value": 9, "low": 8, "high": 11}, "note": "x"}},
            {"name": "c", "step": None, "values": {"f1.macro": 0.5, "f1.macro_stderr": 0.1}},
        ],
    }
    assert evaluations(run, "val/acc") == [Measured(0.5, 0.4, 0.6, 3)]
    assert measured(run, "val/acc") == Measured(0.5, 0.4, 0.6)
    assert evaluations(run, "b/elo") == evaluations(run, "evals.b.elo") == [Measured(9, 8, 11)]
    assert evaluations(run, "f1.macro") == [Measured(0.5, 0.5 - 0.196, 0.5 + 0.196)]
    assert measured(run, "note") is None


@pytest.mark.parametrize("values", [[1e149, -1e149], [5e-324, 0.0], [1e308, 1.0], [-3.0, -3.0]])
def test_numbers_of_any_size_are_drawn(values: list[float], lab: Path, tmp_path: Path) -> None:
    from gxt.ops.plotted import Measured
    from gxt.visualization.averaging import band
    from gxt.visualization.comparing import Row

    curves = [(np.arange(2.0), np.array([value, value])) for value in values]
    assert np.isfinite(band(curves).mean).all()
    assert np.isfinite(Row("", tuple(Measured(value) for value in values if abs(value) < 1e150)).mean())
    assert (Row("", tuple(Measured(value / 1e10) for value in values)).error() or 0) < math.inf


def test_only_nan_on_a_log_axis_still_makes_a_picture() -> None:
    assert rendered(plot_learning_curve(4, "odd", log="xy"), "png")


def test_a_plus_in_a_name_is_a_part_of_it() -> None:
    assert drawn(plot_learning_curve("one+1 point", "loss")) == [{"exp-012 one+1 point: loss": ([0], [2])}]
    with pytest.raises(UsageError, match="exp-012 has no repeats"):
        plot_learning_curve("exp-012+", "loss")


def test_an_open_end_of_an_interval_is_an_arrow() -> None:
    (ax,) = plot_compare(["unbeaten", "rated"], "elo").axes
    arrow = next(one for one in ax.lines if one.get_label() == "_open")
    assert (arrow.get_marker(), _points(arrow)) == (">", ([1900], [0]))


def test_what_is_not_finite_is_left_out_and_told() -> None:
    with pytest.warns(PlotWarning) as told:
        plot_compare([4, 5], "loss")
    assert [str(one.message) for one in told] == ["exp-004: loss is -Infinity: left out"]


def test_one_run_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="a comparison needs two runs or more"):
        plot_compare([1, "base"])


def test_architectures_by_the_parameter_that_tells_them_the_best_on_top() -> None:
    with pytest.warns(PlotWarning) as told:
        figure = plot_architecture_comparison([1, 2, 3, 4], "val/loss")
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["cnn (n=2)", "mlp (n=1)"]
    assert ax.get_title("left") == "val/loss by params.model.type"
    assert [str(one.message) for one in told] == ["left out, for they have no params.model.type: exp-004"]


def test_all_completed_runs_when_none_are_named() -> None:
    with pytest.warns(PlotWarning):
        (ax,) = plot_architecture_comparison(metric="val/loss").axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["cnn (n=2)", "mlp (n=1)"]


def test_what_tells_architectures_has_to_be_there() -> None:
    with pytest.raises(UsageError, match="no parameter tells the architecture"):
        plot_architecture_comparison([4, 5], "loss")


# --- gradients and the tree ------------------------------------------------------------------------------


def test_the_norms_of_layers_are_a_map_with_the_largest_in_each_cell() -> None:
    figure = plot_gradients(10)
    ax = figure.axes[0]
    (mesh,) = ax.collections
    table = np.array(np.ma.filled(np.ma.asarray(mesh.get_array()), np.nan), dtype=float)
    assert table[:, 0].tolist() == [1, 0.1, 0.01]
    assert table[:, 3].tolist() == [5, 5, 5]
    assert np.isnan(table[:, 2]).all()
    crosses = next(one for one in ax.lines if one.get_label() == "_not finite")
    assert _points(crosses) == ([2, 2, 2], [0, 1, 2])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["layer.0", "layer.1", "layer.2"]
    assert rendered(figure, "png")


def test_of_several_runs_the_total_norms_are_lines() -> None:
    figure = plot_gradients([10, 1])
    assert drawn(figure) == [{"exp-010 watched: watch/grad_norm": ([0, 1, 2, 3], [1, 2, 3, 4])}]
    assert figure.axes[0].get_yscale() == "log"


def test_a_run_that_logged_no_gradients_is_told_how_to() -> None:
    with pytest.raises(UsageError, match=r"gxt\.torch\.watch"):
        plot_gradients(1)


def test_the_tree_has_a_place_and_a_shape_for_each_run() -> None:
    (ax,) = plot_tree("base", metric="val/loss").axes
    found = {str(one.get_label()): _points(one) for one in ax.lines}
    assert found == {
        "no verdict": ([0, 0], [0, 3]),
        "better than its parent": ([0], [1]),
        "worse": ([1], [2]),
    }
    assert [text.get_text().split("  ")[:3] for text in ax.texts] == [
        ["exp-001", "base", "4"],
        ["exp-002", "better", "2"],
        ["exp-003", r"$\frac{$ \u{1b}[31m<b> x", "3"],
        ["exp-004", "_diverged"],
    ]
    assert ax.texts[1].get_text().startswith("exp-002  better  2  −2 better")


def test_runs_are_named_in_many_ways() -> None:
    class Run:
        uid = "01ABC"

    assert refs_of(np.array([3, 4])) == ["3", "4"]
    assert refs_of([1, "exp-002", {"uid": "01XYZ"}, Run(), ("best",)]) == [
        "1",
        "exp-002",
        "01XYZ",
        "01ABC",
        "best",
    ]
    with pytest.raises(UsageError, match="names no run"):
        refs_of(1.5)


def test_the_terminal_shows_any_picture(tmp_path: Path) -> None:
    from gxt.render import plain
    from gxt.visualization.terminal import view_of

    text = plain.render(view_of(plot_learning_curve("base", "val/loss"), 40))
    assert len(text.splitlines()) == 20
    assert text.startswith("val/loss, exp-001 base  val/loss (lower is better)\n")
    assert io.StringIO(text).readlines()[-1].strip() == "step"
