"""Boards: what is ranked with what, and how it is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_data import built

from bench.commands.shared.boards import of_task
from bench.errors import BenchError
from bench.leaderboard import board as boards
from bench.leaderboard import cells as texts
from bench.leaderboard import definition
from bench.leaderboard.board import Table, tables
from bench.leaderboard.definition import Board
from bench.leaderboard.markdown import below, markdown
from bench.record import Run, Score

Make = Callable[..., Run]
BOARD = Board("squad", "SQuAD 1.1", "squad_v1", 1, "f1", more=("exact_match",))


def ranking(table: Table) -> list[tuple[int | None, str]]:
    return [(row.rank, row.run.model) for row in table.rows]


def test_models_are_ranked_by_the_boards_metric(run_record: Make) -> None:
    runs = [run_record("low", value=0.2), run_record("high", value=0.9), run_record("mid", value=0.5)]
    (table,) = tables(BOARD, runs)
    assert ranking(table) == [(1, "high"), (2, "mid"), (3, "low")]


def test_a_metric_where_less_is_better_ranks_the_least_first(run_record: Make) -> None:
    runs = [
        replace(run_record(name), scores=(Score("wer", value, None, None, 9, 0, higher_is_better=False),))
        for name, value in (("many", 0.4), ("few", 0.1))
    ]
    (table,) = tables(replace(BOARD, metric="wer", more=()), runs)
    assert ranking(table) == [(1, "few"), (2, "many")]


def test_models_with_the_same_score_stand_in_order_of_name(run_record: Make) -> None:
    (table,) = tables(BOARD, [run_record("b"), run_record("a")])
    assert [name for _, name in ranking(table)] == ["a", "b"]


def test_reference_rows_stand_in_their_place_without_a_rank(run_record: Make) -> None:
    oracle = run_record("oracle", value=1.0, kind="cpu", is_reference=True)
    chance = run_record("random", value=0.3, kind="cpu", is_reference=True)
    (table,) = tables(BOARD, [chance, run_record("a", value=0.5), run_record("b", value=0.2), oracle])
    assert ranking(table) == [(None, "oracle"), (1, "a"), (None, "random"), (2, "b")]
    assert [texts.rank_of(row) for row in table.rows] == ["ref", "1", "ref", "2"]


def test_cpu_and_gpu_never_share_a_table(run_record: Make) -> None:
    oracle = run_record("oracle", value=1.0, kind="cpu", is_reference=True)
    found = tables(
        BOARD, [run_record("a"), run_record("a", value=0.6, kind="cuda"), run_record("b", kind="cuda"), oracle]
    )
    assert [(table.device, ranking(table)) for table in found] == [
        ("cpu", [(None, "oracle"), (1, "a")]),
        ("cuda", [(None, "oracle"), (1, "a"), (2, "b")]),
    ]


def test_different_data_never_share_a_table_and_the_fullest_comes_first(run_record: Make) -> None:
    part = run_record("a", data_fingerprint="f" * 64, n_examples=10, limit=10)
    found = tables(BOARD, [part, run_record("a"), run_record("b", data_fingerprint="f" * 64, n_examples=10, limit=10)])
    assert [(table.n, table.limit, len(table.rows)) for table in found] == [(100, None, 1), (10, 10, 2)]


def test_a_reference_row_of_other_data_stands_elsewhere(run_record: Make) -> None:
    oracle = run_record("oracle", value=1.0, kind="cpu", is_reference=True, data_fingerprint="f" * 64, n_examples=10)
    first, second = tables(BOARD, [run_record("a"), oracle])
    assert (ranking(first), ranking(second)) == ([(1, "a")], [(None, "oracle")])


def test_reference_rows_alone_make_one_table(run_record: Make) -> None:
    (table,) = tables(BOARD, [run_record("oracle", kind="cpu", is_reference=True)])
    assert (table.device, ranking(table)) == ("cpu", [(None, "oracle")])


def brought(make: Make, model: str = "theirs", **changes: Any) -> Run:
    """A submission: predictions without a device and without timings."""
    none = {"seconds": {"total": 0.0}, "examples_per_second": None}
    run = make(model, **{"dtype": "none", "submission": {"file": "theirs.json"}} | changes)
    return replace(run, timings=none)


def test_a_submission_is_ranked_in_the_table_of_every_device(run_record: Make) -> None:
    found = tables(BOARD, [run_record("a"), run_record("b", value=0.6, kind="cuda"), brought(run_record, value=0.55)])
    assert [(table.device, ranking(table)) for table in found] == [
        ("cpu", [(1, "theirs"), (2, "a")]),
        ("cuda", [(1, "b"), (2, "theirs")]),
    ]


def test_submissions_alone_make_one_table(run_record: Make) -> None:
    (table,) = tables(BOARD, [brought(run_record), brought(run_record, "others", value=0.6)])
    assert (table.device, ranking(table)) == ("cpu", [(1, "others"), (2, "theirs")])


def test_a_submission_of_other_data_stands_elsewhere(run_record: Make) -> None:
    first, second = tables(BOARD, [run_record("a"), brought(run_record, data_fingerprint="f" * 64, n_examples=10)])
    assert (ranking(first), ranking(second)) == ([(1, "a")], [(1, "theirs")])


def test_a_submission_does_not_replace_a_run_of_its_name(run_record: Make) -> None:
    (table,) = tables(BOARD, [run_record("a", dtype="none"), brought(run_record, "a", value=0.6)])
    assert ranking(table) == [(1, "a"), (2, "a")]
    assert [bool(row.run.submission) for row in table.rows] == [True, False]


def test_a_submission_is_marked_and_has_no_timings(run_record: Make) -> None:
    (table,) = tables(BOARD, [brought(run_record)])
    cells = dict(zip(texts.headings(BOARD), texts.cells(BOARD, table.rows[0]), strict=True))
    assert (cells["device"], cells["dtype"]) == ("submission", "–")
    assert {cells[name] for name in ("examples/s", "ms/answer")} == {"–"}


def test_a_metric_that_could_not_be_had_is_shown_as_absent_and_stands_last_without_a_rank(run_record: Make) -> None:
    absent = replace(run_record("a"), scores=(Score("f1", None, None, None, 9, 0, note="absent: no java"),))
    (table,) = tables(replace(BOARD, more=()), [absent, run_record("b", value=0.1)])
    assert ranking(table) == [(1, "b"), (None, "a")]
    cells = texts.cells(replace(BOARD, more=()), table.rows[1])
    assert (cells[0], cells[2]) == ("–", "– [–]")


def test_the_latest_of_several_runs_counts(run_record: Make) -> None:
    old = run_record("a", value=0.9, created="2026-01-01T00:00:00+00:00", run_id="old")
    new = run_record("a", value=0.1, created="2026-01-02T00:00:00+00:00", run_id="new")
    for runs in ([old, new], [new, old]):
        (table,) = tables(BOARD, runs)
        assert [row.run.run_id for row in table.rows] == ["new"]


def test_a_model_in_two_precisions_has_two_rows(run_record: Make) -> None:
    (table,) = tables(BOARD, [run_record("a"), run_record("a", value=0.6, dtype="bfloat16")])
    assert [row.run.environment["dtype"] for row in table.rows] == ["bfloat16", "float32"]


def test_runs_of_another_task_or_version_are_left_out(run_record: Make) -> None:
    assert tables(BOARD, [run_record(task="squad_v2"), run_record(task_version=2)]) == []


def test_a_model_in_plain_python_is_ranked_among_those_of_the_processor(run_record: Make) -> None:
    (table,) = tables(BOARD, [run_record("rules", dtype="none", value=0.6), run_record("alpha")])
    assert ranking(table) == [(1, "rules"), (2, "alpha")]


def test_a_run_without_the_boards_metric_is_refused_with_what_it_has(run_record: Make) -> None:
    with pytest.raises(BenchError, match=r"has no metric 'anls'; it has f1, exact_match; correct the board's metric"):
        tables(replace(BOARD, metric="anls"), [run_record()])


def failed(run: Run) -> Run:
    f1, exact = run.scores
    return replace(run, scores=(replace(f1, n_failed=20, worst=f1.value, best=0.7), exact))


def test_failures_show_the_best_case(run_record: Make) -> None:
    (table,) = tables(BOARD, [failed(run_record())])
    row = texts.cells(BOARD, table.rows[0])
    assert row[texts.headings(BOARD).index("failures")] == "20 (at best 70.0)"


def test_every_column_has_one_heading_and_one_cell(run_record: Make) -> None:
    (table,) = tables(BOARD, [run_record()])
    for columns in [(), ("n",), definition.COLUMNS, definition.COLUMNS[::-1]]:
        one = replace(BOARD, columns=columns)
        assert len(texts.headings(one)) == len(texts.cells(one, table.rows[0])) == 4 + len(columns)


def test_the_page_of_a_small_board_reads_so(run_record: Make) -> None:
    quick = {"examples_per_second": 12345.6}
    beta_run = run_record("be|ta", value=0.25, kind="cuda", dtype="bfloat16")
    oracle_run = run_record("oracle", value=0.9, is_reference=True)
    runs = [
        failed(run_record("alpha")),
        replace(beta_run, timings=beta_run.timings | quick),
        replace(oracle_run, environment={"device": "cpu", "dtype": "none", "commit": ""}),
    ]
    heads = (
        "| rank | model | f1 [95 %] | exact_match | n | failures | origin "
        "| examples/s | ms/answer | device | dtype | commit | date |"
    )
    rule = "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    oracle = "| ref | oracle | 90.0 [80.0, 100.0] | 45.0 | 100 | 0 | run here | – | – | cpu | none | – "
    oracle += "| 2026-01-02 |"
    alpha = (
        "| 1 | alpha | 50.0 [40.0, 60.0] | 25.0 | 100 | 20 (at best 70.0) "
        "| run here | 12.5 | 80.0 | cpu | float32 | abc123 | 2026-01-02 |"
    )
    beta = (
        "| 1 | be\\|ta | 25.0 [15.0, 35.0] | 12.5 | 100 | 0 "
        "| run here | 12,346 | 0.08 | cuda | bfloat16 | abc123 | 2026-01-02 |"
    )
    foot = (
        "Scores in percent with 95 % intervals from resampled clusters; ref = reference row, not ranked. "
        "The time per answer is that of all answers over their number; – means that nobody timed them, or that a reference row "
        "computes nothing. "
        "CPU and GPU never share a table; a submission, whose predictions were brought and not timed, stands in each table "
        "of its data; so does a run whose device is claimed."
    )
    assert markdown(BOARD, tables(BOARD, runs)).split("\n") == [
        "# SQuAD 1.1", "", "Task `squad_v1` version 1, ranked by f1.", "",
        "## cpu, 100 examples (data dddddddd, asked: unknown)", "", heads, rule, oracle, alpha, "",
        "## cuda, 100 examples (data dddddddd, asked: unknown)", "", heads, rule, oracle, beta, "",
        foot, "",
    ]  # fmt: skip


def test_the_page_of_an_empty_board_says_so() -> None:
    assert "No runs yet." in markdown(BOARD, [])


def test_the_title_of_a_part_says_how_much_it_is(run_record: Make) -> None:
    (table,) = tables(BOARD, [run_record(n_examples=10, limit=10)])
    assert boards.title(table) == "cpu, 10 examples, the first 10 (data dddddddd, asked: unknown)"


def test_a_score_that_is_no_fraction_is_not_shown_as_percent(run_record: Make) -> None:
    entropy = Score("entropy_4", 4.321, None, None, 9, 0, is_fraction=False)
    (table,) = tables(
        replace(BOARD, more=("entropy_4",)), [replace(run_record(), scores=(run_record().scores[0], entropy))]
    )
    assert texts.cells(replace(BOARD, more=("entropy_4",)), table.rows[0])[3] == "4.32"


def written(folder: Path, **changes: Any) -> Path:
    """A board's file with these keys set, or left out where None."""
    keys = {"title": "SQuAD", "task": "squad_v1", "version": 1, "metric": "f1"} | changes
    path = folder / "mine.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items() if value is not None))
    return path


def test_a_board_is_read_from_its_file(tmp_path: Path) -> None:
    found = definition.read(written(tmp_path, more="[exact_match]", columns="[n, date]", devices="[cuda]"))
    assert found == Board("mine", "SQuAD", "squad_v1", 1, "f1", ("exact_match",), ("n", "date"), ("cuda",))


@pytest.mark.slow
def test_every_shipped_board_names_a_task_its_version_and_its_metrics() -> None:
    assert {path.stem for path in definition.definitions(suites=True)} == {
        "demo", "finance", "finmm", "market", "marketing", "mini", "operations", "public", "reading", "risk",
    }  # fmt: skip
    for path in definition.definitions():
        found = definition.read(path, of_task)
        task = built(found.task, Path("nowhere"))
        metrics = [metric.name for metric in task.metrics]
        assert found.version == task.version, path.name
        assert found.metric == metrics[0], path.name
        assert set(found.more) <= set(metrics), path.name


def test_ones_own_boards_stand_beside_the_shipped_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = {path.stem for path in definition.definitions()}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaderboards").mkdir()
    mine = written(tmp_path / "leaderboards")
    mine.with_name("squad_v1.yaml").write_text(mine.read_text())
    assert {path.stem for path in definition.definitions()} == shipped | {"mine"}
    assert (
        definition.read(next(p for p in definition.definitions() if p.stem == "squad_v1")).title == "SQuAD"
    )  # one's own comes before the shipped one


def test_an_unknown_board_is_refused_with_the_known_ones_and_the_nearest(bench_main: Any) -> None:
    code, _, err = bench_main("board", "squad_v3")
    assert (code, len(err)) == (2, 1)
    assert err[0].startswith("bench: board 'squad_v3' does not exist, nor does a task of that name; known: banking77, ")
    assert err[0].endswith("; did you mean squad_v2?")


def test_a_board_without_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"gone\.yaml"):
        definition.read(tmp_path / "gone.yaml")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"colour": "red"}, "colour"),
        ({"metric": None}, "metric"),
        ({"name": "other"}, "name"),
        ({"columns": "[n, price]"}, r"columns \['price'\] are not among n, failed"),
        ({"title": '"open'}, "line 5: found unexpected end of stream"),
        ({"title": None, "task": None, "version": None, "metric": None}, "allowed keys"),
    ],
)
def test_a_board_with_a_wrong_key_or_column_is_refused(tmp_path: Path, changes: Any, reason: str) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(BenchError, match=reason) as caught:
        definition.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes", [{"more": "exact_match"}, {"columns": "n"}, {"devices": "cpu"}, {"version": '"1"'}, {"metric": "[f1]"}]
)
def test_a_board_with_a_value_of_the_wrong_type_is_refused(tmp_path: Path, changes: Any) -> None:
    with pytest.raises(BenchError):
        definition.read(written(tmp_path, **changes))


def test_flips_have_a_column_where_a_run_was_audited_and_only_there(run_record: Make) -> None:
    audit = {"kind": "batch_invariance", "n": 64, "flips": 3, "flip_rate": 3 / 64, "ids": ["a", "b", "c"]}
    audited = run_record("alpha", audit=audit)
    page = markdown(BOARD, tables(BOARD, [audited, run_record("beta", value=0.4)]))
    assert [line.split(" | ")[6] for line in page.splitlines() if "alpha" in line or "beta" in line] == ["3 of 64", "–"]
    assert "Flips: answers" in page
    assert "lips" not in markdown(BOARD, tables(BOARD, [run_record("beta")]))


def test_a_row_says_where_it_comes_from(run_record: Make) -> None:
    bundle = {"bundle": "a" * 64, "submitter": "them"}
    rows = {
        "run here": run_record("a"),
        "scored here": brought(run_record, "b"),
        "self-reported": run_record("c", origin=bundle),
        "verified": run_record(
            "d", origin=bundle | {"verified": {"date": "2026-01-02", "version": "1", "commit": "c"}}
        ),
    }
    (table,) = tables(BOARD, rows.values())
    assert {row.origin: row.run.model for row in table.rows} == {word: run.model for word, run in rows.items()}
    at = texts.headings(BOARD).index("origin")
    assert [texts.cells(BOARD, row)[at] for row in table.rows] == [row.origin for row in table.rows]


def test_a_report_hides_no_run_that_was_made_here(run_record: Make) -> None:
    later = run_record("a", value=0.9, created="2026-06-01T00:00:00+00:00", origin={"bundle": "b", "submitter": "them"})
    (table,) = tables(BOARD, [run_record("a"), later])
    assert [(row.origin, row.score.value) for row in table.rows] == [("self-reported", 0.9), ("run here", 0.5)]


@pytest.mark.parametrize(
    ("bounds", "text"), [((None, None), "2"), ((1, 4), "2 (1–4)"), ((2, 2), "2 (2)")]
)  # fmt: skip
def test_a_rank_is_shown_with_its_bounds(bounds: tuple[int | None, int | None], text: str) -> None:
    assert texts.rank_text(2, *bounds) == text


def test_the_page_names_the_groups_of_ties_and_what_they_are(run_record: Make) -> None:
    (table,) = tables(BOARD, [run_record(name, value=0.9 - i / 10) for i, name in enumerate("abcd")])
    rows = [replace(row, rank_low=1, rank_high=4, group=g) for row, g in zip(table.rows, (1, 1, 2, 3), strict=True)]
    known = replace(table, rows=tuple(rows), notes=("No interval on the rank of <e>: why.",))
    assert below(known) == ["Groups of statistical ties, by rank: 1–2 | 3 | 4.", "No interval on the rank of <e>: why."]
    page = markdown(BOARD, [known])
    assert "| 1 (1–4) | a |" in page
    assert "No interval on the rank of &lt;e>: why." in page
    assert "Every model of a group of ties is significantly better" in page
    assert "Every model of a group" not in markdown(BOARD, [table])


def test_a_name_out_of_a_submission_stays_in_its_cell(run_record: Make) -> None:
    page = markdown(BOARD, tables(BOARD, [run_record("a|b\n<script>\x1b[31m&")]))
    (line,) = [line for line in page.splitlines() if "script" in line]
    assert line.startswith("| 1 | a\\|b⏎&lt;script>\\\\x1b\\[31m&amp; | 50.0")


SUMS = "title: Sums, exactly\nmore: []\ncolumns: [n, date]\n"


@pytest.mark.slow
def test_a_task_has_a_board_without_a_file_and_a_file_only_says_more(study: Any) -> None:
    study.run()
    code, out, err = study.bench("board")
    assert (code, err) == (0, [])
    assert "Sums: cpu, 12 examples" in out[0]
    code, out, _ = study.bench("board", "sums", "--json")
    assert [row["model"] for table in json.loads(out[-1])["sums"] for row in table["rows"]] == ["adder"]
    assert (study.folder / "leaderboards/sums.md").read_text().startswith("# Sums\n")
    study.write("conf/leaderboards/sums.yaml", SUMS)  # in BENCH_CONF; task, version and metric are the task's
    assert "Sums, exactly: cpu" in study.bench("board", "sums")[1][0]
    study.write("leaderboards/sums.yaml", "title: Mine\n")  # where it runs comes first
    assert "Mine: cpu" in study.bench("board", "sums")[1][0]
    assert any(line.split() == ["sums", "Mine"] for line in study.bench("list", "boards")[1])


@pytest.mark.slow
def test_a_board_s_messages_are_true(study: Any) -> None:
    assert study.bench("board")[1] == ["no complete runs in runs; `bench run suite=mini model=lexical` makes some"]
    study.run()
    code, out, _ = study.bench("board", "finmm_qa")
    assert (code, out[-1]) == (0, "no complete runs for this board in runs, which has runs of sums")
    code, _, err = study.bench("board", "sum")
    assert code == 2
    assert err[0].endswith("; did you mean sums?")


@pytest.mark.slow
def test_a_run_of_a_task_that_is_not_known_here_ranks_by_its_first_score(
    study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.run()
    study.run("model.plus=1", "--fresh")
    monkeypatch.delenv("BENCH_CONF")
    code, out, err = study.bench("board", "--json")
    assert (code, err) == (0, [])
    ((name, (table,)),) = json.loads(out[-1]).items()
    assert (name, table["rows"][0]["metric"], table["rows"][0]["value"]) == ("sums", "exact", 0.0)


@pytest.mark.slow
def test_a_raised_version_has_a_board_of_its_own_beside_the_file_of_before(study: Any) -> None:
    study.write("leaderboards/sums.yaml", "version: 1\nmetric: exact\n")
    study.run()
    study.edit("NAME/tasks.py", '"sums", 1,', '"sums", 2,')
    study.run()
    assert sorted(json.loads(study.bench("board", "--json")[1][-1])) == ["sums", "sums-v2"]


@pytest.mark.slow
def test_of_two_versions_without_a_file_the_last_has_the_name_of_the_task(study: Any) -> None:
    study.run()
    study.edit("NAME/tasks.py", '"sums", 1,', '"sums", 2,')
    study.run()
    assert sorted(json.loads(study.bench("board", "--json")[1][-1])) == ["sums", "sums-v1"]
    assert "version 2" in Path("leaderboards/sums.md").read_text()
