"""The `gxt` program: its commands, and the one place where a failure becomes words and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import GxtError, UsageError, machine_failure
from gxt.model.version import __version__

BUG_EXIT_CODE = 255

# Each command: its module and function, and a line about it. Only the one that is asked for is loaded.
COMMANDS = {
    "init": ("preparing.init", "Prepare a repository: its main metric, settings for plain git."),
    "run": ("recording.run", "Run a command as it would run without gxt, and record it."),
    "base": ("recording.base", "Show or set the base: the parent of the next run in this work tree."),
    "list": ("reading.list_", "List runs, newest first, running ones on top."),
    "show": ("reading.show", "Show everything about one run; the latest when none is named."),
    "output": ("reading.console", "Show what a run printed."),
    "diff": ("reading.diff", "Show what differs: metrics, parameters, code, environment."),
    "compare": ("comparing.compare", "Show runs side by side, a metric against parameters, pivot tables."),
    "plot": ("plotting.plot", "Draw runs: learning curves, comparisons, gradients, the tree."),
    "report": (
        "reporting.report",
        "Write a page about runs for any browser, or Markdown for a pull request.",
    ),
    "scaling": ("analysing.scaling", "Fit y = a·x^b + c to runs, and say how sure that is."),
    "tree": ("reading.tree", "Draw the evolution tree: green better than the parent, red worse."),
    "checkout": ("returning.checkout", "Bring the files of a run back, and make it the base."),
    "branch": ("returning.branch", "Make a branch of a run."),
    "reproduce": ("returning.reproduce", "Run a run again with its code, and compare the results."),
    "tag": ("annotating.tag", "Label a run, or take labels away from it."),
    "note": ("annotating.note", "Say something about a run: a comment, or what follows from it."),
    "eval": ("annotating.eval_", "Add what an evaluation found to a run that has ended."),
    "rename": ("annotating.rename", "Give a run another name, or none."),
    "rm": ("annotating.rm", "Remove runs from lists and trees; --undo brings them back."),
    "status": ("reading.status", "Show what is running, the base, and what the next run records."),
    "pull": ("sharing.pull", "Take over what colleagues have recorded and said."),
    "push": ("sharing.push", "Publish runs, and what was said of runs."),
    "export": ("exporting.export", "Write runs as files that need no gxt, or for other trackers."),
    "import": ("importing.import_", "Bring runs from files and other trackers into the history."),
    "gc": ("checking.gc", "Free removed runs that nobody else has, and leftovers; have git pack."),
    "doctor": ("checking.doctor", "Check everything that runs depend on, and mend it with --repair."),
    "demo": ("demo.demo", "Show gxt at work in a small repository made for it."),
}
ABOUT = "A Git-native experiment tracker: your repository is the lab notebook."


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    gc.disable()  # a command lives for a tenth of a second: collecting would cost a quarter of a long list
    output.prepare_streams()
    try:
        code = _run(sys.argv[1:])
        output.flush()
    except output.ReaderGone:
        code = 141
    except GxtError as error:
        output.say_error(error)
        code = error.exit_code
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # its reader has gone
            stream.flush()
    os._exit(code)  # on its way out Python would look at every object and module once more: up to 10 ms


def _run(argv: list[str]) -> int:
    try:
        _perform(argv)
        output.flush()
    except output.ReaderGone:
        raise
    except GxtError as error:
        return _failed(error, argv)
    except KeyboardInterrupt:
        output.take_back()
        return 130
    except SystemExit as end:  # argparse has shown its help, or the wrapped command has ended
        return end.code if isinstance(end.code, int) else 0
    except OSError as error:
        failure = machine_failure(error)
        return _failed(failure, argv) if failure else _bug(error, argv)
    except Exception as error:  # noqa: BLE001 the last resort: a bug in gxt ends with a report, not a traceback
        return _bug(error, argv)
    return 0


def _perform(argv: list[str]) -> None:
    """Do what the words say: a command, or help.

    Raises:
        UsageError: they make no sense.
    """
    name = argv[0] if argv else "--help"
    if name in {"-h", "--help"}:
        output.write(overview())
    elif name == "--version":
        output.write(f"gxt {__version__}\n")
    elif name not in COMMANDS:
        raise UsageError(_unknown(name), hint="gxt --help tells how")
    else:
        function, parser = command(name)
        function(parser.read(argv[1:]))


def command(name: str) -> tuple[Callable[[Namespace], None], Parser]:
    """A command's function and the parser of its words."""
    path, _ = COMMANDS[name]
    module_name, _, function_name = path.partition(".")
    module = import_module(f"gxt.cli.{module_name}")
    function = getattr(module, function_name)
    parser = Parser(name, function.__doc__)
    getattr(module, f"{function_name}_words")(parser)
    return function, parser


def overview() -> str:
    """What `gxt --help` shows, without loading any command."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{about}" for name, (_, about) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: gxt COMMAND [options]",
            "",
            ABOUT,
            "",
            "commands:",
            *lines,
            "",
            "gxt COMMAND --help tells its options; gxt --version the version.",
            "",
        ]
    )


def _unknown(name: str) -> str:
    if name.startswith("-"):
        return f"no such option: {name}"
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    return f"no such command: {name}" + (f"; did you mean {near[0]}?" if near else "")


def _failed(error: GxtError, argv: list[str]) -> int:
    if output.wants_json(argv):
        from gxt.render import envelope

        output.write(envelope.failure(error) + "\n")
    else:
        output.say_error(error)
    return error.exit_code


def _bug(error: BaseException, argv: list[str]) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="gxt-bug-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as log:
        traceback.print_exception(error, file=log)
    what = f"a bug in gxt: {type(error).__name__}: {error}"
    _failed(GxtError(what, hint=f"please report it with {log.name}"), argv)
    return BUG_EXIT_CODE
