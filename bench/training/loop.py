"""One training by the `Trainer` of transformers: a clock that runs while it trains, and stands while it is evaluated or written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.models.base import Device
from bench.models.trainable import Recipe, Row
from bench.runs.identity import fingerprint
from bench.training import checkpoint
from bench.training.ledger import Ledger, Way
from bench.training.target import Target

if TYPE_CHECKING:
    import torch
    from transformers import Trainer, TrainerCallback

REACHED, EPOCHS, LIMIT = "reached", "epochs", "limit"  # why a training ends
Clock = Callable[[], float]


class Ended(Exception):
    """A training that goes on finds that it had ended: its weights are loaded, and not a step is due."""


@dataclass(frozen=True)
class Course:
    """How one seed is trained: evaluated behind each of the steps `due`, until the target, the limit or the last step."""

    folder: Path
    seed: int
    recipe: Recipe
    device: Device
    target: Target
    limit_seconds: float | None
    due: Sequence[int]
    steps_per_epoch: int

    @classmethod
    def of(cls, n_rows: int, recipe: Recipe, **more: Any) -> Course:
        """The course over so many rows; an epoch has its evaluations at even distances, the last at its end."""
        steps = -(-n_rows // recipe.batch_size)
        within = sorted({max(1, round(steps * (i + 1) / recipe.evaluations)) for i in range(recipe.evaluations)})
        due = [epoch * steps + step for epoch in range(recipe.epochs) for step in within]
        return cls(recipe=recipe, due=due, steps_per_epoch=steps, **more)

    @property
    def steps(self) -> int:
        """All steps, if nothing ends it before."""
        return self.steps_per_epoch * self.recipe.epochs

    def why(self, step: int, way: Way) -> str:
        """Why it ends behind this step, "" where it goes on. What is reached behind the limit is not."""
        seconds, found = way.seconds(step), way.evaluated(step)
        late = self.limit_seconds is not None and seconds > self.limit_seconds
        if found is not None and found.value is not None and self.target.met(found.value) and not late:
            return REACHED
        if self.limit_seconds is not None and seconds >= self.limit_seconds:
            return LIMIT
        return EPOCHS if step >= self.steps else ""


def trainer(
    network: torch.nn.Module, rows: Sequence[Row], collate: Callable[[Sequence[Row]], Mapping[str, Any]], course: Course
) -> Trainer:
    """The trainer of a course: it says nothing, reaches no network, and writes only where the course says."""
    from transformers import PrinterCallback, Trainer, TrainingArguments

    recipe, device = course.recipe, course.device
    arguments = TrainingArguments(
        output_dir=str(course.folder), num_train_epochs=recipe.epochs, per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate, lr_scheduler_type="linear", warmup_steps=float(recipe.warmup),
        weight_decay=recipe.weight_decay, seed=course.seed, data_seed=course.seed, use_cpu=device.kind == "cpu",
        bf16=device.dtype == "bfloat16", fp16=device.dtype == "float16", report_to="none", save_strategy="no",
        eval_strategy="no", logging_strategy="no", disable_tqdm=True, remove_unused_columns=False, push_to_hub=False,
        dataloader_num_workers=0, dataloader_pin_memory=device.kind == "cuda", save_only_model=False,
    )  # fmt: skip

    class OfLoss(Trainer):  # type: ignore[misc]
        """Takes the loss that the network itself gives, whatever kind of object it is an attribute of."""

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            outputs = model(**inputs)
            return (outputs.loss, outputs) if return_outputs else outputs.loss

    arguments._n_gpu = min(arguments.n_gpu, 1)  # more would train in larger batches than the recipe says
    made = OfLoss(model=network, args=arguments, train_dataset=list(rows), data_collator=collate)
    made.remove_callback(PrinterCallback)
    return made


def order_of(made: Trainer) -> str:
    """The digest of the order in which the first epoch takes the rows."""
    batches = made.get_train_dataloader().batch_sampler
    return fingerprint([list(map(int, batch)) for batch in batches])[:32]


def weights_of(network: torch.nn.Module) -> str:
    """The digest of all that a network holds."""
    import hashlib

    import torch

    state = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        state.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        state.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return state.hexdigest()[:32]


@dataclass
class Training:
    """What the clock of a training needs: its `course` and `ledger`, the `way` so far, and how it is evaluated."""

    course: Course
    ledger: Ledger
    way: Callable[[], Way]
    value: Callable[[int], float]
    clock: Clock = time.perf_counter

    def run(self, made: Trainer, step: int) -> None:
        """Train from the checkpoint behind `step` (0: from the start) to the end of the course."""
        made.add_callback(_watch(self))
        try:
            made.train(resume_from_checkpoint=str(checkpoint.place(self.course.folder, step)) if step else None)
        except Ended:
            return

    def sync(self) -> None:
        """Wait for the device."""
        if self.course.device.kind == "cuda":
            import torch

            torch.cuda.synchronize()

    def evaluate(self, step: int) -> str:
        """Evaluate behind a step, outside the clock, unless that was done; why the training ends there, "" where it goes on."""
        if self.way().evaluated(step) is None:
            began = self.clock()
            value = self.value(step)
            self.ledger.write(
                "evaluate", self.clock() - began, step=step, epoch=step / self.course.steps_per_epoch, value=value
            )
        return self.course.why(step, self.way())


def _watch(training: Training) -> TrainerCallback:
    """The callback by which a training is timed, written and evaluated."""
    from transformers import TrainerCallback

    course, ledger, clock = training.course, training.ledger, training.clock
    due = frozenset(course.due)

    class Watch(TrainerCallback):  # type: ignore[misc]
        """Stops the clock behind each step that is due, has the checkpoint written, then evaluates: a kill there costs no step."""

        began = done = 0.0
        start = 0

        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step and training.evaluate(state.global_step):
                raise Ended
            self._go_on(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
            step = state.global_step
            if step not in due and not self._late():
                return control
            training.sync()
            now = clock()
            ledger.write("train", now - self.began, start=self.start, step=step)
            self.began = now
            control.should_save = True
            return control

        def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
            step = state.global_step
            checkpoint.seal(course.folder, step)
            ledger.write("checkpoint", clock() - self.began, step=step)
            control.should_training_stop = bool(training.evaluate(step))
            self._go_on(step)
            return control

        def _go_on(self, step: int) -> None:
            training.sync()
            self.start, self.done, self.began = step, training.way().seconds(step), clock()

        def _late(self) -> bool:
            return course.limit_seconds is not None and self.done + clock() - self.began >= course.limit_seconds

    return Watch()
