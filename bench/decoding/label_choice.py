"""Choosing a label by the likelihood that a causal language model gives it as the reply: one pass for many requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from bench.decoding.first_pass import PASS_TOKENS, forward, passes
from bench.decoding.kept_head import KeptHead
from bench.decoding.phases import tell_prefill
from bench.decoding.prefix_tree import Group, Row, common_prefix
from bench.decoding.tree_attention import Branch
from bench.runs import spans

_WORTH_A_HEAD = 32  # tokens: the head is read with all labels' tokens, yet stands in each request only once without it
_ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class LabelTrie:
    """Labels as a tree of tokens, so that what they begin with in common goes through the model once.

    `tokens` are those that something follows, each behind its `parents`' one (-1: the prompt), `depths` from 0. Label by
    label, its tokens are `asked`, each predicted at one of the `contexts`: 0 is the prompt's end, i + 1 behind token i.
    """

    tokens: list[int]
    parents: list[int]
    depths: list[int]
    asked: list[int]
    contexts: list[int]
    lengths: list[int]

    def sees(self) -> Tensor:
        """Which tokens each token sees, itself and those above it: bool [t, t]."""
        found = torch.eye(len(self.tokens), dtype=torch.bool)
        for token, parent in enumerate(self.parents):
            if parent >= 0:
                found[token] |= found[parent]
        return found


@lru_cache(maxsize=32)
def label_trie(labels: tuple[tuple[int, ...], ...]) -> LabelTrie:
    """The tree of these labels, each at least one token.

    >>> trie = label_trie(((7, 8), (7, 9), (5,)))
    >>> trie.tokens, trie.asked, trie.contexts
    ([7], [7, 8, 7, 9, 5], [0, 1, 0, 1, 0])
    """
    nodes: dict[tuple[int, ...], int] = {}
    asked, contexts, lengths = [], [], []
    for label in labels:
        lengths.append(len(label))
        for end, token in enumerate(label):
            if end:
                nodes.setdefault(label[:end], len(nodes))
            asked.append(token)
            contexts.append(1 + nodes[label[:end]] if end else 0)
    if not nodes:
        nodes[labels[0]] = 0  # a row has at least one token; this one's prediction is not asked for
    parents = [nodes.get(prefix[:-1], -1) for prefix in nodes]
    return LabelTrie([p[-1] for p in nodes], parents, [len(p) - 1 for p in nodes], asked, contexts, lengths)


@torch.inference_mode()
def label_log_likelihoods(
    model: Any, prompts: Sequence[list[int]], labels: Sequence[Sequence[list[int]]], kept: KeptHead | None = None
) -> Iterator[Tensor]:
    """For each prompt, log P(label | prompt) summed over the tokens of each of its labels: float32 [labels].

    `kept` holds the head of an earlier call, for one that begins alike; it changes no number.

    `model` is a causal model of transformers on which `tree_model.install` was called.
    """
    tries = [label_trie(tuple(map(tuple, replies))) for replies in labels]
    shared = min(common_prefix(prompts), min(map(len, prompts)) - 1) if len(prompts) > 1 else 0
    shared = shared if shared >= _WORTH_A_HEAD else 0
    head = (kept or KeptHead()).head(model, prompts[0][:shared])
    groups = [
        Group(prompt[shared:], [Row(i, trie.tokens)])
        for i, (prompt, trie) in enumerate(zip(prompts, tries, strict=True))
    ]
    for run in passes(groups, PASS_TOKENS[model.device.type]):
        start = spans.clock()
        of_run = [tries[group.rows[0].index] for group in run]
        branch = Branch(head, run, model.device, row_mask=_masks(of_run).to(model.device))
        ends = torch.tensor([len(group.shared) for group in run]).cumsum(0) - 1
        row_lengths = torch.tensor(branch.row_lengths)
        starts = branch.n_shared + row_lengths.cumsum(0) - row_lengths
        looked_at = [
            torch.cat([end[None], start + torch.arange(len(trie.tokens))])
            for end, start, trie in zip(ends, starts, of_run, strict=True)
        ]
        places = torch.tensor(
            [len(g.shared) + depth for g, trie in zip(run, of_run, strict=True) for depth in trie.depths]
        )
        logits = forward(model, branch, shared, torch.cat(looked_at).to(model.device), places)
        tell_prefill(model.device.type, start, len(run), sum(group.size for group in run))
        for trie, mine in zip(of_run, torch.split(logits, [len(k) for k in looked_at]), strict=True):
            yield _summed(trie, mine)


def _masks(tries: Sequence[LabelTrie]) -> Tensor:
    """[n, t, t] for rows of these labels; what pads a row sees its first token, as nobody looks at it."""
    longest = max(len(trie.tokens) for trie in tries)
    masks = torch.zeros(len(tries), longest, longest, dtype=torch.bool)
    masks[:, :, 0] = True
    for mask, trie in zip(masks, tries, strict=True):
        n = len(trie.tokens)
        mask[:n, :n] = trie.sees()
    return masks


def _summed(trie: LabelTrie, logits: Tensor) -> Tensor:
    """Each label's log-likelihood from the logits [contexts, vocabulary]."""
    contexts = torch.tensor(trie.contexts, device=logits.device)
    asked = torch.tensor(trie.asked, device=logits.device)
    # A few rows at a time: their float32 copies stay in the processor's cache, which is twice as fast.
    norms = torch.cat([rows.float().logsumexp(-1) for rows in torch.split(logits, _ROWS_AT_ONCE)])
    scores = logits[contexts, asked].float() - norms[contexts]
    return torch.stack([part.sum() for part in torch.split(scores, trie.lengths)])
