"""What the `dvc.yaml` files of a repository say about metrics: which files hold them, which comes first."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from gxt.errors import InvalidParams
from gxt.git import process
from gxt.git.repository import Repository
from gxt.model.json_types import JsonObject
from gxt.model.metrics import flatten_numbers
from gxt.named_tuple import NamedTuple
from gxt.store.places import cache_home, names_in

_NAME = "dvc.yaml"
POINTERS = ".dvc"


class Declared(NamedTuple):
    """Metrics files.

    Attributes:
        paths: in the order in which they are declared; they need not exist.
        notices: what could not be read or worked out, in words.
    """

    paths: tuple[Path, ...]
    notices: tuple[str, ...]


def metrics_files(repository: Repository, files: Sequence[Path] | None = None) -> Declared:
    """The metrics files that each `dvc.yaml` declares, for its whole pipeline and for its stages.

    Args:
        repository: where.
        files: what `dvc_files` has found, where that is known.
    """
    known = dvc_files(repository) if files is None else files
    found = [_declared_in(path, repository) for path in known if path.name == _NAME]
    paths = dict.fromkeys(path for one in found for path in one.paths)
    return Declared(tuple(paths), tuple(notice for one in found for notice in one.notices))


def declared_metric(repository: Repository) -> str | None:
    """The first metric of the first metrics file that `dvc.yaml` at the top declares and that exists."""
    for path in _declared_in(repository.top / _NAME, repository).paths:
        numbers = read_metrics(path)
        if numbers:
            return next(iter(numbers))
    return None


def read_metrics(path: Path) -> dict[str, float]:
    """The numbers in a metrics file (json or yaml), nested names joined with `/`; empty when unreadable."""
    from gxt.capture.yaml_source import load_yaml

    try:
        if not path.is_file():  # a FIFO is another's to read, and would be waited for
            return {}
        text = path.read_text(encoding="utf-8")
        return flatten_numbers(json.loads(text) if path.suffix == ".json" else load_yaml(text, str(path)))
    except (OSError, ValueError, RecursionError, InvalidParams):
        return {}


def dvc_files(repository: Repository) -> list[Path]:
    """`dvc.yaml` and `.dvc` files beside the user and in the folders above; with DVC all that git tracks.

    DVC itself looks at every folder of the work tree, which takes seconds in a large one.
    """
    folders = folders_above(repository)
    paths = [folder / _NAME for folder in folders]
    listed: list[Path] = []
    if any((folder / ".dvc").is_dir() for folder in folders):
        asked = ("ls-files", "-z", "--", _NAME, f"**/{_NAME}", f"*{POINTERS}")
        said = os.fsdecode(process.attempt(repository.top, asked).stdout)
        listed = [repository.top / name for name in said.split("\0") if name]
    beside = dict.fromkeys((*folders, *(path.parent for path in listed if path.suffix == POINTERS)))
    pointers = [folder / name for folder in beside for name in sorted(names_in(folder)) if is_pointer(name)]
    return list(dict.fromkeys((*paths, *listed, *pointers)))


def folders_above(repository: Repository) -> list[Path]:
    """The folder of the user, those above it, and the top."""
    top, cwd = repository.top, repository.cwd
    return list(dict.fromkeys((cwd, *(folder for folder in cwd.parents if folder.is_relative_to(top)), top)))


def is_pointer(name: str) -> bool:
    """Whether a file of this name stands for data of DVC's."""
    return name.endswith(POINTERS) and name != POINTERS


def _declared_in(path: Path, repository: Repository) -> Declared:
    if not path.is_file():
        return Declared((), ())
    # most repositories have no dvc.yaml
    from gxt.capture.remembered_params import load_remembered
    from gxt.model.pipeline import metrics_declared

    cache_dir, name = cache_home(repository) / "params", os.path.relpath(path, repository.top)

    def load(file: str) -> JsonObject | None:
        return load_remembered(path.parent / file, cache_dir) if (path.parent / file).is_file() else None

    try:
        declared = metrics_declared(load_remembered(path, cache_dir), load)
    except InvalidParams as error:
        return Declared((), (f"no metrics from {name}: {error.message}; name them with --metrics FILE",))
    files = [file for file in declared.files if "\0" not in file]  # YAML can hold one, a path cannot
    paths = tuple(Path(os.path.normpath(path.parent / file)) for file in files)
    untold = (*declared.unresolved, *(file for file in declared.files if file not in files))
    if not untold:
        return Declared(paths, ())
    unknown = ", ".join(untold)
    notice = f"metrics of {name} that cannot be worked out: {unknown}; name their files with --metrics FILE"
    return Declared(paths, (notice,))
