"""`launch=ray`: who answers a run, and what is kept of the workers from one job to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from bench.commands.shared.plan import Job
from bench.config.build import build
from bench.engine import teaching
from bench.ground import Ground
from bench.launch.pooled import Pooled
from bench.launch.ray import RayCrew, work_of
from bench.launch.ray_settings import Wanted
from bench.launch.settings import RAY, LaunchSettings
from bench.timing.settings import TimingSettings


class Crews:
    """The workers of the last job: the next one has them too, where it asks for the same."""

    def __init__(self) -> None:
        self._crew: RayCrew | None = None

    @contextmanager
    def source(
        self, job: Job, ground: Ground, launch: LaunchSettings | None, say: Callable[[str], None]
    ) -> Iterator[Pooled | None]:
        """Who answers a run, None for the model of this process. What fails ends the workers."""
        if launch is None or launch.kind != RAY:
            yield None
            return
        try:
            yield self._source(job, ground, launch, say)
        except BaseException:
            self.close()
            raise

    def _source(self, job: Job, ground: Ground, launch: LaunchSettings, say: Callable[[str], None]) -> Pooled:
        device, settings, basis = ground.basis.device, launch.ray, ground.basis
        gpus = settings.gpus if settings.gpus is not None else 1.0 if device.kind == "cuda" else 0.0
        threads = job.config["device"]["threads"] if ground.model.uses_device else 1
        wanted = Wanted(launch.parts, gpus, settings.cpus, threads, len(ground.asked.examples))
        timed = TimingSettings.of(job.config["timing"]) is not None
        keep = not timed and job.config["audit"] == "none"  # else this process needs the room
        before = self._crew
        if before is None or not before.serves(settings, wanted):
            self.close()
            self._crew = before = RayCrew(settings)
        before.wanted, before.keep = wanted, keep
        lesson = teaching.taught(basis.task, ground.asked, basis.model)[0] if ground.model.learns else ()
        return Pooled(before, ground, work_of(ground, partial(build, job.config["model"], "model"), lesson), say)

    def close(self) -> None:
        """End the workers."""
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.close()
