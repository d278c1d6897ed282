"""Boards of speed: the scenario readings of a task's runs, a table for each set of conditions under which they compare."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bench.leaderboard import readings
from bench.leaderboard.alike import origin_of
from bench.leaderboard.board import Table
from bench.leaderboard.cells import rank_text
from bench.leaderboard.columns import SPEED_COLUMNS
from bench.leaderboard.readings import Reading, figure
from bench.record import UNKNOWN, Run
from bench.runs.claimed import LEGEND, is_claimed
from bench.runs.claimed import shown as marked
from bench.runs.rates import computes
from bench.stats.spread import ASSUMED
from bench.text.names import labelled
from bench.text.table import Column
from bench.timing.settings import SCENARIOS

_APART = 2 * ASSUMED  # as much do runs of one thing on one machine differ now and then: docs/ci.md
SPEED = (
    "A reading ranks where its verdict is VALID and no audit failed, among readings of the same processor, examples, requests, "
    "rules, percentile and bound; threads and dtype are each row's own. In brackets is what the answers alone leave open of a "
    "percentile (95 %, from order statistics). The bounds of a rank also allow for "
    f"{100 * _APART:.0f} %, by which runs of one thing on one machine differ now and then: rows whose bounds overlap may stand in "
    "either order. TTFT: time to the first token; TPOT: (end - first token) / (tokens - 1)."
)


@dataclass(frozen=True)
class SpeedRow:
    """A run's reading; `rank` is None for one that does not rank, and `why` says why. `low` and `high` bound its rank."""

    run: Run
    reading: Reading
    rank: int | None = None
    low: int | None = None
    high: int | None = None
    why: str = ""


@dataclass(frozen=True)
class SpeedTable:
    """The readings of one scenario that were taken under the same conditions: only these compare.

    `processor` is "" where none of its rows was measured by anybody known. `asked` is the digest of the requests.
    """

    scenario: str
    device: str
    processor: str
    rules: str
    by: str  # what the rows are ranked by, in words
    fingerprint: str
    n: int
    limit: int | None
    asked: str
    rows: tuple[SpeedRow, ...] = field(default=())
    notes: tuple[str, ...] = ()


def of_board(found: Iterable[Table]) -> list[SpeedTable]:
    """The tables of speed of the rows of a board's tables, each of which counts once."""
    return tables({id(row.run): row.run for table in found for row in table.rows}.values())


def tables(runs: Iterable[Run]) -> list[SpeedTable]:
    """The tables of speed of these runs, which are the latest of their slots; those of a scenario together.

    A row that computes nothing has no speed. A reading that is claimed stands, unranked, in every table that it could be of.
    """
    timed = [run for run in runs if run.scenarios and computes(run)]
    groups: dict[tuple[str, str, str], list[Run]] = {}  # who scored the answers, and how, changes no time
    for scenario in SCENARIOS:
        for run in timed:
            if readings.of(run, scenario):
                groups.setdefault((scenario, run.data_fingerprint, run.asked), []).append(run)
    return [table for (scenario, _, _), alike in groups.items() for table in _of_alike(scenario, alike)]


def _of_alike(scenario: str, runs: Sequence[Run]) -> list[SpeedTable]:
    """The tables of one scenario of runs on the same examples, asked alike."""
    measured: dict[tuple[str, ...], list[Run]] = {}
    claimed: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        said = _conditions(readings.of(run, scenario))
        (claimed if is_claimed(run, "scenarios") else measured).setdefault(said, []).append(run)
    found = [
        _table(scenario, key, [*own, *(run for other, brought in claimed.items() if other[2:] == key[2:] for run in brought)])
        for key, own in measured.items()
    ]  # fmt: skip
    shown = {key[2:] for key in measured}
    alone: dict[tuple[str, ...], list[Run]] = {}
    for key, brought in claimed.items():
        if key[2:] not in shown:
            alone.setdefault(("", "", *key[2:]), []).extend(brought)
    return found + [_table(scenario, key, brought) for key, brought in alone.items()]


def _conditions(found: Reading) -> tuple[str, ...]:
    """Device class, processor, rules, and what ranks: in all of these readings must be equal to be compared."""
    environment = readings.part(found, "environment")
    device = str(environment.get("device") or "")
    processor = str((environment.get("device_name") if device != "cpu" else "") or environment.get("cpu") or "unknown")
    return device, processor, str(found.get("rules") or ""), _by(found)


def _by(found: Reading) -> str:
    """What a reading ranks by, in words."""
    if found.get("scenario") == "offline":
        return "examples/s"
    if bound := readings.part(found, "bound"):
        return f"qps within p{bound.get('percentile')} ≤ {figure(readings.number(bound, 'seconds'), 1000)} ms"
    rate = f" at {figure(readings.number(found, 'qps'))} qps" if found.get("scenario") == "server" else ""
    return f"p{found.get('percentile')} ms{rate}"


def _table(scenario: str, key: tuple[str, ...], runs: Sequence[Run]) -> SpeedTable:
    device, processor, rules, by = key
    one = runs[0]
    rows = [_row(run, readings.of(run, scenario)) for run in runs]
    ranked = sorted((row for row in rows if not row.why), key=lambda row: (_order(row.reading), row.run.model))
    others = sorted((row for row in rows if row.why), key=lambda row: row.run.model)
    placed = [_placed(row, place, ranked) for place, row in enumerate(ranked)]
    notes = [LEGEND] if any(is_claimed(run, "scenarios") for run in runs) else []
    return SpeedTable(
        scenario, device, processor, rules, by, one.data_fingerprint, one.n_examples, one.limit, one.asked,
        (*placed, *others), tuple(notes),
    )  # fmt: skip


def _row(run: Run, found: Reading) -> SpeedRow:
    barred = readings.barred(found)
    if not barred and is_claimed(run, "scenarios"):
        barred = "claimed"
    return SpeedRow(run, found, why=barred or ("reference" if run.is_reference else ""))


def _order(found: Reading) -> float:
    """Less is better."""
    value = readings.value(found)
    if value is None:
        return math.inf
    return -value if readings.higher_is_better(found) else value


def _placed(row: SpeedRow, place: int, ranked: Sequence[SpeedRow]) -> SpeedRow:
    """The row with its rank, and the bounds that count which rows are surely better, and which surely worse."""
    low, high = _sure(row.reading)
    others = [_sure(one.reading) for one in ranked]
    better, worse = sum(top < low for _, top in others), sum(bottom > high for bottom, _ in others)
    return replace(row, rank=place + 1, low=1 + better, high=len(ranked) - worse)


def _sure(found: Reading) -> tuple[float, float]:
    """Bounds of what ranks, less being better, that hold for all rows of a table: those of its answers, and what runs differ by."""
    value = readings.value(found)
    low, high = readings.interval(found, "sure")
    if value is None:
        return -math.inf, math.inf
    if ("latency" in readings.ranks_by(found)) and high is None:  # too few answers to bound it above
        high = math.inf
    least, most = (value if low is None else low) / (1 + _APART), (value if high is None else high) * (1 + _APART)
    return (-most, -least) if readings.higher_is_better(found) else (least, most)


_OF_SCENARIO = {
    "offline": ("tokens_per_second",),
    "single_stream": ("p50", "p90", "p99", "ttft", "tpot", "tokens_per_second"),
    "server": ("achieved", "p50", "p90", "p99", "ttft", "tpot"),
}
_LAST = ("n", "failed", "verdict", "audits", "threads", "dtype", "origin", "date")


def columns(table: SpeedTable) -> list[Column]:
    """The columns of a table, as many as `cells` gives of a row."""
    bounds = " [95 %]" if table.by.startswith("p") else ""
    value = replace(SPEED_COLUMNS["value"], heading=f"{table.by}{bounds}")
    return [SPEED_COLUMNS["rank"], SPEED_COLUMNS["model"], value, *(SPEED_COLUMNS[name] for name in _names(table))]


def _names(table: SpeedTable) -> list[str]:
    own = [name for name in _OF_SCENARIO[table.scenario] if not table.by.startswith(f"{name} ms")]
    return [*own, *_LAST]


def cells(table: SpeedTable, row: SpeedRow) -> list[str]:
    """A row as text, what is claimed as `Claimed`."""
    found, run = row.reading, row.run
    environment = readings.part(found, "environment")
    values = {
        "n": f"{found.get('n', '–')}", "failed": f"{found.get('failed', '–')}",
        "tokens_per_second": figure(readings.number(found, "tokens_per_second")),
        "achieved": figure(readings.number(found, "achieved_qps")),
        **{name: figure(readings.number(found, "latency", name), 1000) for name in ("p50", "p90", "p99")},
        **{name: figure(readings.number(found, name, "p50"), 1000) for name in ("ttft", "tpot")},
        "verdict": readings.verdict(found), "audits": readings.audits(found), "origin": origin_of(run),
        "threads": f"{environment.get('threads') or '–'}", "dtype": str(environment.get("dtype") or "–"),
        "date": str(found.get("started") or "")[:10] or "–",
    }  # fmt: skip
    rank = rank_text(row.rank, row.low, row.high) if row.rank is not None else "ref" if run.is_reference else "–"
    texts = [values[name] if name == "origin" else marked(run, "scenarios", values[name]) for name in _names(table)]
    return [rank, labelled(run.model), marked(run, "scenarios", _value(found)), *texts]


def _value(found: Reading) -> str:
    """What ranks, with its bounds where it is a percentile."""
    latency = not readings.higher_is_better(found)
    unit = 1000 if latency else 1
    text = figure(readings.value(found), unit)
    low, high = readings.interval(found)
    return f"{text} [{figure(low, unit)}, {figure(high, unit)}]" if latency and (low or high) else text


def title(table: SpeedTable) -> str:
    """What the rows of a table have in common."""
    cut = f", the first {table.limit}" if table.limit and table.limit <= table.n else ""
    asked = "unknown" if table.asked == UNKNOWN else table.asked[:8]
    where = f"{table.device}, {table.processor}" if table.processor else "no device known"
    what = f"{table.n} examples{cut} (data {table.fingerprint[:8]}, asked: {asked})"
    return f"{table.scenario} by {table.by}: {where}, {what}, rules {table.rules or 'unknown'}"
