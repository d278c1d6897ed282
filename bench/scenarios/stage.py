"""What every scenario stands on: a model that is asked under a clock, each answer noted as it comes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.engine import feed
from bench.engine.asking import Asking
from bench.engine.progress import Progress
from bench.engine.veil import Veiled
from bench.models.base import Device
from bench.runs.settings import Settings
from bench.scenarios.clock import Watched
from bench.scenarios.raw_file import RawFile
from bench.text.secrets import clean
from bench.timing.raw import Answer
from bench.timing.settings import TimingSettings
from bench.types import Prediction, Request

Told = Callable[[Request, Prediction], None]


class Ear:
    """Hears of new tokens from any thread: when the first and the last of a request came, and how many."""

    def __init__(self, clock: Watched) -> None:
        self.clock = clock
        self.times: dict[str, tuple[float, float]] = {}
        self.heard: defaultdict[str, int] = defaultdict(int)

    def __call__(self, key: str, n: int) -> None:
        """So many new tokens of this request are there; below zero, so many are none of its answer's."""
        now = self.clock.now()
        self.heard[key] += n
        if n > 0:
            self.times[key] = self.times.get(key, (now, now))[0], now
        elif self.heard[key] <= 0:
            self.times.pop(key, None)

    def taken(self, key: str) -> tuple[float | None, float | None, int]:
        """What was heard of a request, which is forgotten."""
        return *self.times.pop(key, (None, None)), self.heard.pop(key, 0)

    def forget(self) -> None:
        """Forget all that was heard."""
        self.times.clear()
        self.heard.clear()


@dataclass
class Stage:
    """A loaded model with what it is asked. `told` is given each answer behind its time; `sync` waits for the device."""

    asked: Asking
    model: Veiled
    device: Device
    name: str
    settings: Settings
    timing: TimingSettings
    clock: Watched
    raw: RawFile
    progress: Progress
    sync: Callable[[], None]
    told: Told
    room: feed.Room = field(default_factory=feed.Room)
    noted: list[Answer] | None = None  # also here, where a list is
    right: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        self.ear = Ear(self.clock)

    def units(self) -> Iterator[feed.Unit]:
        """The plan of a quality run over all examples."""
        return feed.units(
            self.asked.examples, self.asked.request, self.model, batch_size=self.settings.batch_size,
            batch_tokens=self.settings.batch_tokens, names=self.asked.asked.names,
        )  # fmt: skip

    def begin(self) -> None:
        """Count from now on, with a model that remembers no request."""
        self.right = self.failed = 0
        self.model.forget()

    def ask(self, requests: Sequence[Request], due: Mapping[str, float] | None = None) -> None:
        """Ask these at once and note each answer when it comes; `due` is when each was scheduled, without it now."""
        self.sync()
        issued = self.clock.now()
        by_id = {request.id: request for request in requests}
        for group in feed.stream(self.model, requests, self.name, self.room):
            self.sync()
            ended = self.clock.now()
            for one in group:
                self.keep(by_id[one.id], one, due[one.id] if due else issued, issued, ended)

    def keep(self, request: Request, found: Prediction, scheduled: float, issued: float, ended: float) -> None:
        """Note a timed answer."""
        first, last, heard = self.ear.taken(found.id)
        issued = max(issued, scheduled)  # a wait may end a rounding too early
        ended = max(ended, issued)
        first, last = (one if one is None else min(max(one, issued), ended) for one in (first, last))
        answer = Answer(
            found.id, self.asked.place[found.id], scheduled, issued, first, ended, found.prompt_tokens, found.new_tokens,
            found.finish, heard, found.error and clean(found.error)[:500], last,
        )  # fmt: skip
        self.raw.answer(answer)
        if self.noted is not None:
            self.noted.append(answer)
        self.failed += found.error is not None
        self.right += found.error is None
        self.told(request, found)

    @property
    def hopeless(self) -> bool:
        """Whether so much fails that nothing can come of it."""
        return self.failed > max(10, self.right)
