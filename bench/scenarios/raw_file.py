"""The raw file of a measurement while it is under way: lines as they come, whole and in order once it is over."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from itertools import groupby
from pathlib import Path
from types import TracebackType

from bench.disk import remedy, write_atomically
from bench.errors import BenchError
from bench.timing.raw import Answer
from bench.timing.summary import FOLDER
from bench.types import Json

EARLIER = "earlier"  # beside the raw files: those that a later measurement replaced, and what was interrupted


class RawFile(AbstractContextManager["RawFile"]):
    """Lines go to NAME.jsonl.part at once, so that a process which is killed leaves them; `finish` makes it NAME.jsonl.

    What an interrupted measurement left, and the file that this one replaces, are kept in the folder `earlier`; `interrupted` is
    where the former is. A measurement that raises leaves its part.
    """

    def __init__(self, run_folder: Path, scenario: str, header: dict[str, Json]) -> None:
        self.path = run_folder / FOLDER / f"{scenario}.jsonl"
        self.part = self.path.with_suffix(".jsonl.part")
        self.interrupted: Path | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.part.exists():
                self.interrupted = self._aside(self.part, "interrupted-")
            self._file = self.part.open("wb", buffering=0)
        except OSError as error:
            raise self._refused(error) from None
        self.line(header)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the file."""
        self._file.close()

    def line(self, record: dict[str, Json]) -> None:
        """Append one line; it is handed to the system, and the disk is not waited for."""
        data = memoryview((json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n").encode())
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            raise self._refused(error) from None

    def answer(self, answer: Answer) -> None:
        """Append a timed answer."""
        self.line(answer.to_json())

    def finish(self) -> Path:
        """The finished file, its answers in the order in which they were issued."""
        self._file.close()
        try:
            lines = self.part.read_bytes().splitlines(keepends=True)
            whole: list[bytes] = []
            for are_answers, group in groupby(lines, lambda line: line.startswith(b'{"id"')):
                some = list(group)
                whole += sorted(some, key=lambda line: json.loads(line)["issued"]) if are_answers else some
            if self.path.exists():
                self._aside(self.path, "")
            write_atomically(self.path, whole)
            self.part.unlink()
        except OSError as error:
            raise self._refused(error) from None
        return self.path

    def _aside(self, path: Path, kind: str) -> Path:
        """Move a file to the earlier ones, under a name that is free."""
        folder = self.path.parent / EARLIER
        folder.mkdir(exist_ok=True)
        number = 1
        while (place := folder / f"{kind}{self.path.stem}-{number}.jsonl").exists():
            number += 1
        return path.rename(place)

    def _refused(self, error: OSError) -> BenchError:
        return BenchError(
            f"{self.path} cannot be written ({error.strerror}); {remedy(error)} and run the same command again"
        )
