"""Results as frames of pandas: numbers as they are, never rounded, never times a hundred."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.judging.changes import Changes
    from bench.judging.check import Check
    from bench.judging.compare import Comparison
    from bench.leaderboard.board import Table
    from bench.leaderboard.suite import SuiteTable
    from bench.notebook.evaluation import Evaluation
    from bench.record import Run
    from bench.site.scores import Slice
    from bench.stats.paired import Difference
    from bench.types import Json

_OF_PREDICTIONS = (
    "text", "label_scores", "values", "span", "answer", "error", "finish", "no_answer", "prompt_tokens", "new_tokens", "truncated",
    "thinking", "thinking_tokens",
)  # fmt: skip


def frame(rows: Iterable[Mapping[str, Json]], columns: Sequence[str] = ()) -> Any:
    """A DataFrame of records, with these columns where there are none; raises BenchError without pandas."""
    try:
        import pandas as pd
    except ImportError:
        raise BenchError("frames need pandas, which is not installed; `pip install pandas`") from None
    found = list(rows)
    return pd.DataFrame(found, columns=None if found else list(columns))


def scores(run: Run) -> Any:
    """A row for each metric."""
    return frame({"task": run.task, "model": run.model, **vars(score), "run_id": run.run_id} for score in run.scores)


def predictions(of: Evaluation) -> Any:
    """A row for each example: what was said, its label, cluster and slices, and each metric that has a value for one example."""
    said = [
        {"id": one.id, **{name: getattr(one, name) for name in _OF_PREDICTIONS}, "label": _label(one.label_scores)}
        for one in of.predictions
    ]
    from bench.runs.measurements import FILE

    if (of.folder / FILE).exists():
        measured = of.measurements
        place = {name: at for at, name in enumerate(measured.ids)}
        own = {name: rows[:, 0] for name, rows in measured.rows.items() if rows.ndim == 2 and rows.shape[1] == 1}
        for row in said:
            at = place[str(row["id"])]
            row |= {"cluster": measured.clusters[at]}
            row |= {f"slice {name}": values[at] for name, values in measured.slices.items()}
            row |= {name: float(values[at]) for name, values in own.items()}
    found = frame(said, ("id", *_OF_PREDICTIONS, "label"))
    return found.dropna(axis="columns", how="all")


def _label(scores: Mapping[str, float] | None) -> str | None:
    return max(scores, key=lambda name: scores[name]) if scores else None


def by_slice(of: Evaluation) -> list[Slice]:
    """The score of the metric that ranks on each slice; raises BenchError where the task is not known here."""
    from bench.config.build import task_class
    from bench.scoring.foreign import is_foreign
    from bench.site.scores import by_slice as sliced
    from bench.task import Task

    if is_foreign(of.run):
        raise BenchError(f"{of.run.task} was imported with its task, of which nothing here knows slices; it has none")
    cls = task_class(of.run.task)
    metrics = cls.metrics if issubclass(cls, Task) else ()
    first = next((one for one in metrics if one.name == of.run.scores[0].metric), None)
    return sliced(first, of.measurements) if first is not None else []


def slices(of: Evaluation) -> Any:
    """A row for each slice."""
    metric = of.run.scores[0].metric
    columns = ("metric", "name", "value", "n", "score", "low", "high", "note")
    return frame(({"metric": metric, **vars(one)} for one in by_slice(of)), columns)


def timings(run: Run, found: Mapping[str, Json]) -> Any:
    """A row for each number, of phases the seconds of each; `claimed` says that it is the word of who handed the run in."""
    from bench.runs.claimed import is_claimed

    flat = {
        (f"{name}.{inner}" if inner else name): value
        for name, one in found.items()
        for inner, value in (one.items() if isinstance(one, Mapping) else [("", one)])
    }
    rows = ({"name": name, "value": value, "claimed": is_claimed(run, name)} for name, value in flat.items())
    return frame(rows, ("name", "value", "claimed"))


def differences(found: Comparison) -> Any:
    """A row for each metric; the deciding one has its p after Holm's correction."""
    return frame(
        {
            "metric": one.metric, "a": one.a, "b": one.b, **_difference(one.difference), "note": one.note,
            "adjusted_p": found.adjusted_p if at == 0 else None, "higher_is_better": one.higher_is_better,
        }
        for at, one in enumerate(found.metrics)
    )  # fmt: skip


def slice_differences(found: Comparison) -> Any:
    """A row for each slice, of the metric that decides."""
    rows = ({"name": one.name, "value": one.value, **_difference(one.difference)} for one in found.slices)
    return frame(rows, ("name", "value", *_difference(None)))


def _difference(found: Difference | None) -> dict[str, Json]:
    names = {
        "difference": "value",
        "low": "low",
        "high": "high",
        "p": "p",
        "detectable": "detectable",
        "n": "n",
        "clusters": "g",
    }
    return {name: None if found is None else getattr(found, of) for name, of in names.items()}


def changes(found: Changes) -> Any:
    """A row for each changed example that was kept."""
    return frame((vars(one) for one in found.worst), ("id", "a", "b", "effect", "a_answer", "b_answer"))


def checks(found: Sequence[Check]) -> Any:
    """A row for each verdict."""
    return frame(
        {
            "verdict": one.verdict.outcome, "what": one.what, "task": one.run.task, "model": one.run.model, "value": one.value,
            "expected": one.expected, "change": one.change, "low": one.verdict.low, "high": one.verdict.high, "margin": one.margin,
            "n": one.n, "reason": one.verdict.reason,
        }
        for one in found
    )  # fmt: skip


def tables(found: Sequence[Table]) -> Any:
    """A row for each run of a board's tables; what is claimed of its times is left out."""
    from bench.runs.claimed import is_claimed
    from bench.runs.rates import examples_per_second, seconds_per_answer

    def times(run: Run) -> dict[str, Json]:
        known = {"examples_per_second": examples_per_second(run), "seconds_per_answer": seconds_per_answer(run)}
        return {name: None if is_claimed(run, name) else value for name, value in known.items()}

    rows = (
        {
            "table": number, "device": table.device, "rank": row.rank, "rank_low": row.rank_low, "rank_high": row.rank_high,
            "group": row.group, "model": row.run.model, **vars(row.score), **times(row.run), "origin": row.origin,
            "is_reference": row.run.is_reference, "run_id": row.run.run_id,
        }
        for number, table in enumerate(found)
        for row in table.rows
    )  # fmt: skip
    return frame(
        rows, ("table", "device", "rank", "rank_low", "rank_high", "group", "model", "metric", "value", "low", "high")
    )


def suites(found: Sequence[SuiteTable]) -> Any:
    """A row for each model of a suite's tables, with its score on each task."""
    return frame(
        {
            "table": number, "device": table.device,
            **{name: value for name, value in vars(row).items() if name not in ("rows", "missing")},
            "missing": ", ".join(row.missing), **{task: one.score.value for task, one in row.rows.items()},
        }
        for number, table in enumerate(found)
        for row in table.rows
    )  # fmt: skip
