"""How far a training is, by what it prints: `step 10`, `Epoch 2/5`, `Epoch: [1][ 10/500]`, a progress bar."""

from __future__ import annotations

import re
from typing import Final

from gxt.named_tuple import NamedTuple

_EPOCH: Final = re.compile(
    r"(?<![\w/\-])(?:epochs?|ep)(?: ?\(\w+\))?['\"]?(?: ?[:=#] ?| )?['\"]?[\[(]?\s?(\d+(?:\.\d+)?)"
    r"(?:\s?(?:/|of)\s?(\d+))?(?![\w%]|\.\d)",
    re.IGNORECASE,
)
# behind the number of an epoch: `[  10/500]`, `: 100 / 1500`, ` [640/60000 (1%)]`
_WITHIN: Final = re.compile(r"\]?\)?[ ]?[:|,]?[ ]?[\[(]? ?(\d+) ?/ ?(\d+)(?![\w/]|\.\d)")
_INNER: Final = re.compile(
    r"(?<![\w/\-])(?:global[ _]?step|(?:total[ _]?)?time[ _]?steps?|(?:num_)?updates?|steps?|"
    r"iter(?:ation)?s?|itr|it|batch(?!=)|round|episode|timestep)(?: ?\(\w+\))?"
    r"['\"]?(?: ?[:=#] ?| )?['\"]?[\[(]?\s?(\d[\d,]*)"
    r"(?:\s?(?:/|of)\s?(\d+))?(?![\w%]|\.\d|[:\-]\d)",
    re.IGNORECASE,
)
_BAR: Final = re.compile(r"(?:^|\| ?)(\d+)/(\d+) (?:\[[=>.]|━|- )|\| ?(?P<tqdm>\d+)/(?P<of>\d+) ?\[")
# what is measured beside the training has a progress of its own
_EVALUATES: Final = re.compile(r"(?:epoch ?\()?(?:val|test|eval|dev|sanity|predict)", re.IGNORECASE)
# `[1,  2000] loss`, XGBoost's `[10] train-rmse`, CatBoost's `10: learn`, timm's `Train: 0 [  10/1251]`,
# DCGAN's `[0/5][10/1583]`
_LEADING: Final = re.compile(
    r"\[(?P<epoch>\d+), ?(?P<inner>\d+)\] |\[(?P<round>\d+)\] (?=[a-z])|(?P<tree>\d+): (?=learn)"
    r"|(?:(?:train|training): (?P<of>\d+) |\[(?P<of_all>\d+)/\d+\] ?)\[ ?(?P<at>\d+)/(?P<total>\d+)",
    re.IGNORECASE,
)


LAST_STEP: Final = (1 << 63) - 1


class Mark(NamedTuple):
    """Where in the training a line stands, as far as it says so.

    Attributes:
        epoch: may be a fraction.
        inner: a step, of the epoch or of the whole training.
        total: how many steps there are of it.
        is_bar: it is a progress bar that has a line of its own.
    """

    epoch: float | None = None
    inner: int | None = None
    total: int | None = None
    is_bar: bool = False

    @property
    def is_said(self) -> bool:
        """Whether the line says anything."""
        return self.epoch is not None or self.inner is not None


def mark(line: str) -> Mark:
    """What a line says of the progress; its white space is single blanks."""
    if leading := _LEADING.match(line):
        return _leading(leading)
    epoch = _EPOCH.search(line)
    said = Mark(float(epoch[1]) if epoch else None)
    if inner := _INNER.search(line):
        return said._replace(inner=int(inner[1].replace(",", "")), total=_total(inner[2]))
    if _EVALUATES.match(line):
        return said
    if epoch and (within := _WITHIN.match(line, epoch.end())):
        return said._replace(inner=int(within[1]), total=int(within[2]))
    if bar := _BAR.search(line):
        step, total = bar[1] or bar["tqdm"], bar[2] or bar["of"]
        return said._replace(inner=int(step), total=int(total), is_bar=bar["tqdm"] is not None)
    return said


def _leading(found: re.Match[str]) -> Mark:
    if found["total"]:
        return Mark(float(found["of"] or found["of_all"]), int(found["at"]), int(found["total"]))
    if found["epoch"]:
        return Mark(float(found["epoch"]), int(found["inner"]))
    return Mark(inner=int(found["round"] or found["tree"]))


def _total(text: str | None) -> int | None:
    return int(text) if text else None


class Clock:
    """Makes steps of the whole training of marks: steps that begin anew in each epoch are counted on.

    Steps are numbers of the finest unit that is printed: of batches where those are, else of epochs.
    """

    def __init__(self) -> None:
        self.now = 0
        self.is_told = False  # any step at all, so far
        self._before = 0  # steps of the epochs that are over
        self._inner: int | None = None
        self._total: int | None = None
        self._epoch: float | None = None
        self._begun = 0  # epochs since the last step was told
        self._fractions: dict[float, int] = {}

    @property
    def counts_fractions(self) -> bool:
        """Whether a step is one more epoch in fractions, which says less than its number."""
        return bool(self._fractions)

    def step(self, said: Mark) -> int:
        """The step of a line; the last one where it says nothing."""
        self.is_told = self.is_told or said.is_said
        if said.epoch is not None and said.epoch != self._epoch:
            # the console may lack its middle, and with it some epochs
            passed = said.epoch - self._epoch if self._epoch is not None else 1
            self._begun += int(passed) if 1 < passed < LAST_STEP else 1
            self._epoch = said.epoch
        if said.inner is not None:
            self.now = min(self._count(said.inner, said), LAST_STEP)
        elif said.epoch is not None and self._inner is None:
            self.now = min(self._count_epochs(said.epoch), LAST_STEP)
        return self.now

    def _count(self, inner: int, said: Mark) -> int:
        if self._inner is not None:
            is_over = self._begun > 0 or (self._total is not None and self._inner == self._total)
            is_again = inner == self._inner and (self._begun > 0 or said.is_bar)
            if is_over and (inner < self._inner or is_again):
                self._before += (self._total or self._inner) * max(self._begun, 1)
        self._inner, self._total, self._begun = inner, said.total, 0
        return self._before + inner

    def _count_epochs(self, epoch: float) -> int:
        """A whole epoch is its number; where they are told in fractions, each is one more."""
        if epoch.is_integer() and not self._fractions:
            return int(epoch)
        return self._fractions.setdefault(epoch, self.now + 1)
