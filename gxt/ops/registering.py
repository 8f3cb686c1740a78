"""A run that was made without gxt, recorded as a whole: its parameters and its final metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gxt.capture.notebook import own_command
from gxt.errors import CannotRecord, UsageError
from gxt.model.json_types import JsonObject
from gxt.model.metrics import flatten_numbers
from gxt.ops.finish import finish
from gxt.ops.start import StartRequest, start
from gxt.ops.workspace import Workspace


def record(
    workspace: Workspace,
    *,
    name: str | None,
    params: JsonObject,
    metrics: Mapping[str, object],
    tags: Sequence[str],
) -> str:
    """Record a completed run with the code as it is now; its uid.

    Raises:
        UsageError: what is given as metrics holds no number.
        CannotRecord: the repository or the machine is not up to it.
    """
    numbers = flatten_numbers(metrics)
    if metrics and not numbers:
        raise UsageError("the metrics hold no number", hint='write for example metrics={"acc": 0.9}')
    request = StartRequest(command=own_command(), name=name, tags=tags, config=params)
    _, live = start(workspace, request)
    try:
        if numbers:
            live.journal.append("metrics", {"s": 0, "m": numbers})
    except OSError as error:
        live.release()
        raise CannotRecord(f"the run cannot be recorded: {error.strerror or error}") from error
    done = finish(workspace, live, status="completed", exit_code=0, duration_s=0.0)
    if done is None:
        raise CannotRecord("the run cannot be recorded", hint="gxt doctor tells more")
    return str(done.run["uid"])
