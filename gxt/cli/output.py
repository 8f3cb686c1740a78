"""Where results leave: stdout is data, stderr is talk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from gxt.errors import GxtError, QueryError
from gxt.model.json_types import Json
from gxt.render.clean import clean
from gxt.render.view import Table, View


def prepare_streams() -> None:
    """A character that the terminal's encoding lacks is shown escaped instead of ending in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def wants_json(argv: Iterable[str]) -> bool:
    """Whether `--json` is among gxt's own words: those before a wrapped command."""
    for word in argv:
        if word == "--":
            return False
        if word == "--json":
            return True
    return False


def show(view: View) -> None:
    """Print a view: coloured and cut on a terminal, plain and whole in a pipe."""
    if on_terminal():
        from gxt.render import terminal

        terminal.show(view)
    else:
        from gxt.render import plain

        write(plain.render(view))


def show_table(table: Table, *, as_csv: bool, as_markdown: bool) -> None:
    """Print a table in the format that was asked for."""
    if as_csv or as_markdown:
        from gxt.render import formats

        write(formats.to_csv(table) if as_csv else formats.to_markdown(table))
    else:
        show([table])


def show_json(data: Json, notices: Iterable[str] = ()) -> None:
    """Print the envelope."""
    from gxt.render import envelope

    write(envelope.success(data, notices) + "\n")


def show_json_text(data: str, notices: Iterable[str] = ()) -> None:
    """Print the envelope around data that is JSON text already (too deep for the standard encoder)."""
    from gxt.render import envelope

    write(envelope.around(data, notices) + "\n")


def flush() -> None:
    """Let a reader see what is there so far."""
    sys.stdout.flush()


def write(text: str) -> None:
    """Data on stdout."""
    sys.stdout.write(text)


def say(text: str, *, style: str = "") -> None:
    """A line of talk on stderr; `style` is an SGR number such as 32 for green."""
    shown = clean(text)
    if style and sys.stderr.isatty() and _colours():
        shown = f"\x1b[{style}m{shown}\x1b[0m"
    sys.stderr.write(f"{shown}\n")
    sys.stderr.flush()


def say_notices(notices: Iterable[str]) -> None:
    """What the user should know, a line each."""
    for notice in notices:
        say(f"gxt: {notice}", style="33")


def say_error(error: GxtError) -> None:
    """What went wrong, where, and what to do next."""
    say(f"gxt: {error.message}", style="31")
    if isinstance(error, QueryError):
        from gxt.model.query import point_at

        for text in point_at(error).splitlines():
            say(f"  {text}")
    if error.hint:
        say(f"     {error.hint}")


def on_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def _colours() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
