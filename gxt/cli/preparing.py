"""The command that prepares a repository: `init`."""

from __future__ import annotations

from argparse import Namespace

from gxt.cli import output
from gxt.cli.parser import Parser


def init_words(parser: Parser) -> None:
    """What `gxt init` takes."""
    parser.add("--metric", metavar="NAME", help="The main metric, written to .gxt.toml for the team.")
    parser.add("--goal", metavar="min|max", help="Whether less or more of it is better.")
    parser.add("--dry-run", action="store_true", help="Tell what would be done, and change nothing.")
    parser.add_json()


def init(words: Namespace) -> None:
    """Prepare a repository: its main metric, and settings for plain git beside the refs of gxt.

    Every other command works without it. Written are .gxt.toml and the config of this clone, never the index,
    another file, or git's settings for all repositories; what somebody has set stays as it is.
    """
    from gxt.ops.init import init as operation
    from gxt.ops.workspace import working_directory
    from gxt.render import preparing

    prepared = operation(working_directory(), words.metric, words.goal, dry_run=words.dry_run)
    if words.json:
        output.show_json(preparing.as_json(prepared), prepared.notices)
        return
    output.show(preparing.page(prepared, dry_run=words.dry_run))
    output.flush()  # what to do next is the last word
    output.say_notices(prepared.notices)
