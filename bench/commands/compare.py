"""`bench compare`: is the second of two runs better on the same examples, by how much, and where?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.text.shown import tell

if TYPE_CHECKING:
    from bench.judging.changes import Changes
    from bench.judging.compare import Comparison
    from bench.judging.pair import Side
    from bench.metrics.metric import AnyMetric


def main(options: argparse.Namespace) -> int:
    """Compare the runs in pairs and print what differs."""
    from bench.commands.shared import differences as compared
    from bench.commands.shared import output
    from bench.commands.shared.progress import Display
    from bench.judging.changes import changes
    from bench.judging.compare import corrected

    _check(options)
    with Display() as display:
        display.run("bench compare").doing("resamples")
        found, unpaired = _compared(options)
        comparisons = corrected([one for one, _ in found])
        changed = [changes(one, metric, options.examples) for one, (_, metric) in zip(comparisons, found, strict=True)]
    if options.json:
        record = {"pairs": [_record(*pair) for pair in zip(comparisons, changed, strict=True)], "unpaired": unpaired}
        output.emit(record)
        return 0
    for one, its_changes in zip(comparisons, changed, strict=True):
        compared.show(one, its_changes)
    if len(comparisons) > 1:
        compared.show_together(comparisons)
    for line in unpaired:
        tell(line)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Raise BenchError for numbers that mean nothing, and runs that make no pairs."""
    from bench.commands.shared.paired import in_range

    if len(options.references) % 2:
        raise BenchError(
            f"compare takes pairs of runs, A B or A B C D, got {len(options.references)}: {' '.join(options.references)}"
        )
    for name in ("examples", "resamples", "seed"):
        in_range(name, getattr(options, name), "--")


def _compared(options: argparse.Namespace) -> tuple[list[tuple[Comparison, AnyMetric]], list[str]]:
    """Each pair of one task with the metric that decides, and a line for each run that has no partner."""
    from bench.commands.shared.paired import of_sides
    from bench.commands.shared.references import resolve
    from bench.judging.pair import read_side

    found, unpaired = [], []
    for first, second in zip(options.references[::2], options.references[1::2], strict=True):
        a_sides, b_sides = ([read_side(folder) for folder in resolve(name, options.runs)] for name in (first, second))
        pairs, alone = _pairs(a_sides, b_sides, first, second)
        unpaired += alone
        for a, b in pairs:
            found.append(
                of_sides(
                    a,
                    b,
                    metric=options.metric,
                    on_shared=options.shared,
                    resamples=options.resamples,
                    seed=options.seed,
                )
            )
    return found, unpaired


def _pairs(a: Sequence[Side], b: Sequence[Side], first: str, second: str) -> tuple[list[tuple[Side, Side]], list[str]]:
    """One run with one run; several by task, with a line for each that has no partner."""
    if len(a) == len(b) == 1:
        return [(a[0], b[0])], []
    by_task = [_by_task(sides, name) for sides, name in ((a, first), (b, second))]
    both = [task for task in by_task[0] if task in by_task[1]]
    if not both:
        raise BenchError(
            f"{first} and {second} have no task in common: {', '.join(by_task[0])} and {', '.join(by_task[1])}"
        )
    alone = [
        f"{side.name} of {name} has no partner of its task"
        for tasks, name in zip(by_task, (first, second), strict=True)
        for task, side in tasks.items()
        if task not in both
    ]
    return [(by_task[0][task], by_task[1][task]) for task in both], alone


def _by_task(sides: Sequence[Side], name: str) -> dict[str, Side]:
    found: dict[str, Side] = {}
    for side in sides:
        if side.run.task in found:
            models = ", ".join(
                f"{name}#{one.run.task}/{one.run.model}" for one in sides if one.run.task == side.run.task
            )
            raise BenchError(f"{name} holds several runs of {side.run.task}; choose one of {models}")
        found[side.run.task] = side
    return found


def _record(comparison: Comparison, changed: Changes) -> dict[str, Any]:
    """What `--json` says of a pair: fractions as they are, never rounded."""
    from bench.judging.compare import better, machines

    return {
        "task": comparison.a.run.task, "task_version": comparison.a.run.task_version, "n": comparison.n,
        "a": _side_record(comparison.a), "b": _side_record(comparison.b), "better": better(comparison),
        "adjusted_p": comparison.adjusted_p, "metrics": [asdict(metric) for metric in comparison.metrics],
        "slices": [asdict(one) for one in comparison.slices], "changed": asdict(changed), "notes": list(comparison.notes),
        "machines": machines(comparison), "readings": _readings(comparison),
    }  # fmt: skip


def _readings(comparison: Comparison) -> list[dict[str, Any]]:
    """Each number of a scenario that both have: seconds, and by which share B takes longer, with 95 % bounds."""
    from bench.judging.readings import between, spread

    found = []
    for one in between(comparison.a, comparison.b):
        more, low, high = spread(one.found) if one.found else (None, None, None)
        found.append({"what": one.what, "a": one.expected, "b": one.value, "longer": more, "low": low, "high": high,
                      "n": one.n, "reason": one.reason})  # fmt: skip
    return found


def _side_record(side: Side) -> dict[str, Any]:
    from bench.leaderboard.alike import origin_of
    from bench.runs.claimed import is_claimed
    from bench.runs.rates import examples_per_second, seconds_per_answer

    run = side.run
    speed = {"examples_per_second": examples_per_second(run), "seconds_per_answer": seconds_per_answer(run)}
    claimed = is_claimed(run, "examples_per_second")
    return {
        "model": run.model, "run_id": run.run_id, "n": len(side.rows), "data_fingerprint": run.data_fingerprint,
        "origin": origin_of(run), **(dict.fromkeys(speed) if claimed else speed), "claimed": speed if claimed else {},
    }  # fmt: skip
