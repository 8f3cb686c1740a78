"""The picture of a law: the points, the law with its bands, the residuals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from gxt.analysis import analyze_scaling_law
from gxt.visualization import PlotWarning, plot_scaling_curve
from gxt.visualization.looks import rendered
from gxt.visualization.scaling import words

X = [10.0, 100.0, 1e3, 1e4, 1e5, 1e6]
NOISE = np.array([0.01, -0.02, 0.01, 0.0, -0.01, 0.01])


def table() -> dict[str, Any]:
    fast, slow = 5 * np.array(X) ** -0.5 + 1 + NOISE, 5 * np.array(X) ** -0.2 + 1 + NOISE
    return {"n": X * 2, "loss": [*fast, *slow], "kind": ["$\\frac{$"] * 6 + ["slow"] * 6}


def values(ax: Axes, label: str) -> list[tuple[list[float], list[float]]]:
    return [
        (np.asarray(one.get_xdata()).tolist(), np.asarray(one.get_ydata()).tolist())
        for one in ax.lines
        if str(one.get_label()).startswith(label)
    ]


def test_points_law_bands_and_residuals() -> None:
    one = {name: column[:6] for name, column in table().items()}
    study = analyze_scaling_law(one, "n", "loss")
    figure = plot_scaling_curve(study)
    above, below = figure.axes
    assert values(above, "runs") == [(X, one["loss"])]
    ((places, fitted),) = values(above, "a·x^b + c, b = -0.")
    assert (places[0], places[-1]) == pytest.approx((X[0], X[-1]))
    assert fitted == pytest.approx(study.fit.at(places).fitted.tolist())
    ((_, low),), ((_, high),) = values(above, "_low"), values(above, "_high")
    assert all(a < b < c for a, b, c in zip(low, fitted, high, strict=True))
    ((_, residuals),) = values(below, "residuals")
    assert residuals == pytest.approx(study.frame["residual"].tolist())
    assert (above.get_title("left"), below.get_xlabel()) == ("loss by n, 6 runs", "n")
    assert above.get_xscale() == "log"


def test_each_group_has_its_law_and_a_name_is_no_formula() -> None:
    figure = plot_scaling_curve(table(), "n", "loss", group="kind", log="xy")
    (legend,) = figure.legends
    entries = [text.get_text() for text in legend.get_texts()]
    assert entries[:2] == ["$\\frac{$", "slow"]
    assert [word.split(" a·x")[0] for word in entries[2:]] == ["$\\frac{$", "slow"]
    assert rendered(figure, "svg")


def test_in_axes_that_are_given_there_are_no_residuals() -> None:
    figure = Figure()
    ax = figure.subplots()
    one = {name: column[:6] for name, column in table().items()}
    assert plot_scaling_curve(one, "n", "loss", ax=ax) is figure
    assert figure.axes == [ax]
    assert ax.get_xlabel() == "n"


def test_bars_are_intervals_and_an_exponent_that_is_not_determined_is_not_told() -> None:
    flat = {"n": X[:6], "loss": [1.0, 1.1, 0.9, 1.05, 0.95, 1.0], "sd": [0.1] * 6}
    study = analyze_scaling_law(flat, "n", "loss", y_error="sd")
    assert (study.fit.b.low, study.fit.b.high) == (None, None)
    with pytest.warns(PlotWarning, match="y does not depend on x"):
        above, _ = plot_scaling_curve(study).axes
    assert len(values(above, "a·x^b + c, b not determined")) == 1
    bars = [one.get_segments() for one in above.collections if isinstance(one, LineCollection)]
    drawn = [tuple(end[1] for end in segment) for (segment,) in bars]
    assert drawn == [pytest.approx((y - 0.196, y + 0.196), abs=1e-5) for y in flat["loss"]]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((-0.5, -0.25), "b = -0.4 (-0.5 to -0.25)"),
        ((None, -0.25), "b below -0.25"),
        ((-0.5, None), "b above -0.5"),
    ],
)
def test_an_exponent_is_told_with_the_ends_that_it_has(ends: tuple[float | None, ...], said: str) -> None:
    law = analyze_scaling_law({name: column[:6] for name, column in table().items()}, "n", "loss").fit
    assert (
        words(law._replace(b=law.b._replace(value=-0.4, low=ends[0], high=ends[1]))) == f"a·x^b + c, {said}"
    )
