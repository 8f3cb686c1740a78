"""Clones that record, say, push and pull in any order, and are stopped halfway, beside a model of sets.

In the model every clone and the hub know of each run a set of events, and an exchange unites sets; nothing
else. What gxt shows after each step must follow from these sets.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from gxt.git.conversation import Told
from gxt.git.refs import RefMover
from gxt.git.remote import Pushed as Answer
from gxt.git.remote import push as real_push
from gxt.git.remotes import Remote
from gxt.git.repository import Repository
from gxt.model.ids import run_path
from gxt.ops import annotate
from gxt.ops.evaluate import evaluate, retract
from gxt.ops.gc import collect, plan
from gxt.ops.pull import pull
from gxt.ops.push import nothing, push
from gxt.ops.workspace import Workspace, open_workspace
from gxt.store.chain import Written
from gxt.store.journal import LiveRun, now_us
from gxt.store.sync.taking import Taken, take_over
from tests.conftest import git
from tests.crash.conftest import check_notes
from tests.properties.team import (
    EXPERIMENTS,
    Team,
    begin,
    check_whole,
    copied,
    end,
    found,
    lacks,
    listed,
    pulled,
    record,
    stored,
)

WHO = st.integers(0, 2)
WHICH = st.integers(0, 30)
TAGS = st.sampled_from(["best", "odd"])
WORDS = st.sampled_from(["looks good", "diverges"])
# the clock of one is days ahead, by more than anybody else believes
AHEAD_US = (0, 3 * 24 * 3600 * 1_000_000, -3600 * 1_000_000)
CLOCKS = ("gxt.store.amend.now_us", "gxt.store.sync.merge.now_us")
WORK = st.sampled_from(["records", "removes", "renames"])
PUSH_STOPS = ["looked", "accepted", "runs only", "notes only", "merged", "taken over", "moved", "halfway"]
PULL_STOPS = ["fetched", "taken over", "halfway"]


class Stopped(Exception):
    """The end of a command that somebody killed there."""


class Event(NamedTuple):
    """Something that was said of a run: `takes` are the events that it takes back."""

    op: str
    value: str = ""
    takes: frozenset[int] = frozenset()
    order: tuple[str, str] = ("", "")


class Made(NamedTuple):
    """A run as it was recorded, which never changes."""

    name: str
    commit: str
    config: str
    parent_uid: str | None


class Clone:
    """Somebody's clone, and what is known there."""

    def __init__(self, path: Path, ahead_us: int) -> None:
        self.path = path
        self.ahead_us = ahead_us
        self.known: dict[str, frozenset[int]] = {}
        self.published: set[str] = set()
        self.live: list[tuple[str, LiveRun]] = []

    def unite(self, known: dict[str, frozenset[int]]) -> None:
        for uid, events in known.items():
            self.known[uid] = self.known.get(uid, frozenset()) | events
        self.published.update(known)


class Sharing(RuleBasedStateMachine):
    """Three clones and a hub."""

    team: Team  # as it is copied for each machine

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.at = copied(self.team, Path(self._folder.name) / "team")
        self.clones = [Clone(*one) for one in zip(self.at.clones, AHEAD_US, strict=True)]
        self.ahead_us = 0
        self._clocks = [patch(name, self._now_us) for name in CLOCKS]
        for clock in self._clocks:
            clock.start()
        self.hub: dict[str, frozenset[int]] = {}
        self.numbers: dict[str, int] = {}
        self.exposed: set[str] = set()
        self.events: list[Event] = []
        self.ids: set[str] = set()
        self.made: dict[str, Made] = {}
        self.order: list[str] = []

    # Who works, by which clock

    def _now_us(self) -> int:
        return now_us() + self.ahead_us

    def _open(self, clone: Clone) -> Workspace:
        self.ahead_us = clone.ahead_us
        return open_workspace(clone.path)

    # What follows from the events of a run

    def _standing(self, events: frozenset[int], op: str) -> list[int]:
        gone = frozenset[int]().union(*(self.events[one].takes for one in events))
        standing = (one for one in events - gone if self.events[one].op == op)
        return sorted(standing, key=lambda one: self.events[one].order)

    def _is_removed(self, clone: Clone, uid: str) -> bool:
        return bool(self._standing(clone.known[uid], "removed"))

    def _present(self, clone: Clone, *, removed: bool = False) -> list[str]:
        """The runs in a clone, in the order in which they were begun."""
        return [uid for uid in self.order if uid in clone.known and self._is_removed(clone, uid) == removed]

    def _say(self, clone: Clone, uid: str, event: Event) -> None:
        """Of names and of evaluations of one name, those that claim to be of later are taken back."""
        file = f"{run_path(stored(clone.path)[self.made[uid].commit].number)}/annotations.jsonl"
        lines = git(clone.path, "cat-file", "-p", f"{EXPERIMENTS}:{file}").splitlines()
        said = [json.loads(line) for line in lines]
        new = [one for one in said if one["id"] not in self.ids and one["op"] == event.op]
        assert len(new) == 1
        event = event._replace(order=(new[0]["at"][:-1], new[0]["id"]))
        if event.op in {"name", "evaluation"}:
            what = event.value.split()[0] if event.op == "evaluation" else ""
            standing = self._standing(clone.known[uid], event.op)
            same = (one for one in standing if self.events[one].value.startswith(what))
            later = (one for one in same if self.events[one].order[0] >= event.order[0])
            event = event._replace(takes=frozenset(later))
        self.ids.update(one["id"] for one in said)
        self.events.append(event)
        clone.known[uid] |= {len(self.events) - 1}

    def _facts(self, clone: Clone) -> dict[str, tuple[object, ...]]:
        facts: dict[str, tuple[object, ...]] = {}
        for uid in self._present(clone):
            said = {
                op: [self.events[one].value for one in self._standing(clone.known[uid], op)]
                for op in ("tag", "name", "comment", "evaluation")
            }
            made = self.made[uid]
            name = ([made.name] + said["name"])[-1]
            found = {one.split()[0]: int(one.split()[1]) for one in said["evaluation"]}
            facts[uid] = (name, list(dict.fromkeys(said["tag"])), said["comment"], found, made.parent_uid)
        return facts

    # What must hold

    def _check(self, clone: Clone) -> None:
        sealed = [run for run in listed(clone.path) if run["status"] != "running"]
        assert {run["uid"]: _facts_of(run) for run in sealed} == self._facts(clone)
        assert len(sealed) == len({run["uid"] for run in sealed})
        ids = {run["uid"]: run["id"] for run in sealed}
        assert len(set(ids.values())) == len(ids)
        for run in sealed:
            assert run["parent"] == ids.get(run["parent_uid"])
        there = stored(clone.path)
        assert there.keys() == {self.made[uid].commit for uid in clone.known}
        for uid in clone.known:
            made, seen = self.made[uid], there[self.made[uid].commit]
            is_removed = self._is_removed(clone, uid)
            assert seen.config == (None if is_removed else made.config)
            assert is_removed or ids[uid] == f"exp-{seen.number:03d}"
            if uid in clone.published:
                assert seen.number == self.numbers[uid]

    def _check_hub(self) -> None:
        there = stored(self.at.hub)
        assert there.keys() == {self.made[uid].commit for uid in self.hub}
        for uid, events in self.hub.items():
            made, seen = self.made[uid], there[self.made[uid].commit]
            assert seen.config == (None if self._standing(events, "removed") else made.config)
            assert seen.number == self.numbers.setdefault(uid, seen.number)
        for uid in self.made.keys() - self.hub.keys() - self.exposed:
            assert lacks(self.at.hub, self.made[uid][1:3])

    # What people do

    def _sealed(self, clone: Clone, uid: str, name: str, tags: Sequence[str]) -> None:
        place = next(run for run in listed(clone.path) if run["uid"] == uid)
        config = stored(clone.path)[place["commit"]].config
        assert config
        self.made[uid] = Made(name, place["commit"], config, place["parent_uid"])
        self.order.append(uid)
        clone.known[uid] = frozenset()
        for tag in tags:
            self._say(clone, uid, Event("tag", tag))
        self._check(clone)

    def _chosen(self, who: int, which: int, *, removed: bool = False) -> tuple[Clone, str] | None:
        clone = self.clones[who]
        there = self._present(clone, removed=removed)
        return (clone, there[which % len(there)]) if there else None

    @rule(who=WHO, tags=st.lists(TAGS, max_size=1))
    def records(self, who: int, tags: list[str]) -> None:
        clone, name = self.clones[who], f"run-{len(self.order)}"
        self._sealed(clone, record(clone.path, name, tags), name, tags)

    @rule(who=WHO)
    def begins(self, who: int) -> None:
        clone, name = self.clones[who], f"long-{who}-{len(self.events)}-{len(self.order)}"
        clone.live.append((name, begin(clone.path, name)))

    @precondition(lambda self: any(clone.live for clone in self.clones))
    @rule(who=WHO, is_killed=st.booleans())
    def ends(self, who: int, is_killed: bool) -> None:
        clone = next(one for one in self.clones[who:] + self.clones[:who] if one.live)
        name, live = clone.live.pop(0)
        live.release() if is_killed else end(clone.path, live)
        self._sealed(clone, live.uid, name, ())

    @rule(who=WHO, which=WHICH, tag=TAGS)
    def tags(self, who: int, which: int, tag: str) -> None:
        if chosen := self._chosen(who, which):
            clone, uid = chosen
            changed = annotate.tag(self._open(clone), uid, [tag]).changed
            assert changed == (tag not in self._values(clone, uid, "tag"))
            if changed:
                self._say(clone, uid, Event("tag", tag))
            self._check(clone)

    @rule(who=WHO, which=WHICH, tag=TAGS)
    def untags(self, who: int, which: int, tag: str) -> None:
        if chosen := self._chosen(who, which):
            clone, uid = chosen
            annotate.tag(self._open(clone), uid, [tag], remove=True)
            standing = self._standing(clone.known[uid], "tag")
            taken = frozenset(one for one in standing if self.events[one].value == tag)
            if taken:
                self._say(clone, uid, Event("remove", takes=taken))
            self._check(clone)

    @rule(who=WHO, which=WHICH, text=WORDS)
    def notes(self, who: int, which: int, text: str) -> None:
        if chosen := self._chosen(who, which):
            clone, uid = chosen
            said = f"{text} ({clone.path.name})"
            annotate.note(self._open(clone), uid, said)
            if said not in self._values(clone, uid, "comment"):
                self._say(clone, uid, Event("comment", said))
            self._check(clone)

    @rule(who=WHO, which=WHICH, name=st.sampled_from(["vs-old", "test"]), elo=st.integers(0, 2))
    def evaluates(self, who: int, which: int, name: str, elo: int) -> None:
        if chosen := self._chosen(who, which):
            clone, uid = chosen
            if evaluate(self._open(clone), uid, {"elo": elo}, name=name).changed:
                self._say(clone, uid, Event("evaluation", f"{name} {elo}"))
            self._check(clone)

    @rule(who=WHO, which=WHICH, name=st.sampled_from(["vs-old", "test"]))
    def takes_back(self, who: int, which: int, name: str) -> None:
        if chosen := self._chosen(who, which):
            clone, uid = chosen
            standing = self._standing(clone.known[uid], "evaluation")
            taken = frozenset(one for one in standing if self.events[one].value.split()[0] == name)
            assert retract(self._open(clone), uid, name).changed == bool(taken)
            if taken:
                self._say(clone, uid, Event("remove", takes=taken))
            self._check(clone)

    @rule(who=WHO, which=WHICH, name=st.sampled_from(["wide", "narrow"]))
    def renames(self, who: int, which: int, name: str) -> None:
        if chosen := self._chosen(who, which):
            clone, uid = chosen
            if annotate.rename(self._open(clone), uid, name).changed:
                self._say(clone, uid, Event("name", name))
            self._check(clone)

    @rule(who=WHO, which=WHICH)
    def removes(self, who: int, which: int) -> None:
        if chosen := self._chosen(who, which):
            clone, uid = chosen
            annotate.remove(self._open(clone), [uid])
            self._say(clone, uid, Event("removed"))
            self._check(clone)

    @rule(who=WHO, which=WHICH)
    def restores(self, who: int, which: int) -> None:
        if chosen := self._chosen(who, which, removed=True):
            clone, uid = chosen
            annotate.restore(self._open(clone), [uid])
            taken = frozenset(self._standing(clone.known[uid], "removed"))
            self._say(clone, uid, Event("remove", takes=taken))
            self._check(clone)

    @rule(who=WHO, in_hub=st.booleans())
    def collects_garbage(self, who: int, in_hub: bool) -> None:
        git(self.at.hub if in_hub else self.clones[who].path, "gc", "-q", "--prune=now")

    @rule(who=WHO, which=WHICH | st.just(-1), is_new=st.booleans())
    def collects(self, who: int, which: int, is_new: bool) -> None:
        """What was removed before anybody saw it is gone, but where a push was stopped that may have it."""
        clone = self.clones[who]
        if is_new:
            self.records(who, [])
        self.removes(who, which)
        workspace = self._open(clone)
        planned = plan(workspace)
        freed = {one.uid for one in collect(workspace, planned).runs}
        secret = {uid for uid in self._present(clone, removed=True) if uid not in self.hub}
        assert freed == secret if not planned.notices else freed < secret
        for uid in freed:
            del clone.known[uid]
        self._check(clone)
        git(clone.path, "gc", "-q", "--prune=now")
        assert lacks(clone.path, [oid for uid in freed for oid in self.made[uid][1:3]])

    def _values(self, clone: Clone, uid: str, op: str) -> list[str]:
        return [self.events[one].value for one in self._standing(clone.known[uid], op)]

    # What they exchange

    def _wanted(self, clone: Clone) -> dict[str, frozenset[int]]:
        """What a push brings: all that is new there, but not what was removed before anybody saw it."""
        return {
            uid: events
            for uid, events in clone.known.items()
            if not (uid not in self.hub and self._is_removed(clone, uid)) and events != self.hub.get(uid)
        }

    def _now_public(self, clone: Clone, uids: Sequence[str] | None = None) -> None:
        """A push was accepted: of all runs, or of these."""
        clone.unite(self.hub)
        wanted = self._wanted(clone)
        self.hub.update((uid, wanted[uid]) for uid in wanted if uids is None or uid in uids)

    def _push(self, clone: Clone, between: Callable[[], None] = nothing) -> None:
        clone.unite(self.hub)
        is_needed = bool(self._wanted(clone))
        push(self._open(clone), between=between)
        if is_needed:  # else it does not look again
            self._now_public(clone)
            clone.unite(self.hub)
        self._check_hub()
        self._check(clone)

    @rule(who=WHO)
    def pushes(self, who: int) -> None:
        self._push(self.clones[who])

    @rule(who=WHO, which=st.sets(WHICH, min_size=1, max_size=2))
    def pushes_some(self, who: int, which: set[int]) -> None:
        clone = self.clones[who]
        there = self._present(clone)
        uids = [there[one % len(there)] for one in sorted(which)] if there else []
        if uids:
            push(self._open(clone), runs=tuple(uids))
            self._now_public(clone, uids)
            self._check_hub()
            clone.unite(self.hub)
            self._check(clone)

    @rule(who=WHO, other=WHO, name=st.just("raced"))
    def pushes_while_another_does(self, who: int, other: int, name: str) -> None:
        if who == other:
            return
        first = [self.clones[other]]

        def race() -> None:
            if first:
                one = first.pop()
                self._sealed(one, record(one.path, name), name, ())
                self._push(one)

        self._push(self.clones[who], race)

    @rule(who=WHO, which=WHICH, what=WORK, is_late=st.booleans())
    def pushes_and_works_meanwhile(self, who: int, which: int, what: str, is_late: bool) -> None:
        """Before the push itself or after it, which is before what was accepted is taken over."""
        clone = self.clones[who]
        clone.unite(self.hub)

        def work() -> None:
            self._works(who, which, what)

        def push_first(
            repository: Repository, to: Remote, updates: list[tuple[str, str]], *, progress: Told
        ) -> list[Answer]:
            answers = real_push(repository, to, updates, progress=progress)
            self._now_public(clone)
            work()
            return answers

        if is_late:
            with patch("gxt.ops.push.git_push", push_first):
                push(self._open(clone))
        else:
            push(self._open(clone), between=work)
            self._now_public(clone)
        self._check_hub()
        clone.unite(self.hub)
        self._check(clone)

    def _works(self, who: int, which: int, what: str) -> None:
        if what == "records":
            self.records(who, [])
        elif what == "removes":
            self.removes(who, which)
        else:
            self.renames(who, which, f"meanwhile {len(self.events)}")

    @rule(who=WHO, which=WHICH, what=WORK)
    def pulls_and_works_meanwhile(self, who: int, which: int, what: str) -> None:
        clone = self.clones[who]

        def take_later(repository: Repository, remote: str, theirs: str, **more: bool) -> Taken:
            self._works(who, which, what)
            return take_over(repository, remote, theirs, dry_run=more["dry_run"])

        with patch("gxt.ops.fetching.take_over", take_later):
            pulled(clone.path)
        clone.unite(self.hub)
        self._check(clone)

    @rule(who=WHO)
    def pulls(self, who: int) -> None:
        clone = self.clones[who]
        pulled(clone.path)
        clone.unite(self.hub)
        self._check(clone)

    @rule(who=WHO, where=st.sampled_from(PUSH_STOPS), which=st.none() | WHICH)
    def pushes_and_is_stopped(self, who: int, where: str, which: int | None) -> None:
        """A push of everything, or of one run."""
        chosen = None if which is None else self._chosen(who, which)
        clone, before, uids = self.clones[who], _tip(self.at.hub), (chosen[1],) if chosen else ()
        with stopping(where) as stop:
            push(self._open(clone), runs=uids, between=stop if where == "looked" else nothing)
        clone.unite(self.hub)
        if _tip(self.at.hub) != before:
            self._now_public(clone, uids or None)
        elif where == "notes only":
            self.exposed.update(uid for uid in clone.known if not self._is_removed(clone, uid))
        self._check_hub()
        self._check(clone)

    @rule(who=WHO, where=st.sampled_from(PULL_STOPS))
    def pulls_and_is_stopped(self, who: int, where: str) -> None:
        clone = self.clones[who]
        with stopping(where) as stop:
            pull(self._open(clone))
        if where != "fetched" or not stop.has_come:
            clone.unite(self.hub)
        self._check(clone)

    def teardown(self) -> None:
        try:
            self._end()
        finally:
            for clock in self._clocks:
                clock.stop()
            self._folder.cleanup()

    def _end(self) -> None:
        """Everything that goes on ends, is pushed and pulled: then all have the same."""
        for clone in self.clones:
            while clone.live:
                name, live = clone.live.pop(0)
                end(clone.path, live)
                self._sealed(clone, live.uid, name, ())
        for clone in self.clones:
            self._push(clone)
        # who publishes makes up for the notes that a stopped push has left behind
        self.records(0, [])
        self._push(self.clones[0])
        for clone in self.clones:
            pulled(clone.path)
            clone.unite(self.hub)
            self._check(clone)
        assert listed(self.clones[0].path) == listed(self.clones[1].path) == listed(self.clones[2].path)
        for clone in self.clones:
            check_whole(clone.path)
        git(self.at.hub, "fsck", "--strict", "--no-dangling", "--no-progress")
        check_notes(self.at.hub)
        new = self.at.hub.parent / "new"
        git(new.parent, "clone", "-q", str(self.at.hub), str(new))
        pulled(new)
        assert listed(new) == listed(self.clones[0].path)


def _facts_of(run: dict[str, Any]) -> tuple[object, ...]:
    comments = [one["text"] for one in run["comments"]]
    found = {one["name"]: one["values"]["elo"] for one in run["evals"]}
    return (run["name"], run["tags"], comments, found, run["parent_uid"])


def _tip(repository: Path) -> str:
    return git(repository, "for-each-ref", "--format=%(objectname)", EXPERIMENTS)


class Stop:
    """Where a command ends as if it was killed; whether it came there."""

    def __init__(self) -> None:
        self.has_come = False

    def __call__(self, *_: object, **__: object) -> None:
        self.has_come = True
        raise Stopped


@contextmanager
def stopping(where: str) -> Iterator[Stop]:
    """Stop a command at a point, if it comes there."""
    stop = Stop()

    def push_of(chosen: slice) -> Callable[..., list[Answer]]:
        def push_these(
            repository: Repository, to: Remote, updates: list[tuple[str, str]], *, progress: Told
        ) -> list[Answer]:
            if updates[chosen]:
                real_push(repository, to, updates[chosen], progress=progress)
            stop()
            return []

        return push_these

    def move_entry(repository: Repository, written: Written, reason: str, *, with_notes: bool) -> bool:
        with RefMover(repository, reason=reason) as refs:
            refs.move([written.entry])
            stop()
        return with_notes

    places: dict[str, tuple[str, Callable[..., Any]]] = {
        "accepted": ("gxt.ops.push.git_push", push_of(slice(None))),
        "runs only": ("gxt.ops.push.git_push", push_of(slice(1))),
        "notes only": ("gxt.ops.push.git_push", push_of(slice(1, None))),
        "merged": ("gxt.ops.push.take_over", stop),
        "moved": ("gxt.ops.push.accept", stop),
        "fetched": ("gxt.ops.fetching.take_over", stop),
        "taken over": ("gxt.ops.fetching.accept", stop),
        "halfway": ("gxt.store.publish._move", move_entry),
    }
    with patch(*places[where]) if where in places else nullcontext(), suppress(Stopped):
        yield stop


def share(folder: Path, *, examples: int, steps: int) -> None:
    class Prepared(Sharing):
        team = found(folder / "team", 3)

    run_state_machine_as_test(
        Prepared,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_what_three_clones_know_is_what_they_have_exchanged(tmp_path: Path) -> None:
    share(tmp_path, examples=5, steps=12)


@pytest.mark.long
def test_what_three_clones_know_after_a_long_time(tmp_path: Path) -> None:
    share(tmp_path, examples=200, steps=40)
