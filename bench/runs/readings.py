"""Whether the reading of a timing scenario in a record is what its raw file gives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.record import Run
from bench.text.shown import terminal
from bench.timing.raw import Answer, Raw, read
from bench.timing.settings import SCENARIOS, TimingSettings
from bench.timing.summary import FOLDER, summarise
from bench.types import Json

AGREES = 1e-9  # relative: a sum of seconds in another order
FILES = tuple(f"{FOLDER}/{name}.jsonl" for name in SCENARIOS)  # in a run's folder


@dataclass(frozen=True)
class Reading:
    """A raw file and the summary that it gives; `answers` are those that the summary is of."""

    raw: Raw
    summary: Mapping[str, Json]
    answers: tuple[Answer, ...]

    @classmethod
    def of(cls, path: Path) -> Reading:
        """Raises BenchError for a file that no timing writes, or one of another scenario than its name says."""
        raw = read(path)
        scenario = raw.header["scenario"]
        if path.stem != scenario:
            raise BenchError(f"{path.name} is of the scenario {scenario}")
        found = summarise(raw) | {"sha256": digest(path)}
        probe = next((one for one in raw.probes if one.qps == found["qps"]), raw.probes[0])
        return cls(raw, found, tuple(one for one in probe.answers if one.error is None))


def file_of(scenario: str) -> str:
    """Where in a run's folder the raw file of a scenario stands."""
    return f"{FOLDER}/{scenario}.jsonl"


def checked(folder: Path, run: Run, scenario: str) -> Reading:
    """The reading of a scenario, once the record says of it what its raw file gives.

    Raises BenchError with what differs, or why the file cannot be read.
    """
    if file_of(scenario) not in FILES:
        raise BenchError(f"{terminal(repr(scenario), 80)} is no timing scenario")
    path = folder / file_of(scenario)
    if not path.is_file():
        raise BenchError(f"its raw file {file_of(scenario)} is not there")
    found = Reading.of(path)
    if said := difference(run.scenarios[scenario], found.summary):
        raise BenchError(f"{scenario}: {said}")
    return found


def difference(claimed: Json, found: Mapping[str, Json]) -> str:
    """The first field of which a record says another thing than the raw file gives, with both; "" where they agree."""
    if not isinstance(claimed, Mapping):
        return "it is no object"
    ours, theirs = dict(_flat(found)), dict(_flat(claimed))
    for name in dict.fromkeys([*ours, *theirs]):
        said, due = (repr(one[name]) if name in one else "nothing" for one in (theirs, ours))
        if name not in ours or name not in theirs or not _same(theirs[name], ours[name]):
            return f"{name} says {said[:80]}, its raw file gives {due[:80]}"
    return ""


def _flat(tree: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _same(a: Json, b: Json) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_alike(x, y) for x, y in zip(a, b, strict=True))
    if type(a) in (int, float) and type(b) in (int, float):
        return math.isclose(a, b, rel_tol=AGREES, abs_tol=1e-12)
    return type(a) is type(b) and bool(a == b)


def _alike(a: Json, b: Json) -> bool:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return not difference(a, b)
    return _same(a, b)


def lowered(raw: Raw) -> str:
    """Which minimum of its rules a reading was asked to go below, "" for none."""
    asked, bound = raw.settings, raw.settings["bound"]
    text = f"p{bound['percentile']}:{1000 * bound['seconds']:.15g}ms" if bound else None
    due = TimingSettings.of({
        "scenario": raw.header["scenario"], "rules": asked["rules"], "qps": asked["qps"], "bound": text,
        "percentile": None if bound else asked["percentile"],
    })  # fmt: skip
    for name, unit in (("min_count", " answers"), ("min_seconds", " s")):
        least = getattr(due, name)
        if asked[name] < least:
            return f"not by its rules: {asked['rules']} are {least:g}{unit}, {asked[name]:g} were asked for"
    return ""
