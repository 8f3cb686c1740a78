"""`gxt export files`: the plain layout that a researcher would keep by hand, see `gxt.model.layout`.

A folder that was exported to before is brought up to date: what has not changed is left as it is, and other
people's files in it stay.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from gxt.data.place import find_cache
from gxt.data.putting import UNDER_WAY, put_bytes, put_copy, take_away
from gxt.errors import DamagedRecord, GxtError, NewerFormat, UsageError
from gxt.model.goals import Metric
from gxt.model.ids import is_uid
from gxt.model.json_types import Json, JsonObject
from gxt.model.layout import (
    COMMIT,
    CONFIG,
    EVAL,
    INDEX,
    METRICS,
    PICTURE,
    README,
    RECORD,
    RUN,
    SERIES,
    folder_name,
    is_folder_name,
)
from gxt.model.metric_lines import metric_lines
from gxt.model.params import Difference, difference
from gxt.model.run import evals_of, metrics_of, params_of, title
from gxt.model.version import __version__
from gxt.named_tuple import NamedTuple
from gxt.ops.choosing import chosen
from gxt.ops.diff import MetricChange, metric_changes
from gxt.ops.export_outputs import Copy, outputs_of
from gxt.ops.history import History
from gxt.ops.show import folder_of, series_of
from gxt.ops.workspace import Workspace
from gxt.store.reading import lost

if TYPE_CHECKING:
    from gxt.model.series import SeriesByName

_KIND: Final = "export"
_UNFINISHED: Final = ".new-"
_ASIDE: Final = ".aside-"
_OF_FOLDER: Final = frozenset(("gxt", "files", "contents", "made_by", "tree", "picture", "parent_title"))
"""Facts by which a folder is known to be as it should be, and which the index leaves out."""


class Summary(NamedTuple):
    """What the page of a run is made from.

    Attributes:
        run: the run as JSON.
        parent: its parent, when it is here.
        absent: what to call a parent that cannot be shown.
        changed: the parameters that differ from the parent's.
        metrics: every metric of it, from the parent's to its own.
        main: the metric that stands for it.
        outputs: names in its folder of what it has put out, by the names that the run gives; empty where the
            content is not here.
        picture: whether there is one.
    """

    run: JsonObject
    parent: JsonObject | None
    absent: str
    changed: Difference
    metrics: Mapping[str, MetricChange]
    main: Metric | None
    outputs: Sequence[tuple[str, str]]
    picture: bool


class Drawing(NamedTuple):
    """How pages are made: a run's page as Markdown, and its picture as PNG (None: none can be made)."""

    page: Callable[[Summary], str]
    picture: Callable[[SeriesByName, Metric | None, str], bytes | None]
    draws: bool


class Exported(NamedTuple):
    """What an export did.

    Attributes:
        folder: where.
        written: folders of the runs that were written.
        unchanged: folders that were as they should be.
        notices: what is not in it, in words.
    """

    folder: Path
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def export_files(
    workspace: Workspace,
    folder: Path,
    refs: Sequence[str] = (),
    where: str | None = None,
    *,
    drawing: Drawing,
) -> Exported:
    """Write runs into a folder, and its index.

    Raises:
        UsageError: there is something else in the folder.
        UnknownRun, AmbiguousRun, RemovedRun, QueryError: see `chosen`.
        GxtError: the folder cannot be written.
    """
    with History(workspace) as history:
        runs = chosen(history, refs, where)
        try:
            known = _opened(folder)
            writing = _Writing(history, folder, known, drawing)
            for done, run in enumerate(runs, 1):
                writing.add(run)
                workspace.progress("exporting runs", done, len(runs))
            writing.put_back()
            put_bytes(folder, INDEX, _index(folder))
        except OSError as error:
            what = f"{folder} could not be written: {error.strerror or error}"
            raise GxtError(
                what, hint="see why, then the same command goes on where this one ended"
            ) from error
        return writing.exported((*workspace.notices, *history.damage()))


# --- the folder ------------------------------------------------------------------------------------------


def _opened(folder: Path) -> dict[str, str]:
    """The folders of runs in the folder of an export, by uid; made where there is none.

    Raises:
        UsageError: it is something else.
    """
    if not folder.exists():
        folder.mkdir(parents=True)
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="name a folder")
    if not _is_ours(folder):
        if any(path.name != UNDER_WAY for path in folder.iterdir()):
            hint = "name a new folder, an empty one, or one that was exported to before"
            raise UsageError(f"{folder} holds something else than an export", hint=hint)
        put_bytes(folder, INDEX, _dumped({"gxt": 1, "kind": _KIND, "runs": []}))
    for path in folder.glob(f"{_UNFINISHED}*"):
        if is_folder_name(path.name.removeprefix(_UNFINISHED)) and not path.is_symlink():
            rmtree(path, ignore_errors=True)
    return {_uid(facts): name for name, facts in _runs(folder).items()}


def _is_ours(folder: Path) -> bool:
    found = _facts(folder / INDEX)
    return found is not None and found.get("kind") == _KIND


def _runs(folder: Path) -> dict[str, JsonObject]:
    """The facts of the runs in the folder, by the names of their folders."""
    paths = sorted(folder.iterdir())
    runs = [path for path in paths if is_folder_name(path.name) or path.name.startswith(_ASIDE)]
    found = ((path.name, _facts(path / RUN)) for path in runs if not path.is_symlink())
    return {name: facts for name, facts in found if facts and _uid(facts)}


def _uid(facts: JsonObject | None) -> str:
    """The run that facts tell of; empty where they tell of none."""
    uid = (facts or {}).get("uid")
    return uid if isinstance(uid, str) and is_uid(uid) else ""


def _facts(path: Path) -> JsonObject | None:
    """A document of ours; None where there is none, or where it is another's."""
    try:
        found = json.loads(path.read_bytes()) if not path.is_symlink() and path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("gxt") == 1 else None


def _index(folder: Path) -> bytes:
    """Every run in the folder, the oldest first, a line each."""
    runs = [
        {"directory": name, **{key: value for key, value in facts.items() if key not in _OF_FOLDER}}
        for name, facts in _runs(folder).items()
    ]
    runs.sort(key=lambda one: (str(one.get("created")), str(one.get("uid"))))
    lines = ",\n  ".join(json.dumps(one) for one in runs)
    listed_runs = f"\n  {lines}\n " if runs else ""
    return f'{{\n "gxt": 1,\n "kind": "{_KIND}",\n "runs": [{listed_runs}]\n}}\n'.encode()


def _dumped(document: JsonObject) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


# --- the runs --------------------------------------------------------------------------------------------


class _Writing:
    """An export under way."""

    def __init__(self, history: History, folder: Path, known: Mapping[str, str], drawing: Drawing) -> None:
        self._history = history
        self._folder = folder
        self._known = dict(known)
        self._drawing = drawing
        self._cache = find_cache(history.workspace.repository)
        self._written: list[str] = []
        self._unchanged: list[str] = []
        self._notices: list[str] = []
        self._lacking: list[str] = []

    def exported(self, notices: Sequence[str]) -> Exported:
        """What was done."""
        told = [*notices, *self._notices]
        if self._lacking:
            shown = ", ".join(self._lacking[:5]) + (" …" if len(self._lacking) > 5 else "")
            told.append(f"outputs of {shown} are not here: gxt pull --data brings them, then export again")
        return Exported(self._folder, tuple(self._written), tuple(self._unchanged), tuple(told))

    def add(self, run: JsonObject) -> None:
        """Write a run, unless it is there as it should be."""
        id_ = str(run["id"])
        if self._history.live_of(run) is not None:
            self._notices.append(f"{id_} is running, and left out")
            return
        try:
            self._add(run)
        except (DamagedRecord, NewerFormat) as error:
            self._notices.append(f"{id_} is left out: {error.message}")

    def _add(self, run: JsonObject) -> None:
        name = folder_name(str(run["id"]), title(run))
        main = self._history.main_metric([metrics_of(run)])
        outputs, copies, is_whole = outputs_of(run, self._cache, main)
        if not is_whole:
            self._lacking.append(str(run["id"]))
        summary = summary_of(self._history, run, outputs, draws=self._drawing.draws)
        facts = self._run_facts(summary, copies)
        place = self._place(run, name)
        before = _facts(place / RUN) or {}
        if place.name == name and {key: before.get(key) for key in facts} == facts:
            self._unchanged.append(name)
            return
        files = self._files(summary)
        facts["files"] = list[Json](sorted([*files, *(one.name for one in copies)]))
        self._write(place, name, files, copies, facts, before)
        self._written.append(name)

    def _place(self, run: JsonObject, name: str) -> Path:
        """Where the run is: a folder that it has had, under another name perhaps.

        A pull may have given its number to another run. That one's folder is put aside until its turn.
        """
        target, uid = self._folder / name, str(run["uid"])
        if target.is_symlink():
            raise GxtError(f"{target} is a link", hint="nothing is written through it: remove it")
        other = _uid(_facts(target / RUN))
        if other not in {"", uid}:
            self._known[other] = f"{_ASIDE}{other}"
            target.rename(self._folder / self._known[other])
        return self._folder / self._known.get(uid, name)

    def put_back(self) -> None:
        """Name the folders that were put aside for good: of runs that this export did not ask for."""
        for path in self._folder.glob(f"{_ASIDE}*"):
            facts = _facts(path / RUN) or {}
            name = f"{facts.get('id')}-{_uid(facts).lower()}"
            if is_folder_name(name) and not (self._folder / name).exists():
                path.rename(self._folder / name)

    def _write(
        self,
        place: Path,
        name: str,
        files: Mapping[str, bytes],
        copies: Sequence[Copy],
        facts: JsonObject,
        before: JsonObject,
    ) -> None:
        """Write the files; `run.json` is the last, so that a folder without it is written again."""
        target = self._folder / name
        if place != target and place.is_dir() and not target.exists():
            place.rename(target)
        making = target if target.is_dir() else self._folder / f"{_UNFINISHED}{name}"
        making.mkdir(exist_ok=True)
        take_away(making, [RUN])
        had = before.get("contents")
        had = had if isinstance(had, dict) else {}
        for path, data in files.items():
            put_bytes(making, path, data)
        for one in copies:
            if had.get(one.name) != one.md5 or not (making / one.name).is_file():
                put_copy(making, one.name, one.path)
        present = {*files, *(one.name for one in copies)}
        take_away(making, sorted(set(_texts(before.get("files"))) - present))
        put_bytes(making, RUN, _dumped(facts))
        if making != target:
            making.rename(target)

    def _run_facts(self, summary: Summary, copies: Sequence[Copy]) -> JsonObject:
        """What `run.json` holds, by which a folder is known to be as it should be."""
        run, parent, main = summary.run, summary.parent, summary.main
        return {
            "gxt": 1,
            **{key: run[key] for key in ("id", "uid", "name", "status", "parent", "parent_uid")},
            **{key: run[key] for key in ("created", "duration_s", "tags", "metrics", "commit")},
            "main_metric": list[Json](main) if main else None,
            "parent_title": title(parent) if parent else None,
            "tree": folder_of(self._history, run).oid,
            "picture": summary.picture,
            "contents": {one.name: one.md5 for one in copies},
            "made_by": __version__,
        }

    def _files(self, summary: Summary) -> dict[str, bytes]:
        run = summary.run
        series = series_of(self._history, run)
        picture = self._drawing.picture(series, summary.main, title(run)) if summary.picture else None
        drawn = summary._replace(picture=picture is not None)
        return {
            README: self._drawing.page(drawn).encode(errors="backslashreplace"),
            **({PICTURE: picture} if picture is not None else {}),
            CONFIG: _yaml(params_of(run)),
            METRICS: b"".join(metric_lines(series)),
            EVAL: (json.dumps(evals_of(run), indent=1) + "\n").encode(),
            **self._record(run),
        }

    def _record(self, run: JsonObject) -> dict[str, bytes]:
        """What git has of the run, byte for byte."""
        reader = self._history.index.reader
        files = {}
        for name, entry in folder_of(self._history, run).entries.items():
            path = f"{RECORD}/{COMMIT if name == 'run' else name}"
            pieces = {f"/{one.name}": one.oid for one in reader.tree(entry.oid)} if name == SERIES else {}
            for below, oid in (pieces or {"": entry.oid}).items():
                found = reader.read(oid)
                if found is None:
                    raise lost(f"{name} of {run['id']}", oid)
                files[f"{path}{below}"] = found.data
        return files


def summary_of(
    history: History, run: JsonObject, outputs: Sequence[tuple[str, str]] = (), *, draws: bool = False
) -> Summary:
    """What the page of a run is made from.

    Args:
        history: of all runs.
        run: as JSON.
        outputs: see `Summary`.
        draws: whether a picture can be made.
    """
    uid = str(run["parent_uid"] or "")
    parent = history.by_uid(uid) if uid else None
    absent = history.absent(uid).label if uid and parent is None else ""
    changed = difference(params_of(parent), params_of(run)) if parent else {}
    metrics = metric_changes(parent or {}, run, history.workspace.settings.goals)
    own = {key: one for key, one in metrics.items() if key in metrics_of(run)}
    main = history.main_metric([metrics_of(run)])
    return Summary(run, parent, absent, changed, own, main, outputs, picture=draws and bool(own))


def _texts(value: Json) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _yaml(params: JsonObject) -> bytes:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # not every build of PyYAML has libyaml
    try:
        text: str = yaml.dump(params, Dumper=dumper, sort_keys=False, allow_unicode=True)
        return text.encode()
    except UnicodeEncodeError:  # half a character, which JSON can spell; and JSON is YAML
        return (json.dumps(params, indent=1) + "\n").encode()
