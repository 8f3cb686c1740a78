"""A view for a pipe: aligned, uncut, uncoloured."""

from __future__ import annotations

from gxt.render.clean import cells, clean
from gxt.render.view import Column, Table, View


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
    """Columns padded to their widest cell, two spaces between them; columns without anything left out.

    Cells wider than the most that their column takes stick out.
    """
    names = [[column.name] if table.head else [] for column in table.columns]
    by_column = zip(*table.rows, strict=True) if table.rows else [()] * len(names)
    padded = [
        _padded(name + [c if isinstance(c, str) else c.text for c in cells_], column)
        for column, name, cells_ in zip(table.columns, names, by_column, strict=True)
    ]
    indent = " " * table.indent
    return [(indent + row).rstrip() for row in map("  ".join, zip(*filter(None, padded), strict=True))]


def _padded(texts: list[str], column: Column) -> list[str]:
    """The cleaned cells of one column, equally wide; nothing for a column that is empty."""
    together = "".join(texts)
    if together.isascii() and (together.isprintable() or not together):
        width = min(max(map(len, texts), default=0), column.most or len(together))
        pad = str.rjust if column.right else str.ljust
        return [pad(text, width) for text in texts] if width else []
    cleaned = [clean(text) for text in texts]
    width = max(map(cells, cleaned))
    width = min(width, column.most or width)
    spaces = [" " * (width - cells(text)) for text in cleaned]
    return [s + text if column.right else text + s for text, s in zip(cleaned, spaces, strict=True)]
