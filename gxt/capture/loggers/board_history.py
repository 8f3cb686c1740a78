"""All that event files of TensorBoard hold of runs that are over: each folder that has some is a run.

Unlike what follows a run while it is logged, this reads each run once and whole. Nothing is ever written.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.capture.loggers.tensorboard import EventReader, Session
from gxt.model.json_types import JsonObject
from gxt.model.points import SeriesBuilder, SeriesByName
from gxt.named_tuple import NamedTuple

_MARK: Final = "tfevents"
_PROFILE: Final = ".profile-empty"
_GXT: Final = re.compile(r"events\.out\.tfevents\.\d+\.gxt\.([0-9A-Z]{26})\.[0-9a-f]+", re.ASCII)
_ADDED: Final = re.compile(r"\d{9,}\.\d+", re.ASCII)
_PIECE: Final = 1 << 20
_BEGINNING: Final = 40  # bytes: the record that every file begins with, and its time


class Board(NamedTuple):
    """A run as its event files tell it.

    Attributes:
        name: its folder, relative to the one that was asked for, with `/`; of that itself its own name.
        key: the names of its folder and of its first file, which tell host and second, and the digest of how
            that begins, which tells the microsecond.
        uid: of the run of gxt's that these are an export of, or empty.
        session: when it began and ended, and how.
        params: by name.
        series: the scalars by their tags, in the order of the files.
    """

    name: str
    key: str
    uid: str
    session: Session
    params: JsonObject
    series: SeriesByName


def board_folders(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """The folders with event files, at any depth, with those in the order of their times."""
    for place, names, files in os.walk(folder):
        names.sort()
        named = (name for name in files if _MARK in name and not name.endswith(_PROFILE))
        found = sorted(name for name in named if Path(place, name).is_file())  # a pipe would never end
        if found:
            yield Path(place), [Path(place, name) for name in found]


def is_added(folder: Path) -> bool:
    """Whether a folder is what `add_hparams` of torch makes below that of a run, for its parameters."""
    return _ADDED.fullmatch(folder.name) is not None


def read_board(top: Path, folder: Path, files: Sequence[Path]) -> Board:
    """The run of a folder.

    Raises:
        OSError: a file cannot be read.
    """
    gathered = SeriesBuilder()
    params: JsonObject = {}
    session = Session()
    for file in files:
        reader = EventReader()
        with file.open("rb") as opened:
            while data := opened.read(_PIECE):
                content = reader.feed(data)
                for point in content.points:
                    with suppress(OverflowError):  # a time that no clock has
                        gathered.add(point.step, point.time_us or 0, point.numbers)
                params.update(content.params)
        session = reader.session if session.started_us is None else _later(session, reader.session)
    exported = _GXT.fullmatch(files[-1].name)
    name = folder.relative_to(top).as_posix() if folder != top else folder.resolve().name
    with files[0].open("rb") as opened:
        began = hashlib.sha256(opened.read(_BEGINNING)).hexdigest()[:8]
    key = f"{folder.resolve().name}/{files[0].name} {began}"
    return Board(name, key, exported[1] if exported else "", session, params, gathered.build())


def with_added(board: Board, added: Board) -> Board:
    """A run with the parameters, and the metrics, that `add_hparams` has put below it."""
    said = added.session._replace(started_us=None)
    return board._replace(
        params={**added.params, **board.params},
        series={**added.series, **board.series},
        session=_later(board.session, said),
    )


def _later(before: Session, after: Session) -> Session:
    """What is known of a run that was gone on with: when it began first, and how it ended last."""
    if after.ended_us is None:
        return before
    return before._replace(ended_us=after.ended_us, status=after.status)
