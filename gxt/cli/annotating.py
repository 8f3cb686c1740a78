"""Commands that say something of runs afterwards: `tag`, `note`, `rename`, `rm`."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UsageError

if TYPE_CHECKING:
    from gxt.ops.annotate import Annotated
    from gxt.ops.workspace import Workspace
    from gxt.render.view import Line

_RUN = "exp-012, 12, a name, a uid or commit, @, @~2, best."


def tag_words(parser: Parser) -> None:
    """What `gxt tag` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("tags", metavar="TAG", nargs="+", help="A label; several are several words.")
    parser.add("--remove", action="store_true", help="Take the tags away.")
    parser.add_json()


def tag(words: Namespace) -> None:
    """Label a run, or take labels away from it.

    A run that is running can be given tags; all else waits for its end.
    """
    from gxt.ops.annotate import tag as operation
    from gxt.render import annotating

    workspace = _open()
    result = operation(workspace, words.id, words.tags, remove=words.remove)
    _show(words, workspace, result, annotating.tags(result, words.tags, remove=words.remove))


def note_words(parser: Parser) -> None:
    """What `gxt note` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("text", metavar="TEXT", help="What there is to say; - reads it from stdin.")
    parser.add("--conclusion", action="store_true", help="It is what follows from the run.")
    parser.add_json()


def note(words: Namespace) -> None:
    """Say something about a run: a comment, or what follows from it."""
    from gxt.ops.annotate import note as operation
    from gxt.render import annotating

    workspace = _open()
    text = _stdin() if words.text == "-" else words.text
    result = operation(workspace, words.id, text, conclusion=words.conclusion)
    _show(words, workspace, result, annotating.remark(result, conclusion=words.conclusion))


def rename_words(parser: Parser) -> None:
    """What `gxt rename` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("name", metavar="NAME", help="The new name; '' takes the name away.")
    parser.add_json()


def rename(words: Namespace) -> None:
    """Give a run another name, or none."""
    from gxt.ops.annotate import rename as operation
    from gxt.render import annotating

    workspace = _open()
    result = operation(workspace, words.id, words.name)
    _show(words, workspace, result, annotating.name(result))


def rm_words(parser: Parser) -> None:
    """What `gxt rm` takes."""
    parser.add("ids", metavar="ID", nargs="+", help=f"A run: {_RUN}")
    parser.add("--undo", action="store_true", help="Bring removed runs back; an id, a number or a uid.")
    parser.add_json()


def rm(words: Namespace) -> None:
    """Remove runs from lists and trees; --undo brings them back.

    A removed run keeps its number. Nothing is erased: what was recorded stays in the past of the history.
    """
    from gxt.ops.annotate import remove, restore
    from gxt.render import annotating

    workspace = _open()
    results = restore(workspace, words.ids) if words.undo else remove(workspace, words.ids)
    notices = (*workspace.notices, *(notice for one in results for notice in one.notices))
    if words.json:
        output.show_json([one.run for one in results], notices)
        return
    output.say_notices(notices)
    said = annotating.restored if words.undo else annotating.removed
    output.show([said(one) for one in results])


def _open() -> Workspace:
    from gxt.ops.workspace import open_workspace

    return open_workspace()


def _show(words: Namespace, workspace: Workspace, result: Annotated, said: Line) -> None:
    notices = (*workspace.notices, *result.notices)
    if words.json:
        from gxt.model.run import without_packages

        output.show_json(without_packages(result.run), notices)
        return
    output.say_notices(notices)
    output.show([said])


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"stdin is no UTF-8 text: {error}", hint="convert it first: iconv") from error
