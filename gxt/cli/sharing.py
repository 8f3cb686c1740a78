"""Commands that exchange runs with a remote: `push`, `pull`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UnknownRun

if TYPE_CHECKING:
    from gxt.git.repository import Repository

_WORDS = "A git remote, by its name (default: origin), and runs."


def pull_words(parser: Parser) -> None:
    """What `gxt pull` takes."""
    _words(parser)


def push_words(parser: Parser) -> None:
    """What `gxt push` takes."""
    _words(parser)


def _words(parser: Parser) -> None:
    parser.add("words", metavar="REMOTE|RUN", nargs="*", help=_WORDS)
    parser.add("--dry-run", action="store_true", help="Tell what would be exchanged, and change nothing.")
    parser.add_json()


def pull(words: Namespace) -> None:
    """Take over what colleagues have recorded and said.

    Their runs keep their numbers. A run of yours that was not pushed yet and has the number of one of theirs
    gets the next free one.
    """
    from gxt.cli.progress import bar
    from gxt.ops.pull import pull as operation
    from gxt.ops.workspace import open_workspace
    from gxt.render import sharing

    workspace = open_workspace()._replace(progress=bar())
    with _sorted(workspace.repository, words.words) as (remote, runs):
        pulled = operation(workspace, remote, runs, dry_run=words.dry_run)
    output.say_notices((*workspace.notices, *_left_out(pulled.refused)))
    if words.json:
        output.show_json(sharing.pulled_json(pulled))
    else:
        output.show(sharing.pulled_page(pulled, dry_run=words.dry_run))


def push(words: Namespace) -> None:
    """Publish runs, and what was said of runs; what others have pushed comes here first."""
    from gxt.cli.progress import bar
    from gxt.ops.push import push as operation
    from gxt.ops.workspace import open_workspace
    from gxt.render import sharing

    workspace = open_workspace()._replace(progress=bar())
    with _sorted(workspace.repository, words.words) as (remote, runs):
        pushed = operation(workspace, remote, runs, dry_run=words.dry_run)
    output.say_notices((*workspace.notices, *_left_out(pushed.refused), *pushed.notices))
    if words.json:
        output.show_json(sharing.pushed_json(pushed))
    else:
        output.show(sharing.pushed_page(pushed, dry_run=words.dry_run))


@contextmanager
def _sorted(repository: Repository, words: list[str]) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """The remote, when the first word names one, and the runs.

    Raises:
        UnknownRun: what is done with them finds that the first word names neither.
    """
    from gxt.git.remotes import remotes
    from gxt.model.ids import said_number

    names = list(remotes(repository)) if words else []
    if words and words[0] in names:
        yield words[0], tuple(words[1:])
        return
    try:
        yield None, tuple(words)
    except UnknownRun as error:
        if error.ref == words[0] and said_number(error.ref) is None:
            raise _neither(error, names) from error
        raise


def _neither(error: UnknownRun, remotes: list[str]) -> UnknownRun:
    from difflib import get_close_matches

    near = get_close_matches(error.ref, remotes, n=1)
    known = f"the remotes are: {', '.join(sorted(remotes))}; {error.hint}"
    neither = UnknownRun(error.ref, hint=f"did you mean {near[0]}?" if near else known)
    neither.message = f"no remote and no run {error.ref!r}"
    return neither


def _left_out(refused: tuple[str, ...]) -> list[str]:
    return [f"left out: {text}" for text in refused]
