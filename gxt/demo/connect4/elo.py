"""Strength as a number: Elo ratings from results, by maximum likelihood.

A player who is rated d above another is expected to score 1 / (1 + 10^(−d/400)) a game (A. E. Elo, The Rating
of Chessplayers, Past and Present, 1978), a draw counting as half a win and half a loss: the model of R. A.
Bradley and M. E. Terry (Biometrika 39, 1952). Someone who always wins would be rated infinitely high, so each
player is given one more draw, spread evenly over the opponents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SCALE: Final = 400 / math.log(10)  # Elo points for a factor e in the odds
_FALL: Final = (
    1.9207  # of the log-likelihood at the ends of a 95 % interval: half the quantile of χ² with 1 degree
)
_WIDEST: Final = 4000.0  # Elo points beyond the highest and the lowest opponent
_TOLERANCE: Final = 1e-10
_MOST_ROUNDS: Final = 100_000


class Score(NamedTuple):
    """Games against one opponent: the opponent's rating, the player's points, how many games."""

    rating: float
    points: float
    games: int


class Estimate(NamedTuple):
    """A rating and the ends of its interval at 95 %, all in Elo points."""

    elo: float
    low: float
    high: float


def expected(difference: float) -> float:
    """Points a game, 0 to 1, of a player who is rated so much higher."""
    return 1 / (1 + math.exp(-difference / _SCALE))


def estimate(scores: Sequence[Score]) -> Estimate:
    """The rating of a player whose opponents' ratings are known, taken as exact.

    The interval is where the logarithm of the likelihood is at most 1.92 below its maximum.
    """
    share = 1 / len(scores)
    known = [(score.rating, score.points + share / 2, score.games + share) for score in scores]

    def log_likelihood(elo: float) -> float:
        return sum(
            points * math.log(expected(elo - rating)) + (games - points) * math.log(expected(rating - elo))
            for rating, points, games in known
        )

    def surplus(elo: float) -> float:
        return sum(games * expected(elo - rating) - points for rating, points, games in known)

    lowest = min(score.rating for score in scores) - _WIDEST
    highest = max(score.rating for score in scores) + _WIDEST
    elo = _root(surplus, lowest, highest)
    floor = log_likelihood(elo) - _FALL
    return Estimate(
        elo,
        _root(lambda rating: log_likelihood(rating) - floor, lowest, elo),
        _root(lambda rating: floor - log_likelihood(rating), elo, highest),
    )


def ratings(points: NDArray[np.float64]) -> list[float]:
    """The ratings of players who met each other; the first is 0.

    By minorisation-maximisation (D. R. Hunter, MM algorithms for generalized Bradley-Terry models, Annals of
    Statistics 32, 2004).

    Args:
        points: (N, N) the points that each made against each; the sum with its transpose is the games.
    """
    count = len(points)
    made = points + (1 - np.eye(count)) / (2 * (count - 1))
    games = made + made.T
    logs = np.zeros(count)
    for _ in range(_MOST_ROUNDS):
        strength = np.exp(logs)
        after = np.log(made.sum(axis=1) / (games / (strength[:, None] + strength)).sum(axis=1))
        after -= after[0]
        if np.abs(after - logs).max() < _TOLERANCE:
            break
        logs = after
    return [float(log * _SCALE) for log in logs]


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that rises from below 0 to above crosses 0, by bisection."""
    while high - low > 1e-6:
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
