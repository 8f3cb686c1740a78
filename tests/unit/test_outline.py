"""Long curves in few rows: what is kept, and that nothing that can be seen is lost."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gxt.model.outline import ROWS_OF_A_STRETCH, outline
from gxt.visualization.reduction import kept_rows

VALUES = st.lists(st.one_of(st.integers(-3, 3).map(float), st.sampled_from([math.nan, math.inf, -math.inf])))


def test_a_short_curve_keeps_every_row() -> None:
    assert outline([3.0, 1.0, 2.0], 1) == ([0, 1, 2], [])


def test_a_spike_in_a_long_curve_is_kept_with_the_means_of_its_stretches() -> None:
    values = [0.0] * 100
    values[37] = 9.0
    assert outline(values, 2) == ([0, 37, 49, 50, 99], [(25, 50, 0.18), (75, 50, 0.0)])


def test_a_gap_stays_a_gap_and_is_no_part_of_a_mean() -> None:
    values = [1.0, math.nan, 3.0, math.inf, 2.0, 4.0, *[math.nan] * 6]
    assert outline(values, 2) == ([0, 1, 5, 6, 11], [(3, 4, 2.5)])


def test_values_whose_sum_no_double_holds_have_a_mean() -> None:
    assert outline([1.5e308] * 12, 1) == ([0, 11], [(6, 12, 1.5e308)])


@given(VALUES, st.integers(1, 4))
def test_it_keeps_the_rows_that_pictures_keep(values: list[float], stretches: int) -> None:
    found = outline(values, stretches)
    assert found.rows == kept_rows(np.array(values, dtype=float), stretches).tolist()
    assert len(found.rows) <= ROWS_OF_A_STRETCH * stretches
