"""Writes `api.md` from the public names: `python docs/reference/make_api.py`. A test keeps it true."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import gxt
from gxt.analysis import analyze_scaling_law

PAGE = Path(__file__).with_name("api.md")

HEAD = """\
# The Python API

<!-- Made by docs/reference/make_api.py from the signatures and docstrings: edit those, then run it. -->

`import gxt` costs nothing: no other module is loaded until a name is used. The public names are exactly
these: {names}.

After `init` nothing raises into the training: the first failure of each function is one warning (logger
`gxt`) and a notice in the run. `init` itself raises [GxtError](errors.md) when nothing can be recorded. `log`
and `log_params` without `init` begin a run themselves. How it is used:
[log from a script](../how-to/log-from-a-script.md), [read runs in Python](../how-to/read-runs-in-python.md).
"""


def render() -> str:
    """The whole page."""
    parts = [HEAD.format(names=", ".join(f"`{name}`" for name in gxt.__all__))]
    for name in gxt.__all__:
        public = getattr(gxt, name)
        if isinstance(public, FunctionType):
            parts.append("\n".join(_function(f"gxt.{name}", public)))
    for name in ("Run", "Experiment", "RecordedRun", "Series", "Artifact", "ExperimentRegistry"):
        parts.append("\n".join(_class(f"gxt.{name}", getattr(gxt, name))))
    parts.append(f"## gxt.elo\n\n{_text(gxt.elo)}\n")
    parts.append("\n".join(_function("gxt.elo.fit", gxt.elo.fit)))
    parts += ["\n".join(_class(f"gxt.elo.{one.__name__}", one)) for one in (gxt.elo.Ratings, gxt.elo.Rating)]
    parts.append(f"## gxt.visualization\n\n{_text(gxt.visualization)}\n")
    for name in gxt.visualization.__all__:
        public = getattr(gxt.visualization, name)
        if isinstance(public, FunctionType):
            parts.append("\n".join(_function(f"gxt.visualization.{name}", public)))
    parts.append(f"## gxt.GxtError\n\n{_text(gxt.GxtError)}\n\nAll of them: [errors](errors.md).\n")
    parts.append("\n".join(_function("gxt.analysis.analyze_scaling_law", analyze_scaling_law)))
    return "\n".join(parts)


def _function(name: str, function: FunctionType) -> Iterator[str]:
    yield from (f"## {name}", "", "```python", _signature(function), "```", "", _text(function), "")


def _class(name: str, one: type) -> Iterator[str]:
    yield from (f"## {name}", "", _text(one), "")
    members = {name: value for base in reversed(one.__mro__) for name, value in vars(base).items()}
    if isinstance(members.get("__init__"), FunctionType) and (one.__init__.__doc__ or ""):
        yield from ("```python", _signature(one.__init__).replace("__init__", one.__name__), "```", "")
        yield from (_text(one.__init__), "")
    for method, function in members.items():
        if not method.startswith("_") and isinstance(function, FunctionType):
            yield from (f"### {name}.{method}", "", "```python", _signature(function), "```", "")
            yield from (_text(function), "")


def _signature(function: FunctionType) -> str:
    """The `def` line without `self`, one parameter a line where it is long."""
    found = inspect.signature(function)
    words: list[str] = []
    for one in found.parameters.values():
        if one.kind is inspect.Parameter.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        if one.name != "self":
            words.append(_parameter(one))
    end = f") -> {found.return_annotation}: ..."
    short = f"def {function.__name__}({', '.join(words)}{end}"
    if len(short) <= 100:
        return short
    return "\n".join([f"def {function.__name__}(", *(f"    {word}," for word in words), end])


def _parameter(one: inspect.Parameter) -> str:
    """A parameter as it is written; annotations are text here, as nobody evaluates them."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}.get(one.kind, "")
    typed = "" if one.annotation is one.empty else f": {one.annotation}"
    if one.default is one.empty:
        return f"{stars}{one.name}{typed}"
    default = f'"{one.default}"' if isinstance(one.default, str) else repr(one.default)
    return f"{one.name}{typed} = {default}" if typed else f"{one.name}={default}"


def _text(documented: object) -> str:
    """A docstring as Markdown: its sections with their names in bold, their entries as a list."""
    lines: list[str] = []
    section = ""
    for line in (inspect.getdoc(documented) or "").splitlines():
        if line in {"Args:", "Raises:", "Attributes:", "Returns:"}:
            lines += [f"**{line.removesuffix(':')}**", ""]
            section = line
        elif section == "Returns:" and line:
            lines.append(line.strip())
        elif section and line.startswith("    ") and not line.startswith("     "):
            name, _, rest = line.strip().partition(":")
            lines.append(f"- `{name}`:{rest}")
        else:
            lines.append(f"  {line.strip()}" if section and line else line)
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
