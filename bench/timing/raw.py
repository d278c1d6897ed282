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
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.text.shown import terminal
from bench.timing.percentiles import ENOUGH
from bench.timing.settings import RULES, SCENARIOS
from bench.types import FINISHES, Json, is_token_count

FORM = 1
WHY = ("done", "examples", "limit", "capacity", "bound")  # it was ended: see `bench/timing/verdict.py`
MOST_BYTES = 1 << 30
_MOST_LINE = 1 << 20
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?\+00:00")


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
    if name not in _NOTES:
        raise ValueError(f"an answer is due, or one of {', '.join(_NOTES)}; found {', '.join(map(repr, found))}")
    _fit(f"{name}", found[name], _NOTES[name])
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
    _fit("answer", found, _ANSWER)
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
    _fit("header", found, _HEADER)
    _fit("settings", found["settings"], _SETTINGS)
    if found["settings"]["bound"] is not None:
        _fit("bound", found["settings"]["bound"], {"percentile": _is_rank, "seconds": _is_seconds})
    _fit("environment", found["environment"], _ENVIRONMENT)
    return found


def _fit(what: str, found: Json, form: Mapping[str, Callable[[Json], bool]]) -> None:
    """Raise ValueError where an object has not just these keys, each as it must be; one with ? may be absent."""
    if not isinstance(found, dict):
        raise TypeError(f"{what} is a {type(found).__name__}, expected an object")
    known = {name.rstrip("?"): (check, name.endswith("?")) for name, check in form.items()}
    for name, value in found.items():
        if name not in known:
            raise ValueError(f"{what} has a key {name!r}, which it may not have")
        if not known[name][0](value):
            raise ValueError(f"{what}.{name} is {repr(value)[:80]}")
    for name, (_, optional) in known.items():
        if name not in found and not optional:
            raise ValueError(f"{what}.{name} is missing")


def _is_number(value: Json) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_seconds(value: Json) -> bool:
    return _is_number(value) and 0 <= value < 1e8


def _is_count(value: Json) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_rank(value: Json) -> bool:
    return type(value) is int and value in ENOUGH


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and len(value) <= 2000


def _is_switch(value: Json) -> bool:
    return isinstance(value, bool)


def _is_rate(value: Json) -> bool:
    return _is_number(value) and 0 < value <= 1e9


def _or_none(check: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: value is None or check(value)


def _among(*known: Any) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, str) and value in known


def _is_times(value: Json) -> bool:
    return isinstance(value, list) and len(value) <= 10_000 and all(map(_is_seconds, value))


def _is_ids(value: Json) -> bool:
    return isinstance(value, list) and len(value) <= 10_000 and all(map(_is_text, value))


def _is_lines(value: Json) -> bool:
    return isinstance(value, list) and len(value) <= 100 and all(map(_is_text, value))


def _is_audit(value: Json) -> bool:
    if value is None:
        return True
    _fit("audit.same_answers", value, _SAME)
    return bool(value["differ"] <= value["unlike"] <= value["n"])


def _is_cache(value: Json) -> bool:
    if value is None:
        return True
    _fit("audit.cache", value, {"distinct": _is_times, "repeated": _is_times, "seen": _is_times, "fresh": _is_times})
    return bool(0 < len(value["distinct"]) == len(value["repeated"]) and len(value["seen"]) == len(value["fresh"]))


_HEADER = {
    "form": lambda value: value == FORM and type(value) is int, "scenario": _among(*SCENARIOS),
    "settings": lambda value: isinstance(value, dict), "environment": lambda value: isinstance(value, dict),
    "started": lambda value: isinstance(value, str) and _TIME.fullmatch(value) is not None, "clock": _is_text,
}  # fmt: skip
_SETTINGS = {
    "rules": _among(*RULES), "qps": _or_none(_is_rate), "bound": lambda value: value is None or isinstance(value, dict),
    "percentile": _is_rank, "min_seconds": _is_seconds, "min_count": _is_count, "limit_seconds": _is_seconds,
    "warmup": _is_count, "seed": lambda value: type(value) is int and 0 <= value <= 2**64, "server_batch": _is_count,
    "alone": _is_switch, "audit": _is_switch, "n_examples": _is_count, "at_once": _is_switch,
}  # fmt: skip
_ENVIRONMENT = {
    "device": _is_text, "device_name": _is_text, "dtype": _is_text, "threads": _or_none(_is_count), "cpu": _is_text,
    "load": _or_none(_is_seconds),
}  # fmt: skip
_ANSWER = {
    "id": lambda value: isinstance(value, str), "place": _is_count, "scheduled": _is_seconds, "issued": _is_seconds,
    "first": _or_none(_is_seconds), "ended": _is_seconds, "prompt_tokens": is_token_count, "new_tokens": is_token_count,
    "finish": _among(*FINISHES), "heard?": is_token_count, "last?": _is_seconds, "error?": lambda value: isinstance(value, str),
}  # fmt: skip
_SAME = {
    "n": _is_count, "unlike": _is_count, "differ": _is_count, "worse": _or_none(_is_text), "ids": _is_ids,
}  # fmt: skip
_NOTES: dict[str, Mapping[str, Callable[[Json], bool]]] = {
    "load": {"seconds": _is_seconds},
    "warmup": {"n": _is_count, "seconds": _is_seconds},
    "probe": {"number": _is_count, "qps": _is_rate},
    "probed": {"number": _is_count, "why": _among(*WHY)},
    "clock": {
        "seconds": _is_seconds,
        "suspended": _is_seconds,
        "backwards": _is_seconds,
        "stopped": _is_seconds,
        "kept_waiting": _is_seconds,
    },
    "client": {"overhead_seconds": _or_none(_is_seconds), "caveats?": _is_lines},
    "audit": {"same_answers": _is_audit, "cache": _is_cache},
    "end": {"why": _among(*WHY)},
}
