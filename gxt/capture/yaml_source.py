"""YAML text: read as scripts read it, and one value replaced in place with every other byte kept.

A round trip through a YAML library loses the document start, aligned columns and the layout of lists; here
only the characters of the value itself are exchanged. Which file, and what may be set in it, is
`gxt.capture.params_files`'s part.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol, cast

from gxt.errors import InvalidParams
from gxt.model.params import MAX_DEPTH, MAX_NODES, key_text, normalise
from gxt.model.scalars import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import yaml

_MAX_SLOW: Final = 1 << 18  # characters; the loader in Python needs more than a second for them
_NOT_PLAIN: Final = frozenset("y n yes no on off true false null nan inf".split())
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

# PyYAML's constructors let these out for tags on values that they do not fit: `!!int ""`, 2024-13-45, `0x_`.
_CONSTRUCTOR_FAILURES: Final = (ValueError, LookupError, AttributeError, TypeError, OverflowError)


class _Loader(Protocol):
    """What is used of a PyYAML loader."""

    def get_single_node(self) -> yaml.Node | None: ...
    def construct_document(self, node: yaml.Node) -> object: ...
    def construct_object(self, node: yaml.Node, deep: bool = ...) -> object: ...
    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str: ...
    def dispose(self) -> None: ...


def load_yaml(text: str, name: str) -> object:
    """What the one document in the text holds, None if it is empty.

    As PyYAML's safe loader reads it (`yes` is true), but `1e-3` is a number, as in YAML 1.2.

    Raises:
        InvalidParams: no valid YAML, several documents, or too large or too deep to be parameters.
    """
    import yaml

    try:
        loader = _loader(text, name)
        try:
            node = loader.get_single_node()
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _invalid(f"{name}{place}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise _invalid(f"{name}: {' '.join(str(error).split())}") from error
    except _CONSTRUCTOR_FAILURES as error:
        raise _invalid(f"{name} holds a value that does not fit its type: {error}") from error


def load_word(text: str) -> object:
    """What a word of a command line would be as a value in a YAML file.

    A list, a mapping or a text in quotes is read as such. Anything else is one plain word: a number, true,
    null or a date where it looks like one, else text, in which `#`, `: `, `*` and their like mean nothing.

    Raises:
        InvalidParams: a bracket or a quote is not closed, or the word fits no value of its type (2026-13-45).
    """
    import yaml

    text = clean_text(text).strip()
    if text.startswith(("[", "{", '"', "'")):
        # JSON is YAML, but PyYAML reads its `"\\ud83d\\ude00"` as two halves of a character.
        with suppress(ValueError, RecursionError):
            return cast("object", json.loads(text, parse_constant=str))
        return load_yaml(text, "the value")
    loader = _loader("", "")
    try:
        tag = loader.resolve(yaml.ScalarNode, text, (True, False))
        if tag.endswith((":merge", ":value", ":yaml")):  # <<, = and ! & *: signs of YAML's own
            return text
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except _CONSTRUCTOR_FAILURES as error:
        raise _invalid(f"{text} does not fit its type: {error}") from error
    finally:
        loader.dispose()


def replace_in_yaml(text: str, keys: Sequence[str], value: object) -> str:
    """The text with the value at the nested key replaced; comments, anchors, quotes and layout stay.

    The text has been read by `load_yaml` and holds the key. An alias there (`*lr`) gives way to the value; an
    anchor stays, so that what refers to it changes as well, as when the file is edited by hand.

    Raises:
        InvalidParams: the key comes into its mapping by a merge (`<<`), so there is no value to replace.
    """
    import yaml

    loader = _loader(text, "")
    try:
        node = loader.get_single_node()
        key_node = None
        for key in keys:
            pair = _pair(loader, node, key)
            if pair is None:
                raise InvalidParams(
                    f"{'.'.join(keys)} is not written where it stands: a merge (<<) brings it in",
                    hint="set it where it is written, or write the key out in the file",
                )
            key_node, node = pair
    finally:
        loader.dispose()
    if key_node is None or node is None:
        return text
    start, end = _span(text, key_node, node)
    anchor, body = _properties(text, start, end)
    before = text[:start] + anchor
    column = body - (text.rfind("\n", 0, body) + 1)
    is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    if is_block and isinstance(node, yaml.SequenceNode) and isinstance(value, list) and value:
        return before + _block_list(text, column, value) + text[end:]
    new = _text_of(value, style=node.style if isinstance(node, yaml.ScalarNode) else None)
    if body == end and before[-1:] not in (" ", "\n"):  # `key:` and nothing, or in braces not even a colon
        new = (" " if anchor or before.endswith(":") else ": ") + new
    elif is_block:
        new = " " * max(0, key_node.start_mark.column + 2 - column) + new
    return before + new + text[end:]


def _pair(loader: _Loader, node: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The nodes of the key and its value; of a repeated key the last, which is the one that counts."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return None
    found = None
    for key_node, value_node in node.value:
        # << and = are keys with a meaning of their own, for which there is no constructor.
        is_plain = isinstance(key_node, yaml.ScalarNode) and not key_node.tag.endswith((":merge", ":value"))
        if (key_text(loader.construct_object(key_node)) if is_plain else key_node.value) == key:
            found = (key_node, value_node)
    return found


def _span(text: str, key_node: yaml.Node, node: yaml.Node) -> tuple[int, int]:
    """Where the value stands in the text, with its anchor and without what follows it."""
    import re

    import yaml

    start, end = node.start_mark.index, node.end_mark.index
    if start < key_node.start_mark.index:  # an alias is the node of its anchor, which stands before it
        alias = re.compile(r"\s*:\s*(\*[^\s,\]}]+)").match(text, key_node.end_mark.index)
        return alias.span(1) if alias else (key_node.end_mark.index, key_node.end_mark.index)
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        end = _end_of_block(text, start, end)
    return start, start + len(text[start:end].rstrip())


def _properties(text: str, start: int, end: int) -> tuple[str, int]:
    """The anchor with its space, and where the value itself begins; a tag is part of the old value."""
    anchor, at = "", start
    while at < end and text[at] in "&!":
        word = text[at:end].split(None, 1)[0]
        after = at + len(word)
        at = after + len(text[after:end]) - len(text[after:end].lstrip())
        if word.startswith("&"):
            anchor = word
    return (anchor + text[len(text[:at].rstrip()) : at] if anchor else ""), at


def _end_of_block(text: str, start: int, end: int) -> int:
    """The end of a block without the comments and empty lines after it, which PyYAML counts to it."""
    while True:
        line = text.rfind("\n", start, end) + 1
        if line == 0 or text[line:end].strip()[:1] not in ("", "#"):
            return end
        end = line - 1


def _block_list(text: str, column: int, items: Sequence[object]) -> str:
    """The items below each other, as the ones they replace."""
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = newline + " " * column
    return indent.join(f"- {_text_of(item)}" for item in items)


def _text_of(value: object, style: str | None = None) -> str:
    """A value as every reader of YAML 1.1 and 1.2 reads it, in one line; text in the quotes of `style`."""
    if isinstance(value, str):
        return _quoted(value, style)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, list):
        return f"[{', '.join(_text_of(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text_of(key)}: {_text_of(item)}' for key, item in value.items())}}}"
    if isinstance(value, date):
        return value.isoformat()
    return _text_of(normalise(value))  # bytes, a set


def _float(value: float) -> str:
    """YAML 1.1 wants a dot in the mantissa and a sign in the exponent: 1.0e-10, where Python writes 1e-10."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    mantissa, exponent_mark, exponent = repr(value).partition("e")
    if not exponent_mark:
        return mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}"


def _quoted(value: str, style: str | None) -> str:
    """The text plain where no reader can take it for something else, and where it was not quoted before."""
    if not value.isprintable():
        return f'"{"".join(map(_escaped, value))}"'
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    if style != '"' and _may_be_plain(value):
        return value
    return f'"{"".join(map(_escaped, value))}"'


def _may_be_plain(value: str) -> bool:
    if not value.isascii() or not (value[:1].isalpha() or value[:1] in ("_", "/")):
        return False
    return value.lower() not in _NOT_PLAIN and all(char.isalnum() or char in "_./-" for char in value)


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _check_size(text: str, name: str, kind: type[yaml.SafeLoader]) -> None:
    """Count before anything is built: PyYAML composes by recursion, and hangs on millions of nodes."""
    import yaml

    depth = nodes = 0
    for event in yaml.parse(text, Loader=kind):
        nodes += isinstance(event, yaml.NodeEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        # Twice the cap on values: keys are nodes too.
        if depth > MAX_DEPTH or nodes > 2 * MAX_NODES + 1:
            raise _too_large(name)


def _too_large(name: str) -> InvalidParams:
    return InvalidParams(
        f"{name} is too large or nested too deep to be parameters",
        hint="name a smaller file with --params, and record large tables as data",
    )


def _invalid(message: str) -> InvalidParams:
    return InvalidParams(f"not valid YAML: {message}", hint="mend the file, or name another with --params")


def _loader(text: str, name: str) -> _Loader:
    """A loader for the text, which is neither too large nor too deep; the one in C where it was built.

    `[a:]` and `{b:}` are errors to that one, but not to the one that `yaml.safe_load` takes.
    """
    import yaml

    fast = _loader_class(getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        _check_size(text, name, fast)
    except yaml.MarkedYAMLError:
        if len(text) > _MAX_SLOW:
            raise
        slow = _loader_class(yaml.SafeLoader)
        with suppress(yaml.YAMLError):
            _check_size(text, name, slow)
            return cast("_Loader", slow(text))
        raise
    return cast("_Loader", fast(text))


@lru_cache(maxsize=2)
def _loader_class(base: type[yaml.SafeLoader]) -> type[yaml.SafeLoader]:
    """One of PyYAML's safe loaders, with the two differences needed here."""
    import re

    import yaml

    class ParamsLoader(base):  # type: ignore[valid-type, misc]
        """Reads 1e-3 as a number, and ends a merge that would copy without bounds."""

        merged = 0

        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            super().flatten_mapping(node)
            # Nine merges of nine merges of …: each level is nine times as large, and is copied for each.
            self.merged += len(node.value)
            if self.merged > 4 * MAX_NODES:
                raise yaml.constructor.ConstructorError(
                    problem="the merges (<<) make it too large", problem_mark=node.start_mark
                )

    ParamsLoader.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
        list("-+.0123456789"),
    )
    return ParamsLoader
