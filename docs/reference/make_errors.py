"""Writes `errors.md` from the failures: `python docs/reference/make_errors.py`. A test keeps it true."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from gxt import errors
from gxt.cli.main import BUG_EXIT_CODE

PAGE = Path(__file__).with_name("errors.md")

HEAD = """\
# Errors and exit codes

<!-- Made by docs/reference/make_errors.py from gxt.errors: edit that, then run it. -->

Every failure that gxt means to raise is a `GxtError` with a stable kebab-case `code`, a `message` (what
happened) and a `hint` (what to do next). On the command line both go to stderr; with `--json` they are the
`error` of the [envelope](json.md). In Python they are exceptions of these classes, in `gxt.errors`.

## Exit codes

| exit code | means |
| ---: | --- |
| 0 | done |
| 1 | something failed: see the message and the hint; `gxt doctor` has found something |
| 2 | what was asked for makes no sense; nothing was done |
| 3 | a check that said no: `gxt reproduce` came to different results |
| 130 | interrupted with Ctrl-C |
| 141 | the reader of the output has gone (`gxt list \\| head`) |
| {bug} | a bug in gxt: the traceback is in a log file whose path is printed |

`gxt run` ends as its command did: with its exit code, or killed by the same signal. 127 and 126 are a command
that is not there or cannot be started, as in a shell. When the run could not even begin, the codes above
apply.

## The tree

```
{tree}
```

| class | code | exit code | means |
| --- | --- | ---: | --- |
{rows}
"""


def render() -> str:
    """The whole page."""
    tree = (inspect.getdoc(errors) or "").split("```")[1].strip("\n")
    rows = "\n".join(_rows(errors.GxtError))
    return HEAD.format(bug=BUG_EXIT_CODE, tree=tree, rows=rows)


def _rows(one: type[errors.GxtError]) -> Iterator[str]:
    """The class and, after it, those derived from it."""
    meaning = (inspect.getdoc(one) or "").partition("\n\n")[0].replace("\n", " ")
    yield f"| `{one.__name__}` | `{one.code}` | {one.exit_code} | {meaning} |"
    for derived in one.__subclasses__():
        if derived.__module__ == errors.__name__:
            yield from _rows(derived)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
