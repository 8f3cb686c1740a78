"""Whether there is anything in a work tree that may be a logger's: cheap, for most runs use none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from gxt.model.metrics import TABLES

FOLDERS: Final = frozenset(
    "runs run lightning_logs tb_logs tb tensorboard wandb mlruns dvclive logs log outputs output out results "
    "result checkpoints ckpt saved_models models experiments exp exps work_dirs workspace multirun".split()
)
"""Folders that are looked into even when their own times say nothing of what is deep inside."""

FOREIGN: Final = frozenset("__pycache__ node_modules site-packages venv env artifacts".split())
STATE: Final = "trainer_state.json"
DATABASE: Final = "mlflow.db"
PARAMS: Final = ("hparams.yaml", "args.yaml")
"""Parameters beside a log: Lightning's; those of timm and Ultralytics."""

RUN_TAG: Final = "gxt.run"
"""The tag that MLflow gives each of its runs below one of ours, with the uid of that."""


def may_hold_logs(roots: Iterable[str], since_ns: int) -> bool:
    """Whether a look into the folders is worth it: a name that loggers use, or a folder that changed since.

    Args:
        roots: only their own entries are looked at.
        since_ns: nanoseconds since 1970; 0 for whatever is there, new or not.
    """
    for root in roots:
        try:
            with os.scandir(root) as entries:
                if any(_may_be_one(entry, since_ns) for entry in entries):
                    return True
        except OSError:
            continue
    return False


def _may_be_one(entry: os.DirEntry[str], since_ns: int) -> bool:
    name = entry.name
    try:
        if entry.is_dir(follow_symlinks=False):
            if name in FOLDERS:
                return True
            return since_ns > 0 and not is_foreign(name) and _written_ns(entry) >= since_ns
        is_one = name.endswith((*TABLES, ".wandb")) or name in {STATE, DATABASE} or ".tfevents." in name
        return is_one and _written_ns(entry) >= since_ns
    except OSError:
        return False


def is_foreign(name: str) -> bool:
    """Whether a folder of this name holds nothing that a training logs."""
    return name.startswith(".") or name in FOREIGN


def _written_ns(entry: os.DirEntry[str]) -> int:
    return entry.stat(follow_symlinks=False).st_mtime_ns
