"""The likelihood of games after Bradley, Terry and Davidson: where it is greatest, and how far it reaches.

Ratings are natural logarithms of strengths here: 400 / ln 10 points of Elo make one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_FALL: Final = 1.920729410347062  # half the quantile 0.95 of χ² with one degree of freedom
_FARTHEST: Final = 12.0  # a step of the search at most: some 2,000 points
_MOST_STEPS: Final = 100
_AT_ONCE: Final = 4_000_000  # cells of second derivatives that are held at a time


class Games(NamedTuple):
    """The games of N players, for B sets of results at a time.

    Attributes:
        first, second: (P,) who plays in each pair; no pair twice.
        counts: (B, P, 3) or (1, P, 3) wins of the first, draws, wins of the second.
        centre, ridge: (N + 1,) where each rating, and log ν behind them, is held, and how firmly.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    counts: Floats
    centre: Floats
    ridge: Floats


def maximise(games: Games, x: Floats, free: Bools) -> tuple[Floats, Floats, Floats]:
    """The most likely ratings by Newton's method, which the likelihood being concave always finds.

    Args:
        games: B sets of results, or one for all.
        x: (B, N + 1) ratings to start from; log ν behind them.
        free: (B, N + 1) or (1, N + 1) which of them may change.

    Returns:
        The same where the likelihood is greatest, (B,) its logarithm there, (B, N + 1) its slope.
    """
    height, slope, curvature = _slopes(games, x, free)
    for _ in range(_MOST_STEPS):
        step = np.linalg.solve(curvature, (slope * free)[..., None])[..., 0]
        gain = (step * slope).sum(axis=1)
        if gain.max(initial=0.0) < 1e-13:
            break
        step *= np.minimum(1, _FARTHEST / np.maximum(np.abs(step).max(axis=1), 1e-300))[:, None]
        for _ in range(60):
            tried = _slopes(games, x + step, free)
            worse = tried[0] < height - 1e-9 * (1 + np.abs(height))
            if not worse.any():
                break
            step[worse] /= 2
        x = x + step
        height, slope, curvature = tried
    return x, height, slope


def intervals(
    games: Games, best: Floats, height: Floats, free: Bools, standing: Floats
) -> tuple[Floats, Floats]:
    """(N,) the lower and the upper ends at 95 %."""
    count = len(standing)
    found = [best[0, :-1].copy(), best[0, :-1].copy()]
    for column, side in enumerate((-1, 1)):
        wanted = np.flatnonzero(free[:-1] & ((standing == 0) | (standing == -side * np.inf)))
        unknown = free[:-1] & ~np.isin(np.arange(count), wanted)
        found[column] = np.where(unknown, side * np.inf, found[column])
        together = max(1, _AT_ONCE // len(free) ** 2)
        for start in range(0, len(wanted), together):
            part = wanted[start : start + together]
            found[column][part] = ends(games, best, height, free, part, side)
    return found[0], found[1]


def ends(
    games: Games, best: Floats, height: Floats, free: Bools, which: NDArray[np.intp], side: int
) -> Floats:
    """(B,) where the profile of the likelihood is 1.92 below its maximum, on one side of it.

    The profile is concave and its slope is that of the likelihood where the others are at their best, so
    Newton's method comes from outside without ever passing the end.

    Args:
        games: B sets of results, or one for all.
        best: (B, N + 1) or (1, N + 1) the ratings at the maximum.
        height: (B,) or (1,) the maximum.
        free: (N + 1,) what is estimated.
        which: (B,) whose interval.
        side: 1 for the upper end, -1 for the lower.
    """
    rows = np.arange(len(which))
    x = np.repeat(best, len(which) // len(best), axis=0)
    others = np.repeat(free[None], len(which), axis=0)
    others[rows, which] = False
    _, _, curvature = _slopes(games, x, np.ones_like(others))
    spread = 1 / np.sqrt(np.maximum(curvature[rows, which, which], 1e-3))
    x[rows, which] += side * spread
    for _ in range(_MOST_STEPS):
        x, now, slope = maximise(games, x, others)
        surplus = now - height + _FALL
        step = np.abs(surplus) / np.maximum(np.abs(slope[rows, which]), 1e-9)
        step = np.where(surplus > 0, side, -side) * np.minimum(step, _FARTHEST)
        x[rows, which] += step
        if np.abs(step).max(initial=0.0) < 1e-8:
            break
    return x[rows, which]


def _slopes(games: Games, x: Floats, free: Bools) -> tuple[Floats, Floats, Floats]:
    """The logarithm of the likelihood, its slope, and minus its second derivatives (of what is free)."""
    first, second, counts, centre, ridge = games
    total = counts.sum(axis=2)
    half = (x[:, first] - x[:, second]) / 2
    terms = np.stack([half, np.broadcast_to(x[:, -1:], half.shape), -half], axis=2)
    top = terms.max(axis=2, keepdims=True)
    chances = np.exp(terms - top)
    norm = chances.sum(axis=2, keepdims=True)
    chances /= norm
    win, draw, loss = np.moveaxis(chances, 2, 0)
    away = x - centre
    height = ((counts * terms).sum(axis=2) - total * (top + np.log(norm))[..., 0]).sum(axis=1)
    height -= (ridge * away**2).sum(axis=1) / 2
    slope = -ridge * away
    pull = ((counts[..., 0] - counts[..., 2]) - total * (win - loss)) / 2
    slope[:, :-1] += _by_player(games, pull, -pull, x)
    slope[:, -1] += (counts[..., 1] - total * draw).sum(axis=1)
    stiff = total * ((win + loss) - (win - loss) ** 2) / 4
    mixed = -total * (win - loss) * draw / 2
    curvature = np.zeros((*x.shape, x.shape[1]))
    curvature[:, first, second] = curvature[:, second, first] = -stiff
    curvature[:, -1, :-1] = curvature[:, :-1, -1] = _by_player(games, mixed, -mixed, x)
    sums = np.concatenate(
        [_by_player(games, stiff, stiff, x), (total * draw * (1 - draw)).sum(axis=1, keepdims=True)], axis=1
    )
    both = free[:, :, None] & free[:, None, :]
    curvature = np.where(both, curvature, 0.0)
    at = np.arange(x.shape[1])
    curvature[:, at, at] = np.where(free, sums + ridge, 1.0)
    return height, slope, curvature


def _by_player(games: Games, first: Floats, second: Floats, x: Floats) -> Floats:
    """(B, N) what the pairs give to their first and to their second player, (B, P) each, summed up."""
    count = x.shape[1] - 1
    given = np.zeros((len(x), count, count))
    given[:, games.first, games.second] = first
    given[:, games.second, games.first] = second
    summed: Floats = given.sum(axis=2)
    return summed
