"""Prompts that were tokenised before they were asked for: when their batch was cut, or while the one before was computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from bench.models.plain_prompt import Prompt
from bench.runs import spans
from bench.types import Request

Tokenise = Callable[[Sequence[Request]], list[Prompt | str]]  # each request's prompt, or why there is none


class ReadAhead:
    """Keeps the prompts of the last two batches until they are used, once: one batch is cut while the other is computed."""

    def __init__(self, tokenise: Tokenise) -> None:
        self._tokenise = tokenise
        self._kept: deque[dict[str, tuple[Request, Prompt | str]]] = deque(maxlen=2)

    def clear(self) -> None:
        """Forget all: another tokenizer was loaded."""
        self._kept.clear()

    def keep(self, batch: Sequence[Request]) -> list[Prompt | str]:
        """Tokenise what is not there yet, and keep it; the prompts of all."""
        prompts, new = self._read(batch)
        if new:
            self._kept.append(new)
        return prompts

    def take(self, batch: Sequence[Request]) -> list[Prompt | str]:
        """The prompts of these requests, tokenised now where they were not; they are kept no longer."""
        prompts, _ = self._read(batch)
        for kept in tuple(self._kept):
            for request in batch:
                kept.pop(request.id, None)
        return prompts

    def _read(self, batch: Sequence[Request]) -> tuple[list[Prompt | str], dict[str, tuple[Request, Prompt | str]]]:
        """All prompts, and those that had to be made for it."""
        known = [self._found(request) for request in batch]
        missing = [request for request, one in zip(batch, known, strict=True) if one is None]
        made = self._made(missing) if missing else []
        rest = iter(made)
        prompts = [next(rest) if one is None else one for one in known]
        return prompts, {request.id: (request, one) for request, one in zip(missing, made, strict=True)}

    def _made(self, missing: Sequence[Request]) -> list[Prompt | str]:
        start = spans.clock()
        made = self._tokenise(missing)
        tokens = sum(0 if isinstance(one, str) else len(one.ids) for one in made)
        spans.tell("tokenise", start, spans.clock(), rows=len(made), tokens=tokens, track=spans.track())
        return made

    def _found(self, request: Request) -> Prompt | str | None:
        """The request's prompt, if it is kept: another request may have had its name."""
        for kept in reversed(tuple(self._kept)):
            if (known := kept.get(request.id)) is not None and (known[0] is request or known[0] == request):
                return known[1]
        return None
