"""Pictures and tables of what scripts have; the pictures are read back by Pillow."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy
import pandas
import pytest
import torch
from PIL import Image

from gxt.capture.pictures import picture_of, picture_of_figure
from gxt.capture.tabular import csv_of
from gxt.errors import UsageError
from gxt.model.json_types import JsonObject


def pixels(image: object) -> Any:  # noqa: ANN401 an array of numpy's
    read = Image.open(BytesIO(picture_of(image).content))
    read.load()
    return numpy.asarray(read)


RGB = numpy.arange(2 * 5 * 3, dtype="uint8").reshape(2, 5, 3)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (RGB, RGB),
        (RGB[:, :, 0], RGB[:, :, 0]),
        (RGB[:, :, :1], RGB[:, :, 0]),
        (numpy.concatenate([RGB, RGB[:, :, :1]], 2), numpy.concatenate([RGB, RGB[:, :, :1]], 2)),
        (RGB.transpose(2, 0, 1), RGB),
        (torch.from_numpy(RGB.transpose(2, 0, 1).copy()), RGB),
        (torch.from_numpy(RGB / 255).float().permute(2, 0, 1).requires_grad_(), RGB),
        (RGB.astype("int64"), RGB),
        ([[0.0, 1.0], [0.5, 0.25]], numpy.array([[0, 255], [128, 64]])),
        (numpy.array([[True, False]]), numpy.array([[255, 0]])),
        (numpy.array([[-1.0, 3.0], [1.0, numpy.nan]]), numpy.array([[0, 255], [128, 0]])),
        (numpy.full((1, 2), 7.0), numpy.array([[0, 0]])),
        (torch.ones(1, 2, 2, dtype=torch.bfloat16), numpy.full((2, 2), 255)),
        (Image.fromarray(RGB), RGB),
    ],
    ids=range(14),
)  # fmt: skip
def test_a_picture_has_the_pixels_of_what_it_was_made_of(image: object, expected: object) -> None:
    assert numpy.array_equal(pixels(image), numpy.asarray(expected))


def test_a_picture_tells_its_size_and_what_was_scaled() -> None:
    assert picture_of(RGB).meta == {"width": 5, "height": 2}
    scaled = picture_of(numpy.array([[-1.0, 3.0]])).meta
    assert scaled == {"width": 2, "height": 1, "black": -1.0, "white": 3.0}


@pytest.mark.parametrize(
    "image",
    ["cat.png", None, 3, [], numpy.zeros((2, 3, 4, 5)), numpy.zeros((7, 7, 7)), [["a"]], [[1], [1, 2]]],
)
def test_what_is_no_image_is_refused(image: object) -> None:
    with pytest.raises((UsageError, ValueError)):
        picture_of(image)


def test_a_figure_is_drawn_as_it_is() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([1, 2])
    one = picture_of_figure(figure)
    read = Image.open(BytesIO(one.content))
    assert one.meta == {"width": read.width, "height": read.height}
    assert picture_of_figure(axes).content == picture_of_figure(plt).content == one.content
    plt.close(figure)
    with pytest.raises(UsageError, match="a str is no figure"):
        picture_of_figure("loss")


@pytest.mark.parametrize(
    ("table", "columns", "expected", "names"),
    [
        ([{"a": 1, "b": "x,y"}, {"a": 2.5, "c": None}], None, 'a,b,c\n1,"x,y",\n2.5,,\n', ["a", "b", "c"]),
        ([{"a": 1, "b": 2}], ["b"], "b\n2\n", ["b"]),
        ([[1, 2], (3, 4)], ["a", "b"], "a,b\n1,2\n3,4\n", ["a", "b"]),
        (numpy.eye(2), None, "1.0,0.0\n0.0,1.0\n", []),
        ({"a": [1, 2], "b": torch.tensor([3, 4])}, None, "a,b\n1,3\n2,4\n", ["a", "b"]),
        (pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}), None, "a,b\n1,x\n2,y\n", ["a", "b"]),
        (pandas.DataFrame({"a": [1]}, index=["first"]), None, "index,a\nfirst,1\n", ["index", "a"]),
        ([], None, "", []),
    ],
    ids=range(8),
)
def test_a_table_is_csv(table: object, columns: list[str] | None, expected: str, names: list[str]) -> None:
    made = csv_of(table, columns)
    meta: JsonObject = {"rows": max(0, expected.count("\n") - bool(names)), "columns": list(names)}
    assert (made.content.decode(), made.meta) == (expected, meta)


@pytest.mark.parametrize("table", ["text", 3, ["text"], [1, 2], {"a": [1], "b": [1, 2]}, {"a": 3}])
def test_what_is_no_table_is_refused(table: object) -> None:
    with pytest.raises(UsageError):
        csv_of(table)
