"""The environment document on real virtual environments, with distributions written into them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gxt.capture.environment import environment_document
from gxt.capture.hardware import hardware
from gxt.capture.packages import installed_packages
from gxt.capture.probe import Probe, probe
from gxt.model.json_types import JsonObject
from gxt.ops.environment import EnvironmentThread
from gxt.ops.workspace import open_workspace
from gxt.store import journal

LONG_AGO_NS = 1_600_000_000_000_000_000


@dataclass
class Venv:
    """A virtual environment of which every start is counted."""

    prefix: Path
    env: dict[str, str]
    cache: Path
    starts_log: Path
    times_aged: int = 0

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def site(self) -> Path:
        return next((self.prefix / "lib").glob("python*")) / "site-packages"

    @property
    def starts(self) -> int:
        return len(set(self.starts_log.read_text().split())) if self.starts_log.exists() else 0

    def age(self) -> None:
        """Let the files be from long ago, each time a second later: fresh ones are not trusted to stay."""
        self.times_aged += 1
        stamp = LONG_AGO_NS + self.times_aged * 1_000_000_000
        for path in (self.prefix, *self.prefix.rglob("*")):
            os.utime(path, ns=(stamp, stamp), follow_symlinks=False)

    def install(self, name: str, **files: str) -> None:
        """Write a distribution's folder with files (METADATA of no interest), and age everything."""
        folder = self.site / name
        folder.mkdir()
        for file, text in files.items():
            (folder / file.replace("__", "-").replace("_json", ".json")).write_text(text)
        self.age()

    def probe(self, python: Path | None = None, cwd: Path | None = None) -> Probe | None:
        return probe(python or self.python, cwd=cwd or self.prefix, env=self.env, cache_dir=self.cache)

    def packages(self, cwd: Path | None = None) -> dict[str, str]:
        found = self.probe(cwd=cwd)
        assert found is not None
        return installed_packages(found.search_path, cache_dir=self.cache)


@pytest.fixture
def venv(tmp_path: Path, sealed: Path) -> Venv:
    prefix, log = tmp_path / "venv", tmp_path / "starts"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    made = Venv(prefix, {"HOME": str(sealed), "PATH": f"{prefix}/bin:/usr/bin:/bin"}, tmp_path / "cache", log)
    # Runs at every start, in a virtual environment twice, and prints, which does no harm.
    count = f"import os; print('hi'); print(os.getpid(), file=open({str(log)!r}, 'a'))"
    (made.site / "count.pth").write_text(f"{count}\n")
    made.age()
    return made


def test_a_virtual_environment_is_described_as_it_knows_itself(venv: Venv) -> None:
    venv.install("Foo_Bar-1.2.dist-info")
    found = venv.probe()
    assert found is not None
    assert (found.implementation, found.version, found.executable) == (
        sys.implementation.name,
        sys.version.split()[0],
        str(venv.python),
    )
    assert str(venv.site) in found.site_folders
    assert venv.packages() == {"foo-bar": "1.2"}


def test_names_are_normalised_sorted_and_leftovers_left_out(venv: Venv) -> None:
    for name in ("ruamel.yaml-0.18.6", "PyYAML-6.0.2", "~umpy-1.0", "torch-2.5.1+cu124", "a__b-1!2.0rc1"):
        venv.install(f"{name}.dist-info")
    venv.install("not_a_distribution")
    assert list(venv.packages().items()) == [
        ("a-b", "1!2.0rc1"),
        ("pyyaml", "6.0.2"),
        ("ruamel-yaml", "0.18.6"),
        ("torch", "2.5.1+cu124"),
    ]


def test_editable_and_version_control_installs_are_marked_without_their_address(venv: Venv) -> None:
    vcs = {"vcs": "git", "commit_id": "0123abcd", "requested_revision": "main"}
    secret = "https://me:hunter2@example.org/x.git"
    venv.install(
        "a-1.0.dist-info", direct_url_json=json.dumps({"url": "file:///x", "dir_info": {"editable": True}})
    )
    venv.install("b-2.0.dist-info", direct_url_json=json.dumps({"url": secret, "vcs_info": vcs}))
    venv.install("c-3.0.dist-info", direct_url_json=json.dumps({"url": "file:///x", "dir_info": {}}))
    venv.install("d-4.0.dist-info", direct_url_json='{"torn')
    assert venv.packages() == {"a": "1.0 (editable)", "b": "2.0 @ 0123abcd", "c": "3.0", "d": "4.0"}
    assert all("hunter2" not in path.read_text() for path in venv.cache.iterdir())


def test_old_forms_of_metadata_are_read(venv: Venv, tmp_path: Path) -> None:
    venv.install(
        "Old_One-1.0-py3.9.egg-info",
        PKG__INFO="Metadata-Version: 1.0\nName: Old-One\nVersion: 1.0\n\nText: x\n",
    )
    (venv.site / "flat-2.0.egg-info").write_text("Name: flat\nVersion: 2.0\n")
    (venv.site / "empty-3.0.egg-info").write_text("")
    source = tmp_path / "source"
    (source / "My_Code.egg-info").mkdir(parents=True)
    info = source / "My_Code.egg-info" / "PKG-INFO"
    info.write_text("Name: my-code\nVersion: 0.1\n")
    (venv.site / "my-code.egg-link").write_text(f"{source}\n.")
    (venv.site / "easy-install.pth").write_text(f"{source}\n")
    venv.age()
    for path in (source, info.parent, info):
        os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    assert venv.packages() == {"flat": "2.0", "my-code": "0.1 (editable)", "old-one": "1.0"}
    info.write_text("Name: my-code\nVersion: 0.2\n")
    assert venv.packages()["my-code"] == "0.2 (editable)"


def test_the_first_on_the_path_counts_and_pythonpath_is_on_it(venv: Venv, tmp_path: Path) -> None:
    venv.install("thing-1.0.dist-info")
    (tmp_path / "extra" / "thing-9.0.dist-info").mkdir(parents=True)
    assert venv.packages() == {"thing": "1.0"}
    venv.env["PYTHONPATH"] = str(tmp_path / "extra")
    assert venv.packages() == {"thing": "9.0"}
    venv.env["PYTHONPATH"] = "../extra"
    assert venv.packages() == {"thing": "9.0"}


def test_a_relative_pythonpath_starts_at_each_working_directory(venv: Venv, tmp_path: Path) -> None:
    venv.env["PYTHONPATH"] = "src"
    for name in ("one", "two"):
        (tmp_path / name / "src" / f"{name}-1.0.dist-info").mkdir(parents=True)
        assert venv.packages(cwd=tmp_path / name) == {name: "1.0"}


def test_modules_of_the_working_directory_are_not_run(venv: Venv) -> None:
    for name in ("json", "site", "encodings", "os"):
        (venv.prefix / f"{name}.py").write_text("raise SystemExit(1)\n")
    assert venv.packages() == {}


def test_a_second_look_starts_no_process(venv: Venv) -> None:
    venv.install("thing-1.0.dist-info")
    for _ in range(2):
        assert venv.packages() == {"thing": "1.0"}
        assert venv.starts == 1
    assert len(list(venv.cache.iterdir())) == 2


def rename_package(venv: Venv) -> None:
    (venv.site / "thing-1.0.dist-info").rename(venv.site / "thing-2.0.dist-info")
    os.utime(venv.site, ns=(LONG_AGO_NS, LONG_AGO_NS))


def edit_pth(venv: Venv) -> None:
    extra = venv.prefix / "extra"
    (extra / "thing-2.0.dist-info").mkdir(parents=True)
    pth = venv.site / "count.pth"
    pth.write_text(f"{pth.read_text()}import sys; sys.path.insert(0, {str(extra)!r})\n")


@pytest.mark.parametrize("change", [rename_package, edit_pth])
def test_a_change_of_the_environment_is_seen(venv: Venv, change: Callable[[Venv], None]) -> None:
    venv.install("thing-1.0.dist-info")
    assert venv.packages() == {"thing": "1.0"}
    change(venv)
    assert venv.packages() == {"thing": "2.0"}


def test_an_edited_pyvenv_cfg_asks_the_interpreter_again(venv: Venv) -> None:
    assert venv.packages() == {}
    settings = venv.prefix / "pyvenv.cfg"
    settings.write_text(f"{settings.read_text()}# edited\n")
    assert venv.packages() == {}
    assert venv.starts == 2


def test_what_changed_just_now_is_not_remembered(venv: Venv) -> None:
    os.utime(venv.site)
    assert venv.packages() == {}
    assert list(venv.cache.glob("*")) == []


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "[" * 100_000, "other key", "value", "watched"])
def test_a_damaged_cache_is_as_good_as_none(venv: Venv, damage: str) -> None:
    venv.install("thing-1.0.dist-info")
    assert venv.packages() == {"thing": "1.0"}
    for path in venv.cache.iterdir():
        document = json.loads(path.read_text())
        changes: dict[str, JsonObject] = {
            "other key": {"key": {}},
            "value": {"value": {"thing": 1}},
            "watched": {"watched": None},
        }
        path.write_text(json.dumps(document | changes[damage]) if damage in changes else damage)
    for _ in range(2):
        assert venv.packages() == {"thing": "1.0"}
        assert venv.starts == 2


def test_a_cache_that_cannot_be_written_is_done_without(venv: Venv) -> None:
    venv.install("thing-1.0.dist-info")
    venv.cache.write_text("a file")
    assert venv.packages() == {"thing": "1.0"}


def test_a_program_that_starts_another_interpreter_is_asked_each_time(venv: Venv, tmp_path: Path) -> None:
    shim = tmp_path / "shims" / "python"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{venv.python}" "$@"\n')
    shim.chmod(0o755)
    os.utime(shim, ns=(LONG_AGO_NS, LONG_AGO_NS))
    for starts in (1, 2):
        found = venv.probe(shim, cwd=tmp_path)
        assert venv.starts == starts
    assert found == venv.probe()


def test_what_is_no_interpreter_is_none(venv: Venv, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    for script in ("exit 1", "exit 0", "printf '\\0sys.path\\0a\\0b\\0sys.path\\0'"):
        fake.write_text(f"#!/bin/sh\n{script}\n")
        fake.chmod(0o755)
        assert venv.probe(fake) is None
    fake.chmod(0o644)
    assert venv.probe(fake) is None
    assert venv.probe(tmp_path / "none") is None


def document(venv: Venv, *words: str) -> JsonObject:
    return environment_document(words, cwd=venv.prefix, env=venv.env, cache_dir=venv.cache)


def test_the_document_holds_exactly_this(venv: Venv) -> None:
    venv.install("thing-1.0.dist-info")
    venv.env |= {
        "HOME": str(venv.prefix.parent),
        "WANDB_API_KEY": "x",
        "PYTHONHASHSEED": "0",
        "TORCH_TOKEN": "x",
    }
    assert document(venv, "env", "CUDA_VISIBLE_DEVICES=0,1", "python", "train.py") == {
        "gxt": 1,
        "python": {
            "version": sys.version.split()[0],
            "implementation": sys.implementation.name,
            "executable": "~/venv/bin/python",
        },
        "packages": {"thing": "1.0"},
        **hardware(venv.env),
        "variables": {"CUDA_VISIBLE_DEVICES": "0,1", "PYTHONHASHSEED": "0"},
    }


def test_equal_environments_give_equal_bytes(venv: Venv) -> None:
    for name in ("b-1.0", "a-1.0", "C-1.0"):
        venv.install(f"{name}.dist-info")
    script = venv.prefix / "bin" / "torchrun"
    script.write_text(f"#!{venv.prefix}/bin/python3\n")
    script.chmod(0o755)
    venv.env |= {"SLURM_NNODES": "2", "OMP_NUM_THREADS": "4"}
    first = json.dumps(document(venv, "python", "train.py"))
    venv.env = dict(reversed(venv.env.items()))
    second = json.dumps(document(venv, "torchrun", "other.py"))
    assert first == second
    assert os.uname().nodename not in first.replace(os.uname().release, "")


def test_a_command_that_hides_its_interpreter_gets_the_first_on_path(venv: Venv) -> None:
    known = document(venv, "python", "train.py")
    python = known["python"]
    assert isinstance(python, dict)
    assert document(venv, "make", "train") == {**known, "python": {**python, "assumed": True}}


def test_without_any_interpreter_the_rest_is_still_told(venv: Venv, tmp_path: Path) -> None:
    venv.env |= {"PATH": str(tmp_path), "OMP_NUM_THREADS": "\udcff"}
    assert document(venv, "./train") == {
        "gxt": 1,
        "python": None,
        "packages": {},
        **hardware(venv.env),
        "variables": {"OMP_NUM_THREADS": "\\udcff"},
    }


def test_gpus_are_asked_for_once(venv: Venv, tmp_path: Path) -> None:
    program = tmp_path / "gpu" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\necho 'Fake, 1, 570.1'\n")
    program.chmod(0o755)
    os.utime(program, ns=(LONG_AGO_NS, LONG_AGO_NS))
    venv.env["PATH"] += f":{program.parent}"
    for _ in range(2):
        gpus = document(venv, "python")["gpus"]
        assert gpus == [{"name": "Fake", "memory_bytes": 1024**2, "driver": "570.1"}]
    assert (tmp_path / "asked").read_text() == "asked\n"
    program.write_text("#!/bin/sh\nexit 9\n")
    assert document(venv, "python")["gpus"] == []


def test_an_environment_that_is_not_told_does_not_keep_the_end_back(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An `nvidia-smi` that waits for what never comes."""
    os.mkfifo(tmp_path / "never")
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nread line < {tmp_path}/never\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("gxt.ops.environment._PATIENCE_S", 0.2)
    monkeypatch.chdir(repo)
    repository = open_workspace().repository
    live = journal.create(repository, uid="0" * 32, number=1, started={}, at_us=0)
    thread = EnvironmentThread(repository, live, ["true"])
    thread.start()
    assert thread.finish() == ("no environment: it was not known 0 s after the training",)
    (tmp_path / "never").write_text("now\n")
    thread.join()
    live.release()
