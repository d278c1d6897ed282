"""Processes that meet in one store, a store that was exchanged, and one that is not what it seems: exactly once all the same."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.artifacts.digest import digest
from bench.machine import lives
from bench.record import Run
from bench.runs.folder import RECORD
from bench.tracking import begun, locks, suites, trainings
from bench.tracking.fields import KEY, key_of
from bench.tracking.log import Tracker
from bench.tracking.mark import MARK, is_logged
from bench.tracking.races import is_being_made, is_lost, is_unreachable, retried
from bench.tracking.remedies import said
from bench.tracking.store import StoreError, connect, store_errors

Make = Callable[..., Run]


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    return Tracker(f"sqlite:///{tmp_path}/store.db", tmp_path / "runs")


@pytest.fixture
def finished(tmp_path: Path, run_record: Make) -> Callable[..., tuple[Run, Path]]:
    def make(task: str = "words", **more: Any) -> tuple[Run, Path]:
        run = run_record(task=task, **more)
        folder = tmp_path / "runs" / task / run.model / run.run_id
        folder.mkdir(parents=True)
        (folder / RECORD).write_text(json.dumps(run.to_json()))
        return run, folder

    return make


def active(tracker: Tracker, name: str) -> list[Any]:
    experiment = tracker.client.get_experiment_by_name(name)
    return [*tracker.client.search_runs([experiment.experiment_id])] if experiment else []


@pytest.mark.parametrize(
    "text",
    [
        "(sqlite3.IntegrityError) UNIQUE constraint failed: experiment_tags.key",
        '(psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "experiment_tag_pk"',
        "(pymysql.err.IntegrityError) (1062, \"Duplicate entry 'x' for key 'PRIMARY'\")",
        "(psycopg2.errors.DeadlockDetected) deadlock detected",
    ],
)
def test_what_another_process_spoils_in_passing_is_done_again_whatever_the_database(text: str) -> None:
    from mlflow.exceptions import MlflowException

    failures = [MlflowException(text), MlflowException(text)]

    def act() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert retried(act, pause=0.0) == "done"
    assert not failures


def test_what_does_not_pass_is_raised_at_once_and_what_does_not_end_in_time() -> None:
    from mlflow.exceptions import MlflowException

    asked: list[str] = []

    def act(text: str) -> None:
        asked.append(text)
        raise MlflowException(text)

    with pytest.raises(MlflowException):
        retried(lambda: act("no such thing"))
    assert len(asked) == 1
    with pytest.raises(MlflowException):
        retried(lambda: act("deadlock detected"), seconds=0.0)
    asked.clear()
    with pytest.raises(MlflowException):
        retried(lambda: act("deadlock detected"), seconds=0.0, tries=4, pause=0.0)  # the seconds of a busy machine
    assert len(asked) == 4
    assert is_being_made(ValueError('relation "runs" already exists'))
    assert not is_being_made(ValueError('FATAL:  database "nowhere" does not exist'))
    assert is_unreachable(ValueError("API request to http://x failed with exception HTTPConnectionPool"))
    assert not is_lost(ValueError("Connection refused"))


@pytest.mark.parametrize(
    ("revision", "remedy"), [("451aebb31d03", "`mlflow db upgrade sqlite:///"), ("feedface", "use the newer")]
)
def test_a_database_of_another_mlflow_is_left_as_it_is(tmp_path: Path, revision: str, remedy: str) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        db.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        db.commit()
    with pytest.raises(StoreError, match="database schema") as caught:
        connect(f"sqlite:///{path}")
    assert remedy in caught.value.remedy
    with closing(sqlite3.connect(path)) as db:  # MLflow alone would bring it up to date without a word
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("alembic_version",)]


def test_an_answer_that_no_store_gives_is_one_line_and_a_fault_of_ours_stays_one() -> None:
    with pytest.raises(StoreError, match="it answers as no MLflow store does"), store_errors("http://x"):
        json.loads("<html>")
    with pytest.raises(ValueError, match="ours"), store_errors("http://x"):
        begun.begun(type("One", (), {"data": type("Data", (), {"tags": {"finai_bench.logged": "ours"}})}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('FATAL:  password authentication failed for user "bench"', "put the right name and password"),
        ('FATAL:  database "nowhere" does not exist', "make that database"),
        ("FATAL:  sorry, too many clients already", "wait until others have ended"),
        ("permission denied for schema public", "give its user the rights"),
        ("API request to endpoint /x failed with error code 401 != 200", "put the right name and password"),
        ("connection to server failed: Connection refused", "start the store"),
        ('invalid sslmode value: "bogus"', "correct what stands behind the ?"),
        ("server does not support SSL, but SSL was required", "correct what stands behind the ?"),
    ],
)
def test_what_a_server_refuses_is_said_with_what_helps(text: str, remedy: str) -> None:
    assert said(OSError(text))[1].startswith(remedy)


_ASKED = "API request to http://h:1/x failed with exception HTTPConnectionPool(host='h', port=1): Max retries exceeded with url: /x"


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("API request to endpoint /x failed with error code 401 != 200. Response body: 'You are not authenticated. " + 200 * "x",
         "it answers 401 (Unauthorized)", "put the right name and password"),
        ("API request to endpoint /x failed with error code 403 != 200. Response body: 'Permission denied'",
         "it answers 403 (Forbidden: Permission denied)", "ask who keeps the store for that right"),
        ("API request to endpoint /x failed with error code 403 != 200. Response body: 'Invalid Host header - possible attack'",
         "it answers 403 (Forbidden: Invalid Host header - possible attack)", "ask it by a name that it takes"),
        (f"{_ASKED} (Caused by ResponseError('too many 429 error responses'))",
         "it answers 429 (Too Many Requests)", "wait until it takes more requests"),
        (f"{_ASKED} (Caused by ResponseError('too many 502 error responses'))", "it answers 502 (Bad Gateway)", "start the store"),
        ("API request to endpoint /x failed with error code 404 != 200. Response body: '<html>no</html>'",
         "it answers 404 (Not Found)", "name the address of an MLflow store"),
        ("413 Client Error: Request Entity Too Large for url: http://h/x. Response text: nope",
         "it answers 413 (Request Entity Too Large: nope)", "let the server, and the proxy before it"),
        ("API request to endpoint was successful but the response body was not in a valid JSON format. Response body: '<html>'",
         "it answers as no MLflow store does (no JSON)", "name the address of an MLflow store"),
        ("API request to http://h:1/x failed with exception Exceeded 30 redirects.",
         "API request to http://h:1/x failed with exception Exceeded 30 redirects.", "name the address of an MLflow store"),
        (f"{_ASKED} (Caused by NewConnectionError(\"HTTPConnection(host='h', port=1): Failed to establish a new connection: "
         "[Errno 111] Connection refused\"))",
         "it cannot be asked (Failed to establish a new connection: [Errno 111] Connection refused)", "start the store"),
        (f"{_ASKED} (Caused by NameResolutionError(\"HTTPConnection(host='h', port=1): Failed to resolve 'h' ([Errno -2] Name or "
         "service not known)\"))",
         "it cannot be asked (Failed to resolve 'h' ([Errno -2] Name or service not known))", "correct the name of its machine"),
        (f"{_ASKED} (Caused by SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)')))",
         "it cannot be asked (1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006))", "see whether it is http:"),
        (f"{_ASKED} (Caused by ReadTimeoutError(\"HTTPConnectionPool(host='h', port=1): Read timed out. (read timeout=2)\"))",
         "it cannot be asked (Read timed out. (read timeout=2))", "start the store"),
        (f"{_ASKED} (Caused by ProxyError('Unable to connect to proxy', OSError(\"Tunnel connection failed: 407 Proxy\")))",
         "it cannot be asked (Unable to connect to proxy', \"Tunnel connection failed: 407 Proxy)", "correct the proxy"),
        ("API request to http://h:1/x failed with exception Invalid leading whitespace, reserved character(s), or return "
         "character(s) in header value: 'Bearer withheld", None, "put the right name and password"),
    ],
)  # fmt: skip
def test_what_a_server_answers_is_said_in_short_with_what_helps(text: str, line: str | None, remedy: str) -> None:
    found = said(OSError(text))
    assert (found[0] if line else None, found[1].startswith(remedy)) == (line, True)


class _Forbidding:
    """A client of somebody who may log runs and delete none, as MLflow's basic auth has it for experiments that others made."""

    def __init__(self, client: Any, *names: str) -> None:
        self._client, self._names = client, names

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            return getattr(self._client, name)

        def forbidden(*given: Any, **more: Any) -> None:
            from mlflow.exceptions import MlflowException

            raise MlflowException(
                "API request to endpoint /x failed with error code 403 != 200. Response body: 'Permission denied'"
            )

        return forbidden


@pytest.mark.slow
def test_who_may_not_delete_runs_logs_and_syncs_all_the_same(
    tracker: Tracker, finished: Any, bench_main: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    run, folder = finished()
    tracker.log(run, folder)
    experiment = tracker.client.get_experiment_by_name("words v1").experiment_id
    half = tracker.client.create_run(
        experiment, tags={KEY: key_of(run), **begun.signed(1000 * time.time())}
    ).info.run_id
    twice = tracker.client.create_run(
        experiment, tags={KEY: key_of(run), **begun.signed(2000 * time.time())}
    ).info.run_id
    tracker.client.set_terminated(twice)
    monkeypatch.setattr(
        "bench.tracking.log.connect", lambda uri: _Forbidding(connect(uri), "delete_run", "delete_logged_model")
    )
    for left in ("; 2 that were begun and never finished, or were there twice, are deleted", ""):
        assert bench_main("sync")[:2] == (0, [f"0 runs logged to {tracker.uri}{left}"])
    states = {one.info.run_id: one.info.status for one in active(tracker, "words v1")}
    assert (states.pop(half), states.pop(twice), [*states.values()]) == ("KILLED", "KILLED", ["FINISHED"])
    code, out, _ = bench_main("board", "--store", tracker.uri, "--json")
    assert (code, out[0].count(run.run_id)) == (0, 1)
    (folder / MARK).write_text(json.dumps(json.loads((folder / MARK).read_text()) | {"run_id": twice}))
    assert bench_main("sync")[0] == 0  # the mark of one that was given up leads to the one that stays
    assert json.loads((folder / MARK).read_text())["run_id"] == next(iter(states))


@pytest.mark.slow
def test_a_board_that_is_forbidden_keeps_the_runs_of_no_other_from_the_store(
    tracker: Tracker, finished: Any, bench_main: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    for task in ("a_words", "b_words", "c_words"):
        finished(task=task)
    finished(task="a_words", run_id="other")

    class Some(_Forbidding):
        def get_experiment_by_name(self, name: str) -> Any:
            return _Forbidding(None, "x").x() if name == "a_words v1" else self._client.get_experiment_by_name(name)

    monkeypatch.setattr("bench.tracking.log.connect", lambda uri: Some(connect(uri)))
    code, out, err = bench_main("sync")
    assert (code, out) == (2, [f"2 runs logged to {tracker.uri}; 2 are left out"])
    assert err == [
        f"bench: MLflow store {tracker.uri}: it answers 403 (Forbidden: Permission denied) to runs of 'a_words v1'; ask who keeps "
        "the store for that right, or log in as another by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD and run "
        "`bench sync` again"
    ]


def test_a_server_may_not_say_how_long_an_evaluation_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", raising=False)
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    connect("http://127.0.0.1:9")
    assert os.environ["MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER"] == "false"
    assert int(os.environ["PGCONNECT_TIMEOUT"]) <= 10


@pytest.mark.slow
def test_a_store_that_takes_a_run_and_does_not_show_it_has_not_got_it(
    tracker: Tracker, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = finished()
    monkeypatch.setattr("bench.tracking.log.settled", lambda *_: None)
    with pytest.raises(StoreError, match="does not show it"):
        tracker.log(run, folder)
    assert not is_logged(folder, tracker.uri)


@pytest.mark.slow
def test_a_store_that_fails_to_look_for_a_logged_run_does_not_get_it_twice(
    tracker: Tracker, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException

    run, folder = finished()
    tracker.log(run, folder)

    def down(_: str) -> None:
        raise MlflowException("API request failed with exception")

    (folder / RECORD).write_text(json.dumps(run.to_json()) + " ")  # scored again, with another key
    with monkeypatch.context() as patch:
        patch.setattr(tracker.client, "get_run", down)
        with pytest.raises(StoreError):
            tracker.log(run, folder)
    assert len(active(tracker, "words v1")) == 1


@pytest.mark.slow
def test_parents_that_processes_have_made_at_once_become_one_with_all_their_runs(
    tracker: Tracker, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [finished(task, config={"suite": {"name": "two"}}) for task in ("one", "two")]
    with monkeypatch.context() as patch:  # neither sees the other's parent, nor looks again
        patch.setattr(suites, "_group", lambda *_: [])
        patch.setattr(suites, "kept", lambda *given: given[-1])
        for run, folder in made:
            tracker.log(run, folder)
    assert len(active(tracker, "suite two")) == 2
    for run, folder in made:
        (folder / MARK).unlink()
        tracker.log(run, folder)
    (parent,) = active(tracker, "suite two")
    assert {key for key in parent.data.tags if "run_of" in key} == {"finai_bench.run_of.one", "finai_bench.run_of.two"}
    below = [one.data.tags[suites.PARENT] for name in ("one v1", "two v1") for one in active(tracker, name)]
    assert below == [parent.info.run_id] * 2


@pytest.mark.slow
def test_a_sync_logs_again_what_an_exchanged_store_lacks_but_not_what_a_person_deleted(
    finished: Any, tmp_path: Path, bench_main: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    run, _ = finished()
    assert bench_main("sync")[:2] == (0, [f"1 runs logged to {uri}"])
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:  # as if it were another
        db.execute("DELETE FROM runs")
        db.commit()
    said_ = f"1 runs logged to {uri}; 1 of them had been logged before and were no longer there"
    assert bench_main("sync")[:2] == (0, [said_])
    assert bench_main("sync")[:2] == (0, [f"0 runs logged to {uri}"])
    tracker = Tracker(uri, tmp_path / "runs")
    (one,) = active(tracker, "words v1")
    assert one.data.tags[KEY] == key_of(run)
    tracker.client.delete_run(one.info.run_id)
    code, out, _ = bench_main("sync")
    assert (code, "1 were deleted there and stay so" in out[0]) == (0, True)
    assert not active(tracker, "words v1")


@pytest.mark.slow
def test_a_mark_of_another_run_costs_neither_of_them_its_place_in_the_store(
    tracker: Tracker, finished: Any, bench_main: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    first, second, third = (finished(model=name, run_id=id_) for name, id_ in (("a", "1"), ("b", "2"), ("c", "3")))
    for run, folder in (first, second, third):
        tracker.log(run, folder)
    mark = (first[1] / MARK).read_text()
    (second[1] / MARK).write_text(mark)  # copied with the file
    (third[1] / MARK).write_text(
        json.dumps(json.loads(mark) | {"record": digest(third[1] / RECORD)})
    )  # and put right by hand
    for _ in range(2):
        assert bench_main("sync")[0] == 0
        found = {one.data.tags["model"]: one.data.tags[KEY] for one in active(tracker, "words v1")}
        assert found == {run.model: key_of(run) for run, _ in (first, second, third)}


@pytest.mark.slow
def test_a_sync_counts_a_run_that_was_there_before_and_sends_none_that_its_own_files_deny(
    tracker: Tracker, finished: Any, tmp_path: Path, bench_main: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    now = datetime.datetime.now(datetime.UTC).isoformat(
        timespec="seconds"
    )  # so new that nobody is looked for beforehand
    run, folder = finished(created=now)
    tracker.log(run, folder)
    (folder / MARK).unlink()
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret\n")
    linked, piped = (finished(model=name, run_id=name)[1] for name in ("linked", "piped"))
    (linked / "config.yaml").symlink_to(secret)
    os.mkfifo(piped / "timings.jsonl")
    altered, path = finished(model="altered", run_id="altered")
    (path / "predictions.jsonl").write_text("{}\n")
    (path / RECORD).write_text(json.dumps(altered.to_json() | {"files": {"predictions.jsonl": "0" * 64}}))
    (pipe := tmp_path / "runs" / "words" / "pipe" / "1").mkdir(parents=True)
    os.mkfifo(pipe / RECORD)
    code, out, err = bench_main("sync")
    assert (code, out) == (2, [f"0 runs logged to {tracker.uri}; it had 1 others already; 4 are left out"])
    left = [
        line.removeprefix("bench: left out: ").split(" ", 1) for line in err if line.startswith("bench: left out: ")
    ]
    wrong = {Path(where).parent.name: why for where, why in left}
    assert {*wrong} == {"linked", "piped", "altered", "1"}
    assert wrong["linked"].startswith("is a link")
    assert wrong["piped"].startswith("is no plain file")
    assert "is not the file that the run wrote" in wrong["altered"]
    assert "it is no plain file" in wrong["1"]
    assert [one.data.tags["model"] for one in active(tracker, "words v1")] == [run.model]


@pytest.mark.slow
def test_a_sync_takes_away_what_a_killed_process_has_left_beside_a_logged_run(
    tracker: Tracker, finished: Any, bench_main: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    run, folder = finished()
    tracker.log(run, folder)
    experiment = tracker.client.get_experiment_by_name("words v1").experiment_id
    tracker.client.create_run(experiment, tags={KEY: key_of(run), **begun.signed(1000 * time.time())})
    code, out, _ = bench_main("sync")
    assert (code, "1 that were begun and never finished" in out[0]) == (0, True)
    assert [one.info.status for one in active(tracker, "words v1")] == ["FINISHED"]


@pytest.mark.slow
def test_a_run_that_its_process_has_finished_since_the_store_was_asked_is_not_taken_for_a_half(
    tracker: Tracker, finished: Any
) -> None:
    run, folder = finished()
    logged = tracker.client.get_run(tracker.log(run, folder).run_id)
    logged.info._status = "RUNNING"  # as it was a moment before
    assert begun.is_abandoned(logged, 1000 * time.time())
    assert not begun.drop(tracker.client, logged)
    assert len(active(tracker, "words v1")) == 1


@pytest.mark.slow
def test_a_training_that_was_logged_by_half_is_logged_again_and_then_once(tmp_path: Path) -> None:
    seed = {"seed": 0, "curve": [{"value": 0.5, "step": 1}]}
    training: Any = SimpleNamespace(
        training_id="t", created="2026-01-01", task="points", task_version=1, model="net", device="cpu", dtype="float32",
        split="train", comparable=True, bar=SimpleNamespace(metric="accuracy", value=0.5), limit_seconds=None, recipe={},
        seeds=[seed], result={"mlperf": {"seconds": 1.0}},
    )  # fmt: skip
    folder, uri = tmp_path / "training", f"sqlite:///{tmp_path}/store.db"
    (folder / "seed-0").mkdir(parents=True)
    (folder / trainings.FILE).write_text("{}")
    for _ in range(2):  # the curve is not there at first
        try:
            trainings.log(uri, tmp_path, training, folder)
        except StoreError:
            for name in ("curve.tsv", "ledger.jsonl"):
                (folder / "seed-0" / name).write_text("")
    (one,) = active(Tracker(uri, tmp_path), "time to accuracy 0.5 on points v1")
    assert (one.info.status, one.data.metrics["seed-0.accuracy"]) == ("FINISHED", 0.5)


def test_a_dead_process_that_nobody_has_asked_for_is_gone() -> None:
    dead = subprocess.Popen(["true"])
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    assert not lives(dead.pid)
    dead.wait()


def test_a_lock_that_another_holds_is_waited_for_with_patience_and_a_folder_without_locks_hinders_nobody(
    tmp_path: Path,
) -> None:
    with locks.locked(tmp_path / "lock"), locks.locked(tmp_path / "lock", patience=0.05):
        assert (tmp_path / "lock").exists()
    (tmp_path / "file").write_text("")
    with locks.locked(tmp_path / "file" / "lock"):
        pass


def test_the_number_of_a_dead_process_that_another_has_now_does_not_keep_a_half_for_ever() -> None:
    def one(hours: float) -> Any:

        tags = {**begun.signed((time.time() - 3600 * hours) * 1000), begun.BY: f"{begun.machine()} {os.getppid()}"}
        return type("One", (), {"data": type("Data", (), {"tags": tags}), "info": type("Info", (), {"run_id": "1"})})

    assert not begun.is_abandoned(one(0.1), 1000 * time.time())
    assert begun.is_abandoned(one(1.1), 1000 * time.time())
