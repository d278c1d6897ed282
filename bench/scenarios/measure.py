"""One timing of a run's model: warmed up, measured, audited, its raw file written, and the record told of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from bench.engine import feed
from bench.engine.history import Replies
from bench.engine.progress import Progress
from bench.engine.veil import Veiled
from bench.errors import BenchError
from bench.ground import Ground
from bench.models.base import Model
from bench.record import Run
from bench.runs import environment
from bench.runs.folder import CONFIG, RunFolder, refuse_altered
from bench.runs.journal import LEDGER
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.runs.rates import works
from bench.runs.timing import Stopwatch
from bench.scenarios import cache, offline, search, server, single_stream
from bench.scenarios.clock import Clock, Monotonic, Pulse, Watched
from bench.scenarios.raw_file import RawFile
from bench.scenarios.same_answers import SameAnswers
from bench.scenarios.stage import Stage
from bench.scoring.record import now
from bench.text.secrets import clean
from bench.timing.forms import FORM
from bench.timing.settings import SCENARIOS, TimingSettings
from bench.timing.summary import FOLDER, summary_of
from bench.types import Json, Prediction, Request

Say = Callable[[str], None]


def measure(
    ground: Ground, timing: TimingSettings, run: Run | None, *, progress: Progress, say: Say, clock: Clock | None = None
) -> tuple[dict[str, Json], Run | None]:
    """The summary of a scenario, and the run's record with it; `run` is None where there is none, `clock` stands for the machine's.

    Raises BenchError for a model that computes nothing. What was measured is in the raw file from its first answer on.
    """
    config = ground.basis.settings.config.get("model")
    if not works(ground.model.is_reference, config):
        raise BenchError(
            f"timing={timing.scenario}: model '{ground.basis.model}' is a reference row that computes nothing, so that its "
            "times would say nothing; choose a model that does"
        )
    if run is None and ground.asked.asked.histories:
        raise BenchError(
            f"timing={timing.scenario}: requests of task '{ground.basis.task.name}' show the model's own replies, which only a "
            "finished run has; run it without timing.alone first"
        )
    if run is not None:
        refuse_altered(ground.folder.path, run, but=(CONFIG, MEASUREMENTS), grown=(LEDGER,))
    with ground.folder.locked():
        path = _measured(ground, timing, run, progress, say, clock)
        summary = summary_of(path)
        return summary, run and _recorded(ground.folder, {timing.scenario: summary})


def taken_in(folder: RunFolder, run: Run, say: Say) -> Run:
    """The record with the readings that were made before there was one, of the raw files in its folder.

    `say` is told of a file that is none; it costs the run nothing.
    """
    found = {}
    for name in SCENARIOS:
        path = folder.path / FOLDER / f"{name}.jsonl"
        if name not in run.scenarios and path.exists():
            try:
                found[name] = summary_of(path)
            except BenchError as error:
                say(f"{error}; it is left out of the record")
    return _recorded(folder, found) if found else run


def _recorded(folder: RunFolder, found: Mapping[str, Json]) -> Run:
    """Write the record with these readings; all else in it stays as it is."""
    run = folder.read()
    return folder.amend(replace(run, scenarios={**run.scenarios, **found}))


def _measured(
    ground: Ground, timing: TimingSettings, run: Run | None, progress: Progress, say: Say, clock: Clock | None
) -> Path:  # fmt: skip
    """The finished raw file."""
    model, settings = ground.model, ground.basis.settings
    watched = Watched(clock or Monotonic())
    same = SameAnswers(ground.folder.predictions()) if run is not None and timing.audit else None
    header = _header(ground, timing, watched)
    asked = ground.asked.asked
    replies = Replies(ground.folder.predictions() if asked.histories else ())
    with RawFile(ground.folder.path, timing.scenario, header) as raw, Veiled(model, asked, replies) as veiled:
        if raw.interrupted is not None:
            say(f"timing={timing.scenario} was interrupted before and begins anew; it had measured {raw.interrupted}")
        stage = Stage(
            ground.asked, veiled, ground.basis.device, ground.basis.model, settings, timing, watched, raw, progress, model.sync,
            same or _nobody,
        )  # fmt: skip
        progress.doing("loads the model")
        watch = Stopwatch(lambda one: raw.line({"load": {"seconds": one.seconds}}))
        feed.load(veiled, ground.basis.device, settings.seed, watch)
        veiled.hear(stage.ear)
        try:
            service = _warm_up(stage)
            why, caveats = _timed(stage, header["settings"], service, nullcontext() if clock else Pulse())
            if timing.audit:
                _audit(stage, ground, same)
            _note_client(raw, model, timing.qps, caveats)
            raw.line({"end": {"why": why}})
        finally:
            veiled.hear(None)
        return raw.finish()


def _timed(
    stage: Stage, settings: Mapping[str, Json], service: float | None, pulse: AbstractContextManager[Pulse | None]
) -> tuple[str, list[str]]:
    """Measure, and note what the clock did meanwhile; why it ended, and what the client saw."""
    clock = stage.clock
    with pulse as beat:
        stage.begin()
        stage.model.hear(stage.ear)  # anew: what a client saw while it was warmed up is none of the measurement
        clock.begin()
        why = _SCENARIOS[stage.timing.scenario](stage, settings, service)
        seen = {"seconds": clock.now(), "suspended": clock.suspended(), "backwards": clock.backwards}
        caveats = stage.model.caveats()
    stood = (
        {"stopped": beat.stopped, "kept_waiting": beat.kept_waiting} if beat else {"stopped": 0.0, "kept_waiting": 0.0}
    )
    stage.raw.line({"clock": seen | stood})
    return why, caveats


def _note_client(raw: RawFile, model: Model, qps: float | None, caveats: list[str]) -> None:
    """Note what the client takes of an answer at this rate, and what it saw."""
    overhead = model.client_overhead_seconds(qps)
    if overhead is not None or caveats:
        raw.line({"client": {"overhead_seconds": overhead, "caveats": [clean(line) for line in caveats]}})


def _nobody(request: Request, found: Prediction) -> None:
    """Who is told of answers where there is no run to compare them with."""


def _audit(stage: Stage, ground: Ground, same: SameAnswers | None) -> None:
    """Look whether the answers are the run's, and for a cache."""
    stage.progress.doing("audits the timing")
    stage.told = _nobody
    answers = same and same.audit(stage, ground.basis.task)
    stage.raw.line({"audit": {"same_answers": answers, "cache": cache.audit(stage, ground.model)}})


_Scenario = Callable[[Stage, Mapping[str, Json], "float | None"], str]


def _server(stage: Stage, settings: Mapping[str, Json], service: float | None) -> str:
    """One rate, or the search for one."""
    if stage.timing.qps is None:
        return search.measure(stage, settings, service)
    return server.reading(stage, stage.timing.qps)


_SCENARIOS: Mapping[str, _Scenario] = {
    "offline": lambda stage, settings, service: offline.measure(stage),
    "single_stream": lambda stage, settings, service: single_stream.measure(stage),
    "server": _server,
}


def _warm_up(stage: Stage) -> float | None:
    """Ask what has the shapes that will be measured, uncounted; seconds an answer, None without a warm-up.

    Offline that is the plan's first unit, or more of them: the longest come first. Else one request at a time, from the longest of
    a sample to the shortest.
    """
    wanted = stage.timing.warmup
    if not wanted:
        return None
    stage.progress.doing("warms up")
    stage.begin()
    asked, begin = 0, stage.clock.now()
    if stage.timing.scenario == "offline":
        batches = (unit.requests for unit in stage.units())
    else:
        few = [stage.asked.request(example) for example in stage.asked.examples[: 8 * wanted]]
        few.sort(key=stage.model.cost, reverse=True)
        batches = ([one] for one in few[:: max(1, len(few) // wanted)][:wanted])
    for batch in batches:
        stage.model.ready(batch)
        for _ in feed.stream(stage.model, batch, stage.name, stage.room):
            pass
        asked += len(batch)
        if asked >= wanted:
            break
    stage.sync()
    took = stage.clock.now() - begin
    stage.raw.line({"warmup": {"n": asked, "seconds": took}})
    stage.ear.forget()
    return took / asked


def _header(ground: Ground, timing: TimingSettings, clock: Watched) -> dict[str, Json]:
    device, machine = ground.basis.device, environment.describe()
    return {
        "form": FORM, "scenario": timing.scenario,
        "settings": timing.header() | {
            "n_examples": len(ground.asked.examples), "at_once": timing.scenario == "server" and ground.model.takes_at_once,
        },
        "environment": device.describe() | {"cpu": machine["cpu"], "load": os.getloadavg()[0]},
        "started": now(), "clock": clock.clock.name,
    }  # fmt: skip
