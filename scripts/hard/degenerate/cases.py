"""Each kind of degenerate data, built of the examples of every task, and what all its metrics make of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from bench.errors import BenchError
from bench.record import Score
from bench.scoring.measure import score
from bench.task import Task
from bench.types import Choose, Example, Json, Prediction, Regress
from scripts.hard.degenerate.known import MOST, tasks
from scripts.hard.degenerate.sound import faults
from scripts.hard.row import Row, Scale, counted

Case: TypeAlias = tuple[list[Example], list[Prediction]]
RESAMPLES = 50


def right(task: Task, examples: Sequence[Example]) -> list[Prediction]:
    """What a perfect model would say of each."""
    return [replace(task.ideal(one), id=one.id) for one in examples]


def same(task: Task, examples: Sequence[Example]) -> list[Prediction]:
    """To each what is right for the first."""
    first = task.ideal(examples[0])
    return [replace(first, id=one.id) for one in examples]


def wrong(task: Task, examples: Sequence[Example]) -> list[Prediction]:
    """Something that is of the right kind and of none of them."""
    return [replace(_wrong(task, one), id=one.id) for one in examples]


def _wrong(task: Task, example: Example) -> Prediction:
    output = task.request(example).output
    if isinstance(output, Regress):
        ideal = task.ideal(example).values or {}
        scales = zip(output.names, output.low, output.high, strict=True)
        far = {name: low if ideal.get(name, high) > (low + high) / 2 else high for name, low, high in scales}
        return Prediction(example.id, values=far)
    if isinstance(output, Choose):
        scores = task.ideal(example).label_scores or {}
        others = [label for label in output.labels if label != max(scores, key=lambda one: scores[one], default="")]
        return Prediction(example.id, label_scores={label: float(label == others[0]) for label in output.labels})
    return Prediction(example.id, text="zzz qqq")


def failed(task: Task, examples: Sequence[Example]) -> list[Prediction]:
    """An error for each."""
    return [Prediction(one.id, error="a fault") for one in examples]


def empty(task: Task, examples: Sequence[Example]) -> list[Prediction]:
    """No word for each."""
    return [Prediction(one.id, text="") for one in examples]


def malformed(task: Task, examples: Sequence[Example]) -> list[Prediction]:
    """For each what has no answer's shape."""
    return [Prediction(one.id, answer={"no": ["such", {"answer": 1}]}) for one in examples]


def odd_numbers(task: Task, examples: Sequence[Example]) -> list[Prediction]:
    """Numbers that are none, and scores of labels that are."""
    draw = ("inf", "nan", "-0.0", "1e308")
    return [Prediction(one.id, text=draw[i % len(draw)] + " million") for i, one in enumerate(examples)]


Answers: TypeAlias = Callable[[Task, Sequence[Example]], list[Prediction]]
ANSWERS: dict[str, Answers] = {
    "all right": right, "all wrong": wrong, "constant answers": same, "all failed": failed, "all empty": empty,
    "all malformed": malformed, "no numbers": odd_numbers,
}  # fmt: skip


def spread(examples: Sequence[Example], n: int, clusters: int) -> list[Example]:
    """So many examples, the given ones again and again, in so many clusters."""
    return [
        moved(replace(examples[i % len(examples)], id=f"x{i}"), f"c{i % clusters if i < n - 1 else clusters - 1}") for i in range(n)
    ]  # fmt: skip


def moved(example: Example, cluster: str) -> Example:
    """The example in another cluster, which its references may name too."""
    target = example.target
    if hasattr(target, "cluster"):
        target = type(target)(target, key=f"{target.key} {example.id}", cluster=cluster, shown=target.shown)
    return replace(example, cluster=cluster, target=target)


def data(task: Task) -> dict[str, list[Example]]:
    """Kinds of examples: few, of one cluster, all alike, of one target each."""
    own = list(task.examples()[:MOST])
    own = [replace(one, target=one.target[:40]) for one in own[:3]] if task.name == "earnings21" else own
    first, n = own[:1], max(MOST, len(own))
    return {
        "n = 1": spread(own, 1, 1), "n = 2": spread(own, 2, 2), "one cluster": spread(own, n, 1),
        "one cluster but for one example": [moved(one, "c0" if i else "c1") for i, one in enumerate(spread(own, n, 1))],
        "constant targets": spread(first, n, n), "constant targets in 6 clusters": spread(first, 18, 6),
        "each example a cluster": spread(own, n, n),
    }  # fmt: skip


def chosen(scale: Scale, place: int, found: dict[str, list[Example]]) -> dict[str, list[Example]]:
    """All kinds of examples, or in the short version one of them, another one for each task."""
    kind = list(found)[place % len(found)]
    return found if scale.long else {kind: found[kind]}


def scored(task: Task, case: Case, resamples: int = RESAMPLES) -> tuple[Score, ...]:
    """All metrics of the task."""
    return score(task, case[0], case[1], resamples=resamples, seed=0)


def tried(scale: Scale) -> Iterator[Row]:
    """A row for each kind of answers over all kinds of examples: a try is a metric on one of them."""
    known = tasks(scale.folder)
    kinds = {name: chosen(scale, place, data(task)) for place, (name, task) in enumerate(known.items())}
    undefined: dict[tuple[str, str], dict[str, str]] = {}
    n_kinds = len({kind for found in kinds.values() for kind in found})
    for said, answers in ANSWERS.items():
        verdicts: list[str] = []
        for name, task in known.items():
            for kind, examples in kinds[name].items():
                place = f"{kind}, {said}"
                try:
                    found = scored(task, (examples, answers(task, examples)))
                except Exception as error:
                    verdicts += [f"{place}: {task.name}: {type(error).__name__}: {str(error)[:160]}"]
                    continue
                clusters = len({one.cluster for one in examples})
                for metric, one in zip(task.metrics, found, strict=True):
                    wrong_with = [f"{place}: {fault}" for fault in faults(task, metric, one, clusters)]
                    verdicts.append("; ".join(wrong_with))
                for one in found:
                    state = one.note.partition(": ")[0] if one.value is None else "defined"
                    undefined.setdefault((f"{task.name} {one.metric}", kind), {})[said] = state
        yield counted(
            f"{said}: every metric of {len(known)} tasks on {n_kinds} kinds of few or equal examples", verdicts
        )
    yield counted("whether a score is defined depends on the references alone", [*map(_one_answer, undefined.items())])
    yield counted("no examples at all: one line", [_nothing(task) for task in known.values()])


def _one_answer(item: tuple[tuple[str, str], dict[str, str]]) -> str:
    """Some answers lack what a metric needs, which is absent then; that aside all are defined, or none."""
    (metric, kind), found = item
    states = set(found.values()) - {"absent"}
    return "" if len(states) < 2 else f"{metric}, {kind}: {found}"


def _nothing(task: Task) -> str:
    try:
        scored(task, ([], []))
    except BenchError as error:
        return "" if "\n" not in str(error) else f"{task.name}: {error}"
    except Exception as error:
        return f"{task.name}: {type(error).__name__}: {str(error)[:160]}"
    return f"{task.name}: no examples have scores"


def drawn_answer(task: Task, example: Example, other: Example, draw: random.Random) -> Prediction:
    """One answer of any kind."""
    kind: Json = draw.choice([right, wrong, failed, empty, malformed, odd_numbers, None])
    if kind is None:
        return replace(task.ideal(other), id=example.id)
    (found,) = kind(task, [example])
    return found
