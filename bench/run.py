"""The loop, on one page: examples, requests, batches, predictions, scores, record."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.engine import audit, feed
from bench.engine.shots import few_shot
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.runs import environment, measurements, timing
from bench.runs.folder import RunFolder
from bench.runs.identity import fingerprint, identity
from bench.scoring.measure import measured, without_references
from bench.task import Task
from bench.types import Example, Json, Run

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do beside its task and model. `config` is the resolved configuration, for the record."""

    runs_dir: Path = Path("runs")
    limit: int | None = None
    seed: int = 0
    batch_size: int = 256
    batch_tokens: int = 65536
    audit: str = "none"
    audit_size: int = 64
    resamples: int = 2000
    shots: int = 0
    fresh: bool = False
    config: Mapping[str, Json] = field(default_factory=dict)


def evaluate(
    task: Task,
    model: Model,
    name: str,
    device: Device,
    settings: Settings,
    *,
    progress: Progress = lambda done, n: None,
) -> tuple[Run, RunFolder]:
    """Evaluate one model, called `name`, on one task: resume what is there, or answer at once if it is complete."""
    refuse_misfit(task, model, name)
    examples = first_examples(task, settings.limit)
    data = fingerprint(*map(vars, examples))
    # The version says what a task means to ask; the first request, what it does ask: an edit must not find an old run.
    first = few_shot(task, settings.shots, settings.seed)(examples[0])
    asked = [[getattr(part, "text", "") for part in first.parts], type(first.output).__name__, asdict(first.output)]
    run_id = identity(
        {"task": [task.name, task.version, asked], "data": data, "model": [name, model.revision, model.weights_sha256],
         "device": [device.kind, device.dtype],
         "settings": [settings.seed, settings.batch_size, settings.batch_tokens, _telling(settings.config.get("model"), model)]}
    )  # fmt: skip
    folder = RunFolder.find(settings.runs_dir, task.name, name, run_id, fresh=settings.fresh)
    if folder.complete and answers(folder, settings):  # else only what is missing is made again
        progress(len(examples), len(examples))
        return folder.read(), folder
    before = folder.read() if folder.complete else None
    with folder.opened(_yaml(settings.config)):
        attempt = 1 + max((reading.attempt for reading in folder.timings()), default=0)
        watch = timing.Stopwatch(folder.write_timing, attempt=attempt, sync=model.sync)
        predict(task, examples, model, name, folder, watch, device, settings, progress)
        audited = audit_of(task, examples, model, name, folder, watch, device, settings) or (
            before.audit if before else {}
        )
        with watch.phase("score", n=len(examples)):
            scores, rows = measured(
                task, examples, folder.predictions(), resamples=settings.resamples, seed=settings.seed
            )
        if rows is not None:
            measurements.write(folder.path, rows)
        times = timing.summarise(folder.timings())
        used = {
            "peak_memory_bytes": environment.peak_memory_bytes(),
            "device_memory_bytes": model.device_memory_bytes(),
            "usd": model.cost_usd(times["prompt_tokens"], times["new_tokens"]),
        }
        run = Run(
            run_id=folder.path.name, task=task.name, task_version=task.version, model=name, model_revision=model.revision,
            weights_sha256=model.weights_sha256, is_reference=model.is_reference, data_fingerprint=data,
            n_examples=len(examples), limit=settings.limit, seed=settings.seed, resamples=settings.resamples, scores=scores,
            timings=times | used, audit=audited, computed=model.describe() or (before.computed if before else {}),
            environment=environment.describe() | device.describe(), config=settings.config,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )  # fmt: skip
        return folder.finish(run), folder


def predict(
    task: Task, examples: Sequence[Example], model: Model, name: str, folder: RunFolder, watch: timing.Stopwatch,
    device: Device, settings: Settings, progress: Progress,
) -> None:  # fmt: skip
    """Answer what the journal does not hold yet, batch by batch; each batch is on disk before the next begins."""
    done = [prediction.id for prediction in folder.predictions()]
    folder.keep(len(done))  # a crash may have left an unfinished last line
    request = few_shot(task, settings.shots, settings.seed)
    plan = feed.batches(
        examples, request, model, batch_size=settings.batch_size, batch_tokens=settings.batch_tokens, done=done
    )
    progress(len(done), len(examples))
    if len(done) < len(examples):
        feed.load(model, device, settings.seed, watch)
    if model.reads_targets:
        if without_references(examples):
            raise BenchError(f"model '{name}' reads the references of task '{task.name}', which are held out")
        model.reveal({example.id: task.ideal(example) for example in examples})
    room = feed.Room()
    for position, batch in feed.ahead(plan, model):
        if position < len(done):  # half a batch is in the journal: it is asked again as a whole
            folder.keep(position)
            done = []
        with watch.phase("predict", n=len(batch), batch=position) as counts:
            before = room.halvings
            predictions = feed.answer(model, batch, name, room)
            counts["halvings"] = room.halvings - before
            counts["truncated"] = sum(prediction.truncated > 0 for prediction in predictions)
            counts["prompt_tokens"] = sum(prediction.prompt_tokens for prediction in predictions)
            counts["new_tokens"] = sum(prediction.new_tokens for prediction in predictions)
        folder.write_predictions(predictions)
        progress(position + len(batch), len(examples))


def audit_of(
    task: Task, examples: Sequence[Example], model: Model, name: str, folder: RunFolder, watch: timing.Stopwatch,
    device: Device, settings: Settings,
) -> dict[str, Json]:  # fmt: skip
    """The result of the audit that the settings ask for, {} for none."""
    if audit.known_kind(settings.audit) == "none":
        return {}
    predictions = {prediction.id: prediction for prediction in folder.predictions()}
    request = few_shot(task, settings.shots, settings.seed)
    return audit.batch_invariance(
        examples, request, predictions, model, device, watch, size=settings.audit_size, seed=settings.seed, name=name
    )


def first_examples(task: Task, limit: int | None) -> Sequence[Example]:
    """The task's first `limit` examples (None: all); raises BenchError when there are none or an id comes twice."""
    if limit is not None and limit < 1:
        raise BenchError(f"limit={limit} must be at least 1, or null for all examples")
    examples = task.examples()[:limit]
    if not examples:
        raise BenchError(f"task '{task.name}' has no examples; check its data file")
    seen: set[str] = set()
    for number, example in enumerate(examples, start=1):
        if example.id in seen:
            raise BenchError(
                f"task '{task.name}': example {number} repeats the id {example.id!r}; ids must be unique, correct the data file"
            )
        seen.add(example.id)
    return examples


def fits(task: Task, model: Model) -> bool:
    """Whether the model takes what the task's requests hold and gives what they ask for."""
    return model.needs <= task.parts <= model.parts and issubclass(task.output, model.outputs)


def refuse_misfit(task: Task, model: Model, name: str, fitting: Sequence[str] = ()) -> None:
    """Raise BenchError when the model cannot answer the task's requests; `fitting` names models that can."""
    if not fits(task, model):
        needs = f"{' and '.join(sorted(task.parts))} in, {task.output.__name__} out"
        takes = f"{' and '.join(sorted(model.parts))} in, {', '.join(output.__name__ for output in model.outputs)} out"
        others = f"choose one of {', '.join(fitting)}" if fitting else "choose another model"
        raise BenchError(f"task '{task.name}' asks for {needs}; model '{name}' takes {takes}; {others}")


def answers(folder: RunFolder, settings: Settings) -> bool:
    """Whether a complete run has all that is asked for."""
    run = folder.read()
    if any(score.value is not None for score in run.scores) and not (folder.path / measurements.FILE).exists():
        return False  # made by a version that did not keep them
    audited = run.audit.get("kind") == settings.audit and run.audit["n"] == min(settings.audit_size, run.n_examples)
    return run.resamples == settings.resamples and (settings.audit == "none" or audited)


def _telling(config: Json, model: Model) -> Json:
    """The model's configuration without what changes no answer."""
    return {k: v for k, v in config.items() if k not in model.incidental} if isinstance(config, Mapping) else config


def _yaml(config: Mapping[str, Json]) -> str:
    import yaml

    return str(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
