"""`gxt show`: everything about one run; its metrics over time."""

from __future__ import annotations

from collections.abc import Mapping

from gxt.errors import DOCTOR, DamagedRecord, UsageError
from gxt.git.objects import ObjectReader
from gxt.model.codec import YEAR_10000_US, load_document
from gxt.model.columns import damaged
from gxt.model.goals import Goal, Metric, goal_of, goals_of
from gxt.model.ids import parse_run_id
from gxt.model.json_types import JsonObject
from gxt.model.points import Series
from gxt.model.repeats import group_id, uids_of
from gxt.model.run import metrics_of, with_packages
from gxt.model.series import decode
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.workspace import Workspace
from gxt.store.reading import lost
from gxt.store.tree import RunFolder


class Shown(NamedTuple):
    """One run, whole.

    Attributes:
        run: the run as JSON, packages included.
        parent: its parent run, when it is here.
        absent: what to call a parent that cannot be shown.
        children: ids of the runs derived from it.
        main: the metric that stands for it.
        goals: which way each of its metrics is better, where that is known.
        group: what it goes by together with its repeats; empty for a run without any.
        series: its metrics over time; empty unless asked for.
        notices: where the latest run was asked for, what cannot be read of those after it.
    """

    run: JsonObject
    parent: JsonObject | None
    children: tuple[str, ...]
    main: Metric | None
    goals: Mapping[str, Goal | None]
    series: Mapping[str, Series]
    notices: tuple[str, ...] = ()
    absent: str = ""
    group: str = ""


def show(workspace: Workspace, ref: str, *, series: bool = False) -> Shown:
    """Everything about one run, or about repeats.

    Raises:
        UnknownRun, AmbiguousRun: the reference names no single run.
        UsageError: the series of repeats were asked for.
        DamagedRecord, NewerFormat: git holds something else than it should, or than this gxt reads.
    """
    with History(workspace, series=series) as history:
        run = history.resolve_many(ref)
        repeats = run.get("repeats")
        if series and repeats:
            first, _, _ = str(run["id"]).partition("+")
            raise UsageError(
                f"{run['id']} are several runs, each with a series of its own",
                hint=f"name one of them: {first}",
            )
        found = shown(history, run)
        return found._replace(
            series=series_of(history, run) if series else {},
            notices=(
                *(history.passed_over(run) if ref == "@" else ()),
                *(f"{one} had the number {run['id']} before a pull" for one in history.moved(ref)),
            ),
        )


def shown(history: History, run: JsonObject) -> Shown:
    """A run of the history, whole, but for its series. Raises DamagedRecord, NewerFormat as `show` does."""
    repeats = run.get("repeats")
    parent_uid = str(run["parent_uid"] or "")
    parent = history.by_uid(parent_uid) if parent_uid else None
    parent = history.whole_group(parent) if parent else None
    group = history.group(str(run["group"])) if run["group"] and not repeats else []
    derived = [child for uid in uids_of(run) for child in history.children(uid)]
    own = goals_of(parent, run)
    goals = {**own, **history.workspace.settings.goals}
    return Shown(
        run=whole(history, run),
        parent=parent,
        children=tuple(str(child["id"]) for child in derived),
        main=history.main_metric([metrics_of(run), _shared(parent, run)], own),
        goals={name: goal_of(name, goals) for name in metrics_of(run)},
        series={},
        absent=history.absent(parent_uid).label if parent_uid and parent is None else "",
        group=group_id([str(one["id"]) for one in group]) if len(group) > 1 else "",
    )


def _shared(parent: JsonObject | None, run: JsonObject) -> JsonObject:
    """The parent's metrics that the run has too."""
    own = metrics_of(run)
    return {name: value for name, value in metrics_of(parent or {}).items() if name in own}


def whole(history: History, run: JsonObject) -> JsonObject:
    """The run with its packages, which lists leave out; of repeats the first one's."""
    if "repeats" in run:
        found = history.by_uid(str(run["uid"]))
        return {**run, "environment": whole(history, found)["environment"]} if found else run
    live = history.live_of(run)
    if live is not None:
        return live.run
    folder = folder_of(history, run)
    entry = folder.entries.get("environment.json")
    blob = history.index.reader.read(entry.oid) if entry else None
    if blob is None:
        raise lost(f"environment.json of {run['id']}", entry.oid if entry else "")
    return with_packages(run, load_document(blob.data, f"{run['id']}/environment.json"))


def series_of(history: History, run: JsonObject) -> Mapping[str, Series]:
    """The metrics of a run over time."""
    live = history.live_of(run)
    if live is not None:
        return live.series
    reader = history.index.reader
    folder = folder_of(history, run)
    entry = folder.entries.get("series")
    if entry is None:
        return {}
    series = decode(_chunks(reader, entry.oid, tree=entry.mode == "40000"))
    if any(
        one.time_us and not 0 <= min(one.time_us) <= max(one.time_us) < YEAR_10000_US
        for one in series.values()
    ):
        raise damaged("it holds times that no calendar has")
    return series


def folder_of(history: History, run: JsonObject) -> RunFolder:
    """The directory of a sealed run in git.

    Raises:
        DamagedRecord: it is not there.
    """
    number = parse_run_id(str(run["id"]))
    folder = history.index.folder(number) if number is not None else None
    if folder is None:
        raise DamagedRecord(f"{run['id']} is in the index and not in git", hint=DOCTOR)
    return folder


def _chunks(reader: ObjectReader, oid: str, *, tree: bool) -> list[bytes]:
    oids = [entry.oid for entry in reader.tree(oid)] if tree else [oid]
    found = list(reader.read_many(oids))
    if not oids or None in found:
        raise damaged("git has lost a part of it")
    return [chunk.data for chunk in found if chunk is not None]
