"""Where the outputs of a run belong, which of them it goes on naming, and what readers refuse."""

from __future__ import annotations

import json

import pytest
import yaml

from gxt.model.artifacts import are_artifacts, is_place, place
from gxt.model.events import fold
from gxt.model.json_types import Json, JsonObject
from gxt.model.placing import placed, pointer_files, retained, with_metric
from gxt.model.pointers import Pointer, read_pointers
from gxt.model.series import SeriesBuilder

MD5 = "0123456789abcdef" * 2


def entry(path: str, step: int | None = None, *, kind: str = "model", metric: Json = None) -> JsonObject:
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "md5": MD5,
        "size": 3,
        "files": None,
        "kind": kind,
        "step": step,
        "metric": metric,
        "model": None,
    }


def paths(*artifacts: JsonObject, taken: tuple[str, ...] = ()) -> list[Json]:
    return [one["path"] for one in placed(artifacts, taken)]


def test_of_several_outputs_with_one_path_the_last_keeps_it() -> None:
    assert paths(entry("a/m.onnx", 1), entry("a/m.onnx", 2), entry("a/m.onnx", 2), entry("b.pt")) == [
        "a/m.step-1.onnx",
        "a/m.step-2.onnx",
        "a/m.onnx",
        "b.pt",
    ]
    assert paths(entry("m.pt"), entry("m.pt"), entry("m.1.pt"), entry("m.pt")) == [
        "m.3.pt",
        "m.2.pt",
        "m.1.pt",
        "m.pt",
    ]


def test_a_model_moves_together_with_its_external_data() -> None:
    pair = [entry("out/m.onnx", 5), entry("out/m.onnx.data", 5, kind="part")]
    assert paths(*pair, *pair, *pair) == [
        "out/m.step-5.1/m.onnx",
        "out/m.step-5.1/m.onnx.data",
        "out/m.step-5/m.onnx",
        "out/m.step-5/m.onnx.data",
        "out/m.onnx",
        "out/m.onnx.data",
    ]


def test_no_output_lies_in_another() -> None:
    assert paths(entry("runs/m.pt"), entry("runs", kind="folder")) == [".gxt/out/m.pt", "runs"]
    assert paths(entry("runs", kind="folder"), entry("runs/m.pt")) == ["runs.1", "runs/m.pt"]
    assert paths(entry("Runs", kind="folder"), entry("runs")) == ["Runs.1", "runs"]


def test_what_the_project_itself_has_in_dvc_stays_its_own() -> None:
    taken = ("models", "data/raw.csv")
    assert paths(entry("models/m.pt"), entry("data/raw.csv"), entry("data/x"), taken=taken) == [
        ".gxt/out/m.pt",
        ".gxt/out/raw.csv",
        "data/x",
    ]


@pytest.mark.parametrize(
    "path",
    ["../m.pt", "/etc/passwd", "a/../../m", "", ".", "a//b", ".git/hooks/pre-commit", "sub/.GIT/config",
     ".dvc/config", ".g\u200cit/config", ".git. /x", ".gxt/m.pt", "a/./b", "x\0y", "\udcff", ".hg/hgrc"],
)  # fmt: skip
def test_content_goes_nowhere_else(path: str) -> None:
    assert not is_place(path)
    assert place(path).startswith(".gxt/out/")
    assert is_place(place(path))


def test_pointers_have_names_of_their_own() -> None:
    artifacts = [entry("a/m.pt", 1), entry("b/m.pt", 2), {**entry("c"), "name": "../Ü x/…"}]
    files = pointer_files(artifacts)
    assert list(files) == [".gxt/m.step-1.pt.dvc", ".gxt/m.pt.dvc", ".gxt/Ü-x-.dvc"]
    assert [read_pointers(yaml.safe_load(data), "x") for data in files.values()] == [
        [Pointer(path, MD5, 3)] for path in ("a/m.pt", "b/m.pt", "c")
    ]
    assert {yaml.safe_load(data)["wdir"] for data in files.values()} == {".."}


def test_the_metric_at_a_step_is_the_last_one_said_there() -> None:
    points = SeriesBuilder()
    for step, value in ((1, 0.5), (2, 0.25), (2, 0.75)):
        points.add(step, 0, {"acc": value})
    found = with_metric(
        [entry("a", 1), entry("b", 2), entry("c", 3), entry("d")], "acc", points.build()["acc"]
    )
    assert [(one["metric"], one.get("metric_name")) for one in found] == [
        (0.5, "acc"),
        (0.75, "acc"),
        (None, None),
        (None, None),
    ]


def test_the_best_and_the_last_checkpoint_of_each_name_stay() -> None:
    artifacts = [entry(f"m_{step}.pt", step, metric=value) for step, value in
                 ((1, 0.5), (2, 0.9), (3, "NaN"), (4, 0.7), (12, 0.1))]  # fmt: skip
    artifacts += [entry("critic.pt", 3, metric=0.2), entry("final.pt"), entry("unknown.pt", 4)]
    kept, texts = retained(artifacts, best=2, last=True, goal="max")
    assert [one["name"] for one in kept] == [
        "m_2.pt",
        "m_4.pt",
        "m_12.pt",
        "critic.pt",
        "final.pt",
        "unknown.pt",
    ]
    assert texts == ["2 of 5 checkpoints m_*.pt left out: keep_best is 2"]
    kept, _ = retained(artifacts[:5], best=1, last=False, goal="min")
    assert [one["name"] for one in kept] == ["m_12.pt"]


def test_parts_go_with_their_model() -> None:
    artifacts = [
        one
        for step in (1, 2)
        for one in (entry("m.onnx", step, metric=step), entry("m.data", step, kind="part"))
    ]
    kept, _ = retained(artifacts, best=1, last=False, goal="min")
    assert kept == artifacts[:2]


@pytest.mark.parametrize(
    "wrong",
    [{"md5": None}, {"md5": "../x"}, {"md5": "A" * 32}, {"size": -1}, {"size": 1.5}, {"size": 1 << 63},
     {"name": ""}, {"name": "x" * 201}, {"name": None}, {"path": "../x"}, {"path": "x" * 5000},
     {"kind": "M!"},
     {"step": "1"}, {"step": True}, {"files": "2"}, {"metric": {}}, {"model": []}, {"metric_name": 5},
     {"model": {"params": -1}},
     {"model": {"inputs": [{"shape": [1.5]}]}}, {"model": {"outputs": {}}}, {"meta": []}],
)  # fmt: skip
def test_an_entry_that_readers_could_not_rely_on_is_refused(wrong: JsonObject) -> None:
    assert are_artifacts([entry("a"), {**entry("b"), "unknown": {}}])
    assert not are_artifacts([entry("a"), {**entry("b"), **wrong}])


STARTED = {
    "e": "started",
    "t": 1_800_000_000_000_000,
    "offset": "+0000",
    "config": {"gxt": 1, "uid": "U", "author": {"name": "Ada", "email": "a@x"}, "params": {}},
}


def folded(*events: JsonObject) -> tuple[Json, Json, int]:
    lines = [
        json.dumps({"t": 1_800_000_000_000_000 + at, **event}).encode() for at, event in enumerate(events, 1)
    ]
    found = fold([json.dumps(STARTED).encode(), *lines], unfinished="running")
    return found.metrics["artifacts"], found.metrics["notices"], found.last_us - 1_800_000_000_000_000


SAID: JsonObject = {
    "e": "artifact",
    "id": "1",
    "name": "m",
    "path": "m",
    "kind": "model",
    "step": 5,
    "staged": "f",
    "parts": [],
}
STORED: JsonObject = {"e": "stored", "id": "1", "md5": MD5, "size": 3, "files": None}


def test_what_is_said_and_what_is_stored_come_in_any_order() -> None:
    expected = {**entry("m", 5)}
    assert folded(SAID, STORED) == ([expected], [], 1)
    assert folded(STORED, SAID) == ([expected], [], 2)
    assert folded(SAID) == ([{**expected, "md5": None, "size": None}], [], 1)
    assert folded(STORED) == ([], [], 0)


def test_what_could_not_be_stored_is_a_notice() -> None:
    gone: JsonObject = {"e": "stored", "id": "1", "error": "No space left on device"}
    assert folded(SAID, gone) == ([], ["m (step 5) is not kept: No space left on device"], 1)


@pytest.mark.parametrize(
    "wrong",
    [{**SAID, "path": "../x"}, {**STORED, "md5": "x"}, {**SAID, "parts": ["../x"]}, {**SAID, "id": 5},
     {**STORED, "parts": {"x": {}}}],
)  # fmt: skip
def test_a_damaged_event_is_left_out(wrong: JsonObject) -> None:
    assert folded(wrong) == ([], ["1 damaged line(s) of the journal left out"], 0)


def test_what_was_logged_and_is_named_again_as_it_is_counts_once() -> None:
    again = {**SAID, "id": "2", "step": None, "kind": "file"}
    assert folded(SAID, STORED, again, {**STORED, "id": "2"})[0] == [{**entry("m", 5), "kept": True}]
    other = "f" * 32
    assert folded(SAID, STORED, again, {**STORED, "id": "2", "md5": other})[0] == [
        entry("m", 5),
        {**entry("m", kind="file"), "md5": other},
    ]
