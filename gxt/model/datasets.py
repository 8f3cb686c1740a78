"""Datasets as a run records them, in `config.json` `data`: what differs between two, and its words."""

from __future__ import annotations

from collections.abc import Mapping

from gxt.model.json_types import Json, JsonObject
from gxt.model.params import Difference, difference
from gxt.named_tuple import NamedTuple


class DataChange(NamedTuple):
    """A dataset that differs between two runs; None on the side that lacks it.

    `facts` are those that differ, by dotted names: `rows`, `classes.label.cat`, `md5`.
    """

    a: JsonObject | None
    b: JsonObject | None
    facts: Difference


def data_of(run: Mapping[str, Json]) -> dict[str, JsonObject]:
    """The datasets of a run, by path."""
    found = run.get("data")
    entries = found if isinstance(found, list) else []
    return {str(one["path"]): one for one in entries if isinstance(one, dict) and "path" in one}


def data_changes(a: Mapping[str, Json], b: Mapping[str, Json]) -> dict[str, DataChange]:
    """Every dataset whose content differs between two runs, or that only one has."""
    before, after = data_of(a), data_of(b)
    changes = {}
    for path in dict.fromkeys((*before, *after)):
        old, new = before.get(path), after.get(path)
        if old is None or new is None or _has_changed(old, new):
            facts = {} if old is None or new is None else _differing(old, new)
            changes[path] = DataChange(old, new, facts)
    return changes


def change_notices(parent: Mapping[str, Json], data: Json) -> list[str]:
    """A line for each input that is another than in the parent run."""
    before = data_of(parent)
    lines = []
    for path, new in data_of({"data": data}).items():
        old = before.get(path)
        if old is not None and new.get("kind") == "input" and _has_changed(old, new):
            lines.append(f"{path} has changed since {parent['id']}{_how(old, new)}")
    return lines


def description_of(entry: JsonObject) -> JsonObject:
    """What a dataset holds, as far as it is known."""
    found = entry.get("description")
    return found if isinstance(found, dict) else {}


def _has_changed(old: JsonObject, new: JsonObject) -> bool:
    """Whether the content differs, where that can be told."""
    return any(
        None not in (old.get(key), new.get(key)) and old.get(key) != new.get(key) for key in ("md5", "size")
    )


def _how(old: JsonObject, new: JsonObject) -> str:
    """`: 1,000 → 1,200 rows`, else the files or the bytes; empty where there are as many."""
    counts = [
        (description_of(old).get("rows"), description_of(new).get("rows"), "rows"),
        (old.get("files"), new.get("files"), "files"),
        (old.get("size"), new.get("size"), "bytes"),
    ]
    for before, after, unit in counts:
        if isinstance(before, int) and isinstance(after, int) and before != after:
            return f": {before:,} → {after:,} {unit}"
    return ""


def _differing(old: JsonObject, new: JsonObject) -> Difference:
    """What two datasets hold that differs; after that their sizes and hashes."""
    amounts = ({key: one[key] for key in ("size", "files", "md5") if one.get(key)} for one in (old, new))
    return {
        **difference(_compared(description_of(old)), _compared(description_of(new))),
        **difference(*amounts),
    }


def _compared(description: JsonObject) -> JsonObject:
    """A description with its columns and its parts by name."""
    found = {key: value for key, value in description.items() if key != "approximate"}
    columns, parts = description.get("columns"), description.get("parts")
    if isinstance(columns, list):
        named = [one for one in columns if isinstance(one, dict)]
        found["columns"] = {str(one.get("name")): one.get("type") for one in named}
    if isinstance(parts, dict):
        del found["parts"]
        found |= {name: _compared(one) for name, one in parts.items() if isinstance(one, dict)}
    return found
