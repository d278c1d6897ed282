"""The energy that a run took, by a library that reads counters: measured, or estimated and called so, or absent with the reason.

Each attempt at a run leaves its reading in `energy.jsonl`; the run's energy is their sum, from the load of the model to the scores,
repeated work included. It is absent where any attempt has none, as one that was killed: a part would look like less than it took.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from bench.errors import BenchError
from bench.record import Run
from bench.runs.appended import lines
from bench.text.meant import meant
from bench.types import Json

FILE = "energy.jsonl"
MEASURED, ESTIMATED = "measured", "estimated"
NONE, AUTO, CODECARBON = WAYS = ("none", "auto", "codecarbon")
_INSTALL = "pip install 'finai-bench[energy]' brings it"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Reading:
    """Joules above 0, how they are known (`MEASURED` or `ESTIMATED`), by which library and counter, and of what."""

    joules: float
    how: str
    by: str
    counter: str
    covers: str


class Reader(Protocol):
    """What reads energy from the moment when it was made."""

    def stop(self) -> Reading | str:
        """What was read since, or why nothing can be said."""


def known_way(way: str) -> None:
    """Raise BenchError for a setting of `energy` that is none, or names a library that is not here."""
    if way not in WAYS:
        raise BenchError(f"energy={way} is not one of {', '.join(WAYS)}{meant(way, WAYS)}")
    if way == CODECARBON and not _is_here():
        raise BenchError(f"energy={way}: the library is not installed; {_INSTALL}, or leave energy= out")


def _is_here() -> bool:
    return importlib.util.find_spec(CODECARBON) is not None


def meter(way: str, folder: Path, attempt: int, kind: str) -> Meter:
    """What measures one attempt on a device of this kind ("cpu", "cuda"); "" where the answers are computed by a server."""
    known_way(way)
    if way == NONE:
        return Meter(folder, attempt, None, "")
    if not kind:
        return Meter(folder, attempt, None, "a server computes its answers, whose energy nobody here can read")
    if not _is_here():
        return Meter(folder, attempt, None, f"no library is installed that reads it; {_INSTALL}")
    return Meter(folder, attempt, kind, "")


class Meter(AbstractContextManager["Meter"]):
    """Reads the energy of one attempt, which is kept also if the attempt fails or is interrupted."""

    def __init__(self, folder: Path, attempt: int, kind: str | None, why: str) -> None:
        """`kind` is that of the device, None where nothing is read; `why` says the reason where one asked for it."""
        self._file, self._attempt, self._kind, self._why = folder / FILE, attempt, kind, why
        self._reader: Reader | None = None

    def __enter__(self) -> Meter:
        if self._kind is not None:
            from bench.runs.codecarbon_reader import begun

            self._reader = begun(self._kind)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(
            OSError
        ):  # a disk that takes no more ends the run by its journal, and this attempt has no reading
            self._stop()

    def total(self, say: Say, *, reused: bool) -> dict[str, Json]:
        """The energy of all attempts for the record, {} and a line with the reason where it cannot be told."""
        asked = self._kind is not None or bool(self._why)
        self._stop()
        found = dict(_kept(self._file))
        if not found and not asked:
            return {}
        why = self._why or ("answers that earlier runs gave took theirs there" if reused else "")
        why = why or _gap(found, self._attempt)
        if why:
            say(f"energy is absent: {why}")
            return {}
        readings = [found[number] for number in range(1, self._attempt + 1)]
        return {**vars(readings[0]), "joules": sum(one.joules for one in readings)}

    def _stop(self) -> None:
        reader, self._reader = self._reader, None
        if reader is None:
            return
        read = reader.stop()
        if isinstance(read, str):
            self._why = read
            return
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"attempt": self._attempt, **vars(read)}, allow_nan=False) + "\n")


def _kept(file: Path) -> Iterator[tuple[int, Reading]]:
    """The readings of the attempts; a line that was cut off, or altered, is none."""
    for _, line in lines(file) if file.exists() else ():
        with suppress(ValueError, TypeError, KeyError):
            found = json.loads(line)
            attempt, reading = found.pop("attempt"), Reading(**found)
            if type(attempt) is int and math.isfinite(reading.joules) and reading.joules > 0:
                yield attempt, reading


def _gap(found: dict[int, Reading], attempts: int) -> str:
    """Why the readings do not add up to the run's, "" where they do."""
    for number in range(1, attempts + 1):
        if number not in found:
            return f"attempt {number} of {attempts} was not read (it was killed, or asked for none); --fresh measures all of it"
    if len({(one.how, one.by, one.counter, one.covers) for one in found.values()}) > 1:
        return "its attempts were not read alike, so they have no sum; --fresh measures all of it"
    return ""


def say_late(run: Run, way: str, say: Say) -> None:
    """Say that a complete run, of which energy is asked for, has none."""
    if way != NONE and not run.energy:
        say(
            f"{run.task}/{run.model} ({run.run_id}) was made without a reading of its energy; --fresh makes it anew with one"
        )


def is_measured(run: Run) -> bool:
    """Whether the run's energy was read from a counter."""
    return run.energy.get("how") == MEASURED


def shown(run: Run) -> str:
    """The run's energy as text, "–" for none; an estimate says that it is one."""
    from bench.runs.costs import figure

    joules = run.energy.get("joules")
    if not isinstance(joules, int | float) or not math.isfinite(joules) or joules <= 0:
        return "–"
    return f"{figure(joules)} J" + ("" if is_measured(run) else " (estimated)")
