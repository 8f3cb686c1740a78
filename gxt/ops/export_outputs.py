"""What runs have put out, as an export lays it out: the best checkpoint, and all else by name."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from contextlib import suppress
from math import isnan
from pathlib import Path
from typing import cast

from gxt.data.bringing import is_inside, lacking, listed
from gxt.data.cache import Cache
from gxt.errors import DamagedRecord
from gxt.model.artifacts import MODEL, PART, file_name
from gxt.model.codec import number_from_json
from gxt.model.goals import Metric
from gxt.model.json_types import JsonObject
from gxt.model.layout import BEST, OUTPUTS, OWN
from gxt.model.pointers import FOLDER, is_md5
from gxt.named_tuple import NamedTuple


class Copy(NamedTuple):
    """Content on its way into a run's folder: its name there, its hash, and where it lies in the cache."""

    name: str
    md5: str
    path: Path


def outputs_of(
    run: JsonObject, cache: Cache, main: Metric | None
) -> tuple[list[tuple[str, str]], list[Copy], bool]:
    """What a run has put out, as far as its content is here.

    Returns:
        The names that the run gives, with those in its folder (empty for what is not here); what is to be
        copied; whether all is here.
    """
    entries = [one for one in cast("list[JsonObject]", run["artifacts"]) if is_md5(one.get("md5"))]
    best = best_model(entries, main)
    taken: set[str] = set()
    named: list[tuple[str, str]] = []
    copies: list[Copy] = []
    is_whole, beside_best = True, False
    for one in entries:
        beside_best = one is best or (beside_best and one["kind"] == PART)
        name = _free(_name_of(one, best, beside_best=beside_best), taken)
        with suppress(DamagedRecord, OSError):
            if not lacking(cache, str(one["md5"])):
                named.append((str(one["name"]), name))
                copies += _copies(cache, str(one["md5"]), name)
                continue
        named.append((str(one["name"]), ""))
        is_whole = False
    return named, copies, is_whole


def best_model(entries: Sequence[JsonObject], main: Metric | None) -> JsonObject | None:
    """The best checkpoint by the main metric; the only model, where nobody knows how good it is."""
    models = [one for one in entries if one["kind"] == MODEL]
    goal, name = (main.goal, main.name) if main else (None, "")
    scored = [
        (value if goal == "max" else -value, -at)
        for at, one in enumerate(models)
        if goal and one.get("metric_name") == name and not isnan(value := _value(one))
    ]
    if scored:
        return models[-max(scored)[1]]
    return models[0] if len(models) == 1 else None


def _value(one: JsonObject) -> float:
    """What the metric was, NaN where nobody knows."""
    value = number_from_json(one.get("metric"))
    return float("nan") if value is None else value


def _name_of(one: JsonObject, best: JsonObject | None, *, beside_best: bool) -> str:
    if one is best:
        return f"{BEST}{posixpath.splitext(file_name(posixpath.basename(str(one['path']))))[1]}"
    if beside_best and best is not None:  # a model names its external data by their file names
        beside = posixpath.relpath(str(one["path"]), posixpath.dirname(str(best["path"])) or ".")
        if is_inside(beside) and beside.partition("/")[0].casefold() not in OWN:
            return beside
    return f"{OUTPUTS}/{file_name(str(one['name']))}"


def _free(name: str, taken: set[str]) -> str:
    """The name, or one with a number where it is taken; a file system may keep no case."""
    stem, suffix = posixpath.splitext(name)
    free, number = name, 1
    while free.casefold() in taken:
        number += 1
        free = f"{stem}.{number}{suffix}"
    taken.add(free.casefold())
    return free


def _copies(cache: Cache, md5: str, name: str) -> list[Copy]:
    if not md5.endswith(FOLDER):
        return [Copy(name, md5, cache.path_of(md5))]
    return [Copy(f"{name}/{one.path}", one.md5, cache.path_of(one.md5)) for one in listed(cache, md5)]
