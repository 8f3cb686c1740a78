"""What came of an import, whatever the runs came from."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.named_tuple import NamedTuple


class Imported(NamedTuple):
    """What an import did.

    Attributes:
        source: from where: a folder, a URL.
        new: ids of the runs that came.
        updated: ids of runs that were here, of which more was said.
        known: how many runs were here as they are there.
        notices: what was left out, and what came without its code, in words.
    """

    source: str
    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    known: int = 0
    notices: tuple[str, ...] = ()


def told_without_code(names: Sequence[str], why: str = "this repository does not have it") -> list[str]:
    """One notice for all runs that came without their code; none without any."""
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"{', '.join(names[:3])}{more} came without {'its' if len(names) == 1 else 'their'} code: {why}"]
