"""Metrics as scripts and files give them: nested names, numbers of many types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, SupportsFloat

TABLES: Final = (".csv", ".tsv", ".log")
"""Endings of files that loggers write a row at a time."""


def flatten_numbers(content: object, prefix: str = "") -> dict[str, float]:
    """Every number in nested mappings, names joined with `/`: `{"final": {"elo": 3}}` is `final/elo`.

    So are the parts of a name that is a tuple.

    What is no number (text, lists, None) is left out; True and False are 1 and 0.
    """
    found: dict[str, float] = {}
    if not isinstance(content, Mapping):
        return found
    for key, value in content.items():
        name = prefix + ("/".join(map(str, key)) if isinstance(key, tuple) else str(key))
        if isinstance(value, Mapping):
            found |= flatten_numbers(value, f"{name}/")
        else:
            number = to_number(value)
            if number is not None:
                found[name] = number
    return found


def to_number(value: object) -> float | None:
    """A number from what scripts log: Python, numpy and torch scalars, decimals; None for anything else.

    One-element tensors and arrays count (by `.item()`); an integer beyond a double's range does not.
    """
    if type(value) is float:  # nearly every one: what follows asks a protocol, which takes long
        return value
    if not isinstance(value, (int, float)) and hasattr(value, "item"):
        try:
            value = value.item()
        except (ValueError, RuntimeError, TypeError):  # an array of many numbers
            return None
    if isinstance(value, (str, bytes)) or not isinstance(value, SupportsFloat):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError, TypeError):
        return None
