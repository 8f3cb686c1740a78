"""What the `dvc.yaml` files of a repository say about metrics: which files hold them, which comes first."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from gxt.errors import InvalidParams
from gxt.git import process
from gxt.git.repository import Repository
from gxt.model.json_types import JsonObject
from gxt.model.metrics import flatten_numbers
from gxt.store.places import cache_home

_NAME = "dvc.yaml"


class Declared(NamedTuple):
    """Metrics files.

    Attributes:
        paths: in the order in which they are declared; they need not exist.
        notices: what could not be read or worked out, in words.
    """

    paths: tuple[Path, ...]
    notices: tuple[str, ...]


def metrics_files(repository: Repository) -> Declared:
    """The metrics files that each `dvc.yaml` declares, for its whole pipeline and for its stages."""
    found = [_declared_in(path, repository) for path in _pipelines(repository)]
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


def _pipelines(repository: Repository) -> list[Path]:
    """`dvc.yaml` beside the user and in the folders above, up to the top; with DVC all that git tracks.

    DVC itself looks at every folder of the work tree, which takes seconds in a large one.
    """
    top, cwd = repository.top, repository.cwd
    folders = [cwd, *(folder for folder in cwd.parents if folder.is_relative_to(top)), top]
    paths = [folder / _NAME for folder in folders]
    if any((folder / ".dvc").is_dir() for folder in folders):
        listed = process.attempt(top, ("ls-files", "-z", "--", _NAME, f"**/{_NAME}"))
        paths += [top / name for name in os.fsdecode(listed.stdout).split("\0") if name]
    return list(dict.fromkeys(paths))


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
