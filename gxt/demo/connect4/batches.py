"""Many games at once: a player that sees one move ahead, and what its games end in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gxt.demo.connect4.board import (
    BOARD,
    Bitboards,
    legal_columns,
    lines_of_four,
    playable,
    squares_of,
    winning_squares,
)

Columns = NDArray[np.int64]

# From the stones of the players to move and those of the others, games going on, to a legal column each.
Player = Callable[[Bitboards, Bitboards, np.random.Generator], Columns]


def random_columns(mine: Bitboards, theirs: Bitboards, rng: np.random.Generator) -> Columns:
    """Any legal column, each as likely as the others."""
    return _any_of(playable(mine | theirs), rng)


def greedy_columns(mine: Bitboards, theirs: Bitboards, rng: np.random.Generator) -> Columns:
    """A column that wins at once; else one where the other would win at once; else any."""
    occupied = mine | theirs
    moves = playable(occupied)
    wins = moves & winning_squares(mine, occupied)
    blocks = moves & winning_squares(theirs, occupied)
    return _any_of(np.where(wins != 0, wins, np.where(blocks != 0, blocks, moves)), rng)


def _any_of(moves: Bitboards, rng: np.random.Generator) -> Columns:
    return best_columns(np.zeros((len(moves), 1), dtype=np.float32), legal_columns(moves), rng)


def best_columns(scores: NDArray[np.float32], legal: NDArray[np.bool_], rng: np.random.Generator) -> Columns:
    """The legal column (N, 7) with the highest score (N, 7), any of them where there are several."""
    known = np.where(legal, scores, -np.inf)
    best = known == known.max(axis=1, keepdims=True)
    chances = rng.random(legal.shape, dtype=np.float32)
    columns: Columns = np.where(best, chances, np.float32(-1)).argmax(axis=1)
    return columns


def play(mine: Bitboards, theirs: Bitboards, columns: Columns) -> tuple[Bitboards, Bitboards]:
    """The positions after a move, seen by the players whose turn it is then."""
    return theirs, mine | squares_of(playable(mine | theirs), columns)


def ended(mine: Bitboards, theirs: Bitboards) -> tuple[NDArray[np.bool_], NDArray[np.int8]]:
    """Which games are over, and their results: −1 where the other has won, 0 else."""
    lost = lines_of_four(theirs) != 0
    return lost | ((mine | theirs) == BOARD), np.where(lost, -1, 0).astype(np.int8)


def rollouts(
    mine: Bitboards, theirs: Bitboards, discount: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What games are worth that greedy players play to the end, to the player who is to move now.

    1 or −1 for a game that is won or lost, times the discount for each ply until then, 0 for a draw.
    """
    worth = np.zeros(len(mine), dtype=np.float32)
    going, factor = np.arange(len(mine)), 1.0
    while len(going):
        over, result = ended(mine, theirs)
        worth[going[over]] = factor * result[over]
        going, mine, theirs = going[~over], mine[~over], theirs[~over]
        mine, theirs = play(mine, theirs, greedy_columns(mine, theirs, rng))
        factor *= -discount
    return worth
