"""The plain layout of an export: what a researcher would keep by hand, a folder for each run.

```
index.json                   every run of the folder, a line each
exp-001-mlp-tiny/            its id, and its name as far as every file system can hold it
    README.md                a summary for people
    learning_curve.png       where matplotlib is installed
    config.yaml              the parameters
    metrics.jsonl            the metrics, a line for each step
    eval.json                the evaluations by name
    model_best.onnx          the best checkpoint by the main metric, its content being here
    outputs/                 all other outputs
    run.json                 the facts of `index.json`, and which files are the export's
    record/                  what git has of the run, byte for byte; `commit` is the run commit
```
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

INDEX: Final = "index.json"
RUN: Final = "run.json"
README: Final = "README.md"
PICTURE: Final = "learning_curve.png"
CONFIG: Final = "config.yaml"
METRICS: Final = "metrics.jsonl"
EVAL: Final = "eval.json"
BEST: Final = "model_best"
OUTPUTS: Final = "outputs"
RECORD: Final = "record"
COMMIT: Final = "commit"
SERIES: Final = "series"
DOCUMENTS: Final = (
    "config.json",
    "environment.json",
    "metrics.json",
    "annotations.jsonl",
    "output.log",
    SERIES,
)
"""The files of a run's directory in git, but for the run commit; a long series is a folder."""

OWN: Final = frozenset(
    name.casefold() for name in (README, PICTURE, CONFIG, METRICS, EVAL, OUTPUTS, RUN, RECORD)
)
"""What nothing else in a run's folder may be called, on a file system that keeps no case."""

_MOST_SLUG: Final = 40
_FOLDER: Final = re.compile(r"exp-\d{3,9}(-[a-z0-9-]{1,40})?", re.ASCII)
_OTHER: Final = re.compile(r"[^a-z0-9]+", re.ASCII)


def folder_name(id_: str, title: str) -> str:
    """The name of a run's folder: `exp-001-mlp-tiny`; the id alone where the title has no plain letters."""
    plain = unicodedata.normalize("NFKD", title[:200].casefold()).encode("ascii", "ignore").decode()
    slug = _OTHER.sub("-", plain).strip("-")[:_MOST_SLUG].strip("-")
    return f"{id_}-{slug}" if slug else id_


def is_folder_name(name: object) -> bool:
    """Whether a folder can be that of a run in an export."""
    return isinstance(name, str) and _FOLDER.fullmatch(name) is not None
