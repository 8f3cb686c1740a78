"""`gxt scaling`: runs become points, and the points a law."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from gxt.analysis.law import Options
from gxt.analysis.scaling import NAMES
from gxt.analysis.study import Measured, Study, study
from gxt.errors import CannotFit, UsageError
from gxt.model.artifacts import MODEL
from gxt.model.codec import double_from_json
from gxt.model.fields import Field, parse_field, value_of
from gxt.model.json_types import Json, JsonObject
from gxt.model.names import asked_column, check_names
from gxt.model.params import flatten
from gxt.model.run import metrics_of, params_of
from gxt.named_tuple import NamedTuple
from gxt.ops.history import History
from gxt.ops.listing import ListRequest, list_runs
from gxt.ops.workspace import Workspace, open_workspace

PARAMS: Final = "params"
"""As x: the number of parameters of the model, wherever it was recorded."""
COUNTS: Final = ("params", "param_count", "n_params", "num_params", "num_parameters", "parameters")
"""What a metric or a parameter with that number may be called, or the last part of its name."""
_BOUNDS: Final = (("_low", "_high"), ("/low", "/high"))
_NORMAL_95: Final = 1.959963984540054  # the standard errors from the middle of a 95 % interval to its end


class ScalingRequest(NamedTuple):
    """What to fit.

    Attributes:
        x, y: names as in `--where`; x may be `params` alone, y None for the main metric.
        where: a condition, or None.
        group: the name whose values make groups, or None.
        y_error: the name of the standard error of y, or None for `<y>_low` and `<y>_high` where they are.
        milestone: a value of y whose x is wanted, or None.
        options: how to fit.
    """

    x: str = PARAMS
    y: str | None = None
    where: str | None = None
    group: str | None = None
    y_error: str | None = None
    milestone: float | None = None
    options: Options = Options()


def scaling(workspace: Workspace, request: ScalingRequest) -> tuple[Study, tuple[str, ...]]:
    """The study of all completed runs that match, and notices.

    Raises:
        CannotFit: they are too few, or too much alike.
        QueryError: a name or the condition cannot be understood, or no run has what it names.
    """
    named = [request.y, request.group, request.y_error, None if request.x == PARAMS else request.x]
    columns = [name for name in named if name is not None]
    found = list_runs(workspace, ListRequest(where=request.where, columns=columns))
    return _study(workspace, found.runs[::-1], request), found.notices


def study_of(experiments: Iterable[object] | None, request: ScalingRequest) -> Study:
    """The study of what a notebook names: see `gxt.analysis.analyze_scaling_law`."""
    if experiments is None:
        return scaling(open_workspace(), request)[0]
    if hasattr(experiments, "columns") or isinstance(experiments, Mapping):
        if request.where is not None:
            raise UsageError("a table has no conditions", hint="choose its rows before it is given")
        return _of_table(cast("Mapping[str, Any]", experiments), request)
    runs = [_run_or_id(one) for one in experiments]
    if request.where is None and request.y is not None and not any(isinstance(one, str) for one in runs):
        return _study(None, cast("list[JsonObject]", runs), request)
    workspace = open_workspace()
    with History(workspace) as history:
        resolved = [history.resolve(one) if isinstance(one, str) else one for one in runs]
    if request.where is not None:
        from gxt.model.query import parse_where

        resolved = list(filter(parse_where(request.where), resolved))
    return _study(workspace, resolved, request)


def named_forms(names: Iterable[str]) -> tuple[str, ...]:
    """Names of forms to compare.

    Raises:
        UsageError: there is no such form.
    """
    wanted = tuple(names)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        raise UsageError(f"there is no form {unknown[0]!r}", hint=f"there are {', '.join(NAMES)}")
    return wanted


def parameter_count(run: JsonObject) -> float | None:
    """How many parameters the model of a run has: None where nobody has recorded it.

    The first of: a metric, a parameter that is a number, called one of `COUNTS` or with that as the last part
    of its name; what the last model that the run has put out says of itself (an ONNX file does).
    """
    for known in (metrics_of(run), flatten(params_of(run))):
        for wanted in COUNTS:
            for name, value in known.items():
                count = _number(value)
                if count is not None and name.replace(".", "/").rpartition("/")[2] == wanted:
                    return count
    artifacts = cast("list[JsonObject]", run.get("artifacts") or [])
    for one in reversed(artifacts):
        facts = one.get("model")
        count = _number(facts.get("params")) if one.get("kind") == MODEL and isinstance(facts, dict) else None
        if count is not None:
            return count
    return None


def _run_or_id(one: object) -> JsonObject | str:
    if isinstance(one, (str, dict)):
        return one
    id_ = getattr(one, "id", None)
    if not isinstance(id_, str):
        raise UsageError(f"{one!r:.60} is neither a run nor an id", hint="give ids such as 'exp-012'")
    return id_


def _study(workspace: Workspace | None, runs: Sequence[JsonObject], request: ScalingRequest) -> Study:
    completed = [run for run in runs if run["status"] == "completed"]
    if not completed:
        raise CannotFit(
            "there is no completed run" + (" that matches" if request.where else ""),
            hint="gxt list shows the runs there are",
        )
    y = request.y or _main_metric(workspace, completed)
    fields = [parse_field(name) for name in (y, request.group, request.y_error) if name is not None]
    if request.x != PARAMS:
        fields.append(parse_field(request.x))
    _check(fields, completed)
    measured = [_measured(run, request, parse_field(y)) for run in completed]
    if all(one.x is None for one in measured):
        hint = "log it, gxt.log({'params': count}), or name another x: gxt scaling --x NAME"
        what = "recorded its number of parameters" if request.x == PARAMS else f"a number in {request.x}"
        raise CannotFit(f"no run has {what}", hint=hint)
    names = (request.x, y, request.group or "")
    return study(measured, names=names, options=request.options, milestone=request.milestone)


def _check(fields: Sequence[Field], runs: Sequence[JsonObject]) -> None:
    asked = [asked_column(field.text) for field in fields]
    check_names(asked, lambda: runs, lambda field: any(value_of(field, run) is not None for run in runs))


def _main_metric(workspace: Workspace | None, runs: Sequence[JsonObject]) -> str:
    main = None
    if workspace is not None:
        with History(workspace) as history:
            main = history.main_metric([metrics_of(run) for run in reversed(runs)])
    if main is None:
        raise UsageError("the runs have no metric", hint="name a y: gxt scaling --y elo")
    return f"metrics[{main.name!r}]" if "." in main.name else main.name


def _measured(run: JsonObject, request: ScalingRequest, y: Field) -> Measured:
    is_count = request.x == PARAMS
    x = parameter_count(run) if is_count else _number(value_of(parse_field(request.x), run))
    group = "" if request.group is None else _word(value_of(parse_field(request.group), run))
    error = _error(run, y, request.y_error)
    return Measured(str(run["id"]), str(run["name"] or ""), x, _number(value_of(y, run)), error, group)


def _error(run: JsonObject, y: Field, name: str | None) -> float | None:
    """The standard error of y: as recorded, or of the 95 % interval beside it."""
    if name is not None:
        return _number(value_of(parse_field(name), run))
    if not y.keys:  # `duration_s` and the like have no companions
        return None
    for below, above in _BOUNDS:
        low, high = (
            _number(value_of(y._replace(keys=(*y.keys[:-1], f"{y.keys[-1]}{end}")), run))
            for end in (below, above)
        )
        if low is not None and high is not None:
            return (high - low) / (2 * _NORMAL_95)
    return None


def _of_table(table: Mapping[str, Any], request: ScalingRequest) -> Study:
    """The study of columns of numbers."""
    if request.y is None:
        raise UsageError("a table has no main metric", hint="name the column of y: y='loss'")
    names = [name for name in (request.x, request.y, request.group, request.y_error) if name is not None]
    missing = [name for name in names if name not in table]
    if missing:
        raise UsageError(f"the table has no column {missing[0]}", hint=f"it has {', '.join(map(str, table))}")
    xs, ys = list(table[request.x]), list(table[request.y])
    groups = [""] * len(xs) if request.group is None else list(map(str, table[request.group]))
    errors = [None] * len(xs) if request.y_error is None else list(table[request.y_error])
    if not len(xs) == len(ys) == len(groups) == len(errors):
        raise UsageError("the columns are of different lengths", hint="give a value for each point")
    ids = [
        str(one)
        for one in (table.index if hasattr(table, "columns") and hasattr(table, "index") else range(len(xs)))
    ]
    measured = [
        Measured(id_, "", _number(x), _number(y), _number(error), group)
        for id_, x, y, error, group in zip(ids, xs, ys, errors, groups, strict=True)
    ]
    named = (request.x, request.y, request.group or "")
    return study(measured, names=named, options=request.options, milestone=request.milestone)


def _number(value: object) -> float | None:
    """A number as a double, infinite where none can hold it; numpy's too. None for what is none."""
    plain = value.item() if hasattr(value, "item") else value
    return double_from_json(cast("Json", plain))


def _word(value: Json) -> str:
    """What a group is called."""
    return value if isinstance(value, str) else json.dumps(value)
