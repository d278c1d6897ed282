"""The table of a paper: models by tasks and metrics. Only runs that may be compared share a column; CPU and GPU share no table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.exports.item import Item, cut_text, model_settings, refuse_unknown, settings
from bench.leaderboard.alike import comparable, everywhere, judged, origin_of, place, scorer_digest
from bench.leaderboard.board import Row, Table
from bench.leaderboard.cells import shown
from bench.leaderboard.definition import Board
from bench.leaderboard.ranking import Evidence, Sums, ranked, summed
from bench.record import ELSEWHERE, Run, Score
from bench.runs import measurements
from bench.runs.claimed import MARK
from bench.runs.identity import canonical
from bench.text.names import labelled
from bench.types import Json


@dataclass(frozen=True)
class Cell:
    """A score of the table: its value and bounds as text, percent where it is a fraction.

    `group` numbers the groups of statistical ties of the column from 1, None where that cannot be known; it is `best` in the first
    of several. `claimed` says that nobody here vouches for it, `n_failed` how many answers failed.
    """

    value: str
    interval: str = ""
    group: int | None = None
    best: bool = False
    claimed: bool = False
    n_failed: int = 0

    @property
    def letter(self) -> str:
        """The group as a letter: a, b, …; a number behind z."""
        return "" if self.group is None else chr(96 + self.group) if self.group <= 26 else str(self.group)


@dataclass(frozen=True)
class Paper:
    """One table: `heads` are (task, metric, what was asked) of each column, `rows` a name with a cell for each column."""

    title: str
    heads: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    notes: tuple[str, ...]


@dataclass
class _Rows(Evidence):
    """The cluster sums of the runs' own measurements, each read once."""

    folders: Mapping[int, Path]  # by the id of the run
    found: dict[tuple[int, str], Sums | None] = field(default_factory=dict)

    def _sums(self, run: Run, metric: str) -> Sums | None:
        key = id(run), metric
        if key not in self.found:
            folder = self.folders[id(run)]
            there = (folder / measurements.FILE).exists()
            self.found[key] = summed(measurements.read(folder), metric) if there else None
        return self.found[key]

    def digest(self, run: Run, metric: str) -> str:
        """The digest of the run's cluster sums, "" where it has none."""
        sums = self._sums(run, metric)
        return hashlib.sha256(sums.sums.tobytes() + sums.design.encode()).hexdigest() if sums else ""

    def sums(self, run: Run, metric: str) -> Sums:
        """The run's cluster sums; asked for only where it has some."""
        found = self._sums(run, metric)
        if found is None:
            raise KeyError(metric)
        return found


_LONGEST = 60  # characters of the settings in a row's name
_SAID = {
    "origin": "{}",
    "by": "by {}",
    "settings": "{}",
}  # how what sets rows apart is said; else its name with its value


@dataclass(frozen=True)
class _Column:
    """A metric on the same examples, asked and scored alike; `ranked` has the ties of its runs."""

    metric: str
    runs: tuple[Run, ...]
    table: Table


def papers(items: Sequence[Item], metrics: Sequence[str] = ()) -> list[Paper]:
    """The tables of these runs, one for each kind of device; without `metrics` the one that ranks each task.

    What was handed in, and reference rows, stand in each. Raises BenchError for a metric that no run has.
    """
    refuse_unknown(items, metrics)
    devices = list(dict.fromkeys(place(one.run) for one in items if not everywhere(one.run))) or [""]
    return [
        _paper(device, [one for one in items if place(one.run) == device or everywhere(one.run)], metrics)
        for device in devices
    ]  # fmt: skip


def _paper(device: str, items: Sequence[Item], metrics: Sequence[str]) -> Paper:
    names = _named(items)
    evidence = _Rows({id(one.run): one.folder for one in items})
    by_run = {id(one.run): one for one in items}
    columns = [column for alike in _alike(items) for column in _columns(device, alike, metrics, by_run, evidence)]
    order = list(dict.fromkeys(names[id(one.run)] for one in items))
    cells = [_cells(column, names, by_run) for column in columns]
    heads = _heads(columns)
    told = [
        f"{head[0]} {one.metric}: {note}" for head, one in zip(heads, columns, strict=True) for note in one.table.notes
    ]
    notes = [*_several(heads), *_cut_notes(items), *_unbounded(heads, columns), *told, *_notes(cells, items, heads)]
    rows = tuple((name, tuple(one.get(name) for one in cells)) for name in order)
    return Paper(device or "no device known", tuple(heads), rows, tuple(dict.fromkeys(notes)))


def _alike(items: Sequence[Item]) -> list[list[Run]]:
    """The runs of each task and version, in groups that may be compared."""
    tasks: dict[tuple[str, int], list[Run]] = {}
    for one in items:
        tasks.setdefault((one.run.task, one.run.task_version), []).append(one.run)
    return [alike for runs in tasks.values() for alike in comparable(runs)]


def _columns(
    device: str, runs: Sequence[Run], metrics: Sequence[str], items: Mapping[int, Item], evidence: Evidence
) -> Iterable[_Column]:
    for metric in metrics or [runs[0].scores[0].metric]:
        having = [run for run in runs if any(score.metric == metric for score in run.scores)]
        if having:
            yield _Column(metric, tuple(having), _ranked(device, having, metric, items, evidence))


def _ranked(device: str, runs: Sequence[Run], metric: str, items: Mapping[int, Item], evidence: Evidence) -> Table:
    """The runs as rows of one table with their groups of ties, as boards have them."""
    first = next((run for run in runs if run.asked != ELSEWHERE), runs[0])
    scored = [(run, next(score for score in run.scores if score.metric == metric)) for run in runs]
    scored.sort(key=lambda pair: _order(pair[1]))
    rows, rank = [], 0
    for run, score in scored:
        counts = not run.is_reference and score.value is not None and items[id(run)].claimed != "all"
        rank += counts
        rows.append(Row(rank if counts else None, run, score, origin=origin_of(run)))
    table = Table(
        device,
        first.data_fingerprint,
        first.n_examples,
        first.limit,
        tuple(rows),
        (),
        first.asked,
        scorer_digest(first),
    )
    task = items[id(first)].task
    if rank < 2:
        return table
    known = next((one for one in (task.metrics if task else ()) if one.name == metric), None)
    if known is None:
        return replace(table, notes=("no groups of ties: this version has no such task and metric",))
    board = Board(first.task, first.task, first.task, first.task_version, metric)
    return ranked(board, table, lambda: known, evidence)


def _order(score: Score) -> float:
    if score.value is None:
        return float("inf")
    return -score.value if score.higher_is_better else score.value


def _cells(column: _Column, names: Mapping[int, str], items: Mapping[int, Item]) -> dict[str, Cell]:
    """The column's cells by the name of their row."""
    found = {}
    several = sum(row.rank is not None for row in column.table.rows) > 1
    for row in column.table.rows:
        score = row.score
        bounds = None not in (score.low, score.high)
        found[names[id(row.run)]] = Cell(
            shown(score, score.value), f"[{shown(score, score.low)}, {shown(score, score.high)}]" if bounds else "",
            row.group, several and row.group == 1, items[id(row.run)].claimed == "all", score.n_failed,
        )  # fmt: skip
    return found


def _heads(columns: Sequence[_Column]) -> list[tuple[str, str, str]]:
    """What stands over each column; where two are of one task and metric, what makes them two."""
    plain = [(one.runs[0].task, one.runs[0].task_version, one.metric) for one in columns]
    versions = {task: len({v for t, v, _ in plain if t == task}) for task, _, _ in plain}
    found = []
    for one, key in zip(columns, plain, strict=True):
        table, score = one.table, one.table.rows[0].score
        task = key[0] + (f" v{key[1]}" if versions[key[0]] > 1 else "")
        others = [_stood_on(other.table) for other, its in zip(columns, plain, strict=True) if its == key]
        what = [f"n={table.n}" if table.n else "n unknown"]
        what += [
            f"{name} {value}" for name, value in _stood_on(table).items() if any(value != told[name] for told in others)
        ]
        unit = " %" if score.is_fraction else ""
        found.append((task, f"{one.metric}{unit} {'↑' if score.higher_is_better else '↓'}", ", ".join(what)))
    return found


def _stood_on(table: Table) -> dict[str, str]:
    """What runs have to share to be compared, in short."""
    asked = "elsewhere" if table.asked == ELSEWHERE else table.asked[:8] or "unknown"
    first, _, _, measured = judged(table.rows[0].run)
    return {"data": table.fingerprint[:8], "asked": asked, "scorer": table.scorer or "unknown",
            "ranked by": first or "the task", "as": measured or "the task has it"}  # fmt: skip


def _named(items: Sequence[Item]) -> dict[int, str]:
    """The name of each run's row: its model, and what sets it apart from other rows of that name."""
    by_model: dict[str, list[Item]] = {}
    for one in items:
        by_model.setdefault(one.run.model, []).append(one)
    found = {}
    for model, those in by_model.items():
        apart = [_apart(one) for one in those]
        differing = [name for name in apart[0] if len({canonical(told[name]) for told in apart}) > 1]
        keys = [tuple(canonical(told[name]) for name in differing) for told in apart]
        slots = [(key, one.run.task, one.run.task_version, one.run.data_fingerprint, one.run.asked, scorer_digest(one.run))
                 for key, one in zip(keys, those, strict=True)]  # fmt: skip
        texts = _settings_texts(those, apart)
        for one, told, slot in zip(those, apart, slots, strict=True):
            told = {**told, "settings": texts[told["settings"]]}
            said = [
                _SAID.get(name, name + " {}").format(told[name]) for name in differing if told[name] not in ("", None)
            ]
            said += [f"run {one.run.run_id}"] if slots.count(slot) > 1 else []
            said += ["ref"] if one.run.is_reference else []
            found[id(one.run)] = labelled(model) + (f" ({', '.join(said)})" if said else "")
    return _distinct(found, items)


def _settings_texts(items: Sequence[Item], apart: Sequence[Mapping[str, Json]]) -> dict[str, str]:
    """How each configuration of a model is said, by its digest: the keys that differ from its file, where that is enough."""
    found = {}
    for one, told in zip(items, apart, strict=True):
        keys = {key: value for key, value in (one.changed or {}).items() if key.removeprefix("+").startswith("model.")}
        words = ", ".join(f"{key.partition('model.')[2]}={value}" for key, value in keys.items())
        found[told["settings"]] = words or "settings of its file"
        if one.changed is None or len(words) > _LONGEST:
            found[told["settings"]] = f"settings {told['settings']}"
    return found if len(set(found.values())) == len(found) else {digest: f"settings {digest}" for digest in found}


def _distinct(found: Mapping[int, str], items: Sequence[Item]) -> dict[int, str]:
    """Names under which no two runs have the same cell: what still agrees is told apart by its place."""
    seen: dict[tuple[str, str], int] = {}
    names = {}
    for one in items:
        key = (
            found[id(one.run)],
            canonical([one.run.task, one.run.task_version, one.run.data_fingerprint, one.run.asked]),
        )
        seen[key] = seen.get(key, 0) + 1
        names[id(one.run)] = key[0] + (f" #{seen[key]}" if seen[key] > 1 else "")
    return names


def _apart(one: Item) -> dict[str, Json]:
    """What may set two rows of one model apart; its configuration by a digest, as all that differs in it may be long."""
    run = one.run
    told = settings(run)
    model = hashlib.sha256(canonical(dict(model_settings(run))).encode()).hexdigest()[:8]
    return {
        "origin": origin_of(run), "by": one.submitter, "revision": run.model_revision, "weights": run.weights_sha256[:8],
        "dtype": "" if run.submission else run.environment.get("dtype"), "settings": model,
        **{name: told[name] for name in ("seed", "shots", "max_new_tokens", "batch_size", "batch_tokens")},
    }  # fmt: skip


def _several(heads: Sequence[tuple[str, str, str]]) -> list[str]:
    """Which tasks stand in several columns, and why."""
    names = [f"{task} {metric}" for task, metric, _ in heads]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    said = "its columns are of other examples, prompts or scorers, and do not compare."
    return [f"{name}: {said}" for name in twice]


def _unbounded(heads: Sequence[tuple[str, str, str]], columns: Sequence[_Column]) -> list[str]:
    """Why scores have no interval or no value, each reason once a column."""
    found = []
    for head, column in zip(heads, columns, strict=True):
        reasons = dict.fromkeys(row.score.note for row in column.table.rows if row.score.low is None and row.score.note)
        found += [f"{head[0]} {column.metric}: {reason}." for reason in reasons]
    return found


def _cut_notes(items: Sequence[Item]) -> list[str]:
    return [f"{one.run.task} (n={one.run.n_examples}): {text}." for one in items if (text := cut_text(one))]


def _notes(
    cells: Sequence[Mapping[str, Cell]], items: Sequence[Item], heads: Sequence[tuple[str, str, str]]
) -> list[str]:
    """What the signs of the table mean, as far as it has them."""
    every = [cell for column in cells for cell in column.values()]
    found = ["95 % intervals in brackets, from resampled clusters; – where there is none or no run."]
    if any("%" in head[1] for head in heads):
        found.append("Scores marked % are in percent.")
    if any(cell.group is not None for cell in every):
        found.append(
            "Letters: groups of statistical ties of a column; a group is significantly better than those behind it, at 95 % for "
            "all pairs; the first is bold."
        )
    for head, column in zip(heads, cells, strict=True):
        failed = [f"{cell.n_failed} of {name}" for name, cell in column.items() if cell.n_failed]
        found += [f"{head[0]}: failed answers, which count as wrong: {', '.join(failed)}."] if failed else []
    if any(cell.claimed for cell in every):
        found.append(f"{MARK} claimed: handed in or imported, and verified by nobody here; no part of the groups.")
    handed = dict.fromkeys(f"{one.run.task} / {one.run.model}, {one.whose}" for one in items if one.claimed)
    found += [f"Not made here: {'; '.join(handed)}."] if handed else []
    if any(one.run.is_reference for one in items):
        found.append("ref: reference row, not ranked.")
    return found
