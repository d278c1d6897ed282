"""A task before it is run: what it asks, what a perfect and an empty answer come to, who can take it, and what looks wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.config import compose as conf
from bench.config.build import build
from bench.engine.asking import first_examples, ideals, requests_of
from bench.engine.fitting import fits, refuse_misfit, taken
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.reference import Constant, Oracle, Random, Reference
from bench.record import Score
from bench.scaffold import suspicions
from bench.scaffold.media_read import unread
from bench.scoring.measure import score, without_references
from bench.task import Task
from bench.text.meant import meant
from bench.types import Example, Prediction, Request

MOST = 2_000  # examples that are scored and looked into one by one; of more, these are taken evenly
_RESAMPLES = 500
_ROUNDING = 1e-6


class Empty(Reference):
    """Says nothing: no text, no label, no number."""

    def one(self, request: Request) -> Prediction:
        """An empty text."""
        return Prediction(request.id, text="")


@dataclass(frozen=True)
class Trial:
    """A task with its `examples` and `requests`; `looked` are those that are scored, all of them or `MOST`.

    `faults` are what is wrong with the rows, `warnings` what may be; a line each.
    """

    task: Task
    examples: Sequence[Example]
    looked: Sequence[Example]
    requests: Sequence[Request]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def n_examples(self) -> int:
        """How many examples there are."""
        return len(self.examples)

    def score(self, name: str) -> float:
        """The ranked metric's value for oracle, empty, constant or random; raises BenchError where it has none."""
        found = self.scores[name]
        if found.value is None:
            raise BenchError(f"task '{self.task.name}': {found.metric} of {name} {found.note}")
        return found.value

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """The warnings, with what the scores of plain answers say: that a perfect one is not the best, an empty one as good."""
        if not self.scores or (perfect := self.scores["oracle"].value) is None:
            return self.warnings
        metric, found = self.task.metrics[0], list(self.warnings)
        best = 1.0 if metric.higher_is_better else 0.0
        if metric.is_fraction and abs(perfect - best) > _ROUNDING:
            found.append(
                f"a perfect answer comes to {100 * perfect:.1f} of {metric.name}, not to {100 * best:.0f}: a class is missing "
                "among these examples, the parser does not read it, or the metric cannot tell that it is right"
            )
        if (empty := self.scores["empty"].value) is not None and abs(perfect - empty) <= _ROUNDING:
            found.append(
                f"an empty answer comes to as much of {metric.name} as a perfect one: the references are of one class, or hold "
                "nothing that it reads"
            )
        return tuple(found)

    @cached_property
    def scores(self) -> Mapping[str, Score]:
        """The ranked metric of plain answers by name; {} where the references are held out."""
        if without_references(self.looked):
            return {}
        models: Mapping[str, Reference] = {
            "oracle": Oracle(),
            "empty": Empty(),
            "constant": Constant(),
            "random": Random(),
        }
        return {name: self._played(model) for name, model in models.items()}

    def _played(self, model: Reference) -> Score:
        if isinstance(model, Oracle):
            model.reveal(ideals(self.task, self.looked))
        model.load(Device("cpu", "none", 1), seed=0)
        given = model.predict(self.requests)
        return score(self.task, self.looked, given, resamples=_RESAMPLES, seed=0)[0]


def tried(overrides: Sequence[str]) -> Trial:
    """The task of these overrides (`task=NAME`, `limit=`, `shots=`, `data_dir=`), looked into; no model is loaded.

    Raises BenchError for a task that cannot be made or read.
    """
    if bare := next((one for one in overrides if "=" not in one and not one.startswith("~")), None):
        near = meant(bare, conf.names("task"))
        say = f"say bench try task={bare}" if conf.has("task", bare) else f"say bench try task=NAME{near}"
        raise BenchError(f"bench try: {bare[:60]!r} is not KEY=VALUE; {say}")
    config, choices = conf.compose(overrides)
    if "task" not in choices:
        raise BenchError("bench try: no task is given; say task=NAME (`bench list tasks` shows them)")
    if others := [name for name in ("model", "suite") if name in choices]:
        raise BenchError(f"bench try looks at one task and runs no model; leave {others[0]}= out")
    plain = conf.plain(config)
    task = build(plain["task"], "task")
    if not isinstance(task, Task):
        raise BenchError(
            f"task '{task.name}' ranks entries and asks no model; `bench doctor task={task.name}` looks at its data"
        )
    examples, doubled = _examples(task, plain["limit"])
    step = max(len(examples) / MOST, 1.0)
    looked = [examples[int(i * step)] for i in range(min(len(examples), MOST))]
    if doubled:
        looked = list({one.id: one for one in looked}.values())
    asks = requests_of(task, plain["shots"], plain["seed"], plain["max_new_tokens"])
    requests = [asks(one) for one in looked]
    faults = (*doubled, *task.problems(), *unread(requests))
    return Trial(task, examples, looked, requests, faults, tuple(suspicions.warnings(task, examples, looked, requests)))


def _examples(task: Task, limit: int | None) -> tuple[Sequence[Example], list[str]]:
    """The examples, also those that no run would take for their ids, and what is wrong with these."""
    try:
        examples = first_examples(task, limit)
    except BenchError:
        examples = task.examples()
        if not (doubled := suspicions.ids(examples)):
            raise
        return examples, doubled
    return examples, suspicions.ids(examples)


def models(task: Task) -> tuple[list[str], dict[str, str]]:
    """The registered models that can take the task, and of the others why not, in a few words; none of them is loaded."""
    can, cannot = [], {}
    has_lesson = bool(task.training())
    for name in conf.names("model"):
        try:
            why = _why(task, build(conf.choice("model", name), "model"), name, has_lesson)
        except BenchError as error:  # one whose weights or settings are to be given
            why = f"cannot be made as it stands: {error}"[:200]
        if why:
            cannot[name] = why
        else:
            can.append(name)
    return can, cannot


def _why(task: Task, model: Model, name: str, has_lesson: bool) -> str:
    """Why the model is refused: what of the task it does not take or give; "" where it can take it."""
    if fits(task, model):
        learns = model.learns and not has_lesson
        return "learns from a training split, which the task does not have here" if learns else ""
    if lacking := sorted(task.parts - taken(model)):
        return f"takes no {' and no '.join(lacking)}"
    if not issubclass(task.output, model.outputs):
        return f"gives no {task.output.__name__}"
    if needed := sorted(model.needs - task.parts) or sorted(model.needs_any):
        return f"needs {' or '.join(needed)}"
    try:
        refuse_misfit(task, model, name)
    except BenchError as error:
        return str(error)
    return "is refused"
