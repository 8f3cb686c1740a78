"""Which Python a command line would run, on layouts made on disk; nothing is started."""

from __future__ import annotations

import os
import select
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gxt.capture.interpreter import Launch, fallback_launch, resolve_launch
from gxt.capture.programs import find_executable, quiet_output


def resolve_interpreter(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Path | None:
    launch = resolve_launch(argv, cwd=cwd, env=env)
    return launch.python if launch else None


def program(path: Path, text: str = "\x7fELF") -> Path:
    """An executable file; without a text one that is no script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder like /usr/bin with python3 in it."""
    folder = tmp_path / "usr" / "bin"
    program(folder / "python3")
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def env(base: Path, sealed: Path) -> dict[str, str]:
    return {"PATH": str(base), "HOME": str(sealed)}


def venv(prefix: Path, base: Path) -> Path:
    """The layout of a virtual environment: its python is a link to the base interpreter."""
    python = prefix / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(base / "python3")
    return python


def test_a_python_is_looked_up_on_path(base: Path, work: Path, env: dict[str, str]) -> None:
    assert resolve_interpreter(["python3", "train.py"], cwd=work, env=env) == base / "python3"
    assert resolve_interpreter(["python3.12", "train.py"], cwd=work, env=env) is None


@pytest.mark.parametrize("name", ["python", "python3", "python3.12", "python3.13t", "pypy3", "pypy3.10"])
def test_every_name_of_an_interpreter_counts(name: str, base: Path, work: Path, env: dict[str, str]) -> None:
    python = program(base / name)
    assert resolve_interpreter([name], cwd=work, env=env) == python


def test_python_config_is_no_interpreter(base: Path, work: Path, env: dict[str, str]) -> None:
    program(base / "python3-config", "#!/bin/sh\n")
    assert resolve_interpreter(["python3-config"], cwd=work, env=env) is None


def test_the_link_into_a_virtual_environment_is_kept(base: Path, work: Path, env: dict[str, str]) -> None:
    python = venv(work / "venv", base)
    assert resolve_interpreter(["venv/bin/python", "-m", "train"], cwd=work, env=env) == python
    assert resolve_interpreter([str(python)], cwd=work, env=env) == python


def test_a_relative_folder_on_path_starts_at_the_working_directory(base: Path, work: Path) -> None:
    python = venv(work / "venv", base)
    assert resolve_interpreter(["python"], cwd=work, env={"PATH": "venv/bin"}) == python


def test_a_file_that_may_not_be_executed_is_passed_over(base: Path, work: Path) -> None:
    (work / "python3").write_text("")
    env = {"PATH": f"{work}{os.pathsep}{base}"}
    assert find_executable("python3", cwd=work, env=env) == base / "python3"


def test_a_console_script_runs_the_python_of_its_shebang(base: Path, work: Path, env: dict[str, str]) -> None:
    python = venv(work / "venv", base)
    program(base / "torchrun", f"#!{python}\nimport torch\n")
    assert resolve_interpreter(["torchrun", "--nproc=2", "train.py"], cwd=work, env=env) == python
    program(work / "train.py", f"#! {python} -u\n")
    assert resolve_interpreter(["./train.py"], cwd=work, env=env) == python


def test_a_shebang_through_env_is_looked_up_on_path(base: Path, work: Path, env: dict[str, str]) -> None:
    program(work / "a.py", "#!/usr/bin/env python3\n")
    program(work / "b.py", "#!/usr/bin/env -S OMP_NUM_THREADS=2 python3 -X utf8\n")
    assert resolve_interpreter(["./a.py"], cwd=work, env=env) == base / "python3"
    assert resolve_launch(["./b.py"], cwd=work, env=env) == Launch(
        base / "python3", work, {**env, "OMP_NUM_THREADS": "2"}
    )


def test_the_exec_trick_for_long_paths_is_read(base: Path, work: Path, env: dict[str, str]) -> None:
    python = venv(work / "a long way down" / "venv", base)
    tail = "\"$0\" \"$@\"\n' '''\nimport sys\n"
    program(work / "pip", f"#!/bin/sh\n'''exec' \"{python}\" {tail}")
    program(work / "uvtool", f"#!/bin/sh\n'''exec' '{python}' {tail}")
    relocatable = python.with_name("tool")
    program(relocatable, f"#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python' {tail}")
    (work / "link").symlink_to(relocatable)
    assert resolve_interpreter(["./pip"], cwd=work, env=env) == python
    assert resolve_interpreter(["./uvtool"], cwd=work, env=env) == python
    assert resolve_interpreter(["./link"], cwd=work, env=env) == python


def test_a_script_whose_shebang_names_itself_is_given_up(work: Path, env: dict[str, str]) -> None:
    program(work / "loop", f"#!{work}/loop\n")
    assert resolve_interpreter(["./loop"], cwd=work, env=env) is None


@pytest.mark.parametrize(
    "words",
    [
        [],
        [""],
        ["make", "train"],
        ["./loads.sh"],
        ["bash", "loads.sh"],
        ["bash", "no-such.sh"],
        ["no-such-program"],
        ["sh", "-c", "unclosed 'quote"],
        ["sh", "-c"],
        ["uv"],
        ["uv", "sync"],
        ["poetry", "run", "python3"],
        ["conda", "run", "-n", "nowhere", "python3"],
        ["env"],
        ["nice"],
        [*["nice"] * 40, "python3"],
        ["py\0thon"],
    ],
)
def test_what_cannot_be_known_is_none(words: list[str], base: Path, work: Path, env: dict[str, str]) -> None:
    program(base / "make")
    program(work / "loads.sh", "#!/bin/bash\nmodule load python\npython3 train.py\n")
    assert resolve_interpreter(words, cwd=work, env=env) is None


@pytest.mark.parametrize(
    "text",
    [
        "python3 train.py",
        "# it's the baseline\nset -euo pipefail\n\nexport SEED=2\nexec python3 -u train.py \\\n  --lr 1",
        "mkdir -p out\nfor seed in 1 2 3; do\n  python3 train.py --seed $seed | tee out/$seed\ndone",
    ],
)
@pytest.mark.parametrize("words", [["./train.sh"], ["bash", "train.sh"], ["bash", "-x", "train.sh", "1"]])
def test_a_shell_script_is_read(
    words: list[str], text: str, base: Path, work: Path, env: dict[str, str]
) -> None:
    program(base / "mkdir")
    program(work / "train.sh", f"#!/bin/bash\n{text}\n")
    assert resolve_interpreter(words, cwd=work, env=env) == base / "python3"


def test_a_shell_script_that_activates_an_environment(base: Path, work: Path, env: dict[str, str]) -> None:
    python = venv(work / ".venv", base)
    program(work / "train.sh", "#!/bin/sh\n. .venv/bin/activate\npython train.py\n")
    assert resolve_interpreter(["sh", "train.sh"], cwd=work, env=env) == python
    program(work / "train.sh", f"#!/bin/sh\nconda activate {work}/.venv\npython train.py\n")
    assert resolve_interpreter(["sh", "train.sh"], cwd=work, env=env) == python
    program(work / "train.sh", "#!/bin/sh\nconda activate nowhere\npython3 train.py\n")
    assert resolve_interpreter(["sh", "train.sh"], cwd=work, env=env) is None


def test_env_changes_variables_and_directory(base: Path, work: Path, env: dict[str, str]) -> None:
    python = venv(work / "sub" / "venv", base)
    words = ["env", "-u", "HOME", "-C", "sub", "SEED=1", f"PATH={python.parent}", "python", "a=b"]
    assert resolve_launch(words, cwd=work, env=env) == Launch(
        python, work / "sub", {"PATH": str(python.parent), "SEED": "1"}
    )
    assert resolve_launch(["env", "-i", "A=1", str(python)], cwd=work, env=env) == Launch(
        python, work, {"A": "1"}
    )


@pytest.mark.parametrize(
    "line",
    [
        "nice -n 10 python3 t.py",
        "nohup python3 t.py",
        "timeout -k 5 10m python3 t.py",
        "stdbuf -oL -e 0 python3 t.py",
        "taskset -c 0,1 python3 t.py",
        "srun --gres gpu:1 -n 4 python3 t.py",
        "mpirun -n 4 -x NCCL_DEBUG python3 t.py",
        "time nice srun -n 2 env A=1 python3 t.py",
        "srun -n 2 bash -c 'python3 t.py'",
        "bash -lc 'exec python3 t.py'",
        "bash -euo pipefail -c 'python3 t.py'",
        "sh -c 'mkdir -p out && (python3 t.py | tee log)'",
        "sh -c 'A=1 B=2 python3 t.py'",
        "sh -c 'mkdir $OUT; cd $OUT && python3 t.py'",
        "sh -c 'export A=1\nif python3 t.py; then echo; fi'",
    ],
)
def test_launchers_are_followed(line: str, base: Path, work: Path, env: dict[str, str]) -> None:
    launch = resolve_launch(shlex.split(line), cwd=work, env=env)
    assert launch is not None
    assert (launch.python, launch.cwd) == (base / "python3", work)


def test_a_shell_text_may_change_directory_variables_and_environment(
    base: Path, work: Path, env: dict[str, str]
) -> None:
    python = venv(work / "sub" / "venv", base)
    program(python.with_name("activate"))
    text = "cd sub; export SEED=3 OUT=$HOME/out; THREADS=4; source venv/bin/activate && python t.py"
    assert resolve_launch(["bash", "-c", text], cwd=work, env=env) == Launch(
        python,
        work / "sub",
        {**env, "SEED": "3", "THREADS": "4", "PATH": f"{python.parent}{os.pathsep}{base}"},
    )


@pytest.fixture
def project(work: Path, base: Path) -> Path:
    """A project with a virtual environment and a folder below it. Returns the environment's python."""
    (work / "pyproject.toml").write_text('[project]\nname = "p"\n')
    (work / "pkg" / "deep").mkdir(parents=True)
    return venv(work / ".venv", base)


@pytest.mark.parametrize(
    "line",
    [
        "uv run train.py",
        "uv run python train.py",
        "uv run -q --with rich -p 3.12 --extra cu128 -- torchrun train.py",
        "uv run --python 3.9 -m train",
        "uv --offline run bash train.sh",
        "nice uv run train.py",
        "poetry run python train.py",
        "pdm run train",
        "hatch run train",
        "rye run train",
    ],
)
def test_project_tools_use_the_environment_of_the_nearest_project(
    line: str, project: Path, work: Path, env: dict[str, str]
) -> None:
    found = resolve_interpreter(line.split(), cwd=work / "pkg" / "deep", env=env)
    assert found == project


def test_uv_run_keeps_an_interpreter_that_is_named_by_its_path(
    base: Path, project: Path, work: Path, env: dict[str, str]
) -> None:
    assert resolve_interpreter(["uv", "run", f"{base}/python3"], cwd=work, env=env) == base / "python3"


def test_uv_run_follows_its_directory_and_project_options(
    project: Path, work: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    for option in ("--project", "--directory"):
        assert resolve_interpreter(["uv", "run", option, str(work), "t.py"], cwd=tmp_path, env=env) == project
        assert resolve_interpreter(["uv", f"{option}=work", "run", "t.py"], cwd=tmp_path, env=env) == project
    launch = resolve_launch(["uv", "run", "--directory", "work/pkg", "t.py"], cwd=tmp_path, env=env)
    assert launch is not None
    assert launch.cwd == work / "pkg"


def test_options_after_the_command_of_uv_run_belong_to_the_command(
    project: Path, work: Path, env: dict[str, str]
) -> None:
    assert resolve_interpreter(["uv", "run", "t.py", "--project", "x"], cwd=work, env=env) == project


def test_uv_run_prefers_the_named_then_the_active_environment_when_told(
    base: Path, project: Path, work: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    named, active = venv(work / "named", base), venv(tmp_path / "active", base)
    env["VIRTUAL_ENV"] = str(active.parent.parent)
    assert resolve_interpreter(["uv", "run", "t.py"], cwd=work, env=env) == project
    assert resolve_interpreter(["uv", "run", "--active", "t.py"], cwd=work, env=env) == active
    assert resolve_interpreter(["uv", "run", "--no-project", "t.py"], cwd=work, env=env) == active
    env["UV_PROJECT_ENVIRONMENT"] = "named"
    assert resolve_interpreter(["uv", "run", "t.py"], cwd=work / "pkg", env=env) == named


def test_a_member_of_a_uv_workspace_uses_the_environment_of_the_workspace(
    project: Path, work: Path, env: dict[str, str]
) -> None:
    (work / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["pkg"]\n')
    (work / "pkg" / "pyproject.toml").write_text('[project]\nname = "pkg"\n')
    assert resolve_interpreter(["uv", "run", "t.py"], cwd=work / "pkg", env=env) == project


def test_uv_run_without_a_project_uses_a_venv_above_or_path(
    base: Path, work: Path, env: dict[str, str]
) -> None:
    assert resolve_interpreter(["uv", "run", "python3"], cwd=work, env=env) == base / "python3"
    python = venv(work / ".venv", base)
    (work / "sub").mkdir()
    assert resolve_interpreter(["uv", "run", "t.py"], cwd=work / "sub", env=env) == python


def test_the_environment_that_uv_is_about_to_make_is_not_another_one(work: Path, env: dict[str, str]) -> None:
    (work / "pyproject.toml").write_text("")
    assert resolve_interpreter(["uv", "run", "python3"], cwd=work, env=env) == work / ".venv/bin/python"


def test_uv_environments_made_for_one_run_are_unknown(project: Path, work: Path, env: dict[str, str]) -> None:
    assert resolve_interpreter(["uv", "run", "--isolated", "t.py"], cwd=work, env=env) is None
    program(work / "t.py", "#!/usr/bin/env -S uv run --script\n# /// script\n# ///\n")
    assert resolve_interpreter(["./t.py"], cwd=work, env=env) is None


def test_poetry_and_pipenv_fall_back_to_the_active_environment(
    base: Path, work: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    active = venv(tmp_path / "active", base)
    env["VIRTUAL_ENV"] = str(active.parent.parent)
    (work / "Pipfile").write_text("")
    assert resolve_interpreter(["poetry", "run", "t.py"], cwd=work, env=env) == active
    assert resolve_interpreter(["pipenv", "run", "t.py"], cwd=work, env=env) == active
    own = venv(work / ".venv", base)
    assert resolve_interpreter(["pipenv", "run", "t.py"], cwd=work, env=env) == own


@pytest.fixture
def conda(tmp_path: Path, base: Path) -> Path:
    """A conda installation with an environment `ml`. Returns its root."""
    root = tmp_path / "miniconda"
    venv(root, base)
    venv(root / "envs" / "ml", base)
    (root / "conda-meta").mkdir()
    program(root / "condabin" / "conda", f"#!{root}/bin/python\n")
    return root


@pytest.mark.parametrize("tool", ["conda", "mamba", "micromamba"])
def test_conda_run_uses_the_environment_of_that_name(
    tool: str, conda: Path, work: Path, env: dict[str, str]
) -> None:
    ml = conda / "envs" / "ml" / "bin" / "python"
    env["MAMBA_ROOT_PREFIX" if tool == "micromamba" else "CONDA_EXE"] = (
        str(conda) if tool == "micromamba" else f"{conda}/bin/conda"
    )
    for options in (["-n", "ml"], ["--name=ml", "--live-stream"], ["-p", f"{conda}/envs/ml"]):
        assert resolve_interpreter([tool, "run", *options, "python", "t.py"], cwd=work, env=env) == ml
    assert resolve_interpreter([tool, "run", "-n", "base", "t"], cwd=work, env=env) == conda / "bin/python"
    assert resolve_interpreter([tool, "run", "-n", "other", "t"], cwd=work, env=env) is None


def test_conda_is_found_by_its_program_and_by_the_list_of_environments(
    base: Path, conda: Path, work: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    words = [str(conda / "condabin" / "conda"), "run", "-n"]
    assert resolve_interpreter([*words, "ml", "t"], cwd=work, env=env) == conda / "envs/ml/bin/python"
    shared = venv(tmp_path / "scratch" / "shared", base)
    listed = Path(env["HOME"], ".conda", "environments.txt")
    listed.parent.mkdir()
    listed.write_text(f"{conda}\n{tmp_path}/gone/shared\n{tmp_path}/scratch/shared\n")
    assert resolve_interpreter(["conda", "run", "-n", "shared", "t"], cwd=work, env=env) == shared


def test_conda_run_without_a_name_uses_the_active_environment(
    conda: Path, work: Path, env: dict[str, str]
) -> None:
    env |= {"CONDA_EXE": f"{conda}/bin/conda", "CONDA_PREFIX": f"{conda}/envs/ml"}
    found = resolve_interpreter(["conda", "run", "t"], cwd=work, env=env)
    assert found == conda / "envs" / "ml" / "bin" / "python"


def test_the_fallback_is_the_first_python_on_path(base: Path, work: Path, env: dict[str, str]) -> None:
    assert fallback_launch(cwd=work, env=env) == Launch(base / "python3", work, env)
    (base / "python3").rename(base / "python")
    assert fallback_launch(cwd=work, env=env) == Launch(base / "python", work, env)
    assert fallback_launch(cwd=work, env={"PATH": str(work)}) is None


def test_quiet_output_is_stdout_or_none(work: Path) -> None:
    assert quiet_output(["sh", "-c", "pwd; echo no >&2"], cwd=work, timeout_s=10) == f"{work}\n"
    assert quiet_output(["sh", "-c", "echo $A"], env={"A": "b"}, timeout_s=10) == "b\n"
    assert quiet_output(["sh", "-c", "echo half; exit 3"], timeout_s=10) is None
    assert quiet_output([str(work / "nothing")], timeout_s=10) is None
    assert quiet_output(["sh", "-c", "\0"], timeout_s=10) is None


def test_quiet_output_ends_what_hangs_together_with_its_children(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # The shell and its child hold the pipe open for writing: it has an end when both and our own are gone.
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(pipe, os.O_WRONLY)
    assert quiet_output(["sh", "-c", f"exec 3>{pipe}; sleep 60 & sleep 60"], timeout_s=0.3) is None
    os.close(writer)
    assert select.select([reader], [], [], 5) == ([reader], [], [])
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_script_that_only_its_shell_may_read_is_not_opened(
    base: Path, work: Path, env: dict[str, str]
) -> None:
    """A FIFO (also bash's `<(…)`) is not even opened: its writer would take us for the shell."""
    os.mkfifo(work / "fifo")
    reader = os.open(work / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(work / "fifo", os.O_WRONLY)
    os.write(writer, b"python3 train.py\n")
    for script in ("fifo", f"/dev/fd/{reader}", f"/proc/self/fd/{reader}"):
        assert resolve_interpreter(["bash", script], cwd=work, env=env) is None
    assert os.read(reader, 99) == b"python3 train.py\n"
    os.close(reader)
    os.close(writer)
    assert resolve_interpreter(["bash", "fifo"], cwd=work, env=env) is None
    (work / "script").write_text("python3 train.py\n")
    script_file = os.open(work / "script", os.O_RDONLY)
    assert resolve_interpreter(["bash", f"/dev/fd/{script_file}"], cwd=work, env=env) is None
    assert resolve_interpreter(["bash", "script"], cwd=work, env=env) == base / "python3"
    os.close(script_file)
