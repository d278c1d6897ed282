"""FinQA: its language and its two accuracies by hand, on the official questions, and what is read from replies."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.finqa import FINQA, same_program
from bench.metrics.finqa_language import NAMES, execute, tokens
from bench.scoring.measure import score
from bench.task import Malformed, Unparsed
from bench.types import Prediction
from tasks.finqa import FinQA, read_value
from tasks.programs import read_program

TABLE = [
    ["", "2015", "2014"],
    ["bread", "$ 1,200", "1000 ( note 1 )"],
    ["share", "12%", "8%"],
    ["loss", "-26 ( 26 )", "( 5 )"],
    ["note", "see below", "-"],
]


def entry(key: str, program: str, result: Any) -> dict[str, Any]:
    return {
        "id": key,
        "filename": key.rsplit("-", 1)[0],
        "pre_text": ["the bakery sells bread .", ".", "amounts are in thousands ."],
        "table": TABLE,
        "post_text": ["see the notes ."],
        "qa": {"question": f"what is {key}?", "program": program, "exe_ans": result},
    }


ENTRIES = [
    entry("X/2015/page_1.pdf-1", "subtract(1200, 1000), divide(#0, 1000)", 0.2),
    entry("X/2015/page_1.pdf-2", "greater(1200, 1000)", "yes"),
    entry("X/2015/page_2.pdf-1", "table_sum(bread, none)", 2200.0),
]


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., FinQA]:
    """A task on a file of the official format with these entries, or with this text."""

    def make(entries: Any = ENTRIES) -> FinQA:
        path = tmp_path / "finqa" / "dev_200.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
        return FinQA(DataSource("finqa/", data_dir=str(tmp_path)))

    return make


def test_a_program_is_cut_at_commas_and_brackets() -> None:
    assert tokens("subtract(62%, 1,000), table_max(net sales, none)") == [
        "subtract(", "62%", "1,000", ")", "table_max(", "net sales", "none", ")", "EOF",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("program", "result"),
    [
        ("subtract(1,200, 1000), divide(#0, 1000)", 0.2),
        ("divide(1, 3)", 0.33333),
        ("multiply(50%, const_100)", 50.0),
        ("add(const_m1, const_1000)", 999.0),
        ("exp(2, 10)", 1024.0),
        ("greater(2, 1)", "yes"),
        ("greater(1, 1)", "no"),
        ("table_sum(bread, none)", 2200.0),  # without dollar sign, comma and the bracket's note
        ("table_average(share, none), table_max(share, none), subtract(#1, #0)", 0.02),
        ("table_min(bread, none), table_max(#0, none)", 1200.0),  # a reference takes the row used last
        ("divide(1, 0)", None),
        ("exp(-8, 0.5)", None),  # no real number
        ("exp(10, 10000)", None),
        ("greater(2, 1), add(#0, 1)", None),  # no sum with "yes"
        ("add(#0, 1)", None),
        ("add(#1, 1), add(1, 2)", None),
        ("add(n/a, 1)", None),
        ("table_sum(loss, none)", None),  # "( 5 )" leaves nothing before the bracket
        ("table_sum(note, none)", None),
        ("table_sum(cakes, none)", None),
        ("table_max(#0, none)", None),
        ("sqrt(4, none)", None),
        ("add(1)", None),
        ("add(add(1, 2), 3)", None),
        ("__import__(os, none)", None),
        ("", None),
    ],
)
def test_a_program_is_run_on_the_table(program: str, result: float | str | None) -> None:
    assert execute(tokens(program), TABLE) == result


def test_the_last_token_is_dropped_unread_as_in_the_official_script() -> None:
    assert execute(["add(", "1", "2", ")", "EOF"], TABLE) == 3.0
    assert execute(["add(", "1", "2", ")", "anything"], TABLE) == 3.0
    assert execute(["add(", "1", "2", ")"], TABLE) is None  # the closing bracket itself was dropped


@pytest.mark.parametrize(
    ("gold", "found", "same"),
    [
        ("add(5, 6)", "add(6, 5)", True),
        ("subtract(5, 6)", "subtract(6, 5)", False),
        ("subtract(5, 6), divide(#0, 6)", "divide(5, 6), divide(6, 6), subtract(#0, #1)", True),  # (5-6)/6 = 5/6 - 1
        ("subtract(5, 6), divide(#0, 6)", "divide(5, 6), subtract(#0, const_1)", False),  # const_1 is not in the gold
        ("add(5, 6)", "add(5.0, 6)", False),  # numbers are compared as they are written
        ("multiply(5, 6), multiply(#0, 7)", "multiply(6, 7), multiply(5, #0)", True),
        ("exp(5, 6), exp(5, 7), multiply(#0, #1)", "add(6, 7), exp(5, #0)", True),
        ("add(5, 6), add(6, 5), subtract(#0, #1)", "subtract(5, 5)", True),  # both are 0
        ("add(5, 6)", "add(1, 2), add(5, 6)", False),  # a number that the gold has not, even unused
        ("add(5, 6)", "subtract(5, 6), add(5, 6)", True),
        ("greater(5, 6)", "greater(5, 6)", True),
        ("greater(5, 6)", "greater(6, 5)", False),
        ("greater(5, 6)", "subtract(5, 6)", False),
        ("greater(5, 6)", "greater(5, 6), add(#0, 5)", False),
        ("table_max(bread, none)", "table_max(bread, none)", True),
        ("table_max(bread, none)", "table_min(bread, none)", False),
        ("table_max(bread, none)", "table_max(share, none)", False),
        # a row operation moved from the first place to another is a different one to the official script
        ("table_max(bread, none), add(#0, 5)", "add(5, 5), table_max(bread, none), add(#1, 5)", False),
        ("add(5, 6)", "add(#0, 6)", False),
        ("add(5, 6)", "add(#-1, 6)", False),
        ("add(5, 6)", "add(5, 6", False),
        ("add(5, 6)", "", False),
        ("add(5, 6)", "plus(5, 6)", False),
    ],
)
def test_programs_are_the_same_if_they_simplify_to_one_formula(gold: str, found: str, same: bool) -> None:
    assert same_program(tokens(gold), tokens(found)) is same


DOUBLING = "add(a, b), " + ", ".join(f"add(#{i}, #{i})" for i in range(300))
TOWER = "exp(a, b), " + ", ".join(f"exp(#{i}, #{i})" for i in range(60))
PRODUCT = "add(a, b), add(b, c), " + ", ".join(f"multiply(#{i}, #{i + 1})" for i in range(12))


@pytest.mark.parametrize("program", [DOUBLING, TOWER, PRODUCT, f"{DOUBLING}, subtract(#300, #300), add(#301, a)"])
def test_a_program_made_to_explode_is_refused_at_once(program: str) -> None:
    same_program(tokens("add(a, b)"), tokens("add(b, a)"))  # sympy is loaded
    start = time.process_time()
    assert not same_program(tokens("add(a, b), divide(#0, c)"), tokens(program))
    execute(tokens(program.replace("a,", "2,").replace("b)", "3)").replace("c)", "5)")), TABLE)
    assert time.process_time() - start < 1.0


def measured(target: dict[str, Any], answer: dict[str, Any]) -> tuple[float, ...]:
    return tuple(metric.measure(target, answer)[0] for metric in FINQA)


@pytest.mark.parametrize(
    ("answer", "expected"),  # execution accuracy, program accuracy
    [
        ({"program": tokens("subtract(1200, 1000), divide(#0, 1000)"), "value": None}, (1, 1)),
        ({"program": tokens("divide(1, 5)"), "value": None}, (1, 0)),  # the right result by another way
        ({"program": tokens("divide(1, 4)"), "value": None}, (0, 0)),
        ({"program": None, "value": 0.2}, (1, 0)),  # a number is no program
        ({"program": None, "value": 0.200004}, (1, 0)),  # rounds to it at 5 places
        ({"program": None, "value": 0.20001}, (0, 0)),
        ({"program": None, "value": "yes"}, (0, 0)),
        ({"program": None, "value": None}, (0, 0)),
        ({"program": [], "value": None}, (0, 0)),
    ],
)
def test_both_accuracies_by_hand(answer: dict[str, Any], expected: tuple[float, ...]) -> None:
    target = {"program": "subtract(1200, 1000), divide(#0, 1000)", "result": 0.2, "table": TABLE}
    assert measured(target, answer) == expected


def test_a_word_is_right_where_the_result_is_one() -> None:
    target = {"program": "greater(1200, 1000)", "result": "yes", "table": TABLE}
    assert measured(target, {"program": None, "value": "yes"}) == (1, 0)
    assert measured(target, {"program": None, "value": "no"}) == (0, 0)


ATOMS = st.sampled_from(["5", "6", "#0", "#1", "#", "", "12%", "const_m1", "bread", "n/a", "(", ")", "|"])


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(program=st.lists(st.one_of(st.sampled_from([f"{name}(" for name in NAMES]), ATOMS), max_size=14))
def test_any_tokens_are_measured_without_error(program: list[str]) -> None:
    target = {"program": "add(5, 6), table_max(bread, none), divide(#0, #1)", "result": 0.00917, "table": TABLE}
    assert set(measured(target, {"program": program, "value": None})) <= {0.0, 1.0}


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_a_program_is_the_same_as_itself(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 4))
    program = []
    for place in range(n):
        operand = st.sampled_from(["5", "6", "7", "8", *[f"#{at}" for at in range(place)]])
        operation = data.draw(st.sampled_from(["add", "subtract", "multiply", "divide"]))
        program += [f"{operation}(", data.draw(operand), data.draw(operand), ")"]
    program.append("EOF")
    assert same_program(program, program)
    if "5" in program:  # the same with 5 added and taken off again
        more = ["add(", f"#{n - 1}", "5", ")", "subtract(", f"#{n}", "5", ")", "EOF"]
        assert same_program(program, [*program[:-1], *more])


@pytest.fixture(scope="module")
def official() -> FinQA:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "finqa").exists():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    return FinQA(DataSource("finqa/", data_dir=str(folder)))


@pytest.mark.slow
def test_every_official_program_runs_to_its_result_and_is_itself(official: FinQA) -> None:
    examples = official.examples()
    assert len(examples) == 200
    assert list(official.problems()) == []
    for example in examples:
        answer = official.answer(official.ideal(example))
        assert answer["program"] == tokens(example.target["program"])
        assert measured(example.target, answer) == (1, 1), example.id


def test_the_pages_are_clusters_and_the_prompt_ends_with_the_question(task: Callable[..., FinQA]) -> None:
    made = task()
    examples = made.examples()
    assert [example.cluster for example in examples] == ["X/2015/page_1.pdf", "X/2015/page_1.pdf", "X/2015/page_2.pdf"]
    asked = [part.text for part in made.request(examples[0]).parts if part.role == "user"][-1]
    assert asked.startswith(
        "Report:\nthe bakery sells bread .\namounts are in thousands .\n | 2015 | 2014\nbread | $ 1,200"
    )
    assert asked.endswith("see the notes .\nQuestion: what is X/2015/page_1.pdf-1?")
    assert "divide(#0, 1000)" not in asked


def test_missing_predictions_are_wrong_and_left_out_of_the_official_value(
    task: Callable[..., FinQA], tmp_path: Path
) -> None:
    made, path = task(), tmp_path / "predictions.json"
    examples = made.examples()
    given = [
        {"id": examples[0].id, "predicted": tokens("subtract(1200, 1000), divide(#0, 1000)")},
        {"id": examples[1].id, "predicted": "greater(1000, 1200)"},
    ]
    path.write_text(json.dumps(given), encoding="utf-8")
    predictions = [Prediction(key, answer=answer) for key, answer in made.submitted(path, examples)]
    scores = score(made, examples, predictions, resamples=0, seed=0)
    assert [one.value for one in scores] == [pytest.approx(1 / 3)] * 2
    values = {one.metric: one.official for one in scores if one.official is not None}
    assert made.official(values, examples[:2]) == {"All": 2, "Exe acc": 0.5, "Prog acc": 0.5}


def test_training_questions_come_from_the_file_beside(task: Callable[..., FinQA], tmp_path: Path) -> None:
    made = task()
    assert made.training() == ()
    (tmp_path / "finqa" / "train.json").write_text(json.dumps([entry("T/2000/page_1.pdf-1", "add(1, 2)", 3.0)]))
    assert [example.id for example in made.training()] == ["T/2000/page_1.pdf-1"]


@pytest.mark.parametrize(
    ("said", "program"),
    [
        ("subtract(5829, 5735), divide(#0, 5735)", "subtract(5829, 5735), divide(#0, 5735)"),
        ("Program: Subtract(5829, 5735)\nDivide(#0, 5735) EOF", "subtract(5829, 5735), divide(#0, 5735)"),
        ("divide(subtract(5829, 5735), 5735)", "subtract(5829, 5735), divide(#0, 5735)"),
        ("multiply(add(1, 2), add(3, 4)), divide(#0, 5)", "add(1, 2), add(3, 4), multiply(#0, #1), divide(#2, 5)"),
        ("#0 = subtract(5829, 5735)\n#1 = divide(#0, 5735)", "subtract(5829, 5735), divide(#0, 5735)"),
        ("1. subtract(5829, 5735)\n2. divide(#0, 5735)", "subtract(5829, 5735), divide(#0, 5735)"),
        ("First add(1, 2), I think. The program is: `add(3,4)`", "add(3, 4)"),
        ("```\ntable_sum(total obligations)\n```", "table_sum(total obligations, none)"),
        ("add($5,829, 5,735)", "add(5829, 5735)"),
        ("add($5{,}829, 5 735)", "add(5829, 5735)"),
        ("add(−5, 1,5,7)", "add(-5, ?)"),
        ('divide("12 %", const_100)', "divide(12%, const_100)"),
    ],
)
def test_a_program_is_read_out_of_a_reply(said: str, program: str) -> None:
    assert read_program(said) == tokens(program)


@pytest.mark.parametrize(
    "said", ["", "0.0164", "I cannot add (up) these.", "add(1, 2, 3)", "add(1, 2", "add()", "add(1, add(2, 3), 4)",
             "add(" * 300 + "1, 2" + ")" * 300]
)  # fmt: skip
def test_a_reply_without_a_whole_program_has_none(said: str) -> None:
    assert read_program(said) is None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("0.0164", 0.0164),
        ("The answer is 1.64%.", 0.0164),
        ("Answer: -3.5 %", -0.035),
        ("$ 1,320.8 million", 1320.8),  # in the units of the report
        ("5829 - 5735 = 94", 94),
        ("$1{,}577", 1577),
        ("—5", -5),
        ("1,57", None),
        ("10²", None),
        ("1،577", None),
        ("1&nbsp;577", 1577),
        ("&minus;5", -5),
        ("-(5)", None),
        ("50 bps", 0.005),
        ("50 bps of 5 million", 0.005),
        ("0.05 or 5%", 0.05),
        ("not 1", None),
        ("1 or 999", None),
        ("Answer: 1 to 5", None),
        ("1 + 5", None),
        ("No. 5", None),
        ("no 5", None),
        ("No.: 5", None),
        ("Nos. 5 and 6", None),
        ("No. It rose by 5.", "no"),
        ("No, it rose 5%", "no"),
        ("yes or no", None),
        ("Yes/No", None),
        ("Yes, it did.", "yes"),
        ("no", "no"),
        ("I don't know.", None),
        ("", None),
    ],
)
def test_a_value_is_read_where_there_is_no_program(
    task: Callable[..., FinQA], said: str, value: float | str | None
) -> None:
    answer = task().answer(Prediction("x", text=said))
    assert isinstance(answer, Unparsed) == (value is None)
    answer = answer.scored_as if isinstance(answer, Unparsed) else answer
    assert answer["program"] is None
    assert answer["value"] == (value if isinstance(value, str | None) else pytest.approx(value))
    assert read_value(said) == answer["value"]


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (["add(", "1", "2", ")", "EOF"], {"program": ["add(", "1", "2", ")", "EOF"], "value": None}),
        ("add(1, 2)", {"program": ["add(", "1", "2", ")", "EOF"], "value": None}),
        ("12%", {"program": None, "value": 0.12}),
        ("yes", {"program": None, "value": "yes"}),
        (94, {"program": None, "value": 94}),
        ([], {"program": [], "value": None}),
    ],
)
def test_a_prediction_is_a_list_of_tokens_a_program_or_a_value(
    task: Callable[..., FinQA], tmp_path: Path, given: Any, answer: Any
) -> None:
    for content in ([{"id": "a", "predicted": given}], {"a": given}):
        path = tmp_path / "predictions.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        assert list(task().submitted(path, [])) == [("a", answer)]


@pytest.mark.parametrize("given", [None, True, {"program": "add(1, 2)"}, ["add(", 1, 2, ")", "EOF"]])
def test_a_prediction_of_another_shape_is_malformed(task: Callable[..., FinQA], tmp_path: Path, given: Any) -> None:
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps([{"id": "a", "predicted": given}]), encoding="utf-8")
    ((_, answer),) = task().submitted(path, [])
    assert isinstance(answer, Malformed)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[{"id": "a"}]', r"\[0\]: the key 'predicted' is missing"),
        (b'["a"]', r"\[0\]: found a text"),
        (b'[{"id": "a", "predicted": Infinity}]', "Infinity"),
        (b'[{"id": "a", "predicted": "x"}', "line 1 column"),
        (b'[\n{"id": "\xe9"}]', "line 2"),
    ],
)
def test_a_file_that_is_no_submission_is_refused(
    task: Callable[..., FinQA], tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "predictions.json"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=said):
        list(task().submitted(path, []))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({}, "expected a list"),
        ([ENTRIES[0], ENTRIES[0]], r"\[1\]: the id .* comes twice"),
        ([{**ENTRIES[0], "table": [["bread", 5]]}], r"\[0\]: 'table' is not a list of rows"),
        ([{**ENTRIES[0], "qa": {"question": "?", "program": "add(1, 2)"}}], r"\[0\]\.qa: the field 'exe_ans'"),
    ],
)
def test_a_broken_data_file_is_named(task: Callable[..., FinQA], entries: Any, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        task(entries).examples()


def test_a_file_of_another_size_is_a_problem(task: Callable[..., FinQA]) -> None:
    assert [line.startswith("3 examples, where test.json has 1,147") for line in task().problems()] == [True]


def test_the_test_split_comes_before_the_development_split(task: Any, tmp_path: Path) -> None:
    made = task()
    names = [example.id for example in made.examples()]
    (tmp_path / "finqa" / "test.json").write_text(
        (tmp_path / "finqa" / "dev_200.json").read_text().replace(names[0], "new")
    )
    assert [example.id for example in made.examples()] == ["new", *names[1:]]
