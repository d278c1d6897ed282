"""Tables in the width that there is: what matters least goes first, and where nobody looks, all is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from bench.commands import board as board_command
from bench.commands.shared import tables
from bench.leaderboard import board as boards
from bench.leaderboard import cells as texts
from bench.leaderboard import columns as declared
from bench.leaderboard.definition import Board
from bench.record import Run, Score
from bench.runs.folder import RunFolder
from bench.text.table import ALWAYS, Column, fitted, left_out

Make = Callable[..., Run]
WIDE = "模型-七" + "e" + "\u0301" + "-b"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Makes stdout a terminal of so many columns; None makes it a pipe."""

    def make(columns: object) -> None:
        monkeypatch.setattr(tables, "on_terminal", lambda: columns is not None)
        monkeypatch.setenv("COLUMNS", str(columns))

    return make


BOARD = Board("squad_v1", "A board", "squad_v1", 1, "f1", more=("exact_match",))


@pytest.fixture
def printed(run_record: Make, seen: Any, capsys: pytest.CaptureFixture[str]) -> Callable[[object], list[str]]:
    """The lines of a board of two models at a width."""

    def at(columns: object) -> list[str]:
        seen(columns)
        runs = [run_record("minilm"), run_record(WIDE, value=0.7, run_id="1" * 12)]
        board_command._print([(BOARD, boards.tables(BOARD, runs))], [])
        return capsys.readouterr().out.splitlines()

    return at


def boxed(lines: list[str]) -> list[str]:
    return [line for line in lines if line[:1] in "┏┃┡│└"]


@pytest.mark.parametrize("width", [44, 60, 80, 100, 120, 160, 200, 10_000])
def test_a_board_keeps_to_the_width_keeps_models_and_scores_and_names_what_it_leaves_out(
    printed: Callable[[object], list[str]], width: int
) -> None:
    lines = printed(width)
    box = boxed(lines)
    text = "\n".join(box)
    folded = "".join(line.split("│")[2].strip() for line in box if line.startswith("│"))
    assert len({cell_len(line) for line in box}) == 1  # wide signs and marks count by their cells
    assert cell_len(box[0]) <= width
    assert "minilm" in folded
    assert WIDE in folded
    assert {"50.0", "70.0"} <= set(text.replace("│", " ").split())
    said = next((line for line in " ".join(" ".join(lines).split()).split("left out at ")[1:]), "")
    heads = [column.heading for column in texts.columns(BOARD)]
    shown = {word for line in box[1:3] for word in line.replace("┃", " ").split()}
    missing = [head for head in heads if not set(head.split()) <= shown]
    assert said.startswith(f"{width} columns: {', '.join(missing)}; pipe it") if missing else not said
    assert ("commit" in missing) == (width < 160)


def test_a_wider_terminal_never_shows_less(printed: Callable[[object], list[str]]) -> None:
    order = sorted(texts.columns(BOARD), key=lambda column: -column.importance)
    before: set[str] = set()
    for width in range(40, 180, 4):
        cells = [texts.cells(BOARD, row) for row in ()]
        shown = {texts.columns(BOARD)[place].heading for place in fitted(texts.columns(BOARD), cells, width)}
        assert before <= shown
        assert shown == {column.heading for column in order[: len(shown)]} or len(shown) == 3
        before = shown


def test_what_fits_is_chosen_by_importance_and_then_by_place() -> None:
    # 5 + 5 + 5 + 5 cells, with 3 between and 1 at the end: 4 * 8 + 1 = 33
    columns = [Column("aaaaa"), Column("bbbbb", 2), Column("ccccc", 1), Column("ddddd", 2)]
    assert list(fitted(columns, [], 33)) == [0, 1, 2, 3]
    assert list(fitted(columns, [], 32)) == [0, 1, 3]
    assert list(fitted(columns, [], 24)) == [0, 1]
    assert list(fitted(columns, [], 16)) == [0]
    assert fitted(columns, [], 3) == {0: 4}  # folded, and there
    assert left_out(columns, fitted(columns, [], 32), 32).startswith("left out at 32 columns: ccccc; pipe it")
    assert left_out(columns, fitted(columns, [], 33), 33) == ""


def test_a_long_text_is_folded_before_a_column_goes() -> None:
    columns = [Column("model"), Column("answer", 5, folds=10)]
    assert fitted(columns, [["m" * 60, "a" * 300]], 24 + 10 + 7) == {0: 24, 1: 10}
    assert fitted(columns, [["m" * 60, "a" * 300]], 400) == {0: 60, 1: 300}


@pytest.mark.parametrize("said", ["0", "10", "10000", "", "many", "-5", "²", "9" * 30, "8.5"])
def test_a_strange_width_does_no_harm(printed: Callable[[object], list[str]], said: str) -> None:
    lines = printed(said)
    assert 20 <= tables.terminal_width() <= 10_000
    joined = "".join(line.split("│")[2].strip() for line in lines if line.startswith("│"))
    assert "minilm" in joined
    assert WIDE in joined


@pytest.mark.slow
def test_a_pipe_gets_every_column_and_row_with_nothing_cut_and_nothing_added(
    run_record: Make, seen: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    seen(None)
    runs = [run_record(f"m{i:03}" + "x" * 90, run_id=f"{i:012}") for i in range(120)]
    board_command._print([(BOARD, boards.tables(BOARD, runs))], [])
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == texts.headings(BOARD)
    rows = [line for line in lines if len(line) == len(lines[1])][1:]
    assert len(rows) == 120
    assert {row[1] for row in rows} == {run.model for run in runs}
    assert all(cell == cell.strip() for row in rows for cell in row)


@pytest.mark.slow
def test_json_and_the_page_are_whole_at_any_width(bench_main: Any, tmp_path: Path, run_record: Make, seen: Any) -> None:
    run = run_record("minilm")
    there = RunFolder(tmp_path / "runs" / run.task / run.model / run.run_id)
    there.path.mkdir(parents=True)
    there.finish(run)
    found = []
    for width in (None, 30):
        seen(width)
        _, out, _ = bench_main("board", "squad_v1", "--json")
        found.append((json.loads(out[-1]), Path("leaderboards/squad_v1.md").read_text()))
    assert found[0] == found[1]
    assert "| commit | date |" in found[0][1]


def test_scores_of_a_suite_go_after_all_that_is_said_of_its_models() -> None:
    columns = declared.of_suite([f"task_{i} metric" for i in range(9)])
    cells = [["12 (10–14)", "model", "1.00", "50.0", "12 (10–14)", "bfloat16", "run here", *["50.0"] * 9, "–"]]
    shown = [columns[place].heading for place in fitted(columns, cells, 100)]
    assert shown[:4] == ["rank", "model", "mean rank", "normalised"]
    assert shown[4:] == [f"task_{i} metric" for i in range(len(shown) - 4)]
    assert len(shown) > 8


def test_a_board_s_columns_differ_in_importance() -> None:
    found = [column.importance for column in declared.DECLARED.values()]
    assert len(set(found)) == len(found)
    assert max(found) < ALWAYS


def test_absurd_figures_of_a_stranger_push_no_score_out(run_record: Make, seen: Any, capsys: Any) -> None:
    seen(80)
    run = run_record("minilm")
    run = replace(run, timings=run.timings | {"examples_per_second": 1e300, "latency_p50": 1e300})
    run = replace(run, scores=tuple(replace(s, n_failed=10**30) if isinstance(s, Score) else s for s in run.scores))
    board_command._print([(BOARD, boards.tables(BOARD, [run]))], [])
    lines = boxed(capsys.readouterr().out.splitlines())
    assert {cell_len(line) for line in lines} <= set(range(81))
    assert any("50.0" in line and "minilm" in line for line in lines)
