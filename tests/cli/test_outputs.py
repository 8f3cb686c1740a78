"""What a user sees of the outputs of a run: at its end, on its page, while it goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import data, gxt

MODELS = """
import gxt, onnx
from onnx import helper

def model(path, **properties):
    value = helper.make_tensor_value_info
    weights = helper.make_tensor("w", 1, [40, 300], bytes(48000), raw=True)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    ends = [value("x", 1, ["batch", 40])], [value("y", 1, [None, 300])]
    graph = helper.make_graph([node], "g", *ends, [weights])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(made, properties)
    onnx.save(made, path, save_as_external_data=path == "p.onnx", location="parts.data")

gxt.log({"val/acc": 0.5}, step=1)
model("a.onnx", parameters="12345")
gxt.log_model("a.onnx", step=1)
model("p.onnx")
gxt.log_model("p.onnx", name="\\x1b[1mx", step=2)
open("b.onnx", "w").close()
gxt.log_model("b.onnx")
"""


def test_checkpoints_are_listed_with_what_is_known_of_them(repo: Path) -> None:
    pytest.importorskip("onnx", reason="there is no onnx")
    (repo / "models.py").write_text(MODELS)
    done = gxt(repo, "run", "--", sys.executable, "models.py")
    assert done.stderr.splitlines()[1] == "gxt: b.onnx is no valid ONNX model: it is empty"
    page = gxt(repo, "show").stdout
    _, _, outputs = page.partition("Outputs\n")
    assert outputs.splitlines() == [
        "  name          step  val/acc      size  parameters",
        "  a.onnx           1      0.5  47.0 KiB      12,345  opset 17, x [batch, 40] → y [?, 300]",
        "  \\u{1b}[1mx       2              147 B    ≈ 12,000  p.onnx, opset 17, x [batch, 40] → y [?, 300]",
        "    parts.data     2           46.9 KiB",
        "  b.onnx                            0 B",
        "",
        "Notices",
        "  b.onnx is no valid ONNX model: it is empty",
    ]


def test_a_running_run_tells_what_it_has_put_out(repo: Path) -> None:
    code = """
import json, subprocess, sys, gxt
open("m.bin", "w").write("m")
gxt.log_model("m.bin", step=3)
said = subprocess.run([sys.executable, "-m", "gxt", "show", "--json"], capture_output=True, check=True).stdout
print(json.dumps(json.loads(said)["data"]["artifacts"]))
"""
    (repo / "script.py").write_text(code)
    (said,) = json.loads(gxt(repo, "run", "-q", "--", sys.executable, "script.py").stdout)
    (known,) = data(repo, "show")["artifacts"]
    facts = ("name", "path", "kind", "step")
    assert [said[key] for key in facts] == [known[key] for key in facts] == ["m.bin", "m.bin", "model", 3]
    assert said["md5"] in (None, known["md5"])
