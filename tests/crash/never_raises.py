"""A training that calls everything of the API while something below it is broken: `never_raises.py BREAKAGE`.

A function that is public and not called here ends it with an error: whatever is added comes under the test.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import gxt

STARTS_OR_READS = {"init", "resume", "get", "runs"}


class Figure:
    """As much of matplotlib's as is needed: it takes half a second to load."""

    def savefig(self, file: IO[bytes], **_: object) -> None:
        file.write(b"\x89PNG\r\n\x1a\n" + bytes(24))


class Hostile:
    """Everything that is asked of it raises."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def _refuse(self, *_: object) -> Any:  # noqa: ANN401 it never does
        raise RuntimeError("hostile")

    __str__ = __repr__ = __len__ = __iter__ = __float__ = __int__ = __fspath__ = __bool__ = __hash__ = _refuse
    __eq__ = __getitem__ = _refuse


USUAL: dict[str, tuple[object, ...]] = {
    "define_metric": ("loss",),
    "finish": (),
    "log": ({"loss": 0.5},),
    "log_artifact": ("weights.bin",),
    "log_config": ({"more": 1},),
    "log_eval": ({"acc": 0.5},),
    "log_figure": ("figure", Figure()),
    "log_histogram": ("histogram", [1.0, 2.0]),
    "log_image": ("image", [[0, 255]]),
    "log_metric": ("loss", 0.25),
    "log_metrics": ({"loss": 0.25},),
    "log_model": ("model.bin",),
    "log_param": ("lr", 0.5),
    "log_params": ({"lr": 0.5},),
    "log_table": ("table", [{"a": 1}]),
    "log_text": ("text", "said"),
    "save_summary": (),
    "tag": ("label",),
    "warn": ("said",),
}


def functions() -> Iterator[tuple[str, Callable[..., object], str]]:
    """Every call that a training can make after `init`: its name, itself, and the name of its arguments."""
    for name in gxt.__all__:
        public = getattr(gxt, name)
        if inspect.isfunction(public) and name not in STARTS_OR_READS | {"finish"}:
            yield f"gxt.{name}", public, name
    experiment = gxt.Experiment.__new__(gxt.Experiment)
    experiment.run, experiment.name, experiment.config = RUN, "x", {}
    for kind, owner in ((gxt.Run, RUN), (gxt.Experiment, experiment)):
        for name, _ in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_") and name != "finish":
                yield f"{kind.__name__}.{name}", getattr(owner, name), name


def full_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))


def live() -> Path:
    return Path(os.environ["GXT_LIVE"])


def journal_replaced() -> None:
    (live() / "journal.jsonl").unlink()
    (live() / "journal.jsonl").mkdir()


def staging_replaced() -> None:
    shutil.rmtree(live() / "files")
    (live() / "files").write_text("no folder")


def delete(directory: Path) -> None:
    while directory.exists():  # a thread of the recording may write into it meanwhile
        shutil.rmtree(directory, ignore_errors=True)


def read_only() -> None:
    for words in (("--bind", ".git", ".git"), ("-o", "remount,ro,bind", ".git")):
        subprocess.run(["mount", *words], check=True)


def no_git() -> None:
    os.environ["PATH"] = "/nowhere"


def no_threads() -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threading.Thread.start = refuse  # type: ignore[assignment, method-assign]


def no_place() -> None:
    os.mkdir("gone")  # noqa: PTH102 as short as what it is about
    os.chdir("gone")
    os.rmdir("../gone")  # noqa: PTH106


def descriptors_closed() -> None:
    os.closerange(3, 200)


def no_stderr() -> None:
    sys.stderr = None


BREAKAGES: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "full disk": full_disk,
    "directory deleted": lambda: delete(live()),
    "repository deleted": lambda: delete(Path(".git")),
    "journal replaced": journal_replaced,
    "staging replaced": staging_replaced,
    "read-only": read_only,
    "no git": no_git,
    "no threads": no_threads,
    "no working directory": no_place,
    "descriptors closed": descriptors_closed,
    "no stderr": no_stderr,
    "finished": gxt.finish,
}


def call(name: str, function: Callable[..., object], args: tuple[object, ...]) -> None:
    try:
        function(*args)
    except BaseException as error:  # noqa: BLE001 whatever it is, it is what must not happen
        with contextlib.suppress(Exception):
            RAISED.append(f"{name}: {type(error).__name__}: {error}")


RAISED: list[str] = []
for file in ("weights.bin", "model.bin"):
    Path(file).write_text("weights")
breakage = sys.argv[1]
RUN = gxt.init({"lr": 0.1}, name="broken")
gxt.log({"loss": 1})
gxt.log_histogram("histogram", [1.0])
if breakage == "hostile values":
    hostile = Hostile()
    logging.disable()  # what is said of them is no matter here
    for where, function, name in functions():
        for count in range(1, len(USUAL[name]) + 1):
            for value in (
                hostile,
                None,
                b"\xff",
                {Hostile: hostile},
                {"a": hostile},
                [hostile],
                10**400,
            ):
                args = (*USUAL[name][: count - 1], value, *USUAL[name][count:])
                call(where, function, args)
else:
    BREAKAGES[breakage]()
    for where, function, name in functions():
        call(where, function, USUAL[name])
call("gxt.finish", gxt.finish, ())
call("Run.finish", RUN.finish, ())
sys.stdout.write("\n".join([*RAISED, "trained\n"]))
