"""Every task keeps its promises: its card, its examples, a request without the target, an oracle that is right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from small_data import CARRIED, ELBE, NAMES, PO, built, shipped, without_meteor, write

from bench.errors import BenchError
from bench.metrics import meteor
from bench.metrics.metric import CorpusMetric, Metric, ModuleMetric, RankedMetric
from bench.task import Task, Unparsed
from bench.types import Choose, Example, Generate, Image, Json, Part, Prediction, Reply, Span, Text, Video
from tasks import chitchat
from tasks.answers import or_nothing, short_answer


@cache
def task_class(name: str) -> type[Task]:
    """The class of conf/task/NAME."""
    return type(built(name, Path("nowhere")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of small files."""
    return write(tmp_path_factory.mktemp("data"))


@pytest.fixture(params=NAMES)
def task(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A task as its configuration builds it, on small files or on the first of the reference data."""
    if request.param == "dstc7":
        monkeypatch.setattr(meteor, "ready", without_meteor)
    return shipped(request.param, folder)


@cache
def some(task: Task) -> Sequence[Example]:
    """The first examples, read once."""
    return task.examples()[:40]


def row_metrics(task: Task) -> list[Metric]:
    return [metric for metric in task.metrics if isinstance(metric, Metric)]


def words(parts: Sequence[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, Text))


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_filled(name: str) -> None:
    card = task_class(name).card
    for field in ("title", "source", "revision", "licence", "split", "language", "scenario", "cluster"):
        assert getattr(card, field).strip(), field
    assert card.n_examples > 0
    ranked = task_class(name).metrics[0]
    low, high = card.chance
    assert low < high
    if ranked.is_fraction and ranked.higher_is_better:  # an error rate may exceed 1, NIST is a weight of information
        assert -1.0 <= low < high <= 1.0
        assert all(0.0 <= value <= 1.0 for value in card.references.values())
    assert card.citation or name in CARRIED  # what others made is cited
    assert card.superseded_by is None  # a board that is offered is the newest


@pytest.mark.parametrize("name", NAMES)
def test_a_task_has_the_name_of_its_file_a_version_and_a_metric_that_ranks(name: str) -> None:
    found = task_class(name)
    assert found.name == name
    assert isinstance(found.version, int)
    assert found.version >= 1
    assert isinstance(found.metrics[0], Metric | RankedMetric)  # the ranking metric has an interval and bounds
    names = [metric.name for metric in found.metrics]
    assert len(set(names)) == len(names)
    kinds = Metric | RankedMetric | CorpusMetric | ModuleMetric
    assert all(isinstance(metric, kinds) and metric.signature for metric in found.metrics)
    assert found.__doc__


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in CARRIED if name != "bankruptcy_polish"]
)  # of which a part is carried
def test_the_card_of_a_task_with_its_own_data_tells_its_real_number_of_examples(name: str) -> None:
    assert len(built(name, Path("nowhere")).examples()) == task_class(name).card.n_examples


def test_ids_are_unique_and_no_text_is_empty(task: Task) -> None:
    examples = task.examples()
    assert len({example.id for example in examples}) == len(examples) > 0
    assert all(example.id.strip() and example.cluster.strip() for example in examples)


def test_examples_come_in_a_fixed_order(task: Task) -> None:
    assert list(task.examples()[:40]) == list(some(task))


def test_inputs_and_targets_are_what_json_gives_back(task: Task) -> None:
    for example in some(task):
        assert json.loads(json.dumps(dict(example.inputs), allow_nan=False)) == example.inputs
        assert json.loads(json.dumps(example.target, allow_nan=False)) == example.target


def test_questions_of_a_passage_follow_one_another(task: Task) -> None:
    if issubclass(task.output, Span):
        clusters = [example.cluster for example in task.examples()]
        assert sum(a != b for a, b in pairwise(clusters)) == len(set(clusters)) - 1


def test_a_request_is_made_without_the_target(task: Task) -> None:
    for example in some(task):
        request = task.request(example)
        assert task.request(replace(example, target=None)) == request
        assert request.id == example.id


def fields(value: Json) -> list[Json]:
    """All values inside a JSON value, itself included."""
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [value, *(found for one in inside for found in fields(one))]


def test_no_input_is_the_target_and_no_part_of_the_prompt_is(task: Task) -> None:
    for example in some(task):
        assert example.target in ([], "") or example.target not in fields(dict(example.inputs)), example.id
        if isinstance(example.target, str) and not issubclass(task.output, Choose):
            parts = task.request(example).parts
            assert example.target not in [part.text for part in parts if isinstance(part, Text)], example.id


def test_a_request_holds_and_asks_for_what_the_task_declares(task: Task) -> None:
    for example in some(task):
        request = task.request(example)
        assert {part.kind for part in request.parts} == task.parts
        assert isinstance(request.output, task.output)
        assert all(
            part.text.strip() for part in request.parts if isinstance(part, Text) and not isinstance(part, Reply)
        )
        assert all(part.data for part in request.parts if isinstance(part, Image))


def test_the_passage_or_page_comes_before_the_question(task: Task) -> None:
    for example in some(task):
        request = task.request(example)
        if isinstance(request.output, Span):
            question, context = example.inputs["question"], request.output.context
            assert request.output.question == question
            asked = max(i for i, p in enumerate(request.parts) if isinstance(p, Text) and question in p.text)
            if context is None:
                assert max(i for i, part in enumerate(request.parts) if isinstance(part, Image | Video)) < asked
            else:
                text = words(request.parts)
                assert context == example.inputs["context"]
                assert text.rindex(context) + len(context) <= text.rindex(question)


def test_questions_on_one_passage_share_the_prompt_up_to_the_question(task: Task) -> None:
    examples = [example for example in some(task) if example.inputs.get("context")]
    for one, other in pairwise(examples):
        if one.cluster == other.cluster:
            texts = [words(task.request(example).parts) for example in (one, other)]
            upto = texts[0].rindex(one.inputs["context"]) + len(one.inputs["context"])
            assert texts[0][:upto] == texts[1][:upto]


def test_what_the_oracle_says_passes_the_parser_and_measures_the_best_row(task: Task) -> None:
    for example in some(task):
        ideal = task.ideal(example)
        assert ideal.id == example.id
        assert ideal.error is None
        answer = task.answer(ideal)
        for metric in row_metrics(task):
            if metric.fit is None and not metric.absent([answer]):
                row, best = metric.measure(example.target, answer), metric.best(example.target)
                assert tuple(row) == pytest.approx(tuple(best), abs=1e-12), (example.id, metric.name)


def test_an_answer_is_a_pure_function_of_the_prediction(task: Task) -> None:
    for example in some(task)[:20]:
        ideal = task.ideal(example)
        again = Prediction.from_json(json.loads(json.dumps(ideal.to_json())))
        assert task.answer(ideal) == task.answer(again) == task.answer(ideal)


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
        empty = task.answer(Prediction("q", text=""))
        empty = empty.scored_as if isinstance(empty, Unparsed) else empty
        assert not any(fields(empty)[isinstance(empty, dict) :]), empty


def test_chitchat_takes_one_reply_a_conversation_with_the_model_in_the_repliers_place(folder: Path) -> None:
    examples = shipped("chitchat", folder).examples()
    assert [example.id for example in examples] == ["long", "b"]  # "short" ends before the scored turn
    for example in examples:
        turns = example.inputs["turns"]
        assert [role for role, _ in turns][-2:] == ["assistant", "user"]  # the other person spoke last
        assert all(turns[i][0] != turns[i + 1][0] for i in range(len(turns) - 1))
        assert len(turns) == chitchat.TURN
        assert example.target == [f"I read a long book about old ships {chitchat.TURN}"]
        assert turns[1][1] == "I read a long book about old ships 1"  # white space is folded


def test_squad_takes_every_question_with_its_paragraph_as_cluster(folder: Path) -> None:
    examples = shipped("squad_v1", folder).examples()
    assert [example.id for example in examples] == ["elbe-1", "elbe-2", "po-1", "loaf-1"]
    assert examples[0].target == ["Bohemia", "in Bohemia"]
    assert examples[0].cluster == examples[1].cluster != examples[2].cluster
    assert examples[0].inputs == {"title": "Small", "context": ELBE, "question": "Where does the Elbe rise?"}
    assert examples[2].inputs["context"] == PO


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
