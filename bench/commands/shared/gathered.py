"""What boards are made of: the runs of a runs directory or of an MLflow store, and the submissions of ./leaderboards."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench import __version__
from bench.commands.shared.boards import of_task as default_board
from bench.commands.shared.stored import said
from bench.config import compose as conf
from bench.config.build import task_class
from bench.errors import BenchError
from bench.leaderboard import alike, cells, entry, speed
from bench.leaderboard import board as boards
from bench.leaderboard.board import Row, Table
from bench.leaderboard.definition import Board
from bench.leaderboard.entry import Entry
from bench.leaderboard.evidence import refuse_denied, with_evidence
from bench.leaderboard.index import Index, Record
from bench.leaderboard.ranking import Evidence, Sums, ranked, summed
from bench.leaderboard.stamps import file_stamp
from bench.leaderboard.suite import Column, SuiteBoard, SuiteTable, combined, scale, why_none
from bench.runs import measurements
from bench.runs.claimed import STORE, in_store
from bench.runs.folder import RECORD, read_run, run_of
from bench.runs.measurements import Measurements
from bench.runs.settings import RESAMPLES, SEED
from bench.scoring.bounds import by_rule
from bench.scoring.foreign import class_of, is_foreign
from bench.scoring.source import digest_of
from bench.task import BaseTask, Task
from bench.text.meant import among
from bench.text.shown import of_name

if TYPE_CHECKING:
    from bench.metrics.metric import AnyMetric
    from bench.record import Run, Score
    from bench.tracking.read import Store
    from bench.types import Json

RUNS = "runs"  # the root of the runs in an index; that of the submissions is their folder


@dataclass
class Gathered(Evidence):
    """The runs that an index knows, below `runs_dir` and in ./leaderboards/submissions; evidence for their rankings.

    With a `store` those of `runs_dir` are its runs. Rows are read, out of what came with the search or of a file that is brought,
    and held against the record only when a board shows it.
    """

    index: Index
    runs_dir: Path
    store: Store | None = None
    problems: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)  # that a suite whose tasks have runs has no table, by its board
    _metrics: dict[tuple[str, str], AnyMetric] = field(default_factory=dict)
    _records: dict[int, Record] = field(default_factory=dict)  # by the id of their run, which they keep alive
    _classes: dict[str, type[BaseTask]] = field(default_factory=dict)
    _known: dict[tuple[str, int], list[Record]] = field(
        default_factory=dict
    )  # of tasks and versions, once they were looked for
    _last: tuple[Path, Measurements | None] | None = None  # rows that were read last: they are asked for more than once

    @property
    def _roots(self) -> tuple[str, str]:
        return RUNS, str(entry.SUBMISSIONS.resolve())

    def refresh(self, stamps: dict[str, str]) -> None:
        """Read what is new: run folders, below or beside the runs directory, by these stamps, and submissions."""
        runs, submissions = self._roots
        self.index.refresh(runs, stamps, lambda path: _shown(self._read(path)), alike.slot, checked=False)
        paths = map(str, entry.paths(entry.SUBMISSIONS.resolve()))
        entries = {path: f"{file_stamp(path)} {__version__}" for path in paths}  # which knows what rows give a score
        self.index.refresh(submissions, entries, lambda path: _shown(submission(Path(path)).run), alike.slot)
        self.problems += [problem for root in self._roots for problem in self.index.problems(root)]

    def _read(self, path: str) -> Run:
        found = self.store.carried(path) if self.store is not None else None
        run = run_of(found.texts, f"{path}/{RECORD}") if found is not None else None
        if run is None or run.scenarios:
            self._bring([path])
            folder = self.runs_dir / path
            run = with_evidence(folder, read_run(folder / RECORD))
        return in_store(run) if self.store is not None else run

    def _bring(self, paths: Iterable[str], *, whole: bool = True) -> None:
        """Have the files of these runs of the store here; of those whose tags hold all, only where they are to be `whole`."""
        if self.store is not None:
            with said():
                self.store.need(paths, whole=whole)

    def _latest(self, task: str, version: int) -> list[Record]:
        """The latest run of each slot of a board whose rows give what its record states; others are told, and left out."""
        while (task, version) not in self._known:
            found = self.index.runs(task, version, *self._roots)
            if not (unread := [record for record in found if not record.checked]):
                self._known[task, version] = found
            for record in self._checked(unread):
                self.ruled(record, record.run.scores[0])  # while its rows are at hand
        return self._known[task, version]

    def _checked(self, unread: Sequence[Record]) -> Iterator[Record]:
        """Hold the rows of runs against their records: those that agree, one after the other; the others are left out, and told."""
        self._bring((record.path for record in unread), whole=False)
        for record in unread:
            problem = None
            try:
                made = replace(record.run, origin={}) if record.run.origin.get(STORE) else record.run
                refuse_denied(self.runs_dir / record.path, made, _metric_as_now, self._measured)
            except BenchError as error:
                problem = str(error)
                self.problems.append(problem)
            self.index.check(record, problem)
            if problem is None:
                yield record

    def tables(self, board: Board) -> list[Table]:
        """The board's tables with what is known of their ranks."""
        found = []
        for record in self._latest(board.task, board.version):
            if board.own_ranking and record.run.scores[0].metric != board.metric:
                continue  # it stands on the board of its metric
            try:
                boards.score_of(record.run, board.metric)
                _ = [boards.score_of(record.run, name) for name in board.more]
            except BenchError as error:
                self.problems.append(str(error))
                continue
            self._records[id(record.run)] = record
            found.append(record.run)
        tables = [self._ranked(board, self._ruled(board, table)) for table in boards.tables(board, found)]
        self.index.commit()
        return tables

    def _ruled(self, board: Board, table: Table) -> Table:
        """The table with intervals by the rule of all boards, whatever its runs asked for.

        A run that nobody here vouches for has one only on the clusters of those that somebody does, where there are any.
        """
        # The scores first: what reads a run's rows for its interval keeps the sums that its design comes from.
        scores = [self.ruled(self._records[id(row.run)], row.score) for row in table.rows]
        reported = any(row.origin == "self-reported" for row in table.rows)
        known = [row for row in table.rows if row.origin != "self-reported"] if reported else []
        vouched = {self._design(row, board.metric) for row in known} - {""}
        rows, others = [], []
        for row, score in zip(table.rows, scores, strict=True):
            alone = row.origin == "self-reported" and vouched and self._design(row, board.metric) not in vouched
            if alone and score.low is not None:
                score = replace(score, low=None, high=None, note="no interval: on other examples or clusters")
                others.append(row.run.model)
            rows.append(replace(row, score=score))
        notes = (
            [f"No interval of {', '.join(others)}: on other examples or clusters than the rows here."] if others else []
        )
        return replace(table, rows=tuple(rows), notes=(*table.notes, *notes, *_reasons(rows)))

    def _design(self, row: Row, metric: str) -> str:
        """Which examples in which clusters a row was measured on, "" where that is not known."""
        return self.sums(row.run, metric).design if self.digest(row.run, metric) else ""

    def ruled(self, record: Record, score: Score) -> Score:
        """A run's score with its interval by the rule, from the run's rows; without one where the metric is not known here."""
        try:
            metric = self._metric_of(record.run, score.metric)
        except BenchError:
            return replace(score, low=None, high=None, note="no interval: the metric is not known here")

        def make() -> Score:
            measured = self._rows(record)
            self.index.digest(record, score.metric, lambda: summed(measured, score.metric) if measured else None)
            return by_rule(score, metric, measured)

        rule = f"{__version__} {RESAMPLES} {SEED} {metric.signature} {score.value!r}"
        return self.index.ruled(record, score, rule, make)

    def _class(self, task: str) -> type[BaseTask]:
        """The class of a task, looked for once: every row asks for it."""
        if task not in self._classes:
            self._classes[task] = task_class(task)
        return self._classes[task]

    def _metric_of(self, run: Run, name: str) -> AnyMetric:
        """The metric of this name; of a task that another harness defined that of the run's own record, which alone has it."""
        return _metric(run.task, name, class_of(run)) if is_foreign(run) else self._metric(run.task, name)

    def _metric(self, task: str, name: str) -> AnyMetric:
        """The metric of this name, looked for once: a board asks for each of its rows."""
        if (task, name) not in self._metrics:
            self._metrics[task, name] = _metric(task, name, self._class(task))
        return self._metrics[task, name]

    def _ranked(self, board: Board, table: Table) -> Table:
        """The table with intervals on its ranks; without them, and with a note, where the task is not known here."""
        try:
            return ranked(board, table, lambda: self._metric_of(table.rows[0].run, board.metric), self)
        except BenchError as error:
            return replace(table, notes=(*table.notes, f"No intervals on ranks: {error}"))

    def each_ranking(self, task: str, version: int) -> list[Run]:
        """The latest run of a task and version; of another harness' task one for each metric that ranks, the first first."""
        runs = [record.run for record in self._latest(task, version)]
        if not runs or not is_foreign(runs[-1]):
            return runs[-1:]
        found: dict[str, Run] = {}
        for run in runs:
            found.setdefault(run.scores[0].metric, run)
        return list(found.values())

    def of_tasks(self, tasks: Container[str]) -> list[tuple[str, Run]]:
        """The latest runs of these tasks, each with the path of its folder or entry."""
        known = [one for one in sorted(self.versions()) if one[0] in tasks]
        return [(one.path, one.run) for key in known for one in self._latest(*key)]

    def versions(self) -> set[tuple[str, int]]:
        """The tasks, with their versions, that have runs."""
        return self.index.boards(*self._roots)

    def combined(
        self, board: SuiteBoard, found: Sequence[tuple[Board, Sequence[Table]]], known: Iterable[Board]
    ) -> list[SuiteTable]:
        """A suite's tables out of those `found` for the boards of its tasks, which are among the `known` ones."""
        given = {one.task: tables for one, tables in found}
        of_task = {one.task: one for one in known}
        tasks, limits = _suite(board)
        if not set(tasks) & set(given):
            return []
        columns = []
        for task in tasks:
            one = of_task.get(task) or default_board(task)
            if one is None:
                raise BenchError(f"suite '{board.suite}' has the task '{task}', which is not in conf/task")
            metric, card = self._metric(task, one.metric), self._class(task).card
            ends = scale(card, higher_is_better=metric.higher_is_better)
            columns.append(Column(one, limits.get(task), *ends, card.scenario))
        of_tasks = {task: given.get(task, ()) for task in tasks}
        tables = combined(board, columns, of_tasks)
        if not tables:
            self.why[board.name] = why_none(columns, of_tasks)
        return tables

    def every(self) -> Iterable[tuple[Path | None, Run]]:
        """All runs with their folders, None for a submission's; their scores have intervals by the rule of the boards."""
        known = self.index.every(*self._roots)
        self._bring(record.path for record in known)
        agreeing = {record.path for record in self._checked([record for record in known if not record.checked])}
        for record in known:
            if not record.checked and record.path not in agreeing:
                continue
            run = record.run
            made_so = (run.resamples, run.seed) == (RESAMPLES, SEED) and alike.origin_of(run) != "self-reported"
            if not made_so:
                run = replace(run, scores=tuple(self.ruled(record, score) for score in run.scores))
            yield (self.runs_dir / record.path if record.root == RUNS else None), run

    def digest(self, run: Run, metric: str) -> str:
        """The digest of the run's cluster sums, "" where it has none."""
        record = self._records[id(run)]
        return self.index.digest(record, metric, lambda: self._summed(record, metric))

    def sums(self, run: Run, metric: str) -> Sums:
        """The run's cluster sums."""
        return self.index.sums(self._records[id(run)], metric)

    def result(self, name: str, make: Callable[[], Json]) -> Json:
        """What `make` gives, or gave on an earlier day."""
        return self.index.result(name, make)

    def _summed(self, record: Record, metric: str) -> Sums | None:
        measured = self._rows(record)
        return summed(measured, metric) if measured else None

    def _rows(self, record: Record) -> Measurements | None:
        """What the run measured; None, with a problem to tell, where that cannot be read."""
        try:
            if record.root != RUNS:
                return entry.read(Path(record.path)).measurements
            return self._measured(self.runs_dir / record.path)
        except BenchError as error:
            self.problems.append(str(error))
            return None

    def _measured(self, folder: Path) -> Measurements | None:
        """The rows of a run, None where it has none; raises BenchError where they cannot be read."""
        if self._last is None or self._last[0] != folder:
            carried = self.store.carried(str(folder)) if self.store is not None else None
            if carried is None or not carried.whole:
                rows = measurements.found(folder)
            else:
                text = carried.texts.get(measurements.FILE)
                rows = None if text is None else measurements.read(folder, text)
            self._last = folder, rows
        return self._last[1]


def submission(path: Path) -> Entry:
    """An entry that somebody reports; raises BenchError for one that is none, or whose rows do not give its score."""
    found = entry.reported(path)
    run = found.run
    try:
        cls = task_class(run.task)
        metrics = cls.metrics if issubclass(cls, Task) else ()
    except BenchError:  # not known here: nobody can tell, and its board says so
        return found
    # Of another version the task may have ranked by another metric.
    named = [one for one in metrics if one.name == run.scores[0].metric]
    for metric in metrics[:1] if run.task_version == cls.version else named:
        if wrong := entry.disagreement(found, metric):
            raise BenchError(f"{path}: {wrong}; `bench submit` makes entries")
    return found


def _suite(board: SuiteBoard) -> tuple[list[str], dict[str, int]]:
    """The tasks and limits of the suite that a board names."""
    if not conf.has("suite", board.suite):
        raise BenchError(
            f"board '{board.name}' names the suite '{board.suite}', which is not in conf/suite; "
            f"{among(board.suite, list(conf.names('suite')))}"
        )
    found = conf.choice("suite", board.suite)
    found = found.get("suite", found)
    return list(found["tasks"]), dict(found.get("limits") or {})


def _shown(run: Run) -> Run:
    """The run, if a board can show it; raises BenchError for a record that lacks what a row needs."""
    where = f"run {run.task}/{run.model}/{run.run_id}"
    try:
        ranked, *more = (score.metric for score in run.scores)
        board = Board("", "", run.task, run.task_version, ranked, tuple(more))
        _ = cells.cells(board, Row(1, run, run.scores[0], origin=alike.origin_of(run))), alike.slot(run)
        _ = [speed.cells(table, row) for table in speed.tables([run]) for row in table.rows]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BenchError(f"{where} is not whole ({type(error).__name__}: {error}); delete it or run it again") from None
    return run


def _reasons(rows: Sequence[Row]) -> list[str]:
    """Why rows have no score, or no interval that was resampled, each reason once; whose it is where it is not that of all."""
    heads = {"undefined: ": "No score", "no interval: clusters ": "No interval",
             "no interval: the value ": "No interval", "exact: ": "Interval"}  # fmt: skip
    models = [row for row in rows if not row.run.is_reference] or rows
    found: dict[tuple[str, str], list[str]] = {}
    for row in models:
        head = next((text for begin, text in heads.items() if row.score.note.startswith(begin)), None)
        if head is not None:
            reason = row.score.note.removeprefix("no interval: ")
            found.setdefault((head, reason), []).append(row.run.model)
    return [
        of_name(head + (f" of {', '.join(dict.fromkeys(names))}" if len(names) < len(models) else ""), f"{reason}.")
        for (head, reason), names in found.items()
    ]


def _metric(task: str, name: str, cls: type[BaseTask]) -> AnyMetric:
    """The metric of this name in the class of a task; raises BenchError where it has none."""
    metrics = cls.metrics if issubclass(cls, Task) else ()
    for metric in metrics:
        if metric.name == name:
            return metric
    raise BenchError(f"task '{task}' has no metric '{name}'; correct the board's metric")


@functools.cache
def _metric_as_now(task: str, name: str) -> tuple[AnyMetric, str]:
    """The metric with the digest of its source; raises BenchError where the task has none of this name."""
    cls = task_class(task)
    metric = _metric(task, name, cls)
    return metric, digest_of(metric, cls) if issubclass(cls, Task) else ""
