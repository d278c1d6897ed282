"""A model of MLflow's registry, logged to a SQLite store of the test's own."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from bench.engine import feed
from bench.errors import BenchError
from bench.models.base import Device
from bench.models.pyfunc import PyFunc
from bench.run import evaluate
from bench.types import Choose, Generate, Image, Output, Prediction, Regress, Request, Span, Text

pytestmark = pytest.mark.slow
LABELS = Choose(("good", "bad"))
SPAN = Span(8, ("\n",), question="Who?", context="Ann left.")


def _models() -> dict[str, Any]:
    """Models by name; their classes are local, so that they are pickled whole."""
    from mlflow.pyfunc import PythonModel

    class Answers(PythonModel):  # type: ignore[misc]
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            """What each kind of request asks for, out of the columns."""
            found: list[Any] = []
            for row in model_input.to_dict("records"):
                match row["output"]:
                    case "Choose":
                        found.append({label: float(label in row["text"]) for label in row["labels"]})
                    case "Regress":
                        found.append([b for _, b in zip(row["names"], row["high"], strict=True)])
                    case "Span":
                        found.append({"span": [0, row["context"].index(" ")], "no_answer": 0.25})
                    case _:
                        pictures = [len(one) for one in row["images"] or []]
                        found.append(None if row["text"] == "nothing" else f"{row['prompt']} {pictures}")
            return found

    class Series(PythonModel):  # type: ignore[misc]
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            """A Series out of the one column that it was given."""
            return model_input["words"].str.upper() if list(model_input.columns) == ["words"] else None

    class Short(PythonModel):  # type: ignore[misc]
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            """One answer, whatever is asked."""
            return ["x"]

    class Broken(PythonModel):  # type: ignore[misc]
        def load_context(self, context: Any) -> None:
            raise RuntimeError("no such GPU\nat all")

        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            """Never called."""
            return []

    return {"answers": Answers(), "series": Series(), "short": Short(), "broken": Broken()}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A SQLite store with version 1 of each model, the artifacts beside it."""
    import mlflow

    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        mlflow.set_experiment(experiment_id=mlflow.create_experiment("e", artifact_location=(folder / "art").as_uri()))
        for name, model in _models().items():
            mlflow.pyfunc.log_model(
                name="m", python_model=model, registered_model_name=name, pip_requirements=["mlflow"]
            )
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    return uri


def loaded(store: str, name: str, **changes: Any) -> PyFunc:
    outputs = ["Generate", "Choose", "Regress"]
    model = PyFunc(f"models:/{name}/1", store, trust=["pickle"], outputs=outputs, parts=["text", "image"], **changes)
    model.load(Device(), seed=0)
    return model


def ask(output: Output, name: str = "a", *parts: Any) -> Request:
    return Request(name, parts or (Text("Be brief.", "system"), Text("All good.")), output)


def test_a_registered_model_answers_every_kind_of_request(store: str) -> None:
    model = loaded(store, "answers")
    requests = [
        ask(Generate(8), "g", Text("See:"), Image(b"1234")), ask(LABELS, "c"), ask(SPAN, "s"),
        ask(Generate(8), "n", Text("nothing")),
        ask(Regress(("v", "w"), (0.0, 0.0), (1.0, 2.0)), "r"),
    ]  # fmt: skip
    found = feed.answer(model, requests, "pyfunc")
    assert found == [
        Prediction("g", text="See: [4]"),
        Prediction("c", label_scores={"good": 1.0, "bad": 0.0}),
        Prediction("s", text="Ann", span=(0, 3), no_answer=0.25),
        Prediction("n", error="models:/answers/1: it answered nothing"),
        Prediction("r", values={"v": 1.0, "w": 2.0}),
    ]
    assert found == [feed.answer(model, [request], "pyfunc")[0] for request in requests]


def test_its_identity_is_the_version_and_the_digest_of_its_files(store: str) -> None:
    one = PyFunc("models:/answers/1", store, trust=["pickle"])
    assert one.revision == "answers/1"
    assert len(one.weights_sha256) == 64
    assert PyFunc("models:/answers/1", store, trust=["pickle"], sha256=one.weights_sha256).folder == one.folder
    assert PyFunc("models:/series/1", store, trust=["pickle"]).weights_sha256 != one.weights_sha256
    with pytest.raises(BenchError, match=f"has sha256 {one.weights_sha256}, expected 00"):
        PyFunc("models:/answers/1", store, trust=["pickle"], sha256="0" * 64)


def test_nothing_is_written_to_the_working_folder_or_the_screen(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    model = loaded(store, "answers")
    assert model.folder.is_relative_to(tmp_path / "cache")
    assert list((tmp_path / "here").iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_model_with_a_column_of_its_own_gets_that_alone(store: str) -> None:
    model = loaded(store, "series", columns={"words": "text"})
    assert model.predict([ask(Generate(8)), ask(Generate(8), "b", Text("no"))]) == [
        Prediction("a", text="ALL GOOD."), Prediction("b", text="NO"),
    ]  # fmt: skip


def test_a_run_of_it_is_recorded(store: str, tiny_task: Any, quick_settings: Any) -> None:
    model = loaded(store, "answers")
    run, folder = evaluate(tiny_task(4), model, "pyfunc", Device(), quick_settings())
    assert (run.model_revision, run.weights_sha256) == ("answers/1", model.weights_sha256)
    assert run.scores[0].n_failed == 0
    assert all("word" not in str(one.text) for one in folder.predictions())


@pytest.mark.parametrize(
    ("uri", "changes", "text"),
    [
        ("models:/answers/1", {"trust": None}, "set model.trust=[pickle]"),
        ("models:/answers/1", {"trust": ["pickles"]}, "pickles"),
        ("models:/answers@best", {}, "must be models:/NAME/VERSION with a number"),
        ("models:/answers/latest", {}, "must be models:/NAME/VERSION with a number"),
        ("runs:/abc/m", {}, "must be models:/NAME/VERSION"),
        ("models:/answers/9", {}, "models:/answers/9 cannot be had from the MLflow store sqlite:///"),
        ("models:/nobody/1", {}, "models:/nobody/1 cannot be had"),
        ("models:/answers/1", {"columns": {"x": "words"}}, "model.columns: 'words' is not one of id, output, text"),
    ],
)
def test_a_model_that_cannot_be_had_is_one_line(store: str, uri: str, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(BenchError) as caught:
        PyFunc(uri, store, **{"trust": ["pickle"]} | changes)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_goes_wrong_in_the_model_is_one_line(store: str) -> None:
    with pytest.raises(BenchError, match=r"models:/broken/1 cannot be loaded: .*no such GPU") as caught:
        loaded(store, "broken")
    assert "\n" not in str(caught.value)
    with pytest.raises(BenchError, match=r"must return 2 answers, one a row; got 1"):
        loaded(store, "short").predict([ask(Generate(8)), ask(Generate(8), "b")])
    with pytest.raises(BenchError, match="answered request 'a' with a str, 'x'; Regress takes"):
        loaded(store, "short").predict([ask(Regress(("v",), (0.0,), (1.0,)))])
    with pytest.raises(BenchError, match="must return a list, Series, array or frame; got a NoneType"):
        loaded(store, "series").predict([ask(Generate(8))])


def test_without_a_uri_it_is_one_line() -> None:
    with pytest.raises(BenchError, match=r"model\.uri is not given"):
        PyFunc().load(Device(), seed=0)


def test_a_store_far_away_is_not_asked_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    with pytest.raises(BenchError, match="--offline forbids asking the MLflow store https://host") as caught:
        PyFunc("models:/a/1", "https://me:secret@host", trust=["pickle"])
    assert "secret" not in str(caught.value)


def test_frames_series_and_arrays_are_lists_of_plain_values() -> None:
    import numpy as np
    import pandas as pd

    from bench.models.pyfunc import as_list

    assert as_list(pd.DataFrame({"a": [1.5, math.nan]})) == [1.5, None]
    assert as_list(pd.DataFrame({"v": [1, 2], "w": [0.5, 1.0]})) == [{"v": 1, "w": 0.5}, {"v": 2, "w": 1.0}]
    assert as_list(pd.Series(["x", None])) == ["x", None]
    assert as_list(np.array([[0.5, 1.0]])) == [[0.5, 1.0]]
    assert as_list([np.float32(0.5), {"a": np.int64(1)}]) == [0.5, {"a": 1}]


def test_it_runs_from_the_command_line(store: str, own_package: Path, bench_main: Any) -> None:
    call = ["run", "task=words", "model=pyfunc", "model.uri=models:/answers/1", f"model.store={store}", "resamples=5"]
    code, out, err = bench_main(*call, "model.trust=[pickle]", "tracking=none", "runs_dir=runs", "--json")
    assert (code, err) == (0, [])
    assert '"model": "pyfunc"' in out[-1]
    code, out, err = bench_main(*call, "tracking=none", "runs_dir=runs")
    assert (code, len(err)) == (2, 1)
    assert "set model.trust=[pickle]" in err[0]
