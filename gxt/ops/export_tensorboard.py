"""`gxt export tensorboard`: a folder for each run, with one event file that TensorBoard reads.

The name of the file tells the run and its content: an export that would write the same writes nothing, and
one of a run that was renamed, or of which more was said, takes the file before away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Final, cast

from gxt.data.cache import Cache
from gxt.data.place import find_cache
from gxt.data.putting import put_bytes, take_away
from gxt.model.artifacts import MEDIA
from gxt.model.codec import number_from_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.layout import folder_name
from gxt.model.metric_lines import metric_rows
from gxt.model.params import flatten
from gxt.model.pointers import is_md5
from gxt.model.run import params_of, title
from gxt.model.series import SeriesByName
from gxt.ops import event_file
from gxt.ops.event_file import Session, decoded
from gxt.ops.export_files import Exported, Summary, summary_of
from gxt.ops.export_logs import Put, digest, export_logs, span_us
from gxt.ops.history import History
from gxt.ops.show import series_of
from gxt.ops.workspace import Workspace

FORMAT: Final = 1
"""Of what is written here: another one is written again."""
_MOST_BYTES: Final = 1 << 20  # of a picture, or a file with histograms
_STATUS: Final = {"completed": event_file.SUCCESS, "failed": event_file.FAILURE}
_LARGEST_WHOLE: Final = 1 << 53


def export_tensorboard(
    workspace: Workspace,
    folder: Path,
    refs: Sequence[str] = (),
    where: str | None = None,
    *,
    page: Callable[[Summary], str],
) -> Exported:
    """Write runs as event files: metrics, parameters, a page about the run, small pictures and histograms.

    Args:
        workspace: whose runs.
        folder: for a folder a run; others may have theirs in it.
        refs: the runs; none for all.
        where: a condition that they meet.
        page: a run as Markdown.

    Raises:
        UsageError, UnknownRun, AmbiguousRun, RemovedRun, QueryError, GxtError: see `export_logs`.
    """
    cache = find_cache(workspace.repository)
    before = _files(folder)

    def put(history: History, run: JsonObject) -> Put:
        name, uid = folder_name(str(run["id"]), title(run)), str(run["uid"])
        summary = summary_of(history, run)
        began, _ = span_us(run)
        media = _media(run, cache)
        mark = digest(history, run, FORMAT, name, page(summary), [str(one["md5"]) for one, _ in media])
        path = f"{name}/events.out.tfevents.{began // 1_000_000}.gxt.{uid}.{mark}"
        known = before.get(uid, [])
        if known == [path]:
            return Put(name, is_new=False)
        series = series_of(history, run)
        records = [*_records(run, series, page(summary)), *_seen(run, media)]
        put_bytes(folder, path, b"".join(records))
        take_away(folder, [one for one in known if one != path])
        return Put(name, is_new=True, notices=_lost(series))

    return export_logs(workspace, folder, refs, where, put)


def _files(folder: Path) -> dict[str, list[str]]:
    """The event files of earlier exports, by the uid of their run."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("exp-*/events.out.tfevents.*.gxt.*.*")):
        found.setdefault(path.name.split(".")[-2], []).append(f"{path.parent.name}/{path.name}")
    return found


def _records(run: JsonObject, series: SeriesByName, page: str) -> Iterator[bytes]:
    began, ended = span_us(run)
    yield event_file.header(began)
    params = {name: _param(value) for name, value in flatten(params_of(run)).items()}
    yield from event_file.session(
        Session(params, _STATUS.get(str(run["status"]), event_file.UNKNOWN), began, ended)
    )
    yield event_file.text("run", page, 0, began)
    yield from event_file.scalars(metric_rows(series))


def _param(value: Json) -> Json:
    """A parameter as the plugin has them: number, text or truth; anything else as JSON.

    A text that reads as JSON is quoted, so that an import tells `"1"` from 1.
    """
    if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) <= _LARGEST_WHOLE):
        return value
    return json.dumps(value) if not isinstance(value, str) or decoded(value) != value else value


def _lost(series: SeriesByName) -> tuple[str, ...]:
    """What single precision cannot hold, in words."""
    beyond = [
        name
        for name, one in series.items()
        if any(isfinite(value) and not isfinite(event_file.single(value)) for value in one.value)
    ]
    return (f"beyond single precision, and infinite there: {', '.join(beyond)}",) if beyond else ()


# --- media -----------------------------------------------------------------------------------------------


def _media(run: JsonObject, cache: Cache) -> list[tuple[JsonObject, Path]]:
    """What was logged to be looked at, with its content where that is here and small."""
    found = []
    for one in cast("list[JsonObject]", run["artifacts"]):
        if one["kind"] not in _SEEN or not is_md5(one.get("md5")) or cast("int", one["size"]) > _MOST_BYTES:
            continue
        path = cache.path_of(str(one["md5"]))
        if path.is_file():
            found.append((one, path))
    return found


def _seen(run: JsonObject, media: Sequence[tuple[JsonObject, Path]]) -> Iterator[bytes]:
    _, ended_us = span_us(run)
    for one, path in media:
        tag = str(one["name"]).removeprefix(MEDIA)
        step = one["step"] if isinstance(one["step"], int) else 0
        yield from _SEEN[str(one["kind"])](tag, path.read_bytes(), step, ended_us)


def _picture(tag: str, data: bytes, step: int, at_us: int) -> Iterator[bytes]:
    try:
        yield event_file.image(tag, data, step, at_us)
    except ValueError:  # somebody's own file of that kind
        return


def _text(tag: str, data: bytes, step: int, at_us: int) -> Iterator[bytes]:
    yield event_file.text(tag, data.decode(errors="replace"), step, at_us)


def _histograms(tag: str, data: bytes, _step: int, at_us: int) -> Iterator[bytes]:
    """The histograms in a file, a line of JSON each."""
    for line in data.splitlines():
        try:
            said = json.loads(line)
            counts, edges = (
                [float(number_from_json(one) or 0.0) for one in said[key]] for key in ("counts", "edges")
            )
            step, time_us = said.get("step"), said.get("t")
            time_us = time_us if isinstance(time_us, int) and 0 <= time_us < 1 << 62 else at_us
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            continue
        if len(edges) == len(counts) + 1 > 1 and isinstance(step, int):
            yield event_file.histogram(tag, counts, edges, step, time_us)


_SEEN: Final[Mapping[str, Callable[[str, bytes, int, int], Iterator[bytes]]]] = {
    "image": _picture,
    "figure": _picture,
    "text": _text,
    "histogram": _histograms,
}
