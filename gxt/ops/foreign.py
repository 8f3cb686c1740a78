"""Runs that another tracker has recorded: what each tells, and how that becomes a run of the history.

The identity of a run follows from who tells it and what it is called there, so that it comes once, whoever
imports it. What came stays as it came: a run that has gone on there since is told, not written anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from gxt.errors import DamagedData, DamagedRecord, GxtError, InvalidParams, NewerFormat
from gxt.git.objects import ObjectReader, commit_headers
from gxt.git.repository import Repository
from gxt.model.artifacts import ELSEWHERE, clean_name, is_place, place
from gxt.model.codec import time_to_json
from gxt.model.events import Folded, fold
from gxt.model.ids import new_uid, run_id
from gxt.model.json_types import Json, JsonObject
from gxt.model.params import normalise
from gxt.model.scalars import clean_text
from gxt.model.secrets import redact_command, redact_params, redact_text
from gxt.model.shapes import check_annotation
from gxt.named_tuple import NamedTuple
from gxt.ops.imported import Imported, told_without_code
from gxt.ops.workspace import Workspace
from gxt.store.chain import user
from gxt.store.documents import documents
from gxt.store.index import Index
from gxt.store.sync.from_files import FromFiles, commit_of, take_files

if TYPE_CHECKING:
    from gxt.data.cache import Cache

LAST_US: Final = 32_503_680_000 * 1_000_000
"""3000: no document has a later time."""

_NONE: Final[Mapping[str, Json]] = MappingProxyType({})
_OID: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.ASCII)
_LONGEST_TAG: Final = 200
_STEP_LIMIT: Final = 1 << 63
_LONGEST_NOTE: Final = 1 << 16

Points: TypeAlias = Iterable[tuple[int, int, Mapping[str, float]]]
"""Of metrics: when, in microseconds since 1970; the step; values by name."""


class Artifact(NamedTuple):
    """Something that a run has put out.

    Attributes:
        name: what people call it.
        path: of the file or folder with its content; None where that is not here.
        kind: `model`, `folder`, `image`, `file`; empty to tell it from the path.
        place: where a checkout puts it, relative to the top; empty for a place by its name.
        known: `md5`, `size` and `files` of the content, where they are known.
    """

    name: str
    path: Path | None
    kind: str = ""
    place: str = ""
    known: JsonObject | None = None


class Foreign(NamedTuple):
    """A run as another tracker tells it.

    Attributes:
        source: which tracker: `mlflow`, `wandb`, …
        key: what identifies the run there, among all runs of all its users.
        name: what people call it; may be empty.
        created_us: when it began, in microseconds since 1970.
        ended_us: when it ended.
        status: `completed`, `failed` or `interrupted`.
        exit_code: None where nobody knows.
        params: nested; credentials are hidden on the way.
        metrics: read once, when the run is written.
        tags: words.
        note: what somebody has said of it; may be empty.
        parent: the key of another run, which it derives from.
        author: name and mail address; None for who imports it.
        command: its words.
        commit: the id of the commit with its code; git need not have it.
        artifacts: what it has put out.
        notices: what else there is to know, in words.
        message: what was to be different in it.
        data: entries of `config.data`.
        evaluation: values of an evaluation, if there was one.
        group: what repeats of one experiment share; empty for a run that is none.
    """

    source: str
    key: str
    name: str
    created_us: int
    ended_us: int
    status: str = "completed"
    exit_code: int | None = None
    params: Mapping[str, Json] = _NONE
    metrics: Points = ()
    tags: Sequence[str] = ()
    note: str = ""
    parent: str | None = None
    author: tuple[str, str] | None = None
    command: Sequence[str] = ()
    commit: str | None = None
    artifacts: Sequence[Artifact] = ()
    notices: Sequence[str] = ()
    message: str = ""
    data: Sequence[JsonObject] = ()
    evaluation: JsonObject | None = None
    group: str = ""


def foreign_uid(source: str, key: str) -> str:
    """The identity of a run that another tracker identifies by a key."""
    return new_uid(0, hashlib.sha256(f"{source}\0{key}".encode(errors="backslashreplace")).digest()[:10])


def import_foreign(
    workspace: Workspace, source: str, runs: Iterable[Foreign], left_out: Sequence[str] = ()
) -> Imported:
    """Put runs of another tracker into the history. Those that are here already stay as they are.

    Args:
        workspace: where to.
        source: from where, in words of the user.
        runs: they get their numbers in the order in which they began; of one key only the first comes.
        left_out: runs that there was something wrong with, and what, in words.

    Raises:
        StoreBusy, GitFailed: nothing could be written now.
        GxtError: their outputs cannot be stored.
    """
    coming, refused = [], list(left_out)
    ordered = _each_once(sorted(runs, key=lambda one: (one.created_us, one.key)), refused)
    wanted, told = _wanted(workspace.repository, ordered)
    without_code: list[Foreign] = []
    importer = None if all(one.author for one in wanted) else _importer(workspace)  # a git process
    with ObjectReader(workspace.repository) as reader:
        for number, one in enumerate(wanted, 1):
            try:
                coming.append(_coming(workspace, one, importer, _code(reader, one, without_code)))
            except (DamagedRecord, InvalidParams, NewerFormat) as error:
                refused.append(f"{_label(one)}: {error.message}")
            workspace.progress("reading runs", number, len(wanted))
    taken = take_files(workspace.repository, coming, workspace.progress)
    notices = [
        *(f"left out: {text}" for text in (*refused, *taken.refused)),
        *told,
        *told_without_code([_label(one) for one in without_code], _absent(without_code)),
        *told_without_code(taken.without_code),
    ]
    return Imported(source, taken.new, taken.updated, len(ordered) - len(wanted), tuple(notices))


def _each_once(runs: Sequence[Foreign], refused: list[str]) -> list[Foreign]:
    """The runs by their keys: a store that was copied in part has some twice, a server may list one again."""
    found: dict[tuple[str, str], Foreign] = {}
    twice = [one for one in runs if found.setdefault((one.source, one.key), one) is not one]
    refused.extend(f"{_label(one)}: {one.key} is there twice" for one in twice)
    return [*found.values()]


def _wanted(repository: Repository, runs: Sequence[Foreign]) -> tuple[list[Foreign], list[str]]:
    """The runs that are not here, and what there is to say of those that are."""
    wanted, told = [], []
    with Index(repository) as index:
        for one in runs:
            uid = foreign_uid(one.source, one.key)
            removed, here = index.removed(uid), index.by_uid(uid)
            if removed is not None:
                id_ = run_id(removed)
                told.append(f"{_label(one)} was removed here: gxt rm --undo {id_} brings it back")
            elif here is None:
                wanted.append(one)
            elif (here["status"], here["duration_s"]) != (one.status, _duration_s(one)):
                told.append(f"{here['id']} has gone on there since it came: it stays here as it came")
    return wanted, told


def _code(reader: ObjectReader, run: Foreign, without_code: list[Foreign]) -> JsonObject:
    """The document's `code`; runs whose commit git does not have are put aside, to be told."""
    commit = reader.read(run.commit) if run.commit and _OID.fullmatch(run.commit) else None
    if commit is not None and commit.kind == "commit":
        return {"head": commit.oid, "tree": commit_headers(commit)[0]["tree"][0]}
    if run.commit:
        without_code.append(run)
    return {}


def _absent(runs: Sequence[Foreign]) -> str:
    commits = list(dict.fromkeys(f"{one.commit}"[:10] for one in runs))
    return f"git does not have {', '.join(commits[:3])}{' …' if len(commits) > 3 else ''}"


def _coming(
    workspace: Workspace, run: Foreign, importer: tuple[str, str] | None, code: JsonObject
) -> FromFiles:
    """A run as it is taken over, its outputs in the cache."""
    said = f"imported from {run.source}, where it is {run.key}"
    noted = run._replace(notices=(said, *run.notices), author=run.author or importer)
    return from_foreign(workspace, foreign_uid(run.source, run.key), noted, code)


def from_foreign(workspace: Workspace, uid: str, run: Foreign, code: JsonObject | None = None) -> FromFiles:
    """A run of an identity that the caller tells, as it is taken over.

    Args:
        workspace: where to.
        uid: its identity.
        run: what is known of it.
        code: the document's `code`.

    Raises:
        GxtError: its outputs cannot be stored.
        DamagedRecord: what it tells can be no run.
    """
    config = _config(workspace, uid, run, code or {})
    outputs = [event for one in enumerate(run.artifacts) for event in _output(workspace, run, *one)]
    folded = _folded(config, run, outputs)
    content = documents(folded, b"", series_bytes=workspace.settings.series_bytes)
    return FromFiles(_label(run), uid, commit_of(folded), lambda: content)


def _label(run: Foreign) -> str:
    return run.name or run.key


def _plain(text: str) -> str:
    """What was said over there, without the credentials in it: nobody has looked at it for them."""
    return redact_text(clean_text(text))


def _span(run: Foreign) -> tuple[int, int]:
    """From when to when, as documents can hold it."""
    first, last = (min(max(at_us, 0), LAST_US - 1) for at_us in (run.created_us, run.ended_us))
    return first, max(first, last)


def _duration_s(run: Foreign) -> float:
    first_us, last_us = _span(run)
    return (last_us - first_us) / 1e6


def _importer(workspace: Workspace) -> tuple[str, str]:
    return user(workspace.repository)[:2]


def _config(workspace: Workspace, uid: str, run: Foreign, code: JsonObject) -> JsonObject:
    name, email = run.author or _importer(workspace)
    parent = foreign_uid(run.source, run.parent) if run.parent is not None else None
    return {
        "gxt": 1,
        "uid": uid,
        "name": _plain(run.name) or None,
        "message": _plain(run.message) or None,
        "hypothesis": None,
        "command": list[Json](redact_command([clean_text(word) for word in run.command])),
        "cwd": ".",
        "parent": parent,
        "group": foreign_uid(run.source, f"group {run.group}") if run.group else None,
        "created": time_to_json(_span(run)[0]),
        "author": {"name": clean_text(name), "email": clean_text(email)},
        "host": None,
        "code": code,
        "params": redact_params(cast("JsonObject", normalise(run.params))),
        "param_files": [],
        "metrics_files": [],
        "outs": [],
        "reproduces": None,
        "data": list[Json](run.data),
    }


def _folded(config: JsonObject, run: Foreign, outputs: Sequence[JsonObject]) -> Folded:
    """The run as its journal would have told it."""
    first_us, last_us = _span(run)
    end: JsonObject = {"status": run.status, "exit_code": run.exit_code, "duration_s": _duration_s(run)}

    def events() -> Iterator[JsonObject]:
        yield {"e": "started", "t": first_us, "config": config, "offset": "+0000"}
        for at_us, step, values in run.metrics:
            yield {
                "e": "metrics",
                "t": min(max(at_us, 0), LAST_US - 1),
                "s": step if -_STEP_LIMIT <= step < _STEP_LIMIT else 0,
                "m": {clean_text(name): value for name, value in values.items()},
            }
        for text in run.notices:
            yield {"e": "notice", "t": first_us, "text": _plain(text)}
        yield from outputs
        yield {"e": "finished", "t": last_us, **end}

    folded = fold((json.dumps(event).encode() for event in events()), unfinished=run.status)
    ended = {**folded.metrics, "ended": time_to_json(last_us)}  # whatever times its points have
    return folded._replace(annotations=_said(config, run), metrics=ended, last_us=last_us)


def _said(config: JsonObject, run: Foreign) -> tuple[JsonObject, ...]:
    """What was said of it there."""
    tags = dict.fromkeys(" ".join(_plain(tag).split())[:_LONGEST_TAG] for tag in run.tags)
    said: list[tuple[str, JsonObject]] = [
        (f"tag-{number}", {"op": "tag", "tag": tag}) for number, tag in enumerate(filter(None, tags))
    ]
    if note := _plain(run.note).strip()[:_LONGEST_NOTE]:
        said.append(("note", {"op": "comment", "text": note}))
    if run.evaluation:
        values = redact_params(run.evaluation)
        said.append(("eval", {"op": "evaluation", "name": "eval", "step": None, "values": values}))
    at = time_to_json(_span(run)[1])
    events = tuple(
        {"id": f"{config['uid']}-{id_}", "at": at, "by": config["author"], **one} for id_, one in said
    )
    for event in events:
        check_annotation(event, "what was said of it")
    return events


# --- outputs ---------------------------------------------------------------------------------------------


def _output(workspace: Workspace, run: Foreign, number: int, one: Artifact) -> list[JsonObject]:
    """The events of an output, its content in the cache; a notice where that cannot be read."""
    from gxt.data.place import find_cache
    from gxt.data.staging import keep_path
    from gxt.ops.outputs import kind_of

    at_us = _span(run)[1]
    name = clean_name(one.name)
    if one.path is None and one.known is None:
        return [{"e": "notice", "t": at_us, "text": f"{name} did not come: its content is not here"}]
    said: JsonObject = {"name": name, "path": _place(one), "step": None, "parts": []}
    said["kind"] = one.kind or (kind_of(one.path) if one.path is not None else "file")
    facts, cache = one.known, find_cache(workspace.repository)
    if facts is not None:
        _hold(cache, facts)
    elif one.path is not None:
        try:
            facts, parts = keep_path(
                cache, one.path, ignored=lambda path, _: path.is_symlink()
            )  # see `named_in`
        except (FileNotFoundError, PermissionError) as error:
            return [{"e": "notice", "t": at_us, "text": f"{name} is not kept: {error.strerror}"}]
        except OSError as error:
            what = f"{one.path} could not be stored: {error.strerror}"
            raise GxtError(what, hint="see why, then try again") from error
        said["parts"] = list[Json](parts)
    at: JsonObject = {"t": at_us, "id": f"import-{number}"}
    return [{"e": "artifact", **at, **said, "staged": None}, {"e": "stored", **at, **(facts or {})}]


def _hold(cache: Cache, facts: JsonObject) -> None:
    """Give content that is in the cache a second name: nobody else there knows that a run names it."""
    from gxt.data.digest import Digest, Member
    from gxt.data.named import Named, members

    content = Named(str(facts["md5"]), None, "", "")
    inner: list[Named] = []
    if content.is_folder and cache.has(content.md5):
        with suppress(DamagedData, OSError):
            inner = members(cache, content)
    cache.hold(Digest(content.md5, 0, tuple(Member(one.path, one.md5, 0) for one in inner)))


def _place(one: Artifact) -> str:
    if one.place:
        return place(one.place)
    wanted = f"{ELSEWHERE}/{clean_text(one.name)}"
    return wanted if is_place(wanted) else place(f"../{one.name}")
