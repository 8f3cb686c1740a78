"""What `gxt.torch.watch` records of a training, and what it leaves alone."""

from __future__ import annotations

import copy
import gc
import json
import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

torch = pytest.importorskip("torch", reason="there is no torch")

from torch import Tensor, nn  # noqa: E402
from torch.optim import Optimizer  # noqa: E402

import gxt  # noqa: E402
from gxt.torch import watch  # noqa: E402
from gxt.torch.watching import _counted, _is_due, _layers, _sample, _watched  # noqa: E402
from tests.conftest import data  # noqa: E402


@pytest.fixture(autouse=True)
def in_repo(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)
    torch.manual_seed(0)


def train(model: nn.Module, optimizer: Optimizer, steps: int, width: int = 4) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(2, width)).sum().backward()
        optimizer.step()


def series(repo: Path) -> dict[str, Any]:
    found: dict[str, Any] = data(repo, "show", "--series")["series"]
    return found


def norm(*tensors: Tensor | None) -> float:
    return math.sqrt(sum(one.double().square().sum().item() for one in tensors if one is not None))


def test_norms_and_rates_are_those_of_the_optimizer_s_steps(repo: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    wanted: dict[str, list[float]] = {}
    with gxt.init():
        watch(model, every=2, histograms=False)
        for step in range(3):
            gxt.log({"loss": step})
            optimizer.zero_grad()
            model(torch.randn(2, 4)).sum().backward()
            optimizer.step()
            weights, gradients = list(model.parameters()), [one.grad for one in model.parameters()]
            for kind, of in (("weight", weights), ("grad", gradients)):
                for name, these in (("", of), ("/0", of[:2]), ("/2", of[2:])):
                    wanted.setdefault(f"watch/{kind}_norm{name}", []).append(norm(*these))
    found = series(repo)
    assert {name: one["step"] for name, one in found.items()} == {
        **{name: [0, 2] for name in [*wanted, "watch/lr"]},
        "loss": [0, 1, 2],
    }
    assert found["watch/lr"]["value"] == [0.5, 0.5]
    assert {name: found[name]["value"] for name in wanted} == {
        name: pytest.approx(values[::2]) for name, values in wanted.items()
    }
    run = data(repo, "show")
    about = {
        "architecture": "Sequential",
        "param_count": 19,
        "trainable_param_count": 19,
        "input_shape": [2, 4],
    }
    assert {key: run["params"][key] for key in about} == about


def test_histograms_hold_the_finite_values_of_each_layer(repo: Path) -> None:
    model = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0, 1.0, 1.0, math.nan]]))
    with gxt.init():
        watch(model)
        train(model, torch.optim.SGD(model.parameters(), lr=0), 1)
    kept = {one["name"]: one["md5"] for one in data(repo, "show")["artifacts"]}
    assert sorted(kept) == ["media/watch/gradients/weight", "media/watch/weights/weight"]
    md5 = kept["media/watch/weights/weight"]
    (line,) = (repo / ".git/gxt/data/files/md5" / md5[:2] / md5[2:]).read_text().splitlines()
    said = json.loads(line)
    assert (said["step"], said["counts"]) == (0, [1, *[0] * 30, 2])
    assert (len(said["edges"]), said["edges"][0], said["edges"][-1]) == (33, 0.0, 1.0)


def test_values_that_are_all_the_same_have_a_histogram() -> None:
    counts, edges = _counted(torch.full((5,), 1e10))
    assert sum(counts) == 5
    assert edges == sorted(set(edges))


def test_looks_with_histograms_grow_with_the_logarithm_of_the_steps() -> None:
    assert [look for look in range(40) if _is_due(look)] == [*range(16), *range(16, 32, 2), 32, 36]
    assert sum(map(_is_due, range(10_000))) == 90


def test_the_sample_of_a_large_layer_is_small_and_from_all_columns() -> None:
    matrix = torch.arange(2048).repeat(2048, 1)
    sample = _sample([matrix, torch.zeros(3)])
    assert len(sample) <= 4096
    assert len(sample.unique()) > 1000


def test_many_layers_are_taken_together_by_the_modules_around_them() -> None:
    block = nn.Sequential(*[nn.Linear(1, 1, bias=False) for _ in range(3)])
    model = nn.ModuleDict(
        {"blocks": nn.Sequential(*[copy.deepcopy(block) for _ in range(30)]), "head": nn.Linear(1, 1)}
    )
    layers = _layers(model, torch.optim.SGD(model.parameters()))
    assert [one.name for one in layers] == [*[f"blocks.{nth}" for nth in range(30)], "head"]
    assert [len(one.parameters) for one in layers] == [*[3] * 30, 2]


def test_only_what_an_optimizer_trains_is_its_own(repo: Path) -> None:
    """Two that take turns on one model, one of another model; groups with rates of their own."""
    model = nn.ModuleDict({"a": nn.Linear(4, 1), "b": nn.Linear(4, 1), "frozen": nn.Linear(4, 1)})
    first = torch.optim.SGD(model["a"].parameters(), lr=1)
    groups = [{"params": [model["b"].weight], "lr": 2.0}, {"params": [model["b"].bias], "lr": 3.0}]
    second = torch.optim.Adam(groups)
    other = nn.Linear(4, 1)
    with gxt.init():
        watch(model, every=2, name="net", histograms=False)
        for _ in range(3):
            train(model["a"], first, 1)
            train(model["b"], second, 1)
            train(other, torch.optim.SGD(other.parameters()), 1)
    steps = {name: one["step"] for name, one in series(repo).items()}
    prefixes = ("net", "net/optimizer1")
    layers = [
        f"{at}/{kind}/{name}"
        for at, name in zip(prefixes, "ab", strict=True)
        for kind in ("grad_norm", "weight_norm")
    ]
    totals = [f"{at}/{kind}" for at in prefixes for kind in ("grad_norm", "weight_norm")]
    rates = ["net/lr", "net/optimizer1/lr/0", "net/optimizer1/lr/1"]
    assert steps == {name: [0, 2] for name in [*layers, *totals, *rates]}
    assert data(repo, "show")["params"]["net"]["param_count"] == 15


def test_odd_gradients_are_measured_too(repo: Path) -> None:
    """Sparse, complex, of half precision and infinite."""
    sparse = nn.Embedding(4, 2, sparse=True)
    model = nn.ParameterDict(
        {"c": torch.tensor([3 + 4j]), "h": torch.full((4,), 300.0, dtype=torch.float16), "s": sparse.weight}
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0)
    with gxt.init():
        watch(model)
        sparse(torch.tensor([1, 1])).sum().backward()
        model["c"].grad, model["h"].grad = torch.tensor([1j]), torch.full((4,), math.inf, dtype=torch.float16)
        optimizer.step()
    run = data(repo, "show")
    assert run["notices"] == []
    assert {name: run["metrics"][f"watch/grad_norm/{name}"] for name in "chs"} == {
        "c": 1.0,
        "h": "Infinity",
        "s": pytest.approx(math.sqrt(8)),
    }
    assert (run["metrics"]["watch/weight_norm/c"], run["metrics"]["watch/weight_norm/h"]) == (5.0, "NaN")


def test_a_watched_model_is_wrapped_copied_pickled_and_forgotten(repo: Path) -> None:
    model = nn.Linear(4, 1)
    with gxt.init():
        watch(model)
        watch(nn.DataParallel(model), histograms=False)
        assert model in _watched
        assert pickle.loads(pickle.dumps(model)).weight.equal(model.weight)
        train(copy.deepcopy(model), torch.optim.SGD(model.parameters()), 1)
        watch(model).remove()
        assert model not in _watched
        watch(model)
        del model
        gc.collect()
        assert len(_watched) == 0


class Odd(nn.Linear):
    """It has parameters, but no names for them."""

    def named_parameters(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise RuntimeError("no\nnames")

    def parameters(self, _recurse: bool = True) -> Iterator[nn.Parameter]:
        return iter(self._parameters.values())  # type: ignore[arg-type]


def test_a_failure_ends_the_watching_not_the_training(repo: Path) -> None:
    model = Odd(4, 1)
    optimizer = torch.optim.SGD([model.weight, model.bias])
    with gxt.init():
        watch(model)
        train(model, optimizer, 2)
    assert data(repo, "show")["notices"] == ["watch ends: RuntimeError: no; the training goes on"]
