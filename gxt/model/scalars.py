"""What one word of a command line means: a number, true, null, a list, or just text. Nothing is evaluated.

The types are those that YAML and argparse users expect. Not for files and `--set`: those are read as YAML is.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gxt.model.json_types import Json

MAX_NESTING: Final = 32
MAX_INT_DIGITS: Final = 300
"""Longer integers stay text: 300 digits is what a double can span, 4,300 is where Python refuses."""

_WORDS: Final[dict[str, Json]] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}
_SPECIAL_FLOATS: Final = frozenset({"nan", "inf", "infinity", ".nan", ".inf"})
_FLOAT_CHARS: Final = frozenset("0123456789.eE+-")
_STRINGS: Final = json.JSONDecoder(strict=False)


class _NotACollection(ValueError):
    """The text only looks like a list, a mapping or a quoted string."""


def parse_scalar(text: str) -> Json:
    """The value that the word stands for.

    `3`, `-3` are integers; `0.1`, `.5`, `1e-3`, `nan`, `inf` floats; `true/True/false/False` booleans;
    `null/None` null; `[1, adam]` and `{a: 1}` lists and mappings (the quotes of their words may be left out);
    `"0.1"` or `'0.1'` the text in the quotes. `007`, `1_000`, `0x1f`, `yes` and all else stay text, as do
    integers of more than 300 digits, floats beyond the range of a double, and nesting deeper than 32.
    """
    if text in _WORDS:
        return _WORDS[text]
    number = _number(text)
    if number is not None:
        return number
    if text[:1] in ("[", "{", '"', "'"):
        try:
            value, end = _value(text, 0, 0)
        except _NotACollection:
            return clean_text(text)
        if not text[end:].strip():
            return value
    return clean_text(text)


def clean_text(text: str) -> str:
    r"""The text without lone surrogates, which no UTF-8 document can hold: `\udcff` written out."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _number(word: str) -> int | float | None:
    body = word[1:] if word[:1] in ("+", "-") else word
    if body.lower() in _SPECIAL_FLOATS:
        return float(word.replace(".", ""))
    if not body or body[0] in "+-eE" or not _FLOAT_CHARS.issuperset(body):
        return None
    if body[0] == "0" and body[1:2].isdigit():  # 007 names something: an agent, a day, a shard
        return None
    if body.isdigit():
        return int(word) if len(body) <= MAX_INT_DIGITS else None
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _value(text: str, at: int, depth: int) -> tuple[Json, int]:
    """The value at `at` and the position after it."""
    char = text[at : at + 1]
    if char in ("[", "{") and depth >= MAX_NESTING:
        raise _NotACollection
    if char == "[":
        return _list(text, at, depth)
    if char == "{":
        return _mapping(text, at, depth)
    if char in ('"', "'"):
        return _quoted(text, at)
    word, end = _bare(text, at, ",]}")
    return _WORDS[word] if word in _WORDS else _number_or_text(word), end


def _number_or_text(word: str) -> Json:
    number = _number(word)
    return clean_text(word) if number is None else number


def _list(text: str, at: int, depth: int) -> tuple[list[Json], int]:
    items: list[Json] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        item, at = _value(text, at, depth + 1)
        items.append(item)
        at = _after_item(text, at, "]")
    return items, at + 1


def _mapping(text: str, at: int, depth: int) -> tuple[dict[str, Json], int]:
    pairs: dict[str, Json] = {}
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = _quoted(text, at) if text[at : at + 1] in ('"', "'") else _bare(text, at, ":,}")
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise _NotACollection
        pairs[key], at = _value(text, _skip(text, at + 1), depth + 1)
        at = _after_item(text, at, "}")
    return pairs, at + 1


def _after_item(text: str, at: int, closing: str) -> int:
    """The position of the next item or of the closing bracket."""
    at = _skip(text, at)
    char = text[at : at + 1]
    if char == ",":
        return _skip(text, at + 1)
    if char != closing:
        raise _NotACollection
    return at


def _quoted(text: str, at: int) -> tuple[str, int]:
    if text[at] == '"':
        try:
            value, end = _STRINGS.raw_decode(text, at)
        except ValueError as error:
            raise _NotACollection from error
        return clean_text(str(value)), end
    end = text.find("'", at + 1)
    while end != -1 and text[end + 1 : end + 2] == "'":  # YAML writes a quote in quotes as two
        end = text.find("'", end + 2)
    if end == -1:
        raise _NotACollection
    return clean_text(text[at + 1 : end].replace("''", "'")), end + 1


def _bare(text: str, at: int, stops: str) -> tuple[str, int]:
    """The unquoted word up to one of the stops, and the position of that stop."""
    end = at
    while end < len(text) and text[end] not in stops:
        if text[end] in "[{()\"'":  # `[f(1, 2)]`, `[a[0]]`: nothing a plain list of words holds
            raise _NotACollection
        end += 1
    word = text[at:end].strip()
    if not word or end == len(text):
        raise _NotACollection
    return word, end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
