"""Whether a model can answer what a task asks."""

from __future__ import annotations

from typing import get_args

from bench.errors import BenchError
from bench.models.base import Model
from bench.task import Task
from bench.types import Output


def fits(task: Task, model: Model) -> bool:
    """Whether the model takes what the task's requests hold and gives what they ask for."""
    if (model.needs_any and not model.needs_any & task.parts) or _sees_nothing(task, model):
        return False
    return model.needs <= task.parts <= taken(model) and issubclass(task.output, model.outputs)


def taken(model: Model) -> frozenset[str]:
    """The kinds of parts that a model takes: who reads text reads the row of a table too, which is described in words."""
    return model.parts | {"row"} if "text" in model.parts else model.parts


def _sees_nothing(task: Task, model: Model) -> bool:
    """Whether the model goes by the sound of films, and gets nothing but films without sound."""
    return task.parts == {"video"} and task.shows_only and not model.watches


def refuse_misfit(task: Task, model: Model, name: str, fitting: tuple[str, ...] = ()) -> None:
    """Raise BenchError when the model cannot answer the task's requests; `fitting` names models that can."""
    if _sees_nothing(task, model) and {"video"} <= taken(model):
        others = f"choose one of {', '.join(fitting)}" if fitting else "choose a model that takes pictures"
        raise BenchError(
            f"task '{task.name}' shows films without their sound, and model '{name}' goes by the sound of films alone; {others}, "
            "or let the task give the sound, too"
        )
    if not fits(task, model):
        needs = f"{' and '.join(sorted(task.parts))} in, {task.output.__name__} out"
        takes = f"{' and '.join(sorted(model.parts))} in, {', '.join(output.__name__ for output in model.outputs)} out"
        told = _as_told(task, model)
        if model.needs_any:
            takes += f" (it needs {' or '.join(sorted(model.needs_any))})"
        others = f"if it can, say so with {told}; else " if told else ""
        others += f"choose one of {', '.join(fitting)}" if fitting else "choose another model"
        raise BenchError(f"task '{task.name}' asks for {needs}; model '{name}' takes {takes}; {others}")


def _as_told(task: Task, model: Model) -> str:
    """The settings by which the user of a model that is told its forms says that it answers this task; "" for any other."""
    if not model.forms_are_told:
        return ""
    parts = "" if task.parts <= taken(model) else f"model.parts=[{','.join(sorted(task.parts))}]"
    kind = next((one.__name__ for one in get_args(Output) if issubclass(task.output, one)), "")
    outputs = f"model.outputs=[{kind}]" if kind and not issubclass(task.output, model.outputs) else ""
    return " ".join(filter(None, (parts, outputs)))
