"""Curves made calmer, and repeats of a run as one curve with a band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from gxt.named_tuple import NamedTuple
from gxt.visualization.reduction import Floats, drawable, kept_rows

Spread: TypeAlias = Literal["se", "sd", "range", "none"]
_MOST = 20_000  # places at which a band is worked out: 100 repeats by wall time would be a million
SPREADS: dict[str, str] = {
    "se": "mean ± standard error",
    "sd": "mean ± standard deviation",
    "range": "mean, lowest to highest",
}


def smoothed(values: Floats, weight: float, gaps: Floats | None = None) -> Floats:
    """An exponential moving average that begins at the first value.

    s_t = w s_(t-1) + (1 - w) y_t, divided by 1 - w^t, as D. P. Kingma and J. Ba correct the start of Adam's
    averages (ICLR 2015, section 3). What is not finite stays as it is, and the average goes on after it.

    Args:
        values: of shape (rows,).
        weight: of what was before, 0 (none: the values as they are) to below 1.
        gaps: how far each value is from the one before, of shape (rows,): what was g before weighs w^g. So a
            curve with few points, as validation beside training, is not made to lag behind. By default 1.
    """
    if weight <= 0:
        return values
    result: Floats = values.copy()
    finite = drawable(values)
    gaps = np.ones(len(values)) if gaps is None else np.clip(gaps, 0.0, 1e6)
    total, norm, averages = 0.0, 0.0, []
    for value, kept in zip(values[finite].tolist(), (weight ** gaps[finite]).tolist(), strict=True):
        total = total * kept + value
        norm = norm * kept + 1.0
        averages.append(total / norm)
    result[finite] = averages
    return result


class Band(NamedTuple):
    """Repeats as one curve: the mean at each x, and the ends of the band, each of shape (rows,).

    Attributes:
        x, mean: where at least one repeat has a value.
        low, high: NaN where fewer than two have one.
    """

    x: Floats
    mean: Floats
    low: Floats
    high: Floats


def band(curves: Sequence[tuple[Floats, Floats]], spread: Spread = "se") -> Band:
    """The mean of several curves at all x of any of them, between its points each curve a straight line.

    A curve counts only from its first x to its last: one that ended early does not go on. The standard error
    is s/√n with the sample's standard deviation s (n - 1 below).

    Args:
        curves: x and y of each, equally long; where x goes back or repeats, the last y of an x counts.
        spread: what the band is: `se`, `sd` or `range`; `none` gives one without width.
    """
    clean = [_ascending(x, y) for x, y in curves]
    clean = [(x, y) for x, y in clean if len(x)]
    if not clean:
        nothing = np.empty(0)
        return Band(nothing, nothing, nothing, nothing)
    grid = _grid(clean)
    table = np.array([np.interp(grid, x, y, left=np.nan, right=np.nan) for x, y in clean])
    there = ~np.isnan(table)
    n = there.sum(axis=0)
    grid, table, there, n = grid[n > 0], table[:, n > 0], there[:, n > 0], n[n > 0]
    filled = np.where(there, table, 0.0)
    mean = (filled / n).sum(axis=0)
    if spread == "range":
        low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    else:
        scale = np.maximum(np.abs(filled).max(axis=0), 1e-300)  # so that the square of no value is infinite
        squares = (np.where(there, table - mean, 0.0) / scale) ** 2
        deviation = scale * np.sqrt(squares.sum(axis=0) / np.maximum(1, n - 1))
        width = {"se": deviation / np.sqrt(n), "sd": deviation}.get(spread, np.zeros_like(mean))
        low, high = mean - width, mean + width
    alone = n < 2
    return Band(grid, mean, np.where(alone, np.nan, low), np.where(alone, np.nan, high))


def _grid(curves: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Every x of any curve; where those are very many, the x of what `kept_rows` keeps of each curve."""
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    if len(grid) <= _MOST:
        return grid
    stretches = max(10, _MOST // (5 * len(curves)))
    return np.unique(np.concatenate([x[kept_rows(y, stretches)] for x, y in curves]))


def _ascending(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The points that can be drawn by ascending x, of those with the same x the last."""
    known = drawable(x) & drawable(y)
    x, y = x[known], y[known]
    last = len(x) - 1 - np.unique(x[::-1], return_index=True)[1]
    return x[last], y[last]
