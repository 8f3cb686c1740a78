"""Commands that bring a run back: `checkout`, `branch`."""

from __future__ import annotations

from argparse import Namespace

from gxt.cli import output
from gxt.cli.parser import Parser
from gxt.errors import UsageError

_RUN = "exp-012, 12, a name, a uid or commit, @, @~2, best."


def checkout_words(parser: Parser) -> None:
    """What `gxt checkout` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("--only", metavar="PATH", nargs="+", help="Only these files or folders; the base stays.")
    parser.add("--worktree", metavar="DIR", help="Into a new linked work tree there; this one stays.")
    parser.add_json()


def checkout(words: Namespace) -> None:
    """Bring the files of a run into the work tree, as they were when it ran, and make it the base.

    HEAD, branch and index stay; git status shows how the files differ from HEAD. Changes that neither git
    nor a run has recorded are never overwritten.
    """
    from gxt.ops.checkout import checkout as operation
    from gxt.ops.checkout import checkout_beside
    from gxt.ops.workspace import open_workspace
    from gxt.render import returning

    if words.worktree and words.only:
        raise UsageError("--worktree takes all of a run", hint="leave out --only, or --worktree")
    workspace = open_workspace()
    if words.worktree:
        done = checkout_beside(workspace, words.id, words.worktree)
    else:
        done = operation(workspace, words.id, words.only or ())
    notices = (*workspace.notices, *done.notices)
    if words.json:
        output.show_json(returning.checked_out_json(done), notices)
        return
    output.say_notices(notices)
    output.show(returning.checked_out_page(done, beside=bool(words.worktree)))


def branch_words(parser: Parser) -> None:
    """What `gxt branch` takes."""
    parser.add("id", metavar="ID", help=_RUN)
    parser.add("name", metavar="NAME", help="Of the new branch.")
    parser.add_json()


def branch(words: Namespace) -> None:
    """Make a branch of a run, for a merge or a pull request: one commit with its code on top of its HEAD."""
    from gxt.ops.checkout import branch as operation
    from gxt.ops.workspace import open_workspace

    workspace = open_workspace()
    run = operation(workspace, words.id, words.name)
    if words.json:
        output.show_json({"run": run["id"], "branch": words.name, "commit": run["commit"]}, workspace.notices)
        return
    output.say_notices(workspace.notices)
    output.write(f"{words.name} is {run['id']}: git switch {words.name}\n")
