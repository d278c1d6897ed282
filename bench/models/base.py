"""What a model is, as the loop sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from bench.types import Image, Json, Output, Prediction, Request, Text

Answered: TypeAlias = (
    "list[Prediction] | Iterator[Prediction | list[Prediction]]"  # all at once, or as they are finished
)
Heard: TypeAlias = Callable[
    [str, int], None
]  # a request's id, and how many new tokens of its reply are there since the last call
_PART_TOKENS = 1000  # about what a picture is, or some seconds of sound


def flat(answered: Answered) -> Iterator[Prediction]:
    """The predictions one by one, however a model gives them."""
    for group in answered:
        if isinstance(group, list):
            yield from group
        else:
            yield group


def by_tokens(batch: Sequence[Request], cost: Callable[[Request], int], tokens: int | None) -> list[list[Request]]:
    """The batch in pieces of up to so many tokens by their costs, in their order; None: in one."""
    if tokens is None:
        return [list(batch)]
    found: list[list[Request]] = []
    room = 0
    for request in batch:
        costs = cost(request)
        if not found or costs > room:
            found.append([])
            room = tokens
        found[-1].append(request)
        room -= costs
    return found


@dataclass(frozen=True)
class Device:
    """Where a model runs: `kind` is "cpu" or "cuda", `dtype` float32, bfloat16 or float16, `threads` of the CPU."""

    kind: str = "cpu"
    dtype: str = "float32"
    threads: int = 1
    name: str = ""

    def describe(self) -> dict[str, str | int]:
        """For a run's environment."""
        return {"device": self.kind, "device_name": self.name, "dtype": self.dtype, "threads": self.threads}


class Model(ABC):
    """Answers requests. `parts` and `outputs` say what it takes; anything else is refused before `load`.

    `needs` are parts without which it has nothing to do of its own (a reader of pages needs a page), `needs_any` those of which
    one will do.

    `revision` and `weights_sha256` pin what it is without loading it. `uses_device` is False for models that compute in
    plain Python, whose device and dtype would be a fiction. `incidental` are constructor arguments that change no answer,
    and so start no new run.
    """

    parts: frozenset[str] = frozenset({"text"})
    outputs: tuple[type[Output], ...]
    needs: frozenset[str] = frozenset()
    needs_any: frozenset[str] = frozenset()  # parts of which at least one must be there; none: no such need
    watches: bool = (
        True  # where it takes films: whether their pictures are enough, or it has nothing to do without their sound
    )
    outside: tuple[str, ...] = ()  # modules of others that it calls, beside that of its own class
    uses_libraries: ClassVar[bool] = True  # False where no library here computes: plain Python, another machine
    answers_alone: bool = False  # whether each answer depends on its request alone, whatever is in the batch
    revision: str = ""
    weights_sha256: str = ""
    loaded: tuple[Device, int] | None = None  # for which device and seed the loop has loaded it
    is_reference: ClassVar[bool] = False
    reads_targets: bool = False
    listener: Heard | None = None  # see `hear`
    takes_at_once: bool = (
        False  # whether `submit` may be called: requests are answered beside others that are under way
    )
    schedules_itself: bool = (
        False  # whether its engine chooses the company of a request, so that asking a unit again does not bring it back
    )
    variant: str = ""  # of a family that is several rows: stands behind the model's name
    incidental: ClassVar[frozenset[str]] = frozenset()
    uses_device: bool = True
    unit_tokens: int | None = (
        None  # about how many it computes in some seconds, once it is loaded; None: no need to cut a batch
    )
    context: int | None = (
        None  # tokens that a prompt and its reply may have together, once it is loaded; None: no such bound
    )
    forms_are_told: ClassVar[bool] = False  # whether its user says, by `parts` and `outputs`, what it takes and gives
    learns: ClassVar[bool] = False  # whether `load` fits it to what `learn` gave: the task's training split
    folds_clusters: ClassVar[bool] = False  # whether it tries what it learns on folds that keep `clusters` whole
    clusters: Sequence[str] = ()  # of each example of its lesson, set before `learn`, where it `folds_clusters`
    left_out: int = 0  # training examples that it was not given to learn from, since they ask what is evaluated
    taught: frozenset[str] = (
        frozenset()
    )  # digests of requests that it was trained on here, see `models/taught_names.py`
    served_from: str = ""  # "near" or "far": a server on this or another machine computes; "": this process does
    token_price: Mapping[str, float] | None = None  # USD of a million tokens, {prompt, completion}, as its settings say
    seen_code: Mapping[str, Mapping[str, str]] = MappingProxyType(
        {}
    )  # what is known of its code and state by a program that made it: see `bench.runs.live`
    bound_to: str = ""  # what it is that only its user has, so that nobody else can make it from its name

    def telling(self, config: Json) -> Json:
        """Of the model's configuration what can change an answer: all but what is `incidental`."""
        return {k: v for k, v in config.items() if k not in self.incidental} if isinstance(config, Mapping) else config

    def expects(self, output: type[Output]) -> None:
        """Told what kind of answer the task asks for, before `telling` and `load`; most models answer all kinds alike."""

    def fetch(self) -> None:
        """Bring the weights into the cache, without loading them."""

    def learn(self, taught: Sequence[tuple[Request, Prediction]]) -> None:
        """Only where it `learns`: the requests of the task's training split, each with its ideal prediction.

        Called before `load`, which fits the model to them and is timed as phase `fit`. None of them is a request that is evaluated.
        """

    def load(self, device: Device, *, seed: int) -> None:
        """Get ready to predict; called once, timed as phase `load`."""

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """Only for reference rows with `reads_targets`: the ideal prediction of each request id."""

    def cost(self, request: Request) -> int:
        """How long the request is, in tokens, about; requests of like cost are batched together, up to `batch_tokens`."""
        return sum(
            len(part.text) // 4 if isinstance(part, Text) else _PART_TOKENS * (1 if isinstance(part, Image) else 4)
            for part in request.parts
        )

    def prepare(self, batch: Sequence[Request]) -> None:
        """A hint that this batch comes next, given in another thread while the one before is computed.

        What needs no device may be done and kept for `predict`: reading files, decoding, tokenising. `predict` must do
        without where it was not given. What it raises is not looked at: it shows again in `predict`.
        """

    def hear(self, heard: Heard | None) -> None:
        """Have `heard` told of new tokens as soon as each step of a reply has made them; None ends that.

        A timing scenario reads its clock there. A model that tells of none has no time to first token; what it answers must not
        depend on whether anybody listens. What is told of a reply adds up to its `new_tokens`, and one more for an end token that
        was made: the step is in the time. A count below zero takes back what was told of a reply that broke off and was begun
        anew: its first token is still to come.
        """
        self.listener = heard

    def client_overhead_seconds(self, qps: float | None = None) -> float | None:
        """Seconds of an answer that are the client's own, measured at this rate (None: one request after another).

        None where there is no client between the clock and the model. Called once the model is loaded, beside no other measurement.
        """
        return None

    def caveats(self) -> list[str]:
        """What a reader of the times must know that this model's client saw since `hear` was called last, a line each."""
        return []

    def submit(self, request: Request) -> Future[Prediction]:
        """Begin to answer this request beside those that are under way, and return at once; only where it `takes_at_once`.

        The future ends when the answer is there, in whatever thread: the time is read at that moment, so that nothing which is
        not the answer's own may be done before. What is wrong with one request is its prediction's error; an exception ends the
        measurement. A future that is cancelled asks for no answer any more. Requests are submitted by one thread, at their
        scheduled times; `hear` is told of each from any thread.
        """
        raise NotImplementedError(f"{type(self).__name__} answers only by predict(), one call at a time")

    def forget(self) -> None:
        """Forget what was computed from requests: a timing begins with it, and repeats no request without it.

        A model that keeps results of requests beyond the call that made them lets go of them here; one that does not is found out
        by the timing's audit. What comes of the weights alone stays. Here: nothing is kept.
        """

    def free(self) -> None:
        """Let go of memory that is held in reserve; called when a batch did not fit."""

    def describe(self) -> Mapping[str, Json]:
        """What of the way it computes belongs in the run's record, once it has answered."""
        return {}

    def sync(self) -> None:
        """Wait until the device has finished; the stopwatch calls it before each reading."""

    def device_memory_bytes(self) -> int | None:
        """The peak of device memory, None where the device has none of its own."""
        return None

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """The batch in pieces, each of which is computed by itself: what a crash may lose, and the company of a request.

        Called once the model is loaded. They may depend on the batch and on what the model is, never on what was computed before: a
        run that goes on must find the same pieces. Here: in their order, up to `unit_tokens` by their costs.
        """
        return by_tokens(batch, self.cost, self.unit_tokens)

    @abstractmethod
    def predict(self, batch: Sequence[Request]) -> Answered:
        """One prediction a request: a list of them, or an iterator that gives each, or some at once, as soon as it is finished.

        They may come in any order; each is kept when it comes. An exception fails only the requests that raise it when asked alone.
        """
