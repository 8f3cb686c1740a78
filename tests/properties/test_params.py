"""Laws of parameters: nothing odd is raised, merging and flattening keep values, an edit changes one key."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from pathlib import Path
from typing import cast

import pytest
import tomlkit
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gxt.capture.params_files import edit_params, load_params
from gxt.errors import InvalidParams
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import (
    difference,
    flatten,
    from_command,
    join_keys,
    merge,
    normalise,
    parse_scalar,
    split_keys,
)
from gxt.model.secrets import redact_command, redact_params, redact_text

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

printable = st.characters(exclude_categories=["Cs", "Cc"])
texts = st.one_of(
    st.text(alphabet=printable, max_size=12),
    st.sampled_from("yes|null|1e-3|007|0.1|~|- a|a: b|a # b|'|\"|[|{a}|=|<<".split("|")),
)
keys = st.one_of(
    st.sampled_from(["lr", "model", "dim", "weight-decay", "b.c", "1", "on", "null", "1e-3"]),
    st.text(alphabet=printable, min_size=1, max_size=8),
)
finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.one_of(st.integers(-(10**20), 10**20), finite)
scalars: st.SearchStrategy[Json] = st.one_of(st.booleans(), numbers, texts)
leaves: st.SearchStrategy[Json] = st.one_of(scalars, st.lists(scalars, max_size=4))
objects = st.dictionaries(
    keys,
    st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=6),
    min_size=1,
    max_size=4,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
words = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        "python python3 -m -c -um torch.distributed.run torchrun accelerate launch uv run env srun bash "
        "sh -- - train.py ./train a=1 +a.b=2 ++c=3 ~d --lr --lr=1 -b32 -x --a.b -1 .5 --token --token=x "
        "TOKEN=x https://u:p@h/?token=x".split()
    ),
    st.text(alphabet="-=.[]{}:,'\"ab1 ", max_size=16),
)


@quick
@given(st.lists(words, max_size=12))
def test_any_command_gives_parameters_that_a_document_can_hold(argv: list[str]) -> None:
    params = from_command(argv)
    assert json.loads(json.dumps(params, allow_nan=False, ensure_ascii=False).encode()) == params
    assert merge(params) == params


@quick
@given(words)
def test_any_word_is_a_value(text: str) -> None:
    value = parse_scalar(text)
    assert value == value or value != value  # noqa: PLR0124 - nan


@quick
@given(json_values)
def test_a_value_written_as_json_is_read_back(value: Json) -> None:
    assert parse_scalar(json.dumps(value)) == value


@quick
@given(objects, objects, objects)
def test_a_merge_goes_from_left_to_right(a: JsonObject, b: JsonObject, c: JsonObject) -> None:
    before = copy.deepcopy((a, b, c))
    merged = merge(a, b, c)
    assert merged == merge(merge(a, b), c)
    flat = flatten(merged)
    assert [flat[name] for name, leaf in flatten(c).items() if leaf != {}] == [
        leaf for leaf in flatten(c).values() if leaf != {}
    ]
    assert merge(a, a) == merge(a, {}) == merge({}, a) == a
    assert (a, b, c) == before


@quick
@given(objects)
def test_flat_names_find_their_values_and_nothing_differs_from_itself(params: JsonObject) -> None:
    flat = flatten(params)
    for name, leaf in flat.items():
        value: Json = params
        for key in split_keys(name):
            assert isinstance(value, dict)
            value = value[key]
        assert value == leaf
        assert join_keys(split_keys(name)) == name
    assert difference(params, params) == {}


@quick
@given(objects, objects)
def test_a_difference_is_the_same_from_both_sides(a: JsonObject, b: JsonObject) -> None:
    assert difference(b, a) == {name: (right, left) for name, (left, right) in difference(a, b).items()}


@quick
@given(st.lists(json_values | st.floats(), max_size=3))
def test_normalising_twice_is_normalising_once(value: list[Json]) -> None:
    once = normalise(value)
    assert normalise(once) == once
    assert json.loads(json.dumps(once, allow_nan=False)) == once


@quick
@given(st.lists(words, max_size=8), objects, st.text(max_size=60))
def test_redacting_twice_is_redacting_once(argv: list[str], params: JsonObject, text: str) -> None:
    assert redact_command(redact_command(argv)) == redact_command(argv)
    assert redact_params(redact_params(params)) == redact_params(params)
    assert redact_text(redact_text(text)) == redact_text(text)


@quick
@given(
    st.sampled_from(["yaml", "json", "toml"]),
    st.one_of(
        st.binary(max_size=40),
        st.text(alphabet="a:b-[]{}&*!<>|'\"#%@ \n\t,?1.=eE_~\\", max_size=40).map(str.encode),
    ),
    st.text(max_size=8),
    words,
)
def test_any_file_is_read_or_refused(ending: str, content: bytes, key: str, given_value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"params.{ending}")
        path.write_bytes(content)
        try:
            params = load_params(path)
        except InvalidParams:
            return
        assert merge(params) == params
        for name in (key, *list(flatten(params))[:3]):
            with contextlib.suppress(InvalidParams):
                edit_params(path, [(name, given_value)])


def as_toml(params: JsonObject) -> str:
    return tomlkit.dumps(params)


def as_block_yaml(params: JsonObject) -> str:
    return yaml.safe_dump(params, allow_unicode=True, sort_keys=False)


def as_flow_yaml(params: JsonObject) -> str:
    return yaml.safe_dump(params, default_flow_style=True, width=30)


def as_json(params: JsonObject) -> str:
    return json.dumps(params, indent=2)


def as_assignment(value: Json) -> str:
    """The value as it is written behind `--set KEY=`."""
    return json.dumps(value)


def with_value(params: JsonObject, path: tuple[str, ...], value: Json) -> JsonObject:
    changed = copy.deepcopy(params)
    table = changed
    for key in path[:-1]:
        table = cast("JsonObject", table[key])
    table[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("ending", "write"),
    [("yaml", as_block_yaml), ("yml", as_flow_yaml), ("json", as_json), ("toml", as_toml)],
)
@quick
@given(st.data())
def test_an_edit_sets_its_keys_and_leaves_the_others(ending: str, write: object, data: st.DataObject) -> None:
    assert callable(write)
    params = data.draw(objects)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"params.{ending}")
        path.write_text(str(write(params)), encoding="utf-8")
        expected = load_params(path)
        # An empty table of a TOML file is a head line of its own: no value can stand in its place.
        settable = [name for name, leaf in flatten(expected).items() if ending != "toml" or leaf != {}]
        names = data.draw(st.lists(st.sampled_from(settable), max_size=3)) if settable else []
        assignments = []
        for name in names:
            value = data.draw(leaves)
            assignments.append((name, as_assignment(value)))
            expected = with_value(expected, split_keys(name), value)
        path.write_bytes(edit_params(path, assignments))
        assert load_params(path) == expected
        assert flatten(load_params(path)) == flatten(expected)
