"""`--where`, `--sort` and `--columns`: what they find, and what they say about a text that is wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gxt.errors import QueryError
from gxt.model.fields import Field, parse_field, parse_sort, sort_runs, value_of
from gxt.model.json_types import Json
from gxt.model.query import parse_where, point_at

RUN: dict[str, Json] = {
    "id": "exp-007",
    "uid": "k3v9",
    "commit": "0123abcd",
    "name": "cnn wide",
    "message": "twice the width",
    "status": "completed",
    "exit_code": 0,
    "parent": None,
    "parent_uid": None,
    "group": None,
    "tags": ["baseline", "paper"],
    "created": "2026-03-01T10:00:00Z",
    "duration_s": 12.5,
    "author": "Ada Lovelace <ada@example.org>",
    "host": "box",
    "code": {"branch": "main", "dirty": False},
    "environment": {"python": "3.12.1", "gpus": []},
    "params": {
        "lr": 0.1,
        "epochs": 10,
        "opt": "adam",
        "amp": True,
        "seed": None,
        "betas": [0.9, 0.999],
        "model": {"type": "cnn", "head.size": 4},
        "data.path": "train.csv",
        "weight-decay": 0.01,
    },
    "metrics": {
        "val_acc": 0.93,
        "val/acc": 0.8,
        "test.acc": 0.7,
        "loss": "NaN",
        "worst": "Infinity",
        "best": "-Infinity",
    },
}


def failure(text: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        parse_where(text)
    assert caught.value.text == text
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "metrics.val_acc > 0.9 and params.model.type == 'cnn'",
        "0.05 < params.lr <= .1",
        "1e-2 <= params.lr < 1_000",
        "params.lr > -1",
        "-1 < params.lr",
        "params.epochs == 10.0",
        "params.amp == true",
        "params.amp == True and not params.amp == false",
        "params.amp != 1",
        "params.seed == None and params.seed == null",
        "parent == None",
        "params.opt in ['adam', 'sgd']",
        'params.opt in ("adam", "sgd",)',
        "params.opt in['adam']",
        "params.opt not in [1, true, null]",
        "params.opt not in []",
        "params.opt not in ()",
        "params.betas == [0.9, 0.999]",
        "params.betas in [[0.9, 0.999], []]",
        "'type' in params.model",
        "'paper' in tags and 'draft' not in tags",
        "'cnn' in name",
        "name == 'cnn wide' or name == 'mlp'",
        "created > '2026-01-01' and created < '2027'",
        "'ada@' in author",
        "status != 'failed'",
        "duration_s >= 12.5 and exit_code == 0",
        "code.branch == 'main' and code.dirty == false",
        "environment.python >= '3.12'",
        'metrics["val/acc"] == 0.8',
        "metrics['val/acc'] == 0.8",
        "metrics.val.acc == 0.8",
        "metrics.test.acc == 0.7",
        'params["weight-decay"] == 0.01',
        'params.model["type"] == "cnn"',
        'params["model"]["type"] == "cnn"',
        "params.data.path == 'train.csv'",
        "params.model.head.size == 4",
        "metrics.worst > 1e300",
        "metrics.best < -1e300",
        "metrics.loss != metrics.loss",
        "metrics.loss != 0",
        "metrics.val_acc > metrics.test.acc",
        "not (params.lr > 1 or params.epochs > 100)",
        "not not params.lr == 0.1",
        "params.lr > 1 and params.lr > 2 or params.lr == 0.1",
        "(params.lr) == (0.1)",
        r"name != 'it\'s' and name != 'a\\b' and name != '\d'",
        "params.lr ==\n0.1",
        "1 < 2",
    ],
)
def test_a_condition_holds(text: str) -> None:
    assert parse_where(text)(RUN) is True


@pytest.mark.parametrize(
    "text",
    [
        "metrics.val_acc > 0.95",
        "0.1 < params.lr < 1",
        "params.amp == 1",
        "params.amp > 0",
        "params.epochs == true",
        "params.opt == 1",
        "params.opt < 1",
        "params.lr < 'z'",
        "params.seed < 1",
        "params.seed != null",
        "params.betas < [1]",
        "params.betas == [0.9, true]",
        "1 in params.betas",
        "'a' in params.lr",
        "1 in name",
        "metrics.loss < 1",
        "metrics.loss >= 1",
        "metrics.loss == metrics.loss",
        "metrics.val_acc.deep == 1",
        "params.lr == 0.1 and params.epochs == 11",
    ],
)
def test_a_condition_does_not_hold(text: str) -> None:
    assert parse_where(text)(RUN) is False


@pytest.mark.parametrize("comparison", ["== 1", "!= 1", "< 1", "<= 1", "> 1", ">= 1", "in [1]", "not in [1]"])
@pytest.mark.parametrize("name", ["params.none", "params.lr.none", "metrics.none", "hypothesis", "code.none"])
def test_a_missing_value_compares_false(name: str, comparison: str) -> None:
    assert parse_where(f"{name} {comparison}")(RUN) is False


def test_a_missing_value_on_the_right_compares_false() -> None:
    assert [parse_where(text)(RUN) for text in ("1 != params.none", "'x' not in params.none")] == [
        False,
        False,
    ]


def test_a_run_without_the_containers_compares_false() -> None:
    run: dict[str, Json] = {"params": None, "metrics": []}
    texts = ("params.lr != 1", "metrics.loss != 1", "code.branch != 1", "name != 1")
    assert [parse_where(text)(run) for text in texts] == [False, False, False, False]


@pytest.mark.parametrize(
    ("text", "position", "message", "hint"),
    [
        ("", 0, "the condition is empty", "write for example metrics.val_acc > 0.9"),
        (" \n", 0, "the condition is empty", "write for example metrics.val_acc > 0.9"),
        ("val_acc > 0.9", 0, "unknown name val_acc", "write metrics.val_acc or params.val_acc"),
        ("model.type == 'x'", 0, "unknown name model.type", "write metrics.model.type or params.model.type"),
        ("1 < 2 and metric.acc > 1", 10, "unknown name metric.acc", "write metrics.acc"),
        ("statsu == 'x'", 0, "unknown name statsu", "write status"),
        (
            "status == completed",
            10,
            "unknown name completed",
            "write 'completed' for text, metrics.completed or params.completed for a value of the run",
        ),
        ("params > 1", 6, "params needs a key", "write for example params.lr"),
        ("environment == 1", 11, "environment needs a key", "write for example environment.python"),
        ("tags.x == 1", 4, "tags has no parts", "write 'x' in tags"),
        ("status.x == 1", 6, "status has no parts", "write status"),
        ("len(tags) > 1", 0, "there are no functions here", "compare with == != < <= > >= in"),
        (
            "name.startswith('x')",
            0,
            "there are no functions here",
            "compare with == != < <= > >= in",
        ),
        ("params.weight-decay > 0", 13, "'-' cannot stand in a plain name", 'write params["weight-decay"]'),
        ("params.a.b-c > 0", 10, "'-' cannot stand in a plain name", 'write params.a["b-c"]'),
        ("metrics.val/acc > 0", 11, "'/' cannot stand in a plain name", 'write metrics["val/acc"]'),
        (
            "val/acc > 0",
            3,
            "'/' cannot stand in a plain name",
            'write metrics["val/acc"] or params["val/acc"]',
        ),
        ("params.lr - 1 > 0", 10, "'-' is not expected here", "there is no arithmetic here"),
        (
            "params.lr * 2 > 0",
            10,
            "'*' is not expected here",
            "compare with == != < <= > >= in; there is no arithmetic",
        ),
        ("status = 'x'", 7, "'=' is not expected here", "write =="),
        ("params.lr => 1", 10, "'=>' is not expected here", "write >="),
        ("params.lr <> 1", 10, "'<>' is not expected here", "write !="),
        ("parent is None", 7, "'is' is not expected here", "write =="),
        ("1 < 2 && 2 < 3", 6, "'&&' is not expected here", "write and"),
        ("1 < 2 || 2 < 3", 6, "'||' is not expected here", "write or"),
        ("1 < 2 AND 2 < 3", 6, "'AND' is not expected here", "write and"),
        ("!(1 < 2)", 0, "'!' is not expected here", "write not"),
        ("“x” in tags", 0, "'“' is not expected here", "write plain quotes: 'text'"),
        ("params.lr", 0, "nothing is compared here", "write a comparison: params.amp == true"),
        (
            "1 < 2 and not params.amp",
            14,
            "nothing is compared here",
            "write a comparison: params.amp == true",
        ),
        ("params.lr 5", 10, "'5' is not expected here", "join comparisons with and, or"),
        ("params.lr not 5", 14, "'5' is not expected here", "write not in"),
        ("params.lr not", 13, "the condition ends too early", "write not in"),
        ("params.lr > ", 12, "a value is missing at the end", "write for example metrics.val_acc > 0.9"),
        ("params.lr > and", 12, "'and' is not expected here", "a value has to follow >"),
        ("(1 < 2) < 3", 1, "a comparison cannot be compared", "join comparisons with and, or"),
        ("created > 2026-01-01", 10, "'2026-01-01' is not a number", "quote it if it is text: '2026-01-01'"),
        ("params.lr > 0x10", 12, "'0x10' is not a number", "quote it if it is text: '0x10'"),
        ("params.lr > -inf", 12, "'-inf' is not a number", "quote it if it is text: '-inf'"),
        ("1 < 2)", 5, "')' is not expected here", "join comparisons with and, or"),
        ("1 < 2 and (2 < 3", 10, "the ( is never closed", "add )"),
        ("params.x in [1, 2", 12, "the [ is never closed", "add ]"),
        ("params.x in [1 2]", 15, "'2' is not expected here", "close the [ with ]"),
        ("params.opt in [adam]", 15, "a list holds only values", "quote text: 'adam'"),
        (
            "params.opt in (params.a, 1)",
            15,
            "a list holds only values",
            "write quoted text, numbers, true, false, null",
        ),
        ("name == 'x", 8, "the quote is never closed", "add ' after the text"),
        ("metrics[0] > 1", 8, "a key in brackets is quoted", 'write for example metrics["val/acc"]'),
        ("metrics['a' > 1", 7, "the bracket is never closed", "add ] after the quote"),
        (
            "params. > 1",
            7,
            "a key is missing after the dot",
            'quote a key that is no plain word: metrics["val/acc"]',
        ),
    ],
)
def test_an_error_names_the_problem_its_place_and_the_remedy(
    text: str, position: int, message: str, hint: str
) -> None:
    error = failure(text)
    assert (error.position, error.message, error.hint) == (position, message, hint)


def test_the_leftmost_mistake_is_reported() -> None:
    assert failure("val_acc = 0.9 && 'x").position == 0


def test_a_text_over_the_cap_is_refused() -> None:
    longest = "1 < 2" + " " * 9_995
    assert parse_where(longest)(RUN) is True
    error = failure(longest + " ")
    assert (error.position, error.message) == (10_000, "the text is longer than 10000 characters")


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("not (", ")")])
def test_a_hundred_brackets_nest_and_no_more(opening: str, closing: str) -> None:
    assert parse_where(opening * 100 + "1 < 2" + closing * 100)(RUN) is True
    error = failure(opening * 101 + "1 < 2" + closing * 101)
    assert (error.position, error.message) == (101 * len(opening) - 1, "more than 100 brackets are open here")


def test_brackets_that_were_closed_do_not_count_as_nesting() -> None:
    assert parse_where(" and ".join(["(params.lr in [0.1])"] * 400))(RUN) is True


def test_long_flat_conditions_are_no_nesting() -> None:
    assert parse_where(" or ".join(["1 > 2"] * 1_000) + " or 1 < 2")(RUN) is True
    assert parse_where("not " * 2_000 + "1 < 2")(RUN) is True
    assert parse_where("1 <= " * 1_500 + "1")(RUN) is True


def test_a_number_of_too_many_digits_is_an_error() -> None:
    assert failure("9" * 5_000 + " > 1").message == "'" + "9" * 39 + "…' is not a number"


def test_point_at_puts_a_caret_under_the_place() -> None:
    assert point_at(failure("params.weight-decay > 0")) == "params.weight-decay > 0\n             ^"


def test_point_at_replaces_what_would_break_the_line() -> None:
    assert point_at(failure("1\n<\t\x1b2")) == "1 <  2\n    ^"


def test_point_at_windows_a_long_text() -> None:
    text = "1 < 2 and " * 10 + "val_acc > 1" + " and 1 < 2" * 10
    shown, caret = point_at(failure(text)).split("\n")
    assert shown == "…" + text[51:149] + "…"
    assert caret == " " * 50 + "^"


def test_point_at_shows_the_end_of_a_long_text() -> None:
    text = "1 < 2 and " * 20
    assert point_at(failure(text)) == f"…{text[101:]}\n{' ' * 100}^"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("metrics.val_acc", Field("metrics.val_acc", "metrics", ("val_acc",))),
        (' metrics["val/acc"] ', Field('metrics["val/acc"]', "metrics", ("val/acc",))),
        ("metrics.val/acc", Field("metrics.val/acc", "metrics", ("val/acc",))),
        ("params.model.type", Field("params.model.type", "params", ("model", "type"))),
        ("params.weight-decay", Field("params.weight-decay", "params", ("weight-decay",))),
        ("code.branch", Field("code.branch", "code", ("branch",))),
        ("status", Field("status", "status", ())),
        ("tags", Field("tags", "tags", ())),
        ("val_acc", Field("val_acc", "", ("val_acc",))),
        ("val/acc", Field("val/acc", "", ("val/acc",))),
        ("model.type", Field("model.type", "", ("model", "type"))),
        ("status.x", Field("status.x", "", ("status", "x"))),
    ],
)
def test_parse_field(text: str, field: Field) -> None:
    assert parse_field(text) == field


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "the name is empty"),
        (" .a", 1, "'.' cannot stand here"),
        ("a..b", 2, "a key is missing after the dot"),
        ("a.", 2, "a key is missing after the dot"),
        ('["x"]', 0, "'[' cannot stand here"),
        ('a"b', 1, "'\"' cannot stand here"),
        ("top[5]", 4, "a key in brackets is quoted"),
        (' metrics["a', 9, "the quote is never closed"),
        ('metrics["a"', 7, "the bracket is never closed"),
        (" params", 7, "params needs a key"),
        ("x" * 10_001, 10_000, "the text is longer than 10000 characters"),
    ],
)
def test_parse_field_errors(text: str, position: int, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_field(text)
    assert (caught.value.text, caught.value.position, caught.value.message) == (text, position, message)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("metrics.val_acc", 0.93),
        ("metrics.loss", "NaN"),
        ("metrics.none", None),
        ("val_acc", 0.93),
        ("val/acc", 0.8),
        ("val.acc", 0.8),
        ("test.acc", 0.7),
        ("lr", 0.1),
        ("model.type", "cnn"),
        ("data.path", "train.csv"),
        ("weight-decay", 0.01),
        ("params.seed", None),
        ("none", None),
        ("status", "completed"),
        ("hypothesis", None),
        ("tags", ["baseline", "paper"]),
        ("environment.python", "3.12.1"),
    ],
)
def test_value_of(text: str, value: Json) -> None:
    assert value_of(parse_field(text), RUN) == value


def test_a_bare_name_is_a_metric_before_a_parameter_and_a_fact_of_the_run_before_both() -> None:
    run: dict[str, Json] = {"status": "a", "metrics": {"status": 1, "x": 2}, "params": {"x": 3, "status": 4}}
    names = ("status", "metrics.status", "params.status", "x", "params.x")
    assert [value_of(parse_field(name), run) for name in names] == ["a", 1, 4, 2, 3]


@pytest.mark.parametrize(
    ("text", "name", "descending"),
    [
        ("val_acc", "val_acc", False),
        ("-val_acc", "val_acc", True),
        (" - val_acc ", "val_acc", True),
        ("val_acc desc", "val_acc", True),
        ("val_acc  DESC ", "val_acc", True),
        ("val_acc:desc", "val_acc", True),
        ("val_acc:asc", "val_acc", False),
        ("val_acc asc", "val_acc", False),
        ('-metrics["val:desc"]', 'metrics["val:desc"]', True),
        ("desc", "desc", False),
    ],
)
def test_parse_sort(text: str, name: str, descending: bool) -> None:
    assert parse_sort(text) == (parse_field(name), descending)


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("-", 1, "the name is empty"),
        (":desc", 0, "the name is empty"),
        ("-lr desc", 0, "the direction is given twice"),
        ("-a..b", 3, "a key is missing after the dot"),
        ("a..b desc", 2, "a key is missing after the dot"),
    ],
)
def test_parse_sort_errors(text: str, position: int, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_sort(text)
    assert (caught.value.text, caught.value.position, caught.value.message) == (text, position, message)


def sorted_ids(values: Mapping[str, Json], *, descending: bool) -> list[Json]:
    runs: list[dict[str, Json]] = [{"id": key, "params": {"x": value}} for key, value in values.items()]
    return [run["id"] for run in sort_runs(runs, parse_field("params.x"), descending)]


def test_sort_keeps_kinds_apart_and_what_is_missing_last() -> None:
    values: dict[str, Json] = {
        "nan": float("nan"),
        "null": None,
        "list": [1],
        "true": True,
        "b": "b",
        "two": 2,
        "inf": "Infinity",
        "spelled": "NaN",
        "false": False,
        "a": "a",
        "one": 1.0,
        "low": "-Infinity",
    }
    last = ["list", "nan", "null", "spelled"]
    assert sorted_ids(values, descending=False) == [
        *("low", "one", "two", "inf"),
        *("a", "b", "false", "true"),
        *last,
    ]
    assert sorted_ids(values, descending=True) == [
        *("inf", "two", "one", "low"),
        *("b", "a", "true", "false"),
        *last,
    ]


def test_sort_keeps_the_order_of_equal_runs_in_both_directions() -> None:
    values: dict[str, Json] = {"a": 1, "b": 2, "c": 1.0, "d": 2}
    assert sorted_ids(values, descending=False) == ["a", "c", "b", "d"]
    assert sorted_ids(values, descending=True) == ["b", "d", "a", "c"]


def test_sort_puts_a_run_without_the_name_last() -> None:
    runs: list[dict[str, Json]] = [{"id": "a"}, {"id": "b", "metrics": {"x": 1}}]
    assert sort_runs(runs, parse_field("x"), False) == [runs[1], runs[0]]
