"""What a picture shows as numbers, for who draws it elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gxt.model.codec import number_to_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gxt.model.json_types import Json, JsonObject


def panels(figure: Figure) -> list[Json]:
    """The panels of a figure: `{title, x, y, lines[{label, x[], y[]}]}`, a gap in a line as "NaN"."""
    return [_panel(ax) for ax in figure.axes if ax.get_label() != "<colorbar>" and ax.axison]


def _panel(ax: Axes) -> JsonObject:
    title = ax.get_title(loc="left") or ax.get_title()
    return {"title": title, "x": ax.get_xlabel(), "y": ax.get_ylabel(), "lines": _lines(ax)}


def _lines(ax: Axes) -> list[Json]:
    return [
        {
            "label": str(line.get_label()),
            "x": [number_to_json(float(x)) for x in np.asarray(line.get_xdata())],
            "y": [number_to_json(float(y)) for y in np.asarray(line.get_ydata())],
        }
        for line in ax.lines
        if not str(line.get_label()).startswith("_")
    ]
