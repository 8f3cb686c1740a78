"""The story that `gxt demo` tells: what a researcher does in an afternoon, as data.

Nothing happens here: `gxt.demo.tour` performs the steps, the command line shows them. They are written for a
fresh repository with the files of `project/`, where the first run is exp-001.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Edit(NamedTuple):
    """An exchange of whole lines; `old` occurs once in the file."""

    path: str
    old: str
    new: str


class Step(NamedTuple):
    """One command of the story.

    Attributes:
        title: what happens and why, in a sentence; empty where the step before has said it.
        command: the words, as a user types them.
        edit: a change of a file before the command.
        exit_code: how the command ends.
    """

    title: str
    command: tuple[str, ...]
    edit: Edit | None = None
    exit_code: int = 0


_TRAIN: Final = ("--", "python", "train.py")

_HIDDEN_LAYER: Final = """\
        nn.Flatten(),
        nn.Linear(8 * 8, width),
        nn.ReLU(),
        nn.Linear(width, 10),
"""
_CONVOLUTION: Final = """\
        nn.Conv2d(1, width, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(width * 4 * 4, 10),
"""
_CONV: Final = "        nn.Conv2d(1, width, kernel_size=3, padding=1),\n"
_LINEAR: Final = "        nn.Linear(8 * 8, width),\n"
_NORM_1D: Final = "        nn.BatchNorm1d(width),\n"
_NORM_2D: Final = "        nn.BatchNorm2d(width),\n"

STORY: Final = (
    Step(
        "A repository with a small torch training script and its parameters.",
        ("git", "init", "--quiet"),
    ),
    Step("", ("git", "add", ".")),
    Step("", ("git", "commit", "--quiet", "-m", "A small classifier of digits")),
    Step(
        "The baseline: `gxt run --` before the command you type anyway, nothing else.",
        ("gxt", "run", "-m", "one hidden layer", *_TRAIN),
    ),
    Step(
        "A parameter: --set edits params.yaml. The run before becomes the parent.",
        (
            *("gxt", "run", "-m", "twice the rate", "--hypothesis", "the loss is still falling at the end"),
            *("--set", "train.lr=0.1", *_TRAIN),
        ),
    ),
    Step(
        "More of a good thing is worse, which is worth a record too.",
        ("gxt", "run", "-m", "a far larger rate", "--parent", "exp-002", "--set", "train.lr=3", *_TRAIN),
    ),
    Step(
        "Back to the better run, and other code: it need not be committed to be kept.",
        (
            *("gxt", "run", "-m", "a convolution", "--hypothesis", "a stroke is a stroke wherever it is"),
            *("--parent", "exp-002", "--set", "train.lr=0.1", *_TRAIN),
        ),
        Edit("train.py", _HIDDEN_LAYER, _CONVOLUTION),
    ),
    Step(
        "A bug. Failed runs are kept too, and nothing derives from them unasked.",
        ("gxt", "run", "-m", "plus batch norm", *_TRAIN),
        Edit("train.py", _CONV, _CONV + _NORM_1D),
        exit_code=1,
    ),
    Step(
        "The bug fixed: pictures have two dimensions.",
        ("gxt", "run", "-m", "plus batch norm, 2D", *_TRAIN),
        Edit("train.py", _NORM_1D, _NORM_2D),
    ),
    Step(
        "An ablation: was it the convolution, or is batch norm enough?",
        ("git", "restore", "train.py"),
    ),
    Step(
        "",
        ("gxt", "run", "-m", "only batch norm", "--parent", "exp-002", *_TRAIN),
        Edit("train.py", _LINEAR, _LINEAR + _NORM_1D),
    ),
    Step("Every run, newest first.", ("gxt", "list")),
    Step("How the ideas grew, each with its change from its parent.", ("gxt", "tree")),
    Step("What made the best run better than the baseline?", ("gxt", "diff", "exp-001", "best")),
    Step(
        "The code of the best run, exactly as it ran, though it was never committed.",
        ("gxt", "diff", "exp-002", "best", "--code"),
    ),
)

# what to try when the story is over: a command, and what it shows
NEXT: Final = (
    ("gxt show best", "everything about the best run"),
    ("gxt compare exp-002 exp-004 exp-006", "runs side by side"),
    ("gxt output exp-005", "what the failed run printed"),
)
