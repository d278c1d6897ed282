"""A task of points in the plane and a net of two layers that learns it: the least that a training needs."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.metrics.classification import ACCURACY
from bench.models.base import Device, Model
from bench.models.trainable import Recipe, Taught, Trainable
from bench.task import Card, Task
from bench.types import Choose, Example, Prediction, Request, Text

LABELS = ("in", "out")


class Points(Task):
    """Whether a point lies in the ring around the origin."""

    name, version, metrics, output = "points", 1, (ACCURACY,), Choose
    card = Card(
        title="points", source="none", revision="1", licence="CC0 1.0", split="test", n_examples=60, language="en",
        chance=(0.4, 0.6), scenario="test", cluster="point",
    )  # fmt: skip

    def __init__(self, leak: str = "", training: str = "", taught: int = 320) -> None:
        self.leak, self.training_is, self.n_taught = leak, training, taught

    def examples(self) -> Sequence[Example]:
        return self._drawn("e", 60, 1)

    def training(self) -> Sequence[Example]:
        own = self._drawn("t", self.n_taught, 2)
        evaluated = self.examples()[:3]
        if self.leak == "id":
            return [*own, *evaluated]
        if self.leak == "request":
            return [*own, *(Example(f"x{one.id}", one.inputs, one.target, one.cluster) for one in evaluated)]
        return list(evaluated) if self.leak == "all" else own

    def _drawn(self, prefix: str, n: int, seed: int) -> list[Example]:
        draw = random.Random(seed)
        found = []
        for i in range(n):
            x, y = draw.uniform(-1, 1), draw.uniform(-1, 1)
            label = "in" if x * x + y * y < 0.6 else "out"
            found.append(Example(f"{prefix}{i}", {"x": x, "y": y}, [label], f"{prefix}{i}"))
        return found

    def request(self, example: Example) -> Request:
        return Request(example.id, (Text(f"{example.inputs['x']:.4f} {example.inputs['y']:.4f}"),), Choose(LABELS))

    def answer(self, prediction: Prediction) -> dict[str, Any]:
        scores = prediction.label_scores or {}
        return {"labels": [max(scores, key=scores.__getitem__)], "confidence": None}

    def ideal(self, example: Example) -> Prediction:
        return Prediction(example.id, label_scores={one: float(one in example.target) for one in LABELS})


class Net(Model, Trainable):
    """Two layers; `same` ignores the seed, `slow` waits at each batch that it answers."""

    outputs = (Choose,)
    revision = "1"
    recipe = Recipe(learning_rate=0.05, batch_size=16, epochs=20, evaluations=1)

    def __init__(
        self, source: str = "", same: bool = False, slow: float = 0.0, hidden: int = 32, wide: int = 0
    ) -> None:
        self.source, self.same, self.slow, self.hidden, self.wide = source, same, slow, hidden, wide

    def load(self, device: Device, *, seed: int) -> None:
        from safetensors.torch import load_file

        self.net = self._made()
        self.net.load_state_dict(load_file(Path(self.source.removeprefix("file:")) / "net.safetensors"))
        self.net.eval()

    def begin(self, device: Device, *, seed: int, taught: Sequence[Taught]) -> Any:
        import torch

        torch.manual_seed(0 if self.same else seed)
        self.net = self._made()
        return self.net

    def _made(self) -> Any:
        import torch

        class Two(torch.nn.Module):
            def __init__(self, hidden: int, wide: int, slow: float) -> None:
                super().__init__()
                self.first, self.drop = torch.nn.Linear(2, hidden), torch.nn.Dropout(0.05)
                self.last, self.slow = torch.nn.Linear(hidden, 2), slow
                self.spare = torch.nn.Parameter(torch.zeros(wide)) if wide else None

            def forward(self, x: Any, labels: Any = None) -> Any:
                logits = self.last(self.drop(torch.tanh(self.first(x))))
                if labels is None:
                    return logits
                time.sleep(self.slow)
                return SimpleNamespace(loss=torch.nn.functional.cross_entropy(logits, labels), logits=logits)

        return Two(self.hidden, self.wide, self.slow)

    def rows(self, taught: Sequence[Taught]) -> list[dict[str, Any]]:
        return [
            {
                "x": [float(one) for one in request.parts[-1].text.split()],
                "label": max(LABELS, key=said.label_scores.get),
            }
            for request, said in taught
        ]

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        import torch

        labels = torch.tensor([LABELS.index(row["label"]) for row in rows])
        return {"x": torch.tensor([row["x"] for row in rows]), "labels": labels}

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        import torch

        time.sleep(10 * self.slow)
        with torch.no_grad():
            x = torch.tensor([[float(one) for one in request.parts[-1].text.split()] for request in batch])
            scores = torch.softmax(self.net(x), -1).tolist()
        return [
            Prediction(request.id, label_scores=dict(zip(LABELS, one, strict=True)))
            for request, one in zip(batch, scores, strict=True)
        ]

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        save_file(self.net.state_dict(), folder / "net.safetensors")
