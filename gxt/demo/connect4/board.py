"""The rules of Connect Four on bitboards: one Python integer for a game, an array of uint64 for many at once.

A set of squares is a number of 49 bits, seven for each column, bottom first; the seventh row is always empty,
so that no line goes on from the top of a column into the next. A position is two sets: the stones of the
player to move, and those of the other. The layout and the test for four in a row are John Tromp's
(https://tromp.github.io/c4/c4.html).
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Bitboards = NDArray[np.uint64]
Bits = TypeVar("Bits", int, NDArray[Any])  # Bitboards: for numpy's types, uint64 with an int is signed

COLUMNS: Final = 7
ROWS: Final = 6
SQUARES: Final = COLUMNS * ROWS
_STRIDE: Final = ROWS + 1  # bits of a column

_COLUMN: Final = (1 << ROWS) - 1
BOTTOM: Final = sum(1 << _STRIDE * column for column in range(COLUMNS))
BOARD: Final = BOTTOM * _COLUMN
COLUMN_MASKS: Final = tuple(_COLUMN << _STRIDE * column for column in range(COLUMNS))
_COLUMN_BITS: Final = np.array(COLUMN_MASKS, dtype=np.uint64)
_SQUARE_BITS: Final = np.array(
    [[1 << _STRIDE * column + row for column in range(COLUMNS)] for row in range(ROWS)], dtype=np.uint64
)
_DIRECTIONS: Final = (_STRIDE - 1, _STRIDE, _STRIDE + 1)  # down to the right, level, up to the right


def lines_of_four(stones: Bits) -> Bits:
    """Where a line of four begins; zero where there is none."""
    pairs = stones & (stones >> 1)
    found: Bits = pairs & (pairs >> 2)
    for step in _DIRECTIONS:
        pairs = stones & (stones >> step)
        found = found | (pairs & (pairs >> 2 * step))
    return found


def playable(occupied: Bits) -> Bits:
    """The lowest empty square of each column that is not full."""
    return ((occupied << 1) | BOTTOM) & (occupied ^ BOARD)


def winning_squares(stones: Bits, occupied: Bits) -> Bits:
    """The empty squares, playable now or later, with which the stones make four in a row."""
    found = (stones << 1) & (stones << 2) & (stones << 3)
    for step in _DIRECTIONS:
        after = (stones << step) & (stones << 2 * step)  # two stones before the square
        found = found | (after & (stones << 3 * step)) | (after & (stones >> step))
        before = (stones >> step) & (stones >> 2 * step)
        found = found | (before & (stones >> 3 * step)) | (before & (stones << step))
    return found & (occupied ^ BOARD)


def mirrored(stones: Bits) -> Bits:
    """The same stones seen from behind: the first column becomes the last."""
    found = stones & COLUMN_MASKS[COLUMNS // 2]
    for column in range(COLUMNS // 2):
        shift = _STRIDE * (COLUMNS - 1 - 2 * column)
        found = found | ((stones & COLUMN_MASKS[column]) << shift)
        found = found | ((stones & COLUMN_MASKS[COLUMNS - 1 - column]) >> shift)
    return found


def legal_columns(moves: Bitboards) -> NDArray[np.bool_]:
    """From sets with at most one square a column (N) to whether each column has one (N, 7)."""
    squares: Bitboards = moves[:, None] & _COLUMN_BITS
    return squares.astype(np.bool_)


def squares_of(moves: Bitboards, columns: NDArray[np.int64]) -> Bitboards:
    """The one square of each set (N) that lies in the chosen column (N)."""
    return moves & _COLUMN_BITS[columns]


def planes(mine: Bitboards, theirs: Bitboards) -> NDArray[np.float32]:
    """What networks see: 0 and 1 of shape (N, 2, 6, 7), own stones before the other's, bottom row first."""
    squares: Bitboards = np.stack([mine, theirs], axis=1)[:, :, None, None] & _SQUARE_BITS
    return squares.astype(np.bool_).astype(np.float32)
