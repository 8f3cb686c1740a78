"""Alpha-beta search: the opponents of the ladder that look ahead, one game at a time."""

from __future__ import annotations

from typing import Final

import numpy as np

from gxt.demo.connect4.batches import Columns, Player
from gxt.demo.connect4.board import COLUMN_MASKS, Bitboards, playable, winning_squares

WIN: Final = 1000  # more than the squares that can be counted; plus the plies left, so that sooner is better
_CENTRE_FIRST: Final = tuple(COLUMN_MASKS[column] for column in (3, 2, 4, 1, 5, 0, 6))


def value(mine: int, theirs: int, depth: int, alpha: int, beta: int) -> int:
    """How good a position is for the player to move, who cannot be beaten yet.

    Negamax with alpha-beta pruning: exact inside the window; else a bound, on its side of the window.

    Args:
        mine: stones of the player to move.
        theirs: stones of the other.
        depth: plies to look ahead. At 0 it is the squares with which the player could win, now or later,
            minus those of the other; a win with the next move is always seen.
        alpha: what the player to move is sure of elsewhere.
        beta: what the other will not allow.
    """
    occupied = mine | theirs
    moves = playable(occupied)
    if not moves:
        return 0
    wins = winning_squares(mine, occupied)
    if wins & moves:
        return WIN + depth
    losses = winning_squares(theirs, occupied)
    if depth == 0:
        return wins.bit_count() - losses.bit_count()
    threats = losses & moves
    if threats & (threats - 1):  # two, of which one stays
        return -(WIN + depth - 1)
    moves = threats or moves
    best = -2 * WIN
    for column in _CENTRE_FIRST:
        move = moves & column
        if not move:
            continue
        best = max(best, -value(theirs, mine | move, depth - 1, -beta, -max(alpha, best)))
        if best >= beta:
            break
    return best


def best_moves(mine: int, theirs: int, depth: int) -> list[int]:
    """The columns that are equally good and better than all others, `depth` plies (1 or more) ahead."""
    occupied = mine | theirs
    moves = playable(occupied)
    wins = moves & winning_squares(mine, occupied)
    if wins:
        return [column for column, mask in enumerate(COLUMN_MASKS) if wins & mask]
    best, found = -2 * WIN, list[int]()
    for mask in _CENTRE_FIRST:
        move = moves & mask
        if not move:
            continue
        worth = -value(theirs, mine | move, depth - 1, -2 * WIN, 1 - best)  # equal ones are seen as equal
        if worth > best:
            best, found = worth, []
        if worth == best:
            found.append(COLUMN_MASKS.index(mask))
    return sorted(found)


def looking_ahead(depth: int) -> Player:
    """The player that makes any of the best moves, `depth` plies ahead."""

    def columns(mine: Bitboards, theirs: Bitboards, rng: np.random.Generator) -> Columns:
        found = [best_moves(int(own), int(other), depth) for own, other in zip(mine, theirs, strict=True)]
        chances = rng.random(len(found))
        return np.array(
            [some[int(chance * len(some))] for some, chance in zip(found, chances, strict=True)],
            dtype=np.int64,
        )

    return columns
