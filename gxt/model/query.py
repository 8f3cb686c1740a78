"""The language of `--where`: a text becomes a predicate over runs, without ever being evaluated as Python.

    metrics.val_acc > 0.9 and params.model.type in ['cnn', 'mlp'] and 'baseline' in tags

A scanner and a recursive descent written out, because an error has to point at its place and name the remedy,
and because Python's own parser changes its messages and warnings from version to version. The text is
compiled to closures once; a run is its JSON object. The names themselves are `gxt.model.fields`'s part.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final, TypeAlias

from gxt.errors import QueryError
from gxt.model import fields
from gxt.model.fields import MISSING, Field, Missing, Reader
from gxt.model.names import Asked
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gxt.model.json_types import Json

Predicate: TypeAlias = "Callable[[Mapping[str, Json]], bool]"
Test: TypeAlias = "Callable[[Json, Json], bool]"

MAX_NESTING: Final = 100
_WINDOW: Final = 100
_WORDS: Final[Mapping[str, Json]] = {"true": True, "false": False, "none": None, "null": None}
_KEYWORDS: Final = frozenset({"and", "or", "not", "in"})
_INSTEAD: Final = {
    **dict.fromkeys(("=", "===", "is"), "=="),
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    **dict.fromkeys(("&&", "&"), "and"),
    **dict.fromkeys(("||", "|"), "or"),
    **dict.fromkeys(("!", "~"), "not"),
    **dict.fromkeys("“”‘’", "plain quotes: 'text'"),
}
_EXAMPLE: Final = "write for example metrics.val_acc > 0.9"


def parse_where(text: str, reading: Callable[[Field], Reader] = fields.number_reader) -> Predicate:
    """The predicate that a `--where` text describes.

    A comparison with a missing value is false, whatever the operator. Values of different kinds are unequal
    and have no order; true and false are no numbers; a metric stored as "NaN" or "Infinity" is that number.

    Args:
        text: the condition.
        reading: how a field is read. The predicate takes what the readers take: a run, if not said otherwise.

    Raises:
        QueryError: the text is no condition; its position and hint say where and what to write.
    """
    fields.check_length(text)
    if not text.strip():
        raise QueryError("the condition is empty", text=text, position=0, hint=_EXAMPLE)
    return _Parser(text, reading).whole()


def asked_names(text: str) -> list[Asked]:
    """The names in a `--where` text; raises as `parse_where`."""
    parser = _Parser(text, fields.number_reader)
    parser.whole()
    return parser.names


def point_at(error: QueryError) -> str:
    """Two lines: the text of the error, at most 100 characters of it, and a caret under the place."""
    shown = "".join(char if char.isprintable() else " " for char in error.text)
    start = max(0, min(error.position - _WINDOW // 2, len(shown) - _WINDOW))
    window = shown[start : start + _WINDOW]
    if start > 0:
        window = "…" + window[1:]
    if start + _WINDOW < len(shown):
        window = window[:-1] + "…"
    return f"{window}\n{' ' * (error.position - start)}^"


class _Token(NamedTuple):
    """A word of the text. Its kind is `value`, `name`, `end`, or the operator, keyword or bracket itself."""

    kind: str
    text: str
    position: int
    end: int
    value: Json = None
    keys: tuple[str, ...] = ()


class _Operand(NamedTuple):
    """Something that can be compared; `literal` is MISSING when it is a name."""

    position: int
    read: Reader
    literal: Json | Missing


class _Condition(NamedTuple):
    position: int
    test: Predicate


class _Parser:
    """Recursive descent, one token ahead, so that the leftmost mistake is the one reported."""

    def __init__(self, text: str, reading: Callable[[Field], Reader]) -> None:
        self._text = text
        self._reading = reading
        self._nesting = 0
        self._token = _scan(text, 0)
        self.names: list[Asked] = []

    def whole(self) -> Predicate:
        node = self._either()
        if self._token.kind != "end":
            raise self._unexpected("join comparisons with and, or")
        return self._test(node)

    def _either(self) -> _Operand | _Condition:
        first = self._both()
        if self._token.kind != "or":
            return first
        tests = [self._test(first)]
        while self._accept("or"):
            tests.append(self._test(self._both()))
        return _Condition(first.position, _some(tests))

    def _both(self) -> _Operand | _Condition:
        first = self._negated()
        if self._token.kind != "and":
            return first
        tests = [self._test(first)]
        while self._accept("and"):
            tests.append(self._test(self._negated()))
        return _Condition(first.position, _every(tests))

    def _negated(self) -> _Operand | _Condition:
        position, count = self._token.position, 0
        while self._accept("not"):
            count += 1
        node = self._compared()
        if not count:
            return node
        test = self._test(node)
        return _Condition(position, (lambda run: not test(run)) if count % 2 else test)

    def _compared(self) -> _Operand | _Condition:
        node = self._operand()
        position, tests = node.position, []
        while name := self._comparison():
            left, node = self._value(node), self._operand(after=name)
            tests.append(_compare(left.read, _TESTS[name], self._value(node).read))
        if not tests:
            return node
        return _Condition(position, tests[0] if len(tests) == 1 else _every(tests))

    def _comparison(self) -> str:
        """The comparison that stands next, or an empty string."""
        kind = self._token.kind
        if kind == "not":
            self._advance()
            if not self._accept("in"):
                raise self._unexpected("write not in")
            return "not in"
        if kind not in _TESTS:
            return ""
        self._advance()
        return kind

    def _operand(self, after: str = "") -> _Operand | _Condition:
        token = self._token
        if token.kind == "value":
            self._advance()
            return _literal(token.position, token.value)
        if token.kind == "name":
            span = (token.position, token.end)
            field = fields.exact_field(self._text, span, token.keys, compared=bool(after))
            self._advance()
            self.names.append(Asked(field, self._text, token.position))
            return _Operand(token.position, self._reading(field), MISSING)
        if token.kind == "(":
            return self._group()
        if token.kind == "[":
            self._open()
            return _literal(token.position, self._items([], token, "]"))
        if token.kind == "end":
            raise self._error("a value is missing at the end", token.position, _EXAMPLE)
        raise self._unexpected(f"a value has to follow {after}" if after else _EXAMPLE)

    def _group(self) -> _Operand | _Condition:
        """A condition or a value in parentheses, or a tuple of literals."""
        opening, items = self._open(), []
        if self._token.kind != ")":
            node = self._either()
            if self._token.kind != ",":
                self._close(opening, ")")
                return node
            items.append(self._item(node))
            self._advance()
        return _literal(opening.position, self._items(items, opening, ")"))

    def _items(self, items: list[Json], opening: _Token, closing: str) -> list[Json]:
        while self._token.kind not in (closing, "end"):
            if self._token.kind == "name":
                hint = f"quote text: {self._token.text!r}"
                raise self._error("a list holds only values", self._token.position, hint)
            items.append(self._item(self._operand(after="a bracket or a comma")))
            if not self._accept(","):
                break
        self._close(opening, closing)
        return items

    def _item(self, node: _Operand | _Condition) -> Json:
        if isinstance(node, _Condition) or node.literal is MISSING:
            hint = "write quoted text, numbers, true, false, null"
            raise self._error("a list holds only values", node.position, hint)
        return node.literal

    def _open(self) -> _Token:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            message = f"more than {MAX_NESTING} brackets are open here"
            raise self._error(message, self._token.position, "leave out the brackets that change nothing")
        return self._advance()

    def _close(self, opening: _Token, closing: str) -> None:
        if self._token.kind == "end":
            message = f"the {opening.text} is never closed"
            raise self._error(message, opening.position, f"add {closing}")
        if not self._accept(closing):
            raise self._unexpected(f"close the {opening.text} with {closing}")
        self._nesting -= 1

    def _test(self, node: _Operand | _Condition) -> Predicate:
        if isinstance(node, _Condition):
            return node.test
        raise self._error("nothing is compared here", node.position, "write a comparison: params.amp == true")

    def _value(self, node: _Operand | _Condition) -> _Operand:
        if isinstance(node, _Operand):
            return node
        raise self._error("a comparison cannot be compared", node.position, "join comparisons with and, or")

    def _advance(self) -> _Token:
        token = self._token
        self._token = _scan(self._text, token.end)
        return token

    def _accept(self, kind: str) -> bool:
        if self._token.kind != kind:
            return False
        self._advance()
        return True

    def _unexpected(self, hint: str) -> QueryError:
        if self._token.kind == "end":
            return self._error("the condition ends too early", self._token.position, hint)
        return _unexpected(self._text, self._token.position, self._token.text, hint)

    def _error(self, message: str, position: int, hint: str) -> QueryError:
        return QueryError(message, text=self._text, position=position, hint=hint)


def _scan(text: str, start: int) -> _Token:
    """The token at or after `start`."""
    at = fields.run_of(text, start, len(text), str.isspace)
    if at == len(text):
        return _Token("end", "", at, at)
    char = text[at]
    if char in "'\"":
        value, end = fields.scan_quoted(text, at, len(text))
        return _Token("value", text[at:end], at, end, value)
    if char.isalpha() or char == "_":
        return _scan_word(text, at)
    if char in "+-.0123456789":
        return _scan_number(text, at)
    if char in "()[],":
        return _Token(char, char, at, at + 1)
    end = fields.run_of(text, at, len(text), "=<>!&|".__contains__)
    if text[at:end] in _TESTS:
        return _Token(text[at:end], text[at:end], at, end)
    hint = "compare with == != < <= > >= in; there is no arithmetic"
    raise _unexpected(text, at, text[at : max(end, at + 1)], hint)


def _scan_word(text: str, at: int) -> _Token:
    end = fields.run_of(text, at, len(text), fields.is_word)
    word = text[at:end]
    # A keyword ends here even before a bracket: `x in["a"]` is no name.
    if word in _KEYWORDS:
        return _Token(word, word, at, end)
    if word.lower() in _WORDS:
        return _Token("value", word, at, end, _WORDS[word.lower()])
    keys, end = fields.scan_plain_name(text, at)
    return _Token("name", text[at:end], at, end, keys=keys)


def _scan_number(text: str, at: int) -> _Token:
    end = fields.run_of(text, at, len(text), _is_numeric)
    word = text[at:end]
    if not any(map(fields.is_word, word)):
        raise _unexpected(text, at, word, "there is no arithmetic here")
    # The letters keep out inf, nan and 0x10; the cap, numbers of so many digits that int() refuses them.
    plain = word.isascii() and len(word) <= 100 and set(filter(str.isalpha, word)) <= {"e", "E"}
    try:
        value = (float(word) if set(".eE") & set(word) else int(word)) if plain else None
    except ValueError:
        value = None
    if value is None:
        hint = f"quote it if it is text: '{fields.shortened(word)}'"
        message = f"{fields.shortened(word)!r} is not a number"
        raise QueryError(message, text=text, position=at, hint=hint)
    return _Token("value", word, at, end, value)


def _is_numeric(char: str) -> bool:
    return fields.is_word(char) or char in ".:+-"


def _unexpected(text: str, position: int, word: str, hint: str) -> QueryError:
    lowered = word.lower()
    if lowered in _KEYWORDS and lowered != word:
        hint = f"write {lowered}"
    elif lowered in _INSTEAD:
        hint = f"write {_INSTEAD[lowered]}"
    message = f"{fields.shortened(word)!r} is not expected here"
    return QueryError(message, text=text, position=position, hint=hint)


def _literal(position: int, value: Json) -> _Operand:
    return _Operand(position, lambda _run: value, value)


def _compare(left: Reader, test: Test, right: Reader) -> Predicate:
    def predicate(run: Mapping[str, Json]) -> bool:
        a = left(run)
        if a is MISSING:
            return False
        b = right(run)
        return b is not MISSING and test(a, b)

    return predicate


def _every(tests: Sequence[Predicate]) -> Predicate:
    def predicate(run: Mapping[str, Json]) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would double the time of a short condition
            if not test(run):
                return False
        return True

    return predicate


def _some(tests: Sequence[Predicate]) -> Predicate:
    def predicate(run: Mapping[str, Json]) -> bool:
        for test in tests:  # noqa: SIM110 - as above
            if test(run):
                return True
        return False

    return predicate


def _same(a: Json, b: Json) -> bool:
    """Equality of JSON values: 1 equals 1.0 but not true, also inside lists and objects."""
    if isinstance(a, str):
        return a == b
    if a is None or isinstance(a, bool):
        return a is b
    if isinstance(a, (int, float)):
        return isinstance(b, (int, float)) and not isinstance(b, bool) and a == b
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(_same, a, b))
    return isinstance(b, dict) and a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)


def _contained(item: Json, container: Json) -> bool:
    """Membership in a list, a piece of a text, or a key of an object; false in anything else."""
    if isinstance(container, list):
        return any(_same(item, other) for other in container)
    return isinstance(container, (str, dict)) and isinstance(item, str) and item in container


def _ordered(holds: Callable[[float, float], bool], holds_text: Callable[[str, str], bool]) -> Test:
    """An order over two numbers or two texts; false for anything else."""

    def test(a: Json, b: Json) -> bool:
        if isinstance(a, str):
            return isinstance(b, str) and holds_text(a, b)
        if isinstance(a, bool) or isinstance(b, bool):
            return False
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and holds(a, b)

    return test


_TESTS: Final[Mapping[str, Test]] = {
    "==": _same,
    "!=": lambda a, b: not _same(a, b),
    "<": _ordered(operator.lt, operator.lt),
    "<=": _ordered(operator.le, operator.le),
    ">": _ordered(operator.gt, operator.gt),
    ">=": _ordered(operator.ge, operator.ge),
    "in": _contained,
    "not in": lambda a, b: not _contained(a, b),
}
