"""A power law whose exponent changes at a breakpoint."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import optimize

from gxt.analysis.fitting import Interval, below, limit
from gxt.analysis.points import Points
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.analysis.points import Array

EQUATION: Final = "a·(x/d)^(b before d, b' after)"
PARAMETERS: Final = 4
_BESIDE: Final = 3  # different x on either side of a breakpoint, itself included
_BREAKS: Final = 41
_STEEPEST: Final = 40.0


class Broken(NamedTuple):
    """The best fit.

    Attributes:
        breakpoint: ln(d / x0), with its profile likelihood interval.
        before, after: the exponents on its two sides.
        a: y at the breakpoint, scaled.
        rss: weighted, scaled.
    """

    breakpoint: float
    interval: Interval
    before: float
    after: float
    a: float
    rss: float


def fit_broken(points: Points, level: float) -> Broken | None:
    """The law y = a (x/d)^b for x below d, a (x/d)^b' above; None where too few points could show one.

    The limit of a sharp break of the form by E. Caballero et al., ICLR 2023 (arXiv:2210.14891), without a
    floor. For each breakpoint on a grid the exponents are found by `scipy.optimize.least_squares` from the
    straight lines through ln |y|; the interval is that of the profile of the breakpoint.
    """
    sizes = np.unique(points.t)
    one_sign = bool(np.all(points.y > 0) or np.all(points.y < 0))
    if not one_sign or len(sizes) < 2 * _BESIDE + 1 or len(points.t) < PARAMETERS + 3:
        return None
    breaks = np.linspace(sizes[_BESIDE - 1], sizes[-_BESIDE], _BREAKS)
    rss_at = _profile(points)
    rss = np.array([rss_at(float(at)) for at in breaks])
    lowest = int(np.argmin(rss))
    around = (float(breaks[max(lowest - 1, 0)]), float(breaks[min(lowest + 1, _BREAKS - 1)]))
    found = optimize.minimize_scalar(rss_at, bounds=around, method="bounded")
    best = float(found.x) if found.fun < rss[lowest] else float(breaks[lowest])
    least = rss_at(best)
    (before, after), a = _best(points, best)
    order = np.argsort(np.append(breaks, best), kind="stable")
    grid, profile = np.append(breaks, best)[order], np.append(rss, least)[order]
    end = limit(least, len(points.t) - PARAMETERS, level)
    return Broken(best, below(rss_at, grid, profile, end), before, after, a, least)


def _profile(points: Points) -> Callable[[float], float]:
    def rss_at(at: float) -> float:
        exponents, _ = _best(points, at)
        return max(_rss(points, at, exponents), len(points.t) * 1e-26)

    return rss_at


def _best(points: Points, at: float) -> tuple[tuple[float, float], float]:
    """Both exponents and a for one breakpoint."""
    start = _lines(points, at)
    most = _STEEPEST / points.span

    def residuals(exponents: Array) -> Array:
        return _residuals(points, at, exponents)[0]

    found = optimize.least_squares(residuals, np.clip(start, -0.99 * most, 0.99 * most), bounds=(-most, most))
    exponents = (float(found.x[0]), float(found.x[1]))
    return exponents, _residuals(points, at, np.array(exponents))[1]


def _rss(points: Points, at: float, exponents: tuple[float, float]) -> float:
    return float(np.sum(_residuals(points, at, np.array(exponents))[0] ** 2))


def _residuals(points: Points, at: float, exponents: Array) -> tuple[Array, float]:
    """The weighted residuals for the best a, and a."""
    column = np.exp(_ramps(points, at) @ exponents) / points.errors
    y = points.y / points.errors
    a = float(column @ y) / float(column @ column)
    return y - a * column, a


def _lines(points: Points, at: float) -> Array:
    """The slopes of two straight lines through ln |y| that meet at the breakpoint."""
    columns = np.column_stack([np.ones_like(points.t), _ramps(points, at)])
    weights = np.abs(points.y) / points.errors  # of ln |y|
    found = np.linalg.lstsq(columns * weights[:, None], np.log(np.abs(points.y)) * weights, rcond=None)[0]
    return np.asarray(found[1:], dtype=np.float64)


def _ramps(points: Points, at: float) -> Array:
    from_break = points.t - at
    ramps: Array = np.column_stack([np.minimum(from_break, 0.0), np.maximum(from_break, 0.0)])
    return ramps


def as_x(log_x: float, points: Points) -> float:
    """The x that lies at ln(x / x0); infinity where no double can hold it."""
    log = log_x + points.log_x0
    return math.exp(log) if log < 709 else math.inf
