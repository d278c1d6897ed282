"""What `bench train` takes beside task, model and device: the target, seeds, the limit, and how the model is trained."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

from bench.errors import BenchError
from bench.models.trainable import Recipe
from bench.text.meant import among, meant

MOST_SEEDS = 100
OWN = ("target", "seeds", "limit_seconds")
_PREFIX = "train."
_ROWS = "limit"  # train.limit: the most training examples
# What an evaluation while training has of the settings of `bench run`; the others would change what is measured.
SHARED = ("task", "model", "device", "price", "energy", "tracking", "runs_dir", "data_dir", "data", "limit", "seed",
           "batch_size", "batch_tokens")  # fmt: skip
_INTEGER = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,15}\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class TrainSettings:
    """`target` as it was written; `limit_seconds` of training for each seed, None for no limit; `recipe` replaces the model's own.

    `rows` is the most examples that are trained on, None all.
    """

    target: str | None = None
    seeds: int = 1
    limit_seconds: float | None = None
    recipe: Mapping[str, float] = field(default_factory=dict)
    rows: int | None = None

    def recipe_of(self, default: Recipe) -> Recipe:
        """The model's own recipe with what the command replaces; raises BenchError for a value that none can have."""
        found = replace(default, **cast(Any, dict(self.recipe)))
        for name, value in vars(found).items():
            least, below, allowed = _BOUNDS.get(name, (None, None, ""))
            wrong = (
                not math.isfinite(value)
                or (least is not None and value < least)
                or (below is not None and value >= below)
            )
            if wrong or (name == "learning_rate" and value == 0):
                raise BenchError(f"{_PREFIX}{name}={value:g} must be {allowed or 'a finite number'}")
        return found


_BOUNDS: Mapping[str, tuple[float | None, float | None, str]] = {
    "learning_rate": (0, 100, "above 0 and below 100"), "batch_size": (1, 10**6, "at least 1"),
    "epochs": (1, 10**5, "at least 1"), "warmup": (0, 1, "a share from 0 to below 1 of all steps"),
    "weight_decay": (0, 100, "at least 0"), "evaluations": (1, 10**4, "at least 1"),
}  # fmt: skip


def parted(overrides: Sequence[str]) -> tuple[TrainSettings, list[str]]:
    """The settings of a training out of the words of its command, and the words that are of every run.

    Raises BenchError for a key that neither knows, one that comes twice, and a value that is no number where one is due.
    """
    own: dict[str, str] = {}
    rest = []
    for word in overrides:
        key, equals, value = word.partition("=")
        if key in OWN or key.startswith(_PREFIX):
            if not equals or key in own:
                raise BenchError(
                    f"{key} is given {'twice' if key in own else 'without a value'}; write {key}=VALUE once"
                )
            own[key] = value
        elif re.split(r"[.@]", key.lstrip("+~"))[0] in SHARED:
            rest.append(word)
        else:
            known = ", ".join([*SHARED, *OWN, f"{_PREFIX}…"])
            raise BenchError(
                f"bench train does not take '{word[:80]}'; its keys are {known}{meant(key, [*SHARED, *OWN])}"
            )
    return _settings(own), rest


def _settings(own: Mapping[str, str]) -> TrainSettings:
    whole = {one.name for one in fields(Recipe) if one.type in (int, "int")}
    known = [one.name for one in fields(Recipe)]
    recipe: dict[str, float] = {}
    for key, text in own.items():
        name = key.removeprefix(_PREFIX)
        if not key.startswith(_PREFIX) or name == _ROWS:
            continue
        if name not in known:
            raise BenchError(f"{key} is not a key; {among(key, [_PREFIX + one for one in [*known, _ROWS]])}")
        recipe[name] = _whole(key, text) if name in whole else _number(key, text)
    seeds = _whole("seeds", own.get("seeds", "1"))
    if not 1 <= seeds <= MOST_SEEDS:
        raise BenchError(f"seeds={seeds} must be from 1 to {MOST_SEEDS}: how many trainings there are")
    return TrainSettings(own.get("target"), seeds, _limit(own), recipe, _rows(own))


def _limit(own: Mapping[str, str]) -> float | None:
    text = own.get("limit_seconds", "null")
    if text == "null":
        return None
    seconds = _number("limit_seconds", text)
    if not 0 < seconds < math.inf:
        raise BenchError(f"limit_seconds={text} must be above 0, or null for no limit but the epochs")
    return seconds


def _rows(own: Mapping[str, str]) -> int | None:
    text = own.get(_PREFIX + _ROWS, "null")
    if text == "null":
        return None
    rows = _whole(_PREFIX + _ROWS, text)
    if rows < 1:
        raise BenchError(f"{_PREFIX}{_ROWS}={rows} must be at least 1, or null for all training examples")
    return rows


def _whole(key: str, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise BenchError(f"{key}={text[:80]} must be a whole number")
    return int(text)


def _number(key: str, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise BenchError(f"{key}={text[:80]} must be a number")
    return float(text)
