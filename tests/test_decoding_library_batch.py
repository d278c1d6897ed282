"""The library's continuous batching as an engine: the answers of ours, and a part of the answers is never taken for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from small_text_models import answered
from test_causal import PASSAGE, ask, checkpoint, loaded

from bench.engine import feed
from bench.errors import BenchError
from bench.models.causal import CausalLM
from bench.types import Choose, Generate, Request


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return checkpoint(tmp_path_factory.mktemp("batch") / "llama")


@pytest.fixture(scope="module")
def library(source: str) -> Any:
    return loaded(source, engine="generate_batch")


def texts(n: int = 6) -> list[Request]:
    said = [PASSAGE * (i % 3) + f"who owns it? {i // 2}" for i in range(n)]
    return [ask(f"r{i}", text, Generate(4 + i % 2, ("he",) if i % 2 else ())) for i, text in enumerate(said)]


@pytest.mark.slow
def test_its_texts_and_labels_are_those_of_our_own_engine(source: str, library: Any) -> None:
    own = loaded(source)
    batch = [*texts(), ask("c", "which?", Choose(("yes", "no")))]
    for mine, its in zip(answered(own, batch), answered(library, batch), strict=True):
        assert its.but(label_scores=None) == mine.but(label_scores=None)
        assert its.label_scores == (mine.label_scores and pytest.approx(mine.label_scores, abs=1e-5))
    assert answered(library, batch[-1:])[0].label_scores  # also behind a generation
    assert library.units(batch) == [batch]
    assert library.describe()["decoding"] == "the library's generate_batch"


@dataclass
class Given:
    """What the library returns of a request."""

    prompt_ids: list[int]
    generated_tokens: list[int]
    error: str | None = None


class Partial:
    """Stands before the library's method and leaves out what a test says, as the library does when its thread ends."""

    def __init__(self, model: Any, monkeypatch: pytest.MonkeyPatch, **wrong: Any) -> None:
        self.calls: list[int] = []
        self.inner, self.wrong = model.model.generate_batch, wrong
        monkeypatch.setattr(model.model, "generate_batch", self, raising=False)

    def __call__(self, inputs: list[list[int]], **options: Any) -> dict[str, Any]:
        self.calls.append(len(inputs))
        found = self.inner(inputs, **options)
        keys = list(found)
        if self.wrong.get("drops") and len(keys) > 1:
            del found[keys[0]]
        if self.wrong.get("fails"):
            found[keys[0]] = Given(found[keys[0]].prompt_ids, [], "cache is full")
        if self.wrong.get("other"):
            found["other"] = Given([1, 2, 3], [4])
        if self.wrong.get("empty"):
            return {}
        return dict(reversed(found.items()))


@pytest.mark.slow
def test_what_it_leaves_out_is_asked_again(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = texts()
    whole = answered(library, batch)
    partial = Partial(library, monkeypatch, drops=True)
    assert feed.answer(library, batch, "library") == whole
    assert len(partial.calls) > 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"empty": True}, "generate_batch: 1 of 1 answers are missing"),
        ({"fails": True}, "generate_batch: cache is full"),
        ({"other": True}, "generate_batch: an answer to nothing that was asked"),
    ],
)
def test_what_it_cannot_answer_alone_is_an_error_and_never_left_out(
    library: Any, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], why: str
) -> None:
    Partial(library, monkeypatch, **wrong)
    found = feed.answer(library, texts(4), "library")
    assert [one.id for one in found] == ["r0", "r1", "r2", "r3"]
    failed = [one for one in found if one.error]
    assert all(one.text for one in found if not one.error)
    assert bool(failed) == ("other" not in wrong)  # what was asked is there all the same
    assert all((one.error or "").startswith(f"RuntimeError: {why}") for one in failed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "why", "halvings"),
    [
        (ValueError("boom"), "RuntimeError: generate_batch: ValueError: boom", 0),
        (MemoryError(), "MemoryError: generate_batch: MemoryError", 2),
        (SystemExit(0), "RuntimeError: generate_batch: 1 of 1 answers are missing", 0),
    ],
)
def test_what_its_thread_raises_is_the_error_of_who_raises_it_alone_and_nothing_on_the_terminal(
    library: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: BaseException,
    why: str,
    halvings: int,
) -> None:
    batch = texts(4)
    whole = answered(library, batch)
    inner, longest = library.model.forward, max(one.prompt_tokens for one in whole)

    def forward(*given: Any, **more: Any) -> Any:
        if more["input_ids"].shape[-1] >= longest:  # of the longest prompt, alone or beside others
            raise error
        return inner(*given, **more)

    monkeypatch.setattr(library.model, "forward", forward)
    room = feed.Room()
    capfd.readouterr()
    found = feed.answer(library, batch, "library", room)
    assert [one.error for one in found] == [why if one.prompt_tokens == longest else None for one in whole]
    assert [one for one in found if not one.error] == [one for one in whole if one.prompt_tokens != longest]
    assert room.halvings == halvings
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_nobody_is_told_of_tokens_that_come_all_at_once(library: Any) -> None:
    told: list[str] = []
    library.hear(lambda name, n: told.append(name))
    answered(library, texts(2))
    library.hear(None)
    assert told == []


def test_an_engine_that_is_none_is_one_line() -> None:
    with pytest.raises(BenchError, match="engine=fast is none of tree, continuous, generate_batch"):
        CausalLM("file:x", engine="fast")
