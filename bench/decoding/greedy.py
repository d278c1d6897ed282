"""Greedy generation for many prompts: shared beginnings are computed once, finished rows leave the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bench.decoding.kept_head import KeptHead
from bench.decoding.phases import Phases, tell_prefill
from bench.decoding.prefix_tree import Group, prefix_tree
from bench.decoding.tree_attention import Branch, Head, Rows, Step, placed
from bench.runs import spans

PASS_TOKENS = {"cpu": 2048, "cuda": 16384}  # a first pass: enough to keep the cores busy, few enough for their cache
LOOK_EVERY = {"cpu": 1, "cuda": 8}  # steps between two looks at the tokens: on a GPU a look waits for the device
KEPT_BYTES = {"cpu": 2 << 30, "cuda": 8 << 30}  # of keys and values at once
SHRINK = 0.75  # of a branch's rows still going: below that, copying them costs less than reading past the others
Finished = Callable[[int, list[int]], bool]


@torch.inference_mode()
def greedy(
    model: Any, prompts: Sequence[list[int]], limits: Sequence[int], finished: Finished, kept: KeptHead | None = None
) -> Iterator[list[tuple[int, list[int]]]]:
    """The likeliest next token, again and again, until `finished(prompt's index, its tokens)` or the prompt's own limit.

    Gives (prompt's index, all its new tokens) of those that are finished, each time that the tokens are looked at.
    `limits` are tokens, at least 1 each: no token behind one is computed, so that a model with places for a prompt and its
    limit is never asked for a place behind them. `model` is a causal model of transformers on which `tree_model.install` was
    called. `kept` holds the head of an earlier call, for one that begins alike; it changes no number.
    """
    tree = prefix_tree(prompts)
    head = (kept or KeptHead()).head(model, tree.head)
    for groups in passes(tree.groups, kept_tokens(model) - len(tree.head), max(limits)):
        yield from _decode(model, head, groups, prompts, limits, finished)


def kept_tokens(model: Any) -> int:
    """How many tokens' keys and values may be kept at once."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    of_a_token = 2 * config.num_hidden_layers * heads * size * model.dtype.itemsize
    return int(KEPT_BYTES[model.device.type] // of_a_token)


def _decode(
    model: Any, head: Head, groups: Sequence[Group], prompts: Sequence[list[int]], limits: Sequence[int],
    finished: Finished,
) -> Iterator[list[tuple[int, list[int]]]]:  # fmt: skip
    """The new tokens of these groups' rows, as they are finished."""
    indices = [row.index for group in groups for row in group.rows]  # of the prompts that go on
    active = list(range(len(indices)))  # their places in `rows`
    found: dict[int, list[int]] = {index: [] for index in indices}
    left = [limits[i] for i in indices]  # tokens that they may still say
    branches, rows, logits = first_pass(model, head, groups, max(left))
    phases = Phases()
    tokens, positions = _likeliest(logits), placed([len(prompts[i]) for i in indices], model.device)
    step = Step(head, branches, rows, active)
    while True:
        looked_at = [tokens]
        # A row leaves at its limit, where its places end; the first token is looked at as soon as it is there.
        for _ in range(min(LOOK_EVERY[model.device.type], *left) - 1 if any(found.values()) else 0):
            tokens, positions = _next(model, step, tokens, positions), positions + 1
            looked_at.append(tokens)
        going = [
            _take(found[index], new, index, finished) and len(new) < room
            for index, new, room in zip(indices, torch.stack(looked_at, 1).tolist(), left, strict=True)
        ]
        phases.decoded(len(indices), len(looked_at))
        if ended := [(index, found.pop(index)) for index, on in zip(indices, going, strict=True) if not on]:
            yield from phases.around(ended)
        if not any(going):
            return
        left = [room - len(looked_at) for room, on in zip(left, going, strict=True) if on]
        if not all(going):
            kept = placed([place for place, on in enumerate(going) if on], model.device)
            tokens, positions = tokens[kept], positions[kept]
            indices, active = ([x for x, on in zip(xs, going, strict=True) if on] for xs in (indices, active))
            _let_go(branches, going)
            if len(active) <= SHRINK * len(rows.lengths):
                rows.keep(active, max(left))
                active = list(range(len(active)))
            step = Step(head, branches, rows, active)
        tokens = _next(model, step, tokens, positions)
        positions = positions + 1


def _let_go(branches: Sequence[Branch], going: Sequence[bool]) -> None:
    """Tell each branch which of its rows go on."""
    flags = iter(going)
    for branch in branches:
        branch.keep([group for group in branch.owner if next(flags)])


def _take(found: list[int], new: Sequence[int], index: int, finished: Finished) -> bool:
    """Add a row's new tokens up to its end; whether it goes on."""
    for token in new:
        found.append(token)
        if finished(index, found):
            return False
    return True


def _next(model: Any, step: Step, tokens: Tensor, positions: Tensor) -> Tensor:
    """The likeliest token after these."""
    logits = model(input_ids=tokens[None], position_ids=positions[None], use_cache=False, tree=step).logits[0]
    step.advance()
    return _likeliest(logits)


def _likeliest(logits: Tensor) -> Tensor:
    """The first of the largest; of bfloat16 on a CPU `max` finds it four times faster than `argmax`."""
    found: Tensor = logits.max(-1).indices
    return found


def first_pass(model: Any, head: Head, groups: Sequence[Group], room: int) -> tuple[list[Branch], Rows, Tensor]:
    """The groups' and rows' keys and values, and the logits behind each prompt [prompts, vocabulary], in their order."""
    rows = Rows([len(row.tokens) for group in groups for row in group.rows], room, model.device)
    branches, logits, start = [], [], 0
    for run in passes(groups, PASS_TOKENS[model.device.type]):
        n_rows = sum(len(group.rows) for group in run)
        branch = Branch(head, run, model.device, rows=rows, span=slice(start, start + n_rows))
        ends = branch.n_shared + placed(branch.row_lengths, model.device).cumsum(0) - 1
        began = spans.clock()
        logits.append(forward(model, branch, head.length, ends))
        tell_prefill(model.device.type, began, n_rows, sum(group.size for group in run))
        branches.append(branch)
        start += n_rows
    return branches, rows, torch.cat(logits)


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
    ids = placed(shared + rest, model.device)[None]
    positions = placed(torch.cat([torch.tensor(before, dtype=torch.long), places]), model.device)[None] + start
    logits: Tensor = model(
        input_ids=ids, position_ids=positions, use_cache=False, logits_to_keep=kept, tree=branch
    ).logits[0]
    return logits


def passes(groups: Sequence[Group], tokens: int, room: int = 0) -> Iterator[list[Group]]:
    """The groups in runs of about this many tokens, at least one group each; `room` more are kept for each row."""
    run: list[Group] = []
    held = 0
    for group in groups:
        size = group.size + room * len(group.rows)
        if run and held + size > tokens:
            yield run
            run, held = [], 0
        run.append(group)
        held += size
    if run:
        yield run
