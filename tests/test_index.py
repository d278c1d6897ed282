"""The index of runs: the same board as from the runs themselves, only what is new is read, and no file of it is trusted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundles import with_key

from bench.commands.shared import gathered
from bench.commands.shared.ranked import ranked
from bench.leaderboard import entry, index_file
from bench.leaderboard.entry import Entry
from bench.leaderboard.stamps import folders
from bench.record import Run, Score
from bench.runs import measurements
from bench.runs.folder import ORIGIN, RECORD, RunFolder
from bench.runs.measurements import Measurements
from bench.types import Prediction

Make = Callable[..., Run]
N, CLUSTERS = 120, 40


def rows_of(value: float, seed: int = 0, shift: int = 0) -> Measurements:
    """0/1 rows of which exactly the share `value` is 1, in clusters of three."""
    right = np.zeros(N)
    right[np.random.default_rng(seed).permutation(N)[: round(value * N)]] = 1.0
    ids = tuple(f"e{i}" for i in range(N))
    clusters = tuple(f"c{(i + shift) // 3}" for i in range(N))
    return Measurements(ids, ("0" * 12,) * N, clusters, frozenset(), {"f1": right[:, None]})


def scored(run: Run, value: float) -> Run:
    return replace(run, scores=(Score("f1", value, None, None, N, 0), Score("exact_match", value, None, None, N, 0)))


def made(runs: Path, run: Run, value: float, rows: Measurements | None = None, *, plain: bool = False) -> Path:
    """A complete run of this value, with measurements unless `plain`."""
    folder = RunFolder(runs / run.task / run.model / run.run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.write_predictions([Prediction("e0", text="one")])
    if not plain:
        measurements.write(folder.path, rows or rows_of(value))
    folder.finish(scored(run, value))
    return folder.path


@pytest.fixture
def runs(tmp_path: Path, run_record: Make) -> Path:
    """Four models of SQuAD 1.1: two copies, one much worse, one reference row."""
    there = tmp_path / "runs"
    for name, value in (("one", 0.8), ("copy", 0.8), ("worse", 0.2)):
        made(there, run_record(name), value)
    made(there, run_record("oracle", is_reference=True), 1.0)
    return there


@pytest.fixture
def board(bench_main: Any, runs: Path) -> Callable[..., dict[str, dict[str, Any]]]:
    """`bench board squad_v1 --json`: rows by model; `said` gets the lines on stderr."""

    def call(*more: str, said: list[str] | None = None) -> dict[str, dict[str, Any]]:
        code, out, err = bench_main("board", "squad_v1", "--json", "--runs", str(runs), *more)
        assert code == 0, err
        if said is None:
            assert err == []
        else:
            said[:] = err
        tables = json.loads(out[-1])["squad_v1"]
        notes.update({"": [note for table in tables for note in table["notes"]]})
        return {f"{row['model']} {row['origin']}": row for table in tables for row in table["rows"]}

    notes: dict[str, list[str]] = {}
    call.notes = notes  # type: ignore[attr-defined]
    return call


def ranks(found: dict[str, dict[str, Any]]) -> dict[str, list[int | None]]:
    keys = ("rank", "rank_low", "rank_high", "group")
    return {name.removesuffix(" run here"): [row[key] for key in keys] for name, row in found.items()}


COPIES = {"copy": [1, 1, 2, 1], "one": [2, 1, 2, 1], "worse": [3, 3, 3, 2], "oracle": [None] * 4}


def test_the_board_shows_ranks_with_their_bounds_and_copies_tie(board: Any) -> None:
    assert ranks(board()) == COPIES
    assert ranks(board()) == COPIES  # out of the index


@pytest.mark.slow
def test_a_second_board_reads_no_run(board: Any, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = board()

    def refuse(*_: Any) -> None:
        pytest.fail("a run was read again")

    monkeypatch.setattr(gathered, "read_run", refuse)
    monkeypatch.setattr(measurements, "read", refuse)
    monkeypatch.setattr("bench.leaderboard.ranking._found", refuse)
    assert board() == first


@pytest.mark.slow
def test_only_what_is_new_or_changed_is_read(
    board: Any, runs: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    board()
    read = []

    def counting(path: Path) -> Run:
        read.append(path.parent.parent.name)
        return real(path)

    real = gathered.read_run
    monkeypatch.setattr(gathered, "read_run", counting)
    made(runs, run_record("new"), 0.5)
    made(runs, run_record("worse"), 0.9, rows_of(0.9))
    shutil.rmtree(runs / "squad_v1" / "copy")
    (next((runs / "squad_v1" / "one").iterdir()) / ORIGIN).write_text('{"bundle": "b", "submitter": "them"}')
    found = board()
    assert sorted(read) == ["new", "one", "worse"]
    assert {name: row["value"] for name, row in found.items()} == {
        "worse run here": 0.9, "one self-reported": 0.8, "new run here": 0.5, "oracle run here": 1.0,
    }  # fmt: skip


def judged(run: Run) -> Run:
    """The run as scored by the metrics of today, so that its rows are held against its record."""
    return replace(run, scorer={name: gathered._metric_as_now("squad_v1", name)[1] for name in ("f1", "exact_match")})


def test_rows_are_read_once_and_only_of_runs_that_are_shown(
    board: Any, runs: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, month in (("1" * 12, "02"), ("2" * 12, "03")):
        made(runs, judged(run_record("again", run_id=number, created=f"2026-{month}-01T00:00:00+00:00")), 0.5)
    read, real = [], measurements.read

    def counted(folder: Path) -> Measurements:
        read.append(folder.name if folder.parent.name == "again" else folder.parent.name)
        return real(folder)

    monkeypatch.setattr(measurements, "read", counted)
    assert board()["again run here"]["run_id"] == "2" * 12
    assert sorted(read) == ["2" * 12, "copy", "one", "oracle", "worse"]


def test_a_run_that_its_rows_deny_gives_way_to_the_one_before_it_on_this_board_and_the_next(
    board: Any, runs: Path, run_record: Make
) -> None:
    made(runs, judged(run_record("again", run_id="1" * 12)), 0.5)
    late = judged(run_record("again", run_id="2" * 12, created="2026-03-01T00:00:00+00:00"))
    made(runs, late, 0.6, rows_of(0.9))
    for _ in range(2):
        said: list[str] = []
        assert board(said=said)["again run here"]["run_id"] == "1" * 12
        (line,) = said
        assert f"again/{'2' * 12}/run.json says f1 0.6, its rows in measurements.json give 0.9" in line


def test_the_pages_of_all_runs_leave_out_an_earlier_run_that_its_rows_deny(
    board: Any, runs: Path, run_record: Make
) -> None:
    made(runs, judged(run_record("again", run_id="1" * 12)), 0.6, rows_of(0.9))
    late = judged(run_record("again", run_id="2" * 12, created="2026-03-01T00:00:00+00:00"))
    made(runs, late, 0.5)
    assert board()["again run here"]["run_id"] == "2" * 12  # and nothing is said of what stands on no board
    for _ in range(2):
        found: list[str] = []
        known, _, _ = ranked(None, runs, more=lambda of, found=found: found.extend(run.run_id for _, run in of.every()))
        assert ("2" * 12 in found, "1" * 12 in found, len(found)) == (True, False, 5)
        assert [line.partition("rows in ")[2][:27] for line in known.problems] == ["measurements.json give 0.9;"]


@pytest.mark.slow
def test_a_record_of_the_same_size_and_time_in_a_new_file_is_read(board: Any, runs: Path) -> None:
    board()
    record = next((runs / "squad_v1" / "worse").glob(f"*/{RECORD}"))
    before = record.stat()
    text = record.read_text().replace('"value": 0.2', '"value": 0.3')
    record.with_name("draft").write_text(text)
    os.replace(record.with_name("draft"), record)
    os.utime(record, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert board()["worse run here"]["value"] == 0.3


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"nonsense" * 500, "half", "other", "content", "lost"])
def test_a_damaged_index_is_made_again(board: Any, runs: Path, content: Any) -> None:
    first = board()
    file = runs / index_file.FILE
    if content == "half":
        file.write_bytes(file.read_bytes()[:5000])
    elif content == "other":
        with sqlite3.connect(file) as db:
            db.execute("PRAGMA user_version = 999")
    elif content == "content":
        with sqlite3.connect(file) as db:
            db.execute("UPDATE runs SET run = 'nonsense'")
    elif content == "lost":
        with sqlite3.connect(file) as db:
            db.execute("DELETE FROM runs WHERE path LIKE '%worse%'")
    else:
        file.write_bytes(content)
    assert board() == first
    assert board() == first
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_board_needs_no_place_for_its_index(board: Any, runs: Path) -> None:
    (runs / index_file.FILE).mkdir()  # no file can be made there
    assert ranks(board()) == COPIES


@pytest.mark.slow
def test_a_board_does_not_wait_for_ever_for_another(board: Any, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = board()
    monkeypatch.setattr(index_file, "PATIENCE_SECONDS", 0.01)
    for lock in ("EXCLUSIVE", "IMMEDIATE"):
        with sqlite3.connect(runs / index_file.FILE) as other:
            other.execute(f"BEGIN {lock}")
            (runs / "squad_v1" / "worse" / "0123456789ab" / ORIGIN).write_text(
                f'{{"bundle": "{lock}", "submitter": ""}}'
            )
            assert "worse self-reported" in board()
            other.rollback()
    assert len(board()) == len(first)


@pytest.mark.slow
def test_a_damaged_run_is_named_and_the_others_are_shown(board: Any, runs: Path, run_record: Make) -> None:
    (made(runs, run_record("torn"), 0.5) / RECORD).write_text('{"run_id": ')
    half = made(runs, run_record("half"), 0.5) / RECORD
    half.write_text(json.dumps(json.loads(half.read_text()) | {"timings": {}}))
    for _ in range(2):  # also out of the index
        said: list[str] = []
        assert ranks(board(said=said)) == COPIES
        assert len(said) == 2
        assert "half" in said[0]
        assert "is not whole (KeyError" in said[0]
        assert "torn" in said[1]
        assert "is not a run record" in said[1]


def test_a_run_without_measurements_ties_with_all_and_is_named(board: Any, runs: Path, run_record: Make) -> None:
    made(runs, run_record("old"), 0.5, plain=True)
    assert ranks(board()) == {
        "copy": [1, 1, 3, 1], "one": [2, 1, 3, 1], "old": [3, None, None, None], "worse": [4, 3, 4, 2], "oracle": [None] * 4,
    }  # fmt: skip
    assert board.notes[""] == ["No interval on the rank of old: no measurements."]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [(rows_of(0.6), "its measurements do not give its score"), (rows_of(0.5, shift=1), "measured on other examples")],
)  # fmt: skip
def test_measurements_that_are_not_of_the_run_count_for_nothing(
    board: Any, runs: Path, run_record: Make, rows: Measurements, reason: str
) -> None:
    made(runs, run_record("odd"), 0.5, rows)
    assert ranks(board())["odd"] == [3, None, None, None]
    assert board.notes[""] == [f"No interval on the rank of odd: {reason}."]


def test_few_clusters_are_said(bench_main: Any, tmp_path: Path, run_record: Make) -> None:
    few = replace(rows_of(0.5), clusters=tuple(f"c{i // 30}" for i in range(N)))
    for name in ("a", "b"):
        made(tmp_path / "runs", run_record(name), 0.5, few)
    (table,) = json.loads(bench_main("board", "squad_v1", "--json")[1][-1])["squad_v1"]
    assert table["notes"] == ["No interval: clusters 4, needed 6.", "No intervals on ranks: fewer than 6 clusters."]
    assert {row["rank_low"] for row in table["rows"]} == {None}


def submitted(run: Run, value: float, rows: Measurements | None = None, **origin: Any) -> None:
    """An entry of ./leaderboards/submissions."""
    told = replace(scored(run, value), origin={"bundle": "b" * 64, "submitter": "them"} | origin)
    entry.write(entry.path_of(entry.SUBMISSIONS, told), Entry(told, rows or rows_of(value)))


@pytest.mark.slow
def test_submissions_are_rows_that_say_who_vouches_for_them(board: Any, run_record: Make) -> None:
    submitted(run_record("theirs", run_id="f" * 12), 0.5)
    submitted(
        run_record("checked", run_id="e" * 12), 0.9, verified={"date": "2026-01-02", "version": "1", "commit": "c"}
    )
    found = ranks(board())
    assert found["theirs self-reported"] == [4, 4, 4, 3]
    assert found["checked verified"][:2] == [1, 1]


def test_a_submission_of_a_run_that_is_here_is_one_row_and_the_one_here_wins(board: Any, run_record: Make) -> None:
    submitted(run_record("one"), 0.8)
    assert ranks(board()) == COPIES


@pytest.mark.slow
def test_forged_examples_of_submissions_do_not_push_out_those_of_runs_here(board: Any, run_record: Make) -> None:
    for i in range(5):
        submitted(run_record(f"forged{i}", run_id=f"{i:012}"), 0.9, rows_of(0.9, shift=1))
    found = board()
    assert [ranks(found)[name][1:] for name in ("one", "worse")] == [[1, 7, 1], [3, 8, 2]]
    assert {found[f"forged{i} self-reported"]["rank_low"] for i in range(5)} == {None}


def test_a_submission_that_is_none_is_named(board: Any) -> None:
    path = entry.SUBMISSIONS / "squad_v1" / "broken.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    said: list[str] = []
    assert ranks(board(said=said)) == COPIES
    assert len(said) == 1
    assert "broken.json is not an entry" in said[0]


WRONG_TYPES = [
    (("reused",), {"a": "x"}), (("limit",), "x"), (("timings", "latency_p50"), "x"), (("scores", 0, "n_failed"), "x"),
    (("scores", 0, "n_failed"), None), (("scores", 1, "n"), [None]), (("scores", 0, "value"), True), (("scores",), {}),
    (("origin", "verified"), "yes"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), WRONG_TYPES)
def test_a_record_with_a_field_of_another_type_is_named_and_takes_no_other_down(
    board: Any, runs: Path, run_record: Make, path: tuple[Any, ...], value: Any
) -> None:
    submitted(run_record("odd", run_id="f" * 12), 0.5)
    place = entry.SUBMISSIONS / "squad_v1" / "odd.json"
    record = json.loads(place.read_text())
    place.write_text(json.dumps(record | {"run": with_key(*path, value=value)(record["run"])}))
    own = made(runs, run_record("own"), 0.5) / RECORD
    record = json.loads(own.read_text())
    is_own_fault = path[0] != "origin"
    own.write_text(json.dumps(with_key(*path, value=value)(record) if is_own_fault else "nothing"))
    said: list[str] = []
    assert ranks(board(said=said)) == COPIES
    assert len(said) == 2
    assert "own/0123456789ab/run.json is not " in said[0]
    assert "odd.json is not an entry" in said[1]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (rows_of(0.25), "f1 says 0.5, its own rows give 0.25"),
        (rows_of(0.5).only("no"), "it has no rows of f1, which every score of it comes from"),
        (rows_of(0.5).take(range(60)), "it has 60 rows with 0 failures, its score 120 with 0"),
        (
            replace(rows_of(0.5), rows={"exact_match": rows_of(0.5).rows["f1"]}),
            "it has rows of exact_match, where only f1 is",
        ),
        (None, "it has a score and no rows, and does not say that it was scored on held-out references"),
    ],
)
def test_an_entry_whose_rows_do_not_give_its_score_is_left_out(
    board: Any, run_record: Make, rows: Measurements | None, line: str
) -> None:
    told = replace(scored(run_record("liar"), 0.5), origin={"bundle": "b" * 64, "submitter": "them"})
    entry.write(entry.path_of(entry.SUBMISSIONS, told), Entry(told, rows))
    said: list[str] = []
    assert ranks(board(said=said)) == COPIES
    assert len(said) == 1
    assert line in said[0]


@pytest.mark.slow
def test_an_index_knows_nothing_that_a_new_one_would_not(board: Any, runs: Path, run_record: Make) -> None:
    board()
    made(runs, run_record("more"), 0.4)
    shutil.rmtree(runs / "squad_v1" / "worse")
    after = board()
    (runs / index_file.FILE).unlink()
    assert board() == after


def test_artifacts_and_files_that_are_no_runs_are_passed_over(runs: Path) -> None:
    copy = runs / "mlartifacts" / "x" / "artifacts"
    copy.mkdir(parents=True)
    (copy / RECORD).write_text("{}")
    (runs / "stray").write_text("")
    assert set(folders(runs)) == {f"squad_v1/{name}/0123456789ab" for name in ("one", "copy", "worse", "oracle")}
    assert folders(runs / "nowhere") == {}


def test_a_table_is_cut_on_the_terminal_and_whole_on_its_page(
    bench_main: Any, tmp_path: Path, run_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.commands.shared.tables._MOST_ROWS", 4)
    monkeypatch.setattr("bench.commands.shared.tables.on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    for i in range(7):
        made(tmp_path / "runs", run_record(f"m{i:03}"), 0.5, plain=True)
    _, out, _ = bench_main("board", "squad_v1")
    assert "3 more rows are in leaderboards/squad_v1.md" in out
    assert "No intervals on ranks: no measurements." in out
    assert sum("│ m0" in line for line in out) == 4
    assert Path("leaderboards/squad_v1.md").read_text().count("| m0") == 7


@pytest.mark.slow
def test_two_boards_at_once_do_not_disturb_each_other(runs: Path, run_record: Make, tmp_path: Path) -> None:
    for i in range(60):
        made(runs, run_record(f"m{i}"), 0.3 + i / 200, rows_of(0.3 + i / 200))
    several = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.cli", "board", "squad_v1", "--json", "--runs", str(runs)],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    said = [one.communicate(timeout=120) for one in several]
    assert [one.returncode for one in several] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    assert {err for _, err in said} == {""}
