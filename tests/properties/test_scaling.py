"""Whatever the numbers are, a study of them ends in a page and in JSON, or is refused in words."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gxt.analysis.law import Options, fit_law
from gxt.analysis.points import Point
from gxt.analysis.study import Measured, study
from gxt.errors import CannotFit
from gxt.render import envelope, plain, scaling

NUMBERS = st.one_of(
    st.none(),
    st.floats(),
    st.sampled_from([1.0, 2.0, 10.0, 100.0, 1e3, 1e300, 5e-324]),
    st.floats(-5, 5),
)
MEASURED = st.lists(
    st.builds(
        Measured, st.just("exp-001"), st.just("$x"), NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["a", "b"])
    ),
    min_size=4,
    max_size=12,
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(measured=MEASURED, milestone=st.none() | st.floats(allow_nan=False), relative=st.booleans())
@example(
    measured=[
        Measured("exp-001", "", x, y, 1e-320)
        for x, y in ((1.0, 1.0), (5e-324, 2.0), (1e308, 0.0), (2.0, 1e308))
    ],
    milestone=1e308,
    relative=False,
)
def test_no_number_breaks_a_study(measured: list[Measured], milestone: float | None, relative: bool) -> None:
    try:
        found = study(
            measured,
            names=("x", "y", "group"),
            options=Options(resamples=20, relative=relative),
            milestone=milestone,
        )
    except CannotFit:
        return
    assert json.loads(envelope.success(scaling.as_json(found)))["data"]["fit"]["n"] == len(found.runs)
    assert plain.render(scaling.page(found)).startswith("y = a·x^b + c  over ")
    assert len(scaling.table(found, exact=True).rows) == len(found.runs)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    b=st.floats(-1.5, 1.5).filter(lambda b: abs(b) > 0.05),
    a=st.floats(0.1, 10),
    sign=st.sampled_from([-1, 1]),
    c=st.floats(-10, 10),
    x0=st.floats(1e-3, 1e6),
)
def test_points_on_a_law_give_that_law(a: float, b: float, c: float, sign: int, x0: float) -> None:
    xs = [x0 * 10**i for i in range(6)]
    ys = [sign * a * (x / x0) ** b + c for x in xs]
    found = fit_law([Point(*one) for one in zip(xs, ys, strict=True)], Options(resamples=2))
    assert found.b.value == pytest.approx(b, abs=1e-4)
    assert found.at([x0]).fitted[0] == pytest.approx(sign * a + c, abs=1e-8 * max(map(abs, ys)))
    assert math.isfinite(found.sigma)
