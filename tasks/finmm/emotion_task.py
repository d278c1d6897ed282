"""Valence and arousal of what customers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from bench.data.files import field, read_jsonl
from bench.metrics.concordance import ccc
from bench.task import Card
from bench.types import Example, Request, Text
from tasks.finmm import FOLDER, LICENCE
from tasks.scales import ScaledTask
from tasks.slices import words

_FILE = FOLDER / "emotion" / "utterances.jsonl"
SCALES = {"valence": (-1.0, 1.0), "arousal": (0.0, 1.0)}


class FinmmEmotion(ScaledTask):
    """The feeling a customer expresses, as two numbers on OMG-Emotion's scales."""

    name, version, scales = "finmm_emotion", 1, SCALES
    metrics = (ccc("valence", *SCALES["valence"]), ccc("arousal", *SCALES["arousal"]))
    card = Card(
        title="finmm: emotion of customer utterances",
        source="tasks/finmm/emotion/utterances.jsonl",
        revision="1",
        licence=LICENCE,
        split="test",
        n_examples=285,
        language="en",
        chance=(-0.15, 0.15),
        scenario="operations",
        cluster="conversation",
    )

    def examples(self) -> Sequence[Example]:
        """The utterances in the order of the file, each with what the customer said before."""
        found: list[Example] = []
        earlier: dict[str, list[str]] = {}
        for number, record in read_jsonl(_FILE):
            where = f"{_FILE} line {number}"
            conversation, text = field(record, "conversation", str, where), field(record, "text", str, where)
            before = earlier.setdefault(conversation, [])
            target = {name: float(field(record, name, (int, float), where)) for name in SCALES}
            found.append(
                Example(field(record, "id", str, where), {"earlier": list(before), "text": text}, target, conversation)
            )
            before.append(text)
        return found

    def request(self, example: Example) -> Request:
        """The earlier utterances, then the one to judge."""
        parts = tuple(Text(text) for text in (*example.inputs["earlier"], example.inputs["text"]))
        return Request(example.id, parts, self.asked())

    def slices(self, example: Example) -> Mapping[str, str]:
        """The emotion by name, whether the customer has spoken before, and the length of what was said."""
        turn = "later" if example.inputs["earlier"] else "first"
        found = {"turn": turn, "length": words(example.inputs["text"], (12, 18))}
        return found if example.target is None else found | {"emotion": self._emotions[example.id]}

    @cached_property
    def _emotions(self) -> Mapping[str, str]:
        """What the annotators called each utterance's emotion."""
        return {record["id"]: record["emotion"] for _, record in read_jsonl(_FILE)}
