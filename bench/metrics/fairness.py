"""Fairness of decisions on people: how far groups differ in how often they are favoured, justly and unjustly.

Targets are {"label", "groups": {attribute: group}}, answers {"label"}. A difference is the largest less the smallest of the
groups' rates, in [0, 1], less being better; a group in which a rate cannot be had (nobody deserved it) is left out, as are people
whose group is `NOT_KNOWN`. Of fewer than two groups there is no difference. What is no label favours nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.metrics.metric import Array, Metric, Row

# What is divided by what, as columns of a group: all, favoured; deserving, favoured among them; others, favoured among them.
RATES = {"selection_rate": (1, 0), "true_positive_rate": (3, 2), "false_positive_rate": (5, 4)}
_COLUMNS = 6
NOT_KNOWN = "not known"


def fairness(groups: Mapping[str, Sequence[str]], favourable: str) -> tuple[Metric, ...]:
    """The differences of the rates of `RATES` between the groups of each attribute, named rate_difference_attribute.

    Sources: Hardt, Price and Srebro 2016, "Equality of Opportunity in Supervised Learning" (NeurIPS); fairlearn's
    demographic_parity_difference, equal_opportunity_difference and false_positive_rate_difference. Their intervals are those of a
    jackknife: drawing groups anew would push a largest less a smallest up.
    """
    return tuple(
        _difference(rate, attribute, tuple(names), favourable) for attribute, names in groups.items() for rate in RATES
    )


def _difference(rate: str, attribute: str, names: Sequence[str], favourable: str) -> Metric:
    above, below = RATES[rate]

    def row(target: Mapping[str, Any], given: str) -> Row:
        if (group := target["groups"][attribute]) == NOT_KNOWN:
            return [0.0] * (_COLUMNS * len(names))
        if group not in names:
            raise ValueError(f"{attribute} {group!r} is not one of {', '.join(names)}")
        favoured, deserving = float(given == favourable), float(target["label"] == favourable)
        own = (1.0, favoured, deserving, deserving * favoured, 1.0 - deserving, (1.0 - deserving) * favoured)
        cells = [0.0] * (_COLUMNS * len(names))
        at = _COLUMNS * names.index(group)
        cells[at : at + _COLUMNS] = own
        return cells

    def summarise(totals: Array, n: Array) -> Array:
        of_group = totals.reshape(*totals.shape[:-1], len(names), _COLUMNS)
        all_of, some = of_group[..., below], of_group[..., above]
        there = all_of > 0
        rates = some / np.where(there, all_of, 1.0)
        most, least = np.where(there, rates, -np.inf).max(axis=-1), np.where(there, rates, np.inf).min(axis=-1)
        return np.asarray(np.where(there.any(axis=-1), most - least, 0.0))

    def lone(rows: Array) -> str:
        there = rows.reshape(len(rows), len(names), _COLUMNS)[..., below].any(axis=0).sum()
        return "" if there > 1 else f"fewer than two groups have people of whom {rate} speaks"

    def fitted(targets: Sequence[Mapping[str, Any]]) -> Metric:
        """The metric as it is where two groups or more have the rate, else absent."""
        rows = np.array([row(one, "") for one in targets]).reshape(-1, len(names), _COLUMNS)
        there = [name for name, n in zip(names, rows[..., below].sum(axis=0), strict=True) if n]
        only = f"only the group {there[0]!r} has" if there else "no group has"
        reason = "" if len(there) > 1 else f"{only} people of whom {rate} speaks; a difference takes two groups"
        return replace(metric, fit=None, absent=lambda answers: reason)

    metric = Metric(
        f"{rate}_difference_{attribute}",
        measure=lambda target, answer: row(target, answer["label"]),
        summarise=summarise,
        worst=lambda target: row(target, ""),
        best=lambda target: row(target, target["label"]),
        higher_is_better=False,
        jackknife=True,
        fit=fitted,
        undefined=lone,
        signature=f"largest less smallest of {', '.join(names)}; favourable {favourable!r}",
    )
    return metric
