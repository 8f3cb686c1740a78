"""What sealing writes: the run's commit, and the entry that adds it to the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from gxt.git.fast_import import Drop, FastImport, Person, Put
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.model.events import Folded
from gxt.model.goals import goals_of, main_metric
from gxt.model.ids import run_id, run_path
from gxt.model.json_types import JsonObject
from gxt.model.pointers import POINTERS
from gxt.model.run import metrics_of, title
from gxt.store.chain import Chain, Entry, Made, Note, Written
from gxt.store.places import NOTED_FILES, live_ref
from gxt.store.tree import Tip


def write(
    repository: Repository,
    reader: ObjectReader,
    tip: Tip | None,
    folded: Folded,
    *,
    documents: Mapping[str, bytes],
    number: int,
    rebuild_notes: bool = False,
) -> Written:
    """Write the run commit, the entry and the notes for a run under a number; nothing is published.

    Args:
        repository: where.
        reader: reads the present notes.
        tip: the entry to build on; None for the first run of all.
        folded: what the journal says.
        documents: the files of the run's directory, by path.
        number: its number.
        rebuild_notes: write the notes of every run, whatever is there.
    """
    with FastImport(repository.top) as importer:
        chain = Chain(repository, importer, reader, tip, folded.uid)
        tree, head = (_if_present(reader, _code(folded, key)) for key in ("tree", "head"))
        run = add_run(
            chain,
            folded,
            {path: importer.blob(data) for path, data in documents.items()},
            number=number,
            parents=[head] if head else [],
            code=[*([Put("040000", tree, "")] if tree else []), *pointers(importer, folded.metrics)],
        )
        chain.write_notes(rebuild=rebuild_notes)
    return chain.written(known=[head], letting_go=[live_ref(folded.uid)], run=run)


def add_run(
    chain: Chain,
    folded: Folded,
    files: Mapping[str, str],
    *,
    number: int,
    parents: Sequence[str],
    code: Sequence[Put | Drop],
) -> JsonObject:
    """Write a run's commit and the entry that adds it; the run as JSON.

    Args:
        chain: on top of which.
        folded: what the journal says.
        files: the ids or marks of the files of its directory, by path.
        number: its number.
        parents: of the run commit.
        code: what differs in the run commit's tree from the first parent's.
    """
    run = folded.run()
    author, committer = person(folded, folded.started_us), person(folded, folded.last_us)
    message = run_message(folded, run)
    commit = chain.commit(
        "run", author=author, committer=committer, message=message, parents=parents, puts=code
    )
    chain.add(run_entry(run, commit, files, number=number, author=author, committer=committer))
    return {**run, "commit": commit.oid}


def run_entry(
    run: JsonObject,
    commit: Made,
    files: Mapping[str, str],
    *,
    number: int,
    author: Person,
    committer: Person,
) -> Entry:
    """The entry that adds a run.

    Args:
        run: the run as JSON.
        commit: its commit.
        files: the ids or marks of the files of its directory, by path.
        number: its number.
        author: of the run commit.
        committer: of the run commit.
    """
    place = run_path(number)
    return Entry(
        message=_entry_message(run, number),
        author=author,
        committer=committer,
        puts=(
            Put("160000", commit.mark, f"{place}/run"),
            *(Put("100644", mark, f"{place}/{path}") for path, mark in files.items()),
        ),
        following=number + 1,
        run=commit.mark,
        notes=tuple(
            Note(what, commit.oid, files[file]) for what, file in NOTED_FILES.items() if file in files
        ),
    )


def pointers(importer: FastImport, metrics: JsonObject) -> list[Put | Drop]:
    """What names the run's own outputs, in place of whatever another run's checkout has left in the code."""
    artifacts = cast("list[JsonObject]", metrics.get("artifacts"))
    if not artifacts:
        return [Drop(POINTERS)]
    from gxt.model.placing import pointer_files

    files = pointer_files(artifacts)
    return [Drop(POINTERS), *(Put("100644", importer.blob(data), path) for path, data in files.items())]


def _code(folded: Folded, key: str) -> str:
    code = folded.config.get("code")
    return str(code[key]) if isinstance(code, dict) and code.get(key) else ""


def _if_present(reader: ObjectReader, oid: str) -> str:
    """The id, or nothing when git does not have the object: somebody deleted the ref that kept it.

    A run without its code is better than one that can never be recorded.
    """
    return oid if oid and reader.read(oid) is not None else ""


def person(folded: Folded, at_us: int) -> Person:
    """Who has made a run, at a time."""
    author = folded.config["author"]
    assert isinstance(author, dict)
    return Person(str(author["name"]), str(author["email"]), at_us // 1_000_000, folded.offset)


def one_line(text: str, width: int = 72) -> str:
    """Words on one line of a message, cut at a width; what no terminal could show is replaced."""
    line = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"


def run_message(folded: Folded, run: JsonObject) -> str:
    """The message of a run's commit."""
    parent = folded.config.get("parent")
    trailer = [f"Run-Uid: {folded.uid}", *([f"Parent-Run: {one_line(str(parent))}"] if parent else [])]
    return "\n".join([one_line(title(run)) or "run", "", *trailer, f"Status: {folded.status}", ""])


def _entry_message(run: JsonObject, number: int) -> str:
    """What `git log --first-parent refs/gxt/experiments` shows: a line of a lab notebook."""
    metrics = metrics_of(run)
    main = main_metric(metrics, chosen=None, goals=goals_of(run))
    value = metrics[main.name] if main else None
    shown = f" — {one_line(main.name)} {value:.4g}" if main and isinstance(value, (int, float)) else ""
    return f"{run_id(number)} {run['status']}: {one_line(title(run))}{shown}\n\nRun-Uid: {run['uid']}\n"
