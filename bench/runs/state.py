"""What a run's folder says of how it stands: under way, stopped, or complete; how far, how fast, and by what it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench.locks import Owner
from bench.logs.log import FILE as LOG
from bench.runs.folder import ARTIFACTS, CONFIG, RECORD
from bench.runs.heartbeat import ALIVE, BEAT_SECONDS, last_beat, last_facts
from bench.runs.journal import JOURNAL
from bench.runs.locks import holder

_MOST = 1e15  # of anything that is counted: what says more was damaged
_SILENT_SECONDS = 10 * BEAT_SECONDS  # without a sign of life: suspended, or on a machine that went away
TRAINING = "training.json"  # in the folder of a complete training
PARTS, ANSWERED = "shards", "part.json"  # the folder of a run's parts, and what one says of itself
QUEUED = "in the queue"  # of Slurm, which begins its parts
RUNNING, SILENT, STOPPED, COMPLETE = "running", "no sign of life", "stopped", "complete"


@dataclass(frozen=True)
class State:
    """How a run stands. `done` of `n` answers (None: unknown), `rate` answers a second, `seconds` since its attempt began.

    `doing` is the phase that is under way, `owner` who holds its lock, `error` what ended its last attempt, `failed` how many
    examples failed in that, the last by `last_error`, `command` what began it, `touched` when anything of it was written last
    (seconds since 1970). `parts` is how each part stands that a process of its own answers; the run's answers are with theirs, and
    it is under way while one of them is.
    """

    folder: Path
    state: str
    done: int | None = None
    n: int | None = None
    rate: float | None = None
    attempt: int | None = None
    seconds: float | None = None
    doing: str = ""
    owner: Owner | None = None
    error: str = ""
    failed: int = 0
    last_error: str = ""
    command: str = ""
    touched: float = 0.0
    parts: tuple[State, ...] = ()

    @property
    def name(self) -> str:
        """TASK/MODEL/RUN, of a part with its number."""
        if self.is_part:
            return f"{'/'.join(self.folder.parts[-5:-2])} part {self.folder.name.replace('-of-', '/')}"
        return "/".join(self.folder.parts[-3:])

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a run."""
        return self.folder.parent.name == PARTS

    @property
    def left(self) -> float | None:
        """The seconds that are left at this rate; None where nobody can know."""
        if self.state != RUNNING or not self.rate or self.done is None or not self.n:
            return None
        return max(0.0, (self.n - self.done) / self.rate)


def state_of(folder: Path) -> State:
    """How the run of this folder stands; reads what is small, and of a journal without a sign of life its lines."""
    sign = max(
        (folder, *folder.glob("seed-*")), key=lambda place: _touched(place / ALIVE)
    )  # a training has one for each seed
    owner, beat, facts = holder(folder), last_beat(sign), last_facts(sign)
    silent = time.time() - _touched(sign / ALIVE)
    if owner is not None:
        state = SILENT if beat and silent > _SILENT_SECONDS else RUNNING
    else:
        state = (
            COMPLETE
            if any((folder / name).exists() for name in (RECORD, TRAINING)) or _is_answered(folder)
            else STOPPED
        )
    done, n, rate = (_number(facts.get(name)) for name in ("done", "n", "rate"))
    error = str(facts.get("ended", ""))[:600]
    if state == STOPPED and not error:
        error = "killed, or its machine went down" if beat else "ended before its first attempt"
    if done is None and (state != COMPLETE or folder.parent.name == PARTS):
        done = _lines(folder / JOURNAL)
    attempt, seconds = beat or (None, None)
    found = State(
        folder, state, None if done is None else int(done), None if n is None else int(n), rate if state == RUNNING else None,
        attempt, seconds if owner else None, str(facts.get("doing", ""))[:40] if owner else "", owner,
        error if state == STOPPED else "", int(_number(facts.get("failed")) or 0), str(facts.get("last_error", ""))[:600],
        str(facts.get("command", ""))[:600],
        max(_touched(sign / ALIVE), *(_touched(folder / name) for name in (JOURNAL, RECORD, LOG, CONFIG))),
    )  # fmt: skip
    return _with_parts(found) if state != COMPLETE else found


def _with_parts(own: State) -> State:
    """How a run stands whose parts are answered by processes of their own."""
    paths = sorted((own.folder / PARTS).glob("[0-9]*-of-[0-9]*"), key=lambda path: (len(path.name), path.name))
    parts = tuple(state_of(path) for path in paths)
    if not parts:
        return own
    under_way = [one for one in parts if one.state == RUNNING]
    state = RUNNING if under_way else SILENT if any(one.state == SILENT for one in parts) else own.state
    rates = [one.rate for one in under_way if one.rate]
    last = max(parts, key=lambda one: one.touched)
    before, done = _lines(own.folder / JOURNAL) or 0, sum(one.done or 0 for one in parts)
    n = before + sum(one.n or 0 for one in parts) if all(one.n for one in parts) else None
    if before:  # a kill while parts were taken in leaves their answers in both
        known = _ids(own.folder / JOURNAL)
        done -= sum(one in known for part in parts for one in _ids(part.folder / JOURNAL))
    return replace(
        own, state=state, done=before + done, n=n,
        rate=sum(rates) if rates else None, parts=parts, touched=max(own.touched, last.touched),
        failed=sum(one.failed for one in parts), last_error=next((one.last_error for one in parts if one.last_error), ""),
        error=_lacking(parts) if state == STOPPED else "",
    )  # fmt: skip


def states(runs_dir: Path) -> Iterator[State]:
    """How each run below a runs directory stands, in order of path."""
    for path in sorted(runs_dir.glob(f"*/*/*/{CONFIG}")):
        if path.relative_to(runs_dir).parts[0] != ARTIFACTS:
            yield state_of(path.parent)


def _lacking(parts: Sequence[State]) -> str:
    """What of its parts keeps a run from being one."""
    of = max(int(one.folder.name.rpartition("-")[2]) for one in parts)
    there = {one.folder.name for one in parts}
    if gone := [f"{number}/{of}" for number in range(1, of + 1) if f"{number}-of-{of}" not in there]:
        return f"part {', '.join(gone[:8])}{' …' if len(gone) > 8 else ''} is not there"
    if stopped := next((one for one in parts if one.state == STOPPED), None):
        return f"part {stopped.folder.name.replace('-of-', '/')}: {stopped.error}"
    return "all parts are answered: `bench merge` makes them one run"


def _is_answered(folder: Path) -> bool:
    """Whether it is a part, all of which is answered."""
    try:
        path = folder / ANSWERED
        return (
            folder.parent.name == PARTS and path.is_file() and "seconds" in json.loads(path.read_text(encoding="utf-8"))
        )
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _lines(path: Path) -> int | None:
    """How many lines a file has; None for one that is not there or cannot be read."""
    if not path.is_file():  # a named pipe would keep us waiting
        return None
    try:
        with path.open("rb") as file:
            return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return None


def _ids(path: Path) -> set[str]:
    """The ids of the answers of a journal; those that cannot be read are left out."""
    found = set[str]()
    if not path.is_file():
        return found
    with suppress(OSError), path.open("rb") as file:
        for line in file:
            with suppress(ValueError, TypeError, KeyError, RecursionError):
                found.add(str(json.loads(line)["id"]))
    return found


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < _MOST:
        return None
    return float(value)
