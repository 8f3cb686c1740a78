"""Every network of the study is built, learns, and is the same as an ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the networks are torch's")

from gxt.demo.connect4.board import COLUMNS, ROWS  # noqa: E402
from gxt.demo.connect4.checkpoint import export  # noqa: E402
from gxt.demo.connect4.networks import SIZES, build, parameter_count  # noqa: E402
from gxt.demo.connect4.train import Examples, losses  # noqa: E402

NETWORKS = [(kind, size) for kind, sizes in SIZES.items() for size in sizes]
EXPORTED = [("mlp", "tiny"), ("cnn", "tiny"), ("transformer", "tiny")]
LONG = [pytest.param(*one, marks=pytest.mark.long) for one in NETWORKS if one not in EXPORTED]


def some_examples(count: int) -> Examples:
    torch.manual_seed(0)
    boards = (torch.rand(count, 2, ROWS, COLUMNS) < 0.3).float()
    return Examples(boards, torch.rand(count, COLUMNS).softmax(dim=1), torch.randint(-1, 2, (count,)).float())


@pytest.mark.parametrize(("kind", "size"), NETWORKS)
def test_a_step_of_training_lowers_the_loss(kind: str, size: str) -> None:
    examples = some_examples(8)
    network = build(kind, size)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4)
    before = losses(network, examples, 1.0)
    before.loss.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    optimizer.step()
    assert losses(network, examples, 1.0).loss < before.loss
    policy, value = network(examples.boards)
    assert (policy.shape, value.shape) == ((8, COLUMNS), (8,))


def test_brains_have_these_many_parameters() -> None:
    counts = {kind: [parameter_count(build(kind, size)) for size in sizes] for kind, sizes in SIZES.items()}
    assert counts == {
        "mlp": [1496, 10120, 155400, 3244040],
        "cnn": [1724, 9500, 66856, 465864],
        "transformer": [3944, 23648, 174472, 1238664],
    }


def test_an_unknown_network_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"no network rnn small: model\.type is one of mlp, cnn, transformer; model\.size"
    ):
        build("rnn", "small")


@pytest.mark.parametrize(("kind", "size"), [*EXPORTED, *LONG])
def test_the_onnx_file_answers_as_the_network_does(kind: str, size: str, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx reads the file")
    pytest.importorskip("onnxscript", reason="torch exports with onnxscript")
    pytest.importorskip("onnxruntime", reason="onnxruntime runs the file")
    from gxt.demo.connect4.brain import Brain, intuitive

    examples = some_examples(5)
    network = build(kind, size).eval()
    path = tmp_path / "new" / "model.onnx"
    export(network, path, {"epoch": 3})
    with torch.no_grad():
        policy, value = network(examples.boards)
    found_policy, found_value = Brain(path)(examples.boards.numpy())
    np.testing.assert_allclose(found_policy, policy.numpy(), atol=1e-4)
    np.testing.assert_allclose(found_value, value.numpy(), atol=1e-4)

    model = onnx.load(path)
    facts = {one.key: one.value for one in model.metadata_props}
    assert (facts["gxt.params"], facts["epoch"]) == (str(parameter_count(network)), "3")
    shapes = [
        [dim.dim_param or dim.dim_value for dim in one.type.tensor_type.shape.dim]
        for one in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [["batch", 2, ROWS, COLUMNS], ["batch", COLUMNS], ["batch"]]
    assert str(Path.cwd()).encode() not in path.read_bytes()
    assert sorted(tmp_path.rglob("*")) == [path.parent, path]

    empty = np.zeros(9, dtype=np.uint64)
    columns = intuitive(Brain(path))(empty, empty, np.random.default_rng(0))
    assert len(set(columns.tolist())) == 1


def test_mirrored_examples_have_mirrored_policies() -> None:
    examples = some_examples(2)
    found = examples.mirrored(torch.tensor([True, False]))
    assert torch.equal(found.boards[0], examples.boards[0].flip(2))
    assert torch.equal(found.policy[0], examples.policy[0].flip(0))
    assert torch.equal(found.boards[1], examples.boards[1])
    assert torch.equal(found.value, examples.value)
