"""The journal of a live run: its events, one JSON object a line, and their fold into documents.

Sealing the same journal twice must give the same bytes, so nothing here reads a clock or draws a number.

| event | fields besides `e` and `t` (microseconds since the epoch) |
| --- | --- |
| `started` | `config` (the document so far), `offset` from UTC, `parent_asked`, `host`, `boot`, `pid` |
| `environment` | `document` |
| `described` | any of `name`, `message`, `hypothesis`, `parent`: taken where the command line gave none |
| `params` | `params`: merged over what is there; with `source` below it |
| `data` | `items`: all datasets, in place of those in `config` |
| `metrics` | `s` step (null: the last one), `m` {name: number}; with `source` only names that have no other |
| `tag` | `id` of the annotation, `tags` |
| `notice` | `text` |
| `source` | `kind`, `path`, `metrics` [names], `params` (count), `note`: what another logger gave |
| `artifact` | `id`, `name`, `path`, `kind`, `step`, `staged`, `parts`, `meta`: its content is safe |
| `stored` | `id`, `md5`, `size`, `files`, `model`, `parts`, `notice`: it is in the cache; or `error` |
| `finished` | `status`, `exit_code`, `duration_s` |
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, cast

from gxt.errors import DamagedRecord, GxtError, NewerFormat
from gxt.model.codec import (
    FORMAT,
    MAX_DOCUMENT_DEPTH,
    YEAR_10000_US,
    is_deeper,
    number_from_json,
    number_to_json,
    time_to_json,
)
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import merge
from gxt.model.run import run_json
from gxt.model.series import Series, SeriesBuilder
from gxt.model.shapes import check_annotation, check_config, check_environment, check_metrics, check_source
from gxt.named_tuple import NamedTuple

_OFFSET = re.compile(r"[+-]\d{4}", re.ASCII)
_TOGETHER = 1000  # lines that are parsed at a time
_POINTS: Final = frozenset(("points", "sourced_points"))


class Folded(NamedTuple):
    """What a journal says.

    Attributes:
        config: the document `config.json`.
        environment: the document `environment.json`; one that says nothing when it was never captured.
        metrics: the document `metrics.json`.
        annotations: the events of `annotations.jsonl`.
        series: every metric over time.
        finished: whether the journal says how the run ended.
        offset: the user's offset from UTC, as git writes it.
        started_us: when the run started, in microseconds since the epoch.
        last_us: the time of the last event.
        about_outputs: those of the notices that tell of outputs.
    """

    config: JsonObject
    environment: JsonObject
    metrics: JsonObject
    annotations: tuple[JsonObject, ...]
    series: Mapping[str, Series]
    finished: bool
    offset: str
    started_us: int
    last_us: int
    about_outputs: tuple[str, ...] = ()

    @property
    def uid(self) -> str:
        """The identity of the run."""
        return str(self.config["uid"])

    def run(self, commit: str | None = None) -> JsonObject:
        """The run as one JSON object; `commit` once it has one."""
        return run_json(
            commit=commit,
            config=self.config,
            environment=self.environment,
            metrics=self.metrics,
            annotations=self.annotations,
        )

    @property
    def status(self) -> str:
        """running, completed, failed or interrupted."""
        return str(self.metrics["status"])


class Fold:
    """A fold under way: what the events so far amount to.

    It can stop at any line and go on from its `to_json` later, but for the series, which begins anew.
    What other loggers gave is kept apart: whatever the run itself says of a name counts instead.
    """

    def __init__(self) -> None:
        self.config: JsonObject = {}
        self.parent_asked = False
        self.environment: JsonObject = {"gxt": FORMAT, "python": None, "packages": {}}
        self.annotations: list[JsonObject] = []
        self.notices: list[str] = []
        self.points = SeriesBuilder()
        self.stats: dict[str, JsonObject] = {}
        self.artifacts: list[JsonObject] = []
        self.stored: dict[str, JsonObject] = {}
        self.sources: dict[str, JsonObject] = {}
        self.sourced_params: JsonObject = {}
        self.sourced_points = SeriesBuilder()
        self.sourced_stats: dict[str, JsonObject] = {}
        self.end: JsonObject = {}
        self.offset = "+0000"
        self.started_us = 0
        self.last_us = 0
        self.last_step = 0
        self.damaged = 0

    def take(self, lines: Iterable[bytes]) -> None:
        """Go on with these lines; damaged ones are counted.

        Raises:
            NewerFormat: a newer gxt has begun the run.
        """
        for event in _parsed(lines):
            try:
                _apply(self, cast("JsonObject", event))
            except NewerFormat:
                if not self.config:
                    raise
                self.damaged += 1  # said by a script inside the run, whose gxt is newer than ours
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, GxtError):
                self.damaged += 1

    def series(self) -> Mapping[str, Series]:
        """The points since the start or the last call; what they come to is in `stats` from now on."""
        own, sourced = self.points.build(), self.sourced_points.build()
        for stats, series in ((self.stats, own), (self.sourced_stats, sourced)):
            for name, one in series.items():
                stats[name] = _joined(stats.get(name), _summary(one))
        return {**own, **{name: one for name, one in sourced.items() if name not in self.stats}}

    def documents(self, series: Mapping[str, Series], *, unfinished: str) -> Folded:
        """The documents that the events so far amount to, as `fold` does; `series` is what that returned."""
        if "uid" not in self.config:
            raise DamagedRecord("the journal has no start", hint="gxt doctor --repair sets it aside")
        artifacts, about_outputs = _outputs(self)
        params = merge(self.sourced_params, cast("JsonObject", self.config["params"]))
        return Folded(
            config={**self.config, "params": params} if self.sourced_params else self.config,
            environment=self.environment,
            metrics=_metrics_document(self, unfinished, artifacts, about_outputs),
            annotations=tuple(self.annotations),
            series=series,
            finished=bool(self.end),
            offset=self.offset,
            started_us=self.started_us,
            last_us=self.last_us,
            about_outputs=tuple(about_outputs),
        )

    def to_json(self) -> JsonObject:
        """All but the points since the last `series`."""
        return {name: cast("Json", value) for name, value in vars(self).items() if name not in _POINTS}

    @classmethod
    def from_json(cls, stored: JsonObject) -> Fold:
        """What `to_json` returned, to be gone on with.

        Raises:
            ValueError, KeyError, TypeError, AttributeError, GxtError: it is not that.
        """
        going = cls()
        kinds = {name: type(value) for name, value in vars(going).items() if name not in _POINTS}
        if {name: type(value) for name, value in stored.items()} != kinds:
            raise ValueError("not a fold of this version")
        vars(going).update(stored)
        _check_fold(going)
        return going


def fold(lines: Iterable[bytes], *, unfinished: str) -> Folded:
    """The documents that a journal amounts to.

    Args:
        lines: the journal's lines; damaged ones (a torn last line, say) are left out with a notice.
        unfinished: the status of a journal without a `finished` event: `running` or `interrupted`.

    Raises:
        DamagedRecord: there is no `started` event, so that nobody knows what the run was.
        NewerFormat: a newer gxt has begun the run.
    """
    going = Fold()
    going.take(lines)
    return going.documents(going.series(), unfinished=unfinished)


def _parsed(lines: Iterable[bytes]) -> Iterator[Json]:
    """What stands on each line, None where that is no JSON.

    Many lines at a time: a call of the parser for each of 400,000 would take twice as long as all else.
    """
    rest = iter(lines)
    while batch := list(islice(rest, _TOGETHER)):
        try:
            events = json.loads(b"[%s]" % b",".join(batch))
        except (ValueError, RecursionError):
            events = []
        # lines that are damaged alone could make sense together, but not as many things as there are lines
        yield from events if len(events) == len(batch) else map(_alone, batch)


def _alone(line: bytes) -> Json:
    try:
        return cast("Json", json.loads(line))
    except (ValueError, RecursionError):
        return None


def _apply(state: Fold, event: JsonObject) -> None:
    kind = event["e"]
    at_us = cast("int", event["t"])
    if type(at_us) is not int or not 0 <= at_us < YEAR_10000_US:
        raise ValueError("no document can hold this time")
    if kind == "metrics" and "source" in event:  # its steps are not those that the run itself counts on
        points = cast("dict[str, float]", event["m"])
        state.sourced_points.add(cast("int", event["s"]), at_us, points)
    elif kind == "metrics":
        step = event["s"]
        step = state.last_step if step is None else cast("int", step)
        state.points.add(step, at_us, cast("dict[str, float]", event["m"]))
        state.last_step = step
    else:
        _apply_rare(state, str(kind), at_us, event)
    # what it has put out is stored also when it has ended, be it days after a kill
    if kind == "finished" or (kind != "stored" and not state.end):
        state.last_us = max(state.last_us, at_us)


def _apply_rare(state: Fold, kind: str, at_us: int, event: JsonObject) -> None:
    if kind == "started":
        state.config = _checked_start(cast("JsonObject", event["config"]))
        offset = str(event["offset"])
        state.offset = offset if _OFFSET.fullmatch(offset) else "+0000"  # git takes no other
        state.parent_asked = bool(event.get("parent_asked"))
        state.started_us = at_us
    elif kind == "environment":
        state.environment = _checked(event["document"], check_environment)
    elif kind == "params":
        _params(state, cast("JsonObject", event["params"]), sourced="source" in event)
    elif kind == "described":
        check_config({**event, "uid": state.config["uid"]}, "the event")
        for key in ("name", "message", "hypothesis"):
            state.config[key] = state.config.get(key) or event.get(key)
        if "parent" in event and not state.parent_asked:
            state.config["parent"] = None if event["parent"] is None else str(event["parent"])
            state.parent_asked = True
    elif kind == "data":
        state.config = _checked({**state.config, "data": event["items"]}, check_config)
    elif kind == "notice":
        state.notices.append(str(event["text"]))
    elif kind in _SAID:
        _SAID[kind](state, at_us, event)
    elif kind == "finished":
        check_metrics(event, "the event")
        state.end = {**event, "duration_s": float(cast("float", event["duration_s"]))}


def _params(state: Fold, params: JsonObject, *, sourced: bool) -> None:
    if sourced:
        state.sourced_params = merge(state.sourced_params, params)
    else:
        state.config["params"] = merge(cast("JsonObject", state.config["params"]), params)


def _source(state: Fold, _at_us: int, event: JsonObject) -> None:
    said = _checked({key: value for key, value in event.items() if key not in {"e", "t"}}, check_source)
    state.sources[f"{said['kind']} {said['path']}"] = said


def _put_out(state: Fold, _at_us: int, event: JsonObject) -> None:
    from gxt.model.artifacts import check_said, check_stored  # most runs have none

    facts = {key: value for key, value in event.items() if key not in {"e", "t"}}
    if event["e"] == "artifact":
        check_said(facts)
        state.artifacts.append(facts)
    else:
        check_stored(facts)
        if "error" not in facts or str(facts["id"]) not in state.stored:  # what is stored stays so
            state.stored[str(facts["id"])] = facts


def _checked_start(config: JsonObject) -> JsonObject:
    """The document of a start, if it has what sealing cannot do without."""
    author = cast("JsonObject", config["author"])
    if not all(isinstance(text, str) for text in (config["uid"], author["name"], author["email"])):
        raise TypeError("uid and author are texts")
    merge(cast("JsonObject", config["params"]))
    return _checked(config, check_config)


def _checked(document: Json, check: Callable[[JsonObject, str], None]) -> JsonObject:
    """A document of an event, if it can be sealed and read again: a journal that another wrote may hold any.

    Raises:
        TypeError, ValueError, DamagedRecord, NewerFormat: it cannot.
    """
    if not isinstance(document, dict) or is_deeper(document, MAX_DOCUMENT_DEPTH):
        raise TypeError("no document")
    if document.get("gxt", FORMAT) != FORMAT:  # sealed, it could not be read again
        raise NewerFormat("the journal", str(document["gxt"]))
    check(document, "the event")
    json.dumps(document, allow_nan=False)
    return document


def _check_fold(going: Fold) -> None:
    """Raise unless each part of a fold that was kept is as `take` makes it; see `Fold.from_json`."""
    if going.config:
        _checked_start(going.config)
    _checked(going.environment, check_environment)
    for event in going.annotations:
        check_annotation(event, "the fold")
    if going.artifacts or going.stored:
        from gxt.model.artifacts import check_said, check_stored

        for said in going.artifacts:
            check_said(said)
        for facts in going.stored.values():
            check_stored(facts)
    sources = list[Json](going.sources.values())
    stats: JsonObject = {**going.sourced_stats, **going.stats}
    metrics: JsonObject = {"status": "", **going.end, "metrics": stats, "sources": sources}
    _checked(metrics, check_metrics)
    merge(going.sourced_params)
    for stat in (*going.stats.values(), *going.sourced_stats.values()):
        if type(stat["last_step"]) is not int or None in map(number_from_json, (stat["min"], stat["max"])):
            raise TypeError("no summary of a metric")
    if not all(isinstance(text, str) for text in going.notices) or not _OFFSET.fullmatch(going.offset):
        raise TypeError("no notice, or no offset")
    if going.end and not isinstance(going.end["duration_s"], float):
        raise TypeError("no duration")
    if not 0 <= going.started_us <= going.last_us < YEAR_10000_US or not 0 <= going.damaged < 1e9:
        raise ValueError("no document can hold these times, or no journal so many damaged lines")


def _tag(state: Fold, at_us: int, event: JsonObject) -> None:
    given: list[JsonObject] = [
        {
            "id": f"{event['id']}-{i}",
            "at": time_to_json(at_us),
            "by": state.config["author"],
            "op": "tag",
            "tag": tag,
        }
        for i, tag in enumerate(cast("list[str]", event["tags"]))
    ]
    for one in given:
        check_annotation(one, "the event")  # sealed, the run could not be read again
    state.annotations += given


# what processes say in passing, each with what takes it
_SAID: Final[Mapping[str, Callable[[Fold, int, JsonObject], None]]] = {
    "artifact": _put_out,
    "source": _source,
    "stored": _put_out,
    "tag": _tag,
}


def _metrics_document(
    state: Fold, unfinished: str, artifacts: list[JsonObject], about_outputs: list[str]
) -> JsonObject:
    status = state.end.get("status", unfinished)
    left_out = [f"{state.damaged} damaged line(s) of the journal left out"] if state.damaged else []
    duration = state.end.get("duration_s", max(0, state.last_us - state.started_us) / 1e6)
    return {
        "gxt": FORMAT,
        "uid": state.config["uid"],
        "status": status,
        "exit_code": state.end.get("exit_code"),
        "started": time_to_json(state.started_us),
        "ended": None if status == "running" else time_to_json(state.last_us),
        "duration_s": duration,
        "metrics": {**state.stats, **{k: v for k, v in state.sourced_stats.items() if k not in state.stats}},
        "evals": [],
        "artifacts": list[Json](artifacts),
        "sources": list[Json](state.sources.values()),
        "notices": [*state.notices, *about_outputs, *left_out],
    }


def _outputs(state: Fold) -> tuple[list[JsonObject], list[str]]:
    """The entries of `artifacts`, those that are not stored yet without a hash; and what to say of them."""
    if not state.artifacts:
        return [], []
    from gxt.model.artifacts import listed, notices

    return listed(state.artifacts, state.stored), notices(state.artifacts, state.stored)


def _summary(series: Series) -> JsonObject:
    """Last, least and greatest value with their steps; NaN counts only where there is nothing else."""
    values, steps = series.value, series.step
    numbers: Sequence[int] = range(len(values))
    if any(map(math.isnan, values)):
        numbers = [i for i in numbers if not math.isnan(values[i])] or [0]
    least_at = min(numbers, key=values.__getitem__)
    greatest_at = max(numbers, key=values.__getitem__)
    return {
        "last": number_to_json(values[-1]),
        "last_step": steps[-1],
        "min": number_to_json(values[least_at]),
        "min_step": steps[least_at],
        "max": number_to_json(values[greatest_at]),
        "max_step": steps[greatest_at],
        "count": len(values),
    }


def _joined(before: JsonObject | None, after: JsonObject) -> JsonObject:
    """The summary of a metric whose points were summarised in two parts."""
    if before is None:
        return after
    joined = {**before, **{key: after[key] for key in ("last", "last_step")}}
    joined["count"] = cast("int", before["count"]) + cast("int", after["count"])
    for key, sign in (("min", 1), ("max", -1)):
        old, new = (number_from_json(one[key]) for one in (before, after))
        assert old is not None
        assert new is not None
        if sign * new < sign * old or (math.isnan(old) and not math.isnan(new)):
            joined |= {name: after[name] for name in (key, f"{key}_step")}
    return joined
