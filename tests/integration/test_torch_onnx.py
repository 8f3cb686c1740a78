"""What `gxt.torch.save_onnx` keeps is the model: read without torch, answered by onnxruntime."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="there is no torch")

from torch import Tensor, nn  # noqa: E402

import gxt  # noqa: E402
from gxt.data.onnx_file import read_onnx  # noqa: E402
from gxt.torch import save_onnx  # noqa: E402
from gxt.torch.checking import WrongAnswerError, largest_difference  # noqa: E402
from gxt.torch.examples import dynamic_axes, inputs_of  # noqa: E402
from tests.conftest import data  # noqa: E402

NEEDED = ("onnx", "onnxscript", "onnxruntime")
pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in NEEDED), reason=f"not all there: {', '.join(NEEDED)}"
)


class Net(nn.Module):
    """25 parameters; dropout and a running mean make training another thing than evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 3)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(3)
        self.last = nn.Linear(3, 1)

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        answer: Tensor = self.last(self.norm(self.drop(self.inner(x))))
        return answer if scale is None else answer * scale


PARAMETERS = 25


def net() -> Net:
    torch.manual_seed(0)
    return Net()


def test_a_model_is_kept_as_it_answers_and_left_as_it_was(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo)
    model = net()
    model.norm.eval()
    chance = torch.get_rng_state()
    level = logging.getLogger("torch.onnx").level
    with gxt.init():
        path = save_onnx(
            nn.DataParallel(torch.compile(model, backend="eager")), torch.zeros(1, 4), "m/net.onnx", step=7
        )
    assert path == Path("m/net.onnx")
    assert read_onnx(path).facts == {
        "params": PARAMETERS,
        "approximate": False,
        "opset": 20,
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 4]}],
        "outputs": [{"name": "linear_1", "dtype": "float32", "shape": ["batch", 1]}],
    }
    assert (model.training, model.inner.training, model.norm.training) == (True, True, False)
    assert torch.equal(chance, torch.get_rng_state())
    assert logging.getLogger("torch.onnx").level == level
    run = data(repo, "show")
    assert run["notices"] == []
    kept = run["artifacts"][0]
    assert (kept["name"], kept["kind"], kept["step"]) == ("net.onnx", "model", 7)
    assert kept["meta"]["onnx_error"] < 1e-6
    assert {key: kept["meta"][key] for key in ("architecture", "param_count")} == {
        "architecture": "Net",
        "param_count": PARAMETERS,
    }


def source() -> str:
    """The class above, as it could stand in another file."""
    text = Path(__file__).read_text(encoding="utf-8")
    head = "from __future__ import annotations\nimport torch\nfrom torch import Tensor, nn\n"
    return f"{head}\n\n\n{text[text.index('class Net') : text.index('PARAMETERS =')]}"


def test_equal_weights_give_equal_files_without_a_path_and_others_are_found_out(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(source())
    spec = importlib.util.spec_from_file_location("elsewhere", tmp_path / "elsewhere.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    there = save_onnx(module.Net(), torch.zeros(2, 4), tmp_path / "there.onnx")
    here = save_onnx(net(), torch.zeros(2, 4), tmp_path / "here.onnx")
    assert here is not None
    assert there is not None
    assert here.read_bytes() == there.read_bytes()
    assert b"/" not in here.read_bytes()
    model = net().eval()
    inputs = inputs_of(torch.zeros(2, 4), model)
    difference = largest_difference(here.read_bytes(), model, inputs)
    assert difference is not None
    assert difference < 1e-6
    with torch.no_grad():
        model.last.bias.add_(1)
    with pytest.raises(WrongAnswerError, match=r"^the file's answer differs from the model's by 1$"):
        largest_difference(here.read_bytes(), model, inputs)


@pytest.mark.long
def test_equal_weights_give_equal_files_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(source())
    code = (
        "import torch, gxt.torch\nfrom elsewhere import Net\ntorch.manual_seed(0)\n"
        "gxt.torch.save_onnx(Net(), torch.zeros(2, 4), 'a.onnx')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    here = save_onnx(net(), torch.zeros(2, 4), tmp_path / "b.onnx")
    assert here is not None
    assert here.read_bytes() == (tmp_path / "a.onnx").read_bytes()


@pytest.mark.long
def test_arguments_by_name_are_inputs_by_name_and_meta_is_in_the_file(tmp_path: Path) -> None:
    example = {"x": torch.zeros(3, 4), "scale": torch.ones(3, 1)}
    path = save_onnx(net(), example, tmp_path / "m.onnx", output_names=["y"], meta={"epoch": 3})
    assert path is not None
    facts = read_onnx(path).facts
    assert facts["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": ["batch", 4]},
        {"name": "scale", "dtype": "float32", "shape": ["batch", 1]},
    ]
    assert facts["outputs"] == [{"name": "y", "dtype": "float32", "shape": ["batch", 1]}]
    import onnx

    assert {one.key: one.value for one in onnx.load(str(path)).metadata_props} == {
        "gxt.params": str(PARAMETERS),
        "gxt.architecture": "Net",
        "epoch": "3",
    }


class Sum(nn.Module):
    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        return first + sum(others)


def test_what_is_as_long_as_the_first_tensor_is_a_batch() -> None:
    rows, other, number = torch.zeros(3, 2), torch.zeros(2), torch.zeros(())
    batch = {0: "batch"}
    assert dynamic_axes(inputs_of({"x": rows, "scale": other}, net()), net()) == {"x": batch, "scale": None}
    assert dynamic_axes(inputs_of((rows, number, rows), Sum()), Sum()) == (batch, (None, batch))
    assert dynamic_axes(inputs_of(number, net()), net()) == (None,)


class Stubborn(nn.Module):
    """It asks for a value of the data, which no graph can."""

    def forward(self, x: Tensor) -> Tensor:
        return x if float(x.sum()) > 0 else -x


def test_a_failure_is_a_warning_in_the_run(
    repo: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(repo)
    model = Stubborn()
    with gxt.init():
        assert save_onnx(model, torch.zeros(2, 4), "m.onnx") is None
    assert model.training
    assert not Path("m.onnx").exists()
    run = data(repo, "show")
    assert run["artifacts"] == []
    (notice,) = run["notices"]
    assert notice.startswith("save_onnx: ")
    assert notice.endswith("; the training goes on")
    assert [one.getMessage() for one in caplog.records if one.name == "gxt"] == [f"gxt: {notice}"]
