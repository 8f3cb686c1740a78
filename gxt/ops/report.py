"""`gxt report`: all that a page about runs shows, gathered: bounded, however many runs there are."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import Final, cast

from gxt.data.bringing import lacking
from gxt.data.place import find_cache
from gxt.errors import DamagedRecord, NewerFormat, UsageError
from gxt.model.artifacts import MEDIA
from gxt.model.forest import Forest, build_forest
from gxt.model.goals import ASIDE, Goal, goal_of, goals_of
from gxt.model.json_types import JsonObject
from gxt.model.outline import ROWS_OF_A_STRETCH, outline
from gxt.model.params import Difference, difference
from gxt.model.points import Series
from gxt.model.repeats import uids_of
from gxt.model.run import metrics_of, params_of, without_bounds
from gxt.named_tuple import NamedTuple
from gxt.ops.choosing import chosen
from gxt.ops.code_changes import code_changes
from gxt.ops.diff import FileChange
from gxt.ops.history import History
from gxt.ops.show import Shown, series_of, shown
from gxt.ops.tree import Evolution, evolution
from gxt.ops.workspace import Workspace

MOST_RUNS: Final = 1000
MOST_CURVES: Final = 10_000
MOST_POINTS: Final = 500_000
"""Of all curves together; a few more where there are thousands of curves."""
MOST_STRETCHES: Final = 400
MOST_IMAGES: Final = 8 * 1024 * 1024
"""Bytes of all images together."""
_MOST_NOTICES: Final = 20
_LEAST_STRETCHES: Final = 10
_LARGEST_IMAGE: Final = 2 * 1024 * 1024
_PICTURES: Final = frozenset(("image", "figure"))
_MAGIC: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))


class Curve(NamedTuple):
    """A metric of a run over time, in few points.

    Attributes:
        run: the id of the run: of repeats each has curves of its own.
        points: step, seconds since the start of the run, value.
        means: of stretches between them the same for its middle and its mean, and how many points it has;
            empty where all points are there.
        logged: how many points the run has.
    """

    run: str
    points: tuple[array[int], array[float], array[float]]
    means: tuple[array[int], array[float], array[float], array[int]]
    logged: int


class Image(NamedTuple):
    """A picture that a run has logged: what it is called, its step, its format and content."""

    name: str
    step: int | None
    format: str
    content: bytes


class Entry(NamedTuple):
    """A run of the report, or repeats together.

    Attributes:
        uid: by which the evolution knows it.
        shown: everything about it; None where it cannot be read.
        changed: the parameters that differ from the parent's; None where that is not here.
        files: the code that differs from the parent's; None where nobody knows.
        curves: its metrics over time.
        images: what it has logged to be looked at.
    """

    uid: str
    shown: Shown | None
    changed: Difference | None
    files: tuple[FileChange, ...] | None
    curves: Mapping[str, Sequence[Curve]]
    images: Sequence[Image]


class Report(NamedTuple):
    """What a report is made from.

    Attributes:
        repository: the name of its folder.
        made: when, in UTC.
        entries: in the order of the report: as asked for, else the newest first.
        evolution: each with its change from its parent, and the main metric.
        forest: how they derive from each other, be it through runs that are not in the report.
        metrics: the names of all metrics of them but bounds, the main one first.
        goals: which way these are better, where that is known.
        whole: whether it is about all runs there are.
        notices: what is not in it, in words.
    """

    repository: str
    made: datetime
    entries: tuple[Entry, ...]
    evolution: Evolution
    forest: Forest
    metrics: tuple[str, ...]
    goals: Mapping[str, Goal | None]
    whole: bool
    notices: tuple[str, ...]


def report(
    workspace: Workspace,
    refs: Sequence[str] = (),
    where: str | None = None,
    metric: str | None = None,
    *,
    curves: bool = True,
) -> Report:
    """The runs that are named, that match, or all of them; the newest `MOST_RUNS` of very many.

    Args:
        workspace: whose.
        refs: runs; `exp-012+` stands for all repeats of its experiment.
        where: the condition that they meet.
        metric: the main one, if not the usual.
        curves: whether metrics over time and images are wanted.

    Raises:
        UsageError: runs are named, and a condition as well; no run has the metric; there are no runs.
        UnknownRun, AmbiguousRun, RemovedRun, QueryError: see `chosen`.
    """
    with History(workspace, series=curves) as history:
        runs, notices = _asked_for(history, refs, where)
        if not runs and where is not None:
            raise UsageError("no run matches", hint="gxt list shows all")
        if not runs:
            raise UsageError("there are no runs to report", hint="gxt run -- COMMAND records one")
        grown = evolution(history, runs, metric or _main_of_one(history, runs), folds=not refs)
        nodes = [grown.nodes[str(run["uid"])].run for run in runs if str(run["uid"]) in grown.nodes]
        goals = {**goals_of(*reversed(nodes)), **workspace.settings.goals}
        names = _metrics(nodes, grown)
        gathering = _Gathering(history, nodes, names, curves=curves)
        entries = gathering.entries(nodes)
        forest = _connected(history, grown)
    return Report(
        repository=workspace.repository.top.name,
        made=datetime.now(timezone.utc),
        entries=entries,
        evolution=grown,
        forest=forest,
        metrics=names,
        goals={name: goal_of(name, goals) for name in names},
        whole=not refs and where is None,
        notices=_few([*workspace.notices, *notices, *gathering.notices, *grown.notices, *gathering.unread]),
    )


def _few(notices: Sequence[str]) -> tuple[str, ...]:
    """The first of very many notices, and how many more there are."""
    more = len(notices) - _MOST_NOTICES
    return (*notices[:_MOST_NOTICES], *([f"… and {more} more like these"] if more > 0 else []))


def _asked_for(
    history: History, refs: Sequence[str], where: str | None
) -> tuple[list[JsonObject], list[str]]:
    """The runs in the order of the report, and what to say of those that are left out."""
    if refs and where is None:
        named = {str(run["uid"]): run for run in map(history.resolve_many, refs)}
        return list(named.values()), []
    if not refs and where is None:
        runs = list(islice(history.runs(), MOST_RUNS))
        there_are = len(history.live) + history.index.count()
    else:
        found = chosen(history, refs, where)[::-1]
        runs, there_are = found[:MOST_RUNS], len(found)
    older = there_are - len(runs)
    return runs, [f"{older} older runs are left out: --where chooses others"] if older > 0 else []


def _main_of_one(history: History, runs: Sequence[JsonObject]) -> str | None:
    """Of a single run the metric that `gxt show` takes: one that its parent has too."""
    if len(runs) != 1:
        return None
    try:
        main = shown(history, runs[0]).main
    except (DamagedRecord, NewerFormat):
        return None
    return main.name if main else None


def _metrics(nodes: Sequence[JsonObject], grown: Evolution) -> tuple[str, ...]:
    """The names of all metrics, the main one first."""
    names = without_bounds(name for node in nodes for name in metrics_of(node))
    main = grown.metric.name if grown.metric else None
    return tuple(sorted(dict.fromkeys([*([main] if main else []), *names]), key=lambda name: name != main))


def _connected(history: History, grown: Evolution) -> Forest:
    """The forest in which a run whose parent is not shown is below the nearest ancestor that is."""
    shown_as = {member: uid for uid, node in grown.nodes.items() for member in uids_of(node.run)}
    parents: dict[str, str | None] = dict.fromkeys(grown.nodes)
    for uid, children in grown.forest.children.items():
        parents |= dict.fromkeys(children, uid)
    for uid in grown.forest.roots:
        seen = {uid}
        above = str(grown.nodes[uid].run["parent_uid"] or "")
        while above and above not in shown_as and above not in seen:
            seen.add(above)
            above = str((history.by_uid(above) or {}).get("parent_uid") or "")
        parents[uid] = shown_as.get(above)
    return build_forest(parents)


class _Gathering:
    """What the entries share: how much room is left for curves and images.

    Attributes:
        notices: what is left out, in words.
        unread: what cannot be read of single runs, in words.
    """

    def __init__(
        self, history: History, nodes: Sequence[JsonObject], names: Sequence[str], *, curves: bool
    ) -> None:
        self.notices: list[str] = []
        self.unread: list[str] = []
        self._history = history
        self._cache = find_cache(history.workspace.repository) if curves else None
        self._room = MOST_IMAGES
        self._too_much = self._lacking = 0
        self._drawn, count = self._chosen(nodes, names) if curves else (frozenset[str](), 0)
        fitting = MOST_POINTS // (ROWS_OF_A_STRETCH * max(1, count))
        self._stretches = min(MOST_STRETCHES, max(_LEAST_STRETCHES, fitting))

    def entries(self, nodes: Sequence[JsonObject]) -> tuple[Entry, ...]:
        """Each run with all about it."""
        code = code_changes(self._history, nodes, self.notices)
        entries = []
        for done, run in enumerate(nodes, 1):
            entries.append(self._entry(run, code.get(str(run["uid"]))))
            self._history.workspace.progress("gathering runs", done, len(nodes))
        if self._too_much:
            self._tell(self._too_much, f"left out: a report holds {MOST_IMAGES >> 20} MiB of them")
        if self._lacking:
            self._tell(self._lacking, "not here: gxt pull --data brings them, then report again")
        return tuple(entries)

    def _tell(self, images: int, what: str) -> None:
        self.notices.append(f"{'1 image is' if images == 1 else f'{images} images are'} {what}")

    def _entry(self, run: JsonObject, files: tuple[FileChange, ...] | None) -> Entry:
        uid = str(run["uid"])
        try:
            found = shown(self._history, run)
        except (DamagedRecord, NewerFormat) as error:
            self.unread.append(f"{run['id']} is not whole: {error.message}")
            found = None
        parent = found.parent if found else None
        changed = difference(params_of(parent), params_of(run)) if parent else None
        return Entry(uid, found, changed, files, self._curves(run), list(self._images(run)))

    def _chosen(self, nodes: Sequence[JsonObject], names: Sequence[str]) -> tuple[frozenset[str], int]:
        """The metrics whose curves are shown, and how many curves these are; what stands aside goes first."""
        counts: dict[str, int] = dict.fromkeys(names, 0)
        for node in nodes:
            members = len(uids_of(node))
            for name in cast("JsonObject", node["metrics"]):
                counts[name] = counts.get(name, 0) + members
        kept: list[str] = []
        total = 0
        ordered = sorted(counts, key=lambda name: name.startswith(ASIDE))
        for name in ordered:
            if kept and total + counts[name] > MOST_CURVES:
                self.notices.append(
                    f"too many curves: of {len(ordered)} metrics the first {len(kept)} have them"
                )
                break
            kept.append(name)
            total += counts[name]
        return frozenset(kept), total

    def _curves(self, run: JsonObject) -> dict[str, list[Curve]]:
        found: dict[str, list[Curve]] = {}
        for uid in uids_of(run) if self._drawn else ():
            member = run if "repeats" not in run else self._history.by_uid(uid)
            if member is None:
                continue
            try:
                series = series_of(self._history, member)
            except (DamagedRecord, NewerFormat) as error:
                self.unread.append(f"{member['id']} has no curves here: {error.message}")
                continue
            began_us = _microseconds(str(member["created"]))
            for name in self._drawn & series.keys():
                curve = _curve(str(member["id"]), series[name], began_us, self._stretches)
                found.setdefault(name, []).append(curve)
        return found

    def _images(self, run: JsonObject) -> list[Image]:
        """The pictures of the run whose content is here; of each name the last first."""
        if self._cache is None:
            return []
        artifacts = [one for one in cast("list[JsonObject]", run["artifacts"] or []) if _is_picture(one)]
        latest = {str(one["name"]): at for at, one in enumerate(artifacts)}
        order = sorted(range(len(artifacts)), key=lambda at: (at not in latest.values(), -at))
        found = {}
        for at in order:
            one = artifacts[at]
            if lacking(self._cache, str(one["md5"])):
                self._lacking += 1
                continue
            if cast("int", one["size"]) > min(_LARGEST_IMAGE, self._room):
                self._too_much += 1
                continue
            image = _image(one, self._cache.path_of(str(one["md5"])).read_bytes()[: self._room])
            if image is not None:
                self._room -= len(image.content)
                found[at] = image
        return [found[at] for at in sorted(found)]


def _is_picture(one: JsonObject) -> bool:
    return one["kind"] in _PICTURES and bool(one["md5"]) and type(one["size"]) is int


def _image(one: JsonObject, content: bytes) -> Image | None:
    """The picture, if it is of a kind that shows nothing but itself."""
    kind = next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
    if kind is None and content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "webp"
    name = str(one["name"]).removeprefix(MEDIA)
    step = one["step"] if isinstance(one["step"], int) else None
    return Image(name, step, kind, content) if kind else None


def _curve(run: str, series: Series, began_us: int, stretches: int) -> Curve:
    found = outline(series.value, stretches)
    middles = [row for row, _, _ in found.means]
    return Curve(
        run,
        (
            array("q", [series.step[row] for row in found.rows]),
            array("d", [(series.time_us[row] - began_us) / 1e6 for row in found.rows]),
            array("d", [series.value[row] for row in found.rows]),
        ),
        (
            array("q", [series.step[row] for row in middles]),
            array("d", [(series.time_us[row] - began_us) / 1e6 for row in middles]),
            array("d", [mean for _, _, mean in found.means]),
            array("q", [count for _, count, _ in found.means]),
        ),
        len(series),
    )


def _microseconds(text: str) -> int:
    """A time in ISO 8601 as microseconds since the Unix epoch."""
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e6)
