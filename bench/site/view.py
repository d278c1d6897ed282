"""A board's tables as what a page shows of them: texts, numbers to sort and draw by, and a sentence for each chart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.leaderboard import alike
from bench.leaderboard import board as boards
from bench.leaderboard import cells as texts
from bench.leaderboard.board import Table
from bench.leaderboard.definition import Board
from bench.record import Run, Score
from bench.runs import costs
from bench.runs.claimed import is_claimed, known_since
from bench.runs.rates import seconds_per_answer
from bench.site.scores import front
from bench.site.tradeoffs import Of, Tradeoff, tradeoffs

Link = Callable[[Run], str]  # the name of a run's page, "" where it has none
_OWN_CELLS = 3  # rank, model and score of `texts.cells`, which the page shows in its own way
_WIDTH = 120.0  # of the picture of an interval, in its own units


@dataclass(frozen=True)
class Bar:
    """An interval as a picture: positions from 0 to `_WIDTH`; no line where there is no interval."""

    at: float
    low: float | None
    high: float | None


@dataclass
class Line:
    """One row of a board's table. `time` per answer in seconds, `cost` for 1,000 examples in the chart's currency.

    Both are None where they are unknown or claimed.
    """

    run: Run
    page: str
    rank: str
    order: int
    group: int | None
    new_group: bool
    origin: str
    origin_text: str
    score: Score
    shown: str
    interval: str
    bar: Bar | None
    cells: list[str]
    time: float | None
    cost: float | None
    reference: bool
    fronts: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Chart:
    """`axis` is the row's attribute that the chart is drawn over, `finding` what it shows, in a sentence."""

    axis: str
    title: str
    label: str
    finding: str


@dataclass(frozen=True)
class Past:
    """One run in the progress of a board, since when it is known; `best` says that it was the best so far."""

    run: Run
    since: str
    page: str
    score: Score
    shown: str
    best: bool


@dataclass(frozen=True)
class View:
    """A table with its charts and the history of the runs on its examples."""

    title: str
    anchor: str
    headings: list[str]
    lines: list[Line]
    charts: list[Chart]
    past: list[Past]
    has_groups: bool
    notes: Sequence[str] = ()
    tradeoffs: Sequence[Tradeoff] = ()


def of(board: Board, table: Table, link: Link, runs: Sequence[Run], number: int) -> View:
    """What the page shows of a table; `runs` are all the runs there are, for the progress over time."""
    headings = texts.headings(board)
    kept = [i for i in range(_OWN_CELLS, len(headings)) if headings[i] != "origin"]
    bars = _bars([row.score for row in table.rows])
    lines: list[Line] = []
    currency = _currency([row.run for row in table.rows])
    for i, (row, bar) in enumerate(zip(table.rows, bars, strict=True)):
        cells = texts.cells(board, row)
        ranked = [line for line in lines if not line.reference]
        lines.append(
            Line(
                run=row.run, page=link(row.run), rank=texts.rank_of(row), order=i, group=row.group,
                new_group=bool(ranked) and row.group is not None and ranked[-1].group not in (None, row.group),
                origin=row.origin, origin_text=texts.origin_text(row), score=row.score,
                shown=texts.shown(row.score, row.score.value),
                interval=_interval(row.score), bar=bar, cells=[cells[i] for i in kept], time=_time(row.run),
                cost=_cost(row.run, currency), reference=row.run.is_reference,
            )
        )  # fmt: skip
    past = _past(board, table, link, runs)
    dear = f"{currency} for 1,000 examples"
    charts = [_trade(lines, "time", "Score and time", _TIME), _trade(lines, "cost", "Score and cost", dear)]
    return View(
        title=boards.title(table), anchor=f"table-{number}", headings=[headings[i] for i in kept], lines=lines,
        charts=[chart for chart in (*charts, _progress(past)) if chart], past=past,
        has_groups=any(line.group is not None for line in lines), notes=table.notes,
        tradeoffs=tradeoffs([Of(line.run, line.page, line.score) for line in lines], board.metric),
    )  # fmt: skip


def _interval(score: Score) -> str:
    if score.low is None or score.high is None:
        return ""
    return f"{texts.shown(score, score.low)} to {texts.shown(score, score.high)}"


def _bars(scores: Sequence[Score]) -> list[Bar | None]:
    """The intervals on one scale, that of the table."""
    ends = [one for score in scores for one in (score.value, score.low, score.high) if one is not None]
    if not ends:
        return [None] * len(scores)
    low, high = min(ends), max(ends)
    scale = _WIDTH / (high - low or 1.0)

    def place(value: float | None) -> float | None:
        return None if value is None else round((value - low) * scale, 2)

    return [bars_of(score, place) for score in scores]


def bars_of(score: Score, place: Callable[[float | None], float | None]) -> Bar | None:
    """The picture of one score; None where the metric cannot be had."""
    at = place(score.value)
    return None if at is None else Bar(at, place(score.low), place(score.high))


_TIME = "time per answer, ms"


def _time(run: Run) -> float | None:
    """Seconds per answer; None where the run has no speed, or one that is somebody's word only."""
    return None if run.submission or is_claimed(run, "seconds_per_answer") else seconds_per_answer(run)


def _currency(runs: Sequence[Run]) -> str:
    """The currency of most costs that were found here, which the chart is in: none is converted into another."""
    found = [cost.currency for run in runs if not is_claimed(run, "price") and (cost := costs.per_1000(run))]
    return max(sorted(set(found)), key=found.count, default="")


def _cost(run: Run, currency: str) -> float | None:
    cost = None if is_claimed(run, "price") else costs.per_1000(run)
    return cost.amount if cost is not None and cost.currency == currency else None


def _trade(lines: Sequence[Line], axis: str, title: str, label: str) -> Chart | None:
    """The chart of the score over what it takes, its Pareto front marked in the lines; None for fewer than two points."""
    drawn = [line for line in lines if getattr(line, axis) is not None and line.score.value is not None]
    models = [line for line in drawn if not line.reference]
    if len(drawn) < 2:
        return None
    points = [(float(getattr(line, axis)), float(line.score.value or 0.0)) for line in models]
    on = [models[i] for i in sorted(front(points, higher_is_better=lines[0].score.higher_is_better))]
    for line in on:
        line.fronts.add(axis)
    names = _listed([f"{brief(line.run.model)} ({line.shown})" for line in on])
    less = "faster" if axis == "time" else "cheaper"
    text = f"On the front, where no other model is both better and {less}: {names}." if on else "Reference rows only."
    if left := len(lines) - len(drawn):
        what = "cost in this currency" if axis == "cost" else f"{axis} that was measured here"
        text += f" {left} of {len(lines)} rows have no {what} and are not drawn."
    return Chart(axis, title, label, text)


def _past(board: Board, table: Table, link: Link, runs: Sequence[Run]) -> list[Past]:
    """All runs of the table's examples on its device, as they became known; of what is only reported nobody knows when."""
    ours = [
        run
        for run in runs
        if (run.task, run.task_version, run.data_fingerprint) == (board.task, board.version, table.fingerprint)
        and alike.place(run) in ("", table.device)
        and known_since(run)
        and not run.is_reference
        and (not table.rows or alike.judged(run) == alike.judged(table.rows[0].run))
    ]
    found: list[Past] = []
    record: float | None = None
    for run in sorted(ours, key=lambda one: (known_since(one), one.run_id)):
        score = next((one for one in run.scores if one.metric == board.metric), None)
        if score is None or score.value is None:  # without the metric the board leaves it out, in a line
            continue
        merit = score.value if score.higher_is_better else -score.value
        best = record is None or merit > record
        record = merit if record is None or best else record
        found.append(Past(run, known_since(run), link(run), score, texts.shown(score, score.value), best))
    return found


def _progress(past: Sequence[Past]) -> Chart | None:
    if len({one.since for one in past}) < 2:
        return None
    steps = [one for one in past if one.best]
    first, last = steps[0], steps[-1]
    text = f"Best score from {first.shown} ({brief(first.run.model)}, {first.since[:10]})"
    text += (
        f" to {last.shown} ({brief(last.run.model)}, {last.since[:10]})" if len(steps) > 1 else ", not surpassed since"
    )
    return Chart("progress", "Progress over time", "day of the run", f"{text}; {len(past)} runs.")


def brief(text: str, most: int = 60) -> str:
    """The beginning of a long text: a name may come from anybody, and must not fill a page."""
    return text if len(text) <= most else text[: most - 1] + "…"


def latest(runs: Iterable[Run]) -> str:
    """The day of the latest of these runs; a claimed day is none."""
    return max((known_since(run)[:10] for run in runs), default="") or "–"


def _listed(names: Sequence[str], most: int = 6) -> str:
    """Some names as a text, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def summary(board: Board, tables: Sequence[Table]) -> Mapping[str, str]:
    """The line of a board on the first page: its leader on the most data, and how many models it has."""
    ranked = [row for table in tables for row in table.rows if row.rank is not None]
    table = next(
        (one for one in tables if any(row.rank is not None for row in one.rows)), tables[0] if tables else None
    )
    leader = next((row for row in table.rows if row.rank is not None), None) if table else None
    return {
        "leader": leader.run.model if leader else "–",
        "score": f"{board.metric} {texts.interval(leader.score)}" if leader else "–",
        "models": str(len({row.run.model for row in ranked})),
        "n": f"{table.n:,}" if table and table.n else "–",
        "latest": latest(row.run for table in tables for row in table.rows),
    }
