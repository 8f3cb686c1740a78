"""y = a·x^b + c: against scipy, the definition of its intervals, simulations, published points."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from gxt.analysis import analyze_scaling_law
from gxt.analysis.fitting import bounds, fit, trace
from gxt.analysis.forms import POWER_FLOOR
from gxt.analysis.law import Law, Options, fit_law
from gxt.analysis.points import Point, prepare
from gxt.errors import CannotFit

if TYPE_CHECKING:
    from gxt.analysis.points import Array

PUBLISHED = Path(__file__).parents[1] / "published"
SIZES = np.geomspace(1e3, 1e8, 12)


def power(x: Array, a: float, b: float, c: float) -> Array:
    return a * x**b + c


def noisy(y: Array, sigma: float | Array, seed: int = 1) -> Array:
    found: Array = y + np.random.default_rng(seed).normal(0, 1, len(y)) * sigma
    return found


def points(x: Array, y: Array, errors: Array | None = None) -> list[Point]:
    sigma = [None] * len(x) if errors is None else errors.tolist()
    return [Point(*one) for one in zip(x.tolist(), y.tolist(), sigma, strict=True)]


def law_of(x: Array, y: Array, errors: Array | None = None) -> Law:
    return fit_law(points(x, y, errors), Options(resamples=100))


@pytest.mark.parametrize(
    ("a", "b", "c"), [(5.0, -0.3, 1.0), (-3000.0, -0.25, 1200.0), (0.02, 0.4, -7.0), (-0.5, 0.2, 3.0)]
)
def test_the_best_fit_is_that_of_scipy_whatever_the_signs(a: float, b: float, c: float) -> None:
    y = power(SIZES, a, b, c)
    y = noisy(y, 0.01 * float(np.ptp(y)))
    found = law_of(SIZES, y)
    expected, covariance = optimize.curve_fit(power, SIZES, y, p0=(a, b, c), maxfev=10_000)
    spread = np.sqrt(np.diag(covariance))
    values = np.array([found.a.value, found.b.value, found.c.value])
    assert np.all(np.abs(values - expected) < 1e-3 * spread)
    residuals = y - power(SIZES, *expected)
    assert found.sigma == pytest.approx(math.sqrt(np.sum(residuals**2) / 9), rel=1e-6)
    assert found.r2 == pytest.approx(1 - np.sum(residuals**2) / np.sum((y - y.mean()) ** 2), abs=1e-8)


def test_errors_of_y_are_weights_as_in_scipy() -> None:
    errors = np.geomspace(0.2, 0.005, 12)
    y = noisy(power(SIZES, 5, -0.3, 1), errors)
    found = law_of(SIZES, y, errors)
    expected, covariance = optimize.curve_fit(power, SIZES, y, p0=(5, -0.3, 1), sigma=errors)
    assert found.b.value == pytest.approx(expected[1], abs=1e-3 * math.sqrt(covariance[1, 1]))
    assert found.b.value != pytest.approx(law_of(SIZES, y).b.value, abs=1e-3)


def test_a_common_factor_of_the_errors_changes_nothing() -> None:
    errors = np.geomspace(0.2, 0.005, 12)
    y = noisy(power(SIZES, 5, -0.3, 1), errors)
    one, other = law_of(SIZES, y, errors), law_of(SIZES, y, errors * 1e3)
    assert one.b == pytest.approx(other.b)
    assert one.sigma == pytest.approx(other.sigma)


def test_the_interval_of_the_floor_is_its_profile_likelihood() -> None:
    y = noisy(power(SIZES, 5, -0.3, 1), 0.02)
    found = law_of(SIZES, y)

    def rss(c: float) -> float:
        def given_b(b: float) -> float:
            column = SIZES**b
            a = column @ (y - c) / (column @ column)
            return float(np.sum((y - c - a * column) ** 2))

        return float(optimize.minimize_scalar(given_b, bounds=(-1, -0.01), method="bounded").fun)

    end = rss(found.c.value) * (1 + stats.f.ppf(0.95, 1, 9) / 9)
    assert found.c.low is not None
    assert found.c.high is not None
    assert rss(found.c.low) == pytest.approx(end, rel=1e-4)
    assert rss(found.c.high) == pytest.approx(end, rel=1e-4)


@pytest.mark.parametrize("n", [6, 12])
def test_intervals_hold_the_truth_as_often_as_they_say(n: int) -> None:
    x = np.geomspace(1e3, 1e8, n)
    truth, middle = power(x, 5, -0.3, 1), math.sqrt(1e3 * 1e8)
    rows = np.random.default_rng(7).normal(0, 0.02, (150, n))
    held = np.zeros(3)
    for row in rows:
        prepared = prepare(points(x, truth + row))
        traced = trace(fit(POWER_FLOOR, prepared), prepared, 0.95)
        floor = np.stack([np.ones_like(traced.theta), -1 / traced.theta], axis=-1)
        at = POWER_FLOOR.columns(traced.theta, np.array([math.log(middle) - prepared.log_x0]))
        b_low, b_high = traced.interval
        c_low, c_high = (float(side[0]) * prepared.scale for side in bounds(traced, floor))
        y_low, y_high = (float(side[0]) * prepared.scale for side in bounds(traced, at))
        held += [
            (b_low is None or b_low <= -0.3) and (b_high is None or b_high >= -0.3),
            c_low <= 1 <= c_high,
            y_low <= 5 * middle**-0.3 + 1 <= y_high,
        ]
    # 150 times 95 % is 142.5 ± 2.7
    assert np.all(held >= 135)
    assert np.all(held <= 149)


def test_the_band_of_the_next_measurement_holds_it_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        y = power(SIZES, 5, -0.3, 1) + generator.normal(0, 0.02, 12)
        found = fit_law(points(SIZES, y), Options(resamples=2))
        band = found.at([3e5])
        held += band.next_low[0] <= 5 * 3e5**-0.3 + 1 + generator.normal(0, 0.02) <= band.next_high[0]
        assert band.next_low[0] < band.low[0] < band.fitted[0] < band.high[0] < band.next_high[0]
    assert 52 <= held <= 60  # 57 ± 1.7


def test_the_bootstrap_follows_its_seed_and_agrees_with_the_profile() -> None:
    x = np.geomspace(1e3, 1e8, 40)
    given = points(x, noisy(power(x, 5, -0.3, 1), 0.02))
    one, again, other = (fit_law(given, Options(seed=seed)).b for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert one[:3] == other[:3]
    wide = one[2] - one[1]  # type: ignore[operator]
    assert one.bootstrap_low == pytest.approx(one.low, abs=0.2 * wide)
    assert one.bootstrap_high == pytest.approx(one.high, abs=0.2 * wide)


def test_the_published_points_of_cerebras_gpt_give_the_published_exponent() -> None:
    with (PUBLISHED / "cerebras-gpt.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = pd.DataFrame(
        {"flops": [float(row["flops"]) for row in rows], "loss": [float(row["loss"]) for row in rows]}
    )
    study = analyze_scaling_law(table, "flops", "loss")
    b, c = study.fit.b, study.fit.c
    assert b.value == pytest.approx(-0.0737, abs=0.001)  # equation (1) of the paper
    assert c.value == pytest.approx(0.5066, abs=0.01)
    assert b.low is not None
    assert b.high is not None
    assert b.low < -0.0737 < b.high
    published = (np.array(table["flops"]) / 5.984e22) ** -0.0737 + 0.5066
    assert study.frame["fitted"].to_numpy() == pytest.approx(published, rel=0.002)
    assert study.scaling.whole.transition is None


def test_perfect_points_give_their_law_exactly() -> None:
    found = law_of(SIZES, power(SIZES, 5, -0.3, 1))
    assert (found.a.value, found.b.value, found.c.value) == pytest.approx((5, -0.3, 1), rel=1e-6)
    assert found.warnings == ()


def test_where_the_law_comes_to_a_value() -> None:
    x = np.geomspace(1e3, 1e8, 30)
    found = law_of(x, noisy(power(x, -3000, -0.25, 1200), 5))
    reached = found.reaches(1000)
    truth = 15.0**4
    assert reached.x is not None
    assert reached.low is not None
    assert reached.high is not None
    assert reached.low < truth < reached.high
    assert float(found.at([reached.x]).fitted[0]) == pytest.approx(1000)
    assert float(found.at([reached.low]).high[0]) == pytest.approx(1000, abs=0.1)
    assert float(found.at([reached.high]).low[0]) == pytest.approx(1000, abs=0.1)
    assert not reached.extrapolated
    assert found.reaches(5000) == (5000, None, None, None, True)


def test_what_the_points_cannot_tell_is_said() -> None:
    generator = np.random.default_rng(0)
    flat = law_of(SIZES, generator.normal(0, 1, 12))
    assert flat.warnings == ("y does not depend on x as far as these points tell: a, b and c say nothing",)
    line = law_of(SIZES, noisy(3 * np.log(SIZES), 1.0))
    assert line.warnings == (
        "b may be 0 or of either sign: a and c are not determined; more sizes, further apart, would tell",
    )
    assert (line.a.low, line.a.bootstrap_high, line.c.low, line.c.high) == (None, None, None, None)
    step = law_of(SIZES, np.array([0.0] * 11 + [1.0]))
    assert step.warnings == ("b has no bound above: y changes at one end only; more sizes there would tell",)
    near = np.geomspace(1, 5, 12)
    assert law_of(near, noisy(near, 0.01)).warnings == (
        "x spans a factor of 5, less than a decade: an exponent is hardly determined",
    )


def test_points_that_scatter_more_than_their_errors_are_said() -> None:
    y = noisy(power(SIZES, 5, -0.3, 1), 0.02)
    assert law_of(SIZES, y, np.full(12, 0.02)).warnings == ()
    assert (
        law_of(SIZES, y, np.full(12, 0.002))
        .warnings[0]
        .endswith("as their errors say: these leave something out")
    )
    some = points(SIZES, y, np.full(12, 0.02))
    some[3] = some[3]._replace(error=None)
    told = "1 of 12 points have no finite error above 0: none is used as a weight"
    assert fit_law(some).warnings == (told,)
    some[3] = some[3]._replace(error=math.inf)
    assert fit_law(some).warnings == (told,)


def test_relative_scatter_weighs_small_values_as_much() -> None:
    x = np.geomspace(1, 1e6, 12)
    y = 3 * x**0.7 * (1 + noisy(np.zeros(12), 0.02))
    plain = fit_law(points(x, y))
    assert plain.warnings[0] == "y spans more than a decade: the largest decide; --relative weighs all alike"
    weighed = fit_law(points(x, y), Options(relative=True))
    assert weighed.warnings == ()
    assert weighed.b.value == pytest.approx(0.7, abs=0.01)
    assert weighed.c.high is not None
    assert plain.c.high is not None
    assert weighed.c.high < 1
    assert plain.c.high > 10
    with pytest.raises(CannotFit, match="y is 0 somewhere"):
        fit_law(points(x, np.where(x == 1, 0.0, y)), Options(relative=True))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([], [], "0 points at 0 sizes of x cannot determine a, b and c"),
        ([5.0], [1.0], "1 point at 1 size of x cannot determine a, b and c"),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], "3 points at 3 sizes of x cannot determine a, b and c"),
        (
            [1.0, 1.0, 1.0, 2.0, 2.0],
            [1.0, 2.0, 3.0, 4.0, 5.0],
            "5 points at 2 sizes of x cannot determine a, b and c",
        ),
        ([1.0, 10.0, 100.0, 1000.0], [7.0] * 4, "y is the same everywhere: there is no exponent to be found"),
    ],
)
def test_points_that_say_nothing_are_refused(x: list[float], y: list[float], message: str) -> None:
    with pytest.raises(CannotFit) as caught:
        analyze_scaling_law({"x": x, "y": y}, "x", "y")
    assert caught.value.message == message


def test_points_that_no_law_can_take_are_left_out_by_name() -> None:
    xs = [1.0, 10.0, 100.0, 1e3, 1e4, -1.0, 0.0, 1.0, 2.0, math.inf, 10**400, "word"]
    ys = [9.1, 5.0, 3.2, 2.0, 1.6, 1.0, 1.0, math.nan, -math.inf, 1.0, 1.0, None]
    study = analyze_scaling_law({"x": xs, "y": ys}, "x", "y")
    assert [one.id for one in study.runs] == ["0", "1", "2", "3", "4"]
    assert [one.reason for one in study.left_out] == [
        *(
            "x is not above 0",
            "x is not above 0",
            "y is NaN",
            "y is infinite",
            "x is infinite",
            "x is infinite",
        ),
        "has no x",
    ]


@pytest.mark.parametrize(
    ("x_scale", "y_scale", "offset"),
    [
        (1e290, 1.0, 0.0),
        (1e-300, 1.0, 0.0),
        (1.0, 1e300, 0.0),
        (1.0, 1e-300, 0.0),
        (1.0, 1.0, 1e6),
        (1.0, -1.0, 0.0),
    ],
)
def test_units_do_not_matter(x_scale: float, y_scale: float, offset: float) -> None:
    y = noisy(power(SIZES, 5, -0.3, 1), 0.02)
    plain = law_of(SIZES, y)
    found = law_of(SIZES * x_scale, y * y_scale + offset)
    assert found.b == pytest.approx(plain.b, rel=1e-5)
    assert found.c.value == pytest.approx(plain.c.value * y_scale + offset, rel=1e-5)


def test_many_points_at_the_same_sizes() -> None:
    x = np.repeat([1e3, 1e5, 1e7], 200)
    found = law_of(x, noisy(power(x, 5, -0.3, 1), 0.1))
    assert found.n == 600
    assert found.b.low is not None
    assert found.b.high is not None
    assert found.b.low < -0.3 < found.b.high


@pytest.mark.long
@pytest.mark.parametrize(
    ("n", "sigma", "weighted"), [(5, 0.02, False), (8, 0.02, False), (12, 0.02, True), (30, 0.1, False)]
)
def test_intervals_hold_the_truth_in_many_simulations(n: int, sigma: float, weighted: bool) -> None:
    x = np.geomspace(1e3, 1e8, n)
    truth, generator = power(x, 5, -0.3, 1), np.random.default_rng(11)
    errors = sigma * (np.geomspace(0.3, 3, n) if weighted else np.ones(n))
    held = np.zeros(2)
    for _ in range(1000):
        y = truth + generator.normal(0, 1, n) * errors
        found = fit_law(points(x, y, errors if weighted else None), Options(resamples=2))
        held += [
            (one.low is None or one.low <= wanted) and (one.high is None or one.high >= wanted)
            for one, wanted in ((found.b, -0.3), (found.c, 1))
        ]
    assert np.all(np.abs(held - 950) < 30)  # 950 ± 7, and what the curvature of the law takes
