"""What training code says of the run that its process has: each call is that of `gxt.Run` of the same name.

Where there never was a run, one is begun.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from gxt.api import log, present


def log_metrics(metrics: Mapping[str, object], step: int | None = None) -> None:
    """`gxt.log`, as MLflow spells it."""
    log(metrics, step)


def log_metric(key: str, value: object, step: int | None = None) -> None:
    """Record one metric: `gxt.log({key: value}, step)`, as MLflow spells it."""
    present("log_metric").log_metric(key, value, step)


def log_params(params: Mapping[str, object]) -> None:
    """Record parameters of the present run, merged over those that are known."""
    present("log_params").log_params(params)


def log_param(key: str, value: object) -> None:
    """Record one parameter: `gxt.log_params({key: value})`, as MLflow spells it."""
    present("log_param").log_param(key, value)


def define_metric(
    name: str,
    *,
    goal: str | None = None,
    summary: str | None = None,
    unit: str | None = None,
) -> None:
    """Say which way a metric is better and which of its values counts, as `Run.define_metric` does."""
    present("define_metric").define_metric(name, goal=goal, summary=summary, unit=unit)


def log_eval(values: Mapping[str, object], name: str = "eval", step: int | None = None) -> None:
    """Record what an evaluation of the present run found, as `Run.log_eval` does."""
    present("log_eval").log_eval(values, name, step)


def log_model(
    path: str | os.PathLike[str],
    name: str | None = None,
    step: int | None = None,
    meta: Mapping[str, object] | None = None,
) -> None:
    """Keep a checkpoint of the present run, as `Run.log_model` does; begins a run if there is none."""
    present("log_model").log_model(path, name, step, meta)


def log_artifact(
    path: str | os.PathLike[str],
    name: str | None = None,
    step: int | None = None,
    meta: Mapping[str, object] | None = None,
) -> None:
    """Keep any other file or folder of the present run, as `Run.log_artifact` does."""
    present("log_artifact").log_artifact(path, name, step, meta)


def log_image(name: str, image: object, step: int | None = None) -> None:
    """Keep a picture: an array, a tensor or an image of PIL, as `Run.log_image` does."""
    present("log_image").log_image(name, image, step)


def log_figure(name: str, figure: object, step: int | None = None) -> None:
    """Keep a figure of matplotlib, as `Run.log_figure` does."""
    present("log_figure").log_figure(name, figure, step)


def log_table(
    name: str, table: object, *, columns: Sequence[str] | None = None, step: int | None = None
) -> None:
    """Keep a table: a data frame, rows, or columns by name, as `Run.log_table` does."""
    present("log_table").log_table(name, table, columns=columns, step=step)


def log_text(name: str, text: str, step: int | None = None) -> None:
    """Keep a text, as `Run.log_text` does."""
    present("log_text").log_text(name, text, step)


def log_histogram(
    name: str,
    values: object = None,
    *,
    counts: object = None,
    edges: object = None,
    step: int | None = None,
) -> None:
    """Record how values are distributed, as `Run.log_histogram` does."""
    present("log_histogram").log_histogram(name, values, counts=counts, edges=edges, step=step)


def tag(*tags: str | Iterable[str]) -> None:
    """Label the present run."""
    present("tag").tag(*tags)


def warn(text: str) -> None:
    """Tell the user of something, and keep it with the present run, as `Run.warn` does."""
    present("warn").warn(text)
