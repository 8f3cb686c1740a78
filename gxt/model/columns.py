"""Columns of numbers as compact bytes, and back bit for bit: the codec under `gxt.model.series`.

A column is laid out in byte planes (byte 0 of every number, then byte 1 of every number, …) and deflated:
the planes of signs, exponents and counters shrink to almost nothing, the random low bytes are stored as
they are. Where it helps, differences of neighbours are stored instead of the numbers, zigzag-coded
(0, -1, 1, -2 … become 0, 1, 2, 3 …) so that small ones of either sign have high planes of zeros.

A column is described by a small JSON object, `{"as": FORM, "bytes": SIZE}`. The forms:

- `delta`: int64, differences (for steps and times);
- `float64`: IEEE doubles; `float64-delta`: differences of their bit patterns, read as int64;
- `float32`: IEEE singles, when every value is one; `float32-delta`: differences of their patterns as int32;
- `decimal` with `"scale": k`: differences of the int64 n, where each value is n / 10**k; -(2**53) is -0.0.

All of it is little-endian; differences wrap around in the width of their integer, the first one is taken
from zero. What columns belong together, and names, are not known here. Nothing here needs numpy: this
runs while a run is sealed.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from itertools import accumulate, chain, repeat
from math import copysign
from operator import mul, sub, truediv
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from gxt.errors import DOCTOR, DamagedRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from gxt.model.json_types import Json, JsonObject

Ints: TypeAlias = "array[int]"
Floats: TypeAlias = "array[float]"
Numbers = TypeVar("Numbers", "array[int]", "array[float]")
Packed: TypeAlias = "tuple[JsonObject, bytes]"

MAX_ROWS = 1_000_000_000
STRETCH = 2048  # rows; forms are compared on three stretches of a long column
MINUS_ZERO = -(2**53)  # what rounding makes of small negative values; other n lie within +-(2**53 - 1)
MAX_SCALE = 9  # decimal places; 10**9 and 2**53 keep n / 10**k one correctly rounded division
PROBE = 64  # values that reject a decimal scale before a whole column is scaled


# --- writing ---------------------------------------------------------------------------------------------


def encode_ints(values: Ints) -> Packed:
    """The description and the bytes of an int64 column (an `array('q')`)."""
    return _packed("delta", _differences(values, array("Q")))


def encode_floats(values: Floats) -> Packed:
    """The description and the bytes of a column of doubles (an `array('d')`), in the smallest form.

    The forms are compared on the whole of a short column and on stretches of a long one; a form that
    would lose a bit of any value is never taken.
    """
    looked_at = sample(values)
    tried = [(form, form(looked_at)) for form in _FLOAT_FORMS]
    ranked = sorted(
        ((len(packed[1]), position) for position, (_, packed) in enumerate(tried) if packed is not None)
    )
    for _, position in ranked:
        form, packed = tried[position]
        found = packed if looked_at is values else form(values)
        if found is not None:
            return found
    return _float64(values)


def sample(values: Numbers) -> Numbers:
    """The column itself when it is short, else three stretches of it: its start, its middle, its end."""
    if len(values) <= 3 * STRETCH:
        return values
    middle = (len(values) - STRETCH) // 2
    return values[:STRETCH] + values[middle : middle + STRETCH] + values[-STRETCH:]


def _float64(values: Floats) -> Packed:
    return _packed("float64", values)


def _float64_delta(values: Floats) -> Packed:
    return _packed("float64-delta", _differences(_recast(values, array("q")), array("Q")))


def _float32(values: Floats) -> Packed | None:
    singles = _exact_singles(values)
    return None if singles is None else _packed("float32", singles)


def _float32_delta(values: Floats) -> Packed | None:
    singles = _exact_singles(values)
    if singles is None:
        return None
    return _packed("float32-delta", _differences(_recast(singles, array("i")), array("I")))


def _decimal(values: Floats) -> Packed | None:
    probe = values[:: max(1, len(values) // PROBE)]
    for scale in range(MAX_SCALE + 1):
        if _scaled(probe, scale) is None:
            continue
        scaled = _scaled(values, scale)
        if scaled is not None:
            return _packed("decimal", _differences(scaled, array("Q")), scale=scale)
    return None


_FLOAT_FORMS: tuple[Callable[[Floats], Packed | None], ...] = (
    _decimal,
    _float32_delta,
    _float32,
    _float64_delta,
    _float64,
)


def _exact_singles(values: Floats) -> Floats | None:
    """The column as singles, or None when a bit of any value would be lost."""
    singles = array("f", values)
    return singles if array("d", singles).tobytes() == values.tobytes() else None


def _scaled(values: Floats, scale: int) -> Ints | None:
    """The integers n with value = n / 10**scale exactly, or None: NaN and infinities have none."""
    try:
        scaled = array("q", map(round, map(mul, values, repeat(10.0**scale))))
    except (ValueError, OverflowError):
        return None
    if scaled and not MINUS_ZERO < min(scaled) <= max(scaled) < -MINUS_ZERO:
        return None
    back = array("d", map(truediv, scaled, repeat(10.0**scale)))
    if back != values:
        return None
    if back.tobytes() == values.tobytes():
        return scaled
    return array(
        "q",
        [n or (0 if copysign(1, value) > 0 else MINUS_ZERO) for n, value in zip(scaled, values, strict=True)],
    )


def _unscaled(scaled: Ints, scale: int) -> Floats:
    values = array("d", map(truediv, scaled, repeat(10.0**scale)))
    if MINUS_ZERO in scaled:
        return array(
            "d", [value if n != MINUS_ZERO else -0.0 for n, value in zip(scaled, values, strict=True)]
        )
    return values


def _differences(values: Ints, into: Ints) -> Ints:
    """The zigzag-coded differences of neighbours, appended to an empty unsigned array of the same width."""
    try:
        steps = map(sub, values, chain((0,), values))
        into.fromlist([step + step if step >= 0 else ~(step + step) for step in steps])
    except OverflowError:  # a difference that needs one more bit (fromlist kept nothing): wrap it around
        half = 1 << (8 * values.itemsize - 1)
        steps = map(sub, values, chain((0,), values))
        wrapped = [((step + half) & (2 * half - 1)) - half for step in steps]
        into.fromlist([step + step if step >= 0 else ~(step + step) for step in wrapped])
    return into


def _packed(form: str, numbers: Numbers, **parameters: Json) -> Packed:
    raw, width = _little_endian(numbers).tobytes(), numbers.itemsize
    body = zlib.compress(b"".join([raw[plane::width] for plane in range(width)]), 6)
    return {"as": form, **parameters, "bytes": len(body)}, body


# --- reading ---------------------------------------------------------------------------------------------


def decode_ints(column: JsonObject, body: bytes, rows: int) -> Ints:
    """The int64 column of that many rows.

    Raises:
        DamagedRecord: the description or the bytes are not those of such a column.
    """
    if column.get("as") != "delta":
        raise damaged(f"a step or time column has the form {column.get('as')!r}")
    return _int64(body, rows)


def decode_floats(column: JsonObject, body: bytes, rows: int) -> Floats:
    """The column of doubles of that many rows.

    Raises:
        DamagedRecord: the description or the bytes are not those of such a column.
    """
    match column.get("as"):
        case "float64":
            return _unpacked(body, rows, array("d"))
        case "float64-delta":
            return _recast(_int64(body, rows), array("d"))
        case "float32":
            return array("d", _unpacked(body, rows, array("f")))
        case "float32-delta":
            return array("d", _recast(_int32(body, rows), array("f")))
        case "decimal":
            scale = whole_number(column.get("scale"), "a decimal scale", most=MAX_SCALE)
            return _unscaled(_int64(body, rows), scale)
        case form:
            raise damaged(f"a value column has the unknown form {form!r}")


def whole_number(value: Json, what: str, *, most: int) -> int:
    """The value, when it is an integer from 0 to `most`; DamagedRecord otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise damaged(f"{what} is not a whole number up to {most}")
    return value


def damaged(reason: str) -> DamagedRecord:
    """The error for a series object that cannot be read."""
    return DamagedRecord(f"a series object cannot be read: {reason}", hint=DOCTOR)


def _int64(body: bytes, rows: int) -> Ints:
    return _summed(_unpacked(body, rows, array("Q")), array("q"))


def _int32(body: bytes, rows: int) -> Ints:
    return _summed(_unpacked(body, rows, array("I")), array("i"))


def _unpacked(body: bytes, rows: int, into: Numbers) -> Numbers:
    """The numbers of a body, in an empty array; never inflates more than the rows declared."""
    width = into.itemsize
    inflater = zlib.decompressobj()
    try:
        # One byte more than declared: enough to see that there is more, and 0 would mean "no limit".
        planes = inflater.decompress(body, rows * width + 1)
    except zlib.error as error:
        raise damaged("a column is not compressed data") from error
    if len(planes) != rows * width or not inflater.eof or inflater.unused_data:
        raise damaged(f"a column does not hold its {rows} rows")
    raw = bytearray(len(planes))
    for plane in range(width):
        raw[plane::width] = planes[plane * rows : (plane + 1) * rows]
    into.frombytes(raw)
    return _little_endian(into)


def _summed(codes: Ints, signed: Ints) -> Ints:
    """The integers whose zigzag-coded differences these are, in an empty signed array of the same width."""
    try:
        signed.extend(accumulate((code >> 1) ^ -(code & 1) for code in codes))
    except OverflowError:  # differences that were wrapped around
        mask = (1 << (8 * codes.itemsize)) - 1
        sums = accumulate((code >> 1) ^ -(code & 1) for code in codes)
        wrapped = array(codes.typecode, (total & mask for total in sums))
        return _recast(wrapped, signed[:0])
    return signed


# --- both ------------------------------------------------------------------------------------------------


def _recast(numbers: array[int] | array[float], into: Numbers) -> Numbers:
    """The same bits as numbers of another type of the same width, in an empty array."""
    into.frombytes(numbers.tobytes())
    return into


def _little_endian(numbers: Numbers) -> Numbers:
    """Native numbers as little-endian ones, or back; the same array where there is no difference."""
    if sys.byteorder == "little":
        return numbers
    swapped = numbers[:]
    swapped.byteswap()
    return swapped
