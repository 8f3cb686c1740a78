"""Names for the facts of a run, what they stand for in one, and the order of runs by one of them.

A name is `status`, `params.model.type`, `metrics["val/acc"]`; columns and sorts also take a bare `val_acc`: a
metric if the run has one, else a parameter. A run is its JSON object. Comparing values is `gxt.model.query`'s
part.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from gxt.errors import QueryError
from gxt.model.run import evals_of, sources_of
from gxt.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gxt.model.json_types import Json

Reader: TypeAlias = "Callable[[Mapping[str, Json]], Json | Missing]"
Run = TypeVar("Run", bound="Mapping[str, Json]")
Item = TypeVar("Item")


class Missing(Enum):
    """What a name stands for in a run that has no such fact (null is a fact)."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

TOP_LEVEL: Final = frozenset(
    "id uid commit name message hypothesis status exit_code parent parent_uid group seed tags created "
    "duration_s took author host command cwd sources".split()
)
_ALIASES: Final = {"took": "duration_s"}  # the header of its column
CONTAINERS: Final = frozenset({"params", "metrics", "evals", "code", "environment"})
MEASURED: Final = frozenset({"metrics", "evals"})
"""Where a number that JSON cannot hold is spelled out."""

NON_FINITE: Final[Mapping[str, float]] = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
"""How a stored metric that JSON cannot hold as a number is spelled."""

MAX_TEXT: Final = 10_000
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}


class Field(NamedTuple):
    """A fact of a run, by name.

    Attributes:
        text: the name as it was written.
        root: a top-level name, one of `params metrics evals code environment`, or empty for a bare name.
        keys: the rest of the name; for a bare name the whole of it.
    """

    text: str
    root: str
    keys: tuple[str, ...]


def parse_field(text: str) -> Field:
    """The field that a column or an axis names.

    Everything but dots and brackets may stand unquoted (`val/acc`, `params.weight-decay`).

    Raises:
        QueryError: the name is empty, cut off, or names a whole container such as `params`.
    """
    return _field_between(text, 0, len(text))


def parse_sort(text: str) -> tuple[Field, bool]:
    """The field to sort by and whether it descends: `val_acc`, `-val_acc`, `val_acc desc`, `val_acc:asc`.

    Raises:
        QueryError: the name is no field, or the direction is given twice.
    """
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    minus = text.startswith("-", start)
    for suffix, descending in ((" asc", False), (":asc", False), (" desc", True), (":desc", True)):
        if text[max(start, end - len(suffix)) : end].lower() == suffix:
            if minus:
                message, hint = "the direction is given twice", "leave out the minus"
                raise QueryError(message, text=text, position=start, hint=hint)
            return _field_between(text, start, end - len(suffix)), descending
    return _field_between(text, start + minus, end), minus


def value_of(field: Field, run: Mapping[str, Json]) -> Json:
    """The value of the field as the run stores it (a metric may be the string "NaN"); None when missing."""
    value = reader(field)(run)
    return None if value is MISSING else value


def sort_runs(runs: Iterable[Run], field: Field, descending: bool) -> list[Run]:
    """The runs by the field; see `sort_by`."""
    return sort_by(runs, reader(field), descending)


def sort_by(runs: Iterable[Item], read: Callable[[Item], Json | Missing], descending: bool) -> list[Item]:
    """The runs, or what stands for them, by what is read of each; equal ones in the order given.

    In both directions numbers come first, then text, then true and false, then lists and objects in the order
    given; runs without the value, with null and with NaN come last.
    """
    numbers: list[tuple[float, Item]] = []
    texts: list[tuple[str, Item]] = []
    flags: list[tuple[bool, Item]] = []
    others: list[Item] = []
    last: list[Item] = []
    for run in runs:
        value = spelled_out(read(run))
        if value is MISSING or value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
            last.append(run)
        elif isinstance(value, bool):
            flags.append((value, run))
        elif isinstance(value, (int, float)):
            numbers.append((value, run))
        elif isinstance(value, str):
            texts.append((value, run))
        else:
            others.append(run)
    return [
        *(run for _, run in sorted(numbers, key=lambda pair: pair[0], reverse=descending)),
        *(run for _, run in sorted(texts, key=lambda pair: pair[0], reverse=descending)),
        *(run for _, run in sorted(flags, key=lambda pair: pair[0], reverse=descending)),
        *others,
        *last,
    ]


@lru_cache(maxsize=256)
def reader(field: Field) -> Reader:
    """The function that finds the field's value in a run, or MISSING."""
    if field.root == "metrics":
        return _metric_reader(field.keys)
    if field.root == "evals":
        return _eval_reader(field.keys)
    if field.root == "sources":
        return _kinds_of_sources
    if field.root:
        return _nested_reader(_ALIASES.get(field.root, field.root), field.keys)
    metric, parameter = _metric_reader(field.keys), _nested_reader("params", field.keys)

    def read(run: Mapping[str, Json]) -> Json | Missing:
        value = metric(run)
        return parameter(run) if value is MISSING else value

    return read


def number_reader(field: Field) -> Reader:
    """As `reader`, but what was measured and stored as "NaN" or "Infinity" is read as that number."""
    read = reader(field)
    return (lambda run: spelled_out(read(run))) if field.root in MEASURED else read


def scan_name(
    text: str, start: int, end: int, is_plain: Callable[[str], bool]
) -> tuple[tuple[str, ...], int]:
    """The keys of the name at `start` (`params.model["type"]` has three) and the position after it.

    Args:
        text: the whole query.
        start: 0-based position of the name's first character.
        end: the name ends before this position.
        is_plain: whether a character may stand in an unquoted key.

    Raises:
        QueryError: a key is missing after a dot, or a bracket or a quote is not closed.
    """
    at = run_of(text, start, end, is_plain)
    keys = [text[start:at]]
    while at < end and text[at] in ".[":
        if text[at] == ".":
            begin, at = at + 1, run_of(text, at + 1, end, is_plain)
            if at == begin:
                hint = 'quote a key that is no plain word: metrics["val/acc"]'
                raise QueryError("a key is missing after the dot", text=text, position=begin, hint=hint)
            keys.append(text[begin:at])
        else:
            key, at = _scan_bracket(text, at, end)
            keys.append(key)
    return tuple(keys), at


def scan_quoted(text: str, start: int, end: int) -> tuple[str, int]:
    """What stands in the quotes that open at `start`, and the position after them.

    A backslash escapes a quote, a backslash, and n, t, r; before anything else it stands for itself.

    Raises:
        QueryError: the quote is not closed before `end`.
    """
    quote, at = text[start], start + 1
    found: list[str] = []
    while at < end:
        char = text[at]
        if char == quote:
            return "".join(found), at + 1
        if char == "\\" and at + 1 < end:
            at += 1
            char = _ESCAPES.get(text[at], "\\" + text[at])
        found.append(char)
        at += 1
    hint = f"add {quote} after the text"
    raise QueryError("the quote is never closed", text=text, position=start, hint=hint)


def scan_plain_name(text: str, start: int) -> tuple[tuple[str, ...], int]:
    """The keys of a name whose unquoted keys are plain words, and the position after it.

    Raises:
        QueryError: as `scan_name`, or the name runs on with something else (`weight-decay`).
    """
    keys, end = scan_name(text, start, len(text), is_word)
    stop = run_of(text, end, len(text), _is_glued)
    if not any(map(is_word, text[end:stop])):
        return keys, end
    head, dot, tail = text[start:end].rpartition(".")
    quoted = f'["{tail}{text[end:stop]}"]'
    hint = f"write {head}{quoted}" if dot else f"write metrics{quoted} or params{quoted}"
    raise QueryError(f"{text[end]!r} cannot stand in a plain name", text=text, position=end, hint=hint)


def exact_field(text: str, span: tuple[int, int], keys: tuple[str, ...], *, compared: bool) -> Field:
    """The field that a name means in a condition, where no bare name is taken.

    Args:
        text: the whole query.
        span: the 0-based positions of the name's start and of what follows it.
        keys: the keys of the name.
        compared: whether it stands right of a comparison, where text may have been meant.

    Raises:
        QueryError: there is no such name, it lacks a key, or it has one too many.
    """
    (start, end), root = span, keys[0]
    name = text[start:end]
    if text[end : end + 1] == "(":
        hint = "compare with == != < <= > >= in"
        raise QueryError("there are no functions here", text=text, position=start, hint=hint)
    if root in CONTAINERS:
        if len(keys) == 1:
            raise _container_alone(text, root, end)
        return Field(name, root, keys[1:])
    if root not in TOP_LEVEL:
        raise _unknown_name(text, span, keys, compared=compared)
    if len(keys) > 1:
        hint = f"write {keys[1]!r} in tags" if root == "tags" else f"write {root}"
        raise QueryError(f"{root} has no parts", text=text, position=start + len(root), hint=hint)
    return Field(name, root, ())


def run_of(text: str, start: int, end: int, belongs: Callable[[str], bool]) -> int:
    """The position after the longest run of characters from `start` that belong."""
    at = start
    while at < end and belongs(text[at]):
        at += 1
    return at


def is_word(char: str) -> bool:
    """Whether the character may stand in a plain word."""
    return char.isalnum() or char == "_"


def shortened(word: str) -> str:
    """The word as an error shows it: at most 40 characters."""
    return word if len(word) <= 40 else word[:39] + "…"


def spelled_out(value: Json | Missing) -> Json | Missing:
    """The number that "NaN", "Infinity" or "-Infinity" stands for, anything else as it is."""
    return NON_FINITE.get(value, value) if isinstance(value, str) else value


def check_length(text: str) -> None:
    """Refuse a text that no person wrote.

    Raises:
        QueryError: the text has over 10,000 characters.
    """
    if len(text) > MAX_TEXT:
        hint = "say it in fewer words"
        message = f"the text is longer than {MAX_TEXT} characters"
        raise QueryError(message, text=text, position=MAX_TEXT, hint=hint)


def _field_between(text: str, start: int, end: int) -> Field:
    check_length(text)
    name = text[start:end].strip()
    if not name:
        raise QueryError("the name is empty", text=text, position=start, hint="write for example val_acc")
    start = text.index(name, start)
    keys, at = scan_name(text, start, start + len(name), _is_plain)
    if at < start + len(name) or not keys[0]:
        position = at if keys[0] else start
        hint = 'quote such a name: metrics["a[0]"]'
        raise QueryError(f"{text[position]!r} cannot stand here", text=text, position=position, hint=hint)
    root = keys[0]
    if root in CONTAINERS:
        if len(keys) == 1:
            raise _container_alone(text, root, at)
        return Field(name, root, keys[1:])
    if root in TOP_LEVEL and len(keys) == 1:
        return Field(name, root, ())
    return Field(name, "", keys)


def _unknown_name(text: str, span: tuple[int, int], keys: tuple[str, ...], *, compared: bool) -> QueryError:
    from difflib import get_close_matches

    root, (start, end) = keys[0], span
    name = shortened(text[start:end])
    # 0.8: `metric` and `statsu` are mistypings; `mode`, at 0.75 from `code`, is somebody's parameter.
    near = get_close_matches(shortened(root), sorted(TOP_LEVEL | CONTAINERS), n=1, cutoff=0.8)
    if compared and len(keys) == 1:
        hint = f"write {name!r} for text, metrics.{name} or params.{name} for a value of the run"
    elif near:
        hint = f"write {near[0]}{text[start + len(root) : end]}"
    else:
        hint = f"write metrics.{name} or params.{name}"
    return QueryError(f"unknown name {name}", text=text, position=start, hint=hint)


def _container_alone(text: str, root: str, position: int) -> QueryError:
    examples = {
        "params": "params.lr",
        "metrics": "metrics.val_acc",
        "evals": "evals.NAME.acc",
        "code": "code.branch",
    }
    hint = f"write for example {examples.get(root, 'environment.python')}"
    return QueryError(f"{root} needs a key", text=text, position=position, hint=hint)


def _is_glued(char: str) -> bool:
    """Whether a character right after a name was meant as a part of it: `weight-decay`, `val/acc`."""
    return not char.isspace() and char not in ".=<>!&|()[],'\""


def _is_plain(char: str) -> bool:
    return char not in ".[]\"'"


def _scan_bracket(text: str, start: int, end: int) -> tuple[str, int]:
    if start + 1 >= end or text[start + 1] not in "\"'":
        hint = 'write for example metrics["val/acc"]'
        raise QueryError("a key in brackets is quoted", text=text, position=start + 1, hint=hint)
    key, at = scan_quoted(text, start + 1, end)
    if at >= end or text[at] != "]":
        hint = "add ] after the quote"
        raise QueryError("the bracket is never closed", text=text, position=start, hint=hint)
    return key, at + 1


def _metric_reader(keys: tuple[str, ...]) -> Reader:
    dotted, slashed = ".".join(keys), "/".join(keys)

    def read(run: Mapping[str, Json]) -> Json | Missing:
        metrics = run.get("metrics")
        if not isinstance(metrics, dict):
            return MISSING
        value = metrics.get(dotted, MISSING)
        return metrics.get(slashed, MISSING) if value is MISSING else value

    return read


def _eval_reader(keys: tuple[str, ...]) -> Reader:
    """Reads what an evaluation found, by its name and the keys in it; as of metrics a dot finds a slash."""

    def read(run: Mapping[str, Json]) -> Json | Missing:
        evals = evals_of(run)
        value, found = _walk(evals, keys), evals.get(keys[0])
        if value is MISSING and isinstance(found, dict):
            return found.get("/".join(keys[1:]), MISSING)
        return value

    return read


def _kinds_of_sources(run: Mapping[str, Json]) -> Json | Missing:
    """What gave a run its metrics, besides its script: `["console"]`, say."""
    return list(sources_of(run))


def _nested_reader(root: str, keys: tuple[str, ...]) -> Reader:
    def read(run: Mapping[str, Json]) -> Json | Missing:
        start: Json | Missing = run.get(root, MISSING)
        value = start
        for key in keys:
            value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
        return _walk(start, keys) if value is MISSING and len(keys) > 1 else value

    return read


def _walk(value: Json | Missing, keys: tuple[str, ...]) -> Json | Missing:
    """What `keys` lead to where a stored key may itself hold dots (`{"model.type": …}`)."""
    if not keys:
        return value
    if not isinstance(value, dict):
        return MISSING
    for count in range(1, len(keys) + 1):
        found = _walk(value.get(".".join(keys[:count]), MISSING), keys[count:])
        if found is not MISSING:
            return found
    return MISSING


def split_names(text: str) -> list[str]:
    """The names in a comma-separated list; a comma inside quotes belongs to its name."""
    names, start, quote = [], 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == ",":
            names.append(text[start:at])
            start = at + 1
    names.append(text[start:])
    return [name.strip() for name in names if name.strip()]
