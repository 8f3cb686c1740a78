"""Data that a script names inside the run of another process: hashed beside the training, as `--data` is."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gxt.errors import GxtError
from gxt.git.repository import discover
from gxt.model.json_types import Json
from gxt.ops.datasets import Inputs, find, look
from gxt.ops.inputs import check_named
from gxt.store.journal import JournalWriter

_PATIENCE_S: Final = 1.0  # that a training waits for hashes
_AT_END_S: Final = 10.0


class UsedData(threading.Thread):
    """What a script says that it uses, on its way into the journal."""

    def __init__(self, writer: JournalWriter, named: Sequence[str]) -> None:
        super().__init__(name="gxt-used-data", daemon=True)
        self._writer = writer
        self._started_ns = time.time_ns()
        self._repository = discover(Path.cwd())
        for path in named:
            check_named(self._repository, path)
        found = find(self._repository, named)
        own = tuple(one for one in found.sources if one.path in found.named)
        self._found = found._replace(sources=own, notices=())
        self._is_over = False

    def begin(self) -> None:
        """Write down what is soon known; the rest beside the training. Raises OSError."""
        inputs = look(self._repository, self._found, patience_s=_PATIENCE_S)
        self._say(inputs)
        if not inputs.is_complete:
            with suppress(RuntimeError):  # no thread left: it has no hash then
                self.start()

    def run(self) -> None:
        """Hash what is left."""
        with suppress(OSError, GxtError):
            self._say(
                look(
                    self._repository,
                    self._found,
                    patience_s=float("inf"),
                    since_ns=self._started_ns,
                    tick=self._stop_if_over,
                )
            )

    def finish(self) -> None:
        """Wait for it, some time."""
        if self.ident is not None:
            self.join(_AT_END_S)
            self._is_over = True
            self.join(_AT_END_S)

    def _say(self, inputs: Inputs) -> None:
        self._writer.append("data_used", {"items": list[Json](inputs.entries)})
        for text in inputs.notices:
            self._writer.append("notice", {"text": text})

    def _stop_if_over(self) -> None:
        if self._is_over:
            raise GxtError("not hashed when the script had ended")
