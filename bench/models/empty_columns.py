"""Columns of which a fit sees no value at all, which the trees of scikit-learn cannot cut."""

from __future__ import annotations

from typing import Any


def no_empty_column() -> Any:
    """A transformer of arrays [n, d] that puts 0 for every value of a column which was empty when it was fitted."""
    import numpy as np
    from sklearn.base import BaseEstimator, TransformerMixin

    class NoEmptyColumn(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def fit(self, features: Any, labels: Any = None) -> Any:
            self.empty_ = np.isnan(np.asarray(features, dtype=float)).all(axis=0)
            return self

        def transform(self, features: Any) -> Any:
            found = np.array(features, dtype=float)
            found[:, self.empty_] = 0.0
            return found

    return NoEmptyColumn()
