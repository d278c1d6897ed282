"""Greedy generation for many prompts: shared beginnings are computed once, finished rows leave the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.decoding.prefix_tree import Group, PrefixTree, prefix_tree
from bench.decoding.tree_attention import Branch, Head, Step

PASS_TOKENS = {"cpu": 2048, "cuda": 16384}  # a first pass: enough to keep the cores busy, few enough for their cache
LOOK_EVERY = {"cpu": 1, "cuda": 8}  # steps between two looks at the tokens: on a GPU a look waits for the device
SHRINK = 0.75  # of a branch's rows still going: below that, copying them costs less than reading past the others
Finished = Callable[[int, list[int]], bool]


@dataclass(frozen=True)
class Generated:
    """New tokens of each prompt, and how many tokens of prompts were computed for them."""

    tokens: list[list[int]]
    computed: int


@torch.inference_mode()
def greedy(model: Any, prompts: Sequence[list[int]], new_tokens: int, finished: Finished) -> Generated:
    """The likeliest next token, again and again, at most `new_tokens` times or until `finished(prompt's index, its tokens)`.

    `model` is a causal model of transformers on which `tree_attention.install` was called.
    """
    tree = prefix_tree(prompts)
    kind = model.device.type
    head, branches, logits = first_pass(model, tree, new_tokens)
    found: list[list[int]] = [[] for _ in prompts]
    indices = [[row.index for group in branch.groups for row in group.rows] for branch in branches]
    begun = [len(prompts[i]) for rows in indices for i in rows]
    active = [list(range(len(rows))) for rows in indices]
    tokens, positions = _likeliest(logits), torch.tensor(begun, device=model.device)
    step = Step(head, branches, active)
    for before in range(0, new_tokens, LOOK_EVERY[kind]):
        looked_at = [tokens]
        for _ in range(min(LOOK_EVERY[kind], new_tokens - before) - 1):
            tokens = _next(model, step, tokens, positions)
            positions = positions + 1
            looked_at.append(tokens)
        going = list(_take(found, indices, active, torch.stack(looked_at, 1).tolist(), finished))
        if before + len(looked_at) >= new_tokens or not any(going):
            break
        keep = torch.tensor(going, device=model.device)
        if not all(going):
            flags = iter(going)
            active = [[row for row in rows if next(flags)] for rows in active]
            for b, (branch, rows) in enumerate(zip(branches, active, strict=True)):
                if 0 < len(rows) <= len(branch.owner) * SHRINK:
                    branch.shrink(rows)
                    indices[b], active[b] = [indices[b][row] for row in rows], list(range(len(rows)))
            step, tokens, positions = Step(head, branches, active), tokens[keep], positions[keep]
        tokens = _next(model, step, tokens, positions)
        positions = positions + 1
    return Generated(found, tree.size)


def _next(model: Any, step: Step, tokens: Tensor, positions: Tensor) -> Tensor:
    """The likeliest token after these."""
    logits = model(input_ids=tokens[None], position_ids=positions[None], use_cache=False, tree=step).logits[0]
    step.advance()
    return _likeliest(logits)


def _likeliest(logits: Tensor) -> Tensor:
    """The first of the largest; of bfloat16 on a CPU `max` finds it four times faster than `argmax`."""
    found: Tensor = logits.max(-1).indices
    return found


def _take(
    found: list[list[int]], indices: list[list[int]], active: list[list[int]], new: list[list[int]], finished: Finished
) -> Iterator[bool]:
    """Add each row's new tokens up to its end; whether it goes on."""
    rows = (rows[i] for rows, going in zip(indices, active, strict=True) for i in going)
    for index, tokens in zip(rows, new, strict=True):
        for token in tokens:
            found[index].append(token)
            if finished(index, found[index]):
                yield False
                break
        else:
            yield True


def first_pass(model: Any, tree: PrefixTree, room: int) -> tuple[Head, list[Branch], Tensor]:
    """The tree's keys and values, and the logits behind each prompt [prompts, vocabulary], in the order of the branches."""
    head = head_pass(model, tree.head)
    branches, logits = [], []
    for groups in passes(tree.groups, PASS_TOKENS[model.device.type]):
        branch = Branch(head, groups, room, model.device)
        ends = branch.n_shared + branch.row_lengths.cumsum(0) - 1
        logits.append(forward(model, branch, len(tree.head), ends))
        branches.append(branch)
    return head, branches, torch.cat(logits)


def head_pass(model: Any, tokens: list[int]) -> Head:
    """The pass over what all prompts begin with; nothing to do where they begin differently."""
    head = Head()
    if tokens:
        ids = torch.tensor([tokens], device=model.device)
        places = torch.arange(len(tokens), device=model.device)[None]
        model(input_ids=ids, position_ids=places, use_cache=False, logits_to_keep=1, tree=head)
    return head


def forward(model: Any, branch: Branch, start: int, kept: Tensor, places: Tensor | None = None) -> Tensor:
    """The branch's first pass, its first token at position `start`: logits [kept, vocabulary] of the packed tokens `kept`.

    `places` are the positions of the rows' tokens, where they do not simply follow each other.
    """
    shared = [token for group in branch.groups for token in group.shared]
    rest = [token for group in branch.groups for row in group.rows for token in row.tokens]
    before = [i for group in branch.groups for i in range(len(group.shared))]
    if places is None:
        behind = [len(g.shared) + i for g in branch.groups for row in g.rows for i in range(len(row.tokens))]
        places = torch.tensor(behind)
    ids = torch.tensor([shared + rest], device=model.device)
    positions = torch.cat([torch.tensor(before, dtype=torch.long), places])[None].to(model.device) + start
    logits: Tensor = model(
        input_ids=ids, position_ids=positions, use_cache=False, logits_to_keep=kept, tree=branch
    ).logits[0]
    return logits


def passes(groups: Sequence[Group], tokens: int) -> Iterator[list[Group]]:
    """The groups in runs of about this many tokens, at least one group each."""
    run: list[Group] = []
    for group in groups:
        if run and sum(g.size for g in run) + group.size > tokens:
            yield run
            run = []
        run.append(group)
    if run:
        yield run
