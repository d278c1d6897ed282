"""A run against its baseline: is its score, and its speed, no worse than the margin allows?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.errors import BenchError
from bench.judging.baseline import Side
from bench.judging.check import Check, Rules
from bench.judging.ended import Most
from bench.judging.pair import asked_otherwise
from bench.judging.speed import speed_checks
from bench.leaderboard.entry import Entry
from bench.metrics.metric import AnyMetric, Array, Metric, RankedMetric
from bench.record import Run
from bench.runs import measurements
from bench.runs.claimed import is_claimed
from bench.runs.rates import computes
from bench.scoring.foreign import imported
from bench.stats.gate import FAIL, PASS, Change, Verdict, flips_take, judge, together
from bench.stats.paired import difference
from bench.stats.swaps import value
from bench.text.shown import of_name

_WIDTH = 2 * 1.959964  # of a 95 % interval, in standard errors
_BLOCK = 256  # examples left out of a metric of order at a time


@dataclass(frozen=True)
class _Shared:
    """Rows of the same examples on both sides; how many examples each side has in all, and how many of one id differ."""

    ours: measurements.Measurements
    theirs: measurements.Measurements
    n_ours: int
    n_theirs: int
    n_changed: int


def checks(pairs: Sequence[tuple[Side, Side]], metrics: Sequence[AnyMetric], rules: Rules) -> list[Check]:
    """The verdicts of (run, baseline) pairs: all on scores, then on speed where a run has one, and on counts, as `rules` ask.

    No FAIL of the scores is a false alarm but at rate `rules.level`, and none of the speeds (Holm's correction in each).
    """
    rules.in_range()
    scores = [
        score_check(run.entry, base.entry, metric, rules) for (run, base), metric in zip(pairs, metrics, strict=True)
    ]
    timed = [(run, base) for run, base in pairs if _has_speed(run.entry.run)] if rules.speed_margin is not None else []
    speeds = [check for run, base in timed for check in speed_checks(run, base, rules)]
    counts = [
        held(run.entry.run, base.entry.run, name, most) for run, base in pairs for name, most in rules.most.items()
    ]
    return [
        replace(check, verdict=verdict)
        for family in (scores, speeds)
        for check, verdict in zip(family, together([check.verdict for check in family], rules.level), strict=True)
    ] + counts


def score_check(run: Entry, base: Entry, metric: AnyMetric, rules: Rules) -> Check:
    """The verdict on the score that ranks; raises BenchError where the two cannot be compared."""
    if not isinstance(metric, Metric | RankedMetric):
        raise BenchError(
            f"task '{run.run.task}' ranks by {metric.name}, which gives no value of an example to compare by"
        )
    both = _shared(run, base, metric)
    before, after = both.theirs.rows[metric.name], both.ours.rows[metric.name]
    found = difference(metric, before, after, both.ours.clusters, resamples=2000)
    change = Change(
        found.value if metric.higher_is_better else -found.value, found.standard_error, found.n, found.g,
        reach=_reach(metric, before, after), unseen=both.n_theirs - found.n, identical=bool((before == after).all()),
    )  # fmt: skip
    flips, note = _flips(run.run, base.run, found.n, rules.level)
    notes = [f"{found.n:,} examples in {found.g:,} clusters", *_left_out(both), *note, *_asked(run.run, base.run)]
    if rules.speed_margin is not None and not _has_speed(run.run):
        why = "it was imported from a log" if imported(run.run) else "it computes nothing"
        notes.append(f"{why}, so its speed is not judged")
    if (run.run.run_id, run.run.created) == (base.run.run_id, base.run.created):
        notes.append("this is the baseline's own run")
    if failed := len(both.ours.failed) + len(both.theirs.failed):
        notes.append(
            f"{len(both.ours.failed):,} failed, {failed - len(both.ours.failed):,} of the baseline: counted as wrong"
        )
    return Check(
        "score", run.run, base.run, run.run.scores[0], judge(change, margin=rules.margin + flips, level=rules.level),
        rules.margin + flips, found.n, value(metric, after), value(metric, before), change.value, tuple(notes),
    )  # fmt: skip


def _has_speed(run: Run) -> bool:
    """Whether there is anything to judge: a log says nothing that was timed here."""
    return computes(run) and not imported(run)


def _asked(run: Run, base: Run) -> list[str]:
    """A note where the two were not asked the same on the same data: the change may be the prompt's."""
    return ["it was asked otherwise than the baseline (prompt or output)"] if asked_otherwise(run, base) else []


def _shared(run: Entry, base: Entry, metric: Metric | RankedMetric) -> _Shared:
    """Both sides' rows on the examples that they share; raises BenchError where that would compare unlike things."""
    name = f"{run.run.task}/{run.run.model}"
    _refuse_unlike(run.run, base.run)
    full = [_with_rows(who, one, metric) for who, one in (("the run", run), ("the baseline", base))]
    ours, theirs = measurements.shared(*full)
    n_changed = len(set(full[0].ids) & set(full[1].ids)) - len(ours)
    both = _Shared(ours, theirs, len(full[0]), len(full[1]), n_changed)
    if not len(ours):
        raise BenchError(
            of_name(
                name,
                f"none of its {both.n_ours:,} examples is among the {both.n_theirs:,} of the baseline: other data; "
                "`bench check RUN --update` makes a new baseline",
            )
        )
    if metric.name in ours.fitted | theirs.fitted and not len(ours) == both.n_ours == both.n_theirs:
        raise BenchError(
            f"{name}: {metric.name} depends on all examples together and compares on the same data only: the run has "
            f"{both.n_ours:,}, the baseline {both.n_theirs:,}, both share {len(ours):,}"
        )
    return both


def _refuse_unlike(run: Run, base: Run) -> None:
    """Raise BenchError where the task, its version or the metric that ranks is not the same."""
    for what, ours, theirs in (
        ("task", run.task, base.task),
        ("task version", run.task_version, base.task_version),
        ("metric", run.scores[0].metric, base.scores[0].metric),
        ("metric's signature", run.scores[0].signature, base.scores[0].signature),
        *_scorers(run, base),
    ):
        if ours != theirs:
            raise BenchError(
                of_name(
                    f"{run.task}/{run.model}",
                    f"its {what} is {ours!r}, the baseline's {theirs!r}; only like can be compared; "
                    "`bench check RUN --update` makes a new baseline",
                )
            )


def _scorers(run: Run, base: Run) -> list[tuple[str, str, str]]:
    """The digests of what made both scores, where both are known: the parser's and the ranked metric's."""
    if not run.scorer or not base.scorer:
        return []
    ranked = run.scores[0].metric
    return [(f"source of {what}", run.scorer.get(key, ""), base.scorer.get(key, ""))
            for what, key in (("the parser", "answer"), (f"metric '{ranked}'", ranked))]  # fmt: skip


def _with_rows(who: str, entry: Entry, metric: Metric | RankedMetric) -> measurements.Measurements:
    if entry.measurements is None or metric.name not in entry.measurements.rows:
        reason = entry.run.scores[0].note or "its references are held out"
        name = f"{entry.run.task}/{entry.run.model}"
        raise BenchError(of_name(name, f"{who} has no rows of {metric.name} ({reason})"))
    return entry.measurements


def _left_out(both: _Shared) -> list[str]:
    """What of either side was not compared."""
    n = len(both.ours)
    counts = {
        f"of the baseline's {both.n_theirs:,} examples are not in the run": both.n_theirs - n - both.n_changed,
        f"of the run's {both.n_ours:,} examples are not in the baseline": both.n_ours - n - both.n_changed,
        "examples have changed in the data and are left out": both.n_changed,
    }
    return [f"{count:,} {what}" for what, count in counts.items() if count]


def _reach(metric: Metric | RankedMetric, before: Array, after: Array) -> float:
    """The most that one example can change the score of all, times their number: 1 for a fraction.

    Of an unbounded score it is the range of the examples' pseudo-values n f(all) - (n - 1) f(all but one) on either side.
    """
    if metric.is_fraction:
        return 1.0
    n = len(before)
    if n < 2:
        return math.inf
    pseudo = np.concatenate(
        [n * value(metric, rows) - (n - 1) * _without_one(metric, rows) for rows in (before, after)]
    )
    return float(np.nanmax(pseudo) - np.nanmin(pseudo))  # of a class's only example there is no score without it


def _without_one(metric: Metric | RankedMetric, rows: Array) -> Array:
    """The score without each example in turn: [n]."""
    n = len(rows)
    if isinstance(metric, Metric):
        return metric.summarise(rows.sum(axis=0) - rows, np.full(n, n - 1.0))
    parts = []
    for start in range(0, n, _BLOCK):
        weights = np.ones((min(_BLOCK, n - start), n))
        weights[np.arange(len(weights)), start + np.arange(len(weights))] = 0
        parts.append(metric.summarise(rows, weights))
    return np.concatenate(parts)


def _flips(run: Run, base: Run, n: int, level: float) -> tuple[float, list[str]]:
    """By how much the margin widens for answers that depend on their batch, and the note on it."""
    told = [
        one for one in (run, base) if not is_claimed(one, "flips")
    ]  # else a claimed audit would widen what is allowed
    audits = [one.audit for one in told if one.audit.get("kind") == "batch_invariance"]
    rates = [audit.get("noise", audit["flip_rate"]) for audit in audits]
    score = base.scores[0]
    if not any(rates) or score.low is None or score.high is None:
        return 0.0, []
    error = (score.high - score.low) / _WIDTH * math.sqrt(base.n_examples / n)
    taken = flips_take(max(rates), error, level)
    points = f"{100 * taken:.2f}" if score.is_fraction else f"{taken:.3f}"
    what = (
        "the variance of answers that another batch makes"
        if "noise" in audits[0]
        else "answers that another batch changes"
    )
    return taken, [f"{points} of the margin are for the {100 * max(rates):.1f} % of {what}"]


def held(run: Run, base: Run, name: str, most: Most) -> Check:
    """The verdict on how many of the run's answers were cut, empty or unparsed; BenchError where that is unknown."""
    n = most.count(run, name)
    allowed = n <= most.of(run.n_examples)
    share = f"{n:,} of {run.n_examples:,} answers are {name} ({100 * n / run.n_examples:.1f} %), allowed are {most}"
    verdict = Verdict(PASS if allowed else FAIL, None, None, float(allowed), reason=share)
    return Check(name, run, base, run.scores[0], verdict, float(most.of(run.n_examples)), run.n_examples)
