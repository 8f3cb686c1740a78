"""Which law: criteria, forms, groups, transitions, and how many parameters a model has."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gxt.analysis.choosing import score
from gxt.analysis.installed import check_installed
from gxt.analysis.law import Options
from gxt.analysis.points import Point
from gxt.analysis.scaling import Scaling, analyse
from gxt.errors import GxtError, UsageError
from gxt.ops.scaling import named_forms, parameter_count

if TYPE_CHECKING:
    from gxt.analysis.points import Array
    from gxt.model.json_types import JsonObject

SIZES = np.geomspace(1e3, 1e8, 16)
FEW = Options(resamples=2)


def said_of(y: Array, sigma: float, group: str = "", x: Array = SIZES, seed: int = 5) -> list[Point]:
    noise = np.random.default_rng(seed).normal(0, sigma, len(x))
    return [Point(float(a), float(b), group=group) for a, b in zip(x, y + noise, strict=True)]


def test_the_criteria_are_those_of_the_books() -> None:
    # n ln(RSS / n) = 20 ln(0.1); k = 4 with the variance
    found = score(2.0, 20, 3)
    assert found.aicc == pytest.approx(20 * math.log(0.1) + 8 + 40 / 15)
    assert found.bic == pytest.approx(20 * math.log(0.1) + 4 * math.log(20))
    assert score(2.0, 5, 3).aicc is None


@pytest.mark.parametrize(
    ("form", "y", "values"),
    [
        ("power+floor", 5 * SIZES**-0.3 + 1, {"a": 5, "b": -0.3, "c": 1}),
        ("power", 5 * SIZES**-0.1, {"a": 5, "b": -0.1}),
        ("logarithm", 0.2 * np.log(SIZES) - 1, {"a": 0.2, "c": -1}),
        ("saturating", 1 + 2 * SIZES / (SIZES + 1e5), {"a": 2, "c": 1, "k": 1e5}),
        (
            "broken",
            3 * np.where(SIZES < 1e6, (SIZES / 1e6) ** -0.05, (SIZES / 1e6) ** -0.4),
            {"a": 3, "d": 1e6},
        ),
    ],
)
def test_the_form_that_made_the_points_is_preferred(form: str, y: Array, values: dict[str, float]) -> None:
    best = analyse(said_of(y, 0.005), FEW).whole.forms[0]
    assert best.name == form
    for name, value in values.items():
        assert best.values[name] == pytest.approx(value, rel=0.12), name


def test_a_transition_is_reported_with_its_evidence() -> None:
    y = 3 * np.where(SIZES < 1e6, (SIZES / 1e6) ** -0.05, (SIZES / 1e6) ** -0.4)
    found = analyse(said_of(y, 0.02), FEW).whole.transition
    assert found is not None
    assert found.low < 1e6 < found.high
    assert found.high / found.low < 4
    assert (found.before, found.after) == pytest.approx((-0.05, -0.4), abs=0.03)
    assert found.delta_bic > 10


@pytest.mark.parametrize("y", [5 * SIZES**-0.3 + 1, 5 * SIZES**-0.1, 0.2 * np.log(SIZES) + 1])
def test_a_smooth_law_has_no_transition(y: Array) -> None:
    found = [analyse(said_of(y, 0.02, seed=seed), FEW).whole.transition for seed in range(4)]
    assert found == [None] * 4


def test_only_the_forms_that_are_wanted_are_compared() -> None:
    given = said_of(5 * SIZES**-0.3 + 1, 0.01)
    found = analyse(given, FEW._replace(forms=named_forms(["power", "broken"]))).whole
    assert {one.name for one in found.forms} == {"power", "broken"}
    assert analyse(given, FEW._replace(forms=("broken",))).whole.transition is None
    with pytest.raises(UsageError) as caught:
        named_forms(["power", "cubic"])
    assert caught.value.message == "there is no form 'cubic'"
    assert caught.value.hint == "there are power+floor, power, logarithm, saturating, broken"


def test_few_points_are_not_searched_for_a_break() -> None:
    x = np.geomspace(1e3, 1e8, 6)
    forms = analyse(said_of(5 * x**-0.3 + 1, 0.01, x=x), FEW).whole.forms
    assert {one.name for one in forms} == {"power+floor", "power", "logarithm", "saturating"}


def groups(first: Array, second: Array) -> Scaling:
    given = [*said_of(first, 0.01, "mlp", seed=1), *said_of(second, 0.01, "cnn", seed=2)]
    return analyse(given, FEW)


def best_family(found: Scaling) -> str:
    return min(found.families, key=lambda one: one.score.bic).name


def test_groups_on_one_law_are_found_to_share_it() -> None:
    found = groups(5 * SIZES**-0.3 + 1, 5 * SIZES**-0.3 + 1)
    assert best_family(found) == "one law"
    assert found.is_one
    assert [one.score.parameters for one in found.families] == [3, 5, 6]


def test_groups_with_one_exponent_are_found_to_share_it() -> None:
    found = groups(5 * SIZES**-0.3 + 1, 9 * SIZES**-0.3 + 2)
    assert best_family(found) == "shared exponent"
    assert not found.is_one
    interval = found.families[1].interval
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low < -0.3 < interval.high
    own = found.groups["mlp"].law.b
    assert own.low is not None
    assert own.high is not None
    assert interval.high - interval.low < own.high - own.low


def test_groups_with_two_exponents_have_laws_of_their_own() -> None:
    found = groups(5 * SIZES**-0.3 + 1, 5 * SIZES**-0.15 + 1)
    assert best_family(found) == "own laws"
    assert found.groups["cnn"].law.b.value == pytest.approx(-0.15, abs=0.02)
    assert found.families[2].exponents == pytest.approx(
        {name: one.law.b.value for name, one in found.groups.items()}, rel=1e-5
    )


def test_a_group_with_too_few_points_is_named() -> None:
    given = [*said_of(5 * SIZES**-0.3 + 1, 0.01, "mlp"), Point(1e4, 1.0, group="cnn")]
    found = analyse(given, FEW)
    assert set(found.groups) == {"mlp"}
    assert found.families == ()
    assert found.warnings == (
        "cnn has no law of its own: 1 point at 1 size of x cannot determine a, b and c",
    )


@pytest.mark.parametrize(
    ("run", "count"),
    [
        ({"metrics": {"params": 10}, "params": {"n_params": 20}}, 10),
        ({"metrics": {"loss": 0.1, "model/param_count": 1e6}}, 1e6),
        ({"metrics": {"n_params": "NaN", "loss": 1.0}, "params": {"model": {"num_params": 7}}}, math.nan),
        ({"params": {"model": {"num_params": 7}, "params": "many"}}, 7),
        ({"params": {"params": True}}, None),
        (
            {
                "artifacts": [
                    {"kind": "model", "model": {"params": 5}},
                    {"kind": "model", "model": {"params": 6}},
                ]
            },
            6,
        ),
        ({"artifacts": [{"kind": "model", "model": {"params": 5}}, {"kind": "file", "model": None}]}, 5),
        ({"artifacts": [{"kind": "model", "model": None}]}, None),
        ({}, None),
    ],
)
def test_the_number_of_parameters_is_found_where_it_was_recorded(
    run: JsonObject, count: float | None
) -> None:
    found = parameter_count({"metrics": {}, "params": {}, "artifacts": [], **run})
    assert found == (pytest.approx(count, nan_ok=True) if count is not None else None)


def test_what_is_not_installed_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(GxtError) as caught:
        check_installed("numpy", "scipy", "pandas")
    assert (caught.value.message, caught.value.hint) == (
        "the analysis needs scipy and pandas",
        "pip install 'gxt[analysis]'",
    )


@pytest.mark.long
@pytest.mark.parametrize("n", [10, 30])
@pytest.mark.parametrize("law", ["floor", "power", "logarithm"])
def test_a_smooth_law_is_seldom_taken_for_broken(n: int, law: str) -> None:
    x = np.geomspace(1e3, 1e8, n)
    y = {"floor": 5 * x**-0.3 + 1, "power": 5 * x**-0.1, "logarithm": 0.2 * np.log(x) + 1}[law]
    found = [analyse(said_of(y, 0.02, x=x, seed=seed), FEW).whole.transition for seed in range(100)]
    assert sum(one is not None for one in found) <= 3
