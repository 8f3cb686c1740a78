"""Writes `torch.md` from the signatures: `python docs/reference/make_torch.py`. A test keeps it true."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from types import FunctionType

import gxt.torch

PAGE = Path(__file__).with_name("torch.md")

HEAD = """\
# gxt.torch

<!-- Made by docs/reference/make_torch.py from the signatures and docstrings: edit those, then run it. -->

The public names are exactly these: {names}.

How they are used: [train with PyTorch](../how-to/train-with-torch.md). The callbacks for frameworks are on [a page of
their own](../how-to/lightning-huggingface-keras.md).

To import it loads nothing, not even torch. What it records never raises into the training: a failure is a warning in
the run.
"""


def render() -> str:
    """The whole page, in the form of `api.md`."""
    form = run_path(str(Path(__file__).with_name("make_api.py")))
    parts = [HEAD.format(names=", ".join(f"`{name}`" for name in gxt.torch.__all__))]
    for name in gxt.torch.__all__:
        public = getattr(gxt.torch, name)
        of = form["_function"] if isinstance(public, FunctionType) else form["_class"]
        parts.append("\n".join(_constructed(public, of(f"gxt.torch.{name}", public), form["_signature"])))
    return "\n".join(parts)


def _constructed(public: object, lines: Iterator[str], signature: object) -> Iterator[str]:
    """Under the heading of the complete trainer, how it is made: the arguments of its loop."""
    assert callable(signature)
    for nth, line in enumerate(lines):
        yield line
        if nth == 0 and public is gxt.torch.Trainer:
            loop = inspect.getmro(gxt.torch.Trainer)[2]
            yield from ("", "```python", signature(loop.__init__).replace("__init__", "Trainer"), "```")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
