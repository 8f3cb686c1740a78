"""Files that a script has given to W&B: by `log_artifact`, which copies them aside, and by `save`."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gxt.capture.loggers.content import Aside
from gxt.capture.loggers.protobuf import fields, inner, text

_OWN_TYPES: Final = frozenset(("job", "code", "run_table"))
_OWN: Final = "wandb-"
_OTHER: Final = 0  # of the types of saved files: by the script, not by W&B
_MOST: Final = 1000


class Artifacts:
    """What one run has given by now; of an artifact that was logged several times the last version."""

    def __init__(self) -> None:
        self._logged: dict[str, dict[str, str]] = {}
        self._saved: dict[str, None] = {}

    def log(self, record: bytes) -> None:
        """Take in a record `ArtifactRecord`: its type, its name, and its manifest."""
        name = kind = ""
        entries: dict[str, str] = {}
        for number, value in fields(record):
            if number == 4:
                kind = text(value)
            elif number == 5:
                name = text(value)
            elif number == 12:
                for part, content in fields(inner(value)):
                    if part == 4 and len(entries) < _MOST:
                        entry = dict(fields(inner(content)))
                        entries[text(entry.get(1, b""))] = text(entry.get(6, b""))
        if name and kind not in _OWN_TYPES and not kind.startswith(_OWN):
            self._logged[name] = entries

    def save(self, record: bytes) -> None:
        """Take in a record `FilesRecord`."""
        for _, value in fields(record):
            one = dict(fields(inner(value)))
            if one.get(3, _OTHER) == _OTHER and len(self._saved) < _MOST:
                self._saved[text(one.get(1, b""))] = None

    def found(self, folder: Path) -> Iterator[Aside]:
        """The files that are on this machine.

        Args:
            folder: of the run; what lies in the folder that `wandb` is in has the name that it has there.
        """
        told: set[Path] = set()
        for name, entries in self._logged.items():
            for inside, copied in entries.items():
                copy, own = Path(copied), folder.parent.parent / inside
                if not copy.is_absolute() or not copy.is_file():
                    continue  # a reference to what is elsewhere, or W&B has sent it and taken its copy away
                if own.is_file() and filecmp.cmp(copy, own, shallow=False):
                    told.add(own.resolve())
                    yield Aside(own)
                else:
                    yield Aside(copy, inside if len(entries) == 1 else f"{name}/{inside}")
        for inside in self._saved:
            saved = (folder / "files" / inside).resolve()
            if saved not in told and saved.is_file():
                yield Aside(saved, inside)
