"""Learns to read handwritten digits: 8 × 8 grey pixels, ten classes.

Two lines know of gxt, `import gxt` and `gxt.log(…)`; `gxt run` records the rest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import gxt


def load_data(val_share: float) -> tuple[TensorDataset, TensorDataset]:
    """Pictures (N, 1, 8, 8) from 0 to 1 with their classes (N), for training and for validation."""
    rows = torch.from_numpy(np.loadtxt("digits.csv.gz", delimiter=",", dtype=np.int64))
    images, classes = rows[:, :64].reshape(-1, 1, 8, 8).float() / 16, rows[:, 64]
    order = torch.randperm(len(images))
    held_out = round(len(images) * val_share)
    train, val = order[held_out:], order[:held_out]
    return TensorDataset(images[train], classes[train]), TensorDataset(images[val], classes[val])


def build_model(width: int) -> nn.Module:
    """From pictures (N, 1, 8, 8) to a score for each class (N, 10)."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(8 * 8, width),
        nn.ReLU(),
        nn.Linear(width, 10),
    )


def train_epoch(model: nn.Module, batches: DataLoader[tuple[Tensor, ...]], lr: float) -> float:
    """One pass over the training data; the mean loss of its batches."""
    model.train()
    weights = list(model.parameters())
    losses = []
    for images, classes in batches:
        loss = functional.cross_entropy(model(images), classes)
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.data -= lr * gradient  # torch.optim.SGD does the same, and takes a second to load
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.no_grad()
def evaluate(model: nn.Module, data: TensorDataset) -> tuple[float, float]:
    """Loss, and the share of pictures (0 to 1) that are read correctly."""
    model.eval()
    images, classes = data.tensors
    scores = model(images)
    hits = scores.argmax(dim=1) == classes
    return functional.cross_entropy(scores, classes).item(), hits.float().mean().item()


def main() -> None:
    """Train with params.yaml, and log every epoch."""
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    torch.set_num_threads(1)  # more would only wait for each other on a model this small
    torch.manual_seed(params["seed"])
    train, val = load_data(params["data"]["val_share"])
    batches = DataLoader(train, batch_size=params["train"]["batch_size"], shuffle=True)
    model = build_model(params["model"]["width"])
    for epoch in range(1, params["train"]["epochs"] + 1):
        train_loss = train_epoch(model, batches, params["train"]["lr"])
        val_loss, val_acc = evaluate(model, val)
        gxt.log({"val/acc": val_acc, "val/loss": val_loss, "train/loss": train_loss}, step=epoch)
        print(f"epoch {epoch:2}  train loss {train_loss:.3f}  val loss {val_loss:.3f}  val acc {val_acc:.3f}")


if __name__ == "__main__":
    main()
