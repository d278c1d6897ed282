"""Which tasks and models `bench list` shows: those that are all of what its filters say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from bench.config import compose as conf
from bench.errors import BenchError
from bench.models.base import Model
from bench.task import BaseTask, Task
from bench.text.meant import among
from bench.types import Choose, Fields, Generate, Output, Read, Regress, Rows, Span, Tag, Transcribe

OUTPUTS: tuple[type[Output], ...] = (Generate, Span, Tag, Read, Fields, Rows, Choose, Regress, Transcribe)
Values: TypeAlias = Callable[[Any], Iterable[str]]  # what a task or model has of a field

_CARD = ("scenario", "licence", "language")  # texts of a card, found by how their words begin


def kept(kind: str, found: Mapping[str, str], given: Mapping[str, list[str]]) -> dict[str, str]:
    """What is found and is all of what is given; raises BenchError for a value that nothing here has."""
    singular, other = ("task", "model") if kind == "tasks" else ("model", "task")
    partners = [_made(other, name, is_asked=True) for name in given.get("fits", ())]
    made = {name: one for name in found if (one := _made(singular, name, is_asked=False)) is not None}
    for field, value in ((field, value) for field, values in given.items() if field != "fits" for value in values):
        made = _having(made, kind, field, value)
    return {name: found[name] for name, one in made.items() if all(_fit(one, partner) for partner in partners)}


def _having(made: Mapping[str, Any], kind: str, field: str, value: str) -> dict[str, Any]:
    """Those that have the value in this field."""
    values = _giving if (kind, field) == ("models", "output") else _VALUES[field]
    known = {one.__name__ for one in OUTPUTS} if field == "output" else _known(kind, values)
    is_it = _begins if field in _CARD else _equals
    if not any(is_it(value, one) for one in known):
        raise BenchError(f"--{field} {value}: none of the {kind} has it; {among(value, sorted(known))}")
    return {name: one for name, one in made.items() if any(is_it(value, has) for has in values(one))}


def _known(kind: str, values: Values) -> set[str]:
    """Every value of a field that any task or model here has: a filter narrows, but what is spelt right stays allowed."""
    singular = kind.removesuffix("s")
    every = (_made(singular, name, is_asked=False) for name in conf.names(singular))
    return {value for one in every if one is not None for value in values(one)}


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.casefold()).strip()


def _begins(value: str, has: str) -> bool:
    """Whether words of the text begin with the value: "cc" is in "CC BY 4.0", and not in "according to"."""
    return re.search(rf"\b{re.escape(_plain(value))}", _plain(has)) is not None


def _equals(value: str, has: str) -> bool:
    return _plain(value) == _plain(has)


def _giving(model: Model) -> list[str]:
    """What a model can be asked for: its outputs, and what is such a one too (a Span is a Generate)."""
    return [one.__name__ for one in OUTPUTS if issubclass(one, model.outputs)]


def _parts(task: BaseTask) -> Iterable[str]:
    return task.parts if isinstance(task, Task) else ()


_VALUES: dict[str, Values] = {
    **{name: lambda task, name=name: [getattr(task.card, name)] for name in _CARD},  # type: ignore[misc]
    "metric": lambda task: [metric.name for metric in getattr(task, "metrics", ())],
    "parts": _parts,
    "takes": lambda model: model.parts,
    "output": lambda task: [task.output.__name__] if isinstance(task, Task) else [],
}


def _fit(one: Any, other: Any) -> bool:
    from bench.engine.fitting import fits

    task, model = (one, other) if isinstance(other, Model) else (other, one)
    return isinstance(task, Task) and fits(task, model)


_MADE: dict[tuple[str, Path, int], Any] = {}  # by file and its time: a program may list again, with other folders


def _made(group: str, name: str, *, is_asked: bool) -> Any:
    """The task or model as its file makes it, data and weights left where they are; None for one that cannot be made.

    Raises BenchError for one that was asked for by name.
    """
    path = conf.file_of(group, name) if conf.has(group, name) else None
    if path is None:
        raise BenchError(f"--fits {name}: there is no {group} of this name; {among(name, list(conf.names(group)))}")
    key = (group, path, path.stat().st_mtime_ns)
    if key not in _MADE:
        try:
            _MADE[key] = _build(group, name, path)
        except BenchError:
            if is_asked:
                raise
            _MADE[key] = None
    return _MADE[key]


def _build(group: str, name: str, path: Path) -> Any:
    """As `bench run` makes it without overrides; Hydra is asked only where a file has defaults of its own."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from bench.config.build import build
    from bench.data.plain_yaml import read_yaml

    config = read_yaml(path)
    if not isinstance(config, Mapping) or "defaults" in config:
        return build(conf.choice(group, name), group)
    try:
        whole = OmegaConf.create({group: dict(config), "data_dir": "data", "data": {"path": None}})
        return build(conf.plain(whole)[group], group)
    except OmegaConfBaseException:  # it looks up more than these
        return build(conf.choice(group, name), group)
