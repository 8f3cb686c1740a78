"""What a run keeps besides numbers and files: the part of `gxt.Run` that makes media of what scripts have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gxt.model.scalars import clean_text

if TYPE_CHECKING:
    from gxt.store.journal import JournalWriter


class Media:
    """The calls of a run that log media. Each is kept as an output of the run, named `media/<name>`."""

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

            facts = counted(values) if counts is None else checked(counts, edges)
            at = self._at(step)
            writer.check()
            said = grow_histogram(
                writer.directory, _name(name), facts, step=0 if at is None else at, known=self._told
            )
            if said is not None:
                writer.append("artifact", said)

        self._do("log_histogram", grow)

    _told: set[str]

    def _do(self, what: str, act: Callable[[JournalWriter], None]) -> None:
        raise NotImplementedError

    def _at(self, step: object) -> int | None:
        raise NotImplementedError


def _name(name: Any) -> str:  # noqa: ANN401 whatever a script says
    return clean_text(str(name))
