"""What a model learns from before it is asked: the training split of its task, without what is evaluated."""

from __future__ import annotations

from collections.abc import Sequence

from bench.engine.asking import Asking, ideal_digest, ideals
from bench.errors import NothingToLearn, authored
from bench.models.base import Model
from bench.runs.asked import name_of
from bench.runs.identity import fingerprint
from bench.task import Task
from bench.types import Prediction, Request

Taught = tuple[Request, Prediction]


def teach(model: Model, task: Task, asked: Asking, name: str) -> str:
    """Give the model its lesson, and say how many examples were left out of it; the digest of the lesson."""
    found, model.left_out = taught(task, asked, name)
    model.learn(found)
    return digest(found)


def taught(task: Task, asked: Asking, name: str) -> tuple[list[Taught], int]:
    """The training requests of a task with their ideal predictions, in its order, and how many were left out.

    A training example that asks what an evaluated one asks is left out, whatever its answer: who knows it need not learn. Raises
    NothingToLearn where none is left.
    """
    evaluated = {asked.asked.names[example.id].partition("-")[0] for example in asked.examples}
    examples = task.training()
    with authored(f"task '{task.name}'", "request()", "correct it and run the same command again"):
        requests = [task.request(example) for example in examples]
    answers = ideals(task, examples)
    found = [
        (request, answers[example.id])
        for example, request in zip(examples, requests, strict=True)
        if name_of(request, lambda path: "") not in evaluated
    ]
    if not found:
        why = "all of it is evaluated, too" if examples else "has none here"
        raise NothingToLearn(
            f"model '{name}' learns from the training split of its task, and task '{task.name}' {why}; put its training split into "
            "the data directory, or choose another model"
        )
    return found, len(examples) - len(found)


def digest(found: Sequence[Taught]) -> str:
    """What a model that learned this stands on beside the requests."""
    requests = [name_of(request, lambda path: "") for request, _ in found]
    return fingerprint(requests, ideal_digest({str(i): ideal for i, (_, ideal) in enumerate(found)}))
