"""TAT-QA: its metric by hand and against the published scores, its file, its prompt, and what is read from replies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_data import built, reference_data

from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.tatqa import TATQA, answer_text, is_number, normalise, readings, to_number, token_f1
from bench.scoring.measure import score
from bench.submissions.reading import read
from bench.task import Malformed
from bench.types import Prediction
from tasks.reports import table_text
from tasks.tatqa import TatQA, read_reply

QUESTIONS = [
    {"uid": "q1", "question": "What were sales?", "answer": ["$  1,496.5"], "answer_type": "span", "scale": "million"},
    {"uid": "q2", "question": "By what percentage?", "answer": -22.22, "answer_type": "arithmetic", "scale": "percent"},
    {"uid": "q3", "question": "Which [kinds]?", "answer": ["fixed | price", "scale: other"], "answer_type": "multi-span",
     "scale": ""},
    {"uid": "q4", "question": "How many kinds?", "answer": "2", "answer_type": "count", "scale": ""},
    {"uid": "q5", "question": "What is the change?", "answer": 0, "answer_type": "arithmetic", "scale": "thousand"},
]  # fmt: skip
ENTRY = {
    "table": {"uid": "t1", "table": [["", "2019"], ["Total  sales", "$  1,496.5"]]},
    "paragraphs": [{"uid": "p1", "order": 1, "text": "Sales are shown below."}],
    "questions": QUESTIONS,
}


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., TatQA]:
    """A task on a file of the official format with these entries, or with this text."""

    def make(entries: Any = (ENTRY,)) -> TatQA:
        path = tmp_path / "tatqa" / "tatqa_dataset_dev.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
        return TatQA(DataSource("tatqa/tatqa_dataset_dev.json", data_dir=str(tmp_path)))

    return make


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "tatqa").exists():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$ 1,023", 1023),
        ("1 million", 1_000_000),
        ("14.8%", 0.148),
        ("(3.5)", -3.5),
        ("(1,234)", 1234),  # the script's brackets hold no comma
        ("12 thousand dollars", 12_000),
        (".5", None),  # the script wants a digit before the point
        ("1e5", 1),
        ("9" * 400, None),
    ],
)
def test_a_number_is_read_as_the_official_script_reads_it(text: str, expected: float | None) -> None:
    assert is_number(text)
    assert to_number(text) == expected


@pytest.mark.parametrize("text", ["", "none", "5 dollars", "nan", "5-6", "about 5"])
def test_a_text_is_no_number_if_its_first_word_is_none_or_its_second_no_scale(text: str) -> None:
    assert not is_number(text)


@pytest.mark.parametrize(
    ("answers", "scale", "expected"),
    [
        (["$1,496.5"], "million", "1496500000.0000"),
        ([-22.220000000000002], "percent", "-0.2222"),
        (["12%"], "percent", "0.1200"),  # its own sign, not the scale as well
        (["b", "a"], "", "a b"),
        (["b", "2"], "thousand", "2000.0000 b thousand"),
        ([10, 9], "", "9.0000 10.0000"),
        (["10", "9"], "", "10.0000 9.0000"),
        ([1.005], "", "1.0000"),  # 1.005 is a little less than it looks
    ],
)
def test_answers_become_one_text(answers: list[Any], scale: str, expected: str) -> None:
    assert answer_text(answers, scale) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The  Fixed-Price, type", "fixedprice type"), ("2019.0000 a 12%", "2019.0 0.12"), ("$", ""), (".5", "None")],
)
def test_words_lose_punctuation_and_numbers_take_one_form(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("answer", "target", "expected"),
    [
        ("cost plus type", "cost plus", 0.8),  # 2·(2/3)·1/(2/3 + 1)
        ("a b b", "b c", 0.67),  # sets {b} (the article goes) and {b, c}: 2·1·½/1.5 = 0.667, rounded
        ("x", "y", 0.0),
        ("", "y", 0.0),
        ("the", "a", 1.0),  # nothing against nothing
    ],
)
def test_f1_is_over_sets_of_words_and_rounded(answer: str, target: str, expected: float) -> None:
    assert token_f1(answer, target) == pytest.approx(expected)


def rows(kind: str, gold: list[str], scale: str, answer: list[Any], said: str) -> tuple[float, ...]:
    target = {"answer": gold, "scale": scale, "type": kind}
    return tuple(metric.measure(target, {"answer": answer, "scale": said})[0] for metric in TATQA)


@pytest.mark.parametrize(
    ("kind", "gold", "scale", "answer", "said", "expected"),  # expected: f1, exact match, scale
    [
        ("span", ["$1,496.5"], "million", ["1496.5"], "million", (1, 1, 1)),
        ("span", ["$1,496.5"], "million", ["1496.5"], "thousand", (0, 0, 0)),
        ("span", ["$1.5 million"], "", ["1.5"], "million", (1, 1, 0)),  # the same amount, another scale
        ("arithmetic", ["23.42"], "percent", ["0.2342"], "", (1, 1, 0)),  # a share for a percentage
        ("arithmetic", ["23.42"], "percent", [0.2342, 1], "", (0, 0, 0)),  # of a lone number only
        ("arithmetic", ["23.42"], "percent", ["23.42%"], "percent", (1, 1, 1)),
        ("arithmetic", ["-12.6"], "million", [12.6], "million", (0, 0, 1)),
        ("arithmetic", ["5"], "", ["5 or 6"], "", (0, 0, 1)),  # f1 of a computed answer is its exact match
        ("span", ["5"], "", ["5 or 6"], "", (0, 0, 1)),  # "5.0" and "5" are two words
        ("span", ["red fox"], "", ["red"], "", (0.67, 0, 1)),
        ("multi-span", ["a1", "b1"], "", ["b1", "a1"], "", (1, 1, 1)),
        ("multi-span", ["a1", "b1"], "", ["b1"], "", (0.67, 0, 1)),
        ("count", ["2"], "", ["2"], "", (1, 1, 1)),
        ("span", ["x"], "", [], "", (0, 0, 0)),  # no answer has no right scale
    ],
)
def test_exact_match_f1_and_scale_by_hand(
    kind: str, gold: list[str], scale: str, answer: list[Any], said: str, expected: tuple[float, ...]
) -> None:
    assert rows(kind, gold, scale, answer, said) == pytest.approx(expected)


@pytest.mark.parametrize(("said", "expected"), [("year", (1, 1, 0)), ("million USD", (0, 0, 0)), ("USD", (1, 1, 0))])
def test_a_scale_that_is_none_of_the_five_is_wrong_and_counts_as_its_word(said: str, expected: tuple[int, ...]) -> None:
    assert rows("arithmetic", ["2019"], "", [2019], said) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", ["codex_pot", "codex_direct", "gpt3_cot"])
def test_others_outputs_have_the_figures_of_their_own_script(name: str) -> None:
    data = reference_data()
    task = built("tatqa", data)
    golden = json.loads((data / "finance" / "GOLDEN.json").read_text())["tatqa_predictions"][name]
    examples = task.examples()
    found = read(task, data / "finance" / "tatqa_predictions" / f"{name}.json", examples)
    assert len(found.missing) == 1
    scores = score(task, examples, found.predictions, resamples=0, seed=0)
    # Theirs are over the 1,667 questions with an answer.
    value = {one.metric: one.value * len(examples) / (len(examples) - 1) for one in scores if one.value is not None}
    assert {"em": value["exact_match"], "f1": value["f1"], "scale": value["scale"]} == pytest.approx(golden, abs=5e-5)


def test_a_lone_number_without_scale_is_also_read_unrounded() -> None:
    assert readings(["0.2342"], "") == ["0.2300", "0.2342"]
    assert readings(["0.2342"], "percent") == ["0.0023"]
    assert readings(["23.42%"], "") == ["0.2342"]


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(
    answers=st.lists(st.text(alphabet="0123456789,.-()$% abthe\n", max_size=12), min_size=1, max_size=3),
    scale=st.sampled_from(["", "thousand", "percent"]),
    kind=st.sampled_from(["span", "arithmetic"]),
)
def test_the_target_itself_is_right_and_every_value_is_a_fraction(answers: list[str], scale: str, kind: str) -> None:
    assert rows(kind, answers, scale, answers, scale) == (1, 1, 1)
    assert all(0 <= value <= 1 for value in rows(kind, ["12", "x"], "", answers, scale))


def official(task: TatQA, path: Path) -> Any:
    examples = task.examples()
    given = {key: answer for key, answer in task.submitted(path, examples) if not isinstance(answer, Malformed)}
    predictions = [Prediction(key, answer=answer) for key, answer in given.items()]
    found = score(task, examples, predictions, resamples=0, seed=0)
    return task.official({one.metric: one.value for one in found if one.value is not None}, examples)


@pytest.mark.slow
def test_the_official_sample_prediction_gets_its_published_scores(data: Path) -> None:
    golden = json.loads((data / "GOLDEN.json").read_text(encoding="utf-8"))["tatqa"]["sample_prediction"]
    golden.pop("note")
    task = TatQA(DataSource("tatqa/tatqa_dataset_dev.json", data_dir=str(data)))
    assert official(task, data / "tatqa" / "sample_prediction.json") == golden
    assert list(task.problems()) == []


@pytest.mark.slow
def test_the_ideal_reply_to_every_official_question_is_right(data: Path) -> None:
    task = TatQA(DataSource("tatqa/tatqa_dataset_dev.json", data_dir=str(data)))
    for example in task.examples():
        answer = task.answer(task.ideal(example))
        assert [metric.measure(example.target, answer)[0] for metric in TATQA] == [1, 1, 1], example.id


def test_the_questions_of_a_table_are_one_cluster_and_share_their_prompt(task: Callable[..., TatQA]) -> None:
    examples = task().examples()
    assert [example.id for example in examples] == ["q1", "q2", "q3", "q4", "q5"]
    assert {example.cluster for example in examples} == {"t1"}
    assert [example.target["answer"] for example in examples] == [
        ["$  1,496.5"], ["-22.22"], ["fixed | price", "scale: other"], ["2"], ["0"],
    ]  # fmt: skip
    prompts = ["".join(part.text for part in task().request(example).parts) for example in examples]
    table = "Total sales | $ 1,496.5\nText:\nSales are shown below.\nQuestion: "
    assert {prompt.partition(table)[0] for prompt in prompts} == {prompts[0].partition(table)[0]} != {prompts[0]}
    assert [prompt.partition(table)[2] for prompt in prompts] == [f"{one['question']}Answer:" for one in QUESTIONS]


def test_the_ideal_reply_is_right_whatever_stands_in_the_answer(task: Callable[..., TatQA]) -> None:
    made = task()
    for example in made.examples():
        answer = made.answer(made.ideal(example))
        assert answer == {key: example.target[key] for key in ("answer", "scale")}


def test_training_questions_come_from_the_file_beside(task: Callable[..., TatQA], tmp_path: Path) -> None:
    made = task()
    assert made.training() == ()
    other = {**ENTRY, "questions": [{**QUESTIONS[0], "uid": "train-1"}]}
    (tmp_path / "tatqa" / "tatqa_dataset_train.json").write_text(json.dumps([other]), encoding="utf-8")
    assert [example.id for example in made.training()] == ["train-1"]


def test_a_table_is_a_line_a_row() -> None:
    assert table_text([["", "2019 "], ["Net  loss", "(5)"]]) == " | 2019\nNet loss | (5)"


@pytest.mark.parametrize(
    ("said", "answer", "scale"),
    [
        ("14.8 | scale: million", ["14.8"], "million"),
        ("Answer: 14.8 | scale: none", ["14.8"], ""),
        ("The answer is: 14.8", ["14.8"], ""),
        ("$1,452.4 million", ["$1,452.4"], "million"),
        ("$1.2bn", ["$1.2"], "billion"),
        ("$85.1 million | scale: none", ["$85.1 million"], ""),
        ("8 million | scale: million", ["8"], "million"),
        ("14.8 %", ["14.8 %"], "percent"),
        ("14.8 percent.", ["14.8"], "percent"),
        ("(1,452)", ["-1452"], ""),
        ("$(1,452.5) million", ["-1452.5"], "million"),
        ("(5)", ["(5)"], ""),
        ("(5)%", ["-5 %"], "percent"),
        ("(5%)", ["-5 %"], "percent"),
        ("(5) %", ["(5) %"], "percent"),
        ("(5) percent", ["(5)"], "percent"),
        ("&minus;5", ["-5"], ""),
        ("⁻5 %", ["-5 %"], "percent"),
        ("12.5 percent (12.5%)", ["12.5"], "percent"),
        ("12.5% (12.5 percent)", ["12.5%"], "percent"),
        ("12.5 percent (13%)", [], ""),
        ("-(5)", [], ""),
        ("-(1,452)", [], ""),
        ("−(5) %", [], ""),
        ("**Answer:** 5.3 | **Scale:** percent", ["5.3"], "percent"),
        ("Answer: 12\nScale: thousands", ["12"], "thousand"),
        ("First 5 + 3 = 8.\nAnswer: 8 | scale: thousand", ["8"], "thousand"),
        ('["2019", 2018] | scale: none', ["2019", "2018"], ""),
        ('["the scale: percent"] | scale: million', ["the scale: percent"], "million"),
        ('```json\n{"answer": ["a", "b"], "scale": "thousand"}\n```', ["a", "b"], "thousand"),
        ('{"answer": 14.80, "scale": "percent"}', ["14.80"], "percent"),
        ('{"answer": "5 million"}', ["5"], "million"),
        ('{"answer": null, "scale": ""}', [], ""),
        ("$1{,}577", ["1577"], ""),
        ("8 000 | scale: million", ["8000"], "million"),
        ("—5.3 %", ["-5.3 %"], "percent"),
        ("1’577 million", ["1577"], "million"),
        ("1e3", ["1000"], ""),
        ("1,5,7", [], ""),
        ("8 0000", [], ""),
        ("- 5", [], ""),
        ("5-7 years", ["5-7 years"], ""),
        ("50 bps", ["50 bps"], ""),
        ("fixed-price type", ["fixed-price type"], ""),
        ("the scale is large here", ["the scale is large here"], ""),
        ("[not closed", ["[not closed"], ""),
        ('{"answer": ', ['{"answer":'], ""),
        ("I don't know.", [], ""),
        ("", [], ""),
        ("[" * 5000, ["[" * 5000], ""),
    ],
)
def test_a_reply_gives_its_answers_and_scale(said: str, answer: list[str], scale: str) -> None:
    assert read_reply(said) == {"answer": answer, "scale": scale}


@pytest.mark.parametrize(
    "said", ["-1577", "(1,577)", "$(1,577)", "−1,577", "(1577)", "minus 1,577", "( 1,577 )", "(1,577.0)"]
)
def test_a_right_negative_number_is_right_and_its_opposite_wrong(said: str) -> None:
    answer = read_reply(said)
    assert rows("arithmetic", ["-1577"], "", answer["answer"], answer["scale"]) == (1, 1, 1)
    assert rows("arithmetic", ["1577"], "", answer["answer"], answer["scale"]) == (0, 0, 1)


@pytest.mark.parametrize("said", ["-5 %", "(5)%", "(5%)", "(5) %", "-5 percent", "(5) percent", "–5.0 %", "(5.00)%"])
def test_a_right_negative_percentage_is_right_and_its_opposite_wrong(said: str) -> None:
    answer = read_reply(said)
    assert rows("arithmetic", ["-5"], "percent", answer["answer"], answer["scale"]) == (1, 1, 1)
    assert rows("arithmetic", ["5"], "percent", answer["answer"], answer["scale"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ([["a", "b"], ""], {"answer": ["a", "b"], "scale": ""}),
        ([-12.6, "million"], {"answer": [-12.6], "scale": "million"}),
        (["0", "million"], {"answer": ["0"], "scale": "million"}),
        ([0, "million"], {"answer": [], "scale": "million"}),  # the script takes 0 for no answer
        ([None, None], {"answer": [], "scale": ""}),
        ([2019, "year"], {"answer": [2019], "scale": "year"}),
        ([{"2019": 5}, "thousand"], {"answer": ["{'2019': 5}"], "scale": "thousand"}),
    ],
)
def test_a_submitted_pair_is_taken_as_the_official_script_takes_it(
    task: Callable[..., TatQA], tmp_path: Path, given: Any, answer: Any
) -> None:
    path = tmp_path / "submission.json"
    path.write_text(json.dumps({"q1": given}), encoding="utf-8")
    assert list(task().submitted(path, [])) == [("q1", answer)]


@pytest.mark.parametrize(
    "given", ["5", 5, None, [], ["5"], ["5", "million", 1], {"answer": 5}, [{}, ""], [True, ""], [["a", ["b"]], ""], ["5", 3],
              ["5", None]],
)  # fmt: skip
def test_a_submitted_answer_of_another_shape_is_malformed(
    task: Callable[..., TatQA], tmp_path: Path, given: Any
) -> None:
    path = tmp_path / "submission.json"
    path.write_text(json.dumps({"q1": given}), encoding="utf-8")
    ((key, answer),) = task().submitted(path, [])
    assert key == "q1"
    assert isinstance(answer, Malformed)
    assert "expected" in answer.reason


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"q1": ["5", ""]', "line 1 column"),
        (b'[["q1", "5"]]', "expected an object"),
        (b'{"q1": [NaN, ""]}', "NaN"),
        (b'{"q1":\n ["caf\xe9", ""]}', "line 2"),
    ],
)
def test_a_file_that_is_no_submission_is_refused(
    task: Callable[..., TatQA], tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "submission.json"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=said):
        list(task().submitted(path, []))


def test_a_byte_order_mark_and_windows_lines_are_harmless(task: Callable[..., TatQA], tmp_path: Path) -> None:
    path = tmp_path / "submission.json"
    path.write_bytes(b'\xef\xbb\xbf{"q1":\r\n ["5", ""],\r\n "q1": ["6", ""]}')
    assert [answer["answer"] for _, answer in task().submitted(path, [])] == [["5"], ["6"]]  # both: the caller counts


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer_type": "date"}, r"\[0\]\.questions\[0\]: answer_type 'date' is not one of span"),
        ({"scale": "hundred"}, "scale 'hundred'"),
        ({"answer": "x"}, "no list of spans"),
        ({"answer_type": "count", "answer": "two"}, "no count"),
        ({"answer": None}, "'answer' is a NoneType"),
        ({"uid": "q2"}, r"questions\[1\]: the uid 'q2' comes twice"),
    ],
)
def test_a_broken_question_is_named(task: Callable[..., TatQA], change: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        task([{**ENTRY, "questions": [{**QUESTIONS[0], **change}, *QUESTIONS[1:]]}]).examples()


@pytest.mark.parametrize(
    ("text", "said"), [("{}", "expected a list"), ("[{}]", r"\[0\]: the field 'table'"), ("[", "line 1")]
)
def test_a_file_that_is_no_data_set_is_refused(task: Callable[..., TatQA], text: str, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        task(text).examples()
