"""What went to a remote, and what came from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gxt.model.json_types import Json, JsonObject
from gxt.ops.pull import Pulled
from gxt.ops.push import Pushed
from gxt.render.clean import one_line
from gxt.render.values import size
from gxt.render.view import Line, Span, View, line

if TYPE_CHECKING:
    from gxt.ops.pull_data import PulledData
    from gxt.ops.push_data import PushedData

_MOST = 6


def pulled_page(pulled: Pulled, data: PulledData | None = None, *, dry_run: bool) -> View:
    """What came, and which of our own runs have another number now."""
    lines = [*_pulled(pulled, dry_run=dry_run), *_data("from", data, dry_run=dry_run)]
    return lines or [line("all the data is here")]


def _pulled(pulled: Pulled, *, dry_run: bool) -> View:
    if not pulled.remote:
        return []
    if pulled.is_empty:
        return [line(f"{pulled.remote} has no runs yet: gxt push publishes yours")]
    told = counts(pulled.new, pulled.updated)
    if not told:
        return [line(f"{pulled.remote} has nothing new"), *_moved(pulled.renumbered, pulled.remote)]
    would = "would come " if dry_run else ""
    moved = [*_moved(pulled.renumbered, pulled.remote), *_elsewhere(pulled.elsewhere, pulled.remote)]
    return [line(f"{would}from {pulled.remote}: {told}"), *moved]


def pushed_page(pushed: Pushed, data: PushedData | None = None, *, dry_run: bool) -> View:
    """What went, and what travelled with it."""
    lines = [*_pushed(pushed, dry_run=dry_run), *_data("to", data, dry_run=dry_run)]
    return lines or [line(f"no data to push: {data.remote if data else ''} has it all")]


def _pushed(pushed: Pushed, *, dry_run: bool) -> View:
    if not pushed.remote:
        return []
    moved = [*_moved(pushed.renumbered, pushed.remote), *_elsewhere(pushed.elsewhere, pushed.remote)]
    told = counts(pushed.new, pushed.updated)
    if not told:
        return [line(f"nothing to push: {pushed.remote} has it all"), *moved]
    would = "would go " if dry_run else ""
    lines: list[Line] = [line(f"{would}to {pushed.remote}: {told}"), *moved]
    if pushed.code:
        count = "1 commit" if len(pushed.code) == 1 else f"{len(pushed.code)} commits"
        shown = _shown([oid[:10] for oid in pushed.code])
        lines.append(line(f"  with {count} of code that no branch of {pushed.remote} has: {shown}"))
    return [*lines]


def _data(way: str, data: PulledData | PushedData | None, *, dry_run: bool) -> View:
    if data is None or not data.objects:
        return []
    count = "1 object" if data.objects == 1 else f"{data.objects} objects"
    would = ("would go " if way == "to" else "would come ") if dry_run else ""
    return [line(one_line(f"{would}{way} {data.remote}: {count} of data, {size(data.size_bytes)}"))]


def staying(data: PushedData, *, is_asked_for: bool) -> list[str]:
    """What to tell where the data of runs that were published stays here."""
    if not data.stays:
        return []
    stays = f"the data of {_shown(data.stays)} stays here"
    if is_asked_for:
        return [f"{stays}: gxt push --data-only brings it after them"]
    return [f"{stays}, as DVC has no remote: dvc remote add -d storage URL, then gxt push --data-only"]


def pulled_json(pulled: Pulled, data: PulledData | None = None) -> JsonObject:
    """`gxt pull --json`."""
    return {**_as_json(pulled), "data": _data_json(data)}


def pushed_json(pushed: Pushed, data: PushedData | None = None) -> JsonObject:
    """`gxt push --json`."""
    stays = {"stays": list[Json](data.stays if data else ())}
    return {**_as_json(pushed), "code": list[Json](pushed.code), "data": {**_data_json(data), **stays}}


def _data_json(data: PulledData | PushedData | None) -> JsonObject:
    if data is None:
        return {"remote": None, "objects": 0, "bytes": 0}
    return {"remote": data.remote or None, "objects": data.objects, "bytes": data.size_bytes}


def _as_json(exchanged: Pulled | Pushed) -> JsonObject:
    return {
        "remote": exchanged.remote or None,
        "new": list[Json](exchanged.new),
        "updated": list[Json](exchanged.updated),
        "renumbered": [{"from": had, "to": has} for had, has in exchanged.renumbered],
        "elsewhere": [{"here": here, "there": there} for here, there in exchanged.elsewhere],
        "refused": list[Json](exchanged.refused),
    }


def counts(new: Sequence[str], updated: Sequence[str]) -> str:
    """How many runs, and which."""
    parts = [("1 run" if len(new) == 1 else f"{len(new)} runs", new), (f"{len(updated)} updated", updated)]
    return ", ".join(f"{what} ({_shown(ids)})" for what, ids in parts if ids)


def _shown(ids: Sequence[str]) -> str:
    return ", ".join(ids) if len(ids) <= _MOST else f"{ids[0]} … {ids[-1]}"


def _moved(renumbered: Sequence[tuple[str, str]], remote: str) -> list[Line]:
    why = one_line(f": {remote} has another run of that number")
    return [line("  ", Span(had, "id"), " is now ", Span(has, "id"), why) for had, has in renumbered]


def _elsewhere(numbers: Sequence[tuple[str, str]], remote: str) -> list[Line]:
    on = one_line(f"on {remote}")
    shown = [line("  ", Span(here, "id"), f" is {there} {on}") for here, there in numbers[:_MOST]]
    return [*shown, line(f"  … and {len(numbers) - _MOST} more")] if len(numbers) > _MOST else shown
