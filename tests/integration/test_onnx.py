"""What gxt reads of an ONNX file is what the onnx package has written; of any other it says why not."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from gxt.data.cache import Cache
from gxt.data.onnx_file import NotOnnxError, Onnx, read_onnx
from gxt.data.staging import keep_path, keep_staged, stage
from gxt.model.artifacts import check_stored
from gxt.model.json_types import JsonObject

onnx = pytest.importorskip("onnx", reason="there is no onnx")
numpy = pytest.importorskip("numpy", reason="there is no numpy")
TENSOR = onnx.TensorProto


def model(**properties: str) -> object:
    """12 weights between `x [batch, 4]` and `y [batch, 3]`, of which one is an input as well."""
    weights = onnx.numpy_helper.from_array(numpy.arange(12, dtype=numpy.float32).reshape(4, 3), "w")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [value("x", TENSOR.FLOAT, ["batch", 4]), value("w", TENSOR.FLOAT, [4, 3])],
        [value("y", TENSOR.FLOAT16, [None, 3])],
        [weights],
    )
    opsets = [onnx.helper.make_opsetid("custom", 3), onnx.helper.make_opsetid("", 17)]
    made = onnx.helper.make_model(graph, opset_imports=opsets)
    onnx.helper.set_model_props(made, properties)
    return made


FACTS: JsonObject = {
    "params": 12,
    "approximate": True,
    "opset": 17,
    "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 4]}],
    "outputs": [{"name": "y", "dtype": "float16", "shape": [None, 3]}],
}


def saved(path: Path, *, external: str = "", **properties: str) -> Path:
    options = {"save_as_external_data": True, "location": external, "size_threshold": 0} if external else {}
    onnx.save(model(**properties), str(path), **options)
    return path


def test_the_facts_of_a_model_are_read(tmp_path: Path) -> None:
    assert read_onnx(saved(tmp_path / "m.onnx")) == Onnx(FACTS, ())


@pytest.mark.parametrize("key", ["gxt.parameters", "gxt.params", "parameters"])
def test_what_was_written_at_the_export_counts(tmp_path: Path, key: str) -> None:
    path = saved(tmp_path / "m.onnx", **{key: "1000", "other": "x"})
    assert read_onnx(path).facts == {**FACTS, "params": 1000, "approximate": False}
    path = saved(tmp_path / "m.onnx", **{key: "many"})
    assert read_onnx(path).facts == FACTS


def test_external_data_is_kept_with_the_model(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", external="m.onnx.data")
    assert read_onnx(path) == Onnx(FACTS, ("m.onnx.data",))
    assert stage(path, tmp_path / "files", "1") == ("m.onnx.data",)
    cache = Cache(tmp_path / "cache")
    kept = keep_staged(cache, tmp_path / "files/1")
    check_stored({"id": "1", **kept})
    assert kept["model"] == FACTS
    assert keep_path(cache, path) == (kept, ("m.onnx.data",))
    content = {one.read_bytes() for one in (tmp_path / "cache").rglob("*") if one.is_file()}
    assert content == {path.read_bytes(), (tmp_path / "m.onnx.data").read_bytes()}


def test_external_data_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", external="m.onnx.data")
    (tmp_path / "m.onnx.data").unlink()
    kept, parts = keep_path(Cache(tmp_path / "cache"), path)
    assert (kept["notice"], parts) == ("lacks its external data: m.onnx.data", ())


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", ".git/config", "link"])
def test_a_model_takes_no_other_files_along(tmp_path: Path, location: str) -> None:
    """A location is whatever the file says."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("secret")
    made = onnx.load_from_string(model().SerializeToString())  # type: ignore[attr-defined]
    weights = made.graph.initializer[0]
    weights.data_location = TENSOR.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", location
    (folder / "m.onnx").write_bytes(made.SerializeToString())
    assert stage(folder / "m.onnx", tmp_path / "files", "1") == ()
    assert [path.name for path in (tmp_path / "files/1").iterdir()] == ["main.onnx"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04 a zip", "it is no protobuf"),
        (b"\x08\x07", "it has no graph"),
        (b"\x3a\xff\xff\xff\xff\x0f", "it is cut off, or no protobuf"),
        (b"\xff" * 100, "it is cut off, or no protobuf"),
    ],
)
def test_what_is_no_model_is_kept_with_a_notice(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(NotOnnxError, match=reason):
        read_onnx(path)
    kept, _ = keep_path(Cache(tmp_path / "cache"), path)
    assert (kept["size"], kept["notice"]) == (len(content), f"is no valid ONNX model: {reason}")
    assert "model" not in kept


def test_no_damage_makes_it_fail_otherwise(tmp_path: Path) -> None:
    """Bytes changed, cut and doubled: facts that can be sealed, or a reason in words."""
    good = saved(tmp_path / "m.onnx", external="m.onnx.data", parameters="5").read_bytes()
    chance, path = Random(1), tmp_path / "damaged.onnx"
    for _ in range(1500):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        path.write_bytes(data)
        try:
            found = read_onnx(path)
        except NotOnnxError:
            continue
        check_stored({"id": "1", "md5": "0" * 32, "size": 1, "files": None, "model": found.facts})


def test_weights_are_skipped_not_loaded(tmp_path: Path) -> None:
    """A file of 3 GB that takes no room: only its first and last pages are looked at."""
    path = tmp_path / "m.onnx"
    weights = 3 << 30
    head = b"\x0a" + _varint(weights)  # a field of the graph that nobody needs
    graph = b"\x3a" + _varint(len(head) + weights) + head
    with path.open("wb") as file:
        file.write(b"\x08\x07" + graph)
        file.seek(weights, 1)
        file.write(b"\x42\x02\x10\x11")
        file.flush()
    assert read_onnx(path).facts["opset"] == 17


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
