"""Laws of the query language: it agrees with Python, it fails only as it says, and sorting loses nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from gxt.errors import QueryError
from gxt.model.fields import parse_field, parse_sort, sort_runs, value_of
from gxt.model.json_types import Json
from gxt.model.query import parse_where, point_at

T = TypeVar("T")

NUMBERS = st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: round(x, 3))
PLAIN = st.text(st.sampled_from("ab 'Z\"\\n0é"), max_size=4)
SPELLED = {float("inf"): "Infinity", float("-inf"): "-Infinity"}

PIECES = st.sampled_from(
    "and or not in is == != < <= > >= = ( ) [ ] , . - + 1 0.5 1e9 'a' \"b\" ' \" \\ true None params metrics "
    "params.lr metrics.loss tags name status params.a.b metrics['val/acc'] val_acc && é \x00 \n".split(" ")
)
TEXTS = st.text(max_size=40) | st.lists(PIECES, max_size=12).flatmap(
    lambda pieces: st.sampled_from([" ".join(pieces), "".join(pieces)])
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["NaN", "Infinity", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
ANY_RUNS = st.dictionaries(
    st.sampled_from(["params", "metrics", "tags", "name", "status"]),
    JSON | st.dictionaries(st.sampled_from(["lr", "loss", "a", "a.b", "val/acc", "val_acc"]), JSON),
)

TYPED_RUNS = st.fixed_dictionaries(
    {
        "name": PLAIN,
        "tags": st.lists(PLAIN, max_size=3),
        "params": st.fixed_dictionaries(
            {"lr": NUMBERS, "model": st.fixed_dictionaries({"type": PLAIN, "width": NUMBERS})}
        ),
        "metrics": st.fixed_dictionaries({"acc": NUMBERS | st.sampled_from(list(SPELLED))}),
    }
)

ORDERS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
NUMBER_OPERANDS = NUMBERS.map(repr) | st.sampled_from(["params.lr", "params.model.width", "metrics.acc"])
TEXT_OPERANDS = PLAIN.map(repr) | st.sampled_from(["name", "params.model.type"])
LISTS = st.lists(PLAIN.map(repr) | NUMBERS.map(repr), max_size=3).map(lambda items: f"[{', '.join(items)}]")
MEMBERS = st.sampled_from(["in", "not in"])
COMPARISONS = st.one_of(
    st.tuples(NUMBER_OPERANDS, ORDERS, NUMBER_OPERANDS),
    st.tuples(NUMBER_OPERANDS, ORDERS, NUMBER_OPERANDS, ORDERS, NUMBER_OPERANDS),
    st.tuples(TEXT_OPERANDS, ORDERS, TEXT_OPERANDS),
    st.tuples(TEXT_OPERANDS, st.sampled_from(["==", "!="]), NUMBER_OPERANDS),
    st.tuples(NUMBER_OPERANDS | TEXT_OPERANDS, MEMBERS, LISTS),
    st.tuples(TEXT_OPERANDS, MEMBERS, TEXT_OPERANDS | st.just("tags")),
).map(" ".join)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        inner.map(lambda a: f"not {a}"),
        inner.map(lambda a: f"({a})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
    ),
    max_leaves=6,
)


def as_python(run: dict[str, Json]) -> dict[str, object]:
    """The names of a condition as Python objects, so that Python itself can judge it."""

    def named(value: Json) -> object:
        if not isinstance(value, dict):
            return value
        return SimpleNamespace(**{key: named(inner) for key, inner in value.items()})

    return {key: named(value) for key, value in run.items()}


def as_stored(run: dict[str, Json]) -> dict[str, Json]:
    metrics = run["metrics"]
    assert isinstance(metrics, dict)
    stored = {
        key: SPELLED.get(value, value) for key, value in metrics.items() if isinstance(value, (int, float))
    }
    return {**run, "metrics": {**stored}}


@given(CONDITIONS, TYPED_RUNS)
def test_a_condition_means_what_it_means_in_python(text: str, run: dict[str, Json]) -> None:
    expected = eval(text, {"__builtins__": {}}, as_python(run))
    assert parse_where(text)(as_stored(run)) is expected


def outcome(parse: Callable[[str], T], text: str) -> T | QueryError:
    try:
        return parse(text)
    except QueryError as error:
        return error


@given(TEXTS, ANY_RUNS)
def test_any_text_is_a_condition_or_a_query_error(text: str, run: dict[str, Json]) -> None:
    found = outcome(parse_where, text)
    if not isinstance(found, QueryError):
        assert found(run) in (True, False)
        return
    assert found.text == text
    assert 0 <= found.position <= len(text)
    assert found.message
    assert found.hint
    shown, caret = point_at(found).split("\n")
    assert len(shown) <= 100
    assert caret == " " * (len(caret) - 1) + "^"


@given(TEXTS, ANY_RUNS)
def test_any_text_is_a_field_or_a_query_error(text: str, run: dict[str, Json]) -> None:
    field = outcome(parse_field, text)
    if isinstance(field, QueryError):
        assert field.text == text
        assert 0 <= field.position <= len(text)
        return
    value_of(field, run)
    assert len(sort_runs([run, {}], field, False)) == 2


@given(TEXTS)
def test_any_text_is_a_sort_or_a_query_error(text: str) -> None:
    found = outcome(parse_sort, text)
    if isinstance(found, QueryError):
        assert found.text == text
        assert 0 <= found.position <= len(text)


@given(TEXTS)
def test_a_quoted_metric_is_found_whatever_its_name(name: str) -> None:
    run: dict[str, Json] = {"metrics": {name: 1}}
    quoted = "".join("\\" + char if char in "\\'" else char for char in name)
    assert parse_where(f"metrics['{quoted}'] == 1")(run)
    assert value_of(parse_field(f"metrics['{quoted}']"), run) == 1


@given(st.lists(JSON, max_size=8), st.booleans())
def test_sorting_is_a_stable_permutation_with_the_missing_last(values: list[Json], descending: bool) -> None:
    runs: list[dict[str, Json]] = [{"at": at, "params": {"x": value}} for at, value in enumerate(values)]
    field = parse_field("params.x")
    order = [run["at"] for run in sort_runs(runs, field, descending)]
    assert sorted(order, key=str) == sorted(range(len(values)), key=str)
    assert sort_runs(sort_runs(runs, field, descending), field, descending) == sort_runs(
        runs, field, descending
    )
    ordered = [values[at] for at in order if isinstance(at, int)]
    gone = [value in (None, "NaN") or (isinstance(value, float) and math.isnan(value)) for value in ordered]
    assert gone == sorted(gone)


@given(st.lists(st.integers(0, 2), max_size=10), st.booleans())
def test_sorting_numbers_is_what_python_sorts(values: list[int], descending: bool) -> None:
    runs: list[dict[str, Json]] = [{"at": at, "metrics": {"x": value}} for at, value in enumerate(values)]
    order = [run["at"] for run in sort_runs(runs, parse_field("x"), descending)]
    assert order == sorted(range(len(values)), key=values.__getitem__, reverse=descending)
