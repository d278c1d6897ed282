"""Few-shot prompts: worked examples from a task's training split before what is asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.errors import BenchError
from bench.task import Task
from bench.types import Example, Part, Prediction, Request, Text


def few_shot(task: Task, shots: int, seed: int) -> Callable[[Example], Request]:
    """The task's requests with `shots` solved training examples, drawn once by `seed`: all requests begin alike.

    They stand behind the instruction and the task's own worked examples, each as a turn of the user and the ideal reply.
    Raises BenchError where there is no training split at hand, or the ideal reply is no text.
    """
    if not shots:
        return task.request
    pool = task.training()
    if len(pool) < shots:
        raise BenchError(
            f"shots={shots}: task '{task.name}' has {len(pool)} training examples here; use shots=0, or put its training "
            f"split into the data directory"
        )
    chosen = random.Random(seed).sample(range(len(pool)), shots)
    worked = [part for index in chosen for part in _worked(task, pool[index])]

    def request(example: Example) -> Request:
        plain = task.request(example)
        start = _own(plain.parts)
        return replace(plain, parts=(*plain.parts[:start], *worked, *plain.parts[start:]))

    return request


def _worked(task: Task, example: Example) -> tuple[Part, ...]:
    """A training example as a turn of the user and the reply that is right."""
    request = task.request(example)
    own = request.parts[_own(request.parts) :]
    begun = own[-1].text if isinstance(own[-1], Text) and own[-1].role == "assistant" else ""
    reply = begun + _as_text(task, task.ideal(example)) + ('"' if begun.endswith('"') else "")
    return (*(own[:-1] if begun else own), Text(reply, "assistant"))


def _own(parts: Sequence[Part]) -> int:
    """Where the parts of the question itself begin: behind the system's and behind earlier replies."""
    replies = [i for i, p in enumerate(parts[:-1]) if isinstance(p, Text) and p.role in ("system", "assistant")]
    return max(replies, default=-1) + 1


def _as_text(task: Task, ideal: Prediction) -> str:
    """What a model would write to be right: the text, or the best labels."""
    if ideal.text is not None:
        return ideal.text
    if ideal.label_scores is None:
        raise BenchError(f"task '{task.name}' is answered in numbers, which a worked example cannot show; use shots=0")
    best = max(ideal.label_scores.values())
    return ", ".join(label for label, score in ideal.label_scores.items() if score == best)
