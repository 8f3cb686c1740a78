"""A view for a terminal: colours, and tables cut to its width. The only place where rich is met."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text

from gxt.render.clean import clean
from gxt.render.view import Span, Table, View

_STYLES = {
    "": Style.null(),
    "id": Style(color="cyan"),
    "title": Style(bold=True),
    "dim": Style(dim=True),
    "good": Style(color="green"),
    "bad": Style(color="red"),
    "unsure": Style(color="yellow"),
    "head": Style(bold=True, underline=True),
}


def show(view: View) -> None:
    """Print the view on stdout; NO_COLOR and TERM=dumb are respected."""
    # what comes from a repository is never read as rich markup: only Text is printed
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=False)
    for part in view:
        if isinstance(part, Table):
            console.print(_table(part))
        else:
            console.print(_text(*part), overflow="ellipsis", no_wrap=False)


def _text(*spans: Span) -> Text:
    text = Text()
    for span in spans:
        text.append(clean(span.text), _STYLES[span.style])
    return text


def _table(table: Table) -> RichTable:
    drawn = RichTable(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in table.columns:
        drawn.add_column(
            Text(clean(column.name)),
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=None,
            min_width=None if column.cut else min(12, len(column.name)),
        )
    for row in table.rows:
        drawn.add_row(*(_text(span) for span in row))
    return drawn
