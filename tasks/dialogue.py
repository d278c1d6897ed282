"""What the dialogue tasks share: the next turn of a conversation, against one or more human replies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bench.data.shapes import a_text
from bench.metrics.contrast import contrast, same_answer
from bench.metrics.dstc7 import bleu, clean
from bench.metrics.generation import BLEU, CHRF, DISTINCT_1, DISTINCT_2, ENTROPY_4
from bench.task import Task
from bench.types import Example, Generate, Json, Prediction, Request, Text
from tasks.slices import band, words


class NextReply(Task):
    """Examples have inputs {"turns": [[role, text], …]} and `References`; `system` sets the scene."""

    metrics = (contrast(bleu(2, clean), clean), CHRF, BLEU, DISTINCT_1, DISTINCT_2, ENTROPY_4, same_answer(clean))
    output = Generate
    system: ClassVar[str]
    max_new_tokens: ClassVar[int] = 48

    def request(self, example: Example) -> Request:
        """The scene, then the turns as a chat."""
        turns = tuple(Text(text, role) for role, text in example.inputs["turns"])
        return Request(example.id, (Text(self.system, "system"), *turns), Generate(self.max_new_tokens, stop=("\n",)))

    def answer(self, prediction: Prediction) -> str:
        """The reply with white space folded."""
        return " ".join((prediction.text or "").split())

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The longest reference: the fullest of the replies that people gave."""
        return Prediction(example.id, text=max(example.target, key=len))

    def slices(self, example: Example) -> Mapping[str, str]:
        """How many turns came before, the length of the last of them, how many replies people gave and how long the first is."""
        turns = example.inputs["turns"]
        found = {"turns before": band(len(turns), (1, 3, 5), "turn"), "last turn": words(turns[-1][1], (10, 20))}
        if example.target is not None:
            found |= {
                "references": band(len(example.target), (1, 3), "reference"),
                "reply": words(example.target[0], (10, 20, 25)),
            }
        return found
