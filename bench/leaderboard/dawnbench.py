"""DAWNBench's four rankings of each data set: published entries, which nobody here has verified, beside what was measured here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.data.dawnbench_figures import Figures, figures
from bench.data.dawnbench_format import INFERENCE, TRAIN, Entry
from bench.data.dawnbench_values import DATA_SETS

NAME, TITLE = "dawnbench", "DAWNBench"
UNVERIFIED = "unverified"  # the origin of a published entry


@dataclass(frozen=True)
class Ranking:
    """One of the four: entries of which `kind` it ranks, by the least of what `unit` counts."""

    name: str
    title: str
    kind: str
    unit: str


TIME = Ranking("time_to_accuracy", "time to accuracy", TRAIN, "seconds")
TRAINING_COST = Ranking("training_cost", "training cost", TRAIN, "US dollars")
LATENCY = Ranking("latency", "latency", INFERENCE, "milliseconds an item")
INFERENCE_COST = Ranking("inference_cost", "inference cost", INFERENCE, "US dollars an item")
RANKINGS = (TIME, TRAINING_COST, LATENCY, INFERENCE_COST)


@dataclass(frozen=True)
class Standing:
    """What may stand on the boards of one data set: an entry, or a training or reading of our own.

    `lacks` says why it is on none, `no_cost` why on none of the costs; `claimed` that its figures are somebody's word only. `n`
    counts what stands behind them: seeds, or items that were answered. `source` is its file or run.
    """

    data_set: str
    figures: Figures
    model: str
    hardware: str
    framework: str
    date: str
    origin: str
    source: str
    claimed: bool
    accuracy: float | None = None
    n: str = ""
    lacks: str = ""
    no_cost: str = ""

    def value(self, ranking: Ranking) -> tuple[float | None, str]:
        """The figure that a ranking is by, or None with the reason."""
        if why := self.figures.lacks or self.lacks:
            return None, why
        if ranking in (TRAINING_COST, INFERENCE_COST):
            return self.figures.cost, "" if self.figures.cost is not None else self.no_cost
        found = self.figures.seconds if ranking is TIME else self.figures.latency_ms
        return found, "" if found is not None else "no latency"


@dataclass(frozen=True)
class Row:
    """One line of a table; equal values share a rank."""

    rank: int
    value: float
    standing: Standing


@dataclass(frozen=True)
class Table:
    """A ranking of one data set, fastest or cheapest first; `absent` are those that have no place on it, with the reason."""

    data_set: str
    ranking: Ranking
    bar: float
    rows: tuple[Row, ...] = field(default=())
    absent: tuple[tuple[Standing, str], ...] = ()


def of_entry(entry: Entry) -> Standing:
    """A published entry."""
    given = entry.fields
    dropped = any(one.field in ("costPerHour", "cost") and one.action == "left out" for one in entry.findings)
    named = "costPerHour" if entry.kind == TRAIN else "cost"
    return Standing(
        entry.data_set, figures(entry), given.get("model", ""), given.get("hardware", ""), given.get("framework", ""),
        given.get("timestamp", ""), UNVERIFIED, entry.file, claimed=True, accuracy=entry.accuracy,
        no_cost=f"its {named} was left out, as no price" if dropped else f"gives no {named}",
    )  # fmt: skip


def tables(standings: Iterable[Standing]) -> list[Table]:
    """The rankings that anything is in or could be in, in the order of the competition."""
    every = list(standings)
    found = []
    for data_set, one in DATA_SETS.items():
        for ranking in RANKINGS:
            ours = [each for each in every if (each.data_set, each.figures.kind) == (data_set, ranking.kind)]
            if ours:
                found.append(_table(data_set, one.bars[0], ranking, ours))
    return found


def _table(data_set: str, bar: float, ranking: Ranking, standings: Sequence[Standing]) -> Table:
    ranked: list[tuple[float, Standing]] = []
    absent = []
    for one in standings:
        value, why = one.value(ranking)
        if value is None:
            absent.append((one, why))
        else:
            ranked.append((value, one))
    ranked.sort(key=lambda pair: (pair[0], pair[1].source))
    first: dict[float, int] = {}
    rows = tuple(Row(first.setdefault(value, place), value, one) for place, (value, one) in enumerate(ranked, start=1))
    return Table(data_set, ranking, bar, rows, tuple(sorted(absent, key=lambda pair: (pair[1], pair[0].source))))
