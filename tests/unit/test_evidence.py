"""Better or worse and how sure: Student's t and Welch's test against scipy, how many repeats more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gxt.model.evidence import Evidence, Sample, evidence_json, sample, weigh
from gxt.model.student import quantile, two_sided

FREEDOM = [0.5, 1, 1.3, 2, 3, 4.5, 7.4, 10, 30, 100, 1e3, 1e5]


@pytest.mark.parametrize("df", FREEDOM)
def test_the_tail_of_students_t_is_that_of_scipy(df: float) -> None:
    values = [0, 1e-9, 0.01, 0.5, 1, 2, 3, 10, 50]
    ours = [two_sided(t, df) for t in values]
    assert ours == pytest.approx(2 * stats.t.sf(values, df), rel=1e-9, abs=0)
    assert [two_sided(-t, df) for t in values] == ours


@pytest.mark.parametrize("df", FREEDOM)
def test_the_quantiles_of_students_t_are_those_of_scipy(df: float) -> None:
    shares = [0.5, 0.6, 0.8, 0.95, 0.975, 0.995, 0.9999]
    assert [quantile(share, df) for share in shares] == pytest.approx(stats.t.ppf(shares, df), rel=1e-9)


def test_with_no_end_of_freedom_it_is_the_normal_distribution() -> None:
    assert two_sided(1.5, 1e12) == pytest.approx(2 * stats.norm.sf(1.5), rel=1e-12)
    assert quantile(0.975, 1e12) == pytest.approx(stats.norm.ppf(0.975), rel=1e-12)
    assert two_sided(1.5, 1e9) == pytest.approx(2 * stats.norm.sf(1.5), rel=1e-6)


def test_welch_is_that_of_scipy() -> None:
    rng = np.random.default_rng(5)
    for n, m in [(2, 2), (2, 9), (5, 5), (30, 4)]:
        before, after = rng.normal(1, 0.1, n), rng.normal(1.05, 0.3, m)
        a, b = sample(list(map(float, before))), sample(list(map(float, after)))
        assert a is not None
        assert b is not None
        ours, theirs = weigh(a, b, "max"), stats.ttest_ind(after, before, equal_var=False)
        interval = theirs.confidence_interval(0.95)
        assert ours[5:9] == pytest.approx((interval.high, theirs.statistic, theirs.df, theirs.pvalue))
        assert ours.low == pytest.approx(interval.low)


def test_a_single_run_beside_repeats_is_the_test_of_a_case_against_a_sample() -> None:
    repeats = [0.90, 0.92, 0.91, 0.93]
    pooled = stats.ttest_ind([0.80], repeats, equal_var=True)  # which has the variance of the repeats alone
    many = sample(repeats)
    assert many is not None
    found = weigh(many, Sample(1, 0.80), "max")
    assert (found.kind, found.verdict, found.n) == ("case", "worse", (4, 1))
    assert (found.t, found.df, found.p) == pytest.approx((pooled.statistic, 3, pooled.pvalue))


@pytest.mark.parametrize(
    ("after", "goal", "verdict"),
    [
        ([0.95, 0.96, 0.97], "max", "better"),
        ([0.95, 0.96, 0.97], "min", "worse"),
        ([0.80, 0.90, 1.00], "max", "unsure"),
        ([0.95, 0.96, 0.97], None, None),
    ],
)
def test_a_verdict_needs_an_interval_without_0(after: list[float], goal: str, verdict: str) -> None:
    a, b = sample([0.88, 0.89, 0.90]), sample(after)
    assert a is not None
    assert b is not None
    found = weigh(a, b, goal)  # type: ignore[arg-type]
    assert found.verdict == verdict
    assert found.low is not None
    assert found.high is not None
    assert (found.low > 0) == (verdict != "unsure")


def test_two_single_runs_have_a_difference_and_nothing_else() -> None:
    assert weigh(Sample(1, 2.0), Sample(1, 2.5), "max") == Evidence("better", 0.5, "single", (1, 1))


def test_repeats_without_any_noise_need_no_interval() -> None:
    assert weigh(Sample(3, 1.0), Sample(3, 1.5), "min") == Evidence(
        "worse", 0.5, "welch", (3, 3), 0.5, 0.5, math.inf, 4.0, 0.0
    )
    same = weigh(Sample(3, 1.0), Sample(3, 1.0), "min")
    assert (same.verdict, same.p, same.more) == ("same", 1.0, None)


def test_how_many_more_repeats_would_tell_is_what_a_power_of_80_percent_takes() -> None:
    before, after = Sample(3, 0.0, 1.0), Sample(3, 0.8, 1.0)
    more = weigh(before, after, "max").more
    # the table value for a difference of 0.8 standard deviations is 26 a group (Cohen, 1988)
    assert more == 26 - 3
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (4000, 26)), rng.normal(0.8, 1, (4000, 26))
    assert (stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue < 0.05).mean() == pytest.approx(
        0.8, abs=0.02
    )


def test_no_number_of_repeats_is_named_for_what_none_would_tell() -> None:
    assert weigh(Sample(3, 0.0, 1.0), Sample(3, 0.001, 1.0), "max").more is None
    assert weigh(Sample(3, 0.0, 1.0), Sample(3, 0.0, 1.0), "max").more is None


def test_the_interval_holds_the_true_difference_95_times_in_100() -> None:
    rng = np.random.default_rng(1)
    groups = rng.normal(0, [[[1.0]], [[3.0]]], (2, 1500, 4))
    held = 0
    for a, b in zip(*groups.tolist(), strict=True):
        first, second = sample(a), sample(b)
        assert first is not None
        assert second is not None
        found = weigh(first, second, None)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    assert held / 1500 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("values", [[], [math.nan, 1.0], [1.0, math.inf]])
def test_what_is_no_finite_number_has_no_mean(values: list[float]) -> None:
    assert sample(values) is None


def test_json_holds_no_infinity() -> None:
    assert evidence_json(weigh(Sample(3, 1.0), Sample(2, 1.5), "min")) == {
        "kind": "welch", "low": 0.5, "high": 0.5, "t": None, "df": 3.0, "p": 0.0, "more": None, "n": [3, 2],
    }  # fmt: skip
