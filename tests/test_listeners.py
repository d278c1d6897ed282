"""Whoever listens to a model that generates hears of each token as it is made, once, and changes no answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import small_text_models as small
import test_causal
import test_models_speech
import test_models_vision
from small_text_models import answered

from bench.models.base import Answered, Device, Model
from bench.models.composite import Composite
from bench.types import Choose, Generate, Request, Text

pytestmark = pytest.mark.slow
CPU = Device("cpu", "float32", 1)
QUESTION = "who owns the bank and where is the river?"


class Pipeline(Composite):
    """A text model at the end of a pipeline."""

    stages = ("text_model",)

    def __init__(self, text_model: Model) -> None:
        self.text_model = text_model
        self.parts, self.outputs = text_model.parts, text_model.outputs

    def predict(self, batch: Sequence[Request]) -> Answered:
        return self.text_model.predict(batch)


def texts(*stops: str) -> list[Request]:
    """Questions of one beginning and of many lengths, with a choice among them, of which nothing is told."""
    asked = [Request(f"q{i}", (Text(QUESTION[: 7 + 5 * i]),), Generate(3 + 4 * (i % 3), stops)) for i in range(6)]
    return [*asked, Request("choice", (Text(QUESTION),), Choose(("bank", "river")))]


def causal(folder: Path, kind: str = "Llama", **options: Any) -> Any:
    window = {"sliding_window": 640} if kind == "Mistral" else {}
    return test_causal.loaded(test_causal.checkpoint(folder / "m", kind, **window), **options)


def seq2seq(folder: Path, make: Callable[[Path], str]) -> Any:
    from bench.models.seq2seq import Seq2Seq

    model = Seq2Seq(make(folder / "m"))
    model.load(CPU, seed=0)
    return model


def recogniser(folder: Path) -> tuple[Any, list[Request]]:
    model = test_models_speech.recogniser(test_models_speech.tiny_whisper(folder / "m", multilingual=True), n_windows=2)
    return model, test_models_speech.noises(folder, 1.3, 30.0, 2.0)


FAMILIES: dict[str, Callable[[Path], tuple[Any, list[Request]]]] = {
    "prefix tree": lambda folder: (causal(folder), texts()),
    "stop strings": lambda folder: (causal(folder), texts("e", "qu")),
    "padded": lambda folder: (causal(folder, "Mistral"), texts()),
    "padded, stop strings": lambda folder: (causal(folder, "Mistral"), texts("e", "qu")),
    "base": lambda folder: (causal(folder, chat=False), texts("\n")),
    "pipeline": lambda folder: (Pipeline(causal(folder)), texts()),
    "t5": lambda folder: (seq2seq(folder, small.t5), texts()),
    "t5, stop strings": lambda folder: (seq2seq(folder, small.t5), texts("a", "e")),
    "bart": lambda folder: (seq2seq(folder, small.bart), texts()),
    "idefics3": lambda folder: (test_models_vision.ready(test_models_vision.idefics3(folder)), test_models_vision.six()),
    "llava": lambda folder: (test_models_vision.ready(test_models_vision.llava(folder)), test_models_vision.six()),
    "whisper": recogniser,
}  # fmt: skip


def heard(model: Any, requests: Sequence[Request]) -> tuple[list[Any], dict[str, list[tuple[int, int]]]]:
    """The answers, and of each the counts told with the number of the model's steps by then."""
    own = getattr(model, "text_model", model)
    steps, told = [0], defaultdict[str, list[tuple[int, int]]](list)
    hook = own.model.register_forward_hook(lambda *_: steps.__setitem__(0, steps[0] + 1))
    model.hear(lambda name, n: told[name].append((n, steps[0])))
    try:
        return answered(model, requests), told
    finally:
        model.hear(None)
        hook.remove()


@pytest.mark.parametrize("family", FAMILIES)
def test_each_token_is_told_once_when_its_step_has_made_it_and_changes_no_answer(family: str, tmp_path: Path) -> None:
    model, requests = FAMILIES[family](tmp_path)
    quiet = answered(model, requests)
    found, told = heard(model, requests)
    assert found == quiet
    assert {one.id for one in found if one.new_tokens} <= told.keys() <= {one.id for one in requests}
    assert "choice" not in told
    for one in found:
        ended = sum(n for n, _ in told[one.id]) - one.new_tokens
        assert ended in (0, 1)  # the end token
        if one.finish == "length" and family != "bart":  # which is made to end
            assert ended == 0
        if one.finish == "stop" and "stop strings" not in family and family not in ("base", "idefics3", "llava"):
            assert ended == 1
        if one.new_tokens > 1:
            assert told[one.id][0][1] < told[one.id][-1][1]  # the first was told before the last was made
    alone = {request.id: heard(model, [request])[1][request.id] for request in requests}
    assert {name: sum(n for n, _ in counts) for name, counts in alone.items()} == {
        one.id: sum(n for n, _ in told[one.id]) for one in found
    }
    assert max(one.new_tokens for one in found) > 3
