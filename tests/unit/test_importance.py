"""Which parameters a metric goes with: against scipy, and against simulations whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from gxt.analysis.importance import (
    Effect,
    Interval,
    between,
    beyond,
    design_of,
    effects,
    explained,
    spearman,
)
from gxt.model.json_types import Json

if TYPE_CHECKING:
    from gxt.analysis.importance import Codes
    from gxt.analysis.points import Array


def one(values: list[Json], y: list[float]) -> Effect:
    """The only parameter of these runs."""
    (found,) = effects([{"x": value} for value in values], y).effects
    return found


def test_the_correlation_and_its_p_are_scipys() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 6, 30)
    y = x + rng.normal(size=30) * 3
    rho, interval, p = spearman(x, y)
    expected = stats.spearmanr(x, y)
    assert [rho, p] == pytest.approx([expected.statistic, expected.pvalue])
    half = 1.959963984540054 * math.sqrt((1 + rho**2 / 2) / 27)
    assert interval.low == pytest.approx(math.tanh(math.atanh(rho) - half))
    assert interval.high == pytest.approx(math.tanh(math.atanh(rho) + half))


def test_of_few_runs_p_counts_all_orders() -> None:
    x, y = np.array([0, 1, 2, 3, 3]), [3.0, 1.0, 4.0, 1.0, 5.0]
    rho, _, p = spearman(x, np.array(y))
    found = [abs(stats.spearmanr(x, order).statistic) for order in permutations(y)]
    assert p == np.mean([one >= abs(rho) - 1e-9 for one in found])


def test_a_perfect_order_of_few_runs_is_not_certain() -> None:
    rho, interval, p = spearman(np.arange(5), np.arange(5.0))
    assert [rho, p] == pytest.approx([1, 2 / 120])
    assert 0 < interval.low < 0.5 < interval.high <= 1
    found = explained(np.arange(5), "number", np.arange(5.0))
    assert found is not None
    assert found[0] == pytest.approx(1)
    assert found[1].low < 0.5 < found[1].high


def test_the_share_is_epsilon_squared_of_kruskal_and_wallis() -> None:
    x = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2])
    y = np.array([3.0, 5, 2, 4, 8, 9, 7, 1, 6, 10, 0, 5])
    found = explained(x, "category", y)
    h = stats.kruskal(*(y[x == value] for value in range(3))).statistic
    eta = h / 11  # the share of the ranks' sum of squares that lies between the groups
    assert found is not None
    assert found[0] == pytest.approx(1 - (1 - eta) * 11 / 9)
    effect = one(["a", "a", "a", "a", "b", "b", "b", "c", "c", "c", "c", "c"], y.tolist())
    p = float(stats.kruskal(y[:4], y[4:7], y[7:]).pvalue)
    assert effect._replace(p=None) == Effect("x", "category", 12, 3, None, None, None, *found)
    assert effect.p == pytest.approx(p)


def test_of_few_runs_p_of_a_category_counts_all_orders() -> None:
    x, y = np.array([0, 0, 1, 1, 2, 2]), [3.0, 1.0, 4.0, 1.0, 5.0, 9.0]

    def h(order: tuple[float, ...]) -> float:
        return float(stats.kruskal(order[:2], order[2:4], order[4:]).statistic)

    found = [h(order) for order in permutations(y)]
    assert between(x, np.array(y)) == np.mean([one >= h(tuple(y)) - 1e-9 for one in found])


def test_a_category_of_two_values_is_as_likely_chance_as_true_and_false() -> None:
    y = [float(value) for value in range(6)]
    words, flags = one([*"aaabbb"], y), one([*(False,) * 3, *(True,) * 3], y)
    assert words.p == flags.p == pytest.approx(2 / 20)


def test_more_parameters_than_runs_leave_nothing_beyond() -> None:
    rng = np.random.default_rng(5)
    params: list[dict[str, Json]] = [{f"p{i}": float(rng.normal()) for i in range(20)} for _ in range(12)]
    found = effects(params, rng.normal(size=12).tolist()).effects
    assert [effect.beyond for effect in found] == [None] * 20


def test_a_best_value_in_the_middle_is_important_without_a_correlation() -> None:
    x = np.arange(21)
    effect = one(x.tolist(), (-((x - 10.0) ** 2)).tolist())
    assert effect.rho == pytest.approx(0)
    assert effect.importance is not None
    assert effect.interval is not None
    assert effect.importance > 0.9 < effect.interval.high
    assert effect.interval.low > 0.7


def _linear(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    x = rng.random(n)
    return x, 2 * math.sqrt(3) * (x - 0.5) + rng.normal(size=n)


def _bent(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    x = rng.random(n)
    return x, -13.4 * ((x - 0.5) ** 2 - 1 / 12) + rng.normal(size=n)


def _grouped(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    x = rng.integers(0, 3, n).astype(np.float64)
    return x, (x - 1) * 1.2247 + rng.standard_t(3, size=n)


def _noise(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.random(n), rng.normal(size=n)


@pytest.mark.parametrize(
    ("draw", "kind"), [(_linear, "number"), (_bent, "number"), (_grouped, "category"), (_noise, "number")]
)
@pytest.mark.parametrize("n", [8, 25])
def test_intervals_hold_the_truth_as_often_as_they_say(
    draw: Callable[[np.random.Generator, int], tuple[Array, Array]], kind: str, n: int
) -> None:
    rng = np.random.default_rng(n)
    x, y = draw(rng, 50_000)
    truth, _ = explained(_codes(x), "category" if kind == "category" else "number", y) or (math.nan, None)
    held = drawn = 0
    while drawn < 120:
        x, y = draw(rng, n)
        found = explained(_codes(x), "category" if kind == "category" else "number", y)
        if found is None:
            continue
        drawn += 1
        # what noise explains of 50,000 runs is not quite nothing
        held += found[1].low <= truth <= max(found[1].high, 1e-3)
    assert 0.88 <= held / drawn <= 1


def _codes(x: Array) -> Codes:
    return np.unique(x, return_inverse=True)[1].astype(np.intp)


def test_what_others_leave_open_is_the_partial_share() -> None:
    rng = np.random.default_rng(2)
    x, z, w = rng.random(30), rng.integers(0, 3, 30).astype(np.float64), rng.random(30)
    y = x + 2 * (z == 1) - w + rng.normal(size=30) * 0.3
    params: list[dict[str, Json]] = [{"x": float(x[i]), "z": f"z{z[i]}", "w": float(w[i])} for i in range(30)]
    found = {one.name: one for one in effects(params, y.tolist()).effects}["x"]

    def left(*columns: Array) -> float:
        design = np.column_stack([np.ones(30), *columns])
        return float(np.linalg.lstsq(design, stats.rankdata(y), rcond=None)[1][0])

    ranks = [stats.rankdata(one) / 30 for one in (x, w)]
    others = (z == 1, z == 2, ranks[1], ranks[1] ** 2)
    without, whole = left(*others), left(*others, ranks[0], ranks[0] ** 2)
    assert found.beyond == pytest.approx(1 - (whole / 23) / (without / 25))


def test_a_parameter_that_another_hides_shows_beyond_it() -> None:
    params: list[dict[str, Json]] = [{"big": i % 4, "small": i // 4} for i in range(16)]
    found = effects(params, [float(10 * (i % 4) + i // 4) for i in range(16)])
    small = {one.name: one for one in found.effects}["small"]
    assert small.interval is not None
    assert small.beyond_interval is not None
    assert small.interval.low == 0
    assert small.beyond_interval.low > 0.8


def test_nothing_is_beyond_what_always_changes_together() -> None:
    params: list[dict[str, Json]] = [{"a": i, "b": -i} for i in range(9)]
    assert [one.beyond for one in effects(params, [float(i % 4) for i in range(9)]).effects] == [None, None]


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_intervals_of_what_others_leave_open_hold_the_truth(strength: float) -> None:
    def draw(rng: np.random.Generator, n: int) -> tuple[float, Interval]:
        x, z = rng.random(n), rng.integers(0, 3, n).astype(np.float64)
        y = strength * math.sqrt(12) * (x - 0.5) + 2 * (z == 1) + rng.normal(size=n)
        found = beyond(design_of(_codes(x), "number"), [design_of(_codes(z), "category")], y)
        assert found is not None
        return found

    rng = np.random.default_rng(4)
    truth, _ = draw(rng, 50_000)
    intervals = [draw(rng, 15)[1] for _ in range(120)]
    held = sum(one.low <= truth <= max(one.high, 1e-3) for one in intervals)
    assert 0.88 <= held / 120 <= 1


def test_what_matters_comes_first_and_the_interval_of_noise_holds_zero() -> None:
    rng = np.random.default_rng(3)
    params: list[dict[str, Json]] = [
        {"noise": float(rng.random()), "lr": float(10 ** rng.uniform(-4, -1)), "model": "abc"[i % 3]}
        for i in range(40)
    ]
    y = [
        float(-((math.log10(float(str(one["lr"]))) + 2.5) ** 2))
        + 0.9 * (one["model"] == "a")
        + rng.normal() * 0.2
        for one in params
    ]
    found = effects(params, y)
    lows = {one.name: one.interval.low > 0 for one in found.effects if one.interval}
    assert list(lows.items()) == [("model", True), ("lr", True), ("noise", False)]
    assert found.together == ()


def test_parameters_that_change_together_are_named() -> None:
    width = [16, 16, 32, 32, 64, 64, 128, 128]
    params: list[dict[str, Json]] = [
        {"width": w, "lr": 1 / w, "model": f"m{w}", "depth": w + (i == 3) * 60, "coin": i % 2 == 0}
        for i, w in enumerate(width)
    ]
    found = effects(params, [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    pairs = {(one.first, one.second): one.always for one in found.together}
    assert pairs == {
        ("width", "lr"): True,
        ("width", "model"): True,
        ("lr", "model"): True,
        ("width", "depth"): False,
        ("lr", "depth"): False,
        ("model", "depth"): False,
    }
    assert [one.always for one in found.together] == [True] * 3 + [False] * 3


def test_two_categories_that_go_together_are_named_and_independent_ones_are_not() -> None:
    params: list[dict[str, Json]] = [
        {"a": "xyz"[i % 3], "b": "uvw"[i % 3 if i > 2 else 0], "c": "pq"[i // 3 % 2]} for i in range(30)
    ]
    assert [one[:2] for one in effects(params, [float(i * 7 % 11) for i in range(30)]).together] == [
        ("a", "b")
    ]


def test_why_a_parameter_tells_nothing() -> None:
    def why(values: list[Json], y: list[float]) -> str:
        return one(values, y).why

    assert why([1, 2, 3, 4], [1.0, 2.0, 3.0, 4.0]) == "4 runs are too few: it takes 5"
    assert why([1, 2, 3, 4, 5], [2.0] * 5) == "the metric is the same in all of them"
    assert why(["a", "b", "c", "d", "e"], [1.0, 2.0, 3.0, 4.0, 5.0]) == "5 values in 5 runs: too few of each"
    words: list[Json] = [f"file {i // 2}" for i in range(64)]
    assert why(words, [float(i) for i in range(64)]) == "32 different values, which have no order"
    (lonely,) = effects([{"x": 1}, {"x": 1}, {}], [1.0, 2.0, 3.0]).effects
    assert lonely == Effect("x", "number", 2, 1, why="the same in all runs that have it")


def test_what_is_the_same_in_all_runs_is_not_there() -> None:
    assert effects([{"x": 1}, {"x": 1.0}], [1.0, 2.0]) == ((), ())
    assert effects([], []) == ((), ())


@pytest.mark.parametrize(
    "values",
    [
        [True, False, True, True, False, True],
        [10**400, -(10**400), 1, 2, 3, 4],
        [0.1, "Infinity", 0.3, "-Infinity", 0.5, 0.6],
    ],
)
def test_numbers_of_every_size_have_an_order(values: list[Json]) -> None:
    effect = one(values, [1.0, -math.inf, 3.0, math.inf, 1e308, -1e308])
    assert effect.kind == "number"
    assert effect.rho is not None
    assert effect.rho_interval is not None
    assert -1 <= effect.rho_interval.low <= effect.rho <= effect.rho_interval.high <= 1
    assert effect.importance is not None
    assert effect.interval is not None
    assert 0 <= effect.interval.low <= effect.importance <= effect.interval.high <= 1


@pytest.mark.parametrize("odd", [None, "off", "NaN", [1, 2], {}])
def test_what_is_no_number_makes_a_category(odd: Json) -> None:
    effect = one([0.1, odd, 0.1, odd, 0.1, odd, 0.1], [1.0, 2.0, 1.5, 2.5, 1.2, 2.2, 1.1])
    assert (effect.kind, effect.values, effect.rho) == ("category", 2, None)
    assert effect.interval is not None
    assert effect.interval.low > 0


def test_thousands_of_runs_in_perfect_order() -> None:
    n = 3000
    effect = one(list(range(n)), [float(value) for value in range(n)])
    assert effect.rho == pytest.approx(1)
    assert effect.interval is not None
    assert 0.999 < effect.interval.low <= effect.interval.high <= 1
