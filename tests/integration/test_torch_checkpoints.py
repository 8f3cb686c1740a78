"""A training goes on from a checkpoint as if it had never stopped; a file that brings code is refused."""

from __future__ import annotations

import os
import pickle
import random
from collections import defaultdict
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="there is no torch")
numpy = pytest.importorskip("numpy", reason="there is no numpy")

from torch import nn  # noqa: E402

import gxt  # noqa: E402
from gxt.errors import DamagedRecord, UnsafeCheckpoint  # noqa: E402
from gxt.torch import Restored, load_checkpoint, save_checkpoint  # noqa: E402
from tests.conftest import data  # noqa: E402


class Training:
    """A model that is trained on random numbers of three kinds."""

    def __init__(self) -> None:
        self.model = nn.Linear(3, 1)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.1)
        self.scheduler = torch.optim.lr_scheduler.MultiStepLR(self.optimizer, [2, 3])

    def step(self) -> float:
        inputs = torch.rand(2, 3) + random.random() + numpy.random.rand()
        loss = self.model(inputs).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return float(loss.item())


@pytest.fixture(autouse=True)
def in_repo(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)


def test_a_training_goes_on_exactly_where_it_stopped(repo: Path) -> None:
    mine = Training()
    with gxt.init():
        mine.step()
        wrapped = nn.DataParallel(mine.model)
        path = save_checkpoint(
            "c/last.pt",
            wrapped,
            mine.optimizer,
            mine.scheduler,
            step=1,
            extra={"best": [0.5, torch.ones(2)]},
        )
    assert path == Path("c/last.pt")
    wanted = [mine.step() for _ in range(3)]
    again = Training()
    restored = load_checkpoint(path, again.model, again.optimizer, again.scheduler)
    assert restored.step == 1
    assert restored.extra["best"][0] == 0.5
    assert restored.extra["best"][1].equal(torch.ones(2))
    assert [again.step() for _ in range(3)] == wanted
    (kept,) = data(repo, "show")["artifacts"]
    assert (kept["name"], kept["kind"], kept["step"]) == ("last.pt", "model", 1)
    assert list(Path("c").iterdir()) == [path]


def test_states_of_other_things_and_the_random_numbers_are_left_where_asked() -> None:
    model, average = nn.Linear(1, 1), nn.Linear(1, 1)
    path = save_checkpoint("c.pt", model, states={"average": average}, keep=False)
    assert path is not None
    other = nn.Linear(1, 1)
    before = torch.get_rng_state()
    restored = load_checkpoint(path, nn.Linear(1, 1), states={"average": other}, random_state=False)
    assert restored == Restored(None, {})
    assert other.weight.equal(average.weight)
    assert not torch.equal(before, torch.get_rng_state())  # of the new layer


class Payload:
    """What a pickle runs when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_file_that_would_run_code_is_refused(form: str) -> None:
    if form == "torch":
        torch.save({"gxt_checkpoint": 1, "extra": Payload()}, "c.pt")
    else:
        Path("c.pt").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(UnsafeCheckpoint, match=r"^c\.pt holds more than weights"):
        load_checkpoint("c.pt", nn.Linear(1, 1))
    assert not Path("ran").exists()


def test_what_could_not_be_loaded_again_is_not_saved(repo: Path) -> None:
    model = nn.Linear(1, 1)
    with gxt.init():
        assert save_checkpoint("c.pt", model) == Path("c.pt")
        before = Path("c.pt").read_bytes()
        assert save_checkpoint("c.pt", model, extra={"made": defaultdict(Training)}) is None
        assert Path("c.pt").read_bytes() == before
        assert save_checkpoint("train.py/c.pt", model) is None
    assert list(Path().glob("*part")) == list(Path().glob(".*part")) == []
    refused, failed = data(repo, "show")["notices"]
    assert refused == (
        "save_checkpoint: c.pt is not saved: to load it would need code, for it would hold more than weights"
        " and plain values; the training goes on"
    )
    assert (
        failed == "save_checkpoint: FileExistsError: [Errno 17] File exists: 'train.py'; the training goes on"
    )


def test_what_is_no_checkpoint_is_an_error_that_says_so() -> None:
    model = nn.Linear(1, 1)
    torch.save(model.state_dict(), "weights.pt")
    with pytest.raises(DamagedRecord, match=r"^weights\.pt was not made by gxt\.torch\.save_checkpoint"):
        load_checkpoint("weights.pt", model)
    save_checkpoint("c.pt", model, keep=False)
    content = Path("c.pt").read_bytes()
    Path("c.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedRecord, match=r"^c\.pt is no checkpoint: "):
        load_checkpoint("c.pt", model)
    Path("c.pt").write_bytes(content)
    with pytest.raises(DamagedRecord, match=r"^c\.pt holds no state of: optimizer$"):
        load_checkpoint("c.pt", model, torch.optim.SGD(model.parameters()))
    with pytest.raises(FileNotFoundError):
        load_checkpoint("none.pt", model)
