"""Whether groups of points follow one law, laws with a shared exponent, or each its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import optimize

from gxt.analysis.choosing import Score, score
from gxt.analysis.fitting import Interval, below, fit, limit, solve
from gxt.analysis.forms import POWER_FLOOR
from gxt.analysis.points import Points
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from gxt.analysis.points import Array


ONE: Final = "one law"


class Family(NamedTuple):
    """A way in which the laws of groups may belong together.

    Attributes:
        name: `one law`, `shared exponent` (a and c of each group its own), `own laws`.
        exponents: of each group.
        interval: of the exponent that they share; None where each has its own.
        score: how well it does, at what number of parameters.
    """

    name: str
    exponents: Mapping[str, float]
    interval: Interval | None
    score: Score


def compare_families(groups: Mapping[str, Points], level: float) -> list[Family]:
    """The three families, the one with the fewest parameters first.

    The scatter is taken to be the same in all groups. The interval of the exponent that they share is that of
    the profile of the joint sum of squares (Bates and Watts 1988, section 6.1).

    Args:
        groups: each with at least four points at three sizes, all in the units of their union.
        level: of the intervals.
    """
    whole = _union(list(groups.values()))
    n, count = len(whole.t), len(groups)
    one = fit(POWER_FLOOR, whole)
    own = {name: fit(POWER_FLOOR, points) for name, points in groups.items()}
    shared, interval, rss = _shared(groups, whole, level)
    return [
        Family(ONE, dict.fromkeys(groups, one.theta), None, score(one.rss, n, 3)),
        Family("shared exponent", dict.fromkeys(groups, shared), interval, score(rss, n, 1 + 2 * count)),
        Family(
            "own laws",
            {name: fitted.theta for name, fitted in own.items()},
            None,
            score(math.fsum(fitted.rss for fitted in own.values()), n, 3 * count),
        ),
    ]


def _shared(groups: Mapping[str, Points], whole: Points, level: float) -> tuple[float, Interval, float]:
    """The exponent of all groups, its interval and the RSS."""

    def rss_of(b: Array) -> Array:
        total: Array = np.sum([solve(POWER_FLOOR, b, points).rss for points in groups.values()], axis=0)
        return total

    def rss_at(b: float) -> float:
        return float(rss_of(np.array([b]))[0])

    assert POWER_FLOOR.grid is not None
    grid = POWER_FLOOR.grid(whole)
    lowest = int(np.argmin(rss_of(grid)))
    around = (grid[max(lowest - 1, 0)], grid[min(lowest + 1, len(grid) - 1)])
    found = optimize.minimize_scalar(rss_at, bounds=around, method="bounded", options={"xatol": 1e-12})
    grid = np.unique(np.append(grid, found.x))
    freedom = len(whole.t) - 1 - 2 * len(groups)
    interval = below(rss_at, grid, rss_of(grid), limit(float(found.fun), freedom, level))
    return float(found.x), interval, float(found.fun)


def _union(groups: list[Points]) -> Points:
    t, y, errors = (np.concatenate([getattr(one, name) for one in groups]) for name in ("t", "y", "errors"))
    return groups[0]._replace(t=t, y=y, errors=errors)
