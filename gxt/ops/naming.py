"""Which outputs a run that is over goes on naming, and where they belong in a checkout of it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from typing import Any, Final, cast

from gxt.errors import GxtError
from gxt.git import process
from gxt.git.objects import ObjectReader
from gxt.git.repository import Repository
from gxt.model.artifacts import is_place, stored_only
from gxt.model.events import Folded
from gxt.model.goals import goals_of, main_metric
from gxt.model.json_types import Json, JsonObject
from gxt.model.placing import placed, retained, with_metric
from gxt.ops.declared import declared_metric
from gxt.store.settings import Settings

_MOST_FILES: Final = 1000
_OUTPUTS: Final = ("outs", "metrics", "plots")


def settled(repository: Repository, settings: Settings, folded: Folded) -> Folded:
    """What a run says with its outputs chosen by the settings, each at a place of its own."""
    artifacts, texts = stored_only(cast("list[JsonObject]", folded.metrics["artifacts"]))
    chosen = settings.metric or declared_metric(repository)
    goals = {**goals_of(folded.metrics), **settings.goals}
    main = main_metric(folded.series, chosen=chosen, goals=goals)
    if main:
        artifacts = with_metric(artifacts, main.name, folded.series[main.name])
    if settings.keep_best and main and main.goal:
        artifacts, left_out = retained(
            artifacts, best=settings.keep_best, last=settings.keep_last, goal=main.goal
        )
        texts += left_out
    elif settings.keep_best and any(one["step"] is not None for one in artifacts):
        texts.append("all checkpoints are kept: nobody knows which metric is better which way")
    artifacts = placed(artifacts, set(_taken(repository, folded)))
    said = cast("list[Json]", folded.metrics["notices"])
    metrics = {**folded.metrics, "artifacts": list[Json](artifacts), "notices": [*said, *texts]}
    return folded._replace(metrics=metrics, about_outputs=(*folded.about_outputs, *texts))


def _taken(repository: Repository, folded: Folded) -> Iterator[str]:
    """The paths that the project's own `.dvc` files, `dvc.yaml` and `dvc.lock` give to outputs."""
    code = folded.config.get("code")
    tree = str(code.get("tree") or "") if isinstance(code, dict) else ""
    listed = process.attempt(repository.top, ("ls-tree", "-r", "-z", "--name-only", tree)) if tree else None
    names = os.fsdecode(listed.stdout).split("\0") if listed else []
    wanted = [
        one for one in names if one.endswith(".dvc") or posixpath.basename(one) in ("dvc.yaml", "dvc.lock")
    ]
    wanted = [one for one in wanted if is_place(one) and "\n" not in one][:_MOST_FILES]
    if not wanted:
        return
    with ObjectReader(repository) as reader:
        for name, blob in zip(wanted, reader.read_many(f"{tree}:{one}" for one in wanted), strict=True):
            if blob is not None:
                yield from _outputs(name, blob.data)


def _outputs(name: str, content: bytes) -> Iterator[str]:
    from gxt.capture.yaml_source import load_yaml

    try:
        document: Any = load_yaml(content.decode(), name)
    except (GxtError, ValueError, RecursionError):
        return
    stages = [document] if name.endswith(".dvc") else _values(document, "stages")
    for stage in stages:
        for path in _paths(stage):
            wdir = stage.get("wdir", ".")
            found = posixpath.normpath(posixpath.join(posixpath.dirname(name), str(wdir), path))
            if is_place(found) and "${" not in found:
                yield found


def _values(document: Any, key: str) -> list[Any]:  # noqa: ANN401 whatever a YAML file holds
    found = document.get(key) if isinstance(document, dict) else None
    return [one for one in found.values() if isinstance(one, dict)] if isinstance(found, dict) else []


def _paths(stage: Any) -> Iterator[str]:  # noqa: ANN401 as above
    """Entries are names, or `{name: options}`; in `.dvc` files and `dvc.lock` `{path: name, …}`."""
    for key in _OUTPUTS:
        entries = stage.get(key) if isinstance(stage, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, str):
                yield entry
            elif isinstance(entry, dict):
                yield from ([str(entry["path"])] if "path" in entry else map(str, entry))
