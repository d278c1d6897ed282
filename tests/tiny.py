"""A small task and a small model, apart from the fixtures: a run looks at all that the module of a model imports."""

from __future__ import annotations

from collections.abc import Sequence

from bench.metrics.reading import EXACT_MATCH, TOKEN_F1
from bench.models.base import Device, Model
from bench.task import Card, Task
from bench.types import Example, Generate, Prediction, Request, Text


class TinyTask(Task):
    """Questions of differing length, in clusters of three; the answer is the word itself."""

    name, version, metrics, output = "tiny", 1, (TOKEN_F1, EXACT_MATCH), Generate
    card = Card(
        title="tiny", source="none", revision="1", licence="CC0 1.0", split="test", n_examples=0, language="en",
        chance=(0.0, 0.0), scenario="none", cluster="one",
    )  # fmt: skip

    def __init__(self, n: int = 10, ids: Sequence[str] | None = None) -> None:
        self.ids = [f"t{i}" for i in range(n)] if ids is None else list(ids)

    def examples(self) -> Sequence[Example]:
        return [
            Example(name, {"question": "why " * (1 + 7 * i % 5) + name}, [f"word{i}"], cluster=f"c{i // 3}")
            for i, name in enumerate(self.ids)
        ]

    def request(self, example: Example) -> Request:
        return Request(example.id, (Text(example.inputs["question"]),), Generate(8))

    def answer(self, prediction: Prediction) -> str:
        return prediction.text or ""

    def ideal(self, example: Example) -> Prediction:
        return Prediction(example.id, text=example.target[0])


class EchoModel(Model):
    """Answers with its place in the batch, so that another batch is another answer; can fail or be stopped.

    It knows examples by the last word of their text, for ids are not told to models. `fails` are those that raise,
    `interrupt_at` the number of the call (from 0) that Ctrl-C hits.
    """

    outputs, revision = (Generate,), "1"

    def __init__(self, *, fails: Sequence[str] = (), interrupt_at: int | None = None) -> None:
        self.fails, self.interrupt_at = fails, interrupt_at
        self.calls: list[list[str]] = []
        self.loads = 0

    def load(self, device: Device, *, seed: int) -> None:
        self.loads += 1

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        ids = [request.parts[-1].text.split()[-1] for request in batch]
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt
        self.calls.append(ids)
        if bad := sorted(set(ids) & set(self.fails)):
            raise RuntimeError(f"no answer for {bad}")
        return [
            Prediction(request.id, text=f"{i} of {len(ids)} after {ids[0]}", prompt_tokens=3, new_tokens=2)
            for i, request in enumerate(batch)
        ]
