"""Runs in MLflow: logged once with all that is known of them, and later when the store was down."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts import digest
from bench.records import CONFIG, JOURNAL, LEDGER, RECORD, RunFolder, find_runs
from bench.tracking import MARK, StoreError, Tracker, default_uri, flat, is_logged, unlogged
from bench.types import Prediction, Run, Timing

Make = Callable[..., Run]
NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens


def finished(folder: Path, run: Run) -> Path:
    """A complete run directory of this run."""
    there = RunFolder(folder / run.task / run.model / run.run_id)
    with there.opened("seed: 0\n"):
        there.write_predictions([Prediction("a", text="one")])
        there.write_timing(Timing(1, "load", 1.5))
        there.finish(run)
    return there.path


def test_nested_keys_become_dotted_ones() -> None:
    assert flat({"a": 1, "b": {"c": None, "d": {"e": [1, 2]}}, "f": {}}) == {"a": 1, "b.c": None, "b.d.e": [1, 2]}


def test_the_default_store_is_a_file_beside_the_runs(tmp_path: Path) -> None:
    assert default_uri(tmp_path / "runs") == f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}"


@pytest.mark.parametrize("mark", [None, "", "nonsense", "{}", '{"uri": "other"}'])
def test_a_run_without_the_mark_of_this_store_is_not_logged(tmp_path: Path, mark: str | None) -> None:
    if mark is not None:
        (tmp_path / MARK).write_text(mark)
    assert not is_logged(tmp_path, "here")


def test_only_runs_without_a_mark_are_left_to_log(tmp_path: Path, run_record: Make) -> None:
    old, new = (finished(tmp_path, run_record(name)) for name in ("old", "new"))
    (old / MARK).write_text(json.dumps({"uri": "here", "run_id": "1", "record": digest(old / RECORD)}))
    assert [folder for folder, _ in unlogged(find_runs(tmp_path), "here")] == [new]
    assert [folder for folder, _ in unlogged(find_runs(tmp_path), "there")] == [new, old]


def logged_mark(tracker: Tracker, run_id: str, folder: Path) -> dict[str, str]:
    """What the mark of a logged run says."""
    return {"uri": tracker.uri, "run_id": run_id, "record": digest(folder / RECORD)}


@pytest.fixture(scope="session")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one SQLite store for the session: making its tables takes seconds."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def tracker(store_folder: Path) -> Tracker:
    return Tracker(default_uri(store_folder), store_folder)


def experiment_runs(tracker: Tracker, name: str, text: str = "") -> list[Any]:
    found = tracker.client.get_experiment_by_name(name)
    return list(tracker.client.search_runs([found.experiment_id], text)) if found else []


@pytest.mark.slow
def test_a_run_is_logged_with_all_that_is_known_of_it(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    f1, exact = run_record().scores
    run = replace(run_record(task="all", limit=7), scores=(replace(f1, n_failed=5, worst=0.4, best=0.6), exact))
    folder = finished(tmp_path, run)
    logged = tracker.log(RunFolder(folder).read(), folder)
    found = tracker.client.get_run(logged.run_id)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "alpha"
    metrics = found.data.metrics
    assert (metrics["f1"], metrics["f1.low"], metrics["f1.high"]) == (0.5, 0.4, 0.6)
    assert (metrics["f1.worst"], metrics["f1.best"], metrics["n"], metrics["n_failed"]) == (0.4, 0.6, 100, 5)
    assert metrics["exact_match"] == 0.25
    assert "exact_match.low" not in metrics  # it has no interval, and no number stands for that
    assert (metrics["time.seconds.predict"], metrics["time.latency_p90"]) == (8.0, 0.1)
    assert "time.tokens_per_second" not in metrics
    assert found.data.params == {"task.sources": "['file:x']", "model.chat": "True", "seed": "0"}
    tags = found.data.tags
    assert (tags["task"], tags["task_version"], tags["model"]) == ("all", "1", "alpha")
    assert (tags["data_fingerprint"], tags["weights_sha256"]) == ("d" * 64, "ab" * 32)
    assert (tags["device"], tags["dtype"], tags["mlflow.source.git.commit"]) == ("cpu", "float32", "abc123")
    assert "| f1 | 0.5000 | 0.4000 | 0.6000 |" in tags["mlflow.note.content"]
    assert "| exact_match | 0.2500 | – | – |" in tags["mlflow.note.content"]
    (data,) = found.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest, data.tags[0].value) == ("all", "d" * 32, "evaluation")
    artifacts = {artifact.path for artifact in tracker.client.list_artifacts(logged.run_id)}
    assert artifacts == {RECORD, JOURNAL, LEDGER, CONFIG}
    assert json.loads((folder / MARK).read_text()) == logged_mark(tracker, logged.run_id, folder)
    assert is_logged(folder, tracker.uri)


@pytest.mark.slow
def test_logging_twice_makes_one_run(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    folder = finished(tmp_path, run_record(task="twice"))
    run = RunFolder(folder).read()
    first = tracker.log(run, folder)
    (folder / MARK).unlink()  # as if the mark was lost
    assert tracker.log(run, folder) == first
    assert len(experiment_runs(tracker, "twice v1")) == 1


@pytest.mark.slow
def test_a_run_that_was_logged_by_half_is_logged_again(
    tmp_path: Path, tracker: Tracker, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = finished(tmp_path, run_record(task="half"))
    run = RunFolder(folder).read()

    def down(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(tracker.client, "log_artifact", down)
        with pytest.raises(StoreError, match="the disk is full"):
            tracker.log(run, folder)
    assert not is_logged(folder, tracker.uri)
    tracker.log(run, folder)
    assert len(experiment_runs(tracker, "half v1", "attributes.status = 'FINISHED'")) == 1


@pytest.mark.slow
def test_fresh_runs_of_one_model_are_logged_apart(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    for run_id in ("abc", "abc-2"):
        folder = finished(tmp_path, run_record(task="apart", run_id=run_id))
        tracker.log(RunFolder(folder).read(), folder)
    assert len(experiment_runs(tracker, "apart v1")) == 2


@pytest.mark.slow
def test_a_new_version_of_a_task_has_an_experiment_of_its_own(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    for version in (1, 2):
        folder = finished(tmp_path, run_record(task="moved", task_version=version, run_id=f"v{version}"))
        tracker.log(RunFolder(folder).read(), folder)
    assert [len(experiment_runs(tracker, f"moved v{version}")) for version in (1, 2)] == [1, 1]


@pytest.mark.slow
def test_a_suite_is_the_parent_of_its_runs(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    parent = tracker.suite("pair", "alpha", seed=3)
    runs = {}
    for task, value in (("one", 0.4), ("two", 0.8)):
        folder = finished(tmp_path, run_record(task=task, value=value))
        runs[task] = RunFolder(folder).read()
        child = tracker.log(runs[task], folder, parent)
        assert tracker.client.get_run(child.run_id).data.tags["mlflow.parentRunId"] == parent
    tracker.finish_suite(parent, runs)
    found = tracker.client.get_run(parent)
    assert found.info.status == "FINISHED"
    assert found.data.metrics == {"one.f1": 0.4, "two.f1": 0.8}
    assert (found.data.tags["suite"], found.data.tags["model"], found.data.tags["seed"]) == ("pair", "alpha", "3")


@pytest.mark.slow
def test_a_configuration_of_many_keys_and_long_values_is_logged(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    config = {"model": {"poles": {f"scale {i}": {"low": ["x" * 9000], "high": []} for i in range(30)}}}
    folder = finished(tmp_path, run_record(task="long", config=config))
    logged = tracker.log(RunFolder(folder).read(), folder)
    assert len(tracker.client.get_run(logged.run_id).data.params) == 60


@pytest.mark.slow
def test_a_configuration_of_more_than_a_hundred_keys_is_logged(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    config = {"model": {f"key{i}": i for i in range(150)}}
    folder = finished(tmp_path, run_record(task="wide", config=config))
    logged = tracker.log(RunFolder(folder).read(), folder)
    assert len(tracker.client.get_run(logged.run_id).data.params) == 150


@pytest.mark.slow
def test_a_configuration_with_signs_in_its_keys_is_logged(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    folder = finished(tmp_path, run_record(task="signs", config={"model": {"labels": {"a,b & c": 1, "d=e": 2}}}))
    assert tracker.log(RunFolder(folder).read(), folder).run_id


@pytest.mark.slow
def test_a_store_that_is_down_is_one_line(tmp_path: Path, run_record: Make) -> None:
    folder = finished(tmp_path, run_record(task="down"))
    with pytest.raises(StoreError) as caught:
        Tracker(NOBODY, tmp_path).log(RunFolder(folder).read(), folder)
    assert str(caught.value).startswith(f"MLflow store {NOBODY}: ")
    assert "\n" not in str(caught.value)
    assert not (folder / MARK).exists()


@pytest.mark.slow
@pytest.mark.parametrize("uri", ["sqlite:////proc/nowhere/mlflow.db", "ftp://127.0.0.1/x"])
def test_a_store_that_cannot_be_is_one_line(tmp_path: Path, run_record: Make, uri: str) -> None:
    folder = finished(tmp_path, run_record(task="down"))
    with pytest.raises(StoreError) as caught:
        Tracker(uri, tmp_path).log(RunFolder(folder).read(), folder)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_an_evaluation_finishes_without_its_store_and_is_logged_later(
    bench_main: Any, store_folder: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["run", "task=finmm_qa", "model=constant", "limit=4", "runs_dir=runs"]
    code, out, err = bench_main(*command, f"tracking.uri={NOBODY}")
    assert code == 0
    assert out[0].startswith("finmm_qa / constant: f1 ")
    (line,) = err
    assert line.startswith(f"bench: MLflow store {NOBODY}: ")
    assert line.endswith("`bench sync` logs it later")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    before = len(experiment_runs(tracker, "finmm_qa v1"))
    assert bench_main("sync", "--runs", "runs")[:2] == (0, [f"1 runs logged to {tracker.uri}"])
    assert bench_main(*command)[0] == 0  # complete and logged: nothing to do
    assert len(experiment_runs(tracker, "finmm_qa v1")) == before + 1


@pytest.mark.slow
def test_a_second_sync_has_nothing_to_do(
    bench_main: Any, tmp_path: Path, tracker: Tracker, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    finished(tmp_path / "runs", run_record(task="second"))
    assert bench_main("sync", "--runs", "runs")[:2] == (0, [f"1 runs logged to {tracker.uri}"])
    assert bench_main("sync", "--runs", "runs")[:2] == (0, [f"0 runs logged to {tracker.uri}"])


@pytest.mark.slow
def test_the_copies_in_the_default_store_are_no_runs(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    folder = finished(tmp_path, run_record(task="copies"))
    beside = Tracker(tracker.uri, tmp_path)  # artifacts go beside the runs, as with the default store
    beside.log(RunFolder(folder).read(), folder)
    assert [found for found, _ in find_runs(tmp_path)] == [folder]


@pytest.mark.slow
def test_a_sync_without_its_store_is_one_line(
    bench_main: Any, tmp_path: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(tmp_path / "runs", run_record())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    code, out, err = bench_main("sync", "--runs", "runs")
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith(f"bench: MLflow store {NOBODY}: ")
    assert err[0].endswith("start the store and run `bench sync` again")


@pytest.mark.slow
def test_a_suite_that_was_logged_has_its_parent(
    bench_main: Any, own_package: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    code, _, _ = bench_main(
        "run", "suite=pair", "suite.tasks=[words,finmm_dialogue]", "model=stub", "limit=6", "seed=10"
    )
    assert code == 0
    (parent,) = experiment_runs(tracker, "suite pair", "tags.model = 'stub' and tags.seed = '10'")
    assert parent.info.status == "FINISHED"
    assert set(parent.data.metrics) == {"words.exact_match", "finmm_dialogue.chrf"}
    for task in ("words", "finmm_dialogue"):
        assert len(experiment_runs(tracker, f"{task} v1", f"tags.mlflow.parentRunId = '{parent.info.run_id}'")) == 1


@pytest.mark.slow
def test_a_suite_that_goes_on_has_all_its_tasks_in_its_parent(
    bench_main: Any, own_package: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    suite = ["run", "suite=pair", "model=stub", "limit=5", "seed=13"]
    for tasks in ("[words]", "[words,finmm_dialogue]"):
        assert bench_main(*suite, f"suite.tasks={tasks}")[0] == 0
    latest, *_ = experiment_runs(tracker, "suite pair", "tags.seed = '13'")
    assert set(latest.data.metrics) == {"words.exact_match", "finmm_dialogue.chrf"}


@pytest.mark.slow
def test_a_suite_swept_over_seeds_has_a_parent_for_each(
    bench_main: Any, own_package: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    command = ["run", "-m", "suite=pair", "suite.tasks=[words]", "model=stub", "limit=4", "seed=11,12"]
    assert bench_main(*command)[0] == 0
    parents = experiment_runs(tracker, "suite pair", "tags.model = 'stub'")
    assert {"11", "12"} <= {parent.data.tags["seed"] for parent in parents}


@pytest.mark.slow
def test_a_run_that_was_scored_again_is_so_in_the_store(
    bench_main: Any, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    for resamples in (50, 1000):
        assert bench_main("run", "task=finmm_qa", "model=random", f"resamples={resamples}", "runs_dir=runs")[0] == 0
    (found,) = (run for run in find_runs(Path("runs")) if "mlartifacts" not in str(run[0]))
    logged = experiment_runs(tracker, "finmm_qa v1", "tags.model = 'random'")
    assert found[1].resamples == 1000
    assert found[1].scores[0].low in [run.data.metrics["f1.low"] for run in logged]
