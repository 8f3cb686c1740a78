"""Looking at the interpreter and the machine beside the training, which does not wait for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress

from gxt.capture.environment import environment_document
from gxt.git.repository import Repository
from gxt.model.json_types import JsonObject
from gxt.store import journal
from gxt.store.places import cache_home

_PATIENCE_S = 10.0  # a file system that does not answer must not keep the exit code of a training


class EnvironmentThread(threading.Thread):
    """Captures the environment of a command and writes it into the journal of its run."""

    def __init__(self, repository: Repository, live: journal.LiveRun, command: Sequence[str]) -> None:
        super().__init__(name="gxt-environment", daemon=True)
        self._repository = repository
        self._live = live
        self._command = command
        self._document: JsonObject | None = None

    def start(self) -> None:
        """Begin beside the training; where the system has no thread left, `finish` does it all."""
        with suppress(RuntimeError):
            super().start()

    def run(self) -> None:
        """Capture and write; a full disk leaves the run without it."""
        try:
            document = environment_document(
                self._command,
                cwd=self._repository.cwd,
                env=os.environ,
                cache_dir=cache_home(self._repository) / "environment",
            )
            if document != self._document:
                self._document = document
                self._live.journal.append("environment", {"document": document})
        except Exception as error:  # noqa: BLE001 a folder that may not be read must not end a training
            with suppress(OSError):
                self._live.journal.append("notice", {"text": f"no environment: {error!r}"})

    def finish(self) -> tuple[str, ...]:
        """Wait for it, 10 s at most, and look again where more is known by now. Returns notices.

        A launcher may have made its environment only now (`uv run`), and a script that logs with gxt has said
        which interpreter it runs in (behind `make` or a shell script nobody could tell before).
        """
        if self.ident is None:  # never started: the command could not be, or no thread was left
            self.run()
            return ()
        self.join(_PATIENCE_S)
        if self.is_alive():
            return (f"no environment: it was not known {_PATIENCE_S:.0f} s after the training",)
        python = journal.interpreter(self._live.path)
        if python is not None:
            self._command = [python]
            self.run()
        elif self._document is not None and self._document.get("python") is None:
            self.run()
        return ()
