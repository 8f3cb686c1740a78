"""What looks at a training never ends it: a failure of ours is a warning in the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import gxt

_MOST: Final = 200


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Tell of a failure inside, and go on after it.

    Args:
        what: the failing part, as the user knows it.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 training goes on whatever happens here
        gxt.warn(f"{what}: {reason(error)}; the training goes on")


def reason(error: BaseException) -> str:
    """The kind of a failure and the first line of what it says, at most 200 characters of it."""
    said = next(iter(str(error).strip().splitlines()), "")
    said = said if len(said) <= _MOST else f"{said[: _MOST - 1]}…"
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
