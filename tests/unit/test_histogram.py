"""Histograms of what scripts have: lists, arrays, tensors, and counts that somebody else has made."""

from __future__ import annotations

import math

import numpy
import pytest
import torch

from gxt.errors import UsageError
from gxt.model.histogram import checked, counted
from gxt.model.json_types import JsonObject

FOUR: JsonObject = {"counts": [2, 1, 0, 2], "edges": [0.0, 0.5, 1.0, 1.5, 2.0]}
VALUES = [[0, 0.25], [0.5, 1.5, 2.0]]


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        numpy.array([[0, 0.25, 0.5], [1.5, 2.0, 2.0]])[:, :],
        torch.tensor([0, 0.25, 0.5, 1.5, 2.0, 2.0], requires_grad=True),
        torch.tensor([0, 0.25, 0.5, 1.5, 2.0, 2.0], dtype=torch.bfloat16),
        (number for number in (0, 0.25, 0.5, 1.5, 2.0)),
    ],
    ids=["lists", "numpy", "torch", "bfloat16", "generator"],
)
def test_values_are_counted_between_the_least_and_the_greatest(values: object) -> None:
    last = 3 if hasattr(values, "dtype") else 2
    assert counted(values, 4) == {**FOUR, "counts": [2, 1, 0, last]}


@pytest.mark.parametrize("make", [list, numpy.array, torch.tensor])
def test_what_is_not_finite_is_in_no_bin(make: type) -> None:
    found = counted(make([math.nan, 1.0, math.inf, 1.0]), 2)
    assert found == {"counts": [0, 2], "edges": [0.5, 1.0, 1.5], "not_finite": 2}


@pytest.mark.parametrize("values", [[-1.7e308, 1.7e308], [1e300, 1e300], [0, 5e-324]])
def test_bins_that_no_double_tells_apart_are_refused(values: list[float]) -> None:
    with pytest.raises(UsageError, match=r"64 bins cannot divide "):
        counted(values)


@pytest.mark.parametrize("values", [[], [math.nan], numpy.zeros(0), "text", ["text"], None, object()])
def test_what_holds_no_number_is_refused(values: object) -> None:
    with pytest.raises(UsageError):
        counted(values)


def test_counts_are_kept_as_they_are() -> None:
    given = checked(torch.tensor([2, 1, 0, 2]), numpy.array([0, 0.5, 1, 1.5, 2]))
    assert given == FOUR
    assert checked([0.5], [0, 1]) == {"counts": [0.5], "edges": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("counts", "edges"),
    [([], []), ([1], [0]), ([1], [1, 0]), ([1], [1, 1]), ([-1], [0, 1]), ([1], [0, math.inf]),
     ([math.nan], [0, 1]), ([1], None), ([1] * 5000, range(5001))],
)  # fmt: skip
def test_counts_that_are_no_histogram_are_refused(counts: object, edges: object) -> None:
    with pytest.raises(UsageError):
        checked(counts, edges)
