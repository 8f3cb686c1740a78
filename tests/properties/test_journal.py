"""Laws of the journal: whatever several processes wrote and wherever it was cut, the whole lines count."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxt.errors import DamagedRecord
from gxt.model.events import Fold, Folded, fold
from gxt.model.json_types import Json, JsonObject
from gxt.store import documents as store
from gxt.store.journal import encode

law = settings(deadline=None)  # a busy machine is no failure

TIMES = st.integers(1_600_000_000_000_000, 1_900_000_000_000_000)
NAMES = st.text(max_size=6)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), NAMES
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
PARAMS = st.dictionaries(NAMES, VALUES, max_size=3)
STEPS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
SAID = st.one_of(st.none(), NAMES)


def event(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[JsonObject]:
    return st.fixed_dictionaries({"e": st.just(kind), "t": TIMES, **fields})


CONFIG = st.builds(
    lambda params, name: {
        "gxt": 1,
        "uid": "01JD0000000000000000000000",
        "name": name,
        "message": None,
        "hypothesis": None,
        "parent": None,
        "author": {"name": "Ada", "email": "ada@example.org"},
        "params": params,
    },
    PARAMS,
    SAID,
)
STARTED = event("started", config=CONFIG, offset=st.just("+0100"), host=st.just("host"), pid=st.integers(1))
METRICS = event("metrics", s=STEPS, m=st.dictionaries(NAMES, st.floats(), max_size=3))
EVENTS = st.one_of(
    METRICS,
    METRICS,
    event("params", params=PARAMS),
    event("described", name=SAID, message=SAID, hypothesis=SAID),
    event("tag", id=NAMES, tags=st.lists(NAMES, max_size=3)),
    event("notice", text=NAMES),
    event("environment", document=PARAMS),
    event(
        "finished",
        status=st.sampled_from(["completed", "failed", "interrupted"]),
        exit_code=st.one_of(st.none(), st.integers(-64, 255)),
        duration_s=st.floats(0, 1e6),
    ),
)


@st.composite
def journals(draw: st.DrawFn) -> bytes:
    """A start, then the lines of several processes, each in its order."""
    writers = draw(st.lists(st.lists(EVENTS, max_size=6), max_size=3))
    events = [draw(STARTED)]
    while any(writers):
        events.append(draw(st.sampled_from([writer for writer in writers if writer])).pop(0))
    return b"".join(encode(one).encode() + b"\n" for one in events)


def documents(folded: Folded) -> dict[str, bytes]:
    """What is sealed, as bytes: NaN has no equal."""
    return store.documents(folded, b"", series_bytes=64 << 20)


def with_notice(found: dict[str, bytes], text: str) -> JsonObject:
    metrics: JsonObject = json.loads(found["metrics.json"])
    said = metrics["notices"]
    assert isinstance(said, list)
    return {**metrics, "notices": [*said, text]}


@law
@given(journals(), st.floats(0, 1))
def test_a_cut_journal_is_its_whole_lines(content: bytes, where: float) -> None:
    cut = content[: round(where * len(content))]
    if b"\n" not in cut and cut != content.partition(b"\n")[0]:
        with pytest.raises(DamagedRecord):
            fold(cut.splitlines(keepends=True), unfinished="interrupted")
        return
    found = documents(fold(cut.splitlines(keepends=True), unfinished="interrupted"))
    whole, _, torn = cut.rpartition(b"\n")
    if not torn or content[len(cut) : len(cut) + 1] == b"\n":  # only the newline is missing
        lines = cut.split(b"\n") if torn else whole.split(b"\n")
        assert found == documents(fold(lines, unfinished="interrupted"))
        return
    expected = documents(fold(whole.split(b"\n"), unfinished="interrupted"))
    notice = "1 damaged line(s) of the journal left out"
    assert json.loads(found.pop("metrics.json")) == with_notice(expected, notice)
    expected.pop("metrics.json")
    assert found == expected


@law
@given(journals(), st.sampled_from(["running", "interrupted"]))
def test_what_is_sealed_is_a_function_of_the_journal(content: bytes, unfinished: str) -> None:
    first = documents(fold(content.splitlines(keepends=True), unfinished=unfinished))
    assert documents(fold(content.splitlines(keepends=True), unfinished=unfinished)) == first


@law
@given(journals(), st.lists(st.tuples(st.integers(0, 100), st.binary(max_size=40)), max_size=4))
def test_garbage_between_the_lines_costs_nothing_but_itself(
    content: bytes, garbage: list[tuple[int, bytes]]
) -> None:
    lines = content.splitlines(keepends=True)
    for position, noise in garbage:
        lines.insert(1 + position % len(lines), b"\0" + noise.replace(b"\n", b"") + b"\n")
    found = documents(fold(lines, unfinished="interrupted"))
    expected = documents(fold(content.splitlines(keepends=True), unfinished="interrupted"))
    if garbage:
        notice = f"{len(garbage)} damaged line(s) of the journal left out"
        assert json.loads(found.pop("metrics.json")) == with_notice(expected, notice)
        expected.pop("metrics.json")
    assert found == expected


@law
@given(journals(), st.lists(st.binary(max_size=20), max_size=2), st.lists(st.integers(0, 20), max_size=3))
def test_a_fold_goes_on_where_it_stopped(content: bytes, noise: list[bytes], stops: list[int]) -> None:
    first, *rest = content.splitlines(keepends=True)
    lines = [first, *rest[:3], *(b"\0" + one.replace(b"\n", b"") + b"\n" for one in noise), *rest[3:]]
    going, at = Fold(), 0
    for stop in sorted(stops):
        going.take(lines[at:stop])
        at = max(at, stop)
        going.series()
        going = Fold.from_json(json.loads(encode(going.to_json())))
    going.take(lines[at:])
    going.series()
    whole = fold(lines, unfinished="running")._replace(series={})
    assert encode(going.documents({}, unfinished="running")) == encode(whole)


TOGETHER = b'{"e":"notice","t":1700000000000000,"text":"whole"}\n'


@pytest.mark.parametrize(
    ("lines", "damaged"),
    [
        ([b'{"e":"notice","t":17,"text":"a"\n', b'"x":1}\n'], 2),
        ([b'{"x":[{"a":1}\n', b'{"b":2}]}\n', b'{"c":3}\n'], 3),
        ([b"1,2\n", b'{"e":"notice","t":17,"text":"a"}\n'], 1),
        ([b"\n", b"[\n", b"]\n"], 3),
    ],
)
def test_lines_are_judged_one_by_one(lines: list[bytes], damaged: int) -> None:
    config = {"uid": "u", "author": {"name": "a", "email": "e"}, "params": {}}
    started = encode({"e": "started", "t": 1, "config": config, "offset": ""}).encode()
    folded = fold([started, TOGETHER, *lines, TOGETHER], unfinished="running")
    notices = folded.metrics["notices"]
    assert isinstance(notices, list)
    assert notices[-1] == f"{damaged} damaged line(s) of the journal left out"
    assert notices.count("whole") == 2


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), NAMES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
KEYS = "t s m config offset params tags id text status duration_s document".split()


@law
@given(
    STARTED,
    st.lists(
        st.fixed_dictionaries(
            {
                "e": st.sampled_from(
                    ["started", "metrics", "params", "described", "tag", "notice", "finished", "environment"]
                )
            },
            optional=dict.fromkeys(KEYS, JSON),
        ),
        max_size=5,
    ),
)
def test_events_that_hold_anything_are_read_or_left_out(started: JsonObject, odd: list[JsonObject]) -> None:
    lines = [encode(one).encode() for one in (started, *odd)]
    folded = fold(lines, unfinished="interrupted")
    assert folded.uid == "01JD0000000000000000000000"
