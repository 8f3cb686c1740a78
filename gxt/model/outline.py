"""Long curves in few numbers, without numpy: the rows that draw them, and the means of what lies between."""

from __future__ import annotations

from itertools import pairwise
from math import fsum, isfinite
from typing import TYPE_CHECKING

from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS_OF_A_STRETCH = 5
"""How many rows of a stretch are kept at most."""


class Outline(NamedTuple):
    """A curve of many rows in few.

    Attributes:
        rows: those that draw it, in their order.
        means: of each stretch its middle row, how many finite values it has, and their mean; stretches
            without any are left out. Empty where all rows are kept.
    """

    rows: list[int]
    means: list[tuple[int, int, float]]


def outline(values: Sequence[float], stretches: int) -> Outline:
    """The rows of a curve that draw it: all of them where there are few.

    Of each stretch of rows the first, the last, the lowest and the highest finite one (M4 of U. Jugel, Z.
    Jerzak, G. Hackenbroich and V. Markl, PVLDB 7, 2014, by rows), and the first that is not finite, so that a
    gap stays a gap. No spike is lost: every lowest and highest value is there.

    Args:
        values: in their order.
        stretches: how many, of about equal length; at most `ROWS_OF_A_STRETCH` rows of each are kept.
    """
    count = len(values)
    if count <= ROWS_OF_A_STRETCH * stretches:
        return Outline(list(range(count)), [])
    rows: list[int] = []
    means: list[tuple[int, int, float]] = []
    for start, stop in pairwise(at * count // stretches for at in range(stretches + 1)):
        stretch = values[start:stop]
        kept = {0, len(stretch) - 1}
        finite = stretch
        if not isfinite(sum(stretch)):  # a sum may overflow where no value does: then this costs time alone
            finite = [value for value in stretch if isfinite(value)]
            kept |= set([at for at, value in enumerate(stretch) if not isfinite(value)][:1])
        if finite:
            kept |= {stretch.index(min(finite)), stretch.index(max(finite))}
            mean = fsum(value / len(finite) for value in finite)  # never beyond what a double holds
            means.append((start + len(stretch) // 2, len(finite), mean))
        rows += sorted(start + at for at in kept)
    return Outline(rows, means)
