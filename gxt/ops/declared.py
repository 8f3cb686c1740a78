"""What `dvc.yaml` says about metrics, read without DVC: which files hold them, and which one comes first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from gxt.errors import InvalidParams
from gxt.model.metrics import flatten_numbers


def metrics_files(top: Path) -> list[Path]:
    """The metrics files that `dvc.yaml` declares, for the whole pipeline and for its stages."""
    path = top / "dvc.yaml"
    if not path.is_file():
        return []
    from gxt.capture.yaml_source import load_yaml  # most repositories have no dvc.yaml

    try:
        pipeline = load_yaml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError, InvalidParams):
        return []  # DVC itself tells what is wrong with it; a run does not depend on it
    if not isinstance(pipeline, dict):
        return []
    found = [top / name for name in _names(pipeline.get("metrics"))]
    stages = pipeline.get("stages")
    for stage in stages.values() if isinstance(stages, dict) else ():
        if isinstance(stage, dict):
            folder = top / str(stage.get("wdir", "."))
            found += [folder / name for name in _names(stage.get("metrics"))]
    return list(dict.fromkeys(found))


def declared_metric(top: Path) -> str | None:
    """The first metric of the first metrics file that `dvc.yaml` declares and that exists."""
    for path in metrics_files(top):
        numbers = read_metrics(path)
        if numbers:
            return next(iter(numbers))
    return None


def read_metrics(path: Path) -> dict[str, float]:
    """The numbers in a metrics file (json or yaml), nested names joined with `/`; empty when unreadable."""
    from gxt.capture.yaml_source import load_yaml

    try:
        text = path.read_text(encoding="utf-8")
        return flatten_numbers(json.loads(text) if path.suffix == ".json" else load_yaml(text, str(path)))
    except (OSError, ValueError, RecursionError, InvalidParams):
        return {}


def _names(declared: object) -> Iterator[str]:
    """Entries are names, or `{name: options}`; templated names (`${…}`) are DVC's to resolve."""
    for entry in declared if isinstance(declared, list) else ():
        for name in entry if isinstance(entry, dict) else (entry,):
            if isinstance(name, str) and "${" not in name:
                yield name
