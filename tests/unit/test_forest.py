"""Forests of runs: who derives from whom, in which order they are read."""

from __future__ import annotations

import pytest

from gxt.model.forest import Forest, build_forest

FAMILY = {"a": None, "b": "a", "c": "a", "d": "b", "e": None}


def test_children_and_roots_stand_oldest_first() -> None:
    assert build_forest(FAMILY) == Forest(
        roots=("a", "e"), children={"a": ("b", "c"), "b": ("d",), "c": (), "d": (), "e": ()}
    )


def test_each_run_is_read_before_its_children_and_a_branch_to_its_end() -> None:
    assert list(build_forest(FAMILY).order()) == ["a", "b", "d", "c", "e"]


def test_the_weight_of_a_run_counts_all_below_it_and_itself() -> None:
    assert build_forest(FAMILY).weights() == {"a": 4, "b": 2, "c": 1, "d": 1, "e": 1}


def test_the_part_that_starts_at_a_run() -> None:
    part = build_forest(FAMILY, root="b")
    assert (part.roots, list(part.order()), part.weights()) == (("b",), ["b", "d"], {"b": 2, "d": 1})


@pytest.mark.parametrize(
    ("parents", "order"),
    [
        ({}, []),
        ({"a": "elsewhere", "b": "a"}, ["a", "b"]),
        ({"a": "a"}, ["a"]),
        ({"a": "b", "b": "a", "c": "b"}, ["a", "b", "c"]),
        ({"a": "c", "b": "a", "c": "b", "d": "e", "e": "d"}, ["a", "b", "c", "d", "e"]),
        ({"x": "a", "a": "b", "b": "a"}, ["a", "x", "b"]),
    ],
)
def test_a_parent_that_is_not_here_and_one_run_of_each_cycle_make_roots(
    parents: dict[str, str | None], order: list[str]
) -> None:
    assert list(build_forest(parents).order()) == order


def test_ten_thousand_generations_are_no_recursion() -> None:
    parents = {str(i): str(i - 1) if i else None for i in range(10_000)}
    forest = build_forest(parents)
    assert list(forest.order()) == list(parents)
    assert forest.weights()["0"] == 10_000
