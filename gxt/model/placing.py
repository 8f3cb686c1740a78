"""Which outputs a run goes on naming, and where: the paths and the pointers of its commit's tree."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import cast

from gxt.model.artifacts import ELSEWHERE, MODEL, PART, file_name
from gxt.model.codec import number_from_json, number_to_json
from gxt.model.goals import Goal
from gxt.model.json_types import Json, JsonObject
from gxt.model.pointers import POINTERS, Pointer, dump_pointer
from gxt.model.series import Series


def with_metric(artifacts: Iterable[JsonObject], name: str, series: Series) -> list[JsonObject]:
    """The entries with the value that a metric had at their step, and its name; where it had one there."""
    values: dict[int, float] = dict(zip(series.step, series.value, strict=True))
    found = []
    for one in artifacts:
        step = one["step"]
        value = values.get(step) if isinstance(step, int) else None
        said: JsonObject = {} if value is None else {"metric": number_to_json(value), "metric_name": name}
        found.append({**one, **said})
    return found


def retained(
    artifacts: Sequence[JsonObject], *, best: int, last: bool, goal: Goal
) -> tuple[list[JsonObject], list[str]]:
    """Of the checkpoints of each name the best and the last one, and what to say of the others.

    A checkpoint is a model with a step. One whose metric nobody knows stays, and one that the user asked for.

    Args:
        artifacts: the entries, with their metric.
        best: how many stay.
        last: whether the last one stays even if it is not among them.
        goal: which way the metric is better.
    """
    units = list(_units(artifacts))
    families: dict[str, list[int]] = {}
    for at, unit in enumerate(units):
        if unit[0]["kind"] == MODEL and unit[0]["step"] is not None and not unit[0].get("kept"):
            families.setdefault(_family(unit[0]), []).append(at)
    left: set[int] = set()
    texts = []
    for name, members in families.items():
        values = {at: number_from_json(units[at][0]["metric"]) for at in members}
        known = [(_rank(value, goal), at) for at, value in values.items() if value is not None]
        ranked = [at for _, at in sorted(known, reverse=True)]
        going = set(ranked[best:]) - ({members[-1]} if last else set())
        left |= going
        if going:
            texts.append(f"{len(going)} of {len(members)} checkpoints {name} left out: keep_best is {best}")
    return [one for at, unit in enumerate(units) if at not in left for one in unit], texts


def placed(artifacts: Sequence[JsonObject], taken: Collection[str] = ()) -> list[JsonObject]:
    """The entries with paths of which none is, or lies in, another's: DVC takes no others.

    Of several with one path the last keeps it; an earlier one becomes `model.step-1000.onnx`. With external
    data it moves into a folder of that name, for the model names its data by their file names.

    Args:
        artifacts: the entries.
        taken: paths that belong to outputs which the project itself has in DVC.
    """
    claims = _Claims(taken)
    project = _Claims(taken)
    result: list[list[JsonObject]] = []
    for unit in reversed(list(_units(artifacts))):
        path = str(unit[0]["path"])
        folder = posixpath.dirname(path)
        if not project.all_free(_paths(unit, path)) or not claims.is_free_below(folder):
            path = f"{ELSEWHERE}/{file_name(posixpath.basename(path))}"
        chosen = claims.first_free(_places(unit, path))
        result.append([{**one, "path": at} for one, at in zip(unit, chosen, strict=True)])
    return [one for unit in reversed(result) for one in unit]


def pointer_files(artifacts: Sequence[JsonObject]) -> dict[str, bytes]:
    """The pointers of a run commit's tree by path: `.gxt/<name>.dvc`, of one name the last has it."""
    claims = _Claims(())
    files: dict[str, bytes] = {}
    for one in reversed(artifacts):
        names = ((name,) for name in _variants(file_name(str(one["name"])), one["step"]))
        (name,) = claims.first_free(names)
        size, count = (cast("int | None", one.get(key)) for key in ("size", "files"))
        pointer = Pointer(str(one["path"]), str(one["md5"]), size, count)
        files[f"{POINTERS}/{name}.dvc"] = dump_pointer(pointer, wdir="..")
    return dict(reversed(files.items()))


class _Claims:
    """Paths that are taken; a path is free when it is not one of them, nor above nor below one."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken: set[str] = set()
        self._above: set[str] = set()
        for path in taken:
            self.take(path)

    def take(self, path: str) -> None:
        self._taken.add(path.casefold())  # a file system that keeps no case has one place for both
        self._above.update(_ancestors(path.casefold()))

    def all_free(self, paths: Iterable[str]) -> bool:
        known = [path.casefold() for path in paths]
        return not any(one in self._taken or one in self._above for one in known) and all(
            self.is_free_below(posixpath.dirname(one)) for one in known
        )

    def is_free_below(self, folder: str) -> bool:
        return self._taken.isdisjoint((folder.casefold(), *_ancestors(folder.casefold())))

    def first_free(self, choices: Iterable[Sequence[str]]) -> Sequence[str]:
        """The first choice whose paths are all free; they are not any more."""
        chosen = next(paths for paths in choices if self.all_free(paths))
        for path in chosen:
            self.take(path)
        return chosen


def _ancestors(path: str) -> Iterator[str]:
    while (path := posixpath.dirname(path)) not in ("", "/"):
        yield path


def _units(artifacts: Sequence[JsonObject]) -> Iterator[list[JsonObject]]:
    """Each entry with the parts that follow it."""
    unit: list[JsonObject] = []
    for one in artifacts:
        if unit and one["kind"] != PART:
            yield unit
            unit = []
        unit.append(one)
    if unit:
        yield unit


def _places(unit: Sequence[JsonObject], path: str) -> Iterator[Sequence[str]]:
    yield _paths(unit, path)
    folder, name = posixpath.split(path)
    for variant in _variants(name, unit[0]["step"], plain=len(unit) == 1):
        inside = (variant,) if len(unit) == 1 else (variant, name)
        yield _paths(unit, posixpath.join(folder, *inside))


def _paths(unit: Sequence[JsonObject], path: str) -> Sequence[str]:
    """Where the members of a unit are when its first one is at this path."""
    before, after = (posixpath.dirname(one) for one in (str(unit[0]["path"]), path))
    return [
        path,
        *(posixpath.join(after, posixpath.relpath(str(one["path"]), before or ".")) for one in unit[1:]),
    ]


def _variants(name: str, step: Json, *, plain: bool = True) -> Iterator[str]:
    """The name, then the same with the step, then with numbers; without its suffix where it is a folder's."""
    stem, suffix = posixpath.splitext(name)
    ending = suffix if plain else ""
    if plain:
        yield name
    if step is not None:
        stem = f"{stem}.step-{step}"
        yield f"{stem}{ending}"
    number = 0
    while True:
        number += 1
        yield f"{stem}.{number}{ending}"


def _family(one: JsonObject) -> str:
    """What the checkpoints of one model are called: their name without the step."""
    return re.sub(rf"(?<!\d)0*{one['step']}(?!\d)", "*", str(one["name"]))


def _rank(value: float, goal: Goal) -> float:
    """More is better; NaN is worst."""
    return -math.inf if math.isnan(value) else value if goal == "max" else -value
