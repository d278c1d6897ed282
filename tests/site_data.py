"""Runs to make a site of: a task of texts or pictures, and folders as `bench run` leaves them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.leaderboard.definition import Board
from bench.metrics.reading import EXACT_MATCH, TOKEN_F1
from bench.record import Run
from bench.runs import measurements
from bench.runs.identity import fingerprint
from bench.scoring.measure import measured
from bench.site import Item
from bench.task import Card, Task
from bench.types import Example, Generate, Image, Prediction, Request, Text

BOARD = Board("reading", "Reading <b>boards</b>", "reading", 1, "f1", ("exact_match",))
CARD = Card(
    title="reading", source="none", revision="1", licence="CC0 1.0", split="test", n_examples=0, language="en",
    chance=(0.0, 0.0), scenario="none", cluster="passage",
)  # fmt: skip
HOSTILE = [
    "<script>window.hacked = 1</script>", '"><img src=x onerror="window.hacked = 2">', "../../../etc/passwd", "x" * 5000,
    "\u202egnp.ledom\u200f", "'; window.hacked = 3; '", "</script><script>window.hacked = 4</script>", "javascript:window.hacked=5",
    "half a pair \ud800", "line\u2028break",
]  # fmt: skip


class Reading(Task):
    """Questions whose answer is a word and a number; every third is a picture where `pictures`."""

    name, version, metrics, output, card = "reading", 1, (TOKEN_F1, EXACT_MATCH), Generate, CARD

    def __init__(self, n: int = 30, *, obtain: str = "", held_out: bool = False, pictures: bool = False) -> None:
        self.n, self.held_out = n, held_out
        self.card = replace(CARD, obtain=obtain)
        self.parts = frozenset({"text", "image"} if pictures else {"text"})
        self.pictures = pictures

    def examples(self) -> Sequence[Example]:
        return [
            Example(
                f"q{i}", {"question": f"Secret question {i}?", "context": "A passage. " * 90},
                None if self.held_out else [f"gold {i}", f"gold {i}"], f"c{i // 3}",
            )
            for i in range(self.n)
        ]  # fmt: skip

    def request(self, example: Example) -> Request:
        pictures = (Image(picture(int(example.id[1:]) // 3)),) if self.pictures else ()
        return Request(example.id, (Text(example.inputs["question"]), *pictures), Generate(8))

    def answer(self, prediction: Prediction) -> str:
        return (prediction.text or "").strip()

    def ideal(self, example: Example) -> Prediction:
        return Prediction(example.id, text=example.target[0])

    def slices(self, example: Example) -> dict[str, str]:
        return {"half": "first" if int(example.id[1:]) < self.n / 2 else "second"}


def picture(number: int) -> bytes:
    """A small page with a bar of its own length."""
    from PIL import Image as Pictures

    page = Pictures.new("RGB", (120, 160), "white")
    page.paste((20, 60, 140), (10, 10, 20 + 5 * (number % 15), 30))
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()


def item(
    folder: Path, make: Callable[..., Run], task: Task, model: str, answer: Callable[[int], Any], **changes: Any
) -> Item:
    """A run in its folder; `answer(i)` is the text for the i-th example, None for a failure."""
    examples = task.examples()
    said = [(one.id, answer(i)) for i, one in enumerate(examples)]
    predictions = [
        Prediction(name, text=t) if t is not None else Prediction(name, error="out of memory") for name, t in said
    ]
    scores, rows, _ = measured(task, examples, predictions, resamples=20, seed=0)
    folder.mkdir(parents=True)
    lines = [json.dumps(one.to_json()) + "\n" for one in reversed(predictions)]  # a journal is in no order of the data
    (folder / "predictions.jsonl").write_text("".join(lines))
    if rows is not None:
        measurements.write(folder, rows)
    fields = {
        "task": task.name, "scores": scores, "n_examples": len(examples), "run_id": folder.name,
        "data_fingerprint": fingerprint(*map(vars, examples)),
    }  # fmt: skip
    return Item(make(model, **(fields | changes)), folder)


def some(share: int) -> Callable[[int], str]:
    """Answers of which all but every `share`-th are right."""
    return lambda i: f"gold {i}" if i % share else f"wrong {i}"
