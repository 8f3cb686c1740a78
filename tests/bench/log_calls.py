"""What one call costs that logs four floats: `python -m tests.bench.log_calls TRACKER CALLS`, a process each.

It prints the median in microseconds. The tracker keeps its files below the working directory.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

Log: TypeAlias = "Callable[[dict[str, float], int], object]"
# how many calls give a steady median in a second or so
CALLS = {"plain": 20_000, "gxt": 20_000, "wandb": 3_000, "tensorboard": 3_000, "mlflow": 200}


def _plain() -> tuple[Log, Callable[[], object]]:
    """The least that keeps what was logged: json.dumps and an unbuffered append of what gxt writes."""
    file = Path("plain.jsonl").open("ab", buffering=0)  # noqa: SIM115 open as long as the process logs

    def log(metrics: dict[str, float], step: int) -> None:
        event = {"e": "metrics", "t": time.time_ns() // 1000, "s": step, "m": metrics}
        file.write(json.dumps(event).encode() + b"\n")

    return log, file.close


def _gxt() -> tuple[Log, Callable[[], object]]:
    import gxt

    gxt.init()
    return gxt.log, gxt.finish


def _wandb() -> tuple[Log, Callable[[], object]]:
    wandb: Any = importlib.import_module("wandb")
    run = wandb.init(project="bench", mode="offline")
    return lambda metrics, step: run.log(metrics, step=step), run.finish


def _tensorboard() -> tuple[Log, Callable[[], object]]:
    writing: Any = importlib.import_module("tensorboard.summary.writer.event_file_writer")
    events: Any = importlib.import_module("tensorboard.compat.proto.event_pb2")
    summaries: Any = importlib.import_module("tensorboard.compat.proto.summary_pb2")
    writer = writing.EventFileWriter("events")

    def log(metrics: dict[str, float], step: int) -> None:
        values = [summaries.Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]
        writer.add_event(
            events.Event(wall_time=time.time(), step=step, summary=summaries.Summary(value=values))
        )

    return log, writer.close


def _mlflow() -> tuple[Log, Callable[[], object]]:
    mlflow: Any = importlib.import_module("mlflow")
    mlflow.start_run()
    return lambda metrics, step: mlflow.log_metrics(metrics, step=step), mlflow.end_run


_STARTS = {"plain": _plain, "gxt": _gxt, "wandb": _wandb, "tensorboard": _tensorboard, "mlflow": _mlflow}


def measure(tracker: str, calls: int) -> float:
    """The median of the calls' wall time in microseconds, after a tenth that does not count."""
    log, finish = _STARTS[tracker]()
    taken_ns = []
    for step in range(calls + calls // 10):
        metrics = {
            "train/loss": 1 / (step + 1),
            "val/loss": 1.1 / (step + 1),
            "val/acc": 1 - 1 / (step + 3),
            "lr": 0.001,
        }
        start_ns = time.perf_counter_ns()
        log(metrics, step)
        taken_ns.append(time.perf_counter_ns() - start_ns)
    finish()
    return statistics.median(taken_ns[calls // 10 :]) / 1000


if __name__ == "__main__":
    sys.stdout.write(f"{measure(sys.argv[1], int(sys.argv[2]))}\n")
