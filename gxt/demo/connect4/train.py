"""The stage that trains a network on the positions, logs each epoch and keeps the best as an ONNX file."""

from __future__ import annotations

import copy
import time
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import gxt
from gxt.demo.connect4.board import planes
from gxt.demo.connect4.checkpoint import export
from gxt.demo.connect4.files import MODEL, POSITIONS, TRAINING, load_params, write_json
from gxt.demo.connect4.networks import build, parameter_count

_ILLEGAL: Final = -1.5  # between the lowest rate and what stands for no move


class Examples(NamedTuple):
    """What to learn from: boards (N, 2, 6, 7), the policy (N, 7; sums to 1), the value (N; −1 to 1)."""

    boards: Tensor
    policy: Tensor
    value: Tensor

    def at(self, rows: Tensor) -> Examples:
        """Some of them."""
        return Examples(self.boards[rows], self.policy[rows], self.value[rows])

    def mirrored(self, which: Tensor) -> Examples:
        """The same, those that are chosen (N) with left and right exchanged: the game is symmetric."""
        boards = torch.where(which[:, None, None, None], self.boards.flip(3), self.boards)
        return Examples(boards, torch.where(which[:, None], self.policy.flip(1), self.policy), self.value)


class Losses(NamedTuple):
    """Mean losses: the cross-entropy of the policy, the squared error of the value, both weighted."""

    policy: Tensor
    value: Tensor
    loss: Tensor


def load_examples(temperature: float) -> tuple[Examples, Examples]:
    """The examples to train with and those to validate with."""
    with np.load(POSITIONS) as data:
        boards = torch.from_numpy(planes(data["mine"], data["theirs"]))
        rates = torch.from_numpy(data["rates"])
        value = torch.from_numpy(data["outcome"]).float()
        val = torch.from_numpy(data["val"])
    policy = torch.where(rates > _ILLEGAL, rates / temperature, -torch.inf).softmax(dim=1)
    examples = Examples(boards, policy, value)
    return examples.at(~val), examples.at(val)


def losses(network: nn.Module, examples: Examples, value_weight: float) -> Losses:
    """What the network gets wrong."""
    policy, value = network(examples.boards)
    policy_loss = functional.cross_entropy(policy, examples.policy)
    value_loss = functional.mse_loss(value, examples.value)
    return Losses(policy_loss, value_loss, policy_loss + value_weight * value_loss)


def train_epoch(
    network: nn.Module,
    examples: Examples,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    wanted: dict[str, Any],
) -> dict[str, float]:
    """One pass over the examples in random order; the mean losses of its batches."""
    network.train()
    seen = []
    for rows in torch.randperm(len(examples.value)).split(wanted["batch_size"]):
        batch = examples.at(rows).mirrored(torch.rand(len(rows)) < 0.5)
        found = losses(network, batch, wanted["value_weight"])
        optimizer.zero_grad()
        found.loss.backward()
        optimizer.step()
        schedule.step()
        seen.append(torch.stack(found).detach())
    return _named(Losses(*torch.stack(seen).mean(dim=0)))


@torch.no_grad()
def validate(network: nn.Module, examples: Examples, wanted: dict[str, Any]) -> dict[str, float]:
    """The losses, and the share of positions (0 to 1) where the policy's first choice is a best move."""
    network.eval()
    policy, _ = network(examples.boards)
    best = examples.policy == examples.policy.max(dim=1, keepdim=True).values
    hits = best.gather(1, policy.argmax(dim=1, keepdim=True)).float().mean()
    return {**_named(losses(network, examples, wanted["value_weight"])), "acc": hits.item()}


def _named(found: Losses) -> dict[str, float]:
    return {"loss": found.loss.item(), "policy_loss": found.policy.item(), "value_loss": found.value.item()}


def main() -> None:
    """Train with params.yaml; write the checkpoint and what training came to."""
    params = load_params()
    wanted, model = params["train"], params["model"]
    torch.set_num_threads(1)  # the sums of several threads differ in their last bits
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(params["seed"])
    train, val = load_examples(wanted["temperature"])
    network = build(model["type"], model["size"])
    count = parameter_count(network)
    print(f"{model['type']} {model['size']}: {count} parameters")
    optimizer = torch.optim.AdamW(network.parameters(), lr=wanted["lr"], weight_decay=wanted["weight_decay"])
    batches = -(-len(train.value) // wanted["batch_size"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=wanted["lr"], total_steps=wanted["epochs"] * batches
    )
    best: dict[str, Any] = {}
    weights = network.state_dict()
    for epoch in range(1, wanted["epochs"] + 1):
        start = time.perf_counter()
        found = {
            "train": train_epoch(network, train, optimizer, schedule, wanted),
            "val": validate(network, val, wanted),
        }
        gxt.log(found, step=epoch)
        if not best or found["val"]["loss"] < best["val"]["loss"]:
            best, weights = {"epoch": epoch, **found}, copy.deepcopy(network.state_dict())
        print(
            f"epoch {epoch:2}  train loss {found['train']['loss']:.4f}  val loss {found['val']['loss']:.4f}"
            f"  val acc {found['val']['acc']:.3f}  {time.perf_counter() - start:.1f} s",
            flush=True,
        )
    network.load_state_dict(weights)
    export(network, MODEL, {"model.type": model["type"], "model.size": model["size"], "epoch": best["epoch"]})
    write_json(TRAINING, {"parameters": count, "best": {"epoch": best["epoch"], **best["val"]}})


if __name__ == "__main__":
    main()
