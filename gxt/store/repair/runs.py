"""Runs that were edited or lost by hand are put back, each by an entry like the one that added it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gxt.errors import StoreBusy
from gxt.git.fast_import import FastImport, Put
from gxt.git.objects import ObjectReader, commit_headers
from gxt.git.refs import RefUpdate, move_refs
from gxt.git.repository import Repository
from gxt.model.codec import FORMAT
from gxt.model.ids import run_id, run_path
from gxt.named_tuple import NamedTuple
from gxt.store import collector, debris, locks
from gxt.store.chain import noted_path, notes_message, user
from gxt.store.health.index_file import check_index, index_path
from gxt.store.health.notes import check_notes
from gxt.store.health.past import is_entry, read_past
from gxt.store.health.refs import read_refs
from gxt.store.health.runs import Lost, Run, check_format, check_shards, check_tree, lost_runs, read_runs
from gxt.store.index import Index
from gxt.store.places import EXPERIMENTS, NOTED_FILES, NOTES, kept_ref, temporary_ref
from gxt.store.progress import untold
from gxt.store.repair.refs import REASON
from gxt.store.tree import noted_objects, read_tip

_GC_PATIENCE_S = 5.0


class _Return(NamedTuple):
    """A run that is put back: under which number, the one it had, its directory's tree, its commit, the
    entry's message, and what is said of it now.
    """

    number: int
    had: int
    tree: str
    commit: str
    message: str
    annotations: str


def mend_runs(repository: Repository) -> Iterator[str]:
    """Put back what was recorded, and say which number is free next."""
    with locks.store_lock(repository), ObjectReader(repository) as reader:
        past = read_past(repository, reader, read_refs(repository))
        if past.chain is None or not is_entry(past.chain):
            return
        tip = past.chain.tip
        if any(check_format(reader, tip)) or any(check_shards(reader, tip)):
            return
        runs = read_runs(reader, tip, untold)
        lost = [one for one in lost_runs(reader, past, runs) if one.whole]
        returning = _numbered(reader, lost, runs, _said_next(reader, tip))
        of_the_tree = [one for one in check_tree(reader, tip, runs) if one.repairable]
        if not returning and not of_the_tree:
            return
        following = max([_said_next(reader, tip), *(n + 1 for n in runs), *(r.number + 1 for r in returning)])
        _write(repository, tip, returning, following)
    for back in returning:
        moved = "" if back.number == back.had else f", as {run_id(back.had)}: another run has that number now"
        yield f"{run_id(back.number)} is as it was recorded{moved}"
    if of_the_tree:
        yield f"{EXPERIMENTS} says its format, {FORMAT}, and the next free number, {following}"


def _said_next(reader: ObjectReader, tip: str) -> int:
    said = reader.read(f"{tip}:next")
    text = said.data.strip()[:18] if said else b""
    return int(text) if text.isdigit() else 1


def _numbered(
    reader: ObjectReader, lost: Sequence[Lost], runs: dict[int, Run], following: int
) -> list[_Return]:
    """What to put back and where: an edited run in its place, a lost one under its number if that is free.

    One whose number another run has by now gets a number that nobody ever had.
    """
    by_uid = {run.uid: number for number, run in runs.items() if run.uid}
    taken, found = set(runs), list[_Return]()
    newest = max([*taken, following - 1, *(one.entry.number for one in lost)])
    for one in lost:
        number = by_uid.get(one.entry.uid, one.entry.number) if one.edited else one.entry.number
        if not one.edited and number in taken:
            number = newest = newest + 1
        taken.add(number)
        added = reader.read(one.entry.oid)
        message = commit_headers(added)[1] if added else ""
        subject = message.replace(run_id(one.entry.number), run_id(number), 1)
        found.append(
            _Return(number, one.entry.number, one.folder.oid, one.entry.commit, subject, one.annotations)
        )
    return found


def _write(repository: Repository, tip: str, returning: Sequence[_Return], following: int) -> None:
    """The entries, published in one move. Call it with the store's lock."""
    seen, ref = collector.look(repository), temporary_ref("repair", "entry")
    person = user(repository)
    with FastImport(repository.top) as importer:
        beside = [
            Put("100644", importer.blob(b"%d\n" % FORMAT), "format"),
            Put("100644", importer.blob(b"%d\n" % following), "next"),
        ]
        last = tip
        for back in returning:
            last = importer.commit(
                ref,
                author=person,
                committer=person,
                message=back.message,
                parents=[last, back.commit],
                puts=[*beside, *_puts(back)],
            )
        if not returning:
            message = f"repair: the next free number is {following}\n"
            last = importer.commit(
                ref, author=person, committer=person, message=message, parents=[tip], puts=beside
            )
        oid = importer.oid(last)
    _publish(repository, seen, [RefUpdate(EXPERIMENTS, oid, tip)], known=[tip])


def _puts(back: _Return) -> list[Put]:
    place = run_path(back.number)
    said = [Put("100644", back.annotations, f"{place}/annotations.jsonl")] if back.annotations else []
    return [Put("040000", back.tree, place), *said]


def _publish(
    repository: Repository, seen: collector.Seen, moves: Sequence[RefUpdate], *, known: Sequence[str]
) -> None:
    """Move the refs when git is known to have all that they will name, then let go of the temporary ones."""
    new = [str(move.new) for move in moves]
    safe = collector.await_end(repository, patience_s=_GC_PATIENCE_S)
    if not safe or not collector.are_whole(repository, new, without=known, since=seen):
        raise StoreBusy("git gc --prune is at work", hint="try again when that has ended")
    move_refs(repository, moves, reason=REASON)
    debris.sweep(repository)


def mend_notes(repository: Repository) -> Iterator[str]:
    """Build the notes again that do not show what the runs hold, as children of what is there."""
    with locks.store_lock(repository), ObjectReader(repository) as reader:
        refs = read_refs(repository)
        tip = read_tip(reader)
        if tip is None or any(check_shards(reader, tip.oid)):
            return
        runs = read_runs(reader, tip.oid, untold)
        if not any(check_notes(reader, refs, tip.oid, frozenset(), runs)):
            return
        seen, person, moves, known = (
            collector.look(repository),
            user(repository),
            list[RefUpdate](),
            [tip.oid],
        )
        with FastImport(repository.top) as importer:
            for what, ref in NOTES.items():
                old = refs.named.get(ref, "")
                present = reader.read(old) if old else None
                is_commit = present is not None and present.kind == "commit"
                notes = noted_objects(reader, tip, NOTED_FILES[what])
                if not notes and not old:
                    continue
                mark = importer.commit(
                    temporary_ref("repair", what),
                    author=person,
                    committer=person,
                    message=notes_message(what, tip.oid),
                    parents=[old] if is_commit else [],
                    puts=[Put("100644", target, noted_path(noted)) for noted, target in notes],
                    clear=True,
                )
                moves.append(RefUpdate(ref, importer.oid(mark), old or repository.zero))
                known += [old] if is_commit else []
                if present is not None and not is_commit:
                    moves.append(RefUpdate(kept_ref(f"notes-{what}-{old}"), old))
        _publish(repository, seen, moves, known=known)
    yield f"the notes of {len(runs)} runs are built again"


def mend_index(repository: Repository) -> Iterator[str]:
    """Make the index anew when it is damaged or wrong."""
    with ObjectReader(repository) as reader:
        tip = read_tip(reader)
        if tip and any(check_shards(reader, tip.oid)):
            return
        runs = read_runs(reader, tip.oid, untold) if tip else {}
        if not any(check_index(repository, tip.oid if tip else "", runs)):
            return
    index_path(repository).unlink(missing_ok=True)
    with Index(repository):
        pass
    yield f"the index is made anew: {index_path(repository)}"
