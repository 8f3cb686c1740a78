"""The settings of a DVC project as far as they are read here: which remote holds its data."""

from __future__ import annotations

from configparser import ConfigParser, Error
from pathlib import Path

from gxt.model.secrets import redact_text


def default_remote(top: Path) -> str | None:
    """Name and URL of the remote that DVC would take, without credentials; None where there is none.

    Args:
        top: of the DVC project.
    """
    config = ConfigParser(interpolation=None, strict=False, default_section="")
    for name in ("config", "config.local"):
        try:
            config.read_string((top / ".dvc" / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, Error):
            continue
    remote = config.get("core", "remote", fallback="")
    url = config.get(f"'remote \"{remote}\"'", "url", fallback="")
    return redact_text(f"{remote} {url}") if remote and url else None
