"""`gxt import tensorboard`: each folder with event files becomes a run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from gxt.capture.loggers.board_history import Board, board_folders, is_added, read_board, with_added
from gxt.errors import InvalidParams, UsageError
from gxt.model.json_types import Json, JsonObject
from gxt.model.metric_lines import metric_rows
from gxt.model.params import join_keys, merge, split_keys
from gxt.ops.event_file import FAILURE, RUNNING, UNKNOWN, decoded
from gxt.ops.foreign import Foreign, import_foreign
from gxt.ops.imported import Imported
from gxt.ops.workspace import Workspace
from gxt.store.sync.from_files import uids_here

_STATUS: Final = {FAILURE: "failed", RUNNING: "interrupted"}
_DEEPEST: Final = 32  # of nested parameters
_SOURCE: Final = "tensorboard"


def import_tensorboard(workspace: Workspace, folder: Path) -> Imported:
    """Put the runs below a folder into the history. Those that are here already stay as they are.

    Args:
        workspace: where to.
        folder: the log directory, or that of one run.

    Raises:
        UsageError: there is no such folder, or no event file in it.
        StoreBusy, GitFailed: nothing could be written now.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="gxt import tensorboard LOGDIR")
    left_out: list[str] = []
    boards = _boards(folder, left_out)
    if not boards and not left_out:
        what = f"{folder} has no event files, nor has a folder in it"
        raise UsageError(what, hint="they are called events.out.tfevents…: name the folder above them")
    here = uids_here(workspace.repository, [board.uid for board in boards if board.uid])
    left_out += [f"{board.name}: the run that it comes from is here" for board in boards if board.uid in here]
    runs: dict[str, Foreign] = {}
    for one in (_foreign(board) for board in boards if board.uid not in here):
        first = runs.setdefault(one.key, one)
        if first is not one:
            left_out.append(f"{one.name}: it is a copy of {first.name}")
    return import_foreign(workspace, str(folder), list(runs.values()), left_out)


def _boards(folder: Path, left_out: list[str]) -> list[Board]:
    """The runs by their folders, what `add_hparams` made together with what it was made for."""
    found: dict[Path, Board] = {}
    for place, files in board_folders(folder):
        try:
            board = read_board(folder, place, files)
        except OSError as error:
            left_out.append(f"{place}: {error.strerror}")
            continue
        if is_added(place) and place.parent in found:
            found[place.parent] = with_added(found[place.parent], board)
        elif board.series or board.params:
            found[place] = board
        else:
            left_out.append(f"{board.name}: it has no scalars")
    return list(found.values())


def _foreign(board: Board) -> Foreign:
    times = [at_us for one in board.series.values() for at_us in (min(one.time_us), max(one.time_us))]
    started = (board.session.started_us,) if board.session.started_us else ()
    began_us = min([*started, *(at_us for at_us in times if at_us > 0)], default=0)
    ended_us = board.session.ended_us
    status = _STATUS.get(board.session.status, "completed")
    if board.uid and board.session.status == UNKNOWN:  # as an export calls it
        status = "interrupted"
    return Foreign(
        _SOURCE,
        f"gxt {board.uid}" if board.uid else board.key,
        board.name,
        began_us,
        max(times, default=began_us) if ended_us is None else ended_us,
        status,
        params=_params(board),
        metrics=metric_rows(board.series),
    )


def _params(board: Board) -> JsonObject:
    """The parameters, nested by the dots in their names where that hides none of them."""
    nested: list[JsonObject] = []
    for name, value in board.params.items():
        keys: tuple[str, ...] = (name,)
        with suppress(InvalidParams):
            keys = split_keys(name)
        above = {join_keys(keys[:depth]) for depth in range(1, len(keys))}
        if len(keys) > _DEEPEST or not above.isdisjoint(board.params):
            keys = (name,)
        said: Json = decoded(value) if board.uid and isinstance(value, str) else value
        for key in reversed(keys):
            said = {key: said}
        nested.append(cast("JsonObject", said))
    return merge(*nested)
