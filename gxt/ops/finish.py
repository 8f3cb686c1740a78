"""The end of a run: the last events, the seal, the new base."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gxt.errors import GxtError
from gxt.model.ids import run_id
from gxt.model.json_types import JsonObject
from gxt.named_tuple import NamedTuple
from gxt.ops.base import Base, write_base
from gxt.ops.outputs import read_end
from gxt.ops.workspace import Workspace
from gxt.store import journal
from gxt.store.console import collect
from gxt.store.documents import documents
from gxt.store.locks import store_lock
from gxt.store.seal import seal


class Finished(NamedTuple):
    """A run that has ended.

    Attributes:
        run: the run as JSON; from its journal when it could not be put into git.
        notices: what the user should know.
    """

    run: JsonObject
    notices: tuple[str, ...] = ()


def finish(
    workspace: Workspace,
    live: journal.LiveRun,
    *,
    status: str,
    exit_code: int | None,
    duration_s: float,
    keep: Callable[[], Sequence[str]] = tuple,
) -> Finished | None:
    """Say how a live run ended, put it into git, and make it the base if it completed.

    A failure to seal loses nothing: the journal stays, and the next gxt command tries again. None when not
    even the journal could be read.

    Args:
        workspace: where.
        live: the run.
        status: completed, failed or interrupted.
        exit_code: None when nobody saw it.
        duration_s: how long it ran.
        keep: stores its outputs, when it is written down how it ended, for that may take long; what to say.
    """
    repository = workspace.repository
    end: JsonObject = {"status": status, "exit_code": exit_code, "duration_s": round(duration_s, 6)}
    notices, unwritten = _say_end(live, end)
    try:
        notices += keep()
        folded = read_end(
            repository, workspace.settings, live.path, unfinished=status, also=unwritten, writer=live.journal
        )
        files = documents(folded, collect(live.path), series_bytes=workspace.settings.series_bytes)
        with store_lock(repository):
            sealed = seal(repository, folded, files, number=live.number)
            journal.remove(live.path)
    except (GxtError, OSError) as error:
        notice = f"not in git yet: {error}. Nothing is lost: the next gxt command tries again"
        if unwritten:  # whoever recovers it does not know how it ended
            notice = (
                f"not in git yet: {error}. The next gxt command tries again, and takes it for interrupted"
            )
        return _unsealed(live, "interrupted" if unwritten else status, notice)
    finally:
        live.release()
    notices += folded.about_outputs
    if sealed.number != live.number:
        notices.append(f"it is {sealed.run['id']}: its reserved number was taken meanwhile")
    if status == "completed":
        code = folded.config.get("code")
        head = code.get("head") if isinstance(code, dict) else None
        try:
            write_base(repository, Base(sealed.uid, str(head) if head else None))
        except OSError as error:
            notices.append(f"the base is still the run before: {error}")
    return Finished(sealed.run, tuple(notices))


def _say_end(live: journal.LiveRun, end: JsonObject) -> tuple[list[str], list[bytes]]:
    """Write the end into the journal.

    When that took nothing (its disk is full): a notice, and the lines that are to be sealed all the same.
    """
    try:
        live.journal.append("finished", end)
    except OSError as error:
        at_us, text = journal.now_us(), f"the journal took no more lines: {error}"
        lines = ({"e": "notice", "t": at_us, "text": text}, {"e": "finished", "t": at_us, **end})
        return [text], [journal.encode(line).encode() for line in lines]
    return [], []


def _unsealed(live: journal.LiveRun, status: str, notice: str) -> Finished | None:
    try:
        folded = journal.read(live.path, unfinished=status)
    except (GxtError, OSError):
        return None
    run = folded.run()
    return Finished({**run, "id": run_id(live.number)}, (notice,))
