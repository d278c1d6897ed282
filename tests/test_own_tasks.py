"""Tasks by a file of conf/task over rows of one's own, each kind by the example that `bench new` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.config.build import build
from bench.engine.asking import ideals
from bench.errors import BenchError
from bench.models.base import Device
from bench.models.reference import Oracle, Random
from bench.scaffold.columns import KINDS
from bench.scaffold.task_files import Asked, make_task
from bench.scaffold.trial import Empty
from bench.scaffold.written import draft
from bench.scoring.answers import final
from bench.scoring.measure import score
from bench.task import Malformed, Task
from bench.types import Prediction

CARD = {
    "title": "T", "source": "here", "revision": "1", "licence": "CC0", "split": "all", "n_examples": 2, "language": "en",
    "chance": [0, 1], "scenario": "reading", "cluster": "text",
}  # fmt: skip
QA, CHOICE = "tasks.own_questions.QuestionTask", "tasks.own_questions.ChoiceTask"
SCORES, TEXTS = "tasks.own_texts.ScoreTask", "tasks.own_texts.TextTask"
PAGES, SPEECH = "tasks.own_media.PageTask", "tasks.own_media.SpeechTask"


def own(folder: Path, target: str, rows: list[dict[str, Any]], **about: Any) -> Any:
    """The task of these rows."""
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    told = {"name": "t", "version": 1, "card": CARD, **about}
    data = {"_target_": "bench.data.source.DataSource", "local": "t.jsonl", "data_dir": str(folder)}
    return build({"_target_": target, "about": told, "data": data}, "task")


def said(task: Task, text: str) -> Any:
    """The final answer that a reply gives to the first example."""
    return final(task, task.examples()[0], Prediction(task.examples()[0].id, text=text))


@pytest.mark.parametrize("kind", KINDS)
def test_in_every_kind_a_perfect_answer_is_right_and_an_empty_one_is_not(kind: str, tmp_path: Path) -> None:
    with draft(tmp_path) as files:
        found = make_task(files, Asked("mine", kind=kind))
        files.place()
    told = yaml.safe_load((tmp_path / "conf/task/mine.yaml").read_text())
    told["data"] |= {"data_dir": str(tmp_path / "data"), "path": None}
    task = build(told, "task")
    examples = task.examples()
    assert len(examples) == found.n_examples == task.card.n_examples
    assert list(task.problems()) == []
    oracle, random = Oracle(), Random()
    oracle.reveal(ideals(task, examples))
    random.load(Device("cpu", "none", 1), seed=0)
    asked = [task.request(one) for one in examples]
    perfect, empty, _ = (
        score(task, examples, model.predict(asked), resamples=0, seed=0)[0].value for model in (oracle, Empty(), random)
    )
    best = 1.0 if task.metrics[0].higher_is_better else 0.0
    assert perfect == pytest.approx(best)
    assert empty != pytest.approx(best)
    assert all(task.slices(one) for one in examples)


def test_one_question_may_have_several_right_answers_or_where_it_is_said_none(tmp_path: Path) -> None:
    rows = [
        {"question": "Who?", "context": "Ann.", "answer": ["Ann", "Ann Lee"]},
        {"question": "When?", "context": "Ann.", "answer": ""},
    ]
    with pytest.raises(BenchError, match="1 of 2 examples have no answer"):
        own(tmp_path, QA, rows).examples()
    task = own(tmp_path, QA, rows, unanswerable=True)
    assert sorted(one.target for one in task.examples()) == [[], ["Ann", "Ann Lee"]]
    assert len({one.cluster for one in task.examples()}) == 1  # of one passage
    assert said(task, "I don't know") == ""


@pytest.mark.parametrize(
    ("answer", "reply", "value"),
    [
        ("-1.5", "1.5", 0.0), ("1.5", "15", 0.0), ("1.5", "-1.5", 0.0), ("$1,234", "1234", 1.0), ("3,50 %", "3.5", 1.0),
        ("1.234,5", "1,234.5", 1.0), ("\N{MINUS SIGN}4 points", "-4 points", 1.0), ("minus 4", "-4", 1.0), ("5-7", "57", 0.0),
        ("-$5", "$-5", 1.0), ("COVID-19", "COVID19", 1.0),
    ],
)  # fmt: skip
def test_a_number_with_another_sign_or_point_is_another_answer(
    answer: str, reply: str, value: float, tmp_path: Path
) -> None:
    task = own(tmp_path, QA, [{"question": "How much?", "answer": answer}], passages=False)
    (example,) = task.examples()
    given = [Prediction(example.id, text=reply)]
    assert [one.value for one in score(task, [example], given, resamples=1, seed=0)] == [value, value]


def test_columns_may_be_called_as_they_are(tmp_path: Path) -> None:
    rows = [{"nr": 7, "frage": "Wer?", "antwort": 5, "fall": "a"}]
    names = {"id": "nr", "question": "frage", "answer": "antwort", "cluster": "fall"}
    (one,) = own(tmp_path, QA, rows, passages=False, columns=names, instruction="Kurz.", ranks="exact_match").examples()
    assert (one.id, one.target, one.cluster) == ("7", ["5"], "a")


@pytest.mark.parametrize(
    ("reply", "labels"), [("B", ["B"]), ("The answer is B.", ["B"]), ("A and B", ["A", "B"]), ("no idea", [])]
)
def test_a_letter_is_read_out_of_a_reply_and_two_letters_are_not_one(
    reply: str, labels: list[str], tmp_path: Path
) -> None:
    task = own(tmp_path, CHOICE, [{"question": "q?", "A": "yes", "B": "no", "answer": "b"}])
    assert said(task, reply) == {"labels": labels}


def test_a_submitted_option_may_be_its_text_and_no_other(tmp_path: Path) -> None:
    task = own(tmp_path, CHOICE, [{"question": "q?", "options": ["Yes", "No"], "answer": "B"}])
    (example,) = task.examples()
    assert task.checked(example, "no") == {"labels": ["B"]}
    assert isinstance(task.checked(example, "perhaps"), Malformed)


def test_a_score_is_read_as_the_number_that_is_said_and_held_within_its_scale(tmp_path: Path) -> None:
    task = own(
        tmp_path, SCORES, [{"text": "a", "s": 0.5}, {"text": "b", "s": "1"}], scales={"s": [0, 1]}, instruction="Judge."
    )
    assert said(task, "I give it 0.7.") == {"s": 0.7}
    assert [metric.name for metric in task.metrics] == ["ccc_s", "pearson_s", "rmse_s"]


def test_the_best_of_several_references_counts(tmp_path: Path) -> None:
    task = own(
        tmp_path, TEXTS, [{"text": "a", "reference": ["one two three", "four"]}], instruction="Say.", ranks="chrf"
    )
    assert task.metrics[0].name == "chrf"
    rouge = next(metric for metric in task.metrics if metric.name == "rougeL")
    assert rouge.measure(["one two three", "four"], "four") == (1.0,)
    assert rouge.measure(["one two three", "four"], "one two") == pytest.approx((0.8,))  # precision 1, recall 2/3


def _asked(folder: Path, target: str, rows: list[dict[str, Any]], about: Mapping[str, Any]) -> None:
    """Make the task and all its requests."""
    task = own(folder, target, rows, **about)
    for example in task.examples():
        task.request(example)


@pytest.mark.parametrize(
    ("target", "about", "rows", "line"),
    [
        (QA, {}, [{"question": "q", "answer": "a"}], "t.jsonl line 1: 'context' is no column; found question, answer"),
        (QA, {"passages": "no"}, [], "task.about.passages: found 'no', expected true or false"),
        (QA, {"max_new_tokens": 0}, [], "task.about.max_new_tokens: found '0'"),
        (QA, {"ranks": "f2"}, [], "task.about.ranks: found 'f2', expected one of f1, exact_match"),
        (QA, {"columns": {"label": "x"}}, [], "task.about.columns.label is nothing that this task reads"),
        (QA, {"passages": False}, [{"id": 1, "question": "q", "answer": "a"}] * 2, "the id '1' comes twice, first in line 1"),
        (QA, {"passages": False}, [{"question": ["q"], "answer": "a"}], "line 1: 'question' is a list, expected a text"),
        (CHOICE, {}, [{"question": "q", "A": "x", "C": "y", "answer": "A"}], "found the options"),
        (CHOICE, {}, [{"question": "q", "A": "x", "B": "y", "answer": "C"}], "the answer is 'C', expected the letter of an option"),
        (SCORES, {"instruction": "i", "scales": {"s": [1, 0]}}, [], "task.about.scales"),
        (SCORES, {"instruction": "i", "scales": {"s": [0, 1]}}, [{"text": "a", "s": 2}], "expected a number from 0 to 1"),
        (PAGES, {}, [{"image": "../x.png", "question": "q", "answer": "a"}], "expected a file below the folder of the rows"),
        (PAGES, {}, [{"image": "x.png", "question": "q", "answer": "a"}], "x.png does not exist"),
        (SPEECH, {}, [{"audio": "x.wav", "transcript": "..."}], "holds no word"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_says_where(
    target: str, about: Mapping[str, Any], rows: list[dict[str, Any]], line: str, tmp_path: Path
) -> None:
    with pytest.raises(BenchError) as caught:
        _asked(tmp_path, target, rows, about)
    assert line in str(caught.value)


def test_data_beside_conf_serve_where_the_data_directory_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("own/conf", "own/data", "other"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("BENCH_CONF", str(tmp_path / "own/conf"))
    (tmp_path / "own/data/t.csv").write_text("question,answer\nWho?,beside\n")
    told = {"name": "t", "version": 1, "card": CARD, "passages": False}
    data = {"_target_": "bench.data.source.DataSource", "local": "t.csv", "data_dir": str(tmp_path / "other")}
    config = {"_target_": QA, "about": told, "data": data}
    assert build(config, "task").examples()[0].target == ["beside"]
    (tmp_path / "other/t.csv").write_text("question,answer\nWho?,directory\n")
    assert build(config, "task").examples()[0].target == ["directory"]
    data["local"] = "../data/t.csv"
    (tmp_path / "other/t.csv").unlink()
    with pytest.raises(BenchError, match="does not exist"):
        build(config, "task").examples()
