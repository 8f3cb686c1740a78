"""Tables for other programs: CSV for a spreadsheet, Markdown and HTML for a page, LaTeX for a paper."""

from __future__ import annotations

import csv
import html
import io
import re

from gxt.render.clean import clean
from gxt.render.view import Cell, Table, text_of

_FORMULA = ("=", "+", "-", "@")
_LATEX = {
    "\\": r"\textbackslash{}",
    **{c: f"\\{c}" for c in "{}$&#_%"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # after a line's end it would open an option
    "*": "{*}",  # and this would be part of it
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "→": r"$\to$",
}


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


def to_latex(table: Table) -> str:
    """A tabular for the package booktabs; what is good is bold, nothing acts."""
    sides = "".join("r" if column.right else "l" for column in table.columns)
    head = [_latex(column.name) for column in table.columns]
    rows = [[_latex_cell(cell) for cell in row] for row in table.rows]
    lines = [rf"\begin{{tabular}}{{{sides}}}", r"\toprule", _latex_row(head), r"\midrule"]
    lines += [*map(_latex_row, rows), r"\bottomrule", r"\end{tabular}"]
    return "".join(f"{line}\n" for line in lines)


def _latex_row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex_cell(cell: Cell) -> str:
    text = _latex(text_of(cell))
    return rf"\textbf{{{text}}}" if _is_good(cell) and text else text


def _latex(text: str) -> str:
    """A text as LaTeX prints it; the sign of a number is a minus."""
    shown = clean(text)
    if shown.startswith("-") and _is_number(shown.split(" ")[0]):
        return "$-$" + _latex(shown[1:])
    # two of these would be one character: a dash, a quotation mark
    return re.sub(r"(?<=([-'`]))(?=\1)", "{}", "".join(_LATEX.get(c, c) for c in shown))


def to_html(table: Table) -> str:
    """A table element in ASCII, for a page in any encoding; what is good is strong, nothing acts."""
    sides = [' style="text-align: right"' if column.right else "" for column in table.columns]
    head = [f"<th{side}>{_html(column.name)}</th>" for column, side in zip(table.columns, sides, strict=True)]
    lines = ["<table>", "<thead>", f"<tr>{''.join(head)}</tr>", "</thead>", "<tbody>"]
    for row in table.rows:
        cells = [f"<td{side}>{_html_cell(cell)}</td>" for cell, side in zip(row, sides, strict=True)]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "".join(f"{line}\n" for line in (*lines, "</tbody>", "</table>"))


def _html_cell(cell: Cell) -> str:
    text = _html(text_of(cell))
    return f"<strong>{text}</strong>" if _is_good(cell) and text else text


def _html(text: str) -> str:
    return html.escape(clean(text)).encode("ascii", "xmlcharrefreplace").decode()


def _is_good(cell: Cell) -> bool:
    return not isinstance(cell, str) and cell.style == "good"


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
