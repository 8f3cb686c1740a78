"""Tables for papers, pages and data frames: nothing in them acts, and numbers stay exact."""

from __future__ import annotations

import io
import math

import pytest
from pyarrow import parquet

from gxt.model.json_types import Json
from gxt.render.columnar import Numbers, exact_table, parquet_bytes
from gxt.render.formats import to_csv, to_html, to_latex
from gxt.render.view import Column, Span, Table


def latex(text: str) -> str:
    """A cell as it stands in a table of LaTeX."""
    rows = to_latex(Table([Column("head")], [[text]])).splitlines()
    assert rows[:4] == [r"\begin{tabular}{l}", r"\toprule", r"head \\", r"\midrule"]
    assert rows[5:] == [r"\bottomrule", r"\end{tabular}"]
    return rows[4].removesuffix(r" \\")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("exp-001", "exp-001"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("50 % of $a_b & c#d~e^f", r"50 \% of \$a\_b \& c\#d\textasciitilde{}e\textasciicircum{}f"),
        ("[2ex]", "{[}2ex]"),
        ("*", "{*}"),
        ("--- ''``", "-{}-{}- '{}'`{}`"),
        ("-0.5", "$-$0.5"),
        ("-Infinity", "$-$Infinity"),
        ("-lr", "-lr"),
        ("−0.5 ± 0.1 (3)", r"$-$0.5 $\pm$ 0.1 (3)"),
        ("a\nb\x1b", r"a\textbackslash{}u\{a\}b\textbackslash{}u\{1b\}"),
    ],
)
def test_latex_prints_a_text_as_it_is(text: str, shown: str) -> None:
    assert latex(text) == shown


def test_what_is_good_is_bold_and_strong() -> None:
    table = Table([Column("", right=True)], [[Span("<1>", "good")], [Span("", "good")]])
    assert to_latex(table).splitlines()[4:6] == [r"\textbf{\textless{}1\textgreater{}} \\", r" \\"]
    cells = [line for line in to_html(table).splitlines() if "<td" in line]
    assert cells == [
        '<tr><td style="text-align: right"><strong>&lt;1&gt;</strong></td></tr>',
        '<tr><td style="text-align: right"></td></tr>',
    ]


def test_html_is_ascii_in_which_nothing_acts() -> None:
    shown = to_html(Table([Column('"><script>')], [["é \u202e & '"]]))
    assert shown == (
        "<table>\n<thead>\n<tr><th>&quot;&gt;&lt;script&gt;</th></tr>\n</thead>\n<tbody>\n"
        "<tr><td>&#233; \\u{202e} &amp; &#x27;</td></tr>\n</tbody>\n</table>\n"
    )


@pytest.mark.parametrize(
    ("values", "kind", "back"),
    [
        ([True, None, False], "bool", [True, None, False]),
        ([1, -(2**63), None], "int64", [1, -(2**63), None]),
        ([0.1, 2, None], "double", [0.1, 2.0, None]),
        ([-0.0, "Infinity", "-Infinity"], "double", [-0.0, math.inf, -math.inf]),
        ([2**63, 0.5], "string", ["9223372036854775808", "0.5"]),
        ([True, 1], "string", ["true", "1"]),
        (["é", None, ""], "string", ["é", None, ""]),
        ([[1, {"a": None}], "x"], "string", ['[1, {"a": null}]', "x"]),
        ([None, None], "string", [None, None]),
        ([], "string", []),
    ],
)
def test_a_parquet_column_has_the_narrowest_type_that_holds_all(
    values: list[Json], kind: str, back: list[object]
) -> None:
    column = parquet.read_table(io.BytesIO(parquet_bytes({"x": values})))["x"]
    assert str(column.type) == kind
    assert str(column.to_pylist()) == str(back)


def test_a_column_of_numbers_is_one_where_all_are_missing() -> None:
    column = parquet.read_table(io.BytesIO(parquet_bytes({"se": Numbers([None, None])})))["se"]
    assert (str(column.type), column.to_pylist()) == ("double", [None, None])


def test_what_is_no_utf_8_is_escaped_in_parquet() -> None:
    table = parquet.read_table(io.BytesIO(parquet_bytes({"\udcff": ["a\udcff", ["\ud800"]]})))
    assert table.to_pydict() == {"\\udcff": ["a\\udcff", '["\\ud800"]']}


def test_a_metric_that_is_nan_is_nan_in_parquet() -> None:
    (value,) = parquet.read_table(io.BytesIO(parquet_bytes({"x": ["NaN"]})))["x"].to_pylist()
    assert math.isnan(value)


def test_csv_of_columns_is_exact_and_no_formula() -> None:
    table = exact_table({"=a": [0.1 + 0.2, None, "NaN"], "b": ["@x", [1], True]})
    assert to_csv(table) == "'=a,b\n0.30000000000000004,'@x\n,[1]\nNaN,true\n"
