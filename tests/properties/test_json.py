"""The parser for many documents reads what the standard library reads, and refuses what it refuses."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gxt.model.codec import Parser
from gxt.model.json_types import Json

NUMBERS = st.one_of(
    st.integers(),
    st.integers(min_value=-(10**400), max_value=10**400),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(st.characters())),  # lone surrogates among them
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=8,
)
# Numbers as nobody writes them, and pieces of JSON that do not fit together.
PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [*'{}[],:"\\ \t\n+-.eE019', '"a"', '"\\ud800"', "null", "NaN", "Infinity", "1e999", "\x00"]
        ),
        st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
    ),
    max_size=12,
)


def outcome(many: int, data: bytes) -> str:
    """What the parser makes of it, to the type and the last bit; or that it refuses it."""
    try:
        parsed: Json = Parser(many).parse(data)
    except (ValueError, RecursionError):
        return "refused"
    return repr(parsed)


@given(VALUES, st.booleans())
def test_documents_are_read_alike(value: Json, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert outcome(1, data) == outcome(2, data) == repr(value)


@given(PIECES)
def test_what_is_hardly_json_is_judged_alike(pieces: list[str]) -> None:
    for text in ("".join(pieces), f'{{"a": {"".join(pieces)}}}'):
        assert outcome(1, text.encode()) == outcome(2, text.encode())


@given(VALUES)
def test_compact_json_is_read_back(value: Json) -> None:
    parser = Parser(1)
    parser.parse(b"{}")
    assert repr(json.loads(parser.compact(value))) == repr(value)


@given(st.binary(max_size=20))
def test_bytes_are_judged_alike(data: bytes) -> None:
    assert outcome(1, data) == outcome(2, data)
