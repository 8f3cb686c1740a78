"""A trainer of one's own is recorded by the methods that it has; the complete one needs nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="there is no torch")

from torch import Tensor, nn  # noqa: E402

import gxt  # noqa: E402
from gxt.torch import TrackedTrainer, Trainer, load_checkpoint, watch  # noqa: E402
from tests.conftest import data  # noqa: E402
from tests.docs.pages import ROOT, fences  # noqa: E402

BATCHES = [(torch.linspace(-1, 1, 8).reshape(4, 2) + nth, torch.full((4, 1), float(nth))) for nth in range(3)]


@pytest.fixture(autouse=True)
def in_repo(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)
    torch.manual_seed(0)


class Plain:
    """As people write them: it knows nothing of gxt."""

    def __init__(self, model: nn.Module, config: argparse.Namespace) -> None:
        self.net = model
        self.config = config
        self.optimizer = torch.optim.SGD(model.parameters(), lr=config.lr)
        self.ended = False

    def train_epoch(self, epoch: int) -> object:
        losses = []
        for inputs, wanted in BATCHES:
            loss = nn.functional.mse_loss(self.net(inputs), wanted)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss)
        return torch.stack(losses).mean() if epoch < 12 else {"train": {"loss": 0.25}, "note": "late"}

    def train(self) -> str:
        for epoch in range(10, 13):
            self.train_epoch(epoch)
        self.on_training_end()
        return "done"

    def on_training_end(self) -> None:
        self.ended = True


class Tracked(TrackedTrainer, Plain):
    watch_every = 100


def test_a_plain_trainer_is_recorded(repo: Path) -> None:
    with gxt.init():
        trainer = Tracked(nn.Linear(2, 1), argparse.Namespace(lr=0.01, layers=[1, 2]))
        assert trainer.train() == "done"
    assert trainer.ended
    run = data(repo, "show", "--series")
    assert run["notices"] == []
    wanted = {"lr": 0.01, "layers": [1, 2], "architecture": "Linear", "param_count": 3, "input_shape": [4, 2]}
    assert {key: run["params"][key] for key in wanted} == wanted
    assert run["series"]["train/loss"]["step"] == [10, 11, 12]
    assert run["series"]["train/loss"]["value"][-1] == 0.25
    assert run["series"]["watch/grad_norm"]["step"] == [0]
    summary = {name: value for name, value in run["metrics"].items() if name.startswith("summary/")}
    assert summary.pop("summary/seconds") > 0
    assert summary == {"summary/epochs": 3, "summary/param_count": 3, "summary/best/train/loss": 0.25}


def test_the_blocks_of_the_page_run(repo: Path) -> None:
    page = ROOT / "docs/how-to/train-with-torch.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    resumed, tracked = (
        "\n".join(lines[start:stop]) for language, start, stop in fences(page) if language == "py"
    )
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    names = {"model": model, "optimizer": optimizer, "scheduler": schedule, "best": 0.5}
    with gxt.init():
        for epochs in (2, 3):
            exec(compile(resumed, "resumed", "exec"), {**names, "epochs": epochs})
        assert load_checkpoint("last.pt", model).step == 2
        config = argparse.Namespace(lr=0.1)
        exec(compile(tracked, "tracked", "exec"), {"Trainer": Plain, "model": model, "config": config})
    run = data(repo, "show")
    assert (run["notices"], run["artifacts"]) == ([], [])
    assert run["metric_stats"]["train/loss"]["count"] == 3


class Bare:
    """No config, no end, no epoch; its model comes late, and what it returns is no number."""

    def __init__(self, **options: object) -> None:
        self.options = options
        self._model = self._best = self.summary = options  # names that the tracking must not want for itself

    def train_epoch(self, rows: list[int]) -> object:
        return None if len(rows) == 1 else {"loss": len(rows)}


class TrackedBare(TrackedTrainer, Bare):
    pass


def test_a_trainer_that_has_little_is_recorded_as_far_as_it_goes(repo: Path) -> None:
    with gxt.init():
        trainer = TrackedBare(lr=0.5, data=[1, 2])
        assert trainer.train_epoch([1]) is None
        assert trainer.train_epoch(rows=[1, 2]) == {"loss": 2}
        trainer.on_training_end()
    run = data(repo, "show", "--series")
    assert run["notices"] == []
    assert run["params"]["lr"] == 0.5
    assert "data" not in run["params"]
    assert run["series"]["loss"]["step"] == [1]
    assert run["metrics"]["summary/best/loss"] == 2
    assert "summary/param_count" not in run["metrics"]


def test_a_trainer_whose_epochs_nobody_would_see_is_told(caplog: pytest.LogCaptureFixture) -> None:
    type("Late", (Bare, TrackedTrainer), {})
    type("Own", (TrackedTrainer,), {"train_epoch": Bare.train_epoch})
    type(
        "Mine", (TrackedBare,), {"train_epoch": lambda self, rows: super(TrackedBare, self).train_epoch(rows)}
    )
    assert caplog.messages == [
        "gxt: Late is not recorded: the mixin comes first, class Late(TrackedTrainer, Bare)",
        (
            "gxt: the epochs of Own are not recorded: its train_epoch stands before TrackedTrainer's; "
            "leave TrackedTrainer out there, and write class Tracked(TrackedTrainer, Own)"
        ),
    ]


class Silent(TrackedTrainer, Bare):
    def __init__(self) -> None:
        self.options = {}


def test_a_trainer_that_calls_no_constructor_is_recorded_all_the_same(repo: Path) -> None:
    with gxt.init():
        trainer = Silent()
        trainer.train_epoch([1, 2])
        trainer.on_training_end()
    run = data(repo, "show")
    assert (run["notices"], run["metrics"]["loss"], run["metrics"]["summary/epochs"]) == ([], 2, 1)


def accuracy(answer: Tensor, wanted: Tensor) -> Tensor:
    return (answer.round() == wanted).float().mean()


def trainer() -> Trainer:
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return Trainer(
        model,
        optimizer,
        nn.functional.mse_loss,
        BATCHES,
        BATCHES[:1],
        config={"lr": 0.1},
        scheduler=torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5),
        metrics={"acc": accuracy},
        clip=1.0,
    )


def test_the_complete_trainer_trains_validates_and_goes_on(repo: Path) -> None:
    with gxt.init():
        wanted = trainer().fit(4)
    with gxt.init():
        trainer().fit(2, checkpoint="c.pt")
        found = trainer().fit(4, checkpoint="c.pt")
    assert found == wanted
    assert sorted(wanted) == ["train", "val"]
    whole, halves = data(repo, "show", "1", "--series"), data(repo, "show", "2", "--series")
    for name in ("train/loss", "val/loss", "val/acc"):
        assert whole["series"][name]["step"] == [0, 1, 2, 3]
        assert halves["series"][name]["value"] == whole["series"][name]["value"]
    first, last = (whole["series"]["train/loss"]["value"][at] for at in (0, -1))
    assert last < first
    assert [(one["name"], one["step"]) for one in halves["artifacts"] if one["kind"] == "model"] == [
        ("c.pt", 1),
        ("c.pt", 3),
    ]


def test_a_schedule_may_follow_the_loss() -> None:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    impatient = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=10)
    Trainer(model, optimizer, nn.functional.mse_loss, BATCHES, scheduler=impatient).fit(1)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-4)


def test_where_nothing_can_be_recorded_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither before a run, for there is no repository, nor after its end."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with gxt.init():
        pass
    assert sorted(trainer().fit(2, checkpoint="c.pt")) == ["train", "val"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gxt.api._current", None)
    assert sorted(trainer().fit(2, checkpoint="c.pt")) == ["train", "val"]
    assert Path("c.pt").is_file()
    watch(nn.Linear(1, 1)).remove()
    after_end, without = caplog.messages
    assert after_end == "gxt: log_params after finish is ignored: gxt.init() begins another run"
    assert without.startswith("gxt: log_params: ")
    assert without.endswith(
        " is not in a git repository (make one here with: git init); the training goes on"
    )
