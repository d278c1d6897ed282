"""How a local model is fed: batches of like length, each answer checked, each failure kept."""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from bench.engine.checked import checked
from bench.errors import BenchError, Place, out_of_memory, words_of, wrong
from bench.models.base import Device, Model
from bench.runs import spans
from bench.runs.timing import Stopwatch
from bench.types import Choose, Example, Generate, Prediction, Regress, Request, Transcribe

_REMEDY = "correct it and run the same command again: what was answered before is kept"
WINDOW = 512  # examples that are ordered together: long enough to batch alike, short enough to keep memory flat


@dataclass(frozen=True)
class Unit:
    """Requests that are computed together, the first of them at `position` in the plan; `kept` of them were answered before.

    `told` ends when the model was told of them: who asks them waits for it, and the wait is part of the time that they take.
    """

    position: int
    requests: list[Request]
    kept: frozenset[str] = frozenset()
    told: Future[None] | None = field(default=None, compare=False, repr=False)

    @cached_property
    def by_id(self) -> Mapping[str, Request]:
        """Each request by the id of its example."""
        return {request.id: request for request in self.requests}

    def wait(self) -> None:
        """Until the model was told; what is wrong with a request shows again when it is asked."""
        if self.told is not None:
            self.told.exception()


class Planner(Protocol):
    """What says how long a request is, and what of a batch is computed together: see `Model`."""

    def cost(self, request: Request) -> int:
        """About how many tokens."""

    def units(self, batch: Sequence[Request]) -> list[list[Request]]:
        """The batch in pieces."""


def units(
    examples: Sequence[Example],
    request: Callable[[Example], Request],
    model: Planner,
    *,
    batch_size: int,
    batch_tokens: int,
    done: Container[str] = (),
    names: Mapping[str, str] | None = None,
    alone: Callable[[Request], bool] = lambda request: False,
    position: int = 0,
) -> Iterator[Unit]:
    """What is still to do, in pieces: batches, as the model cuts them into units.

    A batch has at most `batch_size` requests and, unless it has but one, costs at most `batch_tokens`. The plan depends only
    on the examples, the model and these two, never on where an earlier attempt stopped: the company that a request is in can
    change its answer, so a resumed run must meet the same units. Of a unit that is partly `done` (ids) those requests are asked
    that are missing, if their answers are theirs `alone`; else all of it is asked again, and `kept` says which are there.

    What costs the same and is to be labelled or rated comes in the order of `names`, if they are given: the data's own may be
    that of the labels. `position` is that of the first example in a plan that has others before.
    """
    names = names or {}
    for start in range(0, len(examples), WINDOW):
        window = [examples[at] for at in range(start, min(start + WINDOW, len(examples)))]
        if all(example.id in done for example in window):
            position += len(window)
            continue
        for batch in _cut(_ordered(window, request, model, names), batch_size, batch_tokens):
            if all(one.id in done for one in batch):
                position += len(batch)
                continue
            for unit in model.units(batch):
                missing = [one for one in unit if one.id not in done]
                if missing and (len(missing) == len(unit) or all(map(alone, missing))):
                    yield Unit(position, missing)
                elif missing:
                    yield Unit(position, unit, frozenset(one.id for one in unit) - {one.id for one in missing})
                position += len(unit)


def rest(unit: Unit, answered: Container[str], alone: Callable[[Request], bool]) -> Unit | None:
    """What of a unit is to be asked again whose worker was lost, some of it `answered` (ids); None where all of it is.

    As in `units`, what is missing alone, or all of it where its company can change an answer.
    """
    missing = [one for one in unit.requests if one.id not in unit.kept and one.id not in answered]
    if not missing:
        return None
    if all(map(alone, missing)):
        return Unit(unit.position, missing)
    return Unit(unit.position, unit.requests, frozenset(unit.by_id) - {one.id for one in missing})


def is_alone(model: Model, device: Device) -> Callable[[Request], bool]:
    """Whether an answer is a request's own, whatever it is computed with: one asks again only what is missing.

    So it is where nothing here computes in numbers, and for text in float32, whose rounding changes no word; numbers change in
    their last digits there, and in half precision words do.
    """
    if model.answers_alone or not model.uses_device:
        return lambda request: True
    return lambda request: device.dtype == "float32" and isinstance(request.output, Generate | Transcribe)


def asked_by_ones(model: Model, device: Device) -> Callable[[Request], bool]:
    """Whether of a unit that was interrupted only what is missing is asked again.

    So it is where an answer is its request's alone, and where the model's engine chooses the company anew each time anyway.
    """
    return (lambda request: True) if model.schedules_itself else is_alone(model, device)


def _ordered(
    window: Sequence[Example], request: Callable[[Example], Request], model: Planner, names: Mapping[str, str]
) -> list[tuple[int, Request]]:
    """Requests with their costs, longest first: what does not fit in memory shows at once.

    What shares a passage, a page or a table stays together, placed by the longest of it: a model may compute it once.
    """
    asked = [request(example) for example in window]
    costs = [model.cost(one) for one in asked]
    own = [names.get(one.id, "") if isinstance(one.output, Choose | Regress) else "" for one in asked]
    longest: dict[str, int] = {}
    first: dict[str, str] = {}
    for example, cost, name in zip(window, costs, own, strict=True):
        longest[example.cluster] = max(cost, longest.get(example.cluster, 0))
        first[example.cluster] = min(name, first.get(example.cluster, name))
    seen = {cluster: (first[cluster], place) for place, cluster in enumerate(longest)}
    clusters = [example.cluster for example in window]
    order = sorted(range(len(window)), key=lambda i: (-longest[clusters[i]], seen[clusters[i]], -costs[i], own[i]))
    return [(costs[i], asked[i]) for i in order]


def _cut(ordered: Sequence[tuple[int, Request]], batch_size: int, batch_tokens: int) -> Iterator[list[Request]]:
    """As many batches as are needed, of about the same size: a small one at the end would cost as many steps as a large one."""
    total = sum(cost for cost, _ in ordered)
    n_batches = max(-(-len(ordered) // batch_size), -(-total // batch_tokens))
    fair_size, fair_tokens = -(-len(ordered) // n_batches), -(-total // n_batches)
    batch: list[Request] = []
    held = 0
    for cost, request in ordered:
        full = len(batch) == batch_size or held + cost > batch_tokens
        if batch and (full or (len(batch) >= fair_size and held >= fair_tokens)):
            yield batch
            batch, held = [], 0
        batch.append(request)
        held += cost
    if batch:
        yield batch


def ahead(plan: Iterator[Unit], model: Model) -> Iterator[Unit]:
    """The plan, with the model told of each unit while the one before is computed: see `Model.prepare`.

    A unit is given on before the model was told of it: see `Unit.wait`.
    """
    with ThreadPoolExecutor(
        1, thread_name_prefix="prepare"
    ) as thread:  # one, so that the model is told in the plan's order

        def told(unit: Unit | None) -> Unit | None:
            return unit and replace(unit, told=thread.submit(_prepare, model, unit))

        now = told(next(plan, None))
        while now is not None:
            then = told(next(plan, None))
            yield now
            now.wait()
            now = then


def _prepare(model: Model, unit: Unit) -> None:
    with spans.span("prepare unit", rows=len(unit.requests)):
        model.prepare(unit.requests)


def load(model: Model, device: Device, seed: int, watch: Stopwatch) -> None:
    """Load the model, if it is not yet loaded for this device and seed."""
    if model.loaded != (device, seed):
        with watch.phase("fit" if model.learns else "load"):
            try:
                model.load(device, seed=seed)
            except SystemExit as error:  # else the command would end with the code of a run that is done
                raise BenchError(f"the model ended the program while it was loaded (exit code {error.code})") from None
            except MemoryError:
                raise
            except Exception as error:
                behind = getattr(model, "model", None)  # the veil; of a model itself that may be what a library loaded
                own = type(behind if isinstance(behind, Model) else model)
                if own.__module__.startswith("bench."):
                    raise
                raise wrong(f"model {own.__name__}", Place("load()"), error, _REMEDY) from error
        model.loaded = device, seed


@dataclass
class Room:
    """How many requests were seen to fit in memory at once, None while all did; `halvings` counts those that did not."""

    at_most: int | None = None
    halvings: int = 0
    told: int = field(default=0, compare=False)

    def counted(self) -> int:
        """The halvings since the last time that this was asked."""
        new, self.told = self.halvings - self.told, self.halvings
        return new


def answer(model: Model, batch: Sequence[Request], name: str, room: Room | None = None) -> list[Prediction]:
    """One prediction a request, in their order: see `stream`."""
    found = {one.id: one for group in stream(model, batch, name, room) for one in group}
    return [found[request.id] for request in batch]


def in_turn(unit: Unit, model: Model, name: str, room: Room) -> Iterator[list[Prediction]]:
    """What `stream` gives for the unit, once the model was told of it."""
    unit.wait()
    yield from stream(model, unit.requests, name, room)


def stream(model: Model, batch: Sequence[Request], name: str, room: Room | None = None) -> Iterator[list[Prediction]]:
    """One prediction a request, in groups as they are finished; a request that fails has its `error` set.

    Where the model raises, what it has not answered is asked again in two halves, of which the first is kept when the second
    fails, and so on: one bad example costs no other. What did not fit in memory is remembered in `room` for the batches to come.
    Raises BenchError when the model answers a request twice, or not at all, or one that it was not asked; what it said
    before stays.
    """
    room = room or Room()
    if room.at_most is not None and len(batch) > room.at_most:
        pieces = [batch[start : start + room.at_most] for start in range(0, len(batch), room.at_most)]
        for piece in pieces:  # which may find that even less fits
            yield from stream(model, piece, name, room)
        return
    left = {request.id: request for request in batch}
    failure = yield from _asked(model, batch, name, left)
    if failure is None:
        return
    # Behind the `except`, so that the error's frames no longer hold the tensors that filled the memory.
    if failure.full:
        model.free()
        room.halvings += 1
        # One that is too large alone says nothing of the others.
        room.at_most = len(batch) // 2 if len(batch) > 1 else None
    rest = list(left.values())
    if len(batch) == 1 and rest:
        yield [Prediction(batch[0].id, error=failure.reason)]
        return
    half = -(-len(rest) // 2) if len(rest) < len(batch) else len(rest) // 2
    for part in filter(None, (rest[:half], rest[half:])):
        yield from stream(model, part, name, room)


@dataclass(frozen=True)
class _Failure:
    reason: str
    full: bool


def _asked(
    model: Model, batch: Sequence[Request], name: str, left: dict[str, Request]
) -> Generator[list[Prediction], None, _Failure | None]:
    """The checked groups of one call, each taken off what is `left`; what the model raised, None if it answered all."""
    try:
        for group in _groups(model.predict(batch), name):
            accepted, wrong = _accepted(group, left, batch)
            if accepted:
                yield accepted
            if wrong:
                raise BenchError(f"model '{name}' {wrong}; {_DUE}")
    except (BenchError, KeyboardInterrupt, GeneratorExit):
        raise
    except (
        BaseException
    ) as error:  # a model may raise anything, `sys.exit` too; the run goes on, the failure is counted
        return _Failure(f"{type(error).__name__}: {words_of(error)}"[:500], out_of_memory(error))
    if left:
        missing = f"gave no prediction for {len(left)} of {len(batch)} requests, {_few(left)}"
        raise BenchError(f"model '{name}' {missing}; {_DUE}")
    return None


_DUE = "it must give one a request; correct it and run the same command again: what it answered before is kept"


def _groups(found: object, name: str) -> Iterator[list[Prediction]]:
    """What a model gave, as groups: its list, or what its iterator gives one after another."""
    if isinstance(found, list):
        found = iter([found])
    if not isinstance(found, Iterator):
        raise BenchError(
            f"model '{name}' must return a list of Prediction or an iterator of them, got {str(found)[:80]}"
        )
    for group in found:
        several = group if isinstance(group, list) else [group]
        if not all(isinstance(one, Prediction) for one in several):
            raise BenchError(
                f"model '{name}' must return a list of Prediction or an iterator of them, got {str(group)[:80]}"
            )
        yield several


def _accepted(
    group: Sequence[Prediction], left: dict[str, Request], batch: Sequence[Request]
) -> tuple[list[Prediction], str]:
    """The checked predictions of a group up to the first that answers no request that is `left`, and what is wrong with that."""
    accepted: list[Prediction] = []
    for prediction in group:
        request = left.pop(prediction.id, None) if isinstance(prediction.id, str) else None
        if request is None:
            asked = any(one.id == prediction.id for one in batch)
            return accepted, f"answered {prediction.id!r} {'a second time' if asked else 'without being asked it'}"
        accepted.append(checked(request, prediction))
    return accepted, ""


def _few(left: Mapping[str, Request]) -> str:
    names = ", ".join(map(repr, list(left)[:3]))
    return f"among them {names}" if len(left) > 3 else names
