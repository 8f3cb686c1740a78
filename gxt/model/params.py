"""Parameters as nested JSON objects: from whatever a script or a file holds, merged, flattened and compared.

Pure values: reading and editing files is `gxt.capture.params_files`, hiding credentials `gxt.model.secrets`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date, time
from enum import Enum
from itertools import islice
from os import PathLike, fsdecode
from typing import Any, Final, TypeAlias, cast

from gxt.errors import InvalidParams, QueryError
from gxt.model.codec import number_to_json
from gxt.model.fields import MISSING, Missing, is_word, scan_name
from gxt.model.flags import from_command
from gxt.model.json_types import Json, JsonObject
from gxt.model.scalars import clean_text, parse_scalar

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "MISSING",
    "Difference",
    "Missing",
    "difference",
    "flatten",
    "from_command",
    "join_keys",
    "key_text",
    "merge",
    "normalise",
    "parse_scalar",
    "split_keys",
    "top_level",
]

MAX_DEPTH: Final = 64
MAX_NODES: Final = 100_000
MAX_TEXT: Final = 8 << 20
"""Characters in all texts together: one large text that a YAML file names 100,000 times is one object in
memory and 100,000 copies in a document."""

_NAME_HINT: Final = 'write for example model.dim or model["a.b"]'
_MAX_ARRAY: Final = 1024
_MAX_INT_BITS: Final = 1024
_MAX_DESCRIPTION: Final = 4096
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NAMESPACES: Final = frozenset({("argparse", "Namespace"), ("types", "SimpleNamespace")})

# What the methods of a foreign object may raise when it is only asked to describe itself.
_FOREIGN_FAILURES: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

Difference: TypeAlias = "dict[str, tuple[Json | Missing, Json | Missing]]"


def merge(*objects: JsonObject) -> JsonObject:
    """One object with the keys of all; a later value wins, objects are merged key by key, lists are replaced.

    The result shares lists with the arguments, but no object.

    Raises:
        InvalidParams: nested deeper than 64.
    """
    merged: JsonObject = {}
    for one in objects:
        _merge_into(merged, one, 1)
    return merged


def _merge_into(target: JsonObject, source: JsonObject, depth: int) -> None:
    _check_depth(depth)
    for key, value in source.items():
        if not isinstance(value, dict):
            target[key] = value
            continue
        inner = target.get(key)
        if not isinstance(inner, dict):
            inner = target[key] = {}
        _merge_into(inner, value, depth + 1)


def flatten(params: JsonObject) -> dict[str, Json]:
    """The leaves by their dotted names, in order; lists and empty objects are leaves.

    A name is what `--where` takes after `params.`: a key that is no plain word is quoted, `a["b.c"]`.

    Raises:
        InvalidParams: nested deeper than 64.
    """
    flat: dict[str, Json] = {}
    _flatten_into(flat, "", params, 1)
    return flat


def _flatten_into(flat: dict[str, Json], prefix: str, params: JsonObject, depth: int) -> None:
    _check_depth(depth)
    for key, value in params.items():
        name = _joined(prefix, key)
        if isinstance(value, dict) and value:
            _flatten_into(flat, name, value, depth + 1)
        else:
            flat[name] = value


def join_keys(keys: Iterable[str]) -> str:
    """The dotted name of a nested key: `model.dim`, `a["b.c"]`. The inverse of `split_keys`."""
    name = ""
    for key in keys:
        name = _joined(name, key)
    return name


def split_keys(name: str) -> tuple[str, ...]:
    """The keys in a dotted name; one without dots, brackets and quotes may stand unquoted (`weight-decay`).

    Raises:
        InvalidParams: a key is missing, or a bracket or a quote is not closed.
    """
    try:
        keys, end = scan_name(name, 0, len(name), _may_stand_unquoted)
    except QueryError as error:
        raise InvalidParams(f"{name!r} is no parameter: {error.message}", hint=_NAME_HINT) from error
    if name.startswith("["):
        keys = keys[1:]
    if end < len(name) or not name or name.startswith("."):
        raise InvalidParams(f"{name!r} is no parameter", hint=_NAME_HINT)
    return keys


def _joined(prefix: str, key: str) -> str:
    if key and all(map(is_word, key)):
        return f"{prefix}.{key}" if prefix else key
    quoted = "".join(_ESCAPES.get(char, char) for char in key)
    return f'{prefix}["{quoted}"]'


def _may_stand_unquoted(char: str) -> bool:
    return char not in ".[]\"'"


def difference(a: JsonObject, b: JsonObject) -> Difference:
    """What differs, by dotted name, in the order of `a` and then of what only `b` has.

    A side that lacks the name has `MISSING`, which is not null. 1 equals 1.0 but not true.

    Raises:
        InvalidParams: nested deeper than 64.
    """
    left, right = flatten(a), flatten(b)
    found: Difference = {}
    for name in (*left, *(name for name in right if name not in left)):
        one, other = left.get(name, MISSING), right.get(name, MISSING)
        if not _same(one, other, 1):
            found[name] = (one, other)
    return found


def _same(a: Json | Missing, b: Json | Missing, depth: int) -> bool:
    _check_depth(depth)
    if isinstance(a, list):
        if not isinstance(b, list) or len(a) != len(b):
            return False
        return all(_same(one, other, depth + 1) for one, other in zip(a, b, strict=True))
    if isinstance(a, dict):
        if not isinstance(b, dict) or a.keys() != b.keys():
            return False
        return all(_same(value, b[key], depth + 1) for key, value in a.items())
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidParams(
            f"the parameters are nested deeper than {MAX_DEPTH}", hint="record a smaller part of them"
        )


def normalise(value: object) -> Json:
    """The value as JSON with its type kept, whatever a script's config or a file's loader holds.

    Mappings, dataclasses, `argparse.Namespace` and named tuples become objects; sequences and sets (sorted)
    lists; paths, dates and devices text; numpy and torch scalars numbers, their arrays of at most 1,024
    numbers lists; an enumeration its value where that is text or it is a number itself, else its name;
    classes and functions their qualified name. NaN and infinities become "NaN", "Infinity", "-Infinity".
    Anything else is its `str()`, without the address in memory. Never raises for an odd object.

    Raises:
        InvalidParams: nested deeper than 64 (a cycle is), more than 100,000 values, or texts of over 8 MiB in
            all. A YAML bomb ends here.
    """
    return _Normaliser().json_of(value, 0)


def top_level(value: object) -> dict[str, Any]:
    """What a config holds by name, its values untouched; one without names has the name `config`."""
    if value is None:
        return {}
    try:
        plain = _plain(value)
    except _FOREIGN_FAILURES:
        plain = None
    if not isinstance(plain, dict):
        return {"config": value}
    return {key_text(key): item for key, item in plain.items()}


def key_text(key: object) -> str:
    """A key of a mapping as JSON writes it: true, null, 1 become text."""
    if isinstance(key, Enum):
        key = _enum_value(key)
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    return clean_text(str.__str__(key) if isinstance(key, str) else _description(key))


class _Normaliser:
    """One pass over a value, with what it has spent of its allowance."""

    def __init__(self) -> None:
        self._nodes = 0
        self._characters = 0

    def json_of(self, value: object, depth: int) -> Json:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise InvalidParams(
                f"the parameters are too large: more than {MAX_NODES} values",
                hint="record a part of them, and large tables as data",
            )
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Enum):
            return self.json_of(_enum_value(value), depth)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return int(value) if value.bit_length() <= _MAX_INT_BITS else self._text(hex(value))
        if isinstance(value, float):
            return number_to_json(float(value))
        return self._foreign(value, depth)

    def _foreign(self, value: object, depth: int) -> Json:
        try:
            plain = _plain(value)
        except _FOREIGN_FAILURES:
            plain = _description(value)
        if isinstance(plain, dict):
            self._check_depth(depth)
            return {self._text(key_text(key)): self.json_of(item, depth + 1) for key, item in plain.items()}
        if isinstance(plain, list):
            self._check_depth(depth)
            items = [self.json_of(item, depth + 1) for item in plain]
            return sorted(items, key=_order) if isinstance(value, Set) else items
        return self.json_of(plain, depth)

    def _check_depth(self, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise InvalidParams(
                f"the parameters are nested too deep: more than {MAX_DEPTH} levels, or in a circle",
                hint="record a smaller part of them",
            )

    def _text(self, text: str) -> str:
        self._characters += len(text)
        if self._characters > MAX_TEXT:
            raise InvalidParams(
                f"the parameters are too large: more than {MAX_TEXT >> 20} MiB of text",
                hint="record a part of them, and large tables as data",
            )
        return clean_text(str.__str__(text))


def _plain(value: object) -> object:
    """One step towards JSON: the value as a dict, a list, a text or a number; its items are as they were."""
    if isinstance(value, Mapping) or _is_mapping_like(value):
        mapping = cast("Mapping[object, object]", value)
        # OmegaConf lists a mandatory value that is still missing, raises for it, and denies to contain it.
        return {key: mapping[key] for key in mapping.keys() if key in mapping}  # noqa: SIM118
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return {name: getattr(value, name) for name in fields if hasattr(value, name)}
    if any((base.__module__, base.__qualname__) in _NAMESPACES for base in type(value).__mro__):
        return vars(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, range):
        return str(value)
    if isinstance(value, (Sequence, Set)):
        return list(islice(value, MAX_NODES + 1))
    if isinstance(value, PathLike):
        return fsdecode(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    return _array(value)


def _array(value: object) -> object:
    """A numpy or torch value by its protocol: `.item()` of a scalar, `.tolist()` of a small array."""
    shape, item, tolist = (getattr(value, name, None) for name in ("shape", "item", "tolist"))
    if isinstance(value, type) or not isinstance(shape, tuple) or not callable(item):
        return _description(value)
    if shape == ():
        scalar = item()
        return scalar if isinstance(scalar, (bool, int, float, str)) else _description(scalar)
    size = 1
    for length in shape:
        size *= length
    return tolist() if callable(tolist) and size <= _MAX_ARRAY else _description(value)


def _is_mapping_like(value: object) -> bool:
    """Whether it has a mapping's protocol without the name (ml_collections); a table of data has a shape."""
    if isinstance(value, type) or hasattr(value, "shape"):
        return False
    return all(callable(getattr(value, name, None)) for name in ("keys", "items", "__getitem__"))


def _enum_value(member: Enum) -> object:
    value = member.value
    if isinstance(value, str) or (isinstance(member, (int, float)) and isinstance(value, (int, float))):
        return value
    return member.name


def _description(value: object) -> str:
    """What an object says of itself, the same in every process: no addresses, at most 4,096 characters."""
    try:
        if callable(value) and isinstance(name := getattr(value, "__qualname__", None), str):
            return f"{getattr(value, '__module__', None) or 'builtins'}.{name}"
        text = str(value)
    except _FOREIGN_FAILURES:
        text = f"<{type(value).__qualname__}>"
    if " at 0x" in text:
        import re

        text = re.sub(r" at 0x[0-9a-fA-F]+", "", text)
    return text[:_MAX_DESCRIPTION]


def _order(item: Json) -> tuple[str, str]:
    return type(item).__name__, item if isinstance(item, str) else json.dumps(item, sort_keys=True)
