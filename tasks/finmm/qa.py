"""Questions on written passages about inclusive finance; some have no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from bench.data import squad_format
from bench.data.files import read_json
from bench.data.shapes import a_text
from bench.metrics.reading import EXACT_MATCH_V2, TOKEN_F1_V2
from bench.task import Card, Task, Unparsed
from bench.types import Example, Json, Prediction, Request, Span
from tasks.answers import said_shortly
from tasks.finmm import FOLDER, LICENCE
from tasks.prompts import passage
from tasks.slices import of_short_answer

_FILE = FOLDER / "text" / "qa.json"


class FinmmQA(Task):
    """Short answers to questions on a passage, or none where the passage does not say."""

    name, version, metrics, output = "finmm_qa", 1, (TOKEN_F1_V2, EXACT_MATCH_V2), Span
    card = Card(
        title="finmm: reading comprehension",
        source="tasks/finmm/text/qa.json",
        revision="1",
        licence=LICENCE,
        split="test",
        n_examples=242,
        language="en",
        chance=(0.0, 0.10),
        scenario="reading",
        cluster="passage",
    )

    def examples(self) -> Sequence[Example]:
        """The questions in the order of the file."""
        return squad_format.examples(_FILE)

    def request(self, example: Example) -> Request:
        """Worked examples and the passage first, so that questions share a prefix."""
        context, question = example.inputs["context"], example.inputs["question"]
        output = Span(24, ("\n", '"'), question, context, may_be_unanswerable=True)
        return Request(example.id, passage(context, question, may_be_unanswerable=True), output)

    def answer(self, prediction: Prediction) -> str | Unparsed:
        """The first line without a lead or quotes; "" where it says that there is no answer."""
        return said_shortly(prediction, may_be_none=True)

    def checked(self, example: Example, answer: Json) -> str:
        """A text."""
        return a_text(answer)

    def ideal(self, example: Example) -> Prediction:
        """The first accepted answer, or none."""
        return Prediction(example.id, text=example.target[0] if example.target else "unanswerable")

    def slices(self, example: Example) -> Mapping[str, str]:
        """The kind of document that the passage is from, the question's word, the answer's length and whether there is one."""
        found = {"document": self._genres[int(example.cluster.partition("/")[0])]} | of_short_answer(example)
        return found if example.target is None else found | {"answerable": "yes" if example.target else "no"}

    @cached_property
    def _genres(self) -> list[str]:
        """By the place of the article, which a cluster begins with."""
        return [article["genre"].replace("_", " ") for article in read_json(_FILE)["data"]]
