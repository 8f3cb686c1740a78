"""Names of folders that every file system can hold, and metrics as lines."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxt.model.layout import folder_name, is_folder_name
from gxt.model.metric_lines import metric_lines
from gxt.model.series import SeriesBuilder, SeriesByName

AT_US = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("mlp tiny", "exp-001-mlp-tiny"),
        ("../../etc/passwd", "exp-001-etc-passwd"),
        ("Größe & Å", "exp-001-grosse-a"),
        ("日本語", "exp-001"),
        ("", "exp-001"),
        ("a" * 100, f"exp-001-{'a' * 40}"),
        ("-- . --", "exp-001"),
        (f"{'a' * 39} b", f"exp-001-{'a' * 39}"),
    ],
)
def test_a_folder_is_called_by_the_id_and_the_plain_letters_of_the_title(title: str, name: str) -> None:
    assert folder_name("exp-001", title) == name


@given(st.text())
def test_whatever_the_title_the_name_can_be_that_of_a_folder(title: str) -> None:
    name = folder_name("exp-012", title)
    assert is_folder_name(name)
    assert name == name.lower()
    assert len(name) <= 48


@pytest.mark.parametrize(
    "name", ["exp-001-", "exp-001/x", "exp-1", "..", "exp-001-A", "exp-001-a\n", None, 3]
)
def test_other_names_are_those_of_no_run(name: object) -> None:
    assert not is_folder_name(name)


def series(*calls: tuple[int, int, dict[str, float]]) -> SeriesByName:
    builder = SeriesBuilder()
    for step, at, values in calls:
        builder.add(step, AT_US + at, values)
    return builder.build()


def test_what_was_logged_at_once_is_one_line() -> None:
    logged = series(
        *((0, 0, {"a": 1.0, "b": 2.0}), (0, 0, {"c": -0.0}), (1, 5, {"a": math.nan}), (1, 5, {"a": math.inf}))
    )
    at, later = "2023-11-14T22:13:20.000000Z", "2023-11-14T22:13:20.000005Z"
    assert [json.loads(line) for line in metric_lines(logged)] == [
        {"step": 0, "time": at, "a": 1.0, "b": 2.0, "c": -0.0},
        {"step": 1, "time": later, "a": "NaN"},
        {"step": 1, "time": later, "a": "Infinity"},
    ]
    assert list(metric_lines({})) == []


@given(
    st.lists(
        st.tuples(
            st.integers(-3, 3),
            st.integers(0, 2),
            st.dictionaries(
                st.sampled_from("abc"), st.floats(allow_nan=False, allow_infinity=False), min_size=1
            ),
        )
    )
)
def test_every_point_is_in_a_line(calls: list[tuple[int, int, dict[str, float]]]) -> None:
    logged = series(*calls)
    lines = [json.loads(line) for line in metric_lines(logged)]
    for name, one in logged.items():
        found = [(line["step"], line[name]) for line in lines if name in line]
        assert sorted(found) == sorted(zip(one.step, one.value, strict=True))
