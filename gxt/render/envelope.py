"""The JSON envelope that every command prints with `--json`: the only thing on stdout, also on failure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gxt.errors import GxtError
from gxt.model.json_types import Json, JsonObject


def success(data: Json, notices: Iterable[str] = ()) -> str:
    """What was asked for."""
    return _envelope({"gxt": 1, "data": data, "notices": list[Json](notices), "error": None})


def around(notices: Iterable[str] = ()) -> tuple[str, str]:
    """What stands before and after data that is JSON text already: 18 MB are not copied for it."""
    return '{"gxt": 1, "data": ', f', "notices": {json.dumps(list(notices))}, "error": null}}'


def failure(error: GxtError) -> str:
    """What went wrong, with its stable code and what to do next."""
    described: JsonObject = {"code": error.code, "message": error.message, "hint": error.hint}
    position = getattr(error, "position", None)
    if isinstance(position, int):
        described["position"] = position
    return _envelope({"gxt": 1, "data": None, "notices": [], "error": described})


def _envelope(content: JsonObject) -> str:
    # ASCII, so that no terminal or pipe encoding can fail on it
    return json.dumps(content, indent=2, allow_nan=False)
