"""Registered models whose files hold data alone: they answer rows of tables without trust, and nothing else is read without it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import BenchError
from bench.models import data_files, pyfunc
from bench.models.base import Device
from bench.models.pyfunc import PyFunc
from bench.tracking import empty
from bench.types import Choose, Column, Request, Row, Text

COLUMNS = (Column("age", "number"), Column("income", "number"))
LABELS = ("no", "yes")
FLAVOURS = ("skops", "onnx", "xgboost json", "xgboost ubj", "lightgbm")


def table() -> tuple[Any, Any]:
    """Rows of which the answer is yes where the income is above 0.5."""
    import pandas as pd

    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"age": draw.random(80), "income": draw.random(80)})
    return frame, (frame["income"] > 0.5).astype(int)


def logged(kind: str, log: Any, **known: Any) -> Any:
    """What logs or saves a small model of this kind through MLflow's own flavour."""
    import mlflow
    from sklearn.linear_model import LogisticRegression

    frame, given = table()
    if kind == "skops":
        names = np.array(LABELS)[given]
        return getattr(mlflow.sklearn, log)(
            LogisticRegression(C=100).fit(frame, names), serialization_format="skops", **known
        )
    if kind == "onnx":
        from skl2onnx import to_onnx

        fitted = LogisticRegression(C=100).fit(frame.to_numpy(dtype="float32"), given)
        return getattr(mlflow.onnx, log)(to_onnx(fitted, frame.to_numpy(dtype="float32")[:1]), **known)
    if kind.startswith("xgboost"):
        import xgboost

        fitted = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(frame, given), 20)
        return getattr(mlflow.xgboost, log)(fitted, model_format=kind.split()[1], **known)
    import lightgbm

    settings = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 2, "num_threads": 1}
    fitted = lightgbm.train(settings, lightgbm.Dataset(frame, given), 20)
    return getattr(mlflow.lightgbm, log)(fitted, **known)


def asked(income: float, columns: tuple[Column, ...] = COLUMNS) -> Request:
    row = Row("…", "user", columns, tuple(income if one.name == "income" else 0.5 for one in columns))
    return Request(f"r{income}", (Text("Choose.", "system"), row), Choose(LABELS))


def from_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> PyFunc:
    """The model of a folder as if the registry had brought it."""
    monkeypatch.setattr(pyfunc, "files", lambda *known: folder)
    return PyFunc("models:/m/1", "sqlite:///none.db", parts=["row"], outputs=["Choose"], **changes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FLAVOURS)
def test_a_model_of_data_alone_answers_rows_with_probabilities_and_without_trust(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    empty.place(store)  # MLflow makes each by seventy migrations
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    mlflow.set_tracking_uri(store)
    mlflow.set_registry_uri(store)
    try:
        mlflow.set_experiment(experiment_id=mlflow.create_experiment("e", artifact_location=(tmp_path / "a").as_uri()))
        logged(kind, "log_model", name="m", registered_model_name="m", pip_requirements=["mlflow"])
    finally:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    model = PyFunc("models:/m/1", store, parts=["row"], outputs=["Choose"], labels=list(LABELS))
    model.load(Device(), seed=0)
    low, high = (one.label_scores for one in model.predict([asked(0.05), asked(0.95)]))
    assert low is not None
    assert high is not None
    assert low["no"] > 0.6 > high["no"]
    assert sum(high.values()) == pytest.approx(1.0, abs=1e-5)


def saved(kind: str, folder: Path) -> Path:
    logged(kind, "save_model", path=str(folder), pip_requirements=["mlflow"])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", FLAVOURS)
def test_columns_are_found_by_name_where_the_model_names_them_and_missing_ones_are_one_line(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = from_folder(saved(kind, tmp_path / "m"), monkeypatch, labels=list(LABELS))
    model.load(Device(), seed=0)
    if kind.startswith(("xgboost", "lightgbm")):
        more = (Column("income", "number"), Column("extra", "number"), Column("age", "number"))
        (found,) = model.predict([asked(0.95, more)])
        assert found.label_scores == next(iter(model.predict([asked(0.95)]))).label_scores
        with pytest.raises(BenchError, match="reads a column 'age', which the table has not"):
            model.predict([asked(0.95, more[:2])])
    if kind != "skops":
        words = (Column("age", "category"), COLUMNS[1])
        with pytest.raises(BenchError, match="column 'age' is of categories; register it with its encoder"):
            model.predict([asked(0.95, words)])


class Ran:
    """Leaves a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return (Path.touch, (self.place,))


def _pickle(folder: Path, name: str) -> None:
    import pickle

    (folder / name).write_bytes(pickle.dumps(Ran(folder.parent / "ran")))


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["model.onnx", "MLmodel", "conda.yaml"], True),
        (["model.pkl"], False), (["python_model.pkl", "model.onnx"], False), (["code/m.py", "model.onnx"], False),
        (["model.onnx", "model.ubj"], False), (["data/model.onnx"], False), (["m.so", "model.onnx"], False), ([], False),
        (["MODEL.ONNX"], False),
    ],
)  # fmt: skip
def test_only_one_file_of_a_known_kind_with_nothing_but_what_mlflow_writes_needs_no_trust(
    names: list[str], taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert (data_files.model_file(tmp_path) is not None) == taken
    if not taken:
        with pytest.raises(BenchError, match=r"can run any code .* set model.trust=\[pickle\]"):
            from_folder(tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.skops", "m.json", "m.ubj", "m.xgb", "m.lgb", "m.txt", "m.onnx"])
def test_a_pickle_under_the_name_of_another_kind_is_never_unpickled(
    name: str, tmp_path: Path, monkeypatch: Any
) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    _pickle(folder, name)
    model = from_folder(folder, monkeypatch)
    with pytest.raises(BenchError, match=r"^models:/m/1"):
        model.load(Device(), seed=0)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_what_mlmodel_says_of_loaders_code_and_trusted_types_is_not_acted_on(tmp_path: Path, monkeypatch: Any) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    frame, given = table()
    folder = tmp_path / "m"
    folder.mkdir()
    said = ["os.system", "shutil.rmtree"]
    hostile = {"flavors": {"python_function": {"loader_module": "no_such_module_of_evil", "code": "../code", "data": "../x.pkl"},
                           "sklearn": {"serialization_format": "pickle", "skops_trusted_types": said}}}  # fmt: skip
    (folder / "MLmodel").write_text(json.dumps(hostile))
    good = LogisticRegression().fit(frame, np.array(LABELS)[given])
    skops.io.dump(good, folder / "model.skops")
    model = from_folder(folder, monkeypatch)
    model.load(Device(), seed=0)
    assert next(iter(model.predict([asked(0.9)]))).label_scores is not None
    skops.io.dump(make_pipeline(FunctionTransformer(shutil.rmtree), good), folder / "model.skops")
    with pytest.raises(BenchError, match=r"holds .*rmtree, which skops cannot vouch for .* model.trust=\[pickle\]"):
        model.load(Device(), seed=0)


@pytest.mark.slow
def test_classes_without_names_are_one_line_that_says_what_to_set(tmp_path: Path, monkeypatch: Any) -> None:
    model = from_folder(saved("lightgbm", tmp_path / "m"), monkeypatch)
    model.load(Device(), seed=0)
    with pytest.raises(BenchError, match=r"in their order, with model.labels=\[…\] \(the task's are \[no,yes\]\)"):
        model.predict([asked(0.9)])
