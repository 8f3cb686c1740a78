"""Cuts what a command writes into the lines a person would see. Nothing is decoded or escaped here.

A progress bar redraws its line with carriage returns; of such a line only the last state is kept. Bars below
each other go back up with cursor moves (ECMA-48 CUU, CPL); lines that are redrawn so wait until they scroll
out or text goes on below them. Memory is bounded: a line longer than `PIECE_BYTES` comes out in pieces.
"""

from __future__ import annotations

import re

PIECE_BYTES = 64 * 1024
"""The longest line that comes out whole, in bytes."""

ERASE = (b"\x1b[K", b"\x1b[0K", b"\x1b[2K")
"""Erase in line (ECMA-48 EL), which progress bars write around a redraw."""

_UP = re.compile(rb"\x1b\[\d{0,3}[AF]")
_MOVE = re.compile(rb"\n|\x1b\[(\d{0,3})([ABEF])")
_BEGUN = re.compile(rb"\x1b(\[\d{0,3})?\Z")
_BEGUN_BYTES = 5


class LineSplitter:
    """Collects the chunks of one stream and gives back its complete lines."""

    def __init__(self) -> None:
        # The line that has not ended yet: `current`, or `last state \r current` while it is being redrawn.
        self._held = bytearray()
        self._begun = b""  # of a cursor move, when a chunk ends within it
        self._redrawn: _Redrawn | None = None

    def feed(self, data: bytes) -> list[bytes]:
        r"""The lines that end in `data`, without their newline (`\n` or `\r\n`)."""
        if self._begun or b"\x1b" in data:
            data = self._begun + data
            begun = _BEGUN.search(data, max(0, len(data) - _BEGUN_BYTES))
            self._begun = begun[0] if begun else b""
            data = data.removesuffix(self._begun)
            if self._redrawn is None and _UP.search(data):
                self._redrawn = _Redrawn(bytes(self._held))
        if self._redrawn is not None:
            return self._redraw(self._redrawn, data)
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        lines = data.split(b"\n")
        if len(lines) == 1:
            self._held += data
            return self._shorten()
        lines[0] = bytes(self._held) + lines[0]
        self._held = bytearray(lines.pop())
        if b"\r" in data or len(lines[0]) > PIECE_BYTES or len(data) > PIECE_BYTES or b"\r" in lines[0]:
            lines = [piece for line in lines for piece in _pieces(_last_state(line))]
        return lines + self._shorten()

    def flush(self) -> list[bytes]:
        """What is left when the stream has ended: one line, or none."""
        early = [] if self._redrawn is None else self._redraw(self._redrawn, b"", last=True)
        left = _last_state(bytes(self._held) + self._begun)
        self._held.clear()
        self._begun = b""
        return early + (_pieces(left) if left else [])

    def _redraw(self, redrawn: _Redrawn, data: bytes, *, last: bool = False) -> list[bytes]:
        """Draw on lines that are being redrawn, and go back to plain ones when they are not any more."""
        lines = redrawn.draw(data.replace(b"\r\n", b"\n"))
        if last or redrawn.size() > PIECE_BYTES:
            lines += redrawn.settle()
        if redrawn.height > 1:
            return lines
        self._redrawn, self._held = None, bytearray(redrawn.rows[0] or b"")
        return lines + self._shorten()

    def _shorten(self) -> list[bytes]:
        """Bound the line that has not ended yet. Returns the pieces that had to come out early."""
        if b"\r" in self._held:
            drawn, _, current = bytes(self._held).rpartition(b"\r")
            if len(current) <= PIECE_BYTES:
                self._held = bytearray(_last_state(drawn) + b"\r" + current)
                return []
            self._held = bytearray(current)
        if len(self._held) <= PIECE_BYTES:
            return []
        *early, rest = _pieces(bytes(self._held))
        self._held = bytearray(rest)
        return early


class _Redrawn:
    """The lowest lines of a screen, which are drawn again from above.

    Attributes:
        rows: what they show; None for one that has come out already and has not been drawn again.
        height: how many of them there are at most before the uppermost scrolls out; 1 when none is redrawn.
    """

    def __init__(self, current: bytes) -> None:
        self.rows: list[bytes | None] = [current]
        self.height = 1
        self._at = 0
        self._scrolled = 0  # since the cursor last went up

    def draw(self, data: bytes) -> list[bytes]:
        """The lines that have scrolled out."""
        lines = []
        drawn = 0
        for move in _MOVE.finditer(data):
            self._write(data[drawn : move.start()])
            drawn = move.end()
            if move[2] is None:
                lines += self._down()
            elif move[2] in b"AF":
                self._up(int(move[1] or 1))
            else:
                self._go(min(self._at + int(move[1] or 1), len(self.rows) - 1))
        self._write(data[drawn:])
        return lines

    def settle(self) -> list[bytes]:
        """All lines but the lowest, which stays."""
        *above, lowest = self.rows
        self.rows, self.height, self._at = [lowest], 1, 0
        return _drawn(above)

    def size(self) -> int:
        """How many bytes are held."""
        return sum(len(row) for row in self.rows if row)

    def _write(self, text: bytes) -> None:
        if text:
            drawn, redrawn, current = ((self.rows[self._at] or b"") + text).rpartition(b"\r")
            self.rows[self._at] = _last_state(drawn) + redrawn + current

    def _go(self, at: int) -> None:
        """Move to another row, to draw it from its beginning."""
        self._at = at
        if row := self.rows[at]:
            self.rows[at] = row + b"\r"

    def _up(self, count: int) -> None:
        if missing := max(0, count - self._at):
            self.rows[:0] = [None] * missing
        self.height = max(self.height, len(self.rows))
        self._scrolled = 0
        self._go(self._at + missing - count)

    def _down(self) -> list[bytes]:
        if self._at < len(self.rows) - 1:
            self._go(self._at + 1)
            return []
        self.rows.append(b"")
        self._scrolled += 1
        if self._scrolled > self.height:  # text goes on below
            return self.settle()
        gone = len(self.rows) - self.height
        out, self.rows = self.rows[:gone], self.rows[gone:]
        self._at = len(self.rows) - 1
        return _drawn(out)


def _drawn(rows: list[bytes | None]) -> list[bytes]:
    return [piece for row in rows if row is not None for piece in _pieces(_last_state(row))]


def _last_state(line: bytes) -> bytes:
    """What a redrawn line shows in the end: the text after its last carriage return that is not blank."""
    if b"\r" not in line:
        return line
    for state in reversed(line.split(b"\r")):
        text = _without_erase(state)
        if text:
            return text
    return b""


def _without_erase(state: bytes) -> bytes:
    before = None
    while state != before:
        before = state
        for code in ERASE:
            state = state.removeprefix(code).removesuffix(code)
    return state


def _pieces(line: bytes) -> list[bytes]:
    """The line whole, or cut so that no piece is longer than `PIECE_BYTES`. Never empty."""
    if len(line) <= PIECE_BYTES:
        return [line]
    return [line[start : start + PIECE_BYTES] for start in range(0, len(line), PIECE_BYTES)]
