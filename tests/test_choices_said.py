"""Letters of options in replies, Chinese and English, and the examinations that ask for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_data import built, write
from small_labels import FILES

from bench.scoring.answers import final
from bench.submissions.reading import read
from bench.task import Malformed
from bench.text.choices_said import choices_said
from bench.types import Choose, Prediction

REPLIES = {
    "A": "A",
    "B.": "B",
    "ABD": "ABD",
    "答案是ABD": "ABD",
    "答案：D": "D",
    "正确答案为 C。": "C",
    "选A、B和D": "ABD",
    "ＡＢＤ": "ABD",
    "答案是Ａ，Ｃ": "AC",
    "A, B, D": "ABD",
    "A B D": "ABD",
    "故选C。": "C",
    "本题应选BD": "BD",
    "答案是A。不，应该选B。": "B",
    "不选A，选C": "C",
    "A选项错误，B选项错误，答案为D": "D",
    "D. 外国政府免费赠送的物资": "D",
    "A：货币市场\nB：债券市场\nD：金融衍生品市场": "ABD",
    "答案是【B】": "B",
    "**答案：C**": "C",
    "\\boxed{ABD}": "ABD",
    "The answer is B.": "B",
    "Answer: A and C": "AC",
    "abd": "ABD",
    "a": "A",
    "对": "A",
    "错": "B",
    "错误。": "B",
    "正确": "A",
    "该说法正确。": "A",
    "答案：错误": "B",
    "答案是对": "A",
    "我不知道": "",
    "": "",
    "无法确定": "",
    "A股市场是重要的": "",
    "<think>A or B</think>C": "C",
    "<think>A": "",
    "选项A和选项C": "AC",
    "选择A": "A",
    "根据分析，A、B、C正确。": "ABC",
    "以上都正确": "",
    "GDP上升": "",
    "D（外国政府免费赠送的物资）": "D",
    "因此，正确的选项是A和D。": "AD",
    "答案：A\n解析：B选项错误，因为…": "A",
    "A\n解析：选项B是错误的": "A",
    "答案应为B，而不是A": "B",
    "ABCD全部正确": "ABCD",
    "不正确": "B",
    "不是A": "",
    "答案不是A": "",
    "答案:A C D": "ACD",
    "正确答案：A、B、C、D、E": "ABCDE",
}


@pytest.mark.parametrize(("reply", "letters"), REPLIES.items())
def test_the_letters_that_a_reply_chooses_are_read(reply: str, letters: str) -> None:
    assert choices_said(reply) == letters


@pytest.fixture(scope="module")
def cflue(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return built("cflue", write(tmp_path_factory.mktemp("data"), FILES))


def test_a_question_asks_for_one_letter_or_several_of_its_own(cflue: Any) -> None:
    asked = {one.id: cflue.request(one).output for one in cflue.examples()}
    assert asked == {"0": Choose(tuple("ABCD")), "1": Choose(tuple("ABCDE"), several=True), "2": Choose(("A", "B"))}


@pytest.mark.parametrize(
    ("key", "prediction", "labels"),
    [
        ("0", Prediction("0", text="答案是D"), ["D"]),
        ("0", Prediction("0", label_scores={"A": 0.9, "B": 0.8, "C": 0.1, "D": 0.2}), ["A"]),  # one option: the best
        ("1", Prediction("1", label_scores={"A": 0.9, "B": 0.1, "C": 0.6, "D": 0.2, "E": 0.0}), ["A", "C"]),
        ("1", Prediction("1", label_scores={"A": -9.0, "B": -1.0, "C": -2.0, "D": -4.0, "E": -5.0}), ["B"]),
        ("1", Prediction("1", answer="CA"), ["A", "C"]),
        ("2", Prediction("2", text="错误"), ["B"]),
        ("2", Prediction("2", text="不知道"), []),
    ],
)
def test_letters_are_those_of_the_question(key: str, prediction: Prediction, labels: list[str], cflue: Any) -> None:
    example = next(one for one in cflue.examples() if one.id == key)
    assert final(cflue, example, prediction) == {"labels": labels}


def test_an_option_that_the_question_has_not_is_malformed(cflue: Any) -> None:
    example = next(one for one in cflue.examples() if one.id == "2")
    assert isinstance(final(cflue, example, Prediction("2", text="C")), Malformed)


@pytest.mark.parametrize(
    "content",
    [
        '{"0": "D", "1": "A、C", "2": ["B"]}',
        '[{"id": 0, "output": "选D。"}, {"id": 1, "output": "ＡＣ"}, {"id": 2, "output": "错"}]',
    ],
)
def test_answers_are_brought_as_letters_or_as_replies(content: str, cflue: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    examples = {one.id: one for one in cflue.examples()}
    found = read(cflue, tmp_path / "a.json", list(examples.values()))
    assert {x.id: final(cflue, examples[x.id], x)["labels"] for x in found.predictions} == {
        "0": ["D"],
        "1": ["A", "C"],
        "2": ["B"],
    }


@pytest.mark.parametrize(
    "content",
    ['{"0": 0.25, "1": "-1"}', "id,sentiment_score\n0,0.25\n1,−1\n", '{"id": 0, "score": 0.25}\n{"id": "1", "score": -1}\n',
     '{"id": 0, "output": "The score is 0.25."}\n{"id": 1, "output": "−1"}\n'],
)  # fmt: skip
def test_sentiment_scores_are_brought_as_numbers_or_as_replies(content: str, tmp_path: Path) -> None:
    fiqa = built("fiqa_sentiment", write(tmp_path, FILES))
    path = tmp_path / ("a.csv" if content.startswith("id,") else "a.json" if content.startswith('{"0"') else "a.jsonl")
    path.write_text(content, encoding="utf-8")
    examples = {one.id: one for one in fiqa.examples()}
    found = read(fiqa, path, list(examples.values()))
    assert {x.id: final(fiqa, examples[x.id], x)["sentiment"] for x in found.predictions} == {"0": 0.25, "1": -1.0}
    assert [one.inputs["text"] for one in fiqa.training()] == ["Acme grows"]  # the other one is evaluated


def test_options_are_read_from_json_too(tmp_path: Path) -> None:
    (record,) = json.loads(FILES["finance/cflue/knowledge.json"])[:1]
    record["choices"] = {"A": "x", "B": "y", "D": "z"}
    write(tmp_path, {"finance/cflue/knowledge.json": json.dumps([record])})
    assert built("cflue", tmp_path).examples()[0].inputs["options"] == {"A": "x", "B": "y", "D": "z"}
