"""Laws of annotations: whoever holds the same events writes the same bytes and sees the same run."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxt.errors import DamagedRecord
from gxt.model.annotations import Said, dump_events, fold, is_before, merge, next_at, parse_events
from gxt.model.codec import time_to_json
from gxt.model.json_types import JsonObject
from gxt.model.shapes import check_annotation

law = settings(deadline=None)  # a busy machine is no failure

IDS = st.sampled_from("abcdef")
TIMES = st.integers(1_700_000_000_000_000, 1_700_000_000_000_009).map(time_to_json) | st.sampled_from(
    ["2023-11-14T22:13:20Z", "2023-11-14T22:13:20.0Z", "2023-11-14T22:13:20.5Z", "2999-12-31T23:59:59Z"]
)
TEXTS = st.text(max_size=3)
BY = st.fixed_dictionaries({"name": TEXTS, "email": TEXTS})
OPS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "tag": {"tag": TEXTS},
    "name": {"name": st.none() | TEXTS},
    "comment": {"text": TEXTS},
    "conclusion": {"text": TEXTS},
    "removed": {},
    "formerly": {"number": st.integers(1, 99), "remote": st.none() | TEXTS},
    "evaluation": {
        "name": st.sampled_from("ab"),
        "step": st.none() | st.integers(0, 9),
        "values": st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False)),
    },
    "remove": {"removes": st.lists(IDS, max_size=2)},
    "of tomorrow": {"what": st.integers() | st.lists(TEXTS)},
}
EVENT: st.SearchStrategy[Any] = st.one_of(
    [
        st.fixed_dictionaries({"id": IDS, "at": TIMES, "by": BY, "op": st.just(op), **fields})
        for op, fields in OPS.items()
    ]
)
FILE = st.lists(EVENT, max_size=8)


@law
@given(FILE, FILE, FILE)
def test_files_merge_to_the_same_bytes_in_any_order_and_grouping(
    a: list[JsonObject], b: list[JsonObject], c: list[JsonObject]
) -> None:
    whole = dump_events(merge(a, b, c))
    assert dump_events(merge(c, b, a)) == whole
    assert dump_events(merge(merge(a, b), c)) == dump_events(merge(a, merge(b, c))) == whole
    assert dump_events(merge(merge(a, b, c), b)) == whole


@law
@given(FILE)
def test_a_file_is_read_as_it_was_written(events: list[JsonObject]) -> None:
    data = dump_events(events)
    assert parse_events(data, "it") == merge(events)
    assert dump_events(parse_events(data, "it")) == data
    assert data.isascii()


@law
@given(FILE, st.randoms(use_true_random=False))
def test_what_is_said_depends_on_the_set_of_events_alone(
    events: list[JsonObject], chance: random.Random
) -> None:
    shuffled = [dict(reversed(event.items())) for event in (*events, *events[:2])]
    chance.shuffle(shuffled)
    assert fold(shuffled) == fold(events)


@law
@given(FILE, FILE)
def test_a_removed_run_stays_removed_until_somebody_takes_that_back(
    before: list[JsonObject], meanwhile: list[JsonObject]
) -> None:
    by: JsonObject = {"name": "A", "email": ""}
    removed: JsonObject = {"id": "gone", "at": "2023-11-14T22:13:20Z", "by": by, "op": "removed"}
    events = merge(before, [removed], meanwhile)
    assert removed in fold(events).removed
    ids: list[str] = [str(event["id"]) for event in fold(events).removed]
    back: JsonObject = {
        "id": "back",
        "at": "2023-11-14T22:13:20Z",
        "by": by,
        "op": "remove",
        "removes": [*ids],
    }
    assert fold(merge([back], events)).removed == ()


@law
@given(FILE, st.integers(1_600_000_000_000_000, 1_800_000_000_000_000))
def test_a_new_event_comes_after_all_that_do_not_claim_to_be_of_tomorrow(
    events: list[JsonObject], now_us: int
) -> None:
    at_us = next_at(events, now_us)
    assert now_us <= at_us <= now_us + 24 * 3600 * 1_000_000 + 1000
    near = [event for event in events if is_before(event, now_us + 24 * 3600 * 1_000_000)]
    assert all(is_before(event, at_us) for event in near)


@law
@given(EVENT)
def test_events_of_every_known_kind_pass(event: JsonObject) -> None:
    check_annotation(event, "it")


GOOD: JsonObject = {"id": "a", "at": "2023-11-14T22:13:20Z", "by": {"name": "A", "email": "a@b.c"}}


@pytest.mark.parametrize(
    "event",
    [
        {**GOOD},
        {**GOOD, "op": ""},
        {**GOOD, "op": 5},
        {**GOOD, "op": "removed", "id": ""},
        {**GOOD, "op": "removed", "id": None},
        {**GOOD, "op": "removed", "at": None},
        {**GOOD, "op": "removed", "at": "yesterday"},
        {**GOOD, "op": "removed", "by": "A"},
        {**GOOD, "op": "tag"},
        {**GOOD, "op": "tag", "tag": None},
        {**GOOD, "op": "name", "name": 5},
        {**GOOD, "op": "comment", "text": ["x"]},
        {**GOOD, "op": "conclusion"},
        {**GOOD, "op": "formerly", "number": 0},
        {**GOOD, "op": "formerly", "number": True},
        {**GOOD, "op": "formerly", "number": 1, "remote": 1},
        {**GOOD, "op": "evaluation", "name": "a"},
        {**GOOD, "op": "evaluation", "values": {}},
        {**GOOD, "op": "evaluation", "name": "", "values": {}},
        {**GOOD, "op": "evaluation", "name": "a", "values": [1]},
        {**GOOD, "op": "evaluation", "name": "a", "values": {}, "step": 1.5},
        {**GOOD, "op": "evaluation", "name": "a", "values": {}, "step": True},
        {**GOOD, "op": "evaluation", "name": "a", "values": {"a": json.loads("[" * 33 + "]" * 33)}},
        {**GOOD, "op": "remove"},
        {**GOOD, "op": "remove", "removes": "a"},
        {**GOOD, "op": "remove", "removes": [1]},
    ],
    ids=json.dumps,
)
def test_other_events_are_refused(event: JsonObject) -> None:
    with pytest.raises(DamagedRecord):
        parse_events(json.dumps(event).encode(), "it")


def _event(id_: str, at: int, **fields: object) -> JsonObject:
    return {**GOOD, "id": id_, "at": f"2023-11-14T22:13:2{at}Z", **fields}  # type: ignore[dict-item]


def test_what_events_amount_to() -> None:
    events = [
        _event("1", 1, op="tag", tag="best"),
        _event("2", 2, op="tag", tag="baseline"),
        _event("3", 3, op="name", name="wide"),
        _event("4", 4, op="comment", text="odd"),
        _event("5", 5, op="remove", removes=["1"]),
        _event("6", 6, op="formerly", number=12, remote=None),
        _event("7", 7, op="tag", tag="best"),
    ]
    said = fold(events)
    assert said == Said(tags=("baseline", "best"), named=(events[2],), comments=(events[3],), formerly=(12,))
    assert said.name("given") == "wide"
    assert fold([*events, _event("8", 8, op="name", name=None)]).name("given") is None
    assert fold([]).name("given") == "given"


def test_of_evaluations_with_one_name_the_last_that_stands_counts() -> None:
    events = [
        _event("1", 1, op="evaluation", name="a", step=None, values={"acc": 0.1}),
        _event("2", 2, op="evaluation", name="b", step=3, values={"acc": 0.2}),
        _event("3", 3, op="evaluation", name="a", step=None, values={"acc": 0.3}),
    ]
    assert fold(events).evaluations == tuple(events)
    assert fold(events).evaluated() == [events[1], events[2]]
    back = _event("4", 4, op="remove", removes=["3"])
    assert fold([*events, back]).evaluated() == [events[0], events[1]]
