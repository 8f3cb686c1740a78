"""`Experiment` and `ExperimentRegistry`, as research code writes them: the same runs, in other words."""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gxt.errors import UsageError
from gxt.model.json_types import JsonObject
from gxt.model.params import join_keys, split_keys, top_level
from gxt.model.query import parse_where
from gxt.reading import RecordedRun, get, opened, runs
from gxt.recording import Run, labels, recorded

if TYPE_CHECKING:
    import pandas

_WORDS = {"true": True, "false": False, "null": None}
_OPERATORS = ("==", "!=", "<=", ">=", "<", ">")


class Experiment:
    """A run by the name of its experiment. It begins when this is made, as `gxt.init` begins one.

    Attributes:
        name: of the run.
        config: the parameters as they were given.
        run: the run, for all else that can be said of it.
    """

    def __init__(
        self,
        name: str,
        config: object = None,
        *,
        message: str | None = None,
        parent: str | None = None,
        tags: str | Sequence[str] = (),
    ) -> None:
        """Begin the run.

        Args:
            name: a short name.
            config: parameters: a mapping, an argparse namespace, a dataclass.
            message: what is different this time.
            parent: the run that this one derives from; by default the base.
            tags: labels.

        Raises:
            GxtError: as `gxt.init`.
        """
        from gxt.api import init

        self.run: Run = init(config, name=name, message=message, parent=parent, tags=tags)
        self.name = name
        self.config = dict(self.run.config)

    def __enter__(self) -> Experiment:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run.__exit__(kind, error, trace)

    def log_metric(self, name: str, value: object, step: int | None = None) -> None:
        """Record one metric; without a step one more than the last."""
        self.run.log_metric(name, value, step)

    def log_config(self, config: object = None) -> None:
        """Record the parameters once more, with more of them if any are given."""
        if config is not None:
            self.config |= top_level(config)
        self.run.log_params(self.config)

    def log_model(
        self, model_path: str | os.PathLike[str], name: str | None = None, step: int | None = None
    ) -> None:
        """Keep a checkpoint."""
        self.run.log_model(model_path, name, step)

    def save_summary(self) -> dict[str, Any]:
        """Keep what is known of the run by now as its output `summary.json`.

        Returns:
            `{id, uid, name, params, metrics, metric_stats}`; empty when nothing is recorded. It never raises.
        """
        return self.run._keep_summary()

    def finish(self, exit_code: int = 0) -> None:
        """End the run."""
        self.run.finish(exit_code)


class ExperimentRegistry:
    """The runs of a repository, to be listed, compared and read.

    Args:
        path: in the repository; the working directory by default.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = path

    def register(
        self,
        experiment: Experiment | Run | RecordedRun | str | None = None,
        *,
        name: str | None = None,
        config: object = None,
        metrics: Mapping[str, object] | None = None,
        tags: str | Sequence[str] = (),
    ) -> RecordedRun:
        """Label a run; or record one that was made without gxt.

        Args:
            experiment: the run, or its id; it is finished if it goes on in this process. None for a new one.
            name: of a new run.
            config: the parameters of a new run.
            metrics: the final metrics of a new run.
            tags: labels.

        Returns:
            The run as it is recorded.

        Raises:
            UsageError: a run that is there already cannot be given parameters or metrics.
            GxtError: there is no such run, or it cannot be recorded.
        """
        from gxt.ops import registering

        if experiment is None:
            params = recorded(top_level(config))
            uid = registering.record(
                opened(self._path), name=name, params=params, metrics=metrics or {}, tags=labels(tags)
            )
            return get(uid, self._path)
        if name is not None or config is not None or metrics is not None:
            raise UsageError(
                "a run that is recorded keeps its parameters and metrics",
                hint="leave out the run to record a new one, or add an evaluation: gxt eval",
            )
        run = experiment.run if isinstance(experiment, Experiment) else experiment
        if isinstance(run, Run):
            run.finish()
        ref = run.uid if isinstance(run, (Run, RecordedRun)) else str(run)
        if said := labels(tags):
            from gxt.ops.annotate import tag

            tag(opened(self._path), ref, said)
        return get(ref, self._path)

    def list(
        self,
        tags: str | Sequence[str] = (),
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, object] | None = None,
        *,
        where: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> builtins.list[RecordedRun]:
        """The runs that match all that is asked, newest first.

        Args:
            tags: labels that they have.
            params: what parameters are, by dotted name: a value, several to choose from, or a comparison such
                as `"> 0.01"`.
            metrics: the same of metrics: `{"val/acc": ">= 0.9"}`.
            where: a condition besides, as `gxt list --where` takes it.
            sort: by what, as `gxt list --sort`.
            limit: at most so many.

        Raises:
            QueryError: a condition cannot be understood, or no run has what it names.
            UsageError: a filter is none.
        """
        if where:
            parse_where(where)  # a mistake is told in the words of who has made it
        asked = [f"({where})"] if where else []
        asked += [_condition(_of_param(name), value) for name, value in _filters("params", params)]
        asked += [
            _condition(join_keys(("metrics", name)), value) for name, value in _filters("metrics", metrics)
        ]
        return runs(" and ".join(asked) or None, sort=sort, limit=limit, tags=tags, path=self._path)

    def get(self, run: str) -> RecordedRun:
        """One run, as `gxt.get` finds it."""
        return get(run, self._path)

    def compare(self, ids: Sequence[str | RecordedRun], *, all: bool = False) -> pandas.DataFrame:  # noqa: A002 as --all
        """Runs side by side: a row for each, in the order asked for, as `to_frame` has them.

        Repeats that one reference names together (`exp-001+`) are one row: the means of their metrics, with
        `se.<name>`, the standard error of the mean, and `n.<name>`, of how many it is.

        Args:
            ids: as `gxt compare` takes them; or runs.
            all: also the parameters that are the same in all of them. Facts and metrics are always there.

        Raises:
            UnknownRun, AmbiguousRun: one of them is no single run, nor the repeats of one experiment.
            GxtError: there is no pandas (`pip install 'gxt[analysis]'`).
        """
        from gxt.analysis.frames import frame_of
        from gxt.ops.compare import side_by_side

        found = side_by_side(opened(self._path), _refs(ids))
        same = [] if all or len(found.runs) < 2 else [one for one in found.facts if not one.differs]
        return frame_of(found.runs, without=[one.name for one in same if one.kind == "params"])

    def importance(
        self, metric: str | None = None, ids: Sequence[str | RecordedRun] = (), *, where: str | None = None
    ) -> pandas.DataFrame:
        """Which parameters a metric goes with, the most important first: a row for each that differs.

        The columns are `kind`, `n` (experiments: repeats are one), `values` (how many different ones),
        `importance` (the share of the metric's differences in rank that it explains alone: epsilon squared,
        Kelley 1935, on ranks, Conover and Iman 1981), `beyond` (its share of what the other parameters leave
        open: Frisch and Waugh 1933), `correlation` (Spearman's), each with the ends of its interval at 95 %
        (`importance_low`, `importance_high`, …: Helland 1987; of the correlation Bonett and Wright 2000), `p`
        (of the correlation; of a category Kruskal and Wallis'), and `why` there is nothing. The frame's
        `attrs["warnings"]` says in words what the runs cannot tell.

        Args:
            metric: a name as in `--where`, or a bare one; by default the main metric.
            ids: of runs, or runs; by default all. Only completed ones count.
            where: a condition in their place.

        Raises:
            UsageError: there are no such runs, or they have no metric.
            QueryError: a name or the condition cannot be understood.
            GxtError: there is no pandas or scipy (`pip install 'gxt[analysis]'`).
        """
        from gxt.analysis.installed import check_installed

        check_installed("numpy", "scipy", "pandas")
        from gxt.analysis.frames import table_of
        from gxt.ops.compare import CompareRequest
        from gxt.ops.relating import RECORD, TEXTS, as_record, relate

        request = CompareRequest(_refs(ids), where)
        found = relate(opened(self._path), request, metric)
        records = [as_record(one) for one in found.effects]
        columns = {name: [one[name] for one in records] for name in RECORD}
        frame = table_of("name", columns, TEXTS)
        frame.attrs["warnings"] = list(found.warnings)
        return frame

    def pivot(
        self,
        rows: str,
        columns: str | None = None,
        metric: str | None = None,
        ids: Sequence[str | RecordedRun] = (),
        *,
        where: str | None = None,
    ) -> pandas.DataFrame:
        """A metric by one or two parameters: `mean`, `se` (its standard error) and `n` (runs).

        With `columns` each of the three is a table: `frame["mean"]`.

        Args:
            rows: whose values make the rows: a name as in `--where`, or a bare one.
            columns: whose values make the columns.
            metric: such a name; by default the main metric.
            ids: of runs, or runs; by default all. Only completed ones count.
            where: a condition in their place.

        Raises:
            UsageError: there are no such runs, or they have no metric.
            QueryError: a name or the condition cannot be understood.
            GxtError: there is no pandas (`pip install 'gxt[analysis]'`).
        """
        from gxt.analysis.frames import grid_of
        from gxt.ops.compare import CompareRequest
        from gxt.ops.pivot import labels, pivot

        names = [rows] if columns is None else [rows, columns]
        request = CompareRequest(_refs(ids), where)
        found = pivot(opened(self._path), request, names, metric)
        cells: dict[str, dict[tuple[int, int], float | None]] = {
            "mean": {place: one.mean for place, one in found.cells.items()},
            "se": {place: one.error for place, one in found.cells.items()},
            "n": {place: len(one.runs) for place, one in found.cells.items()},
        }
        return grid_of(names, (labels(found.rows), labels(found.columns)), cells)

    def to_frame(self, where: str | None = None) -> pandas.DataFrame:
        """All runs, or those that a condition takes: a row for each, newest first, by id.

        The columns are `name`, `status`, `created` and other facts, then `params.<dotted name>`, then
        `metrics.<name>`; what a run lacks is missing, a metric that it lacks NaN.

        Raises:
            QueryError: the condition cannot be understood.
            GxtError: there is no pandas (`pip install 'gxt[analysis]'`).
        """
        return _frame(runs(where, path=self._path))


def _frame(found: Sequence[RecordedRun]) -> pandas.DataFrame:
    from gxt.analysis.frames import frame_of

    objects: Sequence[JsonObject] = [run.to_dict() for run in found]
    return frame_of(objects)


def _filters(what: str, filters: Mapping[str, object] | None) -> builtins.list[tuple[str, object]]:
    if filters is not None and not isinstance(filters, Mapping):
        raise UsageError(
            f"{what} are filtered by name, not by {filters!r}",
            hint=f'write {what}={{"NAME": "> 0.1"}}, or where= for a condition',
        )
    return [(str(name), value) for name, value in (filters or {}).items()]


def _refs(runs: Sequence[str | RecordedRun]) -> builtins.list[str]:
    """What names each, also a mere number; a text alone is one."""
    return [str(getattr(one, "uid", one)) for one in ([runs] if isinstance(runs, str) else runs)]


def _of_param(name: str) -> str:
    return join_keys(("params", *split_keys(name)))


def _condition(name: str, value: object) -> str:
    """A condition of `--where`: a comparison that is written out, one of several values, or equality."""
    if hasattr(value, "tolist"):  # of numpy and torch: one value or several
        value = value.tolist()
    if isinstance(value, str):
        for operator in _OPERATORS:
            if value.strip().startswith(operator):
                return f"{name} {operator} {_literal(_meant(value.strip().removeprefix(operator).strip()))}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"{name} in [{', '.join(map(_literal, value))}]"
    return f"{name} == {_literal(value)}"


def _meant(text: str) -> object:
    """What stands behind a comparison: a number, true, false, null, else a text, in quotes or not."""
    if text in _WORDS:
        return _WORDS[text]
    for number in (int, float):
        with suppress(ValueError):
            return number(text)
    return text.strip("'\"")


def _literal(value: object) -> str:
    value = value.tolist() if hasattr(value, "tolist") else value
    if not (value is None or isinstance(value, (int, str)) or (isinstance(value, float) and isfinite(value))):
        raise UsageError(
            f"a filter takes a number, a text or several of them, not {value!r}",
            hint='write for example {"lr": 0.1}, {"lr": [0.1, 0.3]}, {"lr": "> 0.1"}',
        )
    return json.dumps(value, ensure_ascii=False)
