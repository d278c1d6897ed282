"""Where results and notes are printed: whatever becomes of it, the work goes on, and nothing that was computed is lost to printing.

A letter that the terminal's encoding has not got is written as its escape. A reader who leaves (`| head -1`), a closed and a full
stdout end the printing and nothing else. The exit code stays the command's own, for what a gate says is not up to its reader; only
where stdout takes no more (a full disk) is 0 turned into 2, since whoever reads that file must not take it for whole.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, Protocol, TextIO, cast

_SAMPLE = "é–✓\ud800"  # an encoding that has these has all letters


class Below(Protocol):
    """What is drawn below all that is printed, and makes room for it."""

    def aside(self, text: str) -> AbstractContextManager[None]:
        """A block in which this text is written, with nothing drawn where it will stand."""


class Lasting:
    """A text stream that takes everything: what cannot be written any more is dropped, and `lost` says why.

    `fails` is true where that is the stream's fault, and not that its reader left. `below` is told of all that is written but by
    `draw`; whoever prints, a library's warnings too, so leaves whole what is drawn there.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self.lost, self.fails = stream, "", False
        self.below: Below | None = None

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        with self.below.aside(text) if self.below is not None else nullcontext():
            return self.draw(text)

    def draw(self, text: str) -> int:
        """Write the text, or drop it, where it stands."""
        if not self.lost:
            try:
                self._stream.write(text)
            except UnicodeError:  # of a stream that could not be told to escape
                self._attempt(lambda: self._stream.write(_escaped(text, self._stream.encoding)))
            except (OSError, ValueError) as error:
                self._give_up(error)
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write each of the lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring what was written to its place, if that is still there."""
        if not self.lost:
            self._attempt(self._stream.flush)

    def _attempt(self, act: Any) -> None:
        try:
            act()
        except (OSError, ValueError) as error:
            self._give_up(error)

    def _give_up(self, error: OSError | ValueError) -> None:
        """Print no more; what the stream still holds goes nowhere, instead of failing once more when Python ends."""
        reader_left = isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.EBADF)
        self.lost = "nobody reads it" if reader_left else getattr(error, "strerror", None) or str(error)
        self.fails = not reader_left
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def lasting() -> Iterator[Lasting]:
    """stdout and stderr that never fail, inside the block; gives stdout, which says whether it lost something."""
    _open_what_is_closed()
    before = sys.stdout, sys.stderr
    for stream in before:
        _escape(stream)
    out, notes = Lasting(sys.stdout), Lasting(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, notes)
    try:
        yield out
    finally:
        out.flush()
        notes.flush()
        sys.stdout, sys.stderr = before


def can_say(text: str) -> bool:
    """Whether stdout has all letters of the text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


def _escape(stream: TextIO) -> None:
    """Have the stream write a letter that it has not got as its escape, unless it was told another way that works."""
    with suppress(AttributeError, ValueError, OSError, LookupError):
        try:
            _SAMPLE.encode(stream.encoding, stream.errors or "strict")
        except UnicodeError:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]


def _escaped(text: str, encoding: str | None) -> str:
    name = encoding or "ascii"
    return text.encode(name, "backslashreplace").decode(name)


def _open_what_is_closed() -> None:
    """Open nothing where Python found stdin, stdout or stderr closed: else the next file, such as the store, would be there."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, place in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(place, "w", encoding="utf-8", closefd=False))
