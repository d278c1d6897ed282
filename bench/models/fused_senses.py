"""What is learned of each sense, and how what they say is put together: all by folds that no cluster is on both sides of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bench.models.senses import Sense
from bench.types import Json

LEAST = 4  # examples, fewer of which teach nothing
_FOLDS = 5
_PENALTIES = tuple(10.0 ** (half / 2) for half in range(-4, 11))  # of the ridge: 0.01 to 100,000


@dataclass(frozen=True)
class Learned:
    """One sense: the fitted ridge, its penalty for each number, and what it `foretold` [n, k] of unseen clusters, or NaN."""

    sense: Sense
    prepare: Any
    ridge: Any
    penalties: Sequence[float]
    foretold: Any
    fits: Sequence[float]  # the correlation of what was foretold with the targets

    def of(self, perceived: Any) -> Any:
        """The numbers [k] for what is perceived of one request."""
        import numpy as np

        row = self.prepare.transform(self.sense.gathered([perceived]))
        return np.asarray(self.ridge.predict(row), float).reshape(-1)

    def told(self, names: Sequence[str]) -> Json:
        """Penalty and correlation of each number; of labels, means over all of them."""
        if len(set(self.penalties)) == 1 and len(names) > 2:
            return {"penalty": self.penalties[0], "r": round(sum(self.fits) / len(self.fits), 4)}
        return {
            name: {"penalty": penalty, "r": round(fit, 4)}
            for name, penalty, fit in zip(names, self.penalties, self.fits, strict=True)
        }


def learned(
    sense: Sense, found: Any, rows: Sequence[int], targets: Any, clusters: Sequence[str], *, seed: int, together: bool
) -> Learned:
    """Fit what was `found` at these rows of the targets [n, k]; numbers that go `together` share their penalty."""
    import numpy as np
    from sklearn.base import clone
    from sklearn.linear_model import Ridge

    wanted = targets[list(rows)]
    prepare = sense.prepared(len(rows), seed)
    tried = np.empty((len(_PENALTIES), *wanted.shape))
    for train, test in _folds([clusters[row] for row in rows], seed):
        ready = clone(prepare)
        known, asked = ready.fit_transform(found[train]), ready.transform(found[test])
        for i, penalty in enumerate(_PENALTIES):
            tried[i, test] = Ridge(penalty).fit(known, wanted[train]).predict(asked).reshape(len(test), -1)
    errors = ((tried - wanted) ** 2).mean(axis=1)
    best = np.full(wanted.shape[1], errors.sum(axis=1).argmin()) if together else errors.argmin(axis=0)
    best_of = tried[best, :, np.arange(wanted.shape[1])].T
    foretold = np.full(targets.shape, np.nan)
    foretold[list(rows)] = best_of
    penalties = [_PENALTIES[i] for i in best]
    prepare = prepare.fit(found)
    ridge = Ridge(np.array(penalties)).fit(prepare.transform(found), wanted)
    return Learned(
        sense, prepare, ridge, penalties, foretold, [_r(a, b) for a, b in zip(best_of.T, wanted.T, strict=True)]
    )


def _folds(clusters: Sequence[str], seed: int) -> list[tuple[Any, Any]]:
    """Rows to learn from and rows to foretell, five times; where all are of one cluster, by rows."""
    from sklearn.model_selection import GroupKFold

    groups: Sequence[Any] = clusters if len(set(clusters)) > 1 else range(len(clusters))
    n = min(_FOLDS, len(set(groups)))
    return list(GroupKFold(n, shuffle=True, random_state=seed).split(clusters, groups=groups))


@dataclass(frozen=True)
class Fused:
    """The senses with their weights [senses, k] by which of them are there, and the factor and mean of the sum [k]."""

    known: Mapping[str, Learned]
    mean: Any
    weights: Mapping[tuple[str, ...], Any]

    def of(self, perceived: Mapping[str, Any]) -> list[float]:
        """The numbers for what is perceived by name of sense; where that is nothing, the mean."""
        there = tuple(name for name in self.known if name in perceived)
        total = self.mean.copy()
        for name, weight in zip(there, self.weights[there] if there else (), strict=True):
            total += weight * (self.known[name].of(perceived[name]) - self.mean)
        return [float(one) for one in total]

    def told(self, names: Sequence[str]) -> Json:
        """The weight of each sense where all are there, for each number; of labels, the one that they share."""
        whole = self.weights[tuple(self.known)]
        short = len({tuple(column) for column in whole.T}) == 1 and len(names) > 2
        return {
            sense: round(float(row[0]), 4)
            if short
            else {name: round(float(one), 4) for name, one in zip(names, row, strict=True)}
            for sense, row in zip(self.known, whole, strict=True)
        }


def fused(known: Mapping[str, Learned], targets: Any, *, together: bool, wide: bool) -> Fused:
    """Weights of at least 0 by least squares on what was foretold, for every selection of the senses.

    With `wide` the sum is stretched until it spreads as the targets do; where it goes against them, it is the mean.
    """
    import numpy as np

    mean = targets.mean(axis=0)
    weights: dict[tuple[str, ...], Any] = {}
    for n in range(1, len(known) + 1):
        for there in combinations(known, n):
            said = np.stack([known[name].foretold for name in there], axis=2) - mean[:, None]  # [rows, k, senses]
            rows = np.isfinite(said).all(axis=(1, 2))
            if rows.sum() < LEAST:  # never seen together: each as much as another
                weights[there] = np.full((n, len(mean)), 1 / n)
                continue
            weights[there] = _weights(said[rows], targets[rows] - mean, together=together, wide=wide)
    return Fused(known, mean, weights)


def _weights(said: Any, wanted: Any, *, together: bool, wide: bool) -> Any:
    """[senses, k] for what was said [n, k, senses] of what was wanted [n, k], both less the mean."""
    import numpy as np
    from scipy.optimize import nnls

    n_senses = said.shape[2]
    if together:
        found, _ = nnls(said.reshape(-1, n_senses), wanted.ravel())
        return np.repeat(found[:, None], wanted.shape[1], axis=1)
    columns = []
    for k in range(wanted.shape[1]):
        found, _ = nnls(said[:, k], wanted[:, k])
        total = said[:, k] @ found
        if wide and _r(total, wanted[:, k]) > 0:
            found = found * (wanted[:, k].std() / total.std())
        columns.append(found)
    return np.stack(columns, axis=1)


def _r(one: Any, other: Any) -> float:
    """Pearson's correlation; 0 where one of them is always the same."""
    import numpy as np

    if np.ptp(one) < 1e-12 or np.ptp(other) < 1e-12:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
