"""DAWNBench: how soon and at what cost a model is trained to an accuracy, and how fast it answers one item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bench.data.dawnbench_figures import SECONDS, Figures, figures
from bench.data.dawnbench_files import read_entries
from bench.data.dawnbench_format import INFERENCE, TRAIN, Entry
from bench.data.dawnbench_values import DATA_SETS
from bench.data.source import DataSource
from bench.task import Card, EntryReport, EntryTable, EntryTask
from bench.types import Json


@dataclass(frozen=True)
class _Result:
    """An entry with its figures, and what ranks it (None: it has no rank)."""

    entry: Entry
    figures: Figures

    @property
    def value(self) -> float | None:
        if self.figures.lacks:
            return None
        return self.figures.latency_ms if self.entry.kind == INFERENCE else self.figures.seconds

    @property
    def status(self) -> str:
        """Why there is no rank, "ranked" where there is one."""
        return self.figures.lacks or ("ranked" if self.value is not None else "no latency")


class Dawnbench(EntryTask):
    """The entries of the competition, training and inference, on SQuAD, CIFAR10 and ImageNet."""

    name, version = "dawnbench", 1
    card = Card(
        title="DAWNBench entries",
        source="https://github.com/stanford-futuredata/dawn-bench-entries",
        revision="as it lies in the data directory",
        licence="Apache-2.0",
        split="all entries",
        n_examples=69,
        language="en",
        chance=(0.0, 0.0),  # no model runs, so none is random
        scenario="operations",
        cluster="entry",
        citation="Coleman et al. 2017, DAWNBench: An End-to-End Deep Learning Benchmark and Competition (ML Systems "
        "Workshop at NIPS)",
        obtain="from the organisers' repository stanford-futuredata/dawn-bench-entries",
    )

    def __init__(self, data: DataSource) -> None:
        self.data = data

    def fetch(self) -> None:
        """See that the data are there; no command brings them."""
        self.data.fetch()

    def size(self) -> int:
        """The number of entries, also of refused ones."""
        return len(self.data.read(read_entries))

    def problems(self) -> Iterator[str]:
        """The values for which an entry of the folder is refused."""
        for entry in self.data.read(read_entries):
            yield from (str(finding) for finding in entry.findings if finding.action == "refused")

    def judge(self, path: Path) -> EntryReport:
        """Every entry with its rank among those of its data set and kind, fastest first."""
        results = sorted((_Result(entry, figures(entry)) for entry in read_entries(path)), key=_order)
        records: list[dict[str, Json]] = []
        tables: list[EntryTable] = []
        for (data_set, kind), group in groupby(results, key=lambda one: (one.entry.data_set, one.entry.kind)):
            found = list(group)
            ranked = [_record(rank, one) for rank, one in enumerate(found, start=1)]
            records += ranked
            tables.append(_table(data_set, kind, ranked))
        findings = [vars(finding) for one in results for finding in one.entry.findings]
        return EntryReport(_official(results), records, findings, tables)


def _order(one: _Result) -> tuple[Json, ...]:
    """Data sets in the order of the competition, training first; ranked ones by value, then the others by file."""
    names = list(DATA_SETS)
    place = names.index(one.entry.data_set) if one.entry.data_set in names else len(names)
    unranked = one.value is None
    return (place, one.entry.kind != TRAIN, unranked, one.entry.refused, one.value or 0.0, one.entry.file)


def _record(rank: int, one: _Result) -> dict[str, Json]:
    """The entry for machines; seconds and hours by bar, each None where it is never reached."""
    entry = one.entry
    bars = DATA_SETS[entry.data_set].bars if entry.data_set in DATA_SETS else ()
    found: dict[str, Json] = {
        "rank": rank if one.value is not None else None, "status": one.status, "file": entry.file,
        "data_set": entry.data_set, "kind": entry.kind, **entry.fields, "best_accuracy": entry.accuracy,
    }  # fmt: skip
    if entry.kind == INFERENCE:
        return found | {"latency_ms": entry.latency_ms, "cost": entry.cost}
    hours = {f"{bar:g}": one.figures.hours.get(bar) for bar in bars}
    seconds = {bar: None if value is None else value * SECONDS for bar, value in hours.items()}
    costs = {
        bar: None if value is None or entry.cost_per_hour is None else value * entry.cost_per_hour
        for bar, value in hours.items()
    }
    return found | {
        "hours": hours,
        "seconds": seconds,
        "cost_per_hour": entry.cost_per_hour,
        "costs": costs,
        "cost": one.figures.cost,
    }


def _table(data_set: str, kind: str, records: Sequence[dict[str, Json]]) -> EntryTable:
    bars = [f"{bar:g}" for bar in DATA_SETS[data_set].bars] if data_set in DATA_SETS else []
    columns: list[tuple[str, Callable[[dict[str, Json]], str]]] = [
        ("rank", lambda one: str(one["rank"] or "–")),
        ("model", lambda one: one.get("model", "")),
        ("hardware", lambda one: one.get("hardware", "")),
    ]
    if kind == TRAIN:
        columns += [(f"seconds to {bar}", lambda one, bar=bar: _figure(one["seconds"].get(bar), 1)) for bar in bars]  # type: ignore[misc]
        columns.append(("hours", lambda one: _figure(next(iter(one["hours"].values()), None), 4)))
        columns.append(("cost, $", lambda one: _figure(one["cost"], 2)))
    else:
        columns.append(("latency, ms", lambda one: _figure(one["latency_ms"], 4)))
        columns.append(("cost per million, $", lambda one: _figure(one["cost"] and one["cost"] * 1e6, 3)))
    columns += [
        ("best accuracy", lambda one: _figure(one["best_accuracy"], 4)),
        ("date", lambda one: one.get("timestamp", "")),
        ("status", lambda one: one["status"]),
        ("file", lambda one: one["file"]),
    ]
    rows = [[shown(one) for _, shown in columns] for one in records]
    return EntryTable(f"DAWNBench {data_set} {kind}", [heading for heading, _ in columns], rows)


def _figure(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"


def _official(results: Sequence[_Result]) -> dict[str, Json]:
    """The best figures of the entries that reach a bar, rounded as they are published; of SQuAD each model's best."""
    found: dict[str, Json] = {}
    squad = {f"{bar:g}": _by_model(results, bar) for bar in sorted(DATA_SETS["SQuAD"].bars)}
    if any(squad.values()):
        found["squad_train_seconds_to_f1"] = squad
    for data_set in DATA_SETS:
        for kind, name, decimals in ((TRAIN, "train_seconds", 2), (INFERENCE, "latency_ms", 4)):
            values = [one.value for one in results if (one.entry.data_set, one.entry.kind) == (data_set, kind)]
            if (kind, data_set) != (TRAIN, "SQuAD") and (known := [value for value in values if value is not None]):
                found[f"{data_set.lower()}_best_{name}"] = round(min(known), decimals)
    return found


def _by_model(results: Sequence[_Result], bar: float) -> dict[str, float]:
    """Each model's fewest seconds to the bar on SQuAD, fastest model first."""
    best: dict[str, float] = {}
    for one in results:
        if one.entry.data_set == "SQuAD" and bar in one.figures.hours:
            seconds, model = one.figures.hours[bar] * SECONDS, one.entry.fields["model"]
            best[model] = min(seconds, best.get(model, seconds))
    return {model: round(seconds, 1) for model, seconds in sorted(best.items(), key=lambda pair: pair[1])}
