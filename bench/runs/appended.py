"""Files of lines that are appended while a run is under way, and read again line by line."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from bench.disk import remedy
from bench.errors import BenchError

_SYNC_SECONDS = 1.0  # between two times that the disk is waited for: what a power cut may take


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Whole lines of a JSONL file with the offset behind each; an unfinished last line is left out."""
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield offset, line


class Appended:
    """A file that lines are appended to, each group of them handed to the system at once; the disk is waited for once a second.

    So a process that is killed loses nothing that was appended, and a machine that loses its power a second of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._synced = time.monotonic()

    def write(self, texts: Sequence[str]) -> None:
        """Append the lines; raises BenchError where the disk takes no more."""
        try:
            if self._file is None:
                _cut_unfinished(self.path)
                self._file = self.path.open("ab", buffering=0)
            if not _is_at(self._file, self.path):
                raise BenchError(
                    f"{self.path} was removed or moved while the run was at it; put it back, if it is somewhere, and run the same "
                    "command again"
                )
            data = memoryview("".join(text + "\n" for text in texts).encode())
            while data:
                data = data[self._file.write(data) or 0 :]
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise BenchError(
                f"{self.path} cannot be written ({error.strerror}); {remedy(error)} and run the same command again"
            ) from None

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the open file is the one that lies there."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _cut_unfinished(path: Path) -> None:
    """Cut off a last line that a crash left unfinished, so that the next one is no part of it."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
            file.truncate(max((end for end, _ in lines(path)), default=0))
