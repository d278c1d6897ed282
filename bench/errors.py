"""The one class of errors that a user can fix."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_HEAD, _TAIL = 2_800, 1_000  # characters of an error's line that are kept: where and what was found; what to do
EXIT_INTERNAL = 70  # of a command that ends by a fault of this package; EX_SOFTWARE in sysexits.h


class BenchError(Exception):
    """Something the user can fix; `bench` prints it as one line and exits with 2.

    The text says where, what was found, what is allowed and what to do. Everything else that is raised is a bug
    and keeps its traceback. A value of thousands of characters is cut in its middle, so that where it stands and what to do
    are read.
    """

    def __init__(self, line: object = "") -> None:
        super().__init__(_one_line(str(line)))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the one line."""
        return [f"bench: {self}"]


def _one_line(text: str) -> str:
    if not text.isascii():  # half a surrogate pair, which neither a terminal nor a store takes
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "⏎")
    left_out = len(text) - _HEAD - _TAIL
    return text if left_out <= 0 else f"{text[:_HEAD]} [… {left_out:,} characters …] {text[-_TAIL:]}"


def out_of_memory(error: BaseException) -> bool:
    """Whether the error says that memory ran out: Python's, torch's for a GPU, or what torch says on a CPU."""
    return type(error).__name__ in ("MemoryError", "OutOfMemoryError") or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in str(error) or "out of memory" in str(error))
    )


class CodeError(BenchError):
    """What the code of a task or metric did wrong, at which `example` ("" where it is of none), and what it `said`."""

    def __init__(self, line: str, example: str, said: str) -> None:
        super().__init__(line)
        self.example, self.said = example, said


class NothingToLearn(BenchError):
    """A model learns from the training split of its task, and the task has none here."""


@dataclass
class Place:
    """Where in somebody's code the harness is: the example, what its function was `given`, and the `function` where it changes."""

    function: str
    example: str = ""
    given: object = None


@contextmanager
def authored(owner: str, function: str, remedy: str) -> Iterator[Place]:
    """Turn what the code of a task or metric raises into one BenchError: whose, which example, what came, where, what to do.

    `owner` is what messages call it ("task 'squad_v1'"). The block keeps the yielded Place up to date as it goes along.
    """
    place = Place(function)
    try:
        yield place
    except (BenchError, MemoryError):
        raise
    except (
        Exception,
        SystemExit,
    ) as error:  # whoever writes a task may raise anything; nothing that was computed is lost by it
        raise wrong(owner, place, error, remedy) from error


def wrong(owner: str, place: Place, error: BaseException, remedy: str) -> CodeError:
    """What somebody's code raised, as one line: whose, at which place, what came, where in the code, what to do."""
    said = said_by(error)
    example = f" of example {place.example!r}" if place.example else ""
    given = f"; it was given {_short(place.given)}" if place.given is not None else ""
    line = f"{owner}: {place.function}{example} raised {said} ({line_of(error)}){given}; {remedy}"
    return CodeError(line, place.example, said)


def fault(error: Exception, tell: Callable[..., None]) -> str:
    """What a fault of this package is in one line: what was raised, and where; its traceback is told line by line, to stderr."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        tell(line, err=True)
    return f"{said_by(error)} ({line_of(error)})"


def words_of(error: BaseException) -> str:
    """The words of an error, also where saying them raises."""
    try:
        return str(error)
    except Exception:
        return "(its words cannot be said)"


def said_by(error: BaseException) -> str:
    """The type of an error and its words in one line of at most 300 characters."""
    return " ".join(f"{type(error).__name__}: {words_of(error)}".split())[:300]


def _short(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 160 else f"{text[:159]}…"


def line_of(error: BaseException) -> str:
    """The file and line that raised it, or that Python could not read; the innermost that is not a library's."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name} line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if not one.filename.startswith(sys.prefix) and "<" not in one.filename]
    last = (own or frames)[-1]
    return f"{Path(last.filename).name} line {last.lineno}"
