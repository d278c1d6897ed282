"""How far annotators agree: Krippendorff's alpha, concordance between each two, and mean likeness, with intervals over clusters.

Every measure is a function of sums over units, so that drawing units again costs a product of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.metrics.concordance import ccc_from_moments
from bench.stats.intervals import MIN_CLUSTERS, Array, cluster_sums, percentile_interval, resample
from bench.stats.likeness import ALIKE, MEASURES, Compare

Values = Mapping[str, Mapping[str, Hashable]]  # by unit, then by annotator; who gave none is not in it
Summarise = Callable[[Array, Array], Array]
_FLAT = 1e-12
_DRAWS = 2_000
_ENOUGH = (
    0.75  # share of the draws in which a value must be defined: with fewer, one rare unit decides whether there is any
)


@dataclass(frozen=True)
class Agreement:
    """One measure of one thing that was judged: `value` is None where it is undefined, `interval` where nothing can be drawn.

    `n_units` are those that two annotators or more judged, `n_alone` the others, `n_values` the judgements of the former. Of the
    draws for an interval `n_undefined` gave no value and were left out.
    """

    name: str
    measure: str
    value: float | None
    interval: tuple[float, float] | None
    n_units: int
    n_values: int
    n_alone: int
    n_clusters: int
    annotators: tuple[str, ...]
    note: str = ""
    n_undefined: int = 0


def nominal_alpha(values: Values) -> float | None:
    """Krippendorff's alpha of classes, at most 1, 0 at chance; None where all values are one class or no two meet.

    Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".

    >>> round(nominal_alpha({"u": {"a": 1, "b": 1}, "v": {"a": 2, "b": 2}, "w": {"a": 1, "b": 2}}), 3)
    0.444
    """
    return _whole(*_nominal(_paired(values)))


def interval_alpha(values: Values) -> float | None:
    """Krippendorff's alpha of numbers on an interval scale; None as for `nominal_alpha`."""
    return _whole(*_interval(_paired(values)))


def measured(name: str, level: str, values: Values, clusters: Mapping[str, str]) -> list[Agreement]:
    """Every measure for a level: "nominal" (alpha), "interval" (alpha and concordance) or "likeness" (what is usual for `name`)."""
    paired = _paired(values)
    if level == "likeness":
        return [
            _judged(name, f"{MEASURES[name]}, mean of pairs", values, paired, clusters, *_likeness(paired, ALIKE[name]))
        ]
    if level == "nominal":
        return [_judged(name, "alpha, nominal", values, paired, clusters, *_nominal(paired))]
    return [
        _judged(name, "alpha, interval", values, paired, clusters, *_interval(paired)),
        _judged(name, "CCC, mean of pairs", values, paired, clusters, *_concordance(paired)),
    ]


def _likeness(paired: Values, compare: Compare) -> tuple[Array, Summarise]:
    """Rows of a unit: over each two annotators the sums of the part that is alike, and of the whole."""
    rows = [np.sum([compare(a, b) for a, b in combinations(given.values(), 2)], axis=0) for given in paired.values()]
    return np.array(rows).reshape(-1, 2), _part


def _part(totals: Array, n: Array) -> Array:
    whole = totals[..., 1]
    return np.where(whole > 0, totals[..., 0] / np.where(whole > 0, whole, 1.0), np.nan)


def _paired(values: Values) -> dict[str, Mapping[str, Hashable]]:
    return {unit: given for unit, given in values.items() if len(given) > 1}


def _nominal(paired: Values) -> tuple[Array, Summarise]:
    """Rows of a unit: its disagreement, its number of values, and how often each class stands in it."""
    number: dict[Hashable, int] = {}
    for given in paired.values():
        for value in given.values():
            number.setdefault(value, len(number))
    rows = np.zeros((len(paired), 2 + len(number)))
    for row, given in zip(rows, paired.values(), strict=True):
        counts = np.bincount([number[value] for value in given.values()], minlength=len(number))
        m = counts.sum()
        row[:] = [(m * m - (counts**2).sum()) / (m - 1), m, *counts]

    def summarise(totals: Array, n: Array) -> Array:
        values = totals[..., 1]
        apart = values**2 - (totals[..., 2:] ** 2).sum(axis=-1)
        return _alpha(totals[..., 0], apart, values)

    return rows, summarise


def _interval(paired: Values) -> tuple[Array, Summarise]:
    """Rows of a unit: its disagreement, its number of values, their sum and sum of squares."""
    rows = np.zeros((len(paired), 4))
    for row, given in zip(rows, paired.values(), strict=True):
        x = np.array(list(given.values()), dtype=float)
        m = len(x)
        row[:] = [2 * (m * (x**2).sum() - x.sum() ** 2) / (m - 1), m, x.sum(), (x**2).sum()]

    def summarise(totals: Array, n: Array) -> Array:
        observed, values, total, squares = np.moveaxis(totals, -1, 0)
        return _alpha(observed, 2 * (values * squares - total**2), values)

    return rows, summarise


def _alpha(observed: Array, apart: Array, values: Array) -> Array:
    """1 - observed / expected disagreement; nan where all values are equal, so that nothing could be confused."""
    flat = apart <= _FLAT * np.maximum(values, 1.0) ** 2
    return np.where(flat, np.nan, 1 - observed * (values - 1) / np.where(flat, 1.0, apart))


def _concordance(paired: Values) -> tuple[Array, Summarise]:
    """Rows of a unit: for each two annotators who ever meet their five moments and whether both judged it.

    Two of whom neither varies say nothing of concordance, and are left out of the mean.
    """
    met = sorted({pair for given in paired.values() for pair in combinations(sorted(given), 2)})
    place = {pair: 6 * number for number, pair in enumerate(met)}
    rows = np.zeros((len(paired), 6 * len(met)))
    for row, given in zip(rows, paired.values(), strict=True):
        for one, other in combinations(sorted(given), 2):
            x, y, at = float(given[one]), float(given[other]), place[one, other]  # type: ignore[arg-type]
            row[at : at + 6] = [x, y, x * x, y * y, x * y, 1]

    def summarise(totals: Array, n: Array) -> Array:
        pairs = totals.reshape(*totals.shape[:-1], -1, 6)
        common = pairs[..., 5]
        found = ccc_from_moments(pairs[..., :5], np.maximum(common, 1.0))
        weight = np.where(_varies(pairs), common, 0.0)
        whole = weight.sum(axis=-1)
        return np.where(whole > 0, (found * weight).sum(axis=-1) / np.where(whole > 0, whole, 1.0), np.nan)

    return rows, summarise


def _varies(pairs: Array) -> Array:
    """Whether one of two annotators gives more than one value where both judge, by their sums: [..., 6] -> [...]."""
    x, y, xx, yy = np.moveaxis(pairs[..., :4], -1, 0)
    n = np.maximum(pairs[..., 5], 1.0)
    return np.asarray(np.maximum(xx / n - (x / n) ** 2, yy / n - (y / n) ** 2) > _FLAT)


def _whole(rows: Array, summarise: Summarise) -> float | None:
    if not len(rows):
        return None
    value = float(summarise(rows.sum(axis=0), np.array(float(len(rows)))))
    return None if np.isnan(value) else value


def _judged(
    name: str,
    measure: str,
    values: Values,
    paired: Values,
    clusters: Mapping[str, str],
    rows: Array,
    summarise: Summarise,
) -> Agreement:
    sums, sizes = cluster_sums(rows, [clusters[unit] for unit in paired]) if len(rows) else (rows, np.zeros(0))
    value, interval, n_undefined = _whole(rows, summarise), None, 0
    if value is not None and len(sums) >= MIN_CLUSTERS:
        interval, n_undefined = _drawn(sums, sizes, summarise, value)
    names = sorted({annotator for given in values.values() for annotator in given})
    return Agreement(
        name, measure, value, interval, len(paired), sum(map(len, paired.values())), len(values) - len(paired), len(sums),
        tuple(names), _note(names, paired, value, len(sums), n_undefined), n_undefined,
    )  # fmt: skip


def _drawn(sums: Array, sizes: Array, summarise: Summarise, value: float) -> tuple[tuple[float, float] | None, int]:
    """The interval of the draws in which there is a value, None where they are too few; and how many had none."""
    drawn = resample(sums, sizes, summarise, resamples=_DRAWS, seed=0)
    defined = drawn[~np.isnan(drawn)]
    n_undefined = len(drawn) - len(defined)
    if len(defined) < _ENOUGH * len(drawn):
        return None, n_undefined
    low, high = percentile_interval(defined, len(sums))
    return (min(low, value), max(high, value)), n_undefined


def _note(names: Sequence[str], paired: Values, value: float | None, n_clusters: int, n_undefined: int) -> str:
    if len(names) < 2:
        return "one annotator: agreement needs two" if names else "nobody judged it"
    if not paired:
        return "no unit that two annotators judged"
    if value is None:
        return "undefined: nobody varies in what two judged, there was nothing to confuse"
    if n_clusters < MIN_CLUSTERS:
        return f"no interval from fewer than {MIN_CLUSTERS} clusters"
    if not n_undefined:
        return ""
    left_out = f"undefined in {n_undefined:,} of {_DRAWS:,} draws"
    return f"{left_out}, left out" if n_undefined <= (1 - _ENOUGH) * _DRAWS else f"{left_out}: no interval"
