"""What a rerun says of a claim: how many answers are the same, how fast it was here, and when that is refused.

Everything is counted on a sample that the verifier drew. Answers are the same by `asked_again.same`. How many may differ depends
on what computes them: none of a model in plain Python, nor, where processor, precision and libraries are the same, of one whose
answers do not depend on their batch; one in 20 of others there, since the company in a batch changes an answer now and then; half
where these are not the same, or where numbers have half their digits, since a text that differs in one word goes another way from
there. Differences that come from a machine go both ways: where the claimed answers score better in so many more of them than worse
that chance would do it less than once in 100, they are refused however few they are; and so are numbers that are near enough, where
chance would bring them so much nearer to the targets less than once in a million.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.bundles.archive import Refused
from bench.bundles.asked_again import ALIKE, HALF, UNLIKE, Answers, same
from bench.bundles.strict import short
from bench.engine.asking import Asking
from bench.metrics.metric import Metric
from bench.models.base import Device, Model
from bench.record import Run
from bench.runs import environment
from bench.scoring.measure import measured, without_references
from bench.task import Task
from bench.types import Example, Json, Prediction

_LOOSE, _HALF, _CHANCE = 1 / 20, 1 / 2, 100
_CHANCE_NEAR = 1_000_000  # of what is near enough: one rounding may move all numbers the same way
_TIMES, _IMPOSSIBLE = 2.0, 1000.0  # times as fast: the speed is the same; no load on a machine explains it
_SHORTEST_SECONDS = 0.1  # a sample that took less says nothing of a speed
_MACHINE = ("cpu", "device", "device_name", "dtype", "threads")


@dataclass(frozen=True)
class Again:
    """A rerun whose answers hold: of `n` examples drawn with `seed`, `equal` were answered alike.

    Speed is in examples a second, `here` and as `claimed` (None: none was claimed); `differing` names what of the machines is
    not the same, "" for nothing.
    """

    n: int
    seed: int
    equal: int
    here: float
    seconds: float
    claimed: float | None
    differing: str
    processor: str

    @property
    def reproduced(self) -> bool:
        """Whether the claimed speed was found here: on the same processor, over long enough, within a factor of `_TIMES`."""
        return bool(
            self.claimed
            and not self.differing
            and self.seconds >= _SHORTEST_SECONDS
            and 1 / _TIMES <= self.claimed / self.here <= _TIMES
        )

    def record(self) -> dict[str, Json]:
        """For the entry of a verified run: what boards show of it, and what it stands on."""
        return {
            "n": self.n, "seed": self.seed, "equal": self.equal, "examples_per_second": self.here, "claimed": self.claimed,
            "processor": self.processor[:500], "reproduced": self.reproduced,
        }  # fmt: skip

    def line(self) -> str:
        """For a person: answers, speed, and what that means."""
        return f"run again on {self.n:,} examples (seed {self.seed}): {self.equal:,} of {self.n:,} answers equal; {self._speed()}"

    def _speed(self) -> str:
        if not self.claimed:
            return "it claims no speed"
        both = f"{self.claimed:,.4g} examples a second claimed, {self.here:,.4g} here"
        if self.differing:
            return f"speed not compared, {both} ({self.differing}); it stays claimed"
        if self.reproduced:
            return f"speed reproduced within ×{_TIMES:g}: {both}"
        if self.seconds < _SHORTEST_SECONDS:
            return f"speed not compared, {both}, which took {1000 * self.seconds:.3g} ms only; it stays claimed"
        times = self.claimed / self.here
        what = f"×{times:,.3g} faster" if times > 1 else f"×{1 / times:,.3g} slower"
        return f"speed not reproduced: claimed is {what} than here ({both}); it stays claimed"


def compared(
    run: Run, task: Task, asked: Asking, chosen: Sequence[Example], claims: Mapping[str, Prediction], answers: Answers,
    model: Model, device: Device, seed: int,
) -> Again:  # fmt: skip
    """What the rerun says of the claims; raises Refused where they are not what this model answers, or no machine is so fast."""
    requests = {example.id: asked.request(example) for example in chosen}
    differing = _differing(run, device)
    unlike = "; ".join(part for part in (differing, _versions(run, model), _half(run)) if part)
    other, near = [], []
    for one in chosen:
        pair = requests[one.id], claims[one.id], answers.predictions[one.id]
        if not same(*pair, UNLIKE if unlike else ALIKE):
            other.append(one)
        elif not same(*pair, ALIKE):
            near.append(one)
    if other:
        _refuse_answers(run, task, other, len(chosen), claims, answers, model, unlike)
    _refuse_one_sided(run, near, claims, answers)
    here = len(chosen) / max(answers.seconds, 1e-9)
    claimed = run.timings["examples_per_second"]
    fastest = max(answers.fastest, here)
    if claimed and not differing and claimed > _IMPOSSIBLE * fastest:
        raise Refused(
            f"it claims {claimed:,.4g} examples a second, ×{claimed / fastest:,.3g} of the {fastest:,.4g} that the fastest batch "
            f"of {len(chosen):,} examples (seed {seed}) took here on the same processor; no machine differs so much from itself"
        )
    ours = _machine(environment.describe() | device.describe())
    processor = ", ".join(str(ours[key]) for key in ("device_name", "cpu") if ours[key])
    return Again(len(chosen), seed, len(chosen) - len(other), here, answers.seconds, claimed, differing, processor)


def _machine(facts: Mapping[str, Json]) -> dict[str, Json]:
    return {key: facts.get(key) or "" for key in _MACHINE}


def _differing(run: Run, device: Device) -> str:
    """What of processor and precision is not the same here as the run says, in words."""
    theirs, ours = _machine(run.environment), _machine(environment.describe() | device.describe())
    found = [f"{key.replace('_', ' ')} {short(theirs[key] or '–')}, here {ours[key] or '–'}" for key in _MACHINE
             if theirs[key] != ours[key]]  # fmt: skip
    return "; ".join(found)


def _versions(run: Run, model: Model) -> str:
    """What of the libraries that compute, this package's models among them, is of another version here."""
    versions = environment.computing(model.uses_libraries)
    others = [name for name in versions if run.libraries.get(name) != versions[name]]
    return f"other versions of {', '.join(others)}" if others else ""


def _half(run: Run) -> str:
    """Why numbers are less sure than the machine is, in words: in half precision a batch's company changes their third digit."""
    dtype = str(run.environment.get("dtype", ""))
    return f"in {dtype}" if dtype in HALF else ""


def _is_exact(model: Model) -> bool:
    """Whether each answer is its request's alone, whatever the batch: on one machine with one set of libraries it is the same."""
    return model.answers_alone and not model.served_from


def _refuse_answers(
    run: Run, task: Task, other: Sequence[Example], n: int, claims: Mapping[str, Prediction], answers: Answers, model: Model,
    unlike: str,
) -> None:  # fmt: skip
    """Raise Refused for more answers that differ than a machine explains, or for such as favour the claim."""
    share = _HALF if unlike else 0.0 if _is_exact(model) else _LOOSE
    allowed = int(n * share) if model.uses_libraries else 0
    first = other[0].id
    said, found = (_words(given[first]) for given in (claims, answers.predictions))
    what = f"{len(other):,} of {n:,} answers are not what {run.model} says here, such as {first!r}: claimed {said}, found {found}"
    if len(other) > allowed:
        why = f" ({unlike})" if unlike and allowed else ""
        raise Refused(f"{what}; at most {allowed:,} may differ{why}")
    better, worse = _sides(task, other, claims, answers.predictions)
    if better > worse and _tail(better, better + worse) < 1 / _CHANCE:
        raise Refused(
            f"{what}; the claimed ones score better in {better:,} and worse in {worse:,}; what a machine changes goes both ways"
        )


def _refuse_one_sided(run: Run, near: Sequence[Example], claims: Mapping[str, Prediction], answers: Answers) -> None:
    """Raise Refused for numbers that are near enough, each, and together nearer to the targets than any rounding brings them."""
    change = [_nearer(one, claims[one.id], answers.predictions[one.id]) for one in near]
    better, worse = sum(one > 0 for one in change), sum(one < 0 for one in change)
    if better > worse and _tail(better, better + worse) < 1 / _CHANCE_NEAR:
        raise Refused(
            f"{len(near):,} numbers differ from what {run.model} says here, the claimed ones nearer to their targets in {better:,} "
            f"and farther in {worse:,}; what a machine changes goes both ways"
        )


def _nearer(example: Example, claimed: Prediction, found: Prediction) -> float:
    """How much nearer to the target the claimed numbers are than those found, 0 where there are none."""
    target = example.target
    if claimed.values is None or found.values is None or not isinstance(target, Mapping):
        return 0.0
    names = [name for name in claimed.values if isinstance(target.get(name), int | float) and name in found.values]
    return float(
        sum(abs(found.values[name] - target[name]) - abs(claimed.values[name] - target[name]) for name in names)
    )


def _words(prediction: Prediction) -> str:
    error = "an error" if prediction.error is not None else None
    given = (error, prediction.text, prediction.label_scores, prediction.values, prediction.answer)
    return next((short(repr(value)) for value in given if value is not None), "nothing")


def _sides(
    task: Task, other: Sequence[Example], claims: Mapping[str, Prediction], found: Mapping[str, Prediction]
) -> tuple[int, int]:
    """In how many of these examples the claimed answer scores better, and worse; (0, 0) where an example has no score."""
    metric = task.metrics[0]
    if not isinstance(metric, Metric) or without_references(other):
        return 0, 0
    values = []
    for given in (claims, found):
        rows = measured(task, other, [given[one.id] for one in other], resamples=1, seed=0).rows
        if rows is None or metric.name not in rows.rows or metric.name in rows.fitted:
            return 0, 0
        values.append(np.array([float(metric.summarise(row, np.array(1.0))) for row in rows.rows[metric.name]]))
    change = (values[0] - values[1]) * (1 if metric.higher_is_better else -1)
    return int((change > 0).sum()), int((change < 0).sum())


def _tail(k: int, n: int) -> float:
    """The probability that a fair coin shows heads at least `k` times in `n`.

    >>> _tail(7, 7)
    0.0078125
    """
    return float(sum(math.comb(n, i) for i in range(k, n + 1)) / 2**n)
