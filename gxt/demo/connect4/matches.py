"""Matches between two players, from starting positions of each phase of the game."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gxt.demo.connect4.batches import Player, ended, greedy_columns, play
from gxt.demo.connect4.board import Bitboards, playable, winning_squares

# Of each phase, the stones that may be on the board at the start: from, up to. The games go on to their end.
PHASES: Final = {"opening": (0, 7), "midgame": (12, 19), "endgame": (24, 31)}


class Tally(NamedTuple):
    """How games ended for a player."""

    wins: int
    draws: int
    losses: int

    @property
    def games(self) -> int:
        """All of them."""
        return self.wins + self.draws + self.losses

    @property
    def points(self) -> float:
        """A win is one, a draw a half."""
        return self.wins + self.draws / 2


def starts(phase: str, count: int, rng: np.random.Generator) -> tuple[Bitboards, Bitboards]:
    """Positions (`count`) of greedy players' games that go on; the player to move has no win at once."""
    fewest, most = PHASES[phase]
    wanted = rng.integers(fewest, most + 1, count)
    found = np.zeros((2, count), dtype=np.uint64)
    open_ = np.arange(count)
    while len(open_):
        mine, theirs = np.zeros((2, len(open_)), dtype=np.uint64)
        for ply in range(most):
            there = wanted[open_] <= ply
            over, _ = ended(mine, theirs)
            after = play(mine, theirs, np.where(over, 0, greedy_columns(mine, theirs, rng)))
            stays = there | over
            mine, theirs = np.where(stays, mine, after[0]), np.where(stays, theirs, after[1])
        occupied = mine | theirs
        over, _ = ended(mine, theirs)
        fits = ~over & ((winning_squares(mine, occupied) & playable(occupied)) == 0)
        found[:, open_[fits]] = mine[fits], theirs[fits]
        open_ = open_[~fits]
    return found[0], found[1]


def match(
    player: Player, other: Player, positions: tuple[Bitboards, Bitboards], rng: np.random.Generator
) -> Tally:
    """How a player's games end: two from each position, of which the player begins one."""
    results = np.concatenate([_games(player, other, positions, rng), -_games(other, player, positions, rng)])
    return Tally(*(int((results == result).sum()) for result in (1, 0, -1)))


def _games(
    first: Player, second: Player, positions: tuple[Bitboards, Bitboards], rng: np.random.Generator
) -> NDArray[np.int8]:
    """The results, for the player who is the first to move: 1, 0 or −1."""
    mine, theirs = positions
    results = np.zeros(len(mine), dtype=np.int8)
    going, sign, players = np.arange(len(mine)), 1, (first, second)
    while len(going):
        mine, theirs = play(mine, theirs, players[0](mine, theirs, rng))
        sign, players = -sign, (players[1], players[0])
        over, result = ended(mine, theirs)
        results[going[over]] = sign * result[over]
        going, mine, theirs = going[~over], mine[~over], theirs[~over]
    return results
