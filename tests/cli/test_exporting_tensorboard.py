"""`gxt export tensorboard`: TensorBoard's own reader finds what was logged."""

from __future__ import annotations

import struct
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2, get_experiment, list_session_groups
from tensorboard.plugins.hparams.backend_context import Context

from gxt.ops.annotate import rename
from gxt.ops.export_tensorboard import _histograms, export_tensorboard
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


def read(folder: Path) -> Any:  # noqa: ANN401 TensorBoard has no types
    loaded = EventAccumulator(str(folder), size_guidance=dict.fromkeys(("scalars", "tensors"), 0))
    return loaded.Reload()


def scalars(loaded: Any) -> dict[str, list[tuple[float, int, float]]]:  # noqa: ANN401
    return {
        tag: [(one.wall_time, one.step, one.value) for one in loaded.Scalars(tag)]
        for tag in loaded.Tags()["scalars"]
    }


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "repo")


def test_every_point_is_there_with_its_step_and_its_time(repo: Path, tmp_path: Path) -> None:
    values = {"train/loss": [0.1, 1 / 3, 1e-40], "odd": [nan, inf, -inf], "great": [1e300, -1e300, 1.0]}
    steps = {"odd": [5, 5, 2], "great": [1 << 34, 3, -1]}
    write_runs(repo, [Made(values, name="Many, of them", steps=steps), Made()])
    done = gxt(repo, "export", "tensorboard", str(tmp_path / "logs"))
    assert done.stdout == f"2 runs in {tmp_path / 'logs'}\n"
    assert done.stderr == "gxt: exp-001: beyond single precision, and infinite there: great\n"
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "exp-001-many-of-them",
        "exp-002-train",
    ]
    found = scalars(read(tmp_path / "logs" / "exp-001-many-of-them"))
    began = BEGAN_MS / 1000
    assert found["train/loss"] == [
        (began + step, step, single(value)) for step, value in enumerate(values["train/loss"])
    ]
    assert [(at - began, step) for at, step, _ in found["odd"]] == [(5, 5), (5, 5), (2, 2)]
    (_, _, first), *others = found["odd"]
    assert (isnan(first), [value for _, _, value in others]) == (True, [inf, -inf])
    assert [(step, value) for _, step, value in found["great"]] == [(1 << 34, inf), (3, -inf), (-1, 1.0)]
    (path,) = (tmp_path / "logs" / "exp-001-many-of-them").iterdir()
    assert len(list(RawEventFileLoader(str(path)).Load())) == 13  # every checksum is right


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
    assert sessions(tmp_path / "logs") == [
        (
            {
                "amp": True,
                "lr": 0.1,
                "model.type": "mlp",
                "model.width": 64.0,
                "none": "null",
                "sizes": "[1, 2]",
            },
            [("val/acc", 0.75, 1)],
            ("STATUS_SUCCESS", BEGAN_MS / 1000, BEGAN_MS / 1000 + 1),
        ),
        ({"lr": 0.2}, [("val/acc", 0.25, 0)], ("STATUS_FAILURE", BEGAN_MS / 1000, BEGAN_MS / 1000 + 1)),
    ]


def sessions(folder: Path) -> list[tuple[Any, ...]]:
    """What the tab HPARAMS asks for: parameters, metrics, how each session ended and when."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    context = Context(TBContext(data_provider=MultiplexerDataProvider(multiplexer, str(folder))))
    request = api_pb2.ListSessionGroupsRequest(
        slice_size=100, allowed_statuses=api_pb2.Status.values(), include_metrics=True
    )
    experiment = get_experiment.Handler(RequestContext(), context, "", api_pb2.GetExperimentRequest()).run()
    request.col_params.extend(
        api_pb2.ColParams(metric=one.name, include_in_result=True) for one in experiment.metric_infos
    )
    request.col_params.extend(
        api_pb2.ColParams(hparam=one.name, include_in_result=True) for one in experiment.hparam_infos
    )
    answer = list_session_groups.Handler(RequestContext(), context, "", request).run()
    found = []
    for group in answer.session_groups:
        (session,) = group.sessions
        params = {name: MessageToDict(value) for name, value in group.hparams.items()}
        metrics = [(one.name.tag, one.value, one.training_step) for one in group.metric_values]
        ended = (api_pb2.Status.Name(session.status), session.start_time_secs, session.end_time_secs)
        found.append((params, metrics, ended))
    return sorted(found, key=lambda one: -len(one[0]))


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
    for name in ("one", "two"):
        gxt(repo, "run", "-q", "--parent", "none", "--name", name, "--", "true")
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


def test_a_histogram_of_somebody_elses_that_no_number_holds_is_passed_over() -> None:
    huge = "1" + "0" * 400
    lines = [
        f'{{"counts": [1], "edges": [0, {huge}], "step": 1}}',
        f'{{"counts": [1], "edges": [0, 1], "step": 2, "t": {huge}}}',
        '{"counts": 1, "edges": [[', "[]", '{"counts": ["NaN"], "edges": [0, "x"], "step": -3}',
    ]  # fmt: skip
    found = list(_histograms("h", "\n".join(lines).encode(), 0, 5))
    assert len(found) == 2
