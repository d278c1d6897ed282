"""What is damaged: files that `bench` opens, the call that reads them, and what a right result of it is."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.text.shown import terminal

Files = Mapping[str, bytes]  # by path below the folder of the trial
_LONGEST = 4_000  # characters of an error


@dataclass(frozen=True)
class Damage:
    """One input: the file that is damaged, what stands in it now, and which damage it is, in words."""

    file: str
    data: bytes
    what: str


@dataclass
class Subject:
    """A kind of file and its reader.

    `read(folder)` gives whatever the reader gives, and `wrong(folder, result, damage)` says why a result is not right, "" where it
    is. `damaged` are the files of `files` that are damaged in turn, `named(damage)` texts of which an error has to name one (the
    file's name else). `command(folder)` are the words of the whole command, each as `bench` is given them, for the sample that goes
    through it. `writes` says that reading changes files, so that all are put back each time. `raw` leaves out what knows
    the format. `opened` is what `command` reads, where that is less than `read`.
    """

    name: str
    files: Files
    read: Callable[[Path], Any]
    wrong: Callable[[Path, Any, Damage], str] = lambda folder, result, damage: ""
    damaged: tuple[str, ...] = ()
    named: Callable[[Damage], tuple[str, ...]] = lambda damage: (Path(damage.file).name,)
    command: Callable[[Path], list[str]] | None = None
    opened: Callable[[Path], Any] | None = None
    writes: bool = False
    raw: bool = False
    seconds: float = 20.0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that are damaged in turn."""
        return self.damaged or tuple(self.files)


def unclear(error: Exception, subject: Subject, damage: Damage) -> str:
    """Why an error is no line for a user, "" for one that is: it names the place, is one line, and not endless."""
    said = str(error)
    if not any(name in said for name in subject.named(damage)):
        return f"an error that does not name {' or '.join(subject.named(damage))}: {said[:300]!r}"
    if "\n" in said or "\r" in said:
        return f"an error of several lines: {said[:300]!r}"
    return f"an error of {len(said):,} characters: {said[:200]!r}" if len(said) > _LONGEST else ""


def commanded(subject: Subject, folder: Path, damage: Damage, refused: bool | None) -> str:
    """Why the whole command on the damaged file did not end as it must, "" where it did; `refused` says what the reader did."""
    from bench.cli import main

    assert subject.command is not None
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    words = subject.command(folder)
    before = sys.argv
    try:
        sys.argv = ["bench", *words]
        with redirect_stdout(out), redirect_stderr(err):
            code = main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    said = "".join(_text(stream) for stream in (out, err))
    shown = f"bench {' '.join(words)[:80]}: {said[-300:]!r}"
    if "Traceback (most recent call last)" in said or code == 70:
        return f"a traceback of {shown}"
    if code not in (0, 1, 2, 3):
        return f"exit code {code} of {shown}"
    if refused is True and code == 0 and not (subject.opened and _is_readable(subject.opened, folder)):
        return f"exit code 0 though the reader refuses it, of {shown}"
    if code == 2 and not any(name in terminal(said) or name in said for name in subject.named(damage)):
        return f"a line that names no place, of {shown}"
    if wild := [sign for sign in said if ord(sign) < 32 and sign not in "\n\t"]:
        return f"the letter {wild[0]!a} on a terminal, of {shown}"
    return ""


def _is_readable(read: Callable[[Path], Any], folder: Path) -> bool:
    try:
        read(folder)
    except BenchError:
        return False
    return True


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()
