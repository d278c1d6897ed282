"""Results as figures of matplotlib, each with 95 % intervals; no state of the library is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.notebook.frames import by_slice
from bench.text.names import labelled
from bench.text.secrets import clean
from bench.text.shown import terminal

if TYPE_CHECKING:
    from bench.judging.compare import Comparison
    from bench.leaderboard.board import Row, Table
    from bench.leaderboard.definition import Board
    from bench.leaderboard.speed import SpeedTable
    from bench.notebook.evaluation import Evaluation
    from bench.record import Run

_BINS = 10  # of a reliability diagram
_LONGEST = 48  # characters of a name
_MOST = 60  # rows of a figure


@dataclass(frozen=True)
class Point:
    """A row of a figure: its name, its value and its bounds, None where there are none; `hollow` for one that does not rank."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    hollow: bool = False


def scores(run: Run) -> Any:
    """Every metric of a run, those that are no fractions on a scale of their own."""
    fractions = [
        Point(one.metric, 100 * one.value, _times(one.low, 100), _times(one.high, 100))
        for one in run.scores if one.value is not None and one.is_fraction
    ]  # fmt: skip
    others = [
        Point(one.metric, one.value, one.low, one.high)
        for one in run.scores
        if one.value is not None and not one.is_fraction
    ]
    if not fractions and not others:
        raise BenchError(f"{run.task} / {run.model} has no score to plot: {run.scores[0].note}")
    groups = [(fractions, "%"), *(([one], "") for one in others)]
    return _panels(f"{run.task} / {labelled(run.model)}", [(points, unit) for points, unit in groups if points])


def slices(of: Evaluation) -> Any:
    """The metric that ranks on each slice."""
    score = of.run.scores[0]
    unit = 100.0 if score.is_fraction else 1.0
    points = [
        Point(f"{one.name} = {one.value} ({one.n})", unit * one.score, _times(one.low, unit), _times(one.high, unit))
        for one in by_slice(of) if one.score is not None
    ]  # fmt: skip
    if not points:
        raise BenchError(f"{of.task} / {of.model} has no slices of {score.metric} to plot")
    return _panels(f"{of.task} / {labelled(of.model)}", [(points, _unit(score.metric, score.is_fraction))])


def calibration(of: Evaluation) -> Any:
    """How often the label was right against how sure the model was, in bins of equal width; raises BenchError without confidences.

    The bounds are Wilson's, and take the examples of a bin for independent.
    """
    import numpy as np
    from scipy.stats import binomtest

    rows = of.measurements.rows.get("aurc")  # of each example the confidence, and whether the label was wrong
    if rows is None:
        why = (
            next((one.note for one in of.run.scores if one.metric == "aurc"), "") or "its task asks for no single label"
        )
        raise BenchError(f"{of.task} / {of.model} has no confidences to plot: {why}")
    confidence, right = rows[:, 0], 1 - rows[:, 1]
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    figure, (axes,) = _figure([3.6], width=4.6)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for one in sorted(set(place.tolist())):
        at = place == one
        n, k = int(at.sum()), round(float(right[at].sum()))
        bounds = binomtest(k, n).proportion_ci(method="wilson")
        x, y = float(confidence[at].mean()), k / n
        axes.errorbar(
            [x], [y], yerr=[[max(y - bounds.low, 0)], [max(bounds.high - y, 0)]], fmt="o", color="C0", capsize=3
        )
        axes.annotate(str(n), (x, y), textcoords="offset points", xytext=(6, -10), fontsize=8)
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="confidence in the label", ylabel="share that is right")
    axes.set_title(_text(f"{of.task} / {labelled(of.model)}"))
    return figure


def differences(found: Comparison) -> Any:
    """B - A of each metric that has a paired test."""
    groups: dict[str, list[Point]] = {}
    for one in found.metrics:
        if (gap := one.difference) is not None:
            unit = 100.0 if one.is_fraction else 1.0
            key = "B - A, points" if one.is_fraction else f"B - A, {one.metric}"
            name = one.metric if one.higher_is_better else f"{one.metric} (lower is better)"
            groups.setdefault(key, []).append(
                Point(name, unit * gap.value, _times(gap.low, unit), _times(gap.high, unit))
            )
    if not groups:
        raise BenchError(f"there is no difference to plot: {found.metrics[0].note}")
    return _panels(_pair(found), [(points, key) for key, points in groups.items()], zero=True)


def slice_differences(found: Comparison) -> Any:
    """B - A of the metric that decides, on each slice."""
    first = found.metrics[0]
    unit = 100.0 if first.is_fraction else 1.0
    points = [
        Point(
            f"{one.name} = {one.value} ({one.difference.n})", unit * one.difference.value, _times(one.difference.low, unit),
            _times(one.difference.high, unit),
        )
        for one in found.slices
    ]  # fmt: skip
    if not points:
        raise BenchError(f"{found.a.run.task} has no slices of {first.metric} to plot")
    return _panels(
        _pair(found), [(points, f"B - A, {first.metric}{', points' if first.is_fraction else ''}")], zero=True
    )


def ranked_scores(board: Board, table: Table) -> Any:
    """The score of each row of a table, best first."""
    unit = 100.0 if any(row.score.is_fraction for row in table.rows) else 1.0
    points = [
        Point(
            labelled(row.run.model), unit * row.score.value, _times(row.score.low, unit), _times(row.score.high, unit),
            row.rank is None,
        )
        for row in table.rows if row.score.value is not None
    ]  # fmt: skip
    if not points:
        raise BenchError(f"no row of board '{board.name}' has a score to plot")
    return _panels(_title(board, table), [(points, _unit(board.metric, unit == 100))])


def ranks(board: Board, table: Table) -> Any:
    """The rank of each row with its bounds, for all rows together."""
    points = [
        Point(labelled(row.run.model), float(row.rank), _times(row.rank_low, 1), _times(row.rank_high, 1))
        for row in table.rows if row.rank is not None
    ]  # fmt: skip
    if not points:
        raise BenchError(f"board '{board.name}' has no ranked row to plot")
    figure = _panels(_title(board, table), [(points, f"rank by {board.metric}")])
    axes = figure.axes[0]
    axes.set_xlim(0.5, max(point.high or point.value for point in points) + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def latency(board: Board, table: Table) -> Any:
    """Score against the latency that a timing scenario read, a panel for each set of conditions under which readings compare."""
    from bench.leaderboard import readings, speed

    by_run = {id(row.run): row for row in table.rows}
    found = [
        one for one in speed.tables([row.run for row in table.rows])
        if readings.ranks_by(one.rows[0].reading)[0] == "latency" and _timed(one, by_run)
    ]  # fmt: skip
    if not found:
        raise BenchError(
            f"no row of board '{board.name}' has a latency, which only a timing scenario reads: "
            "evaluate(..., timing='single_stream') measures one"
        )
    figure, panels = _figure([3.4] * len(found), width=6.4)
    for axes, one in zip(panels, found, strict=True):
        _drawn(axes, one, by_run, board.metric)
    panels[0].set_title(_text(_title(board, table)))
    return figure


def _timed(table: SpeedTable, by_run: dict[int, Row]) -> list[tuple[float, Row, bool]]:
    """Milliseconds, row, and whether the reading ranks, of each row whose reading somebody here took."""
    from bench.leaderboard import readings
    from bench.runs.claimed import is_claimed

    found = []
    for one in table.rows:
        value, row = readings.value(one.reading), by_run[id(one.run)]
        if value is not None and row.score.value is not None and not is_claimed(one.run, "scenarios"):
            found.append((1000 * value, row, one.rank is not None))
    return found


def _drawn(axes: Any, table: SpeedTable, by_run: dict[int, Row], metric: str) -> None:
    from bench.site.scores import front

    points = _timed(table, by_run)
    unit = 100.0 if points[0][1].score.is_fraction else 1.0
    for x, row, ranks in points:
        y = unit * (row.score.value or 0.0)
        low, high = (_times(bound, unit) for bound in (row.score.low, row.score.high))
        error = [[max(y - low, 0)], [max(high - y, 0)]] if low is not None and high is not None else None
        axes.errorbar([x], [y], yerr=error, fmt="o", color="C0", capsize=3, mfc="C0" if ranks else "white")
        axes.annotate(_text(labelled(row.run.model)), (x, y), textcoords="offset points", xytext=(6, 4), fontsize=8)
    ranked = [(x, row.score.value or 0.0) for x, row, ranks in points if ranks]
    higher = points[0][1].score.higher_is_better
    line = sorted((ranked[at][0], unit * ranked[at][1]) for at in front(ranked, higher_is_better=higher))
    axes.plot([x for x, _ in line], [y for _, y in line], color="0.7", linewidth=1, zorder=0)
    axes.set(xlabel=_text(f"{table.by}, {table.scenario}, ms ({table.device}, {table.processor})", 90))
    axes.set(ylabel=_text(_unit(metric, unit == 100)), xscale="log")


def _panels(title: str, groups: Sequence[tuple[Sequence[Point], str]], *, zero: bool = False) -> Any:
    """Points with bars, a panel for each unit, the first point on top; of very many the first."""
    shown = [(points[:_MOST], label) for points, label in groups]
    figure, panels = _figure([0.7 + 0.28 * len(points) for points, _ in shown])
    for axes, (points, label) in zip(panels, shown, strict=True):
        for at, point in enumerate(points):
            if point.low is not None and point.high is not None:
                axes.plot([point.low, point.high], [at, at], color="C0", linewidth=1.5)
            axes.plot([point.value], [at], "o", color="C0", mfc="white" if point.hollow else "C0")
        axes.set_yticks(range(len(points)), [_text(point.name) for point in points])
        axes.set_ylim(len(points) - 0.4, -0.6)
        if zero:
            axes.axvline(0, color="0.7", linewidth=1)
        axes.set_xlabel(_text(label, 90))
    panels[0].set_title(_text(title, 90))
    return figure


def _figure(heights: Sequence[float], width: float = 6.4) -> tuple[Any, list[Any]]:
    """A figure of its own with a panel for each height, in inches; raises BenchError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise BenchError("plots need matplotlib, which is not installed; `pip install matplotlib`") from None

    class Shown(Figure):
        """A figure that a notebook shows, whether or not it imported pyplot."""

        def _repr_png_(self) -> bytes:
            import io

            memory = io.BytesIO()
            self.savefig(memory, format="png", bbox_inches="tight")
            return memory.getvalue()

    figure = Shown(figsize=(width, sum(heights) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": list(heights)})
    return figure, [row[0] for row in panels]


def _text(value: str, most: int = _LONGEST) -> str:
    """A text of somebody's as text: no formula is read in it."""
    return terminal(clean(value), most).replace("$", "\\$")


def _times(value: float | None, unit: float) -> float | None:
    return None if value is None else unit * value


def _unit(metric: str, is_fraction: bool) -> str:
    return f"{metric}, %" if is_fraction else metric


def _title(board: Board, table: Table) -> str:
    return f"{board.title}: {table.device}, {table.n} examples"


def _pair(found: Comparison) -> str:
    return f"{found.a.run.task}: A {labelled(found.a.run.model)}, B {labelled(found.b.run.model)}"
