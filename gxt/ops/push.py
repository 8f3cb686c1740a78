"""`gxt push`: what was recorded and said here goes to colleagues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from gxt.errors import GxtError, RemoteFailed
from gxt.git import process
from gxt.git.objects import ObjectReader
from gxt.git.remote import Pushed as Answer
from gxt.git.remote import push as git_push
from gxt.git.remote_failures import refusal
from gxt.git.remotes import Remote, resolve
from gxt.git.repository import Repository
from gxt.model.ids import run_id
from gxt.named_tuple import NamedTuple
from gxt.ops.fetching import fetch_and_take, told
from gxt.ops.history import History
from gxt.ops.workspace import Workspace
from gxt.store.sync.exchange import prepare, unpublished
from gxt.store.sync.merge import Pending
from gxt.store.sync.taking import Taken, take_over
from gxt.store.sync.tracking import accept, published, remember_notes
from gxt.store.tree import REMOVED, RunFolder, read_tip

_ATTEMPTS = 10
_DONE = ("accepted", "up to date")
_MOST_NAMED = 6


class Pushed(NamedTuple):
    """What went to a remote.

    Attributes:
        remote: its name.
        new, updated: ids of runs that it has now, or of which it has the newest now.
        renumbered: runs of ours that have another number now: what they had, what they have.
        elsewhere: those of the new runs that have another number there: ours, theirs.
        refused: what came from there and was left out, in words.
        code: commits of the code that no branch of the remote had, and that went along.
        notices: what else the remote has refused, in words.
    """

    remote: str
    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    renumbered: tuple[tuple[str, str], ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


Carry: TypeAlias = Callable[[Sequence[RunFolder], "frozenset[str] | None"], None]
"""Brings the content of runs to where it belongs: of those that go now, or of those with chosen uids."""


def nothing() -> None:
    """What happens between the look at the remote and the push, unless a test wants it otherwise."""


def leave(going: Sequence[RunFolder], uids: frozenset[str] | None) -> None:
    """Leave the content of runs where it is."""


def push(
    workspace: Workspace,
    remote: str | None = None,
    runs: tuple[str, ...] = (),
    *,
    dry_run: bool = False,
    again: bool = False,
    between: Callable[[], None] = nothing,
    carry: Carry = leave,
) -> Pushed:
    """Publish runs, and what was said of runs.

    Args:
        workspace: where.
        remote: its name; by default the one that gives the numbers.
        runs: only these.
        dry_run: tell what would be, and change nothing.
        again: publish again what the remote had and has lost; what is removed stays so.
        between: called after each look at the remote.
        carry: called before runs go, so that what is published has its content; what it raises ends the push.

    Raises:
        RemoteFailed: it could not be reached, or has refused.
        RewrittenRemote: it has lost or rewritten what it had, and that is not to be published again.
        UnknownRun, AmbiguousRun: one of the runs is not here.
        GxtError: code would go along that no branch of the remote has, and the settings refuse that.
    """
    repository = workspace.repository
    to = resolve(repository, remote)
    uids = chosen(workspace, runs)
    had = published(repository, to.name) if again else frozenset[str]()

    def is_wanted(one: Pending) -> bool:
        # what was removed before anybody saw it stays here
        is_secret = one.is_new and REMOVED in one.folder.entries and one.uid not in had
        return not is_secret and (uids is None or one.uid in uids)

    def carried(going: Sequence[Pending]) -> None:
        carry([one.folder for one in going if one.is_new and REMOVED not in one.folder.entries], uids)

    pushing = _Pushing(workspace, to, is_wanted, carried, again=again)
    for _ in range(_ATTEMPTS):
        theirs, taken = pushing.look(dry_run=dry_run)
        between()
        if dry_run:
            return pushing.would(theirs, taken)
        sent = pushing.send(theirs)
        if sent is None or sent.answers[0].fate != "stale":
            break
    return pushing.settle(sent)


class _Sent(NamedTuple):
    """A push: what, the answer for each ref, and the commits of the code that went along."""

    pending: tuple[Pending, ...]
    answers: list[Answer]
    code: tuple[str, ...]


class _Pushing:
    """The attempts of one push, and what they have done here meanwhile."""

    def __init__(
        self,
        workspace: Workspace,
        remote: Remote,
        is_wanted: Callable[[Pending], bool],
        carry: Callable[[Sequence[Pending]], None],
        *,
        again: bool,
    ) -> None:
        self._repository = workspace.repository
        self._progress = workspace.progress
        self._takes_code_along = workspace.settings.takes_code_along
        self._remote = remote
        self._is_wanted = is_wanted
        self._carry = carry
        self._again = again
        self._renumbered: list[tuple[str, str]] = []
        self._refused: list[str] = []
        self._moved = frozenset[str]()

    def look(self, *, dry_run: bool) -> tuple[str | None, Taken | None]:
        """Fetch and merge."""
        theirs, taken = fetch_and_take(
            self._repository,
            self._remote,
            self._progress,
            dry_run=dry_run,
            whatever=self._again,
            moved=self._moved,
        )
        self._note(taken)
        return theirs, taken

    def would(self, theirs: str | None, taken: Taken | None) -> Pushed:
        """What a push would do now."""
        with ObjectReader(self._repository) as reader:
            ours = read_tip(reader)
            merged = taken.merged if taken and taken.arrival and not taken.imports else None
            if merged is None and ours:
                merged = unpublished(self._repository, reader, ours, theirs)
        pending = tuple(one for one in merged.pending if self._is_wanted(one)) if merged else ()
        new, updated = _ids(self._remote, pending)
        code = _code(self._repository, self._remote, pending)
        self._carry(pending)
        return Pushed(
            self._remote.name,
            new=new,
            updated=updated,
            renumbered=tuple(_renumbered(taken)),
            elsewhere=_elsewhere(self._remote, pending),
            refused=taken.refused() if taken else (),
            code=code,
            notices=("gxt.unpushedCode refuses this push",) if code and not self._takes_code_along else (),
        )

    def send(self, theirs: str | None) -> _Sent | None:
        """Push what they lack; None when they have it all.

        Raises:
            GxtError: code would go along that may not.
        """
        outgoing = prepare(self._repository, self._remote.name, theirs, self._is_wanted)
        if not outgoing.moves:
            self._carry(())
            return None
        code = _code(self._repository, self._remote, outgoing.pending)
        if code and not self._takes_code_along:
            raise _refused_code(self._remote, code)
        self._carry(outgoing.pending)
        moves = [(oid, ref) for ref, oid in outgoing.moves]
        answers = git_push(self._repository, self._remote, moves, progress=told(self._progress))
        return _Sent(outgoing.pending, answers, code)

    def settle(self, sent: _Sent | None) -> Pushed:
        """Remember what they have taken; ours goes on from there."""
        name, repository = self._remote.name, self._repository
        if sent is None:
            return Pushed(name, renumbered=_at_last(self._renumbered), refused=tuple(self._refused))
        if sent.pending:
            _check_accepted(self._remote, sent.answers[0])
        remember_notes(repository, name, {one.ref: one.oid for one in sent.answers if one.fate in _DONE})
        if sent.pending:
            tip = sent.answers[0].oid
            if self._remote.gives_numbers:
                self._note(take_over(repository, name, tip, moved=self._moved))
            accept(repository, name, tip)
        refused = [one for one in sent.answers if one.fate == "refused"]
        new, updated = _ids(self._remote, sent.pending)
        return Pushed(
            name,
            new=new,
            updated=updated,
            renumbered=_at_last(self._renumbered),
            elsewhere=_elsewhere(self._remote, sent.pending),
            refused=tuple(self._refused),
            code=sent.code,
            notices=tuple(f"{name} did not take {one.ref}: {one.reason}" for one in refused),
        )

    def _note(self, taken: Taken | None) -> None:
        if taken is not None:
            self._moved |= taken.merged.moved()
            self._renumbered += _renumbered(taken)
            self._refused += taken.refused()


def chosen(workspace: Workspace, runs: tuple[str, ...]) -> frozenset[str] | None:
    """The uids of runs that may go; None where none is named.

    Raises:
        UnknownRun, AmbiguousRun: one of the runs is not here.
        GxtError: one of them is running.
    """
    if not runs:
        return None
    with History(workspace) as history:
        found = [history.resolve(ref) for ref in runs]
    running = [str(run["id"]) for run in found if run["status"] == "running"]
    if running:
        raise GxtError(f"{running[0]} is running", hint="it can be pushed when it has ended")
    return frozenset(str(run["uid"]) for run in found)


def _check_accepted(remote: Remote, answer: Answer) -> None:
    if answer.fate in _DONE:
        return
    if answer.fate == "stale":
        what, hint = "others pushed again and again meanwhile", "try again: gxt push"
        raise RemoteFailed(what, remote=remote.name, url=remote.url, said=answer.reason, hint=hint)
    raise refusal(remote.name, remote.url, answer.ref, answer.reason)


def _refused_code(remote: Remote, code: tuple[str, ...]) -> GxtError:
    shown = ", ".join(oid[:10] for oid in code[:_MOST_NAMED]) + (" …" if len(code) > _MOST_NAMED else "")
    commits = "a commit" if len(code) == 1 else f"{len(code)} commits"
    return GxtError(
        f"{commits} of code that no branch of {remote.name} has would go along: {shown}",
        hint=f"git push {remote.name} a branch with it first, or git config gxt.unpushedCode allow",
    )


def _at_last(renumbered: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """What each run had at first and has now, though others came first several times."""
    found: dict[str, str] = {}
    for had, has in renumbered:
        first = next((was for was, now in found.items() if now == had), had)
        found[first] = has
    return tuple(found.items())


def _renumbered(taken: Taken | None) -> list[tuple[str, str]]:
    return [(run_id(had), run_id(has)) for had, has in taken.renumbered()] if taken else []


def _ids(remote: Remote, pending: Sequence[Pending]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of the new runs and of the others, as they are here after the push."""
    ids = sorted((one.number if remote.gives_numbers else one.had, one.is_new) for one in pending)
    new, updated = (
        [run_id(number) for number, is_new in ids if is_new is wanted] for wanted in (True, False)
    )
    return tuple(new), tuple(updated)


def _elsewhere(remote: Remote, pending: Sequence[Pending]) -> tuple[tuple[str, str], ...]:
    if remote.gives_numbers:
        return ()
    moved = sorted((one.had, one.number) for one in pending if one.is_new and one.had != one.number)
    return tuple((run_id(here), run_id(there)) for here, there in moved)


def _code(repository: Repository, remote: Remote, pending: tuple[Pending, ...]) -> tuple[str, ...]:
    """The commits below runs that no branch of the remote has, as far as is known here."""
    runs = "".join(f"{one.folder.entries['run'].oid}^@\n" for one in pending if one.is_new)
    args = ("rev-list", "--ignore-missing", "--stdin", "--not", f"--remotes={remote.name}")
    return (
        tuple(process.attempt(repository.top, args, stdin=runs.encode()).stdout.decode().split())
        if runs
        else ()
    )
