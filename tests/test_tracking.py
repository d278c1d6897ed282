"""Runs in MLflow: logged once with all that is known of them, and later when the store was down."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import readings as made

from bench.artifacts.digest import digest
from bench.bundles.public import public_run
from bench.commands.shared import references
from bench.errors import BenchError
from bench.record import Run, Timing
from bench.runs.folder import CONFIG, ORIGIN, RECORD, RunFolder, find_runs
from bench.runs.journal import JOURNAL, LEDGER
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.tracking.begun import machine
from bench.tracking.fields import FILES, KEY, LOGGED, flat, key_of, metrics, tags
from bench.tracking.log import Tracker
from bench.tracking.mark import MARK, is_logged, unlogged
from bench.tracking.store import StoreError, default_uri
from bench.types import Prediction

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
    assert [*unlogged([new, old], "here")] == [new]
    assert [*unlogged([new, old], "there")] == [new, old]


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
    assert (metrics["time.seconds.predict"], metrics["time.seconds_per_answer"]) == (8.0, 0.08)
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
    assert artifacts == {RECORD, JOURNAL, LEDGER, CONFIG}  # nor measurements and origin, which this run does not have
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
    assert not experiment_runs(tracker, "half v1")  # the store can be reached, so the half is gone at once
    tracker.log(run, folder)
    assert [one.info.status for one in experiment_runs(tracker, "half v1")] == ["FINISHED"]


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
    for task, value in (("one", 0.4), ("two", 0.8)):
        folder = finished(tmp_path, run_record(task=task, value=value, seed=3))
        child = tracker.log(RunFolder(folder).read(), folder, "pair")
        (parent,) = experiment_runs(tracker, "suite pair", "tags.seed = '3'")
        assert tracker.client.get_run(child.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert parent.info.status == "FINISHED"
    assert {name: parent.data.metrics[name] for name in ("one.f1", "two.f1")} == {"one.f1": 0.4, "two.f1": 0.8}
    assert (parent.data.tags["suite"], parent.data.tags["model"], parent.data.tags["seed"]) == ("pair", "alpha", "3")


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
    assert line.endswith(f"; start the store, and `MLFLOW_TRACKING_URI={NOBODY} bench sync` logs it later")
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
    missing = "bench: the runs directory rnus does not exist; name it with --runs or BENCH_RUNS"
    assert bench_main("sync", "--runs", "rnus") == (2, [], [missing])


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


def test_a_sync_that_cannot_leave_its_mark_in_a_run_is_one_line(
    bench_main: Any, tmp_path: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ReadOnly:
        def __init__(self, *_: object) -> None: ...

        def log(self, *_: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

    finished(tmp_path / "runs", run_record())
    monkeypatch.setattr("bench.tracking.log.Tracker", ReadOnly)
    code, out, err = bench_main("sync", "--runs", "runs")
    assert (code, out, len(err)) == (2, [], 1)
    assert err[0].startswith("bench: runs cannot be written (Read-only file system)")


@pytest.mark.slow
def test_a_suite_that_was_logged_has_its_parent(
    bench_main: Any, own_package: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    code, _, _ = bench_main(
        "run", "suite=pair", "suite.tasks=[words,finmm_dialogue]", "model=stub", "limit=40", "seed=10"
    )
    assert code == 0
    (parent,) = experiment_runs(tracker, "suite pair", "tags.model = 'stub' and tags.seed = '10'")
    assert parent.info.status == "FINISHED"
    assert {"words.exact_match", "finmm_dialogue.bleu_2_contrast"} <= set(parent.data.metrics)
    for board in ("words v1", "finmm_dialogue v2"):
        assert len(experiment_runs(tracker, board, f"tags.mlflow.parentRunId = '{parent.info.run_id}'")) == 1


@pytest.mark.slow
def test_a_suite_that_goes_on_has_all_its_tasks_in_its_parent(
    bench_main: Any, own_package: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    suite = ["run", "suite=pair", "model=stub", "limit=40", "seed=13"]
    for tasks in ("[words]", "[words,finmm_dialogue]"):
        assert bench_main(*suite, f"suite.tasks={tasks}")[0] == 0
    (parent,) = experiment_runs(tracker, "suite pair", "tags.seed = '13'")
    assert {"words.exact_match", "finmm_dialogue.bleu_2_contrast"} <= set(parent.data.metrics)


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


@pytest.mark.slow
def test_a_reading_that_is_added_to_a_logged_run_is_logged_once_with_its_raw_file(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    folder = finished(tmp_path, run_record(task="timed"))
    first = tracker.log(RunFolder(folder).read(), folder)
    made.measure(folder, made.lines([0.1] * 60))
    assert not is_logged(folder, tracker.uri)
    for _ in range(2):
        assert tracker.log(RunFolder(folder).read(), folder) == replace(first, made=False)
    assert is_logged(folder, tracker.uri)
    (logged,) = experiment_runs(tracker, "timed v1")
    assert logged.data.metrics["latency_p50_single_stream"] == pytest.approx(0.1)
    assert logged.data.tags["verdict_single_stream"] == "VALID"
    assert len(tracker.client.get_metric_history(logged.info.run_id, "latency_p50_single_stream")) == 1
    assert (
        len(tracker.client.get_metric_history(logged.info.run_id, "f1")) == 1
    )  # what has not changed is not said again
    (raw,) = tracker.client.list_artifacts(logged.info.run_id, "scenarios")
    assert raw.path == "scenarios/single_stream.jsonl"


def test_the_numbers_of_a_reading_are_named_by_its_scenario_and_claimed_ones_apart(run_record: Make) -> None:
    run = replace(run_record(), scenarios=made.scenarios(made.reading(), made.reading("offline", 0.5)))
    found = metrics(run)
    assert (found["latency_p90_single_stream"], found["examples_per_second_offline"]) == (0.1, 2.0)
    assert not {"latency_p99_single_stream", "latency_p90_offline", "ttft_p50_single_stream"} & set(found)
    theirs = metrics(replace(run, origin={"bundle": "b" * 64}))
    assert "latency_p90_single_stream" not in theirs
    assert theirs["claimed.latency_p90_single_stream"] == 0.1
    invalid = replace(run, scenarios=made.scenarios(made.reading(verdict="INVALID", reasons=["too short"])))
    assert tags(invalid)["verdict_single_stream"] == "INVALID; too short"


@pytest.mark.slow
def test_a_run_with_another_price_is_one_run_of_the_store_with_that_price(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    price = {
        "name": "own",
        "currency": "USD",
        "per_hour": 3.6,
        "per_million": None,
        "date": "2026-01-01",
        "source": "a bill",
    }
    run = run_record(task="priced", price=price, config={"model": {"_target_": "x.Y"}})
    folder = finished(tmp_path, run)
    first = tracker.log(RunFolder(folder).read(), folder)
    RunFolder(folder).amend(replace(run, price=price | {"per_hour": 7.2}))
    again = tracker.log(RunFolder(folder).read(), folder)
    (logged,) = experiment_runs(tracker, "priced v1")
    assert (again.run_id, again.made) == (first.run_id, False)
    assert logged.data.metrics["cost.per_1000"] == pytest.approx(0.16)
    assert logged.data.tags["price.per_hour"] == "7.2"


@pytest.mark.slow
def test_measurements_and_origin_are_logged_where_they_are_there(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    folder = finished(tmp_path, run_record(task="more"))
    (folder / MEASUREMENTS).write_text("{}")
    (folder / ORIGIN).write_text("{}")
    logged = tracker.log(RunFolder(folder).read(), folder)
    assert {one.path for one in tracker.client.list_artifacts(logged.run_id)} == {*FILES}


@pytest.mark.slow
def test_a_run_that_came_in_a_bundle_is_the_run_that_was_made(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    run = run_record(task="bundled", config={"data_dir": "here", "model": {"api_key": "withheld"}})
    first = tracker.log(run, finished(tmp_path / "maker", run))
    brought = replace(public_run(run), files={}, origin={"bundle": "a" * 64, "submitter": "them"})
    folder = finished(tmp_path / "verifier", brought)
    second = tracker.log(brought, folder)
    assert (second.run_id, second.made) == (first.run_id, False)
    assert len(experiment_runs(tracker, "bundled v1")) == 1


@pytest.mark.slow
def test_of_two_who_log_a_run_at_once_the_one_begun_first_stays(
    tmp_path: Path, tracker: Tracker, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = finished(tmp_path, run_record(task="race"))
    run = RunFolder(folder).read()
    other = Tracker(tracker.uri, tmp_path)
    done = []

    def meanwhile(*given: Any, **named: Any) -> Any:
        if not done:
            done.append(other.log(run, folder))
        return create(*given, **named)

    create = tracker._create
    monkeypatch.setattr(tracker, "_create", meanwhile)  # behind the first look, before anything is made
    assert tracker.log(run, folder).run_id == done[0].run_id
    assert [one.info.run_id for one in experiment_runs(tracker, "race v1")] == [done[0].run_id]


@pytest.mark.slow
def test_a_slower_one_whose_half_was_deleted_has_the_run_of_the_quicker(
    tmp_path: Path, tracker: Tracker, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = finished(tmp_path, run_record(task="slower"))
    run = RunFolder(folder).read()
    other = Tracker(tracker.uri, tmp_path)
    done = []

    def meanwhile(*given: Any, **named: Any) -> Any:
        if not done:
            done.append(other.log(run, folder))
        return inputs(*given, **named)

    inputs = tracker.client.log_inputs
    with monkeypatch.context() as patch:
        patch.setattr(tracker.client, "log_inputs", meanwhile)  # its run is there and unfinished
        assert tracker.log(run, folder).run_id == done[0].run_id
    assert [one.info.run_id for one in experiment_runs(tracker, "slower v1")] == [done[0].run_id]


@pytest.mark.slow
def test_doubles_of_an_earlier_day_become_one(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    folder = finished(tmp_path, run_record(task="doubles"))
    run = RunFolder(folder).read()
    experiment = tracker._board(run)
    made = [tracker._create(run, folder, experiment, {KEY: key_of(run)}, None) for _ in range(3)]
    for i, run_id in enumerate(made):
        tracker.client.set_tag(run_id, LOGGED, str(1000 - i))  # the last was begun first
    assert tracker.log(run, folder).run_id == made[2]
    assert [one.info.run_id for one in experiment_runs(tracker, "doubles v1")] == made[2:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "age", "stays"),
    [("elsewhere 1", 60, True), ("elsewhere 1", 7200, False), ("here {init}", 60, True), ("here {gone}", 60, False)],
)
def test_an_unfinished_run_goes_only_when_nobody_will_finish_it(
    tmp_path: Path, tracker: Tracker, run_record: Make, by: str, age: int, stays: bool
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folder = finished(tmp_path, run_record(task=f"left {by} {age}"))
    run = RunFolder(folder).read()
    experiment = tracker._board(run)
    tags = {
        KEY: key_of(run), LOGGED: str((time.time() - age) * 1000),
        "finai_bench.by": by.format(init=os.getppid(), gone=gone.pid).replace("here", machine()),
    }  # fmt: skip
    left = tracker.client.create_run(experiment, tags=tags).info.run_id
    logged = tracker.log(run, folder).run_id
    there = {one.info.run_id: one.info.status for one in experiment_runs(tracker, f"{run.task} v1")}
    assert there == {logged: "FINISHED"} | ({left: "RUNNING"} if stays else {})


SYNC = """
import sys
from bench.cli import main
from pathlib import Path
import time
print("ready", flush=True)
sys.stdin.readline()
sys.exit(main(["sync", "--json", "--runs", sys.argv[1]]))
"""


@pytest.mark.slow
def test_two_processes_that_sync_the_same_runs_make_one_of_each(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    for name in ("mine", "yours"):  # two runs directories, one store
        for i in range(12):
            finished(tmp_path / name, run_record(f"model-{i}", task="both"))
    environment = os.environ | {"MLFLOW_TRACKING_URI": tracker.uri}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", SYNC, str(tmp_path / name)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for name in ("mine", "yours")
    ]  # fmt: skip
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    found = experiment_runs(tracker, "both v1")
    assert sorted(one.data.tags["model"] for one in found) == sorted(f"model-{i}" for i in range(12))
    assert {one.info.status for one in found} == {"FINISHED"}
    marks = {json.loads(path.read_text())["run_id"] for path in tmp_path.glob("*/both/*/*/mlflow.json")}
    assert marks >= {one.info.run_id for one in found}


@pytest.mark.slow
def test_a_damaged_run_does_not_keep_others_from_the_store(
    bench_main: Any, tmp_path: Path, tracker: Tracker, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    finished(tmp_path / "runs", run_record(task="sound"))
    (finished(tmp_path / "runs", run_record(task="damaged")) / RECORD).write_text("{")
    code, out, err = bench_main("sync", "--runs", "runs")
    assert (code, out) == (2, [f"1 runs logged to {tracker.uri}; 1 are left out"])  # which is no success for a cron job
    assert len(err) == 1
    assert "damaged" in err[0]
    assert "is not a run record" in err[0]


@pytest.mark.slow
def test_a_store_is_read_as_the_runs_directory_is(
    bench_main: Any, tmp_path: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(3):
        finished(tmp_path / "runs", run_record(f"model-{i}", value=0.2 + i / 10))
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    store = default_uri(tmp_path / "runs")
    assert bench_main("sync", "--runs", "runs")[0] == 0
    code, (line,), err = bench_main("board", "squad_v1", "--runs", "runs", "--json")
    here = (code, [line.replace('"run here"', '"in the store"')], err)  # whoever may write there is trusted with it
    assert bench_main("board", "squad_v1", "--store", store, "--json") == here
    # what comes later, or is deleted, shows in the next board
    folder = finished(tmp_path / "runs", run_record("late", value=0.9))
    tracker = Tracker(store, tmp_path / "runs")
    late = tracker.log(RunFolder(folder).read(), folder)
    (table,) = json.loads(bench_main("board", "squad_v1", "--store", store, "--json")[1][-1])["squad_v1"]
    assert [row["model"] for row in table["rows"]] == ["late", "model-2", "model-1", "model-0"]
    tracker.client.delete_run(late.run_id)
    assert bench_main("board", "squad_v1", "--store", store, "--json") == here
    tracker.client.restore_run(late.run_id)
    assert '"late"' in bench_main("board", "squad_v1", "--store", store, "--json")[1][-1]


@pytest.mark.slow
def test_a_run_of_a_store_is_downloaded_once_as_a_run_folder(
    tmp_path: Path,
    tracker: Tracker,
    run_record: Make,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    folder = finished(tmp_path, run_record(task="down"))
    logged = tracker.log(RunFolder(folder).read(), folder)
    capfd.readouterr()
    found = references.one(f"mlflow:{logged.run_id}", tmp_path)
    assert capfd.readouterr() == ("", "")  # no bar of MLflow's for each file
    assert RunFolder(found).read() == RunFolder(folder).read()
    assert [*RunFolder(found).predictions()] == [*RunFolder(folder).predictions()]
    assert (tmp_path / "cache") in found.parents
    tracker.client.delete_run(logged.run_id)
    assert references.one(f"mlflow:{logged.run_id}", tmp_path) == found  # no second look
    assert references.one(logged.run_id, tmp_path) == found  # nothing here has so long an id


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reason"),
    [("0" * 32, "is not in sqlite"), ("../../etc", "is no id of a run"), ("", "is no id of a run")],
)
def test_an_id_that_is_no_run_of_the_store_is_one_line(
    tmp_path: Path, tracker: Tracker, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    with pytest.raises(BenchError, match=reason) as caught:
        references.one(f"mlflow:{name}", tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("uri", [NOBODY, "sqlite:///nowhere.db"])
def test_a_board_of_a_store_that_is_not_there_is_one_line(bench_main: Any, uri: str) -> None:
    code, out, err = bench_main("board", "--store", uri)
    assert (code, out, len(err)) == (2, [], 1)
    assert uri in err[0]
    assert not Path("nowhere.db").exists()


@pytest.mark.slow
def test_runs_of_a_store_that_cannot_be_shown_are_said_and_those_of_an_earlier_version_are_shown(
    bench_main: Any, tmp_path: Path, tracker: Tracker, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bench.tracking.log.LOGGED", "earlier")  # as if it had not been logged
    places = {}
    for name in ("kept", "lost"):
        run = run_record(name, task="squad_v1", data_fingerprint="9" * 64)
        logged = tracker.log(run, finished(tmp_path / "runs", run))
        places[name] = tracker.client.get_run(logged.run_id).info.artifact_uri
    monkeypatch.undo()
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (Path(places["lost"].removeprefix("file://")) / RECORD).unlink()
    code, out, err = bench_main("board", "squad_v1", "--store", tracker.uri, "--json")
    tables = json.loads(out[-1])["squad_v1"]
    assert (code, [[row["model"] for row in one["rows"]] for one in tables]) == (0, [["kept"]])
    assert len(err) == 1
    assert "left out: 1 runs of sqlite" in err[0]
