"""Parameters files, each parsed once: an unchanged YAML file costs no import of a YAML library.

That import alone takes longer than all else that a start of a run imports for its parameters.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final
from zlib import crc32

from gxt.capture.params_files import params_text, parse_params
from gxt.capture.remembered import Answer, remembered
from gxt.model.secrets import redact_params
from gxt.model.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from gxt.model.json_types import Json, JsonObject

_PARSERS: Final = ("yaml", "tomli", "tomllib")


def load_remembered(path: Path, cache_dir: Path) -> JsonObject:
    """What `load_params` reads, from the cache while file, parser and gxt are the same.

    A file with secrets is parsed each time: the cache must not be a second place where they lie.

    Raises:
        InvalidParams: as `load_params`. An error is not remembered.
    """
    text = params_text(path)
    if path.suffix.lower() == ".json":
        return parse_params(text, path)
    checksum = crc32(text.encode())  # a clock that was set back can make two contents one time stamp
    python = f"{sys.version} {sys.prefix}"
    question: JsonObject = {"asked": "params", "file": str(path), "gxt": __version__, "python": python}

    def parse(value: Json) -> JsonObject | None:
        if not isinstance(value, dict) or value.get("checksum") != checksum:
            return None
        params = value.get("params")
        return params if isinstance(params, dict) else None

    def ask() -> Answer:
        params = parse_params(text, path)
        return Answer(
            {"checksum": checksum, "params": params},
            watched=[str(path), *_parser_files()],
            lasting=redact_params(params) == params,
        )

    return remembered(cache_dir, question, parse=parse, ask=ask) or {}


def _parser_files() -> list[str]:
    """The files of the parsers that are loaded now: another version of one may read a file in another way."""
    modules = [sys.modules[name] for name in _PARSERS if name in sys.modules]
    return [module.__file__ for module in modules if module.__file__]
