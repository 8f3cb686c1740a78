from __future__ import annotations

import tracemalloc

import pytest

from gxt.capture.lines import PIECE_BYTES, LineSplitter


def split(*chunks: bytes) -> list[bytes]:
    splitter = LineSplitter()
    fed = [line for chunk in chunks for line in splitter.feed(chunk)]
    return fed + splitter.flush()


CASES = [
    (b"", []),
    (b"\n", [b""]),
    (b"one\ntwo\n", [b"one", b"two"]),
    (b"one\n\n\ntwo", [b"one", b"", b"", b"two"]),
    (b"one\r\ntwo\r\n", [b"one", b"two"]),
    (b"one\r\r\ntwo", [b"one", b"two"]),
    (b"\r\n\r\n", [b"", b""]),
    (b"\r", []),
    (b"10%\r20%\r30%\n", [b"30%"]),
    (b"10%\r20%\r30%\r\n", [b"30%"]),
    (b"\r10%\r20%\r", [b"20%"]),
    (b"\r10%\r20%\ndone\n", [b"20%", b"done"]),
    (b"100%|####|\r\x1b[K\n", [b"100%|####|"]),
    (b"\x1b[2K10%\r\x1b[2K20%\x1b[K\x1b[0K\nend\x1b[K\n", [b"20%", b"end\x1b[K"]),
    (
        b"outer 0\n\rin 0\x1b[A\router 1\n\rin 1\x1b[A\router 2\n\rin 2\x1b[A\router 3\n\rin 3\n",
        [b"outer 0", b"outer 3", b"in 3"],
    ),
    (b"a\nb\n\x1b[2Ac\nd\n\x1b[2Fe\x1b[Bf\x1b[Eg", [b"a", b"b", b"e", b"f", b"g"]),
    (b"a 0\n\rb 0\x1b[1A\rtext\n\ra 1\n\rb 1\x1b[1A\ra 2\n", [b"a 0", b"text", b"a 2", b"b 1"]),
    (b"\x1b[Aa\nb\nc\nd\ne", [b"a", b"b", b"c", b"d", b"e"]),
    (b"\x1b[31mred\x1b[0m\n\x1b", [b"\x1b[31mred\x1b[0m", b"\x1b"]),
    (b"\xff\xfe\x00bad\n\xc3\n", [b"\xff\xfe\x00bad", b"\xc3"]),
]


@pytest.mark.parametrize(("data", "lines"), CASES)
def test_lines_and_last_states_are_the_same_however_the_stream_is_cut(
    data: bytes, lines: list[bytes]
) -> None:
    assert split(data) == lines
    assert split(*(data[at : at + 1] for at in range(len(data)))) == lines
    for cut in range(len(data)):
        assert split(data[:cut], data[cut:]) == lines


def test_a_line_comes_out_as_soon_as_it_has_ended() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"one\ntw") == [b"one"]
    assert splitter.feed(b"o") == []
    assert splitter.feed(b"\n") == [b"two"]
    assert splitter.flush() == []


def test_flushing_empties_the_splitter() -> None:
    splitter = LineSplitter()
    splitter.feed(b"half")
    assert splitter.flush() == [b"half"]
    assert splitter.flush() == []


@pytest.mark.parametrize(
    "length", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES, 5 * PIECE_BYTES + 7]
)
@pytest.mark.parametrize("chunk", [1000, 65536, 10**6])
def test_a_long_line_comes_out_in_pieces_and_nothing_is_lost(length: int, chunk: int) -> None:
    data = (b"0123456789" * (length // 10 + 1))[:length]
    stream = b"before\n" + data + b"\nafter\n"
    lines = split(*(stream[at : at + chunk] for at in range(0, len(stream), chunk)))
    assert [lines[0], lines[-1]] == [b"before", b"after"]
    assert b"".join(lines[1:-1]) == data
    assert [len(piece) for piece in lines[1:-1]] == [
        min(PIECE_BYTES, length - at) for at in range(0, length, PIECE_BYTES)
    ]


def test_memory_stays_bounded_whatever_comes() -> None:
    splitter = LineSplitter()
    tracemalloc.start()
    for chunk in (b"x" * 65536, b"\r" * 65536, b"10%\r" * 16384, b"\r" + b"y" * 65535, b"\x1b[K\r" * 16384):
        for _ in range(5):
            splitter.feed(chunk)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4 * PIECE_BYTES


def test_memory_stays_bounded_however_high_the_cursor_goes() -> None:
    splitter = LineSplitter()
    tracemalloc.start()
    for _ in range(20):
        splitter.feed(b"\x1b[999A" + b"y" * 65000 + b"\n" * 500)
        splitter.feed((b"\x1b[999A" + b"z" * 100) * 600)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 6 * PIECE_BYTES


def test_nested_bars_are_one_line_each_and_text_between_them_comes_out() -> None:
    bars = b"".join(
        b"\router %d\n\rinner %d\x1b[A" % (step // 100, step % 100)
        if step % 1000
        else b"\r       \n\r        \x1b[A\rnote %d\n" % step
        for step in range(1, 5000)
    )
    chunks = [bars[at : at + 37] for at in range(0, len(bars), 37)]
    notes = [b"note %d" % step for step in range(1000, 5000, 1000)]
    assert split(*chunks, b"\n\n", b"end\n") == [b"outer 0", *notes, b"outer 49", b"inner 99", b"end"]


def test_after_the_bars_a_line_comes_out_as_soon_as_it_has_ended() -> None:
    splitter = LineSplitter()
    splitter.feed(b"outer\n\rinner\x1b[A\router\ninner\n")
    assert [splitter.feed(b"%d\n" % at) for at in range(4)] == [[b"inner"], [b"0", b"1"], [b"2"], [b"3"]]


def test_a_bar_redrawn_ten_thousand_times_is_one_line() -> None:
    bars = b"".join(b"\rstep %d" % step for step in range(10_000))
    chunks = [bars[at : at + 37] for at in range(0, len(bars), 37)]
    assert split(*chunks, b"\n", b"done\n") == [b"step 9999", b"done"]
