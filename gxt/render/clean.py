"""The one gate between what a repository holds and a terminal: nothing that acts passes it."""

from __future__ import annotations

import re
import unicodedata

_ACTING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_NO_WIDTH = {"Mn", "Me"}
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


def clean(text: str) -> str:
    r"""The text with every control, format and unassigned character shown as `\\u{1b}` instead of sent.

    Escape sequences, carriage returns, bidirectional overrides, zero-width and tag characters are among them.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in _ACTING else c for c in text)


def clean_line(text: str) -> str:
    """A line of a console or a patch, cleaned but for its tabs, and without the colours that it set."""
    return "\t".join(map(clean, _COLOURS.sub("", text).split("\t")))


def one_line(text: str, width: int | None = None) -> str:
    """Cleaned text on one line: runs of white space become one space; cut with an ellipsis at a width."""
    if text.isascii() and text.isprintable() and "  " not in text and len(text) <= (width or len(text)):
        return text.strip()
    flat = clean(" ".join(text.split()))
    return flat if width is None else shortened(flat, width)


def shortened(text: str, width: int, *, keep_end: bool = False) -> str:
    """Cleaned text in at most `width` cells, an ellipsis in place of its end, or of its beginning."""
    if cells(text) <= width:
        return text
    kept, left = [], width - 1
    for c in reversed(text) if keep_end else text:
        left -= cells(c)
        if left < 0:
            break
        kept.append(c)
    cut = "".join(kept)
    return f"…{cut[::-1]}" if keep_end else f"{cut}…"


def cells(text: str) -> int:
    """How many cells of a terminal the text takes: wide East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c) in _NO_WIDTH else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
