"""Least squares along the one parameter in which a form is not linear, and intervals by profile likelihood.

The errors of y are taken as normal and known up to one factor, which the residuals tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import optimize, special  # scipy.stats would take as long as all else

from gxt.analysis.forms import Form
from gxt.analysis.points import Points
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.analysis.points import Array

_STARTS: Final = 4
_TRACE: Final = 200
_AT_ONCE: Final = 1_000_000  # numbers of one column
_NOTHING: Final = 1e-13  # a residual of this part of y is rounding


class Solved(NamedTuple):
    """Linear least squares for each of k values of theta.

    Attributes:
        coefficients: shape (k, p).
        rss: the weighted sum of squared residuals, shape (k,).
        inverse: the inverse of R in QR, shape (k, p, p): the variance of L·coefficients is s² |L·inverse|².
    """

    coefficients: Array
    rss: Array
    inverse: Array


class Fitted(NamedTuple):
    """The best fit of a form: theta (0 where it has none), the coefficients and the weighted RSS, scaled."""

    form: Form
    theta: float
    coefficients: Array
    rss: float

    def at(self, t: Array) -> Array:
        """The law at ln(x / x0), in units of the points."""
        columns: Array = self.form.columns(np.array([self.theta]), t)[0]
        values: Array = columns @ self.coefficients
        return values


class Interval(NamedTuple):
    """From low to high; None where the points set no bound."""

    low: float | None
    high: float | None


class Trace(NamedTuple):
    """The values of theta within its interval, with what they lead to, and the RSS at which it ends."""

    theta: Array
    solved: Solved
    limit: float
    interval: Interval


def solve(form: Form, theta: Array, points: Points) -> Solved:
    """Weighted linear least squares for k values of theta, as many at once as memory is fair for."""
    step = max(1, _AT_ONCE // len(points.t))
    parts = [
        _solve(form.columns(theta[at : at + step], points.t), points) for at in range(0, len(theta), step)
    ]
    return parts[0] if len(parts) == 1 else Solved(*map(np.concatenate, zip(*parts, strict=True)))


def _solve(columns: Array, points: Points) -> Solved:
    """The same for columns of shape (k, n, p)."""
    weighted = columns / points.errors[:, None]
    y = points.y / points.errors
    lengths = np.sqrt(np.sum(weighted**2, axis=1))  # (k, p): columns may differ by 17 orders of magnitude
    lengths = np.where(lengths == 0, 1.0, lengths)
    q, r = np.linalg.qr(weighted / lengths[:, None, :])
    diagonal = np.abs(np.diagonal(r, axis1=1, axis2=2))
    is_flat = np.min(diagonal, axis=1) < 1e-13  # two columns that say the same: no solution is better
    r = np.where(is_flat[:, None, None], np.eye(r.shape[-1]), r)
    inverse = np.linalg.inv(r) / lengths[:, :, None]
    projected = np.einsum("knp,n->kp", q, y)
    residuals = y - np.einsum("knp,kp->kn", q, projected)
    floor = len(y) * _NOTHING**2
    rss = np.where(is_flat, np.inf, np.maximum(np.sum(residuals**2, axis=1), floor))
    return Solved(np.einsum("kpq,kq->kp", inverse, projected), rss, inverse)


def fit(form: Form, points: Points) -> Fitted:
    """The least squares fit of a form: the best of several starts, each a minimum on a grid of theta."""
    if form.grid is None:
        solved = solve(form, np.zeros(1), points)
        return Fitted(form, 0.0, solved.coefficients[0], float(solved.rss[0]))
    grid = form.grid(points)
    rss = solve(form, grid, points).rss
    padded = np.concatenate([[np.inf], rss, [np.inf]])
    lowest = np.flatnonzero((rss <= padded[:-2]) & (rss <= padded[2:]))
    starts = lowest[np.argsort(rss[lowest])][:_STARTS]
    rss_at = _rss_of(form, points)
    found = [_refined(rss_at, grid, int(start)) for start in starts]
    theta = min(found, key=rss_at)
    solved = solve(form, np.array([theta]), points)
    return Fitted(form, theta, solved.coefficients[0], float(solved.rss[0]))


def limit(rss: float, freedom: int, level: float) -> float:
    """The RSS up to which one parameter is within its interval: RSS (1 + F(1, n - p) / (n - p)).

    D. M. Bates and D. G. Watts, Nonlinear Regression Analysis (1988), section 6.1: the profile likelihood
    with an unknown variance.
    """
    return rss * (1.0 + float(special.fdtri(1, freedom, level)) / freedom)


def trace(fitted: Fitted, points: Points, level: float) -> Trace:
    """The profile of theta: all its values that the points do not exclude at this level."""
    form = fitted.form
    end = limit(fitted.rss, len(points.t) - form.parameters, level)
    if form.grid is None:
        theta = np.zeros(1)
        return Trace(theta, solve(form, theta, points), end, Interval(0.0, 0.0))
    grid = np.unique(np.append(form.grid(points), fitted.theta))
    rss = solve(form, grid, points).rss
    interval = below(_rss_of(form, points), grid, rss, end)
    low = grid[0] if interval.low is None else interval.low
    high = grid[-1] if interval.high is None else interval.high
    inside = grid[(grid >= low) & (grid <= high)]
    theta = np.unique(np.concatenate([inside, np.linspace(low, high, _TRACE)]))
    return Trace(theta, solve(form, theta, points), end, interval)


def below(rss_at: Callable[[float], float], grid: Array, rss: Array, end: float) -> Interval:
    """The smallest interval that holds all theta with an RSS of at most `end`; a side at the edge is open."""
    inside = np.flatnonzero(rss <= end)
    first, last = int(inside[0]), int(inside[-1])

    def crossing(a: int, b: int) -> float:
        return float(optimize.brentq(lambda theta: rss_at(theta) - end, grid[a], grid[b], xtol=1e-14))

    low = None if first == 0 else crossing(first - 1, first)
    high = None if last == len(grid) - 1 else crossing(last, last + 1)
    return Interval(low, high)


def bounds(traced: Trace, functional: Array) -> tuple[Array, Array]:
    """The profile likelihood interval of what is linear in the coefficients for each theta.

    For one theta the set is an interval around L·coefficients with the half width s |L·inverse|; the profile
    interval is the union of them over theta. Exact, for any quantity of the law.

    Args:
        traced: the profile.
        functional: L, shape (k, p) for one quantity or (k, m, p) for m of them.
    """
    wanted = functional[:, None, :] if functional.ndim == 2 else functional
    centres = np.einsum("kmp,kp->km", wanted, traced.solved.coefficients)
    widths = np.sqrt(np.sum(np.einsum("kmp,kpq->kmq", wanted, traced.solved.inverse) ** 2, axis=-1))
    half = widths * np.sqrt(np.maximum(traced.limit - traced.solved.rss, 0.0))[:, None]
    return np.min(centres - half, axis=0), np.max(centres + half, axis=0)


class Band(NamedTuple):
    """The law at some x with its confidence band, and the band that another measurement falls into."""

    fitted: Array
    low: Array
    high: Array
    next_low: Array
    next_high: Array


def band(fitted: Fitted, traced: Trace, points: Points, t: Array, level: float) -> Band:
    """Both bands at ln(x / x0), each for one x at a time, scaled.

    The confidence band is the profile likelihood interval of the law. The prediction band adds the scatter of
    one measurement in quadrature, t(n - p) s sigma, which is exact where the law is linear (N. R. Draper and
    H. Smith, Applied Regression Analysis, 3rd ed. 1998, section 3.1); sigma is interpolated between points.
    """
    freedom = len(points.t) - fitted.form.parameters
    centre = fitted.at(t)
    step = max(1, _AT_ONCE // len(traced.theta))
    parts = [t[at : at + step] for at in range(0, len(t), step)]
    ends = [bounds(traced, fitted.form.columns(traced.theta, part)) for part in parts]
    low, high = (np.concatenate(side) for side in zip(*ends, strict=True))
    order = np.argsort(points.t, kind="stable")
    sigma = np.interp(t, points.t[order], points.errors[order]) * math.sqrt(fitted.rss / freedom)
    scatter = float(special.stdtrit(freedom, 0.5 + level / 2)) * sigma
    down, up = np.hypot(centre - low, scatter), np.hypot(high - centre, scatter)
    return Band(centre, low, high, centre - down, centre + up)


def _rss_of(form: Form, points: Points) -> Callable[[float], float]:
    def rss_at(theta: float) -> float:
        return float(solve(form, np.array([theta]), points).rss[0])

    return rss_at


def _refined(rss_at: Callable[[float], float], grid: Array, at: int) -> float:
    """The minimum between the neighbours of a point of the grid."""
    around = (float(grid[max(at - 1, 0)]), float(grid[min(at + 1, len(grid) - 1)]))
    width = around[1] - around[0]
    found = optimize.minimize_scalar(
        rss_at, bounds=around, method="bounded", options={"xatol": 1e-10 * width}
    )
    best, start = float(found.x), float(grid[at])
    return best if found.fun <= rss_at(start) else start
