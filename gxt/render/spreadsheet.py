"""The runs as a spreadsheet: CSV for every program, XLSX with a frozen header and colours by verdict.

A text that a spreadsheet would run as a formula stays text in both; numbers stay numbers.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from gxt.errors import GxtError
from gxt.model.codec import number_from_json, number_to_json
from gxt.model.fields import Missing
from gxt.model.json_types import Json
from gxt.model.run import metrics_of, title
from gxt.ops.export_table import Sheet, SheetRow
from gxt.render.clean import clean, one_line, shortened
from gxt.render.formats import to_csv
from gxt.render.values import scalar
from gxt.render.view import Column, Table

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_Value: TypeAlias = "str | int | float | datetime | None"

_BEFORE: Final = ("id", "name", "parent", "change")
_AFTER: Final = ("verdict", "status", "tags", "created", "duration_s")
_MOST_CELL: Final = 32_000  # Excel takes 32,767 characters
_WIDTHS: Final = {"id": 10, "name": 28, "parent": 10, "change": 48, "tags": 20, "created": 20}
_FILLS: Final = {"better": "C6EFCE", "worse": "FFC7CE", "same": "EDEDED"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_LARGEST_EXACT: Final = 10**15  # a cell holds fifteen digits


def columns(sheet: Sheet) -> list[str]:
    """The names of the columns."""
    return [*_BEFORE, *sheet.metrics, *_AFTER]


def csv_text(sheet: Sheet) -> str:
    """The sheet as CSV with exact values."""
    rows = [[_text(value) for value in _values(sheet, row)] for row in sheet.rows]
    return to_csv(Table([Column(name) for name in columns(sheet)], rows))


def _text(value: _Value) -> str:
    if isinstance(value, float):
        return repr(value)
    return "" if value is None else str(value)


def _values(sheet: Sheet, row: SheetRow) -> list[_Value]:
    run = row.run
    metrics = metrics_of(run)
    return [
        *(str(run["id"]), title(run), row.parent, change_text(row)),
        *(_number(metrics.get(name)) for name in sheet.metrics),
        *(row.verdict or "", str(run["status"]), ", ".join(map(str, cast("list[Json]", run["tags"])))),
        *(str(run["created"] or ""), _number(run["duration_s"])),
    ]


def change_text(row: SheetRow) -> str:
    """The essence of the change: the parameters that differ from the parent's."""
    if row.changed is None:
        return ""
    return "; ".join(f"{key}: {_side(old)} → {_side(new)}" for key, (old, new) in row.changed.items())


def _side(value: Json | Missing) -> str:
    return "none" if isinstance(value, Missing) else shortened(one_line(scalar(value)), 200)


def _number(value: Json) -> _Value:
    """A number as a cell holds it; what is not finite as the words of JSON."""
    known = number_from_json(value)
    if known is None:
        return None
    return known if isfinite(known) else str(number_to_json(known))


# --- XLSX ------------------------------------------------------------------------------------------------


def xlsx_bytes(sheet: Sheet) -> bytes:
    """The sheet as a workbook.

    Raises:
        GxtError: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter
    except ImportError as error:
        raise GxtError("a workbook needs openpyxl", hint="pip install 'gxt[xlsx]'") from error
    book = Workbook()
    page = cast("Worksheet", book.active)
    page.title = "runs"
    names = columns(sheet)
    for at, name in enumerate(names, 1):
        _put(page.cell(1, at), name)
        page.cell(1, at).font = Font(bold=True)
        page.column_dimensions[get_column_letter(at)].width = _WIDTHS.get(name, max(12, min(len(name), 30)))
    for number, row in enumerate(sheet.rows, 2):
        for at, value in enumerate(_values(sheet, row), 1):
            _put(page.cell(number, at), _time(value) if names[at - 1] == "created" else value)
        _colour(page, number, row, names, sheet)
    page.freeze_panes = "C2"
    page.auto_filter.ref = f"A1:{get_column_letter(len(names))}{len(sheet.rows) + 1}"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _put(cell: Cell, value: _Value) -> None:
    if isinstance(value, int) and abs(value) >= _LARGEST_EXACT:
        value = str(value)
    if not isinstance(value, str):
        cell.value = value
        return
    cell.value = clean_cell(value)
    cell.data_type = "s"  # never a formula, whatever it begins with
    if value.lstrip(" ").startswith(_FORMULA):
        cell.quotePrefix = True  # nor when somebody edits it


def clean_cell(text: str) -> str:
    """A text without what no workbook can hold, and not too long for a cell."""
    return "\n".join(map(clean, text.split("\n")))[:_MOST_CELL]


def _time(value: _Value) -> _Value:
    """A time as a cell holds it, in UTC."""
    return datetime.fromisoformat(value[:19]) if isinstance(value, str) and value else value


def _colour(page: Worksheet, number: int, row: SheetRow, names: Sequence[str], sheet: Sheet) -> None:
    """The verdict's colour, on it and on the main metric."""
    from openpyxl.styles import PatternFill

    colour = _FILLS.get(row.verdict or "")
    if colour is None:
        return
    shown = {"verdict", sheet.main.name if sheet.main else ""}
    for at, name in enumerate(names, 1):
        if name in shown:
            page.cell(number, at).fill = PatternFill("solid", start_color=colour)
