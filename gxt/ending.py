"""How a script is about to end, for whoever is asked at exit.

An exception that nobody catches passes `sys.excepthook`; SystemExit does not, so `sys.exit` and `exit` are
noted when they are called. Python tells nobody of a bare `raise SystemExit(3)`: it cannot be seen from here.
"""

from __future__ import annotations

import sys
from _sitebuiltins import Quitter
from types import FrameType, TracebackType
from typing import NoReturn

from gxt.named_tuple import NamedTuple


class _Note(NamedTuple):
    """What was last said of the end.

    Attributes:
        code: the exit code that it would come to.
        outermost: the outermost frame of the script when SystemExit was raised, which it ends if nobody
            catches it; None when it is certain.
    """

    code: int
    outermost: FrameType | None = None


_NOTHING = _Note(0)
_note = _NOTHING


def watch() -> None:
    """Note from now on how the script ends. Call it once."""
    sys.excepthook = _note_exception
    sys.exit = _note_exit
    Quitter.__call__ = _note_quit  # type: ignore[method-assign]


def forget() -> None:
    """What was noted is no end: the script has gone on."""
    global _note  # noqa: PLW0603 one end a process
    _note = _NOTHING


def exit_code() -> int:
    """The exit code of the script, at its exit; 0 when a SystemExit has been caught."""
    return 0 if _note.outermost and _has_returned(_note.outermost) else _note.code


def exit_code_of(kind: type[BaseException] | None, error: BaseException | None = None) -> int:
    """The exit code of a process that an exception ends, as Python itself would give it."""
    if kind is None:
        return 0
    if isinstance(error, SystemExit):
        return _exit_code_said(error.code)
    return 130 if issubclass(kind, KeyboardInterrupt) else 1


def _note_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In `sys.excepthook`: an exception that ends the script, which is then shown as before."""
    global _note  # noqa: PLW0603 as in forget
    _note = _Note(exit_code_of(kind, error))
    _show(kind, error, trace)


def _note_exit(code: object = None, /) -> NoReturn:
    """In place of `sys.exit`."""
    _note_said(code)
    _exit(code)  # type: ignore[arg-type]


def _note_quit(self: Quitter, code: object = None) -> NoReturn:
    """In place of what `exit` and `quit` do, the functions of interactive sessions."""
    _note_said(code)
    _quit(self, code)  # type: ignore[arg-type]


def _note_said(code: object) -> None:
    import threading

    if threading.current_thread() is not threading.main_thread():
        return  # it ends its thread only
    global _note  # noqa: PLW0603 as in forget
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
    _note = _Note(_exit_code_said(code), frame)


def _has_returned(frame: FrameType) -> bool:
    """Whether a frame that has ended came to its end, instead of being left by an exception.

    `f_lasti` stays at the last instruction (CPython 3.10 to 3.14).
    """
    import opcode

    last = frame.f_code.co_code[frame.f_lasti] if frame.f_lasti >= 0 else 0
    return opcode.opname[last] in ("RETURN_VALUE", "RETURN_CONST")


def _exit_code_said(code: object) -> int:
    """What a process ends with after `sys.exit(code)`: the system keeps eight bits, -1 is 255."""
    if isinstance(code, int):
        return code & 0xFF if -sys.maxsize <= code <= sys.maxsize else 0xFF
    return int(code is not None)


_show, _exit, _quit = sys.excepthook, sys.exit, Quitter.__call__  # whoever was there before still does it
