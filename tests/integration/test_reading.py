"""Reading runs in Python: `gxt.runs`, `gxt.get`, `ExperimentRegistry`; and `Experiment`, which writes one."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest

import gxt as package
from gxt import ExperimentRegistry
from gxt.errors import GxtError, MissingData, QueryError, UnknownRun, UsageError
from tests.conftest import data, git, gxt

TRAIN = """
import sys
import gxt

lr, model, acc = float(sys.argv[1]), sys.argv[2], float(sys.argv[3])
with gxt.init({"lr": lr, "model": {"type": model}}, name=model, tags=[model, "all"]) as run:
    for step in range(3):
        run.log({"val/acc": acc + step / 100, "odd": float("nan")}, step=step * 10)
    run.log_text("note", f"{model} says")
    open("weights.bin", "w").write(model)
    run.log_model("weights.bin", step=20)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs: mlp, cnn, mlp; read only."""
    home = tmp_path_factory.mktemp("lab")
    patch = pytest.MonkeyPatch()
    patch.setenv("HOME", str(home))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    repo = home / "repo"
    git(home, "init", "-q", "-b", "main", str(repo))
    (repo / ".gitignore").write_text("*.bin\n")
    (repo / "train.py").write_text(TRAIN)
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    for words in (("0.1", "mlp", "0.5"), ("0.01", "cnn", "0.9"), ("0.02", "mlp", "0.7")):
        gxt(repo, "run", "-q", "--", sys.executable, "train.py", *words)
    patch.undo()
    return repo


@pytest.fixture
def here(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(lab)
    return lab


def test_runs_are_found_by_condition_order_tag_and_limit(here: Path) -> None:
    def ids(*args: str, **options: object) -> list[str]:
        return [run.id for run in package.runs(*args, **options)]  # type: ignore[arg-type]

    assert ids() == ["exp-003", "exp-002", "exp-001"]
    assert ids("params.lr < 0.05 and params.model.type == 'mlp'") == ["exp-003"]
    assert ids(sort='metrics["val/acc"] desc', limit=2) == ["exp-002", "exp-003"]
    assert ids(tags="cnn") == ids(tags=["cnn", "all"]) == ["exp-002"]
    with pytest.raises(QueryError):
        package.runs("params.lr <")


def test_a_run_has_the_keys_of_its_json_as_attributes(here: Path) -> None:
    run, shown = package.get("exp-002"), data(here, "show", "2")
    assert run.to_dict() == shown
    same = {key: value for key, value in shown.items() if key not in {"metrics", "artifacts"}}
    assert {key: getattr(run, key) for key in same} == same
    assert run.params["model"]["type"] == "cnn"
    assert run.metrics["val/acc"] == 0.92
    assert math.isnan(run.metrics["odd"])
    assert (repr(run), run == package.get("cnn"), hash(run) == hash(package.get("@~1"))) == (
        "<gxt run exp-002, completed, cnn>", True, True,
    )  # fmt: skip


def test_every_key_of_the_json_is_declared_for_type_checkers(here: Path) -> None:
    assert set(data(here, "show")) == set(package.RecordedRun.__annotations__)


def test_experiment_code_finds_its_config_and_its_last_evaluation(lab: Path, tmp_path: Path) -> None:
    repo = tmp_path / "copy"
    shutil.copytree(lab, repo, symlinks=True)
    assert package.get("1", repo).eval_result == {}
    gxt(repo, "eval", "1", "--name", "first", "elo=1400")
    gxt(repo, "eval", "1", "--name", "last", "elo=1500", "games.won=3", "games.rate=NaN")
    (tmp_path / "hand" / "by hand").mkdir(parents=True)
    (tmp_path / "hand" / "by hand" / "config.yaml").write_text("model: {type: mlp}\n")
    (tmp_path / "hand" / "by hand" / "eval.json").write_text('{"elo": 1512, "notes": ["NaN", "good"]}')
    gxt(repo, "import", "files", str(tmp_path / "hand"))
    found = {run.name: (run.config, repr(run.eval_result)) for run in package.runs(path=repo)}
    assert found == {
        "by hand": ({"model": {"type": "mlp"}}, "{'elo': 1512, 'notes': [nan, 'good']}"),
        "cnn": ({"lr": 0.01, "model": {"type": "cnn"}}, "{}"),
        "mlp": ({"lr": 0.1, "model": {"type": "mlp"}}, "{'elo': 1500, 'games': {'rate': nan, 'won': 3}}"),
    }


def test_a_metric_over_time(here: Path) -> None:
    run = package.get("1")
    series = run.series("val/acc")
    assert (series.step, series.value) == ([0, 10, 20], [0.5, 0.51, 0.52])
    assert series.time_s == sorted(series.time_s)
    assert 0 <= series.time_s[0] - 1_700_000_000 < 1e10
    with pytest.raises(UsageError, match=r"exp-001 has no metric 'acc' over time \(there are odd, val/acc\)"):
        run.series("acc")


def test_outputs_are_read_in_the_cache_or_in_a_folder_of_ones_own(here: Path, tmp_path: Path) -> None:
    note, model = package.get("1").artifacts
    assert [(one.name, one.kind, one.step) for one in (note, model)] == [
        ("media/note", "text", 20), ("weights.bin", "model", 20),
    ]  # fmt: skip
    assert note.fetch().read_text() == "mlp says"
    place = model.fetch(tmp_path / "mine")
    assert place == tmp_path / "mine/weights.bin"
    place.write_text("other")
    with pytest.raises(GxtError, match="there is another"):
        model.fetch(tmp_path / "mine")
    assert model.fetch().read_text() == "mlp"


def test_the_files_of_a_run_come_back(here: Path, tmp_path: Path) -> None:
    done = package.get("2").checkout(tmp_path / "beside")
    assert (done.place / "weights.bin").read_text() == "cnn"
    with pytest.raises(UsageError):
        package.get("2").checkout(tmp_path / "beside", only=["train.py"])
    git(here, "worktree", "remove", "--force", str(tmp_path / "beside"))
    (here / "weights.bin").unlink()
    package.get("2").checkout(only=["weights.bin"])
    assert (here / "weights.bin").read_text() == "cnn"


def test_what_is_not_there_says_so(here: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownRun):
        package.get("exp-009")
    with pytest.raises(GxtError, match="is not in a git repository"):
        package.runs(path=tmp_path)
    run = package.get("1", path=here)
    lost = run.artifacts[0]._replace(md5="0" * 32)
    with pytest.raises(MissingData):
        lost.fetch()
    with pytest.raises(GxtError, match="is not stored yet"):
        run.artifacts[0]._replace(md5=None).fetch()


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"tags": ["mlp"]}, [3, 1]),
        ({"params": {"lr": 0.1}}, [1]),
        ({"params": {"model.type": "mlp", "lr": "<0.1"}}, [3]),
        ({"params": {"lr": [0.1, 0.01]}}, [2, 1]),
        ({"metrics": {"val/acc": ">= 0.72"}, "sort": "params.lr"}, [2, 3]),
        ({"params": {"model.type": "!= 'mlp'"}}, [2]),
        ({"where": "params.lr == 0.1 or params.lr == 0.01", "metrics": {"val/acc": "> 0.9"}}, [2]),
        ({"params": {"model.type": "!= null", "lr": "== 0.1"}}, [1]),
        ({"params": {"lr": np.array([0.1, 0.01])}}, [2, 1]),
        ({"limit": 1}, [3]),
    ],
)
def test_a_registry_lists_by_tags_parameters_and_metrics(
    lab: Path, asked: dict[str, object], ids: list[int]
) -> None:
    found = ExperimentRegistry(lab).list(**asked)  # type: ignore[arg-type]
    assert [run.id for run in found] == [f"exp-00{one}" for one in ids]


def test_runs_side_by_side_are_a_data_frame(lab: Path) -> None:
    registry = ExperimentRegistry(lab)
    frame = registry.compare(["exp-002", "1"])
    assert list(frame.index) == ["exp-002", "exp-001"]
    assert list(frame["params.lr"]) == [0.01, 0.1]
    assert list(frame["params.model.type"]) == ["cnn", "mlp"]
    assert list(frame["metrics.val/acc"]) == [0.92, 0.52]
    assert list(registry.compare(["3", "1"])["params.lr"]) == [0.02, 0.1]
    assert "params.model.type" not in registry.compare(["3", "1"])
    assert list(registry.compare(["3", "1"], all=True)["params.model.type"]) == ["mlp", "mlp"]
    assert frame["metrics.odd"].isna().all()
    assert frame["created"].dt.year.min() > 2000
    assert [name for name in frame.columns if "." not in name] == [
        "name", "status", "created", "duration_s", "author", "parent", "group", "commit", "tags",
    ]  # fmt: skip
    assert list(registry.to_frame().index) == ["exp-003", "exp-002", "exp-001"]
    assert list(registry.to_frame("params.lr == 0.1")["tags"]) == ["mlp, all"]
    assert registry.to_frame("params.lr == 7").empty
    assert registry.get("cnn").id == "exp-002"


def test_without_pandas_an_error_says_how_to_get_it(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(GxtError) as failed:
        ExperimentRegistry(lab).to_frame()
    assert failed.value.message == "a data frame needs pandas, which is not installed"
    assert failed.value.hint == "pip install 'gxt[analysis]'"


EXPERIMENT = """
from gxt import Experiment, ExperimentRegistry

config = {"lr": 0.5}
experiment = Experiment("small", config, tags=["new"])
experiment.log_config({"width": 3})
for step in range(2):
    experiment.log_metric("loss", 1 / (step + 1), step)
open("m.bin", "w").write("weights")
experiment.log_model("m.bin", "final")
summary = experiment.save_summary()
print(experiment.name, experiment.config, summary["metrics"], summary["params"]["width"])
registry = ExperimentRegistry()
run = registry.register(experiment, tags="kept")
print(run.id, run.status, run.tags, run.metrics, [one.name for one in run.artifacts])
print(experiment.save_summary())
by_hand = registry.register(name="paper", config={"lr": 1}, metrics={"acc": 0.5}, tags=["cited"])
print(by_hand.id, by_hand.name, by_hand.params["lr"], by_hand.metrics, by_hand.tags, by_hand.status)
print(registry.register("exp-001").tags)
"""


def test_an_experiment_is_a_run(repo: Path) -> None:
    (repo / "t.py").write_text(EXPERIMENT)
    done = subprocess.run([sys.executable, "t.py"], cwd=repo, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "small {'lr': 0.5, 'width': 3} {'loss': 0.5} 3",
        "exp-001 completed ['new', 'kept'] {'loss': 0.5} ['final', 'summary.json']",
        "{}",
        "exp-002 paper 1 {'acc': 0.5} ['cited'] completed",
        "['new', 'kept']",
    ]
    assert done.stderr == "gxt: save_summary after finish is ignored: gxt.init() begins another run\n"
    assert data(repo, "show", "2")["parent"] == "exp-001"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"params": "lr > 0.1"}, "params are filtered by name, not by 'lr > 0.1'"),
        ({"metrics": {"val/acc": math.nan}}, "a filter takes a number, a text or several of them, not nan"),
        ({"metrics": {"val/acc": "> inf"}}, "a filter takes a number, a text or several of them, not inf"),
        ({"params": {"lr": {"a": 1}}}, "a filter takes a number, a text or several of them, not {'a': 1}"),
        ({"metrics": {"val/ac": 1}}, 'no run has metrics["val/ac"]'),
        ({"where": "status == "}, "a value is missing"),
        ({"limit": -1}, "limit is how many runs there may be, not -1"),
        ({"limit": "2"}, "limit is how many runs there may be, not '2'"),
    ],
)
def test_a_filter_that_is_none_says_what_to_write(lab: Path, asked: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as failure:
        ExperimentRegistry(lab).list(**asked)  # type: ignore[arg-type]
    assert said in failure.value.message
    assert failure.value.hint


def test_one_run_needs_no_list_and_a_number_is_an_id(here: Path) -> None:
    registry = ExperimentRegistry()
    assert list(registry.compare("exp-002").index) == ["exp-002"]
    assert registry.register(2).id == "exp-002"  # type: ignore[arg-type]
    assert [run.id for run in registry.list(tags=None)] == ["exp-003", "exp-002", "exp-001"]  # type: ignore[arg-type]


def test_what_is_recorded_keeps_its_parameters(here: Path) -> None:
    with pytest.raises(UsageError, match="a run that is recorded keeps its parameters and metrics"):
        ExperimentRegistry().register("exp-001", metrics={"acc": 1})
    with pytest.raises(UsageError, match="the metrics hold no number"):
        ExperimentRegistry().register(metrics={"acc": "high"})


def test_experiments_of_a_context_fail_with_it(repo: Path) -> None:
    code = "from gxt import Experiment\nwith Experiment('broken', message='m'): 1 / 0"
    done = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, check=False)
    run = data(repo, "show")
    assert (done.returncode, run["status"], run["name"], run["message"]) == (1, "failed", "broken", "m")


def test_a_frame_of_no_runs_has_its_columns(repo: Path) -> None:
    frame = ExperimentRegistry(repo).to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert (len(frame), frame.index.name, "tags" in frame.columns) == (0, "id", True)
