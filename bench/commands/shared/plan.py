"""`bench run`: from overrides to jobs, composed and checked before the first one runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.config import compose as conf
from bench.config import prices
from bench.errors import BenchError
from bench.logs.log import say
from bench.models.base import Model
from bench.runs.energy import known_way
from bench.timing.settings import TimingSettings
from bench.types import Json


@dataclass(frozen=True)
class Job:
    """One task and one model. `suite` is set when a suite asked for it: a misfit is then skipped, not refused.

    `price` is what the configuration chose, which stands in the record and not in its configuration: it may change. `varied` are
    the other words by which it differs from the jobs of the same sweep, `words` those of a command line that is this job alone.
    `made` is a model that somebody's program gave as it is, None for that of the configuration.
    """

    config: Mapping[str, Any]
    task: str
    model: str
    suite: str = ""
    price: Mapping[str, Json] = field(default_factory=dict)
    varied: str = ""
    words: tuple[str, ...] = ()
    made: Model | None = None

    def label(self, model: str = "") -> str:
        """What it is called in messages; `model` where that is more than the name of its configuration."""
        return f"{self.task} / {model or self.model}" + (f" ({self.varied})" if self.varied else "")


def plan(overrides: Sequence[str], *, multirun: bool) -> list[Job]:
    """All jobs, composed and checked before the first one runs; a suite gives one for each of its tasks."""
    jobs: list[Job] = []
    choices_of_all = conf.sweep(overrides) if multirun else [list(overrides)]
    for choice in choices_of_all:
        varied = _varied(choice, choices_of_all)
        config, choices = conf.compose(choice)
        if (timing := TimingSettings.of(conf.plain(config)["timing"])) is not None:
            timing.refuse_hopeless()
        if "model" not in choices:
            raise BenchError("model is not given; choose one with model=NAME (`bench list models` shows them)")
        price, notes = prices.chosen(conf.plain(config), choices)
        for note in notes:
            say(note)
        known_way(config.energy)
        if "suite" in choices:
            if "task" in choices:
                raise BenchError(
                    f"task={choices['task']} and suite={choices['suite']} are both given; choose one of them"
                )
            _check_limits(config.suite)
            for task in config.suite.tasks:
                cut = config.suite.limits.get(task) if config.limit is None else None
                one, _ = conf.compose([*choice, f"task={task}", *([f"limit={cut}"] if cut else [])])
                plain = conf.plain(one)
                plain = {**plain, "suite": {**plain["suite"], "name": choices["suite"]}}  # for `bench sync`
                words = (*_without(choice, "suite"), f"task={task}", *([f"limit={cut}"] if cut else []))
                jobs.append(Job(plain, task, choices["model"], choices["suite"], price, varied, words))
        elif "task" in choices:
            words = tuple(_without(choice))
            jobs.append(
                Job(conf.plain(config), choices["task"], choices["model"], price=price, varied=varied, words=words)
            )
        else:
            raise BenchError(
                "task is not given; choose one with task=NAME or suite=NAME (`bench list tasks` shows them)"
            )
    return jobs


def plan_of(overrides: Sequence[str], model: str, made: Model, told: Json) -> Job:
    """The one job of a task and a model that a program gives, called `model`; `told` stands for its configuration."""
    config, choices = conf.compose(list(overrides))
    if "task" not in choices:
        raise BenchError("task is not given; `bench list tasks` shows them")
    plain = {**conf.plain(config), "model": told}
    if (timing := TimingSettings.of(plain["timing"])) is not None:
        timing.refuse_hopeless()
    price, notes = prices.chosen(plain, choices)
    for note in notes:
        say(note)
    known_way(plain["energy"])
    return Job(plain, choices["task"], model, price=price, words=tuple(_without(overrides)), made=made)


def _varied(choice: Sequence[str], others: Sequence[Sequence[str]]) -> str:
    """The words by which one choice of a sweep differs from others, but for what it runs on which."""
    named = ("task=", "model=", "suite=")
    return " ".join(word for word in choice if not word.startswith(named) and any(word not in one for one in others))


def _without(words: Sequence[str], *groups: str) -> list[str]:
    """The words of a command line without those that choose these groups, and without `launch`, which is done once."""
    names = {*groups, "launch"}
    return [word for word in words if word.lstrip("+~").split("=")[0].split(".")[0].split("@")[0] not in names]


def _check_limits(suite: Any) -> None:
    """Raise BenchError for a limit of a suite that cuts nothing."""
    for task, limit in suite.limits.items():
        if task not in suite.tasks:
            raise BenchError(f"suite.limits.{task}: the suite has no such task; its tasks are {', '.join(suite.tasks)}")
        if limit < 1:
            raise BenchError(f"suite.limits.{task}={limit} must be at least 1")
