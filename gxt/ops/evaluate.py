"""Evaluations that are added to a run when it has ended: what a test set, a match or a judge made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from gxt.capture.params_files import MAX_BYTES, parse_params
from gxt.errors import InvalidParams, UsageError
from gxt.model.annotations import fold, is_before
from gxt.model.codec import is_deeper
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import flatten, merge, normalise, parse_scalar, split_keys
from gxt.model.secrets import redact_params
from gxt.model.shapes import MAX_EVALUATION_DEPTH
from gxt.ops.annotate import Annotated, kept_label, said_of
from gxt.ops.history import History
from gxt.ops.workspace import Workspace
from gxt.store.amend import Saying

ALL = "all"
_MOST_BYTES = 1 << 20
_EXAMPLE = "write KEY=VALUE, for example elo=1523"
_FORMATS = {".json", ".yaml", ".yml", ".toml"}


def evaluate(
    workspace: Workspace, ref: str, values: JsonObject, *, name: str, step: int | None = None
) -> Annotated:
    """Say of a run what an evaluation found. Of several with one name the last one counts.

    Args:
        workspace: where.
        ref: the run.
        values: what was found, nested; see `read_words` and `read_file`. Secrets in it are not kept.
        name: of the evaluation.
        step: of the run, when it was not its end that was evaluated.

    Raises:
        UnknownRun, AmbiguousRun, RemovedRun: the reference names no single run.
        UsageError: there are no values, they or the name cannot be kept, or the run cannot be changed yet.
    """
    name, values = kept_evaluation(name, values)
    author = workspace.settings.author

    def say(events: list[JsonObject], at_us: int) -> Saying:
        same = [one for one in fold(events).evaluations if one["name"] == name]
        if same and _is_said(same[-1], values, step, author):
            return Saying(())
        said: list[JsonObject] = [{"op": "evaluation", "name": name, "step": step, "values": values}]
        # a clock that was far ahead would have the last word for years
        later: list[Json] = [one["id"] for one in same if not is_before(one, at_us)]
        if later:
            said.append({"op": "remove", "removes": later})
        return Saying(said, f"evaluated {name}: {_in_words(values)}")

    with History(workspace) as history:
        return said_of(history, history.resolve_to_change(ref), say)


def kept_evaluation(name: str, values: JsonObject) -> tuple[str, JsonObject]:
    """An evaluation as it is kept: its name, and the values without secrets.

    Raises:
        UsageError: there are no values, or they or the name cannot be kept.
    """
    name, values = _name(name), redact_params(values)  # files of judges hold their settings too
    _check(values)
    return name, values


def retract(workspace: Workspace, ref: str, name: str) -> Annotated:
    """Take back what was said under a name, also what counted before the last; `all` takes back everything.

    Raises:
        UnknownRun, AmbiguousRun, RemovedRun: the reference names no single run.
        UsageError: the run cannot be changed yet.
    """

    def say(events: list[JsonObject], _: int) -> Saying:
        gone = [one for one in fold(events).evaluations if name in (ALL, one["name"])]
        ids: list[Json] = [one["id"] for one in gone]
        names = ", ".join(dict.fromkeys(str(one["name"]) for one in gone))
        return Saying([{"op": "remove", "removes": ids}] if ids else (), f"takes back {names}")

    with History(workspace) as history:
        return said_of(history, history.resolve_to_change(ref), say)


def read_words(words: Iterable[str]) -> JsonObject:
    """The values of `KEY=VALUE` words; `games.won=3` is nested. A later one wins.

    Raises:
        UsageError: a word has no key, or no value.
    """
    return merge(*map(_read_word, words))


def read_file(path: Path) -> JsonObject:
    """The values in a `.json`, `.yaml`, `.yml` or `.toml` file.

    Raises:
        UsageError: it cannot be read, is too large, or holds no object.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(
            f"{path} cannot be read: its name tells no format", hint="the formats are .json, .yaml and .toml"
        )
    try:
        with path.open("rb") as file:
            return read_text(file.read(MAX_BYTES + 1), path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="name another --file") from error


def read_text(data: bytes, path: Path = Path("stdin")) -> JsonObject:
    """The values in the content of a file; that of stdin is JSON, or else YAML. Raises as `read_file`."""
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{path} has more than {MAX_BYTES >> 20} MiB",
            hint="commit a large file to the repository, and note where it is",
        )
    is_json = data.lstrip().startswith(b"{")
    named = path if path.suffix else path.with_suffix(".json" if is_json else ".yaml")
    try:
        return parse_params(data.decode(), named)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text: {error}", hint="convert it first: iconv") from error
    except InvalidParams as error:
        what = error.message.replace("a mapping", "an object").replace(str(named), str(path))
        raise UsageError(what, hint=f"{path} has to hold an object: {{name: value, …}}") from error


def _read_word(word: str) -> JsonObject:
    key, equals, text = word.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{word!r} has no {'key' if equals else '='}", hint=_EXAMPLE)
    if not text.strip():  # to a shell script it is a variable that was not set
        raise UsageError(
            f"{word!r} has no value", hint=f"write {key}=null, or for an empty text '{key}=\"\"'"
        )
    try:
        keys = split_keys(key.strip())
    except InvalidParams as error:
        raise UsageError(error.message.replace("parameter", "key"), hint=error.hint) from error
    value = normalise(parse_scalar(text.strip()))
    for one in reversed(keys):
        value = {one: value}
    return cast("JsonObject", value)


def _name(text: str) -> str:
    name = kept_label(text, "name")
    if name == ALL:
        raise UsageError(
            f"{ALL} cannot be the name of an evaluation: --remove {ALL} takes back every one",
            hint="choose another one",
        )
    return name


def _check(values: JsonObject) -> None:
    if not values:
        raise UsageError("there is no value", hint=f"{_EXAMPLE}, or name a file with --file")
    if is_deeper(values, MAX_EVALUATION_DEPTH):
        raise UsageError(
            f"the values are nested deeper than {MAX_EVALUATION_DEPTH}", hint="keep a smaller part of them"
        )
    size = len(json.dumps(values))
    if size > _MOST_BYTES:
        raise UsageError(
            f"an evaluation has {_MOST_BYTES >> 20} MiB at most, not {size} bytes",
            hint="keep what sums it up, commit the rest to the repository, and note where it is",
        )


def _is_said(event: JsonObject, values: JsonObject, step: int | None, author: tuple[str, str] | None) -> bool:
    by = cast("JsonObject", event["by"])
    said = json.dumps([event["values"], event.get("step")], sort_keys=True)
    is_same = said == json.dumps([values, step], sort_keys=True)
    return is_same and author == (by.get("name"), by.get("email"))


def _in_words(values: JsonObject) -> str:
    return ", ".join(f"{key} {_shown(value)}" for key, value in flatten(values).items())


def _shown(value: Json) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return value if isinstance(value, str) else json.dumps(value)
