"""How a model is fed: the plan of batches, and what is made of its answers."""

from __future__ import annotations

import itertools
import json
import math
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.engine import feed
from bench.errors import BenchError, out_of_memory
from bench.models.base import Model
from bench.record import Timing
from bench.runs.timing import Stopwatch
from bench.types import Choose, Example, Generate, Prediction, Regress, Request, Span, Text

BENCH_ERROR_TEXT = "the weights are gone; fetch them again"


class Says(Model):
    """Gives what `reply` makes of a batch."""

    def __init__(self, reply: Callable[[Sequence[Request]], Any]) -> None:
        self.reply = reply

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return self.reply(batch)


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


class Fits(Model):
    """Runs out of memory above `size` requests, or above the size of all that are `bad` on their own; else texts.

    `sizes` says how many requests each id counts for.
    """

    def __init__(self, size: float, *, bad: set[str] = frozenset(), sizes: dict[str, int] | None = None) -> None:  # type: ignore[assignment]
        self.size, self.bad, self.sizes = size, bad, sizes or {}
        self.calls: list[list[str]] = []
        self.answered: list[str] = []
        self.freed = 0

    def free(self) -> None:
        self.freed += 1

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        ids = [request.id for request in batch]
        self.calls.append(ids)
        if sum(self.sizes.get(name, 1) for name in ids) > self.size:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        if self.bad & set(ids):
            raise ValueError("bad example")
        self.answered += ids
        return texts(batch)


def requests(*ids: str, output: Any = Generate(4)) -> list[Request]:  # noqa: B008 - frozen
    return [Request(name, (Text(name),), output) for name in ids]


def texts(batch: Sequence[Request]) -> list[Prediction]:
    return [Prediction(request.id, text=request.id.upper()) for request in batch]


def as_request(example: Example) -> Request:
    return Request(example.id, (Text("x" * example.inputs["length"]),), Generate(4))


@pytest.mark.slow
@given(data=st.data())
def test_the_plan_does_not_depend_on_where_it_stopped(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(0, 9), max_size=40), label="lengths")
    batch_size = data.draw(st.integers(1, 7), label="batch_size")
    window = data.draw(st.integers(1, 20), label="window")
    examples = [Example(f"e{i}", {"length": length}, None, "c") for i, length in enumerate(lengths)]
    model = Says(texts)
    done_alone = data.draw(st.booleans(), label="alone")
    with mock.patch.object(feed, "WINDOW", window):
        whole = list(feed.units(examples, as_request, model, batch_size=batch_size, batch_tokens=10**6))
        order = [request.id for unit in whole for request in unit.requests]
        done = data.draw(st.sets(st.sampled_from(order)) if order else st.just(set()), label="done")
        rest = list(
            feed.units(
                examples,
                as_request,
                model,
                batch_size=batch_size,
                batch_tokens=10**6,
                done=done,
                alone=lambda _: done_alone,
            )
        )
    assert sorted(order) == sorted(example.id for example in examples)
    assert [unit.position for unit in whole] == [sum(len(u.requests) for u in whole[:i]) for i in range(len(whole))]
    # What is left are the units of the uninterrupted plan that are not done: whole, or of answers that stand alone what misses.
    left = [unit for unit in whole if {one.id for one in unit.requests} - done]
    assert [unit.position for unit in rest] == [unit.position for unit in left]
    for found, unit in zip(rest, left, strict=True):
        names = [one.id for one in unit.requests]
        missing = [name for name in names if name not in done]
        assert [one.id for one in found.requests] == (missing if done_alone else names)
        assert found.kept == (frozenset() if done_alone else frozenset(names) - frozenset(missing))


def plan_of(lengths: Sequence[int], clusters: str, size: int, tokens: int) -> list[list[str]]:
    examples = [
        Example(f"e{i}", {"length": 4 * n}, None, c) for i, (n, c) in enumerate(zip(lengths, clusters, strict=True))
    ]
    plan = feed.units(examples, as_request, Says(texts), batch_size=size, batch_tokens=tokens)
    return [[request.id for request in unit.requests] for unit in plan]


def test_the_longest_requests_come_first_and_equal_ones_keep_their_order() -> None:
    assert plan_of([1, 5, 3, 5, 1], "abcde", 2, 99) == [["e1", "e3"], ["e2", "e0"], ["e4"]]


def test_requests_of_one_cluster_stay_together_at_the_place_of_its_longest() -> None:
    assert plan_of([1, 4, 5, 2], "abac", 2, 99) == [["e2", "e0"], ["e1", "e3"]]


def test_a_batch_holds_no_more_tokens_than_it_may_unless_one_request_does() -> None:
    assert plan_of([9, 4, 3, 2, 2, 1], "abcdef", 9, 7) == [["e0"], ["e1", "e2"], ["e3", "e4", "e5"]]


@pytest.mark.slow
@given(data=st.data())
def test_batches_keep_to_their_budget_and_clusters_stay_together(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abcdef")), max_size=40), label="rows")
    size, tokens = data.draw(st.integers(1, 9), label="size"), data.draw(st.integers(1, 30), label="tokens")
    window = data.draw(st.integers(1, 45), label="window")
    with mock.patch.object(feed, "WINDOW", window):
        plan = plan_of([n for n, _ in rows], "".join(c for _, c in rows), size, tokens)
    cost = {f"e{i}": n for i, (n, _) in enumerate(rows)}
    cluster = {f"e{i}": c for i, (_, c) in enumerate(rows)}
    held = [sum(cost[name] for name in batch) for batch in plan]
    assert all(
        len(batch) == 1 or (len(batch) <= size and used <= tokens) for batch, used in zip(plan, held, strict=True)
    )
    order = [name for batch in plan for name in batch]
    for start in range(0, len(rows), window):
        part = order[start : start + window]
        assert {int(name[1:]) for name in part} == set(range(start, min(start + window, len(rows))))
        walk = [cluster[name] for name in part]
        assert sum(a != b for a, b in itertools.pairwise(walk)) == len(set(walk)) - 1  # each in one piece
        tops = [max(cost[name] for name in part if cluster[name] == c) for c in dict.fromkeys(walk)]
        assert tops == sorted(tops, reverse=True)
    # A batch that had room for the next request has its share already: `least` batches cannot be fewer.
    seen = 0
    for batch, used, then in zip(plan, held, plan[1:], strict=False):
        part = order[seen // window * window :][:window]
        total = sum(cost[name] for name in part)
        least = max(math.ceil(len(part) / size), math.ceil(total / tokens))
        seen += len(batch)
        full = len(batch) == size or used + cost[then[0]] > tokens or seen % window == 0
        assert full or (len(batch) * least >= len(part) and used * least >= total)


def test_the_last_batch_is_not_much_smaller_than_the_others() -> None:
    assert list(map(len, plan_of([1] * 9, "abcdefghi", 4, 99))) == [3, 3, 3]  # not 4, 4, 1
    assert list(map(len, plan_of([1] * 9, "abcdefghi", 99, 8))) == [5, 4]  # not 8, 1


def test_a_window_that_is_done_makes_no_requests() -> None:
    examples = [Example(f"e{i}", {"length": 1}, None, "c") for i in range(6)]
    asked: list[str] = []

    def request(example: Example) -> Request:
        asked.append(example.id)
        return as_request(example)

    with mock.patch.object(feed, "WINDOW", 4):
        plan = list(
            feed.units(examples, request, Says(texts), batch_size=2, batch_tokens=99, done=["e0", "e1", "e2", "e3"])
        )
    assert asked == ["e4", "e5"]
    assert [(unit.position, [r.id for r in unit.requests]) for unit in plan] == [(4, ["e4", "e5"])]


def test_a_model_cuts_a_batch_into_what_it_computes_at_once() -> None:
    class Cuts(Says):
        unit_tokens = 4

    examples = [Example(f"e{i}", {"length": 4 * n}, None, "c") for i, n in enumerate([9, 2, 2, 2, 1, 1, 1])]
    plan = feed.units(examples, as_request, Cuts(texts), batch_size=99, batch_tokens=99)
    assert [[one.id for one in unit.requests] for unit in plan] == [["e0"], ["e1", "e2"], ["e3", "e4", "e5"], ["e6"]]


def in_groups(*groups: Sequence[Prediction] | Exception) -> Says:
    """A model that gives these groups one after another, whatever it is asked, or raises."""

    def reply(batch: Sequence[Request]) -> Iterator[Any]:
        for group in groups:
            if isinstance(group, Exception):
                raise group
            yield group

    return Says(reply)


def test_answers_are_given_on_as_they_are_finished_one_by_one_or_some_at_once() -> None:
    a, b, c = texts(requests(*"abc"))
    model = in_groups([b], [c, a])
    assert list(feed.stream(model, requests(*"abc"), "m")) == [[b], [c, a]]
    assert feed.answer(model, requests(*"abc"), "m") == [a, b, c]
    single = Says(lambda batch: iter(texts(batch)))
    assert list(feed.stream(single, requests(*"abc"), "m")) == [[a], [b], [c]]


def test_a_model_that_fails_in_the_middle_keeps_what_it_gave_and_is_asked_the_rest_in_halves() -> None:
    calls: list[list[str]] = []

    def reply(batch: Sequence[Request]) -> Iterator[Prediction]:
        calls.append([request.id for request in batch])
        for request, prediction in zip(batch, texts(batch), strict=True):
            if request.id == "c":
                raise ValueError("c is bad")
            yield prediction

    groups = list(feed.stream(Says(reply), requests(*"abcde"), "m"))
    assert {one.id: one.text or one.error for group in groups for one in group} == {
        "a": "A", "b": "B", "c": "ValueError: c is bad", "d": "D", "e": "E",
    }  # fmt: skip
    assert calls == [list("abcde"), ["c", "d"], ["c"], ["d"], ["e"]]


@pytest.mark.parametrize(
    ("groups", "kept", "wrong"),
    [
        ([["a", "b"]], "ab", "gave no prediction for 1 of 3 requests, 'c'"),
        ([["a"]], "a", "gave no prediction for 2 of 3 requests, 'b', 'c'"),
        ([], "", "gave no prediction for 3 of 3 requests, 'a', 'b', 'c'"),
        ([["a"], ["b", "d"], ["c"]], "ab", "answered 'd' without being asked it"),
        ([["a", "b", "a"], ["c"]], "ab", "answered 'a' a second time"),
    ],
    ids=["one missing", "stops half way", "nothing", "not asked", "twice"],
)
def test_a_model_that_does_not_answer_each_request_once_is_refused_and_loses_nothing(
    groups: list[list[str]], kept: str, wrong: str
) -> None:
    found: list[str] = []
    model = in_groups(*([Prediction(name, text="") for name in group] for group in groups))
    with pytest.raises(BenchError) as caught:
        found.extend(one.id for group in feed.stream(model, requests(*"abc"), "finlm") for one in group)
    assert str(caught.value).startswith(f"model 'finlm' {wrong}; it must give one a request")
    assert found == list(kept)


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


@pytest.mark.parametrize("raised", [SystemExit(0), BaseException("own")], ids=["exit", "own"])
def test_a_model_that_ends_the_program_fails_its_example_and_not_the_run(raised: BaseException) -> None:
    def reply(batch: Sequence[Request]) -> list[Prediction]:
        if any(request.id == "b" for request in batch):
            raise raised
        return texts(batch)

    found = feed.answer(Says(reply), requests("a", "b", "c"), "m")
    assert [one.error is None for one in found] == [True, False, True]


def test_what_was_not_asked_for_is_no_part_of_an_answer_and_no_answer_is_a_number() -> None:
    said = Prediction("a", text="A", values={"x": 1.0}, answer=object(), no_answer=2)
    assert feed.answer(Says(lambda batch: [said]), requests("a"), "m") == [Prediction("a", text="A", no_answer=2.0)]
    for wrong in (math.nan, "high"):
        odd = said.but(no_answer=wrong)
        (found,) = feed.answer(Says(lambda batch, odd=odd: [odd]), requests("a"), "m")
        assert "no_answer is" in (found.error or "")


@pytest.mark.parametrize("bad", [0, 1, 31, 32, 63])
def test_one_bad_example_of_64_is_found_by_halves(bad: int) -> None:
    # The whole, then two halves at each of 6 levels: 1 + 2 * 6 calls; asking one at a time would take 65.
    model = Fits(64, bad={f"e{bad}"})
    found = feed.answer(model, requests(*(f"e{i}" for i in range(64))), "m")
    assert [prediction.id for prediction in found if prediction.error] == [f"e{bad}"]
    assert len(model.calls) == 13 == 2 * math.log2(64) + 1


def test_a_batch_that_does_not_fit_is_answered_in_halves_and_the_size_that_fitted_is_kept() -> None:
    model, room = Fits(3), feed.Room()
    eight = requests(*"abcdefgh")
    assert feed.answer(model, eight, "m", room) == texts(eight)
    # 8 and 4 do not fit; 2 does. What follows begins with 2, not with 4 again.
    assert [len(call) for call in model.calls] == [8, 4, 2, 2, 2, 2]
    assert (room, model.freed) == (feed.Room(at_most=2, halvings=2), 2)
    model.calls.clear()
    five = requests(*"ijklm")
    assert feed.answer(model, five, "m", room) == texts(five)
    assert [len(call) for call in model.calls] == [2, 2, 1]
    assert (room, model.freed) == (feed.Room(at_most=2, halvings=2), 2)


def test_a_batch_of_the_size_that_fitted_may_still_not_fit_and_loses_no_request() -> None:
    large = dict.fromkeys("ijkl", 2)
    model, room = Fits(4, sizes=large), feed.Room(at_most=4)
    batch = requests(*"ijklmnop")
    assert feed.answer(model, batch, "m", room) == texts(batch)
    assert [len(call) for call in model.calls][:3] == [4, 2, 2]
    assert sorted(model.answered) == list("ijklmnop")


def test_the_answers_of_the_first_half_are_kept_when_the_second_fails() -> None:
    model = Fits(9, bad={"h"})
    found = feed.answer(model, requests(*"abcdefgh"), "m")
    assert found == [*texts(requests(*"abcdefg")), Prediction("h", error="ValueError: bad example")]
    assert model.answered == list("abcdefg")  # none of them twice


def test_a_request_that_does_not_fit_alone_is_its_own_failure() -> None:
    model, room = Fits(4, sizes={"a": 5}), feed.Room()
    found = feed.answer(model, requests(*"abcd"), "m", room)
    assert found[0] == Prediction("a", error="OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")
    assert found[1:] == texts(requests(*"bcd"))
    assert model.freed == room.halvings == 3  # of 4, of 2 and of 1


def test_memory_is_given_back_when_nothing_of_the_failed_batch_holds_it_any_more() -> None:
    class Tensor:
        pass

    class Leaves(Fits):
        def free(self) -> None:
            super().free()
            assert self.left() is None  # the frames of the error are gone

        def predict(self, batch: Sequence[Request]) -> list[Prediction]:
            tensor = Tensor()
            self.left = weakref.ref(tensor)
            return super().predict(batch)

    model = Leaves(1)
    assert feed.answer(model, requests("a", "b"), "m") == texts(requests("a", "b"))
    assert model.freed == 1


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] data. DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("can't allocate memory"), False),
        (OSError("out of memory"), False),
    ],
    ids=repr,
)
def test_only_an_error_that_says_so_is_a_lack_of_memory(error: Exception, full: bool) -> None:
    freed: list[str] = []

    def reply(batch: Sequence[Request]) -> list[Prediction]:
        if len(batch) > 1:
            raise error
        return texts(batch)

    model, room = Says(reply), feed.Room()
    model.free = lambda: freed.append("")  # type: ignore[method-assign]
    assert out_of_memory(error) == full
    assert feed.answer(model, requests("a", "b"), "m", room) == texts(requests("a", "b"))
    assert room == (feed.Room(1, 1) if full else feed.Room())
    assert len(freed) == full


@pytest.mark.slow
@given(data=st.data())
def test_every_request_gets_its_answer_once_however_little_fits(data: st.DataObject) -> None:
    needs = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=30), label="what each needs")
    ids = [f"e{i}" for i in range(len(needs))]
    sizes = dict(zip(ids, needs, strict=True))
    size = data.draw(st.integers(1, 12), label="size")
    bad = data.draw(st.sets(st.sampled_from(ids), max_size=4), label="bad")
    cut = data.draw(st.integers(1, 30), label="batch")
    model, room = Fits(size, bad=bad, sizes=sizes), feed.Room()
    found = [
        prediction
        for start in range(0, len(ids), cut)
        for prediction in feed.answer(model, requests(*ids[start : start + cut]), "m", room)
    ]
    wrong = bad | {name for name in ids if sizes[name] > size}
    assert [prediction.id for prediction in found] == ids
    assert {prediction.id for prediction in found if prediction.error} == wrong
    assert sorted(model.answered) == sorted(set(ids) - wrong)
    assert room.halvings == model.freed


def test_a_very_long_reason_is_cut_to_500_characters() -> None:
    def reply(batch: Sequence[Request]) -> list[Prediction]:
        raise ValueError("x" * 5000)

    (prediction,) = feed.answer(Says(reply), requests("a"), "m")
    assert prediction.error is not None
    assert len(prediction.error) == 500


@pytest.mark.parametrize(
    "found",
    [None, ["A"], [{"id": "a", "text": "A"}], 3, iter(["A"]), iter([("a", "A")])],
    ids=["None", "texts", "dicts", "number", "an iterator of texts", "of tuples"],
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


def three(*names: str) -> Iterator[feed.Unit]:
    """A plan of one unit a name."""
    return iter([feed.Unit(i, requests(name)) for i, name in enumerate(names)])


class Prepares(Model):
    """Says when it is told of a batch and when it is asked for its answer; a subclass may wait or raise."""

    def __init__(self) -> None:
        self.prepared: list[str] = []

    def prepare(self, batch: Sequence[Request]) -> None:
        self.prepared += [request.id for request in batch]

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return texts(batch)


def test_the_next_batch_is_prepared_while_this_one_is_answered() -> None:
    class Meets(Prepares):
        """The answer to a batch and the preparation of the next wait for each other; alone they would wait in vain."""

        meeting = threading.Barrier(2)

        def prepare(self, batch: Sequence[Request]) -> None:
            if batch[0].id != "a":
                self.meeting.wait(60)
            super().prepare(batch)

        def predict(self, batch: Sequence[Request]) -> list[Prediction]:
            if batch[0].id != "c":
                self.meeting.wait(60)
            return super().predict(batch)

    model = Meets()
    found = [feed.answer(model, unit.requests, "m") for unit in feed.ahead(three("a", "b", "c"), model)]
    assert found == [[Prediction(name, text=name.upper())] for name in "abc"]
    assert model.prepared == ["a", "b", "c"]


def test_each_batch_is_prepared_once_in_order_and_wholly_before_its_turn() -> None:
    model, turns = Prepares(), []
    for unit in feed.ahead(three(*"abcd"), model):
        unit.wait()
        assert model.prepared[: unit.position + 1] == list("abcd")[: unit.position + 1]
        turns.append((unit.position, unit.requests[0].id))
    assert turns == list(enumerate("abcd"))
    assert model.prepared == list("abcd")


def test_the_wait_until_a_model_was_told_is_time_of_the_answers_to_the_second() -> None:
    readings: list[Timing] = []
    hands = [0.0]

    class Told(Future[None]):
        def exception(self, timeout: float | None = None) -> BaseException | None:
            hands[0] += 5.0
            return None

    watch = Stopwatch(readings.append, clock=lambda: hands[0])
    groups = feed.in_turn(feed.Unit(0, requests("a"), told=Told()), Prepares(), "m", feed.Room())
    assert hands == [0.0]  # nobody waits before the clock runs
    assert list(watch.steps(groups, lambda group: {"n": len(group), "places": (0,)}, 0)) == [texts(requests("a"))]
    assert [reading.seconds for reading in readings] == [5.0]


def test_an_empty_plan_has_nothing_to_prepare() -> None:
    model = Prepares()
    assert list(feed.ahead(three(), model)) == []
    assert model.prepared == []


def test_what_is_wrong_with_a_request_shows_when_it_is_asked_not_when_it_is_prepared() -> None:
    class Reads(Prepares):
        def prepare(self, batch: Sequence[Request]) -> None:
            super().prepare(batch)
            if batch[0].id in "ac":
                raise ValueError(f"{batch[0].id} is no picture")

        def predict(self, batch: Sequence[Request]) -> list[Prediction]:
            self.prepare(batch)
            return texts(batch)

    model = Reads()
    found = [one for unit in feed.ahead(three(*"abcd"), model) for one in feed.answer(model, unit.requests, "m")]
    assert found == [
        Prediction("a", error="ValueError: a is no picture"), Prediction("b", text="B"),
        Prediction("c", error="ValueError: c is no picture"), Prediction("d", text="D"),
    ]  # fmt: skip


def test_what_ends_a_run_ends_it_where_the_request_is_asked() -> None:
    class Gone(Prepares):
        def prepare(self, batch: Sequence[Request]) -> None:
            if batch[0].id == "b":
                raise BenchError(BENCH_ERROR_TEXT)

        def predict(self, batch: Sequence[Request]) -> list[Prediction]:
            self.prepare(batch)
            return texts(batch)

    model = Gone()
    plan = feed.ahead(three(*"abc"), model)
    assert feed.answer(model, next(plan).requests, "m") == texts(requests("a"))
    second = next(plan).requests
    with pytest.raises(BenchError, match=BENCH_ERROR_TEXT):
        feed.answer(model, second, "m")


def test_a_plan_that_is_left_early_leaves_no_thread() -> None:
    before = threading.active_count()
    walk = feed.ahead(three(*"abc"), Prepares())
    next(walk)
    assert threading.active_count() == before + 1
    walk.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_only_one_batch_is_planned_ahead() -> None:
    planned: list[str] = []

    def plan() -> Iterator[feed.Unit]:
        for unit in three(*"abcd"):
            planned.append(unit.requests[0].id)
            yield unit

    for unit in feed.ahead(plan(), Prepares()):
        assert len(planned) == min(unit.position + 2, 4)


@pytest.mark.slow
def test_torchs_own_errors_are_a_lack_of_memory() -> None:
    import torch

    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert out_of_memory(caught.value)
