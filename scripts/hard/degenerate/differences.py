"""Two runs, gates and ranks on degenerate rows: no certainty out of what never varied."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from bench.metrics.metric import Metric, RankedMetric
from bench.scoring.measure import measured
from bench.stats.gate import PASS, Change, judge
from bench.stats.intervals import MIN_CLUSTERS, cluster_sums
from bench.stats.paired import difference
from bench.stats.ranks import by_clusters
from bench.task import Task
from bench.types import Example
from scripts.hard.degenerate.cases import ANSWERS, chosen, data
from scripts.hard.degenerate.known import tasks
from scripts.hard.row import Row, Scale, counted

_PAIRS = (("all right", "all right"), ("all right", "all wrong"), ("all failed", "all right"), ("constant answers", "all right"),
          ("all failed", "all failed"))  # fmt: skip


def tried(scale: Scale) -> Iterator[Row]:
    """Rows of pairs of runs over every metric and kind of examples, and of ranks of runs that differ by the same throughout."""
    differences, gates, ranks = [], [], []
    for place, task in enumerate(tasks(scale.folder).values()):
        for kind, examples in chosen(scale, place, data(task)).items():
            rows = {
                name: measured(task, examples, answers(task, examples), resamples=0, seed=0).rows
                for name, answers in ANSWERS.items()
                if any(name in pair for pair in _PAIRS)
            }
            for metric in task.metrics:
                if not isinstance(metric, Metric | RankedMetric):
                    continue
                tables = {name: one.rows[metric.name] for name, one in rows.items() if one and metric.name in one.rows}
                for a, b in _PAIRS:
                    if a in tables and b in tables:
                        pair = f"{task.name} {metric.name}, {kind}: {a} against {b}"
                        one, two = _of_pair(metric, tables[a], tables[b], examples, pair)
                        differences.append(one)
                        gates.append(two)
                if isinstance(metric, Metric) and {"all right", "all wrong"} <= tables.keys():
                    ranks.append(_ranks(task, metric, tables["all right"], tables["all wrong"], examples, kind))
    yield counted(
        "two runs on degenerate examples: p and interval are finite, none without width, a reason where there is none",
        differences,
    )
    yield counted("a gate on degenerate examples: no PASS from fewer than 6 clusters", gates)
    yield counted("ranks of runs all right and all wrong: apart only where 2^-clusters is below the level", ranks)


def _of_pair(
    metric: Metric | RankedMetric, a: np.ndarray, b: np.ndarray, examples: list[Example], place: str
) -> tuple[str, str]:
    clusters = [one.cluster for one in examples]
    try:
        found = difference(metric, a, b, clusters, resamples=200)
        change = Change(found.value, found.standard_error, found.n, found.g, identical=bool((a == b).all()))
        verdict = judge(change, margin=0.01, level=0.05)
    except Exception as error:
        return f"{place}: {type(error).__name__}: {str(error)[:160]}", ""
    wrong = ""
    if not (0 < found.p <= 1 and math.isfinite(found.value)):
        wrong = f"p {found.p}, value {found.value}"
    elif found.low is None or found.high is None:
        wrong = "" if found.note.startswith("no interval: ") else f"no interval and no reason ({found.note!r})"
    elif not found.high - found.low > 1e-12:
        wrong = f"an interval of no width at {found.low}"
    elif not found.low - 1e-6 <= found.value <= found.high + 1e-6:
        wrong = f"{found.value} is not within [{found.low}, {found.high}]"
    gate = f"{place}: PASS from {found.g} clusters" if verdict.outcome == PASS and found.g < MIN_CLUSTERS else ""
    if verdict.outcome != PASS and not (verdict.reason or verdict.low is not None):
        gate = f"{place}: {verdict.outcome} without a reason"
    return (f"{place}: {wrong}" if wrong else ""), gate


def _ranks(task: Task, metric: Metric, right: np.ndarray, wrong: np.ndarray, examples: list[Example], kind: str) -> str:
    """Three runs, one all right and two copies all wrong: the first is surely first only where the clusters are enough."""
    place = f"{task.name} {metric.name}, {kind}"
    clusters = [one.cluster for one in examples]
    tables = [cluster_sums(rows, clusters) for rows in (right, wrong, wrong)]
    try:
        found = by_clusters(
            np.stack([sums for sums, _ in tables]), tables[0][1], metric.summarise,
            higher_is_better=metric.higher_is_better, jackknife=metric.jackknife, resamples=200,
        )  # fmt: skip
    except Exception as error:
        return f"{place}: {type(error).__name__}: {str(error)[:160]}"
    g = len(tables[0][1])
    if found is None:
        return "" if g < MIN_CLUSTERS else f"{place}: no ranks from {g} clusters"
    if found.better[1, 2] or found.better[2, 1]:
        return f"{place}: of two copies one is better"
    if found.better.any() and g < math.log2(6 / 0.05) and _alike(tables[0][0] - tables[1][0], tables[0][1]):
        return f"{place}: a rank is sure from {g} clusters that all differ by the same"
    return ""


def _alike(sums: np.ndarray, sizes: np.ndarray) -> bool:
    return bool(np.ptp(sums / sizes[:, None], axis=0).max() < 1e-12)
