"""The wire format of Protocol Buffers, as far as logs use it (protobuf.dev/programming-guides/encoding)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

_EIGHT, _BYTES, _FOUR = 1, 2, 5
_SIZES: Final = {_EIGHT: 8, _FOUR: 4}
_LONGEST_NUMBER: Final = 70  # bits


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message by number: whole numbers as such, all else as its bytes.

    Raises:
        ValueError: it is torn, or no message.
    """
    at, end = 0, len(message)
    while at < end:
        if message[at] < 0x80:  # nearly every one: a call costs as much as all else here
            key, at = message[at], at + 1
        else:
            key, at = _number(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _number(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            if at < end and message[at] < 0x80:  # nearly every one
                size, at = message[at], at + 1
            else:
                size, at = _number(message, at)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise ValueError(f"wire type {kind}")
        if at + size > end:
            raise ValueError("torn")
        yield key >> 3, message[at : at + size]
        at += size


def signed(number: int | bytes) -> int:
    """A field of type int64: negative ones are written as two's complement."""
    if not isinstance(number, int):
        raise TypeError("not a whole number")
    return number - (1 << 64) if number >= 1 << 63 else number


def unzigzag(number: int | bytes) -> int:
    """A field of type sint64."""
    if not isinstance(number, int):
        raise TypeError("not a whole number")
    return (number >> 1) ^ -(number & 1)


def text(value: int | bytes) -> str:
    """A field of type string; one that is no UTF-8 is read all the same."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def inner(value: int | bytes) -> bytes:
    """A field that is a message of its own, or bytes."""
    if not isinstance(value, bytes):
        raise TypeError("not a message")
    return value


# --- writing ---------------------------------------------------------------------------------------------


def put_whole(number: int, value: int) -> bytes:
    """A field of a whole number or a truth: int64, uint64, bool, enum."""
    return varint(number << 3) + varint(value & ((1 << 64) - 1))


def put_double(number: int, value: float) -> bytes:
    """A field of type double."""
    return varint(number << 3 | _EIGHT) + struct.pack("<d", value)


def put_bytes(number: int, value: bytes) -> bytes:
    """A field that is bytes, or a message of its own."""
    return varint(number << 3 | _BYTES) + varint(len(value)) + value


def put_text(number: int, value: str) -> bytes:
    """A field of type string; half a character, which JSON can spell, becomes a question mark."""
    return put_bytes(number, value.encode(errors="replace"))


def varint(value: int) -> bytes:
    """A whole number, not negative, in as few bytes as it takes."""
    if value < 0x80:
        return bytes((value,))
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < _LONGEST_NUMBER:
        if at >= len(message):
            raise ValueError("torn")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), at
        shift += 7
    raise ValueError("a number of too many bytes")
