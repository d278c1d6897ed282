"""`bench status`: what runs here, how far it is, and what stopped."""

from __future__ import annotations

import argparse
import datetime
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.runs.state import State

_LAST_LINES = 5  # of the log


def main(options: argparse.Namespace) -> int:
    """Print the runs that are under way or stopped, and count those that are complete; with a reference, all of that one."""
    from bench.artifacts.turn import owners
    from bench.commands.shared import output
    from bench.commands.shared.folders import any_folder
    from bench.runs.state import COMPLETE, state_of, states

    if options.reference:
        found = [_with_queue(state_of(any_folder(options.reference, options.runs)))]
    elif not options.runs.is_dir():
        raise BenchError(f"the runs directory {options.runs} does not exist; name it with --runs or BENCH_RUNS")
    else:
        found = [_with_queue(one) for one in states(options.runs)]
    if options.json:
        output.emit({"runs": [_json(one) for one in found], "fetching": [vars(one) for one in owners()]})
    elif options.reference:
        for line in _whole(found[0]):
            tell(line)
    else:
        for owner in owners():
            tell(f"{owner}: {owner.what}")
        _table([one for one in found if one.state != COMPLETE], len([one for one in found if one.state == COMPLETE]))
    return 0


def _with_queue(one: State) -> State:
    """How a run stands, also where its parts wait for Slurm to begin them."""
    from bench.launch.slurm import states
    from bench.runs.state import QUEUED, STOPPED

    waiting = one.state == STOPPED and any(states(one.folder).values())
    return replace(one, state=QUEUED, error="") if waiting else one


def _table(found: Sequence[State], n_complete: int) -> None:
    from bench.commands.shared import tables
    from bench.commands.shared.pace import rate_text, seconds_text
    from bench.text.table import ALWAYS, Column

    columns = [
        Column("run", ALWAYS, False, 24), Column("state", ALWAYS, False, 10), Column("answers", ALWAYS, True, 10),
        Column("rate", 4, True, 8), Column("left", 5, True, 8), Column("last sign", 3, False, 16), Column("why", 6, False, 30),
    ]  # fmt: skip
    rows = [
        tables.Row(
            [
                f"  {_part(one)}" if one.is_part else one.name, one.state, _answers(one), rate_text(one.rate) if one.rate else "",
                seconds_text(one.left) if one.left else "", _when(one.touched),
                _why(one),
            ]
        )
        for whole in found for one in (whole, *whole.parts)
    ]  # fmt: skip
    if rows:
        tables.show("runs that are not complete", columns, rows)
    tell(f"{len(found)} runs are under way or stopped, {n_complete} are complete; `bench status RUN` says more of one")


def _part(one: State) -> str:
    """What a part is called below its run: "part 3/8"."""
    return " ".join(one.name.split(" ")[-2:])


def _why(one: State) -> str:
    """What a person should know of a run that is not complete: what it does beside answering, what ended it, what failed."""
    failed = f"{one.failed:,} examples failed, the last by {one.last_error}" if one.failed else ""
    return "; ".join(filter(None, [one.doing and f"at {one.doing}" if one.owner else one.error, failed]))


def _answers(one: State) -> str:
    if one.done is None:
        return ""
    return f"{one.done:,} of {one.n:,}" if one.n else f"{one.done:,}"


def _when(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ") if moment else ""


def _whole(one: State) -> Iterator[str]:
    """All that is known of one run, a line each."""
    from bench.commands.shared.pace import rate_text, seconds_text
    from bench.launch.slurm import RUN, launched, states
    from bench.logs.log import FILE
    from bench.runs.state import COMPLETE, STOPPED

    yield f"{one.name}: {one.state}" + (f", {_answers(one)} answers" if _answers(one) else "")
    facts = {
        "folder": str(one.folder),
        "attempt": str(one.attempt or ""),
        "under way for": seconds_text(one.seconds) if one.seconds is not None else "",
        "doing": one.doing,
        "rate": rate_text(one.rate) if one.rate else "",
        "time left": seconds_text(one.left) if one.left else "",
        "lock": f"held by {one.owner}" if one.owner else "free",
        "last sign": _when(one.touched),
        "ended by": one.error,
        "failed in this attempt": f"{one.failed:,} examples, the last by {one.last_error}" if one.failed else "",
    }
    yield from (f"  {name}: {said}" for name, said in facts.items() if said)
    for part in one.parts:
        how = part.error if part.state == STOPPED else rate_text(part.rate) if part.rate else ""
        log = f" (its log: {part.folder / FILE})" if part.state == STOPPED else ""
        said = filter(None, [part.state, _answers(part) and f"{_answers(part)} answers", how])
        yield f"  {_part(part)}: {', '.join(said)}{log}"
    there = {_part(part).partition(" ")[2] for part in one.parts}
    for name, state in (states(one.folder) if one.state != COMPLETE else {}).items():
        if name not in there and (state or name != RUN):
            what = "the job that makes them one run" if name == RUN else f"part {name}"
            yield f"  {what}: {state or 'is not in the queue'} (Slurm job {launched(one.folder)[name]})"
    if one.state == STOPPED:
        yield f"  the same command goes on from there: {one.command or 'its settings are in config.yaml'}"
    lines = _last_lines(one.folder / FILE)
    if lines:
        yield f"  the last lines of {one.folder / FILE}:"
        yield from (f"    {line}" for line in lines)
    for report in sorted(one.folder.glob("crash-*.txt"))[-1:]:
        yield f"  a fault of bench was reported in {report}"


def _last_lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=_LAST_LINES)]
    except OSError:
        return []


def _json(one: State) -> dict[str, Any]:
    owner = vars(one.owner) if one.owner else None
    return {
        "run": one.name, "folder": str(one.folder), "state": one.state, "done": one.done, "n": one.n, "rate": one.rate,
        "seconds_left": one.left, "attempt": one.attempt, "seconds": one.seconds, "doing": one.doing, "lock": owner,
        "error": one.error, "failed": one.failed, "last_error": one.last_error, "command": one.command,
        "last_sign": _when(one.touched), "parts": [_json(part) for part in one.parts],
    }  # fmt: skip
