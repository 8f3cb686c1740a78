"""Runs as data frames of pandas, one row a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gxt.errors import GxtError
from gxt.model.codec import number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import flatten
from gxt.model.run import metrics_of, params_of

if TYPE_CHECKING:
    import pandas

_FACTS: Final = ("name", "status", "created", "duration_s", "author", "parent", "group", "commit")


def frame_of(runs: Sequence[JsonObject]) -> pandas.DataFrame:
    """A row for each run, by its id: facts, `tags`, `params.<name>` and `metrics.<name>`.

    Args:
        runs: as JSON objects.

    Raises:
        GxtError: there is no pandas.
    """
    try:
        import pandas  # it takes half a second to load
    except ImportError as error:
        raise GxtError(
            "a data frame needs pandas, which is not installed", hint="pip install 'gxt[analysis]'"
        ) from error
    index = pandas.Index([run["id"] for run in runs], name="id")
    rows = [_row(run) for run in runs]
    names = list(dict.fromkeys(name for row in rows for name in row)) or [*_FACTS, "tags"]
    ordered = [*_plain(names), *_below(names, "params."), *_below(names, "metrics.")]
    frame = pandas.DataFrame(rows, index=index, columns=ordered)
    frame["created"] = pandas.to_datetime(frame["created"], utc=True, format="ISO8601")
    return frame


def _row(run: JsonObject) -> dict[str, object]:
    row: dict[str, object] = {name: run.get(name) for name in _FACTS}
    tags = run.get("tags")
    row["tags"] = ", ".join(map(str, tags)) if isinstance(tags, list) else ""
    row |= {f"params.{name}": value for name, value in flatten(params_of(run)).items()}
    row |= {f"metrics.{name}": _number(value) for name, value in metrics_of(run).items()}
    return row


def _number(value: Json) -> float:
    number = number_from_json(value)
    return float("nan") if number is None else number


def _plain(names: Sequence[str]) -> list[str]:
    return [name for name in names if not name.startswith(("params.", "metrics."))]


def _below(names: Sequence[str], prefix: str) -> list[str]:
    return [name for name in names if name.startswith(prefix)]
