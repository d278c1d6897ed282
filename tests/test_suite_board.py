"""A suite's board: how tasks are combined, who is ranked, and what 0 and 1 mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.commands.shared import gathered
from bench.commands.shared.boards import of_files, ranked
from bench.commands.shared.boards import of_task as board_of
from bench.config.build import task_class
from bench.config.compose import names
from bench.errors import BenchError
from bench.leaderboard import definition, suite
from bench.leaderboard import markdown as page
from bench.leaderboard.board import Table, tables
from bench.leaderboard.definition import Board
from bench.leaderboard.suite import Column, Combined, SuiteBoard, SuiteTable
from bench.record import Run, Score
from bench.runs.folder import RunFolder
from bench.task import Task

Make = Callable[..., Run]
SUITE = SuiteBoard("all", "All", "all")


def scores(make: Make, given: Mapping[str, Mapping[str, float]], **changes: Any) -> dict[str, list[Run]]:
    """Runs by task out of {model: {task: value}}."""
    found: dict[str, list[Run]] = {}
    for model, values in given.items():
        for task, value in values.items():
            found.setdefault(task, []).append(make(model, task=task, value=value, **changes))
    return found


def columns(*tasks: str, zero: float = 0.0, one: float = 1.0) -> list[Column]:
    return [Column(Board(task, task, task, 1, "f1"), None, zero, one) for task in tasks]


def table(runs: Mapping[str, list[Run]], given: list[Column]) -> SuiteTable:
    found = {one.board.task: tables(one.board, runs.get(one.board.task, [])) for one in given}
    (only,) = suite.combined(SUITE, given, found)
    return only


def shown(found: SuiteTable) -> dict[str, Combined]:
    return {row.model: row for row in found.rows}


def test_mean_rank_and_mean_normalised_score_are_what_they_say(run_record: Make) -> None:
    runs = scores(run_record, {"a": {"x": 0.6, "y": 0.5}, "b": {"x": 0.5, "y": 0.9}, "c": {"x": 0.4, "y": 0.5}})
    x, y = columns("x", zero=0.2, one=0.7)[0], columns("y", zero=0.1, one=0.9)[0]
    found = shown(table(runs, [x, y]))
    # ranks: x a 1, b 2, c 3; y b 1, a and c share 2.5
    assert {name: row.mean_rank for name, row in found.items()} == {"b": 1.5, "a": 1.75, "c": 2.75}
    # normalised: a (0.4/0.5 + 0.4/0.8)/2 = 0.65; b (0.3/0.5 + 0.8/0.8)/2 = 0.8; c (0.2/0.5 + 0.4/0.8)/2 = 0.45
    assert {name: row.normalised for name, row in found.items()} == pytest.approx({"a": 0.65, "b": 0.8, "c": 0.45})
    assert [(row.model, row.rank, row.score_rank) for row in found.values()] == [("b", 1, 1), ("a", 2, 2), ("c", 3, 3)]


def test_the_two_ways_may_disagree_and_both_are_shown(run_record: Make) -> None:
    often, far = {"x": 0.51, "y": 0.51, "z": 0.0}, {"x": 0.5, "y": 0.5, "z": 0.9}
    found = shown(table(scores(run_record, {"often": often, "far": far}), columns("x", "y", "z")))
    assert [(row.rank, row.score_rank) for row in (found["often"], found["far"])] == [(1, 2), (2, 1)]
    heads = page.suite_headings(SuiteTable("cpu", tuple(columns("x", "y", "z")), ()))
    cells = dict(zip(heads, page.suite_cells(columns("x", "y", "z"), found["far"]), strict=True))
    assert (cells["rank"], cells["mean rank"], cells["normalised"], cells["its rank"]) == ("2", "1.67", "63.3", "1")
    assert cells["z f1"] == "90.0"


def test_a_metric_where_less_is_better_counts_the_right_way_round(run_record: Make) -> None:
    runs = [
        replace(run_record(name, task="x"), scores=(Score("wer", value, None, None, 9, 0, higher_is_better=False),))
        for name, value in (("many", 0.75), ("few", 0.25))
    ]
    column = Column(Board("x", "x", "x", 1, "wer"), None, 1.0, 0.0)
    found = shown(table({"x": runs}, [column]))
    assert {name: (row.rank, row.normalised) for name, row in found.items()} == {"few": (1, 0.75), "many": (2, 0.25)}


def card(name: str, **changes: Any) -> Any:
    return replace(task_class(name).card, **changes)


@pytest.mark.parametrize(
    ("chance", "references", "higher", "scale"),
    [
        ((0.1, 0.3), {}, True, (0.2, 1.0)),
        ((0.1, 0.3), {"human": 0.9, "best": 0.95}, True, (0.2, 0.95)),
        ((0.98, 1.02), {}, False, (1.0, 0.0)),
        ((0.98, 1.02), {"one": 0.3, "two": 0.2}, False, (1.0, 0.2)),
    ],
)
def test_the_scale_goes_from_chance_to_the_best_reference(
    chance: Any, references: Any, higher: bool, scale: tuple[float, float]
) -> None:
    found = suite.scale(card("squad_v1", chance=chance, references=references), higher_is_better=higher)
    assert found == pytest.approx(scale)


@pytest.mark.parametrize(("reference", "higher"), [(0.2, True), (0.1, True), (0.2, False), (0.3, False)])
def test_a_reference_that_is_no_better_than_chance_is_refused(reference: float, higher: bool) -> None:
    with pytest.raises(BenchError, match="is no better than chance"):
        suite.scale(card("squad_v1", chance=(0.2, 0.2), references={"x": reference}), higher_is_better=higher)


def test_a_model_that_lacks_a_task_is_listed_without_a_rank(run_record: Make) -> None:
    runs = scores(run_record, {"all": {"x": 0.5, "y": 0.5}, "part": {"x": 0.9}})
    found = table(runs, columns("x", "y"))
    assert [(row.model, row.rank, row.mean_rank, row.missing) for row in found.rows] == [
        ("all", 1, 1.0, ()),
        ("part", None, None, ("y",)),
    ]


def test_a_score_that_could_not_be_had_is_missing(run_record: Make) -> None:
    runs = scores(run_record, {"a": {"x": 0.5, "y": 0.5}, "b": {"x": 0.5, "y": 0.5}})
    runs["y"][1] = replace(runs["y"][1], scores=(Score("f1", None, None, None, 9, 0, note="absent: no java"),))
    assert [(row.model, row.missing) for row in table(runs, columns("x", "y")).rows] == [("a", ()), ("b", ("y",))]


def test_reference_rows_have_a_score_and_no_rank(run_record: Make) -> None:
    runs = scores(run_record, {"a": {"x": 0.4, "y": 0.4}})
    for task, more in scores(run_record, {"oracle": {"x": 1.0, "y": 1.0}}, is_reference=True).items():
        runs[task] += more
    found = shown(table(runs, columns("x", "y")))
    assert (found["a"].rank, found["a"].mean_rank) == (1, 1.0)
    assert (found["oracle"].rank, found["oracle"].normalised) == (None, 1.0)


def test_only_runs_on_as_many_examples_as_the_suite_takes_count(run_record: Make) -> None:
    runs = scores(run_record, {"a": {"x": 0.4}, "b": {"x": 0.5}})["x"]
    cut = run_record("cut", task="x", value=0.9, limit=10, n_examples=10, data_fingerprint="f" * 64)
    one = columns("x")[0]
    assert [row.model for row in table({"x": [*runs, cut]}, [one]).rows] == ["b", "a"]
    assert [row.model for row in table({"x": [*runs, cut]}, [replace(one, limit=10)]).rows] == ["cut"]


def test_of_two_data_sets_the_one_with_more_models_counts(run_record: Make) -> None:
    runs = scores(run_record, {"a": {"x": 0.4}, "b": {"x": 0.5}})["x"]
    other = run_record("c", task="x", data_fingerprint="f" * 64, n_examples=999)
    assert [row.model for row in table({"x": [other, *runs]}, columns("x")).rows] == ["b", "a"]


def test_precisions_and_reports_are_models_of_their_own(run_record: Make) -> None:
    runs = scores(run_record, {"a": {"x": 0.4}})
    runs["x"] += [
        run_record("a", task="x", dtype="bfloat16"),
        run_record("a", task="x", value=0.9, origin={"bundle": "b", "submitter": "them"}),
    ]
    found = table(runs, columns("x")).rows
    assert [(row.dtype, row.origin) for row in found] == [
        ("~float32", "self-reported"), ("bfloat16", "run here"), ("float32", "run here"),
    ]  # fmt: skip


def test_few_tasks_give_no_bounds_and_say_so_and_more_give_them(run_record: Make) -> None:
    for n, known in ((5, False), (6, True), (7, True)):
        tasks = [f"t{i}" for i in range(n)]
        levels = {"best": 0.9, "mid": 0.5, "twin": 0.5}
        given = {m: {t: level + i / 1000 for i, t in enumerate(tasks)} for m, level in levels.items()}
        found = table(scores(run_record, given), columns(*tasks))
        rows = [(row.model, row.rank_low, row.rank_high, row.score_rank_low, row.score_rank_high) for row in found.rows]
        if known:
            first, others = (
                ((1, 1), (2, 3)) if n == 7 else ((1, 3), (1, 3))
            )  # 2^-6 is not below 5 % of six pairs, 2^-7 is
            assert rows == [("best", *first, *first), ("mid", *others, *others), ("twin", *others, *others)]
            assert found.notes == ()
        else:
            assert {row[1:] for row in rows} == {(None,) * 4}
            assert found.notes == ("No intervals on ranks: 5 tasks are too few to resample.",)


@pytest.mark.slow
def test_every_shipped_suite_board_names_a_suite_whose_tasks_have_boards_and_scales() -> None:
    of_task = {task: board_of(task) for task in ranked()}
    for path in definition.definitions(suites=True):
        found = suite.read(path)
        assert found.suite in names("suite")
        for task in gathered._suite(found)[0]:
            cls = task_class(task)
            assert issubclass(cls, Task)
            higher = next(m for m in cls.metrics if m.name == of_task[task].metric).higher_is_better
            zero, one = suite.scale(cls.card, higher_is_better=higher)
            assert (one > zero) is higher


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("title: A\nsuite: mini\ncolour: red\n", "colour"),
        ("title: A\nsuite: [mini]\n", "suite is a list"),
        ("suite: mini\n", "title"),
    ],
)
def test_a_suite_board_with_a_wrong_key_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(BenchError, match=reason) as caught:
        suite.read(tmp_path / "mine.yaml")
    assert "allowed keys: title (str), suite (str), devices (list)" in str(caught.value)


@pytest.mark.slow
def test_a_suites_board_from_the_command_line(bench_main: Any, tmp_path: Path, run_record: Make) -> None:
    mini = ("finmm_qa", "finmm_docvqa", "finmm_emotion", "finmm_dialogue", "chitchat")
    for model in ("alpha", "beta"):
        for i, task in enumerate(mini[: 5 if model == "alpha" else 4]):
            run = run_record(model, task=task, run_id=f"{i:012}")
            found = of_files().get(task) or board_of(task)
            assert found is not None
            value = 0.4 if model == "alpha" else 0.3
            run = replace(
                run,
                task_version=found.version,
                scores=tuple(Score(name, value, None, None, 9, 0) for name in (found.metric, *found.more)),
            )
            there = RunFolder(tmp_path / "runs" / task / model / run.run_id)
            there.path.mkdir(parents=True)
            there.finish(run)
    code, out, err = bench_main("board", "mini")
    assert (code, err) == (0, [])
    text = "\n".join(out)
    assert "alpha" in text
    assert (
        "No intervals on ranks: 5 tasks are too few to resample." not in text
    )  # one model has nothing to compare with
    written = Path("leaderboards/mini.md").read_text()
    assert "| 1 | alpha | 1.00 |" in written
    assert "| – | beta | – | – | – | float32 | run here | 30.0 | 30.0 | 30.0 | 30.0 | – | chitchat |" in written
    assert "| finmm_qa | f1 | all | 100 | 5.0 | 100.0 |" in written
    (found,) = json.loads(bench_main("board", "mini", "--json")[1][-1])["mini"]
    assert [(row["model"], row["rank"], row["missing"]) for row in found["rows"]] == [
        ("alpha", 1, []),
        ("beta", None, ["chitchat"]),
    ]
    everything = json.loads(bench_main("board", "--json")[1][-1])
    assert {"mini", "finmm_qa", "chitchat"} <= set(everything)


def test_a_board_of_a_suite_that_is_not_there_is_one_line(bench_main: Any, tmp_path: Path) -> None:
    (tmp_path / "leaderboards").mkdir()
    (tmp_path / "leaderboards" / "mine.yaml").write_text("title: Mine\nsuite: nothing\n")
    code, out, err = bench_main("board", "mine")
    assert (code, out, len(err)) == (2, [], 1)
    assert (
        "board 'mine' names the suite 'nothing', which is not in conf/suite; known: demo, finance, finmm, market, marketing, mini"
        in err[0]
    )


def test_a_table_of_nobody_is_empty() -> None:
    empty: list[Table] = []
    assert suite.combined(SUITE, columns("x"), {"x": empty}) == []
    assert "No runs yet." in page.suite_markdown(SUITE, [])


@pytest.mark.parametrize(
    ("limit", "took", "line"),
    [
        (None, 20, "x was run on the first 20 of its examples, where the suite takes all; run it with no limit="),
        (5, None, "x was run on all of its examples, where the suite takes the first 5; run it with limit=5"),
        (None, None, "only reference rows were run on its tasks, which rank with no others; run a model"),
    ],
)
def test_a_suite_without_a_table_says_why(limit: int | None, took: int | None, line: str) -> None:
    column = replace(columns("x")[0], limit=limit)
    row = SimpleNamespace(rank=1 if (limit, took) != (None, None) else None)
    assert suite.why_none([column], {"x": [SimpleNamespace(limit=took, rows=[row])]}) == line  # type: ignore[list-item]


def test_of_many_missing_tasks_a_row_names_the_first_and_says_how_many_more(run_record: Make) -> None:
    names = tuple("uvwxyz")
    for there, said in (("u", "v, w and 3 more"), ("uvw", "x, y, z"), ("uvwxyz", "–")):
        found = shown(table(scores(run_record, {"one": dict.fromkeys(there, 0.5)}), columns(*names)))
        assert page.suite_cells(columns(*names), found["one"])[-1] == said
