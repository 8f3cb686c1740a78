"""Content that appears at its place whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_READ_ONLY: Final = 0o444  # DVC hashes again whatever has another mode


@contextmanager
def appearing(place: Path) -> Iterator[Path]:
    """A file to write into: when the block has ended well, it stands at the place, and on the disk.

    Raises:
        OSError: it cannot be written there.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".gxt-", dir=place.parent)
    try:
        yield Path(name)
        os.fsync(handle)
        os.fchmod(handle, _READ_ONLY)
        os.replace(name, place)  # noqa: PTH105 as its name came
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
