"""A board: the runs of one task and version, ranked by one metric, as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from bench.errors import BenchError
from bench.leaderboard import endings, spent
from bench.leaderboard.columns import declared, further, ranking
from bench.leaderboard.definition import Board
from bench.record import ELSEWHERE, UNKNOWN, Run, Score
from bench.runs.claimed import LEGEND, STORE, is_claimed, rerun_of
from bench.runs.claimed import shown as marked
from bench.runs.identity import canonical
from bench.runs.rates import examples_per_second, seconds_per_answer
from bench.text.names import labelled
from bench.text.table import Column

ORIGINS = ("run here", "scored here", "in the store", "verified", "self-reported")


@dataclass(frozen=True)
class Row:
    """One line of a table. `rank` is None for a reference row and for a run without a score.

    `rank_low` and `rank_high` bound the rank with 95 % confidence, for all rows of the table together; None where unknown.
    `group` numbers the groups of statistical ties from 1: every row of a group is significantly better than every row of
    those behind it. `origin` is one of `ORIGINS`.
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
        for alike in comparable([run for run in latest.values() if place(run) == device or _everywhere(run)]):
            if any(place(run) == device for run in alike) or device == board.devices[0]:
                found.append(_table(board, device, alike))
    found = [table for table in found if is_timed(table) or not _stands_elsewhere(table, found)]
    return sorted(map(_told(found), found), key=lambda t: (board.devices.index(t.device), -t.n))


def is_timed(table: Table) -> bool:
    """Whether any row ran on the table's device, as far as anybody here knows."""
    return any(place(row.run) == table.device for row in table.rows)


def _stands_elsewhere(table: Table, found: Sequence[Table]) -> bool:
    """Whether another table has all these rows, beside some that ran on its device."""
    runs = {id(row.run) for row in table.rows}
    return any(is_timed(other) and runs <= {id(row.run) for row in other.rows} for other in found)


def _told(found: Sequence[Table]) -> Callable[[Table], Table]:
    """Adds, where tables differ in nothing but what scored them, a note that says so."""

    def told(table: Table) -> Table:
        alike = [(one.device, one.fingerprint, one.asked) for one in found]
        if alike.count((table.device, table.fingerprint, table.asked)) == 1:
            return table
        note = f"scored by parser and metrics {table.scorer or 'unknown'}; `bench rescore --all` scores all runs by those of today"
        return replace(table, notes=(*table.notes, note))

    return told


def comparable(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs in groups of the same examples, asked the same and scored by the same parser and metrics: only these compare.

    Predictions that were brought were asked elsewhere: they stand in every group of their data and scorer.
    """
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.data_fingerprint, scorer_digest(run), run.asked), []).append(run)
    found = []
    for (data, scorer, asked), alike in groups.items():
        others = [key for key in groups if key[:2] == (data, scorer) and key[2] not in (ELSEWHERE, UNKNOWN)]
        if asked != ELSEWHERE:
            found.append([*alike, *(groups.get((data, scorer, ELSEWHERE), []) if asked != UNKNOWN else [])])
        elif not others:
            found.append(alike)
    return found


def scorer_digest(run: Run) -> str:
    """8 hex digits of what scored the run, "" where that is not known."""
    return sha256(canonical(dict(run.scorer)).encode()).hexdigest()[:8] if run.scorer else ""


def _table(board: Board, device: str, runs: Sequence[Run]) -> Table:
    one = next((run for run in runs if run.asked != ELSEWHERE), runs[0])
    notes = sorted(f"{run.model}: {sum(run.reused.values())} of {run.n_examples} answers were taken from earlier runs"
                   for run in runs if run.reused)  # fmt: skip
    notes += spent.notes(runs)
    notes += [LEGEND] if any(is_claimed(run, "device") or is_claimed(run, "date") for run in runs) else []
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


def slot(run: Run) -> tuple[str, ...]:
    """A board shows one run of each: model, device, precision, data, prompts, scorer and origin, so that none hides another."""
    of = (
        run.model,
        _said_device(run),
        str(run.environment["dtype"]),
        run.data_fingerprint,
        run.asked,
        scorer_digest(run),
    )
    return (*of, origin_of(run))


def origin_of(run: Run) -> str:
    """Who made the run and who vouches for its scores: one of `ORIGINS`."""
    if STORE in run.origin:
        return "in the store"
    if run.origin:
        return "verified" if run.origin.get("verified") else "self-reported"
    return "scored here" if run.submission else "run here"


def place(run: Run) -> str:
    """The device in whose tables the run stands; "" where nobody here knows on which it ran."""
    return "" if run.submission or is_claimed(run, "device") else str(run.environment["device"])


def _said_device(run: Run) -> str:
    """The device that the record names; predictions that were brought have none."""
    return "submission" if run.submission else str(run.environment["device"])


def _everywhere(run: Run) -> bool:
    """Whether the run belongs to no device's table in particular."""
    return run.is_reference or not place(run)


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


def with_telling_columns(board: Board, found: Sequence[Table]) -> Board:
    """The board with the columns that its rows have something for: how answers ended, flips of an audit, costs and energy."""
    runs = [row.run for table in found for row in table.rows]
    added = endings.telling([run for run in runs if not run.is_reference]) + (
        ["flips"] if any(run.audit for run in runs) else []
    )
    at = board.columns.index("failed") + 1 if "failed" in board.columns else len(board.columns)
    board = replace(board, columns=(*board.columns[:at], *added, *board.columns[at:]))
    return spent.with_columns(board, runs)


def columns(board: Board) -> list[Column]:
    """The columns, as many as `cells` gives of a row."""
    return [*ranking(board.metric), *further(board.more), *(declared(name, board.currency) for name in board.columns)]


def headings(board: Board) -> list[str]:
    """The column titles."""
    return [column.heading for column in columns(board)]


def cells(board: Board, row: Row) -> list[str]:
    """One row as text, what is claimed as `Claimed`; ×100 and rounding happen here and nowhere else."""
    run = row.run
    score = row.score
    failed = f"{score.n_failed}" + (f" (at best {shown(score, score.best)})" if score.best is not None else "")
    more = [shown(found, found.value) for found in (score_of(run, name) for name in board.more)]
    environment = run.environment
    ended = {name: endings.cell(run, name, score, shown) for name in endings.COLUMNS if name in board.columns}
    values = ended | spent.cells(run, board) | {
        "n": str(score.n), "failed": failed, "flips": _flips(run), "origin": origin_text(row), "device": _said_device(run),
        "dtype": "–" if run.submission else environment["dtype"],
        "examples_per_second": _number(examples_per_second(run)), "seconds_per_answer": _number(seconds_per_answer(run), 1000),
        "commit": environment["commit"] or "–", "date": run.created[:10],
    }  # fmt: skip
    return [
        rank_of(row),
        labelled(run.model),
        interval(score),
        *more,
        *(marked(run, name, str(values[name])) for name in board.columns),
    ]


def origin_text(row: Row) -> str:
    """The origin of a row, with what came of running its model again."""
    again = rerun_of(row.run) if row.origin == "verified" else None
    return f"{row.origin}, {again}" if again else row.origin


def rank_of(row: Row) -> str:
    """The rank of a row as text: "ref" for a reference row, "–" for a run without a score."""
    if row.rank is None:
        return "ref" if row.run.is_reference else "–"
    return rank_text(row.rank, row.rank_low, row.rank_high)


def rank_text(rank: int, low: int | None, high: int | None) -> str:
    """A rank with its interval, as in "2 (1–4)"."""
    return str(rank) if low is None else f"{rank} ({low}–{high})" if low != high else f"{rank} ({low})"


def groups(table: Table) -> list[list[Row]]:
    """The rows of each group of statistical ties, best first; [] where none are known."""
    found: dict[int, list[Row]] = {}
    for row in table.rows:
        if row.group is not None:
            found.setdefault(row.group, []).append(row)
    return [found[number] for number in sorted(found)]


def _flips(run: Run) -> str:
    """How many answers of the audited sample another batch changed."""
    return f"{run.audit['flips']} of {run.audit['n']}" if run.audit.get("kind") == "batch_invariance" else "–"


def interval(score: Score) -> str:
    """The value with its bounds; a fraction as percent."""
    if score.low is None or score.high is None:
        return f"{shown(score, score.value)} [–]"
    return f"{shown(score, score.value)} [{shown(score, score.low)}, {shown(score, score.high)}]"


def shown(score: Score, value: float | None) -> str:
    """A value of this score's metric as text."""
    if value is None:
        return "–"
    text = f"{100 * value:.1f}" if score.is_fraction else f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _number(value: float | None, unit: float = 1) -> str:
    """Three digits, without an exponent."""
    if value is None:
        return "–"
    scaled = value * unit
    return f"{scaled:,.0f}" if scaled >= 100 else f"{scaled:.1f}" if scaled >= 10 else f"{scaled:.2f}"


def title(table: Table) -> str:
    """What the rows have in common."""
    cut = f", the first {table.limit}" if table.limit else ""
    asked = "unknown" if table.asked == UNKNOWN else table.asked[:8]
    device = table.device if is_timed(table) else "no device known"
    return f"{device}, {table.n} examples{cut} (data {table.fingerprint[:8]}, asked: {asked})"
