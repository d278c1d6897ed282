"""How answers ended: counted, shown, held by the gate, and said while a run is going on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from site_data import Reading

from bench.bundles.archive import Refused
from bench.bundles.claims import same_answers
from bench.engine.cut import Watched
from bench.errors import BenchError
from bench.judging.baseline import Side
from bench.judging.check import Rules
from bench.judging.ended import limits, most
from bench.judging.gate import checks
from bench.judging.verdicts import line as verdict_of
from bench.leaderboard import cells as texts
from bench.leaderboard import endings
from bench.leaderboard.board import tables
from bench.leaderboard.definition import Board
from bench.leaderboard.entry import Entry
from bench.leaderboard.markdown import markdown
from bench.metrics.reading import TOKEN_F1
from bench.models.base import Device, Model
from bench.record import Run
from bench.run import evaluate
from bench.runs import record_schema
from bench.runs.endings import Endings
from bench.runs.folder import RunFolder
from bench.runs.measurements import Measurements
from bench.runs.settings import Settings
from bench.scoring.measure import measured
from bench.scoring.rescore import is_scored_as_now, rescore
from bench.site.examples import _answer
from bench.submissions.reading import evaluate as score_submission
from bench.task import Task, Unparsed
from bench.tracking.fields import metrics
from bench.types import Generate, Prediction, Request

Make = Callable[..., Any]
CPU = Device("cpu", "none", 1)
BOARD = Board("reading", "Reading", "squad_v1", 1, "f1")
CUT = {
    "finishes": {"stop": 86, "length": 12, "error": 2, "refused": 0, "none": 0}, "n_cut": 12, "n_refused": 0, "n_empty": 0,
    "n_unparsed": 3, "if_cut": {"f1": {"wrong": 0.481, "right": 0.632}},
}  # fmt: skip
UNTOLD = CUT | {"n_cut": None, "n_refused": None, "if_cut": {}, "finishes": dict.fromkeys(CUT["finishes"], 0)}


class Marked(Reading):
    """Answers stand behind "A:"; what has none is scored as an empty text."""

    def answer(self, prediction: Prediction) -> Any:
        _, mark, said = (prediction.text or "").partition("A:")
        return said.strip() if mark else Unparsed("")


class Says(Model):
    """Gives these predictions, in the order of the examples, whatever it is asked."""

    outputs, revision, uses_device = (Generate,), "1", False

    def __init__(self, said: Sequence[Prediction]) -> None:
        self.said = said

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        places = [int("".join(filter(str.isdigit, one.parts[0].text))) for one in batch]  # type: ignore[union-attr]
        return [replace(self.said[at], id=one.id) for at, one in zip(places, batch, strict=True)]


def said(*texts: str | None, finish: str = "stop", **more: Any) -> list[Prediction]:
    return [Prediction(f"q{i}", text=text, finish=finish, **more) for i, text in enumerate(texts)]


def counts(task: Task, predictions: Sequence[Prediction], **options: Any) -> dict[str, Any]:
    found = measured(task, task.examples(), predictions, resamples=1, seed=0)
    return found.endings.record(**options)


def ran(tmp_path: Path, predictions: Sequence[Prediction], **settings: Any) -> tuple[Run, RunFolder, list[str]]:
    told: list[str] = []
    asked = Settings(runs_dir=tmp_path / "runs", batch_size=8, resamples=20, **settings)
    run, folder = evaluate(Marked(len(predictions)), Says(predictions), "says", CPU, asked, say=told.append)
    return run, folder, told


def test_cut_empty_and_unparsed_answers_are_counted_and_scored_as_they_are() -> None:
    task = Marked(6)
    given = [
        *said("A: gold 0", " \n", "it is gold 2", "A: gold 3"), Prediction("q4", text="A: gold", finish="length"),
        Prediction("q5", error="filtered", finish="refused"),
    ]  # fmt: skip
    found = counts(task, given)
    assert found["finishes"] == {"stop": 4, "length": 1, "error": 0, "refused": 1, "none": 0}
    assert [found[name] for name in ("n_cut", "n_empty", "n_unparsed", "n_refused")] == [1, 1, 2, 1]
    # f1 of the six: 1, 0, 0, 1, 2/3 (one of two words) and a failure; were the cut one wrong 2, were it right 3
    assert found["if_cut"]["f1"] == pytest.approx({"wrong": 2 / 6, "right": 3 / 6})
    score = measured(task, task.examples(), given, resamples=1, seed=0).scores[0]
    assert score.value == pytest.approx((2 + 2 / 3) / 6)
    assert score.n_failed == 1


def test_what_an_unparsed_answer_is_scored_as_is_what_its_parser_says() -> None:
    given = said("gold 0", "A: gold 1")
    plain = [Prediction("q0", text="A:"), given[1]]
    both = [measured(Marked(2), Marked(2).examples(), one, resamples=1, seed=0) for one in (given, plain)]
    assert [one.scores[0].value for one in both] == [0.5, 0.5]
    assert [one.endings.n_unparsed for one in both] == [1, 0]


@pytest.mark.parametrize(
    ("prediction", "n_cut", "n_empty", "n_unparsed"),
    [
        ({"text": "A: x", "new_tokens": 3}, None, 0, 0),  # of a version that asked nobody
        ({"text": "A: x"}, None, 0, 0),  # of a function that says only texts
        ({"text": "<think>so", "new_tokens": 3}, 1, 0, 0),  # thinking that does not end was cut, and has failed
        ({"text": "", "no_answer": 0.9}, 0, 0, 1), ({"text": "\u200b", "finish": "stop"}, 0, 1, 1),
        ({"text": "A: x", "span": (0, 4)}, 0, 0, 0), ({"error": "out of memory"}, 0, 0, 0), ({"answer": "x"}, None, None, None),
        ({"text": "<think>A: x</think> ", "finish": "stop"}, 0, 1, 1), ({"error": "thought on", "finish": "length"}, 1, 0, 0),
    ],
)  # fmt: skip
def test_what_nobody_says_is_unknown_and_never_none(
    prediction: dict[str, Any], n_cut: int | None, n_empty: int | None, n_unparsed: int | None
) -> None:
    found = counts(Marked(1), [Prediction("q0", **prediction)])
    assert (found["n_cut"], found["n_empty"], found["n_unparsed"]) == (n_cut, n_empty, n_unparsed)
    assert found["n_refused"] == (None if n_cut is None else 0)


def test_what_generates_nothing_is_never_cut_and_held_out_references_tell_no_bounds() -> None:
    given = [*said("A: x", finish="none"), Prediction("q1", text="A: y", finish="length")]
    assert counts(Marked(2), said("A: x", "A: y", finish="none"), generates=False)["n_cut"] == 0
    assert counts(Marked(2), given)["n_cut"] is None
    held = counts(Marked(2, held_out=True), [replace(one, finish="length") for one in given])
    assert (held["n_cut"], held["if_cut"]) == (2, {})


@pytest.mark.slow
def test_the_record_of_a_run_has_the_counts_and_rescoring_brings_them_to_one_of_before(tmp_path: Path) -> None:
    given = said(*["A: gold"] * 20, finish="length")
    run, folder, _ = ran(tmp_path, given)
    assert run.answers["n_cut"] == 20
    assert record_schema.misfit(json.loads((folder.path / "run.json").read_text()), record_schema.RUN) == ""
    folder.finish(replace(run, answers={}, files={}))
    assert not is_scored_as_now(folder, Marked(20), run.resamples)
    told: list[str] = []
    again = rescore(folder, Marked(20), Marked(20).examples(), resamples=run.resamples, say=told.append)
    assert (again.answers, again.scores) == (run.answers, run.scores)
    assert "how its answers ended is not in its record" in told[0]


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        ({"n_cut": 0}, "answers: n_cut claimed 0, its predictions give 1"),
        ({"n_cut": None}, "answers: n_cut claimed none, its predictions give 1"),
        ({"n_unparsed": 0}, "answers: n_unparsed claimed 0, its predictions give 1"),
        ({"if_cut": {}}, "answers: exact_match if the cut ones were wrong claimed nothing"),
        (
            {"if_cut": {name: {"wrong": 0.4, "right": 0.5} for name in ("f1", "exact_match")}},
            "were wrong claimed 0.4, its",
        ),
    ],
)
def test_a_claim_on_how_answers_ended_that_the_predictions_deny_is_refused(
    run_record: Make, edit: dict[str, Any], line: str
) -> None:
    given = [*said("A: gold 0", "no"), Prediction("q2", text="A: gold", finish="length")]
    found = measured(Marked(3), Marked(3).examples(), given, resamples=1, seed=0).endings
    same_answers(run_record(answers=found.record()), found)
    same_answers(run_record(answers={}), found)  # it claims nothing, and is shown as unknown
    with pytest.raises(Refused, match=line):
        same_answers(run_record(answers=found.record() | edit), found)


@pytest.mark.slow
def test_raw_texts_that_are_brought_are_counted_and_final_answers_are_unknown(tmp_path: Path) -> None:
    journal = tmp_path / "own.jsonl"
    journal.write_text("".join(json.dumps(one.to_json()) + "\n" for one in said("A: gold 0", "", "x", finish="length")))
    asked = Settings(runs_dir=tmp_path / "runs", resamples=20)
    run, *_ = score_submission(Marked(3), journal, "own", asked)
    assert [run.answers[name] for name in ("n_cut", "n_empty", "n_unparsed")] == [3, 0, 1]  # cut and empty is malformed
    (tmp_path / "answers.json").write_text(json.dumps({"q0": "gold 0", "q1": "", "q2": "x"}))
    run, *_ = score_submission(Marked(3), tmp_path / "answers.json", "final", asked)
    assert [run.answers[name] for name in ("n_cut", "n_empty", "n_unparsed")] == [None] * 3


@pytest.mark.slow
def test_too_many_cut_answers_are_said_once_as_soon_as_it_is_sure_with_the_limit_to_raise(tmp_path: Path) -> None:
    given = said(*["A: gold"] * 100)
    for at in (3, 9, 17, 18, 30):
        given[at] = replace(given[at], finish="length")
    _, _, told = ran(tmp_path, given)
    (line,) = told
    assert line.endswith("are cut at their limit of 8 tokens: raise it with max_new_tokens=32 (now 8)")
    n, of = int(line.split()[0]), int(line.split()[2])
    assert n in (2, 3, 4)
    assert of in (24, 32, 40)  # not at the first of eight, and long before all hundred


@pytest.mark.parametrize(
    ("n", "groups", "said_at"),
    [
        (1000, [(1, 1), (1, 10), (0, 8)], None),  # 2 of 19: too few answers
        (1000, [(1, 10), (1, 10)], 2), (30, [(1, 1), (1, 1)], 2), (30, [(1, 19)], None), (100, [(5, 100)], None), (9, [(1, 1)], 1),
    ],
)  # fmt: skip
def test_a_run_warns_from_twenty_answers_on_or_where_all_others_could_not_make_up_for_it(
    n: int, groups: list[tuple[int, int]], said_at: int | None
) -> None:
    told: list[str] = []
    watched, at = Watched(n, told.append), None
    for number, (cut, of) in enumerate(groups, 1):
        watched.see([Prediction("a", text="x", finish="length" if i < cut else "stop") for i in range(of)], [])
        at = at or (number if told else None)
    assert at == said_at


def test_a_model_that_thinks_is_told_of_its_thinking() -> None:
    told: list[str] = []
    watched = Watched(1, told.append)
    watched.see([Prediction("a", text="x", finish="length", thinking_tokens=9)], [Request("a", (), Generate(16))])
    assert "(now 16); a model that thinks first needs model.thinking_tokens on top" in told[0]


def test_a_board_has_columns_of_what_its_models_have_and_says_unknown_where_it_is(run_record: Make) -> None:
    runs = [run_record("a", answers=CUT), run_record("b"), run_record("c", answers=UNTOLD)]
    found = tables(BOARD, runs)
    board = texts.with_telling_columns(BOARD, found)
    assert [name for name in endings.COLUMNS if name in board.columns] == ["cut", "unparsed"]
    at = texts.headings(board).index("cut")
    assert {row.run.model: texts.cells(board, row)[at] for row in found[0].rows} == {
        "a": "12 (48.1 to 63.2)", "b": "unknown", "c": "unknown",
    }  # fmt: skip
    assert endings.LEGEND in markdown(BOARD, found).replace("\\", "")
    none = [run_record("b"), run_record("random", is_reference=True, answers=CUT | {"n_empty": 9})]
    assert texts.with_telling_columns(BOARD, tables(BOARD, none)) == BOARD
    verified = run_record(
        "d", answers=CUT, origin={"bundle": "b", "submitter": "s", "verified": {"date": "2026-01-02"}}
    )
    cells = texts.cells(board, tables(BOARD, [verified])[0].rows[0])
    assert (
        cells[at] == "~12 (48.1 to 63.2)"
    )  # that an answer was cut is its model's word; that it was not parsed is found here
    assert cells[texts.headings(board).index("unparsed")] == "3"


def test_the_line_of_a_run_says_what_the_cut_answers_may_do_to_its_score(run_record: Make) -> None:
    run = run_record(value=0.5, answers=CUT)
    line = endings.line(run, texts.shown)
    assert line.startswith(
        "12 of 100 cut (12.0 %): f1 50.0, between 48.1 and 63.2 were they wrong or right; 3 in which"
    )
    least = replace(run, answers=CUT | {"n_cut": None})
    assert "12 or more of 100 cut" in endings.line(least, texts.shown)
    assert endings.cell(least, "cut", least.scores[0], texts.shown) == "12 or more (48.1 to 63.2)"
    assert "`bench rescore` counts it" in endings.unknown(replace(run, answers={}))
    assert "cut or refused is unknown" in endings.unknown(replace(run, answers=UNTOLD))
    assert endings.unknown(run) == ""


def test_the_store_has_the_counts_and_leaves_out_what_is_unknown(run_record: Make) -> None:
    found = metrics(run_record(answers=CUT))
    assert (found["answers.n_cut"], found["answers.n_unparsed"], found["f1.if_cut_wrong"]) == (12.0, 3.0, 0.481)
    assert not any(name.startswith("answers.") for name in metrics(run_record()))
    assert "answers.n_cut" not in metrics(run_record(answers=UNTOLD))


def test_the_page_of_an_example_says_how_it_ended_and_whether_it_was_parsed() -> None:
    task = Marked(1)
    (example,) = task.examples()
    shown = [_answer(task, one, Prediction("q0", text="gold", finish="length")) for one in (example, None)]
    assert all(one["unparsed"] and one["answer"] == "" and one["ended"].startswith("cut at") for one in shown)
    whole = _answer(task, example, Prediction("q0", text="A: gold", finish="stop"))
    assert {"ended", "unparsed"}.isdisjoint(whole)
    refused = _answer(task, example, Prediction("q0", error="filtered", finish="refused"))
    assert refused == {"error": "filtered", "ended": "refused by the endpoint's filter"}


def _pair(run: Run) -> tuple[Side, Side]:
    ids = tuple(f"q{i}" for i in range(run.n_examples))
    rows = Measurements(ids, ids, ids, frozenset(), {"f1": np.ones((len(ids), 1))})
    return Side(Entry(run, rows)), Side(Entry(replace(run, run_id="b" * 12), rows))


@pytest.mark.parametrize(
    ("name", "given", "verdict"),
    [
        ("cut", "12%", "PASS"), ("cut", "11.9 %", "FAIL"), ("cut", "0.12", "PASS"), ("cut", "11", "FAIL"), ("cut", "12", "PASS"),
        ("cut", "1", "FAIL"), ("cut", "1.0", "PASS"), ("empty", "0", "PASS"), ("unparsed", "0%", "FAIL"),
        ("unparsed", 0.03, "PASS"),
    ],
)  # fmt: skip
def test_the_gate_holds_what_a_run_may_have(run_record: Make, name: str, given: Any, verdict: str) -> None:
    rules = Rules(speed_margin=None, most=limits({name: given}))
    score, check = checks([_pair(run_record(answers=CUT))], [TOKEN_F1], rules)
    assert (score.verdict.outcome, check.what, check.verdict.outcome) == ("PASS", name, verdict)
    n = {"cut": 12, "empty": 0, "unparsed": 3}[name]
    assert f"squad_v1 / alpha {name}: {n} of 100 answers are {name} ({n}.0 %), allowed are {given}" in verdict_of(check)


@pytest.mark.parametrize("answers", [{}, UNTOLD])
def test_a_gate_on_what_nobody_knows_is_refused_and_not_passed(run_record: Make, answers: dict[str, Any]) -> None:
    rules = Rules(speed_margin=None, most=limits({"cut": "50%"}))
    with pytest.raises(
        BenchError, match=r"squad_v1/alpha: how many of its answers are cut is unknown .* cannot be judged"
    ):
        checks([_pair(run_record(answers=answers))], [TOKEN_F1], rules)


@pytest.mark.parametrize("given", ["", "-1", "nan", "101%", "1.5", "1%%", "1e-2", "one", "5 percent", True, "٣"])
def test_a_limit_that_is_neither_share_nor_count_is_one_clear_line(given: Any) -> None:
    with pytest.raises(BenchError, match=r"--max-cut '.*' is neither a share nor a count; give percent \(1%\)"):
        most("cut", given)


@pytest.mark.slow
def test_an_answer_that_was_cut_before_a_word_has_failed_and_is_not_said_to_be_scored(
    bench_main: Make, tmp_path: Path
) -> None:
    lines = (
        "def ask(requests):\n    for i, _ in enumerate(requests):\n        yield ['', '<think>on and on', 'x'][i % 3]\n"
    )
    (tmp_path / "own_endings.py").write_text(lines)
    run = (
        "run",
        "task=finmm_qa",
        "model=function",
        "model.function=own_endings:ask",
        "limit=6",
        "tracking=none",
        "--json",
    )
    code, out, err = bench_main(*run)
    found = json.loads(out[-1])
    assert (code, found["answers"]["n_empty"], found["answers"]["finishes"]["length"]) == (0, 4, 2)
    assert found["scores"]["f1"]["n_failed"] == 2
    said = "4 of 6 answers are empty: the model said nothing, and is scored as saying so, but for 2 that were cut before a word"
    assert any(said in line for line in err)


@pytest.mark.slow
def test_the_command_holds_a_run_by_its_counts(run_record: Make, bench_main: Make, tmp_path: Path) -> None:
    from bench.runs import measurements

    for run in _pair(run_record(value=1.0, answers=CUT)):
        folder = RunFolder(tmp_path / "runs" / run.entry.run.task / run.entry.run.model / run.entry.run.run_id)
        with folder.opened("{}\n"):
            assert run.entry.measurements is not None
            measurements.write(folder.path, run.entry.measurements)
            folder.finish(run.entry.run)
    check = ("check", "0123456789ab", "--against", "b" * 12, "--no-speed", "--runs", "runs")
    code, out, err = bench_main(*check, "--max-cut", "1%", "--max-empty", "0")
    assert (code, [line.split(":")[0] for line in out]) == (
        1, ["PASS  squad_v1 / alpha score", "FAIL  squad_v1 / alpha cut", "PASS  squad_v1 / alpha empty"],
    ), err  # fmt: skip
    assert bench_main(*check, "--max-cut", "12%")[0] == 0
    code, out, err = bench_main(*check, "--max-cut", "lots")
    assert (code, out, len(err)) == (2, [], 1)
    code, _, err = bench_main("check", "0123456789ab", "--update", "--max-cut", "1")
    assert (code, err) == (2, ["bench: --update makes baselines and judges nothing; leave --max-cut out"])


def test_endings_count_each_answer_once() -> None:
    found = Endings()
    for place, finish in enumerate(("stop", "length", "none")):
        found.see(place, Prediction(str(place), text="x", finish=finish), parsed=True)
    assert (sum(found.finishes.values()), found.cut, found.n_untold) == (3, [1], 1)
