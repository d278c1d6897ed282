"""`bench run`: jobs one after another, with what they share."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import sharded
from bench.commands.shared import faults
from bench.commands.shared.on_ray import Crews
from bench.commands.shared.parts import Launched, PartDone, elsewhere, shard_of
from bench.commands.shared.plan import Job
from bench.commands.shared.progress import Display, Progress
from bench.config import compose as conf
from bench.config.build import build
from bench.engine.audit import known_kind
from bench.engine.cut import ALARMING, remedy
from bench.engine.fitting import fits, refuse_misfit
from bench.errors import BenchError, NothingToLearn
from bench.ground import Ground, ground_of
from bench.judging.changes import one_line
from bench.launch import local, slurm
from bench.launch.settings import LOCAL, RAY, SLURM, LaunchSettings
from bench.logs.log import Public, into, log, say
from bench.models.base import Device, Model
from bench.models.reply import UNREAD
from bench.record import Run
from bench.run import as_yaml, evaluate
from bench.runs import spans
from bench.runs.endings import is_cut, is_empty
from bench.runs.folder import RunFolder
from bench.runs.identity import fingerprint
from bench.runs.settings import Settings
from bench.runs.shards import Shard
from bench.scenarios.measure import measure, taken_in
from bench.scoring.record import now
from bench.task import EntryTask, Task
from bench.timing.settings import TimingSettings
from bench.tracking.log import Tracker
from bench.tracking.mark import add_time, is_logged
from bench.tracking.store import PartOfStore, StoreError, default_uri, sync_command


@dataclass
class Outcome:
    """What came of a `bench run`: finished runs with their folders, jobs that do not fit, failed jobs with the reason.

    `answerless` are the finished runs of which every example failed, `timed` the timings that were measured, `parts` the parts of
    runs that were answered, `launched` the runs whose parts others answer from now on.
    """

    done: list[tuple[Run, Path]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (task, model) that do not fit
    untaught: list[tuple[str, str]] = field(default_factory=list)  # (task, model) of which nothing can be learned
    failed: list[tuple[str, str]] = field(default_factory=list)
    is_fault: bool = False  # a job failed by a fault of bench itself
    answerless: list[str] = field(default_factory=list)
    timed: list[tuple[str, Path, Mapping[str, Any]]] = field(default_factory=list)  # label, folder and summary
    parts: list[PartDone] = field(default_factory=list)
    launched: list[Launched] = field(default_factory=list)


class Runner:
    """Runs jobs, keeping the last model and the store between them."""

    def __init__(
        self, *, fresh: bool = False, strict: bool = False, reuse: bool = False,
        done: Callable[[Run, Path], None] = lambda run, folder: None,
        timed: Callable[[str, Mapping[str, Any]], None] = lambda label, summary: None,
        part: Callable[[PartDone], None] = lambda done: None,
        launched: Callable[[Launched], None] = lambda done: None, display: Display | None = None,
        merging: Path | None = None,
    ) -> None:  # fmt: skip
        """`done` is told of each run as soon as it is complete, `timed` of each timing, `part` of each part of a run, `launched` of
        runs that others answer; `display` shows them until then. `merging` is the folder of the one run whose parts are made one:
        nothing is asked of its model.

        For the others see `Settings`. `measuring` is the timing that is under way, "" for none.
        """
        self.fresh, self.strict, self.reuse, self.done, self.timed = fresh, strict, reuse, done, timed
        self.part, self.launched, self.merging = part, launched, merging
        self.measuring = ""
        self.outcome = Outcome()
        self.display = display or Display()
        self.progress = Progress("")
        self._model: tuple[str, Model] | None = None
        self._trackers: dict[str, Tracker | None] = {}
        self._crews = Crews()

    def run(self, jobs: Sequence[Job], *, before: Sequence[tuple[str, float, float]] = ()) -> Outcome:
        """Run every job; one that a user could fix costs only itself when there are others.

        `before` is what the process did until now, name, start and end of each, for the timeline of the first job.
        """
        try:
            for number, job in enumerate(jobs, 1):
                label = job.label()
                self.display.job(number, len(jobs), len(self.outcome.failed))
                self.progress = self.display.run(label)
                try:
                    with spans.told(before if number == 1 else ()):
                        self._one(job, label)
                except Exception as error:
                    if job.suite and isinstance(error, NothingToLearn):
                        self.outcome.untaught.append((job.task, job.model))
                        continue
                    self._failed(label, error, alone=len(jobs) == 1)
        finally:
            self._crews.close()
            self.display.rest()
        self._sum_up(len(jobs))
        return self.outcome

    def _failed(self, label: str, error: Exception, *, alone: bool) -> None:
        """Take note of a job that failed, whatever it failed by, so that others go on; raises the error where there are none."""
        if alone:
            raise error
        if isinstance(error, BenchError):
            line = str(error)
            say(f"{label}: {line}", logging.ERROR)
        elif line := faults.limit(error):
            say(f"{label}: {line}", logging.ERROR)
        else:
            self.outcome.is_fault = True
            line = faults.told(error, ["run", f"task={label.split(' / ')[0]}"])
        self.outcome.failed.append((label, line))

    def _sum_up(self, n: int) -> None:
        """Say at the end of `n` jobs which were skipped, and again which failed."""
        for found, why in (
            (self.outcome.skipped, "whose parts or output it does not take"),
            (self.outcome.untaught, "which have no training split here that it could learn from"),
        ):
            for model in dict.fromkeys(model for _, model in found):
                say(f"{model}: skipped {', '.join(task for task, of in found if of == model)}, {why}")
        if failed := self.outcome.failed:
            say(
                f"{len(failed)} of {n} jobs failed; the same command goes on with them, and answers at once for the others:",
                logging.ERROR,
            )
            for label, line in failed:
                say(f"  {label}: {line}", logging.ERROR)

    def interrupted(self) -> str:
        """What a person should know when Ctrl-C ended it."""
        if self.measuring:
            return (
                f"interrupted; the timing of {self.measuring} begins anew with the same command, what it had measured stays in "
                "the run's folder"
            )
        done, n = self.progress.state
        return f"interrupted; {done} of {n} predictions of {self.progress.label} are kept, the same command goes on from there"

    def _one(self, job: Job, label: str) -> None:
        _refuse_nan(job.config, "")
        self.progress.doing("prepares task and model")
        task, model = _task(job), job.made or self._shared(job.config["model"])
        if not fits(task, model):
            if not job.suite or self.merging:
                refuse_misfit(task, model, job.model, () if job.made else tuple(_fitting(task)))
            self.outcome.skipped.append((job.task, job.model))
            return
        known_kind(job.config["audit"])
        timing = TimingSettings.of(job.config["timing"])
        launch = LaunchSettings.of(job.config["launch"])
        shard = shard_of(job.config, launch, fresh=self.fresh, timed=timing is not None)
        settings = self._settings(job)
        label, ground = self._ground(job, task, model, settings)
        if shard is not None and not ground.folder.complete:
            self._part(ground, shard, label)
            return
        is_due = launch is not None and not ground.folder.complete and not (timing is not None and timing.alone)
        is_due = is_due and launch is not None and launch.kind != RAY  # whose workers answer to this process
        if launch is not None and is_due:
            if not self._launch(ground, launch, job.words, label):
                return
            settings = replace(settings, reuse=False)  # which the parts did
            ground = replace(ground, basis=replace(ground.basis, settings=settings))
        with into(ground.folder.path):
            self._begun(job, ground, timing, launch, label)

    def _settings(self, job: Job) -> Settings:
        kept = {
            name: value for name, value in job.config.items() if name not in ("timing", "price", "shard", "launch")
        }  # no part of what a run is
        return Settings.of(
            job.config, config=kept, price=job.price, fresh=self.fresh, strict=self.strict, reuse=self.reuse
        )

    def _ground(self, job: Job, task: Task, model: Model, settings: Settings) -> tuple[str, Ground]:
        """What the job is called, and what it stands on."""
        name = job.model if self.merging or not model.variant else f"{job.model}-{model.variant}"
        label = job.label(name)
        self.progress = self.display.run(label)
        self.progress.doing("reads data and weights")
        if self.merging:
            ground = ground_of(task, model, name, sharded.device_of(self.merging), settings)
            return label, sharded.mergeable(ground, self.merging, say)
        return label, ground_of(task, model, name, _device(model, job.config), settings)

    def _launch(self, ground: Ground, launch: LaunchSettings, words: Sequence[str], label: str) -> bool:
        """Have processes answer the parts of a run; whether they have, so that it is gone on with, or will."""
        is_here = launch.kind == LOCAL
        if self.fresh or not is_here:  # which is this folder, from now on the latest, so that the parts find it
            with ground.folder.opened(as_yaml(ground.basis.settings.config), ground.identity, ground.basis.libraries):
                pass
        words = [word for word in words if not word.lstrip("+~").startswith(("timing=", "timing."))]  # of the whole run
        words = [*words, *(f"--{name}" for name in ("strict", "reuse") if getattr(self, name))]
        if ground.model.uses_device and not is_here:  # the same for all, whatever "auto" is where they come to run
            device = ground.basis.device
            words += [f"device.kind={device.kind}", f"device.dtype={device.dtype}"]
        n, run = local.n_parts(ground, launch.parts), ground.folder.path
        if is_here:
            local.launch(ground, words, n, self.progress, say)
            return True
        if launch.kind == SLURM:
            jobs = slurm.submit(run, words, n, launch.slurm, label)
            done = Launched(label, run, n, jobs)
        else:
            done = Launched(label, run, n, {}, slurm.write_script(run, words, n, launch.slurm, label))
        self.outcome.launched.append(done)
        self.launched(done)
        return False

    def _part(self, ground: Ground, shard: Shard, label: str) -> None:
        """Answer one part of a run, into a log of its own."""
        part = sharded.answer(ground, shard, progress=self.progress, say=say)
        errors = [one.error for one in RunFolder(part.path).predictions()]
        failed = [one for one in errors if one is not None]
        seconds = sum(one.seconds for one in RunFolder(part.path).readings())
        left = sharded.to_come(ground, shard.of)
        done = PartDone(label, part, len(errors), seconds, left, len(failed), failed[0] if failed else "")
        self.outcome.parts.append(done)
        if errors and len(failed) == len(errors):
            self.outcome.answerless.append(label)
        self.part(done)

    def _begun(
        self, job: Job, ground: Ground, timing: TimingSettings | None, launch: LaunchSettings | None, label: str
    ) -> None:
        """What is due of a run whose folder is known, all of it into its log."""
        log.debug("%s", Public(label))
        if timing is not None and timing.alone:
            self._time(ground, timing, ground.folder.read() if ground.folder.complete else None, label)
        else:
            self._evaluate(job, ground, timing, launch, label)

    def _evaluate(
        self, job: Job, ground: Ground, timing: TimingSettings | None, launch: LaunchSettings | None, label: str
    ) -> None:
        """Make the run or find it again, measure a scenario beside it, and log it."""
        basis, is_found = ground.basis, ground.folder.complete
        with self._crews.source(job, ground, launch, say) as source:
            run, folder = evaluate(
                basis.task, ground.model, basis.model, basis.device, basis.settings, ground=ground, progress=self.progress, say=say,
                answered_by=source,
            )  # fmt: skip
        run = taken_in(folder, run, say)
        self.outcome.done.append((run, folder.path))
        self.done(run, folder.path)
        if _report_answers(run, folder, label, "; --fresh asks them again" if is_found else ""):
            self.outcome.answerless.append(label)
        try:
            if timing is not None:
                self._time(ground, timing, run, label)
                run = folder.read()
                self.outcome.done[-1] = (run, folder.path)
        finally:  # a timing that fails costs the run nothing
            self.progress.doing("logs the run")
            self._track(job, run, folder.path)

    def _time(self, ground: Ground, timing: TimingSettings, run: Run | None, label: str) -> None:
        """Measure a scenario of a run; without one, of its model alone."""
        label = f"{label} / {timing.scenario}"
        self.progress, self.measuring = self.display.run(label), label
        summary, _ = measure(ground, timing, run, progress=self.progress, say=say)
        self.measuring = ""
        self.outcome.timed.append((label, ground.folder.path, summary))
        self.timed(label, summary)

    def _shared(self, config: Mapping[str, Any]) -> Model:
        """The model of this configuration; the last one is kept, so that a suite loads it once."""
        key = fingerprint(config)
        if self._model is None or self._model[0] != key:
            self._model = None  # let the old one go before the new one comes
            self._model = (key, build(config, "model"))
        return self._model[1]

    def _track(self, job: Job, run: Run, folder: Path) -> None:
        """Log the run if its store has not got it; a suite's runs stand under one parent for each model and seed."""
        if not job.config["tracking"]["enabled"]:
            return
        uri = job.config["tracking"]["uri"] or default_uri(Path(job.config["runs_dir"]))
        if is_logged(folder, uri, job.suite):
            return
        start, at = spans.clock(), now()
        try:
            if uri not in self._trackers:
                self._trackers[uri] = None  # stays so if the store is down: one try, one line
                self._trackers[uri] = Tracker(uri, Path(job.config["runs_dir"]))
            if (tracker := self._trackers[uri]) is not None:
                tracker.log(run, folder, job.suite)
                add_time(folder, at, spans.since_begin(start), spans.clock() - start)
        except StoreError as error:
            if not isinstance(error, PartOfStore):
                self._trackers[uri] = None
            say(
                f"{error}; the run is complete in {folder}; {error.remedy}, and "
                f"`{sync_command(uri, Path(job.config['runs_dir']))}` logs it later",
                logging.WARNING,
            )


def _task(job: Job) -> Task:
    """The job's task; raises BenchError for one that runs no model."""
    task = build(job.config["task"], "task")
    if isinstance(task, EntryTask):
        raise BenchError(
            f"task '{task.name}' ranks entries and runs no model; `bench score {task.name} PATH` scores them"
        )
    found: Task = task
    return found


def _fitting(task: Task) -> list[str]:
    """The names of the models in conf/ that can do the task."""
    found = []
    for name in conf.names("model"):
        with suppress(BenchError):  # one of somebody's own that cannot be made is no choice, and no matter here
            if fits(task, build(conf.choice("model", name), "model")):
                found.append(name)
    return found


def _device(model: Model, config: Mapping[str, Any]) -> Device:
    from bench.models.device import resolve

    if not model.uses_device:
        return Device("cpu", "none", 1)
    asked = config["device"]
    return elsewhere(config) or resolve(asked["kind"], asked["dtype"], asked["threads"])


def _refuse_nan(config: Any, key: str) -> None:
    """Raise BenchError for a NaN or an infinity, which no record could hold."""
    if isinstance(config, Mapping):
        for name, value in config.items():
            _refuse_nan(value, f"{key}.{name}".lstrip("."))
    elif isinstance(config, float) and not math.isfinite(config):
        raise BenchError(f"{key}={config} must be a finite number")


def _report_answers(run: Run, folder: RunFolder, label: str, again: str) -> bool:
    """Say how many examples failed or were answered with nothing, and what a model was asked otherwise; whether all failed.

    A model whose replies cannot be read has answered all the same: that is its result.
    """
    failed, unread, wordless, thinks, first = 0, 0, 0, False, ""
    for prediction in folder.predictions():
        thinks = thinks or prediction.thinking_tokens > 0 or prediction.thinking is not None
        if prediction.error is not None:
            failed, first = failed + 1, first or prediction.error
            unread += prediction.error.startswith(UNREAD)
        wordless += is_cut(prediction) and is_empty(prediction)
    if put := run.computed.get("chat"):
        say(f"{label}: {put}")
    n, answers = run.n_examples, run.answers
    if empty := answers.get("n_empty"):
        but = f", but for {wordless} that were cut before a word and have failed" if wordless else ""
        say(f"{label}: {empty} of {n} answers are empty: the model said nothing, and is scored as saying so{but}")
    if (cut := answers.get("finishes", {}).get("length", 0)) > ALARMING * n:
        say(f"{label}: {cut} of {n} answers ({100 * cut / n:.1f} %) are cut {remedy(None, thinks=thinks)}")
    if unread == n:
        say(f"{label}: not one of the {n} replies could be read, all count as wrong; the first: {one_line(first)}")
    elif failed == n:
        say(f"{label}: every one of the {n} examples failed, so this is no result; the first: {one_line(first)}{again}")
    elif failed:
        say(f"{label}: {failed} of {n} examples failed and count as wrong; see 'error' in predictions.jsonl{again}")
    return failed == n and unread < n
