"""Choosing a label by the likelihood that a causal language model gives it as the reply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def label_log_likelihoods(
    model: Any, prompts: Sequence[list[int]], shared: int, labels: Sequence[Sequence[list[int]]]
) -> Iterator[torch.Tensor]:
    """For each prompt, log P(label | prompt) summed over the tokens of each of its labels: float32 [len(labels)].

    The first `shared` tokens, which the prompts have in common, are computed once. Behind its prompt all labels of a request
    go through the model as one row, each seeing the prompt and itself only, so that no cache is copied for a label.
    """
    import torch
    from transformers import DynamicCache

    with torch.inference_mode():
        cache = DynamicCache(config=model.config)
        if shared:
            head = torch.tensor([prompts[0][:shared]], device=model.device)
            model(input_ids=head, past_key_values=cache, use_cache=True, logits_to_keep=1)
        for prompt, replies in zip(prompts, labels, strict=True):
            yield _one(model, cache, shared, prompt[shared:], replies)
            cache.crop(shared - cache.get_seq_length())  # negative: how many tokens to take off again


def _one(model: Any, cache: Any, shared: int, prompt: list[int], labels: Sequence[list[int]]) -> torch.Tensor:
    """As above for one prompt, of which `prompt` is what stands behind the `shared` tokens in the cache."""
    import torch

    n, lengths = len(prompt), [len(label) for label in labels]
    starts = [n + before for before in accumulate([0, *lengths[:-1]])]
    ids = torch.tensor([prompt + [token for label in labels for token in label]], device=model.device)
    places = list(range(n)) + [n + i for length in lengths for i in range(length)]
    owner = torch.tensor([-1] * n + [k for k, length in enumerate(lengths) for _ in range(length)], device=model.device)
    row = torch.arange(len(places), device=model.device)
    sees = (row[None] <= row[:, None]) & ((owner[None] == -1) | (owner[None] == owner[:, None]))
    sees = torch.cat([sees.new_ones(len(places), shared), sees], dim=1)
    mask = torch.zeros(sees.shape, dtype=model.dtype, device=model.device).masked_fill(
        ~sees, torch.finfo(model.dtype).min
    )
    # A token is predicted where the one before it stands; a label's first token, at the end of the prompt.
    before = [
        at for start, length in zip(starts, lengths, strict=True) for at in (n - 1, *range(start, start + length - 1))
    ]
    logits = (
        model(
            input_ids=ids,
            position_ids=torch.tensor([[shared + place for place in places]], device=model.device),
            attention_mask=mask[None, None],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=torch.tensor(before, device=model.device),
        )
        .logits[0]
        .float()
    )
    scores = logits.gather(-1, ids[0, n:, None])[:, 0] - logits.logsumexp(-1)
    return torch.stack([part.sum() for part in scores.split(lengths)])
