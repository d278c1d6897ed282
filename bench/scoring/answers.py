"""The final answer out of a prediction: the one place where a reply's thinking is passed over before a task reads it."""

from __future__ import annotations

from dataclasses import replace

from bench.task import Task
from bench.text.thinking import behind_thinking
from bench.types import Json, Prediction


class Unfinished(ValueError):
    """A reply that ends within its thinking: it holds no answer, not even the empty one."""


def final_answer(task: Task, prediction: Prediction) -> Json:
    """The submitted answer, or what the task reads out of the prediction, which has no error.

    Raises Unfinished for a text that ends within its thinking.
    """
    if prediction.answer is not None:
        return prediction.answer
    if prediction.text is not None:
        text = behind_thinking(prediction.text)
        if text is None:
            raise Unfinished("the reply ends within its thinking, before any answer")
        prediction = replace(prediction, text=text)
    return task.answer(prediction)
