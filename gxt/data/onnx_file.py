"""What an ONNX file says of itself: inputs, outputs, opset, parameters, and the files of its external data.

A reader of just these fields of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, in the encoding of
https://protobuf.dev/programming-guides/encoding/. Weights are skipped, never loaded: a model of gigabytes
takes milliseconds. The file may be anybody's: nothing in it is trusted, neither a length nor a path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gxt.model.artifacts import is_place
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple

_MOST_FIELDS: Final = 2_000_000
_MOST_TENSORS: Final = 100  # inputs or outputs that are listed
_MOST_AXES: Final = 32
_NAME: Final = 100
_LARGEST: Final = 1 << 63
_EXTERNAL: Final = 1
_PAGE_BYTES: Final = 4096
_COUNTED: Final = ("gxt.parameters", "gxt.params", "parameters")
# of TensorProto.DataType
_TYPES: Final = dict(
    enumerate(
        "float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 complex64 "
        "complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4".split(),
        1,
    )
)


class NotOnnxError(Exception):
    """The file is no ONNX model; the text says why."""


class Onnx(NamedTuple):
    """A model.

    Attributes:
        facts: `params`, `opset`, `inputs`, `outputs` [`{name, dtype, shape}`], `approximate`: the parameters
            were counted from the initializers, for nobody had written their number at the export.
        external: the files that hold weights, relative to the model's folder and inside of it.
    """

    facts: JsonObject
    external: tuple[str, ...]


class _Field(NamedTuple):
    """A field of a message: its number, and a number or the range of its bytes."""

    number: int
    value: int
    start: int = 0
    end: int = 0


def read_onnx(path: Path) -> Onnx:
    """What a model says of itself.

    Raises:
        NotOnnxError: it is none.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise NotOnnxError("it is empty")
        return _Reader(file.fileno(), size).model()


class _Reader:
    """Reads pages of a file: one that is mapped kills us where somebody cuts it off meanwhile."""

    def __init__(self, file: int, size: int) -> None:
        self._file = file
        self._size = size
        self._page = b""
        self._start = 0
        self._left = _MOST_FIELDS

    def model(self) -> Onnx:
        said: dict[str, str] = {}
        version, graph, opset = 0, None, None
        for field in self._fields(0, self._size):
            if field.number == 1:
                version = field.value
            elif field.number == 7:
                graph = field
            elif field.number == 8:
                opset = self._opset(field) or opset
            elif field.number == 14:
                said.update([self._entry(field)])
        if graph is None or not graph.end or not version:
            raise NotOnnxError("it has no graph")
        counted, inputs, outputs, external = self._graph(graph)
        written = next((int(said[key]) for key in _COUNTED if _is_count(said.get(key, ""))), None)
        facts: JsonObject = {
            "params": counted if written is None else written,
            "approximate": written is None,
            "opset": opset,
            "inputs": inputs,
            "outputs": outputs,
        }
        return Onnx(
            {key: value for key, value in facts.items() if value is not None}, tuple(dict.fromkeys(external))
        )

    def _graph(self, graph: _Field) -> tuple[int, list[Json], list[Json], list[str]]:
        """Parameters, inputs without those that are weights, outputs, external files."""
        counted, weights = 0, set[str]()
        inputs: list[JsonObject] = []
        outputs: list[Json] = []
        external: list[str] = []
        for field in self._fields(graph.start, graph.end):
            if field.number == 5:
                name, size, file = self._weight(field)
                weights.add(name)
                counted = min(counted + size, _LARGEST - 1)
                external += [file] if is_place(file) else []
            elif field.number == 11 and len(inputs) < _MOST_TENSORS + len(weights):
                inputs.append(self._tensor(field))
            elif field.number == 12 and len(outputs) < _MOST_TENSORS:
                outputs.append(self._tensor(field))
        own: list[Json] = [one for one in inputs if one["name"] not in weights]
        return counted, own[:_MOST_TENSORS], outputs, external

    def _weight(self, tensor: _Field) -> tuple[str, int, str]:
        """Name, number of elements, and the file that holds them or nothing."""
        name, size, file, place = "", 1, "", 0
        for field in self._fields(tensor.start, tensor.end):
            if field.number == 1:
                for axis in self._numbers(field):
                    size = min(size * max(axis, 0), _LARGEST)
            elif field.number == 8:
                name = self._text(field)
            elif field.number == 13:
                key, value = self._entry(field, most=4096)
                file = value if key == "location" else file
            elif field.number == 14:
                place = field.value
        return name, size, file if place == _EXTERNAL else ""

    def _tensor(self, about: _Field) -> JsonObject:
        """An input or an output."""
        name, kind, shape = "", None, None
        for field in self._fields(about.start, about.end):
            if field.number == 1:
                name = self._text(field)
            elif field.number == 2:
                for tensor in self._fields(field.start, field.end):
                    if tensor.number == 1:
                        kind, shape = self._tensor_type(tensor)
        return {"name": name, "dtype": kind, "shape": shape}

    def _tensor_type(self, about: _Field) -> tuple[str | None, list[Json] | None]:
        kind: str | None = None
        shape: list[Json] | None = None
        for field in self._fields(about.start, about.end):
            if field.number == 1 and not field.end:
                kind = _TYPES.get(field.value)
            elif field.number == 2:
                axes = [one for one in self._fields(field.start, field.end) if one.number == 1]
                shape = [self._axis(one) for one in axes[:_MOST_AXES]]
        return kind, shape

    def _axis(self, about: _Field) -> Json:
        """A length, the name of one that varies, or None."""
        for field in self._fields(about.start, about.end):
            if field.number == 1 and not field.end:
                return field.value if field.value < _LARGEST else None
            if field.number == 2:
                return self._text(field)
        return None

    def _opset(self, about: _Field) -> int | None:
        """The version of ONNX's own operators; other domains have theirs."""
        domain, version = "", None
        for field in self._fields(about.start, about.end):
            if field.number == 1:
                domain = self._text(field)
            elif field.number == 2 and field.value < _LARGEST:
                version = field.value
        return version if domain in ("", "ai.onnx") else None

    def _entry(self, about: _Field, most: int = _NAME) -> tuple[str, str]:
        """A key with its value."""
        texts = {1: "", 2: ""}
        for field in self._fields(about.start, about.end):
            if field.number in texts:
                texts[field.number] = self._text(field, most)
        return texts[1], texts[2]

    def _text(self, field: _Field, most: int = _NAME) -> str:
        size = min(field.end - field.start, most * 4)
        return os.pread(self._file, size, field.start).decode("utf-8", "replace")[:most]

    def _numbers(self, field: _Field) -> Iterator[int]:
        """A repeated number: one at a time, or all in one field."""
        if not field.end:
            yield field.value
        at = field.start
        while at < field.end:
            value, at = self._varint(at, field.end)
            yield value if value < _LARGEST else 0

    def _fields(self, start: int, end: int) -> Iterator[_Field]:
        """The fields of a message between two places in the file."""
        at = start
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise NotOnnxError("it has too many fields")
            tag, at = self._varint(at, end)
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                value, at = self._varint(at, end)
                yield _Field(number, value)
                continue
            if wire == 2:
                size, at = self._varint(at, end)
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
            else:
                raise NotOnnxError("it is no protobuf")
            if size > end - at or not number:
                raise NotOnnxError("it is cut off, or no protobuf")
            yield _Field(number, 0, at, at + size)
            at += size

    def _byte(self, at: int) -> int:
        if not 0 <= at - self._start < len(self._page):
            self._page, self._start = os.pread(self._file, _PAGE_BYTES, at), at
            if not self._page:
                raise NotOnnxError("it was cut off this moment")
        return self._page[at - self._start]

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while at < end and shift < 70:
            byte = self._byte(at)
            value |= (byte & 0x7F) << shift
            at += 1
            shift += 7
            if byte < 0x80:
                return value & ((1 << 64) - 1), at
        raise NotOnnxError("it is cut off, or no protobuf")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
