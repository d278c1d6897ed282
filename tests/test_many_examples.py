"""Many examples: they are held by nobody who need not, and what is kept of each is small and exact."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.engine.feed import WINDOW
from bench.engine.history import Replies
from bench.engine.veil import Veiled
from bench.models.base import Device, Model
from bench.record import Timing
from bench.run import evaluate
from bench.runs import measurements, timing
from bench.runs.compact import Counted, Digests, Marked, Numbered, Texts, Values
from bench.runs.identity import digest_of, fingerprint, fingerprint_of
from bench.runs.journal import LEDGER, recover
from bench.runs.measurements import Measurements
from bench.types import Example, Generate, Prediction, Request

Make = Callable[..., Any]
CPU = Device("cpu", "float32", 1)


class Made(Sequence[Example]):
    """Examples that are made each time that one is asked for; `most` is how many were there at once."""

    def __init__(self, n: int) -> None:
        self.n, self.there, self.most = n, 0, 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(self.n)[at]]
        example = Example(f"t{range(self.n)[at]}", {"question": f"say word{at}"}, [f"word{at}"], f"c{at // 2}")
        self.there += 1
        self.most = max(self.most, self.there)
        weakref.finalize(example, self._gone)
        return example

    def _gone(self) -> None:
        self.there -= 1


class OneByOne(Model):
    """Says the last word of each request, one after another."""

    outputs, answers_alone, uses_device = (Generate,), True, False

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        for request in batch:
            yield Prediction(request.id, text=request.parts[-1].text.split()[-1])  # type: ignore[union-attr]


@pytest.mark.slow
def test_examples_that_are_made_when_they_are_asked_for_are_never_held_as_a_list(
    tiny_task: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, made = tiny_task(), Made(3 * WINDOW)
    monkeypatch.setattr(task, "examples", lambda: made)
    run, folder = evaluate(task, OneByOne(), "one", CPU, quick_settings(resamples=20))
    assert (run.scores[0].value, run.scores[0].n) == (1.0, 3 * WINDOW)
    assert made.most < 2 * WINDOW + 10
    assert list(measurements.read(folder.path).ids) == [f"t{i}" for i in range(3 * WINDOW)]


def test_of_examples_that_are_made_a_limit_makes_only_the_first(
    tiny_task: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, made = tiny_task(), Made(10**9)
    monkeypatch.setattr(task, "examples", lambda: made)
    run, _ = evaluate(task, OneByOne(), "one", CPU, quick_settings(limit=3))
    assert (run.n_examples, made.most) == (3, 3 + made.there)


@pytest.mark.slow
def test_what_is_at_hand_is_looked_through_once_a_batch_and_not_for_each_answer(
    tiny_task: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    drop = Veiled._drop
    monkeypatch.setattr(Veiled, "_drop", lambda self: (looks.append(1), drop(self))[1])
    evaluate(tiny_task(200), OneByOne(), "one", CPU, quick_settings(batch_size=100))
    assert len(looks) <= 8


def test_what_a_model_said_is_kept_only_where_later_requests_show_it(
    tiny_task: Make, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Prediction] = []
    monkeypatch.setattr(Replies, "add", lambda self, predictions: kept.extend(predictions))
    evaluate(tiny_task(5), OneByOne(), "one", CPU, quick_settings())
    assert not kept


WORDS = st.lists(st.text(max_size=3), max_size=40)


@pytest.mark.slow
@given(words=WORDS, n=st.integers(0, 50))
def test_texts_are_numbered_as_they_first_come(words: list[str], n: int) -> None:
    first = list(dict.fromkeys(words))
    numbered = Numbered(first.__getitem__, n=n)
    assert [numbered.add(word) for word in words] == [first.index(word) for word in words]
    assert dict(numbered) == {word: number for number, word in enumerate(first)}
    assert ("none of them" in numbered, numbered.get("none of them"), len(numbered)) == (False, None, len(first))


def test_keys_of_one_hash_are_told_apart_when_they_are_added() -> None:
    keys = [2**61 - 1 + 1, 1, 2 * (2**61 - 1) + 1]  # Python's hash of a number is its rest by 2 ** 61 - 1
    assert len({hash(key) for key in keys}) == 1
    numbered = Numbered(keys.__getitem__)
    assert [numbered.add(key) for key in (*keys, *keys)] == [0, 1, 2, 0, 1, 2]


@pytest.mark.slow
@given(texts=st.lists(st.text(st.characters(), max_size=4), max_size=20))
def test_texts_read_as_the_list_of_them_does(texts: list[str]) -> None:
    found = Texts(texts)
    assert (list(found), len(found), found[1:3]) == (texts, len(texts), tuple(texts[1:3]))
    assert found == texts
    assert tuple(texts) == found
    assert found == Texts(texts)
    assert found != [*texts, "one more"]
    assert not texts or (found[-1], found[0]) == (texts[-1], texts[0])


@pytest.mark.slow
@given(values=st.lists(st.one_of(st.none(), st.text(max_size=3), st.lists(st.integers(), max_size=2)), max_size=20))
def test_values_read_as_they_were_put_and_a_twin_leaves_them(values: list[Any]) -> None:
    nothing = object()
    found = Values(len(values) + 1, nothing)
    for at in reversed(range(len(values))):
        found.put(at, values[at])
    twin = found.twin()
    twin.put(len(values), "late")
    assert list(found) == [*values, nothing]
    assert list(twin) == [*values, "late"]


def test_digests_marks_and_counts_read_as_those_of_python() -> None:
    places = {"a": 0, "b": 1, "c": 2}
    digests, marked, counted = Digests(places), Marked(places), Counted(5)
    for place, (digest, repeats) in enumerate([("0" * 16, 1), ("f" * 16, 1), ("f" * 16, 2)]):
        digests.put(place, digest, repeats)
    assert dict(digests) == {"a": "0" * 16, "b": "f" * 16, "c": "f" * 16 + "-2"}
    marked.add("b")
    marked.add("b")
    assert (marked, len(marked), "x" in marked) == (frozenset("b"), 1, False)
    assert [counted.add(one) for one in (2**64 - 1, 0, 2**64 - 1, 0, 0)] == [1, 1, 2, 2, 3]


def test_the_fingerprint_of_an_example_is_that_of_its_fields_and_leaves_nothing_beside_it() -> None:
    examples = [Example("a", {"x": 1}, None, "c"), Example("b", {}, ["y"], "c")]
    found = fingerprint_of(examples)
    assert found == fingerprint(*map(vars, examples))
    assert digest_of(examples[0]) == fingerprint(vars(examples[0]))[:12]


@pytest.mark.parametrize("k", [1, 2, 9])
def test_measurements_are_written_in_pieces_as_in_one(tmp_path: Path, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "_AT_ONCE", 2)
    n = 5
    rows = {"one": np.arange(n * k).reshape(n, k) % 3 / 2, "two": np.zeros((n, k))}
    names = tuple(f"é{i}" for i in range(n))
    made = Measurements(
        names, names, names, frozenset(names[:1]), rows, {"kind": names, "all": names}, frozenset({"two"})
    )
    measurements.write(tmp_path, made)
    whole = json.dumps(made.to_json(), allow_nan=False, separators=(",", ":")) + "\n"
    assert (tmp_path / measurements.FILE).read_text(encoding="utf-8") == whole


def test_readings_are_summed_as_they_come_whatever_they_count() -> None:
    readings = [
        Timing(1, "begin", 0.0, at="2026-01-02T03:04:05+00:00"), Timing(1, "load", 2.0),
        Timing(1, "predict", 1.0, 1, 0, places=(0,)), Timing(1, "predict", 4.0, 1, 1, new_tokens=2**40, places=(1,)),
        Timing(2, "predict", 3.0, 1, 0, places=(0,)),
    ]  # fmt: skip
    times = timing.summarise(iter(readings))
    assert (times["attempts"], times["n"], times["new_tokens"]) == (2, 2, 2**40)
    assert (times["repeated_seconds"], times["first_batch_seconds"], times["seconds"]["total"]) == (1.0, 3.0, 10.0)
    assert timing.counted(readings) == [readings[4], readings[3]]


def test_a_reading_of_a_place_that_no_data_have_takes_no_memory_and_is_of_nothing(tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_text(f'{{"attempt":1,"phase":"predict","seconds":1.0,"n":1,"places":[0,{2**52}]}}\n')
    (tmp_path / "predictions.jsonl").write_text('{"id":"a","text":"A"}\n{"id":"b","text":"B"}\n')
    said: list[str] = []
    kept = recover(tmp_path, {"a": 0, "b": 1}, said.append)
    assert (kept.ids, len(said)) == (frozenset("b"), 1)  # of the first a part never came
