"""`trainer_state.json`: all that Hugging Face's `Trainer` has logged, written with each checkpoint."""

from __future__ import annotations

import json
from typing import Final

from gxt.capture.loggers.content import NOTHING, Content, Point
from gxt.model.json_types import JsonObject
from gxt.model.metrics import flatten_numbers

_PARAMS: Final = ("max_steps", "num_train_epochs", "train_batch_size")


def read_state(data: bytes) -> Content:
    """The points of `log_history`, in its order. A file that is half written holds nothing yet."""
    try:
        state = json.loads(data)
        history = state["log_history"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return NOTHING
    points = []
    for row in history if isinstance(history, list) else []:
        if isinstance(row, dict):
            step = row.get("step")
            numbers = flatten_numbers({key: value for key, value in row.items() if key != "step"})
            if type(step) is int and numbers:
                points.append(Point(step, None, numbers))
    params: JsonObject = {key: state[key] for key in _PARAMS if type(state.get(key)) in {int, float}}
    return Content(points, params if points else {})


def reported_name(name: str) -> str:
    """What `Trainer` calls a metric where it reports to another logger: `loss` is `train/loss` there."""
    for part in ("eval", "test"):
        if name.startswith(f"{part}_"):
            return f"{part}/{name[len(part) + 1 :]}"
    return f"train/{name}"
