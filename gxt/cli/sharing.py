"""Commands that exchange runs with a remote: `push`, `pull`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UnknownRemote, UnknownRun

if TYPE_CHECKING:
    from gxt.git.repository import Repository
    from gxt.ops.carrying import Carrying

_WORDS = "A git remote, by its name (default: origin), and runs."


def pull_words(parser: Parser) -> None:
    """What `gxt pull` takes."""
    _words(parser)
    parser.add("--data", action="store_true", help="Bring the data of the runs, too; without runs, of all.")
    _data_words(parser)


def push_words(parser: Parser) -> None:
    """What `gxt push` takes."""
    _words(parser)
    parser.add("--no-data", action="store_true", help="Leave the data of the runs here.")
    _data_words(parser)


def _words(parser: Parser) -> None:
    parser.add("words", metavar="REMOTE|RUN", nargs="*", help=_WORDS)
    parser.add("--dry-run", action="store_true", help="Tell what would be exchanged, and change nothing.")
    parser.add_json()


def _data_words(parser: Parser) -> None:
    parser.add("--data-only", action="store_true", help="The data of runs that are here, and nothing else.")
    parser.add("--yes", action="store_true", help="Use the remote that .dvc/config names without asking.")


def pull(words: Namespace) -> None:
    """Take over what colleagues have recorded and said.

    Their runs keep their numbers. A run of yours that was not pushed yet and has the number of one of theirs
    gets the next free one. Data stays where it is until somebody needs it: `--data` brings it.
    """
    from gxt.cli.progress import open_workspace
    from gxt.ops.pull import Pulled
    from gxt.ops.pull import pull as operation
    from gxt.render import sharing

    workspace = open_workspace()
    pulled, data = Pulled("", is_empty=False), None
    with _sorted(workspace.repository, words.words) as (remote, runs):
        if not words.data_only:
            with _hint_at_data_alone(is_wanted=words.data):
                pulled = operation(workspace, remote, runs, dry_run=words.dry_run)
        if words.data or words.data_only:
            from gxt.ops.pull_data import pull_data

            data = pull_data(workspace, runs, carrying(words), dry_run=words.dry_run)
    notices = (*workspace.notices, *_left_out(pulled.refused), *(data.notices if data else ()))
    output.say_notices(notices)
    if words.json:
        output.show_json(sharing.pulled_json(pulled, data))
    else:
        output.show(sharing.pulled_page(pulled, data, dry_run=words.dry_run))


def push(words: Namespace) -> None:
    """Publish runs, and what was said of runs; what others have pushed comes here first.

    The data that runs name goes first, to the remote that DVC has.
    """
    from gxt.cli.progress import open_workspace
    from gxt.errors import UsageError
    from gxt.ops.push import Pushed
    from gxt.ops.push_data import push_both, push_data_only
    from gxt.render import sharing

    if words.no_data and words.data_only:
        raise UsageError("--no-data and --data-only leave nothing to push", hint="give one of them")
    workspace = open_workspace()
    with _sorted(workspace.repository, words.words) as (remote, runs):
        if words.data_only:
            pushed = Pushed("")
            data = push_data_only(workspace, runs, carrying(words), dry_run=words.dry_run)
        else:
            how = None if words.no_data else carrying(words)
            pushed, data = push_both(workspace, remote, runs, how, dry_run=words.dry_run)
    stays = sharing.staying(data, is_asked_for=words.no_data)
    said = (*_left_out(pushed.refused), *pushed.notices, *data.notices, *stays)
    output.say_notices((*workspace.notices, *said))
    if words.json:
        output.show_json(sharing.pushed_json(pushed, data))
    else:
        output.show(sharing.pushed_page(pushed, data, dry_run=words.dry_run))


def carrying(words: Namespace) -> Carrying:
    """How data travels: who is asked, where it is shown."""
    from gxt.cli.progress import bar, in_bytes
    from gxt.ops.carrying import Carrying

    def agree(question: str) -> bool:
        return words.yes or (output.can_ask() and output.ask(question))

    return Carrying(agree, in_bytes(bar()))


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


@contextmanager
def _hint_at_data_alone(*, is_wanted: bool) -> Iterator[None]:
    """Data comes from a remote of DVC's: it can be had where git has no remote."""
    try:
        yield
    except UnknownRemote as error:
        if is_wanted:
            error.hint += "; gxt pull --data-only brings the data of the runs that are here"
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
