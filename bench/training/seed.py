"""One seed of a training, from its first attempt to the model that stays: what a kill leaves is found again."""

from __future__ import annotations

import datetime
import gc
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bench.artifacts.digest import digest
from bench.disk import write_atomically
from bench.engine.progress import Progress
from bench.errors import BenchError, authored, out_of_memory
from bench.logs.log import command, log
from bench.models import taught_names
from bench.models.base import Model
from bench.models.trainable import Recipe, Trainable
from bench.runs.heartbeat import Heartbeat, last_beat
from bench.runs.locks import refuse_lost
from bench.training import checkpoint, curve, loop
from bench.training.evaluation import Exam
from bench.training.ledger import Ledger, Reading, Way, readings, way
from bench.training.loop import Course

if TYPE_CHECKING:
    import torch
    from transformers import Trainer

MODEL, CONFIG = "model", "model.yaml"
_REMEDY = "correct it and run the same command again: it goes on from its checkpoint"
Say = Callable[[str], None]


@dataclass
class Seed:
    """One seed of `seeds`, in a folder of its own; `make` gives the model as it is before it has learned anything."""

    folder: Path
    seed: int
    make: Callable[[], Model]
    exam: Exam
    recipe: Recipe
    limit_seconds: float | None
    clock: loop.Clock = time.perf_counter

    @property
    def done(self) -> bool:
        """Whether it has ended, and the model that it left is there as it was."""
        last = next(reversed(readings(self.folder)[0]), None)
        made = self.folder / MODEL
        return last is not None and last.phase == "save" and made.is_dir() and digest(made) == last.weights

    def way(self) -> Way:
        """Its useful way so far."""
        return way(readings(self.folder)[0])

    def train(self, others: Sequence[Path], *, first: bool, progress: Progress, say: Say) -> None:
        """Go on to the end; raises BenchError where it is no other training than that of one of the `others`.

        The `first` one is evaluated before its first step too: what an untrained model reaches is no target.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        before, bad = readings(self.folder)
        if bad:
            say(
                f"{self.folder / 'ledger.jsonl'}: {bad} lines cannot be read and are left out; what they were of is trained again"
            )
        attempt = 1 + max((one.attempt for one in before), default=0)
        ledger = Ledger(self.folder, attempt)
        try:
            _write_lost(ledger, self.folder, before)
            ledger.write("begin", at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
            log.info("seed %d: attempt %d begins, as process %d: %s", self.seed, attempt, os.getpid(), command())
            with Heartbeat(self.folder, attempt, lambda: {"doing": f"seed {self.seed}", "command": command()[:600]}):
                self._attempt(ledger, others, first=first, progress=progress, say=say)
        finally:
            ledger.close()

    def _attempt(self, ledger: Ledger, others: Sequence[Path], *, first: bool, progress: Progress, say: Say) -> None:
        progress.doing("loads model and rows")
        began = self.clock()
        model, network, rows = self._begun()
        course = Course.of(
            len(rows), self.recipe, folder=self.folder, seed=self.seed, device=self.exam.device, target=self.exam.target,
            limit_seconds=self.limit_seconds,
        )  # fmt: skip
        made = loop.trainer(network, rows, model.collate, course)
        weights, order = loop.weights_of(network), loop.order_of(made)
        ledger.write("load", self.clock() - began, weights=weights, order=order)
        refuse_same(self.folder, others, weights, order, draws=getattr(model, "draws_weights", True))

        def value(step: int) -> float:
            progress.doing(f"evaluates behind epoch {step / course.steps_per_epoch:.3g}")
            with _at_rest(network):
                found = self.exam.value(model)  # type: ignore[arg-type]  # a Model too, as `_begun` has seen
            progress.doing(
                f"trains; {self.exam.target.metric} was {found:.4f} behind epoch {step / course.steps_per_epoch:.3g}"
            )
            return found

        training = loop.Training(course, ledger, self.way, value, self.clock)
        if first:
            self._refuse_reached(training)
        self._run(training, made, checkpoint.last_whole(self.folder, self.way().step), progress)
        progress.doing("keeps the model")
        self._save(model, course, ledger)

    def _begun(self) -> tuple[Trainable, torch.nn.Module, Sequence[Mapping[str, Any]]]:
        """The model, its network before the first step, and its training rows."""
        import torch
        import transformers

        gc.collect()  # the network of the seed before
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        device = replace(
            self.exam.device, dtype="float32"
        )  # half precision is mixed: weights and their sums stay float32
        torch.set_num_threads(device.threads)
        model, owner = self.make(), f"model '{self.exam.name}'"
        if not isinstance(model, Trainable):
            raise BenchError(
                f"{owner} cannot be trained: its class is no Trainable; see docs/training.md for those that are"
            )
        taught = self.exam.lesson.taught
        torch.manual_seed(self.seed)
        with authored(owner, "begin()", _REMEDY) as place:
            network = model.begin(device, seed=self.seed, taught=taught)
            place.function = "rows()"
            rows = model.rows(taught)
        model.loaded = (device, self.seed)  # no loop loads it again
        if not len(rows):
            raise BenchError(
                f"{owner} finds nothing to learn in {len(taught):,} training examples; choose a model for this task"
            )
        return model, network, rows

    def _refuse_reached(self, training: loop.Training) -> None:
        training.evaluate(0)
        found = self.way().evaluated(0)
        if found is not None and found.value is not None and self.exam.target.met(found.value):
            raise BenchError(
                f"target {self.exam.target} is reached before a step is trained ({self.exam.target.metric} "
                f"{found.value:.4f}); choose one that has to be learned"
            )

    def _run(self, training: loop.Training, made: Trainer, step: int, progress: Progress) -> None:
        progress.doing(f"trains from step {step}")
        try:
            training.run(made, step)
        except Exception as error:
            if not out_of_memory(error):
                raise
            raise BenchError(
                f"a batch of {self.recipe.batch_size} does not fit in memory; give a smaller train.batch_size="
            ) from None

    def _save(self, model: Trainable, course: Course, ledger: Ledger) -> None:
        """Keep the model as it is now, write the curve, and remove the checkpoints."""
        refuse_lost(self.folder.parent)
        began = self.clock()
        draft, final = self.folder / f".{MODEL}", self.folder / MODEL
        for path in (draft, final):
            shutil.rmtree(path, ignore_errors=True)
        draft.mkdir()
        with authored(f"model '{self.exam.name}'", "save()", _REMEDY):
            model.save(draft)
            told = model.trained_config(Path())
        taught_names.write(draft, (request for request, _ in self.exam.lesson.taught))
        write_atomically(draft / CONFIG, yaml.safe_dump(told, sort_keys=False, allow_unicode=True))
        os.replace(draft, final)
        found = self.way()
        write_atomically(self.folder / curve.FILE, curve.text(found, self.exam.task.name, self.exam.target.metric))
        why = course.why(found.step, found)
        ledger.write("save", self.clock() - began, step=found.step, weights=digest(final), why=why)
        checkpoint.remove(self.folder)


@contextmanager
def _at_rest(network: torch.nn.Module) -> Iterator[None]:
    """The network as it is without training: no dropout, and no mixed precision around its `forward`."""
    around = network.__dict__.pop("forward", None)
    network.eval()
    try:
        yield
    finally:
        network.train()
        if around is not None:
            network.__dict__["forward"] = around


def _write_lost(ledger: Ledger, folder: Path, before: Sequence[Reading]) -> None:
    """Write down what the last attempt took, as far as it was seen alive, that no reading of it holds."""
    beat = last_beat(folder)
    if beat is None or not any(one.attempt == beat[0] and one.phase == "begin" for one in before):
        return
    known = sum(one.seconds for one in before if one.attempt == beat[0])
    killed = Ledger(folder, beat[0])
    try:
        killed.write("lost", max(0.0, beat[1] - known))
    finally:
        killed.close()


def refuse_same(folder: Path, others: Sequence[Path], weights: str, order: str, *, draws: bool) -> None:
    """Raise BenchError where another seed began with the same weights, or took the data in the same order."""
    for other in others:
        for one in readings(other)[0]:
            if one.phase != "load":
                continue
            same = "takes the data in the same order" if one.order == order else ""
            same = "begins with the same weights" if draws and one.weights == weights else same
            if same:
                raise BenchError(
                    f"{folder.name} {same} as {other.name}, so they are no two trainings and their spread would be "
                    "none; `begin` must draw by its seed, and there must be more than one batch of rows"
                )
