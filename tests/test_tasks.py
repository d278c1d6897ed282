"""Every task keeps its promises: its card, its examples, a request without the target, an oracle that is right."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.errors import BenchError
from bench.metrics.metric import CorpusMetric, Metric
from bench.task import Task
from bench.types import Example, Generate, Image, Part, Prediction, Span, Text
from tasks import chitchat
from tasks.answers import or_nothing, short_answer

CONF = Path(__file__).parents[1] / "conf" / "task"
FINMM = ["finmm_dialogue", "finmm_docvqa", "finmm_emotion", "finmm_qa"]
TASKS = [*FINMM, "chitchat", "squad_v1"]
ELBE = {
    "context": "The Elbe rises in Bohemia and flows into the North Sea.",
    "qas": [
        {
            "id": "elbe-1",
            "question": "Where does the Elbe rise?",
            "answers": [{"text": "Bohemia"}, {"text": "in Bohemia"}],
        },
        {"id": "elbe-2", "question": "Into what does it flow?", "answers": [{"text": "the North Sea"}]},
    ],
}
PO = {
    "context": "The Po is 652 km long.",
    "qas": [{"id": "po-1", "question": "How long is the Po?", "answers": [{"text": "652 km"}]}],
}
SQUAD = {"version": "1.1", "data": [{"title": "Rivers", "paragraphs": [ELBE, PO]}]}


def conversation(n_turns: int, *, words: str = "I read a long book about old ships") -> dict[str, Any]:
    """Two people in turn; the first sends each of their turns as two messages."""
    groups = []
    for i in range(n_turns):
        sender, text = "ab"[i % 2], f"{words} {i}"
        parts = [text[:10], text[10:]] if sender == "a" else [f"  {text}\n"]
        groups.append([{"text": part.strip(), "sender": sender} for part in parts])
    return {"messages": groups}


def small_file(name: str, folder: Path) -> Path:
    content = {
        "squad_v1": SQUAD,
        "chitchat": {"long": conversation(10), "short": conversation(2), "b": conversation(9)},
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content[name]), encoding="utf-8")
    return path


def settings(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8")))


@cache
def task_class(name: str) -> type[Task]:
    module, _, attribute = settings(name)["_target_"].rpartition(".")
    found: type[Task] = getattr(importlib.import_module(module), attribute)
    assert issubclass(found, Task)
    return found


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest, tmp_path: Path) -> Task:
    """A task as its configuration builds it; one whose data come from elsewhere reads a small file instead."""
    name, chosen = request.param, settings(request.param)
    chosen.pop("_target_")
    if "source" in chosen:
        chosen = {"source": f"file:{small_file(name, tmp_path)}"}
    elif "sources" in chosen:
        chosen = {"sources": [f"file:{small_file(name, tmp_path)}"]}
    return task_class(name)(**chosen)


def row_metrics(task: Task) -> list[Metric]:
    return [metric for metric in task.metrics if isinstance(metric, Metric)]


def words(parts: Sequence[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def test_every_task_of_the_registry_is_tested_here() -> None:
    assert sorted(path.stem for path in CONF.glob("*.yaml")) == sorted(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_a_card_is_filled(name: str) -> None:
    card = task_class(name).card
    for field in ("title", "source", "revision", "licence", "split", "language", "scenario"):
        assert getattr(card, field).strip(), field
    assert card.n_examples > 0
    low, high = card.chance
    assert -1.0 <= low < high <= 1.0
    assert all(0.0 <= value <= 1.0 for value in card.references.values())
    assert card.citation or name in FINMM  # what others made is cited
    assert card.superseded_by is None  # a board that is offered is the newest


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_the_name_of_its_file_a_version_and_a_metric_that_ranks(name: str) -> None:
    found = task_class(name)
    assert found.name == name
    assert isinstance(found.version, int)
    assert found.version >= 1
    assert isinstance(found.metrics[0], Metric)  # the ranking metric has an interval and bounds
    names = [metric.name for metric in found.metrics]
    assert len(set(names)) == len(names)
    assert all(isinstance(metric, Metric | CorpusMetric) and metric.signature for metric in found.metrics)
    assert found.__doc__


@pytest.mark.parametrize("name", FINMM)
def test_the_card_of_an_embedded_task_tells_its_real_number_of_examples(name: str) -> None:
    chosen = settings(name)
    chosen.pop("_target_")
    assert len(task_class(name)(**chosen).examples()) == task_class(name).card.n_examples


def test_ids_are_unique_and_no_text_is_empty(task: Task) -> None:
    examples = task.examples()
    assert len({example.id for example in examples}) == len(examples) > 0
    assert all(example.id.strip() and example.cluster.strip() for example in examples)


def test_examples_come_in_a_fixed_order(task: Task) -> None:
    assert list(task.examples()) == list(task.examples())


def test_inputs_and_targets_are_what_json_gives_back(task: Task) -> None:
    for example in task.examples():
        assert json.loads(json.dumps(dict(example.inputs), allow_nan=False)) == example.inputs
        assert json.loads(json.dumps(example.target, allow_nan=False)) == example.target


def test_examples_of_a_cluster_follow_one_another(task: Task) -> None:
    clusters = [example.cluster for example in task.examples()]
    changes = sum(a != b for a, b in pairwise(clusters))
    assert changes == len(set(clusters)) - 1


def test_a_request_is_made_without_the_target(task: Task) -> None:
    for example in task.examples()[:40]:
        request = task.request(example)
        assert task.request(replace(example, target=None)) == request
        assert request.id == example.id


def test_a_request_holds_and_asks_for_what_the_task_declares(task: Task) -> None:
    for example in task.examples()[:40]:
        request = task.request(example)
        assert {part.kind for part in request.parts} == task.parts
        assert isinstance(request.output, task.output)
        assert all(part.text.strip() for part in request.parts if isinstance(part, Text))
        assert all(part.data for part in request.parts if isinstance(part, Image))


def test_the_passage_or_page_comes_before_the_question(task: Task) -> None:
    for example in task.examples()[:40]:
        request = task.request(example)
        if isinstance(request.output, Span):
            question, context = example.inputs["question"], request.output.context
            assert request.output.question == question
            asked = max(i for i, p in enumerate(request.parts) if isinstance(p, Text) and question in p.text)
            if context is None:
                assert max(i for i, part in enumerate(request.parts) if isinstance(part, Image)) < asked
            else:
                text = words(request.parts)
                assert context == example.inputs["context"]
                assert text.rindex(context) + len(context) <= text.rindex(question)


def test_questions_on_one_passage_share_the_prompt_up_to_the_question(task: Task) -> None:
    examples = [example for example in task.examples()[:60] if example.inputs.get("context")]
    for one, other in pairwise(examples):
        if one.cluster == other.cluster:
            texts = [words(task.request(example).parts) for example in (one, other)]
            upto = texts[0].rindex(one.inputs["context"]) + len(one.inputs["context"])
            assert texts[0][:upto] == texts[1][:upto]


def test_what_the_oracle_says_passes_the_parser_and_measures_the_best_row(task: Task) -> None:
    for example in task.examples():
        ideal = task.ideal(example)
        assert ideal.id == example.id
        assert ideal.error is None
        answer = task.answer(ideal)
        for metric in row_metrics(task):
            assert tuple(metric.measure(example.target, answer)) == tuple(metric.best(example.target)), example.id


def test_an_answer_is_a_pure_function_of_the_prediction(task: Task) -> None:
    for example in task.examples()[:20]:
        ideal = task.ideal(example)
        assert task.answer(ideal) == task.answer(replace(ideal)) == task.answer(ideal)


def test_no_accepted_answer_of_the_embedded_questions_reads_as_a_refusal() -> None:
    for example in task_class("finmm_qa")().examples():
        for target in example.target:
            assert or_nothing(short_answer(target)), (example.id, target)


def test_an_emotion_is_held_within_its_scale() -> None:
    found = task_class("finmm_emotion")().answer(Prediction("u", values={"valence": -7.0, "arousal": 1.5}))
    assert found == {"valence": -1.0, "arousal": 1.0}


def test_a_reply_has_its_white_space_folded() -> None:
    assert task_class("finmm_dialogue")().answer(Prediction("t", text="  Your card\t is\n blocked. ")) == (
        "Your card is blocked."
    )


def test_the_oracle_of_a_dialogue_says_the_longest_of_several_replies() -> None:
    dialogue = task_class("finmm_dialogue")()
    replies = ["Sure.", "Your new card will be in your branch by Friday.", "It comes on Friday."]
    for target in (replies, replies[::-1]):
        example = Example("t", {"turns": [["user", "Where is my card?"]]}, target, "c")
        assert dialogue.ideal(example) == Prediction("t", text=replies[1])


@pytest.mark.parametrize("said", ["unanswerable", "It does not say", '{"answer": "none"}', "```\nN.A.\n```"])
def test_a_refusal_is_no_answer_where_a_question_may_have_none(said: str) -> None:
    assert task_class("finmm_qa")().answer(Prediction("q", text=said)) == ""


def test_a_model_that_says_nothing_gives_an_empty_answer(task: Task) -> None:
    if issubclass(task.output, Generate):
        assert task.answer(Prediction("q", text="")) == ""


def test_chitchat_takes_one_reply_a_conversation_with_the_model_in_the_repliers_place(tmp_path: Path) -> None:
    examples = chitchat.Chitchat(f"file:{small_file('chitchat', tmp_path)}").examples()
    assert [example.id for example in examples] == ["long", "b"]  # "short" ends before the scored turn
    for example in examples:
        turns = example.inputs["turns"]
        assert [role for role, _ in turns][-2:] == ["assistant", "user"]  # the other person spoke last
        assert all(turns[i][0] != turns[i + 1][0] for i in range(len(turns) - 1))
        assert len(turns) == chitchat.TURN
        assert example.target == [f"I read a long book about old ships {chitchat.TURN}"]
        assert turns[1][1] == "I read a long book about old ships 1"  # white space is folded


def test_squad_takes_every_question_with_its_paragraph_as_cluster(tmp_path: Path) -> None:
    examples = task_class("squad_v1")(sources=[f"file:{small_file('squad_v1', tmp_path)}"]).examples()  # type: ignore[call-arg]
    assert [example.id for example in examples] == ["elbe-1", "elbe-2", "po-1"]
    assert examples[0].target == ["Bohemia", "in Bohemia"]
    assert examples[0].cluster == examples[1].cluster != examples[2].cluster
    assert examples[2].inputs == {"title": "Rivers", "context": PO["context"], "question": "How long is the Po?"}


def test_a_local_file_comes_before_the_hub_and_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"none of file:.*missing\.json exists"):
        task_class("squad_v1")(sources=[f"file:{tmp_path / 'missing.json'}"]).examples()  # type: ignore[call-arg]


def test_no_document_at_all_is_refused() -> None:
    with pytest.raises(BenchError, match=r"task\.documents=0 must be at least 1"):
        task_class("finmm_docvqa")(documents=0)  # type: ignore[call-arg]


def test_another_document_seed_gives_other_questions_under_other_ids() -> None:
    found: list[list[Example]] = [
        list(task_class("finmm_docvqa")(documents=3, document_seed=seed).examples())  # type: ignore[call-arg]
        for seed in (7, 8)
    ]
    assert not {e.id for e in found[0]} & {e.id for e in found[1]}
    whole = task_class("finmm_docvqa")(documents=6).examples()  # type: ignore[call-arg]
    assert found[0] == list(whole)[: len(found[0])]  # more documents change nothing in the first
