"""A run that is killed: everything it had logged is in git after the next command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import data, git, gxt
from tests.crash.conftest import Paced, await_death, check_sound, kill, notices, paced

STEPS = 12


def check_interrupted(repo: Path, *, first_command: list[str], console: list[str]) -> None:
    """The next command tells, and the run holds exactly what the training was told is logged."""
    assert notices(repo, *first_command) == ["exp-001 was interrupted: everything it had logged is kept"]
    assert notices(repo, "list") == []
    shown = data(repo, "show", "1", "--series")
    run = data(repo, "show", "1")
    assert run["status"] == "interrupted"
    assert run["params"] == {"lr": 0.5, "seed": 7, "model": {"type": "mlp", "width": 64}}
    assert run["tags"] == ["paced"]
    assert run["metrics"] == {"loss": 1 / STEPS, "val/acc": (STEPS - 1) / 8}
    assert shown["series"]["loss"]["step"] == list(range(STEPS))
    assert shown["series"]["loss"]["value"] == [1 / (step + 1) for step in range(STEPS)]
    assert shown["series"]["val/acc"]["value"] == [step / 8 for step in range(STEPS)]
    assert [line["text"] for line in data(repo, "output", "1")["lines"]] == console
    assert git(repo, "show", f"{run['commit']}:train.py") == (repo / "train.py").read_text().rstrip()
    check_sound(repo)


def whoever_dies(training: Paced, who: str) -> tuple[int, ...]:
    wrapper = training.process.pid
    return {"wrapper": (wrapper,), "training": (training.pid,), "both": (wrapper, training.pid)}[who]


@pytest.mark.parametrize(
    ("who", "first_command"), [("wrapper", ["list"]), ("training", ["show"]), ("both", ["tree"])]
)
def test_a_killed_run_is_interrupted_and_keeps_what_it_logged(
    repo: Path, who: str, first_command: list[str]
) -> None:
    (repo / "train.py").write_text("print('an edit that is in no commit')\n")
    with paced(repo, wrapped=True) as training:
        training.steps(STEPS)
        kill(*whoever_dies(training, who))
        words = training.last_words()
        await_death(training.pid)
        training.process.wait()
    assert words == ("SIGTERM\n" if who == "wrapper" else "")
    if who == "training":  # the wrapper lives, and has sealed it
        assert notices(repo, "list") == []
        assert data(repo, "show")["exit_code"] == -9
        assert data(repo, "show")["status"] == "interrupted"
        assert data(repo, "show", "--series")["series"]["loss"]["step"] == list(range(STEPS))
        assert [line["text"] for line in data(repo, "output")["lines"]] == ["began"]
        check_sound(repo)
    else:
        check_interrupted(repo, first_command=first_command, console=["began"])


def test_a_killed_script_without_wrapper_keeps_what_it_logged(repo: Path) -> None:
    with paced(repo, wrapped=False) as training:
        training.steps(STEPS)
        kill(training.pid)
        assert training.last_words() == ""
        training.process.wait()
    check_interrupted(repo, first_command=["list"], console=[])


def test_a_run_goes_on_while_its_training_lives(repo: Path) -> None:
    """The wrapper's death alone does not end a training that still logs, and nobody seals beneath it."""
    with paced(repo, wrapped=False) as training:
        training.steps(1)
        assert [(run["id"], run["status"]) for run in data(repo, "list")] == [("exp-001", "running")]
        gxt(repo, "run", "-q", "--", "true")
        assert [(run["id"], run["status"]) for run in data(repo, "list")] == [
            ("exp-001", "running"),
            ("exp-002", "completed"),
        ]
        training.steps(STEPS - 1)
        training.end()
        assert training.last_words() == ""
        assert training.process.wait() == 0
    assert [(run["id"], run["status"]) for run in data(repo, "list")] == [
        ("exp-002", "completed"),
        ("exp-001", "completed"),
    ]
    assert data(repo, "show", "1", "--series")["series"]["loss"]["step"] == list(range(STEPS))
    check_sound(repo)
