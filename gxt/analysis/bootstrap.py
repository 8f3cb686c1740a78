"""Intervals by resampling residuals: a second opinion that does not take the errors as normal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from gxt.analysis.fitting import Fitted, Interval, Trace
from gxt.analysis.forms import power_term
from gxt.analysis.points import Points
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.analysis.points import Array

_GRID: Final = 240
_AT_ONCE: Final = 2_000_000  # numbers of y


class Resampled(NamedTuple):
    """The parameters for each resampled set of points, shape (resamples,), in the units of the data."""

    a: Array
    b: Array
    c: Array


def resample(fitted: Fitted, traced: Trace, points: Points, *, count: int, seed: int) -> Resampled:
    """Fit a power law with a floor to the law plus residuals that are drawn anew, with replacement.

    A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application (1997), sections 6.2.3 and 7.3:
    the residuals are divided by the errors, centred and made larger by sqrt(n / (n - p)). All fits are made
    at once on a grid of b, and refined by the parabola through the three lowest points.
    """
    n = len(points.t)
    law = fitted.at(points.t)
    residuals = (points.y - law) / points.errors
    residuals = (residuals - np.mean(residuals)) * math.sqrt(n / (n - fitted.form.parameters))
    middle = float(np.mean(law))  # taken away while fitting: a large c would drown all else in rounding
    generator = np.random.default_rng(seed)
    grid = _grid(fitted, traced, points)
    columns = fitted.form.columns(grid, points.t) / points.errors[:, None]
    q, _ = np.linalg.qr(columns / np.sqrt(np.sum(columns**2, axis=1))[:, None, :])
    found = []
    for size in _sizes(count, max(1, _AT_ONCE // n)):
        y = (law - middle) / points.errors + residuals[generator.integers(0, n, size=(size, n))]
        found.append(_natural(_exponents(grid, q, y), y, points, middle))
    return Resampled(*map(np.concatenate, zip(*found, strict=True)))


def percentiles(values: Array, level: float) -> Interval:
    """The percentile interval: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13."""
    tail = 50 * (1 - level)
    low, high = np.percentile(values, [tail, 100 - tail], method="inverted_cdf")
    return Interval(float(low), float(high))


def _sizes(count: int, most: int) -> list[int]:
    """A number in parts of at most so many."""
    return [min(most, count - done) for done in range(0, count, most)]


def _grid(fitted: Fitted, traced: Trace, points: Points) -> Array:
    """Where resampled exponents are looked for: well beyond the profile interval."""
    assert fitted.form.grid is not None
    whole = fitted.form.grid(points)
    low, high = float(traced.theta[0]), float(traced.theta[-1])
    wide = max(high - low, 1e-9 / points.span)
    return np.linspace(max(low - 2 * wide, whole[0]), min(high + 2 * wide, whole[-1]), _GRID)


def _exponents(grid: Array, q: Array, y: Array) -> Array:
    """The best exponent for each set of y, shape (m, n)."""
    k, n, p = q.shape
    projected = y @ q.transpose(1, 0, 2).reshape(n, k * p)
    explained = np.sum(projected.reshape(len(y), k, p) ** 2, axis=-1)
    at = np.clip(np.argmax(explained, axis=1), 1, len(grid) - 2)
    rows = np.arange(len(y))
    left, middle, right = (explained[rows, at + side] for side in (-1, 0, 1))
    curvature = left - 2 * middle + right
    shift = np.where(curvature < 0, (left - right) / (2 * np.where(curvature == 0, 1.0, curvature)), 0.0)
    refined: Array = grid[at] + np.clip(shift, -1, 1) * (grid[1] - grid[0])
    return refined


def _natural(b: Array, y: Array, points: Points, middle: float) -> Resampled:
    """All parameters for each exponent and its y."""
    b = np.where(b == 0, np.finfo(float).tiny, b)
    term = power_term(b, points.t) / points.errors
    one = np.broadcast_to(1 / points.errors, term.shape)
    ss, st, tt = (np.sum(p * q, axis=1) for p, q in ((one, one), (one, term), (term, term)))
    sy, ty = np.sum(one * y, axis=1), np.sum(term * y, axis=1)
    determinant = ss * tt - st**2
    alpha, beta = (tt * sy - st * ty) / determinant, (ss * ty - st * sy) / determinant
    a = beta / b * np.exp(-b * points.log_x0)
    return Resampled(a * points.scale, b, (middle + alpha - beta / b) * points.scale)
