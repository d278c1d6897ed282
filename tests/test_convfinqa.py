"""ConvFinQA: calculations are computed and never run, and both histories give the gold model everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_data import reference_data, write
from small_finance import DIALOGUES

from bench.data.source import DataSource
from bench.engine.asking import asking
from bench.engine.history import Replies
from bench.errors import BenchError
from bench.metrics.convfinqa import CONVFINQA, is_result
from bench.models.base import Device, Model
from bench.models.reference import Oracle
from bench.run import evaluate
from bench.scoring.measure import score
from bench.types import Prediction, Request, Text
from tasks.calculations import calculated
from tasks.convfinqa import ConvFinQA, ConvFinQAOwn, read

CPU = Device("cpu", "float32", 1)
FILE = "finance/convfinqa/convfinqa_dev.json"
TASKS = pytest.mark.parametrize("kind", [ConvFinQA, ConvFinQAOwn], ids=["gold history", "own history"])


def task(folder: Path, kind: type[ConvFinQA] = ConvFinQA, dialogues: Any = None) -> ConvFinQA:
    write(folder, {FILE: json.dumps(DIALOGUES if dialogues is None else dialogues)})
    return kind(DataSource(FILE, data_dir=str(folder)))


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("ans = 60.94", 60.94),
        ("x0 = 60.94 - 25.14; ans = x0 / 25.14", 35.8 / 25.14),
        ("x0 = 93 - 103\nans = x0 / 103", -10 / 103),
        ("```python\nx0 = 5 - 3\nans = x0 * 2\n```", 4.0),
        ("answer = 2 ** 3", 8.0),
        ("ans = $1,234 + $6", 1240.0),
        ("ans = 13.4%", 0.134),
        ("ans = 50% * 10", 5.0),
        ("ans = 1.125% ( 1.125 % )", 0.01125),  # as a cell of the reports
        ("ans = 1.125% ( 7 % )", ""),
        ("ans = −5.2 × 2", -10.4),
        ("ans = 36197 > 345059", "no"),
        ("ans = 178.93 >= 105.34", "yes"),
        ("ans = (1,234)", -1234.0),
        ("(5829 - 5735) / 5735", 94 / 5735),
        ("ans = 5 # of the table", 5.0),
        ("ans = 1; ans = 2", 2.0),
        ("ans = 4; x0 = 7", 4.0),  # what is called the answer is it
        ("60.94 - 25.14 = 35.8", 35.8),
        ("12.0", 12.0),
        ("(1,234)", -1234.0),
        ("12 %", "12.0%"),
        ("The answer is 5.", 5.0),
        ("Yes.", "yes"),
        ("subtract(5829, 5735)", ["subtract(", "5829", "5735", ")", "EOF"]),
        ("ans = x7 / 2", ""),  # nobody said what x7 is
        ("ans = revenue / 2", ""),
        ("x0 = 1 - 1; ans = 3 / x0", ""),
        ("ans = 5; ans = 3 / 0", ""),
        ("ans = __import__('os').getpid()", ""),
        ("ans = 9 ** 9 ** 9 ** 9", ""),
        ("ans = (-8) ** 0.5", ""),
        ("ans = " + "(" * 500 + "1" + ")" * 500, ""),
        ("ans = 1" + "+1" * 1_500, ""),
        ("ans = (3 > 2) + 1", ""),
        ("ans = True", ""),
        ("2015-2016", ""),
        ("12 or 13", ""),
        ("", ""),
    ],
)
def test_a_reply_is_read_as_what_it_comes_to(said: str, value: Any) -> None:
    assert read(said) == (pytest.approx(value) if isinstance(value, float) else value)


def test_prose_with_a_dash_is_no_calculation() -> None:
    assert calculated("net sales - as reported") == (False, None)


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        (12, 12.0, 1), (14.0, 13.999999999999998, 1), (0.12574, 0.12573673870333987, 1), (0.1257, 0.12573673870333987, 0),
        ("12%", 0.12, 1), ("12%", 12, 1), (12, 0.12, 0), (0.12, 12, 0), ("12.0%", 1.2, 0), (-1234.0, -1234, 1), (1234.0, -1234, 0),
        ("no", "no", 1), ("yes", "no", 0), (0, "no", 0), ("no", 0, 0), ("", 0, 0), ("", "no", 0),
    ],
)  # fmt: skip
def test_an_answer_is_right_at_five_places(answer: Any, gold: Any, right: int) -> None:
    assert is_result({"result": gold}, answer) == right


def test_a_rounded_answer_is_close_and_not_right() -> None:
    target = {"dialogue": "a", "result": 0.12573673870333987}
    assert [metric.measure(target, 0.1257)[-1] for metric in CONVFINQA] == [0.0, 1.0, 0.0]
    assert [metric.measure(target, 0.126)[-1] for metric in CONVFINQA] == [0.0, 0.0, 0.0]


@pytest.mark.slow
@TASKS
@pytest.mark.parametrize("size", [1, 64])
def test_who_knows_the_answers_has_them_all_with_either_history(
    kind: type[ConvFinQA], size: int, tmp_path: Path, quick_settings: Callable[..., Any]
) -> None:
    run, _ = evaluate(task(tmp_path, kind), Oracle(), "oracle", CPU, quick_settings(batch_size=size))
    assert [one.value for one in run.scores] == [1.0, 1.0, 1.0]


def test_a_model_that_is_always_right_sees_the_gold_history(tmp_path: Path) -> None:
    gold, own = task(tmp_path), task(tmp_path, ConvFinQAOwn)
    replies = Replies(own.ideal(example) for example in own.examples())
    for one, other in zip(gold.examples(), own.examples(), strict=True):
        filled = replies.filled(own.request(other))
        assert filled.parts == gold.request(one).parts


def test_the_two_histories_never_share_a_board(tmp_path: Path) -> None:
    gold, own = (asking(task(tmp_path, kind), None, 0, 0).asked for kind in (ConvFinQA, ConvFinQAOwn))
    assert ConvFinQA.name != ConvFinQAOwn.name
    assert gold.digest != own.digest
    assert gold.data != own.data


def test_gold_answers_are_nowhere_in_what_the_own_history_asks(tmp_path: Path) -> None:
    requests = [task(tmp_path, ConvFinQAOwn).request(one) for one in task(tmp_path, ConvFinQAOwn).examples()]
    said = " ".join(part.text for one in requests for part in one.parts if isinstance(part, Text))
    assert "60 - 40" not in said
    assert all("answers" not in one.inputs for one in task(tmp_path, ConvFinQAOwn).examples())


class Chains(Model):
    """Right in the first turn unless it `begins_wrong`; then it goes by the answer that it sees."""

    outputs = ()

    def __init__(self, begins_wrong: bool) -> None:
        from bench.types import Generate

        self.outputs, self.begins_wrong = (Generate,), begins_wrong

    def predict(self, batch: Any) -> list[Prediction]:
        return [Prediction(one.id, text=self._say(one)) for one in batch]

    def _say(self, request: Request) -> str:
        said = [part.text for part in request.parts if isinstance(part, Text) and part.role == "assistant"][4:]
        if not said:
            return "ans = 61" if self.begins_wrong else "ans = 60"
        first = said[0].removeprefix("ans = ")
        return f"ans = {first} - 40" if len(said) == 1 else f"ans = ({first} - 40) / 40"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "turns"), [(ConvFinQA, [0, 1, 1]), (ConvFinQAOwn, [0, 0, 0])])
def test_an_early_mistake_spreads_through_the_model_s_own_history_only(
    kind: type[ConvFinQA], turns: list[int], tmp_path: Path, quick_settings: Callable[..., Any]
) -> None:
    one = task(tmp_path, kind, DIALOGUES[:1])
    _, folder = evaluate(one, Chains(begins_wrong=True), "chains", CPU, quick_settings())
    found = {p.id: p for p in folder.predictions()}
    values = [is_result(e.target, one.checked(e, one.answer(found[e.id]))) for e in one.examples()]
    assert values == turns
    assert [one.slices(e)["turn"] for e in one.examples()] == ["turn 1", "turn 2", "turn 3"]


def test_a_program_in_finqa_s_language_is_run_on_the_dialogue_s_table(tmp_path: Path) -> None:
    given = task(tmp_path)
    example = given.examples()[0]
    said = given.answer(Prediction("a", text="table_sum(tickets, none), divide(#0, 2)"))
    assert given.checked(example, said) == 50.0
    assert given.checked(example, "subtract(60, 40)") == 20.0
    assert given.checked(example, ["subtract(", "60", "forty", ")", "EOF"]) == ""


@pytest.mark.parametrize(
    "form",
    [
        {"A-0": 60, "A-1": "ans = 60 - 40", "A-2": "50%", "B-0": "9", "B-1": "No"},
        {"A": [60, ["subtract(", "60", "40", ")", "EOF"], "x0 = 60 - 40; ans = x0 / 40"], "B": ["9.0", "ans = 9 > 12"]},
        [{"id": "A-0", "answer": 60}, {"id": "A-1", "answer": "20"}, {"id": "A-2", "answer": 0.5}, {"id": "B-0", "answer": 9},
         {"id": "B-1", "answer": "no"}],
        [60, "subtract(60, 40)", 0.5, 9, "no"],
    ],
    ids=["by turn", "by dialogue", "records", "in order"],
)  # fmt: skip
def test_files_of_answers_are_read_in_each_form(form: Any, tmp_path: Path) -> None:
    names = {"A": DIALOGUES[0]["id"], "B": DIALOGUES[1]["id"]}
    text = json.dumps(form)
    for short, name in names.items():
        text = text.replace(f'"{short}', f'"{name}')
    (tmp_path / "answers.json").write_text(text)
    given = task(tmp_path)
    examples = given.examples()
    found = dict(given.submitted(tmp_path / "answers.json", examples))
    assert [is_result(e.target, given.checked(e, found[e.id])) for e in examples] == [1.0] * 5


def test_a_list_of_another_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text("[1, 2]")
    with pytest.raises(BenchError, match="a list of 2 answers for 5 turns"):
        list(task(tmp_path).submitted(tmp_path / "answers.json", task(tmp_path).examples()))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda d: [d[0], d[0]], "comes twice"),
        (lambda d: [d[0] | {"programs": ["ans = 60"]}], "3 questions, 1 programs and 3 results"),
        (lambda d: [d[0] | {"exe_ans_list": [60, 20, "half"]}], "with the result 'half'"),
        (lambda d: [d[0] | {"exe_ans_list": [60, 20, True]}], "with the result 'True'"),
        (lambda d: [d[0] | {"questions": []}], "'questions' is no list of texts"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_one_line(change: Any, line: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=line):
        task(tmp_path, ConvFinQA, change(DIALOGUES)).examples()


def test_a_dialogue_ends_before_a_turn_whose_result_nobody_has(tmp_path: Path) -> None:
    cut = task(tmp_path, ConvFinQA, [DIALOGUES[0] | {"exe_ans_list": [60, None, 0.5]}])
    assert [one.id[-2:] for one in cut.examples()] == ["-0"]


def test_where_the_gold_is_held_out_only_the_own_history_can_be_asked(tmp_path: Path) -> None:
    hidden = [
        {name: value for name, value in one.items() if name not in ("programs", "exe_ans_list")} for one in DIALOGUES
    ]
    own, gold = task(tmp_path, ConvFinQAOwn, hidden), task(tmp_path, ConvFinQA, hidden)
    assert len(asking(own, None, 0, 0).asked.histories) == 3
    with pytest.raises(BenchError, match="evaluate convfinqa_own"):
        asking(gold, None, 0, 0)


@pytest.mark.slow
@TASKS
def test_the_official_dialogues_are_whole_and_their_gold_programs_give_their_results(kind: type[ConvFinQA]) -> None:
    given = kind(DataSource(FILE, data_dir=str(reference_data())))
    examples = given.examples()
    assert (len(examples), len({one.inputs["dialogue"] for one in examples})) == (1490, 421)
    assert [
        one.value for one in score(given, examples, [given.ideal(one) for one in examples], resamples=0, seed=0)
    ] == [1.0] * 3
    zeros = score(given, examples, [Prediction(one.id, text="0") for one in examples], resamples=0, seed=0)
    assert [round(one.value or 0.0, 4) for one in zeros] == [
        0.0027,
        0.0027,
        0.0024,
    ]  # four gold results are 0, and so is all of one dialogue
