"""The nouns: what passes from one step to the next. Frozen and plain; nothing here knows a library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

Json: TypeAlias = Any  # what `json` reads and writes: the one place where `Any` is right


@dataclass(frozen=True)
class Example:
    """One item of a data set. `inputs` and `target` are JSON-safe; the target never leaves the harness.

    A target of None is held out: only those who keep the references can score it. `cluster` names what examples share
    (passage, document, conversation); intervals resample whole clusters.
    """

    id: str
    inputs: Mapping[str, Json]
    target: Json
    cluster: str


@dataclass(frozen=True)
class Text:
    """A piece of text. `role` is "system", "user" or "assistant", as chat models name them."""

    text: str
    role: str = "user"
    kind = "text"


@dataclass(frozen=True)
class Image:
    """An encoded picture (PNG or JPEG bytes)."""

    data: bytes = field(repr=False)
    media_type: str = "image/png"
    kind = "image"


class ImageFile(Image):
    """A picture that lies in a file, read each time `data` is asked for."""

    path: str

    def __init__(self, path: str, media_type: str = "image/png") -> None:
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "media_type", media_type)

    @property
    def data(self) -> bytes:
        """The file's bytes; raises OSError when it cannot be read."""
        return Path(self.path).read_bytes()


@dataclass(frozen=True)
class Audio:
    """A recording, as the path of a file on this machine (an hour of speech is too long to hold)."""

    path: str
    kind = "audio"


@dataclass(frozen=True)
class Video:
    """A clip with picture and sound, as the path of a file on this machine."""

    path: str
    kind = "video"


Part: TypeAlias = Text | Image | Audio | Video


@dataclass(frozen=True)
class Generate:
    """Ask for free text of at most `max_new_tokens` tokens, cut before the first of the `stop` strings.

    White space that a reply begins with, and what stands in its thinking, never ends it: see `bench.text.thinking.cut`.
    """

    max_new_tokens: int
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span(Generate):
    """Ask for a short answer to `question` that stands in `context` (None: in the picture).

    It is a `Generate` too: a generative model reads the parts and needs none of the extra fields. Where it
    `may_be_unanswerable`, an extractive model may answer with no text.
    """

    question: str = ""
    context: str | None = None
    may_be_unanswerable: bool = False


@dataclass(frozen=True)
class Tag(Generate):
    """Ask for the phrases of a text that bear one of `labels`; `pieces` put together are the text, each piece in one phrase.

    It is a `Generate` too: a generative model reads the parts and says the phrases in the words that they ask for. A tagger
    answers with JSON, [[piece, tag], …], each tag being O, B-LABEL where a phrase begins or I-LABEL where it goes on.
    """

    pieces: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choose:
    """Ask for a score of each label; the highest wins.

    With `several`, more than one label may be right: a model that has probabilities gives one for each label, which need
    not add up to 1.
    """

    labels: tuple[str, ...]
    several: bool = False


@dataclass(frozen=True)
class Regress:
    """Ask for a number for each of `names`, within `[low, high]`. The last part of the user is the one to judge."""

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Transcribe:
    """Ask for the words that are spoken."""

    language: str = "en"


Output: TypeAlias = Generate | Choose | Regress | Transcribe


@dataclass(frozen=True)
class Request:
    """What a model sees of an example."""

    id: str
    parts: tuple[Part, ...]
    output: Output


MOST_TOKENS = 10**9  # of one request or answer; a greater count is none


def is_token_count(value: Json) -> TypeGuard[int]:
    """Whether a number of tokens that somebody states can be one.

    >>> is_token_count(7), is_token_count(True), is_token_count(1.0), is_token_count(-1), is_token_count(10**30)
    (True, False, False, False, False)
    """
    return type(value) is int and 0 <= value <= MOST_TOKENS


FINISHES = ("stop", "length", "error", "refused", "none")  # how an answer ended: see `Prediction`


@dataclass(frozen=True)
class Prediction:
    """What a model said, raw. Exactly one of text, label_scores, values, answer or error is set in the journal.

    An extractive model gives `span`, (start, end) in characters of `Span.context`; the engine adds its text. `answer` is
    the final answer out of somebody's submission, which no parser touches. `error` means that the model failed on this
    request; it counts as wrong and is never replaced by a made-up answer. `no_answer` is the model's probability that
    there is none. Token counts are the model's own, 0 if it has none; `truncated` are those cut away because the request was
    longer than the model's context. `asked` is the digest of its request, and `reused` the id of the run that the answer was
    taken from; the engine writes both.

    `finish` says how the answer ended: "stop" by itself (an end token, a stop string, the end of what was picked out of a text),
    "length" cut at the most tokens that it may have, or before its thinking ended, "refused" by an endpoint's filter, "error", or
    "none" where nothing was generated or the model does not tell. `thinking` is what stood before the answer and is not scored,
    `thinking_tokens` long.
    """

    id: str
    text: str | None = None
    span: tuple[int, int] | None = None
    label_scores: Mapping[str, float] | None = None
    values: Mapping[str, float] | None = None
    answer: Json = None
    no_answer: float | None = None
    error: str | None = None
    prompt_tokens: int = 0
    new_tokens: int = 0
    truncated: int = 0
    finish: str = "none"
    thinking: str | None = None
    thinking_tokens: int = 0
    asked: str = ""
    reused: str = ""

    def __post_init__(self) -> None:
        if self.error is not None and self.finish == "none":
            object.__setattr__(self, "finish", "error")

    def but(self, **changes: Any) -> Prediction:
        """The same with other values in some of its fields; as `dataclasses.replace`, in a tenth of its time."""
        found = object.__new__(type(self))
        vars(found).update(vars(self), **changes)
        return found

    def to_json(self) -> dict[str, Json]:
        """The journal's line: only what is set, in the order of the fields."""
        return {name: value for name, value in vars(self).items() if value is not _DEFAULTS[name]}

    @classmethod
    def from_json(cls, record: Mapping[str, Json]) -> Prediction:
        """The inverse of `to_json`; raises TypeError on a key that is not a field."""
        span = record.get("span")
        return cls(**{**record, "span": tuple(span) if span is not None else None})


_DEFAULTS = {one.name: one.default for one in fields(Prediction)}


@dataclass(frozen=True)
class Timing:
    """One reading of the stopwatch: `seconds` spent in `phase` on `n` examples, in attempt 1, 2, … of a run.

    A batch whose answers come one by one has a reading for each group of them, of the time since the one before. `places` are
    those answers' examples, counted from 0 in the order of the data; () for work that nothing came of. `truncated` counts
    examples that were cut to fit the model's context, `halvings` how often a batch did not fit in memory.

    The phase "begin" is an attempt's first line, with the time `at` which it was written, in UTC; "lost" are the seconds of an
    attempt that was killed, as far as it was seen alive, which are in no other reading.
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

    @classmethod
    def from_json(cls, record: Mapping[str, Json]) -> Timing:
        """One line of the ledger; raises TypeError for what is none."""
        places = record.get("places")
        return cls(**{**record, "places": None if places is None else tuple(places)})


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
    that is unknown.
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
    "libraries", "scorer", "reused", "answers",
)  # fmt: skip
