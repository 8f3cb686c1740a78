"""What a run's documents must hold for readers to rely on them: the kinds of the fields that they use.

Anybody who can push can write a document by hand. Whatever passes here is shown, compared and sorted without
another look; what does not is a damaged record, named with its field. Unknown fields are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from types import NoneType
from typing import Final, TypeAlias

from gxt.errors import DamagedRecord
from gxt.model.codec import is_deeper
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple

_Check: TypeAlias = Callable[[Json], bool]

# Years that every clock and every time zone can show: year 1 has no local time west of Greenwich.
_TIME: Final = re.compile(
    r"[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z", re.ASCII
)
MAX_EVALUATION_DEPTH: Final = 32
_OID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_LARGEST: Final = 1e300
_WORDS: Final = frozenset(("NaN", "Infinity", "-Infinity"))
_MD5: Final = re.compile(r"[0-9a-f]{32}(\.dir)?", re.ASCII)
_LONGEST_TEXT: Final = 4096  # of a path or a URL
MAX_DATASETS: Final = 10_000
MAX_DESCRIPTION: Final = 20_000
"""Values in the description of a dataset; those that are made here have a few thousand at most."""
_JUST_TEXT: Final = frozenset((str,))


def check_config(document: JsonObject, what: str) -> None:
    """Raise unless `config.json` is one that a run can be read from.

    Raises:
        DamagedRecord: a field is of another kind. KeyError: the run's identity is missing.
    """
    _check(document, _CONFIG, what)
    if not _is_text(document["uid"]) or not document["uid"]:
        raise _wrong(what, "uid")


def check_environment(document: JsonObject, what: str) -> None:
    """The same for `environment.json`."""
    _check(document, _ENVIRONMENT, what)


def check_metrics(document: JsonObject, what: str) -> None:
    """The same for `metrics.json`."""
    _check(document, _METRICS, what)
    if not _is_text(document["status"]):
        raise _wrong(what, "status")
    stats = document.get("metrics")
    for name, stat in (stats if isinstance(stats, dict) else {}).items():
        if not _is_stat(stat):
            raise _wrong(what, f"metrics.{name}")


def check_annotation(event: JsonObject, what: str) -> None:
    """The same for a line of `annotations.jsonl`; what an unknown op holds is its own matter."""
    fields = {**_EVENT, **_OPS.get(str(event.get("op")), {})}
    for name, check in fields.items():
        if not check(event.get(name)):
            raise _wrong(what, name)


def check_removed(document: JsonObject, what: str) -> None:
    """The same for `removed.json`."""
    for name, check in _REMOVED.items():
        if not check(document.get(name)):
            raise _wrong(what, name)


def check_source(document: JsonObject, what: str) -> None:
    """The same for an entry of `sources`."""
    if not _is_source(document):
        raise _wrong(what, "source")


class _Shape(NamedTuple):
    """What is known of a document's fields; null stands for one that is not there.

    Attributes:
        plain: names of fields whose type alone counts, with the types that they may have.
        checked: a check for each of the others.
    """

    plain: tuple[tuple[tuple[str, ...], frozenset[type]], ...]
    checked: Mapping[str, _Check]


def _check(document: JsonObject, shape: _Shape, what: str) -> None:
    for names, types in shape.plain:
        # every run comes by here: one step for all fields of a kind, none of it in Python
        if not types.issuperset(map(type, map(document.get, names))):
            raise _wrong(what, next(name for name in names if type(document.get(name)) not in types))
    for name, check in shape.checked.items():
        value = document.get(name)
        if value is not None and not check(value):
            raise _wrong(what, name)


def _wrong(what: str, field: str) -> DamagedRecord:
    shown = field if len(field) <= 60 else f"{field[:59]}…"
    return DamagedRecord(f"{what}: {shown} is not of the right kind", hint="git fsck tells more")


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_filled(value: Json) -> bool:
    return isinstance(value, str) and value != ""


def _is_text_or_null(value: Json) -> bool:
    return value is None or isinstance(value, str)


def _is_count(value: Json) -> bool:
    return type(value) is int and value > 0


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and _JUST_TEXT.issuperset(map(type, value))


def _is_objects(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _is_whole(value: Json) -> bool:
    return isinstance(value, int) and -_LARGEST < value < _LARGEST


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _is_step(value: Json) -> bool:
    return value is None or (type(value) is int and _is_whole(value))


def _is_place(value: Json) -> bool:
    if not isinstance(value, dict):
        return value is None
    return all(type(value.get(key)) is int for key in ("index", "of"))


def _is_shallow(value: Json) -> bool:
    return isinstance(value, dict) and not is_deeper(value, MAX_EVALUATION_DEPTH)


def _is_time(value: Json) -> bool:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    year, month, day = int(value[:4]), int(value[5:7]), int(value[8:10])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (29 if leap and month == 2 else _DAYS[month - 1])


_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_oid(value: Json) -> bool:
    """An object of git's, or nothing: it becomes a word of git's, and `--output=…` would be an option."""
    return isinstance(value, str) and (not value or _OID.fullmatch(value) is not None)


def _is_author(value: Json) -> bool:
    return isinstance(value, dict) and _is_text(value.get("name", "")) and _is_text(value.get("email", ""))


def _is_code(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    skipped = value.get("skipped") or []
    return (
        _is_oid(value.get("head") or "")
        and _is_oid(value.get("tree") or "")
        and _is_text(value.get("branch") or "")
        and isinstance(skipped, list)
        and (
            not skipped or all(isinstance(one, dict) and "path" in one and "reason" in one for one in skipped)
        )
    )


def _is_datasets(value: Json) -> bool:
    """A list of datasets with a path each, none of them so large that a page of them could not be shown."""
    return isinstance(value, list) and len(value) <= MAX_DATASETS and all(map(is_dataset, value))


def is_dataset(value: Json) -> bool:
    """Whether a dataset can be recorded: it has a path, and what is said of it can be shown."""
    if not isinstance(value, dict) or not _is_filled(value.get("path")):
        return False
    texts = (value.get(key) for key in ("path", "md5", "tracked", "kind", "source"))
    counts = (value.get(key) for key in ("size", "files"))
    md5, description = value.get("md5"), value.get("description")
    return (
        all(text is None or (isinstance(text, str) and len(text) <= _LONGEST_TEXT) for text in texts)
        and (md5 is None or _MD5.fullmatch(str(md5)) is not None)
        and all(count is None or (type(count) is int and 0 <= count < 1 << 63) for count in counts)
        and all(isinstance(value.get(key, False), bool) for key in ("missing", "named"))
        and (description is None or is_described(description))
    )


def is_described(description: Json) -> bool:
    """Whether a description is neither too deep nor too large."""
    if not isinstance(description, dict) or is_deeper(description, MAX_EVALUATION_DEPTH):
        return False
    return _nodes(description, MAX_DESCRIPTION) <= MAX_DESCRIPTION


def _nodes(value: Json, most: int) -> int:
    """How many values there are in a value, counted until they are too many."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    count = 1
    for one in inner:
        if count > most:
            return count
        count += _nodes(one, most - count)
    return count


def _is_value(value: Json) -> bool:
    if isinstance(value, float):
        return True
    return value is None or (isinstance(value, str) and value in _WORDS) or _is_number(value)


_STAT: Final = itemgetter("last", "min", "max", "min_step", "max_step", "count")
_USUAL_STAT: Final = (float, float, float, int, int, int)


def _is_stat(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    try:
        cells = _STAT(value)
    except KeyError:
        return False
    # there are several in every run: the usual kinds are told without a call for each cell
    if tuple(map(type, cells)) == _USUAL_STAT:
        return bool(min(cells[3:]) > -_LARGEST and max(cells[3:]) < _LARGEST)
    return all(map(_is_value, cells[:3])) and all(map(_is_whole, cells[3:]))


def _are_artifacts(value: Json) -> bool:
    if value == []:
        return True
    from gxt.model.artifacts import are_artifacts  # most runs have none

    return are_artifacts(value)


def _is_source(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    texts, count = [value.get(key) for key in ("kind", "path", "note")], value.get("params", 0)
    return (
        bool(texts[0])
        and all(isinstance(text, str) and len(text) <= _LONGEST_TEXT for text in texts if text is not None)
        and _is_texts(value.get("metrics", []))
        and type(count) is int
        and 0 <= count < 1 << 63
    )


def _are_sources(value: Json) -> bool:
    return isinstance(value, list) and all(map(_is_source, value))


def _are_defined(value: Json) -> bool:
    if value == {}:
        return True
    from gxt.model.defined import check_defined  # most runs have none

    try:
        check_defined(value)
    except TypeError:
        return False
    return True


_TEXT: Final = frozenset[type]((str, NoneType))
_LIST: Final = frozenset[type]((list, NoneType))
_OBJECT: Final = frozenset[type]((dict, NoneType))
_CONFIG: Final = _Shape(
    plain=(
        (("name", "message", "hypothesis", "parent", "group", "cwd", "host", "reproduces"), _TEXT),
        (("params",), _OBJECT),
    ),
    checked={
        "seed": _is_step,
        "repeat": _is_place,
        "data": _is_datasets,
        "command": _is_texts,
        "created": _is_time,
        "author": _is_author,
        "code": _is_code,
        "param_files": _is_texts,
        "metrics_files": _is_texts,
        "outs": _is_texts,
    },
)
_ENVIRONMENT: Final = _Shape(
    plain=((("python", "cpu", "variables", "packages"), _OBJECT), (("platform",), _TEXT)),
    checked={"memory_bytes": _is_number, "gpus": _is_objects},
)
_METRICS: Final = _Shape(
    plain=((("evals", "notices"), _LIST), (("metrics",), _OBJECT)),
    checked={
        "exit_code": _is_whole,
        "duration_s": _is_number,
        "artifacts": _are_artifacts,
        "sources": _are_sources,
        "defined": _are_defined,
    },
)
_EVENT: Final[Mapping[str, _Check]] = {
    "id": _is_filled,
    "at": _is_time,
    "by": _is_author,
    "op": _is_filled,
}
_REMOVED: Final[Mapping[str, _Check]] = {"uid": _is_filled, "at": _is_time, "by": _is_author}
_OPS: Final[Mapping[str, Mapping[str, _Check]]] = {
    "tag": {"tag": _is_text},
    "name": {"name": _is_text_or_null},
    "comment": {"text": _is_text},
    "conclusion": {"text": _is_text},
    "formerly": {"number": _is_count, "remote": _is_text_or_null},
    "evaluation": {"name": _is_filled, "step": _is_step, "values": _is_shallow},
    "remove": {"removes": _is_texts},
}
