"""Tables within a width: what gives way first, and that nothing is wider than promised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gxt.render.clean import cells, clean, clean_line, one_line, shortened
from gxt.render.fitting import fitted, rows_within, wrapped
from gxt.render.view import Column, Span, Table, pairs

COLUMNS = [Column("id"), Column("name", cut=True, floor=6), Column("acc", right=True), Column("took", drop=1)]


def lines(table: Table, width: int) -> list[str]:
    return ["".join(span.text for span in row) for row in rows_within(table, width)]


def test_what_fits_is_left_alone() -> None:
    assert fitted(COLUMNS, [7, 20, 5, 4], 42) == [7, 20, 5, 4]
    assert fitted(COLUMNS, [7, 20, 5, 4], 200) == [7, 20, 5, 4]


def test_first_cut_then_left_out_then_cut_further() -> None:
    assert fitted(COLUMNS, [7, 20, 5, 4], 30) == [7, 8, 5, 4]
    assert fitted(COLUMNS, [7, 20, 5, 4], 26) == [7, 10, 5, 0]
    assert fitted(COLUMNS, [7, 20, 5, 4], 20) == [7, 4, 5, 0]
    assert fitted(COLUMNS, [7, 20, 5, 4], 5) == [7, 4, 5, 0]  # ids and metrics stay, whatever it costs


def test_an_empty_column_takes_no_room() -> None:
    assert fitted(COLUMNS, [7, 0, 5, 4], 20) == [7, 0, 5, 4]


def test_wide_and_combining_characters_are_measured_in_cells() -> None:
    assert [cells(text) for text in ("abc", "中文", "e\u0301", "─")] == [3, 4, 1, 1]
    assert shortened("中文字", 5) == "中文…"
    assert shortened("中文字", 4) == "中…"
    assert shortened("eval/accuracy", 9, keep_end=True) == "…accuracy"
    table = Table([Column("a"), Column("b")], [["中", "x"], ["ab", "y"]])
    assert lines(table, 80) == ["a   b", "中  x", "ab  y"]


def test_long_values_go_on_below_themselves() -> None:
    table = pairs([("note", "one two three four"), ("id", "7")])
    assert lines(table, 18) == ["  note  one two", "        three four", "  id    7"]


def test_a_word_longer_than_the_width_is_cut() -> None:
    assert wrapped("aaaaaaaa bb", 4) == ["aaaa", "aaaa", "bb"]
    assert wrapped("a bbbbbb", 4) == ["a", "bbbb", "bb"]
    assert wrapped("", 4) == [""]


texts = st.text(st.characters(codec="utf-8"), max_size=30).map(clean)


@given(texts, st.integers(4, 20))
def test_pieces_are_never_wider_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    pieces = wrapped(text, width)
    assert all(cells(piece) <= width for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.tuples(texts, texts), max_size=5), st.integers(30, 60))
def test_no_line_is_wider_than_the_width(rows: list[tuple[str, str]], width: int) -> None:
    columns = [Column("a", cut=True), Column("b", cut=True, right=True, tail=True), Column("c")]
    table = Table(columns, [[*row, Span("1.5", "good")] for row in rows])
    assert all(cells(line) <= width for line in lines(table, width))


@given(st.text(max_size=40), st.integers(1, 10))
def test_one_line_is_one_harmless_line(text: str, width: int) -> None:
    line = one_line(text, width)
    assert cells(line) <= width
    assert line.isprintable()


def test_a_console_line_keeps_its_tabs_and_loses_its_colours() -> None:
    assert clean_line("\x1b[1;31mred\x1b[0m\tx\x1b[2Jy\a") == "red\tx\\u{1b}[2Jy\\u{7}"
