"""The forms that a law may have, each linear in all but one of its parameters.

For a value theta of that one, the others are found by linear least squares, so that a fit is a search along
a line: variable projection (G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from gxt.analysis.points import Points
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.analysis.points import Array

_STEEPEST: Final = 40.0  # |b| ln(largest x / smallest x): beyond, one end is all that counts
_GRID: Final = 600
_FAR: Final = math.log(100)  # how far beyond the points a saturating law may have its half


class Form(NamedTuple):
    """A form of law.

    Attributes:
        name, equation: for people.
        linear: how many parameters are found by linear least squares.
        columns: their columns, shape (k, n, linear), for k values of theta and n values of t = ln(x / x0).
        grid: the values of theta to search, ascending; None where there is no such parameter.
    """

    name: str
    equation: str
    linear: int
    columns: Callable[[Array, Array], Array]
    grid: Callable[[Points], Array] | None

    @property
    def parameters(self) -> int:
        """How many parameters it has."""
        return self.linear + (self.grid is not None)


def power_term(b: Array, t: Array) -> Array:
    """(exp(b t) - 1) / b, and t where b = 0; shape (k, n) for k values of b and n of t.

    G. E. P. Box and D. R. Cox, J. R. Stat. Soc. B 26 (1964) 211. With it a x^b + c is alpha + beta
    (exp(b t) - 1) / b, in coordinates that stay finite and nearly uncorrelated where the law turns into a
    logarithm: alpha is y at x0, beta the slope there, a = beta / (b x0^b), c = alpha - beta / b.
    """
    b, t = b[:, None], t[None, :]
    safe = np.where(b == 0, 1.0, b)
    return np.where(b == 0, t, np.expm1(safe * t) / safe)


def _with_ones(term: Array) -> Array:
    return np.stack([np.ones_like(term), term], axis=-1)


def _exponents(points: Points) -> Array:
    """Exponents of both signs, dense around 0 in the unit of one over the span of ln x."""
    steps = np.linspace(-math.asinh(_STEEPEST), math.asinh(_STEEPEST), _GRID)
    return np.sinh(steps) / points.span


def _halves(points: Points) -> Array:
    return np.linspace(float(np.min(points.t)) - _FAR, float(np.max(points.t)) + _FAR, _GRID)


def _saturating(half: Array, t: Array) -> Array:
    return _with_ones(1.0 / (1.0 + np.exp(half[:, None] - t[None, :])))


def _constant(theta: Array, t: Array) -> Array:
    return np.ones((len(theta), len(t), 1))


POWER_FLOOR: Final = Form(
    "power+floor", "a·x^b + c", 2, lambda b, t: _with_ones(power_term(b, t)), _exponents
)
"""J. S. Rosenfeld et al., ICLR 2020 (arXiv:1909.12673); T. Henighan et al., arXiv:2010.14701."""
POWER: Final = Form("power", "a·x^b", 1, lambda b, t: np.exp(b[:, None] * t[None, :])[..., None], _exponents)
"""J. Hestness et al., arXiv:1712.00409; J. Kaplan et al., arXiv:2001.08361."""
LOGARITHM: Final = Form(
    "logarithm", "c + a·ln x", 2, lambda b, t: _with_ones(np.broadcast_to(t, (len(b), len(t)))), None
)
"""The limit of a power law with a floor for b to 0."""
SATURATING: Final = Form("saturating", "c + a·x/(x + k)", 2, _saturating, _halves)
"""L. Michaelis and M. L. Menten, Biochem. Z. 49 (1913) 333, with an offset."""
CONSTANT: Final = Form("constant", "c", 1, _constant, None)
FORMS: Final = (POWER_FLOOR, POWER, LOGARITHM, SATURATING)
