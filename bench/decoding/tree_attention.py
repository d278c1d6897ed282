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
from torch.nn.functional import pad

from bench.decoding.prefix_tree import Group

_USED = 0.5  # of the slots, at least: those of a long row that has ended are else kept from rows that could join
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
    """Keys and values of the rows' own tokens, from the first pass on: [places, slots, K, D] a layer; `lengths` are in use.

    `known` are the same lengths as numbers: a number that is read from a GPU waits for all that was handed to it before.
    """

    def __init__(self, device: Any) -> None:
        self.device = device
        self.known: list[int] = []
        self.lengths = placed([], device)
        self.slots = 0
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def size(self, rows: int, slots: int) -> int:
        """How many tokens it would hold with so many rows, the longest of which needs so many slots."""
        return len(self.known) * self.slots if self._fit(rows, slots) else rows * slots

    def join(self, active: Sequence[int], lengths: Sequence[int], slots: int) -> tuple[list[int], list[int]]:
        """Places for new rows of these lengths beside the `active` ones: where these are now, and the new.

        The longest of all needs so many slots. New rows get the places of those that are finished; where these do not do, or are
        far too long, all is laid out anew.
        """
        n_new = len(lengths)
        if not self._fit(len(active) + n_new, slots):
            self.keep(active, slots)
            active = range(len(active))
            self._grow(len(active) + n_new, slots)
        used = set(active)
        new = [place for place in range(len(self.known)) if place not in used][:n_new]
        for place, length in zip(new, lengths, strict=True):
            self.known[place] = length
        self.lengths = placed(self.known, self.device)
        return list(active), new

    def put(self, layer: int, places: Tensor, k: Tensor, v: Tensor) -> None:
        """Keep what these rows begin with: [rows, t, K, D]."""
        if layer == len(self.keys):
            for kept, new in ((self.keys, k), (self.values, v)):
                kept.append(new.new_zeros(len(self.known), self.slots, *new.shape[2:]))
        self.keys[layer][places, : k.shape[1]], self.values[layer][places, : v.shape[1]] = k, v

    def _fit(self, rows: int, slots: int) -> bool:
        return rows <= len(self.known) and _USED * self.slots <= slots <= self.slots

    def keep(self, rows: Sequence[int], slots: int) -> None:
        """Let go of all other rows, and of slots beyond so many, which these will not need."""
        kept = placed(rows, self.device)
        self.known = [self.known[row] for row in rows]
        self.lengths = self.lengths[kept]
        self.slots = min(self.slots, slots)
        for layer in range(len(self.keys)):
            self.keys[layer] = self.keys[layer][kept, : self.slots]
            self.values[layer] = self.values[layer][kept, : self.slots]

    def _grow(self, rows: int, slots: int) -> None:
        before, self.slots = self.slots, max(self.slots, slots)
        more = rows - len(self.known)
        self.known += [0] * more
        for kept in (self.keys, self.values):
            for layer, there in enumerate(kept):
                kept[layer] = pad(there, (0, 0, 0, 0, 0, self.slots - before, 0, more))


class Shared:
    """What the first pass over some groups leaves to the steps behind it: the groups' shared keys, and whose they are.

    `owner` is the group of each of its rows that go on, in their order; keys and values are [groups, c, K, D] a layer.
    """

    def __init__(self, head: Head, owner: Sequence[int], lengths: Sequence[int], device: Any) -> None:
        self.head, self.owner, self.lengths, self.device = head, list(owner), list(lengths), device
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.mask: Tensor | None = None  # made with the first layer, when the dtype is known

    @property
    def width(self) -> int:
        """Tokens of the longest group that there was: keys and values are padded to it."""
        return self.keys[0].shape[1] if self.keys else max(self.lengths, default=0)

    @property
    def size(self) -> int:
        """How many tokens' keys it keeps."""
        return len(self.lengths) * self.width

    def put(self, keys: Tensor, values: Tensor) -> None:
        """Keep the next layer's."""
        self.keys.append(keys)
        self.values.append(values)

    def seen(self, dtype: torch.dtype) -> Tensor:
        """The mask [groups, 1, 1, c] that lets each group's own keys through."""
        if self.mask is None:
            self.mask = _up_to(placed(self.lengths, self.device), self.width, dtype)
        return self.mask

    def keep(self, owner: Sequence[int]) -> None:
        """Let go of the groups that none of the rows that go on belongs to; `owner` is each one's group."""
        kept = sorted(set(owner))
        self.owner = [kept.index(group) for group in owner]
        if len(kept) == len(self.lengths):
            return
        self.lengths = [self.lengths[group] for group in kept]
        if self.keys:
            groups = placed(kept, self.device)
            self.keys = [keys[groups] for keys in self.keys]
            self.values = [values[groups] for values in self.values]
            self.mask = self.mask[groups] if self.mask is not None else None

    def absorb(self, other: Shared) -> None:
        """Take over another's groups and rows, behind its own: one read a layer instead of two. Both have the same head."""
        n, width = len(self.lengths), max(self.width, other.width)
        self.owner += [n + group for group in other.owner]
        for mine, its in ((self.keys, other.keys), (self.values, other.values)):
            both = zip(mine, its, strict=True)
            mine[:] = [_by_head(torch.cat([_wide(a, width), _wide(b, width)])) for a, b in both]
        self.lengths += other.lengths
        self.mask = None

    def asked(self, layer: int, q: Tensor, asking: Tensor, asked: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        """What one token a row gets from its group's shared keys: [rows, H, D] and its log-sum-exp [rows, H]."""
        if not self.keys:
            return torch.zeros_like(q), q.new_full(q.shape[:2], float("-inf"), dtype=torch.float32)
        seen, weight = _read(q[asking], self.keys[layer], self.values[layer], scale, mask=self.seen(q.dtype))
        return _packed(seen, asked), _packed(weight, asked)


class Branch:
    """The first pass over some groups; keeps the shared keys and values in `shared`, and its rows' in `rows` where there are some.

    Packed are first the groups' shared tokens, then the rows' tokens. `row_mask` [rows, t, t] says which tokens of a row
    each of its tokens sees (True); without, those before it and itself. `places` are those of its rows in `rows`.
    """

    def __init__(
        self,
        head: Head,
        groups: Sequence[Group],
        device: Any,
        *,
        row_mask: Tensor | None = None,
        rows: Rows | None = None,
        places: Sequence[int] = (),
    ) -> None:
        self.head, self.groups, self.rows, self.row_mask = head, groups, rows, row_mask
        self.shared_lengths = [len(group.shared) for group in groups]
        self.row_lengths = [len(row.tokens) for group in groups for row in group.rows]
        self.n_shared = sum(self.shared_lengths)
        self.shared = Shared(
            head, [g for g, group in enumerate(groups) for _ in group.rows], self.shared_lengths, device
        )
        per_group = [sum(len(row.tokens) for row in group.rows) for group in groups]
        self.places = placed(places, device)
        self.by_group, self.from_group = (placed(items, device) for items in _padded(self.shared_lengths))
        self.by_row, self.from_row = (placed(items, device) for items in _padded(self.row_lengths))
        self.asking, self.asked = (placed(items, device) for items in _padded(per_group))

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Shared tokens read those before them; the rows' tokens read their group's and their row's."""
        n = self.n_shared
        own = k[n:][self.by_row], v[n:][self.by_row]
        if self.rows is not None:
            self.rows.put(layer, self.places, *own)
        mask = None if self.row_mask is None else _additive(self.row_mask[:, None], q.dtype)
        out, lse = _read(q[n:][self.by_row], *own, scale, mask=mask, causal=mask is None)
        out, lse = _packed(out, self.from_row), _packed(lse, self.from_row)
        if n:
            keys, values = (_by_head(kept[:n][self.by_group]) for kept in (k, v))
            if self.rows is not None:
                self.shared.put(keys, values)
            first = _read(q[:n][self.by_group], keys, values, scale, causal=True)
            seen, weight = _read(q[n:][self.asking], keys, values, scale, mask=self.shared.seen(q.dtype))
            out, lse = _merge(out, lse, _packed(seen, self.asked), _packed(weight, self.asked))
            out = torch.cat([_packed(first[0], self.from_group), out])
            lse = torch.cat([_packed(first[1], self.from_group), lse])
        return self.head.merged(layer, q, out, lse, scale)


class Step:
    """A pass with one new token for each of some rows; `active` are their places in `rows`, in the order of `shares`' rows."""

    def __init__(self, shares: Sequence[Shared], rows: Rows, active: Sequence[int]) -> None:
        self.rows = rows
        device = rows.device
        self.places = list(active)
        self.active = placed(self.places, device)
        place = torch.zeros(len(rows.known), dtype=torch.long, device=device)
        place[self.active] = torch.arange(len(active), device=device)
        self.by_row = place[:, None]  # places of no row read along with the first; nobody looks at what they get
        self.parts: list[tuple[Shared, slice, Tensor, Tensor]] = []
        self.heads: list[tuple[Head, slice]] = []  # neighbours with the same head read it together
        start = 0
        for share in shares:
            counts = [0] * len(share.lengths)
            for group in share.owner:
                counts[group] += 1
            asking, asked = (placed(places, device) for places in _padded(counts))
            mine = slice(start, start + len(share.owner))
            self.parts.append((share, mine, asking, asked))
            if self.heads and self.heads[-1][0] is share.head:
                mine = slice(self.heads.pop()[1].start, mine.stop)
            self.heads.append((share.head, mine))
            start = mine.stop
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
        """Each token reads its head, its group's part and its row."""
        keys, values = self.rows.keys[layer], self.rows.values[layer]
        keys[self.active, self.ends], values[self.active, self.ends] = k, v
        if self.mask is None:
            self.mask = _up_to(self.rows.lengths + 1, self.width, q.dtype)
        out, lse = _read(q[self.by_row], keys[:, : self.width], values[:, : self.width], scale, mask=self.mask)
        found = [share.asked(layer, q[mine], asking, asked, scale) for share, mine, asking, asked in self.parts]
        seen, weight = (torch.cat(pieces) for pieces in zip(*found, strict=True))
        out, lse = _merge(out[self.active, 0], lse[self.active, 0], seen, weight)
        return torch.cat([head.merged(layer, q[mine], out[mine], lse[mine], scale) for head, mine in self.heads])


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


def _wide(kept: Tensor, width: int) -> Tensor:
    """Of [n, c, K, D] the same with zeros up to `width` keys."""
    return pad(kept, (0, 0, 0, 0, 0, width - kept.shape[1]))


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
