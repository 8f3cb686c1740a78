"""Looking at the interpreter and the machine beside the training, which does not wait for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from gxt.capture.environment import environment_document
from gxt.git.repository import Repository
from gxt.model.json_types import JsonObject
from gxt.store.journal import LiveRun
from gxt.store.places import cache_home


class EnvironmentThread(threading.Thread):
    """Captures the environment of a command and writes it into the journal of its run."""

    def __init__(self, repository: Repository, live: LiveRun, command: Sequence[str]) -> None:
        super().__init__(name="gxt-environment", daemon=True)
        self._repository = repository
        self._live = live
        self._command = command
        self._document: JsonObject | None = None

    def run(self) -> None:
        """Capture and write; a full disk leaves the run without it."""
        self._document = environment_document(
            self._command,
            cwd=self._repository.cwd,
            env=os.environ,
            cache_dir=cache_home(self._repository) / "environment",
        )
        try:
            self._live.journal.append("environment", {"document": self._document})
        except OSError:
            return

    def finish(self) -> None:
        """Wait for it; a launcher that made its environment only now (`uv run`) is looked at again."""
        if self.ident is None:  # never started: the command could not be
            self.run()
            return
        self.join()
        if self._document is not None and self._document.get("python") is None:
            self.run()
