"""The first pass over prompts: what a model computes before the first new token, in pieces that keep a device busy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bench.decoding.phases import tell_prefill
from bench.decoding.prefix_tree import Group
from bench.decoding.tree_attention import Branch, Head, Rows, Shared, placed
from bench.runs import spans

PASS_TOKENS = {"cpu": 2048, "cuda": 16384}  # enough to keep the cores busy, few enough for their cache

_PADDED = 2  # times the tokens of a pass


def first_pass(
    model: Any, head: Head, groups: Sequence[Group], rows: Rows, places: Sequence[int]
) -> tuple[list[Shared], Tensor]:
    """What the steps behind read of these groups, whose rows have `places` in `rows`; and the logits behind each prompt.

    Logits are [prompts, vocabulary], in the order of the groups' rows.
    """
    shares, logits, start = [], [], 0
    for run in passes(groups, PASS_TOKENS[model.device.type]):
        n_rows = sum(len(group.rows) for group in run)
        branch = Branch(head, run, model.device, rows=rows, places=places[start : start + n_rows])
        ends = branch.n_shared + placed(branch.row_lengths, model.device).cumsum(0) - 1
        began = spans.clock()
        logits.append(forward(model, branch, head.length, ends))
        tell_prefill(model.device.type, began, n_rows, sum(group.size for group in run))
        shares.append(branch.shared)
        start += n_rows
    return shares, torch.cat(logits)


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


def passes(groups: Sequence[Group], tokens: int) -> Iterator[list[Group]]:
    """The groups in runs of about this many tokens, at least one group each.

    What a run's groups share is kept as long as the longest of it: a run in which that would be much more than its tokens ends.
    """
    run: list[Group] = []
    held = longest = 0
    for group in groups:
        longest = max(longest, len(group.shared))
        if run and (held + group.size > tokens or (len(run) + 1) * longest > _PADDED * tokens):
            yield run
            run, held, longest = [], 0, len(group.shared)
        run.append(group)
        held += group.size
    if run:
        yield run
