"""What a model learns from before it is asked: the training split of its task, without what is evaluated."""

from __future__ import annotations

from collections.abc import Sequence

from bench.artifacts.seals import Sealer
from bench.engine.asking import Asking, ideal_digest, ideals
from bench.errors import NothingToLearn, authored
from bench.models.base import Model
from bench.runs.asked import name_of
from bench.runs.identity import fingerprint
from bench.task import Task
from bench.types import Example, Prediction, Request

Taught = tuple[Request, Prediction]


def teach(model: Model, task: Task, asked: Asking, name: str) -> str:
    """Give the model its lesson, and say how many examples were left out of it; what of the lesson its answers stand on."""
    kept, model.left_out = _kept(task, asked, name)
    found = [lesson for _, lesson in kept]
    stands_on = digest(found)
    if model.folds_clusters:
        model.clusters = tuple(example.cluster for example, _ in kept)
        stands_on += fingerprint(list(model.clusters))
    model.learn(found)
    return stands_on


def taught(task: Task, asked: Asking, name: str) -> tuple[list[Taught], int]:
    """The training requests of a task with their ideal predictions, in its order, and how many were left out.

    A training example that asks what an evaluated one asks is left out, whatever its answer: who knows it need not learn. Media are
    the same where their bytes are. Raises NothingToLearn where none is left.
    """
    kept, left_out = _kept(task, asked, name)
    return [lesson for _, lesson in kept], left_out


def _kept(task: Task, asked: Asking, name: str) -> tuple[list[tuple[Example, Taught]], int]:
    evaluated = {asked.asked.names[example.id].partition("-")[0] for example in asked.examples}
    examples = task.training()
    with authored(f"task '{task.name}'", "request()", "correct it and run the same command again"):
        requests = [task.request(example) for example in examples]
    answers = ideals(task, examples)
    sealer = Sealer()
    found = [
        (example, (request, answers[example.id]))
        for example, request in zip(examples, requests, strict=True)
        if name_of(request, lambda path: sealer.seal(path).sha256) not in evaluated
    ]
    sealer.keep()
    if not found:
        why = "all of it is evaluated, too" if examples else "has none here"
        raise NothingToLearn(
            f"model '{name}' learns from the training split of its task, and task '{task.name}' {why}; put its training split into "
            "the data directory, or choose another model"
        )
    return found, len(examples) - len(found)


def digest(found: Sequence[Taught]) -> str:
    """What a model that learned this stands on beside the requests; media by their bytes."""
    sealer = Sealer()
    requests = [name_of(request, lambda path: sealer.seal(path).sha256) for request, _ in found]
    sealer.keep()
    return fingerprint(requests, ideal_digest({str(i): ideal for i, (_, ideal) in enumerate(found)}))
