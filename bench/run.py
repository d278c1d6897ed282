"""The loop, on one page: examples, requests, batches, predictions, scores, record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.engine import asking, audit, feed, priced, reuse
from bench.engine.asking import Asking
from bench.engine.cut import Watched
from bench.engine.fitting import refuse_misfit
from bench.engine.progress import SILENT, Progress, listening
from bench.engine.veil import Veiled
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.record import Run
from bench.runs import energy, environment, journal, timing
from bench.runs.attempt import Attempt
from bench.runs.code import code_of, sha256_of
from bench.runs.folder import CONFIG, RunFolder, refuse_altered
from bench.runs.identity import Identity
from bench.runs.journal import LEDGER
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.runs.settings import Settings
from bench.scoring.measure import measured, without_references
from bench.scoring.record import Basis
from bench.scoring.rescore import is_scored_as_now, rescore
from bench.task import Task
from bench.types import Json, Prediction

Say = Callable[[str], None]


def evaluate(
    task: Task, model: Model, name: str, device: Device, settings: Settings, *,
    progress: Progress | Callable[[int, int], object] = SILENT, say: Say = lambda line: None,
) -> tuple[Run, RunFolder]:  # fmt: skip
    """Evaluate one model, called `name`, on one task: resume what is there, or answer at once if it is complete.

    `progress` is told of each answer, `say`, in a line each, what of the answer is not of today: libraries, parser, metrics.
    """
    refuse_misfit(task, model, name)
    price = priced.price_for(settings.price, model, name)
    progress = listening(progress)
    asked = asking.asking(task, settings.limit, settings.shots, settings.seed, settings.max_new_tokens)
    ideal = _ideal(task, model, name, asked)
    code = code_of(
        {*(cls.__module__ for cls in type(model).__mro__), *model.outside, *_targets(settings.config.get("model"))}
    )
    libraries = environment.computing(model.uses_libraries)
    identity = Identity(
        task=task.name, version=task.version, asked=asked.asked.digest, data=asked.asked.data, files=asked.files, model=name,
        revision=model.revision, weights_sha256=model.weights_sha256, config=model.telling(settings.config.get("model")),
        code=sha256_of(code), device=device.kind, dtype=device.dtype, seed=settings.seed, batch_size=settings.batch_size,
        batch_tokens=settings.batch_tokens, ideal=asking.ideal_digest(ideal) if ideal else "",
    )  # fmt: skip
    folder = RunFolder.find(
        settings.runs_dir,
        task.name,
        name,
        identity.run_id,
        under=libraries if settings.strict else None,
        fresh=settings.fresh or (settings.strict and not all(one["sha256"] for one in code.values())),
    )
    basis = Basis(
        task, asked.examples, settings, identity.data, identity.asked, name, model.revision, device, model.weights_sha256,
        model.is_reference, asked.files, code, libraries,
    )  # fmt: skip
    for line in folder.notices(libraries, code):
        say(line)
    if folder.complete and _has_audit(folder.read(), settings):  # else only what is missing is made again
        progress(len(asked.examples), len(asked.examples))
        run = _as_scored_now(folder, task, asked, settings, say)
        energy.say_late(run, settings.energy, say)
        return priced.repriced(folder, run, price, say), folder
    before = _as_written(folder, task, asked, settings, say) if folder.complete else None
    with (
        folder.opened(_yaml(settings.config), identity, libraries), Attempt(folder, model.sync) as attempt,
        Veiled(model, asked.asked) as veiled,
        energy.meter(settings.energy, folder.path, attempt.number, _computes_on(model, device)) as meter,
    ):  # fmt: skip
        watch = attempt.watch
        for line in reuse.begin(
            folder, identity, asked, model, settings, lambda: feed.load(model, device, settings.seed, watch)
        ):
            say(line)
        kept = _predict(asked, ideal, veiled, folder, attempt, basis, progress, say)
        progress.doing("audits and scores")
        audited = _audit(asked, veiled, folder, watch, basis) or (before.audit if before else {})
        with watch.phase("score", n=len(asked.examples)):
            found = measured(
                task, asked.examples, folder.predictions(), resamples=settings.resamples, seed=settings.seed
            )
        times = timing.summarise(folder.timings())
        used = {
            "peak_memory_bytes": environment.peak_memory_bytes(), "device_memory_bytes": model.device_memory_bytes(),
        }  # fmt: skip
        basis = replace(basis, libraries=folder.libraries())
        run = basis.finish(
            folder, found, times | used, audit=audited, reused=reuse.counted(folder.predictions()) if kept.reused else {},
            computed=model.describe() or (before.computed if before else {}), history=before.history if before else (),
            price=priced.recorded(price, folder.predictions()) if price else before.price if before else {},
            energy=before.energy if before else meter.total(say, reused=bool(kept.reused)),
        )  # fmt: skip
        return run, folder


def _as_written(folder: RunFolder, task: Task, asked: Asking, settings: Settings, say: Say) -> Run:
    """The record of a complete run that gets an audit, with the scores of today; BenchError where its predictions were altered."""
    refuse_altered(folder.path, folder.read(), but=(CONFIG, MEASUREMENTS), grown=(LEDGER,))
    return _as_scored_now(folder, task, asked, settings, say)  # else the scores of before would be lost


def _as_scored_now(folder: RunFolder, task: Task, asked: Asking, settings: Settings, say: Say) -> Run:
    """The record of a complete run with the scores that today's parser and metrics give."""
    if is_scored_as_now(folder, task, settings.resamples):
        return folder.read()
    return rescore(folder, task, asked.examples, resamples=settings.resamples, say=say)


def _computes_on(model: Model, device: Device) -> str:
    """The kind of device whose energy the model takes; "" where a server computes, whose devices are not known here."""
    return "" if model.served_from else device.kind


def _predict(
    asked: Asking, ideal: dict[str, Prediction], model: Veiled, folder: RunFolder, attempt: Attempt, basis: Basis,
    progress: Progress, say: Say,
) -> journal.Kept:  # fmt: skip
    """Answer what the journal does not hold yet, which is given; each group of answers is kept as soon as it is finished."""
    settings, n = basis.settings, len(asked.examples)
    kept = attempt.recovered(asked.place, say, asked.asked.by_id)
    done, alone = set(kept.ids), feed.is_alone(model, basis.device)
    plan = feed.units(
        [example for example in asked.examples if example.id not in kept.reused], asked.request, model,
        batch_size=settings.batch_size, batch_tokens=settings.batch_tokens, done=kept.ids, names=asked.asked.names, alone=alone,
    )  # fmt: skip
    progress(len(done), n)
    if (
        kept.unplaced
        and len(done) < n
        and basis.device.dtype != "float32"
        and model.uses_device
        and not model.answers_alone
    ):
        say(
            f"the first {len(done)} answers are of an earlier version, which computed more at once: in {basis.device.dtype} some "
            "may be others than today's; --fresh asks them all again"
        )
    if len(done) < n:
        progress.doing("loads the model")
        feed.load(model, basis.device, settings.seed, attempt.watch)
    if ideal:
        model.reveal(ideal)
    progress(len(done), n)
    room, watched = feed.Room(), Watched(n, say)
    for unit in feed.ahead(plan, model):
        groups = feed.stream(model, unit.requests, basis.model, room)
        for group in attempt.watch.steps(groups, lambda group: _counts(group, asked, room), unit.position):
            stamped = asked.stamped(unit.requests, group)
            attempt.keep([one for one in stamped if one.id not in unit.kept])
            watched.see(stamped, unit.requests)
            done |= {one.id for one in stamped}
            progress(len(done), n)
    journal.settle(folder.path, list(asked.place))
    return kept


def _counts(group: Sequence[Prediction], asked: Asking, room: feed.Room) -> dict[str, Json]:
    """What the ledger says of a group of answers beside its time."""
    return {
        "n": len(group), "places": tuple(asked.place[one.id] for one in group), "halvings": room.counted(),
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


def _ideal(task: Task, model: Model, name: str, asked: Asking) -> dict[str, Prediction]:
    """What a model that reads the references gets of them; {} for every other."""
    if not model.reads_targets:
        return {}
    if without_references(asked.examples):
        raise BenchError(f"model '{name}' reads the references of task '{task.name}', which are held out")
    return asking.ideals(task, asked.examples)


def _has_audit(run: Run, settings: Settings) -> bool:
    """Whether a complete run has the audit that is asked for."""
    audited = run.audit.get("kind") == settings.audit and run.audit["n"] == min(settings.audit_size, run.n_examples)
    return settings.audit == "none" or audited


def _targets(config: Json) -> set[str]:
    """The modules of every class that a configuration names."""
    if isinstance(config, dict):
        own = {str(config["_target_"]).rpartition(".")[0]} if "_target_" in config else set()
        return own.union(*(_targets(value) for value in config.values()))
    return set().union(*(_targets(value) for value in config)) if isinstance(config, list) else set()


def _yaml(config: Json) -> str:
    import yaml

    return str(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
