"""Metrics as scripts print them: `loss: 0.5`, `{'loss': '0.5'}`, `val acc = 93%`. One line at a time.

A printed number counts when its name says that it is a metric: it has a word by which gxt knows which way a
metric is better (see `gxt.model.goals`), or one of `_MORE`. Beside a step or an epoch any name will do, if
its number has a point. So `url: 3.4`, versions, times, ports, sizes and dates are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from gxt.model.goals import guess_goal
from gxt.named_tuple import NamedTuple

NUMBER: Final = (
    r"[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:nan|inf(?:inity)?)"
)
"""A number, or what stands where there is none."""

_MORE: Final = frozenset("lr learning grad gnorm gradnorm logprob mfu rew rewards returns sps".split())
# words of a name that other things than metrics have, too: they need a colon and a point in the number
_COMMON: Final = frozenset(
    "ap cer cider comet correlation em err error exact fid grad hit hits inception kl learning likelihood "
    "map meteor perp precision recall regret return reward score spice success ter top top1 top5 win".split()
)
# words of names that are settings, sizes, times: never metrics, whatever else is in the name
_NEVER: Final = frozenset(
    "alpha bytes coef coeff coefficient count data date delta dim duration elapsed eta every fn freq func "
    "function gb host id idx index interval kb lambda margin mb mem memory ms n num patience path pid port "
    "remaining runtime sec second seconds secs seed size smoothing speed thresh threshold time timestamp "
    "type url version wall weight weights workers year".split()
)
_SETTINGS: Final = frozenset(("lr", "learning"))  # which are printed among metrics, and in lists of settings
# words before a name that belong to it: `train loss`, `Mean squared error`
_BEFORE: Final = frozenset(
    "absolute average avg balanced best binary cross cumulative current dev ep episode epoch eval evaluation "
    "explained f1 final first global grad gradient kl last learning log macro max mean median micro min "
    "moving nll overall pixel policy r2 roc root running smoothed squared test testing top top-1 top-5 total "
    "train training val valid validation value weighted word".split()
)
_POSITIONS: Final = frozenset("epoch epochs ep step steps iter iteration batch episode".split())
_PARTS: Final = {
    "train": "train", "training": "train", "train_inner": "train",
    "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test", "eval": "eval", "evaluation": "eval", "dev": "dev",
}  # fmt: skip
_PART: Final = re.compile(
    r"\b(train(?:ing|_inner)?|val(?:id(?:ation)?)?|test(?:ing)?|eval(?:uation)?|dev)\b"
    r"(?: (?:set|epoch|step|iter|results?|metrics))?(?= ?[:\]|)>]| -)",
    re.IGNORECASE,
)
_OWN_PART: Final = re.compile(r"(?:train|trn|val|valid|validation|test|eval|dev)(?![a-z])", re.IGNORECASE)
_PAIR: Final = re.compile(
    r"(?<![\w.\-/@?&'])['\"]?(?P<name>[a-z][\w/@.\-]*)(?: ?\((?P<unit>[a-z]+|%)\))?['\"]?"
    r"(?P<sep> ?[:=|→] ?| ?-> ?| (?:(?:is|was|of) )?)"
    r"['\"]?(?:(?:tensor|array|(?:np|numpy|jnp|torch)\.\w+)\()?"
    rf"(?P<value>{NUMBER})(?:(?: ?/ ?(?P<of>\d{{1,15}}))(?= ?\()| ?(?P<percent>%(?!\|)))?"
    # neither a part of a word, a version, a date, a time, a progress bar, nor of a formula
    r"(?![\w:]|\.\w|[-/]\d|%\|)(?! ?(?:[*^]|\+(?!/-)))",
    re.IGNORECASE,
)
_OF_ALL: Final = re.compile(
    r"(?P<name>\w+)(?: \w+){1,9}[:=] (?P<value>\d+(?:\.\d+)?) ?%(?!\w)"
)  # `Accuracy of the network on the 10000 test images: 54 %`
_WORD: Final = re.compile(r"[A-Za-z]+\d*", re.ASCII)
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class _Pair(NamedTuple):
    """A name with a number, and what tells whether it is a metric.

    Attributes:
        part: of the data, where words before the name say it.
        start: where the name begins.
        told: there is a colon or the like between them.
        pointed: it is no plain integer.
        good: the words by which the name is known.
    """

    name: str
    value: float
    part: str
    start: int
    told: bool
    pointed: bool
    good: frozenset[str]

    def is_metric(self, *, beside_step: bool, beside_metric: bool) -> bool:
        """Whether it counts, on a line that tells a step or another metric."""
        if not self.is_known:
            return beside_step and self.told and self.pointed
        alone = self.start <= 1 or beside_step or beside_metric
        return (self.told or self.pointed or beside_step) and (alone or not self.is_setting)

    @property
    def is_known(self) -> bool:
        """Whether its name is one of a metric."""
        return bool(self.good) and (not self.good <= _COMMON or (self.told and self.pointed))

    @property
    def is_setting(self) -> bool:
        """Whether it may as well stand in a list of settings."""
        return self.good <= _SETTINGS


def numbers(line: str, *, beside_step: bool) -> dict[str, float]:
    """The metrics of a line by name.

    Args:
        line: without markup, its white space single blanks.
        beside_step: whether it tells a step or an epoch, too.
    """
    pairs = list(_pairs(line))
    has_metric = any(pair.is_known and not pair.is_setting for pair in pairs)
    parts = [(one.end(), _PARTS[one[1].lower()]) for one in _PART.finditer(line)] if pairs else []
    found: dict[str, float] = {}
    for pair in pairs:
        if pair.part:
            parts.append((pair.start, pair.part))
        if pair.is_metric(beside_step=beside_step, beside_metric=has_metric):
            part = max((one for one in parts if one[0] <= pair.start + 1), default=(0, ""))[1]
            lacks_part = part and not _OWN_PART.search(pair.name) and guess_goal(pair.name)
            found.setdefault(f"{part}_{pair.name}" if lacks_part else pair.name, pair.value)
    if not found and (whole := _OF_ALL.match(line)) and guess_goal(whole["name"]):
        found[_cased(whole["name"])] = _percent(whole["value"])
    return found


def to_float(text: str) -> float:
    """A number as `NUMBER` matches it, with or without commas between thousands."""
    return float(text.replace(",", ""))


def _pairs(line: str) -> Iterator[_Pair]:
    """What has a name of which one cannot say that it is no metric's."""
    for match in _PAIR.finditer(line):
        raw, text, between = match["name"].rstrip(".-"), match["value"], match["sep"].strip()
        before = _words_before(line[: match.start("name")])
        name = "_".join([*(_PARTS.get(word.lower(), _cased(word)) for word in before), _cased(raw)])
        good = _good_words(name)
        if good is None:
            continue
        value = _value(text, match["of"], percent=bool(match["percent"]) or match["unit"] == "%")
        if value is None:
            continue
        yield _Pair(
            name,
            value,
            next((_PARTS[word.lower()] for word in before if word.lower() in _PARTS), ""),
            match.start("name"),
            told=between not in {"", "is", "was", "of"},
            pointed=not text.lstrip("+-").replace(",", "").isdigit() or bool(match["percent"] or match["of"]),
            good=good,
        )


@lru_cache(maxsize=1024)
def _good_words(name: str) -> frozenset[str] | None:
    """The words of a name that a metric would have; None for a name that no metric has."""
    words = {word.lower() for token in _WORD.findall(name) for word in _HUMP.split(token)}
    if words & _NEVER or name in _POSITIONS:
        return None
    good = {word for word in words if word in _MORE or guess_goal(word)}
    return frozenset(good or ({name} if guess_goal(name) else ()))


def _words_before(text: str) -> list[str]:
    """The words right before a name that belong to it, as they stand there."""
    words: list[str] = []
    for word in reversed(text.split(" ")[-5:-1] if text.endswith(" ") else []):
        bare = word.removesuffix("'s").strip("*'\"([|.")
        belongs = bare.lower() in _BEFORE or word.endswith("'s") or (len(bare) == 1 and bare.isupper())
        if not belongs and not (bare.isalpha() and guess_goal(bare)):
            break
        words.insert(0, bare)
        if not word.startswith(bare):
            break
    return words


def _cased(name: str) -> str:
    """A name in small letters, unless a word has capitals inside: `Loss`, `LR` are loss, lr; `mAP` stays."""
    usual = all(word in (word.upper(), word.lower(), word.capitalize()) for word in name.split("_"))
    return name.lower() if usual else name


def _value(text: str, of: str | None, *, percent: bool) -> float | None:
    """The number; of `93%` and of `9800/10000` the part of one. None where there is none."""
    if of is not None:
        whole, part = int(of), to_float(text)
        return part / whole if 0 <= part <= whole and whole else None
    return _percent(text) if percent else to_float(text)


def _percent(text: str) -> float:
    try:
        return float(f"{text.replace(',', '')}e-2")  # 98.7 / 100 would be rounded twice
    except ValueError:  # nan, or with an exponent already
        return to_float(text) / 100
