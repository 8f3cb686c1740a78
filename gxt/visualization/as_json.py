"""What a picture shows as numbers, for who draws it elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection, QuadMesh

from gxt.model.codec import number_to_json
from gxt.visualization.reduction import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gxt.model.json_types import Json, JsonObject


def panels(figure: Figure) -> list[Json]:
    """The panels of a figure: `{title, x, y, lines[{label, x[], y[]}], bars[{x[2], y[2]}], map}`.

    A gap in a line is "NaN". The ends of a band are lines whose label ends with `low` or `high`; bars are
    intervals from end to end; map is null, or what is drawn as colours: `{x[], rows[], values[][]}`, where x
    holds the edges of the columns.
    """
    return [_panel(ax) for ax in figure.axes if ax.get_label() != "<colorbar>" and ax.axison]


def _panel(ax: Axes) -> JsonObject:
    meshes = [one for one in ax.collections if isinstance(one, QuadMesh)]
    return {
        "title": ax.get_title(loc="left") or ax.get_title(),
        "x": ax.get_xlabel(),
        "y": ax.get_ylabel(),
        "lines": _lines(ax),
        "bars": [
            {"x": _numbers(ends[:, 0]), "y": _numbers(ends[:, 1])}
            for one in ax.collections
            if isinstance(one, LineCollection)
            for ends in map(np.asarray, one.get_segments())
        ],
        "map": _map(ax, meshes[0]) if meshes else None,
    }


def _lines(ax: Axes) -> list[Json]:
    labelled = [(_label(str(line.get_label())), line) for line in ax.lines]
    return [
        {
            "label": label,
            "x": _numbers(np.asarray(line.get_xdata())),
            "y": _numbers(np.asarray(line.get_ydata())),
        }
        for label, line in labelled
        if label
    ]


def _label(label: str) -> str:
    """What a line is called; empty for one that belongs to another."""
    for end in ("low", "high"):
        if label.startswith(f"_{end} "):
            return f"{label.removeprefix(f'_{end} ')} {end}"
    return "" if label.startswith("_") else label


def _map(ax: Axes, mesh: QuadMesh) -> JsonObject:
    values: Floats = np.ma.filled(np.ma.asarray(mesh.get_array(), dtype=float), np.nan)
    rows: list[Json] = [text.get_text() for text in ax.get_yticklabels()]
    edges = np.asarray(mesh.get_coordinates())[0, :, 0]
    return {"x": _numbers(edges), "rows": rows, "values": [_numbers(row) for row in values]}


def _numbers(values: Iterable[float]) -> list[Json]:
    return [number_to_json(float(value)) for value in values]
