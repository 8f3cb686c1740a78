"""Documents as bytes: what is written, what is refused, numbers and times that JSON does not have."""

from __future__ import annotations

import json
from math import inf, isnan, nan

import pytest

from gxt.errors import DamagedRecord, GxtError, NewerFormat
from gxt.model.codec import (
    MANY_DOCUMENTS,
    MAX_DOCUMENT_BYTES,
    Parser,
    dump_document,
    load_document,
    number_from_json,
    number_to_json,
    repeats_a_key,
    time_to_json,
)
from gxt.model.json_types import Json, JsonObject


@pytest.fixture(autouse=True, params=[MANY_DOCUMENTS, 1], ids=["one of few", "one of many"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gxt.model.codec._PARSER", Parser(many=request.param))


@pytest.mark.parametrize(
    ("document", "data"),
    [
        ({}, b"{}\n"),
        ({"gxt": 1, "name": "größer"}, '{\n "gxt": 1,\n "name": "größer"\n}\n'.encode()),
        ({"path": "a\udcff"}, b'{\n "path": "a\\udcff"\n}\n'),
    ],
)
def test_a_document_is_indented_utf8_and_comes_back(document: JsonObject, data: bytes) -> None:
    assert dump_document(document) == data
    assert load_document(data, "it") == document


def test_a_document_never_holds_what_json_does_not_have() -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        dump_document({"loss": nan})


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", DamagedRecord, "run.json is not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"[1]", DamagedRecord, "run.json is not a JSON object"),
        (b"null", DamagedRecord, "run.json is not a JSON object"),
        (b'{"gxt": 2}', NewerFormat, None),
        (b'{"gxt": "1"}', NewerFormat, None),
        (b'{"a": "\xff"}', DamagedRecord, None),
        (b"[" * 100_000, DamagedRecord, None),
        (b" " * (MAX_DOCUMENT_BYTES + 1), DamagedRecord, "run.json has 67108865 bytes: more than gxt reads"),
    ],
    ids=["empty", "a list", "null", "newer", "odd version", "no utf-8", "too deep", "too large"],
)
def test_what_is_no_document_is_refused(data: bytes, kind: type[GxtError], message: str | None) -> None:
    with pytest.raises(kind) as refused:
        load_document(data, "run.json")
    assert message in (None, refused.value.message)


@pytest.mark.parametrize(
    "number",
    ["1e999", "1E999", "-1e+400", "1e0000309", f"{'1' * 250}e99", f"{'1' * 400}.0", f"0.{'0' * 80}1e999"],
    ids=lambda number: f"{number[:12]} of {len(number)}",
)
@pytest.mark.parametrize("form", ['{"a":%s}', '{"a": %s\n}', '{"uid": "x", "a": [%s, 1]}'])
def test_a_number_beyond_doubles_is_refused(form: str, number: str) -> None:
    with pytest.raises(DamagedRecord) as refused:
        load_document((form % number).encode(), "run.json")
    what = f"{number[:20]} is no number that JSON can hold"
    assert refused.value.message == f"run.json is not valid JSON: {what}"


@pytest.mark.parametrize("number", ["1e99", "1E+0099", "1e-999", "1e308", "1" * 400])
def test_a_large_number_that_fits_is_taken(number: str) -> None:
    assert load_document(f'{{"a":{number}}}'.encode(), "run.json") == {"a": json.loads(number)}


@pytest.mark.parametrize(
    ("value", "json"), [(1.5, 1.5), (-0.0, -0.0), (inf, "Infinity"), (-inf, "-Infinity"), (nan, "NaN")]
)
def test_numbers_that_json_does_not_have_are_words(value: float, json: Json) -> None:
    assert number_to_json(value) == json
    back = number_from_json(json)
    assert back is not None
    assert back == value or (isnan(back) and isnan(value))


@pytest.mark.parametrize("value", [None, True, False, "nan", "1.5", [], {}])
def test_what_is_no_number(value: Json) -> None:
    assert number_from_json(value) is None


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_795_222_623_256_841, "2026-11-21T00:57:03.256841Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_have_microseconds_and_are_utc(at_us: int, text: str) -> None:
    assert time_to_json(at_us) == text


@pytest.mark.parametrize(
    ("data", "repeats"),
    [
        (b'{"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]}', False),
        (b'{"a": 1, "b": 2, "a": 1}', True),
        (b'{"b": [{"a": ":", "a" : 1}]}', True),
        (b'{"a": "x", "\\u0061": "y"}', True),
        (b'{"a": "\\u003a\\u003A", "a": "y"}', True),
        (b'{"a": "\\u003a\\u003A\\u00e9 \\":\\": ", "b:": "::"}', False),
        (b'{"a": "\\ud800", "b": 1e5, "c": 123456789012345678901234567890}', False),
        (b"{}", False),
    ],
)
def test_a_key_that_is_there_twice_is_found(data: bytes, repeats: bool) -> None:
    assert repeats_a_key(data, load_document(data, "it")) is repeats
