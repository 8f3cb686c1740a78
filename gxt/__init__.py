"""A Git-native experiment tracker. `import gxt` costs nothing: everything is loaded where it is used."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, whose import costs as much as starting Python

if TYPE_CHECKING:
    from gxt import visualization as visualization
    from gxt.api import finish, init, log, log_artifact, log_model, log_params, tag
    from gxt.errors import GxtError
    from gxt.recording import Run

__all__ = ["GxtError", "Run", "finish", "init", "log", "log_artifact", "log_model", "log_params", "tag"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from gxt.model.version import __version__

        return __version__
    if name not in __all__ and name != "visualization":
        raise AttributeError(f"module 'gxt' has no attribute {name!r}")
    from importlib import import_module

    if name == "visualization":
        return import_module("gxt.visualization")

    value: object = getattr(import_module("gxt.errors" if name == "GxtError" else "gxt.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
