"""Another repository: what it has, what comes from it, what goes to it. Nothing of runs, nothing of merging.

What the user's config says of fetching and pushing is about branches and does not count here; how to get
there (`insteadOf`, proxies, credentials, ssh) is the user's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias

from gxt.git.conversation import LIMITS, Limits, Said, Told, converse, printable, silent
from gxt.git.refs import list_refs
from gxt.git.remote_failures import failure, servers_words
from gxt.git.remotes import Remote
from gxt.git.repository import Repository
from gxt.model.secrets import redact_text
from gxt.named_tuple import NamedTuple

_ATTEMPTS = 3

Fate: TypeAlias = Literal["accepted", "up to date", "stale", "refused"]

_STALE = re.compile(
    r"non-fast-forward|fetch first|stale info|remote ref updated|cannot lock ref|failed to update ref"
    r"|incorrect old value|reference already exists|failed to lock"
)
"""The remote is not where we thought. A lock that fails for another reason reads the same: fetch and look."""

_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"refs/[^\s:*]+")

_PASSING = re.compile(r"couldn't find remote ref|cannot lock ref")
"""Somebody else deletes a ref there, or fetches here."""


class Pushed(NamedTuple):
    """What became of one ref.

    Attributes:
        ref: its name on the remote.
        oid: what it was to be.
        fate: `accepted`; `up to date`; `stale`: the remote has moved; `refused`.
        reason: of the last two, in the words of git and the server.
    """

    ref: str
    oid: str
    fate: Fate
    reason: str = ""


def ls(
    repository: Repository,
    remote: Remote,
    patterns: Sequence[str],
    *,
    limits: Limits = LIMITS,
    most_bytes: int = 1 << 24,
) -> dict[str, str]:
    """The refs that a remote has now, each with its object id. One connection.

    All its refs come over the line: git does not let the server choose here.

    Args:
        repository: where.
        remote: which.
        patterns: full names of refs; a `*` stands for anything.
        limits: of its silence.
        most_bytes: how much of what fits the patterns is read.

    Raises:
        RemoteFailed: it cannot be asked.
    """
    args = ("ls-remote", "--refs", "--quiet", remote.name, *patterns)
    said = _talk(repository, remote, args, limits=limits, most_bytes=most_bytes)
    if said.returncode != 0 or said.too_much:
        raise failure(remote.name, remote.url, said)
    # git compares the ends of names
    found = (line.partition("\t") for line in said.stdout.decode(errors="replace").splitlines())
    return {ref: oid for oid, _, ref in found if any(fnmatchcase(ref, pattern) for pattern in patterns)}


def fetch(
    repository: Repository,
    remote: Remote,
    refspecs: Sequence[tuple[str, str]],
    *,
    progress: Told = silent,
    limits: Limits = LIMITS,
) -> dict[str, str | None]:
    """Bring refs here, whatever their tracking refs are now: all, or none.

    One connection when all of them came before, else two: git refuses to fetch a ref that is not there.
    A partial clone gets whole what is new; what it left out of the commits that it has stays out, as git
    tells the server that it has these. A shallow clone gets the code behind the runs, down to where
    its own ends.

    Args:
        repository: where.
        remote: from where.
        refspecs: pairs of a ref there and its tracking ref here.
        progress: is told how far git is.
        limits: of a silence.

    Returns:
        What each ref of the remote is now; None for one that it does not have, or hides. A tracking ref of
        such a one stays where it is.

    Raises:
        RemoteFailed: nothing was fetched.
    """
    known = _tracked(repository, refspecs)
    wanted = list(refspecs) if all(tracking in known for _, tracking in refspecs) else []
    said = None
    for _ in range(_ATTEMPTS):
        if not wanted:
            there = ls(repository, remote, [ref for ref, _ in refspecs], limits=limits)
            wanted = [(ref, tracking) for ref, tracking in refspecs if ref in there]
            if not wanted:
                return dict.fromkeys(ref for ref, _ in refspecs)
            if all(known.get(tracking) == there[ref] for ref, tracking in wanted):
                return {ref: there.get(ref) for ref, _ in refspecs}
        args = (*_FETCH, remote.name, *(f"+{ref}:{tracking}" for ref, tracking in wanted))
        said = _talk(repository, remote, args, config=_FETCH_CONFIG, told=progress, limits=limits)
        if said.returncode == 0:
            now = _tracked(repository, wanted)
            _look_whole(remote, said)
            tracking_of = dict(wanted)
            return {ref: now.get(tracking_of.get(ref, "")) for ref, _ in refspecs}
        if not any(_PASSING.search(line) for line in said.lines):
            break
        wanted = []
    assert said
    raise failure(remote.name, remote.url, said)


def push(
    repository: Repository,
    remote: Remote,
    updates: Sequence[tuple[str, str]],
    *,
    progress: Told = silent,
    limits: Limits = LIMITS,
) -> list[Pushed]:
    """Move refs of a remote forward: never back, never away. Each for itself; one connection.

    Args:
        repository: where.
        remote: to where.
        updates: pairs of an object id and a full name of a ref.
        progress: is told how far git is.
        limits: of a silence.

    Returns:
        What became of each, in the order of the updates.

    Raises:
        RemoteFailed: the remote did not answer for the refs; fetch tells whether it has moved.
    """
    for oid, ref in updates:
        if not _OID.fullmatch(oid) or not _REF.fullmatch(ref):
            raise ValueError(f"{oid}:{ref}")  # `:ref` would delete it, `*` push what nobody named
    if not updates:
        return []  # git would push what the user's config says
    mine = f"remote.{remote.name}"
    # a user who fetches refs/gxt as they are would have our own refs moved along after the push
    unmapped = (f"{mine}.fetch=^{ref}" for _, ref in updates)
    config = (*_PUSH_CONFIG, f"{mine}.mirror=false", *unmapped)
    args = (*_PUSH, remote.name, *(f"{oid}:{ref}" for oid, ref in updates))
    said = _talk(repository, remote, args, config=config, told=progress, limits=limits)
    lines = said.stdout.decode(errors="replace").splitlines()
    answers = [answer for line in lines if (answer := _answer(line))]
    rejected = [summary for flag, _, summary in answers if flag == "!"]
    is_cut = said.silent_s or not answers or (said.returncode != 0 and not rejected)
    if is_cut or any("[remote failure]" in summary for summary in rejected):
        raise failure(remote.name, remote.url, said)
    words = servers_words(said.lines)
    return [_fate(ref, oid, answers, words) for oid, ref in updates]


_FETCH: Final = (
    "fetch",
    *("--progress", "--atomic", "--refmap=", "--no-tags", "--no-prune", "--no-filter"),
    *("--recurse-submodules=no", "--no-write-fetch-head", "--no-auto-maintenance"),
    *("--no-show-forced-updates", "--no-write-commit-graph"),
)
_FETCH_CONFIG: Final = (
    "fetch.pruneTags=false",
    "core.logAllRefUpdates=always",  # else our tracking refs have no reflog
)
_PUSH: Final = (
    "push",
    *("--porcelain", "--progress", "--no-verify", "--no-follow-tags", "--no-signed", "--no-atomic"),
    *("--recurse-submodules=no", "--no-force-with-lease"),
)
_PUSH_CONFIG: Final = ("push.pushOption=", "push.negotiate=false")


def _talk(
    repository: Repository,
    remote: Remote,
    args: Sequence[str],
    *,
    limits: Limits,
    config: Sequence[str] = (),
    told: Told = silent,
    most_bytes: int = 1 << 24,
) -> Said:
    return converse(
        repository,
        args,
        config=("protocol.version=2", *config),
        env={"GIT_ALLOW_PROTOCOL": remote.transports},
        told=told,
        limits=limits,
        most_bytes=most_bytes,
    )


def _tracked(repository: Repository, refspecs: Sequence[tuple[str, str]]) -> dict[str, str]:
    return list_refs(repository.top, *(tracking for _, tracking in refspecs))


def _look_whole(remote: Remote, said: Said) -> None:
    """Git leaves out what would make this clone a shallow one, and ends well."""
    if any("shallow roots are not allowed" in line for line in said.lines):
        raise failure(remote.name, remote.url, said)


def _answer(line: str) -> tuple[str, str, str] | None:
    """Flag, ref and summary of a line such as `*<tab>SRC:refs/x<tab>[new reference]`."""
    flag, _, rest = line.partition("\t")
    names, tab, summary = rest.partition("\t")
    if len(flag) != 1 or not tab:
        return None
    return flag, names.rpartition(":")[2], summary


def _fate(ref: str, oid: str, answers: Sequence[tuple[str, str, str]], words: str) -> Pushed:
    """The worst of what was said of a ref: a remote may have several URLs to push to."""
    mine = [(flag, summary) for flag, name, summary in answers if name == ref]
    for flag, summary in mine:
        if flag == "!":
            return Pushed(ref, oid, *_refused(summary, words))
    if not mine:
        return Pushed(ref, oid, "refused", "git has not tried to push it")
    return Pushed(ref, oid, "up to date" if all(flag == "=" for flag, _ in mine) else "accepted")


def _refused(summary: str, words: str) -> tuple[Fate, str]:
    kind, _, reason = summary.partition(" (")
    reason = redact_text(printable(reason.removesuffix(")"))) or kind
    if _STALE.search(reason):
        return "stale", reason
    return "refused", f"{reason}: {words}" if words and kind == "[remote rejected]" else reason
