"""Names of runs: the ULID that is a run's identity, the number that people say, and where a run is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count

LAST_NUMBER = 999_999_999
"""No run has a greater number: its id would be nobody's to say and no reader's to find."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_UID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
_ID = re.compile(r"exp-(\d{3,9})", re.ASCII)
_SAID = re.compile(r"exp-(\d{1,9})|(\d{1,8})", re.ASCII | re.IGNORECASE)


def new_uid(at_ms: int, randomness: bytes) -> str:
    """A ULID (https://github.com/ulid/spec): 48 bits of milliseconds since 1970, then 80 random bits.

    Args:
        at_ms: milliseconds since the Unix epoch, below 2**48.
        randomness: 10 random bytes.
    """
    number = (at_ms << 80) | int.from_bytes(randomness, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def is_uid(text: str) -> bool:
    """Whether a text is a whole ULID, in upper case."""
    return _UID.fullmatch(text) is not None


def run_id(number: int) -> str:
    """The id that people say: `exp-012`."""
    return f"exp-{number:03d}"


def parse_run_id(text: str) -> int | None:
    """The number of `exp-012`; None for anything else, `exp-0012` included: a run has one spelling."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    number = int(match[1])
    return number if run_id(number) == text else None


def said_number(text: str) -> int | None:
    """The number of a run as people say it: `exp-012`, `exp-12`, `EXP-012`, `12`; None for anything else."""
    match = _SAID.fullmatch(text)
    return int(match[1] or match[2]) if match else None


def meaning(ref: str) -> str:
    """What a reference means before any name is looked at; empty where it can only be a name."""
    number = said_number(ref)
    if number is not None:
        return run_id(number)
    if ref == "@" or ref.startswith("@~"):
        return "the latest run, or one before it"
    return {"best": "the best run", "none": "no run"}.get(ref, "")


def no_reference(name: str | None) -> str:
    """The notice for the name of a run by which nobody can refer to it; empty for other names."""
    means = meaning(name) if name else ""
    return f"a run cannot be referred to by the name {name}, which means {means}: use its id" if means else ""


def free_number(taken: Iterable[int]) -> int:
    """The number after the greatest one, or the first that is free where that would be too great."""
    numbers = set(taken)
    following = max(numbers, default=0) + 1
    return following if following <= LAST_NUMBER else next(n for n in count(1) if n not in numbers)


def run_path(number: int) -> str:
    """The directory of a run in the tree of the experiments ref.

    Shards of a hundred, from 10,000 on inside shards of ten thousand, so that no directory grows with the
    history: `exp-0xx/exp-012`, `exp-1xxxx/exp-123xx/exp-12345`.
    """
    shard = f"exp-{number // 100}xx"
    if number >= 10_000:
        shard = f"exp-{number // 10_000}xxxx/{shard}"
    return f"{shard}/{run_id(number)}"
