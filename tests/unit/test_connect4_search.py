"""Alpha-beta finds what looking at every game finds."""

from __future__ import annotations

import numpy as np
import pytest

from gxt.demo.connect4.batches import ended, play, random_columns
from gxt.demo.connect4.board import COLUMN_MASKS, lines_of_four, playable, winning_squares
from gxt.demo.connect4.search import WIN, best_moves, looking_ahead, value


def positions(count: int, plies: int) -> list[tuple[int, int]]:
    """Positions of random games after so many plies, none of which has ended."""
    rng = np.random.default_rng(plies)
    mine, theirs = np.zeros((2, 500 * count), dtype=np.uint64)
    for _ in range(plies):
        mine, theirs = play(mine, theirs, random_columns(mine, theirs, rng))
        over, _ = ended(mine, theirs)
        mine, theirs = mine[~over], theirs[~over]
    assert len(mine) >= count
    return [(int(one), int(other)) for one, other in zip(mine[:count], theirs[:count], strict=True)]


def brute_force(mine: int, theirs: int, depth: int) -> int:
    """The value by every line of play."""
    occupied = mine | theirs
    moves = [playable(occupied) & column for column in COLUMN_MASKS if playable(occupied) & column]
    if not moves:
        return 0
    if any(lines_of_four(mine | move) for move in moves):
        return WIN + depth
    if depth == 0:
        return winning_squares(mine, occupied).bit_count() - winning_squares(theirs, occupied).bit_count()
    return max(-brute_force(theirs, mine | move, depth - 1) for move in moves)


@pytest.mark.parametrize("plies", [0, 6, 12, 20, 28, 36])
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_the_value_is_that_of_brute_force(plies: int, depth: int) -> None:
    for mine, theirs in positions(3, plies):
        wanted = brute_force(mine, theirs, depth)
        assert value(mine, theirs, depth, -2 * WIN, 2 * WIN) == wanted
        assert value(mine, theirs, depth, wanted - 1, wanted + 1) == wanted
        assert value(mine, theirs, depth, wanted, wanted + 1) <= wanted
        assert value(mine, theirs, depth, wanted - 1, wanted) >= wanted


@pytest.mark.parametrize("plies", [4, 16, 30, 38])
def test_the_best_moves_are_those_of_brute_force(plies: int) -> None:
    for mine, theirs in positions(3, plies):
        worth = {}
        for column, mask in enumerate(COLUMN_MASKS):
            move = playable(mine | theirs) & mask
            if move:
                won = lines_of_four(mine | move) != 0
                worth[column] = 2 * WIN if won else -brute_force(theirs, mine | move, 2)
        best = max(worth.values())
        assert best_moves(mine, theirs, 3) == [column for column in worth if worth[column] == best]


def test_the_player_makes_each_of_the_best_moves_sometimes() -> None:
    board = np.zeros(100, dtype=np.uint64)
    mine = board | np.uint64(1 << 7 * 2 | 1 << 7 * 3)  # an open pair: both ends, and one further, win
    theirs = board | np.uint64(1 << 7 * 2 + 1 | 1 << 7 * 3 + 1)
    columns = looking_ahead(4)(mine, theirs, np.random.default_rng(0))
    assert set(columns.tolist()) == set(best_moves(int(mine[0]), int(theirs[0]), 4)) == {1, 4}
