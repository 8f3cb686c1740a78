"""Which metrics files and which data a `dvc.yaml` declares.

Its templates (`${…}`, `vars`, `foreach`, `matrix`) are worked out; files that it names
are loaded by the caller. A reading of the document without DVC.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from itertools import islice, product
from typing import TYPE_CHECKING, Final

from gxt.errors import InvalidParams
from gxt.model.params import merge
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gxt.model.json_types import Json, JsonObject

    Load = Callable[[str], JsonObject | None]

_DEFAULT_VARS: Final = "params.yaml"
_MAX_EXPANDED: Final = 1000  # stages that one `foreach` or `matrix` stands for


class DeclaredMetrics(NamedTuple):
    """What a pipeline says.

    Attributes:
        files: metrics files relative to the folder of the `dvc.yaml`, in its order.
        unresolved: what cannot be worked out, as it is written, each with the reason.
    """

    files: tuple[str, ...]
    unresolved: tuple[str, ...]


class DeclaredData(NamedTuple):
    """What the stages of a pipeline read and write, relative to the folder of the `dvc.yaml`.

    Attributes:
        deps: what they depend on. outs: what they make, but for metrics and plots.
        folders: of each stage, by its name in `dvc.yaml`, the folder that its paths start from.
    """

    deps: tuple[str, ...]
    outs: tuple[str, ...]
    folders: dict[str, str]


class _UnresolvedError(Exception):
    """A template without a value; the text is the reason."""


def metrics_declared(pipeline: JsonObject, load: Load) -> DeclaredMetrics:
    """The metrics files of the pipeline and then of its stages.

    Args:
        pipeline: the document.
        load: the parameters in a file that is named relative to the `dvc.yaml`; None when there is none. May
            raise InvalidParams.
    """
    files: list[str] = []
    unresolved: list[str] = []

    def add(entries: Json, folder: str, context: JsonObject) -> None:
        for name in _names(entries):
            try:
                files.append(posixpath.normpath(posixpath.join(folder, _filled(name, context))))
            except _UnresolvedError as reason:
                unresolved.append(f"{name} ({reason})")

    context: JsonObject = {}
    try:
        if "${" in str(pipeline):
            context = _with_vars({}, pipeline.get("vars"), ".", load)
    except _UnresolvedError as reason:
        unresolved.append(f"vars ({reason})")
    add(pipeline.get("metrics"), ".", context)
    for name, stage in _object(pipeline.get("stages")).items():
        try:
            for one, known in _expanded(_object(stage), context, ("metrics",)):
                folder = _filled(str(one.get("wdir", ".")), known)
                add(one.get("metrics"), folder, _own(one, ("metrics",), known, folder, load))
        except _UnresolvedError as reason:
            unresolved.append(f"stage {name} ({reason})")
    return DeclaredMetrics(tuple(dict.fromkeys(files)), tuple(dict.fromkeys(unresolved)))


def data_declared(pipeline: JsonObject, load: Load) -> DeclaredData:
    """What the stages read and write; what cannot be worked out is left out. Arguments as above."""
    parts = ("deps", "outs")
    found: dict[str, list[str]] = {part: [] for part in parts}
    folders: dict[str, str] = {}
    context: JsonObject = {}
    if "${" in str(pipeline):
        with suppress(_UnresolvedError):
            context = _with_vars({}, pipeline.get("vars"), ".", load)
    for name, stage in _object(pipeline.get("stages")).items():
        with suppress(_UnresolvedError):
            for one, known in _expanded(_object(stage), context, parts):
                folders[name] = folder = _filled(str(one.get("wdir", ".")), known)
                own = _own(one, parts, known, folder, load)
                for part in parts:
                    for entry in _names(one.get(part)):
                        found[part].append(posixpath.normpath(posixpath.join(folder, _filled(entry, own))))
    deps, outs = (tuple(dict.fromkeys(found[part])) for part in parts)
    return DeclaredData(deps, outs, folders)


def _own(stage: JsonObject, parts: Sequence[str], known: JsonObject, folder: str, load: Load) -> JsonObject:
    """What the templates in these parts of a stage know."""
    templated = any("${" in str(stage.get(part)) for part in parts)
    own = _with_vars(known, stage.get("vars"), folder, load) if templated else {}
    items: JsonObject = {name: known[name] for name in ("key", "item") if name in known}
    return {**own, **items}


def _expanded(
    stage: JsonObject, context: JsonObject, parts: Sequence[str]
) -> Iterator[tuple[JsonObject, JsonObject]]:
    """The stages that a stage stands for, those with such parts only, each with what its templates know."""
    body = _object(stage["do"]) if "foreach" in stage and "do" in stage else stage
    if not any(map(body.get, parts)):
        return
    found: Iterator[JsonObject] = iter([{}])
    if "foreach" in stage:
        over = _value(stage["foreach"], context)
        if isinstance(over, dict):
            found = ({"key": key, "item": item} for key, item in over.items())
        else:
            found = ({"item": item} for item in _list(over))
    elif "matrix" in stage:
        axes = {name: _list(_value(axis, context)) for name, axis in _object(stage["matrix"]).items()}
        found = ({"item": dict(zip(axes, row, strict=True))} for row in product(*axes.values()))
    for known in islice(found, _MAX_EXPANDED):
        yield body, {**context, **known}


def _with_vars(context: JsonObject, declared: Json, folder: str, load: Load) -> JsonObject:
    """The context with `params.yaml` of the folder and with what `vars` names: files and mappings."""
    known = merge(context, _loaded(_DEFAULT_VARS, folder, load) or {})
    for entry in declared if isinstance(declared, list) else []:
        if isinstance(entry, dict):
            known = merge(known, _object(_value(entry, known)))
            continue
        name, _, keys = str(entry).partition(":")
        content = _loaded(_filled(name, known), folder, load)
        if content is None:
            raise _UnresolvedError(f"there is no {name}")
        wanted = keys.split(",") if keys else list(content)
        known = merge(known, {key: content[key] for key in wanted if key in content})
    return known


def _loaded(name: str, folder: str, load: Load) -> JsonObject | None:
    try:
        return load(posixpath.join(folder, name))
    except InvalidParams as error:
        raise _UnresolvedError(error.message) from error


def _value(value: Json, context: JsonObject) -> Json:
    """The value with all templates in it filled; a text that is one template is what that stands for."""
    if isinstance(value, list):
        return [_value(item, context) for item in value]
    if isinstance(value, dict):
        return {key: _value(item, context) for key, item in value.items()}
    if isinstance(value, str) and value.startswith("${") and value.find("}") == len(value) - 1:
        return _looked_up(value[2:-1], context)
    return _filled(value, context) if isinstance(value, str) else value


def _filled(text: str, context: JsonObject) -> str:
    """The text with the values of its templates; one after a backslash is text."""
    head, *parts = text.split("${")
    for part in parts:
        if head.endswith("\\"):
            head = f"{head[:-1]}${{{part}"
            continue
        name, closing, rest = part.partition("}")
        value = _looked_up(name, context) if closing else None
        if value is None or isinstance(value, (dict, list)):
            raise _UnresolvedError(f"{name.strip()} is no text or number")
        head += (str(value).lower() if isinstance(value, bool) else str(value)) + rest
    return head


def _looked_up(name: str, context: JsonObject) -> Json:
    """The value at `a.b`, `a[0]` or `a[b]`."""
    value: Json = context
    for key in name.strip().replace("[", ".").replace("]", "").split("."):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise _UnresolvedError(f"there is no {name.strip()}")
    return value


def _names(entries: Json) -> Iterator[str]:
    """Entries are names, or `{name: options}`."""
    for entry in entries if isinstance(entries, list) else ():
        for name in entry if isinstance(entry, dict) else (entry,):
            if isinstance(name, str):
                yield name


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
