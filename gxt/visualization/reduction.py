"""Fewer points for the same picture: a curve of a million has no more to show than the paper is wide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

STRETCHES = 600
"""How many stretches a curve keeps: with 300 dots an inch, two inches of a curve that leaves nothing out."""

HUGE = 1e150
"""Values beyond count as infinite: what lays out axes computes with products of them."""


def kept_rows(values: Floats, stretches: int = STRETCHES) -> Rows:
    """The rows of a curve that draw it, in their order: all of them where there are few.

    Of each stretch of rows the first, the last, the lowest and the highest finite one (M4 of U. Jugel, Z.
    Jerzak, G. Hackenbroich and V. Markl, PVLDB 7, 2014, by rows), and the first that is not finite, so that a
    gap stays a gap. No spike is lost: every lowest and highest value is there.

    Args:
        values: of shape (rows,).
        stretches: how many; at most five rows of each are kept.
    """
    rows = len(values)
    if rows <= 5 * stretches:
        return np.arange(rows)
    edges = np.arange(stretches + 1) * rows // stretches
    starts = edges[:-1]
    stretch = np.repeat(np.arange(stretches), np.diff(edges))
    finite = drawable(values)
    low = np.where(finite, values, np.inf)
    high = np.where(finite, values, -np.inf)
    lowest = np.minimum.reduceat(low, starts)
    highest = np.maximum.reduceat(high, starts)
    kept = [
        starts,
        edges[1:] - 1,
        _firsts(finite & (low == lowest[stretch]), stretch),
        _firsts(finite & (high == highest[stretch]), stretch),
        _firsts(~finite, stretch),
    ]
    return np.unique(np.concatenate(kept))


def drawable(values: Floats) -> NDArray[np.bool_]:
    """Which values can stand in a picture: finite ones."""
    return np.isfinite(values) & (np.abs(np.where(np.isfinite(values), values, 0.0)) < HUGE)


def _firsts(wanted: NDArray[np.bool_], stretch: Rows) -> Rows:
    """The first wanted row of each stretch that has one."""
    rows = np.flatnonzero(wanted)
    _, first = np.unique(stretch[rows], return_index=True)
    return rows[first]
