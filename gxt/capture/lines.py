"""Cuts what a command writes into the lines a person would see. Nothing is decoded or escaped here.

A progress bar redraws its line with carriage returns; of such a line only the last state is kept. Memory is
bounded: a line longer than `PIECE_BYTES` comes out in pieces.
"""

from __future__ import annotations

PIECE_BYTES = 64 * 1024
"""The longest line that comes out whole, in bytes."""

ERASE = (b"\x1b[K", b"\x1b[0K", b"\x1b[2K")
"""Erase in line (ECMA-48 EL), which progress bars write around a redraw."""


class LineSplitter:
    """Collects the chunks of one stream and gives back its complete lines."""

    def __init__(self) -> None:
        # The line that has not ended yet: `current`, or `last state \r current` while it is being redrawn.
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        r"""The lines that end in `data`, without their newline (`\n` or `\r\n`)."""
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
        left = _last_state(bytes(self._held))
        self._held.clear()
        return _pieces(left) if left else []

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
