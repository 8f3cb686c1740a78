"""`gxt import`: runs from files and from other trackers."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.cli import output
from gxt.cli.kinds import Ways, go, listed
from gxt.cli.parser import Parser
from gxt.cli.progress import open_workspace
from gxt.errors import UsageError

if TYPE_CHECKING:
    from gxt.ops.imported import Imported
    from gxt.ops.workspace import Workspace


def import__words(parser: Parser) -> None:
    """What `gxt import` takes."""
    parser.add("kind", metavar="KIND", help=f"What they are: {listed(_IMPORTS)}.")
    parser.add("words", metavar="PLACE", nargs="*", help="A folder, a file, a URL; revisions for dvc.")
    parser.add("--experiment", metavar="NAME", help="Only those of this experiment of MLflow's.")
    parser.add(
        "--all-commits", action="store_true", help="Also commits of branches that have results of DVC's."
    )
    parser.add_json()


def import_(words: Namespace) -> None:
    """Bring runs from files and other trackers into the history; twice brings nothing new.

    gxt import files DIR reads what gxt export files has written, and folders kept by hand: config.yaml,
    metrics.jsonl, eval.json, or some of them. gxt import mlflow reads a tracking server, an mlflow.db or a
    folder mlruns: the named one, else what MLFLOW_TRACKING_URI says, else the one here. gxt import dvc makes
    runs of DVC's experiments in this repository: all, or those named; or of commits that are named. gxt
    import tensorboard and wandb read log directories, and folders wandb.
    """
    if words.experiment is not None and words.kind != "mlflow":
        raise UsageError(f"{words.kind} has no experiments", hint="--experiment is for gxt import mlflow")
    if words.all_commits and words.kind != "dvc":
        raise UsageError(f"{words.kind} has no commits", hint="--all-commits is for gxt import dvc")
    go(_IMPORTS, words)


def _import_files(words: Namespace) -> None:
    from gxt.ops.import_files import import_files

    folder = _one_place(words, "DIR")
    workspace = open_workspace()
    _say_imported(words, workspace, import_files(workspace, folder))


def _say_imported(words: Namespace, workspace: Workspace, imported: Imported) -> None:
    from gxt.render import exchanging

    notices = (*workspace.notices, *imported.notices)
    if words.json:
        output.show_json(exchanging.imported_json(imported), notices)
        return
    output.say_notices(notices)
    output.show(exchanging.imported_page(imported))


def _import_mlflow(words: Namespace) -> None:
    from gxt.ops.import_mlflow import import_mlflow

    if len(words.words) > 1:
        raise UsageError("one store is imported at a time", hint="gxt import mlflow [URL|FILE|DIR]")
    workspace = open_workspace()
    place = words.words[0] if words.words else None
    _say_imported(words, workspace, import_mlflow(workspace, place, words.experiment))


def _import_dvc(words: Namespace) -> None:
    from gxt.ops.import_dvc import import_dvc

    workspace = open_workspace()
    _say_imported(words, workspace, import_dvc(workspace, words.words, all_commits=words.all_commits))


def _import_tensorboard(words: Namespace) -> None:
    from gxt.ops.import_tensorboard import import_tensorboard

    folder = _one_place(words, "LOGDIR")
    workspace = open_workspace()
    _say_imported(words, workspace, import_tensorboard(workspace, folder))


def _import_wandb(words: Namespace) -> None:
    from gxt.ops.import_wandb import import_wandb

    place = _one_place(words, "DIR")
    workspace = open_workspace()
    _say_imported(words, workspace, import_wandb(workspace, place))


def _one_place(words: Namespace, what: str) -> Path:
    if len(words.words) != 1:
        raise UsageError("one folder is imported at a time", hint=f"gxt import {words.kind} {what}")
    return Path(words.words[0])


_IMPORTS: Final[Ways] = {
    "files": _import_files,
    "mlflow": _import_mlflow,
    "dvc": _import_dvc,
    "tensorboard": _import_tensorboard,
    "wandb": _import_wandb,
}
