"""What the tasks of key information share: a request for fields of a page, how a reply is read, and the shape of an answer."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.data.shapes import anything
from bench.data.submissions import kind
from bench.task import Task, Unparsed
from bench.types import Example, Fields, Image, Json, Prediction, Request, Text
from tasks.field_reply import named, said_fields

INSTRUCTION = (
    "Read the fields off the page. Answer with one JSON object of the fields' names and their values as they are printed, and "
    "null where the page does not say."
)
_TOKENS_A_FIELD = 40


class FieldsTask(Task):
    """Values of named fields, one page an example; a target is a list of fields as `bench.metrics.entities` takes them."""

    output = Fields
    parts = frozenset({"text", "image"})

    def asked(self, example: Example) -> Sequence[tuple[str, str]]:
        """Each field's name and what it means, "" where the name says it."""
        raise NotImplementedError

    def page(self, example: Example) -> Image:
        """The page; raises BenchError when it is not here."""
        raise NotImplementedError

    def request(self, example: Example) -> Request:
        """The instruction, the page, then the fields, a line each."""
        fields = self.asked(example)
        lines = "\n".join(f"- {name}: {meaning}" if meaning else f"- {name}" for name, meaning in fields)
        names = tuple(name for name, _ in fields)
        output = Fields(max_new_tokens=_TOKENS_A_FIELD * (1 + len(names)), names=names)
        return Request(
            example.id, (Text(INSTRUCTION, "system"), self.page(example), Text(f"Fields:\n{lines}\nJSON:")), output
        )

    def answer(self, prediction: Prediction) -> dict[str, str] | Unparsed:
        """All fields that the reply gives, under the names that it uses."""
        found = said_fields(prediction.text or "")
        return Unparsed({}) if found is None else found

    def checked(self, example: Example, answer: Json) -> dict[str, str]:
        """An object {name: text, number or null}; what is null or was not asked for is left out."""
        if not isinstance(answer, dict):
            raise ValueError(f"found {kind(answer)}, expected an object of fields and their values")
        return named(anything(answer), [name for name, _ in self.asked(example)])

    def ideal(self, example: Example) -> Prediction:
        """The values as they are printed."""
        values = {field["name"]: field["texts"][0] if field["texts"] else None for field in example.target}
        return Prediction(example.id, text=json.dumps(values, ensure_ascii=False))
