"""Whether an ONNX file answers as the model it was made of does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from gxt.torch.examples import BATCH, Inputs, noisy, resized, rows, tensors

# of the largest output: float32 summed in another order; half precision, and what a GPU makes of float32
_TOLERANCE: Final = 1e-3
_TOLERANCE_COARSE: Final = 3e-2


class WrongAnswerError(Exception):
    """The file computes something else than the model; the text says by how much."""


def largest_difference(content: bytes, model: nn.Module, inputs: Inputs) -> float | None:
    """How far the file's answer to another number of rows is from the model's, at most.

    Args:
        content: the file.
        model: in evaluation mode.
        inputs: that the model was exported with.

    Returns:
        The largest absolute difference; None where onnxruntime is not installed, or inputs or outputs of the
        file are not the tensors that the model takes and gives.

    Raises:
        WrongAnswerError: it is no rounding error.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # its warnings are about itself
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    asked = noisy(resized(inputs, rows(inputs) + 1) if _has_batch(session) else inputs)
    names = [one.name for one in session.get_inputs()]
    given = tensors(asked)
    if len(names) != len(given):  # nested inputs, or some that the model does not use
        return None
    feed = {name: one.detach().cpu().numpy() for name, one in zip(names, given, strict=True)}
    found = [torch.as_tensor(one) for one in session.run(None, feed)]
    answer = torch.utils._pytree.tree_leaves(model(*asked.args, **asked.kwargs))
    wanted = [one for one in answer if isinstance(one, Tensor)]
    return _largest(wanted, found) if len(wanted) == len(found) else None


def _has_batch(session: Any) -> bool:  # noqa: ANN401 of onnxruntime, which need not be there
    return any(one.shape and one.shape[0] == BATCH for one in session.get_inputs())


def _largest(wanted: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    largest = 0.0
    for model_s, file_s in zip(wanted, found, strict=True):
        a, b = model_s.detach().cpu().double(), file_s.double()
        if a.shape != b.shape:
            raise WrongAnswerError(f"the file answers {list(b.shape)}, the model {list(a.shape)}")
        differs = ~torch.isclose(a, b, rtol=0, atol=0, equal_nan=True)
        if not differs.any():
            continue
        error = (a - b)[differs].abs().max().item()
        exact = model_s.device.type == "cpu" and model_s.dtype in (torch.float32, torch.float64)
        bound = _TOLERANCE if exact else _TOLERANCE_COARSE
        if not error <= bound * max(1.0, a[a.isfinite()].abs().max().item()):
            raise WrongAnswerError(f"the file's answer differs from the model's by {error:.3g}")
        largest = max(largest, error)
    return largest
