"""What is shown, before anybody knows where: lines of styled spans, and tables of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Style = Literal["", "id", "title", "dim", "good", "bad", "unsure", "head"]


@dataclass(frozen=True)
class Span:
    """A piece of text with the role that it plays."""

    text: str
    style: Style = ""


Line: TypeAlias = Sequence[Span]


@dataclass(frozen=True)
class Column:
    """A column of a table. `right` aligns numbers; `cut` may be shortened where a terminal is narrow."""

    name: str
    right: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells below named columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Span]]


View: TypeAlias = "Sequence[Line | Table]"


def line(*parts: str | Span) -> Line:
    """A line; plain text has no style."""
    return [Span(part) if isinstance(part, str) else part for part in parts]
