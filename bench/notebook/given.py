"""A model that a program gives as it is: an object of its own class, or a function from prompt to text."""

from __future__ import annotations

import copy
import functools
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.config import compose as conf
from bench.errors import BenchError
from bench.models.base import Model
from bench.models.called import Called
from bench.runs.live import described
from bench.text import names
from bench.types import Json


@dataclass(frozen=True)
class Given:
    """The model as it is evaluated, what it is called, what stands for its configuration, and why no run of it is found again."""

    model: Model
    name: str
    told: Json
    unseen: str


def given(thing: Model | Callable[[str], object], name: str, revision: str) -> Given:
    """The model that an object or a function makes; raises BenchError for what is neither, and for a name that is another's.

    A run is found again by what can be seen of the code and the values that it reaches (`bench.runs.live`); what cannot be seen
    is never found again, unless its user vouches for it with a `revision`. The object itself stays as it is: a copy is loaded.
    """
    called = _name(thing, name)
    code, found = described(thing, revision, secrets.token_hex(8))
    model = _copy(thing, called) if isinstance(thing, Model) else Called(thing, called)
    kind: Any = thing if isinstance(getattr(thing, "__qualname__", None), str) else type(thing)
    place = f"{getattr(kind, '__module__', None) or 'builtins'}:{kind.__qualname__}"[:200]
    model.seen_code = {f"{place} as it was": code}
    model.outside = (*model.outside, *sorted(found.modules))
    if not model.bound_to:
        model.bound_to = "an object of its user's own program"
    if not isinstance(thing, Model):
        model.revision = revision or code["sha256"][:16]
    told = {"given": place, "revision": revision, "sha256": code["sha256"]}
    return Given(model, called, told, "" if code["sha256"] else "; ".join(found.unseen))


def _copy(model: Model, name: str) -> Model:
    try:
        return copy.copy(model)
    except Exception as error:  # somebody's own __copy__ or __reduce__
        raise BenchError(
            f"model '{name}' cannot be copied ({type(error).__name__}: {error}); correct its class"
        ) from error


def _name(thing: object, name: str) -> str:
    """What the model is called on boards and in folders."""
    if isinstance(thing, type):
        raise BenchError(f"model={thing.__name__} is a class; give an object of it, such as {thing.__name__}()")
    if not isinstance(thing, Model) and not callable(thing):
        raise BenchError(
            f"model= is of type {type(thing).__name__}; give a name of conf/model (`bench list models`), an object of a class "
            "derived from bench.Model, or a function that takes a prompt and gives a text"
        )
    found = name or _own_name(thing)
    if problem := names.problem(found):
        raise BenchError(f"the model's name {problem}; give another with name=")
    shipped = conf.names("model")
    if found in shipped or (other := names.confusable(found, shipped)):
        same = found if found in shipped else other
        raise BenchError(
            f"the model's name {found!r} is that of conf/model/{same}.yaml, or looks like it; give another with name="
        )
    return found


def _own_name(thing: object) -> str:
    """The name of a function or class in letters that a folder can have; "lambda" for one without."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    own = getattr(thing, "__name__", None) or type(thing).__name__
    return re.sub(r"\W+", "", str(own).replace("<lambda>", "lambda"))[: names.LONGEST] or "callable"
