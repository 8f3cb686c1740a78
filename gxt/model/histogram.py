"""Histograms: how often the values of something fall between which edges."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final, cast

from gxt.errors import UsageError
from gxt.model.json_types import Json, JsonObject

BINS: Final = 64
MOST_BINS: Final = 4096
_EXAMPLE: Final = (
    'write for example gxt.log_histogram("weights", values), or counts=[3, 1], edges=[0, 0.5, 1]'
)


def counted(values: object, bins: int = BINS) -> JsonObject:
    """Count values into bins of one width, from the least to the greatest, which both are inside.

    Args:
        values: numbers, nested as deeply as you like: lists, numpy arrays, torch tensors on any device.
        bins: how many there are.

    Returns:
        `{counts: [bins], edges: [bins + 1]}`; and `not_finite`, where there are any: how many values were NaN
        or infinite, which no bin holds.

    Raises:
        UsageError: there is no finite number, or bins so wide or narrow that no double tells them apart.
    """
    array = _array(values)
    if array is not None:
        return _counted_fast(array, bins)
    numbers = _plain(values)
    finite = [number for number in numbers if math.isfinite(number)]
    if not finite:
        raise UsageError("there is no finite number to count", hint=_EXAMPLE)
    low, high = min(finite), max(finite)
    if low == high:  # as numpy has it
        low, high = low - 0.5, high + 0.5
    width = (high - low) / bins
    if not math.isfinite(width) or low + width == low:
        raise UsageError(f"{bins} bins cannot divide {low:g} to {high:g}", hint="log a part of the values")
    counts = [0] * bins
    for number in finite:
        counts[min(int((number - low) / width), bins - 1)] += 1
    edges = [low + width * at for at in range(bins)]
    return _facts(counts, [*edges, high], len(numbers) - len(finite))


def checked(counts: object, edges: object) -> JsonObject:
    """A histogram that somebody else has counted; as `counted` returns it.

    Args:
        counts: not negative.
        edges: one more than counts, ascending and finite.

    Raises:
        UsageError: they are not that.
    """
    heights, borders = _plain(counts), _plain(edges)
    if not 0 < len(heights) <= MOST_BINS or len(borders) != len(heights) + 1:
        raise UsageError(
            f"{len(heights)} counts with {len(borders)} edges are no histogram",
            hint=f"there is one edge more than counts, and {MOST_BINS} counts at most",
        )
    if not all(math.isfinite(one) and one >= 0 for one in heights):
        raise UsageError("a count is negative or not finite", hint=_EXAMPLE)
    ascends = all(a < b for a, b in pairwise(borders))
    if not ascends or not all(map(math.isfinite, borders)):
        raise UsageError("the edges do not ascend, or are not finite", hint=_EXAMPLE)
    return _facts([int(one) if one == int(one) else one for one in heights], borders, 0)


def _facts(counts: Iterable[float], edges: Iterable[float], not_finite: int) -> JsonObject:
    more: JsonObject = {"not_finite": not_finite} if not_finite else {}
    return {"counts": list[Json](counts), "edges": list[Json](edges), **more}


def _plain(values: object) -> list[float]:
    """All numbers in what scripts have, flat."""
    array = _array(values)
    given = values if array is None else array.tolist()
    found: list[float] = []
    try:
        _gather(given, found)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(
            f"a histogram counts numbers, not a {type(values).__name__}", hint=_EXAMPLE
        ) from error
    return found


def _array(values: Any) -> Any:  # noqa: ANN401 nobody may load numpy to write its types
    """What knows all of its numbers at once, as an array of numpy's; None for anything else."""
    if hasattr(values, "detach"):  # a tensor of torch, be it on a device and of a type that numpy has not
        values = values.detach().cpu().flatten().double().numpy()
    return values if type(values).__module__ == "numpy" and hasattr(values, "dtype") else None


def _counted_fast(array: Any, bins: int) -> JsonObject:  # noqa: ANN401 as above
    """As `counted`: a million numbers one by one would keep the training waiting for half a second."""
    import numpy

    numbers = array.astype("float64").ravel()
    finite = numbers[numpy.isfinite(numbers)]
    if not finite.size:
        raise UsageError("there is no finite number to count", hint=_EXAMPLE)
    counts, edges = numpy.histogram(finite, bins)
    return _facts(counts.tolist(), edges.tolist(), int(numbers.size - finite.size))


def _gather(value: object, found: list[float]) -> None:
    if isinstance(value, (str, bytes)):
        raise TypeError("text")
    if not isinstance(value, Iterable):
        found.append(float(cast("Any", value)))
        return
    for one in value:
        if type(one) is float:
            found.append(one)
        else:
            _gather(one, found)
