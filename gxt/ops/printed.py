"""Metrics that a run has only printed: read from its stored console when it is over, also after a kill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.model.run import CONSOLE, metrics_of
from gxt.store import journal
from gxt.store.console import collect, parse_lines

if TYPE_CHECKING:
    from gxt.model.events import Folded
    from gxt.store.run_settings import RunSettings

# a line of the log whose text holds a number: without one there is nothing to load a parser for
_NUMBER: Final = re.compile(rb"^\S+ [12] .*?(?:\d|nan|inf)", re.MULTILINE | re.IGNORECASE)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def printed(directory: Path, settings: RunSettings | None, folded: Folded) -> list[bytes]:
    """The journal's lines that the console of a run amounts to; none where it has metrics from elsewhere.

    They are not written anywhere: the console stays until the run is sealed, and says the same again.

    Args:
        directory: of the live run, which is over.
        settings: whether, and by which patterns of the user's own; None for the usual way.
        folded: what its journal says.

    Raises:
        OSError: the console cannot be read.
    """
    is_wanted = settings is None or settings.scrape
    if not is_wanted or metrics_of(folded.run()) or journal.started(directory).get("scrape") is False:
        return []
    log = collect(directory)
    if not _NUMBER.search(log):
        return []
    lines = [(at, text.decode(errors="replace")) for at, stream, text in parse_lines(log) if stream]
    try:
        events = list(_events(lines, settings.patterns if settings else (), folded.last_us))
    except Exception as error:  # noqa: BLE001 whatever a console holds, the run goes into git
        text = f"no metrics were read from the console: {error!r}"
        events = [{"e": "notice", "t": folded.last_us, "text": text}]
    return [journal.encode(event).encode() for event in events]


def _events(
    lines: list[tuple[str, str]], patterns: tuple[str, ...], last_us: int
) -> Iterator[dict[str, object]]:
    from gxt.capture.scraping import scrape

    notes: list[str] = []
    own = _by_own_patterns([text for _, text in lines], patterns, notes)
    names: dict[str, None] = {}
    for point in scrape([(_time(at) or last_us, text) for at, text in lines], own):
        names |= dict.fromkeys(point.values)
        yield {"e": "metrics", "t": point.at_us, "s": point.step, "m": point.values, "source": CONSOLE}
    if names or notes:
        note = "; ".join(notes) or None
        said = {"kind": CONSOLE, "path": None, "metrics": [*names], "params": 0, "note": note}
        yield {"e": "source", "t": last_us, **said}
    for text in notes:
        yield {"e": "notice", "t": last_us, "text": text}


def _by_own_patterns(
    lines: list[str], patterns: tuple[str, ...], notes: list[str]
) -> list[dict[str, str] | None]:
    if not patterns:
        return []
    from gxt.capture.own_patterns import TIMEOUT_S, match_apart

    found = match_apart(patterns, lines)
    if found is None:
        notes.append(f"the patterns of [scrape] were given up after {TIMEOUT_S:.0f} s: simplify them")
    return found or []


def _time(text: str) -> int | None:
    """Microseconds since the epoch of a time in the console's form; None where a line is damaged."""
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    since = at - _EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
