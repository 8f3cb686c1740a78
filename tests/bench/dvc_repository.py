"""The same history in DVC: a project of one stage, and experiments in the layout that `dvc exp run` writes.

An experiment is a ref `refs/exps/<2 hex>/<38 hex>/<name>` below the id of its baseline, on a commit whose one
parent is the baseline and whose tree is the project with other parameters, metrics and `dvc.lock`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random

from gxt.data.cache import Cache
from gxt.git.fast_import import FastImport, Person, Put
from gxt.git.objects import ObjectReader
from gxt.git.repository import discover
from gxt.model.json_types import JsonObject
from tests.bench.made_up import AUTHORS, Idea, first_us, next_idea
from tests.bench.measure import Bench
from tests.with_data import put

_TRAIN = """\
import json
json.dump({"val": {"acc": 0.5}}, open("metrics.json", "w"))
"""
_STAGE = """\
stages:
  train:
    cmd: python train.py
    deps:
    - train.py
    params:
    - params.yaml:
    metrics:
    - metrics.json:
        cache: false
"""
_NOTHING = """\
stages:
  train:
    cmd: 'true'
    params:
    - params.yaml:
"""
_LOCK = """\
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - path: train.py
      hash: md5
      md5: {code}
      size: {code_size}
    params:
      params.yaml: {params}
    outs:
    - path: metrics.json
      hash: md5
      md5: {metrics}
      size: {metrics_size}
"""
_MODEL = """\
    - path: model.bin
      hash: md5
      md5: {md5}
      size: {size}
"""


def dvc_nothing(bench: Bench, directory: Path) -> None:
    """A committed DVC project whose one stage does nothing."""
    _project(bench, directory, {"dvc.yaml": _NOTHING})


def dvc_experiments(bench: Bench, directory: Path, count: int, *, with_data: bool = False) -> None:
    """A DVC project with that many experiments on its one commit, read once so that DVC's cache is warm.

    With data each of them has a small file of its own in DVC's cache.
    """
    outs = "    outs:\n    - model.bin\n" if with_data else ""
    _project(bench, directory, {"dvc.yaml": _STAGE + outs, "train.py": _TRAIN})
    cache = Cache(directory / ".dvc/cache")
    chance, ideas = Random(1), list[Idea]()
    with ObjectReader(discover(directory)) as reader, FastImport(directory) as importer:
        head = reader.read("HEAD")
        assert head is not None
        for number in range(count):
            idea = next_idea(ideas, chance, first_us(count))
            ideas = [*ideas[-100:], idea]
            lock = b""
            if with_data:
                found = put(cache, b"model of %d" % number)
                lock = _MODEL.format(md5=found.md5, size=found.size_bytes).encode()
            _experiment(importer, head.oid, f"idea-{number:05d}", idea, lock)
    shown = json.loads(bench.run(directory, "dvc", "exp", "show", "--json"))
    experiments = shown[1]["experiments"]
    assert len(experiments) == count
    assert all(one["revs"][0]["data"]["metrics"]["metrics.json"]["data"] for one in experiments)


def _project(bench: Bench, directory: Path, files: Mapping[str, str]) -> None:
    directory.mkdir(parents=True)
    for name, content in {"params.yaml": "lr: 0.1\n", **files}.items():
        (directory / name).write_text(content)
    bench.run(directory, "git", "init", "-q", "-b", "main")
    bench.run(directory, "dvc", "init", "-q")
    for setting in ("core.analytics", "core.check_update"):
        bench.run(directory, "dvc", "config", setting, "false")
    bench.run(directory, "git", "add", ".")
    bench.run(directory, "git", "commit", "-q", "-m", "the first model")


def _experiment(importer: FastImport, head: str, name: str, idea: Idea, more: bytes) -> None:
    params = json.dumps(idea.nested()).encode() + b"\n"
    loss = 1 - idea.quality
    measured: JsonObject = {
        "train": {"loss": loss * 0.9},
        "val": {"loss": loss, "acc": idea.quality},
        "lr": idea.params["lr"],
    }
    metrics = json.dumps(measured).encode()
    lock = (
        _LOCK.format(
            code=_md5(_TRAIN.encode()),
            code_size=len(_TRAIN),
            params=params.decode().rstrip(),
            metrics=_md5(metrics),
            metrics_size=len(metrics),
        ).encode()
        + more
    )
    person = Person(*AUTHORS[0], idea.at_us // 1_000_000, "+0100")
    files = {"params.yaml": params, "metrics.json": metrics, "dvc.lock": lock}
    importer.commit(
        f"refs/exps/{head[:2]}/{head[2:]}/{name}",
        author=person,
        committer=person,
        message=f"dvc: commit experiment {hashlib.sha256(lock).hexdigest()}",
        parents=[head],
        puts=[Put("100644", importer.blob(data), path) for path, data in files.items()],
    )


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
