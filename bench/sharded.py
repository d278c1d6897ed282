"""A part of a run, answered by a process of its own while others answer the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench import locks
from bench.engine import feed, reuse
from bench.engine.progress import SILENT, Progress, listening
from bench.engine.veil import Veiled
from bench.errors import BenchError
from bench.ground import Ground
from bench.models.base import Device
from bench.run import as_yaml, predict, source_here
from bench.runs import environment, journal, shards
from bench.runs import locks as run_locks
from bench.runs.attempt import Attempt
from bench.runs.folder import IDENTITY, RunFolder
from bench.runs.locks import LOCK, holder
from bench.runs.shards import Elsewhere, Part, Shard

Say = Callable[[str], None]
_PATIENCE_SECONDS = 600.0  # for whoever sees which parts there are: it may load the model meanwhile


def answer(
    ground: Ground, shard: Shard, *, progress: Progress | Callable[[int, int], object] = SILENT, say: Say = lambda line: None
) -> Part:  # fmt: skip
    """Answer one part of a run, as far as neither it nor the run itself has the answers; what is there stays.

    Parts of another count are taken into the run first, so that nothing is asked twice. Raises BenchError where the run or this
    part is under way in another process, or one of another count is.
    """
    asked, basis, model = ground.asked, ground.basis, ground.model
    settings, progress = basis.settings, listening(progress)
    numbers = shards.split(asked.examples, asked.request, model.cost, shard.of)
    with ExitStack() as held:
        with _arranging(ground, say):
            part = _begun(ground, shard, say)
            folder = RunFolder(part.path)
            held.enter_context(folder.opened(as_yaml(settings.config), ground.identity, basis.libraries))
            attempt = held.enter_context(Attempt(folder, model.sync))
            for line in _reused(ground, attempt):
                say(line)
            known = journal.recover(ground.folder.path, asked.place, say, asked.asked.by_id).ids
        elsewhere = Elsewhere(asked.place, numbers, shard.number, known, ground.folder)
        veiled = held.enter_context(Veiled(model, asked.asked))
        predict(ground, veiled, folder, attempt, source_here(basis)(veiled, attempt), progress, say, elsewhere)
        shards.finished(part, {
            "seconds": sum(one.seconds for one in folder.readings()),
            "environment": environment.describe() | basis.device.describe(),
            "computed": dict(model.describe()), "peak_memory_bytes": environment.peak_memory_bytes(),
            "device_memory_bytes": model.device_memory_bytes(),
        })  # fmt: skip
    return part


def to_come(ground: Ground, of: int) -> tuple[str, ...]:
    """The parts of this count that are not finished and whose examples the run itself has no answers to: "2/8"."""
    asked, there = ground.asked, {one.shard for one in shards.found_in(ground.folder.path) if one.is_done}
    numbers = shards.split(asked.examples, asked.request, ground.model.cost, of)
    open_ = {number for number in numbers if Shard(of, number) not in there}
    if open_:
        known = journal.ids_in(ground.folder.path)
        open_ = {
            number
            for number, one in zip(numbers, asked.examples, strict=True)
            if number in open_ and one.id not in known
        }
    return tuple(str(Shard(of, number)) for number in sorted(open_))


@contextmanager
def _arranging(ground: Ground, say: Say) -> Iterator[None]:
    """Be the one who sees which parts a run has, with the lock of the run itself: nobody else is at it."""
    folder = ground.folder
    try:
        (folder.path / shards.FOLDER).mkdir(parents=True, exist_ok=True)
        file = locks.opened(folder.path / shards.FOLDER / LOCK)
    except OSError as error:
        raise BenchError(
            f"run directory {folder.path} cannot be written ({error.strerror}); choose another with runs_dir= or BENCH_RUNS"
        ) from None
    try:
        until, told = time.monotonic() + _PATIENCE_SECONDS, False
        while not locks.taken(file):
            if time.monotonic() > until:
                raise BenchError(
                    f"{folder.path / shards.FOLDER} has been in use by {locks.owner(file)} for {_PATIENCE_SECONDS:.0f} s; wait for "
                    "it or end it (`bench status` shows it)"
                )
            if not told and time.monotonic() > until - _PATIENCE_SECONDS + 5:
                told = True
                say(f"waits for {locks.owner(file)}, which begins another part of the same run")
            time.sleep(0.05)
        with folder.opened(as_yaml(ground.basis.settings.config), ground.identity, ground.basis.libraries):
            yield
    finally:
        locks.let_go(file)


def _begun(ground: Ground, shard: Shard, say: Say) -> Part:
    """The part's folder, behind parts of other counts, which are taken into the run."""
    folder, asked = ground.folder, ground.asked
    same = next((one.together for one in shards.found_in(folder.path) if one.shard.of == shard.of), "")
    if n := shards.take_in(folder, ground.identity, asked.place, asked.asked.by_id, say, but=same):
        say(
            f"{'/'.join(folder.path.parts[-3:])}: took in the answers of {n} part{'s' if n > 1 else ''} of another count"
        )
    return shards.begun(folder.path, shard)


def _reused(ground: Ground, attempt: Attempt) -> list[str]:
    """What a run that begins takes over from others, into its own journal: no part asks that."""
    if any(
        one.is_done or holder(one.path)
        for one in shards.found_in(ground.folder.path)
        if one.path != attempt.folder.path
    ):
        return []  # who began the first part did it
    model, basis = ground.model, ground.basis
    return reuse.begin(
        ground.folder, ground.identity, ground.asked, model, basis.settings,
        lambda: feed.load(model, basis.device, basis.settings.seed, attempt.watch),
    )  # fmt: skip


def device_of(path: Path) -> Device:
    """What the parts of a run were computed on, which need not be here; raises BenchError where nobody can tell."""
    its = RunFolder(path).identity()
    if its is None:
        raise BenchError(f"{path / IDENTITY} cannot be read, so nobody can tell what the run was asked; run it again")
    return Device(its.device, its.dtype, environment.physical_cores() if its.dtype != "none" else 1)


def mergeable(ground: Ground, path: Path, say: Say) -> Ground:
    """The ground of the run in this folder, once it is sure that it has every answer, or its parts have.

    Raises BenchError where the run stands on other data, requests or model than there are now, and where answers are missing.
    """
    folder, asked = RunFolder(path), ground.asked
    its = folder.identity()
    if its != ground.identity:
        other = [name for name, value in vars(ground.identity).items() if its is None or getattr(its, name) != value]
        raise BenchError(
            f"{'/'.join(path.absolute().parts[-3:])} stands on another {', '.join(other)} than there is now; bring back what its "
            "parts were answered on, or run it again"
        )
    ground = replace(ground, folder=folder)
    if folder.complete:
        return ground
    with folder.locked():
        there = journal.recover(path, asked.place, say, asked.asked.by_id).ids
        parts = shards.found_in(path)
        for one in parts:
            shards.refuse_other(one, path, ground.identity)
        known = [_answered(one, ground, say) for one in parts]
    missing = [one.id for one in asked.examples if one.id not in there and not any(one.id in ids for ids in known)]
    if not missing:
        return ground
    lacking = _lacking(ground, parts, missing) or "no part of it is there"
    raise BenchError(
        f"{'/'.join(folder.path.parts[-3:])} has {len(asked.examples) - len(missing):,} of {len(asked.examples):,} answers; "
        f"{lacking}; `bench run` with the same settings and without shard= asks what is missing, with shard=NUMBER/PARTS that of "
        "one part"
    )


def _answered(part: Part, ground: Ground, say: Say) -> Set[str]:
    """The ids of what a part has answered; raises BenchError where it is under way."""
    with run_locks.locked(part.path):
        return shards.recovered(part, ground.asked.place, say, ground.asked.asked.by_id)


def _lacking(ground: Ground, parts: Sequence[Part], missing: Sequence[str]) -> str:
    """Which parts lack how many answers, by the largest count of parts that is there."""
    if not parts:
        return ""
    asked, of = ground.asked, parts[-1].shard.of
    numbers = shards.split(asked.examples, asked.request, ground.model.cost, of)
    lacks: dict[int, int] = {}
    for key in missing:
        lacks[numbers[asked.place[key]]] = lacks.get(numbers[asked.place[key]], 0) + 1
    there = {one.shard.number: one for one in parts if one.shard.of == of}
    said = []
    for number, n in sorted(lacks.items()):
        one = there.get(number)
        how = "is not there" if one is None else f"lacks {n:,}"
        if one is not None and (owner := holder(one.path)):
            how += f" and is under way ({owner})"
        said.append(f"part {number}/{of} {how}")
    return ", ".join(said[:8]) + (f" and {len(said) - 8} more" if len(said) > 8 else "")
