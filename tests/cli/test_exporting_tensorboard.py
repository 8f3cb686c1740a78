"""`gxt export tensorboard`: TensorBoard's own reader finds what was logged."""

from __future__ import annotations

import struct
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.hparams.backend_context import Context

from gxt.ops.annotate import rename
from gxt.ops.export_tensorboard import export_tensorboard
from gxt.ops.workspace import open_workspace
from gxt.render.run_page import page
from tests.cli.scratch import new_repository
from tests.conftest import data, gxt
from tests.integration.test_media import script
from tests.with_series import BEGAN_MS, Made, write_runs

MEDIA = """
import numpy
gxt.log_histogram("weights", counts=[0, 1, 3], edges=[0, 1, 2, 3], step=2)
gxt.log_image("sample", numpy.zeros((2, 3), dtype="uint8"), step=4)
gxt.log_text("said", "**well**", step=5)
gxt.log({"loss": 0.1}, step=1)
"""


def single(value: float) -> float:
    """The number as single precision has it."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def read(folder: Path) -> Any:
    loaded = EventAccumulator(str(folder), size_guidance=dict.fromkeys(("scalars", "tensors"), 0))
    return loaded.Reload()


def scalars(loaded: Any) -> dict[str, list[tuple[float, int, float]]]:
    return {tag: [tuple(one) for one in loaded.Scalars(tag)] for tag in loaded.Tags()["scalars"]}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "repo")


def test_every_point_is_there_with_its_step_and_its_time(repo: Path, tmp_path: Path) -> None:
    values = {"train/loss": [0.1, 1 / 3, 1e-40], "odd": [nan, inf, -inf], "great": [1e300, -1e300, 1.0]}
    steps = {"odd": [5, 5, 2], "great": [1 << 40, 3, -1]}
    write_runs(repo, [Made(values, name="Many, of them", steps=steps), Made()])
    done = gxt(repo, "export", "tensorboard", str(tmp_path / "logs"))
    assert done.stdout == f"2 runs in {tmp_path / 'logs'}\n"
    assert done.stderr == "gxt: exp-001: beyond single precision, and infinite there: great\n"
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["exp-001-many-of-them", "exp-002-train"]
    found = scalars(read(tmp_path / "logs" / "exp-001-many-of-them"))
    began = BEGAN_MS / 1000
    assert found["train/loss"] == [
        (began + step, step, single(value)) for step, value in enumerate(values["train/loss"])
    ]
    # a row is an event: those of one series keep their order in time
    assert [(at - began, step) for at, step, _ in found["odd"]] == [(2, 2), (5, 5), (5, 5)]
    (_, _, low), (_, _, first), (_, _, second) = found["odd"]
    assert (low, isnan(first), second) == (-inf, True, inf)
    assert [(step, value) for _, step, value in found["great"]] == [(-1, 1.0), (3, -inf), (1 << 40, inf)]
    (path,) = (tmp_path / "logs" / "exp-001-many-of-them").iterdir()
    assert len(list(RawEventFileLoader(str(path)).Load())) == 12  # every checksum is right


def test_the_tab_hparams_has_the_parameters_and_the_metrics(repo: Path, tmp_path: Path) -> None:
    params = {"lr": 0.1, "model": {"type": "mlp", "width": 64}, "amp": True, "sizes": [1, 2], "none": None}
    write_runs(
        repo,
        [
            Made({"val/acc": [0.5, 0.75]}, params=params),
            Made({"val/acc": [0.25]}, params={"lr": 0.2}, status="failed"),
        ],
    )
    gxt(repo, "export", "tensorboard", str(tmp_path / "logs"))
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "logs"))
    multiplexer.Reload()
    context = Context(MultiplexerDataProvider(multiplexer, str(tmp_path / "logs")))
    request, metadata = RequestContext(), context.hparams_metadata(RequestContext(), "")
    experiment = context.experiment_from_metadata(
        request, "", True, metadata, context.hparams_from_data_provider(request, "", 0)
    )
    assert sorted(one.name for one in experiment.hparam_infos) == [
        *("amp", "lr", "model.type", "model.width", "none", "sizes")
    ]
    assert [(one.name.tag, one.name.group) for one in experiment.metric_infos] == [("val/acc", "")]
    groups = {
        name.split("/")[0]: said for (name, _), said in sorted(metadata_by_run(metadata).items())
    }
    assert groups


def metadata_by_run(metadata: Any) -> dict[tuple[str, str], Any]:
    return {(run, tag): one for run, tags in metadata.items() for tag, one in tags.items()}


def test_media_and_a_page_about_the_run_are_there(repo: Path, tmp_path: Path) -> None:
    script(repo, MEDIA)
    gxt(repo, "export", "tensorboard", str(tmp_path / "logs"))
    (folder,) = (tmp_path / "logs").iterdir()
    loaded = read(folder)
    (picture,) = loaded.Images("sample")
    assert (picture.step, picture.width, picture.height) == (4, 3, 2)
    assert picture.encoded_image_string.startswith(b"\x89PNG")
    (histogram,) = loaded.Histograms("weights")
    counts, limits = histogram.histogram_value.bucket, histogram.histogram_value.bucket_limit
    assert (histogram.step, list(counts), list(limits)) == (2, [0, 0, 1, 3], [0, 1, 2, 3])
    (said,) = loaded.Tensors("said")
    assert (said.step, list(said.tensor_proto.string_val)) == (5, [b"**well**"])
    (text,) = loaded.Tensors("run")
    assert text.tensor_proto.string_val[0].decode().startswith("# exp-001 ")


def test_again_brings_it_up_to_date(repo: Path, tmp_path: Path) -> None:
    write_runs(repo, [Made({"acc": [0.5]}, name="one"), Made({"acc": [0.5]}, name="two")])
    logs = tmp_path / "logs"
    (logs / "exp-009-mine").mkdir(parents=True)
    (logs / "exp-009-mine" / "events.out.tfevents.1").write_bytes(b"")

    def export() -> tuple[tuple[str, ...], tuple[str, ...]]:
        done = export_tensorboard(open_workspace(repo), logs, page=page)
        return done.written, done.unchanged

    assert export() == (("exp-001-one", "exp-002-two"), ())
    assert export() == ((), ("exp-001-one", "exp-002-two"))
    rename(open_workspace(repo), "exp-001", "three")
    assert export() == (("exp-001-three",), ("exp-002-two",))
    assert sorted(path.name for path in logs.iterdir()) == ["exp-001-three", "exp-002-two", "exp-009-mine"]
    gxt(repo, "tag", "exp-002", "kept")
    assert export() == (("exp-002-two",), ("exp-001-three",))
    assert len(list((logs / "exp-002-two").iterdir())) == 1
    assert data(repo, "export", "tensorboard", str(logs), "exp-001") == {
        "directory": str(logs),
        "written": [],
        "unchanged": ["exp-001-three"],
    }
