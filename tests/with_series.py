"""Runs with metrics over time, put into a repository by plain git: 100 of 10,000 points in a second."""

from __future__ import annotations

import json
import subprocess
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gxt.model.ids import new_uid, run_path
from gxt.model.series import Series, encode
from tests.conftest import git

BEGAN_MS = 1_700_000_000_000  # 2023-11-14T22:13:20Z
_PERSON = "A <a@b.c> 1700000000 +0000"


@dataclass(frozen=True)
class Made:
    """A run to make.

    Attributes:
        series: its metrics over time; steps are 0, 1, … unless `steps` has others, a step a second.
        name, params, group, status: as the run has them; a group is any text.
        steps: of a metric.
        evals: events of evaluations: `{name, step, values}`.
        parent: the index of its parent among the runs.
    """

    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    name: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    group: str | None = None
    status: str = "completed"
    steps: Mapping[str, Sequence[int]] = field(default_factory=dict)
    evals: Sequence[Mapping[str, object]] = ()
    parent: int | None = None


def series_of(run: Made) -> dict[str, Series]:
    """The metrics of the run as gxt has them in memory; step s was logged s seconds after the start."""
    made: dict[str, Series] = {}
    shared: dict[tuple[int, ...], tuple[array[int], array[int]]] = {}
    for name, values in run.series.items():
        steps = tuple(run.steps.get(name, range(len(values))))
        if steps not in shared:
            times = array("q", [(BEGAN_MS + 1000 * step) * 1000 for step in steps])
            shared[steps] = (array("q", steps), times)
        made[name] = Series(*shared[steps], array("d", values))
    return made


def write_runs(repo: Path, runs: Sequence[Made]) -> None:
    """Put runs into a repository that has none, numbered from 1."""
    tree = git(repo, "rev-parse", "HEAD^{tree}")
    uids = [new_uid(BEGAN_MS + i, i.to_bytes(10, "big")) for i in range(len(runs))]
    stream: list[bytes] = []
    for mark in range(1, len(runs) + 1):
        head = f"commit refs/gxt/tmp/runs\nmark :{mark}\ncommitter {_PERSON}\ndata 2\nr\n"
        stream.append(f"{head}M 040000 {tree} \nreset refs/gxt/tmp/runs\n".encode())
    stream.append(f"commit refs/gxt/experiments\ncommitter {_PERSON}\ndata 2\ne\n".encode())
    files: dict[str, bytes] = {"format": b"1\n", "next": f"{len(runs) + 1}\n".encode()}
    for i, run in enumerate(runs):
        place = run_path(i + 1)
        stream.append(f"M 160000 :{i + 1} {place}/run\n".encode())
        for name, document in _documents(
            run, uids[i], None if run.parent is None else uids[run.parent]
        ).items():
            files[f"{place}/{name}"] = json.dumps({"gxt": 1, **document}).encode()
        chunks = encode(series_of(run), uid=uids[i]) if run.series else []
        for at, chunk in enumerate(chunks):
            files[f"{place}/series" if len(chunks) == 1 else f"{place}/series/{at:04}"] = chunk
        if run.evals:
            files[f"{place}/annotations.jsonl"] = b"".join(
                _evaluation(i, n, e) for n, e in enumerate(run.evals)
            )
    for path, data in files.items():
        stream.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=repo, input=b"".join([*stream, b"done\n"]), check=True
    )


def _documents(run: Made, uid: str, parent: str | None) -> dict[str, dict[str, object]]:
    stats = {
        name: {
            "last": _json(values[-1]),
            "last_step": 0,
            "min": _json(min(values)),
            "min_step": 0,
            "max": _json(max(values)),
            "max_step": 0,
            "count": len(values),
        }
        for name, values in run.series.items()
        if values
    }
    code: dict[str, object] = {"head": None, "branch": "main", "dirty": False, "tree": "", "skipped": []}
    about = {"created": "2023-11-14T22:13:20.000000Z", "author": {"name": "A", "email": "a@b.c"}, "host": "h"}
    config = {"uid": uid, "command": ["train"], "parent": parent, "code": code, "name": run.name, **about}
    ended = {"uid": uid, "status": run.status, "exit_code": 0, "duration_s": 1.0, "metrics": stats}
    return {
        "config.json": {**config, "params": dict(run.params), "group": run.group},
        "environment.json": {"python": None, "packages": {}},
        "metrics.json": ended,
    }


def _json(value: float) -> object:
    return (
        value
        if abs(value) < float("inf")
        else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    )


def _evaluation(run: int, nth: int, said: Mapping[str, object]) -> bytes:
    event = {
        "id": new_uid(BEGAN_MS + nth, (run * 1000 + nth + 1).to_bytes(10, "big")),
        "at": "2023-11-15T00:00:00.000000Z",
        "by": {"name": "A", "email": "a@b.c"},
        "op": "evaluation",
        "step": None,
        **said,
    }
    return json.dumps(event).encode() + b"\n"
