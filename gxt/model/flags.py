"""The parameters that a wrapped command was given: its own flags, not its interpreter's or launcher's.

A reading of the words alone. Nobody knows which flags a foreign script declares, so `--flag word` is taken as
a flag with a value, and what is ambiguous is read as argparse, click and hydra scripts are mostly called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from gxt.model.codec import number_to_json
from gxt.model.launchers import (
    LAUNCHER_MODULES,
    OTHER_LAUNCHERS,
    PLAIN_LAUNCHERS,
    PYTHON_LAUNCHERS,
    SHELLS,
    basename,
    is_python,
)
from gxt.model.scalars import clean_text, parse_scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gxt.model.json_types import Json, JsonObject

_SUBCOMMANDS: Final = frozenset({"run", "exec", "launch", "profile"})

_MAX_KEYS: Final = 32  # a value in brackets may be 32 deep again: together they stay within what is merged

_Unwrapped: TypeAlias = "tuple[Sequence[str], bool]"
"""What is left of a command, and whether that is a command again (else it is the program's own words)."""


def from_command(argv: Sequence[str]) -> JsonObject:
    """The parameters in the words of a command, nested by their dots, types kept.

    `--lr 0.1`, `--lr=0.1`, `-b 32`, `-b32`, `--flag` (true), `--layers 64 64` (a list), `--no-cuda` (`cuda`
    is false, but `--no_cuda`, a name that the script has chosen, is true), `--model.dim 64`, and hydra's
    `model.dim=64`, `+a=1`, `++a=1`; dashes become underscores, the last of a repeated flag wins. Positional
    words, hydra's `~key` and everything after `--` are left out, and so are the words up to the script or
    module: those of `python`, `torchrun`, `accelerate launch`, `uv run`, `srun` and their like.

    A list holds numbers only or no number, so that `-e 3 data.csv` is 3; a flag that is repeated with one
    value takes one each time.

    Args:
        argv: the command with its program first, as a shell would pass it on.
    """
    found: JsonObject = {}
    words, is_command = argv, True
    while is_command:  # a launcher starts a launcher: srun uv run torchrun train.py
        words, is_command = _unwrap(words)
    words = words[: words.index("--")] if "--" in words else words
    single = _taking_one(words)
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if _is_assignment(word):
            key, _, value = word.partition("=")
            _place(found, key.lstrip("+"), _strict(parse_scalar(value)))
        elif _is_flag(word):
            values = _values(words, at)[: 1 if word in single else None]
            at += len(values)
            name, given = _flag(word, values)
            _place(found, name, _strict(given))
    return found


def _flag(word: str, values: Sequence[str]) -> tuple[str, Json]:
    """The name of a flag and its value; with `--lr=0.1` the words that follow are positional."""
    name, equals, attached = word.partition("=")
    name = name.lstrip("-").replace("-", "_")
    if equals:
        return name, parse_scalar(attached)
    if _is_negation(word) and not any(map(_is_number, values)):
        return name.removeprefix("no_"), False
    if not values:
        if not word.startswith("--") and len(name) > 1 and name[1:].isdigit():
            return name[0], parse_scalar(name[1:])
        return name, True
    if len(values) == 1:
        return name, parse_scalar(values[0])
    return name, [parse_scalar(value) for value in values]


def _values(words: Sequence[str], at: int) -> Sequence[str]:
    """The words from `at` on that may belong to the flag before them: all numbers, or none."""
    if "=" in words[at - 1]:
        return ()
    end = at
    while end < len(words) and not (_is_flag(words[end]) or _is_override(words[end])):
        if end > at and _is_number(words[end]) != _is_number(words[at]):
            break
        end += 1
    return words[at:end]


def _taking_one(words: Sequence[str]) -> set[str]:
    """The flags that occur several times, once with one value: they take no list."""
    counts: dict[str, list[int]] = {}
    for at, word in enumerate(words, start=1):
        if _is_flag(word):
            name, equals, _ = word.partition("=")
            counts.setdefault(name, []).append(1 if equals else len(_values(words, at)))
    return {name for name, found in counts.items() if len(found) > 1 and 1 in found}


def _place(found: JsonObject, dotted: str, value: Json) -> None:
    """Set a key such as `model.dim`; a later key takes the place of what is in its way."""
    keys = [clean_text(key) for key in dotted.split(".")]
    if not all(keys):
        keys = [clean_text(dotted)]
    if len(keys) > _MAX_KEYS:
        return
    table = found
    for key in keys[:-1]:
        inner = table.get(key)
        if not isinstance(inner, dict):
            inner = table[key] = {}
        table = inner
    table[keys[-1]] = value


def _strict(value: Json) -> Json:
    """The value with NaN and the infinities as the words that a document holds for them."""
    if isinstance(value, float):
        return number_to_json(value)
    if isinstance(value, list):
        return [_strict(item) for item in value]
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    return value


def _is_flag(word: str) -> bool:
    """Whether the word names a flag; `-1`, `-.5`, `-inf`, `-` and a text like `-blurry, dark` are values."""
    name = word.partition("=")[0].lstrip("-")
    if not word.startswith("-") or not (name[:1].isalpha() or name[:1] == "_"):
        return False
    return not any(map(str.isspace, name)) and word[1:].lower() not in ("inf", "infinity", "nan")


def _is_negation(word: str) -> bool:
    """Whether the word turns something off: `--no-cuda`, as argparse, click and transformers name it."""
    return word.startswith("--no-") and word[5:6].isalpha()


def _is_number(word: str) -> bool:
    value = parse_scalar(word)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_override(word: str) -> bool:
    """Whether the word is one of hydra's, so that it never is the value of a flag before it."""
    return _is_assignment(word) or (word.startswith("~") and _is_dotted_name(word[1:].partition("=")[0]))


def _is_assignment(word: str) -> bool:
    key, equals, _ = word.partition("=")
    return bool(equals) and _is_dotted_name(key.removeprefix("+").removeprefix("+"))


def _is_dotted_name(key: str) -> bool:
    """Whether the key is identifiers or list positions with dots between: `model.layers.0.dim`."""
    first, *rest = key.split(".")
    return first.isidentifier() and all(part.isidentifier() or part.isdecimal() for part in rest)


def _unwrap(argv: Sequence[str]) -> _Unwrapped:
    """The words after the program, or the shorter command that it launches."""
    if not argv:
        return (), False
    name = basename(argv[0])
    if is_python(name):
        return _after_python(argv)
    if name in SHELLS:
        return _after_shell(argv), False
    if name in PYTHON_LAUNCHERS:
        return _after_launcher(argv, takes_module=True)
    if name in PLAIN_LAUNCHERS or name in OTHER_LAUNCHERS:
        return _after_launcher(argv, takes_module=False)
    script = next((at for at, word in enumerate(argv) if word.endswith(".py")), 0)
    return argv[script + 1 :], False


def _after_python(argv: Sequence[str]) -> _Unwrapped:
    """The words after `python [options] script`, `python -m module` or `python -c code`."""
    at = 1
    while at < len(argv) and argv[at].startswith("-") and argv[at] != "-":
        letter, attached = ("", "") if argv[at].startswith("--") else _first_with_value(argv[at][1:])
        separate = (bool(letter) and not attached) or argv[at] == "--check-hash-based-pycs"
        at += 2 if separate else 1
        if letter == "c":
            return argv[at:], False
        if letter == "m":
            module = "".join(argv[at - 1 : at]) if separate else attached
            if module in LAUNCHER_MODULES:
                return _after_launcher((module, *argv[at:]), takes_module=True)
            return argv[at:], False
    return argv[at + 1 :], False


def _first_with_value(letters: str) -> tuple[str, str]:
    """The first of the interpreter's short options that takes a value, and what is glued to it (`-Xdev`)."""
    for at, letter in enumerate(letters):
        if letter in "cmWX":
            return letter, letters[at + 1 :]
    return "", ""


def _after_launcher(argv: Sequence[str], *, takes_module: bool) -> _Unwrapped:
    """The words after the script or the module that is launched, or the command that is."""
    for at in range(1, len(argv)):
        word, name = argv[at], basename(argv[at])
        if word.endswith(".py"):
            return argv[at + 1 :], False
        if is_python(name) or name in SHELLS:
            return argv[at:], True
        if takes_module and word in ("-m", "--module"):
            return argv[at + 2 :], False
        if name in PYTHON_LAUNCHERS and (argv[at - 1] == "--" or not argv[at - 1].startswith("-")):
            return argv[at:], True
    if argv[0] in LAUNCHER_MODULES:
        return argv[1:], False
    return _after_foreign_program(argv), False


def _after_foreign_program(argv: Sequence[str]) -> Sequence[str]:
    """The words after `./train` in `srun -n 2 ./train`: a path, or the first word that no option takes."""
    start = 2 if argv[1:2] and argv[1] in _SUBCOMMANDS else 1
    for at in range(start, len(argv)):
        after_option = argv[at - 1].startswith("-") and argv[at - 1] != "--" and "=" not in argv[at - 1]
        if not argv[at].startswith("-") and ("/" in argv[at] or not after_option):
            return argv[at + 1 :]
    return ()


def _after_shell(argv: Sequence[str]) -> Sequence[str]:
    """The words after `bash [options] script`; a `-c` text is a program of its own."""
    at = 1
    while at < len(argv) and argv[at].startswith(("-", "+")) and argv[at] != "--":
        letters = "" if argv[at].startswith("--") else argv[at][1:]
        if "c" in letters:
            return ()
        at += 2 if letters.endswith(("o", "O")) else 1
    if argv[at:] and argv[at] == "--":
        at += 1
    return argv[at + 1 :]
