"""Lines below all that is printed on a terminal, drawn again and again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.commands.shared.bar import Line, drawn
from bench.commands.shared.streams import Lasting

if TYPE_CHECKING:
    from rich.console import Console

_HALF_LINE = 5.0  # seconds after which a line that somebody has begun is left as it is


class Picture:
    """Lines of progress below all that is printed.

    The cursor stands on an empty line above them: there comes what somebody writes past us, to the file number, and they then
    move below it. After a change of the terminal's width all from the cursor on is still theirs, to be wiped.
    """

    def __init__(self, notes: Lasting, out: Lasting | None) -> None:
        self._notes, self._streams = notes, [stream for stream in (notes, out) if stream is not None]
        self._lock = threading.RLock()
        self._shown, self._half_line, self._lines = "", 0.0, ""
        self._console: Console | None = None
        for stream in self._streams:
            stream.below = self
        _pictures[:] = [self]

    @classmethod
    def on(cls, notes: Any, out: Any) -> Picture | None:
        """One on stderr, None where that is no terminal that can wipe what it shows."""
        if (
            not isinstance(notes, Lasting)
            or not notes.isatty()
            or os.environ.get("TERM", "dumb") in ("dumb", "unknown")
        ):
            return None
        notes.flush()
        return cls(notes, out if isinstance(out, Lasting) and out.isatty() else None)

    def show(self, found: list[Line]) -> None:
        """Draw these lines in the place of those before."""
        width, height = self._size()
        text = drawn(found[: max(1, height - 3)], width - 1, self._colours())
        with self._lock:
            if self._half_line and time.monotonic() - self._half_line > _HALF_LINE:
                self._half_line = 0.0
                self._notes.draw("\n")
            self._lines = text
            if text != self._shown and not self._half_line:
                self._wipe()
                self._draw()

    @contextmanager
    def aside(self, text: str) -> Iterator[None]:
        """Make room while this text is written, and stand below it again when its line is at its end."""
        with self._lock:
            self._wipe()
            yield
            if text:
                self._half_line = 0.0 if text.endswith(("\n", "\r")) else time.monotonic()
            if not self._half_line:
                for stream in self._streams:
                    stream.flush()
                self._draw()

    def end(self) -> None:
        """Wipe the lines and let everybody write as before."""
        with self._lock:
            self._wipe()
            self.forget()

    def forget(self) -> None:
        """Draw nothing any more, and leave what is there."""
        self._lock, self._lines, self._shown = threading.RLock(), "", ""
        for stream in self._streams:
            stream.below = None

    def _draw(self) -> None:
        if self._lines:
            back = f"\r\x1b[{self._lines.count(chr(10)) + 1}A"
            # Without wrapping: a terminal may be narrower than it says while it changes, and the way back would be longer.
            self._notes.draw(f"\x1b[?7l\n{self._lines}{back}\x1b[?7h")
            self._notes.flush()
        self._shown = self._lines

    def _wipe(self) -> None:
        if self._shown:
            # The empty line, then all below it: a multiplexer may keep a screen that is cleared from its very top as history.
            self._notes.draw("\r\x1b[K\x1b[B\x1b[J\x1b[A")
            self._notes.flush()
            self._shown = ""

    def _size(self) -> tuple[int, int]:
        """Columns and lines as they are now."""
        try:
            size = os.get_terminal_size(self._notes.fileno())
        except (OSError, ValueError):
            return 80, 24
        return size.columns or 80, size.lines or 24

    def _colours(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=self._notes, force_terminal=True, width=200, height=25, legacy_windows=False)  # type: ignore[arg-type]
        return self._console


_pictures: list[Picture] = []


def _forget_all() -> None:
    """In a child: its copy of the lock may be held by a thread that it has not got."""
    for picture in _pictures:
        picture.forget()


os.register_at_fork(after_in_child=_forget_all)
