"""A bar on stderr for what takes long; nothing in a pipe, nothing for the first second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.store.progress import Progress, untold

if TYPE_CHECKING:
    from gxt.ops.workspace import Workspace

_AFTER_S = 1.0
_WIDTH = 30


class Bar:
    """Shows how far something is; `gxt.store.progress.Progress`."""

    def __init__(self) -> None:
        self._since_s = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Draw the bar, or take it away when all is done."""
        if time.monotonic() - self._since_s < _AFTER_S:
            return
        if done >= total:
            output.redraw("")
            return
        full = _WIDTH * done // total
        drawn = f"{what} [{'#' * full}{'-' * (_WIDTH - full)}] {100 * done // total} %"
        # what wraps cannot be redrawn: a full line does, and one with the ^C of who has seen enough
        output.redraw(drawn[: (output.talk_width() or len(drawn) + 3) - 3])


def bar() -> Progress:
    """A bar where there is a terminal to draw it on."""
    return Bar() if output.talks_to_terminal() else untold


def open_workspace() -> Workspace:
    """The workspace of the working directory, which shows a bar."""
    from gxt.ops import workspace

    return workspace.open_workspace()._replace(progress=bar())


def in_bytes(progress: Progress) -> Progress:
    """The same for what is counted in bytes: it tells how many, too."""
    from gxt.render.values import size

    def told(what: str, done: int, total: int) -> None:
        progress(f"{what}: {size(done)} of {size(total)}", done, total)

    return told
