"""Patterns that users wrote, tried in a process of its own: one that explodes can be ended.

Python's `re` has no time limit, and holds the interpreter while it searches. This file is also what that
process runs, without the rest of gxt: a request on stdin, a list on stdout, both JSON.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

TIMEOUT_S = 5.0
LONGEST = 2000
"""Characters of a line that are searched."""


def match_apart(
    patterns: Sequence[str], lines: Sequence[str], *, timeout_s: float = TIMEOUT_S
) -> list[dict[str, str] | None] | None:
    """The groups of the first pattern that is found in each line, None where none is.

    None for the whole when it took longer than `timeout_s` seconds, or the process could not run.
    """
    from gxt.capture.programs import quiet_output

    request = json.dumps({"patterns": [*patterns], "lines": [line[:LONGEST] for line in lines]})
    # -I and -S: nothing of the user's is imported, and the start takes a few milliseconds
    argv = [sys.executable, "-I", "-S", str(Path(__file__))]
    output = quiet_output(argv, timeout_s=timeout_s, stdin=request.encode())
    if output is None:
        return None
    found: list[dict[str, str] | None] = json.loads(output)
    return found


def _found(patterns: Sequence[re.Pattern[str]], line: str) -> dict[str, str] | None:
    for pattern in patterns:
        if match := pattern.search(line):
            return {name: text for name, text in match.groupdict().items() if text is not None}
    return None


def _answer() -> None:
    request = json.load(sys.stdin)
    patterns = [re.compile(pattern) for pattern in request["patterns"]]
    json.dump([_found(patterns, line) for line in request["lines"]], sys.stdout)


if __name__ == "__main__":
    _answer()
