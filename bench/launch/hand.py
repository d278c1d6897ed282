"""A worker on another machine, or in another process: it loads the model and answers units by the same code as a run does.

It knows nothing of what brought it there (`bench.launch.ray_actor` for Ray).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from bench.engine import feed
from bench.errors import BenchError
from bench.launch.crew import Facts, Held, Parcel, Unpacked, Work, other_versions
from bench.models.base import Answered, Device, Model
from bench.record import Timing
from bench.runs import environment
from bench.runs.asked import files_of
from bench.runs.code import code_of, sha256_of
from bench.runs.timing import Stopwatch
from bench.types import Prediction, Request

Piece = tuple[list[Prediction], float, int]  # a group, its seconds, its halvings


class _Shown(Model):
    """A model that is not asked of films which cannot be shown, as behind the veil of a run."""

    def __init__(self, model: Model, faults: Mapping[str, str]) -> None:
        self.model, self.faults, self.outputs = model, faults, model.outputs

    def free(self) -> None:
        self.model.free()

    def predict(self, batch: Sequence[Request]) -> Answered:
        if fault := next((self.faults[one.id] for one in batch if one.id in self.faults), ""):
            raise ValueError(fault)
        return self.model.predict(batch)


class Hand:
    """Gets ready for a work, and answers parcels."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.room = feed.Room()
        self._opened, self._cutting = Unpacked(), Unpacked()
        self._begin()

    @cached_property
    def model(self) -> Model:
        """The model of the work, taught what it learns from."""
        model = self.work.make()
        model.expects(self.work.output)
        self._refuse_other(model)
        if self.work.lesson:
            self._learn(model)
        return model

    def _begin(self) -> None:
        """Stand where the run stands: its settings, its folder, and its places of modules, as far as they are here."""
        work = self.work
        os.environ.update(work.settings)
        if work.settings.get("BENCH_OFFLINE"):
            from bench.artifacts.held import stay_offline

            stay_offline()
        if Path(work.folder).is_dir():
            os.chdir(work.folder)
        sys.path += [place for place in work.places if place not in sys.path and Path(place).exists()]

    def ready(self) -> Facts:
        """Make, teach and load the model; raises BenchError where it is not the run's, or not to be had here.

        Where that was done for another run of the same work, it is ready at once.
        """
        work, readings = self.work, list[Timing]()
        self.room = feed.Room()
        model = self.model
        libraries = environment.computing(model.uses_libraries)
        if work.strict and libraries != work.libraries:
            raise BenchError(
                f"--strict: computes under {', '.join(other_versions(work.libraries, libraries))}; install the same there"
            )
        feed.load(model, self._device(), work.seed, Stopwatch(readings.append, sync=model.sync))
        if work.ideal:
            model.reveal(dict(work.ideal))
        return Facts(
            tuple(readings), environment.describe() | self._device().describe(), libraries, model.unit_tokens, model.context,
            type(model).units is not Model.units, "", os.getpid(), self.held(),
        )  # fmt: skip

    def _device(self) -> Device:
        """The device of the run, as this machine calls it."""
        from bench.models.device import resolve

        its = self.work.device
        return resolve(its.kind, its.dtype, its.threads) if its.dtype != "none" else its

    def _refuse_other(self, model: Model) -> None:
        its = {
            "weights_sha256": model.weights_sha256, "revision": model.revision,
            "code": sha256_of(code_of(dict.fromkeys(self.work.identity["modules"]))),
        }  # fmt: skip
        for name, value in its.items():
            if value != self.work.identity[name]:
                raise BenchError(
                    f"its model '{self.work.name}' has another {name} than the run's: {value or 'none'} where "
                    f"{self.work.identity[name] or 'none'} is due; bring the same files there"
                )

    def _learn(self, model: Model) -> None:
        missing = [path for request, _ in self.work.lesson for path in files_of(request) if not path.exists()]
        if missing:
            raise BenchError(
                f"{missing[0]} is not there, which model '{self.work.name}' learns from; give every node the folder of the data"
            )
        if model.folds_clusters:
            model.clusters = tuple(self.work.clusters)
        model.learn(list(self.work.lesson))

    def cut(self, parcel: Parcel) -> list[list[int]]:
        """The places of the requests of each unit, as the loaded model cuts them."""
        requests = self._cutting(parcel)
        place = {one.id: at for at, one in enumerate(requests)}
        try:
            return [[place[one.id] for one in unit] for unit in self.model.units(requests)]
        finally:
            self._cutting.drop()

    def answer(self, parcel: Parcel) -> Iterator[Piece]:
        """The groups of a unit as they are finished, last what came behind them, if it took any time."""
        requests, found = self._opened(parcel), list[Timing]()
        watch = Stopwatch(found.append, sync=self.model.sync)
        names = self._opened.own
        groups = feed.stream(_Shown(self.model, parcel.faults), requests, self.work.name, self.room)
        try:
            for group in watch.steps(groups, lambda group: {"n": len(group), "halvings": self.room.counted()}, 0):
                reading = found.pop()
                yield [_named(one, names) for one in group], reading.seconds, reading.halvings
        except BenchError as error:
            raise BenchError(_plain(str(error), names)) from None
        finally:
            self._opened.drop()
        for reading in found:
            yield [], reading.seconds, 0

    def held(self) -> Held:
        """The most memory so far, and how the model computes."""
        return Held(environment.peak_memory_bytes(), self.model.device_memory_bytes(), dict(self.model.describe()))


def _named(one: Prediction, names: Mapping[str, str]) -> Prediction:
    return one if one.error is None or not names else one.but(error=_plain(one.error, names))


def _plain(text: str, names: Mapping[str, str]) -> str:
    """A text with files under the names that they have where they were packed."""
    for name in names:
        text = text.replace(name, names[name])
    return text
