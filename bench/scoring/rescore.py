"""Today's parser and metrics on stored predictions: no model is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.errors import BenchError
from bench.record import Run, Score
from bench.runs import measurements
from bench.runs.folder import CONFIG, RunFolder, refuse_altered
from bench.runs.journal import LEDGER
from bench.scoring.measure import measured, without_references
from bench.scoring.record import rescored
from bench.scoring.source import changed, scorer_of
from bench.task import Task
from bench.types import Example


def is_scored_as_now(folder: RunFolder, task: Task, resamples: int) -> bool:
    """Whether a complete run has the scores and rows that today's parser and metrics would give."""
    run = folder.read()
    due = any(score.value is not None for score in run.scores)
    whole = not due or folder.is_whole(measurements.FILE, run)
    signatures = [(metric.name, metric.signature) for metric in task.metrics]
    same = [(score.metric, score.signature) for score in run.scores] == signatures
    counted = bool(run.answers)  # else a version made it that did not ask how its answers ended
    return run.resamples == resamples and whole and same and counted and not changed(run.scorer, scorer_of(task))


def rescore(
    folder: RunFolder, task: Task, examples: Sequence[Example], *, resamples: int,
    say: Callable[[str], None] = lambda line: None, dry: bool = False,
) -> Run:  # fmt: skip
    """The run with the scores that today's parser and metrics give, written in its place unless `dry`.

    The scores of before go into its history. Raises BenchError where its predictions were altered, where its references
    are held out, or where a parser or metric fails.
    """
    run = folder.read()
    refuse_altered(folder.path, run, but=(CONFIG, measurements.FILE), grown=(LEDGER,))
    where = f"{run.task}/{run.model} ({run.run_id})"
    if without_references(examples) and any(score.value is not None for score in run.scores):
        raise BenchError(
            f"{where}: its references are held out; score its predictions with `bench score`, which has them"
        )
    scored = measured(task, examples, folder.predictions(), resamples=resamples, seed=run.seed)
    what = ", ".join(changed(run.scorer, scorer_of(task))) if run.scorer else "what scored it is not in its record"
    differs = "its bootstrap or measurements differ" if run.answers else "how its answers ended is not in its record"
    reason = f"{what} changed" if run.scorer and what else what or differs
    if dry:
        say(f"{where}: would be scored anew ({reason}): {difference(run.scores, scored.scores)}")
        return run
    with folder.locked():
        done = rescored(run, task, folder, scored, resamples)
    say(
        f"{where}: scored anew ({reason}): {difference(run.scores, done.scores)}; the scores of before are in its history"
    )
    return done


def difference(before: Sequence[Score], after: Sequence[Score]) -> str:
    """Each metric's value before and after, where they differ."""
    then, now = ({score.metric: score.value for score in scores} for scores in (before, after))
    names = [name for name in dict.fromkeys([*now, *then]) if then.get(name) != now.get(name)]
    return ", ".join(f"{name} {_shown(then, name)} → {_shown(now, name)}" for name in names) or "the same values"


def _shown(values: dict[str, float | None], name: str) -> str:
    if name not in values:
        return "not there"
    return "none" if (value := values[name]) is None else f"{value:.4f}"
