"""The runs of a repository: the sealed ones from git, the running ones from their journals."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gxt.errors import AmbiguousRun, DamagedRecord, UnknownRun
from gxt.model.codec import number_from_json
from gxt.model.goals import Metric, main_metric
from gxt.model.ids import parse_run_id, run_id
from gxt.model.json_types import JsonObject
from gxt.model.run import metrics_of, run_json, without_packages
from gxt.ops.declared import declared_metric
from gxt.ops.workspace import Workspace
from gxt.store.index import Index
from gxt.store.places import live_paths

if TYPE_CHECKING:
    from gxt.model.events import Folded


@dataclass(frozen=True)
class Live:
    """A run that is not in git yet: its directory, what its journal says, and the run as JSON."""

    path: Path
    folded: Folded
    run: JsonObject


class History:
    """All runs. Use it as a context manager."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._index = Index(workspace.repository)
        self.live: list[Live] = []

    def __enter__(self) -> History:
        self._index.__enter__()
        self.live = self._read_live()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._index.__exit__(kind, error, trace)

    @property
    def index(self) -> Index:
        """The sealed runs."""
        return self._index

    def runs(self) -> Iterator[JsonObject]:
        """Every run, the running ones on top, then newest first; without packages."""
        for live in reversed(self.live):
            yield without_packages(live.run)
        yield from self._index.runs()

    def resolve(self, ref: str) -> JsonObject:
        """The run that a person means.

        Args:
            ref: `exp-012`, `12`, a unique name, a prefix of uid or commit (4 characters or more), `@` for the
                latest, `@~2` for two before it, `best` by the main metric.

        Raises:
            UnknownRun: no run answers to it.
            AmbiguousRun: several do.
        """
        number = int(ref) if ref.isascii() and ref.isdigit() and len(ref) < 9 else parse_run_id(ref)
        if number is not None:
            found = self._numbered(number)
            if found is not None:
                return found
        elif ref == "@" or ref.startswith("@~"):
            return self._latest(ref)
        elif ref == "best":
            return self._best()
        candidates = self._named(ref) or (self._prefixed(ref) if len(ref) >= 4 else [])
        if not candidates:
            raise UnknownRun(ref, hint=self._hint())
        if len(candidates) > 1:
            raise AmbiguousRun(ref, tuple(str(run["id"]) for run in candidates))
        return candidates[0]

    def by_uid(self, uid: str) -> JsonObject | None:
        """The run with this identity, if it is here."""
        live = [live.run for live in self.live if live.run["uid"] == uid]
        return live[0] if live else self._index.by_uid(uid)

    def children(self, uid: str) -> list[JsonObject]:
        """The runs derived from this one, oldest first."""
        live = [live.run for live in self.live if live.run["parent_uid"] == uid]
        return [*self._index.by_parent(uid), *live]

    def live_of(self, run: JsonObject) -> Live | None:
        """The journal behind a run that is not in git yet."""
        return next((live for live in self.live if live.run["uid"] == run["uid"]), None)

    def main_metric(self, runs: list[JsonObject] | None = None) -> Metric | None:
        """The metric that stands for runs: the settings', else dvc.yaml's, else by the names they logged."""
        settings = self.workspace.settings
        considered = list(self.runs()) if runs is None else runs
        names = dict.fromkeys(name for run in reversed(considered) for name in metrics_of(run))
        chosen = settings.metric or declared_metric(self.workspace.repository.top)
        return main_metric(names, chosen=chosen, goals=settings.goals)

    def _read_live(self) -> list[Live]:
        paths = live_paths(self.workspace.repository)
        if not paths:
            return []
        from gxt.store import journal  # folding a journal is loaded only where one lies

        found = []
        for path in paths:
            alive = journal.is_alive(path) or journal.runs_elsewhere(path)
            try:
                folded = journal.read(path, unfinished="running" if alive else "interrupted")
            except (DamagedRecord, FileNotFoundError):
                continue  # sealed this moment, or reported by the recovery
            found.append((journal.reserved_number(path), path, folded))
        found.sort(key=lambda one: one[0])
        numbers = {folded.uid: number for number, _, folded in found}
        return [self._live(number, path, folded, numbers) for number, path, folded in found]

    def _live(self, number: int, path: Path, folded: Folded, numbers: dict[str, int]) -> Live:
        run = run_json(
            commit=None,
            config=folded.config,
            environment=folded.environment,
            metrics=folded.metrics,
            annotations=folded.annotations,
        )
        run["id"] = run_id(number)
        if folded.status == "running":
            run["duration_s"] = time.time() - folded.started_us / 1e6
        parent = run["parent_uid"]
        if parent:
            known = numbers.get(str(parent)) or self._index.number_of(str(parent))
            run["parent"] = run_id(known) if known else None
        return Live(path, folded, run)

    def _numbered(self, number: int) -> JsonObject | None:
        live = [live.run for live in self.live if live.run["id"] == run_id(number)]
        return live[0] if live else self._index.by_number(number)

    def _latest(self, ref: str) -> JsonObject:
        back = ref.removeprefix("@").removeprefix("~") or "0"
        if back.isascii() and back.isdigit():
            for i, run in enumerate(self.runs()):
                if i == int(back):
                    return run
        raise UnknownRun(ref)

    def _best(self) -> JsonObject:
        runs = [run for run in self.runs() if run["status"] == "completed"]
        main = self.main_metric(runs)
        if main is None or main.goal is None:
            raise UnknownRun(
                "best",
                hint="tell which metric is the main one: git config gxt.metric NAME; git config gxt.goal max",
            )
        scored = [(number_from_json(metrics_of(run).get(main.name)), run) for run in runs]
        known = [(value, run) for value, run in scored if value is not None and not math.isnan(value)]
        if not known:
            raise UnknownRun("best", hint=f"no completed run has {main.name}")
        sign = 1 if main.goal == "max" else -1
        return max(known, key=lambda one: sign * one[0])[1]

    def _named(self, name: str) -> list[JsonObject]:
        live = [live.run for live in self.live if live.run["name"] == name]
        return [*live, *self._index.by_name(name)]

    def _prefixed(self, prefix: str) -> list[JsonObject]:
        live = [live.run for live in self.live if str(live.run["uid"]).startswith(prefix.upper())]
        return live or self._index.by_prefix(prefix)

    def _hint(self) -> str:
        newest = next(iter(self.runs()), None)
        if newest is None:
            return "there are no runs yet: gxt run -- python train.py"
        return f"the latest is {newest['id']}; gxt list shows all"
