"""One thing that is wrong, in words."""

from __future__ import annotations

from gxt.named_tuple import NamedTuple


class Finding(NamedTuple):
    """What is wrong, and what to do about it.

    Attributes:
        code: a stable kebab-case name for programs.
        what: what is wrong, in a sentence without a full stop; it names the path or the run.
        hint: what to do next.
        repairable: whether `gxt doctor --repair` can do it.
    """

    code: str
    what: str
    hint: str
    repairable: bool = False


REPAIR = "gxt doctor --repair"
