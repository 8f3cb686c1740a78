"""The one gate between what a repository holds and a terminal: nothing that acts passes it."""

from __future__ import annotations

import unicodedata

_ACTING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean(text: str) -> str:
    r"""The text with every control, format and unassigned character shown as `\\u{1b}` instead of sent.

    Escape sequences, carriage returns, bidirectional overrides, zero-width and tag characters are among them.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in _ACTING else c for c in text)


def one_line(text: str, width: int | None = None) -> str:
    """Cleaned text on one line: runs of white space become one space; cut with an ellipsis at a width."""
    flat = clean(" ".join(text.split()))
    if width is None or len(flat) <= width:
        return flat
    return flat[: max(width - 1, 0)] + "…"
