"""How pictures look: colours that everybody can tell apart, axes, labels, files."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from gxt.errors import UsageError
from gxt.model.goals import Goal
from gxt.model.json_types import JsonObject
from gxt.render.clean import one_line
from gxt.visualization.reduction import HUGE

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.text import Text

# M. Okabe and K. Ito (Color Universal Design, 2008), their yellow left out, which paper does not show.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#7F7F7F"
PALE = "#D9D9D9"
BETTER, WORSE = PALETTE[0], PALETTE[1]
_LABEL = 40  # cells
_LOOKS: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "axes.edgecolor": "#4D4D4D",
    "xtick.color": "#4D4D4D",
    "ytick.color": "#4D4D4D",
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "text.usetex": False,
}
_OTHER_SCRIPTS = frozenset(
    (
        "Noto Sans CJK JP",
        "Noto Sans CJK SC",
        "WenQuanYi Zen Hei",
        "Hiragino Sans",
        "PingFang SC",
        "Apple SD Gothic Neo",
    )
)
_FILES: Any = {
    "svg.hashsalt": "gxt",  # equal pictures are equal files
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "path.simplify": True,
}
_PLACES: dict[str, dict[str, Any]] = {
    "inside": {},
    "beside": {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0},
    "outside": {"loc": "outside lower center", "ncols": 2},
    "below": {"loc": "upper left", "bbox_to_anchor": (0.0, 0.0), "ncols": 3, "borderaxespad": 0.2},
}
_DATES = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
FORMATS = tuple(_DATES)


class Picture(Figure):
    """A matplotlib figure that notebooks show by itself: pyplot, which does it elsewhere, is not loaded."""

    def _repr_png_(self) -> bytes:
        return rendered(self, "png")


@contextmanager
def looks(ax: Axes | None) -> Iterator[None]:
    """Let what is drawn inside look as our pictures do; in axes that somebody gave it looks as theirs do."""
    if ax is not None:
        yield
        return
    with mpl.rc_context({**_LOOKS, "font.family": ["sans-serif", *_other_scripts()]}):
        yield


@cache
def _other_scripts() -> list[str]:
    """Fonts of this machine for what the usual one lacks."""
    from matplotlib.font_manager import fontManager

    return sorted({font.name for font in fontManager.ttflist} & _OTHER_SCRIPTS)


def panels(
    ax: Axes | None, names: Sequence[str], columns: int, width: float, height: float
) -> tuple[Figure, list[Axes]]:
    """Axes for panels: `ax` where it is given, else those of a new figure of that size in inches.

    To be used within `looks`.

    Raises:
        UsageError: more panels than axes.
    """
    if ax is not None:
        if len(names) > 1:
            what = ", ".join(one_line(name, _LABEL) for name in names)
            raise UsageError(f"{what} need {len(names)} axes", hint="name one of them, or leave out ax")
        return figure_of(ax), [ax]
    figure = Picture(figsize=(width, height), layout="constrained")
    axes = [*figure.subplots(-(-len(names) // columns), columns, squeeze=False).flat]
    for one in axes[len(names) :]:
        one.set_axis_off()
    return figure, axes[: len(names)]


def figure_of(ax: Axes) -> Figure:
    """The figure that axes lie in, be it through a part of it."""
    figure = ax.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def colours(many: int) -> list[str]:
    """As many colours, told apart also by who sees few: light to dark where they are more than eight."""
    if many <= len(PALETTE):
        return list(PALETTE[:many])
    from matplotlib.colors import to_hex

    ramp = mpl.colormaps["viridis"]
    return [to_hex(ramp(0.92 * at / (many - 1))) for at in range(many)]


def label_of(run: JsonObject) -> str:
    """What a run is called in a picture: its id, and its name or what was different."""
    return one_line(f"{run['id']} {run.get('name') or run.get('message') or ''}", _LABEL)


def measured_label(name: str, unit: str = "", goal: Goal | None = None) -> str:
    """What an axis says of a metric: its name, unit, and which way is better."""
    shown = f"{one_line(name, _LABEL)} ({one_line(unit, 12)})" if unit else one_line(name, _LABEL)
    return shown + {"max": " (higher is better)", "min": " (lower is better)", None: ""}[goal]


def say(text: Text, words: str | None = None) -> None:
    """Let a text say words as they are: a `$` in the name of a run begins no formula."""
    text.set_parse_math(False)
    text.set_usetex(False)
    if words is not None:
        text.set_text(words)


def name_axes(ax: Axes, *, title: str, x: str, y: str) -> None:
    """The title and the names of the axes; one that is empty is left alone."""
    for name, words in ((ax.set_title, title), (ax.set_xlabel, x), (ax.set_ylabel, y)):
        if words:
            say(name(words))


def name_figure(figure: Figure, title: str) -> None:
    """The title of a figure of several panels."""
    say(figure.suptitle(one_line(title), x=0.01, ha="left", fontweight="bold", fontsize=11))


def note(ax: Axes, words: str) -> None:
    """A remark above the right end of the axes: what a band or a bar stands for."""
    place: dict[str, Any] = {"transform": ax.transAxes, "ha": "right", "va": "bottom"}
    say(ax.text(1.0, 1.01, words, fontsize=7, color="#4D4D4D", **place))


def name_ticks(axis: Axis, places: Sequence[float], names: Sequence[str]) -> None:
    """Names at places of an axis instead of numbers."""
    from matplotlib.ticker import FixedFormatter

    axis.set_ticks(list(places), labels=list(names), minor=False, parse_math=False, usetex=False)
    axis.set_major_formatter(FixedFormatter(names))  # that of `labels` finds a name by its place, rounded


def choose_ticks(axis: Axis, **wanted: int | bool) -> None:
    """What the ticks should be like, where matplotlib chooses them: given axes may have their own."""
    from matplotlib.ticker import MaxNLocator

    locator = axis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        locator.set_params(**wanted)


def draw_interval(
    ax: Axes, place: tuple[float, float], ends: tuple[float, float], colour: str, *, across: bool
) -> None:
    """The interval of the value at a place, along x (`across`) or y.

    An end that is infinite, as of a player who never lost, is an arrow at the value.
    """
    value = place[0] if across else place[1]
    known = [math.isfinite(end) and abs(end) < HUGE for end in ends]
    sizes = [max(0.0, abs(end - value)) if one else 0.0 for end, one in zip(ends, known, strict=True)]
    sizes = [sizes[0] if ends[0] <= value else 0.0, sizes[1] if ends[1] >= value else 0.0]
    bars: dict[str, Any] = {"xerr" if across else "yerr": [[size] for size in sizes]}
    ax.errorbar([place[0]], [place[1]], fmt="none", ecolor=colour, capsize=3, **bars)
    for arrow, one in zip("<>" if across else "v^", known, strict=True):
        if not one:
            look: dict[str, Any] = {"markersize": 11, "markerfacecolor": "none", "color": colour}
            ax.plot([place[0]], [place[1]], marker=arrow, linestyle="none", label="_open", **look)


def add_legend(ax: Axes, entries: Iterable[tuple[Artist, str]], *, place: str = "inside") -> None:
    """A legend of what artists stand for; none without entries.

    Args:
        ax: what it belongs to.
        entries: the artists, and what each stands for.
        place: `inside`, `beside` or `below` the axes, or `outside`: at the foot of the whole figure.
    """
    named = list(entries)
    if not named:
        return
    # matplotlib leaves out what begins with an underscore, and a run may be called so
    owner = figure_of(ax) if place == "outside" else ax
    legend = owner.legend([artist for artist, _ in named], [" "] * len(named), **_PLACES[place])
    for text, (_, words) in zip(legend.get_texts(), named, strict=True):
        say(text, words)


def rendered(figure: Figure, kind: str) -> bytes:
    """The content of a file with the picture: `png` (200 dots an inch), `svg` or `pdf`."""
    content = io.BytesIO()
    with mpl.rc_context(_FILES), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a box stands for the character
        figure.savefig(content, format=kind, dpi=200, metadata=_DATES[kind])
    return content.getvalue()


def kind_of(path: Path) -> str:
    """The format that the name of a file asks for.

    Raises:
        UsageError: none that there is.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise UsageError(
            f"{path} cannot be drawn: its name tells no format", hint="the formats are .png, .svg and .pdf"
        )
    return kind


def save(figure: Figure, path: Path) -> None:
    """Write the picture into a file, in the format of its name.

    Raises:
        UsageError: the name tells no format, or there is no such place.
    """
    content = rendered(figure, kind_of(path))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="name another file") from error
