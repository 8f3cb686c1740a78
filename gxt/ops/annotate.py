"""What people say of runs afterwards: tags, comments, names; runs that are removed, and come back."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from typing import cast

from gxt.errors import DOCTOR, GxtError, UsageError
from gxt.model.annotations import fold, is_before, tagging
from gxt.model.ids import meaning, new_uid, parse_run_id
from gxt.model.json_types import Json, JsonObject
from gxt.named_tuple import NamedTuple
from gxt.ops.base import read_base
from gxt.ops.history import History, Live
from gxt.ops.workspace import Workspace
from gxt.store import journal
from gxt.store.amend import MakeEvents, Saying, amend
from gxt.store.locks import store_lock

_LONGEST_LABEL = 200
_LONGEST_NOTE = 1 << 16
_ACTING = {"Cc", "Cs", "Zl", "Zp"}


class Annotated(NamedTuple):
    """A run after something was said of it.

    Attributes:
        run: as it is now; as it was when it is removed.
        changed: whether that was not so before.
        notices: what else it means.
    """

    run: JsonObject
    changed: bool
    notices: tuple[str, ...] = ()


def tag(workspace: Workspace, ref: str, tags: Sequence[str], *, remove: bool = False) -> Annotated:
    """Give a run tags, or take them away; of a running one they can only be given.

    Raises:
        UnknownRun, AmbiguousRun, RemovedRun: the reference names no single run.
        UsageError: a tag cannot be one, or the run cannot be changed yet.
    """
    # what another program gave can be taken away whatever it is
    labels = tuple(dict.fromkeys(text if remove else kept_label(text, "tag") for text in tags))

    def give(events: list[JsonObject], _: int) -> Saying:
        present = fold(events).tags
        new = [label for label in labels if label not in present]
        return Saying([{"op": "tag", "tag": label} for label in new], f"tagged {', '.join(new)}")

    def take(events: list[JsonObject], _: int) -> Saying:
        gone = [label for label in labels if label in fold(events).tags]
        ids: list[Json] = [id_ for label in gone for id_ in tagging(events, label)]
        return Saying([{"op": "remove", "removes": ids}] if ids else (), f"untagged {', '.join(gone)}")

    with History(workspace) as history:
        run = history.resolve_to_change(ref)
        live = history.live_of(run)
        if live is not None and not remove and run["status"] == "running":
            return _tag_live(workspace, live, labels)
        return said_of(history, run, take if remove else give)


def note(workspace: Workspace, ref: str, text: str, *, conclusion: bool = False) -> Annotated:
    """Say something about a run: a comment, or what follows from it. Said twice it stands there once.

    Raises:
        UnknownRun, AmbiguousRun, RemovedRun: the reference names no single run.
        UsageError: the text cannot be kept, or the run cannot be changed yet.
    """
    words = _text(text)
    op = "conclusion" if conclusion else "comment"
    author = workspace.settings.author

    def say(events: list[JsonObject], _: int) -> Saying:
        said = fold(events)
        for one in said.conclusions if conclusion else said.comments:
            by = cast("JsonObject", one["by"])
            if one["text"] == words and author == (by.get("name"), by.get("email")):
                return Saying(())
        verb = "concluded" if conclusion else "noted"
        return Saying([{"op": op, "text": words}], f"{verb}: {words}")

    with History(workspace) as history:
        return said_of(history, history.resolve_to_change(ref), say)


def rename(workspace: Workspace, ref: str, name: str) -> Annotated:
    """Give a run another name; an empty one takes its name away.

    Raises:
        UnknownRun, AmbiguousRun, RemovedRun: the reference names no single run.
        UsageError: the name means something else or cannot be one, or the run cannot be changed yet.
    """
    wanted = kept_label(name, "name") if name.strip() else None
    if wanted and (means := meaning(wanted)):
        raise UsageError(f"{wanted} cannot be a name: it means {means}", hint="choose another one")
    with History(workspace) as history:
        run = history.resolve_to_change(ref)

        def give(events: list[JsonObject], at_us: int) -> Saying:
            named = fold(events).named
            if (named[-1]["name"] if named else run["name"]) == wanted:
                return Saying(())
            said: list[JsonObject] = [{"op": "name", "name": wanted}]
            # a clock that was far ahead would have the last word for years
            later: list[Json] = [one["id"] for one in named if not is_before(one, at_us)]
            if later:
                said.append({"op": "remove", "removes": later})
            return Saying(said, f"renamed {wanted}" if wanted else "has no name any more")

        return said_of(history, run, give)


def remove(workspace: Workspace, refs: Sequence[str]) -> list[Annotated]:
    """Remove runs: they are in no list and no tree, and can come back.

    Raises:
        UnknownRun, AmbiguousRun, RemovedRun: a reference names no single run. Nothing was removed.
        UsageError: a run is not in git yet. Nothing was removed.
    """

    def say(events: list[JsonObject], _: int) -> Saying:
        return Saying(() if fold(events).removed else [{"op": "removed"}], "removed")

    base = read_base(workspace.repository)
    with History(workspace) as history:
        runs = {str(run["uid"]): run for run in map(history.resolve_to_change, refs)}
        for run in runs.values():
            _refuse_live(history, run)
        done = []
        for uid, run in runs.items():
            changed = amend(workspace.repository, _number(run), uid, say)
            is_base = base is not None and base.uid == uid
            notices = (f"{run['id']} is the base: gxt base ID chooses another",) if is_base else ()
            done.append(Annotated(run, changed, notices))
        return done


def restore(workspace: Workspace, refs: Sequence[str]) -> list[Annotated]:
    """Bring removed runs back as they were, with what was said of them meanwhile.

    Args:
        workspace: where.
        refs: ids, numbers, or prefixes of uids.

    Raises:
        UnknownRun, AmbiguousRun: a reference names no single run. Nothing was brought back.
        DamagedRecord: git has lost what is to come back.
    """

    def say(events: list[JsonObject], _: int) -> Saying:
        ids: list[Json] = [event["id"] for event in fold(events).removed]
        return Saying([{"op": "remove", "removes": ids}] if ids else (), "restored")

    with History(workspace) as history:
        wanted = [history.removed(ref) or history.resolve_to_change(ref) for ref in refs]
        done = []
        for one in wanted:
            if isinstance(one, dict):
                done.append(Annotated(one, changed=False))
                continue
            changed = amend(workspace.repository, one.number, one.uid, say)
            done.append(Annotated(_now(history, one.uid), changed))
        return done


def said_of(history: History, run: JsonObject, say: MakeEvents) -> Annotated:
    """Say something of a run, and look at it again.

    Raises:
        UsageError: it cannot be changed yet.
    """
    _refuse_live(history, run)
    uid = str(run["uid"])
    changed = amend(history.workspace.repository, _number(run), uid, say)
    return Annotated(_now(history, uid) if changed else run, changed)


def _now(history: History, uid: str) -> JsonObject:
    history.index.refresh()
    run = history.by_uid(uid)
    if run is None:
        raise GxtError(f"the run {uid} is not in git any more", hint=DOCTOR)
    return run


def _number(run: JsonObject) -> int:
    number = parse_run_id(str(run["id"]))
    assert number is not None, "a sealed run has a number"
    return number


def _refuse_live(history: History, run: JsonObject) -> None:
    if history.live_of(run) is None:
        return
    if run["status"] == "running":
        raise UsageError(f"{run['id']} is running", hint="when it has ended it can be changed")
    raise UsageError(f"{run['id']} is not in git yet", hint="gxt doctor tells why")


def _tag_live(workspace: Workspace, live: Live, labels: Sequence[str]) -> Annotated:
    """Write tags into the journal of a running run, from where they are sealed with it."""
    run = live.run
    present = cast("list[str]", run["tags"])
    new = [label for label in labels if label not in present]
    if not new:
        return Annotated(run, changed=False)
    if host := journal.runs_elsewhere(live.path):
        raise UsageError(f"{run['id']} is running on {host}", hint="when it has ended it can be changed")
    id_ = new_uid(journal.now_us() // 1000, os.urandom(10))
    with store_lock(workspace.repository):  # nobody recovers it meanwhile
        try:
            journal.append_to_running(live.path, "tag", {"id": id_, "tags": new})
        except OSError as error:
            raise GxtError(f"{run['id']} has ended this moment", hint="try again") from error
    return Annotated({**run, "tags": [*present, *new]}, changed=True)


def kept_label(text: str, what: str) -> str:
    """A tag or a name as it is kept.

    Raises:
        UsageError: it cannot be one.
    """
    word = text.strip()
    if not word:
        raise UsageError(f"a {what} cannot be empty", hint="write a word, or some in quotes")
    if any(unicodedata.category(c) in _ACTING for c in word):
        raise UsageError(f"a {what} cannot hold control characters: {word!r}", hint="write it without")
    if len(word) > _LONGEST_LABEL:
        raise UsageError(
            f"a {what} has {_LONGEST_LABEL} characters at most, not {len(word)}",
            hint="gxt note keeps longer texts",
        )
    return word


def _text(text: str) -> str:
    """A note as it is kept: lines of text."""
    words = text.replace("\r\n", "\n").strip()
    if not words:
        raise UsageError("there is nothing to note", hint="write it in quotes, or - to read it from stdin")
    if any(unicodedata.category(c) in _ACTING for c in words if c not in "\n\t"):
        raise UsageError("a note cannot hold control characters", hint="write plain text")
    if len(words) > _LONGEST_NOTE:
        raise UsageError(
            f"a note has {_LONGEST_NOTE} characters at most, not {len(words)}",
            hint="commit a long text to the repository, and note where it is",
        )
    return words
