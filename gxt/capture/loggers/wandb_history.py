"""All that W&B's folders hold of runs: the log of each, as `wandb sync` would upload it, and its files.

Unlike what follows a run while it is logged, this reads each run once and whole. Nothing is ever written.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.capture.loggers.protobuf import fields, inner, signed, text
from gxt.capture.loggers.wandb import ENVIRONMENT, EXIT, RUN, WandbReader
from gxt.model.json_types import JsonObject
from gxt.model.points import SeriesBuilder, SeriesByName
from gxt.named_tuple import NamedTuple

_PIECE: Final = 1 << 20
_LOG: Final = "run-*.wandb"
_FOLDERS: Final = ("", "*", "wandb/*")
_OWN_FILES: Final = frozenset(
    ("config.yaml", "wandb-summary.json", "wandb-metadata.json", "requirements.txt", "conda-environment.yaml")
)
_TEXTS: Final = {1: "id", 3: "project", 6: "group", 7: "job_type", 8: "name", 9: "notes", 13: "host"}
_PLACES: Final = {6: "program", 7: "code_path", 12: "host", 13: "user", 10: "mail", 14: "executable"}


class Logged(NamedTuple):
    """A run as one log of W&B's tells it; a run that was resumed has several.

    Attributes:
        path: of the log.
        said: texts by what they are: id, project, group, job_type, name, notes, host, program, parent, …
        tags: words.
        args: of the command.
        started_us: when it began, in microseconds since 1970.
        exit_code: None where it has not ended, or was killed.
        params: the config.
        series: the history.
        summary: its last values, and what scripts have put there.
        alone: numbers that are nowhere else than in the summary.
    """

    path: Path
    said: Mapping[str, str]
    tags: Sequence[str]
    args: Sequence[str]
    started_us: int
    exit_code: int | None
    params: JsonObject
    series: SeriesByName
    summary: JsonObject
    alone: Mapping[str, float]


def wandb_logs(place: Path) -> list[Path]:
    """The logs of a folder `wandb`, of the one above it, of a run, or the one that is named."""
    if place.is_file():
        return [place]
    found = [path for below in _FOLDERS for path in place.glob(f"{below}/{_LOG}".lstrip("/"))]
    return sorted(path for path in found if path.is_file() and not path.parent.is_symlink())


def read_log(path: Path) -> Logged:
    """The run of a log.

    Raises:
        OSError: it cannot be read.
    """
    reader = WandbReader()
    gathered, at_us = SeriesBuilder(), 0
    params: JsonObject = {}
    with path.open("rb") as opened:
        while data := opened.read(_PIECE):
            content = reader.feed(data)
            for point in content.points:
                at_us = at_us if point.time_us is None else point.time_us
                with suppress(OverflowError):  # a step or a time that nothing has
                    gathered.add(point.step, at_us, point.numbers)
            params.update(content.params)
    left = reader.at_end().points
    said: dict[str, str] = {}
    tags: list[str] = []
    args: list[str] = []
    times: list[int] = []
    exit_code: int | None = None
    for kind, record in reader.told:
        with suppress(ValueError, TypeError, struct.error):
            if kind == EXIT:
                exit_code = signed(dict(fields(record)).get(1, 0))
            elif kind == RUN:
                tags = _run(record, said, times) or tags
            elif kind == ENVIRONMENT:
                args = _environment(record, said) or args
    series = gathered.build()
    first = [at_us for one in series.values() if (at_us := min(one.time_us)) > 0]
    began = min([*times, *first], default=0)
    alone = left[0].numbers if left else {}
    return Logged(path, said, tags, args, began, exit_code, params, series, reader.summary, alone)


def files_of(log: Path) -> list[tuple[str, Path]]:
    """What the run has put out: the files beside the log, by name, without what W&B itself writes."""
    top = log.parent / "files"
    inside = top.rglob("*") if not top.is_symlink() else ()  # a link could lead to any file of this machine
    found = sorted(path for path in inside if path.is_file() and not path.is_symlink())
    named = ((path.relative_to(top).as_posix(), path) for path in found)
    return [(name, path) for name, path in named if name not in _OWN_FILES]


def _run(record: bytes, said: dict[str, str], times: list[int]) -> list[str]:
    tags: list[str] = []
    for number, value in fields(record):
        if number in _TEXTS and value:
            said[_TEXTS[number]] = text(value)
        elif number == 10:
            tags.append(text(value))
        elif number == 17:
            parts = dict(fields(inner(value)))
            times.append(signed(parts.get(1, 0)) * 1_000_000 + signed(parts.get(2, 0)) // 1000)
        elif number == 21:
            said["commit"] = text(dict(fields(inner(value))).get(2, b""))
        elif number == 23:
            said["parent"] = text(dict(fields(inner(value))).get(1, b""))
    return tags


def _environment(record: bytes, said: dict[str, str]) -> list[str]:
    args: list[str] = []
    for number, value in fields(record):
        if number in _PLACES and value:
            said[_PLACES[number]] = text(value)
        elif number == 5:
            args.append(text(value))
        elif number == 9:
            commit = text(dict(fields(inner(value))).get(2, b""))
            if commit:
                said.setdefault("commit", commit)
    return args
