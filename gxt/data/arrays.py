"""numpy's files: shapes and dtypes from their headers, without numpy.

The formats: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import re
import struct
import zipfile
from pathlib import Path
from typing import IO, Final

from gxt.model.json_types import Json, JsonObject

_MAGIC: Final = b"\x93NUMPY"
_LONGEST_HEADER: Final = 10_000  # numpy reads none that is longer
_MOST_ARRAYS: Final = 100
_MOST_AXES: Final = 64
_MOST_MEMBERS: Final = 10_000
_LARGEST_LIST: Final = 4 << 20  # bytes of a zip's central directory
_END: Final = struct.Struct("<4s4H2IH")
_DTYPE: Final = re.compile(r"[<>|=]?([a-zA-Z])(\d{0,4})(\[[a-zA-Z0-9]+\])?", re.ASCII)
_KINDS: Final = {"f": "float", "i": "int", "u": "uint", "c": "complex"}
_WHOLE: Final = {"b": "bool", "O": "object"}


def describe_npy(path: Path) -> JsonObject:
    """Shape and dtype. Raises ValueError, SyntaxError, TypeError and the like where it is no npy file."""
    with path.open("rb") as file:
        return {"format": "npy", **_header(file)}


def describe_npz(path: Path) -> JsonObject:
    """Shape and dtype of each array; only the headers are unpacked. Raises as `describe_npy`."""
    _check_list(path)
    arrays: dict[str, Json] = {}
    with zipfile.ZipFile(path) as packed:
        names = [name for name in packed.namelist() if name.endswith(".npy")]
        for name in names[:_MOST_ARRAYS]:
            with packed.open(name) as member:
                arrays[name.removesuffix(".npy")[:200]] = _header(member)
    more: JsonObject = {"array_count": len(names)} if len(names) > _MOST_ARRAYS else {}
    return {"format": "npz", "arrays": arrays, **more}


def _check_list(path: Path) -> None:
    """Raise where a zip's list of members is larger than is worth reading; `zipfile` reads it whole."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END.size - 65536))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise ValueError("no zip file")
    count, list_bytes = _END.unpack_from(tail, at)[4:6]
    if count > _MOST_MEMBERS or list_bytes > _LARGEST_LIST:
        raise ValueError("too many members")


def _header(file: IO[bytes]) -> JsonObject:
    head = file.read(len(_MAGIC) + 2)
    if head[:-2] != _MAGIC or head[-2] not in (1, 2, 3):
        raise ValueError("not of numpy")
    form = "<H" if head[-2] == 1 else "<I"
    (length,) = struct.unpack(form, file.read(struct.calcsize(form)))
    if length > _LONGEST_HEADER:
        raise ValueError("too long a header")
    fields = ast.literal_eval(file.read(length).decode("utf-8" if head[-2] == 3 else "latin-1").strip())
    shape = fields["shape"]
    if not isinstance(shape, tuple) or len(shape) > _MOST_AXES:
        raise TypeError("no shape")
    if not all(type(one) is int and 0 <= one < 1 << 63 for one in shape):
        raise ValueError("no shape")
    return {"shape": [*shape], "dtype": _dtype(fields["descr"])}


def _dtype(descr: object) -> str:
    """`float32` for `<f4`; a record's fields as they are written."""
    found = _DTYPE.fullmatch(descr) if isinstance(descr, str) else None
    if found is None:
        return str(descr)[:200]
    kind, size, unit = found.groups()
    if kind in _KINDS and size:
        return f"{_KINDS[kind]}{int(size) * 8}"
    return _WHOLE.get(kind) or f"{kind}{size}{unit or ''}"
