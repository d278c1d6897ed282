"""Labelling: precision, recall and F1 of found items against wanted ones - sentences, tags, relations, spans.

An item is a tuple whose last part is its class: (token, "B-Term"), (root, tag, "AKA"), (start, end, "Positive"). A metric
reads them with two functions: `wanted(target)` and `found(target, answer)`, of which what comes twice counts once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from bench.metrics.metric import Array, Metric, RankedMetric, Row, lacking

Item: TypeAlias = tuple[Any, ...]
Wanted: TypeAlias = Callable[[Any], Iterable[Item]]
Found: TypeAlias = Callable[[Any, Any], Iterable[Item]]
Ratio: TypeAlias = Callable[[Array, Array, Array], Array]
SLOTS = 256  # items of one example that a pooled metric takes


def _divided(above: Array, below: Array) -> Array:
    """above / below, and 0 for 0 / 0, as scikit-learn and the official script of DeftEval have it."""
    return np.asarray(np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0))


def precision(hits: Array, found: Array, wanted: Array) -> Array:
    """hits / found, in [0, 1]; all of one shape."""
    return _divided(hits, found)


def recall(hits: Array, found: Array, wanted: Array) -> Array:
    """hits / wanted, in [0, 1]; all of one shape."""
    return _divided(hits, wanted)


def f1(hits: Array, found: Array, wanted: Array) -> Array:
    """2 hits / (found + wanted), the harmonic mean of precision and recall, in [0, 1]; all of one shape."""
    return _divided(2 * hits, found + wanted)


def counts(classes: Sequence[str], wanted: Iterable[Item], found: Iterable[Item]) -> Row:
    """Hits, items found and items wanted, each by class: [3 k]. Items of other classes do not count."""
    wanted, found = set(wanted), set(found)
    by_class = [Counter(item[-1] for item in items) for items in (wanted & found, found, wanted)]
    return tuple(float(count[name]) for count in by_class for name in classes)


def set_metric(
    name: str,
    classes: Sequence[str],
    wanted: Wanted,
    found: Found,
    *,
    ratio: Ratio = f1,
    macro: bool = False,
    signature: str = "",
) -> Metric:
    """The ratio over the items of all classes, or with `macro` the mean of the classes' ratios.

    A class that is neither wanted nor found has 0 and stays in the mean. A failed example has found nothing.
    """
    k = len(classes)

    def summarise(totals: Array, n: Array) -> Array:
        parts = [totals[..., i * k : (i + 1) * k] for i in range(3)]
        if not macro:
            parts = [part.sum(axis=-1, keepdims=True) for part in parts]
        return np.asarray(ratio(*parts).mean(axis=-1))

    return Metric(
        name,
        measure=lambda target, answer: counts(classes, wanted(target), found(target, answer)),
        summarise=summarise,
        worst=lambda target: counts(classes, wanted(target), ()),
        best=lambda target: counts(classes, wanted(target), wanted(target)),
        signature=signature,
        jackknife=macro,
        undefined=lacking("there is nothing to find in these examples", slice(2 * k, None)),
    )


def positive_class(name: str, ratio: Ratio, *, signature: str) -> Metric:
    """A ratio of the class "1" where targets and answers are "0" or "1"; a failed example has the other label."""

    def measure(target: str, answer: str) -> Row:
        if answer not in ("0", "1"):
            raise ValueError(f"found {answer!r}, expected '0' or '1'")
        return float(target == answer == "1"), float(answer == "1"), float(target == "1")

    return Metric(
        name,
        measure,
        summarise=lambda totals, n: ratio(totals[..., 0], totals[..., 1], totals[..., 2]),
        worst=lambda target: measure(target, "0" if target == "1" else "1"),
        best=lambda target: measure(target, target),
        signature=signature,
        undefined=lacking("no example is of the class '1'", 2),
    )


def label_accuracy(name: str, wanted: Wanted, found: Found, *, signature: str) -> Metric:
    """Of the items found in a right place (all parts but the last), the share whose class is right too.

    Each class said of a place is an item of its own: who says all of them is right once. A failed example has found nothing, so
    it adds nothing; without any item in a right place the value is 0.
    """

    def measure(golds: Iterable[Item], items: Iterable[Item]) -> Row:
        golds, items = set(golds), set(items)
        places = {item[:-1] for item in golds}
        return float(len(golds & items)), float(sum(item[:-1] in places for item in items))

    return Metric(
        name,
        measure=lambda target, answer: measure(wanted(target), found(target, answer)),
        summarise=lambda totals, n: _divided(totals[..., 0], totals[..., 1]),
        worst=lambda target: (0.0, 0.0),
        best=lambda target: measure(wanted(target), wanted(target)),
        signature=signature,
    )


def pooled_macro_f1(name: str, classes: Sequence[str], wanted: Wanted, found: Found, *, signature: str) -> RankedMetric:
    """Macro F1 over the items of all examples as one set: equal items of two examples are one item.

    No sum over examples gives that, so a row holds the items themselves, as numbers: [2 SLOTS], those wanted, then those
    found, 0 where there is none. Raises ValueError for an example with more than SLOTS items.
    """
    k = len(classes)

    def row(golds: Iterable[Item], items: Iterable[Item]) -> Row:
        return (*_codes(golds, classes), *_codes(items, classes))

    def summarise(rows: Array, weights: Array) -> Array:
        known = np.unique(rows[rows > 0])
        if not len(known):
            return np.zeros(len(weights))
        drawn = (weights > 0).astype(np.float64)
        there = [drawn @ _held(part, known) > 0 for part in np.split(rows, 2, axis=1)]  # [b, v] each
        of_class = ((known - 1) % k)[:, None] == np.arange(k)  # [v, k]
        sets = (there[0] & there[1], there[1], there[0])
        return np.asarray(f1(*((part.astype(np.float64) @ of_class) for part in sets)).mean(axis=-1))

    return RankedMetric(
        name,
        measure=lambda target, answer: row(wanted(target), found(target, answer)),
        summarise=summarise,
        worst=lambda target: row(wanted(target), ()),
        best=lambda target: row(wanted(target), wanted(target)),
        signature=signature,
        undefined=lacking("there is nothing to find in these examples", slice(SLOTS)),
    )


def _codes(items: Iterable[Item], classes: Sequence[str]) -> list[float]:
    """A whole number from 1 for each item, the same for equal ones, exact as a float; its class is (number - 1) mod k."""
    kept = sorted({item for item in items if item[-1] in classes})
    if len(kept) > SLOTS:
        raise ValueError(f"found {len(kept)} items in one example, expected at most {SLOTS}")
    codes = [_hash(item) * len(classes) + classes.index(item[-1]) + 1.0 for item in kept]
    return codes + [0.0] * (SLOTS - len(codes))


def _hash(item: Item) -> int:
    """40 bits of the item: a thousand items share one with probability 5e-7."""
    return int.from_bytes(
        hashlib.blake2b("\t".join(map(str, item)).encode("utf-8", "surrogatepass"), digest_size=5).digest(), "big"
    )


def _held(rows: Array, known: Array) -> Array:
    """Which of the known numbers [v] each row [n, SLOTS] holds: [n, v]."""
    held = np.zeros((len(rows), len(known)))
    example, slot = np.nonzero(rows)
    held[example, np.searchsorted(known, rows[example, slot])] = 1.0
    return held
