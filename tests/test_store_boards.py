"""Boards out of a store are those of the runs directory, whatever way it is read, and ask only for what is new."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.runs.folder import ORIGIN, RECORD, RunFolder
from bench.runs.measurements import FILE as MEASUREMENTS
from bench.tracking import carried, clock, listed, log
from bench.tracking.fields import LOGGED
from bench.tracking.log import Tracker
from bench.tracking.rest import Rest


def test_what_a_board_needs_is_carried_by_tags_and_comes_back_as_it_was(tmp_path: Path) -> None:
    texts = {RECORD: '{"a": "€ \\ud800"}\n', ORIGIN: "{}", MEASUREMENTS: json.dumps([0.1] * 50)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    tags = carried.tags(tmp_path)
    assert all(name.startswith("mlflow.") and len(text) <= 8000 for name, text in tags.items())
    assert carried.read(tags) == carried.Carried(texts, whole=True)
    (tmp_path / "scenarios").mkdir()  # raw files of timings are in no tag
    found = carried.read(carried.tags(tmp_path))
    assert found is not None
    assert not found.whole


@pytest.mark.parametrize(("record", "measured", "names"), [(100, 200_000, {RECORD}), (200_000, 100, None)])
def test_what_is_too_long_for_tags_is_left_to_the_files(
    tmp_path: Path, record: int, measured: int, names: set[str] | None
) -> None:
    (tmp_path / RECORD).write_text(os.urandom(record).hex())
    (tmp_path / MEASUREMENTS).write_text(os.urandom(measured).hex())
    found = carried.read(carried.tags(tmp_path))
    assert (None if found is None else ({*found.texts}, found.whole)) == (None if names is None else (names, False))


def test_damaged_tags_carry_nothing(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(os.urandom(8000).hex())
    tags = carried.tags(tmp_path)
    assert len(tags) == 2
    first, second = tags
    for damaged in (
        {}, {first: tags[first]}, {**tags, second: tags[second][:-8]}, {**tags, second: "!"}, {**tags, first: "9 abc"},
        {**tags, first: "1 " + tags[first][2:]}, {**tags, first: "x"}, {**tags, second: tags[first][2:][: len(tags[second])]},
    ):  # fmt: skip
        assert carried.read(damaged) is None


@pytest.mark.parametrize("password", ["p@ss:w/o%rd# space", "päss wörd", "密码"])
def test_a_name_and_password_of_any_signs_are_sent_as_mlflows_client_sends_them(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    from mlflow import MlflowClient

    seen: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *given: object) -> None:
            pass

    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "änn")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
    with HTTPServer(("127.0.0.1", 0), Server) as served:
        threading.Thread(target=lambda: [served.handle_request() for _ in range(2)], daemon=True).start()
        assert Rest(f"http://127.0.0.1:{served.server_port}").experiments() == []
        MlflowClient(tracking_uri=f"http://127.0.0.1:{served.server_port}").search_experiments()
    assert seen == [f"Basic {base64.b64encode(f'änn:{password}'.encode()).decode()}"] * 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """MLflow's server over a SQLite file: its address, and that of the file."""
    from werkzeug.serving import make_server

    from bench.tracking import empty

    folder = tmp_path_factory.mktemp("served")
    database = f"sqlite:///{folder}/served.db"
    settings = {
        "_MLFLOW_SERVER_FILE_STORE": database, "_MLFLOW_SERVER_REGISTRY_STORE": database,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/", "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"file://{folder}/files",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true", "MLFLOW_DISABLE_TELEMETRY": "true",
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in settings}
    os.environ |= settings
    try:
        from mlflow.server import app

        empty.place(database)
        served = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        uri = f"http://127.0.0.1:{served.server_port}"
        Rest(
            uri
        ).experiments()  # with the first request the server, which is this process, names its store in the environment
        yield uri, database
        served.shutdown()
        thread.join()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def runs(bench_main: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Real runs of this test's own: three models, of one of which there are two runs."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    words = ("run", "-m", "task=finmm_qa", "limit=60", "resamples=50", "tracking=none")
    assert bench_main(*words, "model=constant,lexical")[0] == 0
    before = {*folders(tmp_path / "runs")}
    assert bench_main(*words, "model=lexical", "--fresh")[0] == 0
    (latest,) = {*folders(tmp_path / "runs")} - before
    record = json.loads((latest / RECORD).read_text())  # made within the same second, of which boards keep either
    (latest / RECORD).write_text(json.dumps(record | {"created": "2027-01-01T00:00:00+00:00"}))
    return tmp_path / "runs"


class Boards:
    """Boards of a runs directory and of stores, as `--json` prints them."""

    def __init__(self, bench_main: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.main, self.asked = bench_main, list[str]()
        answer = Rest._answer

        def counted(rest: Rest, method: str, path: str, *more: Any) -> Any:
            self.asked.append(path.partition("mlflow")[2].partition("/artifacts/")[0])
            return answer(rest, method, path, *more)

        monkeypatch.setattr(Rest, "_answer", counted)

    def of(self, *words: str) -> Any:
        """The tables, without where their rows are from; what the command said beside them is in `said`."""
        self.asked.clear()
        code, out, self.said = self.main("board", *words, "--json")
        assert code == 0, self.said
        return json.loads(out[-1].replace('"run here"', '"in the store"'))


@pytest.fixture
def boards(bench_main: Any, monkeypatch: pytest.MonkeyPatch) -> Boards:
    """Boards of this test."""
    return Boards(bench_main, monkeypatch)


@pytest.fixture(autouse=True)
def emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave the store without runs: the tests here share one, and whoever restores an experiment restores all its runs."""
    yield
    if "server" not in request.fixturenames:
        return
    with closing(sqlite3.connect(request.getfixturevalue("server")[1].removeprefix("sqlite:///"))) as db, db:
        for table in ("tags", "metrics", "latest_metrics", "params", "inputs", "input_tags", "runs"):
            db.execute(f"DELETE FROM {table}")


def folders(runs: Path) -> list[Path]:
    """The folders of the complete runs."""
    return sorted(path.parent for path in runs.glob("*/*/*/run.json"))


@pytest.mark.slow
def test_a_store_that_is_read_by_requests_or_by_sql_gives_the_rows_of_the_runs_directory_without_their_files(
    server: tuple[str, str], runs: Path, boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, database = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert boards.main("sync", "--runs", "runs")[0] == 0
    here = boards.of("--runs", "runs")
    assert len(here["finmm_qa"][0]["rows"]) == 2
    for store in (uri, database):
        for _ in range(2):
            assert boards.of("--store", store) == here
            assert "-artifacts" not in boards.asked  # nothing was downloaded
    boards.of("--store", uri)
    assert boards.asked == ["/experiments/search"] * 2 + ["/runs/search"] * 2


@pytest.mark.slow
def test_rows_come_out_of_tags_without_a_file_and_pages_bring_the_files_of_all_runs(
    server: tuple[str, str], runs: Path, boards: Boards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server[0])
    assert boards.main("sync", "--runs", "runs")[0] == 0
    shutil.rmtree(tmp_path / "cache" / "mlflow", ignore_errors=True)
    for store in server:
        (table,) = boards.of("--store", store)["finmm_qa"]
        assert all(row["low"] is not None for row in table["rows"] if row["model"] == "lexical")  # from its rows
        assert list((tmp_path / "cache" / "mlflow").glob("*/boards/*")) == []
        assert boards.main("board", "--store", store, "--html", str(tmp_path / "site"))[0] == 0
        found = sorted(path.name for path in (tmp_path / "cache" / "mlflow").glob("*/boards/*/*"))
        assert found == sorted(["run.json", "measurements.json"] * 3)  # the earlier run of that model has its page too
        shutil.rmtree(tmp_path / "cache" / "mlflow")


@pytest.mark.slow
def test_a_store_that_was_moved_with_its_runs_says_where_files_go_and_its_tags_make_the_same_board(
    runs: Path, boards: Boards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert boards.main("sync", "--runs", "runs")[0] == 0
    here = boards.of("--runs", "runs")
    assert boards.of("--store", f"sqlite:///{runs}/mlflow.db") == here  # by the files, which are in their place
    runs.rename(tmp_path / "moved")
    store = f"sqlite:///{tmp_path}/moved/mlflow.db"
    for _ in range(2):
        assert (boards.of("--store", store), boards.said) == (here, [])
    shutil.copy(tmp_path / "moved" / "mlflow.db", tmp_path / "alone.db")
    assert boards.of("--store", f"sqlite:///{tmp_path}/alone.db") == here
    command = ("run", "task=finmm_qa", "limit=60", "resamples=50", "model=random", "runs_dir=moved")
    code, _, err = boards.main(*command)
    (told,) = [line for line in err if "was made where the runs directory was before" in line]
    assert (code, f"{runs.as_uri()}/mlartifacts" in told, "moved/mlflow.db away" in told) == (0, True, True)


@pytest.mark.slow
def test_the_next_board_of_a_store_sees_what_is_new_changed_deleted_and_restored(
    server: tuple[str, str], runs: Path, boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server[0])
    for words in (("sync", "--runs", "runs"), ("run", "task=finmm_qa", "limit=60", "resamples=50", "model=random")):
        before = boards.of("--runs", "runs")
        assert [boards.of("--store", one) for one in stores if len(words) > 3] == [before] * 2 * (len(words) > 3)
        assert boards.main(*words)[0] == 0
    more, client = boards.of("--runs", "runs"), Tracker(server[0], runs).client
    (late,) = [one for one in folders(runs) if "random" in one.parts]
    run_id = json.loads((late / "mlflow.json").read_text())["run_id"]
    experiment = client.get_run(run_id).info.experiment_id
    assert [boards.of("--store", one) for one in stores] == [more] * 2
    client.delete_run(run_id)
    assert [boards.of("--store", one) for one in stores] == [before] * 2
    client.restore_run(run_id)
    assert [boards.of("--store", one) for one in stores] == [more] * 2
    client.delete_experiment(experiment)
    assert ["finmm_qa" in boards.of("--store", one) for one in stores] == [False] * 2
    assert "1 deleted experiments" in boards.said[0]
    client.restore_experiment(experiment)
    assert [boards.of("--store", one) for one in stores] == [more] * 2
    record = json.loads((late / RECORD).read_text())
    (late / RECORD).write_text(json.dumps(record | {"created": "2028-01-01T00:00:00+00:00"}))
    log.update(late, RunFolder(late).read(), runs)
    changed = boards.of("--runs", "runs")
    assert [boards.of("--store", one) for one in stores] == [changed] * 2


@pytest.mark.slow
def test_the_next_board_sees_what_a_machine_whose_clock_is_hours_wrong_has_logged(
    server: tuple[str, str], runs: Path, boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server[0])
    assert boards.main("sync", "--runs", "runs")[0] == 0
    boards.of("--store", server[0])
    for hours, model in ((-2, "random"), (2, "majority")):
        with monkeypatch.context() as wrong:
            wrong.setattr(clock, "_ahead", {})
            wrong.setattr(clock, "time", SimpleNamespace(time=lambda hours=hours: time.time() + 3600 * hours))
            assert boards.main("run", "task=finmm_qa", "limit=60", "resamples=50", f"model={model}")[0] == 0
        tables = boards.of("--store", server[0])["finmm_qa"]
        assert model in {row["model"] for table in tables for row in table["rows"]}
    client = Tracker(server[0], runs).client
    found = client.search_runs([client.get_experiment_by_name("finmm_qa v1").experiment_id])
    assert all(abs(one.data.metrics[LOGGED] / 1000 - time.time()) < 600 for one in found)


@pytest.mark.slow
def test_runs_that_an_earlier_version_logged_and_those_whose_tags_are_damaged_or_too_short_are_read_from_their_files(
    server: tuple[str, str], runs: Path, boards: Boards, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    uri, database = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    here = boards.of("--runs", "runs")
    whole = carried.tags
    for tags in (
        lambda folder: {},
        lambda folder: dict.fromkeys(whole(folder), "1 nonsense"),
        lambda folder: carried._parts({RECORD: (folder / RECORD).read_text()}, whole=False),
    ):
        monkeypatch.setattr(carried, "tags", tags)
        for folder in folders(runs):
            (folder / "mlflow.json").unlink(missing_ok=True)
        assert boards.main("sync", "--runs", "runs")[0] == 0
        for store in (uri, database):
            assert boards.of("--store", store) == here
        for one in Tracker(uri, runs).client.search_runs(["1"]):
            Tracker(uri, runs).client.delete_run(one.info.run_id)
        shutil.rmtree(tmp_path / "cache" / "mlflow")


@pytest.mark.slow
def test_a_run_whose_rows_give_another_score_is_left_out_as_from_the_runs_directory(
    server: tuple[str, str], runs: Path, boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, database = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    latest = max(folders(runs), key=lambda folder: json.loads((folder / RECORD).read_text())["created"])
    record = json.loads((latest / RECORD).read_text())
    record["scores"][0]["value"] = (record["scores"][0]["value"] + record["scores"][0]["high"]) / 2
    (latest / RECORD).write_text(json.dumps(record))
    here = boards.of("--runs", "runs")
    (said,) = boards.said
    assert "its rows in measurements.json give" in said
    assert len(here["finmm_qa"][0]["rows"]) == 2  # the earlier run of that model
    assert boards.main("sync", "--runs", "runs")[0] == 2
    assert any("its rows in measurements.json give" in line for line in boards.main("sync", "--runs", "runs")[2])
    Tracker(uri, runs).log(RunFolder(latest).read(), latest)  # as a version of before did
    for store in (uri, database):
        for _ in range(2):
            assert boards.of("--store", store) == here
            (told,) = boards.said
            assert told.partition("says")[2] == said.partition("says")[2]


@pytest.mark.slow
def test_a_database_of_another_schema_is_read_by_search_with_a_line_that_says_so(
    server: tuple[str, str], runs: Path, boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, database = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server[0])
    assert boards.main("sync", "--runs", "runs")[0] == 0
    here = boards.of("--runs", "runs")
    monkeypatch.setattr(listed.schema, "revisions", lambda: ("0123456789ab", {"0123456789ab"}))
    monkeypatch.setattr("bench.tracking.store.schema.fault", lambda uri: None)
    assert boards.of("--store", database) == here
    assert len(boards.said) == 1
    assert "is read by MLflow's search, which takes longer: its schema is" in boards.said[0]
