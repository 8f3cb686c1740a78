"""The runs of a repository: the sealed ones from git, the running ones from their journals."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, cast

from gxt.errors import (
    DOCTOR,
    AmbiguousRun,
    DamagedRecord,
    NewerFormat,
    RemovedRun,
    UnknownRun,
    UsageError,
)
from gxt.git.objects import ObjectReader
from gxt.model.codec import double_from_json
from gxt.model.goals import Goal, Metric, goals_of, main_metric
from gxt.model.ids import is_uid, parse_run_id, run_id, said_number
from gxt.model.json_types import Json, JsonObject
from gxt.model.run import Row, metrics_of, row_of, without_packages
from gxt.named_tuple import NamedTuple
from gxt.ops.declared import declared_metric
from gxt.ops.workspace import Workspace, how_to_begin
from gxt.store.index import Index
from gxt.store.places import EXPERIMENTS, live_paths
from gxt.store.reading import read_removed
from gxt.store.tree import RunFolder, uid_of

if TYPE_CHECKING:
    from gxt.model.events import Folded
    from gxt.model.series import SeriesByName


class Live(NamedTuple):
    """A run that is not in git yet: its directory, the run as JSON, its series if the history has them."""

    path: Path
    run: JsonObject
    series: SeriesByName


class Absent(NamedTuple):
    """A run that something names and that cannot be shown: a label for it, and notices that tell why."""

    label: str
    notices: tuple[str, ...]


class Removed(NamedTuple):
    """A run that was removed: its number and uid, when in ISO 8601 and by whom, where that can be read."""

    number: int
    uid: str
    at: str = ""
    by: str = ""


class History:
    """All runs. Use it as a context manager.

    Args:
        workspace: whose.
        reader: for git's objects; it stays open.
        series: whether the series of live runs are wanted, for which their journals are read whole.
        without: the uid of a live run that is to be left out.
    """

    def __init__(
        self,
        workspace: Workspace,
        reader: ObjectReader | None = None,
        *,
        series: bool = False,
        without: str | None = None,
    ) -> None:
        self.workspace = workspace
        self._index = Index(workspace.repository, reader, workspace.progress)
        self._series = series
        self._without = without
        self._unsealed_runs: list[Live] | None = None
        self._paths: list[Path] = []

    def __enter__(self) -> History:
        self._paths = [p for p in live_paths(self.workspace.repository) if p.name != self._without]
        self._index.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._index.__exit__(kind, error, trace)

    @property
    def index(self) -> Index:
        """The sealed runs."""
        return self._index

    @property
    def live(self) -> list[Live]:
        """The runs that are not in git yet, oldest first; their journals are read when it is first asked."""
        if self._unsealed_runs is None:
            found = self._read_journals() if self._paths else []
            if not all(path.exists() for path in self._paths):  # sealed since: then the index must be newer
                self._index.refresh()
            self._unsealed_runs = self._unsealed(found)
        return self._unsealed_runs

    def runs(self) -> Iterator[JsonObject]:
        """Every run, the running ones on top, then newest first; without packages."""
        for live in reversed(self.live):
            yield without_packages(live.run)
        yield from self._index.runs()

    def rows(self, limit: int | None) -> list[Row]:
        """The newest runs as lists show them, the running ones on top."""
        live = [row_of(live.run) for live in reversed(self.live)][:limit]
        return live + self._index.rows(None if limit is None else limit - len(live))

    def texts(self, limit: int | None) -> list[str]:
        """The newest runs as JSON texts, the running ones on top; without packages."""
        live = [json.dumps(without_packages(live.run)) for live in reversed(self.live)][:limit]
        return live + list(self._index.texts(None if limit is None else limit - len(live)))

    def resolve(self, ref: str) -> JsonObject:
        """The run that a person means.

        Args:
            ref: `exp-012`, `exp-12`, `12`, a unique name, a prefix of uid or commit (4 characters or more),
                `@` for the latest, `@~2` for two before it, `best` by the main metric; of repeats, as in
                `exp-012+4`, the first.

        Raises:
            UnknownRun: no run answers to it.
            AmbiguousRun: several do.
            RemovedRun: it was removed.
            DamagedRecord, NewerFormat: it is there and cannot be read.
        """
        number = said_number(ref)
        found = self._numbered(number) if number is not None else None
        if found is not None and (ref.isdigit() or ref == found["id"]):
            return found
        if ref == "@" or ref.startswith("@~"):
            return self._latest(ref)
        if ref == "best":
            return self._best()
        candidates = self._named(ref)
        if found is not None and found not in candidates:
            candidates = [found, *candidates]
        candidates = candidates or (self._prefixed(ref) if len(ref) >= 4 else [])
        if not candidates and (first := _first_of_many(ref)):
            return self.resolve(first)
        if not candidates:
            if removed := self.removed(ref):
                raise RemovedRun(run_id(removed.number), removed.at[:16].replace("T", " "), removed.by)
            moved = self.moved(ref)
            raise UnknownRun(
                ref, hint=f"it is {moved[0]} now: gxt show {moved[0]}" if moved else self._hint()
            )
        if len(candidates) > 1:
            raise AmbiguousRun(ref, tuple(str(run["id"]) for run in candidates))
        return candidates[0]

    def removed(self, ref: str) -> Removed | None:
        """The removed run that a person means by an id, a number, or a prefix of a uid.

        Raises:
            AmbiguousRun: several have a uid that begins so.
        """
        number = said_number(ref)
        numbers = [number] if number is not None else []
        if not numbers and len(ref) >= 4 and ref.isascii() and ref.isalnum():
            numbers = self._index.removed_with(ref)
        if len(numbers) > 1:
            raise AmbiguousRun(ref, tuple(map(run_id, numbers)))
        folder = self._index.removed_folder(numbers[0]) if numbers else None
        return self._removed(folder) if folder else None

    def _removed(self, folder: RunFolder) -> Removed:
        reader = self._index.reader
        uid = uid_of(reader, folder) or ""
        try:
            document = read_removed(reader, folder)
        except (DamagedRecord, NewerFormat):  # that it was removed is all that counts
            return Removed(folder.number, uid)
        by = cast("JsonObject", document["by"])
        return Removed(folder.number, uid, str(document["at"]), str(by.get("name", "")))

    def resolve_to_change(self, ref: str) -> JsonObject:
        """The same, to say something of it: not by a number that another run had here before.

        Raises:
            UsageError: people here may mean one run or the other.
        """
        run = self.resolve(ref)
        if _first_of_many(ref) and run["name"] != ref:
            raise UsageError(
                f"{ref} are several runs, and each is changed by itself", hint=f"name one: {run['id']}"
            )
        moved = self.moved(ref)
        if moved and str(run["id"]) not in moved:
            raise UsageError(
                f"{run['id']} is the run {run['uid']} now; {moved[0]} had that number before a pull",
                hint=f"say which one: {run['uid']}, or {moved[0]}",
            )
        return run

    def moved(self, ref: str) -> tuple[str, ...]:
        """The runs that had a number before a pull gave it to another run, when that is what is asked for."""
        number = said_number(ref)
        return tuple(map(run_id, self._index.formerly(number))) if number is not None else ()

    def by_uid(self, uid: str) -> JsonObject | None:
        """The run with this identity, if it is here."""
        if uid in {path.name for path in self._paths}:
            live = [live.run for live in self.live if live.run["uid"] == uid]
            if live:
                return live[0]
        return self._index.by_uid(uid)

    def by_id(self, id_: str) -> JsonObject | None:
        """The run with this id, as lists show it; None where it went this moment."""
        number = parse_run_id(id_)
        live = (live.run for live in self.live if live.run["id"] == id_)
        return next(live, None) or (self._index.by_number(number) if number is not None else None)

    def children(self, uid: str) -> list[JsonObject]:
        """The runs derived from this one, oldest first."""
        live = [live.run for live in self.live if live.run["parent_uid"] == uid]
        return [*self._index.by_parent(uid), *live]

    def group(self, uid: str) -> list[JsonObject]:
        """The repeats of a group, oldest first."""
        live = [live.run for live in self.live if live.run["group"] == uid]
        return [*self._index.by_group(uid), *live]

    def group_rows(self, uid: str) -> list[Row]:
        """The same as lists show them."""
        live = [row_of(live.run) for live in self.live if live.run["group"] == uid]
        return [*self._index.group_rows(uid), *live]

    def whole_group(self, run: JsonObject) -> JsonObject:
        """What stands for the repeats that a run is one of; the run itself where it is the only one."""
        members = self.group(str(run["group"])) if run["group"] and "repeats" not in run else []
        return _folded(members) if len(members) > 1 else run

    def resolve_many(self, ref: str) -> JsonObject:
        """As `resolve`, but repeats answer together to `exp-012+`, to `exp-012+4`, to the name that all of
        them have, and to the uid of their group: with what stands for them (`gxt.model.repeats.fold_runs`).

        Raises:
            UsageError: the run has no repeats.
        """
        first = _first_of_many(ref)
        if first and not self._named(ref):
            run = self._repeated(first) or self.resolve(first)
            if not run["group"]:
                raise UsageError(f"{run['id']} has no repeats", hint=f"leave out the +: {first}")
            return self.whole_group(run)
        if is_uid(ref) and (members := self.group(ref)):
            return self.whole_group(members[0])
        repeated = self._repeated(ref)
        return self.whole_group(repeated) if repeated else self.resolve(ref)

    def _repeated(self, name: str) -> JsonObject | None:
        """A run of the group whose repeats are all that have this name; None where that is no such name."""
        named = self._named(name) if said_number(name) is None else []
        is_group = len(named) > 1 and named[0]["group"] and len({str(run["group"]) for run in named}) == 1
        return named[0] if is_group else None

    def live_of(self, run: JsonObject) -> Live | None:
        """The journal behind a run that is not in git yet."""
        return next((live for live in self.live if live.run["uid"] == run["uid"]), None)

    def main_metric(
        self, metrics: Sequence[Mapping[str, Json]], own: Mapping[str, Goal] = MappingProxyType({})
    ) -> Metric | None:
        """The metric that stands for runs with these metrics, newest first; `own` are their own goals.

        The settings' choice, else dvc.yaml's first, else by the names in the order they were first logged.
        """
        settings = self.workspace.settings
        names = dict.fromkeys(name for one in reversed(metrics) for name in one)
        chosen = settings.metric or declared_metric(self.workspace.repository)
        return main_metric(names, chosen=chosen, goals={**own, **settings.goals})

    def damage(self) -> tuple[str, ...]:
        """What cannot be read, in words, with what to do next."""
        runs = [_unreadable(name, reason) for name, reason in self._index.damaged()]
        return (*runs, *(_stray(path, lost=lost) for path, lost in self._index.strays()))

    def passed_over(self, run: JsonObject) -> tuple[str, ...]:
        """The runs after this one that cannot be read: `@` would have been one of them."""
        last = parse_run_id(str(run["id"])) or 0
        return tuple(
            _unreadable(name, reason)
            for name, reason in self._index.damaged()
            if (parse_run_id(name) or 0) > last
        )

    def absent(self, uid: str) -> Absent:
        """What to say of a run that `by_uid` does not find."""
        removed = self._index.removed(uid)
        if removed is not None:
            return Absent(f"{run_id(removed)} (removed)", ())
        found = self._index.unreadable(uid)
        if found is None:
            return Absent(f"{uid} (not here)", ())
        return Absent(f"{found[0]} (cannot be read)", (_unreadable(*found),))

    def _read_journals(self) -> list[tuple[int, Path, Folded]]:
        from gxt.store import journal  # folding a journal is loaded only where one lies

        found = []
        for path in self._paths:
            try:
                alive = journal.is_alive(path) or journal.runs_elsewhere(path)
                read = journal.read if self._series else journal.read_summary
                folded = read(path, unfinished="running" if alive else "interrupted")
            except (DamagedRecord, NewerFormat, OSError):
                continue  # sealed this moment, or reported by the recovery
            found.append((journal.reserved_number(path), path, folded))
        return sorted(found, key=lambda one: one[0])

    def _unsealed(self, found: list[tuple[int, Path, Folded]]) -> list[Live]:
        found = [one for one in found if self._index.number_of(one[2].uid) is None]
        numbers = {folded.uid: number for number, _, folded in found}
        return [self._live(number, path, folded, numbers) for number, path, folded in found]

    def _live(self, number: int, path: Path, folded: Folded, numbers: dict[str, int]) -> Live:
        run = folded.run()
        run["id"] = run_id(number)
        if folded.status == "running":
            run["duration_s"] = max(0.0, time.time() - folded.started_us / 1e6)
        parent = run["parent_uid"]
        if parent:
            known = numbers.get(str(parent)) or self._index.number_of(str(parent))
            run["parent"] = run_id(known) if known else None
        return Live(path, run, folded.series)

    def _numbered(self, number: int) -> JsonObject | None:
        live = [live.run for live in self.live if live.run["id"] == run_id(number)]
        found = live[0] if live else self._index.by_number(number)
        if found is None:
            self._index.check(number)
        return found

    def _latest(self, ref: str) -> JsonObject:
        back = ref.removeprefix("@").removeprefix("~") or "0"
        if back.isascii() and back.isdigit() and len(back) <= 9:
            for i, run in enumerate(self.runs()):
                if i == int(back):
                    return run
        raise UnknownRun(ref, hint=self._hint())

    def _best(self) -> JsonObject:
        runs = [run for run in self.runs() if run["status"] == "completed"]
        if not runs:
            raise UnknownRun("best", hint=self._hint())
        main = self.main_metric([metrics_of(run) for run in runs], goals_of(*reversed(runs)))
        if main is None or main.goal is None:
            raise UnknownRun(
                "best",
                hint="tell which metric is the main one: git config gxt.metric NAME; git config gxt.goal max",
            )
        scored = [(double_from_json(metrics_of(run).get(main.name)), run) for run in runs]
        known = [(value, run) for value, run in scored if value is not None and math.isfinite(value)]
        if not known:
            raise UnknownRun("best", hint=f"no completed run has a finite {main.name}")
        sign = 1 if main.goal == "max" else -1
        return max(known, key=lambda one: sign * one[0])[1]

    def _named(self, name: str) -> list[JsonObject]:
        live = [live.run for live in self.live if live.run["name"] == name]
        return [*live, *self._index.by_name(name)]

    def _prefixed(self, prefix: str) -> list[JsonObject]:
        if not prefix.isascii() or not prefix.isalnum():
            return []
        live = [live.run for live in self.live if str(live.run["uid"]).startswith(prefix.upper())]
        found = live or self._index.by_prefix(prefix)
        if not found:
            self._index.check_named(prefix)
        return found

    def _hint(self) -> str:
        newest = next(iter(self.runs()), None)
        if newest is None and self._index.damaged():
            return "there are runs, and none can be read: gxt doctor tells why"
        if newest is None:
            return f"there are no runs yet: {how_to_begin(self.workspace.repository)}"
        return f"the latest is {newest['id']}; gxt list shows all"


def _first_of_many(ref: str) -> str:
    """`exp-012` of `exp-012+` and `exp-012+4`; empty for anything else."""
    head, plus, rest = ref.rpartition("+")
    return head if plus and (not rest or rest.isdecimal()) else ""


def _folded(members: Sequence[JsonObject]) -> JsonObject:
    from gxt.model.repeats import fold_runs  # most histories have none

    return fold_runs([without_packages(one) for one in members])


def _unreadable(name: str, reason: str) -> str:
    return f"{name} cannot be read: {reason}; gxt show {name} tells what to do"


def _stray(path: str, *, lost: bool) -> str:
    if lost:
        return f"{path} in {EXPERIMENTS} cannot be opened: git has lost it; {DOCTOR}"
    what = "is no run, and nobody but gxt should write there"
    return f"{path} in {EXPERIMENTS} {what}; git log -p --first-parent {EXPERIMENTS} -- {path} tells more"
