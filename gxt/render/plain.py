"""A view for a pipe: aligned, uncut, uncoloured."""

from __future__ import annotations

from gxt.render.clean import clean
from gxt.render.view import Table, View


def render(view: View) -> str:
    """The view as text that ends with a newline; empty for an empty view."""
    lines: list[str] = []
    for part in view:
        if isinstance(part, Table):
            lines += table_lines(part)
        else:
            lines.append("".join(clean(span.text) for span in part).rstrip())
    return "".join(f"{text}\n" for text in lines)


def table_lines(table: Table) -> list[str]:
    """Columns padded to their widest cell, two spaces between them."""
    cells = [[clean(span.text) for span in row] for row in table.rows]
    grid = [[column.name for column in table.columns], *cells]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    pads = [str.rjust if column.right else str.ljust for column in table.columns]
    return [
        "  ".join([pad(text, width) for pad, text, width in zip(pads, row, widths, strict=True)]).rstrip()
        for row in grid
    ]
