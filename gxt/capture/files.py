"""Reads what may be absent: a missing file or folder and a damaged document are as good as empty ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gxt.model.json_types import Json


def read_text(path: str) -> str:
    """The text of a file; empty when there is none. A byte that is no UTF-8 becomes a lone surrogate."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return ""


def read_json(path: str) -> Json:
    """The document in a file; None when there is none or it is damaged."""
    try:
        document: Json = json.loads(read_text(path))
    except (ValueError, RecursionError):  # RecursionError: "[[[[…"
        return None
    return document


def names_in(folder: str) -> list[str]:
    """The names in a folder, sorted; none where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)
    except (OSError, ValueError):
        return []
