"""The raw file of a timing: a header, a line an answer in the order of issue, and lines of what was done beside answering.

    {"form": 1, "scenario": "server", "settings": {…}, "environment": {…}, "started": "2026-…+00:00", "clock": "CLOCK_MONOTONIC"}
    {"warmup": {"n": 8, "seconds": 0.4}}
    {"probe": {"number": 1, "qps": 4.0}}        where a rate is searched: the answers behind it are of this rate
    {"id": "q1", "place": 0, "scheduled": 0.0, "issued": 0.0, "first": 0.02, "ended": 0.1, …}
    {"clock": {"seconds": 4.2, "suspended": 0.0, "backwards": 0.0, "stopped": 0.0, "kept_waiting": 0.0}}
    {"audit": {"same_answers": {…}, "cache": {…}}}
    {"end": {"why": "done"}}

All seconds are since the scenario's start. The file may be a stranger's: `read` takes only what this module would have written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.errors import BenchError
from bench.text.shown import terminal
from bench.timing.forms import ANSWER, ENVIRONMENT, HEADER, NOTES, SETTINGS, fit, is_rank, is_seconds
from bench.types import Json

MOST_BYTES = 1 << 30
_MOST_LINE = 1 << 20


@dataclass(frozen=True)
class Answer:
    """One timed answer; see `bench/timing/raw.py` for its seconds. `heard` are the tokens that the model told of as they came.

    `first` and `last` are when it told of the first and of the last of them.
    """

    id: str
    place: int
    scheduled: float
    issued: float
    first: float | None
    ended: float
    prompt_tokens: int
    new_tokens: int
    finish: str
    heard: int = 0
    error: str | None = None
    last: float | None = None

    @property
    def latency(self) -> float:
        """Seconds from the time at which it was due."""
        return self.ended - self.scheduled

    @property
    def ttft(self) -> float | None:
        """Seconds from the time at which it was due to its first token."""
        return None if self.first is None else self.first - self.scheduled

    @property
    def tpot(self) -> float | None:
        """Seconds a token behind the first, (end - first) / (tokens - 1); the token that ends a reply is one.

        None where all tokens came at once: how long each took nobody saw.
        """
        tokens = max(self.new_tokens, self.heard)
        if self.first is None or self.last == self.first or tokens < 2:
            return None
        return (self.ended - self.first) / (tokens - 1)

    def to_json(self) -> dict[str, Json]:
        """The file's line."""
        found: dict[str, Json] = dict(vars(self))
        for name in ("scheduled", "issued", "first", "last", "ended"):
            found[name] = None if found[name] is None else round(found[name], 9)
        for name in ("error", "last"):
            if found[name] is None:
                del found[name]
        return found


@dataclass(frozen=True)
class Probe:
    """The answers of one rate: the whole of a file where none is searched."""

    qps: float | None
    answers: list[Answer] = field(default_factory=list)
    why: str = "done"


@dataclass(frozen=True)
class Raw:
    """What a raw file holds: its header, its probes, and what else was noted, by name."""

    header: Mapping[str, Json]
    probes: list[Probe]
    notes: Mapping[str, Json]

    @property
    def settings(self) -> Mapping[str, Json]:
        """What was asked to be measured."""
        return self.header["settings"]  # type: ignore[no-any-return]


def read(path: Path) -> Raw:
    """The file, strictly; raises BenchError with the line for whatever else stands in it."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BenchError(f"{path} has more than {MOST_BYTES:,} bytes, which no timing has")
        data = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); run the same command again") from None
    if not data.endswith(b"\n"):
        raise BenchError(f"{path} has no end: the measurement was cut off; run the same command again")
    lines = data.split(b"\n")[:-1]
    probes: list[Probe] = []
    notes: dict[str, Json] = {}
    rest = iter(enumerate(lines, start=1))
    number, line = next(rest)
    try:
        header = _header(_object(line))
        for number, line in rest:  # noqa: B007 - an error is of the line that was read last
            if "end" in notes:
                raise ValueError("stands behind the end")
            _take(_object(line), header, probes, notes)
        if "end" not in notes:
            raise ValueError("no end: the measurement was cut off")
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BenchError(f"{path} line {number}: {terminal(what, 200)}; this is no raw file of a timing") from None
    if not _is_searched(header):  # one reading, which ended as the file does
        probes = [replace(probes[0] if probes else Probe(header["settings"]["qps"]), why=notes["end"]["why"])]
    elif not probes:
        raise BenchError(f"{path} holds no rate that was tried; this is no raw file of a timing")
    return Raw(header, probes, notes)


def _is_searched(header: Mapping[str, Json]) -> bool:
    return header["settings"]["qps"] is None and header["settings"]["bound"] is not None


def _object(line: bytes) -> dict[str, Json]:
    if len(line) > _MOST_LINE:
        raise ValueError(f"has {len(line):,} bytes, at most {_MOST_LINE:,} are allowed")

    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key comes twice")
        return found

    def constant(text: str) -> Json:
        raise ValueError(f"{text} is no number")

    found = json.loads(line.decode("utf-8"), object_pairs_hook=once, parse_constant=constant)
    if not isinstance(found, dict):
        raise TypeError(f"found a {type(found).__name__}, expected an object")
    return found


def _take(found: dict[str, Json], header: Mapping[str, Json], probes: list[Probe], notes: dict[str, Json]) -> None:
    """Put one line where it belongs."""
    if "id" in found:
        if not probes:
            probes.append(Probe(header["settings"]["qps"]))
        probes[-1].answers.append(_answer(found, probes[-1].answers))
        return
    (name,) = found if len(found) == 1 else ("",)
    if name not in NOTES:
        raise ValueError(f"an answer is due, or one of {', '.join(NOTES)}; found {', '.join(map(repr, found))}")
    fit(f"{name}", found[name], NOTES[name])
    if name == "probe":
        if len(probes) >= 100 or not _is_searched(header):
            raise ValueError("a rate that was tried, and none is searched")
        probes.append(Probe(found[name]["qps"]))
    elif name == "probed":
        if not probes:
            raise ValueError("the end of a rate that was not begun")
        probes[-1] = Probe(probes[-1].qps, probes[-1].answers, found[name]["why"])
    elif name in notes:
        raise ValueError(f"{name} comes twice")
    else:
        notes[name] = found[name]


def _answer(found: dict[str, Json], before: list[Answer]) -> Answer:
    fit("answer", found, ANSWER)
    one = Answer(**found)
    if not one.scheduled <= one.issued <= one.ended:
        raise ValueError("scheduled, issued and ended do not follow each other")
    if one.first is not None and not one.issued <= one.first <= one.ended:
        raise ValueError("its first token came before it was issued, or behind its end")
    if one.last is not None and not (one.first is not None and one.first <= one.last <= one.ended):
        raise ValueError("its last token came before its first, or behind its end")
    if before and one.issued < before[-1].issued:
        raise ValueError("issued before the line above")
    return one


def _header(found: dict[str, Json]) -> dict[str, Json]:
    fit("header", found, HEADER)
    fit("settings", found["settings"], SETTINGS)
    if found["settings"]["bound"] is not None:
        fit("bound", found["settings"]["bound"], {"percentile": is_rank, "seconds": is_seconds})
    elif found["scenario"] == "server" and found["settings"]["qps"] is None:
        raise ValueError("it is of a server without a rate or a bound")
    fit("environment", found["environment"], ENVIRONMENT)
    return found
