"""The command line of the process that records itself; in a notebook the notebook, not its kernel."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_KERNELS = frozenset({"ipykernel_launcher", "colab_kernel_launcher"})


def own_command() -> list[str]:
    """The words that started this process, or the name of its notebook (`notebook` where nobody tells it)."""
    words = [Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]]
    return [_notebook()] if _is_kernel(sys.argv[0]) else words


def _is_kernel(program: str) -> bool:
    path = Path(program)
    return path.stem in _KERNELS or path.parts[-2:] == ("ipykernel", "__main__.py")


def _notebook() -> str:
    """Its file's name: VS Code tells it in a variable of the notebook, Jupyter in the environment."""
    told = getattr(sys.modules.get("__main__"), "__vsc_ipynb_file__", None)
    name = Path(str(told or os.environ.get("JPY_SESSION_NAME", ""))).name
    return name if Path(name).suffix else "notebook"  # a console has a session of another name
