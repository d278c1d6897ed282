"""Random tiny data over every metric: sound scores, the same in any order, and none the surer for examples that come twice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from bench.metrics.metric import Metric, mean
from bench.record import Score
from bench.task import Task
from scripts.hard.degenerate.cases import Case, drawn_answer, moved, scored
from scripts.hard.degenerate.known import MOST, tasks
from scripts.hard.degenerate.sound import faults, same
from scripts.hard.row import Row, Scale, counted

_FEW = 40  # resamples: enough to go through all of it


def tried(scale: Scale) -> Iterator[Row]:
    """Rows for what holds of random tiny data; a try is a set of examples with all its task's metrics."""
    known = list(tasks(scale.folder).values())
    sound, ordered, twice = [], [], []
    for number in range(scale.n(150, 10_000)):
        draw = scale.draw(f"tiny {number}")
        task = known[number % len(known)]
        try:
            case, again = _drawn(task, draw)
            found = scored(task, case, _FEW)
            clusters = len({one.cluster for one in case[0]})
            wrong = [fault for m, s in zip(task.metrics, found, strict=True) for fault in faults(task, m, s, clusters)]
            sound.append(f"{number}: {'; '.join(wrong)}" if wrong else "")
            ordered.append(_in_another_order(task, case, found, again))
            twice.append(_twice(task, case, found))
        except Exception as error:
            sound.append(f"{number}: {task.name}: {type(error).__name__}: {str(error)[:160]}")
    yield counted(
        "random tiny data: in range, low ≤ value ≤ high, no interval without width, a reason where there is none", sound
    )
    yield counted("random tiny data in another order: the same values", ordered)
    yield counted("random tiny data, every example twice in its cluster: a mean is no surer", twice)


def _drawn(task: Task, draw: object) -> tuple[Case, list[int]]:
    import random

    assert isinstance(draw, random.Random)
    own = list(task.examples()[:MOST])
    own = [replace(one, target=one.target[:20]) for one in own[:2]] if task.name == "earnings21" else own
    n = draw.choice([1, 2, 3, 5, 6, 7, 8, 13])
    clusters = draw.choice([1, 2, 5, 6, 7, n])
    kept = own[: draw.choice([1, 2, len(own)])]
    examples = [moved(replace(draw.choice(kept), id=f"x{i}"), f"c{draw.randrange(clusters)}") for i in range(n)]
    said = [drawn_answer(task, one, draw.choice(own), draw) for one in examples]
    return (examples, said), draw.sample(range(n), n)


def _in_another_order(task: Task, case: Case, found: tuple[Score, ...], order: list[int]) -> str:
    """What differs; a contrast deals references out in the order of the data, and so may differ."""
    examples, said = case
    again = scored(task, ([examples[i] for i in order], said[::-1]), _FEW)
    pairs = [(a, b) for a, b in zip(found, again, strict=True) if not a.metric.endswith("_contrast")]
    return "; ".join(f"{task.name} {one}" for one in same([a for a, _ in pairs], [b for _, b in pairs]))


def _twice(task: Task, case: Case, found: tuple[Score, ...]) -> str:
    """Means whose interval changes where each example comes twice in its cluster."""
    examples, said = case
    more = [replace(one, id=f"{one.id} again") for one in examples]
    again = scored(task, ([*examples, *more], [*said, *(replace(one, id=f"{one.id} again") for one in said)]), _FEW)
    return "; ".join(
        f"{task.name} {a.metric}: [{a.low}, {a.high}] becomes [{b.low}, {b.high}]"
        for metric, a, b in zip(task.metrics, found, again, strict=True)
        if isinstance(metric, Metric) and metric.summarise is mean and metric.fit is None
        if not all(_near(x, y) for x, y in ((a.low, b.low), (a.high, b.high)))
    )


def _near(x: float | None, y: float | None) -> bool:
    return x is y or (x is not None and y is not None and math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9))
