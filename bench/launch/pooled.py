"""Answers of a run from workers that pull units: two at hand with each, every group taken when it comes, a lost one's asked again.

The units are those of one process, in its order, so that a request has the company that it has there. Nothing here knows who the
workers are (`bench.launch.crew.Crew`).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.engine.feed import Unit, asked_by_ones, rest
from bench.engine.source import Answered, Counts, Waves
from bench.engine.veil import Named, Veiled, fault_of
from bench.errors import BenchError
from bench.ground import Ground
from bench.launch.crew import (
    Came,
    Crew,
    Cut,
    Facts,
    Fault,
    Gone,
    Held,
    Lost,
    Over,
    Ready,
    Refused,
    Work,
    other_versions,
    packed,
)
from bench.logs.log import log
from bench.models.base import Model, by_tokens
from bench.record import Timing
from bench.runs import shards
from bench.runs.attempt import Attempt
from bench.types import Json, Prediction, Request

_AT_ONCE = 2  # units with each worker: the one that it answers, and the next
_TRIES = 3  # how often workers may be lost at the same unit, and at the same request alone
_STARTS = 3  # how often one may be lost in a row before its model is loaded


@dataclass
class _Asked:
    """A unit that is to be asked or under way: what of it has come, and how many workers were lost at it."""

    unit: Unit
    named: Named | None = None
    came: set[str] = field(default_factory=set)
    losses: int = 0


@dataclass
class _Worker:
    """What is known of a worker: its facts once it is ready, its unit under way and the next, and what it has done."""

    facts: Facts | None = None
    asked: deque[int] = field(default_factory=deque)
    said: dict[str, Json] = field(default_factory=dict)
    seconds: float = 0.0
    n: int = 0

    def takes(self, facts: Facts) -> None:
        """It is ready."""
        self.facts = facts
        self.said = {"environment": dict(facts.environment)} | self._most(facts.held)

    def holds(self, held: Held) -> None:
        """It has answered a unit."""
        self.said |= self._most(held)

    def _most(self, held: Held) -> dict[str, Json]:
        device = [one for one in (held.device, self.said.get("device_memory_bytes")) if one is not None]
        return {
            "computed": dict(held.computed), "peak_memory_bytes": max(held.peak, self.said.get("peak_memory_bytes", 0)),
            "device_memory_bytes": max(device, default=None),
        }  # fmt: skip


class Pooled:
    """A `Source` that is a crew of workers, started when the first answer is needed and let go behind the last."""

    def __init__(self, crew: Crew, ground: Ground, work: Work, say: Callable[[str], None]) -> None:
        self._crew, self._ground, self._work, self._say = crew, ground, work, say
        self._workers: dict[int, _Worker] = {}
        self._tickets: dict[int, _Asked] = {}
        self._again: deque[_Asked] = deque()
        self._cutting: tuple[int, int] | None = None  # the worker that cuts a batch, and the ticket
        self._cut: Sequence[Sequence[int]] | None = None  # how it was cut
        self._out: deque[tuple[Unit, list[Prediction], Timing]] = deque()
        self._last = self._stillborn = 0
        self._token = secrets.token_hex(4)
        self._other: list[Mapping[str, str]] = []  # libraries of workers that were spoken of

    def __call__(self, veiled: Veiled, attempt: Attempt) -> Pooled:
        """Be who answers this attempt at the run."""
        self._veiled, self._attempt = veiled, attempt
        self._alone = asked_by_ones(veiled, self._ground.basis.device)
        return self

    # What a run asks of a source.

    def load(self) -> None:
        """Start the workers, and wait for the first; raises BenchError where none can be had."""
        if not self._workers:
            self._crew.begin(replace(self._work, ideal=self._veiled.known(self._ground.ideal)))
            self._workers = {number: _Worker() for number in range(1, self._crew.n + 1)}
        while not self._ready():
            self._step()
        _tell_context(self._ground.model, self._first().context)

    def reveal(self, ideal: Mapping[str, Prediction]) -> None:
        """The workers have it, before their model is asked: see `Work.ideal`."""

    def cost(self, request: Request) -> int:
        """As the model says, which need not be loaded for it."""
        return self._veiled.cost(request)

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """As the model of a worker cuts it."""
        facts = self._first()
        if not facts.cuts:
            return by_tokens(batch, self._veiled.cost, facts.unit_tokens)
        parcel, _ = self._veiled.handed(batch, packed)
        while self._cut is None:
            while not (ready := self._ready()):
                self._step()
            self._cutting = min(ready, key=lambda one: len(self._workers[one].asked)), self._ticket()
            self._crew.cut(*self._cutting, parcel)
            while self._cutting is not None:
                self._step()
        cut, self._cut = self._cut, None
        return [[batch[at] for at in unit] for unit in cut]

    def answers(self, waves: Waves, counts: Counts) -> Answered:
        """See `Source`: the groups of a wave as they come; what has come is given on before any error."""
        self._counts = counts
        try:
            for wave in waves:
                while True:
                    try:
                        self._fill(wave)
                    except BaseException:
                        yield from self._arrived()
                        raise
                    yield from self._arrived()
                    if not self._tickets and not self._again:
                        break
                    self._step()
        finally:
            self._tell()
        if self._workers:
            self._crew.rest()
            self._workers = {}

    def _arrived(self) -> Answered:
        while self._out:
            unit, group, reading = self._out.popleft()
            self._attempt.watch.record(reading)
            if group:
                yield unit, group

    # Giving.

    def _fill(self, wave: Iterator[Unit]) -> None:
        """Give every worker that is ready what it can have, first what was asked of a lost one."""
        while free := [one for one in self._ready() if len(self._workers[one].asked) < _AT_ONCE]:
            if not self._again:
                unit = next(wave, None)  # which may have a worker cut it, with events meanwhile
                if unit is None:
                    return
                self._again.append(_Asked(unit))
                continue
            asked = self._again.popleft()
            if asked.losses >= _TRIES:
                self._fail(asked)
                continue
            worker = min(free, key=lambda one: (len(self._workers[one].asked), one))
            parcel, asked.named = self._veiled.handed(asked.unit.requests, packed)
            names = self._veiled.asked.names
            parcel = replace(
                parcel, faults={names[one.id]: fault for one in asked.unit.requests if (fault := fault_of(one))}
            )
            ticket = self._ticket()
            self._tickets[ticket] = asked
            self._workers[worker].asked.append(ticket)
            self._crew.ask(worker, ticket, parcel)

    def _fail(self, asked: _Asked) -> None:
        """The error of a request at which workers were lost that were asked it alone: as of a model that ends the program."""
        key = asked.unit.requests[0].id
        said = f"WorkerLost: {_TRIES} processes in a row ended while they answered it alone"
        self._came(asked, [Prediction(key, error=said)], 0.0, 0, min(self._workers))

    def _ticket(self) -> int:
        self._last += 1
        return self._last

    def _ready(self) -> list[int]:
        return [number for number, one in self._workers.items() if one.facts is not None]

    def _first(self) -> Facts:
        return next(one.facts for one in self._workers.values() if one.facts is not None)

    # What comes.

    def _step(self) -> None:
        """Wait for what comes next, and take it in; raises BenchError where it ends the run."""
        event = self._crew.next()
        if isinstance(event, Came | Over):
            self._answered(event)
        elif isinstance(event, Ready):
            self._begun(event)
        elif isinstance(event, Cut):
            if self._cutting == (event.worker, event.ticket):
                self._cutting, self._cut = None, event.units
        elif isinstance(event, Lost):
            self._lost(event)
        else:
            self._end(event)

    def _answered(self, event: Came | Over) -> None:
        asked = self._tickets.get(event.ticket)
        if asked is None:  # of a worker that was thought lost
            return
        if isinstance(event, Over):
            self._workers[event.worker].asked.remove(event.ticket)
            self._workers[event.worker].holds(event.held)
            del self._tickets[event.ticket]
            return
        group = asked.named.of(event.group) if asked.named else list(event.group)
        self._came(asked, group, event.seconds, event.halvings, event.worker)

    def _came(self, asked: _Asked, group: list[Prediction], seconds: float, halvings: int, worker: int) -> None:
        asked.came |= {one.id for one in group}
        counts = self._counts(group, halvings) if group else {"places": ()}
        reading = self._reading(worker, "predict", seconds, batch=asked.unit.position, **counts)
        self._workers[worker].n += len(group)
        self._out.append((asked.unit, group, reading))

    def _reading(self, worker: int, phase: str, seconds: float, before: float = 0.0, **counts: Any) -> Timing:
        """A reading of a worker that came now, or so many seconds `before`."""
        watch = self._attempt.watch
        since: dict[str, Any] = (
            {} if watch.origin is None else {"start": max(0.0, watch.clock() - watch.origin - seconds - before)}
        )
        self._workers[worker].seconds += seconds
        return Timing(watch.attempt, phase, seconds, part=self._key(worker), **counts, **since)

    def _key(self, worker: int) -> str:
        return f"{worker}/{self._crew.n} {self._token}"

    def _begun(self, event: Ready) -> None:
        """A worker has loaded the model: its readings, and what it computes with."""
        self._stillborn = 0
        facts, folder = event.facts, self._ground.folder
        self._workers[event.worker].takes(facts)
        behind = sum(one.seconds for one in facts.readings)
        for one in facts.readings:
            behind -= one.seconds
            self._attempt.watch.record(self._reading(event.worker, one.phase, one.seconds, behind))
        log.info("worker %d is ready, process %d on %s", event.worker, facts.pid, facts.node)
        if facts.libraries not in (self._work.libraries, *self._other):
            self._other.append(facts.libraries)
            folder.stand_on(self._ground.identity, [dict(facts.libraries)])
            self._say(
                f"a worker on {facts.node} computes under {', '.join(other_versions(self._work.libraries, facts.libraries))}"
            )
        self._tell()

    def _lost(self, event: Lost) -> None:
        """Have asked again what a worker had, and the worker started anew."""
        worker = self._workers[event.worker]
        log.warning("worker %d is lost: %s", event.worker, event.why)
        if self._cutting is not None and self._cutting[0] == event.worker:
            self._cutting = None
        if worker.facts is None and not event.with_node:
            self._stillborn += 1
        again: list[_Asked] = []
        for place, ticket in enumerate(worker.asked):
            asked = self._tickets.pop(ticket)
            asked.losses += place == 0 and not event.with_node
            again += self._left(asked)
        self._again.extendleft(reversed(again))
        worker.asked.clear()
        worker.facts = None
        if self._stillborn >= _STARTS:
            raise BenchError(
                f"{self._stillborn} workers in a row ended while they loaded model '{self._work.name}' ({event.why}); put that "
                "right and run the same command again: what was answered is kept"
            )
        self._crew.start(event.worker)

    def _left(self, asked: _Asked) -> list[_Asked]:
        """What of a unit is to be asked again: each request alone, where too many workers were lost at it."""
        left = rest(asked.unit, asked.came, self._alone)
        if left is None:
            return []
        if asked.losses < _TRIES or len(asked.unit.requests) == 1:
            return [_Asked(left, losses=asked.losses)]
        missing = [one for one in left.requests if one.id not in left.kept]
        return [_Asked(Unit(left.position, [one])) for one in missing]

    def _end(self, event: Refused | Fault | Gone) -> None:
        if isinstance(event, Fault):
            raise RuntimeError(f"worker {event.worker} failed:\n{event.trace}")
        if isinstance(event, Gone):
            raise BenchError(
                f"{event.why}; what was answered is kept, and the same command goes on with it, also with another launch="
            )
        asked = None if event.ticket is None else self._tickets.get(event.ticket)
        raise BenchError(asked.named.text(event.line) if asked is not None and asked.named is not None else event.line)

    def _tell(self) -> None:
        """Keep beside the run what is known of the workers, as of the parts of a run."""
        if not self._workers:
            return
        shards.say_known(self._ground.folder.path, [
            {
                **one.said, "seconds": one.seconds, "key": self._key(number), "n": one.n, "log": "",
                "shard": self._key(number).partition(" ")[0], "together": self._token,
            }
            for number, one in self._workers.items() if one.said
        ])  # fmt: skip


def _tell_context(model: Model, context: int | None) -> None:
    """Let a model that is not loaded here know how much it takes at once: answers of earlier runs are judged by it."""
    stages = getattr(model, "models", ())
    if stages:
        _tell_context(stages[-1], context)
    else:
        model.context = context
