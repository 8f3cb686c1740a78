"""Commands that say something of runs afterwards: `tag`, `note`, `eval`, `rename`, `rm`."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.cli.parser import Parser, count_from
from gxt.errors import UsageError

if TYPE_CHECKING:
    from gxt.model.json_types import JsonObject
    from gxt.ops.annotate import Annotated
    from gxt.ops.workspace import Workspace
    from gxt.render.view import Line

_RUN = "exp-012, 12, a name, a uid or commit, @, @~2, best."
_EVALUATION = "eval"  # the name of one that has none


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


def eval__words(parser: Parser) -> None:
    """What `gxt eval` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("values", metavar="KEY=VALUE", nargs="*", help="E.g. acc=0.93; games.won=3 is nested.")
    parser.add("--file", metavar="FILE", help="Values from JSON, YAML or TOML; - reads stdin.")
    parser.add(
        "--name", metavar="NAME", help=f"Of the evaluation; {_EVALUATION} unasked. The last one counts."
    )
    parser.add("--step", metavar="N", type=count_from(0), help="The step of the run that was evaluated.")
    parser.add("--remove", metavar="NAME", help="Take evaluations of a name back, or all of them: all.")
    parser.add_json()


def eval_(words: Namespace) -> None:
    """Add what an evaluation found to a run that has ended.

    The values can be asked for by the name of the evaluation: gxt list --sort -evals.NAME.KEY.
    """
    from gxt.ops import evaluate as operation
    from gxt.render import annotating

    if "=" in words.id and not words.values and words.file is None and words.remove is None:
        raise UsageError("no run is named", hint=f"gxt eval @ {words.id}, for the latest")
    workspace = _open()
    if words.remove is not None:
        if words.values or words.file is not None or words.name is not None or words.step is not None:
            raise UsageError("--remove goes alone", hint="take back first, then say it anew")
        result = operation.retract(workspace, words.id, words.remove)
        _show(words, workspace, result, annotating.retracted(result, words.remove))
        return
    name = _EVALUATION if words.name is None else words.name
    result = operation.evaluate(workspace, words.id, _values(words), name=name, step=words.step)
    _show(words, workspace, result, annotating.evaluation(result, name.strip()))


def _values(words: Namespace) -> JsonObject:
    """The values of a file, and over them those on the command line."""
    from gxt.model.params import merge
    from gxt.ops.evaluate import read_file, read_text, read_words

    said = read_words(words.values)
    if words.file is None:
        return said
    in_file = read_text(sys.stdin.buffer.read()) if words.file == "-" else read_file(Path(words.file))
    return merge(in_file, said)


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

    A removed run keeps its number. Nothing is erased: what was recorded stays in the past of the history,
    unless no remote has it and gxt gc frees it.
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
