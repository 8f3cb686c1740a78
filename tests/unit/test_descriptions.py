"""What is said of a dataset: exact for what is well formed, nothing for what is not, and soon."""

from __future__ import annotations

import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gxt.data.describe import describe_file, describe_folder
from gxt.data.digest import digest
from gxt.model.json_types import Json, JsonObject

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 32, 24)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc4\x00\x03x\xff\xc0\x00\x11\x08" + struct.pack(">HH", 20, 30)


def described(path: Path, content: bytes | str) -> JsonObject:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return describe_file(path)


def columns(**types: str) -> list[Json]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


def test_a_table_has_rows_columns_and_the_classes_of_its_label(tmp_path: Path) -> None:
    rows = "".join(
        f'{i},{i / 4},"a, ""{i}""\nb",{("cat", "dog")[i % 3 > 0]},{i % 2 == 0}\n' for i in range(9)
    )
    assert described(tmp_path / "x.csv", f"id,size,text,label,ok\n{rows}") == {
        "format": "csv",
        "rows": 9,
        "columns": columns(id="int", size="float", text="text", label="text", ok="bool"),
        "classes": {"label": {"cat": 3, "dog": 6}},
    }


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        pytest.param(
            "x.tsv",
            "a\tb\r\n1\t\r\n2\t\r\n",
            {"format": "tsv", "rows": 2, "columns": columns(a="int", b="empty")},
            id="tabs",
        ),
        pytest.param(
            "x.csv",
            "\ufeffa;y\n1,5;0\n2,5;10\n3,5;2\n4,5;2\n5,5;0\n6,5;10\n",
            {
                "format": "csv",
                "rows": 6,
                "columns": columns(a="text", y="int"),
                "classes": {"y": {"0": 2, "2": 2, "10": 2}},
            },
            id="semicolons and a byte order mark",
        ),
        pytest.param(
            "x.csv",
            "1.5,a\n2.5,a\n3.5,b\n4.5,b",
            {
                "format": "csv",
                "rows": 4,
                "columns": [{"name": "0", "type": "float"}, {"name": "1", "type": "text"}],
                "classes": {"1": {"a": 2, "b": 2}},
            },
            id="no head, and a last column with few values",
        ),
        pytest.param(
            "x.csv",
            "a,b\n1,0.5\n2,0.25\n3,0.5\n4,0.25\n",
            {"format": "csv", "rows": 4, "columns": columns(a="int", b="float")},
            id="measurements are no classes",
        ),
        pytest.param(
            "x.jsonl",
            '{"text": "a", "label": 1}\n\n{"text": "b", "label": 0, "x": null}\n{"text": "c", "label": 1}\n'
            '{"text": "d", "label": 1, "x": [1]}\n',
            {
                "format": "jsonl",
                "rows": 4,
                "columns": columns(text="text", label="int", x="list"),
                "classes": {"label": {"0": 1, "1": 3}},
            },
            id="JSON on lines",
        ),
        pytest.param("x.csv", b"a,b\0\n1,2\n", {}, id="no text"),
        pytest.param("x.csv", b"", {}, id="an empty table"),
        pytest.param("x.csv", b'"' + b"a\n" * 100_000, {}, id="a quote that never ends"),
        pytest.param("x.jsonl", b"[" * 100_000, {}, id="deep JSON"),
        pytest.param("x.jsonl", b'{"a": 1}\n{', {}, id="broken JSON"),
        pytest.param("x.npy", b"\x93NUMPY\1\0\x10\0" + b"(" * 16, {}, id="no header of numpy"),
        pytest.param("x.npy", b"\x93NUMPY\2\0\xff\xff\xff\xff", {}, id="an endless header"),
        pytest.param("x.npz", b"PK\5\6" + b"\xff" * 18, {}, id="a zip file of very many members"),
        pytest.param("x.npz", b"PK", {}, id="no zip file"),
        pytest.param("x.parquet", b"PAR1PAR1", {}, id="no parquet file"),
        pytest.param("x.bin", b"a,b\n1,2\n", {}, id="nothing that is known"),
    ],
)
def test_of_each_format(tmp_path: Path, name: str, content: bytes | str, expected: JsonObject) -> None:
    assert described(tmp_path / name, content) == expected


def test_very_many_columns_are_counted_and_the_first_listed(tmp_path: Path) -> None:
    head = ",".join(f"c{i}" for i in range(300_000))
    found = described(tmp_path / "x.csv", f"{head}\n{','.join(['1'] * 300_000)}\n")
    assert (found["rows"], found["column_count"]) == (1, 300_000)
    assert found["columns"] == [{"name": f"c{i}", "type": "int"} for i in range(200)]


def test_a_large_table_is_counted_by_its_line_ends_and_one_with_quotes_estimated(tmp_path: Path) -> None:
    line = b"1," + b"x" * 997 + b"\n"
    path = tmp_path / "x.csv"
    assert described(path, line * 40_000)["rows"] == 40_000
    assert "approximate" not in describe_file(path)
    found = described(path, line * 39_999 + b'2,"' + b"y" * 995 + b'"\n')
    assert isinstance(found["rows"], int)
    assert found["approximate"] is True
    assert 39_000 < found["rows"] < 41_000


def test_arrays_by_their_headers(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 0, 2), "<f4"))
    assert describe_file(tmp_path / "x.npy") == {"format": "npy", "shape": [3, 0, 2], "dtype": "float32"}
    for version in ((1, 0), (2, 0), (3, 0)):
        with (tmp_path / "x.npy").open("wb") as file:
            np.lib.format.write_array(file, np.array("2020-01-01", "M8[D]"), version=version)
        assert describe_file(tmp_path / "x.npy") == {"format": "npy", "shape": [], "dtype": "M8[D]"}
    np.savez_compressed(
        tmp_path / "x.npz", images=np.zeros((4, 5), bool), y=np.zeros(4, "i8"), t=np.array(["ab"])
    )
    assert describe_file(tmp_path / "x.npz") == {
        "format": "npz",
        "arrays": {
            "images": {"shape": [4, 5], "dtype": "bool"},
            "y": {"shape": [4], "dtype": "int64"},
            "t": {"shape": [1], "dtype": "U2"},
        },
    }


def test_a_zip_bomb_costs_its_headers_only(tmp_path: Path) -> None:
    header = b"\x93NUMPY\1\0\x76\0" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (9,), }".ljust(118)
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("x.npy", header + bytes(50 << 20))
    began_s = time.process_time()
    assert describe_file(tmp_path / "x.npz")["arrays"] == {"x": {"shape": [9], "dtype": "float64"}}
    assert time.process_time() - began_s < 0.2


def test_parquet_where_its_reader_is_installed(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"x": [0.5, 1.5, 2.5, 3.5], "n": [1, 2, 3, 4], "target": ["a", "b", "a", "a"]})
    parquet.write_table(table, tmp_path / "x.parquet")
    assert describe_file(tmp_path / "x.parquet") == {
        "format": "parquet",
        "rows": 4,
        "columns": columns(x="float64", n="int64", target="text"),
        "classes": {"target": {"a": 3, "b": 1}},
    }


@pytest.mark.parametrize(("image", "shape"), [(PNG, [24, 32]), (JPEG, [20, 30]), (b"\xff\xd8\xff", None)])
def test_images_by_the_folders_of_their_classes(
    tmp_path: Path, image: bytes, shape: list[Json] | None
) -> None:
    for name in ("train/cat/1.jpg", "train/cat/2.jpg", "train/dog/1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(image)
    (tmp_path / "README").write_text("who made them\n")
    expected: JsonObject = {
        "format": "images",
        "rows": 3,
        "classes": {"folders": {"train/cat": 2, "train/dog": 1}},
        **({"shape": shape} if shape else {}),
    }
    assert describe_folder(tmp_path, digest(tmp_path).members or ()) == expected


def test_a_folder_tells_what_its_files_hold(tmp_path: Path) -> None:
    for name in ("a/x.csv", "b.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a,b\n1,2\n")
    table: JsonObject = {"format": "csv", "rows": 1, "columns": columns(a="int", b="int")}
    expected: JsonObject = {"parts": {"a/x.csv": table, "b.csv": table}}
    assert describe_folder(tmp_path, digest(tmp_path).members or ()) == expected


@pytest.mark.parametrize(
    "make", [bytes, lambda size: zlib.compress(bytes(size)), lambda size: b"\xff" * size]
)
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl", "x.npy", "x.npz", "x.parquet"])
def test_what_is_not_what_its_name_says_has_no_description(
    tmp_path: Path, name: str, make: Callable[[int], bytes]
) -> None:
    found = described(tmp_path / name, make(5000))
    assert found == {} or found["format"] in ("csv", "tsv")
