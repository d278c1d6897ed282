"""What a metric is: measure one example, summarise many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError

Array: TypeAlias = npt.NDArray[np.float64]
Row: TypeAlias = Sequence[float]


def mean(totals: Array, n: Array) -> Array:
    """The mean of the first column: totals [..., k], n [...] -> [...]."""
    return np.asarray(totals[..., 0] / n)


def _zero(target: Any) -> Row:
    return (0.0,)


def _one(target: Any) -> Row:
    return (1.0,)


def _never(answers: Sequence[Any]) -> str:  # by this name it is in the digest of every metric
    return ""


ANY_ANSWERS = _never  # the `absent` of a metric that needs no look at the answers


def defined(rows: Array) -> str:
    """What `undefined` says of a metric that has a value on any examples."""
    return ""


def lacking(reason: str, columns: int | slice) -> Callable[[Array], str]:
    """An `undefined` of what the references hold, which stands in these columns of a row: the reason where all of it is 0."""
    return lambda rows: "" if rows[:, columns].any() else reason


@dataclass(frozen=True)
class Metric:
    """A metric made of sufficient statistics, so that an interval is a weighted sum over rows.

    `measure(target, answer)` gives one row [k]; `summarise(totals [..., k], n [...]) -> [...]` maps the (weighted)
    column sums and number of rows to values. `worst(target)` is the row that a failed example counts with: the worst
    answer (for text metrics an empty one); `best(target)` that of the target itself (of several the longest). For metrics
    that pool rows (BLEU, CCC) they are those answers' rows, not exact bounds of the pooled value. Where `is_fraction`,
    text shows it as percent.

    `jackknife` asks for an interval from leaving out one cluster at a time: drawing with replacement often loses a rare
    class, which pushes a mean over classes down and out of its own interval. `least` is the lowest value of a fraction (-1 of
    a correlation), where such an interval ends.

    `fit(targets)` gives the metric to use where rows depend on all the targets (NIST's weights of n-grams). `absent`
    says why the metric cannot be had from these answers, "" if it can (a program is missing, no confidences).
    `undefined(rows [n, k])` says why examples with these rows have no value, "" where they have one: the references say nothing of
    what is measured. It must not depend on what was answered, so that no answer can make a bad score undefined.
    """

    name: str
    measure: Callable[[Any, Any], Row]
    summarise: Callable[[Array, Array], Array] = mean
    worst: Callable[[Any], Row] = _zero
    best: Callable[[Any], Row] = _one
    higher_is_better: bool = True
    is_fraction: bool = True
    signature: str = ""
    jackknife: bool = False
    least: float = 0.0
    fit: Callable[[Sequence[Any]], Metric] | None = None
    absent: Callable[[Sequence[Any]], str] = _never
    undefined: Callable[[Array], str] = defined


@dataclass(frozen=True)
class RankedMetric:
    """A metric of the order of the examples, such as a best threshold or a risk-coverage curve.

    `measure` gives a row as in `Metric`; `summarise(rows [n, k], weights [b, n]) -> [b]` gives the value of each of b
    weightings of the examples (all 1 for the value itself, how often each was drawn for the interval). A draw that has no value,
    as it lost all examples of a class, is NaN: the interval is that of the other draws, and says so. `undefined` is as in
    `Metric`.
    """

    name: str
    measure: Callable[[Any, Any], Row]
    summarise: Callable[[Array, Array], Array]
    worst: Callable[[Any], Row] = _zero
    best: Callable[[Any], Row] = _one
    higher_is_better: bool = True
    is_fraction: bool = True
    signature: str = ""
    absent: Callable[[Sequence[Any]], str] = _never
    undefined: Callable[[Array], str] = defined


@dataclass(frozen=True)
class CorpusMetric:
    """A metric of the answers as one corpus of text (distinct-n, entropy), which no weighted sum of rows gives.

    `count(answer)` gives the answer's n-grams and `summarise(counts [v]) -> float` maps the corpus' count of each
    distinct n-gram to the value. A failed example adds nothing. Its interval is a jackknife over blocks of
    clusters: drawing with replacement would repeat n-grams and push distinctness down.
    """

    name: str
    count: Callable[[str], Counter[Hashable]]
    summarise: Callable[[Array], float]
    higher_is_better: bool = True
    is_fraction: bool = True
    signature: str = ""
    absent: Callable[[Sequence[Any]], str] = _never


@dataclass(frozen=True)
class ModuleMetric:
    """A module of the `evaluate` library as a metric of a task: its `key` over all examples, without an interval.

    `module` is the absolute path of its script or folder, which is code as the task's own is: a name of the Hub, which may be
    other code tomorrow, and a path that depends on where `bench` runs are refused. It is loaded when a score is made, not
    before. `prediction` and `reference` turn an
    answer and a target into what the module takes; a failed example counts with the answer `failed`.
    """

    name: str
    module: str
    key: str
    prediction: Callable[[Any], Any] = lambda answer: answer
    reference: Callable[[Any], Any] = lambda target: target
    failed: Any = ""
    higher_is_better: bool = True
    is_fraction: bool = True
    signature: str = ""
    absent: Callable[[Sequence[Any]], str] = _never

    def compute(self, targets: Sequence[Any], answers: Sequence[Any]) -> float:
        """The value; raises BenchError when the module cannot be loaded or fails."""
        if not Path(self.module).is_absolute():
            raise BenchError(
                f"evaluate module {self.module!r}: a module is code, so give the absolute path of one that you have (beside the "
                "task: str(Path(__file__).with_name(NAME))); names of the Hub are not fetched"
            )
        import evaluate

        try:
            found: Mapping[str, Any] = evaluate.load(self.module, keep_in_memory=True).compute(
                predictions=[self.prediction(answer) for answer in answers],
                references=[self.reference(target) for target in targets],
            )
            return float(found[self.key])
        except Exception as error:  # a module may raise anything
            line = (str(error).splitlines() or [type(error).__name__])[0]
            raise BenchError(f"evaluate module {self.module!r}: {line[:200]}") from None


AnyMetric: TypeAlias = Metric | RankedMetric | CorpusMetric | ModuleMetric


def fitted(metric: AnyMetric, targets: Sequence[Any]) -> AnyMetric:
    """The metric over these targets, before it is asked for any row: what it knows may depend on all of them together."""
    return metric.fit(list(targets)) if isinstance(metric, Metric) and metric.fit is not None else metric
