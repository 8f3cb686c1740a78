"""What is said about a run afterwards: events, one a line of `annotations.jsonl`, and what they amount to.

Whoever holds the same events writes the same bytes and sees the same run, in whatever order they came: files
are merged as sets, and an event goes away only by another one that takes it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import Final, cast

from gxt.model.codec import load_document, time_to_json
from gxt.model.json_types import Json, JsonObject
from gxt.model.shapes import check_annotation
from gxt.named_tuple import NamedTuple

_AFTER_US: Final = 1000
_FAR_US: Final = 24 * 3600 * 1_000_000  # a clock that is wrong by more must not set that of everybody
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Said(NamedTuple):
    """What the annotations of a run amount to; events that were taken back do not count.

    Attributes:
        tags: in the order they were given, each once.
        named: the events that name the run, oldest first: the last one counts.
        comments, conclusions: oldest first.
        removed: the events by which the run is removed, oldest first; none of a run that is there.
        formerly: the numbers that the run had before, oldest first.
        evaluations: oldest first: of several with one name the last one counts.
    """

    tags: tuple[str, ...] = ()
    named: tuple[JsonObject, ...] = ()
    comments: tuple[JsonObject, ...] = ()
    conclusions: tuple[JsonObject, ...] = ()
    removed: tuple[JsonObject, ...] = ()
    formerly: tuple[int, ...] = ()
    evaluations: tuple[JsonObject, ...] = ()

    def name(self, given: Json) -> str | None:
        """The name of the run: the last that somebody gave it or took away, else the one it began with."""
        name = self.named[-1].get("name") if self.named else given
        return str(name) if name else None

    def evaluated(self) -> list[JsonObject]:
        """The evaluations that count, each name once, oldest first."""
        last = {str(event["name"]): event for event in self.evaluations}
        return [event for event in self.evaluations if last[str(event["name"])] is event]


_NOTHING: Final = Said()


def dump_events(events: Iterable[JsonObject]) -> bytes:
    """The file that holds these events: the same bytes for the same set of them."""
    return b"".join(_canonical(event).encode() + b"\n" for event in merge(events))


def parse_events(data: bytes, what: str) -> list[JsonObject]:
    """The events of a file, in its order.

    Raises:
        DamagedRecord, NewerFormat: a line is no event that this gxt can read.
    """
    events = [load_document(line, what) for line in data.splitlines() if line.strip()]
    for event in events:
        check_annotation(event, what)
    return events


def merge(*files: Iterable[JsonObject]) -> list[JsonObject]:
    """The union of files by the ids of their events, in the order of time.

    Of two events with one id, which nobody writes who means well, all sides keep the same.
    """
    found: dict[str, JsonObject] = {}
    for event in chain(*files):
        id_ = str(event["id"])
        other = found.get(id_)
        if other is None or _canonical(event) < _canonical(other):
            found[id_] = event
    return sorted(found.values(), key=_order)


def fold(events: Sequence[JsonObject]) -> Said:
    """What a set of events amounts to."""
    if not events:  # most runs, and every list asks for each
        return _NOTHING
    merged = merge(events)
    gone = {id_ for one in merged if one["op"] == "remove" for id_ in cast("list[str]", one["removes"])}
    by_op: dict[Json, list[JsonObject]] = {}
    for event in merged:
        if event["id"] not in gone:
            by_op.setdefault(event["op"], []).append(event)
    tags = (str(event["tag"]) for event in by_op.get("tag", ()))
    return Said(
        tags=tuple(dict.fromkeys(tags)),
        named=tuple(by_op.get("name", ())),
        comments=tuple(by_op.get("comment", ())),
        conclusions=tuple(by_op.get("conclusion", ())),
        removed=tuple(by_op.get("removed", ())),
        formerly=tuple(cast("int", event["number"]) for event in by_op.get("formerly", ())),
        evaluations=tuple(by_op.get("evaluation", ())),
    )


def tagging(events: Iterable[JsonObject], tag: str) -> list[str]:
    """The ids of the events that give a tag: who takes them all back takes it away."""
    return [str(event["id"]) for event in events if event["op"] == "tag" and event["tag"] == tag]


def next_at(events: Iterable[JsonObject], now_us: int) -> int:
    """The time of a new event, in microseconds since 1970: now, and after all that was said before.

    What claims to be from the future counts as of tomorrow at most.
    """
    newest_us = max((_time_us(event) for event in events), default=0)
    return max(now_us, min(newest_us, now_us + _FAR_US) + _AFTER_US)


def is_before(event: JsonObject, at_us: int) -> bool:
    """Whether an event comes before one of this time in every merge."""
    return _order(event)[0] < time_to_json(at_us)[:-1]


def _order(event: JsonObject) -> tuple[str, str]:
    """By time, then by id; without its Z a time with fewer digits comes first."""
    return str(event["at"])[:-1], str(event["id"])


def _time_us(event: JsonObject) -> int:
    text = str(event["at"])
    seconds = (datetime.fromisoformat(f"{text[:19]}+00:00") - _EPOCH) // timedelta(seconds=1)
    return seconds * 1_000_000 + int(text[20:-1].ljust(6, "0")[:6])


def _canonical(event: JsonObject) -> str:
    return json.dumps(event, sort_keys=True, allow_nan=False)
