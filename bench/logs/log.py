"""The log of a run: `log.txt` in its folder, through the `logging` of the standard library.

`log.info("%d of %d answers", done, n)`: the template is ours and the arguments are whatever they are. So a report of a fault can
leave out each argument that may be data, and still say where the program was; see `bench/logs/crash.py`. The file itself stays on
this machine and holds lines whole, but for secrets. Warnings of other packages stand in it too.
"""

from __future__ import annotations

import errno
import logging
import os
import shlex
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from bench.text import secrets
from bench.text.asked import as_asked
from bench.text.shown import tell, terminal, visible

FILE = "log.txt"
LEVELS = ("debug", "info", "warning", "error")
KEPT = 50  # lines that a report of a fault has
_MOST_BYTES = 4_000_000  # of a file; then it is put aside as log.txt.1, and the one before that goes

log = logging.getLogger("bench")
log.setLevel(logging.INFO)
_recent: deque[logging.LogRecord] = deque(maxlen=KEPT)
_threshold = logging.INFO
_folder: Path | None = None  # of the run that was logged last
_command: tuple[str, ...] = ()  # that this process was started with


class Public(str):
    """A text that may leave this machine: a name out of the configuration or of the program, never a part of data."""


class _Recent(logging.Handler):
    """Keeps the last lines in memory."""

    def emit(self, record: logging.LogRecord) -> None:
        _recent.append(record)


class _Debug(logging.Handler):
    """Shows on stderr what was not said there already."""

    def emit(self, record: logging.LogRecord) -> None:
        if not getattr(record, "said", False):
            tell(f"bench: {record.levelname.lower()}: {record.getMessage()}", err=True)


class _Lines(logging.Formatter):
    """A line each, with time and level, and below it the traceback of what was raised; no secret in either."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        when = f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z"
        whose = "" if record.name.split(".")[0] == log.name else f"{record.name}: "
        text = f"{when} {record.levelname:7} {whose}{terminal(secrets.clean(record.getMessage()))}"
        if record.exc_info:
            below = secrets.clean(self.formatException(record.exc_info))
            text += "\n" + "\n".join(f"    {visible(line)}" for line in below.split("\n"))
        return text


class _RunFile(RotatingFileHandler):
    """A run's file, made with its first line; a log that cannot be written costs the run nothing but the log."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder / FILE, maxBytes=_MOST_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace", delay=True
        )
        self.setFormatter(_Lines())
        self._failed, self._early = False, deque[logging.LogRecord](maxlen=1000)

    def emit(self, record: logging.LogRecord) -> None:
        if self._failed:
            return
        if not Path(self.baseFilename).parent.is_dir():  # what is said before a run has its folder
            self._early.append(record)
            return
        while self._early:
            super().emit(self._early.popleft())
        super().emit(record)

    def _open(self) -> TextIOWrapper:
        if Path(self.baseFilename).is_symlink():  # of a folder that came from elsewhere: whoever's file it is
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self.baseFilename)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once that there is no log any more."""
        self._failed, error = True, sys.exception()
        why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        tell(f"bench: {self.baseFilename} cannot be written ({why}); the run goes on without a log", err=True)


class _Others(logging.Handler):
    """Takes the warnings of other packages into a run's file as well; they are shown where they would be without it."""

    def __init__(self, file: _RunFile, *, alone: bool) -> None:
        super().__init__(logging.WARNING)
        self.file, self.usual = file, logging.lastResort if alone else None

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != log.name:
            _recent.append(record)
            self.file.handle(record)
            if self.usual is not None:
                self.usual.handle(record)


def begin(level: str = "info", words: Sequence[str] = ()) -> None:
    """Log from this level on, and keep the last lines in memory; what is below it is neither written nor said.

    `words` are those of the command line.
    """
    global _threshold, _command
    _command = ("bench", *words)
    _threshold = getattr(logging, level.upper())
    log.setLevel(_threshold)
    for handler in [*log.handlers]:
        if isinstance(handler, _Recent | _Debug):
            log.removeHandler(handler)
    log.addHandler(_Recent())
    if _threshold <= logging.DEBUG:
        log.addHandler(_Debug())
    log.propagate = False


def say(line: str, level: int = logging.INFO) -> None:
    """One line to a person, on stderr, and into the log; a level below the one that is logged from says nothing."""
    line = as_asked(line)
    log.log(level, "%s", line, extra={"said": True}, stacklevel=2)
    if level >= _threshold:
        tell(f"bench: {line}", err=True)


@contextmanager
def into(folder: Path) -> Iterator[None]:
    """Write what is logged meanwhile into the log of this run's folder, once however often this is nested.

    Warnings of other packages are written there as well, and go where they went before.
    """
    global _folder
    _folder = folder
    path = str((folder / FILE).absolute())
    if any(isinstance(handler, _RunFile) and handler.baseFilename == path for handler in log.handlers):
        yield
        return
    file, root = _RunFile(folder), logging.getLogger()
    others = _Others(file, alone=not root.handlers)
    log.addHandler(file)
    root.addHandler(others)
    try:
        yield
    finally:
        root.removeHandler(others)
        log.removeHandler(file)
        file.close()


def recent() -> list[logging.LogRecord]:
    """The last lines, oldest first, at most `KEPT`."""
    return [*_recent]


def command() -> str:
    """The command that this process was started with, without secrets; "" where it was none of bench."""
    # Word by word, before quotes stand in them, and by what is known by now: a configuration says which of its values are secrets.
    return shlex.join(map(secrets.of_word, _command))


def folder() -> Path | None:
    """The folder of the run that was logged last; None where none was."""
    return _folder
