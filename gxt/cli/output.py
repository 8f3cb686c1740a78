"""Where results leave: stdout is data, stderr is talk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from gxt.errors import GxtError, QueryError
from gxt.model.json_types import Json
from gxt.render.clean import clean
from gxt.render.view import Style, Table, View

_NOTICES = 10  # lines


def prepare_streams() -> None:
    """Let nothing that is written to stdout or stderr end in a traceback, nor in a file of ours.

    A stream that our starter has closed (`gxt list >&-`) goes to /dev/null: the next file or pipe that we
    open would get its number. A character that the terminal's encoding lacks is shown escaped.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is the closed one. It closes on exec: a command finds stdin closed too.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def wants_json(argv: Iterable[str]) -> bool:
    """Whether `--json` was asked for: by a command that reads, for what follows `run` is another's."""
    words = list(argv)
    return words[:1] != ["run"] and "--json" in words


def show(view: View) -> None:
    """Print a view: coloured and cut on a terminal, plain and whole in a pipe."""
    if on_terminal():
        from gxt.render import terminal

        width = terminal.width_of(sys.stdout.fileno())
        write(terminal.render(view, width=width, colours=terminal.wants_colours()))
    else:
        from gxt.render import plain

        write(plain.render(view))


def data_width() -> int | None:
    """How many cells a line of data has; None where it goes into a pipe or a file."""
    if not on_terminal():
        return None
    from gxt.render import terminal

    return terminal.width_of(sys.stdout.fileno())


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


def show_json_text(data: Iterable[bytes], notices: Iterable[str] = ()) -> None:
    """Print the envelope around parts that are JSON in ASCII already: long, or too deep for the encoder."""
    from gxt.render import envelope

    before, after = envelope.around(notices)
    write(before)
    for part in data:
        write(part)
    write(after + "\n")


class ReaderGone(Exception):
    """Whoever read our output has enough of it (`gxt list | head`)."""


def flush() -> None:
    """Let a reader see what is there so far; raises as `write` does."""
    write("", flush=True)


def write(text: str | bytes, *, flush: bool = False) -> None:
    """Data on stdout; bytes are written as they are.

    Raises:
        ReaderGone: nobody takes it any more.
        GxtError: it could not be written: a full disk, say.
    """
    try:
        if isinstance(text, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text)
        if flush:
            sys.stdout.flush()
    except OSError as error:
        # what is left in the buffer would fail again when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from error
        what = f"the output could not be written: {error.strerror}"
        raise GxtError(what, hint="nothing else went wrong; try another place for it") from error


def pass_on(descriptor: int, lines: bytes, label: bytes) -> None:
    """What a command has written for one of our descriptors, a label before each line."""
    labelled = b"".join(label + line for line in lines.splitlines(keepends=True))
    stream = sys.stdout if descriptor == 1 else sys.stderr
    with suppress(OSError, ValueError):  # its reader has gone, and the command goes on
        stream.flush()
        while labelled:
            labelled = labelled[os.write(stream.fileno(), labelled) :]


def say(text: str, *, style: Style = "") -> None:
    """A line of talk on stderr; where nobody takes it, everything else goes on."""
    take_back()
    if talks_to_terminal():
        from gxt.render import terminal

        shown = terminal.painted(text, style, colours=terminal.wants_colours())
    else:
        shown = clean(text)
    _talk(f"{shown}\n")


def end_line_of_command() -> None:
    """Begin a new line of talk: the command left the cursor behind its last word."""
    if talks_to_terminal():
        _talk("\n")


_redrawn = False  # whether the line of the cursor shows what was drawn


def redraw(text: str) -> None:
    """Let the line of a terminal's talk show this instead, the cursor behind it, until more is said."""
    global _redrawn  # noqa: PLW0603 there is one stderr
    _redrawn = bool(text)
    _talk(f"\r{text}\x1b[K")


def take_back() -> None:
    """Take away what was drawn: work that broke off leaves it behind."""
    if _redrawn:
        redraw("")


def _talk(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # ours alone: descriptor 2 is the command's too, which finds it as it would have without gxt
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), "w", errors="replace")


def talk_width() -> int | None:
    """How many cells a line of talk has; None where it goes into a pipe or a file and is never cut."""
    if not talks_to_terminal():
        return None
    from gxt.render import terminal

    return terminal.width_of(sys.stderr.fileno())


def say_notices(notices: Iterable[str]) -> None:
    """What the user should know, a line each: of very many the first, for the answer would scroll away."""
    told = list(notices)
    for notice in told[:_NOTICES]:
        say(f"gxt: {notice}", style="unsure")
    if len(told) > _NOTICES:
        say(f"gxt: and {len(told) - _NOTICES} more; --json tells all", style="unsure")


def say_error(error: GxtError) -> None:
    """What went wrong, where, and what to do next."""
    say(f"gxt: {error.message}", style="bad")
    if isinstance(error, QueryError):
        from gxt.model.query import point_at

        for text in point_at(error).splitlines():
            say(f"  {text}")
    if error.hint:
        say(f"     {error.hint}")


@contextmanager
def stdout_for_ourselves() -> Iterator[None]:
    """Let what a command prints go to stderr: with `--json` stdout holds the envelope alone."""
    flush()
    ours = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(ours, 1)
        os.close(ours)


def can_ask() -> bool:
    """Whether there is somebody to answer: what was told and the question are both on a terminal."""
    return sys.stdin.isatty() and on_terminal() and talks_to_terminal()


def ask(question: str) -> bool:
    """Whether the answer is yes; without one it is no."""
    flush()
    _talk(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def on_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def talks_to_terminal() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()
