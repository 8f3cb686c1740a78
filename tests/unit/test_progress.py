"""The bar on stderr: when it appears, what it shows, that nothing of it stays."""

from __future__ import annotations

import io
import time
from contextlib import redirect_stderr

import pytest

from gxt.cli import output
from gxt.cli.progress import Bar, bar
from gxt.store.progress import untold


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2


class Clock:
    """The monotonic clock, which stands still."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(time, "monotonic", stopped)
    return stopped


@pytest.fixture
def columns_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def drawn(clock: Clock, after_s: float, *told: tuple[int, int]) -> str:
    """What a terminal gets of a bar that is told so much, so long after it began."""
    with redirect_stderr(Screen()) as screen:
        told_bar = Bar()
        clock.now_s += after_s
        for done, total in told:
            told_bar("reading the history", done, total)
        shown = screen.getvalue()
        output.take_back()
    return shown


def test_short_work_shows_nothing(clock: Clock) -> None:
    assert drawn(clock, 0.9, (500, 1000), (1000, 1000)) == ""


@pytest.mark.usefixtures("columns_80")
def test_long_work_shows_how_far_it_is_and_leaves_nothing(clock: Clock) -> None:
    assert drawn(clock, 1.0, (500, 3000), (2999, 3000), (3000, 3000)) == (
        f"\rreading the history [#####{'-' * 25}] 16 %\x1b[K"
        f"\rreading the history [{'#' * 29}-] 99 %\x1b[K"
        "\r\x1b[K"
    )


def test_in_a_narrow_terminal_the_bar_stays_on_its_line(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    assert drawn(clock, 2.0, (1500, 3000)) == "\rreading the history [\x1b[K"


def test_no_work_at_all_is_done_at_once(clock: Clock) -> None:
    assert drawn(clock, 2.0, (0, 0)) == "\r\x1b[K"


@pytest.mark.usefixtures("columns_80")
def test_what_is_said_meanwhile_takes_the_place_of_the_bar(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stderr(Screen()) as screen:
        told_bar = Bar()
        clock.now_s += 1.0
        told_bar("reading", 1, 2)
        output.say("gxt: git cannot read it")
        output.take_back()
    assert screen.getvalue() == (
        f"\rreading [{'#' * 15}{'-' * 15}] 50 %\x1b[K\r\x1b[Kgxt: git cannot read it\n"
    )


def test_there_is_a_bar_on_a_terminal_only() -> None:
    with redirect_stderr(Screen()):
        assert isinstance(bar(), Bar)
    with redirect_stderr(io.StringIO()):
        assert bar() is untold
