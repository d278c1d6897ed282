"""A board: the runs of one task and version, ranked by one metric, as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from bench.errors import BenchError
from bench.leaderboard import spent
from bench.leaderboard.alike import comparable, everywhere, judged, origin_of, place, scorer_digest, slot
from bench.leaderboard.definition import Board
from bench.record import ELSEWHERE, UNKNOWN, Run, Score
from bench.runs.claimed import is_claimed, legend
from bench.scoring.foreign import imported
from bench.text.shown import of_name


@dataclass(frozen=True)
class Row:
    """One line of a table. `rank` is None for a reference row and for a run without a score.

    `rank_low` and `rank_high` bound the rank with 95 % confidence, for all rows of the table together; None where unknown.
    `group` numbers the groups of statistical ties from 1: every row of a group is significantly better than every row of
    those behind it. `origin` is one of `alike.ORIGINS`.
    """

    rank: int | None
    run: Run
    score: Score
    rank_low: int | None = None
    rank_high: int | None = None
    group: int | None = None
    origin: str = "run here"


@dataclass(frozen=True)
class Table:
    """The rows of one device class on the same examples, asked and scored alike: only these may be compared.

    `asked` is the digest of the requests, `scorer` that of the parser and metrics. `notes` stand below it.
    """

    device: str
    fingerprint: str
    n: int
    limit: int | None
    rows: tuple[Row, ...] = field(default=())
    notes: tuple[str, ...] = ()
    asked: str = UNKNOWN
    scorer: str = ""


def tables(board: Board, runs: Iterable[Run]) -> list[Table]:
    """The board's tables, full data first. CPU and GPU, and different examples, never share a ranking.

    Of several runs of one `slot` the latest counts. Reference rows stand in every table of their data, unranked; so does,
    ranked, what was brought: predictions that nobody timed, and runs whose device is claimed. Raises BenchError when a run
    does not have the board's metric.
    """
    latest: dict[tuple[str, ...], Run] = {}
    for run in sorted(runs, key=lambda run: run.created):
        if (run.task, run.task_version) == (board.task, board.version):
            latest[slot(run)] = run
    found = []
    for device in board.devices:
        groups = comparable([run for run in latest.values() if place(run) == device or everywhere(run)])
        for alike in (one for group in groups for one in _one_way(board, group)):
            if any(place(run) == device for run in alike) or device == board.devices[0]:
                found.append(_table(board, device, alike))
    found = [table for table in found if is_timed(table) or not _stands_elsewhere(table, found)]
    return sorted(map(_told(board, found), found), key=lambda t: (board.devices.index(t.device), -t.n))


def _one_way(board: Board, runs: Sequence[Run]) -> list[list[Run]]:
    """The runs by whether less of the board's metric is better, and by its scale: other harnesses' logs may differ.

    So they may in which metric ranks.
    """
    ways: dict[tuple[bool, bool, str, str], list[Run]] = {}
    for run in runs:
        score = score_of(run, board.metric)
        first = judged(run)[0]
        of = (score.higher_is_better, score.is_fraction, first, score.signature if first else "")
        ways.setdefault(of, []).append(run)
    return [ways[way] for way in sorted(ways, reverse=True)]


def is_timed(table: Table) -> bool:
    """Whether any row ran on the table's device, as far as anybody here knows."""
    return any(place(row.run) == table.device for row in table.rows)


def _stands_elsewhere(table: Table, found: Sequence[Table]) -> bool:
    """Whether another table has all these rows, beside some that ran on its device."""
    runs = {id(row.run) for row in table.rows}
    return any(is_timed(other) and runs <= {id(row.run) for row in other.rows} for other in found)


def _told(board: Board, found: Sequence[Table]) -> Callable[[Table], Table]:
    """Adds, where tables differ in nothing but what scored them, a note that says so."""

    def told(table: Table) -> Table:
        alike = [
            one
            for one in found
            if (one.device, one.fingerprint, one.asked) == (table.device, table.fingerprint, table.asked)
        ]
        if len(alike) == 1:
            return table
        if judged(table.rows[0].run)[0]:  # of another harness' logs
            return replace(table, notes=(*table.notes, *_unlike(board, table, alike)))
        note = f"scored by parser and metrics {table.scorer or 'unknown'}; `bench rescore --all` scores all runs by those of today"
        return replace(table, notes=(*table.notes, note))

    return told


def _unlike(board: Board, table: Table, alike: Sequence[Table]) -> Iterator[str]:
    """In what the logs of this table differ from those of others on the same data, a line each."""
    first, score = judged(table.rows[0].run)[0], table.rows[0].score
    others = [one.rows[0] for one in alike if one is not table]
    if any(judged(one.run)[0] != first for one in others):
        yield f"these logs rank by {first}, those of another table do not"
    if any(one.score.higher_is_better is not score.higher_is_better for one in others):
        way = "more" if score.higher_is_better else "less"
        yield f"by these logs {way} is better, by those of another table it is not"
    if any(_scale(one.score) != _scale(score) for one in others):
        other = next(_scale(one.score) for one in others if _scale(one.score) != _scale(score))
        yield f"in these logs {board.metric} is {_scale(score)}, in those of another table {other}"


def _scale(score: Score) -> str:
    """What a log says of the scale of its metric, in words."""
    return "a fraction" if score.is_fraction else score.signature.rpartition(", ")[2]


def _table(board: Board, device: str, runs: Sequence[Run]) -> Table:
    one = next((run for run in runs if run.asked != ELSEWHERE), runs[0])
    notes = sorted(of_name(run.model, f"{sum(run.reused.values())} of {run.n_examples} answers were taken from earlier runs")
                   for run in runs if run.reused)  # fmt: skip
    notes += spent.notes(runs)
    notes += sorted({f"figures of {said}" for run in runs if (said := imported(run).get("data"))})
    notes += sorted({f"asked with {said}" for run in runs if (said := imported(run).get("asking"))})
    notes += sorted({legend(run) for run in runs if is_claimed(run, "device") or is_claimed(run, "date")})
    return Table(
        device,
        one.data_fingerprint,
        one.n_examples,
        one.limit,
        _ranked(board, runs),
        tuple(notes),
        one.asked,
        scorer_digest(one),
    )


def _ranked(board: Board, runs: Sequence[Run]) -> tuple[Row, ...]:
    scored = [(run, score_of(run, board.metric)) for run in runs]
    scored.sort(key=lambda pair: (_order(pair[1]), pair[0].model))
    rows, rank = [], 0
    for run, score in scored:
        is_ranked = not run.is_reference and score.value is not None
        rank += is_ranked
        rows.append(Row(rank if is_ranked else None, run, score, origin=origin_of(run)))
    return tuple(rows)


def _order(score: Score) -> float:
    """Less is better; a metric that could not be had comes last."""
    if score.value is None:
        return math.inf
    return -score.value if score.higher_is_better else score.value


def score_of(run: Run, metric: str) -> Score:
    """The run's score of this metric."""
    for score in run.scores:
        if score.metric == metric:
            return score
    known = ", ".join(score.metric for score in run.scores)
    raise BenchError(
        f"run {run.task}/{run.model}/{run.run_id} has no metric '{metric}'; it has {known}; correct the board's metric"
    )


def groups(table: Table) -> list[list[Row]]:
    """The rows of each group of statistical ties, best first; [] where none are known."""
    found: dict[int, list[Row]] = {}
    for row in table.rows:
        if row.group is not None:
            found.setdefault(row.group, []).append(row)
    return [found[number] for number in sorted(found)]


def title(table: Table) -> str:
    """What the rows have in common."""
    cut = f", the first {table.limit}" if table.limit and table.limit <= table.n else ""  # a higher one cuts nothing
    asked = "unknown" if table.asked == UNKNOWN else table.asked if table.asked == ELSEWHERE else table.asked[:8]
    device = table.device if is_timed(table) else "no device known"
    return f"{device}, {table.n or 'an unknown number of'} examples{cut} (data {table.fingerprint[:8]}, asked: {asked})"
