"""What training code calls: `init`, `log`, `finish`, under `gxt run` or alone.

It knows which run this process has; what else can be said of it is `gxt.saying`'s part, what a run does
`gxt.recording`'s, and how the process ends `gxt.ending`'s.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gxt import ending
from gxt.cells import watch_cells
from gxt.errors import CannotRecord, MachineFailed
from gxt.model.ids import no_reference, run_id
from gxt.model.json_types import JsonObject
from gxt.model.params import top_level
from gxt.named_tuple import NamedTuple
from gxt.own_run import OwnRun
from gxt.recording import Run, labels, recorded, say
from gxt.store import journal, ranks

_current: Run | None = None  # also when it has ended: what is logged then is not for a new run
_shared = 0  # how many runs this process has begun together with other ranks


class _Said(NamedTuple):
    """What a script says in `init`: its config as given and as recorded, its texts that are not empty."""

    given: Mapping[str, Any]
    params: JsonObject
    texts: Mapping[str, str]
    parent: str | None
    tags: list[str]
    data: list[str]


def init(
    config: object = None,
    *,
    name: str | None = None,
    message: str | None = None,
    hypothesis: str | None = None,
    parent: str | None = None,
    tags: str | Iterable[str] = (),
    data: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    all_ranks: bool = False,
) -> Run:
    """Begin recording: join the run of the `gxt run` around this process, or start one.

    A run of this process that is still open is finished first.

    Args:
        config: parameters: a mapping, an argparse namespace, a dataclass. They win over flags and files.
        name: a short name; the command line's wins.
        message: what is different this time.
        hypothesis: what is expected, and why.
        parent: the run that this one derives from: an id, or `none`; the command line's wins; by default the
            base of the work tree.
        tags: labels; a single text is one.
        data: files and folders that the run uses, as `gxt run --data` takes them; a single path is one.
        all_ranks: record from every process of a distributed job on this host into the one run, not only
            from rank 0. Without `gxt run` the others wait up to 30 seconds for the run of rank 0, and rank 0
            at its end up to 10 seconds for them.

    Raises:
        GxtError: what was asked for cannot be: this is no git repository, say, or there is no such parent, or
            no data at a path.
            A machine that is not up to it, with a full disk, say, costs one warning and the records.
    """
    global _current  # noqa: PLW0603 one run a process is what `gxt.log` without a run means
    given = top_level(config)
    texts = {"name": name, "message": message, "hypothesis": hypothesis}
    said = _Said(
        given=given,
        params=recorded(given),
        texts={key: str(text) for key, text in texts.items() if text},
        parent=None if parent is None else str(parent),
        tags=labels(tags),
        data=_paths(data),
    )
    if _current is not None:
        _current._left()
    _current = None
    ending.forget()
    around = os.environ.get(journal.ENV_DIRECTORY)
    if not all_ranks and ranks.rank() > 0:
        _current = Run(config=given)
    elif around:
        _current = _join_around(Path(around), said)
    elif all_ranks:
        _current = _begin_together(said)
    else:
        _current = _start(said)
    watch_cells(_current)
    return _current


def resume(
    run: str,
    config: object = None,
    *,
    name: str | None = None,
    message: str | None = None,
    tags: str | Iterable[str] = (),
    data: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    all_ranks: bool = False,
) -> Run:
    """Go on with a run that has ended, such as one that was interrupted: a run of its own, derived from it.

    A `log` without a step goes on after the last step of that run. Its parameters count where the command,
    the parameters files and `config` say nothing; `run.config` has them. Its checkpoints are
    `gxt.get(run).artifacts`.

    Args:
        run: which, as `gxt show` takes it: `exp-012`, `@` for the latest that has ended.
        config: parameters, as `init` takes them.
        name: a short name.
        message: what is different this time; by default which run it goes on with.
        tags: labels.
        data: files and folders that the run uses.
        all_ranks: as of `init`.

    Raises:
        GxtError: as `init`; there is no such run, or it is still running.
    """
    from gxt.ops.resume import resumed

    around = None if isinstance(_current, OwnRun) else os.environ.get(journal.ENV_DIRECTORY)
    before = resumed(str(run), around=Path(around) if around else None)
    for notice in before.notices:
        say(notice)
    said = message or f"goes on with {before.id}"
    begun = init(
        config, name=name, message=said, parent=before.uid, tags=tags, data=data, all_ranks=all_ranks
    )
    begun._go_on(before)
    return begun


def log(metrics: Mapping[str, object], step: int | None = None, *, counted: bool = True) -> None:
    """Record metrics of the present run, as `Run.log` does; begins a run where there never was one."""
    run = _current
    if run is None:
        run = _run_for("log")
    run.log(metrics, step, counted=counted)


def present(what: str) -> Run:
    """The run that this process has, for a call of this name; one is begun where there never was any."""
    return _current or _run_for(what)


def finish(exit_code: int = 0) -> None:
    """End the present run: it is completed, or failed when the exit code is not 0.

    What is logged afterwards is ignored, with one warning, until `init` begins another run.
    """
    if _current is not None:
        _current.finish(exit_code)


def _run_for(what: str) -> Run:
    """The run to record into when nobody called `init`: never a failure, at worst one that keeps nothing."""
    global _current  # noqa: PLW0603 as in init
    try:
        return init()
    except Exception as error:  # noqa: BLE001 `log` never raises into training
        _current = Run(config={})
        _current._failed(what, error)
        return _current


def _join_around(directory: Path, said: _Said) -> Run:
    """Write into the run of the `gxt run` around this process."""
    if not directory.is_dir():
        return _unrecorded(
            said,
            "the run around this process has ended or was deleted "
            f"(unset {journal.ENV_DIRECTORY} to record without it)",
        )
    described: dict[str, str | None] = dict(said.texts)
    if said.parent is not None:
        from gxt.ops.parent import parent_of_live

        described["parent"] = parent_of_live(Path.cwd(), directory, said.parent)
    run = _join(directory, said)
    run._describe(described)
    if said.data:
        run._use_data(said.data)
    if notice := no_reference(said.texts.get("name")):
        say(notice)
    with suppress(OSError):  # its journal has told already what is wrong with the disk
        journal.say_interpreter(directory)
    return run


def _join(directory: Path, said: _Said) -> Run:
    """Write into a run that another process records; a full disk costs the records, never the training."""
    run = Run(id_=run_id(journal.reserved_number(directory)), uid=directory.name, config=said.given)
    try:
        run._writer = journal.JournalWriter(directory / journal.JOURNAL)
    except OSError as error:
        run._failed("init", error)
    if said.params:
        run.log_params(said.given)
    if said.tags:
        run.tag(said.tags)
    return run


def _begin_together(said: _Said) -> Run:
    """One run for all ranks of this host, without a `gxt run` that could hold them together."""
    global _shared  # noqa: PLW0603 the ranks count alike
    from gxt.git.repository import discover

    _shared += 1
    job = ranks.job(_shared)
    if ranks.rank() == 0:
        own = _start(said)
        if job and isinstance(own, OwnRun):
            own.announce(job)
        return own
    directory = ranks.await_run(discover(Path.cwd()), job) if job else None
    if directory is None:
        return _unrecorded(
            said, "no run of rank 0 was found on this host (gxt run -- torchrun … records all ranks)"
        )
    try:
        part = ranks.take_part(directory)
    except OSError:
        return _unrecorded(said, "the run of rank 0 has ended")
    run = _join(directory, said)
    run._part = part
    return run


def _unrecorded(said: _Said, reason: str) -> Run:
    run = Run(config=said.given)
    run._warn(f"init: nothing is recorded, for {reason}", "init")
    return run


def _start(said: _Said) -> Run:
    """Record a run of this process; one that keeps nothing where the machine or git is not up to it."""
    try:
        return _start_recording(said)
    except (CannotRecord, MachineFailed) as error:
        run = Run(config=said.given)
        run._failed("init", error)
        return run


def _start_recording(said: _Said) -> OwnRun:
    from gxt.capture.notebook import own_command
    from gxt.ops.start import StartRequest, start, watch_code
    from gxt.ops.workspace import open_workspace

    workspace = open_workspace()
    request = StartRequest(
        command=own_command(),
        name=said.texts.get("name"),
        message=said.texts.get("message"),
        hypothesis=said.texts.get("hypothesis"),
        parent=said.parent,
        tags=said.tags,
        config=said.params,
        data=said.data,
    )
    planned, live = start(workspace, request)
    for notice in planned.notices:
        say(notice)
    run = OwnRun(workspace, live, said.given)
    run.watch_environment()
    run.watch_data(planned)
    watch_code(workspace.repository, live)
    return run


def _paths(data: object) -> list[str]:
    """Paths as texts; one is a list of one."""
    if isinstance(data, (str, os.PathLike)):
        return [os.fsdecode(data)]
    return [os.fsdecode(one) for one in data] if isinstance(data, Iterable) else []


def _at_exit() -> None:
    if _current is not None:
        _current._left(ending.exit_code())


def _in_forked_child() -> None:
    if _current is not None:
        try:
            _current._after_fork()
        except OSError as error:
            _current._failed("fork", error)


ending.watch()
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
