"""The loop, on one page: examples, requests, batches, predictions, scores, record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bench.engine import audit, feed, history, priced, resume, reuse
from bench.engine.asking import Asking
from bench.engine.cut import Watched
from bench.engine.progress import SILENT, Progress, listening
from bench.engine.source import Here, Source
from bench.engine.veil import Veiled
from bench.ground import Ground, ground_of
from bench.models.base import Device, Model
from bench.record import Run
from bench.runs import energy, environment, journal, shards, timing
from bench.runs.attempt import Attempt
from bench.runs.folder import CONFIG, RunFolder, refuse_altered
from bench.runs.journal import LEDGER
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.runs.settings import Settings
from bench.scoring.measure import measured
from bench.scoring.record import Basis
from bench.scoring.rescore import is_scored_as_now, rescore
from bench.task import Task
from bench.types import Example, Json, Prediction

Say = Callable[[str], None]
AnsweredBy = Callable[[Veiled, Attempt], Source]


def evaluate(
    task: Task, model: Model, name: str, device: Device, settings: Settings, *, ground: Ground | None = None,
    progress: Progress | Callable[[int, int], object] = SILENT, say: Say = lambda line: None, answered_by: AnsweredBy | None = None,
) -> tuple[Run, RunFolder]:  # fmt: skip
    """Evaluate one model, called `name`, on one task: resume what is there, or answer at once if it is complete.

    `progress` is told of each answer, `say`, in a line each, what of the answer is not of today: libraries, parser, metrics.
    `ground` is what `ground_of` gives of all this, where it is known; `answered_by` makes who answers, None for the model itself.
    """
    ground = ground or ground_of(task, model, name, device, settings)
    price = priced.price_for(settings.price, model, name)
    progress = listening(progress)
    asked, folder, basis = ground.asked, ground.folder, ground.basis
    for line in (*task.notices(asked.examples), *folder.notices(basis.libraries, basis.code)):
        say(line)
    if folder.complete and _has_audit(folder.read(), settings):  # else only what is missing is made again
        progress(len(asked.examples), len(asked.examples))
        folder.tidy()
        run = _as_written(folder, task, asked, settings, say)
        energy.say_late(run, settings.energy, say)
        return priced.repriced(folder, run, price, say), folder
    before = _as_written(folder, task, asked, settings, say) if folder.complete else None
    with (
        folder.opened(as_yaml(settings.config), ground.identity, basis.libraries),
        shards.taken_into(folder, ground.identity, asked.place, asked.asked.by_id, say),
        Attempt(folder, model.sync) as attempt, Veiled(model, asked.asked) as veiled,
        energy.meter(settings.energy, folder.path, attempt.number, _computes_on(model, device)) as meter,
    ):  # fmt: skip
        watch = attempt.watch
        source = (answered_by or source_here(basis))(veiled, attempt)
        for line in reuse.begin(folder, ground.identity, asked, model, settings, source.load):
            say(line)
        kept = predict(ground, veiled, folder, attempt, source, progress, say)
        progress.doing("audits and scores")
        audited = _audit(asked, veiled, folder, watch, basis) or (before.audit if before else {})
        with watch.phase("score", n=len(asked.examples)):
            found = measured(
                task,
                asked.examples,
                folder.all_predictions(len(asked.examples)),
                resamples=settings.resamples,
                seed=settings.seed,
            )
        found = basis.measured(folder, found)  # whose rows are not held while the times are summed
        times = timing.summarise(folder.readings())
        used = shards.with_memory(folder.path, environment.peak_memory_bytes(), model.device_memory_bytes())
        basis = replace(basis, libraries=folder.libraries(), environment=shards.environment_of(folder.path))
        run = basis.finish(
            folder, found, times | used, audit=audited, reused=reuse.counted(folder.predictions()) if kept.reused else {},
            computed=model.describe() or (before.computed if before else shards.computed_in(folder.path)),
            history=before.history if before else (),
            scenarios=before.scenarios if before else {},
            price=priced.recorded(price, folder.predictions()) if price else before.price if before else {},
            energy=before.energy if before else meter.total(say, reused=bool(kept.reused)),
        )  # fmt: skip
        return run, folder


def source_here(basis: Basis) -> AnsweredBy:
    """The model of this process as who answers."""
    return lambda model, attempt: Here(model, basis.model, basis.device, basis.settings.seed, attempt)


def _as_written(folder: RunFolder, task: Task, asked: Asking, settings: Settings, say: Say) -> Run:
    """The record of a complete run with the scores that today's parser and metrics give; BenchError where answers were altered."""
    refuse_altered(folder.path, run := folder.read(), but=(CONFIG, MEASUREMENTS), grown=(LEDGER,))
    if is_scored_as_now(folder, task, settings.resamples):
        return run
    return rescore(folder, task, asked.examples, resamples=settings.resamples, say=say)


def _computes_on(model: Model, device: Device) -> str:
    """The kind of device whose energy the model takes; "" where a server computes, whose devices are not known here."""
    return "" if model.served_from else device.kind


def predict(
    ground: Ground, model: Veiled, folder: RunFolder, attempt: Attempt, source: Source, progress: Progress, say: Say,
    elsewhere: shards.Elsewhere | None = None,
) -> journal.Kept:  # fmt: skip
    """Answer what the journal does not hold yet, which is given; each group of answers is kept as soon as `source` has it.

    What another part of the run answers, `elsewhere`, is not asked.
    """
    asked, ideal, basis = ground.asked, ground.ideal, ground.basis
    settings, alone = basis.settings, feed.asked_by_ones(model, basis.device)
    examples = [one for one in asked.examples if one.id not in elsewhere] if elsewhere else asked.examples
    kept, model.replies = resume.recovered(attempt, asked, say, elsewhere)
    n, n_done = len(examples), sum(one.id in kept.ids for one in examples) if elsewhere else len(kept.ids)

    def planned(examples: Sequence[Example], position: int) -> Iterator[feed.Unit]:
        return feed.units(
            examples, asked.request, source, batch_size=settings.batch_size, batch_tokens=settings.batch_tokens, done=kept.ids,
            names=asked.asked.names, alone=alone, position=position,
        )  # fmt: skip

    todo = [one for one in examples if one.id not in kept.reused] if kept.reused else examples
    progress(n_done, n)
    if (
        kept.unplaced
        and n_done < n
        and basis.device.dtype != "float32"
        and model.uses_device
        and not model.answers_alone
    ):
        say(
            f"the first {n_done} answers are of an earlier version, which computed more at once: in {basis.device.dtype} some "
            "may be others than today's; --fresh asks them all again"
        )
    if n_done < n:
        progress.doing("loads the model")
        source.load()
    if ideal:
        source.reveal(ideal)
    progress(n_done, n)
    watched = Watched(n, say)
    waves = history.in_waves(todo, asked.asked, planned)
    for unit, group in source.answers(waves, lambda group, halvings: _counts(group, asked, halvings)):
        stamped = asked.stamped([unit.by_id[one.id] for one in group], group, model.replies)
        new = [one for one in stamped if one.id not in unit.kept]
        attempt.keep(new)
        if asked.asked.histories:  # else nobody is shown what was said
            model.replies.add(new)
        watched.see(stamped, unit.requests)
        n_done += len(new)
        progress(n_done, n)
    journal.settle(folder.path, asked.place)
    return kept


def _counts(group: Sequence[Prediction], asked: Asking, halvings: int) -> dict[str, Json]:
    """What the ledger says of a group of answers beside its time."""
    return {
        "n": len(group), "places": tuple(asked.place[one.id] for one in group), "halvings": halvings,
        "checks": tuple(map(journal.check_of, group)),
        "truncated": sum(one.truncated > 0 for one in group), "prompt_tokens": sum(one.prompt_tokens for one in group),
        "new_tokens": sum(one.new_tokens for one in group),
    }  # fmt: skip


def _audit(asked: Asking, model: Veiled, folder: RunFolder, watch: timing.Stopwatch, basis: Basis) -> dict[str, Json]:
    """The result of the audit that the settings ask for, {} for none."""
    if audit.known_kind(basis.settings.audit) == "none":
        return {}
    predictions = {prediction.id: prediction for prediction in folder.predictions()}
    return audit.batch_invariance(
        asked.examples, asked.request, predictions, model, basis.device, watch,
        size=basis.settings.audit_size, seed=basis.settings.seed, name=basis.model,
    )  # fmt: skip


def _has_audit(run: Run, settings: Settings) -> bool:
    """Whether a complete run has the audit that is asked for."""
    audited = run.audit.get("kind") == settings.audit and run.audit["n"] == min(settings.audit_size, run.n_examples)
    return settings.audit == "none" or audited


def as_yaml(config: Json) -> str:
    """A configuration as the file in a run's folder has it."""
    import yaml

    return str(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
