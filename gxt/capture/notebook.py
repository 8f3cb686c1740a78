"""Notebooks: which one this process runs, the source of its cells, and whether the last one failed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_KERNELS: Final = frozenset({"ipykernel_launcher", "colab_kernel_launcher"})


def own_command() -> list[str]:
    """The words that started this process, or the name of its notebook (`notebook` where nobody tells it)."""
    words = [Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]]
    return [_notebook()] if _is_kernel(sys.argv[0]) else words


class Cells:
    """The cells of an interactive session of IPython, those that were run before and each that comes.

    Args:
        shell: of `find_shell`.
        keep: takes the source of a cell, before it is run.
        ended: takes the exception that ended a cell, or None.
    """

    def __init__(
        self,
        shell: Any,  # noqa: ANN401 IPython is loaded by whoever uses it, never for its types
        keep: Callable[[str], None],
        ended: Callable[[BaseException | None], None],
    ) -> None:
        self._shell = shell
        self._keep = keep
        self._ended = ended
        for source in list(shell.history_manager.input_hist_raw)[1:]:  # the first stands for no cell
            keep(source)
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)

    def stop(self) -> None:
        """What comes is no part of the run."""
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)

    def _before(self, info: Any) -> None:  # noqa: ANN401 as above
        self._keep(str(info.raw_cell))

    def _after(self, result: Any) -> None:  # noqa: ANN401 as above
        self._ended(result.error_before_exec or result.error_in_exec)


def cells_name() -> str:
    """What the source of the cells is called: `train.py` of `train.ipynb`."""
    return f"{Path(_notebook()).stem}.py"


def find_shell() -> Any:  # noqa: ANN401 as above
    """The session of IPython that runs this code; None anywhere else."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def _is_kernel(program: str) -> bool:
    path = Path(program)
    return path.stem in _KERNELS or path.parts[-2:] == ("ipykernel", "__main__.py")


def _notebook() -> str:
    """Its file's name: VS Code tells it in a variable of the notebook, Jupyter in the environment."""
    told = getattr(sys.modules.get("__main__"), "__vsc_ipynb_file__", None)
    name = Path(str(told or os.environ.get("JPY_SESSION_NAME", ""))).name
    return name if Path(name).suffix else "notebook"  # a console has a session of another name
