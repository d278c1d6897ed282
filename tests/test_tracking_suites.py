"""A suite's parent in MLflow begins with its earliest run and ends with its latest, whoever logs them and when."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from test_tracking import finished

from bench.record import Run
from bench.runs.folder import RunFolder
from bench.tracking.log import Tracker
from bench.tracking.mark import MARK
from bench.tracking.store import default_uri

pytestmark = pytest.mark.slow
Make = Callable[..., Run]
CREATED = {"one": "2026-01-02T03:00:10+00:00", "two": "2026-01-02T03:00:30+00:00", "six": "2026-01-02T04:00:00+00:00"}
FIRST, LAST = 1767322800000, 1767326400000  # 03:00:00, when "one" began (10 s before its end), and 04:00:00
SUITE = {"suite": {"name": "three", "tasks": list(CREATED), "limits": {}}}


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Tracker:
    folder = tmp_path_factory.mktemp("store")
    return Tracker(default_uri(folder), folder)


def child(folder: Path, run_record: Make, task: str, name: str, **more: Any) -> tuple[Run, Path]:
    """A run of a suite's task in a folder of its own; its model has the name of the test, so that all share a store."""
    run = run_record(name, task=task, **{"created": CREATED[task], "config": {}} | more)
    return run, finished(folder, run)


def parents(tracker: Tracker, model: str, suite: str = "three") -> list[Any]:
    found = tracker.client.get_experiment_by_name(f"suite {suite}")
    runs = tracker.client.search_runs([found.experiment_id]) if found else []
    return [one for one in runs if one.data.tags["model"] == model]


def below(tracker: Tracker, parent: Any, tasks: Mapping[str, Any] = CREATED) -> set[str]:
    boards = [tracker.client.get_experiment_by_name(f"{task} v1").experiment_id for task in tasks]
    found = tracker.client.search_runs(boards, f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    return {one.data.tags["task"] for one in found}


@pytest.mark.parametrize("order", list(itertools.permutations(CREATED)))
def test_a_parent_spans_its_runs_in_whatever_order_they_are_logged(
    tmp_path: Path, tracker: Tracker, run_record: Make, order: tuple[str, ...]
) -> None:
    name = "-".join(order)
    for task in order:
        tracker.log(*child(tmp_path, run_record, task, name), "three")
        assert {one.info.status for one in parents(tracker, name)} == {"FINISHED"}  # whatever ends the sweep now
    (parent,) = parents(tracker, name)
    assert (parent.info.start_time, parent.info.end_time) == (FIRST, LAST)
    metrics = parent.data.metrics
    assert (metrics["one.f1"], metrics["time.seconds.total"], metrics["time.seconds.paused"]) == (0.5, 30.0, 3570.0)
    assert below(tracker, parent) == set(CREATED)


def test_a_suite_of_which_all_is_logged_is_left_as_it_stands(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    made = [child(tmp_path, run_record, task, "again") for task in CREATED]
    for _ in range(2):
        for run, folder in made:
            tracker.log(run, folder, "three")
        (parent,) = parents(tracker, "again")
        assert (parent.info.start_time, parent.info.end_time) == (FIRST, LAST)
    assert {json.loads((folder / MARK).read_text())["suites"][0] for _, folder in made} == {"three"}


def test_runs_that_were_logged_alone_before_stand_below_the_suite_that_comes(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    made = [child(tmp_path, run_record, task, "before") for task in CREATED]
    alone = [tracker.log(run, folder).run_id for run, folder in made]
    assert parents(tracker, "before") == []
    assert [tracker.log(run, folder, "three").run_id for run, folder in made] == alone
    (parent,) = parents(tracker, "before")
    assert below(tracker, parent) == set(CREATED)


def test_a_sync_makes_the_parent_that_the_records_name(
    tmp_path: Path, tracker: Tracker, run_record: Make, bench_main: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    for task in CREATED:
        child(tmp_path / "runs", run_record, task, "synced", config=SUITE)
    theirs = {"bundle": "a" * 64, "submitter": "them"}
    child(tmp_path / "runs", run_record, "one", "brought", config=SUITE, origin=theirs)
    assert bench_main("sync", "--runs", str(tmp_path / "runs"))[0] == 0
    (parent,) = parents(tracker, "synced")
    assert (parent.info.start_time, parent.info.end_time, below(tracker, parent)) == (FIRST, LAST, set(CREATED))
    assert parents(tracker, "brought") == []  # nobody here ran a suite of it


def test_a_fresh_suite_has_a_parent_of_its_own_and_one_that_goes_on_finds_that_which_was_asked_alike(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    short = {"run_id": "5" * 12, "limit": 5}
    tracker.log(*child(tmp_path, run_record, "one", "apart", **short), "three")
    for run_id in ("0123456789ab", "0123456789ab-2"):
        tracker.log(*child(tmp_path, run_record, "one", "apart", run_id=run_id), "three")
    assert len(parents(tracker, "apart")) == 3
    tracker.log(*child(tmp_path, run_record, "two", "apart", **short), "three")  # the one with a limit goes on
    held = {one.data.tags["finai_bench.way"]: below(tracker, one) for one in parents(tracker, "apart")}
    assert sorted(map(sorted, held.values())) == [["one"], ["one", "two"]]


def test_a_run_of_two_suites_stays_below_the_first(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    run, folder = child(tmp_path, run_record, "one", "both")
    for suite in ("three", "other"):
        tracker.log(run, folder, suite)
    assert below(tracker, parents(tracker, "both")[0], {"one": 0}) == {"one"}
    (other,) = parents(tracker, "both", "other")
    assert (other.info.start_time, other.info.end_time - other.info.start_time) == (FIRST, 10_000)
    assert json.loads((folder / MARK).read_text())["suites"] == ["other", "three"]


def test_a_parent_of_an_earlier_version_gives_way_to_one_that_lasts_as_long_as_its_runs(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    run, folder = child(tmp_path, run_record, "one", "earlier")
    logged = tracker.log(run, folder).run_id
    experiment = tracker.client.get_experiment_by_name("suite three") or tracker.client.get_experiment(
        tracker.client.create_experiment("suite three")
    )
    old = tracker.client.create_run(
        experiment.experiment_id, run_name="earlier", tags={"model": "earlier", "suite": "three", "seed": "0"}
    ).info.run_id
    tracker.client.set_tag(logged, "mlflow.parentRunId", old)
    tracker.log(run, folder, "three")
    (parent,) = parents(tracker, "earlier")
    assert (parent.info.run_id == old, below(tracker, parent, {"one": 0})) == (False, {"one"})
    assert tracker.client.get_run(old).info.lifecycle_stage == "deleted"


def test_experiments_that_were_there_before_are_marked(tmp_path: Path, run_record: Make) -> None:
    tracker = Tracker(default_uri(tmp_path), tmp_path)
    made = tracker.client.create_experiment("one v1")
    tracker.log(*child(tmp_path, run_record, "one", "late"))
    tags = tracker.client.get_experiment(made).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    columns = json.loads(json.loads(tags["mlflow.sharedViewState.finai-bench"])["state"])["selectedColumns"]
    wanted = ["f1", "f1.low", "f1.high", "time.seconds_per_answer"]
    assert columns[-4:] == [f"metrics.`{name}`" for name in wanted]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_stops_a_sweep_leaves_no_parent_open(
    bench_main: Any, tracker: Tracker, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    from bench.commands.shared import jobs

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    evaluate, name = jobs.evaluate, f"constant-{stop.__name__}"

    def once(task: Any, model: Any, _: str, *rest: Any, **more: Any) -> Any:
        if task.name != "finmm_qa":
            raise stop
        return evaluate(task, model, name, *rest, **more | {"ground": None})

    monkeypatch.setattr(jobs, "evaluate", once)
    with suppress(stop):  # what the command makes of it is not asked here
        bench_main("run", "suite=mini", "model=constant", "limit=4", "runs_dir=runs")
    (parent,) = parents(tracker, name, "mini")
    assert (parent.info.status, RunFolder(next(Path("runs/finmm_qa").glob("*/*"))).read().model) == ("FINISHED", name)
    assert parent.info.end_time - parent.info.start_time < 1000
