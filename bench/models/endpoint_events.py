"""Server-sent events, read out of bytes as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE_END = re.compile(rb"\r\n|\r|\n")
_MARK = b"\xef\xbb\xbf"  # of UTF-8, which a stream may begin with


class Events:
    """Gives each event as soon as the empty line behind it is there, in whatever packets the bytes come.

    A line ends with CR, LF or both. Comments, ids and times to reconnect are passed over; an event without data is none, and one
    that the stream breaks off in is dropped. Source: WHATWG HTML, section 9.2.6, "Interpreting an event stream".
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []  # what is there of the line that has not ended
        self._data: list[bytes] = []
        self._name = b""
        self._after_cr = False  # an LF that comes next belongs to the line end before
        self._at_start = True

    def fed(self, piece: bytes) -> list[tuple[str, str]]:
        """The name ("message" without one) and data of each event that these bytes complete."""
        return list(self._fed(piece))

    def _fed(self, piece: bytes) -> Iterator[tuple[str, str]]:
        if self._after_cr and piece[:1] == b"\n":
            piece, self._after_cr = piece[1:], False
        if not piece:
            return
        self._after_cr = piece.endswith(b"\r")
        *whole, rest = _LINE_END.split(piece)
        for line in whole:
            self._line.append(line)
            joined = b"".join(self._line)
            self._line.clear()
            yield from self._read(joined)
        if rest:
            self._line.append(rest)

    def _read(self, line: bytes) -> Iterator[tuple[str, str]]:
        """Take in one line; an empty one ends an event."""
        if self._at_start:
            line, self._at_start = line.removeprefix(_MARK), False
        if not line:
            if self._data:
                data = b"\n".join(self._data).decode("utf-8", "replace")
                yield self._name.decode("utf-8", "replace") or "message", data
            self._data, self._name = [], b""
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
