"""The one place where a prediction becomes a final answer: a model's, a journal's, a bundle's and an official file's alike."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import overload

from bench.data import shapes
from bench.errors import BenchError, authored
from bench.runs.compact import Marked, Numbered, Values
from bench.runs.endings import Endings
from bench.runs.identity import canonical
from bench.task import Malformed, Task, Unparsed
from bench.text.normal import by_line, scored
from bench.text.thinking import behind_thinking
from bench.types import Example, Json, Prediction

KEPT = "correct it and run the same command again: the predictions are kept, and no model is asked again"
FAILED = object()  # an answer that is not there; None may be a task's word for "no answer"
# What ended so with no word was never said: where "" means that there is no answer, it is none.
_CUT_OFF = {"length": "the reply was cut before its answer began", "refused": "the reply was refused"}
_RAW = ("text", "label_scores", "values")
_LONGEST = 4_000_000  # characters of a raw text, thoughts included


@dataclass(frozen=True)
class Read:
    """A final answer in the one shape that the task's metrics take, or `Malformed`.

    `parsed` is False where the task's parser found none, and `answer` is what is scored instead.
    """

    answer: Json
    parsed: bool = True


def final(task: Task, example: Example, prediction: Prediction) -> Json:
    """The final answer of a prediction without error, in the one shape that the task's metrics take, or `Malformed`."""
    return read(task, example, prediction).answer


def read(task: Task, example: Example, prediction: Prediction) -> Read:
    """The final answer of a prediction without error, and whether the task's parser found it.

    What was said raw is read by the task's parser. An `answer` beside it must be the same; alone it passes by the reader of
    the official format. The target is not looked at.
    """
    try:
        _refuse_raw(prediction)
        if all(getattr(prediction, name) is None for name in _RAW):
            if prediction.answer is None:
                raise ValueError(f"none of {', '.join(_RAW)}, answer is given")
            return Read(task.checked(example, prediction.answer))
    except ValueError as error:
        return Read(Malformed(str(error)))
    if prediction.text is not None:
        text = behind_thinking(prediction.text)
        if text is None:
            return Read(Malformed("the reply ends within its thinking, before any answer"))
        if prediction.finish in _CUT_OFF and prediction.span is None and not text.strip():
            return Read(Malformed(_CUT_OFF[prediction.finish]))
        prediction = prediction.but(text=text)
    parsed = task.answer(prediction)  # whoever calls says whose fault it is where this raises
    unparsed = isinstance(parsed, Unparsed)
    try:
        found = task.checked(example, parsed.scored_as if isinstance(parsed, Unparsed) else parsed)
        if prediction.answer is not None and _differs(task, example, found, prediction.answer):
            return Read(Malformed("its `answer` is not what its text says to the task's parser; leave one of them out"))
    except ValueError as error:
        return Read(Malformed(str(error)))
    return Read(found, parsed=not unparsed or isinstance(found, Malformed))


def _differs(task: Task, example: Example, found: Json, given: Json) -> bool:
    if isinstance(found, Malformed):
        return False
    other = task.checked(example, given)
    return isinstance(other, Malformed) or canonical(found) != canonical(other)


def _refuse_raw(prediction: Prediction) -> None:
    """Raise ValueError where a field is of another type than models give."""
    if prediction.text is not None:
        shapes.a_text(prediction.text, _LONGEST)
    for name in ("label_scores", "values"):
        if (scores := getattr(prediction, name)) is None:
            continue
        if not isinstance(scores, dict):
            raise ValueError(f"{name} must be an object of numbers")
        for label, score in scores.items():
            try:
                shapes.a_number(score)
            except ValueError as error:
                raise ValueError(f"{name}[{str(label)[:40]!r}]: {error}") from None
    if prediction.no_answer is not None:
        try:
            shapes.a_number(prediction.no_answer, 0.0, 1.0)
        except ValueError as error:
            raise ValueError(f"no_answer: {error}") from None


@dataclass(frozen=True)
class Finals:
    """The final answers to the examples, `FAILED` where there is none or it is malformed, and the ids that had a prediction.

    `said` are the answers as they are scored, of normalised text, `targets` likewise; `raw` as they came, for the figures of
    official scripts. `differs` says whether any of them does. `endings` counts how the answers ended.
    """

    raw: Sequence[Json]
    said: Sequence[Json]
    targets: Sequence[Json]
    seen: Set[str]
    differs: bool
    endings: Endings


def finals(task: Task, examples: Sequence[Example], predictions: Iterable[Prediction]) -> Finals:
    """The final answer to each example out of predictions in any order.

    Raises BenchError for an id that is unknown or comes twice, and where a parser fails.
    """
    index = Numbered(lambda number: examples[number].id, (example.id for example in examples), n=len(examples))
    raw, endings, seen = Values(len(examples), FAILED), Endings(), Marked(index)
    said: dict[int, Json] = {}  # what is scored otherwise than it came
    with authored(f"task '{task.name}'", "answer()", KEPT) as place:
        for prediction in known_once(task, index, predictions, "run again with --fresh", seen):
            place.example, place.given = prediction.id, prediction.to_json()
            at, parsed = index[prediction.id], True
            if prediction.error is None:
                found = read(task, examples[at], prediction)
                came = counts = _or_failed(found.answer)
                if task.normalises:
                    plain = by_line(prediction.text or "", tabs=task.keeps_tabs)
                    if plain != (prediction.text or ""):
                        found = read(task, examples[at], prediction.but(text=plain))
                        counts = _or_failed(found.answer)
                    counts = scored(counts)
                raw.put(at, came)
                if counts is not came:
                    said[at] = counts
                parsed = found.parsed
            endings.see(at, prediction, parsed=parsed)
    targets = Targets(examples, normalises=task.normalises)
    return Finals(raw, _instead(raw, said), targets, seen, bool(said or targets.instead), endings)


def _instead(raw: Values, said: Mapping[int, Json]) -> Values:
    """The answers with others at some places."""
    found = raw.twin() if said else raw
    for at, value in said.items():
        found.put(at, value)
    return found


class Targets(Sequence[Json]):
    """The targets of examples, normalised if asked for; only those are held that differ by it, `instead` of the examples' own."""

    def __init__(self, examples: Sequence[Example], *, normalises: bool = False) -> None:
        self.examples, self.instead = examples, dict[int, Json]()
        for at, example in enumerate(examples) if normalises else ():
            if (found := scored(example.target)) is not example.target:
                self.instead[at] = found

    def __len__(self) -> int:
        return len(self.examples)

    @overload
    def __getitem__(self, at: int) -> Json: ...
    @overload
    def __getitem__(self, at: slice) -> list[Json]: ...
    def __getitem__(self, at: int | slice) -> Json:
        if isinstance(at, slice):
            return [self[i] for i in range(len(self))[at]]
        return self.instead[at] if at in self.instead else self.examples[at].target

    def __iter__(self) -> Iterator[Json]:
        return (self.instead.get(at, one.target) for at, one in enumerate(self.examples))


def _or_failed(found: Json) -> Json:
    return FAILED if isinstance(found, Malformed) else found


def known_once(
    task: Task, ids: Container[str], predictions: Iterable[Prediction], remedy: str, seen: set[str] | Marked | None = None
) -> Iterator[Prediction]:  # fmt: skip
    """The predictions as they come; raises BenchError, with what to do, for an id that is unknown or comes twice.

    `seen` takes in the ids.
    """
    seen = set() if seen is None else seen
    for prediction in predictions:
        if prediction.id not in ids or prediction.id in seen:
            fault = "comes twice" if prediction.id in seen else "is not in the data"
            raise BenchError(f"task '{task.name}': the prediction for {prediction.id!r} {fault}; {remedy}")
        seen.add(prediction.id)
        yield prediction
