"""What a run's data holds, in words."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.model.datasets import description_of
from gxt.model.json_types import Json, JsonObject
from gxt.render.clean import one_line
from gxt.render.values import size
from gxt.render.view import Column, Span, Table

_CLASSES = 4
_ARRAYS = 3
_PARTS = 2


def facts(entry: JsonObject) -> str:
    """`1,200 rows, 5 columns, label: cat 700, dog 500; 1.2 MiB`: what is known, on one line."""
    holds = one_line(", ".join(filter(None, _parts(description_of(entry)))))
    return "; ".join(filter(None, (holds, _amount(entry))))


def data_table(entries: Sequence[JsonObject]) -> Table:
    """Datasets, a row each."""
    columns = [
        Column("", cut=True, tail=True, floor=16),
        Column("", cut=True, floor=16),
        Column("", drop=1),
        Column("", cut=True, drop=2),
    ]
    rows = [
        [
            Span(one_line(str(entry["path"]))),
            Span(facts(entry)),
            Span(str(entry.get("md5") or "")[:8], "dim"),
            Span(one_line(_whence(entry)), "dim"),
        ]
        for entry in entries
    ]
    return Table(columns, rows, head=False, indent=2)


def _whence(entry: JsonObject) -> str:
    """Who keeps it, and where."""
    tracked, source = str(entry.get("tracked") or ""), str(entry.get("source") or "")
    return tracked if source == tracked else " ".join(filter(None, (tracked, source)))


def _amount(entry: JsonObject) -> str:
    files = entry.get("files")
    counted = f"{files:,} file{'' if files == 1 else 's'}" if isinstance(files, int) else ""
    state = "not here" if entry.get("missing") else "" if entry.get("md5") else "not hashed"
    return ", ".join(filter(None, (size(entry.get("size")), counted, state)))


def _parts(description: JsonObject) -> list[str]:
    rows, columns = description.get("rows"), description.get("columns")
    is_images = description.get("format") == "images"
    parts = []
    if isinstance(rows, int):
        unit = "image" if is_images else "row"
        about = "about " if description.get("approximate") else ""
        parts.append(f"{about}{rows:,} {unit}{'' if rows == 1 else 's'}")
    if isinstance(columns, list):
        count = description.get("column_count", len(columns))
        parts.append(f"{count:,} column{'' if count == 1 else 's'}" if isinstance(count, int) else "")
    if "shape" in description:
        parts.append(_array(description))
    files = _object(description.get("parts"))
    parts += [f"{name}: {''.join(_parts(_object(one))[:1])}" for name, one in list(files.items())[:_PARTS]]
    if len(files) > _PARTS:
        parts.append(f"and {len(files) - _PARTS} files more")
    arrays = _object(description.get("arrays"))
    parts += [f"{name} {_array(_object(one))}" for name, one in list(arrays.items())[:_ARRAYS]]
    if len(arrays) > _ARRAYS:
        parts.append(f"and {len(arrays) - _ARRAYS} arrays more")
    return [
        *parts,
        *(_counts(name, _object(one)) for name, one in _object(description.get("classes")).items()),
    ]


def _array(array: JsonObject) -> str:
    """`float32 60000×28×28`."""
    shape = array.get("shape")
    axes = "×".join(map(str, shape)) if isinstance(shape, list) else ""
    return f"{array.get('dtype') or ''} {axes or 'scalar'}".strip()


def _counts(name: str, classes: JsonObject) -> str:
    if len(classes) > _CLASSES:
        return f"{name}: {len(classes)} classes"
    return f"{name}: {', '.join(f'{one} {_number(count)}' for one, count in classes.items())}"


def _number(count: Json) -> str:
    return f"{count:,}" if isinstance(count, int) else str(count)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
