"""Parameters files are read as scripts read them, and edited without touching anything but the value."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from gxt.capture.params_files import MAX_BYTES, edit_params, load_params, parse_assignment
from gxt.errors import InvalidParams
from gxt.model.json_types import JsonObject

YAML = """\
---
# the head
lr:    0.1      # aligned
layers: [64,64,
         32]   # three
items:
- 1
-   2   # two

# about long
long: >
  abc
  def
small: 1e-3
none:
empty:   # nothing
single: 'q'
double: "a"
anchored: &a 0.5
alias: *a  # as above
tagged: !!str 5
named: &n !!int 5
base: &base
  width: 1
  rates: &r
    - 1
    - 2
derived:
  <<: *base
  flow: {a: , c, d: 1}
"weight-decay": 0
b.c: {"d.e": 1}
on: 1
nested:
  deep:
    - x
    - {k: v}
  nothing: {}
text: "two
  lines"
last:
  - 1
  # the end
"""

JSON = """\
{
\t"a": [
\t\t1,
\t\t2
\t],
\t"b": {"c":1.5, "d" : "x"},   "e": null,
\t"wrapped": [1,
\t\t2]
}
"""

TOML = """\
# the head
a = 'x'  # keep
"weight-decay" = 0
[t] # a table
b = [ 1, # one
 2 ] # two
c.d = 5 #five
[z]
q=1
[t.u]
w = { a=1, b = "x" }
"""


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def edited(path: Path, *assignments: str) -> str:
    """The content after the edits; the file itself stays as it was."""
    before = path.read_bytes()
    after = edit_params(path, [parse_assignment(text) for text in assignments])
    assert path.read_bytes() == before
    return after.decode()


def refusal(path: Path, *assignments: str) -> tuple[str, str]:
    """The message, without the folder of the file, and the hint."""
    with pytest.raises(InvalidParams) as caught:
        edited(path, *assignments)
    return caught.value.message.replace(f"{path.parent}/", ""), caught.value.hint


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "p.yaml",
            "a: 1e-3\nb: [1E5, .5, 1., -2e+3]\nc: 1_000\n",
            {"a": 0.001, "b": [1e5, 0.5, 1.0, -2e3], "c": 1000},
        ),
        (
            "p.yml",
            "a: yes\nb: .nan\nc: 2026-11-20\nd: 007\ne: '1e-3'\n",
            {"a": True, "b": "NaN", "c": "2026-11-20", "d": 7, "e": "1e-3"},
        ),
        ("p.YAML", "\ufeffa: 1\r\nb:\r\n- x\r\n", {"a": 1, "b": ["x"]}),
        (
            "p.yaml",
            "x: &x {a: 1}\ny: {<<: *x, b: 2}\nx2: *x\na: 1\na: 2\n",
            {"x": {"a": 1}, "y": {"a": 1, "b": 2}, "x2": {"a": 1}, "a": 2},
        ),
        ("p.json", '{"a": NaN, "b": 1.0, "c": {"d": null}, "a": 2}', {"a": 2, "b": 1.0, "c": {"d": None}}),
        (
            "p.toml",
            'a = 1e-3\nb.c = [1, "x"]\nd = 2026-11-20T01:02:03Z\n',
            {"a": 0.001, "b": {"c": [1, "x"]}, "d": "2026-11-20T01:02:03+00:00"},
        ),
        (
            "p.yaml",  # what the loader in C refuses and the one in Python reads
            "x: [a:]\ny: {b:}\nz: [a:, 1e-3]\nu: [b:c:]\n",
            {"x": [{"a": None}], "y": {"b": None}, "z": [{"a": None}, 0.001], "u": [{"b:c": None}]},
        ),
        ("p.yaml", "", {}),
        ("p.yaml", "# nothing\n", {}),
        ("p.json", " \n", {}),
        ("p.toml", "\ufeff", {}),
    ],
)
def test_each_format_is_read_with_its_types(
    tmp_path: Path, name: str, content: str, expected: JsonObject
) -> None:
    params = load_params(written(tmp_path, name, content))
    assert params == expected
    assert [type(value) for value in params.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.txt", "", "p.txt is not a parameters file"),
        (
            "p.yaml",
            "a: 1\nb: [\n",
            "not valid YAML: p.yaml, line 3, column 1: did not find expected node content",
        ),
        (
            "p.yaml",
            "a: 1\n---\nb: 1\n",
            "not valid YAML: p.yaml, line 2, column 1: but found another document",
        ),
        (
            "p.yaml",
            "a: 2026-13-45\n",
            "not valid YAML: p.yaml holds a value that does not fit its type: month must be in 1..12",
        ),
        (
            "p.yaml",
            "a: !!python/object:os.system x\n",
            (
                "not valid YAML: p.yaml, line 1, column 4: could not determine a constructor for the tag "
                "'tag:yaml.org,2002:python/object:os.system'"
            ),
        ),
        ("p.yaml", "- 1\n", "p.yaml is not a mapping at the top"),
        ("p.yaml", "a: " + "[" * 64 + "]" * 64, "p.yaml is too large or nested too deep to be parameters"),
        ("p.yaml", "a: " + "[" * 1_000_000, "p.yaml is too large or nested too deep to be parameters"),
        ("p.yaml", "a:\n" + "- 1\n" * 250_000, "p.yaml is too large or nested too deep to be parameters"),
        ("p.json", '{"a": 1,\n "b" 2}', "not valid JSON: p.json, line 2, column 6: Expecting ':' delimiter"),
        ("p.json", "[1]", "p.json is not a mapping at the top"),
        ("p.json", '{"a":' + "[" * 100_000, "p.json is nested too deep to be parameters"),
        ("p.toml", "a = 1\nb = \n", "not valid TOML: p.toml: Invalid value (at line 2, column 5)"),
        ("p.yaml", b"a: \xff\n", "p.yaml is not UTF-8: byte 3"),
        ("p.yaml", b"a" * (MAX_BYTES + 1), "p.yaml has more than 4 MiB"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_place(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    found, hint = refusal(written(tmp_path, name, content))
    assert found == message
    assert hint != ""


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, message in (
        ("none.yaml", "there is no {}"),
        ("folder.yaml", "{} is not a file"),
        ("pipe.yaml", "{} is not a file"),
    ):
        path = tmp_path / name
        with pytest.raises(InvalidParams) as caught:
            load_params(path)
        assert caught.value.message == message.format(path)
        assert caught.value.hint == "name a file with --params"


@pytest.mark.parametrize(
    "content",
    [
        "a: &a [x,x,x]\n" + "".join(f"{b}: &{b} [{f'*{a},' * 9}]\n" for a, b in pairwise("abcdefghij")),
        "a: &a {k: 1}\n" + "".join(f"{b}: &{b}\n  <<: [{f'*{a},' * 9}]\n" for a, b in pairwise("abcdefghij")),
        'a: &a "' + "x" * 1_000_000 + '"\nb: [' + "*a," * 90_000 + "]\n",
        "a: &a [*a]\n",
    ],
    ids=["aliases", "merges", "texts", "circle"],
)
def test_a_yaml_bomb_ends_quickly(tmp_path: Path, content: str) -> None:
    with pytest.raises(InvalidParams):
        load_params(written(tmp_path, "bomb.yaml", content))


@pytest.mark.parametrize(
    ("assignment", "old", "new"),
    [
        ("lr=1e-10", "lr:    0.1 ", "lr:    1.0e-10 "),
        ("lr=1e-3", "lr:    0.1 ", "lr:    0.001 "),
        ("lr=1e22", "lr:    0.1 ", "lr:    1.0e+22 "),
        ("lr=-.inf", "lr:    0.1 ", "lr:    -.inf "),
        ("lr=.nan", "lr:    0.1 ", "lr:    .nan "),
        ("lr=nan", "lr:    0.1 ", 'lr:    "nan" '),
        ("lr=0x10", "lr:    0.1 ", "lr:    16 "),
        ("lr=1_000", "lr:    0.1 ", "lr:    1000 "),
        ("lr=2026-11-21", "lr:    0.1 ", "lr:    2026-11-21 "),
        ("lr=[2026-11-21, !!binary aGk=]", "lr:    0.1 ", "lr:    [2026-11-21, hi] "),
        ("lr=#fff", "lr:    0.1 ", 'lr:    "#fff" '),
        ("lr=*.png", "lr:    0.1 ", 'lr:    "*.png" '),
        ("lr=<<", "lr:    0.1 ", 'lr:    "<<" '),
        ("lr=!", "lr:    0.1 ", 'lr:    "!" '),
        ("lr=&", "lr:    0.1 ", 'lr:    "&" '),
        ("lr=*", "lr:    0.1 ", 'lr:    "*" '),
        ("lr={1: [a:]}", "lr:    0.1 ", "lr:    {1: [{a: null}]} "),
        ('lr="0.1"', "lr:    0.1 ", 'lr:    "0.1" '),
        ("lr=010", "lr:    0.1 ", "lr:    8 "),
        ("lr=yes", "lr:    0.1 ", "lr:    true "),
        ("lr=data/train-2.csv", "lr:    0.1 ", "lr:    data/train-2.csv "),
        ("lr=a: b # c", "lr:    0.1 ", 'lr:    "a: b # c" '),
        ('lr=""', "lr:    0.1 ", 'lr:    "" '),
        ("lr={a: [1, x y]}", "lr:    0.1 ", 'lr:    {a: [1, "x y"]} '),
        ("lr=a\tü\x07\U0001f600\n", "lr:    0.1 ", 'lr:    "a\\tü\\x07\U0001f600" '),
        ("layers=[1, 2]", "[64,64,\n         32]   #", "[1, 2]   #"),
        ("layers=null", "[64,64,\n         32]   #", "null   #"),
        ("items=[3, a b, [4]]", "- 1\n-   2   # two\n", '- 3\n- "a b"\n- [4]\n'),
        ("items=5", "- 1\n-   2   # two\n", "  5\n"),
        ("items=[]", "- 1\n-   2   # two\n", "  []\n"),
        ("long=short", ">\n  abc\n  def\n", "short\n"),
        ("small=2", "small: 1e-3", "small: 2"),
        ("none=5", "none:\n", "none: 5\n"),
        ("empty=5", "empty:   #", "empty: 5   #"),
        ("single=it's", "'q'", "'it''s'"),
        ("single=5", "'q'", "5"),
        ("single='5'", "'q'", "'5'"),
        ('double=say "x" \\', '"a"', '"say \\"x\\" \\\\"'),
        ("anchored=1", "&a 0.5", "&a 1"),
        ("alias=3", "*a  #", "3  #"),
        ("tagged=x", "!!str 5", "x"),
        ("named=x", "&n !!int 5", "&n x"),
        ("base.rates=[7]", "    - 1\n    - 2\n", "    - 7\n"),
        ("base.rates=7", "    - 1\n    - 2\n", "    7\n"),
        ("derived.flow.a=1", "{a: , c", "{a: 1, c"),
        ("derived.flow.c=1", "c, d", "c: 1, d"),
        ("derived.flow.d=x y", "d: 1}", 'd: "x y"}'),
        ("weight-decay=0.5", '"weight-decay": 0', '"weight-decay": 0.5'),
        ('["b.c"]["d.e"]=2', '{"d.e": 1}', '{"d.e": 2}'),
        ("true=2", "on: 1", "on: 2"),
        ("nested.deep=1", "- x\n    - {k: v}\n", "1\n"),
        ("nested.nothing={k: 1}", "nothing: {}", "nothing: {k: 1}"),
        ("text=one", '"two\n  lines"', '"one"'),
        ("last=[2, 3]", "last:\n  - 1\n", "last:\n  - 2\n  - 3\n"),
    ],
)
def test_an_edit_of_yaml_changes_the_value_and_no_other_byte(
    tmp_path: Path, assignment: str, old: str, new: str
) -> None:
    path = written(tmp_path, "params.yaml", YAML)
    assert YAML.count(old) == 1
    after = edited(path, assignment)
    assert after == YAML.replace(old, new)
    assert yaml.safe_load(after) is not None


def test_byte_order_marks_and_line_ends_stay(tmp_path: Path) -> None:
    path = written(tmp_path, "params.yaml", "\ufeffa: 1 # ü\r\nb:\r\n  - 1\r\nc: xy\r\n")
    assert edited(path, "a=2", "b=[3,4]", "c=yz") == "\ufeffa: 2 # ü\r\nb:\r\n  - 3\r\n  - 4\r\nc: yz\r\n"


def test_every_yaml_reader_reads_a_number_that_was_set(tmp_path: Path) -> None:
    path = written(tmp_path, "params.yaml", "a: 0\n")
    for text in ("1e-3", "1e-10", "5e-324", "1.5e300", "1e16", "123456789012345678", "-0.0", ".5"):
        plain = yaml.safe_load(edited(path, f"a={text}"))
        assert plain == {"a": float(text) if not text.isdigit() else int(text)}
        assert type(plain["a"]) is (int if text.isdigit() else float)


@pytest.mark.parametrize(
    ("assignments", "old", "new"),
    [
        (["a=[3, 4, x]"], "[\n\t\t1,\n\t\t2\n\t]", '[\n\t\t3,\n\t\t4,\n\t\t"x"\n\t]'),
        (["a=[]"], "[\n\t\t1,\n\t\t2\n\t]", "[]"),
        (["b.c=1e-10"], '"c":1.5', '"c":1e-10'),
        (["b.d=ü"], '"d" : "x"', '"d" : "ü"'),
        (["e={k: [1]}"], '"e": null', '"e": {"k": [1]}'),
        (["wrapped=[3, 4]"], "[1,\n\t\t2]", "[3, 4]"),
        (["b.c=1", "b.c=true"], '"c":1.5', '"c":true'),
    ],
)
def test_an_edit_of_json_keeps_the_layout(tmp_path: Path, assignments: list[str], old: str, new: str) -> None:
    assert JSON.count(old) == 1
    assert edited(written(tmp_path, "params.json", JSON), *assignments) == JSON.replace(old, new)


def test_json_in_ascii_escapes_stays_so(tmp_path: Path) -> None:
    path = written(tmp_path, "params.json", '{"a": "\\u00fc", "b": 1, "b": 2}')
    assert edited(path, "a=ö", "b=3") == '{"a": "\\u00f6", "b": 1, "b": 3}'


@pytest.mark.parametrize(
    ("assignment", "old", "new"),
    [
        ("a=y", "'x'", "'y'"),
        ("a=it's", "'x'", '"it\'s"'),
        ("a=1e-10", "'x'", "1e-10"),
        ("a=true", "'x'", "true"),
        ("a=.nan", "'x'", "nan"),
        ("a=2026-11-21", "'x'", "2026-11-21"),
        ("weight-decay=0.5", '"weight-decay" = 0', '"weight-decay" = 0.5'),
        ("t.b=[3, 4]", "[ 1, # one\n 2 ]", "[\n    3,\n    4,\n]"),
        ("t.c.d=6", "c.d = 5 #five", "c.d = 6 #five"),
        ("z.q={a: 1}", "q=1", "q={a = 1}"),
        ("t.u.w.b=z", 'b = "x"', 'b = "z"'),
    ],
)
def test_an_edit_of_toml_keeps_comments_and_order(
    tmp_path: Path, assignment: str, old: str, new: str
) -> None:
    assert TOML.count(old) == 1
    assert edited(written(tmp_path, "params.toml", TOML), assignment) == TOML.replace(old, new)


def test_no_assignments_give_the_file_as_it_is(tmp_path: Path) -> None:
    for name, content in (("p.yaml", YAML), ("p.json", JSON), ("p.toml", TOML)):
        assert edited(written(tmp_path, name, content)) == content


@pytest.mark.parametrize(
    ("name", "assignment", "message", "hint"),
    [
        ("p.yaml", "laers=1", "there is no parameter laers in p.yaml", "did you mean layers?"),
        ("p.yaml", "rates=1", "there is no parameter rates in p.yaml", "did you mean base.rates?"),
        (
            "p.yaml",
            "zzz.x=1",
            "there is no parameter zzz.x in p.yaml",
            "it has lr, layers, items, long, small, none, empty, single …",
        ),
        ("p.yaml", "nested=1", "nested is a group of parameters", "set one of nested.deep, nested.nothing"),
        (
            "p.yaml",
            "derived.width=1",
            "derived.width is not written where it stands: a merge (<<) brings it in",
            "set it where it is written, or write the key out in the file",
        ),
        (
            "p.yaml",
            "a..b=1",
            "'a..b' is no parameter: a key is missing after the dot",
            'write for example model.dim or model["a.b"]',
        ),
        ("p.json", "a=.nan", "JSON cannot hold nan", "in quotes it is text"),
        ("p.toml", "a=null", "a cannot be set: TOML has no null", "edit the file"),
        ("empty.yaml", "a=1", "there is no parameter a in empty.yaml", "it has none"),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_next_step(
    tmp_path: Path, name: str, assignment: str, message: str, hint: str
) -> None:
    content = {"p.yaml": YAML, "p.json": JSON, "p.toml": TOML, "empty.yaml": ""}[name]
    assert refusal(written(tmp_path, name, content), assignment) == (message, hint)


def test_an_edit_that_would_change_something_else_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "params.yaml", "? a\n# between\n: 1\nb: 2\n")
    assert edited(path, "b=3") == "? a\n# between\n: 1\nb: 3\n"
    path = written(tmp_path, "params.yaml", "a: &x 1\nb: # why\n  *x\n")
    assert refusal(path, "b=3") == ("b cannot be set in params.yaml as it is written", "edit the file")


def test_an_assignment_is_a_key_an_equals_sign_and_a_value() -> None:
    assert [parse_assignment(text) for text in ("a.b=1", " a =x=y ")] == [
        ("a.b", "1"),
        ("a", "x=y "),
    ]
    for text, message in (("a.b", "--set 'a.b' has no ="), ("=1", "--set '=1' has no key")):
        with pytest.raises(InvalidParams) as caught:
            parse_assignment(text)
        assert caught.value.message == message
        assert caught.value.hint == "write KEY=VALUE, for example --set lr=0.1"
