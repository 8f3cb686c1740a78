"""Who can be rated at all: who is tied to an anchor by games, and who only above or below all bounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gxt.elo.likelihood import Bools, Floats


def standings(table: Floats, anchors: list[int]) -> Floats:
    """(N,) 0 for a finite rating, ±∞ above or below all bounds, NaN for who cannot be rated.

    The likelihood has a maximum for those who are tied to an anchor both ways by chains of games in which
    each has won or drawn against the next (L. R. Ford Jr., Solution of a ranking problem from binary
    comparisons, American Mathematical Monthly 64, 1957).
    """
    scores = _reach(_scored(table), anchors)
    above, below = scores[:, anchors[0]], scores[anchors[0]]
    standing = np.select([above & below, above, below], [0.0, np.inf, -np.inf], np.nan)
    far = runaway(table, anchors)
    if far is not None:
        beyond = np.select([far[0] > 0, far[1] < 0], [np.inf, -np.inf], np.nan)
        standing = np.where(standing == 0, beyond, standing)
    standing[anchors] = 0.0
    return standing


def reasons(table: Floats, anchors: list[int], standing: Floats) -> list[str]:
    """Why each has no finite rating; empty for who has."""
    tied = _reach(table.sum(axis=2) > 0, anchors)[anchors[0]]
    texts = {
        0.0: "",
        math.inf: "won every game that ties him to the anchor, or nearly so",
        -math.inf: "lost every game that ties him to the anchor, or nearly so",
    }
    untold = ("no chain of games ties him to the anchor", "the games do not tell")
    return [texts.get(one, untold[bool(tied[at])]) for at, one in enumerate(standing.tolist())]


def runaway(table: Floats, anchors: list[int]) -> Floats | None:
    """(2, N) how far each can be below and above the anchor, where ν has no bound; None where it has one.

    It has none when wins can have to do with strengths that are apart, and all draws with strengths that are
    near: the larger the differences with ν, the better the games are explained. So it is when ratings exist
    with every winner at least 1 above, and who drew at most 1 apart: a system of bounds on differences, which
    has a solution unless some circle of them adds up to less than 0.
    """
    if not table[:, :, 1].any():
        return None
    bounds = np.full(table.shape[:2], np.inf)  # how far the second can be above the first
    bounds[table[:, :, 1] > 0] = 1.0
    bounds[table[:, :, 0] > 0] = -1.0
    bounds[np.ix_(anchors, anchors)] = np.minimum(bounds[np.ix_(anchors, anchors)], 0.0)
    bounds[~_reach(_scored(table), anchors).T] = np.inf  # who is infinitely far away binds nobody
    for at in range(len(bounds)):
        bounds = np.minimum(bounds, bounds[:, at, None] + bounds[at])
    if (np.diagonal(bounds) < 0).any():
        return None
    return np.stack([-bounds[:, anchors[0]], bounds[anchors[0]]])


def _reach(steps: Bools, anchors: list[int]) -> Bools:
    """(N, N) who comes from whom to whom by these steps; anchors are tied to each other."""
    reach = steps | np.eye(len(steps), dtype=bool)
    reach[np.ix_(anchors, anchors)] = True
    while True:
        further = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
        if (further == reach).all():
            return reach
        reach = further


def _scored(table: Floats) -> Bools:
    """(N, N) who has won or drawn against whom."""
    return table[:, :, 0] + table[:, :, 1] > 0
