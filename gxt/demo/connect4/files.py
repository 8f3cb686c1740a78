"""The files between the stages: parameters, arrays, results. Equal content is equal bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

PARAMS: Final = Path("params.yaml")
POSITIONS: Final = Path("data/positions.npz")
LADDER: Final = Path("data/ladder.json")
MODEL: Final = Path("checkpoints/model.onnx")
TRAINING: Final = Path("checkpoints/training.json")
RESULTS: Final = Path("eval.json")

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold


def load_params() -> Any:  # noqa: ANN401 what the file holds is its author's choice
    """The parameters of all stages."""
    return yaml.safe_load(PARAMS.read_text(encoding="utf-8"))


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write what `numpy.load` reads: as `numpy.savez` does, but without the time of writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), content.getvalue())


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a document with its keys in the given order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:  # noqa: ANN401 a document of ours
    """A document that a stage before wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
