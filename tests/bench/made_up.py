"""Journals of runs that never ran: a tree of ideas, each a small change of an earlier one, over months.

Here is only what a user's training would have said; how gxt keeps it is gxt's own business.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from gxt.model.codec import FORMAT, time_to_json
from gxt.model.ids import new_uid
from gxt.model.json_types import Json, JsonObject

# 2026-01-05 08:00 UTC. Later than now, git would go through all of it to find out what a fetch has to bring.
LAST_US = 1_767_600_000_000_000
APART_S = 1_500  # between the starts of two runs, on average: 10,000 runs take some six months
EPOCHS = 12
AUTHORS = (("Ada Lovelace", "ada@example.org"), ("Alan Turing", "alan@example.org"))
COMMAND: tuple[Json, ...] = ("python", "train.py", "--config", "params.yaml")

_CHANGES: dict[str, tuple[Json, ...]] = {
    "lr": (0.0001, 0.0003, 0.001, 0.003, 0.01),
    "seed": (0, 1, 2, 3, 4),
    "batch_size": (32, 64, 128, 256),
    "model.type": ("mlp", "cnn", "vit"),
    "model.width": (64, 128, 256, 512),
    "model.depth": (2, 4, 8, 12),
    "model.dropout": (0.0, 0.1, 0.3),
    "optimizer.name": ("sgd", "adam", "adamw"),
    "optimizer.weight_decay": (0.0, 0.0001, 0.01),
}
_PACKAGES = (
    "certifi charset-normalizer click contourpy cycler filelock fonttools fsspec gxt idna jinja2 joblib "
    "kiwisolver markdown-it-py markupsafe matplotlib mdurl mpmath networkx numpy packaging pandas "
    "pillow pip pygments pyparsing python-dateutil pytz pyyaml requests rich ruamel-yaml safetensors "
    "scikit-learn scipy setuptools shellingham six sympy threadpoolctl tokenizers tomlkit torch "
    "torchvision tqdm transformers typer typing-extensions tzdata urllib3"
).split()


@dataclass(frozen=True)
class Idea:
    """One run: what it changes, on what it builds, how well it does (the accuracy it converges to)."""

    uid: str
    at_us: int
    parent: str | None
    change: str
    params: dict[str, Json]
    quality: float

    def nested(self) -> JsonObject:
        """The parameters as the file holds them."""
        nested: JsonObject = {}
        for key, value in self.params.items():
            group, _, name = key.rpartition(".")
            place = nested.setdefault(group, {}) if group else nested
            assert isinstance(place, dict)
            place[name] = value
        return nested


@dataclass(frozen=True)
class Code:
    """The code of a run, as ids of git."""

    head: str
    tree: str


def first_us(runs: int) -> int:
    """When so many runs begin, in microseconds, for the last one to be about that of `LAST_US`."""
    return LAST_US - runs * APART_S * 1_000_000


def next_idea(earlier: Sequence[Idea], chance: Random, began_us: int) -> Idea:
    """A change of the newest idea (mostly), of another recent one, or a new beginning."""
    at_us = earlier[-1].at_us if earlier else began_us
    at_us += int(chance.expovariate(1 / APART_S) * 1e6) + 1000
    uid = new_uid(at_us // 1000, chance.randbytes(10))
    draw = chance.random()
    if not earlier or draw < 0.01:
        params: dict[str, Json] = {key: values[0] for key, values in _CHANGES.items()}
        return Idea(uid, at_us, None, "baseline", {**params, "epochs": EPOCHS}, chance.uniform(0.5, 0.6))
    parent = earlier[-1] if draw < 0.7 else chance.choice(earlier)
    key = chance.choice(list(_CHANGES))
    value = chance.choice(_CHANGES[key])
    quality = min(0.99, max(0.1, parent.quality + chance.gauss(0.001, 0.01)))
    return Idea(uid, at_us, parent.uid, f"{key}={value}", {**parent.params, key: value}, quality)


def journal(idea: Idea, code: Code, chance: Random) -> Iterator[bytes]:
    """The lines of the journal of an idea's run; one in twenty fails, one in fifty is killed."""
    author = AUTHORS[idea.at_us // 1000 % 2]
    config: JsonObject = {
        "gxt": FORMAT,
        "uid": idea.uid,
        "name": None,
        "message": idea.change,
        "hypothesis": None,
        "command": list(COMMAND),
        "cwd": ".",
        "parent": idea.parent,
        "group": None,
        "seed": None,
        "repeat": None,
        "created": time_to_json(idea.at_us),
        "author": {"name": author[0], "email": author[1]},
        "host": "workstation",
        "code": {"head": code.head, "branch": "main", "dirty": True, "tree": code.tree, "skipped": []},
        "params": idea.nested(),
        "param_files": ["params.yaml"],
        "metrics_files": [],
        "outs": [],
        "reproduces": None,
        "data": [],
    }
    yield _line("started", idea.at_us, config=config, offset="+0100", host="workstation", boot="", pid=4711)
    yield _line("environment", idea.at_us + 40_000, document=environment(idea.at_us // 10**13))
    if chance.random() < 0.1:
        yield _line("tag", idea.at_us + 50_000, id=idea.uid, tags=["candidate"])
    fate = chance.random()
    epochs = EPOCHS if fate > 0.07 else chance.randrange(1, EPOCHS)
    epoch_s = chance.uniform(20, 90)
    for epoch in range(epochs):
        yield _line(
            "metrics",
            idea.at_us + int((epoch + 1) * epoch_s * 1e6),
            s=epoch,
            m=_measured(idea, epoch, chance),
        )
    if fate > 0.02:
        status, exit_code = ("completed", 0) if fate > 0.07 else ("failed", 1)
        ended_us = idea.at_us + int((epochs + 0.5) * epoch_s * 1e6)
        duration_s = (ended_us - idea.at_us) / 1e6
        yield _line("finished", ended_us, status=status, exit_code=exit_code, duration_s=duration_s)


def console(idea: Idea) -> bytes:
    """What the run printed, as `output.log` keeps it."""
    said = [f"training a {idea.params['model.type']}", *(f"epoch {i}" for i in range(EPOCHS))]
    at_us = idea.at_us
    return b"".join(
        b"%b 1 %b\n" % (time_to_json(at_us + i * 1_000_000).encode(), text.encode())
        for i, text in enumerate(said)
    )


def environment(age: int) -> JsonObject:
    """The environment that a group of runs shares: some packages get newer with its age."""
    return {
        "gxt": FORMAT,
        "python": {"version": "3.11.7", "implementation": "cpython", "executable": "/opt/venv/bin/python"},
        "packages": {
            name: f"{len(name)}.{i % 7}.{age if i % 5 == 0 else 0}" for i, name in enumerate(_PACKAGES)
        },
        "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
        "os": "Linux",
        "machine": "x86_64",
        "cpu": {"name": "AMD EPYC 7763 64-Core Processor", "count": 64},
        "memory_bytes": 540_000_000_000,
        "gpus": [],
        "variables": {},
    }


def _measured(idea: Idea, epoch: int, chance: Random) -> dict[str, float]:
    left = math.exp(-(epoch + 1) / 4)
    accuracy = idea.quality * (1 - left) + chance.gauss(0, 0.003)
    loss = 2.3 * left + (1 - idea.quality) + chance.gauss(0, 0.01)
    return {"train/loss": loss * 0.9, "val/loss": loss, "val/acc": accuracy, "lr": 0.001 * 0.9**epoch}


def _line(kind: str, at_us: int, **fields: object) -> bytes:
    return json.dumps({"e": kind, "t": at_us, **fields}).encode()
