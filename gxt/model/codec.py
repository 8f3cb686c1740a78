"""Documents as bytes: JSON that every reader accepts, and one loader that never raises anything odd."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from gxt.errors import DOCTOR, DamagedRecord, NewerFormat
from gxt.model.json_types import Json, JsonObject

FORMAT = 1
MAX_DOCUMENT_BYTES = 64 << 20
MAX_DOCUMENT_DEPTH = 100  # parameters may have 64 levels of their own
MANY_DOCUMENTS = 1000  # read by one process: from here on a faster parser is worth its loading
YEAR_10000_US = 253_402_300_800 * 1_000_000
_COMPACT = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def dump_document(document: JsonObject) -> bytes:
    """A document as people and plain git read it: indented UTF-8, ASCII only where a name is not Unicode."""
    try:
        return (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:  # a file name with bytes that are not UTF-8 arrives as lone surrogates
        return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def compact_json(value: Json) -> str:
    """JSON in few characters, for finite numbers; what only gxt reads again."""
    return _PARSER.compact(value)


def load_document(data: bytes, what: str) -> JsonObject:
    """The JSON object in a stored document.

    Raises:
        DamagedRecord: too large, too deep, not JSON, or not an object.
        NewerFormat: written by a gxt of a newer major format.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DamagedRecord(f"{what} has {len(data)} bytes: more than gxt reads", hint="gxt show another run")
    try:
        document = _PARSER.parse(data)
    except ValueError as error:
        raise DamagedRecord(f"{what} is not valid JSON: {error}", hint=DOCTOR) from error
    except RecursionError as error:
        raise DamagedRecord(f"{what} is nested too deep", hint=DOCTOR) from error
    if not isinstance(document, dict):
        raise DamagedRecord(f"{what} is not a JSON object", hint=DOCTOR)
    if data.count(b"{") + data.count(b"[") > MAX_DOCUMENT_DEPTH and is_deeper(document, MAX_DOCUMENT_DEPTH):
        raise DamagedRecord(f"{what} is nested too deep", hint=DOCTOR)
    version = document.get("gxt", FORMAT)
    if version != FORMAT:
        raise NewerFormat(what, str(version))
    return document


def repeats_a_key(data: bytes, document: JsonObject) -> bool:
    """Whether JSON has a key twice in one object: of such a document readers take different halves."""
    # each key has its colon: written again there are as many, unless a key was there twice; the text of a
    # value may hold some as well, which are the same ones unless they hide behind an escape
    if b"\\u00" not in data and data.count(b":") == compact_json(document).count(":"):
        return False
    repeated = False

    def pairs(found: list[tuple[str, Json]]) -> JsonObject:
        nonlocal repeated
        made = dict(found)
        repeated = repeated or len(made) < len(found)
        return made

    json.loads(data.decode("utf-8", "surrogatepass"), object_pairs_hook=pairs)
    return repeated


def _parsed(data: bytes) -> Json:
    text = data.decode("utf-8", "surrogatepass")
    parsed: Json = (_CAREFUL if _may_be_huge(data) else _DECODER).decode(text)
    return parsed


class Parser:
    """Parses with the standard library, and from a number of documents on with msgspec.

    That takes a quarter of the time, and to load it as long as to parse a thousand documents without it. It
    refuses infinite numbers and lone surrogates, and reads all else alike; what it refuses, the standard
    library judges.
    """

    def __init__(self, many: int = MANY_DOCUMENTS) -> None:
        self._left = many
        self.parse = self._parse_one
        self.compact: Callable[[Json], str] = _COMPACT

    def _parse_one(self, data: bytes) -> Json:
        self._left -= 1
        if self._left > 0:
            return _parsed(data)
        self._change()
        return self.parse(data)

    def _change(self) -> None:
        from msgspec import MsgspecError
        from msgspec.json import Decoder, Encoder

        decode, encode = Decoder().decode, Encoder().encode

        def parse(data: bytes) -> Json:
            try:
                document: Json = decode(data)
            except (MsgspecError, ValueError, RecursionError):
                return _parsed(data)
            return document

        def compact(value: Json) -> str:
            try:
                return encode(value).decode()
            except (MsgspecError, ValueError, OverflowError):
                return _COMPACT(value)

        self.parse, self.compact = parse, compact


def is_deeper(value: Json, levels: int) -> bool:
    """Whether lists and objects are nested more than so many levels deep; without recursion."""
    level = [value]
    for _ in range(levels + 1):
        level = [
            inner
            for one in level
            if isinstance(one, (list, dict))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _finite(text: str) -> float:
    """A number of a document: JSON knows neither NaN nor infinity, and 1e999 is one in disguise."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number that JSON can hold")
    return value


_DECODER = json.JSONDecoder(parse_constant=_finite)
_CAREFUL = json.JSONDecoder(
    parse_float=_finite, parse_constant=_finite
)  # a call for each number: twice the time
# Two patterns that begin with a letter are found fast: one that begins with [eE] takes thrice the time.
_EXPONENTS = (re.compile(rb"e\+?\d{3,}[\s,\]}]"), re.compile(rb"E\+?\d{3,}[\s,\]}]"))
_STRIDE = 25
_DIGITS = re.compile(rb"\d{8}")


def _may_be_huge(data: bytes) -> bool:
    """Whether a number may leave the range of doubles: its exponent has three digits, or it has 200 itself.

    So many digits in a row are eight among the bytes at every 25th place, which are soon looked through.
    """
    return any(one.search(data) for one in _EXPONENTS) or _DIGITS.search(data[::_STRIDE]) is not None


def number_to_json(value: float) -> Json:
    """A number for strict JSON: NaN and the infinities as the words that JavaScript uses for them."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def number_from_json(value: Json) -> float | None:
    """The number behind `number_to_json`; None for what is no number."""
    if isinstance(value, str):
        return _SPECIAL.get(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value


def double_from_json(value: Json) -> float | None:
    """The same as a double: a whole number that none can hold is infinite."""
    number = number_from_json(value)
    try:
        return None if number is None else float(number)
    except OverflowError:
        return math.inf if number is not None and number > 0 else -math.inf


def time_to_json(at_us: int) -> str:
    """Microseconds since the Unix epoch as ISO 8601 in UTC: `2026-11-20T23:51:00.123456Z`."""
    return (_EPOCH + timedelta(microseconds=at_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_PARSER = Parser()
