"""What is right and wrong within an answer: recognised words beside those of the reference, fields of a page one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from bench.data.look import Look
from bench.metrics.entities import Field
from bench.metrics.field_values import same_printed, same_value
from bench.metrics.speech import marked
from bench.metrics.word_alignment import Step
from bench.task import Task
from bench.types import Example, Fields, Json, Transcribe

LONGEST = 3_000  # words of a reference that are marked: a page shows no more, and aligning takes the square of them

_NOBODY: Field = {"kind": "text", "texts": []}  # a field that was not asked for


def of(task: Task, example: Example, answer: Json) -> Mapping[str, Json]:
    """What a card shows of the answer beside it, {} where there is nothing to mark.

    It quotes the reference: not for data that may not be shown.
    """
    if example.target is None:
        return {}
    if isinstance(answer, str) and (reference := _reference(task, example)):
        return words(reference, answer)
    if issubclass(task.output, Fields) and isinstance(answer, Mapping) and (known := _known(example.target)):
        return {"fields": _fields(known, answer)}
    return {}


def _known(target: Json) -> Mapping[str, Field]:
    """The fields of a reference by name, as the metrics of entities take them; of {name: text} each is a text."""
    if isinstance(target, Mapping):
        return {
            name: {"kind": "text", "texts": [] if text in (None, "") else [str(text)]} for name, text in target.items()
        }
    if isinstance(target, list) and all(
        isinstance(one, Mapping) and {"name", "kind", "texts"} <= set(one) for one in target
    ):
        return {one["name"]: one for one in target}
    return {}


def _reference(task: Task, example: Example) -> Sequence[Json]:
    """The words that are to be recognised: those that the task tells, else its target where it asks for a transcript."""
    found = task.look(example).words
    if found or not issubclass(task.output, Transcribe):
        return found
    target = example.target
    if isinstance(target, str):
        return target.lower().split()
    return target if isinstance(target, list) and all(isinstance(one, str | Mapping) for one in target) else ()


def words(reference: Sequence[Json], answer: str) -> Mapping[str, Json]:
    """The recognised words in their order, as [kind, reference, said]; where neighbours are right, they are one."""
    if len(reference) > LONGEST:
        return {"unmarked": f"the reference has more than {LONGEST:,} words"}
    found = marked(reference, answer)
    if not found and answer.split():
        return {"unmarked": "far more was said than the reference holds"}
    counts = {kind: sum(step.kind == kind for step in found) for kind in ("substituted", "left out", "put in")}
    return {
        "words": [[kind, " ".join(a), " ".join(b)] for kind, a, b in _joined(found)],
        "of": sum(len(step.reference) for step in found),
        **counts,
    }


def _joined(found: Iterable[Step]) -> Iterable[tuple[str, list[str], list[str]]]:
    for kind, group in groupby(found, key=lambda step: step.kind):
        if kind == "right":
            said = [word for step in group for word in step.said]
            yield kind, said, said
        else:
            yield from ((kind, list(step.reference), list(step.said)) for step in group)


def _fields(known: Mapping[str, Field], answer: Mapping[str, Json]) -> list[Json]:
    """Each field as [name, reference, answer, verdict], those of the reference first."""
    names = [*known, *(name for name in answer if name not in known)]
    rows = []
    for name in names:
        field, said = known.get(name, _NOBODY), answer.get(name)
        printed = field["texts"][0] if field["texts"] else None
        rows.append([name, printed, said, _verdict(field, "" if said is None else str(said))])
    return rows


def _verdict(field: Field, said: str) -> str:
    """By the rule that the metrics count by: the printed value, or one that means the same."""
    if not field["texts"]:
        return "put in" if said else "right"
    if not said:
        return "left out"
    if same_printed(field, said):
        return "right"
    return "right in another form" if same_value(field, said) else "wrong"


def shown(look: Look) -> Mapping[str, Json]:
    """The places of a reference as the data's file holds them."""
    boxes = [[box.name, box.value, *map(float, box.box), box.picture] for box in look.boxes]
    return {"boxes": boxes} if boxes else {}
