"""What training code calls: `init`, `log`, `log_params`, `finish`, under `gxt run` or alone.

After `init` nothing here raises into the training: the first failure is one warning and a notice in the run.
One `log` is one `write` of one line, so what was logged survives a SIGKILL in the next instruction.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, SupportsInt, cast

from gxt.model.ids import run_id
from gxt.model.json_types import Json, JsonObject
from gxt.model.metrics import flatten_numbers
from gxt.model.params import normalise
from gxt.model.secrets import redact_params
from gxt.store import journal

if TYPE_CHECKING:
    from gxt.ops.environment import EnvironmentThread
    from gxt.ops.workspace import Workspace

_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")
_STEP_LIMIT = 1 << 63
_EXACT_INT = 1 << 53  # beyond it an integer is not a double any more; such values go the slow way


class Run:
    """A run that is being recorded. `gxt.init` makes one.

    Attributes:
        id: `exp-013`; while the run goes on it can still change when a colleague's run comes first.
        uid: the identity of the run, the same everywhere and for ever. Empty when nothing is recorded.
        config: the parameters given to `init`, as plain values.
    """

    def __init__(
        self, *, id_: str, uid: str, config: Mapping[str, Json], writer: journal.JournalWriter | None
    ) -> None:
        self.id = id_
        self.uid = uid
        self.config = dict(config)
        self._writer = writer
        self._step = -1
        self._warned = False

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _end_current(self, _exit_code_of(kind, error))

    def log(self, metrics: Mapping[str, object], step: int | None = None) -> None:
        """Record the values of metrics at a step.

        Args:
            metrics: numbers by name: Python, numpy and torch scalars. Nested mappings are joined with `/`;
                NaN and infinities are kept.
            step: any integer; without it one more than the step before, 0 at first.
        """
        writer = self._writer
        if writer is None:
            return
        try:
            values = metrics
            for value in metrics.values():
                kind = type(value)
                if kind is float or (kind is int and -_EXACT_INT < cast("int", value) < _EXACT_INT):
                    continue
                values = self._numbers(metrics)
                break
            if step is None:
                step = self._step + 1
            elif type(step) is not int or not -_STEP_LIMIT <= step < _STEP_LIMIT:
                step = self._whole(step)
            self._step = step
            event = {"e": "metrics", "t": time.time_ns() // 1000, "s": step, "m": values}
            writer.write_line(journal.encode(event))
        except Exception as error:  # noqa: BLE001 training goes on whatever happens here
            self._failed("log", error)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record parameters, merged over those that are known; also argparse namespaces and dataclasses."""
        self._write("log_params", "params", lambda: {"params": redact_params(_mapping(params))})

    def tag(self, *tags: str) -> None:
        """Label the run."""
        label = f"{self.uid}-{time.time_ns()}"
        self._write("tag", "tag", lambda: {"id": label, "tags": [str(tag) for tag in tags]})

    def finish(self, exit_code: int = 0) -> None:
        """End the run; under `gxt run` it ends with its command. Logging afterwards is ignored."""
        _end_current(self, exit_code)

    def _whole(self, step: object) -> int:
        """A step that is no plain int64: what has a whole value keeps it, anything else counts on."""
        whole = int(step) if isinstance(step, SupportsInt) else None
        if whole is None or whole != step or not -_STEP_LIMIT <= whole < _STEP_LIMIT:
            self._warn(f"log: step {step!r} is no 64-bit integer; counted on from the last one")
            return self._step + 1
        return whole

    def _numbers(self, metrics: Mapping[str, object]) -> dict[str, float]:
        numbers = flatten_numbers(metrics)
        if len(numbers) < len(metrics) and not any(isinstance(value, Mapping) for value in metrics.values()):
            lost = sorted(str(name) for name in metrics if str(name) not in numbers)
            self._warn(f"log: not a number: {', '.join(lost)}")
        return numbers

    def _describe(self, name: str | None, message: str | None, hypothesis: str | None) -> None:
        given: JsonObject = {"name": name, "message": message, "hypothesis": hypothesis}
        if any(given.values()):
            self._write("init", "described", lambda: given)

    def _write(self, what: str, kind: str, fields: journal.Fields) -> None:
        if self._writer is None:
            return
        try:
            self._writer.append(kind, fields())
        except Exception as error:  # noqa: BLE001 training goes on whatever happens here
            self._failed(what, error)

    def _failed(self, what: str, error: BaseException) -> None:
        try:
            reason = str(error)
        except Exception:  # noqa: BLE001 an exception of the script's own making may not even print
            reason = "it cannot be shown"
        self._warn(f"{what}: {type(error).__name__}: {reason}")

    def _warn(self, text: str) -> None:
        """Say it once, and keep it in the run."""
        if self._warned:
            return
        self._warned = True
        import logging

        logging.getLogger("gxt").warning("gxt: %s; the training goes on", text)
        if self._writer is not None:
            try:
                self._writer.append("notice", {"text": text})
            except (OSError, ValueError):
                return

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):  # a script that closes all descriptors (a daemon) has closed ours too
                writer.close()

    def _after_fork(self) -> None:
        if self._writer is not None:
            self._writer.reopen()


class _OwnRun(Run):
    """A run that this process records itself: there is no `gxt run` around it."""

    def __init__(self, workspace: Workspace, live: journal.LiveRun, config: Mapping[str, Json]) -> None:
        super().__init__(id_=run_id(live.number), uid=live.uid, config=config, writer=live.journal)
        self._workspace = workspace
        self._live = live
        self._started_s = time.monotonic()
        self._pid = os.getpid()
        self._holds = True
        self._environment: EnvironmentThread | None = None

    def watch_environment(self) -> None:
        """Look at the interpreter beside the training."""
        from gxt.ops.environment import EnvironmentThread

        self._environment = EnvironmentThread(self._workspace.repository, self._live, [sys.executable])
        self._environment.start()

    def end(self, status: str, exit_code: int) -> None:
        """Put the run into git. A forked child leaves that to its parent."""
        from gxt.ops.finish import finish

        if self._writer is None or self._pid != os.getpid():
            return
        try:
            if self._environment is not None:
                self._environment.finish()
            self._writer = None
            finished = finish(
                self._workspace,
                self._live,
                status=status,
                exit_code=exit_code,
                duration_s=time.monotonic() - self._started_s,
            )
            for notice in finished.notices if finished else ("the run could not be recorded",):
                self._warn(notice)
        except Exception as error:  # noqa: BLE001 the results of the training matter more
            self._failed("finish", error)

    def _after_fork(self) -> None:
        super()._after_fork()
        if self._holds:
            self._holds = False  # the fork of a fork must not close a descriptor of the training
            self._live.held.close()  # the parent's lock must end with the parent


_current: Run | None = None
_ending = 0  # the exit code that the script is about to end with


def init(
    config: object = None,
    *,
    name: str | None = None,
    message: str | None = None,
    hypothesis: str | None = None,
    parent: str | None = None,
    tags: Sequence[str] = (),
    all_ranks: bool = False,
) -> Run:
    """Begin recording: join the run of the `gxt run` around this process, or start one.

    A run of this process that is still open is finished first.

    Args:
        config: parameters: a mapping, an argparse namespace, a dataclass. They win over flags and files.
        name: a short name; the command line's wins.
        message: what is different this time.
        hypothesis: what is expected, and why.
        parent: the run that this one derives from: an id, or `none`; by default the base of the work tree.
        tags: labels.
        all_ranks: record from every process of a distributed job, not from rank 0 alone.

    Raises:
        GxtError: nothing can be recorded: not in a git repository, say, or no such parent.
    """
    global _current  # noqa: PLW0603 one run a process is what `gxt.log` without a run means
    values = redact_params(_mapping(config))
    if _current is not None:
        _end_current(_current, 0)
    if not all_ranks and _rank() > 0:
        _current = Run(id_="", uid="", config=values, writer=None)
        return _current
    directory = os.environ.get(journal.ENV_DIRECTORY)
    if directory and Path(directory).is_dir():
        _current = _join(Path(directory), values)
        _current._describe(name, message, hypothesis)
        if tags:
            _current.tag(*tags)
        return _current
    _current = _start(values, name, message, hypothesis, parent, tags)
    return _current


def log(metrics: Mapping[str, object], step: int | None = None) -> None:
    """Record metrics of the present run, as `Run.log` does; begins a run where there is none."""
    run = _current
    if run is None:
        run = _run_for("log")
    run.log(metrics, step)


def log_params(params: Mapping[str, object]) -> None:
    """Record parameters of the present run, merged over those that are known."""
    (_current or _run_for("log_params")).log_params(params)


def tag(*tags: str) -> None:
    """Label the present run."""
    (_current or _run_for("tag")).tag(*tags)


def finish(exit_code: int = 0) -> None:
    """End the present run: it is completed, or failed when the exit code is not 0."""
    if _current is not None:
        _end_current(_current, exit_code)


def _run_for(what: str) -> Run:
    """The run to record into when nobody called `init`: never a failure, at worst one that keeps nothing."""
    global _current  # noqa: PLW0603 as in init
    try:
        return init()
    except Exception as error:  # noqa: BLE001 `log` never raises into training
        _current = Run(id_="", uid="", config={}, writer=None)
        _current._failed(what, error)
        return _current


def _join(directory: Path, values: JsonObject) -> Run:
    """Write into the run around this process; a full disk costs the records, never the training."""
    number = journal.reserved_number(directory)
    run = Run(id_=run_id(number), uid=directory.name, config=values, writer=None)
    try:
        run._writer = journal.JournalWriter(directory / journal.JOURNAL)
        journal.say_interpreter(directory)
    except OSError as error:
        run._failed("init", error)
    if values:
        run.log_params(values)
    return run


def _start(
    values: JsonObject,
    name: str | None,
    message: str | None,
    hypothesis: str | None,
    parent: str | None,
    tags: Sequence[str],
) -> Run:
    from gxt.git.objects import ObjectReader
    from gxt.ops.start import StartRequest, begin, plan
    from gxt.ops.workspace import open_workspace

    workspace = open_workspace()
    command = [Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]]
    request = StartRequest(
        command=command,
        name=name,
        message=message,
        hypothesis=hypothesis,
        parent=parent,
        tags=tags,
        config=values,
    )
    with ObjectReader(workspace.repository.top) as reader:
        live = begin(workspace, plan(workspace, request, reader), reader)
    run = _OwnRun(workspace, live, values)
    run.watch_environment()
    return run


def _end_current(run: Run, exit_code: int) -> None:
    global _current, _ending  # noqa: PLW0603 as in init
    if isinstance(run, _OwnRun):
        interrupted = exit_code == 130
        run.end("interrupted" if interrupted else "failed" if exit_code else "completed", exit_code)
    else:
        run._close()
    if _current is run:
        _current = None
        _ending = 0


def _mapping(config: object) -> JsonObject:
    if config is None:
        return {}
    values = normalise(config)
    return values if isinstance(values, dict) else {"config": values}


def _rank() -> int:
    for variable in _RANKS:
        text = os.environ.get(variable, "")
        if text.isdigit():
            return int(text)
    return 0


def _exit_code_of(kind: type[BaseException] | None, error: BaseException | None = None) -> int:
    """The exit code of a process that an exception ends, as Python itself would give it."""
    if kind is None:
        return 0
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 130 if issubclass(kind, KeyboardInterrupt) else 1


def _note_failure(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An exception that ends the script: remember it for the status, then show it as before."""
    global _ending  # noqa: PLW0603 read at exit
    _ending = _exit_code_of(kind, error)
    _excepthook(kind, error, trace)


def _note_exit(code: object = None, /) -> NoReturn:
    """`sys.exit`, remembered for the status: its exception never reaches `sys.excepthook`."""
    global _ending  # noqa: PLW0603 read at exit
    _ending = code if isinstance(code, int) else int(code is not None)
    raise SystemExit(code)


def _at_exit() -> None:
    if _current is not None:
        _end_current(_current, _ending)


def _in_forked_child() -> None:
    if _current is not None:
        try:
            _current._after_fork()
        except OSError as error:
            _current._failed("fork", error)


_excepthook = sys.excepthook
sys.excepthook = _note_failure
sys.exit = _note_exit
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
