"""What a run keeps besides numbers and files: the part of `gxt.Run` that makes media of what scripts have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gxt.model.json_types import JsonObject
from gxt.model.scalars import clean_text

if TYPE_CHECKING:
    from gxt.ops.media import Medium
    from gxt.store.journal import JournalWriter


class Media:
    """The calls of a run that log media. Each is kept as an output of the run, named `media/<name>`."""

    _told: set[str]

    def log_image(self, name: str, image: object, step: int | None = None) -> None:
        """Keep a picture, as PNG.

        Args:
            name: what it is called; a `/` groups (`samples/cat`).
            image: an image of PIL, or an array or tensor: [height, width], [height, width, channels] or
                [channels, height, width]. Booleans, integers from 0 to 255, floats from 0 to 1; others are
                scaled from the least to the greatest.
            step: of the training; by default that of the last `log`.
        """

        def make() -> Medium:
            from gxt.capture.pictures import picture_of
            from gxt.ops.media import Medium

            return Medium("image", ".png", *picture_of(image))

        self._keep("log_image", name, make, step)

    def log_figure(self, name: str, figure: object, step: int | None = None) -> None:
        """Keep a figure of matplotlib, as PNG. It is not closed.

        Args:
            name: what it is called.
            figure: the figure, its axes, or `matplotlib.pyplot` for the present one.
            step: of the training; by default that of the last `log`.
        """

        def make() -> Medium:
            from gxt.capture.pictures import picture_of_figure
            from gxt.ops.media import Medium

            return Medium("figure", ".png", *picture_of_figure(figure))

        self._keep("log_figure", name, make, step)

    def log_table(
        self,
        name: str,
        table: object,
        *,
        columns: Sequence[str] | None = None,
        step: int | None = None,
    ) -> None:
        """Keep a table, as CSV.

        Args:
            name: what it is called.
            table: a data frame of pandas or polars; rows as mappings or lists; or lists by the column's name.
            columns: the names of the columns, where the rows have none.
            step: of the training; by default that of the last `log`.
        """

        def make() -> Medium:
            from gxt.capture.tabular import csv_of
            from gxt.ops.media import Medium

            return Medium("table", ".csv", *csv_of(table, columns))

        self._keep("log_table", name, make, step)

    def log_text(self, name: str, text: str, step: int | None = None) -> None:
        """Keep a text, such as what a model wrote.

        Args:
            name: what it is called.
            text: any; what is no text is kept as `str` gives it.
            step: of the training; by default that of the last `log`.
        """

        def make() -> Medium:
            from gxt.ops.media import Medium

            return Medium("text", ".txt", clean_text(str(text)).encode(), {})

        self._keep("log_text", name, make, step)

    def log_histogram(
        self,
        name: str,
        values: object = None,
        *,
        counts: object = None,
        edges: object = None,
        step: int | None = None,
    ) -> None:
        """Record how values are distributed. Those of one name are one output, a JSON line for each step.

        Args:
            name: such as `weights/conv1`.
            values: numbers of any shape (lists, numpy arrays, torch tensors), counted into 64 bins.
            counts: in place of values, what has been counted already: how many values each bin holds.
            edges: of the bins: one more than counts, ascending.
            step: of the training; by default that of the last `log`.
        """

        def grow(writer: JournalWriter) -> None:
            from gxt.model.histogram import checked, counted
            from gxt.ops.media import grow_histogram

            called = _name(name)
            facts = counted(values) if counts is None else checked(counts, edges)
            at = self._at(step) or 0
            writer.check()
            said = grow_histogram(writer.directory, called, facts, step=at, known=self._told)
            if said is not None:
                writer.append("artifact", said)

        self._do("log_histogram", grow)

    def _keep(self, what: str, name: object, make: Callable[[], Medium], step: object) -> None:
        def put(writer: JournalWriter) -> None:
            from gxt.ops.media import put_medium

            called, medium, at = _name(name), make(), self._at(step)
            writer.check()
            self._tell(writer, put_medium(writer.directory, called, medium, step=at))

        self._do(what, put)

    def _do(self, what: str, act: Callable[[JournalWriter], None]) -> None:
        raise NotImplementedError

    def _tell(self, writer: JournalWriter, said: JsonObject) -> None:
        raise NotImplementedError

    def _at(self, step: object) -> int | None:
        raise NotImplementedError


def _name(name: object) -> str:
    from gxt.errors import UsageError

    if not isinstance(name, str):
        raise UsageError(
            f"a name is a text, not a {type(name).__name__}", hint="the name comes first, then what is logged"
        )
    return clean_text(name)
