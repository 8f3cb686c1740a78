"""Commands that exchange runs with files: `export`, `import`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UsageError

if TYPE_CHECKING:
    from gxt.ops.export_files import Exported
    from gxt.ops.export_table import Sheet
    from gxt.ops.foreign import Imported
    from gxt.ops.workspace import Workspace


def export_words(parser: Parser) -> None:
    """What `gxt export` takes."""
    parser.add("kind", metavar="KIND", help=f"What it becomes: {_listed(_EXPORTS)}.")
    parser.add(
        "words", metavar="DIR|ID", nargs="*", help="Where to, but for csv and xlsx; then runs; without, all."
    )
    parser.add("--where", metavar="CONDITION", help='Only those; e.g. "metrics.acc > 0.9".')
    parser.add("--experiment", metavar="NAME", help="Of mlflow; the repository's name by default.")
    parser.add("-o", "--output", metavar="FILE", help="Where csv and xlsx go; csv without it to stdout.")
    parser.add_json()


def export(words: Namespace) -> None:
    """Write runs as files that need no gxt, or as what other trackers read.

    gxt export files DIR makes a folder for each run, as one would keep it by hand, with a README and a
    picture of its metrics, and goes on where it was: what has not changed is left alone. gxt export csv and
    xlsx make a spreadsheet. gxt export tensorboard DIR and wandb DIR write what TensorBoard shows and what
    wandb sync uploads. gxt export mlflow URI sends runs to a tracking server, or into a folder or a database
    that MLflow's UI reads. What is there is brought up to date.
    """
    way = _chosen(_EXPORTS, words.kind)
    if words.experiment is not None and words.kind != "mlflow":
        raise UsageError(f"--experiment is MLflow's, not of {words.kind}", hint="gxt export mlflow URI")
    way(words)


def import__words(parser: Parser) -> None:
    """What `gxt import` takes."""
    parser.add("kind", metavar="KIND", help=f"What they are: {_listed(_IMPORTS)}.")
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
    _chosen(_IMPORTS, words.kind)(words)


def _export_files(words: Namespace) -> None:
    from gxt.ops.export_files import Drawing, export_files
    from gxt.render import curve, run_page

    folder, runs = _folder_and_runs(words, "files")
    drawing = Drawing(run_page.page, curve.picture, draws=curve.can_draw())
    _show_exported(words, export_files(_open(), folder, runs, words.where, drawing=drawing))


def _export_tensorboard(words: Namespace) -> None:
    from gxt.ops.export_tensorboard import export_tensorboard
    from gxt.render.run_page import page

    folder, runs = _folder_and_runs(words, "tensorboard")
    _show_exported(words, export_tensorboard(_open(), folder, runs, words.where, page=page))


def _export_wandb(words: Namespace) -> None:
    from gxt.ops.export_wandb import export_wandb

    folder, runs = _folder_and_runs(words, "wandb")
    _show_exported(words, export_wandb(_open(), folder, runs, words.where))


def _folder_and_runs(words: Namespace, kind: str) -> tuple[Path, list[str]]:
    """The folder that comes first, and the runs after it."""
    if words.output is not None or not words.words:
        what = "not into -o" if words.output is not None else "and none is named"
        raise UsageError(f"gxt export {kind} writes into a folder, {what}", hint=f"gxt export {kind} DIR")
    folder, *runs = words.words
    return Path(folder), runs


def _show_exported(words: Namespace, exported: Exported) -> None:
    from gxt.render import exchanging

    if words.json:
        output.show_json(exchanging.exported_json(exported), exported.notices)
        return
    output.say_notices(exported.notices)
    output.show(exchanging.exported_page(exported))


def _export_csv(words: Namespace) -> None:
    from gxt.render.spreadsheet import csv_text

    found = _sheet(words)
    text = csv_text(found)
    if words.output is not None:
        _write(words, found, text.encode(errors="backslashreplace"))
    elif words.json:
        raise UsageError("CSV on stdout leaves no room for --json", hint="name a file with -o")
    else:
        output.say_notices(found.notices)
        output.write(text)


def _export_xlsx(words: Namespace) -> None:
    from gxt.render.spreadsheet import xlsx_bytes

    if words.output is None:
        raise UsageError("a workbook goes into a file", hint="gxt export xlsx -o runs.xlsx")
    found = _sheet(words)
    _write(words, found, xlsx_bytes(found))


def _export_mlflow(words: Namespace) -> None:
    from gxt.ops.export_mlflow import export_mlflow
    from gxt.render import curve, exchanging

    if words.output is not None or not words.words:
        what = "runs go to an MLflow server or store, and none is named"
        raise UsageError(what, hint="gxt export mlflow http://HOST:PORT, or a folder")
    where, *runs = words.words
    picture = curve.picture if curve.can_draw() else None
    sent = export_mlflow(_open(), where, runs, words.where, experiment=words.experiment, picture=picture)
    if words.json:
        output.show_json(exchanging.sent_json(sent), sent.notices)
        return
    output.say_notices(sent.notices)
    output.show(exchanging.sent_page(sent))


def _sheet(words: Namespace) -> Sheet:
    from gxt.ops.export_table import sheet

    return sheet(_open(), words.words, words.where)


def _write(words: Namespace, sheet: Sheet, content: bytes) -> None:
    """The file, whole or not at all, and how many runs are in it."""
    from gxt.data.putting import put_file

    put_file(Path(words.output), content)
    if words.json:
        output.show_json({"file": words.output, "runs": len(sheet.rows)}, sheet.notices)
        return
    output.say_notices(sheet.notices)
    count = "1 run" if len(sheet.rows) == 1 else f"{len(sheet.rows)} runs"
    output.say(f"{count} in {words.output}")


def _import_files(words: Namespace) -> None:
    from gxt.ops.import_files import import_files

    folder = _one_place(words, "DIR")
    workspace = _open()
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
    workspace = _open()
    place = words.words[0] if words.words else None
    _say_imported(words, workspace, import_mlflow(workspace, place, words.experiment))


def _import_dvc(words: Namespace) -> None:
    from gxt.ops.import_dvc import import_dvc

    workspace = _open()
    _say_imported(words, workspace, import_dvc(workspace, words.words, all_commits=words.all_commits))


def _import_tensorboard(words: Namespace) -> None:
    from gxt.ops.import_tensorboard import import_tensorboard

    folder = _one_place(words, "LOGDIR")
    workspace = _open()
    _say_imported(words, workspace, import_tensorboard(workspace, folder))


def _import_wandb(words: Namespace) -> None:
    from gxt.ops.import_wandb import import_wandb

    place = _one_place(words, "DIR")
    workspace = _open()
    _say_imported(words, workspace, import_wandb(workspace, place))


def _one_place(words: Namespace, what: str) -> Path:
    if len(words.words) != 1:
        raise UsageError("one folder is imported at a time", hint=f"gxt import {words.kind} {what}")
    return Path(words.words[0])


_Way = Callable[[Namespace], None]
_EXPORTS: Final[Mapping[str, _Way]] = {
    "files": _export_files,
    "csv": _export_csv,
    "xlsx": _export_xlsx,
    "mlflow": _export_mlflow,
    "tensorboard": _export_tensorboard,
    "wandb": _export_wandb,
}
_IMPORTS: Final[Mapping[str, _Way]] = {
    "files": _import_files,
    "mlflow": _import_mlflow,
    "dvc": _import_dvc,
    "tensorboard": _import_tensorboard,
    "wandb": _import_wandb,
}


def _chosen(ways: Mapping[str, _Way], kind: str) -> _Way:
    if kind not in ways:
        raise UsageError(f"no such kind: {kind}", hint=f"there is {_listed(ways)}")
    return ways[kind]


def _listed(ways: Mapping[str, _Way] | Sequence[str]) -> str:
    return ", ".join(ways)


def _open() -> Workspace:
    from gxt.cli.progress import bar
    from gxt.ops.workspace import open_workspace

    return open_workspace()._replace(progress=bar())
