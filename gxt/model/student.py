"""Student's t distribution to some 8 digits, mostly 12, without scipy: its import
would cost a command a second.

The tail is a regularised incomplete beta function, by its continued fraction (DLMF 8.17.22, evaluated by the
method of W. J. Lentz as in Press et al., Numerical Recipes, 3rd edition, 6.4); the quantile is its root by
Newton's method.
"""

from __future__ import annotations

import math

_TINY = 1e-300
_PRECISE = 1e-15
_MOST_TERMS = 10_000
_MOST_STEPS = 200
_NORMAL = 1e7  # degrees of freedom, beyond which rounding says more than the difference


def two_sided(t: float, df: float) -> float:
    """How likely a value of Student's t is at least as far from 0 as this one.

    Args:
        t: the statistic; may be infinite.
        df: degrees of freedom, above 0, not necessarily whole.
    """
    if math.isinf(t):
        return 0.0
    if df > _NORMAL:
        return math.erfc(abs(t) / math.sqrt(2))
    square = t * t
    return _beta(df / 2, 0.5, df / (df + square), square / (df + square))


def quantile(share: float, df: float) -> float:
    """The value that a share of Student's t distribution lies below, for shares from 0.5 to below 1.

    The distribution function is concave there, so that Newton's method comes from 0 without ever passing it.
    """
    if share <= 0.5:
        return 0.0
    t, tail = 0.0, 1 - share
    for _ in range(_MOST_STEPS):
        step = (two_sided(t, df) / 2 - tail) / _density(t, df)
        t += step
        if step <= 1e-13 * t:
            break
    return t


def _density(t: float, df: float) -> float:
    if df > _NORMAL:
        return math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    return math.exp(scale - (df + 1) / 2 * math.log1p(t * t / df))


def _beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function I_x(a, b); `rest` is 1 - x, which x alone may have lost."""
    if x <= 0:
        return 0.0
    if rest <= 0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for part in (even, odd):
            d = 1 / _away(1 + part * d)
            c = _away(1 + part / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISE:
            break
    return value


def _away(value: float) -> float:
    """The value, or something tiny in place of 0, by which one cannot divide."""
    return value if abs(value) > _TINY else _TINY
