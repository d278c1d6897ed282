"""What is kept of a run: readings of the stopwatch, scores, and the record that holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.types import Json


class Span(NamedTuple):
    """What a reading holds, or what lies before it: `name` took `seconds` from `start` on, both in seconds of the attempt.

    `rows` prompts and `tokens` went through it. `track` is "" for the thread of the loop, which does one thing at a time, and else
    names the one that worked beside it. A start is negative for what was done before the attempt began.
    """

    name: str
    start: float
    seconds: float
    rows: int = 0
    tokens: int = 0
    track: str = ""


@dataclass(frozen=True)
class Timing:
    """One reading of the stopwatch: `seconds` spent in `phase` on `n` examples, in attempt 1, 2, … of a run.

    A batch whose answers come one by one has a reading for each group of them, of the time since the one before. `places` are
    those answers' examples, counted from 0 in the order of the data; () for work that nothing came of. `truncated` counts
    examples that were cut to fit the model's context, `halvings` how often a batch did not fit in memory.

    The phase "begin" is an attempt's first line, with the time `at` which it was written, in UTC; "lost" are the seconds of an
    attempt that was killed, as far as it was seen alive, which are in no other reading.

    `start` is when it began, in seconds of the monotonic clock since its attempt did; None in records of before. `spans` are the
    finer phases that were told since the reading before, in the order in which they ended: they lie in `seconds`, beside it in
    another thread, or between two readings, and are in no sum. `checks` tell, for each of the places, whether the answer in the
    journal is still the one that was given (`bench.runs.journal.check_of`); None in records of before. `part` names the part of the
    run that a process of its own answered, as "3/8 0a1b2c3d": part 3 of the 8 that share this token; None for the run's own.
    """

    attempt: int
    phase: str
    seconds: float
    n: int = 0
    batch: int | None = None
    prompt_tokens: int = 0
    new_tokens: int = 0
    truncated: int = 0
    halvings: int = 0
    places: tuple[int, ...] | None = None
    at: str | None = None
    start: float | None = None
    spans: tuple[Span, ...] | None = None
    checks: tuple[int, ...] | None = None
    part: str | None = None

    @classmethod
    def from_json(cls, record: Mapping[str, Json]) -> Timing:
        """One line of the ledger; raises TypeError for what is none."""
        places, spans, checks = (record.get(name) for name in ("places", "spans", "checks"))
        return cls(**{
            **record,
            "places": None if places is None else tuple(places),
            "spans": None if spans is None else tuple(Span(*one) for one in spans),
            "checks": None if checks is None else tuple(checks),
        })  # fmt: skip


@dataclass(frozen=True)
class Score:
    """A metric's value over a run; fractions, never percent (`is_fraction` is False for entropies and the like).

    `value` is None where the metric cannot be had, and `low` and `high`, the 95 % interval, where that cannot; `note`
    says why. `worst` and `best` are the values if every failed example had been answered wrongly, or with its target;
    None when nothing failed. `official` is the official script's value where it leaves missing predictions out, which
    `value` counts as wrong, or takes text as it came, which `value` normalises; None where the two agree.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_failed: int
    higher_is_better: bool = True
    is_fraction: bool = True
    worst: float | None = None
    best: float | None = None
    official: float | None = None
    signature: str = ""
    note: str = ""


UNKNOWN, ELSEWHERE = "", "elsewhere"  # what was asked, where that cannot be told


@dataclass(frozen=True)
class Run:
    """A complete run: what `run.json` holds. Built once, after the last prediction was scored.

    `asked` is the digest of all requests, `UNKNOWN` in records that were made before it was kept and `ELSEWHERE` for
    predictions that were brought. `data_files` are the files that the task read, by name, and their sha256; `code`, what is known
    of every module outside this package that the run used; `libraries`, the versions of what computed. `scorer` are the digests
    of the parser and of each metric that made the scores, `history` the scores that earlier ones made. `reused` says how many
    answers were taken from which earlier runs.

    `submission` is empty for a model that ran here; for predictions that were brought it says of which file, and what
    was wrong in it. `audit` holds the result of `audit=`, empty where none was asked for; `computed`, what the model says of the
    way it computed. `answers` counts how the answers ended, as `bench.runs.endings` has it: {} in records of before and where
    that is unknown. `scenarios` holds the
    readings of timing scenarios by their name, `price` what the machine's hour or an endpoint's tokens cost, `energy` what the run
    took of it; each is {} where there is none.
    """

    run_id: str
    task: str
    task_version: int
    model: str
    model_revision: str
    weights_sha256: str
    is_reference: bool
    data_fingerprint: str
    n_examples: int
    limit: int | None
    seed: int
    resamples: int
    scores: tuple[Score, ...]
    timings: Mapping[str, Json]
    environment: Mapping[str, Json]
    config: Mapping[str, Json]
    created: str
    files: Mapping[str, str] = field(default_factory=dict)
    submission: Mapping[str, Json] = field(default_factory=dict)
    audit: Mapping[str, Json] = field(default_factory=dict)
    computed: Mapping[str, Json] = field(default_factory=dict)
    origin: Mapping[str, Json] = field(default_factory=dict)
    asked: str = UNKNOWN
    data_files: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, Json] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    scorer: Mapping[str, str] = field(default_factory=dict)
    history: tuple[Mapping[str, Json], ...] = ()
    reused: Mapping[str, int] = field(default_factory=dict)
    answers: Mapping[str, Json] = field(default_factory=dict)
    scenarios: Mapping[str, Json] = field(default_factory=dict)
    price: Mapping[str, Json] = field(default_factory=dict)
    energy: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """JSON-safe dictionary with the scores as a list; what it holds is the run's own, not a copy."""
        return {**vars(self), "scores": [vars(score) for score in self.scores], "history": list(self.history)}

    @classmethod
    def from_json(cls, record: Mapping[str, Json]) -> Run:
        """The inverse of `to_json`."""
        scores = tuple(Score(**score) for score in record["scores"])
        return cls(**{**record, "scores": scores, "history": tuple(record.get("history", ()))})

    def whole(self) -> Run:
        """This run, for one whose file anybody may have edited; raises ValueError, TypeError or KeyError for what no run has."""
        kinds = {str: _RUN_TEXTS, dict: _RUN_OBJECTS, int: ("n_examples", "task_version", "seed")}
        for name, kind in ((name, kind) for kind, names in kinds.items() for name in names):
            if type(found := getattr(self, name)) is not kind:
                raise TypeError(f"{name} is of type {type(found).__name__}, expected {kind.__name__}")
        if not self.scores:
            raise ValueError("it has no score")
        rate = self.audit["flip_rate"] if self.audit else 0.0
        bounds = (n for s in self.scores for n in (s.value, s.low, s.high, s.worst, s.best, s.official))
        numbers = (rate, self.timings["seconds"]["total"], self.timings["examples_per_second"], *bounds)
        if not all(number is None or math.isfinite(number) for number in numbers):
            raise ValueError("it holds a number that is not finite")
        return self


_RUN_TEXTS = ("run_id", "task", "model", "model_revision", "weights_sha256", "data_fingerprint", "created", "asked")
_RUN_OBJECTS = (
    "timings", "environment", "config", "files", "submission", "audit", "computed", "origin", "data_files", "code",
    "libraries", "scorer", "reused", "answers", "scenarios", "price", "energy",
)  # fmt: skip
