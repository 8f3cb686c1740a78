"""A view for a terminal: colours, and tables fitted to its width. The only place that writes escapes."""

from __future__ import annotations

import os

from gxt.render.clean import clean
from gxt.render.fitting import rows_within
from gxt.render.view import Line, Style, Table, View

# Select Graphic Rendition (ECMA-48): the eight colours that every terminal lets its user choose.
_CODES: dict[Style, str] = {
    "": "",
    "id": "36",
    "title": "1",
    "dim": "2",
    "good": "32",
    "bad": "31",
    "unsure": "33",
    "head": "1;4",
    "line0": "36",
    "line1": "33",
    "line2": "35",
    "line3": "32",
    "line4": "34",
    "line5": "31",
}
_DEFAULT_WIDTH = 80


def render(view: View, *, width: int, colours: bool) -> str:
    """The view as text that ends with a newline.

    Tables keep to the width; other long lines are the terminal's to wrap, so that they are whole when copied.

    Args:
        view: what to show.
        width: of the terminal, in cells.
        colours: whether it understands escapes and its user wants them.
    """
    lines = []
    for part in view:
        rows = rows_within(part, width) if isinstance(part, Table) else [part]
        lines += ["".join(_painted(row, colours=colours)) for row in rows]
    return "".join(f"{text}\n" for text in lines)


def painted(text: str, style: Style, *, colours: bool) -> str:
    """Cleaned text in its colour."""
    shown = clean(text)
    return f"\x1b[{_CODES[style]}m{shown}\x1b[0m" if colours and _CODES[style] and shown else shown


def wants_colours() -> bool:
    """Whether the user's environment allows colours: https://no-color.org, and terminals that have none."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_of(descriptor: int) -> int:
    """The width of a terminal in cells: `COLUMNS` if that is set, as for other programs."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and len(columns) <= 6 and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(descriptor).columns or _DEFAULT_WIDTH
    except OSError:
        return _DEFAULT_WIDTH


def _painted(row: Line, *, colours: bool) -> list[str]:
    return [painted(span.text, span.style, colours=colours) for span in row]
