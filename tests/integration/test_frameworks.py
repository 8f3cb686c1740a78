"""Scripts in the manner of public ones, which know nothing of gxt, under the frameworks that they use."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import data, gxt

LIGHTNING = """
import lightning, torch
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset

class Net(lightning.LightningModule):
    def __init__(self, hidden=8, lr=0.05):
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, hidden), torch.nn.Linear(hidden, 1))
    def training_step(self, batch, _):
        loss = ((self.layers(batch[0]) - batch[1]) ** 2).mean()
        self.log("train_loss", loss)
        return loss
    def validation_step(self, batch, _):
        self.log("val_loss", ((self.layers(batch[0]) - batch[1]) ** 2).mean())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.hparams.lr)

batches = DataLoader(TensorDataset(torch.randn(32, 4), torch.randn(32, 1)), 8)
lightning.Trainer(
    max_epochs=2, log_every_n_steps=1, accelerator="cpu", enable_progress_bar=False,
    enable_model_summary=False, logger=CSVLogger("."),
).fit(Net(), batches, batches)
"""
TRAINER = """
import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

class Words(Dataset):
    def __len__(self):
        return 32
    def __getitem__(self, i):
        return {"input_ids": torch.tensor([1, i + 2, 3]), "labels": torch.tensor(i % 2)}

model = BertForSequenceClassification(BertConfig(
    vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16))
arguments = TrainingArguments(
    "out", num_train_epochs=2, per_device_train_batch_size=8, logging_steps=2, eval_strategy="epoch",
    save_strategy="epoch", save_total_limit=1, report_to="none", use_cpu=True, disable_tqdm=True)
Trainer(model, arguments, train_dataset=Words(), eval_dataset=Words()).train()
"""
AUTOLOG = """
import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

mlflow.sklearn.autolog(log_models=False)
LogisticRegression(C=0.5, max_iter=200).fit(*load_iris(return_X_y=True))
"""
KERAS = """
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy

model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
x = numpy.random.randn(64, 4)
model.fit(x, x.sum(1), epochs=3, validation_split=0.2, verbose=0,
          callbacks=[keras.callbacks.CSVLogger("training.log")])
"""
TIMM = """
import csv, os

os.makedirs("output/train/20260102-030405-resnet18-224")
os.chdir("output/train/20260102-030405-resnet18-224")
with open("args.yaml", "w") as file:
    file.write("epochs: 2\\nlr: 0.05\\nmean: null\\nmodel: resnet18\\n")
for epoch in range(2):
    row = {"epoch": epoch, "train_loss": 1 / (epoch + 1), "eval_top1": 50.0 + epoch}
    with open("summary.csv", mode="a") as file:
        table = csv.DictWriter(file, fieldnames=row.keys())
        if epoch == 0:
            table.writeheader()
        table.writerow(row)
"""


def recorded(repo: Path, code: str) -> Any:  # noqa: ANN401 a run as JSON
    (repo / "train.py").write_text(code)
    (repo / "params.yaml").unlink()
    gxt(repo, "run", "-q", "--", sys.executable, "train.py")
    return data(repo, "show", "--series")


def needs(module: str) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def steps(run: Any, *names: str) -> list[list[int]]:  # noqa: ANN401
    return [run["series"][name]["step"] for name in names]


def test_timm_writes_a_table_in_a_folder_of_its_own(repo: Path) -> None:
    run = recorded(repo, TIMM)
    assert run["params"] == {"epochs": 2, "lr": 0.05, "mean": None, "model": "resnet18"}
    assert run["metrics"] == {"train_loss": 0.5, "eval_top1": 51.0}
    assert steps(run, "train_loss", "eval_top1") == [[0, 1], [0, 1]]


@pytest.mark.long
def test_lightning_with_its_table(repo: Path) -> None:
    needs("lightning")
    run = recorded(repo, LIGHTNING)
    assert run["params"] == {"hidden": 8, "lr": 0.05}
    assert steps(run, "train_loss", "val_loss") == [[0, 1, 2, 3, 4, 5, 6, 7], [3, 7]]


@pytest.mark.long
def test_a_trainer_of_hugging_face_that_keeps_one_checkpoint(repo: Path) -> None:
    needs("accelerate")
    run = recorded(repo, TRAINER)
    assert run["params"] == {"max_steps": 8, "num_train_epochs": 2, "train_batch_size": 8}
    assert steps(run, "loss", "eval_loss") == [[2, 4, 6, 8], [4, 8]]


@pytest.mark.long
def test_scikit_learn_with_autologging(repo: Path) -> None:
    run = recorded(repo, AUTOLOG)
    assert (run["params"]["C"], run["params"]["max_iter"], run["params"]["class_weight"]) == (0.5, 200, None)
    assert run["metrics"]["training_accuracy_score"] > 0.9


@pytest.mark.long
def test_keras_with_its_table(repo: Path) -> None:
    needs("keras")
    run = recorded(repo, KERAS)
    assert steps(run, "loss", "mae", "val_loss", "val_mae") == [[0, 1, 2]] * 4
