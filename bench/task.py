"""What a task is: examples, a request for each, and how a raw prediction becomes an answer."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import ClassVar

from bench.data.look import Look
from bench.data.shapes import anything
from bench.data.source import DataSource
from bench.data.submissions import pairs
from bench.errors import BenchError
from bench.metrics.metric import AnyMetric
from bench.text.meant import among
from bench.types import Example, Json, Output, Part, Prediction, Request


@dataclass(frozen=True)
class Malformed:
    """Stands for a submitted answer that cannot be one; `reason` says what was found and what is allowed."""

    reason: str


@dataclass(frozen=True)
class Unparsed:
    """Stands for an answer that the parser did not find in what was said; `scored_as` is the final answer that counts instead."""

    scored_as: Json


SCENARIOS = (
    "risk control",
    "marketing",
    "operations",
    "market",
    "reading",
)  # what of a bank's or a market's work it is of


@dataclass(frozen=True)
class Card:
    """Where a task's data come from and what its numbers mean.

    `chance` is the ranked metric's value for the model `random`, as (low, high) that a full run must fall in;
    `references` are published scores of that metric (humans, best systems), as fractions. `obtain` says how to get data
    that may not be passed on. `cluster` says in a word what examples of one cluster share. `agreement` says how well the ranked
    metric agrees with people's verdicts, where these are known. `gives_away` names the answers that need no reading and beat
    `constant`, `lexical` and `random` all the same, by the strategy of `model=cheat`, and what the whole split gives for them.
    `scenario` is one of `SCENARIOS`. `sensitive` says of attributes of people by which scores are compared what they are
    (a column's name and the groups in words).
    """

    title: str
    source: str
    revision: str
    licence: str
    split: str
    n_examples: int
    language: str
    chance: tuple[float, float]
    scenario: str
    cluster: str
    citation: str = ""
    obtain: str = ""
    agreement: str = ""
    references: Mapping[str, float] = field(default_factory=dict)
    superseded_by: str | None = None
    gives_away: Mapping[str, float] = field(default_factory=dict)
    sensitive: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Json, where: str) -> Card:
        """The card that a file tells, {field: value}; raises BenchError, which begins with `where`, for what is wrong with it."""
        found = checked_keys(told, where, [one.name for one in fields(cls) if one.default is MISSING is one.default_factory],
                             [one.name for one in fields(cls)])  # fmt: skip
        for name, kind in (("n_examples", int), ("chance", list), ("references", Mapping), ("sensitive", Mapping)):
            if name in found and (not isinstance(found[name], kind) or isinstance(found[name], bool)):
                raise BenchError(f"{where}.{name}: found {str(found[name])[:60]!r}, expected {_EXPECTED[name]}")
        if found["scenario"] not in SCENARIOS:
            raise BenchError(f"{where}.scenario: found {found['scenario']!r}, expected one of {', '.join(SCENARIOS)}")
        low_high = found["chance"]
        if len(low_high) != 2 or not all(type(one) in (int, float) for one in low_high) or low_high[0] > low_high[1]:
            raise BenchError(f"{where}.chance: found {low_high!r}, expected {_EXPECTED['chance']}")
        texts = {name for name, value in found.items() if isinstance(value, int | float) and name != "n_examples"}
        return cls(**{**found, **{name: str(found[name]) for name in texts}, "chance": tuple(low_high)})


_EXPECTED = {
    "n_examples": "a whole number", "chance": "[low, high], two numbers", "references": "{who: value}",
    "sensitive": "{column: its groups in words}",
}  # fmt: skip


def checked_keys(told: Json, where: str, needed: Sequence[str], known: Sequence[str]) -> dict[str, Json]:
    """A mapping of a file whose keys are among the `known`, the `needed` ones too; raises BenchError, beginning with `where`."""
    if not isinstance(told, Mapping):
        raise BenchError(f"{where}: found {type(told).__name__}, expected a mapping with the keys {', '.join(needed)}")
    if unknown := [str(name) for name in told if name not in known]:
        raise BenchError(f"{where}.{unknown[0]} is no key; {among(unknown[0], known)}")
    if missing := [name for name in needed if told.get(name) is None]:
        raise BenchError(f"{where}.{missing[0]} is missing; it needs {', '.join(needed)}")
    return {str(name): value for name, value in told.items()}


class BaseTask(ABC):
    """What conf/task may name: a `Task`, or an `EntryTask` that runs no model."""

    name: ClassVar[str]
    version: ClassVar[int]
    card: ClassVar[Card]
    items: ClassVar[str] = "examples"  # what the data consist of, for messages

    @classmethod
    def configured(cls, config: Mapping[str, Json]) -> tuple[type[BaseTask], Mapping[str, Json]]:
        """The class that a file of conf/task makes of this one, and what of the file is left for its constructor."""
        return cls, config

    def fetch(self) -> None:
        """Bring the data into the cache; nothing to do for a task that carries its own."""

    @abstractmethod
    def size(self) -> int:
        """How many `items` lie here; raises BenchError where they cannot be read."""

    @abstractmethod
    def problems(self) -> Iterator[str]:
        """What is wrong with the data as they lie here, a line each; raises BenchError where they cannot be read."""


class Task(BaseTask):
    """One data set with its prompt, parser and metrics. A changed prompt, split or parser raises `version`.

    `parts` and `output` say what `request` will ask for, so that a model that cannot answer is refused before anything
    is loaded. The first of `metrics` ranks. `missing_left_out` says that the official script divides by the predictions
    that it was given, where ours counts a missing one as wrong; `takes_no_answer`, that an answer is
    {"text", "no_answer"} with a probability of no answer; `makes_media`, that pictures, sounds or films of requests are made
    from the examples' inputs, and so are no data of their own; `normalises`, that texts of targets and answers are normalised
    before they are scored (bench/text/normal.py), which is wrong only where the metrics look places up in a text; `keeps_tabs`,
    that a tab in a reply parts cells and is no blank; `shows_only`, that its films have no sound. `training_is`
    says what the examples of `training` are where they are no official training split, and that numbers got with them compare
    with nobody's ("four fifths of the dev articles"); such a task then evaluates none of those articles.
    """

    metrics: ClassVar[tuple[AnyMetric, ...]]
    parts: frozenset[str] = frozenset({"text"})
    output: ClassVar[type[Output]]
    missing_left_out: ClassVar[bool] = False
    takes_no_answer: ClassVar[bool] = False
    makes_media: ClassVar[bool] = False
    normalises: ClassVar[bool] = True
    keeps_tabs: ClassVar[bool] = False
    shows_only: bool = False
    training_is: str = ""

    @abstractmethod
    def examples(self) -> Sequence[Example]:
        """All examples, in fixed order with unique ids."""

    def size(self) -> int:
        """The number of examples."""
        return len(self.examples())

    def training(self) -> Sequence[Example]:
        """Examples that are never evaluated, for few-shot prompts and to train on; none where the data set has none here."""
        return ()

    def to_train(self) -> Task:
        """The task whose `training` is learned from and whose `examples` are evaluated by `bench train`: mostly this one.

        Where the training split is not here it may be another, of another name, over a part of the same data (see `training_is`).
        """
        return self

    @abstractmethod
    def request(self, example: Example) -> Request:
        """What the model gets to see: never the target."""

    @abstractmethod
    def answer(self, prediction: Prediction) -> Json:
        """The final answer out of a raw prediction without error, `Unparsed` where it holds none; pure."""

    def checked(self, example: Example, answer: Json) -> Json:
        """The final answer in the one shape that the metrics take; else `Malformed`, or ValueError with what was found.

        Whatever a parser, an official file, a journal or a bundle gives passes here. The target may be held out. What it gives
        passes again, unchanged. Here any value is allowed within limits; a task says more (bench/data/shapes.py).
        """
        return anything(answer)

    @abstractmethod
    def ideal(self, example: Example) -> Prediction:
        """The raw prediction of a model that knows the target: what the reference row `oracle` says."""

    def slices(self, example: Example) -> Mapping[str, str]:
        """Properties by which a comparison is broken down (document kind, question type, answer length): few values each."""
        return {}

    def beside(self, example: Example) -> Sequence[Part]:
        """Media of an example that no request holds as the task is configured: `bench doctor` looks into them too."""
        return ()

    def notices(self, examples: Sequence[Example]) -> Iterator[str]:
        """What whoever runs a model on these examples should know of their data: a line each, said before the first is asked."""
        return iter(())

    def look(self, example: Example) -> Look:
        """What a page shows of the reference to eyes and ears: a transcript's words, boxes on a picture, the place in time."""
        return Look()

    def submitted(self, path: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Json]]:
        """The (example id, final answer) pairs of a submission in the official format, `Malformed` for a bad answer.

        Ids may come twice or be unknown: the caller counts and lists them. Raises BenchError for a file that is not in
        the format at all. Without an official format it is a JSON object {id: answer}, or a list of {"id", "answer"}.
        """
        return pairs(path)

    def official(self, values: Mapping[str, float], examples: Sequence[Example]) -> Mapping[str, Json]:
        """What the official script prints, under its own keys and in its own units.

        `values` are this task's metrics by name as that script counts them; `examples` those that it counts.
        """
        return values

    def official_of(self, path: Path, examples: Sequence[Example]) -> Mapping[str, Json]:
        """Figures in place of all others where the file tells what no answer does, such as the true labels that it was scored by.

        {} where it does not.
        """
        return {}

    def problems(self) -> Iterator[str]:
        """The number of examples where it is not the official one; a task may find more."""
        n = self.size()
        if n != self.card.n_examples:
            yield f"{n:,} examples, where the {self.card.split} has {self.card.n_examples:,}"


class DataTask(Task):
    """A task whose data lie in the data directory in their official layout, or are fetched once."""

    def __init__(self, data: DataSource) -> None:
        self.data = data

    def fetch(self) -> None:
        """Bring the data into the cache if they are not here; raises BenchError saying how to obtain what may not be fetched."""
        self.data.fetch()


class ConfiguredTask(DataTask):
    """A task that is a file of conf/task alone: what is a class's own elsewhere stands there under `about`.

    `about` holds `name` (that of the file), `version`, `card`, and what `defined` of the family of tasks takes beside them.
    Each such file is a class of its own, made by `configured`; what lies in the data is the constructor's.
    """

    about: ClassVar[tuple[str, ...]] = ()  # the keys of `about` that a family needs
    about_too: ClassVar[tuple[str, ...]] = ()  # and those that it may have

    @classmethod
    def configured(cls, config: Mapping[str, Json]) -> tuple[type[BaseTask], Mapping[str, Json]]:
        """The class of this file; raises BenchError for what `about` lacks, has too much or has wrong."""
        needed = ("name", "version", "card", *cls.about)
        about = checked_keys(config.get("about"), "task.about", needed, (*needed, *cls.about_too))
        if not isinstance(about["name"], str) or not about["name"].isidentifier() or type(about["version"]) is not int:
            raise BenchError("task.about: name must be a word such as my_task, and version a whole number")
        rest = {name: value for name, value in config.items() if name != "about"}
        return _made(cls, json.dumps(about)), rest

    @classmethod
    def defined(cls, about: Mapping[str, Json]) -> Mapping[str, Json]:
        """The class's attributes that `about` gives (`metrics`, labels and the like); raises BenchError for what is wrong."""
        return {}


@cache
def _made(cls: type[ConfiguredTask], about: str) -> type[ConfiguredTask]:
    told = json.loads(about)
    own = {"name": told["name"], "version": told["version"], "card": Card.of(told["card"], "task.about.card")}
    says = (cls.__doc__ or "").strip().partition("\n")[0]
    doc = f"{own['card'].title}: {says}"
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, "__doc__": doc, **own, **cls.defined(told)})


@dataclass(frozen=True)
class EntryTable:
    """A ranking for people: `rows` best first, a text for each of the `headings`."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class EntryReport:
    """What became of the entries of a competition.

    `official` holds its figures under their official names, `entries` one record each, best first. `findings` are the
    dirty values: {"file", "line", "field", "found", "action", "text"}, where the action is what was done about it.
    """

    official: Mapping[str, Json]
    entries: Sequence[Mapping[str, Json]]
    findings: Sequence[Mapping[str, Json]]
    tables: Sequence[EntryTable]


class EntryTask(BaseTask):
    """A competition whose entries are measurements that others made: they are checked and ranked, and no model runs."""

    items = "entries"

    @abstractmethod
    def judge(self, path: Path) -> EntryReport:
        """The report on one entry, or on all of a folder; raises BenchError where there are none."""
