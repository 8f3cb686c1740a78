"""What is shown, before anybody knows where: lines of styled spans, and tables of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from gxt.named_tuple import NamedTuple

Style = Literal[
    "",
    "id",
    "title",
    "dim",
    "good",
    "bad",
    "unsure",
    "head",
    "line0",
    "line1",
    "line2",
    "line3",
    "line4",
    "line5",
]


class Span(NamedTuple):
    """A piece of text with the role that it plays."""

    text: str
    style: Style = ""


Line: TypeAlias = Sequence[Span]
Cell: TypeAlias = "str | Span"  # plain text takes its column's style: 10,000 rows are not 90,000 spans


class Column(NamedTuple):
    """A column of a table. `cut` to `drop` matter only where a terminal is too narrow.

    Attributes:
        name: its header.
        right: aligns numbers.
        cut: its cells may be shortened, but not below `floor` characters while another column can give way.
        tail: a shortened cell keeps its end, which tells more in `eval/group_3/accuracy`.
        wrap: its cells go on below themselves.
        floor: the width that a column which may be shortened keeps.
        drop: columns may be left out, the highest first; 0 never.
        most: the width that it takes at most; wider cells are cut on a terminal and stick out in a pipe: one
            long title must not push aside what follows it in every row.
        style: of the cells that have none of their own.
    """

    name: str
    right: bool = False
    cut: bool = False
    tail: bool = False
    wrap: bool = False
    floor: int = 8
    drop: int = 0
    most: int | None = None
    style: Style = ""

    def span(self, cell: Cell) -> Span:
        """A cell of this column with its style."""
        return Span(cell, self.style) if isinstance(cell, str) else cell


class Table(NamedTuple):
    """Rows of cells, below the names of the columns unless `head` is False; all of it indented."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    head: bool = True
    indent: int = 0


View: TypeAlias = "Sequence[Line | Table]"


def text_of(cell: Cell) -> str:
    """What a cell says."""
    return cell if isinstance(cell, str) else cell.text


def line(*parts: str | Span) -> Line:
    """A line; plain text has no style."""
    return [Span(part) if isinstance(part, str) else part for part in parts]


def pairs(rows: Sequence[tuple[str, str | Span]]) -> Table:
    """Labels with what they say, indented; long texts go on below themselves."""
    cells = [[Span(label, "dim"), Span(text) if isinstance(text, str) else text] for label, text in rows]
    return Table([Column(""), Column("", wrap=True)], cells, head=False, indent=2)
