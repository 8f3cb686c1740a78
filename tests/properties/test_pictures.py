"""Whatever runs hold and are called, a picture is drawn, or what is missing is said."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from gxt.errors import UsageError
from gxt.model.goals import Metric
from gxt.model.json_types import JsonObject
from gxt.model.points import Series
from gxt.ops.plotted import Plotted
from gxt.render import plain
from gxt.render.clean import clean
from gxt.visualization.as_json import panels
from gxt.visualization.comparing import draw_architectures, draw_comparison
from gxt.visualization.curves import draw
from gxt.visualization.lines import Request
from gxt.visualization.terminal import view_of

VALUES = st.sampled_from(
    [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -5.0, 1e308, -1e308, 5e-324, 1e149, 3.3]
)
STEPS = st.sampled_from([0, 1, 2, 3, 50, -5, 2**62])
TEXTS = st.text(st.sampled_from("$\\{}_^%<\n\x1b\u202e日é🙂 ab/"), max_size=20)
NAMES = ["train/loss", "val/loss", "$\\frac{$", "loss"]


@st.composite
def a_series(draw_: st.DrawFn) -> Series:
    values = draw_(st.lists(VALUES, min_size=1, max_size=8))
    steps = draw_(st.lists(STEPS, min_size=len(values), max_size=len(values)))
    return Series(
        array("q", steps),
        array("q", [1_700_000_000_000_000 + step % 100 for step in steps]),
        array("d", values),
    )


@st.composite
def runs(draw_: st.DrawFn) -> Plotted:
    found, series = [], []
    for at in range(draw_(st.integers(1, 3))):
        own = draw_(st.dictionaries(st.sampled_from(NAMES), a_series(), max_size=3))
        run: JsonObject = {
            "id": f"exp-00{at}",
            "uid": str(at),
            "name": draw_(TEXTS),
            "group": draw_(st.sampled_from([None, "G"])),
            "created": draw_(st.sampled_from([None, "2023-11-14T22:13:20.000000Z"])),
            "metrics": {
                name: one.value[-1] if math.isfinite(one.value[-1]) else "NaN" for name, one in own.items()
            },
            "params": {"model": draw_(TEXTS)},
        }
        found.append(run)
        series.append(own)
    return Plotted(tuple(found), tuple(series), Metric("loss", "min"), dict.fromkeys(NAMES, "min"), ())


@settings(max_examples=25, deadline=None)
@given(
    runs(),
    st.sampled_from(["step", "time", "loss"]),
    st.sampled_from(["", "x", "y", "xy"]),
    st.sampled_from([0.0, 0.9]),
    st.sampled_from(["se", "range"]),
)
def test_every_picture_is_drawn_or_refused(
    plotted: Plotted, x: str, log: str, smooth: float, spread: str
) -> None:
    request = Request((), x, log, smooth, "se" if spread == "se" else "range")
    pictures: tuple[Callable[[], Figure], ...] = (
        lambda: draw(plotted, request, None)[0],
        lambda: draw_comparison(plotted, (), log, None, None)[0],
        lambda: draw_architectures(plotted, None, None, log, None, None)[0],
    )
    for make in pictures:
        try:
            figure = make()
        except UsageError:
            continue
        text = plain.render(view_of(figure, 40))
        assert all(clean(line) == line for line in text.splitlines())
        assert json.dumps(panels(figure), allow_nan=False)
