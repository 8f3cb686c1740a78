"""Named tuples that cost no annotations are what typing's are."""

from __future__ import annotations

import pickle

import pytest

from gxt.named_tuple import NamedTuple


class Point(NamedTuple):
    """A place."""

    x: int
    y: int = 2

    @property
    def sum(self) -> int:
        return self.x + self.y


def test_a_named_tuple_has_fields_defaults_methods_and_a_docstring() -> None:
    point = Point(1)

    assert point == (1, 2)
    assert repr(point) == "Point(x=1, y=2)"
    assert point.sum == 3
    assert point._replace(y=5) == Point(1, 5)
    assert (Point._fields, Point.__doc__, Point.__qualname__) == (("x", "y"), "A place.", "Point")


def test_a_named_tuple_has_no_dictionary() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 1  # type: ignore[attr-defined]


def test_a_named_tuple_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Point(3))) == Point(3)
