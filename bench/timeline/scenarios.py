"""The raw readings of timing scenarios, as far as a run's record vouches for them, and as processes of a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.record import Run
from bench.text.shown import terminal
from bench.timeline.bars import PHASES, Bar, Process
from bench.timing.raw import Probe, Raw, read
from bench.timing.settings import SCENARIOS
from bench.timing.summary import FOLDER
from bench.types import Json


@dataclass(frozen=True)
class Reading:
    """A scenario of a run: what its record says of it, and the raw file behind that; None where `fault` says why there is none."""

    scenario: str
    summary: Mapping[str, Json]
    raw: Raw | None
    fault: str = ""

    @property
    def probe(self) -> Probe | None:
        """The answers that the summary is of: of several rates, those of the one that it names."""
        if self.raw is None:
            return None
        rate = self.summary.get("qps")
        return next((one for one in self.raw.probes if one.qps == rate), self.raw.probes[0])


def of_run(run: Run, folder: Path | None) -> list[Reading]:
    """The scenarios that the record of a run names, those of a known kind; `folder` is the run's, None where it is not here."""
    known = {name: one for name, one in run.scenarios.items() if name in SCENARIOS and isinstance(one, Mapping)}
    return [Reading(name, summary, *_raw(name, summary, folder)) for name, summary in known.items()]


def _raw(name: str, summary: Mapping[str, Json], folder: Path | None) -> tuple[Raw | None, str]:
    path = None if folder is None else folder / FOLDER / f"{name}.jsonl"
    if path is None or not path.is_file():
        return None, "its raw readings are not here"
    if digest(path) != summary.get("sha256"):
        return None, "its raw readings are not those that the record names"
    try:
        found = read(path)
    except BenchError as error:
        why = terminal(str(error).replace(str(path), path.name), 200)
        return None, f"its raw readings cannot be read: {why}"
    if found.header["scenario"] != name:
        return None, f"its raw readings are of scenario {found.header['scenario']}"
    return found, ""


def processes(reading: Reading, offset: float) -> list[Process]:
    """A scenario as processes, the first of which began at `offset`: one for each rate that was tried, since each has a clock."""
    found: list[Process] = []
    if reading.raw is None:
        return found
    before = _before(reading.raw)
    offset += sum(
        bar.seconds for bar in before
    )  # a file says when it was begun: answers are counted from behind the warm-up
    for probe in reading.raw.probes:
        rate = "" if probe.qps is None else f" at {probe.qps:.3g} a second"
        notes = [f"{n} answers failed"] if (n := sum(one.error is not None for one in probe.answers)) else []
        if found:
            offset = found[-1].offset + found[-1].end
            notes.append("it stands behind the rate before it: what lay between the two is not told")
        found.append(
            Process(
                f"scenario {reading.scenario}{rate}", offset, () if found else before, tuple(probe.answers), tuple(notes)
            )
        )  # fmt: skip
    return found


def _before(raw: Raw) -> tuple[Bar, ...]:
    """What the file tells of the time before the first answer: how long the model was loaded, and warmed up."""
    end, found = 0.0, list[Bar]()
    for name in ("warmup", "load"):
        if name in raw.notes:
            seconds = float(raw.notes[name]["seconds"])
            found.insert(0, Bar(name, PHASES, end - seconds, seconds, guessed=True))
            end -= seconds
    return tuple(found)
