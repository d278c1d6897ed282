"""The texts of a language model that are written beside each other, whenever they are asked for: see `bench.decoding.serving`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from bench.models.begun import Begun, handed_on
from bench.models.prompted import PromptedLM
from bench.types import Generate, Prediction, Request

if TYPE_CHECKING:
    from bench.decoding.serving import Pending


class UnderWay:
    """What a loaded model is writing; at most about `unit_tokens` of the model are computed for it at once.

    `at_once` answers labels and numbers, a batch by itself. `wrote` says whether there was any text.
    """

    wrote = False

    def __init__(self, model: PromptedLM, at_once: Callable[[Sequence[Request]], Iterator[list[Prediction]]]) -> None:
        from bench.decoding.serving import Serving

        self._model, self._at_once, self._begun, self._lock = model, at_once, Begun(), threading.Lock()
        self._serving = Serving(model.model, model.unit_tokens)

    def begin(self, batch: Sequence[Request]) -> None:
        """Begin those of a batch that are not begun; the others of it are none of its business."""
        with self._lock:  # of the batch that is asked for it may still be told
            new = self._begun.missing([request for request in batch if isinstance(request.output, Generate)])
            for request, answer in zip(new, self._asked(new, alone=False), strict=True):
                self._begun.add(request, answer)

    def answered(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """Each text of a batch as soon as it is there."""
        self.begin(batch)
        return self._begun.answered(batch, self._serving.go_on)

    def submit(self, request: Request) -> Future[Prediction]:
        """Begin one request beside those that are under way; of labels and numbers one after another, between two steps."""
        if not isinstance(request.output, Generate):
            return handed_on(self._serving.run(lambda: next(iter(self._at_once([request])))[0]))
        return handed_on(self._asked([request], alone=True)[0])

    def _asked(self, new: Sequence[Request], *, alone: bool) -> list[Future[Prediction]]:
        from bench.decoding.serving import Pending

        found: list[Future[Prediction]] = []
        asked: list[Pending[Prediction]] = []
        for request, prompt in zip(new, self._model.prompts_of(new), strict=True):
            if isinstance(prompt, str):
                found.append(Future())
                found[-1].set_result(Prediction(request.id, error=prompt))
                continue
            most = request.output.max_new_tokens if isinstance(request.output, Generate) else 1
            said = partial(self._model.said_by, request, prompt)
            asked.append(Pending(prompt.ids, most, partial(self._model.goes_no_further, request, prompt), said))
            found.append(asked[-1].future)
        if asked:
            self.wrote = True
            self._serving.ask(asked, alone=alone)
        return found

    def forget(self) -> None:
        """Forget what earlier requests began with."""
        self._serving.forget()

    def let_go(self) -> None:
        """Cancel all of it."""
        self._begun.let_go()
