"""What a training stands on: the examples that are taught, none of them evaluated, and those that are evaluated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.artifacts.seals import Sealer
from bench.data.files import noted
from bench.engine.asking import Asking, asking, ideals, sealed_files
from bench.errors import BenchError, authored
from bench.models.trainable import Taught
from bench.runs.asked import ask
from bench.runs.identity import fingerprint
from bench.runs.settings import Settings
from bench.scoring.measure import without_references
from bench.task import Task
from bench.types import Example

OFFICIAL = "official training split"
_REMEDY = "correct it and run the same command again"


@dataclass(frozen=True)
class Lesson:
    """`taught` in the order of the data, `digest` of all of it; `asked` is what an evaluation asks.

    `leaked` counts the training examples that are evaluated too, by id or by all that a model sees of them, and were left out.
    `split` says what was trained on and evaluated, `comparable` whether others' numbers on this data set compare.
    """

    asked: Asking
    taught: Sequence[Taught] = field(repr=False)
    digest: str
    leaked: int
    split: str
    comparable: bool


def lesson(task: Task, settings: Settings, rows: int | None) -> Lesson:
    """The lesson of a task, of at most `rows` training examples drawn by the seed.

    Raises BenchError where there is nothing to train on, or the references of the evaluated examples are held out.
    """
    asked = asking(task, settings.limit, 0, settings.seed)
    if without_references(asked.examples):
        raise BenchError(
            f"the references of task '{task.name}' are held out, so nobody here can tell when a target is reached"
        )
    with authored(f"task '{task.name}'", "training()", _REMEDY), noted() as read:
        found = list(task.training())
    if not found:
        raise BenchError(
            f"task '{task.name}' has no training examples here; put its training split into the data directory "
            f"(`bench doctor task={task.name}`), or choose a task that has one"
        )
    sealed_files(task, read, Sealer())
    kept, leaked = _unseen(task, found, settings, asked)
    if not kept:
        raise BenchError(
            f"task '{task.name}': each of its {len(found):,} training examples is evaluated too; a model may not learn the answers"
        )
    drawn = kept
    if rows is not None and rows < len(kept):  # data sets are often in the order of their labels
        drawn = [kept[i] for i in sorted(random.Random(settings.seed).sample(range(len(kept)), rows))]
    ideal = ideals(task, drawn)
    taught = [(task.request(one), ideal[one.id]) for one in drawn]
    whole = ask(drawn, task.request, Sealer(), media_are_data=not task.makes_media)
    if asked.asked.histories or whole.histories:
        raise BenchError(
            f"task '{task.name}' shows a model its own earlier replies, which one in training has not yet given; train on a task "
            "whose requests hold the gold answers"
        )
    return Lesson(
        asked, taught, fingerprint(whole.digest, whole.data, [one.to_json() for one in ideal.values()]), leaked,
        _split(task, settings, asked, len(drawn), len(kept)),
        not task.training_is and settings.limit is None and len(drawn) == len(kept),
    )  # fmt: skip


def _unseen(task: Task, found: Sequence[Example], settings: Settings, asked: Asking) -> tuple[list[Example], int]:
    """The training examples that are none of the evaluated ones, in whatever part of these a limit leaves; how many are not."""
    every = asked if settings.limit is None else asking(task, None, 0, settings.seed)
    ids = {one.id for one in every.examples}
    seen = {_bare(name) for name in every.asked.names.values()}
    names = ask(found, task.request, Sealer(), media_are_data=not task.makes_media).names
    kept = [one for one in found if one.id not in ids and _bare(names[one.id]) not in seen]
    if len({one.id for one in kept}) != len(kept):
        raise BenchError(
            f"task '{task.name}': ids of its training examples come twice; ids must be unique, correct its data"
        )
    return kept, len(found) - len(kept)


def _bare(name: str) -> str:
    """A name without the number of those that hold the same."""
    return name.partition("-")[0]


def _split(task: Task, settings: Settings, asked: Asking, n_drawn: int, n_kept: int) -> str:
    """In words what is trained on and what evaluated."""
    trained = task.training_is or OFFICIAL
    cut = f"{n_drawn:,} of {n_kept:,} examples of the " if n_drawn < n_kept else ""
    part = f", the first {len(asked.examples):,} evaluated" if settings.limit is not None else ""
    return f"{cut}{trained}{part}"
