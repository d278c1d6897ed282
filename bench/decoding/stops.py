"""When a reply has said a stop string: for the library's `generate`, and for ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.decoding.telling import Tokens
from bench.text.thinking import cut

_TOKEN_BYTES = 4  # a sign may lie in so many tokens


def has_stopped(tokenizer: Any, tokens: Sequence[int], stop: Sequence[str], begun: str = "") -> bool:
    """Whether the last of the new tokens have ended the reply, which begins with `begun` in the prompt.

    A token is at least a byte, so a stop string that has just been said lies within the last few.
    """
    if not stop:
        return False
    few = max(len(end.encode()) for end in stop) + _TOKEN_BYTES
    tail = tokenizer.decode(tokens[-few:], skip_special_tokens=True)
    if not any(end in tail for end in stop):
        return False
    text: str = begun + tokenizer.decode(tokens, skip_special_tokens=True)
    return cut(text, stop) != text


def criteria(
    tokenizer: Any, stop: Sequence[str], prompt_tokens: int, begun: Sequence[str] = (), tokens: Tokens | None = None
) -> Any:
    """What ends each row of `generate` behind a prompt of so many tokens, and tells of its `tokens`.

    None where nothing ends a row but its end and its limit, and nobody is told.
    """
    if not stop and tokens is None:
        return None
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class Said(StoppingCriteria):  # type: ignore[misc]
        def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
            rows = ids[:, prompt_tokens:].tolist()
            starts = begun or [""] * len(rows)
            ends = [has_stopped(tokenizer, row, stop, start) for row, start in zip(rows, starts, strict=True)]
            return torch.tensor(ends, device=ids.device)

    told = [tokens.criterion] if tokens is not None else []
    return StoppingCriteriaList([*told, *([Said()] if stop else [])])
