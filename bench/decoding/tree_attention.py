"""Attention over a prefix tree: tokens stand packed in one row, and keys and values of a shared beginning are kept once.

A query reads the head, its group's part and its own row separately; the three results are merged by their log-sum-exp, which
gives the softmax over all keys. Source: Juravsky et al. 2024, "Hydragen" (arXiv:2402.05099); Milakov and Gimelshein 2018,
"Online normalizer calculation for softmax" (arXiv:1805.02867).

Shapes: T packed tokens, H query heads, K key-value heads, D numbers a head; n nodes of q queries and c keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol

import torch
from torch import Tensor

from bench.decoding.prefix_tree import Group

NAME = "bench_prefix_tree"
_TOLERANCE = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.1}


class Pass(Protocol):
    """One forward pass: which keys each packed token reads."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """The attention's result [T, H, D] for queries [T, H, D] and new keys and values [T, K, D]."""
        ...


def install(model: Any) -> str:
    """Let the model's attention layers ask the pass that a forward call is given as `tree`.

    Returns "" where the model then answers as it did before, else why it cannot, and leaves the model as it was.
    """
    from transformers import AttentionInterface

    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"]) - {"full_attention"}
    if kinds or (getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)):
        return f"its layers are of the kind {', '.join(sorted(kinds)) or 'sliding_attention'}"
    if not getattr(model, "_supports_attention_backend", False):
        return f"{type(model).__name__} takes no other attention"
    ids = torch.arange(1, 9, device=model.device)[None] % config.vocab_size
    before = model.config._attn_implementation
    with torch.inference_mode():
        expected = model(input_ids=ids, use_cache=False).logits
    AttentionInterface.register(NAME, _attention)
    model.set_attn_implementation(NAME)
    try:
        with torch.inference_mode():
            places = torch.arange(ids.shape[1], device=model.device)[None]
            found = model(input_ids=ids, position_ids=places, use_cache=False, tree=Head()).logits
    except (NotImplementedError, TypeError, AttributeError, KeyError) as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    else:
        worst = (found - expected).abs().max() / expected.abs().max()
        reason = "" if worst <= _TOLERANCE[model.dtype] else f"its answers change by {float(worst):.1%}"
    if reason:
        model.set_attn_implementation(before)
    return reason


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: None, *, scaling: float, tree: Pass, **other: Any
) -> tuple[Tensor, None]:
    """What transformers calls in each layer: heads come as [1, H, T, D] and leave as [1, T, H, D]."""
    if other.get("sliding_window") or other.get("softcap") or other.get("s_aux") is not None:
        raise NotImplementedError("the prefix tree has no sliding window, soft cap or attention sink")
    q, k, v = (heads[0].transpose(0, 1) for heads in (query, key, value))
    return tree.attend(module.layer_idx, q, k, v, scaling)[None], None


class Head:
    """The pass over what all prompts begin with; keeps its keys and values, which the other passes read."""

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Each token reads those before it."""
        self.keys.append(k[None])
        self.values.append(v[None])
        return _read(q[None], k[None], v[None], scale, causal=True)[0][0]

    def merged(self, layer: int, q: Tensor, out: Tensor, lse: Tensor, scale: float) -> Tensor:
        """`out` [T, H, D], with the head's keys read too."""
        if not self.keys:
            return out
        seen, weight = _read(q[None], self.keys[layer], self.values[layer], scale)
        return _merge(seen[0], weight[0], out, lse)[0]


class Branch:
    """The first pass over some groups, and their keys and values from then on; `room` is for tokens still to come a row.

    Packed are first the groups' shared tokens, then the rows' tokens. `row_mask` [rows, t, t] says which tokens of a row
    each of its tokens sees (True); without, those before it and itself.
    """

    def __init__(
        self, head: Head, groups: Sequence[Group], room: int, device: Any, row_mask: Tensor | None = None
    ) -> None:
        self.head, self.groups, self.room = head, groups, room
        rows = [row for group in groups for row in group.rows]
        self.shared_lengths = [len(group.shared) for group in groups]
        self.row_lengths = torch.tensor([len(row.tokens) for row in rows], device=device)
        self.n_shared = sum(self.shared_lengths)
        self.owner = [g for g, group in enumerate(groups) for _ in group.rows]
        row_lengths = [len(row.tokens) for row in rows]
        per_group = [sum(len(row.tokens) for row in group.rows) for group in groups]
        self.by_group, self.from_group = (places.to(device) for places in _padded(self.shared_lengths))
        self.by_row, self.from_row = (places.to(device) for places in _padded(row_lengths))
        self.asking, self.asked = (places.to(device) for places in _padded(per_group))
        self.shared_keys: list[Tensor] = []
        self.shared_values: list[Tensor] = []
        self.row_keys: list[Tensor] = []
        self.row_values: list[Tensor] = []
        self.row_mask = row_mask
        self.shared_mask: Tensor | None = None  # made with the first layer, when the dtype is known

    def shrink(self, rows: Sequence[int]) -> None:
        """Keep these rows only, and the groups that they need."""
        kept = sorted({self.owner[row] for row in rows})
        self.owner = [kept.index(self.owner[row]) for row in rows]
        some_rows = torch.tensor(rows, device=self.row_lengths.device)
        some_groups = torch.tensor(kept, device=self.row_lengths.device)
        self.row_lengths = self.row_lengths[some_rows]
        widest = int(self.row_lengths.max()) + self.room
        for layer in range(len(self.row_keys)):
            self.row_keys[layer] = self.row_keys[layer][some_rows, :widest]
            self.row_values[layer] = self.row_values[layer][some_rows, :widest]
        for layer in range(len(self.shared_keys)):
            self.shared_keys[layer] = self.shared_keys[layer][some_groups]
            self.shared_values[layer] = self.shared_values[layer][some_groups]
        if self.shared_mask is not None:
            self.shared_mask = self.shared_mask[some_groups]

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Shared tokens read those before them; the rows' tokens read their group's and their row's."""
        n = self.n_shared
        own = self._rows(k[n:], v[n:])
        mask = None if self.row_mask is None else _additive(self.row_mask[:, None], q.dtype)
        out, lse = _read(q[n:][self.by_row], *own, scale, mask=mask, causal=mask is None)
        out, lse = _packed(out, self.from_row), _packed(lse, self.from_row)
        if n:
            keys, values = k[:n][self.by_group], v[:n][self.by_group]
            if self.room:
                self.shared_keys.append(keys)
                self.shared_values.append(values)
            if self.shared_mask is None:
                lengths = torch.tensor(self.shared_lengths, device=q.device)
                self.shared_mask = _up_to(lengths, keys.shape[1], q.dtype)
            first = _read(q[:n][self.by_group], keys, values, scale, causal=True)
            seen, weight = _read(q[n:][self.asking], keys, values, scale, mask=self.shared_mask)
            out, lse = _merge(out, lse, _packed(seen, self.asked), _packed(weight, self.asked))
            out = torch.cat([_packed(first[0], self.from_group), out])
            lse = torch.cat([_packed(first[1], self.from_group), lse])
        return self.head.merged(layer, q, out, lse, scale)

    def _rows(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """The rows' keys and values [rows, t, K, D], kept with room for the tokens to come."""
        found = k[self.by_row], v[self.by_row]
        if self.room:
            for kept, new in zip((self.row_keys, self.row_values), found, strict=True):
                rows, t, heads, size = new.shape
                kept.append(new.new_zeros(rows, t + self.room, heads, size))
                kept[-1][:, :t] = new
        return found


class Step:
    """A pass with one new token for each of some rows; `active` are, for each branch, the rows of it that go on."""

    def __init__(self, head: Head, branches: Sequence[Branch], active: Sequence[list[int]]) -> None:
        self.head = head
        ends = list(accumulate(map(len, active)))
        self.parts = [
            _BranchStep(branch, rows, slice(end - len(rows), end))
            for branch, rows, end in zip(branches, active, ends, strict=True)
            if rows
        ]

    def advance(self) -> None:
        """Make room for the next token of the same rows."""
        for part in self.parts:
            part.advance()

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Each token reads the head, its group's part and its row."""
        found = [part.attend(layer, q[part.span], k[part.span], v[part.span], scale) for part in self.parts]
        out, lse = (torch.cat(pieces) if len(pieces) > 1 else pieces[0] for pieces in zip(*found, strict=True))
        return self.head.merged(layer, q, out, lse, scale)


class _BranchStep:
    """The part of a step that belongs to one branch."""

    def __init__(self, branch: Branch, rows: list[int], span: slice) -> None:
        self.branch, self.span = branch, span
        device = branch.row_lengths.device
        self.rows = torch.tensor(rows, device=device)
        n_rows = len(branch.owner)
        place = torch.zeros(n_rows, dtype=torch.long, device=device)
        place[self.rows] = torch.arange(len(rows), device=device)
        self.by_row = place[:, None]  # rows that are finished read along with the first; nobody looks at what they get
        counts = [0] * (max(branch.owner) + 1)
        for row in rows:
            counts[branch.owner[row]] += 1
        self.asking, self.asked = (places.to(device) for places in _padded(counts))
        self._lay_out()

    def _lay_out(self) -> None:
        lengths = self.branch.row_lengths
        self.slots = lengths[self.rows]
        self.width = int(self.slots.max()) + 1
        self.mask: Tensor | None = None

    def advance(self) -> None:
        self.branch.row_lengths[self.rows] += 1
        self._lay_out()

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        branch = self.branch
        keys, values = branch.row_keys[layer], branch.row_values[layer]
        keys[self.rows, self.slots], values[self.rows, self.slots] = k, v
        if self.mask is None:
            self.mask = _up_to(branch.row_lengths + 1, self.width, q.dtype)
        width = self.width
        out, lse = _read(q[self.by_row], keys[:, :width], values[:, :width], scale, mask=self.mask)
        out, lse = out[self.rows, 0], lse[self.rows, 0]
        if branch.n_shared:
            shared = branch.shared_keys[layer], branch.shared_values[layer]
            seen, weight = _read(q[self.asking], *shared, scale, mask=branch.shared_mask)
            out, lse = _merge(out, lse, _packed(seen, self.asked), _packed(weight, self.asked))
        return out, lse


def _padded(lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Packed items of these lengths as a padded table: the item at each place [n, longest], and the place of each item.

    >>> [places.tolist() for places in _padded([2, 1])]
    [[[0, 1], [2, 2]], [0, 1, 2]]
    """
    longest, total = max(lengths), sum(lengths)
    sizes = torch.tensor(lengths)
    starts = sizes.cumsum(0) - sizes
    inside = torch.arange(longest)
    items = (starts[:, None] + inside).clamp(max=max(total - 1, 0))
    places = (torch.arange(len(lengths))[:, None] * longest + inside)[inside < sizes[:, None]]
    return items, places


def _packed(padded: Tensor, places: Tensor) -> Tensor:
    """Of [n, q, ...], what stands at these places, packed: [items, ...]."""
    return padded.flatten(0, 1)[places]


def _additive(sees: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros(sees.shape, dtype=dtype, device=sees.device).masked_fill(~sees, torch.finfo(dtype).min)


def _up_to(lengths: Tensor, width: int, dtype: torch.dtype) -> Tensor:
    """A mask [n, 1, 1, width] that lets each node's first `lengths` keys through."""
    return _additive((torch.arange(width, device=lengths.device) < lengths[:, None])[:, None, None], dtype)


def _read(
    q: Tensor, k: Tensor, v: Tensor, scale: float, *, mask: Tensor | None = None, causal: bool = False
) -> tuple[Tensor, Tensor]:
    """Attention of [n, q, H, D] over keys and values [n, c, K, D], and the log-sum-exp of its scores [n, q, H]."""
    q, k, v = (heads.transpose(1, 2) for heads in (q, k, v))
    if q.device.type != "cpu":
        out, lse = plain_attention(q, k, v, scale, mask=mask, causal=causal)
        return out.transpose(1, 2), lse.transpose(1, 2)
    n, heads, asked, size = q.shape
    if not causal and (mask is None or mask.shape[2] == 1):
        # Query heads of one key head as further queries of it: the kernel lays out keys once for each head it sees.
        q = q.reshape(n, k.shape[1], -1, size)
    flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    out, lse = flash(q, k, v, 0.0, causal, attn_mask=mask, scale=scale)
    return out.reshape(n, heads, asked, size).transpose(1, 2), lse.reshape(n, heads, asked).transpose(1, 2)


def plain_attention(
    q: Tensor, k: Tensor, v: Tensor, scale: float, *, mask: Tensor | None = None, causal: bool = False
) -> tuple[Tensor, Tensor]:
    """The same by its definition, for devices without a kernel that tells its log-sum-exp: [n, H, q, D], [n, H, q]."""
    n, heads, asked, size = q.shape
    grouped = q.reshape(n, k.shape[1], -1, asked, size)
    scores = (grouped @ k[:, :, None].transpose(-1, -2)).float() * scale
    if mask is not None:
        scores = scores + mask[:, :, None]
    if causal:
        hidden = torch.ones(asked, k.shape[2], dtype=torch.bool, device=q.device).triu(1)
        scores = scores.masked_fill(hidden, float("-inf"))
    lse = scores.logsumexp(-1)
    out = (scores - lse[..., None]).exp().to(v.dtype) @ v[:, :, None]
    return out.reshape(n, heads, asked, size), lse.reshape(n, heads, asked)


def _merge(a: Tensor, a_lse: Tensor, b: Tensor, b_lse: Tensor) -> tuple[Tensor, Tensor]:
    """Two results [..., D] over different keys as the one over both: each weighs what its keys' softmax weighs."""
    share = torch.sigmoid(b_lse - a_lse)[..., None].to(a.dtype)
    return torch.lerp(a, b, share), torch.logaddexp(a_lse, b_lse)
