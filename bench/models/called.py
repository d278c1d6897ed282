"""A plain function of somebody's program as a model: it is given a prompt, and answers in text."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence

from bench.errors import BenchError
from bench.models import reply
from bench.models.base import Answered, Model
from bench.models.function import answered
from bench.models.plain_prompt import as_plain_text, begun_by, texts
from bench.types import Choose, Generate, Prediction, Regress, Request, Text


class Called(Model):
    """Calls `function(prompt)` once a request, in their order, and reads its text as that of any model that answers in words.

    Where a label or numbers are asked for, the prompt says so at its end, and the text is read for them; the function may as
    well return what it means: {label: score}, {name: number} or a Prediction. None fails the request, as does whatever the
    function raises. `name` is what messages call it.
    """

    parts, outputs = frozenset({"text"}), (Generate, Choose, Regress)
    uses_device = False
    answers_alone = True  # it is given one prompt at a time
    bound_to = "a function of its user's own"

    def __init__(self, function: Callable[[str], object], name: str) -> None:
        self.function, self.name = function, name

    def predict(self, batch: Sequence[Request]) -> Answered:
        """One by one, so that each answer is kept when it is there."""
        return self._each(batch)

    def _each(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        for request in batch:
            found = self.function(prompt_of(request))
            if isinstance(found, str):
                yield reply.read(request, found, begun=begun_by(request))
                continue
            if inspect.isawaitable(found):
                if inspect.iscoroutine(found):
                    found.close()
                raise BenchError(
                    f"model '{self.name}' answers later (async); give a function that returns the text itself"
                )
            yield answered(request, found, f"model '{self.name}'")


def prompt_of(request: Request) -> str:
    """The request as one text: what is said, what form the answer is to have where it is no text, how the reply begins.

    Raises ValueError for a part that is no text.

    >>> prompt_of(Request("1", (Text("How is it?"),), Choose(("good", "bad"))))
    'How is it?\\nAnswer with exactly one of these labels and nothing else: good; bad'
    """
    parts, begun = texts(request)
    told = reply.instruction(request.output)
    said = as_plain_text([*parts, *([Text(told)] if told else [])])
    return said + ("\n" + begun.rstrip(" ") if begun else "")
