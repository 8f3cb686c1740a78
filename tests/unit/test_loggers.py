"""The readers of other loggers' files: exact points, torn ends, files that grow or are written again."""

from __future__ import annotations

import json
import os
import struct
from math import inf, isnan, nan
from pathlib import Path

import pytest

from gxt.capture.loggers.content import Aside, Content, Point, joined
from gxt.capture.loggers.mlflow_files import MetricReader
from gxt.capture.loggers.naming import board_place, metric_name, training_name
from gxt.capture.loggers.sources import Fresh
from gxt.capture.loggers.tables import TableReader
from gxt.capture.loggers.tail import Stamp, Tail
from gxt.capture.loggers.tensorboard import EventReader
from gxt.capture.loggers.trainer_state import read_state, reported_name
from gxt.capture.loggers.wandb import WandbReader
from gxt.model.json_types import JsonObject


def varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def field(number: int, value: int | bytes | str | float) -> bytes:
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (1 << 64) - 1)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def single(number: int, value: float) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<f", value)


def event(step: int, at_s: float, *values: bytes) -> bytes:
    summary = b"".join(field(1, value) for value in values)
    record = field(1, at_s) + field(2, step) + field(5, summary)
    return struct.pack("<Q", len(record)) + bytes(4) + record + bytes(4)


def scalar(tag: str, value: float) -> bytes:
    return field(1, tag) + single(2, value)


def tensor(tag: str, dtype: int, content: bytes, shape: bytes = b"") -> bytes:
    plugin = field(1, field(1, "scalars"))
    return field(1, tag) + field(8, field(1, dtype) + field(2, shape) + field(4, content)) + field(9, plugin)


EVENTS = (
    event(0, 100.0, field(1, "ignored") + field(4, b"an image"))
    + event(1, 101.5, scalar("loss", 0.2), scalar("acc", nan))
    + event(-1, 102.0, tensor("tf", 1, struct.pack("<f", 0.1)), tensor("wide", 2, struct.pack("<d", 0.1)))
    + event(
        3,
        103.0,
        tensor("many", 1, bytes(8), field(2, field(1, 2))),
        tensor("whole", 9, struct.pack("<q", -7)),
    )
)
EVENT_POINTS = [
    (1, 101_500_000, "loss"),
    (1, 101_500_000, "acc"),
    (-1, 102_000_000, "tf"),
    (-1, 102_000_000, "wide"),
    (3, 103_000_000, "whole"),
]


def told(points: list[Point]) -> list[tuple[int, int | None, str]]:
    return [(point.step, point.time_us, *point.numbers) for point in points]  # type: ignore[misc]


def test_an_event_file_gives_its_scalars_in_their_shortest_form() -> None:
    content = EventReader().feed(EVENTS)
    assert told(content.points) == EVENT_POINTS
    values = [value for point in content.points for value in point.numbers.values()]
    assert isnan(values.pop(1))
    assert values == [0.2, 0.1, 0.1, -7.0]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_event_file_that_grows_by_any_number_of_bytes_gives_the_same(size: int) -> None:
    reader, points = EventReader(), []
    for at in range(0, len(EVENTS), size):
        points += reader.feed(EVENTS[at : at + size]).points
    assert told(points) == EVENT_POINTS


def test_a_large_record_and_a_damaged_one_are_passed_over() -> None:
    image = event(1, 1.0, field(1, "image") + field(4, bytes(2 << 20)))
    damaged = bytearray(event(2, 2.0, scalar("bad", 1.0)))
    damaged[12] = 0xFF
    data = image + bytes(damaged) + event(3, 3.0, scalar("good", 1.0))
    reader = EventReader()
    points = [
        point for at in range(0, len(data), 999_999) for point in reader.feed(data[at : at + 999_999]).points
    ]
    assert points == [Point(3, 3_000_000, {"good": 1.0})]
    assert EventReader().feed(b"\xff" * 100) == Content([])  # no length at all


def test_hyperparameters_are_parameters() -> None:
    def entry(name: str, value: bytes) -> bytes:
        return field(1, field(1, name) + field(2, value))

    info = entry("lr", field(2, 0.1)) + entry("n", field(2, 3.0)) + entry("opt", field(3, "adam"))
    info += entry("amp", field(4, 1))
    plugin = field(1, field(1, "hparams") + field(2, field(3, info)))
    value = field(1, "_hparams_/session_start_info") + field(9, plugin)
    assert EventReader().feed(event(0, 1.0, value)).params == {"lr": 0.1, "n": 3, "opt": "adam", "amp": True}
    text = field(1, "hyperparameters/text_summary") + field(9, field(1, field(1, "text")))
    text += field(8, field(1, 7) + field(8, "|param|value|\n|-|-|\n|gamma|0.99|\n|env_id|CartPole-v1|"))
    assert EventReader().feed(event(0, 1.0, text)).params == {"gamma": 0.99, "env_id": "CartPole-v1"}


# --- W&B ---------------------------------------------------------------------------------------------------


def wandb_file(*records: bytes) -> bytes:
    data = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
    for rest in records:
        record, kind = rest, 1
        while True:
            room = (32 << 10) - len(data) % (32 << 10)
            if room < 7:
                data, room = data + bytes(room), 32 << 10
            piece, record = record[: room - 7], record[room - 7 :]
            whole = not record
            kind = {(1, True): 1, (1, False): 2, (3, False): 3, (3, True): 4}[kind, whole]
            data += struct.pack("<IHB", 0, len(piece), kind) + piece
            if whole:
                break
            kind = 3
    return data


def item(key: str | list[str], value: object) -> bytes:
    names = field(1, key) if isinstance(key, str) else b"".join(field(2, part) for part in key)
    return field(1, names + field(16, json.dumps(value)))


def row(step: int, **values: object) -> bytes:
    items = [item(key, value) for key, value in values.items()] + [
        item("_step", step),
        item("_timestamp", 5.5),
    ]
    return field(2, b"".join(items))


WANDB = wandb_file(
    field(
        17, field(4, item("lr", 0.1) + item("_wandb", {})) + field(8, "calm-sea-1") + field(10, "baseline")
    ),
    row(0, loss=1, val={"acc": 0.5}, image={"_type": "image-file"}, why="text"),
    row(1, loss=nan, note="n" * 40_000, worst="-Infinity"),
    field(5, item(["model", "depth"], 3)),
    field(3, item("loss", 2) + item("best", 0.9) + item("_runtime", 3)),
)


@pytest.mark.parametrize("size", [1 << 20, 1000])
def test_a_wandb_file_gives_config_history_and_what_only_the_summary_has(size: int) -> None:
    reader, points, title = WandbReader(), list[Point](), ""
    params: JsonObject = {}
    tags: tuple[str, ...] = ()
    for at in range(0, len(WANDB), size):
        content = reader.feed(WANDB[at : at + size])
        points, params, tags = points + content.points, {**params, **content.params}, (*tags, *content.tags)
        title = title or content.title
    assert (params, tags, title) == ({"lr": 0.1, "model": {"depth": 3}}, ("baseline",), "calm-sea-1")
    assert points[0] == Point(0, 5_500_000, {"loss": 1.0, "val/acc": 0.5})
    assert isnan(points[1].numbers.pop("loss"))
    assert points[1:] == [Point(1, 5_500_000, {"worst": -inf})]
    assert reader.at_end() == Content([Point(1, None, {"best": 0.9})])


def test_a_script_that_logs_its_step_as_a_metric_counts_by_it() -> None:
    data = wandb_file(
        row(0, a=1), row(1, a=2, iter=500), row(2, a=3), row(3, a=4, iter=1000.0), row(4, iter=nan)
    )
    assert [point.step for point in WandbReader().feed(data).points] == [0, 500, 500, 1000, 1000]


def test_a_metric_is_at_the_step_that_it_was_defined_to_have() -> None:
    def defined(name: bytes, *, step: str = "", summary: bytes = b"", goal: int = 0) -> bytes:
        return field(12, name + field(4, step) + field(7, summary) + field(8, goal))

    reader = WandbReader()
    content = reader.feed(
        wandb_file(
            defined(field(2, "val/*"), step="epoch", summary=field(2, 1)),
            defined(field(1, "val/own"), summary=field(4, 1), goal=2),
            row(7, loss=1, epoch=3, **{"val/acc": 0.5, "val/own": 2}),
            row(8, **{"val/acc": 0.75}),
            row(9, epoch=3.5, **{"val/acc": 1}),
            field(3, item(["val/acc"], {"max": 1}) + item(["val/acc", "min"], 0)),
        )
    )
    assert [(point.step, point.numbers) for point in content.points] == [
        (7, {"epoch": 3.0, "loss": 1.0, "val/own": 2.0}),
        (3, {"val/acc": 0.5}),
        (3, {"val/acc": 0.75}),
        (9, {"epoch": 3.5}),
        (3, {"val/acc": 1.0}),
    ]
    acc, own = {"goal": None, "summary": "max"}, {"goal": "max", "summary": "best"}
    assert content.defined == {"val/acc": acc, "val/own": own}
    assert reader.feed(b"").defined == {}
    assert [point.numbers for point in reader.at_end().points] == [{"val/acc/min": 0.0}]


def test_files_that_were_given_to_wandb_and_are_still_here(tmp_path: Path) -> None:
    run, copies = tmp_path / "wandb" / "run-1", tmp_path / "staging"
    for path in (
        copies / "old",
        copies / "new",
        copies / "twin",
        tmp_path / "twin.pt",
        run / "files" / "kept",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name[:4])

    def logged(name: str, kind: str, entries: dict[str, Path]) -> bytes:
        contents = [field(4, field(1, inside) + field(6, str(path))) for inside, path in entries.items()]
        return field(8, field(4, kind) + field(5, name) + field(12, b"".join(contents)))

    reader = WandbReader()
    reader.feed(
        wandb_file(
            logged("net", "model", {"best": copies / "old"}),
            logged("net", "model", {"best": copies / "new"}),
            logged("pair", "data", {"twin.pt": copies / "twin", "far": Path(), "gone": tmp_path / "gone"}),
            logged("source", "code", {"main": copies / "new"}),
            field(6, field(1, field(1, "kept")) + field(1, field(1, "output.log") + field(3, 1))),
        )
    )
    assert list(reader.artifacts.found(run)) == [
        Aside(copies / "new", "best"), Aside(tmp_path / "twin.pt"), Aside(run / "files" / "kept", "kept"),
    ]  # fmt: skip


def test_a_damaged_block_of_wandb_costs_no_more_than_itself() -> None:
    data = bytearray(wandb_file(row(0, a=1), row(1, note="n" * 40_000), row(2, a=3)))
    data[7 + 6] = 99
    points = WandbReader().feed(bytes(data)).points
    assert points == [Point(2, 5_500_000, {"a": 3.0})]


# --- tables ------------------------------------------------------------------------------------------------


def test_a_table_of_keras() -> None:
    reader = TableReader()
    content = reader.feed(b'epoch,accuracy,loss,lr,val_loss\r\n0,0.5,1.5,"[1, 2]",NA\r\n1,0.6,nan,0.1,2')
    assert content == Content([Point(0, None, {"accuracy": 0.5, "loss": 1.5})])
    (point,) = reader.at_end().points
    assert isnan(point.numbers.pop("loss"))
    assert point == Point(1, None, {"accuracy": 0.6, "lr": 0.1, "val_loss": 2.0})


def test_a_table_of_lightning_has_rows_of_one_step_and_keeps_the_epoch() -> None:
    points = TableReader().feed(b"epoch,step,train_loss,val_loss\n0,49,0.5,\n0,99,,0.7\n0,99,0.4,\n").points
    assert joined(points) == [
        Point(49, None, {"epoch": 0.0, "train_loss": 0.5}),
        Point(99, None, {"epoch": 0.0, "val_loss": 0.7, "train_loss": 0.4}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"id,label\n1,2\n",
        b"epoch\n1\n",
        b"1,2,3\n4,5,6\n",
        b"\n1,2\n",
        b"a log of something: step 5\nstep,loss\n1,2\n",
        b"step,name\n1,x\n",
        b"\xff\xfe\x00\n",
    ],
)
def test_what_is_no_table_of_metrics_gives_nothing(text: bytes) -> None:
    assert TableReader().feed(text) == Content([])


def test_tables_with_tabs_times_and_no_step() -> None:
    assert TableReader(one="train/loss").feed(b"timestamp\tstep\tloss\n1700000000123\t4\t0.5\n").points == [
        Point(4, 1_700_000_000_123_000, {"train/loss": 0.5})
    ]
    assert TableReader().feed(b"  epoch,  time, box/loss\n 1, 3.5, 2\n").points == [
        Point(1, None, {"box/loss": 2.0})
    ]


def test_later_rows_of_a_table_need_its_first_line() -> None:
    assert TableReader(b"step,loss\n1,2\n").feed(b"2,0.5\n").points == [Point(2, None, {"loss": 0.5})]


def test_a_metric_of_mlflows_files() -> None:
    reader = MetricReader("val/acc")
    assert reader.feed(b"1000 0.5 3\n2000 nan 4\n3000 1").points[0] == Point(3, 1_000_000, {"val/acc": 0.5})
    assert reader.feed(b".5 5\nbad\n4000 7\n").points == [
        Point(5, 3_000_000, {"val/acc": 1.5}), Point(0, 4_000_000, {"val/acc": 7.0}),
    ]  # fmt: skip


def test_the_state_of_a_trainer() -> None:
    history = [
        {"loss": 1.5, "epoch": 0.5, "step": 10},
        {"eval_loss": 2, "step": 10},
        {"step": 11},
        "x",
        {"loss": 1},
    ]
    assert read_state(json.dumps({"log_history": history}).encode()) == Content(
        [Point(10, None, {"loss": 1.5, "epoch": 0.5}), Point(10, None, {"eval_loss": 2.0})]
    )
    state = {"log_history": history[:1], "max_steps": 20, "num_train_epochs": 2, "train_batch_size": None}
    assert read_state(json.dumps(state).encode()).params == {"max_steps": 20, "num_train_epochs": 2}
    assert [read_state(data) for data in (b"", b'{"log_history": [', b"[]", b"{}")] == [Content([])] * 4
    assert [*map(reported_name, ("loss", "eval_loss", "test_f1"))] == ["train/loss", "eval/loss", "test/f1"]


# --- files -------------------------------------------------------------------------------------------------


def test_a_file_that_grows_is_cut_and_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    tail = Tail(path)
    assert tail.read() == (b"one\n", True)
    assert tail.read() == (b"", False)
    path.write_bytes(b"one\ntwo\n")
    assert tail.read() == (b"two\n", False)
    path.write_bytes(b"1\n")
    assert tail.read() == (b"1\n", True)
    path.write_bytes(b"2\n3\n")
    assert tail.read() == (b"2\n3\n", True)
    (tmp_path / "new").write_bytes(b"2\n3\n4\n")
    (tmp_path / "new").replace(path)
    assert tail.read() == (b"2\n3\n4\n", True)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        tail.read()


def test_what_was_there_before_is_not_read_unless_it_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "log"

    def stamp() -> Stamp:
        path.write_bytes(b"head\nold\n")
        os.utime(path, (1, 1))
        return Stamp.of(path.stat()).marked(path)

    before = stamp()
    with path.open("ab") as file:
        file.write(b"new\n")
    assert Tail(path, before).read() == (b"new\n", False)
    before = stamp()
    path.write_bytes(b"head\nOLD\nnew\n")
    assert Tail(path, before).read() == (b"head\nOLD\nnew\n", True)
    before = stamp()
    path.write_bytes(b"head\nold\n")
    assert Tail(path, before).read() == (b"head\nold\n", True)


def test_points_that_a_file_tells_again_are_not_new() -> None:
    fresh = Fresh()
    first = [Point(1, None, {"a": nan}), Point(2, None, {"a": 2.0})]
    assert len(fresh.of(first)) == 2
    fresh.again()
    assert fresh.of([Point(1, None, {"a": float("nan")}), first[1], Point(3, None, {"a": 3.0})]) == [
        Point(3, None, {"a": 3.0})
    ]
    fresh.again()
    assert fresh.of([Point(1, None, {"a": 5.0})]) == [Point(1, None, {"a": 5.0})]  # another training


# --- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "others", "place"),
    [
        ("runs/a", [], ("runs/a", "")),
        ("runs/a", ["runs/a"], ("runs/a", "")),
        ("runs/a/Loss_train", ["runs/a"], ("runs/a", "Loss_train/")),
        ("runs/a/1795276051.36", ["runs/a"], ("runs/a", "")),
        ("logs/train", [], ("logs", "train/")),
        ("logs/validation", ["logs"], ("logs", "validation/")),
        ("runs/b", ["runs/a"], ("runs/b", "b/")),
        ("runs/b/x", ["runs/a", "runs/b"], ("runs/b", "b/x/")),
        ("runs/Nov21_10-00-05_host", ["runs/Nov21_10-00-00_host"], ("runs/Nov21_10-00-05_host", "run-2/")),
    ],
)
def test_a_folder_of_tensorboard_belongs_to_a_training(
    folder: str, others: list[str], place: tuple[str, str]
) -> None:
    assert board_place(folder, others) == place


def test_names_of_lines_and_of_other_trainings() -> None:
    assert metric_name("tensorboard", "Loss_train/", "Loss") == "Loss/train"
    assert metric_name("tensorboard", "a_b_x/", "a/b") == "a/b/x"
    assert metric_name("tensorboard", "L/a/", "L") == "L/a"
    assert metric_name("csv", "version_1/", "loss") == "version_1/loss"
    assert training_name(Path("lightning_logs/version_1/metrics.csv"), "", 2) == "version_1"
    assert training_name(Path("log2.csv"), "", 2) == "log2"
    assert training_name(Path("wandb/x"), "calm-sea-12", 3) == "run-3"
