"""A run in a notebook: the source of its cells is an output of it, and it fails with its last cell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gxt.ending import exit_code_of

if TYPE_CHECKING:
    from gxt.recording import Run
    from gxt.store.journal import JournalWriter


def watch_cells(run: Run) -> None:
    """Keep the source of the cells that this process has run and will run; nothing outside of IPython."""
    if "IPython" not in sys.modules:
        return
    from gxt.capture.notebook import Cells, cells_name, find_shell
    from gxt.ops.media import grow_cells

    name = cells_name()

    def keep(source: str) -> None:
        def grow(writer: JournalWriter) -> None:
            writer.check()
            said = grow_cells(writer.directory, name, source, known=run._told)
            if said is not None:
                writer.append("artifact", said)

        run._do("notebook", grow)

    def ended(error: BaseException | None) -> None:
        run._failed_cell = exit_code_of(type(error) if error else None, error)

    try:
        shell = find_shell()
        run._cells = Cells(shell, keep, ended) if shell is not None else None
    except Exception as error:  # noqa: BLE001 a session of another make is no reason not to train
        run._failed("notebook", error)
