"""Programs that run other programs, by name: interpreters, shells, and what stands before a command."""

from __future__ import annotations

from typing import Final

SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish"})

PLAIN_LAUNCHERS: Final = frozenset(
    "caffeinate chrt ionice mpiexec mpirun ncu nice nohup nsys numactl orterun perf setsid srun stdbuf "
    "strace taskset time timeout unbuffer xvfb-run".split()
)
"""They run the command in their words as it would run without them."""

OTHER_LAUNCHERS: Final = frozenset(
    "env conda mamba micromamba pixi poetry pipenv pdm hatch rye sudo py-spy docker podman apptainer "
    "singularity".split()
)
"""They run the command elsewhere, or with other variables."""

PYTHON_LAUNCHERS: Final = frozenset(
    "torchrun accelerate deepspeed uv coverage ipython ipython3 horovodrun kernprof debugpy pdb".split()
)
"""They also take a script or `-m MODULE`, as an interpreter does."""

LAUNCHER_MODULES: Final = frozenset(
    "torch.distributed.run torch.distributed.launch torch.utils.bottleneck accelerate.commands.launch "
    "deepspeed deepspeed.launcher.runner horovod.runner coverage cProfile profile trace pdb ipdb debugpy "
    "line_profiler kernprof memory_profiler scalene viztracer pyinstrument".split()
)


def basename(word: str) -> str:
    """A word without the folders before it."""
    return word.rpartition("/")[2]


def is_python(name: str) -> bool:
    """Whether a file name is one of an interpreter: python, python3.12, python3.13t, pypy3.10, …"""
    for stem in ("python", "pypy"):
        if name.startswith(stem):
            return not name[len(stem) :].strip("0123456789.td")
    return False
