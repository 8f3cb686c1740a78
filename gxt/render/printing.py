"""The console of a run, shown again."""

from __future__ import annotations

from collections.abc import Sequence

from gxt.model.json_types import JsonObject
from gxt.ops.console import ConsoleLine
from gxt.render.clean import clean_line


def console_line(line: ConsoleLine, *, times: bool) -> str:
    """One line; control characters but tabs are shown, not sent. Bytes that are not UTF-8 become U+FFFD."""
    at, _, text = line
    shown = clean_line(text.decode(errors="replace"))
    return f"{at}  {shown}\n" if times else f"{shown}\n"


def console_json(run: JsonObject, lines: Sequence[ConsoleLine]) -> JsonObject:
    """`gxt output --json`: the id and the lines; stream is 1 for stdout, 2 for stderr, 0 for gxt's remark."""
    return {
        "id": run["id"],
        "lines": [
            {"time": at, "stream": stream, "text": text.decode(errors="replace")}
            for at, stream, text in lines
        ],
    }
