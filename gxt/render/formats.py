"""Tables for other programs: CSV for a spreadsheet, Markdown for a page."""

from __future__ import annotations

import csv
import io

from gxt.render.clean import clean
from gxt.render.view import Table, text_of

_FORMULA = ("=", "+", "-", "@")


def to_csv(table: Table) -> str:
    """RFC 4180, rows ended by a newline; cells with newlines are quoted.

    A cell that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if table.head:
        writer.writerow([_cell(column.name) for column in table.columns])
    writer.writerows([_cell(text_of(cell)) for cell in row] for row in table.rows)
    return out.getvalue()


def to_markdown(table: Table) -> str:
    """A GitHub-flavoured table."""
    names = [escaped(column.name) for column in table.columns]
    rules = ["---:" if column.right else "---" for column in table.columns]
    rows = [[escaped(text_of(cell)) for cell in row] for row in table.rows]
    return "".join("| " + " | ".join(row) + " |\n" for row in (names, rules, *rows))


def _cell(text: str) -> str:
    shown = "\n".join("\t".join(map(clean, line.split("\t"))) for line in text.split("\n"))
    if (shown.startswith("\t") or shown.lstrip().startswith(_FORMULA)) and not _is_number(shown):
        return f"'{shown}"
    return shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def escaped(text: str) -> str:
    """A text in which nothing acts as Markdown or HTML."""
    return "".join(f"\\{c}" if c in "|`<[*_\\" else c for c in clean(text))
