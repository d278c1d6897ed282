"""Models in MLflow: one for each revision on a board, to which the metrics of its runs belong."""

from __future__ import annotations

import contextlib
import multiprocessing
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_tracking import finished

from bench.record import Run
from bench.runs.folder import RunFolder
from bench.tracking import models
from bench.tracking.fields import LOGGED
from bench.tracking.log import Tracker
from bench.tracking.store import default_uri

Make = Callable[..., Run]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Tracker:
    folder = tmp_path_factory.mktemp("models")
    return Tracker(default_uri(folder), folder)


def logged(tracker: Tracker, folder: Path, run: Run) -> Any:
    there = finished(folder, run)
    return tracker.client.get_run(tracker.log(RunFolder(there).read(), there).run_id)


def models_of(tracker: Tracker, board: str) -> list[Any]:
    found = tracker.client.get_experiment_by_name(board)
    return list(tracker.client.search_logged_models([found.experiment_id]))


def test_runs_of_one_revision_share_a_model_and_their_metrics_are_its_own(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    first = run_record(task="shared")
    other = replace(first, run_id="other", seed=1, created="2026-11-02T00:00:00+00:00")
    new = replace(first, run_id="new", model_revision="another")
    runs = [logged(tracker, tmp_path, run) for run in (first, other, new)]
    ids = [models.of_logged(run) for run in runs]
    assert ids[0] == ids[1] != ids[2]
    found = {one.model_id: one for one in models_of(tracker, "shared v1")}
    assert set(found) == set(ids)
    model = found[ids[0]]
    assert (model.name, str(model.status), model.model_type) == ("alpha", "READY", "shared")
    assert model.tags["mlflow.model.isExternal"] == "true"
    assert (model.params["weights_sha256"], model.params["chat"]) == ("ab" * 32, "True")
    scores = [one for one in model.metrics if one.key == "f1"]
    assert {(one.run_id, one.value) for one in scores} == {(run.info.run_id, 0.5) for run in runs[:2]}
    assert {(one.dataset_name, one.dataset_digest) for one in scores} == {("shared", "d" * 32)}
    assert not [one for one in model.metrics if one.key == LOGGED]
    assert [one.dataset.name for one in runs[0].inputs.dataset_inputs] == ["shared"]


def test_a_model_of_another_configuration_or_board_is_another(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    first = run_record(task="one")
    otherwise = replace(first, run_id="x", config={**first.config, "model": {"chat": False}})
    logged(tracker, tmp_path, first)
    logged(tracker, tmp_path, otherwise)
    logged(tracker, tmp_path, run_record(task="two"))
    assert [len(models_of(tracker, board)) for board in ("one v1", "two v1")] == [2, 1]


def test_a_run_that_is_scored_again_gives_its_model_the_new_score(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    run = run_record(task="again")
    before = logged(tracker, tmp_path, run)
    folder = RunFolder(tmp_path / run.task / run.model / run.run_id)
    score = replace(run.scores[0], value=0.75)
    folder.amend(replace(folder.read(), scores=(score, *run.scores[1:]), history=({"scores": []},)))
    tracker.log(folder.read(), folder.path)
    (model,) = models_of(tracker, "again v1")
    assert models.of_logged(before) == model.model_id
    assert max((one.step, one.value) for one in model.metrics if one.key == "f1")[1] == 0.75


def test_a_name_that_mlflow_takes_for_no_model_is_written_otherwise(
    tmp_path: Path, tracker: Tracker, run_record: Make
) -> None:
    run = replace(run_record(task="named"), model="a:b.c%d'e\"f")
    made = tracker._models.of(tracker._board(run), run)
    assert made is not None
    assert tracker.client.get_logged_model(made).name == "a_b_c_d_e_f"


def _at_once(uri: str, folder: str, run: Run, barrier: Any, found: Any) -> None:
    tracker = Tracker(uri, Path(folder))
    board = tracker._board(run)
    barrier.wait()
    found.put(tracker._models.of(board, run))


def test_of_processes_that_make_a_model_at_once_one_is_kept(tmp_path: Path, tracker: Tracker, run_record: Make) -> None:
    run = run_record(task="race")
    tracker._board(run)
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(4), context.Queue()
    them = [context.Process(target=_at_once, args=(tracker.uri, str(tmp_path), run, barrier, found)) for _ in range(4)]
    for one in them:
        one.start()
    for one in them:
        one.join(120)
    assert [one.exitcode for one in them] == [0] * 4
    (model,) = models_of(tracker, "race v1")
    assert model.model_id in {found.get() for _ in them}


def test_who_is_ready_first_stays_also_where_another_read_the_clock_before_it_and_was_seen_later(
    tmp_path: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (Tracker(default_uri(tmp_path), tmp_path) for _ in range(2))
    run = run_record(task="slow")
    board = one._board(run)
    create, found = one.client.create_logged_model, []

    def late(*given: Any, **more: Any) -> Any:
        """As a database does that reads the clock and then waits for another's write: the other has looked meanwhile."""
        found.append(other._models.of(board, run))
        made = create(*given, **more)
        with contextlib.closing(sqlite3.connect(default_uri(tmp_path).removeprefix("sqlite:///"))) as base, base:
            base.execute("UPDATE logged_models SET creation_timestamp_ms = 1 WHERE model_id = ?", (made.model_id,))
        return made

    monkeypatch.setattr(one.client, "create_logged_model", late)
    mine = one._models.of(board, run)
    (stays,) = models_of(one, "slow v1")
    assert found == [mine] == [stays.model_id]


def test_a_model_whose_maker_was_killed_before_it_was_ready_is_taken_by_nobody(
    tmp_path: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_ANNOUNCED_SECONDS", 0.2)
    tracker, run = Tracker(default_uri(tmp_path), tmp_path), run_record(task="killed")
    board = tracker._board(run)
    left = tracker.client.create_logged_model(board, name="m", tags={models.KEY: models.key_of(run)})
    made = tracker._models.of(board, run)
    assert made not in (None, left.model_id)
    assert Tracker(default_uri(tmp_path), tmp_path)._models.of(board, run) == made


def test_a_server_without_models_takes_runs_and_one_line_says_so(
    tmp_path: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def unknown(*_: object, **__: object) -> None:
        raise MlflowException(
            "API request to endpoint /api/2.0/mlflow/logged-models/search failed with error code 404 != 200. Response body: ''"
        )

    tracker = Tracker(default_uri(tmp_path), tmp_path)
    monkeypatch.setattr(MlflowClient, "search_logged_models", unknown)
    for task in ("old", "older"):
        run = logged(tracker, tmp_path, run_record(task=task))
        assert (run.data.metrics["f1"], models.of_logged(run)) == (0.5, None)
    assert capsys.readouterr().err.count("of a version without models of their own") == 1
    monkeypatch.setattr(
        MlflowClient,
        "search_logged_models",
        lambda *_, **__: (_ for _ in ()).throw(MlflowException("the disk is full")),
    )
    with pytest.raises(Exception, match="the disk is full"):
        logged(Tracker(default_uri(tmp_path), tmp_path), tmp_path, run_record(task="third"))
