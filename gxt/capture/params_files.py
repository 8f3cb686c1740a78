"""Parameters files: YAML, JSON and TOML are read, and edited for `--set`, comments and layout kept.

Nothing is written here: an edit is the new content, for the caller to put in place.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Final, cast

from gxt.capture.yaml_source import load_word, load_yaml, replace_in_yaml
from gxt.errors import InvalidParams
from gxt.model.params import flatten, join_keys, normalise, split_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence
    from pathlib import Path

    from tomlkit.items import Item

    from gxt.model.json_types import Json, JsonObject

MAX_BYTES: Final = 4 << 20

_FORMATS: Final = {".yaml": "YAML", ".yml": "YAML", ".json": "JSON", ".toml": "TOML"}
_BOM: Final = "\ufeff"
_MEND: Final = "mend the file, or name another with --params"
_MAX_COMPARED: Final = 2000


def load_params(path: Path) -> JsonObject:
    """The parameters in a `.yaml`, `.yml`, `.json` or `.toml` file; an empty file has none.

    Raises:
        InvalidParams: missing, over 4 MiB, another format, invalid (the message names line and column), or
            not a mapping at the top.
    """
    return parse_params(params_text(path), path)


def edit_params(path: Path, assignments: Sequence[tuple[str, str]]) -> bytes:
    """The content that the file would have with the values set; nothing is written.

    Args:
        path: a file that `load_params` reads.
        assignments: dotted keys with their values as text, read by `load_word`. Keys are never added.

    Raises:
        InvalidParams: as `load_params`; an unknown key; a key that holds further keys; a value that the
            format cannot hold.
    """
    text = params_text(path)
    params = parse_params(text, path)
    for name, given in assignments:
        keys, value = split_keys(name), _value(name, given)
        _check_settable(params, keys, path)
        edited = _replaced(text, keys, value, path)
        text, params = edited, _checked(edited, path, params, keys, value, shared="&" in text)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise _cannot_edit(path, split_keys(assignments[-1][0])) from error


def holds(path: Path, name: str) -> bool:
    """Whether a file has a parameter, by its dotted key; raises as `load_params`."""
    value: Json = load_params(path)
    for key in split_keys(name):
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def parse_assignment(text: str) -> tuple[str, str]:
    """The key and the value of `KEY=VALUE`.

    Raises:
        InvalidParams: the `=`, the key or the value is missing.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        what = "has no key" if equals else "has no ="
        raise InvalidParams(f"--set {text!r} {what}", hint="write KEY=VALUE, for example --set lr=0.1")
    if not value.strip():  # to YAML it were null, to a shell script it is a variable that was not set
        raise InvalidParams(
            f"--set {text!r} has no value", hint=f"write {key}=null, or for an empty text '{key}=\"\"'"
        )
    return key.strip(), value


def _value(name: str, given: str) -> object:
    try:
        value = load_word(given)
        normalise(value)
    except InvalidParams as error:
        raise InvalidParams(
            f"{name} cannot be set to {given}: no valid YAML", hint=f"in quotes it is text: '{name}=\"…\"'"
        ) from error
    return value


def params_text(path: Path) -> str:
    """The text of the file, with its line ends and, if it has one, its byte order mark."""
    if path.suffix.lower() not in _FORMATS:
        raise InvalidParams(
            f"{path} is not a parameters file", hint="the formats are .yaml, .yml, .json and .toml"
        )
    if path.exists() and not path.is_file():
        raise InvalidParams(f"{path} is not a file", hint="name a file with --params")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InvalidParams(f"there is no {path}", hint="name a file with --params") from error
    except OSError as error:
        raise InvalidParams(f"{path} cannot be read: {error.strerror}", hint=_MEND) from error
    if len(data) > MAX_BYTES:
        raise InvalidParams(
            f"{path} has more than {MAX_BYTES >> 20} MiB", hint="record large tables as data: --data PATH"
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidParams(f"{path} is not UTF-8: byte {error.start}", hint=_MEND) from error


def parse_params(text: str, path: Path) -> JsonObject:
    """The parameters in the content of a file; see `load_params`. The path tells the format and is named."""
    text = text.removeprefix(_BOM)
    kind = _FORMATS[path.suffix.lower()]
    if not text.strip():
        return {}
    try:
        if kind == "YAML":
            content = load_yaml(text, str(path))
        else:
            content = json.loads(text) if kind == "JSON" else _load_toml(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidParams(f"not valid JSON: {path}, {place}: {error.msg}", hint=_MEND) from error
    except RecursionError as error:
        raise InvalidParams(f"{path} is nested too deep to be parameters", hint=_MEND) from error
    except ValueError as error:  # TOMLDecodeError, with its place in the message; an integer of 5,000 digits
        raise InvalidParams(f"not valid {kind}: {path}: {error}", hint=_MEND) from error
    if content is None and kind == "YAML":
        return {}
    params = normalise(content)
    if not isinstance(params, dict):
        raise InvalidParams(f"{path} is not a mapping at the top", hint=_MEND)
    return params


def _load_toml(text: str) -> object:
    module = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return cast("object", module.loads(text))


def _check_settable(params: JsonObject, keys: Sequence[str], path: Path) -> None:
    value: Json = params
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            name = join_keys(keys)
            raise InvalidParams(f"there is no parameter {name} in {path}", hint=_nearest(name, params))
        value = value[key]
    if isinstance(value, dict) and value:
        names = [join_keys((*keys, key)) for key in value]
        hint = f"set one of {', '.join(names[:8])}{' …' if len(names) > 8 else ''}"
        raise InvalidParams(f"{join_keys(keys)} is a group of parameters", hint=hint)


def _nearest(name: str, params: JsonObject) -> str:
    from difflib import get_close_matches

    names = list(flatten(params))[:_MAX_COMPARED]
    # `width` for `model.width`: the last word alone is as often what was meant.
    same_end = [known for known in names if known.rpartition(".")[2] == name.rpartition(".")[2]]
    near = same_end or get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"it has {', '.join(names[:8])}{' …' if len(names) > 8 else ''}" if names else "it has none"


def _replaced(text: str, keys: Sequence[str], value: object, path: Path) -> str:
    bom, text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    kind = _FORMATS[path.suffix.lower()]
    if kind == "YAML":
        return bom + replace_in_yaml(text, keys, value)
    return bom + (_replaced_in_json if kind == "JSON" else _replaced_in_toml)(text, keys, value)


def _checked(
    text: str, path: Path, before: JsonObject, keys: Sequence[str], value: object, *, shared: bool
) -> JsonObject:
    """What the edited text holds, once it is sure that the value arrived and nothing else changed."""
    try:
        after = parse_params(text, path)
    except InvalidParams as error:
        raise _cannot_edit(path, keys) from error
    expected = normalise(value)
    arrived = _at(after, keys)
    if type(arrived) is not type(expected) or arrived != expected:
        raise _cannot_edit(path, keys)
    # With anchors a value may stand in several places.
    if not shared and not _equal_but_for(before, after, keys):
        raise _cannot_edit(path, keys)
    return after


def _cannot_edit(path: Path, keys: Sequence[str]) -> InvalidParams:
    return InvalidParams(f"{join_keys(keys)} cannot be set in {path} as it is written", hint="edit the file")


def _at(params: JsonObject, keys: Sequence[str]) -> Json:
    value: Json = params
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _equal_but_for(before: JsonObject, after: JsonObject, keys: Sequence[str]) -> bool:
    """Whether the objects differ at most at the nested key."""
    for key in keys[:-1]:
        if {**before, key: None} != {**after, key: None} or list(before) != list(after):
            return False
        before, after = cast("JsonObject", before[key]), cast("JsonObject", after[key])
    last = {keys[-1]: None}
    return {**before, **last} == {**after, **last} and list(before) == list(after)


def _replaced_in_json(text: str, keys: Sequence[str], value: object) -> str:
    start, end = _json_value(text, _skip_space(text, 0), keys)
    old = text[start:end]
    new = _json_of(value, text)
    closing = old.rpartition("\n")[2][:-1]  # the indentation of the closing bracket, if that has its own line
    if "\n" in old and not closing.strip() and isinstance(value, (dict, list)) and value:
        newline = "\r\n" if "\r\n" in text else "\n"
        first = old.split("\n")[1]
        step = first[: len(first) - len(first.lstrip())][len(closing) :]
        new = _json_of(value, text, indent=step or 2).replace("\n", newline + closing)
    return text[:start] + new + text[end:]


def _json_of(value: object, text: str, indent: str | int | None = None) -> str:
    """The value in JSON, escaped as the text around it is."""
    is_ascii = "\\u" in text
    try:
        return json.dumps(value, ensure_ascii=is_ascii, allow_nan=False, default=normalise, indent=indent)
    except (ValueError, TypeError) as error:
        raise InvalidParams(f"JSON cannot hold {value}", hint="in quotes it is text") from error


def _json_value(text: str, at: int, keys: Sequence[str]) -> tuple[int, int]:
    """Where the value at the nested key stands; the object of which it is a part begins at `at`."""
    found = at, at
    for key in keys:
        for name, start, end in _members(text, found[0]):
            if name == key:  # of a repeated key the last counts
                found = start, end
    return found


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """The keys of the object at `at`, in valid JSON, with the positions of their values."""
    decoder = json.JSONDecoder()
    at = _skip_space(text, at + 1)
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        start = _skip_space(text, text.index(":", at) + 1)
        _, end = decoder.raw_decode(text, start)
        yield name, start, end
        at = _skip_space(text, end)
        if text[at] == ",":
            at = _skip_space(text, at + 1)


def _skip_space(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\n", "\r"):
        at += 1
    return at


def _replaced_in_toml(text: str, keys: Sequence[str], value: object) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import Array

    try:
        document = tomlkit.parse(text)
        table: MutableMapping[str, Item] = document
        for key in keys[:-1]:
            table = cast("MutableMapping[str, Item]", table[key])
        old = table[keys[-1]]
        new = _toml_item(value, old)
        if isinstance(new, Array) and isinstance(old, Array) and "\n" in old.as_string():
            new.multiline(multiline=True)
        table[keys[-1]] = new
        return tomlkit.dumps(document)
    except (TOMLKitError, LookupError, TypeError, ValueError) as error:
        reason = "TOML has no null" if value is None else str(error)
        raise InvalidParams(f"{join_keys(keys)} cannot be set: {reason}", hint="edit the file") from error


def _toml_item(value: object, old: object) -> Item:
    """The value as TOML, text in the quotes that were there, an object in one line."""
    import tomlkit
    from tomlkit.items import String

    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        return table
    was_literal = isinstance(old, String) and old.as_string().startswith("'")
    if was_literal and isinstance(value, str) and value.isprintable() and "'" not in value:
        return tomlkit.string(value, literal=True)
    return tomlkit.item(value)
