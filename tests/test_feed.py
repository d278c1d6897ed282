"""How a model is fed: the plan of batches, and what is made of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.engine import feed
from bench.errors import BenchError
from bench.models.base import Model
from bench.types import Choose, Example, Generate, Prediction, Regress, Request, Span, Text

BENCH_ERROR_TEXT = "the weights are gone; fetch them again"


class Says(Model):
    """Gives what `reply` makes of a batch."""

    def __init__(self, reply: Callable[[Sequence[Request]], Any]) -> None:
        self.reply = reply

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return self.reply(batch)


def requests(*ids: str, output: Any = Generate(4)) -> list[Request]:  # noqa: B008 - frozen
    return [Request(name, (Text(name),), output) for name in ids]


def texts(batch: Sequence[Request]) -> list[Prediction]:
    return [Prediction(request.id, text=request.id.upper()) for request in batch]


def as_request(example: Example) -> Request:
    return Request(example.id, (Text("x" * example.inputs["length"]),), Generate(4))


@given(data=st.data())
def test_the_plan_does_not_depend_on_where_it_stopped(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(0, 9), max_size=40), label="lengths")
    batch_size = data.draw(st.integers(1, 7), label="batch_size")
    window = data.draw(st.integers(1, 20), label="window")
    stop = data.draw(st.integers(0, len(lengths)), label="stop")
    examples = [Example(f"e{i}", {"length": length}, None, "c") for i, length in enumerate(lengths)]
    model = Says(texts)
    with mock.patch.object(feed, "WINDOW", window):
        whole = list(feed.batches(examples, as_request, model, batch_size=batch_size, batch_tokens=10**6))
        order = [request.id for _, batch in whole for request in batch]
        rest = list(
            feed.batches(examples, as_request, model, batch_size=batch_size, batch_tokens=10**6, done=order[:stop])
        )
    assert sorted(order) == sorted(example.id for example in examples)
    assert [position for position, _ in whole] == [sum(len(b) for _, b in whole[:i]) for i in range(len(whole))]
    # What is left are the last batches of the uninterrupted plan, from the one that the stop fell into.
    left = [item for item in whole if item[0] + len(item[1]) > stop]
    assert rest == left
    kept = order[: rest[0][0]] if rest else order[:stop]
    assert kept + [request.id for _, batch in rest for request in batch] == order


def plan_of(lengths: Sequence[int], clusters: str, size: int, tokens: int) -> list[list[str]]:
    examples = [
        Example(f"e{i}", {"length": 4 * n}, None, c) for i, (n, c) in enumerate(zip(lengths, clusters, strict=True))
    ]
    plan = feed.batches(examples, as_request, Says(texts), batch_size=size, batch_tokens=tokens)
    return [[request.id for request in batch] for _, batch in plan]


def test_the_longest_requests_come_first_and_equal_ones_keep_their_order() -> None:
    assert plan_of([1, 5, 3, 5, 1], "abcde", 2, 99) == [["e1", "e3"], ["e2", "e0"], ["e4"]]


def test_requests_of_one_cluster_stay_together_at_the_place_of_its_longest() -> None:
    assert plan_of([1, 4, 5, 2], "abac", 2, 99) == [["e2", "e0"], ["e1", "e3"]]


def test_a_batch_holds_no_more_tokens_than_it_may_unless_one_request_does() -> None:
    assert plan_of([9, 4, 3, 2, 2, 1], "abcdef", 9, 7) == [["e0"], ["e1", "e2"], ["e3", "e4", "e5"]]


def test_a_window_that_is_done_makes_no_requests() -> None:
    examples = [Example(f"e{i}", {"length": 1}, None, "c") for i in range(6)]
    asked: list[str] = []

    def request(example: Example) -> Request:
        asked.append(example.id)
        return as_request(example)

    with mock.patch.object(feed, "WINDOW", 4):
        plan = list(
            feed.batches(examples, request, Says(texts), batch_size=2, batch_tokens=99, done=["e0", "e1", "e2", "e3"])
        )
    assert asked == ["e4", "e5"]
    assert [[r.id for r in batch] for _, batch in plan] == [["e4", "e5"]]


def test_answers_come_in_the_order_of_the_requests() -> None:
    assert feed.answer(Says(texts), requests("a", "b"), "m") == [Prediction("a", text="A"), Prediction("b", text="B")]


def test_a_model_that_raises_on_one_example_loses_only_that_one() -> None:
    def reply(batch: Sequence[Request]) -> list[Prediction]:
        if any(request.id == "b" for request in batch):
            raise RuntimeError("no memory")
        return texts(batch)

    assert feed.answer(Says(reply), requests("a", "b", "c"), "m") == [
        Prediction("a", text="A"), Prediction("b", error="RuntimeError: no memory"), Prediction("c", text="C"),
    ]  # fmt: skip


def test_a_very_long_reason_is_cut_to_500_characters() -> None:
    def reply(batch: Sequence[Request]) -> list[Prediction]:
        raise ValueError("x" * 5000)

    (prediction,) = feed.answer(Says(reply), requests("a"), "m")
    assert prediction.error is not None
    assert len(prediction.error) == 500


@pytest.mark.parametrize(
    ("got", "asked_text", "got_text"),
    [
        (["a", "b"], "asked for 3", "got 2"),
        (["a", "b", "c", "d"], "asked for 3", "got 4"),
        (["b", "a", "c"], "['a', 'b', 'c']", "['b', 'a', 'c']"),
        (["a", "c", "b"], "['b', 'c']", "['c', 'b']"),
        (["a", "a", "c"], "['b', 'c']", "['a', 'c']"),
        ([], "asked for 3", "got 0"),
    ],
    ids=["too few", "too many", "out of order", "last two swapped", "one twice", "none"],
)
def test_an_answer_that_is_not_asked_for_in_order_is_refused(got: list[str], asked_text: str, got_text: str) -> None:
    model = Says(lambda batch: [Prediction(name, text="") for name in got])
    with pytest.raises(BenchError) as caught:
        feed.answer(model, requests("a", "b", "c"), "finlm")
    text = str(caught.value)
    assert "model 'finlm' must answer each request of a batch in order" in text
    assert asked_text in text
    assert got_text in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "found", [None, ["A"], [{"id": "a", "text": "A"}], 3], ids=["None", "texts", "dicts", "number"]
)
def test_a_model_that_gives_no_predictions_is_refused(found: object) -> None:
    with pytest.raises(BenchError, match="model 'finlm'"):
        feed.answer(Says(lambda batch: found), requests("a"), "finlm")


def test_a_bench_error_passes_through() -> None:
    def reply(batch: Sequence[Request]) -> list[Prediction]:
        raise BenchError(BENCH_ERROR_TEXT)

    with pytest.raises(BenchError, match=BENCH_ERROR_TEXT):
        feed.answer(Says(reply), requests("a", "b"), "m")


def test_an_interruption_passes_through() -> None:
    def reply(batch: Sequence[Request]) -> list[Prediction]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        feed.answer(Says(reply), requests("a", "b"), "m")


LABELS = Choose(("up", "down"))
SCALE = Regress(("valence",), (-1.0,), (1.0,))
PASSAGE = Span(4, question="who?", context="Maria Lopez")


def answered(output: Any, **fields: Any) -> Prediction:
    (prediction,) = feed.answer(Says(lambda batch: [Prediction("a", **fields)]), requests("a", output=output), "m")
    return prediction


@pytest.mark.parametrize(
    ("output", "fields", "reason"),
    [
        (Generate(4), {}, "text is missing"),
        (Generate(4), {"text": 5}, "text is missing"),
        (Generate(4), {"values": {"valence": 0.0}}, "text is missing"),
        (LABELS, {"text": "up"}, "label_scores must have exactly ['up', 'down']"),
        (LABELS, {"label_scores": {"up": 1.0}}, "label_scores must have exactly ['up', 'down']"),
        (LABELS, {"label_scores": {"up": 1.0, "down": 0.0, "flat": 0.0}}, "label_scores must have exactly"),
        (LABELS, {"label_scores": {"up": float("nan"), "down": 0.0}}, "label_scores['up'] is nan"),
        (SCALE, {"values": {"valence": float("nan")}}, "values['valence'] is nan"),
        (SCALE, {"values": {"valence": float("inf")}}, "values['valence'] is inf"),
        (SCALE, {"values": {"arousal": 0.0}}, "values must have exactly ['valence']"),
        (SCALE, {}, "values must have exactly ['valence']"),
        (PASSAGE, {"span": (0, 12)}, "span 0:12 is outside 0:11"),
        (PASSAGE, {"span": (-1, 3)}, "span -1:3 is outside 0:11"),
        (PASSAGE, {"span": (5, 2)}, "span 5:2 is outside 0:11"),
        (PASSAGE, {}, "text is missing"),
        (Span(4, question="who?"), {"span": (0, 1)}, "text is missing"),
    ],
)
def test_an_answer_that_does_not_hold_what_was_asked_for_is_a_failure(output: Any, fields: Any, reason: str) -> None:
    prediction = answered(output, **fields)
    assert prediction.error is not None
    assert prediction.error.startswith(f"invalid prediction: {reason}")
    assert prediction == Prediction("a", error=prediction.error)  # nothing of the wrong answer is kept


@pytest.mark.parametrize(
    ("output", "fields"),
    [
        (SCALE, {"values": {"valence": None}}),
        (SCALE, {"values": {"valence": "0.5"}}),
        (LABELS, {"label_scores": {"up": "high", "down": 0.0}}),
        (PASSAGE, {"span": (0.0, 5.0)}),
        (PASSAGE, {"span": (None, 5)}),
    ],
    ids=["None", "text", "label as text", "span of floats", "span without start"],
)
def test_a_number_that_is_no_number_is_a_failure(output: Any, fields: Any) -> None:
    assert "invalid prediction" in (answered(output, **fields).error or "")


def test_a_checked_answer_can_be_written_to_the_journal() -> None:
    prediction = answered(SCALE, values={"valence": np.float32(0.5)})
    assert json.dumps(prediction.to_json())


@pytest.mark.parametrize(("span", "text"), [((0, 5), "Maria"), ((6, 11), "Lopez"), ((0, 0), ""), ((11, 11), "")])
def test_a_span_gets_its_text(span: tuple[int, int], text: str) -> None:
    assert answered(PASSAGE, span=span) == Prediction("a", span=span, text=text)


def test_a_failure_that_the_model_reports_itself_is_kept() -> None:
    assert answered(LABELS, error="refused") == Prediction("a", error="refused")


def test_text_is_enough_for_a_span() -> None:
    assert answered(PASSAGE, text="Lopez") == Prediction("a", text="Lopez")
