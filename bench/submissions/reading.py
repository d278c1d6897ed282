"""`bench score`: predictions that somebody brings, from an official file to a run record that boards accept."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

from bench.artifacts.digest import digest
from bench.bundles.slots import name_problem
from bench.data.files import read_jsonl
from bench.data.submissions import items, number
from bench.disk import json_lettered
from bench.engine.asking import data_of, first_examples
from bench.errors import BenchError
from bench.metrics.metric import CorpusMetric, Metric, ModuleMetric, RankedMetric
from bench.models.base import Device
from bench.record import ELSEWHERE, Run
from bench.runs import timing
from bench.runs.folder import RunFolder
from bench.runs.identity import canonical, fingerprint
from bench.runs.settings import Settings
from bench.scoring.answers import final
from bench.scoring.measure import Measured, measured, without_references
from bench.scoring.record import Basis
from bench.task import Malformed, Task
from bench.types import FINISHES, Example, Json, Prediction, is_token_count

_LISTED = 10  # ids that a record names of each kind of fault
_SAID = ("text", "label_scores", "values", "answer", "error")
_JOURNAL_KEYS = frozenset(field.name for field in fields(Prediction))


@dataclass(frozen=True)
class Submission:
    """The predictions for known examples, one each, and the ids of what was wrong with the rest.

    Of an id that comes twice the last one counts, as in the official readers. A malformed one is a prediction with `error`.
    """

    predictions: tuple[Prediction, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    duplicated: tuple[str, ...]
    malformed: tuple[str, ...]

    def faults(self) -> dict[str, Json]:
        """How many of each fault, and the first ten ids."""
        kinds = ("missing", "unknown", "duplicated", "malformed")
        return {
            kind: {"n": len(ids), "first": _shown(ids[:_LISTED])} for kind in kinds for ids in [getattr(self, kind)]
        }


@dataclass(frozen=True)
class Judged:
    """What came of scoring a submission; `more` goes into the record."""

    found: Measured
    submission: Submission
    more: Mapping[str, Json] = field(default_factory=dict)


Judge: TypeAlias = Callable[[Submission], Judged]


def _shown(ids: Sequence[str]) -> list[str]:
    """The ids, of which half a surrogate pair, which no file can hold, is a question mark."""
    return [key.encode("utf-8", "replace").decode("utf-8") for key in ids]


def read(task: Task, path: Path, examples: Sequence[Example], no_answer: Path | None = None) -> Submission:
    """The submission in a file or folder: the task's official format, or the `predictions.jsonl` of a run.

    `no_answer` is a file {id: probability of no answer} beside it (SQuAD 2.0). Raises BenchError when the file cannot be
    read, or when not one of its ids is in the data.
    """
    by_id = {example.id: example for example in examples}
    found: dict[str, Prediction] = {}
    unknown: dict[str, None] = {}
    duplicated: dict[str, None] = {}
    for prediction in _predictions(task, path, examples):
        if prediction.id not in by_id:
            unknown[prediction.id] = None
            continue
        if prediction.id in found:
            duplicated[prediction.id] = None
        found[prediction.id] = measurable(task, by_id[prediction.id], prediction)
    if not found:
        first = f"the first id is {next(iter(unknown))[:80]!r}" if unknown else "it holds no predictions"
        raise BenchError(
            f"{path}: no prediction is for an example of task '{task.name}' ({first}, expected ids such as "
            f"{examples[0].id!r}); check the task, its split and --data"
        )
    if no_answer is not None:
        found = dict(_with_no_answer(task, by_id, found, no_answer))
    return Submission(
        predictions=tuple(found.values()),
        missing=tuple(key for key in by_id if key not in found),
        unknown=tuple(unknown),
        duplicated=tuple(duplicated),
        malformed=tuple(prediction.id for prediction in found.values() if prediction.error is not None),
    )


def _predictions(task: Task, path: Path, examples: Sequence[Example]) -> Iterator[Prediction]:
    if _is_journal(path):
        for line, record in read_jsonl(path, finite=False):
            try:
                yield _of_journal(record)
            except TypeError as error:
                raise BenchError(f"{path} line {line}: not a prediction ({error}); correct the line") from None
        return
    for key, answer in task.submitted(path, examples):
        answer = Malformed("found null, which answers nothing") if answer is None else answer
        if isinstance(answer, Malformed):
            yield Prediction(key, error=f"malformed: {answer.reason}")
        else:
            yield answer if isinstance(answer, Prediction) else Prediction(key, answer=answer)


def _of_journal(record: Mapping[str, Json]) -> Prediction:
    """A line of a journal; TypeError says what is wrong with one that is none."""
    if isinstance(record.get("id"), bool) or not isinstance(record.get("id"), str | int):
        raise TypeError("the key 'id' must be a text or a number")
    if other := sorted(set(record) - _JOURNAL_KEYS):
        raise TypeError(
            f"the key {other[0][:40]!r} is none of a prediction, which has id and one of {', '.join(_SAID)}"
        )
    prediction = Prediction.from_json({**record, "id": str(record["id"])})
    if prediction.finish not in FINISHES:
        return Prediction(prediction.id, error=f"malformed: finish is none of {', '.join(FINISHES)}")
    if prediction.thinking is not None and not isinstance(prediction.thinking, str):
        return Prediction(prediction.id, error="malformed: thinking is no text")
    for key in ("prompt_tokens", "new_tokens", "truncated", "thinking_tokens"):
        if not is_token_count(getattr(prediction, key)):
            return Prediction(prediction.id, error=f"malformed: {key} is no number of tokens")
    if all(getattr(prediction, key) is None for key in _SAID):
        return Prediction(prediction.id, error=f"malformed: none of {', '.join(_SAID)} is given")
    return prediction


def _is_journal(path: Path) -> bool:
    """Whether the file is a run's own `predictions.jsonl`, or one like it."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    first = next((record for _, record in read_jsonl(path, finite=False)), {})
    return "id" in first and set(first) <= _JOURNAL_KEYS and len(first) > 1


def measurable(task: Task, example: Example, prediction: Prediction) -> Prediction:
    """The prediction, or one that says that its answer is not of the form that the task's metrics take."""
    if prediction.error is not None:
        return prediction
    try:
        canonical(prediction.to_json())  # refuses an infinity, which JSON writes as 1e999
        _refuse_huge(prediction.answer)
        answer = final(task, example, prediction)
        if isinstance(answer, Malformed):
            return Prediction(prediction.id, error=f"malformed: {answer.reason}"[:200], finish=prediction.finish)
        for metric in _direct(task):
            if example.target is None:
                pass  # whoever has the references will see
            elif isinstance(metric, CorpusMetric):
                metric.count(answer)
            elif not all(map(math.isfinite, metric.measure(example.target, answer))):
                raise ValueError(f"{metric.name} is no finite number")
    except (TypeError, LookupError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        return Prediction(prediction.id, error=f"malformed: {type(error).__name__}: {error}"[:200])
    return prediction


def _refuse_huge(value: Json) -> None:
    """Raise OverflowError for a whole number beyond all floats."""
    if isinstance(value, int):
        float(value)
    elif isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            _refuse_huge(one)


@functools.lru_cache(maxsize=8)
def _direct(task: Task) -> tuple[Metric | RankedMetric | CorpusMetric, ...]:
    """The metrics that tell of one answer whether they can measure it: all that need no other program, each measure once."""
    found: dict[Any, Metric | RankedMetric | CorpusMetric] = {}
    for metric in task.metrics:
        if isinstance(metric, CorpusMetric):
            found.setdefault(metric.count, metric)
        elif isinstance(metric, ModuleMetric) or (isinstance(metric, Metric) and metric.fit is not None):
            pass
        elif metric.absent is Metric.absent or metric is task.metrics[0]:
            found.setdefault(metric.measure, metric)
    return tuple(found.values())


def _with_no_answer(
    task: Task, by_id: Mapping[str, Example], found: Mapping[str, Prediction], path: Path
) -> Iterator[tuple[str, Prediction]]:
    """The predictions with their probabilities of no answer, and the place of each in that file (ties go by it)."""
    if not task.takes_no_answer:
        raise BenchError(f"task '{task.name}' has no unanswerable questions; leave --na-prob out")
    given: dict[str, tuple[float, int]] = {}
    for place, (key, value) in enumerate(items(path)):
        try:
            given[key] = number(value), given.get(key, (0.0, place))[1]
        except ValueError as error:
            raise BenchError(f"{path}: {key!r}: {error}; correct the file") from None
    if without := [key for key in found if key not in given]:
        raise BenchError(
            f"{path}: {len(without)} predictions have no probability, the first is {without[0]!r}; add them"
        )
    for key, prediction in found.items():
        probability, rank = given[key]
        if prediction.error is not None:
            yield key, prediction
            continue
        answer = final(task, by_id[key], prediction)
        yield key, Prediction(key, answer={**answer, "no_answer": probability, "rank": rank})


def evaluate(
    task: Task,
    path: Path,
    name: str,
    settings: Settings,
    *,
    no_answer: Path | None = None,
    judge_of: Callable[[Sequence[Example]], Judge | None] = lambda examples: None,
) -> tuple[Run, RunFolder, Mapping[str, Json]]:
    """Score a submission as model `name`: the record, which names what was wrong in the file, and the official figures.

    `judge_of(examples)` gives a judge who has the references where they are held out; there are no official figures then.
    """
    _refuse(name, settings)
    file = _file(path)
    examples = first_examples(task, settings.limit)
    judge = judge_of(examples)
    submission = read(task, path, examples, no_answer)
    data = data_of(task, examples)
    said = fingerprint([prediction.to_json() for prediction in submission.predictions])
    stands_on = {"task": [task.name, task.version], "data": data, "submission": [name, said], "seed": settings.seed}
    folder = RunFolder.find(settings.runs_dir, task.name, name, fingerprint(stands_on)[:12], fresh=settings.fresh)
    basis = Basis(task, examples, settings, data, ELSEWHERE, name, "submission", Device("cpu", "none", 1))
    config = json_lettered(dict(settings.config), indent=1)  # JSON is YAML
    with folder.opened(config + "\n"):
        folder.keep(0)
        watch = timing.Stopwatch(folder.write_timing)
        folder.write_predictions(submission.predictions)
        with watch.phase("score", n=len(examples)):
            judged = judge(submission) if judge else _judged(task, examples, submission, settings)
        run = basis.finish(
            folder, judged.found, timing.summarise([]),
            submission={"file": path.name, "sha256": digest(file), **judged.submission.faults(), **judged.more},
        )  # fmt: skip
        return run, folder, official(task, run, examples, submission, path)


def _judged(task: Task, examples: Sequence[Example], submission: Submission, settings: Settings) -> Judged:
    found = measured(task, examples, submission.predictions, resamples=settings.resamples, seed=settings.seed)
    return Judged(found, submission)


def _refuse(name: str, settings: Settings) -> None:
    """Raise BenchError for a name that no model may bear on a board, and settings that make no sense."""
    if said := name_problem(name):
        raise BenchError(said)
    for key, least in (("seed", 0), ("resamples", 1)):
        if getattr(settings, key) < least:
            raise BenchError(f"{key}={getattr(settings, key)} must be at least {least}")


def _file(path: Path) -> Path:
    """The file or folder itself, without the selector that may stand behind it (`FILE@SYSTEM`); BenchError where there is none."""
    if path.exists():
        return path
    file, _, _ = str(path).rpartition("@")
    if file and Path(file).exists():
        return Path(file)
    raise BenchError(f"{path} does not exist; give a file or folder of predictions")


def official(
    task: Task, run: Run, examples: Sequence[Example], submission: Submission, path: Path
) -> Mapping[str, Json]:
    """What the official script prints for this submission, under its own keys and in its own units; {} where it cannot know."""
    if without_references(examples):
        return {}
    values = {s.metric: s.value if s.official is None else s.official for s in run.scores}
    missing = set(submission.missing) if task.missing_left_out else set()
    counted = [example for example in examples if example.id not in missing]
    figures = task.official({name: value for name, value in values.items() if value is not None}, counted)
    if _is_journal(path) and "answer" not in next((record for _, record in read_jsonl(path, finite=False)), {}):
        return figures  # a run's own, which is in no official format
    return task.official_of(path, examples) or figures
