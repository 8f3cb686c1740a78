"""A run as training code holds it. What it logs goes into a journal; nothing here raises into the training.

The first failure is one warning and a notice in the run. One `log` is one `write` of one line, so what was
logged survives a SIGKILL in the next instruction. Which run a process has is `gxt.api`'s part.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsInt, cast

from gxt.ending import exit_code_of
from gxt.errors import CannotRecord, GxtError, MachineFailed, UsageError
from gxt.media import Media
from gxt.model.json_types import Json, JsonObject
from gxt.model.metrics import flatten_numbers, to_number
from gxt.model.params import normalise, top_level
from gxt.model.scalars import clean_text
from gxt.model.secrets import redact_params
from gxt.store import journal
from gxt.store.descriptor import Descriptor

if TYPE_CHECKING:
    from gxt.capture.notebook import Cells
    from gxt.ops.resume import Resumed
    from gxt.ops.used_data import UsedData

MACHINE = "the machine"
"""What a warning is about that all calls would repeat: a full disk, say."""
_STEP_LIMIT = 1 << 63
_EXACT_INT = 1 << 53  # beyond it an integer is not a double any more; such values go the slow way


class Run(Media):
    """A run that is being recorded. `gxt.init` makes one.

    Attributes:
        id: `exp-013`; while the run goes on it can still change when a colleague's run comes first.
        uid: the identity of the run, the same everywhere and for ever. Empty when nothing is recorded.
        config: the parameters given to `init` by name, each as it was given.
    """

    def __init__(
        self,
        *,
        id_: str = "",
        uid: str = "",
        config: Mapping[str, Any],
        writer: journal.JournalWriter | None = None,
    ) -> None:
        self.id = id_
        self.uid = uid
        self.config = dict(config)
        self._writer = writer
        self._step = -1
        self._warned = set[str]()  # what has failed: calls by their names, and the machine
        self._warnings = set[str]()
        self._ended = False
        self._told_of_end = False
        self._told: set[str] = set()  # the outputs that grow of which the journal knows
        self._cells: Cells | None = None
        self._failed_cell = 0  # the exit code that the last cell of a notebook comes to
        self._used: UsedData | None = None
        self._part: Descriptor | None = None  # what tells rank 0 that this other rank still logs

    def __repr__(self) -> str:
        state = "ended" if self._ended else "live" if self._writer else "not recorded"
        return f"<gxt run {self.id}, {state}>" if self.id else f"<gxt run, {state}>"

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(exit_code_of(kind, error))

    def log(self, metrics: Mapping[str, object], step: int | None = None, *, counted: bool = True) -> None:
        """Record the values of metrics at a step.

        Args:
            metrics: numbers by name: Python, numpy and torch scalars. Nested mappings and the parts of a
                tuple are joined with `/`; NaN and infinities are kept.
            step: any integer; without it one more than the step before, 0 at first.
            counted: whether that is the step before for the next call; not for what has a count of its own
                and logs between the calls of others.
        """
        writer = self._writer
        if writer is None:
            self._ignore("log")
            return
        try:
            if type(metrics) is not dict:
                _check_named(metrics)
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
            if counted:
                self._step = step
            event = {"e": "metrics", "t": time.time_ns() // 1000, "s": step, "m": values}
            try:
                line = journal.encode(event)
            except TypeError:  # a name that JSON has no text for
                line = journal.encode({**event, "m": self._numbers(metrics)})
            writer.write_line(line)
        except Exception as error:  # noqa: BLE001 training goes on whatever happens here
            self._failed("log", error)

    def log_metrics(self, metrics: Mapping[str, object], step: int | None = None) -> None:
        """`log`, as MLflow spells it."""
        self.log(metrics, step)

    def log_metric(self, key: str, value: object, step: int | None = None) -> None:
        """Record one metric: `log({key: value}, step)`, as MLflow spells it."""
        try:
            metrics = {key: value}
        except Exception as error:  # noqa: BLE001 training goes on whatever happens here
            self._failed("log_metric", error)
        else:
            self.log(metrics, step)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record parameters, merged over those that are known; also argparse namespaces and dataclasses."""
        self._write("log_params", "params", lambda: {"params": recorded(top_level(params))})

    def log_param(self, key: str, value: object) -> None:
        """Record one parameter: `log_params({key: value})`, as MLflow spells it."""
        self._write("log_param", "params", lambda: {"params": recorded({key: value})})

    def define_metric(
        self,
        name: str,
        *,
        goal: str | None = None,
        summary: str | None = None,
        unit: str | None = None,
    ) -> None:
        """Say what a metric means. The last word on a name counts.

        Args:
            name: of the metric, as it is logged.
            goal: `min` or `max`: which way it is better. The settings of the repository win; without both it
                is guessed from the name.
            summary: the value that stands for the run in lists: `last`, `min`, `max`, `best` (by the goal) or
                `mean`; by default the last one.
            unit: such as `s` or `%`.
        """

        def fields() -> JsonObject:
            from gxt.model.defined import definition

            return definition(name, goal, summary, unit)

        self._write("define_metric", "metric_defined", fields)

    def log_eval(self, values: Mapping[str, object], name: str = "eval", step: int | None = None) -> None:
        """Record what an evaluation found, as `gxt eval` does of a run that has ended.

        Args:
            values: numbers and texts by name, nested as deeply as 32. Secrets in it are not kept.
            name: of the evaluation; of several with one name the last counts.
            step: that was evaluated, where it was not the end.
        """

        def fields() -> JsonObject:
            from gxt.ops.evaluate import kept_evaluation

            _check_evaluation(values)
            called, kept = kept_evaluation(clean_text(str(name)), recorded(top_level(values)))
            at = None if step is None else self._whole(step)
            id_ = f"{self.uid}-{time.time_ns()}-{os.getpid()}"  # several processes may evaluate at once
            return {"id": id_, "name": called, "step": at, "values": kept}

        self._write("log_eval", "evaluation", fields)

    def tag(self, *tags: str | Iterable[str]) -> None:
        """Label the run."""
        label = f"{self.uid}-{time.time_ns()}"
        self._write("tag", "tag", lambda: {"id": label, "tags": list[Json](labels(tags))})

    def warn(self, text: str) -> None:
        """Tell the user by the logger `gxt`, and keep it with the run as a notice; the same text once."""
        try:
            said = clean_text(str(text))
        except Exception as error:  # noqa: BLE001 training goes on whatever happens here
            self._failed("warn", error)
            return
        if said in self._warnings:
            return
        self._warnings.add(said)
        say(said)
        self._write("warn", "notice", lambda: {"text": said})

    def log_model(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        step: int | None = None,
        meta: Mapping[str, object] | None = None,
    ) -> None:
        """Keep a checkpoint. When it returns the content is safe, and the file may be overwritten.

        Hashing it and storing it goes on beside the training. The same content is stored once.

        Args:
            path: a file or a folder; of an ONNX file its external data too.
            name: what it is called; the last part of the path by default.
            step: of the training, by which its metric is known.
            meta: what else is to be known of it, as parameters are given.
        """
        self._put_out("log_model", "model", path, name, step, meta)

    def log_artifact(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        step: int | None = None,
        meta: Mapping[str, object] | None = None,
    ) -> None:
        """Keep any other file or folder, as `log_model` does a checkpoint."""
        self._put_out("log_artifact", "", path, name, step, meta)

    def finish(self, exit_code: int = 0) -> None:
        """End the run; under `gxt run` it ends with its command. Logging afterwards is ignored."""
        if not self._ended:
            self._ended = True
            if self._cells is not None:
                self._cells.stop()
            self._end(exit_code)

    def _end(self, exit_code: int) -> None:  # noqa: ARG002 the command around it says how it ended
        if self._used is not None:
            self._used.finish()
        self._close()

    def _left(self, exit_code: int = 0) -> None:
        """Nobody has said how it ended: by an exit code, or as the last cell of its notebook."""
        self.finish(exit_code or self._failed_cell)

    def _keep_summary(self) -> dict[str, Any]:
        """Keep what is known of the run by now as an output; the same, empty where that fails."""
        summary: dict[str, Any] = {}

        def keep(writer: journal.JournalWriter) -> None:
            from gxt.ops.media import put_summary

            writer.check()
            run = journal.read_summary(writer.directory, unfinished="running").run()
            known = {key: run[key] for key in ("uid", "name", "params", "metrics", "metric_stats")}
            self._tell(writer, put_summary(writer.directory, {"id": self.id, **known}))
            summary.update(id=self.id, **known)

        self._do("save_summary", keep)
        return summary

    def _use_data(self, named: Sequence[str]) -> None:
        """Record data that the script names in the run of another process. Raises UsageError."""
        if self._writer is None:
            return
        from gxt.ops.used_data import UsedData

        self._used = UsedData(self._writer, named)
        try:
            self._used.begin()
        except OSError as error:
            self._failed("init", error)

    def _go_on(self, before: Resumed) -> None:
        """Go on with the steps and the parameters of the run before."""
        self._step = max(self._step, before.last_step)
        given = self.config

        def inherit(writer: journal.JournalWriter) -> None:
            from gxt.ops.resume import inherited

            params = inherited(writer.directory, before)
            self.config = {**params, **given}
            writer.append("params", {"params": params})

        self.config = {**before.params, **given}  # also where another rank records
        if self._writer is not None:
            self._do("resume", inherit)

    def _put_out(
        self,
        what: str,
        kind: str,
        path: object,
        name: object,
        step: object,
        meta: Mapping[str, object] | None,
    ) -> None:
        def put(writer: journal.JournalWriter) -> None:
            from gxt.ops.outputs import put_out

            at = None if step is None else _whole_step(step)
            if step is not None and at is None:
                self._warn(f"{what}: step {step!r} is no 64-bit integer; kept without one", what)
            facts = recorded(meta) if meta else {}
            self._tell(writer, put_out(writer.directory, path, kind=kind, name=name, step=at, meta=facts))

        self._do(what, put)

    def _tell(self, writer: journal.JournalWriter, said: JsonObject) -> None:
        """Make what was put aside an output of the run."""
        try:
            writer.append("artifact", said)
        except OSError:
            from gxt.ops.outputs import take_back

            take_back(writer.directory, said)
            raise
        self._store_beside()

    def _store_beside(self) -> None:
        """Have what was put out stored beside the training; under `gxt run` the wrapper does."""

    def _whole(self, step: object) -> int:
        """A step that is no plain int64: what has a whole value keeps it, anything else counts on."""
        whole = _whole_step(step)
        if whole is None:
            self._warn(f"log: step {step!r} is no 64-bit integer; counted on from the last one", "step")
            return self._step + 1
        return whole

    def _numbers(self, metrics: Mapping[str, object]) -> dict[str, float]:
        numbers = flatten_numbers(metrics)
        if len(numbers) < len(metrics) and not any(isinstance(value, Mapping) for value in metrics.values()):
            lost = sorted(str(name) for name, value in metrics.items() if to_number(value) is None)
            others = "gxt.log_text keeps texts, gxt.log_params settings"
            self._warn(f"log: not a number: {', '.join(lost)} ({others})", "log")
        return numbers

    def _describe(self, said: Mapping[str, str | None]) -> None:
        if said:
            self._write("init", "described", lambda: said)

    def _at(self, step: object) -> int | None:
        """The step of a medium: by default that of the last `log`, if there was one."""
        if step is None:
            return self._step if self._step >= 0 else None
        return self._whole(step)

    def _write(self, what: str, kind: str, fields: journal.Fields) -> None:
        self._do(what, lambda writer: writer.append(kind, fields()))

    def _do(self, what: str, act: Callable[[journal.JournalWriter], None]) -> None:
        """Do something with the journal; whatever fails is one warning."""
        if self._writer is None:
            self._ignore(what)
            return
        try:
            act(self._writer)
        except Exception as error:  # noqa: BLE001 training goes on whatever happens here
            self._failed(what, error)

    def _ignore(self, what: str) -> None:
        """Say once that the run has ended; what other ranks log is left out without a word."""
        if self._ended and self.uid and not self._told_of_end:
            self._told_of_end = True
            say(f"{what} after finish is ignored: gxt.init() begins another run")

    def _failed(self, what: str, error: BaseException) -> None:
        try:
            reason = str(error)
        except Exception:  # noqa: BLE001 an exception of the script's own making may not even print
            reason = "it cannot be shown"
        about = MACHINE if isinstance(error, (OSError, CannotRecord, MachineFailed)) else what
        if isinstance(error, GxtError):
            self._warn(f"{what}: {reason}", about)
        else:
            self._warn(f"{what}: {type(error).__name__}: {reason}", about)

    def _warn(self, text: str, about: str) -> None:
        """Say it, the first of what it is about, and keep it in the run."""
        if about in self._warned:
            return
        self._warned.add(about)
        say(f"{text}; the training goes on")
        if self._writer is not None:
            with suppress(OSError, ValueError):
                self._writer.append("notice", {"text": text})

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):
                writer.close()
        if self._part is not None:
            self._part.close()

    def _after_fork(self) -> None:
        if self._part is not None:
            self._part.close()
        if self._writer is not None:
            self._writer.reopen()


def _whole_step(step: object) -> int | None:
    whole = int(step) if isinstance(step, SupportsInt) else None
    return None if whole is None or whole != step or not -_STEP_LIMIT <= whole < _STEP_LIMIT else whole


def recorded(params: Mapping[str, Any]) -> JsonObject:
    """Parameters as they are written: plain, and without secrets.

    Raises:
        InvalidParams: too deep or too large.
    """
    return redact_params(cast("JsonObject", normalise(params)))


def labels(tags: object) -> list[str]:
    """Tags as texts; one text is one tag, and what holds several is taken apart."""
    if tags is None:
        return []
    if isinstance(tags, Iterable) and not isinstance(tags, (str, bytes)):
        return [label for one in tags for label in labels(one)]
    text = clean_text(str(tags))
    return [text] if text.strip() else []


def _check_named(metrics: object) -> None:
    if not isinstance(metrics, Mapping):
        raise UsageError(
            f"metrics are numbers by name, not a {type(metrics).__name__}",
            hint='write for example gxt.log({"loss": 0.5})',
        )


def _check_evaluation(values: object) -> None:
    if not isinstance(values, Mapping) or not values:
        found = f"a {type(values).__name__}" if values else "nothing"
        raise UsageError(
            f"an evaluation holds values by name, not {found}",
            hint='write for example gxt.log_eval({"acc": 0.5})',
        )


def say(text: str) -> None:
    """Tell the user something, by the logger `gxt`."""
    import logging

    logging.getLogger("gxt").warning("gxt: %s", text)
