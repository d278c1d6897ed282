"""A metric within each of several groups of examples (the questions of a form, the subjects of an examination), and their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.metrics.metric import Array, Metric, Row, defined


def over_groups(name: str, inner: Metric, groups: Sequence[str], *, group: str, key: str) -> Metric:
    """The mean of a metric within each of the `groups`, all of one weight; targets are {group: its name, key: `inner`'s target}.

    A row holds `inner`'s row and a 1 in the columns of its group, zeros elsewhere: [groups · (k + 1)]. A group without an example
    is left out of the mean, also where a resample lost it. The interval is a jackknife's: drawing often loses a rare class.
    """
    place = {one: i for i, one in enumerate(groups)}

    def spread(target: Mapping[str, Any], row: Row) -> Row:
        if target[group] not in place:
            raise ValueError(f"{str(target[group])[:40]!r} is none of the {len(groups)} groups")
        found = [0.0] * (len(groups) * (len(row) + 1))
        at = place[target[group]] * (len(row) + 1)
        found[at : at + len(row) + 1] = [*row, 1.0]
        return found

    def summarise(totals: Array, n: Array) -> Array:
        parts = totals.reshape(*totals.shape[:-1], len(groups), -1)
        sums, counts = parts[..., :-1], parts[..., -1]
        there = counts > 0
        values = np.where(there, inner.summarise(sums, np.where(there, counts, 1.0)), 0.0)
        return np.asarray(values.sum(axis=-1) / np.maximum(there.sum(axis=-1), 1))

    return replace(
        inner,
        name=name,
        measure=lambda target, answer: spread(target, inner.measure(target[key], answer)),
        worst=lambda target: spread(target, inner.worst(target[key])),
        best=lambda target: spread(target, inner.best(target[key])),
        summarise=summarise,
        signature=f"mean over {len(groups)} groups of {inner.name}: {inner.signature or 'mean'}",
        jackknife=True,
        undefined=defined,
    )
