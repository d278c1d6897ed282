"""Attention over a prefix tree: tokens stand packed in one row, and keys and values of a shared beginning are kept once.

A query reads the head, its group's part and its own row separately; the three results are merged by their log-sum-exp, which
gives the softmax over all keys. Source: Juravsky et al. 2024, "Hydragen" (arXiv:2402.05099); Milakov and Gimelshein 2018,
"Online normalizer calculation for softmax" (arXiv:1805.02867).

Shapes: T packed tokens, H query heads, K key-value heads, D numbers a head; n nodes of q queries and c keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import torch
from torch import Tensor

from bench.decoding.prefix_tree import Group

_FEW_SCORES = 8 << 20  # 16 MB in bfloat16: about what the processor's cache holds


class Pass(Protocol):
    """One forward pass: which keys each packed token reads."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """The attention's result [T, H, D] for queries [T, H, D] and new keys and values [T, K, D]."""
        ...


class Head:
    """A pass over what all prompts begin with, or the next tokens of it; keeps keys and values, which the other passes read."""

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return self.keys[0].shape[1] if self.keys else 0

    def beginning(self, length: int) -> Head:
        """Its first tokens, as a head of their own."""
        found = Head()
        if length:
            found.keys = [keys[:, :length] for keys in self.keys]
            found.values = [values[:, :length] for values in self.values]
        return found

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Each token reads those before it."""
        k, v = k[None], v[None]
        out, lse = (found[0] for found in _read(q[None], k, v, scale, causal=True))
        if layer == len(self.keys):
            self.keys.append(k)
            self.values.append(v)
            return out
        out = self.merged(layer, q, out, lse, scale)
        self.keys[layer] = torch.cat([self.keys[layer], k], 1)
        self.values[layer] = torch.cat([self.values[layer], v], 1)
        return out

    def merged(self, layer: int, q: Tensor, out: Tensor, lse: Tensor, scale: float) -> Tensor:
        """`out` [T, H, D], with the head's keys read too."""
        if not self.keys:
            return out
        seen, weight = _read(q[None], self.keys[layer], self.values[layer], scale)
        return _merge(seen[0], weight[0], out, lse)[0]


class Rows:
    """Keys and values of the rows' own tokens, from the first pass on: [rows, slots, K, D] a layer; `lengths` are in use.

    `known` are the same lengths as numbers: a number that is read from a GPU waits for all that was handed to it before.
    """

    def __init__(self, lengths: Sequence[int], room: int, device: Any) -> None:
        self.known = list(lengths)
        self.lengths = placed(self.known, device)
        self.slots = max(lengths) + room
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def put(self, layer: int, rows: slice, k: Tensor, v: Tensor) -> None:
        """Keep what these rows begin with: [rows, t, K, D]."""
        if layer == len(self.keys):
            for kept, new in ((self.keys, k), (self.values, v)):
                kept.append(new.new_zeros(len(self.lengths), self.slots, *new.shape[2:]))
        self.keys[layer][rows, : k.shape[1]], self.values[layer][rows, : v.shape[1]] = k, v

    def keep(self, rows: Sequence[int], room: int) -> None:
        """Let go of all other rows, and of slots that these will not need."""
        kept = placed(rows, self.lengths.device)
        self.known = [self.known[row] for row in rows]
        self.lengths = self.lengths[kept]
        self.slots = min(self.slots, max(self.known) + room)
        for layer in range(len(self.keys)):
            self.keys[layer] = self.keys[layer][kept, : self.slots]
            self.values[layer] = self.values[layer][kept, : self.slots]


class Branch:
    """The first pass over some groups; keeps their shared keys and values, and its rows' in `rows` where there are some.

    Packed are first the groups' shared tokens, then the rows' tokens. `row_mask` [rows, t, t] says which tokens of a row
    each of its tokens sees (True); without, those before it and itself. `span` is where its rows stand in `rows`.
    """

    def __init__(
        self,
        head: Head,
        groups: Sequence[Group],
        device: Any,
        *,
        row_mask: Tensor | None = None,
        rows: Rows | None = None,
        span: slice = slice(0),
    ) -> None:
        self.head, self.groups, self.rows, self.span, self.row_mask = head, groups, rows, span, row_mask
        self.shared_lengths = [len(group.shared) for group in groups]
        self.row_lengths = [len(row.tokens) for group in groups for row in group.rows]
        self.n_shared = sum(self.shared_lengths)
        self.owner = [g for g, group in enumerate(groups) for _ in group.rows]
        per_group = [sum(len(row.tokens) for row in group.rows) for group in groups]
        self.by_group, self.from_group = (placed(places, device) for places in _padded(self.shared_lengths))
        self.by_row, self.from_row = (placed(places, device) for places in _padded(self.row_lengths))
        self.asking, self.asked = (placed(places, device) for places in _padded(per_group))
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.mask: Tensor | None = None  # of the shared keys; made with the first layer, when the dtype is known

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Shared tokens read those before them; the rows' tokens read their group's and their row's."""
        n = self.n_shared
        own = k[n:][self.by_row], v[n:][self.by_row]
        if self.rows is not None:
            self.rows.put(layer, self.span, *own)
        mask = None if self.row_mask is None else _additive(self.row_mask[:, None], q.dtype)
        out, lse = _read(q[n:][self.by_row], *own, scale, mask=mask, causal=mask is None)
        out, lse = _packed(out, self.from_row), _packed(lse, self.from_row)
        if n:
            keys, values = (_by_head(kept[:n][self.by_group]) for kept in (k, v))
            if self.rows is not None:
                self.keys.append(keys)
                self.values.append(values)
            if self.mask is None:
                self.mask = _up_to(placed(self.shared_lengths, q.device), keys.shape[1], q.dtype)
            first = _read(q[:n][self.by_group], keys, values, scale, causal=True)
            seen, weight = _read(q[n:][self.asking], keys, values, scale, mask=self.mask)
            out, lse = _merge(out, lse, _packed(seen, self.asked), _packed(weight, self.asked))
            out = torch.cat([_packed(first[0], self.from_group), out])
            lse = torch.cat([_packed(first[1], self.from_group), lse])
        return self.head.merged(layer, q, out, lse, scale)

    def keep(self, owner: list[int]) -> None:
        """Let go of the groups that none of the rows that go on belongs to; `owner` is each one's group."""
        kept = sorted(set(owner))
        self.owner = [kept.index(group) for group in owner]
        if self.keys and len(kept) < len(self.keys[0]):
            groups = placed(kept, self.keys[0].device)
            self.keys = [keys[groups] for keys in self.keys]
            self.values = [values[groups] for values in self.values]
            self.mask = self.mask[groups] if self.mask is not None else None

    def shared(self, layer: int, q: Tensor, asking: Tensor, asked: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        """What one token a row gets from its group's shared keys: [rows, H, D] and its log-sum-exp [rows, H]."""
        if not self.n_shared:
            return torch.zeros_like(q), q.new_full(q.shape[:2], float("-inf"), dtype=torch.float32)
        seen, weight = _read(q[asking], self.keys[layer], self.values[layer], scale, mask=self.mask)
        return _packed(seen, asked), _packed(weight, asked)


class Step:
    """A pass with one new token for each of some rows; `active` are their places in `rows`, branch after branch."""

    def __init__(self, head: Head, branches: Sequence[Branch], rows: Rows, active: Sequence[int]) -> None:
        self.head, self.rows = head, rows
        device = rows.lengths.device
        self.places = list(active)
        self.active = placed(self.places, device)
        place = torch.zeros(len(rows.lengths), dtype=torch.long, device=device)
        place[self.active] = torch.arange(len(active), device=device)
        self.by_row = place[:, None]  # rows that are finished read along with the first; nobody looks at what they get
        self.parts: list[tuple[Branch, int, Tensor, Tensor]] = []
        for branch in branches:
            counts = [0] * (max(branch.owner, default=0) + 1)
            for group in branch.owner:
                counts[group] += 1
            if branch.owner:
                asking, asked = (placed(places, device) for places in _padded(counts))
                self.parts.append((branch, len(branch.owner), asking, asked))
        self._lay_out()

    def _lay_out(self) -> None:
        self.ends = self.rows.lengths[self.active]
        self.width = max(self.rows.known[place] for place in self.places) + 1
        self.mask: Tensor | None = None

    def advance(self) -> None:
        """Make room for the next token of the same rows."""
        self.rows.lengths[self.active] += 1
        for place in self.places:
            self.rows.known[place] += 1
        self._lay_out()

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Each token reads the head, its group's part and its row."""
        keys, values = self.rows.keys[layer], self.rows.values[layer]
        keys[self.active, self.ends], values[self.active, self.ends] = k, v
        if self.mask is None:
            self.mask = _up_to(self.rows.lengths + 1, self.width, q.dtype)
        out, lse = _read(q[self.by_row], keys[:, : self.width], values[:, : self.width], scale, mask=self.mask)
        found, start = [], 0
        for branch, n, asking, asked in self.parts:
            found.append(branch.shared(layer, q[start : start + n], asking, asked, scale))
            start += n
        seen, weight = (torch.cat(pieces) for pieces in zip(*found, strict=True))
        out, lse = _merge(out[self.active, 0], lse[self.active, 0], seen, weight)
        return self.head.merged(layer, q, out, lse, scale)


def placed(numbers: Sequence[int] | Tensor, device: Any) -> Tensor:
    """The numbers on the device; to a GPU from memory that does not move, so that nothing waits for the copy."""
    found = numbers if isinstance(numbers, Tensor) else torch.tensor(numbers, dtype=torch.long)
    return found.pin_memory().to(device, non_blocking=True) if torch.device(device).type == "cuda" else found.to(device)


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


def _by_head(kept: Tensor) -> Tensor:
    """Of [n, c, K, D] the same, laid out head by head as it is read at each step."""
    return kept.transpose(1, 2).contiguous().transpose(1, 2)


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
    if q.dtype == torch.bfloat16 and n * heads * asked * k.shape[2] <= _FEW_SCORES and not _has_matrix_unit():
        out, lse = by_products(q, k, v, scale, mask=mask, causal=causal)
        return out.transpose(1, 2), lse.transpose(1, 2)
    if not causal and (mask is None or mask.shape[2] == 1):
        # Query heads of one key head as further queries of it: the kernel lays out keys once for each head it sees.
        q = q.reshape(n, k.shape[1], -1, size)
    elif k.shape[1] != heads and not _shares_key_heads():
        k, v = (kept.repeat_interleave(heads // kept.shape[1], 1) for kept in (k, v))
    out, lse = _flash()(q, k, v, 0.0, causal, attn_mask=mask, scale=scale)
    return out.reshape(n, heads, asked, size).transpose(1, 2), lse.reshape(n, heads, asked).transpose(1, 2)


def _flash() -> Any:
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


@lru_cache
def _shares_key_heads() -> bool:
    """Whether the kernel takes fewer key heads than query heads; that of torch 2.6 reads on in memory, without a word.

    Tried on the first two of four heads that lie one behind the other, so that it reads what is ours either way.
    """
    kept = torch.arange(4.0, device="cpu").view(1, 4, 1, 1).expand(1, 4, 1, 16).contiguous()
    out, _ = _flash()(torch.ones_like(kept), kept[:, :2], kept[:, :2], 0.0, False)
    return bool((out[0, :, 0, 0] == kept[0, [0, 0, 1, 1], 0, 0]).all())


@lru_cache
def _has_matrix_unit() -> bool:
    """Whether the processor has one for bfloat16, which the kernel was measured to use well."""
    found: bool = torch.cpu._is_amx_tile_supported()
    return found


def by_products(
    q: Tensor, k: Tensor, v: Tensor, scale: float, *, mask: Tensor | None = None, causal: bool = False
) -> tuple[Tensor, Tensor]:
    """The same with all scores at once: where they are few, half the time of the kernel, which lays keys out for each head."""
    n, heads, asked, size = q.shape
    kinds, there = k.shape[1], k.shape[2]
    folded = (q * scale).reshape(n * kinds, -1, size)
    scores = (folded @ k.reshape(n * kinds, there, size).transpose(1, 2)).view(n, heads, asked, there)
    if mask is not None:
        scores += mask
    if causal:
        scores += torch.full((asked, there), float("-inf"), dtype=q.dtype, device=q.device).triu_(1)
    shares = scores.softmax(-1)
    # The largest share is exp(largest score - lse), and never small.
    lse = scores.amax(-1).float() - shares.amax(-1).float().log()
    out = shares.view(n * kinds, -1, there) @ v.reshape(n * kinds, there, -1)
    return out.view(n, heads, asked, -1), lse


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
