"""The command `demo`: tells the demo's story, each command before it runs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.render.view import Line, Span, Style, line

if TYPE_CHECKING:
    from gxt.demo.story import Edit, Step

WIDTH = 78


def demo_words(parser: Parser) -> None:
    """What `gxt demo` takes."""
    parser.add(
        "directory", metavar="DIR", nargs="?", default="gxt-demo", help="A new or empty directory for it."
    )


def demo(words: Namespace) -> None:
    """Show gxt at work in a small repository made for it.

    Seven trainings on handwritten digits with torch, under a minute on two cores, then a list, a tree and
    diffs. The repository stays, to play with; nothing outside DIR is touched.
    """
    from gxt.demo import tour
    from gxt.demo.story import NEXT, STORY

    directory: str = words.directory
    place = tour.prepare(Path(directory))
    for step in STORY:
        if step.edit:
            tour.apply(place, step.edit)
        command = tour.spelled(step.command)
        output.show(_announced(step, command))
        output.flush()
        tour.perform(place, command, exit_code=step.exit_code)
    output.show(
        [
            line(),
            line(Span("The repository is yours to play with: ", "title"), f"cd {shell_word(directory)}"),
            *(line(f"  {command:<38}", Span(shows, "dim")) for command, shows in NEXT),
        ]
    )


def _announced(step: Step, command: Sequence[str]) -> list[Line]:
    """The title below an empty line, the edit as a patch, the command after a prompt."""
    title = [line(), line(Span(step.title, "title"))] if step.title else []
    first, *rest = command_lines(command)
    return [
        *title,
        *(_patch(step.edit) if step.edit else ()),
        line(Span(f"$ {first}", "id")),
        *(line(Span(f"    {text}", "id")) for text in rest),
    ]


def _patch(edit: Edit) -> list[Line]:
    """The lines that change, with those around them."""
    from difflib import ndiff
    from textwrap import dedent

    styles: dict[str, Style] = {"+": "good", "-": "bad", " ": "dim"}
    old, new = dedent(edit.old).splitlines(), dedent(edit.new).splitlines()
    changes = [one for one in ndiff(old, new) if one[0] in styles]
    head = line(Span(f"  (edit {edit.path})", "dim"))
    return [head, *(line(Span(f"  {one.rstrip()}", styles[one[0]])) for one in changes)]


def command_lines(command: Sequence[str]) -> list[str]:
    """The command for a shell, continued on further lines where it is wide."""
    pieces: list[str] = []
    glued = False
    for word in command:
        if glued:
            pieces[-1] += f" {shell_word(word)}"
        else:
            pieces.append(shell_word(word))
        # an option stays with its value, and the wrapped command in one piece
        glued = word.startswith("-") or pieces[-1].startswith("-- ")
    lines = pieces[:1]
    for piece in pieces[1:]:
        if len(lines[-1]) + len(piece) + 3 > WIDTH:
            lines[-1] += " \\"
            lines.append(piece)
        else:
            lines[-1] += f" {piece}"
    return lines


def shell_word(word: str) -> str:
    """The word as one types it: in double quotes where they are enough."""
    from shlex import quote

    return f'"{word}"' if " " in word and not set(word) & set('"$`\\!') else quote(word)
