"""Whatever passes for a dataset in a document can be compared and shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gxt.model.datasets import change_notices, data_changes, data_of
from gxt.model.json_types import Json, JsonObject
from gxt.model.shapes import is_dataset
from gxt.render.datasets import data_table, facts

TEXTS = st.text(max_size=8)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
ANY: st.SearchStrategy[Json] = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)
KEYS = st.sampled_from(["rows", "columns", "classes", "shape", "dtype", "arrays", "parts", "format", "x"])
DESCRIPTIONS = st.recursive(
    st.dictionaries(KEYS, ANY, max_size=6),
    lambda inner: st.fixed_dictionaries({"parts": st.dictionaries(TEXTS, inner | ANY, max_size=3)}),
    max_leaves=4,
)
DATASETS = st.fixed_dictionaries(
    {"path": st.sampled_from(["a", "b"]), "description": DESCRIPTIONS},
    optional={
        "md5": st.sampled_from([None, "0" * 32, "1" * 32 + ".dir"]),
        "size": st.none() | st.integers(0, 1 << 62),
        "files": st.none() | st.integers(0, 1 << 62),
        "tracked": st.none() | TEXTS,
        "kind": st.none() | st.sampled_from(["input", "intermediate", "other"]),
        "source": st.none() | TEXTS,
        "missing": st.booleans(),
    },
)


@given(st.lists(DATASETS, max_size=3), st.lists(DATASETS, max_size=3))
def test_any_dataset_can_be_compared_and_shown(a: list[JsonObject], b: list[JsonObject]) -> None:
    assert all(map(is_dataset, (*a, *b)))
    before: JsonObject = {"id": "exp-001", "data": list(a)}
    after: JsonObject = {"id": "exp-002", "data": list(b)}
    same = data_of(before)
    assert data_changes(before, before) == {}
    changes = data_changes(before, after)
    assert set(changes) <= set(same) | set(data_of(after))
    assert len(data_table([*a, *b]).rows) == len(a) + len(b)
    for text in (*change_notices(before, list(b)), *map(facts, (*a, *b))):
        assert "\n" not in text
