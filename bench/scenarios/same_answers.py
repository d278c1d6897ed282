"""The audit of answers: what a model says while it is timed must be what it said in the quality run.

An answer may be another one for an honest reason: the company in a batch changes a last digit, and a server may not say the
same twice. So whatever is unlike is asked twice more: as in a quality run, when nobody listens, and as it was timed. It differs
where the first says what the run says and the second what was timed, for then it is being timed that makes the difference; and
where the company cannot be the reason, also where both say what was timed. Beside that all timed answers are scored: a model that
answers worse when it is timed fails, however that comes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from bench.engine import feed
from bench.engine.audit import said
from bench.metrics.metric import Metric, RankedMetric, fitted
from bench.runs.identity import canonical
from bench.scenarios.stage import Stage
from bench.scoring.measure import measured, without_references
from bench.stats.paired import difference
from bench.task import Task
from bench.types import Example, Json, Prediction, Request

MOST_ASKED = 64  # of the unlike answers that are asked again; more differ in the same share
_SURE = 0.01


class SameAnswers:
    """Compares each timed answer with the run's when it comes; `audit` asks again what is unlike."""

    def __init__(self, predictions: Iterable[Prediction]) -> None:
        self.of_run = {one.id: one for one in predictions}
        self.seen: set[str] = set()
        self.unlike: dict[str, tuple[Request, Prediction]] = {}

    def __call__(self, request: Request, found: Prediction) -> None:
        """See one timed answer; of those of one example the first that is unlike counts."""
        self.seen.add(found.id)
        if found.id not in self.unlike and not _alike(request, found, self.of_run.get(found.id)):
            self.unlike[found.id] = (request, found)

    def audit(self, stage: Stage, task: Task) -> dict[str, Json]:
        """What of the raw file's form it found; `worse` says that the timed answers score less, None where not."""
        asked = sorted(self.unlike)
        if len(asked) > MOST_ASKED:
            asked = sorted(random.Random(stage.timing.seed).sample(asked, MOST_ASKED))
        differing = [key for key in asked if self._differs(stage, *self.unlike[key])]
        share = len(differing) / len(asked) if asked else 0.0
        return {
            "n": len(self.seen), "unlike": len(self.unlike), "differ": round(share * len(self.unlike)),
            "worse": self._worse(task, stage.asked.examples), "ids": differing,
        }  # fmt: skip

    def _differs(self, stage: Stage, request: Request, timed: Prediction) -> bool:
        """Whether it is being timed, and no chance, that makes the answer another."""
        of_run = self.of_run.get(request.id)
        stage.model.hear(None)
        as_run = _again(stage, request)
        stage.model.hear(stage.ear)
        as_timed = _again(stage, request)
        stage.ear.taken(request.id)
        if not _alike(request, as_timed, timed):
            return False  # it does not say the same twice
        return _alike(request, as_run, of_run) or (_answers_alone(stage)(request) and _alike(request, as_run, timed))

    def _worse(self, task: Task, examples: Sequence[Example]) -> str | None:
        """That the timed answers score less than the run's, beyond chance; None where not, or where nobody can tell.

        Chance is that of single answers, whatever passage they are of: the same model was asked the same.
        """
        kept = [example for example in examples if example.id in self.seen]
        if not self.unlike or without_references(kept):
            return None
        of_run = [self.of_run[one.id] for one in kept if one.id in self.of_run]
        timed = [self.unlike[one.id][1] if one.id in self.unlike else one for one in of_run]
        before, now = (measured(task, kept, some, resamples=10, seed=0).rows for some in (of_run, timed))
        metric = fitted(task.metrics[0], [example.target for example in kept])
        if before is None or now is None or not isinstance(metric, Metric | RankedMetric):
            return None
        if metric.name not in before.rows or metric.name not in now.rows:
            return None
        found = difference(metric, before.rows[metric.name], now.rows[metric.name], before.ids, resamples=1000)
        if found.p >= _SURE or found.value == 0 or (found.value > 0) == metric.higher_is_better:
            return None
        return f"they are worse: {metric.name} changes by {found.value:+.3f} (p = {found.p:.2g})"


def _again(stage: Stage, request: Request) -> Prediction:
    stage.model.forget()
    stage.model.ready([request])
    (found,) = feed.answer(stage.model, [request], stage.name)
    return found


def _alike(request: Request, a: Prediction, b: Prediction | None) -> bool:
    return b is not None and canonical(said(request, a)) == canonical(said(request, b))


def _answers_alone(stage: Stage) -> Callable[[Request], bool]:
    """Whether what a request is asked with cannot change its answer; of a server nobody knows."""
    if stage.model.takes_at_once and not stage.model.answers_alone:
        return lambda request: False
    return feed.is_alone(stage.model, stage.device)
