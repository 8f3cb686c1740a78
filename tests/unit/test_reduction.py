"""Fewer points that draw the same curve; moving averages; repeats as a mean with a band."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from gxt.visualization.averaging import band, smoothed
from gxt.visualization.reduction import HUGE, Floats, drawable, kept_rows

VALUES = st.lists(
    st.floats(width=32) | st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e308]), max_size=200
)


@given(VALUES, st.integers(1, 8))
@example([], 1)
@example([float("nan")] * 50, 2)
@example([0.0] * 49 + [9.0] + [0.0] * 50, 3)
def test_what_is_kept_has_every_extreme_both_ends_and_every_kind_of_gap(
    values: list[float], stretches: int
) -> None:
    y = np.array(values, dtype=float)
    rows = kept_rows(y, stretches)
    assert len(rows) <= max(5 * stretches, 0 if len(y) > 5 * stretches else len(y))
    assert (np.diff(rows) > 0).all()
    finite = drawable(y)
    edges = np.arange(stretches + 1) * len(y) // stretches
    for start, stop in pairwise(edges):
        stretch, kept = y[start:stop], y[rows[(rows >= start) & (rows < stop)]]
        assert (~drawable(kept)).any() == (~finite[start:stop]).any()
        if finite[start:stop].any():
            there = stretch[finite[start:stop]]
            assert kept[drawable(kept)].min() == there.min()
            assert kept[drawable(kept)].max() == there.max()
        if stop > start:
            assert {start, stop - 1} <= set(rows.tolist())


def test_few_points_are_all_kept() -> None:
    assert kept_rows(np.arange(3000.0)).tolist() == list(range(3000))


def test_what_is_too_large_to_lay_out_counts_as_infinite() -> None:
    assert drawable(np.array([HUGE / 2, HUGE, -1e308, np.nan, np.inf, 0.0])).tolist() == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]


def test_a_moving_average_begins_at_the_first_value_and_forgets() -> None:
    # by hand: 4; (.5*4 + 2)/1.5; (.5*(.5*4 + 2) + 0)/1.75
    assert smoothed(np.array([4.0, 2.0, 0.0]), 0.5).tolist() == pytest.approx([4, 8 / 3, 8 / 7])
    assert smoothed(np.array([4.0, 2.0, 0.0]), 0.0).tolist() == [4, 2, 0]


def test_a_moving_average_is_that_of_pandas() -> None:
    values = np.random.default_rng(0).normal(size=50)
    expected = pd.Series(values).ewm(alpha=0.3, adjust=True).mean()
    assert smoothed(values, 0.7).tolist() == pytest.approx(expected.tolist())


def test_the_standard_error_is_that_of_scipy_however_large_the_numbers() -> None:
    for factor in (1.0, 1e140, 1e-140):
        y = np.random.default_rng(1).normal(size=(5, 3)) * factor
        found = band([(np.arange(3.0), one) for one in y])
        assert ((found.high - found.mean) / factor).tolist() == pytest.approx(
            (stats.sem(y / factor)).tolist()
        )


def test_a_moving_average_goes_on_after_what_is_not_finite() -> None:
    found = smoothed(np.array([1.0, np.nan, 1.0, np.inf, 1.0]), 0.9)
    assert np.isnan(found[1])
    assert found[3] == np.inf
    assert found[[0, 2, 4]].tolist() == pytest.approx([1, 1, 1])


def test_a_point_far_from_the_one_before_is_hardly_smoothed() -> None:
    dense = smoothed(np.array([10.0, 0.0]), 0.9, np.array([1.0, 1.0]))
    sparse = smoothed(np.array([10.0, 0.0]), 0.9, np.array([1.0, 50.0]))
    assert dense[1] == pytest.approx(10 * 0.9 / 1.9)
    assert sparse[1] == pytest.approx(10 * 0.9**50 / (1 + 0.9**50))


def curve(x: list[float], y: list[float]) -> tuple[Floats, Floats]:
    return np.array(x, dtype=float), np.array(y, dtype=float)


def test_a_band_is_the_mean_and_its_standard_error() -> None:
    found = band([curve([0, 1], [1, 5]), curve([0, 1], [3, 5]), curve([0, 1], [5, 5])])
    assert found.x.tolist() == [0, 1]
    assert found.mean.tolist() == pytest.approx([3, 5])
    assert (found.high - found.mean).tolist() == pytest.approx([2 / np.sqrt(3), 0])
    assert (found.mean - found.low).tolist() == pytest.approx([2 / np.sqrt(3), 0])


def test_the_standard_deviation_or_the_range_on_request() -> None:
    curves = [curve([0], [1]), curve([0], [3]), curve([0], [5])]
    assert [float(one[0]) for one in band(curves, "sd")[2:]] == pytest.approx([1, 5])
    assert [float(one[0]) for one in band(curves, "range")[2:]] == [1, 5]
    assert [float(one[0]) for one in band(curves, "none")[2:]] == [3, 3]


def test_repeats_that_log_at_other_steps_or_end_early_are_put_between_their_points() -> None:
    found = band([curve([0, 2, 4], [0, 2, 4]), curve([1, 3], [5, 5]), curve([], [])])
    assert found.x.tolist() == [0, 1, 2, 3, 4]
    assert found.mean.tolist() == [0, 3, 3.5, 4, 4]
    assert np.isnan(found.low).tolist() == [True, False, False, False, True]


def test_of_a_step_that_was_logged_twice_the_last_value_counts_and_nan_not_at_all() -> None:
    found = band([curve([0, 1, 1, 0.5], [1, 2, 4, np.nan])])
    assert (found.x.tolist(), found.mean.tolist()) == ([0, 1], [1, 4])


def test_a_band_of_nothing_is_empty() -> None:
    assert [len(one) for one in band([curve([], [])])] == [0, 0, 0, 0]


def test_a_band_of_very_many_places_keeps_the_spikes() -> None:
    x = np.arange(30_000.0)
    spiked = np.zeros(30_000)
    spiked[12_345] = 100.0
    found = band([(x, np.zeros(30_000)), (x + 0.5, spiked)])
    assert len(found.x) <= 20_000
    assert found.mean.max() == 50.0
