"""Tables within the width of a terminal. Pure: nothing here knows of colours or terminals.

Columns that may be cut are cut down to their floor, then those that may be left out are left out, then the
rest of the width goes back to what was cut. Ids and the main metric are neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gxt.render.clean import cells, clean, shortened
from gxt.render.view import Column, Line, Span, Table

GAP = 2
_LEAST = 4  # a cell with fewer characters says nothing


def rows_within(table: Table, width: int) -> Iterator[Line]:
    """The table line by line, cleaned and aligned, in at most `width` cells where its columns allow that."""
    columns = table.columns
    spans = [[c.span(cell) for c, cell in zip(columns, row, strict=True)] for row in table.rows]
    grid = [[Span(clean(span.text), span.style) for span in row] for row in spans]
    if table.head:
        grid.insert(0, [Span(clean(column.name), "dim") for column in columns])
    widest = [max((cells(row[i].text) for row in grid), default=0) for i in range(len(columns))]
    natural = [min(wide, column.most or wide) for wide, column in zip(widest, columns, strict=True)]
    widths = fitted(columns, natural, width - table.indent)
    kept = [i for i, one in enumerate(widths) if one]
    for row in grid:
        lines = _lines([row[i] for i in kept], [columns[i] for i in kept], [widths[i] for i in kept])
        yield from ([Span(" " * table.indent), *line] for line in lines)


def fitted(columns: Sequence[Column], natural: Sequence[int], width: int) -> list[int]:
    """The width of each column; 0 for one that is empty or left out.

    Args:
        columns: what may be cut, wrapped and left out.
        natural: the width of the widest cell of each, its header included.
        width: what there is for all of them and the gaps between them.
    """
    floors = [
        min(wide, column.floor) if column.cut or column.wrap else wide
        for column, wide in zip(columns, natural, strict=True)
    ]
    kept = {i for i, wide in enumerate(natural) if wide}
    while _total(floors, kept) > width and any(columns[i].drop for i in kept):
        kept.remove(max(kept, key=lambda i: (columns[i].drop, i)))
    if _total(floors, kept) > width:
        floors = [
            min(f, _LEAST) if c.cut and not c.right else f for c, f in zip(columns, floors, strict=True)
        ]
    widths = [floor if i in kept else 0 for i, floor in enumerate(floors)]
    for _ in range(width - _total(floors, kept)):
        starved = [i for i in sorted(kept) if widths[i] < natural[i]]
        if not starved:
            break
        widths[min(starved, key=lambda i: widths[i])] += 1
    return widths


def wrapped(text: str, width: int) -> list[str]:
    """The text in pieces of at most `width` cells (2 or more), cut between words where that is possible."""
    pieces: list[str] = []
    start = 0
    while True:
        end, left = start, width
        while end < len(text) and (wide := cells(text[end])) <= left:
            end, left = end + 1, left - wide
        if end == len(text):
            return [*pieces, text[start:]]
        space = end if text[end] == " " else text.rfind(" ", start + 1, end)
        end = space if space > start else max(end, start + 1)
        pieces.append(text[start:end])
        start = end + len(text[end:]) - len(text[end:].lstrip(" ")) if text[end] == " " else end


def _total(widths: Sequence[int], kept: set[int]) -> int:
    return sum(widths[i] for i in kept) + GAP * (len(kept) - 1)


def _lines(row: Sequence[Span], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[Line]:
    """One row: one line, or more where a cell is wrapped."""
    stacks = [_stack(span.text, c, wide) for span, c, wide in zip(row, columns, widths, strict=True)]
    for depth in range(max(map(len, stacks), default=1)):
        line: list[Span] = []
        for i, (span, stack, column, wide) in enumerate(zip(row, stacks, columns, widths, strict=True)):
            text = stack[depth] if depth < len(stack) else ""
            padding = " " * (wide - cells(text))
            line.append(Span((" " * GAP if i else "") + (padding if column.right else "")))
            line.append(Span(text, span.style))
            line.append(Span("" if column.right else padding))
        yield _without_end(line)


def _stack(text: str, column: Column, width: int) -> list[str]:
    if column.wrap:
        return wrapped(text, max(width, _LEAST))
    return [shortened(text, width, keep_end=column.tail)]


def _without_end(line: list[Span]) -> Line:
    """The line without its last padding."""
    while line and not line[-1].text.strip():
        line.pop()
    return [*line[:-1], Span(line[-1].text.rstrip(), line[-1].style)] if line else []
