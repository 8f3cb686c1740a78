"""Which checkpoint is the best, and what outputs are called in an export."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gxt.data.cache import Cache
from gxt.model.goals import Goal, Metric
from gxt.model.json_types import Json, JsonObject
from gxt.ops.export_outputs import best_model, outputs_of


def entry(name: str, path: str, kind: str = "model", **more: Json) -> JsonObject:
    md5 = hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()
    return {"name": name, "path": path, "kind": kind, "md5": md5, **more}


def checkpoint(step: int, value: Json) -> JsonObject:
    return entry(f"at {step}", f"m{step}.pt", step=step, metric=value, metric_name="acc")


@pytest.mark.parametrize(
    ("goal", "values", "best"),
    [
        ("max", [0.5, 0.9, 0.7], 1),
        ("min", [0.5, 0.9, 0.1], 2),
        ("max", [0.9, "NaN", 0.9], 0),
        ("max", ["-Infinity", "Infinity", None], 1),
        ("max", [None, "NaN"], None),
        (None, [0.5, 0.9], None),
        (None, [0.5], 0),
    ],
)
def test_the_best_checkpoint_is_that_of_the_main_metric(
    goal: Goal | None, values: list[Json], best: int | None
) -> None:
    models = [checkpoint(step, value) for step, value in enumerate(values)]
    assert best_model(models, Metric("acc", goal)) == (None if best is None else models[best])
    others = [{**one, "metric_name": "other"} for one in models]
    assert best_model([*others, entry("plot", "a.png", "image")], Metric("acc", goal)) == (
        others[0] if len(others) == 1 else None
    )


def test_external_data_stays_beside_its_model_and_nothing_takes_the_place_of_our_own_files(
    tmp_path: Path,
) -> None:
    cache = Cache(tmp_path)
    artifacts = [
        entry("net", "out/net.onnx"),
        entry("weights", "out/net.onnx.data", "part"),
        entry("bad", "out/Record/commit", "part"),
        entry("worse", "out/README.md", "part"),
        entry("outside", "elsewhere", "part"),
        entry("net", "other.txt", "file"),
        entry("NET", "third.txt", "file"),
        entry("../../x", "fourth", "file"),
    ]
    for one in artifacts[:-1]:
        cache.keep_bytes(b"x", str(one["md5"]))
    outputs, copies, is_whole = outputs_of({"artifacts": list[Json](artifacts)}, cache, None)
    assert outputs == [
        ("net", "model_best.onnx"),
        ("weights", "net.onnx.data"),
        ("bad", "outputs/bad"),
        ("worse", "outputs/worse"),
        ("outside", "outputs/outside"),
        ("net", "outputs/net"),
        ("NET", "outputs/NET.2"),
        ("../../x", ""),
    ]
    assert [one.name for one in copies] == [name for _, name in outputs if name]
    assert not is_whole
