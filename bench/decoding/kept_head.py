"""What all prompts begin with, kept from one call to the next: a run's requests share instruction and examples."""

from __future__ import annotations

from typing import Any

import torch

from bench.decoding.phases import tell_prefill
from bench.decoding.prefix_tree import common_prefix
from bench.decoding.tree_attention import Head
from bench.runs import spans

BLOCK = {"cpu": 64, "cuda": 1024}  # tokens that go through the model at once


class KeptHead:
    """The keys and values of the last head.

    A head is computed in blocks of a fixed size from its first token on, so that a token's keys depend on the tokens before
    it alone, to the last bit, and not on whether they were computed for this head or for an earlier one.
    """

    def __init__(self) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Forget it, and give its memory back."""
        self._tokens: list[int] = []
        self._kept = self._none = Head()

    @property
    def tokens(self) -> int:
        """How many tokens' keys and values are kept."""
        return len(self._tokens)

    def head(self, model: Any, tokens: list[int]) -> Head:
        """The pass over these tokens; computed is what the last head lacks. Nothing to do for none."""
        if not tokens:
            return self._none
        if tokens == self._tokens:  # the same object, so that rows of two calls read it together
            return self._kept
        block = BLOCK[model.device.type]
        alike = common_prefix([self._tokens, tokens])
        there = alike // block * block
        head = self._kept.beginning(there)
        began = spans.clock()
        for start in range(there, len(tokens), block):
            ids = torch.tensor([tokens[start : start + block]], device=model.device)
            places = torch.arange(start, start + ids.shape[1], device=model.device)[None]
            model(input_ids=ids, position_ids=places, use_cache=False, logits_to_keep=1, tree=head)
        tell_prefill(model.device.type, began, 0, len(tokens) - there)
        self._tokens, self._kept = list(tokens), head
        return head
