"""The `gxt` program: its commands, and the one place where a failure becomes words and an exit code."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from gxt.cli import output
from gxt.errors import GxtError, UsageError

BUG_EXIT_CODE = 255

# Where each command lives. Only the one that is asked for is loaded: building them all would cost 10 ms.
COMMANDS = {
    "run": "recording.run",
    "base": "recording.base",
    "list": "reading.list_",
    "show": "reading.show",
    "output": "reading.console",
    "diff": "reading.diff",
    "compare": "reading.compare",
    "tree": "reading.tree",
    "status": "reading.status",
    "demo": "demo.demo",
}


class _Command(TyperCommand):
    """A command whose usage line has no braces around what is required."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 typer gives its class no public name
        """The words of the usage line."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


def application(names: Iterable[str]) -> typer.Typer:
    """The program with these commands."""
    app = typer.Typer(
        name="gxt",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,  # plain help: rich would cost 150 ms on every --help
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in names:
        module, _, function = COMMANDS[name].partition(".")
        command = getattr(import_module(f"gxt.cli.{module}"), function)
        # what follows the first word that is no option belongs to the wrapped command, with or without `--`
        settings = {"allow_interspersed_args": name != "run"}
        app.command(name, cls=_Command, context_settings=settings)(command)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        output.write(f"gxt {version('gxt')}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A Git-native experiment tracker: your repository is the lab notebook."""
    del version


def main() -> None:
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
    finally:
        gc.freeze()  # else Python looks at every object once more on its way out: 10 ms
    sys.exit(code)


def _run(argv: list[str]) -> int:
    named = [word for word in argv[:1] if word in COMMANDS]
    app = application(named or COMMANDS)
    try:
        code = app(args=argv, standalone_mode=False, prog_name="gxt")
        output.flush()
    except output.ReaderGone:
        raise
    except GxtError as error:
        return _failed(error, argv)
    except TyperException as error:
        return _misused(error, argv)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except SystemExit as end:  # typer's own answer when nobody reads its help is 1
        if isinstance(end.__context__, BrokenPipeError):
            return 141
        raise
    except Exception as error:  # noqa: BLE001 the last resort: a bug in gxt ends with a report, not a traceback
        return _bug(error, argv)
    return code if isinstance(code, int) else 0


def _failed(error: GxtError, argv: list[str]) -> int:
    if output.wants_json(argv):
        from gxt.render import envelope

        output.write(envelope.failure(error) + "\n")
    else:
        output.say_error(error)
    return error.exit_code


def _misused(error: TyperException, argv: list[str]) -> int:
    """Words on the command line that typer refused: the same shape as our own errors."""
    message = getattr(error, "format_message", lambda: str(error))()
    if not message or getattr(error, "ctx", None) is None:
        message = message or "see gxt --help"
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "gxt"
    if type(error).__name__ == "NoArgsIsHelpError":
        output.write(message + "\n")
        return 2
    message = f"{message[:1].lower()}{message[1:]}".rstrip(".")
    return _failed(UsageError(message, hint=f"{path} --help tells how"), argv)


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
