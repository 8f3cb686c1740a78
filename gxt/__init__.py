"""A Git-native experiment tracker. `import gxt` costs nothing: everything is loaded where it is used."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, whose import costs as much as starting Python

if TYPE_CHECKING:
    from gxt import elo as elo
    from gxt import visualization as visualization
    from gxt.api import finish, init, log, resume
    from gxt.errors import GxtError
    from gxt.reading import Artifact, RecordedRun, Series, get, runs
    from gxt.recording import Run
    from gxt.registry import Experiment, ExperimentRegistry
    from gxt.saying import (
        define_metric,
        log_artifact,
        log_eval,
        log_figure,
        log_histogram,
        log_image,
        log_metric,
        log_metrics,
        log_model,
        log_param,
        log_params,
        log_table,
        log_text,
        tag,
        warn,
    )

__all__ = [
    "Artifact",
    "Experiment",
    "ExperimentRegistry",
    "GxtError",
    "RecordedRun",
    "Run",
    "Series",
    "define_metric",
    "finish",
    "get",
    "init",
    "log",
    "log_artifact",
    "log_eval",
    "log_figure",
    "log_histogram",
    "log_image",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "log_table",
    "log_text",
    "resume",
    "runs",
    "tag",
    "warn",
]

_HOMES = {
    **dict.fromkeys(("finish", "init", "log", "resume"), "gxt.api"),
    **dict.fromkeys(("Artifact", "RecordedRun", "Series", "get", "runs"), "gxt.reading"),
    **dict.fromkeys(("Experiment", "ExperimentRegistry"), "gxt.registry"),
    "GxtError": "gxt.errors",
    "Run": "gxt.recording",
}

_MODULES = ("elo", "visualization")  # that are reached without an import of their own


def __getattr__(name: str) -> object:
    if name == "__version__":
        from gxt.model.version import __version__

        return __version__
    if name not in __all__ and name not in _MODULES:
        raise AttributeError(f"module 'gxt' has no attribute {name!r}")
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"gxt.{name}")
    value: object = getattr(import_module(_HOMES.get(name, "gxt.saying")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
