"""Runs as data frames of pandas, one row a run."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Final

from gxt.errors import GxtError
from gxt.model.codec import double_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.names import spelled
from gxt.model.params import flatten
from gxt.model.run import metrics_of, params_of
from gxt.model.scalars import clean_text

if TYPE_CHECKING:
    import pandas

_PARTS: Final = ("params", "metrics.", "se.", "n.")
_FACTS: Final = ("name", "status", "created", "duration_s", "author", "parent", "group", "commit")


def frame_of(runs: Sequence[JsonObject], without: Sequence[str] = ()) -> pandas.DataFrame:
    """A row for each run, by its id: facts, `tags`, `params.<name>` as `--where` takes it, `metrics.<name>`.

    Args:
        runs: as JSON objects.
        without: columns that are left out.

    Raises:
        GxtError: there is no pandas.
    """
    pandas = _pandas()
    index = pandas.Index([run["id"] for run in runs], name="id")
    rows = [_row(run) for run in runs]
    names = list(dict.fromkeys(name for row in rows for name in row)) or [*_FACTS, "tags"]
    ordered = [name for part in ("", *_PARTS) for name in _below(names, part)]
    left_out = set(map(clean_text, without))
    kept = [name for name in ordered if name not in left_out]
    frame = pandas.DataFrame(rows, index=index, columns=kept)
    frame["created"] = pandas.to_datetime(frame["created"], utc=True, format="ISO8601")
    return frame


def _pandas() -> ModuleType:
    try:
        import pandas  # it takes half a second to load
    except ImportError as error:
        raise GxtError(
            "a data frame needs pandas, which is not installed", hint="pip install 'gxt[analysis]'"
        ) from error
    loaded: ModuleType = pandas
    return loaded


def table_of(index: str, columns: Mapping[str, Sequence[Json]], texts: Collection[str]) -> pandas.DataFrame:
    """A data frame of columns, one its index; all but texts are numbers, NaN where there is none."""
    pandas = _pandas()
    found = {
        name: values if name in texts else [float("nan") if one is None else one for one in values]
        for name, values in columns.items()
    }
    return pandas.DataFrame(found).set_index(index)


def grid_of(
    names: Sequence[str],
    labels: tuple[Sequence[Json], Sequence[Json]],
    cells: Mapping[str, Mapping[tuple[int, int], float | None]],
) -> pandas.DataFrame:
    """Numbers by row and column, and one below the other in the columns: `frame["mean"]` is a table.

    Args:
        names: of the rows, and of the columns if there are any.
        labels: of the rows and of the columns.
        cells: by the name of the number and by place; NaN where there is none.
    """
    pandas = _pandas()

    def number(of: Mapping[tuple[int, int], float | None], at: int, to: int) -> float:
        value = of.get((at, to))
        return float("nan") if value is None else value

    rows, columns = ([_hashable(one) for one in part] for part in labels)
    index = pandas.Index(rows, name=names[0], tupleize_cols=False)
    if len(names) == 1:
        found = {what: [number(of, at, 0) for at in range(len(rows))] for what, of in cells.items()}
        return pandas.DataFrame(found, index=index)
    head = pandas.MultiIndex.from_product([list(cells), columns], names=[None, names[1]])
    values = [
        [number(of, at, to) for of in cells.values() for to in range(len(columns))] for at in range(len(rows))
    ]
    return pandas.DataFrame(values, index=index, columns=head)


def _hashable(value: Json) -> object:
    return json.dumps(value) if isinstance(value, (list, dict)) else _clean(value)


def _row(run: JsonObject) -> dict[str, object]:
    row: dict[str, object] = {name: run.get(name) for name in _FACTS}
    tags = run.get("tags")
    row["tags"] = ", ".join(map(str, tags)) if isinstance(tags, list) else ""
    row |= {spelled("params", name): value for name, value in flatten(params_of(run)).items()}
    row |= {f"metrics.{name}": _number(value) for name, value in metrics_of(run).items()}
    row |= _of_repeats(run)
    return {clean_text(name): _clean(value) for name, value in row.items()}


def _clean(value: object) -> object:
    return clean_text(value) if isinstance(value, str) else value


def _of_repeats(run: JsonObject) -> dict[str, object]:
    """Of repeats that are summed up the standard error of each mean, and of how many it is."""
    repeats = run.get("repeats")
    samples = repeats.get("metrics") if isinstance(repeats, dict) else None
    return {
        f"{part}.{name}": one[part]
        for name, one in (samples.items() if isinstance(samples, dict) else ())
        if isinstance(one, dict)
        for part in ("se", "n")
    }


def _number(value: Json) -> float:
    number = double_from_json(value)
    return float("nan") if number is None else number


def _below(names: Sequence[str], prefix: str) -> list[str]:
    """The columns with the prefix; without one, those with none."""
    return [name for name in names if (name.startswith(prefix) if prefix else not name.startswith(_PARTS))]
