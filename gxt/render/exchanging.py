"""What went into files, and what came from them."""

from __future__ import annotations

from gxt.model.json_types import Json, JsonObject
from gxt.ops.export_files import Exported
from gxt.ops.export_mlflow import Sent
from gxt.ops.imported import Imported
from gxt.render.clean import one_line
from gxt.render.sharing import counts
from gxt.render.view import View, line


def exported_page(exported: Exported) -> View:
    """How many runs were written, and where."""
    folder = one_line(str(exported.folder))
    parts = [_runs(len(exported.written))] if exported.written or not exported.unchanged else []
    parts += [f"{_runs(len(exported.unchanged))} as before"] if exported.unchanged else []
    return [line(f"{', '.join(parts)} in {folder}")]


def exported_json(exported: Exported) -> JsonObject:
    """`gxt export files --json`."""
    return {
        "directory": str(exported.folder),
        "written": list[Json](exported.written),
        "unchanged": list[Json](exported.unchanged),
    }


def sent_page(sent: Sent) -> View:
    """How many runs were sent, and where."""
    told = counts(sent.new, sent.updated)
    known = f"{_runs(len(sent.unchanged))} as before" if sent.unchanged else ""
    where = f"{one_line(sent.place)}, experiment {one_line(sent.experiment)}"
    return [line(f"to {where}: {', '.join(filter(None, (told, known))) or 'no run'}")]


def sent_json(sent: Sent) -> JsonObject:
    """`gxt export mlflow --json`."""
    return {
        "place": sent.place,
        "experiment": sent.experiment,
        "new": list[Json](sent.new),
        "updated": list[Json](sent.updated),
        "unchanged": list[Json](sent.unchanged),
    }


def imported_page(imported: Imported) -> View:
    """Which runs came."""
    source = one_line(imported.source)
    told = counts(imported.new, imported.updated)
    known = f"{_runs(imported.known)} here already" if imported.known else ""
    return [line(f"from {source}: {', '.join(filter(None, (told, known))) or 'no run'}")]


def imported_json(imported: Imported) -> JsonObject:
    """`gxt import --json`."""
    return {
        "from": imported.source,
        "new": list[Json](imported.new),
        "updated": list[Json](imported.updated),
        "known": imported.known,
    }


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
