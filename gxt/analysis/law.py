"""y = a·x^b + c through points: its parameters with their intervals, its bands, and what it cannot tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from gxt.analysis.bootstrap import percentiles, resample
from gxt.analysis.breaking import as_x
from gxt.analysis.fitting import Band, Fitted, Interval, Trace, band, bounds, fit, limit, trace
from gxt.analysis.forms import CONSTANT, LOGARITHM, POWER_FLOOR
from gxt.analysis.points import Point, Points, doubts, prepare
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.analysis.points import Array

_BEYOND: Final = math.log(10)  # how far beyond the points a milestone is looked for
_FINE: Final = 400


class Options(NamedTuple):
    """How to fit.

    Attributes:
        level: of all intervals and bands.
        relative: whether the scatter of y grows with |y|.
        resamples, seed: of the bootstrap.
        forms: the names of those that are compared; empty for all.
    """

    level: float = 0.95
    relative: bool = False
    resamples: int = 1000
    seed: int = 0
    forms: tuple[str, ...] = ()


UNASKED: Final = Options()


class Estimate(NamedTuple):
    """A parameter with its intervals: by profile likelihood, and by bootstrap.

    A bound is None where the points set none: then the value says little.
    """

    value: float
    low: float | None
    high: float | None
    bootstrap_low: float | None
    bootstrap_high: float | None


class Milestone(NamedTuple):
    """Where the law reaches a value of y, within a decade of the points.

    Attributes:
        y: the value.
        x: where; None where the law never gets there, or only further off.
        low, high: x is between these, by the confidence band; None where that has no end in reach.
        extrapolated: x is beyond the points, or nowhere.
    """

    y: float
    x: float | None
    low: float | None
    high: float | None
    extrapolated: bool


class Law(NamedTuple):
    """y = a·x^b + c as fitted.

    Attributes:
        a, b, c: its parameters; any sign.
        sigma: the standard deviation of y around it, sqrt(RSS / (n - 3)); with weights of a typical point.
        r2: the part of the weighted variance of y that it explains.
        n: how many points.
        warnings: what the points cannot tell, in words.
        fitted, traced, points: what bands are computed from, in scaled units.
        level: of intervals and bands.
    """

    a: Estimate
    b: Estimate
    c: Estimate
    sigma: float
    r2: float
    n: int
    warnings: tuple[str, ...]
    fitted: Fitted
    traced: Trace
    points: Points
    level: float

    @np.errstate(all="ignore")
    def at(self, x: Sequence[float]) -> Band:
        """The law and its bands at some x above 0, in the units of y."""
        return self._at(np.log(np.asarray(x, dtype=np.float64)) - self.points.log_x0)

    @np.errstate(all="ignore")
    def reaches(self, y: float) -> Milestone:
        """Where the law comes to a value of y.

        The interval holds all x whose confidence band holds y (G. A. F. Seber and C. J. Wild, Nonlinear
        Regression, 1989, section 5.4.5, for calibration).
        """
        first, last = float(np.min(self.points.t)), float(np.max(self.points.t))
        x = self._where(y / self.points.scale)
        is_near = x is not None and first - _BEYOND <= x <= last + _BEYOND
        t = np.linspace(first - _BEYOND, last + _BEYOND, _FINE)
        t = np.unique(np.append(t, x)) if x is not None and is_near else t
        held = self._at(t)
        low, high = _ends(t, np.maximum(held.low - y, y - held.high))
        x = x if is_near else None
        return Milestone(
            y,
            None if x is None else as_x(x, self.points),
            None if low is None else as_x(low, self.points),
            None if high is None else as_x(high, self.points),
            extrapolated=x is None or not first <= x <= last,
        )

    def _at(self, t: Array) -> Band:
        scaled = band(self.fitted, self.traced, self.points, t, self.level)
        return Band(*(part * self.points.scale for part in scaled))

    def _where(self, y: float) -> float | None:
        """ln(x / x0) where the law is y, scaled: the inverse of alpha + beta (exp(b t) - 1) / b."""
        alpha, beta = self.fitted.coefficients
        b = self.fitted.theta
        rise = float((y - alpha) / beta) if beta else math.nan
        if math.isnan(rise) or 1 + b * rise <= 0:
            return None
        return math.log1p(b * rise) / b if b else rise


@np.errstate(all="ignore")
def fit_law(given: Sequence[Point], options: Options = UNASKED) -> Law:
    """The law through points.

    Raises:
        CannotFit: no law can be fitted to them.
    """
    points = prepare(given, relative=options.relative)
    doubted = doubts(points, given, relative=options.relative)
    fitted = fit(POWER_FLOOR, points)
    traced = trace(fitted, points, options.level)
    drawn = resample(fitted, traced, points, count=options.resamples, seed=options.seed)
    values = (_a(fitted, points), fitted.theta, _c(fitted, points))
    profiles = _intervals(traced, points)
    resampled = [percentiles(of_one, options.level) for of_one in drawn]
    a, b, c = (
        Estimate(value, *profile, *(second if None not in profile else Interval(None, None)))
        for value, profile, second in zip(values, profiles, resampled, strict=True)
    )
    n = len(points.t)
    flat = fit(CONSTANT, points).rss
    return Law(
        a,
        b,
        c,
        sigma=math.sqrt(fitted.rss / (n - 3)) * points.scale,
        r2=1 - fitted.rss / flat,
        n=n,
        warnings=(
            *doubted,
            *_beyond_errors(fitted, points),
            *_undetermined(fitted, points, traced, profiles[2], options.level),
        ),
        fitted=fitted,
        traced=traced,
        points=points,
        level=options.level,
    )


def _a(fitted: Fitted, points: Points) -> float:
    b = np.float64(fitted.theta)
    return float(fitted.coefficients[1] / b * np.exp(-b * points.log_x0) * points.scale)


def _c(fitted: Fitted, points: Points) -> float:
    alpha, beta = fitted.coefficients
    return float((alpha - beta / np.float64(fitted.theta)) * points.scale)


def _intervals(traced: Trace, points: Points) -> tuple[Interval, Interval, Interval]:
    """Of a, b, c by profile likelihood; a and c have none where b may be 0, for there they are infinite."""
    theta = traced.theta
    if theta[0] <= 0 <= theta[-1]:
        return Interval(None, None), traced.interval, Interval(None, None)
    zero, one = np.zeros_like(theta), np.ones_like(theta)
    low, high = bounds(traced, np.stack([zero, np.exp(-theta * points.log_x0) / theta], axis=-1))
    a = _finite(float(low[0]) * points.scale, float(high[0]) * points.scale)
    low, high = bounds(traced, np.stack([one, -1 / theta], axis=-1))
    c = _finite(float(low[0]) * points.scale, float(high[0]) * points.scale)
    open_b = None in traced.interval
    return Interval(None, None) if open_b else a, traced.interval, c


def _is_flat(fitted: Fitted, points: Points, level: float) -> bool:
    """Whether a constant does as well, by the F tests of the law and of a logarithm against it."""
    n, constant = len(points.t), fit(CONSTANT, points).rss
    line = fit(LOGARITHM, points)
    gain = (constant - fitted.rss) / 2 / (fitted.rss / (n - 3))
    return constant <= limit(line.rss, n - 2, level) and gain <= float(special.fdtri(2, n - 3, level))


def _finite(low: float, high: float) -> Interval:
    return Interval(low if math.isfinite(low) else None, high if math.isfinite(high) else None)


def _undetermined(fitted: Fitted, points: Points, traced: Trace, of_c: Interval, level: float) -> list[str]:
    """What the points cannot tell of the parameters, the gravest only."""
    if _is_flat(fitted, points, level):
        return ["y does not depend on x as far as these points tell: a, b and c say nothing"]
    low, high = traced.interval
    if low is None and high is None:
        return ["b is not determined: every exponent fits about as well"]
    if traced.theta[0] <= 0 <= traced.theta[-1]:
        return [
            "b may be 0 or of either sign: a and c are not determined; more sizes, further apart, would tell"
        ]
    if low is None or high is None:
        side = "below" if low is None else "above"
        return [f"b has no bound {side}: y changes at one end only; more sizes there would tell"]
    span = float(np.ptp(points.y)) * points.scale
    if None in of_c or (of_c.high or 0.0) - (of_c.low or 0.0) > 2 * span:
        return [
            "c is hardly determined: its interval is wider than twice the range of y; larger sizes would tell"
        ]
    return []


def _beyond_errors(fitted: Fitted, points: Points) -> list[str]:
    """Whether the points scatter more than their errors allow: chi² beyond its 99.9th percentile."""
    freedom = len(points.t) - fitted.form.parameters
    most = math.sqrt(float(special.chdtri(freedom, 0.001)) / freedom)
    if points.known is None or math.sqrt(fitted.rss / freedom) <= points.known * most:
        return []
    ratio = math.sqrt(fitted.rss / freedom) / points.known if points.known else math.inf
    return [f"the points scatter {ratio:.2g} times as much as their errors say: these leave something out"]


def _ends(t: Array, outside_by: Array) -> tuple[float | None, float | None]:
    """The first and the last t where the distance is not above 0, by straight lines; None at the edge."""
    held = np.flatnonzero(outside_by <= 0)
    if not len(held):
        return None, None
    first, last = int(held[0]), int(held[-1])

    def between(out: int, into: int) -> float:
        part = outside_by[out] / (outside_by[out] - outside_by[into])
        return float(t[out] + part * (t[into] - t[out]))

    low = between(first - 1, first) if first else None
    high = between(last + 1, last) if last < len(t) - 1 else None
    return low, high
