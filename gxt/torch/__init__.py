"""gxt in PyTorch training code: watch a model, keep it as ONNX, resume from a checkpoint, track a trainer.

Importing this loads nothing yet, not even torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gxt.torch.checkpoints import Restored, load_checkpoint, save_checkpoint
    from gxt.torch.exporting import save_onnx
    from gxt.torch.loop import Trainer
    from gxt.torch.tracking import TrackedTrainer
    from gxt.torch.watching import Watch, watch

__all__ = [
    "Restored",
    "TrackedTrainer",
    "Trainer",
    "Watch",
    "load_checkpoint",
    "save_checkpoint",
    "save_onnx",
    "watch",
]

_HOMES: Final = {
    "Restored": "checkpoints",
    "TrackedTrainer": "tracking",
    "Trainer": "loop",
    "Watch": "watching",
    "load_checkpoint": "checkpoints",
    "save_checkpoint": "checkpoints",
    "save_onnx": "exporting",
    "watch": "watching",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'gxt.torch' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"gxt.torch.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
