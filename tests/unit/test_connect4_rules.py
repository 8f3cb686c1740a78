"""The bitboards play by the rules: beside a board of lists that looks at every line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxt.demo.connect4.batches import best_columns, ended, greedy_columns, play, random_columns, rollouts
from gxt.demo.connect4.board import (
    BOARD,
    BOTTOM,
    COLUMNS,
    ROWS,
    SQUARES,
    Bitboards,
    legal_columns,
    lines_of_four,
    mirrored,
    planes,
    playable,
    winning_squares,
)

LINES = [
    [(column + across * i, row + up * i) for i in range(4)]
    for column in range(COLUMNS)
    for row in range(ROWS)
    for across, up in ((1, 0), (0, 1), (1, 1), (1, -1))
    if 0 <= column + 3 * across < COLUMNS and 0 <= row + 3 * up < ROWS
]
EVERY_SQUARE = {(column, row) for column in range(COLUMNS) for row in range(ROWS)}

# Columns in the order in which they are played; a move into a full column, or after the end, does not count.
games = st.lists(st.integers(0, COLUMNS - 1), max_size=2 * SQUARES)


def bits(squares: set[tuple[int, int]]) -> int:
    return sum(1 << 7 * column + row for column, row in squares)


def boards(*stones: int) -> Bitboards:
    return np.array(stones, dtype=np.uint64)


def wins(stones: set[tuple[int, int]]) -> bool:
    return any(all(square in stones for square in line) for line in LINES)


def played(columns: list[int]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The stones of the player to move and of the other."""
    mine: set[tuple[int, int]] = set()
    theirs: set[tuple[int, int]] = set()
    for column in columns:
        row = sum(square[0] == column for square in mine | theirs)
        if row < ROWS and not wins(theirs):
            mine, theirs = theirs, mine | {(column, row)}
    return mine, theirs


def full_board() -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Pairs of columns in turn, without four in a row."""
    first = {(column, row) for column, row in EVERY_SQUARE if (row + column // 2) % 2 == 0}
    return first, EVERY_SQUARE - first


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_four_wins_and_no_three_of_it(line: list[tuple[int, int]]) -> None:
    assert lines_of_four(bits(set(line))).bit_count() == 1
    upright = line[0][0] == line[1][0]
    for missing in line[3:] if upright else line:  # no stone hangs above an empty square
        three = set(line) - {missing}
        assert lines_of_four(bits(three)) == 0
        assert winning_squares(bits(three), bits(three)) & bits({missing}) == bits({missing})


def test_there_are_69_lines() -> None:
    assert len(LINES) == 69


def test_no_line_goes_on_in_the_next_column() -> None:
    assert lines_of_four(bits({(0, 4), (0, 5), (1, 0), (1, 1)})) == 0
    assert lines_of_four(bits({(0, 3), (0, 4), (0, 5), (1, 0)})) == 0


@given(games)
def test_moves_wins_and_ends_are_those_of_a_plain_board(columns: list[int]) -> None:
    mine, theirs = played(columns)
    occupied = mine | theirs
    heights = [sum(square[0] == column for square in occupied) for column in range(COLUMNS)]
    moves = {(column, height) for column, height in enumerate(heights) if height < ROWS}
    winning = (
        {square for square in EVERY_SQUARE - occupied if wins(mine | {square})} if not wins(mine) else None
    )
    both, own = boards(bits(occupied)), boards(bits(mine))

    assert (lines_of_four(bits(theirs)) != 0) is wins(theirs)
    assert playable(bits(occupied)) == bits(moves)
    assert playable(both).tolist() == [bits(moves)]
    assert legal_columns(playable(both)).tolist() == [[height < ROWS for height in heights]]
    assert winning is not None
    assert winning_squares(bits(mine), bits(occupied)) == bits(winning)
    assert winning_squares(own, both).tolist() == [bits(winning)]
    over, result = ended(own, boards(bits(theirs)))
    assert over.tolist() == [wins(theirs) or occupied == EVERY_SQUARE]
    assert result.tolist() == [-1 if wins(theirs) else 0]


@given(games)
def test_the_mirror_image_and_the_planes_are_those_of_a_plain_board(columns: list[int]) -> None:
    mine, theirs = played(columns)
    assert mirrored(bits(mine)) == bits({(COLUMNS - 1 - column, row) for column, row in mine})
    seen = planes(boards(bits(mine)), boards(bits(theirs)))
    assert seen.shape == (1, 2, ROWS, COLUMNS)
    assert {(c, r) for r, c in np.argwhere(seen[0, 0]).tolist()} == mine
    assert {(c, r) for r, c in np.argwhere(seen[0, 1]).tolist()} == theirs


def test_a_full_board_is_a_draw() -> None:
    first, second = full_board()
    over, result = ended(boards(bits(first)), boards(bits(second)))
    assert (over.tolist(), result.tolist()) == ([True], [0])
    assert playable(BOARD) == 0
    assert playable(0) == BOTTOM


@settings(max_examples=20)
@given(games, st.integers(0, 2**32))
def test_the_greedy_player_wins_at_once_or_blocks(columns: list[int], seed: int) -> None:
    mine, theirs = played(columns)
    if wins(theirs) or len(mine | theirs) == SQUARES:
        return
    occupied = bits(mine | theirs)
    moves = playable(occupied)
    best = (
        moves & winning_squares(bits(mine), occupied)
        or moves & winning_squares(bits(theirs), occupied)
        or moves
    )
    position = boards(bits(mine)), boards(bits(theirs))
    (column,) = greedy_columns(*position, np.random.default_rng(seed))
    assert legal_columns(boards(best))[0, column]
    (column,) = random_columns(*position, np.random.default_rng(seed))
    assert legal_columns(boards(moves))[0, column]
    after = play(*position, np.array([column]))
    assert (int(after[0][0]), (int(after[1][0]) ^ bits(mine)).bit_count()) == (bits(theirs), 1)


def test_the_best_legal_column_is_any_of_several() -> None:
    scores = np.tile(np.array([9, 1, 3, 3, 0, 3, 2], dtype=np.float32), (200, 1))
    legal = np.tile(np.array([False, True, True, True, True, False, True]), (200, 1))
    assert set(best_columns(scores, legal, np.random.default_rng(0)).tolist()) == {2, 3}


def test_rollouts_count_the_plies_to_the_end() -> None:
    three = {(0, 0), (0, 1), (0, 2)}
    lost, drawn = bits(three | {(0, 3)}), full_board()
    mine = boards(0, bits(three), bits(drawn[0]))
    theirs = boards(lost, bits({(1, 0), (2, 0), (4, 0)}), bits(drawn[1]))
    found = rollouts(mine, theirs, 0.5, np.random.default_rng(0))
    assert found.tolist() == [-1, 0.5, 0]
