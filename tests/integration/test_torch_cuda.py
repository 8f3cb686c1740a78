"""What is different on a GPU and under DDP: devices, scaled gradients, captured graphs, wrappers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="there is no torch")

from torch import nn  # noqa: E402

import gxt  # noqa: E402
from gxt.data.onnx_file import read_onnx  # noqa: E402
from gxt.torch import load_checkpoint, save_checkpoint, save_onnx, watch  # noqa: E402
from tests.conftest import data  # noqa: E402

pytestmark = pytest.mark.long
on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that CUDA knows")


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))


@pytest.fixture(autouse=True)
def in_repo(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)


@on_cuda
def test_scaled_gradients_of_a_compiled_model_on_a_gpu(repo: Path) -> None:
    """With the fused optimizer, which undoes the scale itself, and the usual one."""
    norms: dict[bool, list[float]] = {}
    for fused in (False, True):
        model = net().cuda()
        compiled = torch.compile(model)
        optimizer = torch.optim.AdamW(model.parameters(), fused=fused)
        scaler = torch.amp.GradScaler("cuda", init_scale=1024.0)
        with gxt.init():
            watch(compiled, every=2)
            for _ in range(4):
                with torch.autocast("cuda", dtype=torch.float16):
                    loss = compiled(torch.ones(16, 8, device="cuda")).float().square().mean()
                optimizer.zero_grad()
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
            assert save_onnx(compiled, torch.zeros(2, 8), "m.onnx") == Path("m.onnx")
            save_checkpoint("c.pt", compiled, optimizer, states={"scaler": scaler}, step=3)
        run = data(repo, "show", "--series")
        assert run["notices"] == []
        assert run["series"]["watch/grad_norm/0"]["step"] == [0, 2]
        norms[fused] = run["series"]["watch/grad_norm"]["value"]
        assert len([one for one in run["artifacts"] if one["kind"] == "histogram"]) == 4
    assert norms[True] == pytest.approx(norms[False], rel=0.05)
    again = net().cuda()
    chance = torch.cuda.get_rng_state()
    torch.rand(1, device="cuda")
    assert load_checkpoint("c.pt", again).step == 3
    assert torch.equal(again[0].weight, model[0].weight)
    assert torch.equal(torch.cuda.get_rng_state(), chance)
    assert read_onnx(Path("m.onnx")).facts["params"] == 420


@on_cuda
def test_a_step_that_is_captured_in_a_graph_is_left_alone(repo: Path) -> None:
    model = net().cuda()
    optimizer = torch.optim.Adam(model.parameters(), capturable=True)
    inputs = torch.ones(16, 8, device="cuda")

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        model(inputs).square().mean().backward()
        optimizer.step()

    with gxt.init():
        watch(model, every=1)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        graph.replay()
    run = data(repo, "show", "--series")
    assert run["notices"] == []
    assert run["series"]["watch/grad_norm"]["step"] == [0, 1, 2]


@pytest.mark.parametrize("in_place", [True, False])
def test_a_compiled_model_is_watched(repo: Path, in_place: bool) -> None:
    model = net()
    compiled = model if in_place else torch.compile(model, backend="eager", fullgraph=True)
    if in_place:
        model.compile(backend="eager", fullgraph=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gxt.init():
        watch(compiled, every=1)
        for _ in range(2):
            optimizer.zero_grad()
            compiled(torch.ones(2, 8)).sum().backward()
            optimizer.step()
        assert save_onnx(compiled, torch.zeros(2, 8), "m.onnx") is not None
    run = data(repo, "show", "--series")
    assert run["notices"] == []
    assert run["params"].get("input_shape") == (None if in_place else [2, 8])  # what is compiled has no hooks
    assert run["series"]["watch/grad_norm"]["step"] == [0, 1]


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("group")
def test_under_ddp_it_is_the_model_inside(repo: Path) -> None:
    model = net()
    wrapped = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
    with gxt.init():
        watch(wrapped)
        wrapped(torch.ones(2, 8)).sum().backward()
        optimizer.step()
        assert save_onnx(wrapped, torch.zeros(2, 8), "m.onnx") is not None
        save_checkpoint("c.pt", wrapped, optimizer)
    run = data(repo, "show")
    assert run["notices"] == []
    assert run["params"]["architecture"] == "Sequential"
    assert run["params"]["input_shape"] == [2, 8]
    assert math.isfinite(run["metrics"]["watch/grad_norm/2"])
    again = net()
    load_checkpoint("c.pt", again)
    assert torch.equal(again[2].weight, model[2].weight)
