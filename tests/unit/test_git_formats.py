"""Git's own formats: trees, commits and trailers as they are read, paths as fast-import wants them."""

from __future__ import annotations

import pytest

from gxt.git.fast_import import Person, quote_path
from gxt.git.objects import GitObject, TreeEntry, commit_headers, parse_tree, trailers


@pytest.mark.parametrize("width", [20, 32], ids=["sha1", "sha256"])
def test_a_tree_is_modes_names_and_raw_ids(width: int) -> None:
    one, two = bytes(range(width)), b" \0" * (width // 2)
    data = b"100644 a file\0" + one + b"40000 caf\xc3\xa9\0" + two + b"160000 \xff\0" + one
    assert parse_tree(GitObject("0" * 2 * width, "tree", data)) == [
        TreeEntry("100644", "a file", one.hex()),
        TreeEntry("40000", "café", two.hex()),
        TreeEntry("160000", "\udcff", one.hex()),
    ]


def test_an_empty_tree_has_no_entries() -> None:
    assert parse_tree(GitObject("0" * 40, "tree", b"")) == []


def test_a_commit_is_headers_that_may_repeat_and_a_message() -> None:
    data = b"tree 1\nparent 2\nparent 3\nauthor A <a@b> 1 +0000\n\nsubject\n\nbody \xff\n"
    assert commit_headers(GitObject("4", "commit", data)) == (
        {"tree": ["1"], "parent": ["2", "3"], "author": ["A <a@b> 1 +0000"]},
        "subject\n\nbody �\n",
    )


def test_a_commit_without_a_message() -> None:
    assert commit_headers(GitObject("4", "commit", b"tree 1\n")) == ({"tree": ["1"]}, "")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", {}),
        ("subject\n\nRun-Uid: 01A\nStatus: completed\n", {"Run-Uid": "01A", "Status": "completed"}),
        ("subject\n\nKey: early\n\nRun-Uid: 01A\n\n\n", {"Run-Uid": "01A"}),
        ("subject\n\nnot a trailer: x\nNo-Colon\nA: b: c", {"A": "b: c"}),
        ("subject\n\nA: 1\nA: 2", {"A": "2"}),
        ("subject\n\nA:no space", {}),
    ],
)
def test_trailers_are_the_keys_of_the_last_paragraph(message: str, expected: dict[str, str]) -> None:
    assert trailers(message) == expected


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("", b'""'),
        ("a/b.py", b"a/b.py"),
        ("with space", b"with space"),
        (" leading", b'" leading"'),
        ('a"b', b'"a\\"b"'),
        ("a\\nb", b'"a\\\\nb"'),
        ("a\nb", b'"a\\nb"'),
        ("café", "café".encode()),
        ("a\udcff", b"a\xff"),
    ],
)
def test_a_path_is_quoted_where_fast_import_would_misread_it(path: str, quoted: bytes) -> None:
    assert quote_path(path) == quoted


def test_a_person_loses_what_gits_format_cannot_hold() -> None:
    assert Person(" A <\n>B\0 ", "<a@b>", 7, "+0100").line() == b"A B <a@b> 7 +0100"
