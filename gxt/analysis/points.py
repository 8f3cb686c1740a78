"""Points to fit: what numbers can be used, and in what units they are fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from gxt.errors import CannotFit
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float64]

_LEAST = 4  # points, for three parameters and something left to judge them by
_FAR_APART = 1e6  # the largest error over a typical one
_DECADE = math.log(10)


class Point(NamedTuple):
    """A measurement: x above 0, y, the standard error of y or None, and what it belongs to."""

    x: float
    y: float
    error: float | None = None
    label: str = ""
    group: str = ""


class Points(NamedTuple):
    """Points as they are fitted.

    Attributes:
        t: ln(x / x0), shape (n,), with ln x0 the mean of ln x: exponents and coefficients are the least
            correlated there.
        y: y / scale, shape (n,).
        errors: the standard error of each y up to one factor, the mean square of 1 / errors = 1; shape (n,).
        log_x0: ln x0.
        scale: the largest |y|.
        known: what `errors` times this are, in the units of y here, where the errors were given; else None.
    """

    t: Array
    y: Array
    errors: Array
    log_x0: float
    scale: float
    known: float | None

    @property
    def span(self) -> float:
        """The logarithm of the largest x over the smallest."""
        return float(np.ptp(self.t))

    @property
    def sizes(self) -> int:
        """How many different x there are."""
        return len(np.unique(self.t))

    def take(self, chosen: NDArray[np.bool_]) -> Points:
        """Those that are chosen, in the units of all."""
        return self._replace(t=self.t[chosen], y=self.y[chosen], errors=self.errors[chosen])


def why_unusable(x: float | None, y: float | None) -> str:
    """Why a law of x cannot take a point; empty when it can."""
    for name, value in (("x", x), ("y", y)):
        if value is None:
            return f"has no {name}"
        if math.isnan(value):
            return f"{name} is NaN"
        if math.isinf(value):
            return f"{name} is infinite"
    return "x is not above 0" if x is not None and x <= 0 else ""


@np.errstate(all="ignore")
def prepare(points: Sequence[Point], *, relative: bool = False) -> Points:
    """The points as they are fitted; all of them must be usable.

    Errors weigh only when every point has one above 0. With `relative` the scatter of y is taken to grow with
    |y|, whatever errors are given.

    Raises:
        CannotFit: there are too few, or they say nothing of an exponent.
    """
    _check(points)
    log_x = np.log(np.array([point.x for point in points], dtype=np.float64))
    y = np.array([point.y for point in points], dtype=np.float64)
    scale = float(np.max(np.abs(y)))
    errors, known = _errors(points, y / scale, relative=relative)
    middle = float(np.mean(log_x))
    return Points(
        log_x - middle, y / scale, errors, middle, scale, None if relative or known is None else known / scale
    )


def doubts(points: Points, given: Sequence[Point], *, relative: bool) -> list[str]:
    """What in the points themselves should make one careful, in words."""
    found = []
    if points.span < _DECADE:
        factor = math.exp(points.span)
        found.append(
            f"x spans a factor of {factor:.3g}, less than a decade: an exponent is hardly determined"
        )
    known = [point.error is not None and 0 < point.error < math.inf for point in given]
    if any(known) and not all(known) and not relative:
        found.append(
            f"{known.count(False)} of {len(known)} points have no finite error above 0: "
            "none is used as a weight"
        )
    sizes = np.abs(points.y)
    if (
        np.ptp(points.errors) == 0
        and float(np.min(sizes)) < 0.1 * float(np.max(sizes))
        and np.all(points.y > 0)
    ):
        found.append("y spans more than a decade: the largest decide; --relative weighs all alike")
    return found


def _check(points: Sequence[Point]) -> None:
    count, sizes = len(points), len({point.x for point in points})
    if count < _LEAST or sizes < _LEAST - 1:
        have = f"{count} point{'' if count == 1 else 's'} at {sizes} size{'' if sizes == 1 else 's'} of x"
        raise CannotFit(
            f"{have} cannot determine a, b and c",
            hint=f"run {_LEAST} or more sizes, over a decade or more of x",
        )
    if len({point.y for point in points}) == 1:
        raise CannotFit("y is the same everywhere: there is no exponent to be found", hint="choose another y")


def _errors(points: Sequence[Point], y: Array, *, relative: bool) -> tuple[Array, float | None]:
    if relative:
        if not np.all(y):
            raise CannotFit("y is 0 somewhere: no error can be relative to it", hint="leave out --relative")
        errors = np.abs(y)
    else:
        known = [point.error for point in points if point.error is not None and 0 < point.error < math.inf]
        if len(known) < len(points):
            return np.ones(len(points)), None
        errors = np.array(known, dtype=np.float64)
    largest = float(np.max(errors))
    errors = errors / largest
    unit = math.sqrt(float(np.mean(errors**-2.0)))
    if unit > _FAR_APART:
        raise CannotFit("the errors of y are too far apart: a few points would decide all", hint="mend them")
    return errors * unit, largest / unit
