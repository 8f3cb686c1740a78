"""What a run has put out: checkpoints and other files, from what its journal says of them.

The content is DVC's matter. Here are names, places and hashes, and which of them a run goes on naming.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

from gxt.model.codec import MAX_DOCUMENT_DEPTH, is_deeper, number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.pointers import POINTERS
from gxt.model.scalars import clean_text

ELSEWHERE: Final = f"{POINTERS}/out"
PART: Final = "part"
"""The kind of a file that belongs to the model before it in the list: its external data."""
MODEL: Final = "model"
MEDIA: Final = "media/"
"""What the names of media begin with: pictures, tables, texts, histograms."""

_MOST: Final = 100_000
_NAME: Final = 200
_PATH: Final = 4096
_LARGEST: Final = 1 << 63
_MD5: Final = re.compile(r"[0-9a-f]{32}(\.dir)?", re.ASCII)
_NOT_IN_A_FILE_NAME: Final = re.compile(r"[^\w.+@=-]+")
_RESERVED: Final = frozenset((".git", ".dvc", ".hg"))
_GROWS: Final = "grows-"
_KIND: Final = re.compile(r"[a-z][a-z-]{0,29}", re.ASCII)


def is_place(value: object) -> bool:
    """Whether a text is a path, relative to the top, at which content may be put: in nobody's own folder."""
    if not isinstance(value, str) or not 0 < len(value) <= _PATH or "\0" in value or not _is_unicode(value):
        return False
    parts = value.split("/")
    first = _plain(parts[0])
    own = first == POINTERS and not value.startswith(f"{ELSEWHERE}/")
    return not own and not any(part in ("", ".", "..") or _plain(part) in _RESERVED for part in parts)


def place(path: str) -> str:
    """Where content belongs: its path relative to the top, or one below `.gxt/out` where that cannot be."""
    return path if is_place(path) else f"{ELSEWHERE}/{file_name(posixpath.basename(path))}"


def clean_name(name: str) -> str:
    """A name as it is recorded; not empty, and not endless."""
    return (" ".join(clean_text(name).split()) or "artifact")[:_NAME]


def file_name(name: str) -> str:
    """A name as one part of a path, in git, in YAML and on disk."""
    plain = _NOT_IN_A_FILE_NAME.sub("-", name).lstrip(".-") or "artifact"
    return plain.encode(errors="replace")[:150].decode(errors="ignore")


def growing_id(key: str) -> str:
    """The id of an output that grows until the end of its run, and that several processes may tell of."""
    return f"{_GROWS}{key}"


def grows(event: JsonObject) -> bool:
    """Whether an event `artifact` tells of an output that grows."""
    return str(event["id"]).startswith(_GROWS)


def is_artifact(value: Json) -> bool:
    """Whether a reader can rely on an entry of `artifacts`."""
    return isinstance(value, dict) and _is_said(value) and _is_content(value) and _has_metric(value)


def are_artifacts(value: Json) -> bool:
    """Whether a reader can rely on all of `artifacts`."""
    return isinstance(value, list) and len(value) <= _MOST and all(map(is_artifact, value))


def check_said(event: JsonObject) -> None:
    """Raise TypeError unless the event `artifact` can be sealed and read again."""
    parts = event.get("parts", [])
    is_whole = isinstance(parts, list) and len(parts) <= _MOST and all(map(is_place, parts))
    if not isinstance(event["id"], str) or not _is_said(event) or not is_whole:
        raise TypeError("no artifact")


def check_stored(event: JsonObject) -> None:
    """Raise TypeError unless the event `stored` can be."""
    texts = (event["id"], event.get("error", ""), event.get("notice", ""))
    parts = event.get("parts", {})
    is_whole = isinstance(parts, dict) and all(
        isinstance(one, dict) and _is_content(one) for one in parts.values()
    )
    if not all(isinstance(text, str) for text in texts) or not is_whole:
        raise TypeError("nothing stored")
    if "error" not in event and not _is_content(event):
        raise TypeError("nothing stored")


def listed(said: Iterable[JsonObject], stored: Mapping[str, JsonObject]) -> list[JsonObject]:
    """The entries that the events amount to; `md5` is null for what is not in the cache yet."""
    found: list[JsonObject] = []
    for event in said:
        known = stored.get(str(event["id"]), {})
        if "error" in known:
            continue
        entry = {**_entry(event, known), **({"meta": event["meta"]} if event.get("meta") else {})}
        again = _said_before(entry, found)
        if again is None:
            found += [entry, *_parts(event, known)]
        else:
            found[again] = {**found[again], "kept": True}
    return found


def notices(said: Iterable[JsonObject], stored: Mapping[str, JsonObject]) -> list[str]:
    """What went wrong with the content, in words."""
    texts = []
    for event in said:
        known = stored.get(str(event["id"]), {})
        if "error" in known:
            texts.append(f"{_called(event)} is not kept: {known['error']}")
        elif "notice" in known:
            texts.append(f"{_called(event)} {known['notice']}")
    return texts


def stored_only(artifacts: Sequence[JsonObject]) -> tuple[list[JsonObject], list[str]]:
    """The entries with content, and what to say of those that have none."""
    lost = [f"{_called(one)} is not kept: its content is gone" for one in artifacts if not one["md5"]]
    return [one for one in artifacts if one["md5"]], lost


def _entry(event: JsonObject, known: JsonObject) -> JsonObject:
    return {
        "name": event["name"],
        "path": event["path"],
        "md5": known.get("md5"),
        "size": known.get("size"),
        "files": known.get("files"),
        "kind": event["kind"],
        "step": event["step"],
        "metric": None,
        "model": known.get("model"),
    }


def _parts(event: JsonObject, known: JsonObject) -> Iterator[JsonObject]:
    content = known.get("parts", {})
    folder = posixpath.dirname(str(event["path"]))
    for name in cast("list[str]", event.get("parts", [])):
        of = content.get(name) if isinstance(content, dict) else None
        about = {
            **event,
            "name": posixpath.basename(name),
            "path": posixpath.join(folder, name),
            "kind": PART,
        }
        yield _entry(about, of if isinstance(of, dict) else {})


def _said_before(entry: JsonObject, before: Sequence[JsonObject]) -> int | None:
    """Where something stands that a script has logged, when `--out` names it again as it is."""
    if entry["step"] is not None or not entry["md5"]:
        return None
    same = ("name", "path", "md5")
    return next((at for at, one in enumerate(before) if all(one[key] == entry[key] for key in same)), None)


def _called(one: JsonObject) -> str:
    return f"{one['name']}" if one["step"] is None else f"{one['name']} (step {one['step']})"


def _plain(part: str) -> str:
    """A part of a path as a file system sees it that keeps no case, and no marks that nobody sees."""
    return "".join(c for c in part if c.isprintable()).casefold().rstrip(". ")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_said(one: JsonObject) -> bool:
    name, kind, step, meta = one.get("name"), one.get("kind"), one.get("step"), one.get("meta")
    return (
        isinstance(name, str)
        and 0 < len(name) <= _NAME
        and is_place(one.get("path"))
        and isinstance(kind, str)
        and _KIND.fullmatch(kind) is not None
        and (step is None or (type(step) is int and -_LARGEST <= step < _LARGEST))
        and (meta is None or (isinstance(meta, dict) and not is_deeper(meta, MAX_DOCUMENT_DEPTH - 10)))
    )


def _is_content(one: JsonObject) -> bool:
    md5, size, files = one.get("md5"), one.get("size"), one.get("files")
    return (
        isinstance(md5, str)
        and _MD5.fullmatch(md5) is not None
        and _is_size(size)
        and (files is None or _is_size(files))
        and (one.get("model") is None or _is_model(one["model"]))
    )


def _has_metric(one: JsonObject) -> bool:
    metric, name = one.get("metric"), one.get("metric_name")
    return (metric is None or number_from_json(metric) is not None) and (
        name is None or isinstance(name, str)
    )


def _is_size(value: Json) -> bool:
    return type(value) is int and 0 <= value < _LARGEST


def _is_model(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    sizes = (value.get("params", 0), value.get("opset", 0))
    tensors = [value.get("inputs", []), value.get("outputs", [])]
    return all(map(_is_size, sizes)) and all(_are(one, 1000, _is_tensor) for one in tensors)


def _is_tensor(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    texts = (value.get("name", ""), value.get("dtype") or "")
    shape = value.get("shape")
    return all(isinstance(text, str) and len(text) <= _NAME for text in texts) and (
        shape is None or _are(shape, 100, _is_axis)
    )


def _is_axis(value: Json) -> bool:
    return value is None or _is_size(value) or (isinstance(value, str) and len(value) <= _NAME)


def _are(value: Json, most: int, check: Callable[[Json], bool]) -> bool:
    return isinstance(value, list) and len(value) <= most and all(map(check, value))
