"""A run made of another harness' log: of that harness' task as it measured it, or of one of ours, scored here."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from bench.artifacts.digest import digest
from bench.bundles.public import public_text
from bench.bundles.slots import name_problem
from bench.disk import json_lettered
from bench.engine.asking import data_of, first_examples
from bench.errors import BenchError
from bench.imports import naming
from bench.imports.direction import said_to_be_unbounded
from bench.imports.log import (
    FRACTION,
    Log,
    Sample,
    clean,
    listed,
    named,
    refuse_huge,
    refuse_huge_of,
    shortly,
    texts_in,
)
from bench.imports.pairing import Paired, normal, pair
from bench.metrics.metric import Metric
from bench.models.base import Device
from bench.record import ELSEWHERE, Run, Score, Timing
from bench.runs import timing
from bench.runs.claimed import IMPORTED
from bench.runs.endings import Endings
from bench.runs.folder import RECORD, RunFolder, read_run
from bench.runs.identity import fingerprint, fingerprint_of
from bench.runs.settings import Settings
from bench.scoring import foreign
from bench.scoring.measure import Measured, measured
from bench.scoring.record import Basis
from bench.submissions.reading import measurable
from bench.task import Task
from bench.types import Choose, Example, Json, Prediction

_FIGURES = "a figure of the log, which holds no samples: no interval, and nothing can be paired"
_NO_FAULTS = {kind: {"n": 0, "first": []} for kind in ("missing", "unknown", "duplicated", "malformed")}
_MOST = 100  # metrics of a record
_LONGEST = 100_000  # letters of a reply that are kept of a sample that is scored as its log says
_AGREES = 1e-6  # how far a harness' own figure may be from the mean of its samples


@dataclass(frozen=True)
class Made:
    """The run of a log, its folder, and what a person should know, a line each; `pairs` says what was paired with ours."""

    run: Run
    folder: RunFolder
    lines: tuple[str, ...]
    theirs: Mapping[str, float]
    pairs: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A log with the file or folder that it was read from, the name its model has here, and the field that clusters samples.

    With `only_paired` the examples of a task of ours that the log lacks are left out, where they else count as wrong.
    """

    log: Log
    path: Path
    model: str
    cluster: str | None = None
    only_paired: bool = False

    @classmethod
    def of(cls, log: Log, path: Path, model: str | None, **more: Any) -> Source:
        """The log with the name of its model, as far as a board may show it; raises BenchError where that is none."""
        refuse_huge_of(log.samples)
        refuse_huge(log.stated, f"{path}, the log's own figures")
        if model is not None and naming.holds_secret(model):
            raise BenchError("--model holds what looks like a secret, which the record would show; give another name")
        if not log.task.strip():
            raise BenchError(f"{path} does not say of which task it is; a run stands under the name of its task")
        told = log.model or log.folder
        name = model or re.sub(r"[/\\:]+", "__", naming.public(told, path.name))[:120]
        if not name:
            raise BenchError(f"{path} does not say which model answered; give its name with --model")
        if not log.model and not model:
            log = replace(log, notes=(*log.notes, f"the log names no model; its folder is named {name!r}"))
        if said := name_problem(name):
            raise BenchError(f"{said} (for a log: --model)")
        return cls(_public(log), path, name, **more)

    def origin(self, stated: Mapping[str, float], **more: str) -> dict[str, Json]:
        """What the run's record says of where it came from."""
        log = self.log
        told = {
            "harness": log.harness, "version": shortly(log.version, 100), "file": shortly(public_text(self.path.name), 200),
            "sha256": _digest(self.path), "model": shortly(log.model, 200),
            "stated": {named(name): value for name, value in list(stated.items())[:200]},
        }  # fmt: skip
        more |= {"date": log.date}
        return {IMPORTED: told | {name: text for name, text in more.items() if text}}


def _public(log: Log) -> Log:
    """The log without secrets and local places where it names what it is of and says what went wrong."""
    samples = tuple(one if one.error is None else replace(one, error=public_text(one.error)) for one in log.samples)
    return replace(log, model=naming.shown(log.model), task=public_text(log.task), version=public_text(log.version),
                   task_version=public_text(log.task_version), samples=samples)  # fmt: skip


def as_it_is(source: Source, settings: Settings) -> Made:
    """The run of a task that is named after the log's, with the log's own measurements of each sample."""
    log = source.log
    name = task_name(log)
    if not log.samples:
        return _figures(source, name, settings)
    metrics, notes = _metrics(log)
    source = replace(source, log=replace(log, samples=tuple(sorted(log.samples, key=_place))))
    log = source.log
    examples = list(_examples(source))
    task = foreign.made(name, task_version(log), metrics)(examples)
    predictions = [_as_measured(one) for one in log.samples]
    failed = [one.id for one in predictions if one.error is not None]
    if failed:
        notes.append(
            f"{len(failed):,} samples have no value and count as wrong, the first is {shortly(failed[0], 60)!r}"
        )
    notes += [
        f"less is better of {one.name}, by its name; --more-is-better says otherwise"
        for one in metrics
        if one.name in log.lower - log.directed
    ]
    if source.cluster is None:
        notes.append(
            "each sample is a cluster of its own; where several share a passage or a document, name the field: --cluster"
        )
    origin = source.origin(
        log.stated,
        task=shortly(log.task),
        task_version=shortly(log.task_version),
        cluster=shortly(source.cluster or ""),
        asking=shortly(public_text(", ".join(log.asking))),
    )
    run, folder = _kept(source, task, examples, predictions, settings, origin, {})
    return Made(run, folder, (*log.notes, *notes, *_unlike(log, run.scores)), log.stated)


def with_ours(source: Source, task: Task, settings: Settings) -> Made:
    """The run of a task of ours: the log's answers to our examples, scored by our parser and metrics."""
    log = source.log
    if not log.samples:
        raise BenchError(
            f"{source.path} holds figures and no samples, so nothing can be paired with '{task.name}'; leave task= out"
        )
    if source.cluster is not None:
        raise BenchError(f"--cluster is for the log's own task; the examples of '{task.name}' have their clusters")
    examples = first_examples(task, settings.limit)
    paired = pair(task, examples, log.samples)
    _refuse_unpaired(source, task, examples, paired)
    if source.only_paired:
        settings = replace(settings, limit=None, config={**settings.config, foreign.ONLY_PAIRED: True})
        examples = [one for one in examples if one.id in paired.samples]
        paired = replace(paired, missing=())
    by_id = {one.id: one for one in examples}
    predictions = [_answer(task, by_id[key], one) for key, one in paired.samples.items()]
    if all(one.error is not None for one in predictions):
        raise BenchError(
            f"{source.path}: no answer can be scored by '{task.name}': {predictions[0].error}; leave task= out"
        )
    theirs = _theirs(log, paired)
    origin = source.origin(theirs)
    bad = [one.id for one in predictions if one.error is not None and one.error.startswith("malformed")]
    faults = {
        "missing": _counted(paired.missing), "unknown": _counted([one.id for one in paired.alone]), "malformed": _counted(bad)
    }  # fmt: skip
    run, folder = _kept(source, task, examples, predictions, settings, origin, faults)
    pairs = {
        "paired": len(paired.samples), "missing": faults["missing"], "alone": faults["unknown"],
        "ambiguous": paired.ambiguous, "by_id": paired.by_id,
        "other_target": _counted(paired.other_target),
    }  # fmt: skip
    return Made(run, folder, (*log.notes, *_told(paired, examples, task)), theirs, pairs)


def task_name(log: Log) -> str:
    """The name that the log's task has here: a dash is in no name of ours.

    >>> task_name(Log("lm-eval", "0.4.13", "gsm8k", "m", ()))
    'lm-eval-gsm8k'
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", log.task).strip("_")[:70]
    return f"{log.harness}-{plain}" + ("" if plain == log.task else f"-{fingerprint(clean(log.task))[:6]}")


def task_version(log: Log) -> int:
    """The version of the log's task as a number, by which boards and comparisons keep versions apart; 0 where the log says none.

    >>> [task_version(Log("lm-eval", "", "t", "m", (), task_version=text)) for text in ("", "2", "3.0", "1-A")]
    [0, 2, 3, 256412094]
    """
    if re.fullmatch(r"[0-9]{1,6}(\.0)?", log.task_version):
        return int(log.task_version.removesuffix(".0"))
    return int(fingerprint(clean(log.task_version))[:7], 16) if log.task_version else 0


def _figures(source: Source, name: str, settings: Settings) -> Made:
    """The run of a log that holds figures alone."""
    log = source.log
    metrics = [_metric(log, one, [log.stated[one]], least=-1.0) for one in log.metrics[:_MOST]]  # correlations too
    n = log.counts.get(log.metrics[0], log.n or 0)  # 0: the log does not say
    scores = tuple(
        Score(one.name, log.stated[one.name], None, None, log.counts.get(one.name, n),
              log.failed.get(one.name, 0), one.higher_is_better, one.is_fraction,
              signature=one.signature, note=_FIGURES) for one in metrics
    )  # fmt: skip
    examples = cast(Sequence[Example], range(n))  # they are counted and never seen: a file may say any number
    task = foreign.made(name, task_version(log), metrics)(())
    origin = source.origin(
        log.stated,
        task=shortly(log.task),
        task_version=shortly(log.task_version),
        data=shortly(public_text(", ".join(log.data))),
    )
    found = Measured(scores, None, Endings(n_brought=1))  # how its answers ended is unknown
    run, folder = _kept(source, task, examples, [], settings, origin, {}, lambda *_: found)
    return Made(run, folder, log.notes, log.stated)


def _metrics(log: Log) -> tuple[list[Metric], list[str]]:
    """The metrics that every measured sample has, and a line on those that some lack."""
    rows = [one for one in log.samples if one.values]
    n_failed = len(log.samples) - len(rows)
    found, notes = [], []
    for name in log.metrics:
        values = [one.values[name] for one in rows if name in one.values]
        metric = _metric(log, name, values)
        if len(values) < len(rows):
            lacking = next(one.id for one in rows if name not in one.values)
            notes.append(
                f"{name} is left out: {len(rows) - len(values):,} samples lack it, the first is {shortly(lacking, 60)!r}"
            )
        elif n_failed and not metric.is_fraction:
            notes.append(
                f"{name} is left out: {n_failed:,} samples have no value, and of what is no fraction the worst is unknown"
            )
        else:
            found.append(metric)
    if not found:
        why = "; ".join(notes or log.notes) or "it names none"
        raise BenchError(f"the log has no metric with a number of every sample, so that nothing can be compared: {why}")
    if len(found) > _MOST:
        notes.append(
            f"{len(found) - _MOST} of {len(found)} metrics are left out: a record holds {_MOST}; --metric puts one first"
        )
    return found[:_MOST], notes


def _metric(log: Log, name: str, values: Sequence[float], least: float = 0.0) -> Metric:
    """A metric of the log; of another scale it is another one, so that no table shows both as one.

    What a log does not say is told by the values: those within `least` to 1 are fractions.
    """
    version = f", version {shortly(log.task_version, 60)} of its task" if log.task_version else ""
    scale = log.scales.get(name)
    is_fraction = scale == FRACTION if scale else all(least <= one <= 1 for one in values)
    is_fraction &= bool(scale) or not said_to_be_unbounded(
        name
    )  # a loss of 0.3 is no 30 %, and no failure has a worst one
    return foreign.metric(
        name, higher_is_better=name not in log.lower, is_fraction=is_fraction,
        signature=f"mean of what {log.harness} measured{version}{', less is better' * (name in log.lower)}"
        f"{'' if is_fraction else f', in {scale}' if scale else ', no fraction'}",
    )  # fmt: skip


def _place(one: Sample) -> tuple[str, str]:
    """By id, numbers by their size: two logs that hold the same samples in other orders are of the same data."""
    return re.sub("[0-9]+", lambda found: found[0].zfill(20), one.id), one.id


def _examples(source: Source) -> Iterator[Example]:
    """A sample as an example: known by what it stands on, in its cluster."""
    for one in source.log.samples:
        cluster = one.id if source.cluster is None else fingerprint(clean(_field(source, one)))[:12]
        yield Example(one.id, {"sample": one.stands_on}, "" if one.target is None else clean(one.target), cluster)


def _field(source: Source, one: Sample) -> Json:
    if not isinstance(one.doc, Mapping) or source.cluster not in one.doc:
        known = listed([str(name) for name in one.doc]) if isinstance(one.doc, Mapping) else "none"
        raise BenchError(
            f"--cluster: sample {shortly(one.id, 60)!r} has no field {shortly(source.cluster, 60)!r}; its fields are {known}"
        )
    return one.doc[source.cluster]


def _as_measured(one: Sample) -> Prediction:
    if not one.values:
        return Prediction(one.id, error=one.error or "the log has no value of it")
    return Prediction(
        one.id, answer={"said": (one.said or "")[:_LONGEST], "measured": dict(one.values)}, finish=one.finish
    )


def _answer(task: Task, example: Example, sample: Sample) -> Prediction:
    """What the log says was answered, as a prediction of ours."""
    if sample.error is not None:
        return Prediction(example.id, error=sample.error)
    if sample.choices is None:
        return measurable(task, example, Prediction(example.id, text=sample.said, finish=sample.finish))
    labels = _labels(task, example)
    by_text = {normal(name): score for name, score in sample.choices.items()}
    if labels is None or any(normal(label) not in by_text for label in labels):
        ours = f"the labels {listed(labels)}" if labels else "a text"
        return Prediction(example.id, error=f"its choices are {listed(list(sample.choices))}, where {ours} is due")
    scores = {label: by_text[normal(label)] for label in labels}
    return measurable(task, example, Prediction(example.id, label_scores=scores))


def _labels(task: Task, example: Example) -> tuple[str, ...] | None:
    output = task.request(example).output if issubclass(task.output, Choose) else None
    return output.labels if isinstance(output, Choose) else None


def _refuse_unpaired(source: Source, task: Task, examples: Sequence[Example], paired: Paired) -> None:
    if not paired.samples:
        first = source.log.samples[0]
        theirs = shortly(max((*first.texts, first.prompt), key=len), 80)
        ours = shortly(max((*texts_in(examples[0].inputs), ""), key=len) or examples[0].id, 80)
        raise BenchError(
            f"{source.path}: none of its {len(source.log.samples):,} samples is one of the {len(examples):,} examples of "
            f"'{task.name}'; its first begins {theirs!r}, ours {ours!r}: check the task and its split, or leave task= out"
        )


def _told(paired: Paired, examples: Sequence[Example], task: Task) -> Iterator[str]:
    """What was paired and what was not, a line each."""
    n, how = len(paired.samples), f", {paired.by_id:,} of them by id alone" if paired.by_id else ""
    yield f"{n:,} of {len(examples):,} examples of {task.name} are in the log{how}"
    if paired.missing:
        yield (
            f"{len(paired.missing):,} are not and count as wrong, the first is {paired.missing[0]!r}; limit=N takes our "
            "first N, --paired leaves all of them out"
        )
    if paired.alone:
        unclear = f", {paired.ambiguous:,} of them fit several" if paired.ambiguous else ""
        yield f"{len(paired.alone):,} samples are none of ours{unclear}, the first is {shortly(paired.alone[0].id, 80)!r}"
    if paired.other_target:
        yield (
            f"{len(paired.other_target):,} pairs have another right answer in the log than here, the first is "
            f"{paired.other_target[0]!r}; ours counts"
        )


def _counted(ids: Sequence[str]) -> dict[str, Json]:
    """As a record counts faults: how many, and the first ten."""
    return {"n": len(ids), "first": [shortly(key, 80) for key in ids[:10]]}


def _theirs(log: Log, paired: Paired) -> dict[str, float]:
    """The log's own values over the samples that were paired."""
    found = {}
    for name in log.metrics[:_MOST]:
        values = [one.values[name] for one in paired.samples.values() if name in one.values]
        if len(values) == len(paired.samples):
            found[name] = math.fsum(values) / len(values)
    return found


def _unlike(log: Log, scores: Sequence[Score]) -> Iterator[str]:
    """Where the log's own figure of a metric is not the mean of its samples."""
    for one in scores:
        means = (f"{one.metric}/accuracy", f"{one.metric}/mean")
        reduced = tuple(f"{mean}," for mean in means)  # behind the comma stands how epochs were reduced
        names = [name for name in log.stated if name in (one.metric, *means) or name.startswith(reduced)]
        for name in names:
            if one.value is not None and not math.isclose(
                one.value, log.stated[name], rel_tol=_AGREES, abs_tol=_AGREES
            ):
                yield f"{name} is {log.stated[name]:.6g} by the log's own count, which takes its samples together otherwise"


def _scored(task: Task, examples: Sequence[Example], predictions: Sequence[Prediction], settings: Settings) -> Measured:
    return measured(task, examples, predictions, resamples=settings.resamples, seed=settings.seed)


def _kept(
    source: Source, task: Task, examples: Sequence[Example], predictions: Sequence[Prediction], settings: Settings,
    origin: Mapping[str, Json], faults: Mapping[str, Json], score: Callable[..., Measured] = _scored,
) -> tuple[Run, RunFolder]:  # fmt: skip
    """The run in its folder, complete; `faults` are those of a submission's record."""
    if not source.log.samples:
        data = fingerprint([task.name, len(examples), *source.log.data])
    else:
        data = fingerprint_of(examples) if isinstance(task, foreign.ForeignTask) else data_of(task, examples)
    said = fingerprint([one.to_json() for one in predictions], source.log.harness, dict(origin[IMPORTED]["stated"]))
    asked = source.log.asked if isinstance(task, foreign.ForeignTask) else ""
    stands_on = _judged(source, task) | {
        "task": [task.name, task.version],
        "data": data,
        IMPORTED: [source.model, said],
        "seed": settings.seed,
    }
    run_id = fingerprint(stands_on)[:12]
    folder = RunFolder.find(settings.runs_dir, task.name, source.model, run_id, fresh=settings.fresh)
    settings = replace(settings, config={**settings.config, IMPORTED: dict(origin[IMPORTED])})
    nowhere = {"commit": source.log.commit, "cpu": "unknown"}
    device = Device("cpu", "none", 1)
    basis = Basis(
        task, examples, settings, data, asked or ELSEWHERE, source.model, IMPORTED, device, environment=nowhere
    )
    submission = {"file": origin[IMPORTED]["file"], "sha256": origin[IMPORTED]["sha256"], **_NO_FAULTS, **faults}
    readings: list[Timing] = []
    with timing.Stopwatch(readings.append).phase("score", n=len(examples)):  # before there is a folder: it may fail
        found = score(task, examples, predictions, settings)
    with _gone_on_failure(folder.path), folder.opened(json_lettered(dict(settings.config), indent=1) + "\n"):
        folder.keep(0)
        for one in readings:
            folder.write_timing(one)
        folder.write_predictions(predictions)
        run = basis.finish(folder, found, timing.summarise([]), origin=dict(origin), submission=submission)
        _refuse_unreadable(folder, source)
    return run, folder


def _judged(source: Source, task: Task) -> dict[str, Json]:
    """What of the log's word is part of the run's identity: what ranks, which way and asked how; else a task's version says it."""
    found: dict[str, Json] = {foreign.ONLY_PAIRED: True} if source.only_paired else {}
    if isinstance(task, foreign.ForeignTask):
        found["metrics"] = [
            [one.name, one.higher_is_better, *([] if one.is_fraction else [one.signature])] for one in task.metrics
        ]
        found |= {"asked": source.log.asked} if source.log.asked else {}
    return found


def _refuse_unreadable(folder: RunFolder, source: Source) -> None:
    """Raise BenchError where the record that was made is none that any command reads."""
    try:
        read_run(folder.path / RECORD)
    except BenchError as error:
        why = str(error).partition("is not whole ")[2].rpartition(";")[0] or str(error)
        raise BenchError(f"{source.path} holds what no record of a run may {why}; correct the log") from None


@contextmanager
def _gone_on_failure(path: Path) -> Iterator[None]:
    """Leave nothing of a folder that is made here, nor of those above it, if what is done meanwhile fails."""
    made = [one for one in (path, *path.parents) if not one.exists()]
    try:
        yield
    except BaseException:
        if made:
            shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):  # another process may have put something there
            for one in made[1:]:
                one.rmdir()
        raise


def _digest(path: Path) -> str:
    """The sha256 of the file; of a folder that of its files', by name."""
    if path.is_dir():
        return fingerprint({one.name: digest(one) for one in sorted(path.glob("*.json"))})
    return digest(path)
