"""How many of the tokens that a model said are thinking."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

from bench.text.thinking import thinking


def thinking_tokens(tokenizer: Any, tokens: Sequence[int], begun: str = "") -> int:
    """How many of these tokens stand in thinking, its tags among them; `begun` is the tag that the prompt ended with.

    A token that thinking ends within counts as thinking. Of thinking that does not end all is.
    """
    text: str = begun + tokenizer.decode(tokens, skip_special_tokens=True)
    spans, open_at = thinking(text)
    if open_at is not None:
        return len(tokens)

    def length(n: int) -> int:
        return len(begun) + len(tokenizer.decode(tokens[:n], skip_special_tokens=True))

    places = range(len(tokens) + 1)
    total = 0
    for start, end in spans:
        first = max(0, bisect.bisect_right(places, start, key=length) - 1)
        total += min(bisect.bisect_left(places, end, key=length), len(tokens)) - first
    return total
