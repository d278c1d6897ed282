"""Doing the damage: each subject in a process of its own, within bounds of time and memory, every input repeatable."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import random
import resource
import signal
import struct
import time
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st

from bench.errors import BenchError
from scripts.hard.damage.shaped import shaped
from scripts.hard.damage.spoiled import spoiled
from scripts.hard.damage.subject import Damage, Subject, commanded, unclear

_MEMORY = 4 * 2**30  # bytes above what the process has before the first input
_PATIENCE = 4  # times as long by the clock as of the processor
_SILENT = 90.0  # seconds without an input after which a process hangs where no signal reaches it
_KEPT = 2**20  # bytes of the input under way that are kept outside of the process
_MOST = 20  # failures of a subject, after which no more are written


class Hang(BaseException):
    """A call did not end in its time; no `except Exception` takes it."""


@dataclass
class Tried:
    """What came of a subject: inputs, of these refused and read and through the whole command, and why some did not survive."""

    tries: int = 0
    refused: int = 0
    commands: int = 0
    failures: list[str] = field(default_factory=list)
    n_failures: int = 0


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: Any) -> None:
        raise Hang

    # So long of the processor, which others may have; what waits for something that never comes ends by the clock.
    timers = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, _PATIENCE * seconds)}
    for number, (timer, most) in timers.items():
        signal.signal(number, ring)
        signal.setitimer(timer, most)
    try:
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)


class Trial:
    """The inputs of one subject, in the folder that is its own."""

    def __init__(self, subject: Subject, asked: Asked, now: mmap.mmap) -> None:
        self.subject, self.asked, self.now = subject, asked, now
        self.folder, self.seed = asked.folder, asked.seed
        self.found = Tried()

    def restore(self, *names: str) -> None:
        """Put files back as they were (all without a name)."""
        for name in names or self.subject.files:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.subject.files[name])

    def one(self, index: int, damage: Damage, *, whole: bool) -> None:
        """Try one input and keep what came of it; with `whole`, by the whole command too."""
        data = damage.data[: _KEPT - 16]
        self.now[: 16 + len(data)] = struct.pack("<qq", index, len(data)) + data
        if self.subject.writes:
            self.restore()
        (self.folder / damage.file).write_bytes(damage.data)
        said, refused = self._verdict(damage)
        if whole and not said and self.subject.command is not None:
            if self.subject.writes:
                self.restore()
                (self.folder / damage.file).write_bytes(damage.data)
            self.found.commands += 1
            said = self._bounded(lambda: commanded(self.subject, self.folder, damage, refused))
        self.restore(damage.file)
        self.found.tries += 1
        self.found.refused += bool(refused)
        if said:
            self.found.n_failures += 1
            if len(self.found.failures) < _MOST:
                place = _kept(self.subject, self.asked, index)
                place.write_bytes(damage.data)
                line = f"{self.subject.name} seed {self.seed} input {index} ({damage.what} of {damage.file}, in {place}): {said}"
                self.found.failures.append(line)

    def _verdict(self, damage: Damage) -> tuple[str, bool | None]:
        refused: list[bool] = []

        def judged() -> str:
            try:
                result = self.subject.read(self.folder)
            except BenchError as error:
                refused.append(True)
                return unclear(error, self.subject, damage)
            refused.append(False)
            return self.subject.wrong(self.folder, result, damage)

        said = self._bounded(judged)
        return said, refused[0] if refused else None

    def _bounded(self, call: Callable[[], str]) -> str:
        try:
            with _bounded(self.subject.seconds):
                return call()
        except Hang:
            return f"a hang: nothing after {self.subject.seconds:g} s"
        except MemoryError:
            return "out of memory"
        except Exception as error:
            frames = [f"{Path(one.filename).name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)][
                -4:
            ]
            return f"a traceback: {type(error).__name__}: {str(error)[:200]!r} ({' < '.join(reversed(frames))})"


def _inputs(trial: Trial, n: int, until: float, share: float) -> None:
    """Damage bytes for one half of the inputs, values for the other; `share` of them go through the whole command."""
    subject, names, draw = (
        trial.subject,
        trial.subject.targets,
        random.Random(f"{trial.seed} {trial.subject.name} which"),
    )
    by_values = 0 if subject.raw else n // 2
    first = 2 if n > 1000 else zlib.crc32(subject.name.encode()) % 4 == 0  # of few inputs, one of every fourth subject

    def is_whole(index: int) -> bool:
        return index < first or draw.random() < share

    def one(index: int, name: str, made: tuple[bytes, str]) -> bool:
        if made[1] and made[0] != subject.files[name]:
            trial.one(index, Damage(name, *made), whole=is_whole(index))
        return time.monotonic() > until

    half = time.monotonic() + (until - time.monotonic()) * (1 if subject.raw else 0.5)
    index = 0
    while trial.found.tries < n - by_values and time.monotonic() < half:
        source = random.Random(f"{trial.seed} {subject.name} {index}")
        name = source.choice(names)
        one(index, name, spoiled(source, subject.files[name]))
        index += 1
    missing = n - trial.found.tries
    if subject.raw or time.monotonic() > until:
        return
    counter = iter(range(10**6, 10**9))

    class Enough(BaseException):
        pass

    @hypothesis.seed(f"{trial.seed} {subject.name}")
    @hypothesis.settings(
        max_examples=max(1, round(missing * 1.1)), database=None, deadline=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(st.data())
    def of_values(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(names))
        if one(next(counter), name, shaped(data.draw, name, subject.files[name])) or trial.found.tries >= n:
            raise Enough

    with suppress(Enough):
        of_values()
    while trial.found.tries < n and time.monotonic() < until:  # what has no values: bytes again
        source = random.Random(f"{trial.seed} {subject.name} {index}")
        name = source.choice(names)
        one(index, name, spoiled(source, subject.files[name]))
        index += 1


def _child(subject: Subject, asked: Asked, now: mmap.mmap, out: Connection) -> None:
    folder = asked.folder
    nowhere = os.open(os.devnull, os.O_RDWR)
    if not os.environ.get("HARD_SHOW"):
        os.dup2(nowhere, 2)
    os.dup2(nowhere, 1)
    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + _MEMORY, resource.RLIM_INFINITY))
    os.environ["BENCH_CACHE"] = str(folder / "cache")
    trial = Trial(subject, asked, now)
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    trial.restore()
    try:
        _refuse_unsound(trial)
        _inputs(trial, asked.n, time.monotonic() + asked.seconds, asked.share)
    except Exception as error:
        trial.found.failures.append(
            f"{subject.name}: the trial itself broke off: {traceback.format_exception(error)[-6:]}"
        )
        trial.found.n_failures += 1
        trial.found.tries = max(1, trial.found.tries)
    out.send(vars(trial.found))


def _refuse_unsound(trial: Trial) -> None:
    """The files as they are have to be read, and be right: else no damage says anything."""
    name = trial.subject.targets[0]
    sound = Damage(name, trial.subject.files[name], "none")
    if said := trial._verdict(sound)[0]:
        raise ValueError(f"{trial.subject.name} is not read undamaged: {said}")
    trial.restore()


@dataclass(frozen=True)
class Asked:
    """What is tried of a subject: in which folder, how many inputs, in how many seconds, and which share as whole commands."""

    folder: Path
    seed: int
    n: int
    seconds: float
    share: float
    inputs: Path


class Going:
    """The process of one subject, watched from outside: it may hang where no signal reaches it, or end."""

    def __init__(self, subject: Subject, asked: Asked) -> None:
        self.subject, self.asked = subject, asked
        fork = multiprocessing.get_context("fork")
        self._now = mmap.mmap(-1, _KEPT)
        self.pipe, theirs = fork.Pipe(duplex=False)
        self._child = fork.Process(target=_child, args=(subject, asked, self._now, theirs))
        self._child.start()
        theirs.close()
        self._last, self._since = -1, time.monotonic()

    def ended(self) -> Tried | None:
        """What came of the inputs, once all were tried or the process is lost; None before."""
        found: Tried | None = None
        if self.pipe.poll():
            try:
                found = Tried(**self.pipe.recv())
            except EOFError:
                self._child.join()
                found = self._lost(f"its process ended ({self._child.exitcode})")
        elif self._is_silent():
            self._child.kill()
            found = self._lost("a hang that no signal ends")
        if found is not None:
            self._child.join()
            self.pipe.close()
        return found

    def _is_silent(self) -> bool:
        index = struct.unpack("<q", self._now[:8])[0]
        if index != self._last:
            self._last, self._since = index, time.monotonic()
        return time.monotonic() - self._since > _SILENT + _PATIENCE * self.subject.seconds

    def _lost(self, why: str) -> Tried:
        index, size = struct.unpack("<qq", self._now[:16])
        place = _kept(self.subject, self.asked, f"{index}-last")
        place.write_bytes(self._now[16 : 16 + size])
        return Tried(max(1, index % 10**6), 0, 0, [f"{self.subject.name}: {why} at input {index}, in {place}"], 1)


def tried(subjects: Iterable[tuple[Subject, Asked]], beside: int) -> Iterator[tuple[Subject, Tried]]:
    """What came of each subject, as they end; `beside` of them at once."""
    waiting = iter(subjects)
    going = [Going(*one) for one in islice(waiting, beside)]
    while going:
        wait([one.pipe for one in going], timeout=1)
        for place, one in enumerate(going):
            if (found := one.ended()) is not None:
                yield one.subject, found
                going[place : place + 1] = [Going(*more) for more in islice(waiting, 1)]
                break


def _kept(subject: Subject, asked: Asked, index: object) -> Path:
    return asked.inputs / f"{subject.name.replace(' ', '_').replace('/', '_')}-{asked.seed}-{index}"
