"""Saves what a training needs to go on, and goes on from it. Loading a checkpoint runs no code out of it."""

from __future__ import annotations

import os
import pickle
import random
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from torch import nn

import gxt
from gxt.errors import DamagedRecord, UnsafeCheckpoint
from gxt.named_tuple import NamedTuple
from gxt.torch.guarding import reason
from gxt.torch.models import unwrapped

_FORMAT: Final = 1


class Stateful(Protocol):
    """An optimizer, a learning rate schedule, a `GradScaler`, an average of weights, a data loader …"""

    def state_dict(self) -> dict[str, Any]:
        """What it needs to go on."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:  # noqa: ANN401 torch's return many things
        """Go on from that."""


class Restored(NamedTuple):
    """What a checkpoint held besides states.

    Attributes:
        step: at which it was saved, or None.
        extra: what was given to `save_checkpoint` beside it.
    """

    step: int | None
    extra: dict[str, Any]


def save_checkpoint(
    path: str | os.PathLike[str],
    model: nn.Module,
    optimizer: Stateful | None = None,
    scheduler: Stateful | None = None,
    *,
    step: int | None = None,
    states: Mapping[str, Stateful] | None = None,
    extra: Mapping[str, Any] | None = None,
    keep: bool = True,
    name: str | None = None,
) -> Path | None:
    """Save all that a training needs to go on: states, and the state of the random numbers.

    The file is written as a whole or not at all, and read again before it counts: what `load_checkpoint`
    would refuse is not saved. Returns the file, or None after a failure, which is a warning in the run and
    never an exception.

    Args:
        path: the file; one that is there is replaced.
        model: with or without the wrappers of DDP and `torch.compile`: its weights are saved without them.
        optimizer: whatever has `state_dict`.
        scheduler: of the learning rate.
        step: of the training, or the epoch: what to go on after.
        states: other things with a `state_dict`, by name.
        extra: tensors, numbers and texts, nested in lists and mappings.
        keep: whether it is kept with the run too, as `gxt.log_model` does.
        name: what it is called in the run; the file's name by default.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        content = {
            "gxt_checkpoint": _FORMAT,
            "step": step,
            "states": {key: one.state_dict() for key, one in _parts(model, optimizer, scheduler, states)},
            "random": _random_state(),
            "extra": dict(extra or {}),
        }
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.save(content, part)
            _load(part, target, torch.device("cpu"), mmap=True)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except UnsafeCheckpoint:
        gxt.warn(
            f"save_checkpoint: {target} is not saved: to load it would need code, for it would hold more than"
            " weights and plain values; the training goes on"
        )
        return None
    except Exception as failure:  # noqa: BLE001 training goes on whatever happens here
        gxt.warn(f"save_checkpoint: {reason(failure)}; the training goes on")
        return None
    if keep:
        gxt.log_model(target, name=name, step=step)
    return target


def load_checkpoint(
    path: str | os.PathLike[str],
    model: nn.Module,
    optimizer: Stateful | None = None,
    scheduler: Stateful | None = None,
    *,
    states: Mapping[str, Stateful] | None = None,
    random_state: bool = True,
) -> Restored:
    """Go on from a checkpoint of `save_checkpoint`. What is given must have been given then.

    Only tensors and plain values are loaded: a file that would run code is refused, whoever it is from.

    Args:
        path: the file.
        model: its weights are put where it is.
        optimizer: as then.
        scheduler: as then.
        states: as then.
        random_state: whether the random numbers of Python, numpy and torch go on from there too.

    Raises:
        OSError: the file cannot be read.
        UnsafeCheckpoint: to load it would run code that it holds.
        DamagedRecord: it is no checkpoint of `save_checkpoint`, or lacks a state that is asked for.
    """
    file = Path(path)
    device = next((one.device for one in model.parameters()), torch.device("cpu"))
    content = _load(file, file, device)
    wanted = _parts(model, optimizer, scheduler, states)
    missing = [key for key, _ in wanted if key not in content["states"]]
    if missing:
        raise DamagedRecord(f"{file} holds no state of: {', '.join(missing)}")
    for key, one in wanted:
        one.load_state_dict(content["states"][key])
    if random_state:
        _restore_random(content["random"])
    return Restored(content["step"], content["extra"])


def _parts(
    model: nn.Module,
    optimizer: Stateful | None,
    scheduler: Stateful | None,
    states: Mapping[str, Stateful] | None,
) -> list[tuple[str, Stateful]]:
    """What has a state, by its name in the file."""
    usual = {"model": unwrapped(model), "optimizer": optimizer, "scheduler": scheduler}
    return [(key, one) for key, one in {**(states or {}), **usual}.items() if one is not None]


def _load(file: Path, named: Path, device: torch.device, *, mmap: bool = False) -> dict[str, Any]:
    """The content of a checkpoint.

    Args:
        file: what is read.
        named: what the user calls it.
        device: where tensors are put.
        mmap: leave the tensors in the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of another version of pickle, which may be refused or not
            content = torch.load(file, map_location=device, weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        raise UnsafeCheckpoint(str(named)) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise DamagedRecord(f"{named} is no checkpoint: {reason(error)}") from error
    if not isinstance(content, dict) or content.get("gxt_checkpoint") != _FORMAT:
        raise DamagedRecord(
            f"{named} was not made by gxt.torch.save_checkpoint",
            hint="of bare weights: model.load_state_dict(torch.load(path, weights_only=True))",
        )
    return content


def _random_state() -> dict[str, Any]:
    """Of every generator that is in use, in plain values."""
    state: dict[str, Any] = {"python": random.getstate(), "torch": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if "numpy" in sys.modules:
        kind, keys, *rest = sys.modules["numpy"].random.get_state()
        state["numpy"] = (kind, keys.tolist(), *rest)
    return state


def _restore_random(state: Mapping[str, Any]) -> None:
    random.setstate(state["python"])
    torch.set_rng_state(state["torch"].cpu())
    if "cuda" in state and torch.cuda.device_count() == len(state["cuda"]):
        torch.cuda.set_rng_state_all([one.cpu() for one in state["cuda"]])
    if "numpy" in state:
        import numpy

        kind, keys, *rest = state["numpy"]
        numpy.random.set_state((kind, numpy.array(keys, dtype="uint32"), *rest))
