"""Baselines that are fitted on a task's training split: logistic regression and gradient boosting of scikit-learn.

Rows of tables are numbers and categories to them; texts, for the linear one, weighted words. They are what a model that cost
more has to beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.models.empty_columns import no_empty_column
from bench.models.encoder_head import last_said
from bench.types import Choose, Column, Json, Prediction, Regress, Request, Row

if TYPE_CHECKING:
    import pandas as pd

_THRESHOLDS, _FOLDS = "cross-validated", 5
_LARGEST = 1e100  # the square of a larger number, which a variance takes, may be none


class Fitted(Model):
    """Learns from the training split each time it is loaded; see `Model.learn`.

    With `threshold` "cross-validated" the label of a choice between two is given from the probability on that had the best MCC over
    five folds of the training split; its score is moved so that one half stands there. With "half" it is the likelier label.
    """

    parts = frozenset({"text", "row"})
    outputs = (Choose, Regress)
    learns = True
    uses_device = False
    answers_alone = True
    revision = "1"

    def __init__(self, threshold: str = "half") -> None:
        if threshold not in ("half", _THRESHOLDS):
            raise BenchError(f"model.threshold={threshold} must be half or {_THRESHOLDS}")
        self.threshold = threshold
        self.taught: Any = frozenset()
        self._lesson: Sequence[tuple[Request, Prediction]] = ()
        self._n, self._cut = 0, 0.5

    def learn(self, taught: Sequence[tuple[Request, Prediction]]) -> None:
        """Keep the lesson for `load`."""
        self._lesson, self.loaded = taught, None

    def load(self, device: Device, *, seed: int) -> None:
        """Fit to the lesson; raises BenchError where it holds fewer than two labels, or rows and texts."""
        self._threads = device.threads
        if not self._lesson:
            raise BenchError("this model learns from the training split of its task, and got none")
        asked = [request for request, _ in self._lesson]
        self._n = len(asked)
        output = asked[0].output
        with _limited(self._threads):
            if isinstance(output, Choose):
                self._fit_labels(asked, seed)
            elif isinstance(output, Regress):
                self._fit_numbers(asked, output, seed)

    def _fit_labels(self, asked: Sequence[Request], seed: int) -> None:
        import numpy as np

        given = [
            max(ideal.label_scores or {"": 0.0}, key=(ideal.label_scores or {"": 0.0}).__getitem__)
            for _, ideal in self._lesson
        ]
        if len(set(given)) < 2:
            raise BenchError(f"the training split has the label {given[0]!r} only; nothing can be learned from it")
        if any(isinstance(one.output, Choose) and one.output.several for one in asked):
            raise BenchError(
                "the task may have several right labels, of which these baselines learn one; choose another model"
            )
        features = self.features(asked)
        self._model = self.pipeline(asked, seed, regress=False)
        self._cut = 0.5
        if self.threshold == _THRESHOLDS and len(set(given)) == 2:
            self._cut = self._best_cut(features, np.array(given), asked, seed)
        self._model.fit(features, given)

    def _best_cut(self, features: Any, given: Any, asked: Sequence[Request], seed: int) -> float:
        """The probability of the second label from which on it is given, by MCC over folds of the training split."""
        import numpy as np
        from sklearn.metrics import matthews_corrcoef
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        labels = sorted(set(given.tolist()))
        if min(int((given == label).sum()) for label in labels) < _FOLDS:
            return 0.5
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
        model = self.pipeline(asked, seed, regress=False)
        chances = cross_val_predict(model, features, given, cv=folds, method="predict_proba")[:, 1]
        cuts = np.unique(np.quantile(chances, np.linspace(0.01, 0.99, 99)))
        found = [matthews_corrcoef(given == labels[1], chances >= cut) for cut in cuts]
        return float(np.clip(cuts[int(np.argmax(found))], 1e-6, 1 - 1e-6))

    def _fit_numbers(self, asked: Sequence[Request], output: Regress, seed: int) -> None:
        features = self.features(asked)
        values = [[(ideal.values or {})[name] for name in output.names] for _, ideal in self._lesson]
        self._model = self.pipeline(asked, seed, regress=True)
        self._model.fit(features, values if len(output.names) > 1 else [one[0] for one in values])

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        """A probability for each label, or the numbers, clipped to their scales."""
        with _limited(self._threads):
            return self._answers(batch)

    def _answers(self, batch: Sequence[Request]) -> list[Prediction]:
        features = self.features(batch)
        if isinstance(batch[0].output, Regress):
            return [
                self._numbers(request, found)
                for request, found in zip(batch, self._model.predict(features), strict=True)
            ]
        names = [str(name) for name in self._model.classes_]
        chances = self._model.predict_proba(features)
        return [self._labels(request, names, row.tolist()) for request, row in zip(batch, chances, strict=True)]

    def _labels(self, request: Request, names: Sequence[str], chances: Sequence[float]) -> Prediction:
        labels = request.output.labels if isinstance(request.output, Choose) else ()
        if self._cut != 0.5 and len(names) == 2:
            odds = chances[1] / max(1.0 - chances[1], 1e-12) * (1.0 - self._cut) / self._cut
            chances = [1.0 / (1.0 + odds), odds / (1.0 + odds)]
        known = dict(zip(names, chances, strict=True))
        return Prediction(request.id, label_scores={label: known.get(label, 0.0) for label in labels})

    def _numbers(self, request: Request, found: Any) -> Prediction:
        output = request.output
        if not isinstance(output, Regress):
            raise TypeError(f"request {request.id!r} asks for {output!r} among numbers")
        values = found.tolist() if hasattr(found, "tolist") else found
        values = values if isinstance(values, list) else [values]
        scales = zip(output.names, values, output.low, output.high, strict=True)
        return Prediction(request.id, values={name: min(max(float(v), low), high) for name, v, low, high in scales})

    def describe(self) -> Mapping[str, Json]:
        """How many training examples it learned from, and the threshold that they gave."""
        if not self._n:
            return {}
        return {
            "fitted_on": self._n,
            "left_out": self.left_out,
            **({"threshold": round(self._cut, 6)} if self._cut != 0.5 else {}),
        }

    def features(self, asked: Sequence[Request]) -> Any:
        """The rows as a frame, or the texts that are to be judged."""
        rows = [next((part for part in one.parts if isinstance(part, Row)), None) for one in asked]
        if all(row is not None for row in rows):
            inf = float("inf")  # what no number stands for is missing to both
            table = frame([row for row in rows if row is not None]).replace([inf, -inf], float("nan"))
            numbers = table.select_dtypes("number").columns
            table[numbers] = table[numbers].clip(-_LARGEST, _LARGEST)
            return table
        if any(row is not None for row in rows):
            raise BenchError("the requests hold rows of a table and texts; these baselines take one kind at a time")
        return [last_said(one) or "" for one in asked]

    def pipeline(self, asked: Sequence[Request], seed: int, *, regress: bool) -> Any:
        """The unfitted estimator for requests such as these."""
        raise NotImplementedError


class Logistic(Fitted):
    """Logistic regression; for numbers ridge regression.

    Numbers are standardised, missing ones at their median with a mark beside; each category is a column; of texts TF-IDF of words
    and pairs. `c` is the inverse strength of the penalty; with `balanced`, rare labels weigh as much as common ones.
    """

    def __init__(self, c: float = 1.0, balanced: bool = False, threshold: str = "half") -> None:
        super().__init__(threshold)
        if not c > 0:
            raise BenchError(f"model.c={c} must be above 0")
        self.c, self.balanced = c, balanced

    def pipeline(self, asked: Sequence[Request], seed: int, *, regress: bool) -> Any:
        """Features, and a linear model on them."""
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import make_pipeline

        weights = "balanced" if self.balanced else None
        linear = (
            Ridge() if regress else LogisticRegression(C=self.c, class_weight=weights, max_iter=2000, random_state=seed)
        )
        return make_pipeline(_linear_features(asked), linear)


class Boosting(Fitted):
    """Gradient boosted trees on histograms, for rows of tables: numbers and missing values as they are, categories as such."""

    needs = frozenset({"row"})

    def __init__(self, balanced: bool = False, threshold: str = "half") -> None:
        super().__init__(threshold)
        self.balanced = balanced

    def pipeline(self, asked: Sequence[Request], seed: int, *, regress: bool) -> Any:
        """The trees, with categories told by their order of letters, unseen ones missing."""
        from sklearn.compose import make_column_transformer
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OrdinalEncoder

        numbers, categories = _by_kind(asked)
        encode = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=float("nan"),
            encoded_missing_value=float("nan"),
            max_categories=250,
        )
        columns = make_column_transformer(
            (encode, categories), ("passthrough", numbers), verbose_feature_names_out=False
        )
        known: dict[str, Any] = {"random_state": seed, "categorical_features": list(range(len(categories)))}
        filled = no_empty_column()
        if regress:
            return make_pipeline(columns, filled, HistGradientBoostingRegressor(**known))
        return make_pipeline(
            columns, filled, HistGradientBoostingClassifier(class_weight="balanced" if self.balanced else None, **known)
        )


def _limited(threads: int) -> Any:
    """As many threads as the run's device has: libraries would take all there are, and those that share a core wait."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=threads)


def _best(scores: Mapping[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows of a table under the names of its columns: numbers as floats, categories as texts, NaN and None where missing."""
    import pandas as pd

    columns = rows[0].columns
    values = {
        one.name: pd.Series([row.values[i] for row in rows], dtype="float64" if one.kind == "number" else "object")
        for i, one in enumerate(columns)
    }
    return pd.DataFrame(values)


def _by_kind(asked: Sequence[Request]) -> tuple[list[str], list[str]]:
    """The names of the columns of numbers, and of categories."""
    columns: Sequence[Column] = next((part.columns for part in asked[0].parts if isinstance(part, Row)), ())
    return [one.name for one in columns if one.kind == "number"], [one.name for one in columns if one.kind != "number"]


def _linear_features(asked: Sequence[Request]) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if not any(isinstance(part, Row) for part in asked[0].parts):
        return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    numbers, categories = _by_kind(asked)
    number = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    category = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=False)
    return make_column_transformer((number, numbers), (category, categories))
